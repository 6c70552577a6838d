//! Programs for datapaths that do not all fill the same primitives.
//!
//! Knows nothing of how a datapath says what it can.

use alloc::vec::Vec;

use thiserror::Error;

use crate::code::Records;
use crate::diag::Diagnostics;
use crate::machine::Program;
use crate::primitive::Primitive;
use crate::scope::Scope;
use crate::table::{PrimitiveSet, PrimitiveTable};

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
    reads: PrimitiveSet,
}

/// Programs to install, numbered from 1 in the order in which they were added, identical ones once.
#[derive(Clone, Debug, Default)]
pub struct Library(Vec<Forms>);

/// What a datapath can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// The primitives it fills (bit i: primitive i).
    pub primitives: u64,
    /// The most programs it holds at a time.
    pub max_programs: u32,
    /// The most instructions of one program.
    pub max_instrs: u32,
}

/// Why a datapath cannot take a program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misfit {
    /// It does not fill these primitives, and nothing can stand in for them.
    #[error("the datapath lacks {0}")]
    Lacks(PrimitiveSet),
    /// The program is longer than what it takes.
    #[error("the program has {instrs} instructions, the datapath takes {max}")]
    TooLong {
        /// Instructions of the program.
        instrs: usize,
        /// The most it takes.
        max: u32,
    },
    /// Its table ends before the program's number.
    #[error("it is program {number}, the datapath takes {max}")]
    TableFull {
        /// The program's number.
        number: u32,
        /// The most programs it takes.
        max: u32,
    },
    /// There is no program of this number.
    #[error("there is no program {0}")]
    Unknown(u32),
}

impl Library {
    /// Adds a program, and gives its number; that of an identical one, if there is one.
    pub fn add(&mut self, forms: Forms) -> u32 {
        let known = self.0.iter().position(|known| *known == forms);
        let index = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(forms);
        }
        number_of(index)
    }

    /// How many programs there are: the highest number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The program of a number, in the form that a datapath can run.
    ///
    /// # Errors
    /// When it can run none, or its table is too small.
    pub fn fit(&self, number: u32, to: Abilities) -> Result<&Records, Misfit> {
        let index = number.checked_sub(1).ok_or(Misfit::Unknown(number))?;
        let forms = self.0.get(index as usize).ok_or(Misfit::Unknown(number))?;
        let records = forms.fit(to)?;
        if number > to.max_programs {
            let max = to.max_programs;
            return Err(Misfit::TableFull { number, max });
        }
        Ok(records)
    }

    /// Every program with its number, in the form that a datapath can run, or why there is none.
    pub fn fitting(&self, to: Abilities) -> impl Iterator<Item = (u32, Result<&Records, Misfit>)> {
        (0..self.len()).map(move |index| (number_of(index), self.fit(number_of(index), to)))
    }
}

/// More than that fit no memory.
fn number_of(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

impl Abilities {
    /// What libccp can, as far as an agent knows: only its own primitives, and no limit is told.
    pub const LIBCCP: Self =
        Self { primitives: Primitive::BASE_MASK, max_programs: u32::MAX, max_instrs: u32::MAX };
}

impl Forms {
    /// Without `plain` there is only the full form.
    pub(crate) fn new(full: &Program, plain: Option<&Program>, table: &PrimitiveTable) -> Self {
        Self { full: Form::of(full, table), plain: Form::of(plain.unwrap_or(full), table) }
    }

    /// The form that a datapath can run.
    ///
    /// # Errors
    /// When it can run neither.
    pub fn fit(&self, to: Abilities) -> Result<&Records, Misfit> {
        let Abilities { primitives, max_instrs, .. } = to;
        let is_full = self.full.reads.mask() & !primitives == 0;
        let Form { records, reads } = if is_full { &self.full } else { &self.plain };
        if reads.mask() & !primitives != 0 {
            return Err(Misfit::Lacks(reads.without(primitives)));
        }
        let instrs = records.instrs.len();
        if instrs > max_instrs as usize {
            return Err(Misfit::TooLong { instrs, max: max_instrs });
        }
        Ok(records)
    }
}

impl Form {
    fn of(program: &Program, table: &PrimitiveTable) -> Self {
        let reads = table.named(program.primitives());
        Self { records: program.code().to_records(), reads }
    }
}
