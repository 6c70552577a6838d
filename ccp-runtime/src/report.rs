//! Reports: the values a program sends to its algorithm, read in place.

use std::fmt;

use ccp_lang::NameError;
use ccp_wire::{ProgramUid, U64s};

use crate::Scope;

/// One report of a flow's program, borrowed from the datagram it came in.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub(crate) program_uid: ProgramUid,
    pub(crate) fields: U64s<'a>,
    pub(crate) from: &'a dyn fmt::Debug,
}

impl<'a> Report<'a> {
    /// The program that sent it.
    pub fn program_uid(&self) -> ProgramUid {
        self.program_uid
    }

    /// The address of the datapath, for people: it implements only `Debug`.
    pub fn from(&self) -> &'a dyn fmt::Debug {
        self.from
    }

    /// The value of a field that was looked up before with [`Scope::field`]. Neither looks up a
    /// name nor allocates.
    ///
    /// # Errors
    /// [`ReportError::Stale`] when another program sent the report, as happens for a round trip
    /// after a change of program; [`ReportError::TooShort`] when the datapath left the field out.
    #[inline]
    pub fn get(&self, field: ReportField) -> Result<u64, ReportError> {
        if field.program_uid != self.program_uid {
            return Err(ReportError::Stale(self.program_uid, field.program_uid));
        }
        let value = self.fields.get(field.index);
        value.ok_or(ReportError::TooShort(field.index, self.fields.len()))
    }

    /// The value of the report variable `name`, such as `Report.acked`.
    ///
    /// # Errors
    /// As [`Report::get`], and when the scope has no such report variable.
    pub fn get_field(&self, name: &str, scope: &Scope) -> Result<u64, ReportError> {
        self.get(scope.report_field(name)?)
    }

    /// All values in the order in which the program declares them.
    pub fn fields(&self) -> impl Iterator<Item = u64> + 'a {
        self.fields.iter()
    }
}

/// The place of one variable in a program's reports, from [`Scope::field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportField {
    pub(crate) program_uid: ProgramUid,
    pub(crate) index: usize,
}

/// Why a report has no value to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The report is of the first program, the scope or field of the second.
    #[error("the report is of program {0}, the scope of program {1}")]
    Stale(ProgramUid, ProgramUid),
    /// Nothing came at this index: the datapath sent so many values.
    #[error("the report has no value at index {0}, only {1} values")]
    TooShort(usize, usize),
    /// The program has no report variable of this name.
    #[error(transparent)]
    Name(#[from] NameError),
}
