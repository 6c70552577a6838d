//! Programs for datapaths that do not all fill the same primitives.
//!
//! Knows nothing of how a datapath says what it can.

use thiserror::Error;

use crate::code::Records;
use crate::diag::Diagnostics;
use crate::machine::Program;
use crate::primitive::Primitive;
use crate::scope::Scope;

/// A program compiled for datapaths of which some lack primitives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Portable {
    /// What to install, depending on the datapath.
    pub forms: Forms,
    /// What its names stand for, the same in each form.
    pub scope: Scope,
    /// What is odd about it.
    pub warnings: Diagnostics,
}

/// One program in two forms: for a datapath that fills every primitive it reads, and with stand-ins
/// for those that libccp does not know. Mostly the two are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forms {
    full: Form,
    plain: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    records: Records,
    /// The primitives it reads.
    reads: u64,
}

/// Why a datapath cannot run a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misfit {
    /// It does not fill this primitive, and nothing can stand in for that.
    #[error("the datapath lacks {}", .0.name())]
    Primitive(Primitive),
    /// The program is longer than what it takes.
    #[error("the program has {instrs} instructions, the datapath takes {max}")]
    TooLong {
        /// Instructions of the program.
        instrs: usize,
        /// The most it takes.
        max: u32,
    },
}

impl Forms {
    /// Without `plain` there is only the full form.
    pub(crate) fn new(full: &Program, plain: Option<&Program>) -> Self {
        Self {
            full: Form::of(full),
            plain: Form::of(plain.unwrap_or(full)),
        }
    }

    /// The form for a datapath that fills these primitives (bit i: primitive i) and takes so many
    /// instructions.
    ///
    /// # Errors
    /// When it can run neither form.
    pub fn fit(&self, primitives: u64, max_instrs: u32) -> Result<&Records, Misfit> {
        let is_full = self.full.reads & !primitives == 0;
        let Form { records, reads } = if is_full { &self.full } else { &self.plain };
        if let Some(lacking) = Primitive::from_index((reads & !primitives).trailing_zeros()) {
            return Err(Misfit::Primitive(lacking));
        }
        let instrs = records.instrs.len();
        if instrs > max_instrs as usize {
            return Err(Misfit::TooLong {
                instrs,
                max: max_instrs,
            });
        }
        Ok(records)
    }
}

impl Form {
    fn of(program: &Program) -> Self {
        Self {
            records: program.code().to_records(),
            reads: program.primitives(),
        }
    }
}
