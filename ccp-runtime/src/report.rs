//! Reports: the values a program sends to its algorithm, read in place.

use std::fmt;

use ccp_lang::{FromReport, NameError};
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

    /// What was looked up before, a struct's fields with [`Scope::fields`] or a single one with
    /// [`Scope::field`]. Neither looks up a name nor allocates.
    ///
    /// # Errors
    /// [`ReportError::Stale`] when another program sent the report, as happens for a round trip
    /// after a change of program; [`ReportError::TooShort`] when the datapath left a field out.
    #[inline]
    pub fn get<T: FromReport>(&self, fields: Fields<T>) -> Result<T, ReportError> {
        if fields.program_uid != self.program_uid {
            return Err(ReportError::Stale(self.program_uid, fields.program_uid));
        }
        let value = |at| self.fields.get(at).ok_or(ReportError::TooShort(at, self.fields.len()));
        T::read(fields.places, &value)
    }

    /// The value of the report variable `name`, such as `Report.acked`.
    ///
    /// # Errors
    /// As [`Report::get`], and when the scope has no such report variable.
    pub fn get_field(&self, name: &str, scope: &Scope) -> Result<u64, ReportError> {
        self.get(scope.field(name)?)
    }

    /// All values in the order in which the program declares them.
    pub fn fields(&self) -> impl Iterator<Item = u64> + 'a {
        self.fields.iter()
    }
}

/// Where the values of a `T` are in a program's reports, from [`Scope::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<T: FromReport> {
    pub(crate) program_uid: ProgramUid,
    pub(crate) places: T::Places,
}

/// The place of one variable in a program's reports, from [`Scope::field`].
pub type ReportField = Fields<u64>;

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
