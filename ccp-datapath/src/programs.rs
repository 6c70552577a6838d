//! The programs of the agent's current run, by uid.

use alloc::{sync::Arc, vec::Vec};

use ccp_lang::Program;
use ccp_wire::ProgramUid;

/// A verified program under its uid.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) uid: ProgramUid,
    pub(crate) program: Program,
}

/// The table. Flows share what it holds, so that emptying it takes no program from under a running flow.
#[derive(Debug)]
pub(crate) struct ProgramTable {
    /// Few, and looked up only when a flow changes its program.
    installed: Vec<Arc<Installed>>,
    max: u32,
}

impl ProgramTable {
    pub(crate) fn new(max: u32) -> Self {
        Self { installed: Vec::new(), max }
    }

    /// Adds the program, in place of an earlier one of that uid. Uid 1 begins a new agent run: all others go.
    ///
    /// Returns whether a run began, or nothing when the table is full.
    pub(crate) fn install(&mut self, uid: ProgramUid, program: Program) -> Option<bool> {
        if self.is_full_for(uid) {
            return None;
        }
        let begins = uid == FIRST_UID;
        if begins {
            self.installed.clear();
        }
        self.installed.retain(|old| old.uid != uid);
        self.installed.push(Arc::new(Installed { uid, program }));
        Some(begins)
    }

    pub(crate) fn get(&self, uid: ProgramUid) -> Option<&Arc<Installed>> {
        self.installed.iter().find(|program| program.uid == uid)
    }

    /// Whether there is no room for a program of this uid.
    pub(crate) fn is_full_for(&self, uid: ProgramUid) -> bool {
        let full = self.installed.len() >= self.max as usize;
        self.max == 0 || (full && uid != FIRST_UID && self.get(uid).is_none())
    }

    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    pub(crate) fn len(&self) -> usize {
        self.installed.len()
    }
}

/// Each agent run numbers its programs from 1 and installs number 1 first.
const FIRST_UID: ProgramUid = ProgramUid(1);

#[cfg(test)]
mod tests {
    use ccp_lang::{Code, Limits};

    use super::*;

    fn program() -> Program {
        Program::verify(Code::default(), &Limits::default()).expect("it does nothing")
    }

    #[test]
    fn a_runs_programs_are_freed_once_no_flow_runs_them() {
        let mut table = ProgramTable::new(4);
        let [first, second] = [1, 2].map(ProgramUid);
        for uid in [first, second] {
            assert!(table.install(uid, program()).is_some());
        }
        let weak = [first, second].map(|uid| table.get(uid).map(Arc::downgrade).expect("there"));
        let run_by_a_flow = table.get(second).cloned();
        assert_eq!(table.install(first, program()), Some(true), "a new run");
        assert!(weak[0].upgrade().is_none());
        assert!(weak[1].upgrade().is_some());
        drop(run_by_a_flow);
        assert!(weak[1].upgrade().is_none());
    }
}
