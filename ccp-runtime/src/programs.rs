//! The programs of one run: compiled before anything is sent, and numbered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ccp_ipc::Ipc;
use ccp_lang::{Library, Severity};
use ccp_wire::ProgramUid;
use tracing::warn;

use crate::{CongAlg, RunError, Scope};

/// Everything that may be installed, and who calls it what.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Programs {
    /// A program's number there is its uid.
    pub(crate) library: Library,
    /// The default first.
    pub(crate) algorithms: Vec<Arc<Algorithm>>,
}

/// One algorithm of the list.
#[derive(Debug)]
pub(crate) struct Algorithm {
    pub(crate) name: &'static str,
    /// Of its programs, by the names it gave them.
    pub(crate) scopes: HashMap<&'static str, Scope>,
}

impl Programs {
    /// Compiles the programs of the next algorithm in the list.
    ///
    /// They are numbered in the order of their names, but identical ones only once.
    pub(crate) fn add<I: Ipc, A: CongAlg<I>>(&mut self, alg: &A) -> Result<(), RunError> {
        let (name, compiler, mut scopes) = (A::name(), alg.compiler(), HashMap::new());
        for (program, source) in BTreeMap::from_iter(alg.datapath_programs()) {
            let compiled = compiler.compile_portable(source);
            let compiled = compiled.map_err(|error| RunError::Compile(name, program, error))?;
            // What is only worth knowing is not worth a line at each start.
            for said in compiled.warnings.iter().filter(|said| said.severity >= Severity::Warning) {
                warn!(alg = name, program, "{said}");
            }
            let uid = ProgramUid(self.library.add(compiled.forms));
            scopes.insert(program, Scope::new(uid, compiled.scope));
        }
        self.algorithms.push(Arc::new(Algorithm { name, scopes }));
        let programs = self.library.len();
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
}

/// How many programs libccp 1.2 holds, in its Rust binding and the kernel module.
const LIBCCP_TABLE: usize = 9;
