//! The programs of one run: compiled before anything is sent, numbered, in the form each datapath takes.

use std::collections::HashMap;

use ccp_ipc::Ipc;
use ccp_lang::{Compiled, Diagnostic, Primitive, Records, Severity};
use ccp_wire::{Hello, HelloFlags, Install, ProgramUid};
use tracing::warn;

use crate::{CongAlg, RunError, Scope};

/// Everything that may be installed, and who calls it what.
#[doc(hidden)]
#[derive(Default)]
pub struct Programs {
    /// In the order of their uids, which count from 1.
    installable: Vec<Installable>,
    /// By their place in the list; an empty place has no name.
    algorithms: Vec<(Option<&'static str>, HashMap<&'static str, Scope>)>,
}

/// One program in two forms, which share uid and registers: for a datapath that has all primitives
/// it reads, and with stand-ins for those that older ones lack. Mostly the two are the same.
type Installable = [Form; 2];

/// A program as it is sent, and the primitives it reads.
type Form = (Records, u64);

/// Why a datapath cannot have a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// It does not measure what the program reads, and nothing can stand in for that.
    #[error("the datapath lacks {}", .0.name())]
    Primitive(Primitive),
    /// The program has the first number of instructions, and the datapath takes the second.
    #[error("the program has {0} instructions, the datapath takes {1}")]
    TooLong(usize, u32),
    /// Its table holds no more than this.
    #[error("it is program {0}, the datapath takes {1}")]
    TableFull(ProgramUid, u32),
}

impl Programs {
    /// Compiles the programs of the next algorithm in the list.
    ///
    /// They are numbered in the order of their names, but identical ones only once.
    pub(crate) fn add<I: Ipc, A: CongAlg<I>>(&mut self, alg: Option<&A>) -> Result<(), RunError> {
        let sources = alg.map(CongAlg::datapath_programs).unwrap_or_default();
        let compiler = || alg.map(CongAlg::compiler).unwrap_or_default();
        let mut sources: Vec<_> = sources.into_iter().collect();
        sources.sort_unstable();
        let mut scopes = HashMap::new();
        for (name, source) in sources {
            let compiled = compiler().compile(&source);
            let full = compiled.map_err(|error| RunError::Compile(A::name(), name, error))?;
            // What is only worth knowing is not worth a line at each start.
            let warns = |said: &&Diagnostic| said.severity >= Severity::Warning;
            for said in full.warnings.iter().filter(warns) {
                warn!(alg = A::name(), program = name, "{said}");
            }
            let plain = compiler().available(Primitive::BASE_MASK).compile(&source);
            // What nothing can stand in for leaves the full form alone.
            let program = [form(&full), form(plain.as_ref().unwrap_or(&full))];
            let known = self.installable.iter().position(|other| *other == program);
            let index = known.unwrap_or(self.installable.len());
            if known.is_none() {
                self.installable.push(program);
            }
            scopes.insert(name, Scope::new(uid_of(index), full.scope));
        }
        self.algorithms.push((alg.map(|_| A::name()), scopes));
        let programs = self.installable.len();
        if programs > LIBCCP_TABLE {
            warn!(programs, "libccp holds {LIBCCP_TABLE} and will refuse the rest");
        }
        Ok(())
    }

    /// The place of the last added algorithm of this name, or of the default.
    pub(crate) fn algorithm(&self, name: &str) -> usize {
        let asked = |(known, _): &(Option<_>, _)| *known == Some(name);
        self.algorithms.iter().rposition(asked).unwrap_or_default()
    }

    /// The name of the algorithm at a place.
    pub(crate) fn name(&self, place: usize) -> &'static str {
        self.algorithms.get(place).and_then(|(name, _)| *name).unwrap_or_default()
    }

    /// What the algorithm at a place calls `program`.
    pub(crate) fn scope(&self, place: usize, program: &str) -> Option<&Scope> {
        self.algorithms.get(place)?.1.get(program)
    }

    /// What to install on a datapath: each program in the form it can run, or why there is none.
    pub(crate) fn fitting(&self, to: Hello) -> impl Iterator<Item = Result<Install<'_>, Misfit>> {
        (0..self.installable.len()).map(move |index| self.fit(uid_of(index), to))
    }

    /// The form of a program that a datapath can run.
    pub(crate) fn fit(&self, uid: ProgramUid, to: Hello) -> Result<Install<'_>, Misfit> {
        let table_full = Misfit::TableFull(uid, to.max_programs);
        let index = (uid.0 as usize).wrapping_sub(1);
        let [full, plain] = self.installable.get(index).ok_or(table_full)?;
        let (records, reads) = if full.1 & !to.primitives == 0 { full } else { plain };
        if let Some(lacking) = Primitive::from_index((reads & !to.primitives).trailing_zeros()) {
            return Err(Misfit::Primitive(lacking));
        }
        if records.instrs.len() > to.max_instrs as usize {
            return Err(Misfit::TooLong(records.instrs.len(), to.max_instrs));
        }
        if uid.0 > to.max_programs {
            return Err(table_full);
        }
        Ok(Install { program_uid: uid, events: &records.events, instrs: &records.instrs })
    }
}

fn form(compiled: &Compiled) -> Form {
    (compiled.program.code().to_records(), compiled.program.primitives())
}

fn uid_of(index: usize) -> ProgramUid {
    ProgramUid(index as u32 + 1)
}

/// What a datapath that has sent no Hello is taken to be able to.
pub(crate) const UNSAID: Hello = Hello {
    flags: HelloFlags(0),
    primitives: Primitive::BASE_MASK,
    max_programs: u32::MAX,
    max_instrs: u32::MAX,
};

/// How many programs libccp 1.2 holds, in its Rust binding and the kernel module.
const LIBCCP_TABLE: usize = 9;
