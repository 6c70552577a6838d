//! Reports: the values a program sends to its algorithm, read in place.

use std::fmt;

use ccp_wire::{ProgramUid, U64s};

use crate::Scope;

/// One report of a flow's program, borrowed from the datagram it came in.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    program_uid: ProgramUid,
    fields: U64s<'a>,
    from: &'a dyn fmt::Debug,
}

impl<'a> Report<'a> {
    pub(crate) fn new(program_uid: ProgramUid, fields: U64s<'a>, from: &'a dyn fmt::Debug) -> Self {
        Self {
            program_uid,
            fields,
            from,
        }
    }

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
            return Err(ReportError::Stale {
                report: self.program_uid,
                scope: field.program_uid,
            });
        }
        self.fields.get(field.index).ok_or(ReportError::TooShort {
            index: field.index,
            fields: self.fields.len(),
        })
    }

    /// The value of the report variable `name`, such as `Report.acked`.
    ///
    /// # Errors
    /// As [`Report::get`], and when the scope has no such report variable.
    pub fn get_field(&self, name: &str, scope: &Scope) -> Result<u64, ReportError> {
        if scope.program_uid() != self.program_uid {
            return Err(ReportError::Stale {
                report: self.program_uid,
                scope: scope.program_uid(),
            });
        }
        match scope.field(name) {
            Some(field) => self.get(field),
            None if scope.contains(name) => Err(ReportError::NotReported { name: name.into() }),
            None => Err(ReportError::UnknownField { name: name.into() }),
        }
    }

    /// All values in the order in which the program declares them.
    pub fn fields(&self) -> impl Iterator<Item = u64> + 'a {
        self.fields.iter()
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("program_uid", &self.program_uid)
            .field("from", &self.from)
            .field("fields", &self.fields().collect::<Vec<_>>())
            .finish()
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
    /// The report was sent by another program than the one the field belongs to.
    #[error("the report is of program {report}, the scope of program {scope}")]
    Stale {
        /// The program that sent the report.
        report: ProgramUid,
        /// The program asked for.
        scope: ProgramUid,
    },
    /// The datapath sent fewer values than the program has report variables.
    #[error("the report has {fields} values, none at index {index}")]
    TooShort {
        /// The index of the variable.
        index: usize,
        /// How many values came.
        fields: usize,
    },
    /// The program has no variable of this name.
    #[error("the program has no variable `{name}`")]
    UnknownField {
        /// The name asked for.
        name: String,
    },
    /// The variable exists, but reports do not carry it.
    #[error("`{name}` is not a report variable")]
    NotReported {
        /// The name asked for.
        name: String,
    },
}
