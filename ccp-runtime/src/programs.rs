//! The programs of one run: compiled before anything is sent, and numbered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ccp_ipc::Ipc;
use ccp_lang::{Forms, Primitive, Records, Severity};
use ccp_wire::{Hello, HelloFlags, Install, ProgramUid};
use tracing::warn;

use crate::{CongAlg, RunError, Scope};

/// Everything that may be installed, and who calls it what.
#[doc(hidden)]
#[derive(Default)]
pub struct Programs {
    /// In the order of their uids, which count from 1.
    installable: Vec<Forms>,
    /// The default first.
    algorithms: Vec<Arc<Algorithm>>,
}

/// One algorithm of the list.
pub(crate) struct Algorithm {
    pub(crate) place: usize,
    pub(crate) name: &'static str,
    /// Of its programs, by the names it gave them.
    pub(crate) scopes: HashMap<&'static str, Scope>,
}

/// Why a datapath cannot have a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// It cannot run it.
    #[error(transparent)]
    Program(#[from] ccp_lang::Misfit),
    /// Its table holds no more than this.
    #[error("it is program {0}, the datapath takes {1}")]
    TableFull(ProgramUid, u32),
}

impl Programs {
    /// Compiles the programs of the algorithm at a place in the list.
    ///
    /// They are numbered in the order of their names, but identical ones only once.
    pub(crate) fn add<I: Ipc, A: CongAlg<I>>(
        &mut self,
        place: usize,
        alg: &A,
    ) -> Result<(), RunError> {
        let (name, compiler, mut scopes) = (A::name(), alg.compiler(), HashMap::new());
        for (program, source) in BTreeMap::from_iter(alg.datapath_programs()) {
            let compiled = compiler.compile_portable(source);
            let compiled = compiled.map_err(|error| RunError::Compile(name, program, error))?;
            // What is only worth knowing is not worth a line at each start.
            for said in compiled.warnings.iter().filter(|said| said.severity >= Severity::Warning) {
                warn!(alg = name, program, "{said}");
            }
            let known = self.installable.iter().position(|forms| *forms == compiled.forms);
            let index = known.unwrap_or(self.installable.len());
            if known.is_none() {
                self.installable.push(compiled.forms);
            }
            scopes.insert(program, Scope::new(uid_of(index), compiled.scope));
        }
        self.algorithms.push(Arc::new(Algorithm { place, name, scopes }));
        let programs = self.installable.len();
        if programs > LIBCCP_TABLE {
            warn!(programs, "libccp holds {LIBCCP_TABLE} and will refuse the rest");
        }
        Ok(())
    }

    /// The last added algorithm of this name, or the default.
    pub(crate) fn algorithm(&self, name: &str) -> Option<&Arc<Algorithm>> {
        let asked = self.algorithms.iter().rfind(|alg| alg.name == name);
        asked.or_else(|| self.algorithms.first())
    }

    /// The variables of an installed program.
    pub(crate) fn scope(&self, uid: ProgramUid) -> Option<&Scope> {
        let mut scopes = self.algorithms.iter().flat_map(|alg| alg.scopes.values());
        scopes.find(|scope| scope.program_uid() == uid)
    }

    /// What to install on a datapath: each program in the form it can run, or why there is none.
    pub(crate) fn fitting(&self, to: Hello) -> impl Iterator<Item = Result<Install<'_>, Misfit>> {
        (0..self.installable.len()).map(move |index| self.fit(uid_of(index), to))
    }

    /// The form of a program that a datapath can run.
    pub(crate) fn fit(&self, uid: ProgramUid, to: Hello) -> Result<Install<'_>, Misfit> {
        let table_full = Misfit::TableFull(uid, to.max_programs);
        let index = (uid.0 as usize).wrapping_sub(1);
        let forms = self.installable.get(index).ok_or(table_full)?;
        let Records { events, instrs } = forms.fit(to.primitives, to.max_instrs)?;
        if uid.0 > to.max_programs {
            return Err(table_full);
        }
        Ok(Install { program_uid: uid, events, instrs })
    }
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
