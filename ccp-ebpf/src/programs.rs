//! The programs that the agent installs: verified, turned into code, loaded, and put where
//! `cong_control` finds them.
//!
//! Each has a number, its place among the programs. A number is free again when no flow runs its
//! program or is about to, and the agent has replaced or forgotten it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;

use ccp_lang::ebpf::{AsmError, LIMITS};
use ccp_lang::{PrimitiveSet, PrimitiveTable, Program, ProgramError};
use ccp_wire::{Install, ProgramUid};
use thiserror::Error;

use crate::engine::Engine;
use crate::fixed::primitives;
use crate::sys::{self, LoadError, SysError};

/// The numbers in use, by the agent's names.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// What the agent may name.
    by_uid: BTreeMap<ProgramUid, u32>,
    /// Replaced or forgotten, but perhaps running.
    retired: Vec<u32>,
    free: Vec<u32>,
    /// The lowest number never used.
    next: u32,
}

impl Programs {
    /// Loads a program under its uid. One that had the uid before goes on where it runs; uid 1 is the
    /// first of a new agent, which knows nothing of the others.
    pub(crate) fn install(
        &mut self,
        engine: &Engine,
        install: &Install<'_>,
    ) -> Result<(), InstallError> {
        let program = Program::from_records(install.events, install.instrs, &LIMITS)?;
        let lacking = program.primitives() & !primitives();
        if lacking != 0 {
            return Err(InstallError::Lacks(PrimitiveTable::standard().named(lacking)));
        }
        let uid = install.program_uid;
        let number = self.number(engine).ok_or(InstallError::TableFull)?;
        if let Err(error) = load(engine, Some((&program, uid)), number) {
            self.free.push(number);
            return Err(error);
        }
        if uid == FIRST {
            self.retired.extend(std::mem::take(&mut self.by_uid).into_values());
        }
        self.retired.extend(self.by_uid.insert(uid, number));
        Ok(())
    }

    /// The number of a program.
    pub(crate) fn get(&self, uid: ProgramUid) -> Option<u64> {
        self.by_uid.get(&uid).map(|&number| number.into())
    }

    /// A number that nothing uses.
    fn number(&mut self, engine: &Engine) -> Option<u32> {
        if let Some(number) = self.free.pop() {
            return Some(number);
        }
        if self.next < engine.options().max_programs {
            self.next += 1;
            return Some(self.next);
        }
        let used = engine.running_programs();
        let (running, free) = self.retired.iter().partition(|number| used.contains(number));
        (self.retired, self.free) = (running, free);
        for number in &self.free {
            // One that is not there is free all the same.
            let _ = sys::map_delete(engine.maps().programs.as_fd(), &number.to_le_bytes());
        }
        self.free.pop()
    }
}

/// Loads the code for flows that have no program.
pub(crate) fn load_bare(engine: &Engine) -> Result<(), InstallError> {
    load(engine, None, 0)
}

fn load(
    engine: &Engine,
    program: Option<(&Program, ProgramUid)>,
    number: u32,
) -> Result<(), InstallError> {
    let fixed = engine.fixed();
    let code = match program {
        Some((program, uid)) => fixed.leaf(program, number, uid)?,
        None => fixed.bare_leaf()?,
    };
    let ops = &fixed.kernel.ops;
    // All of the fixed part's functions were found when the kernel was read.
    let index = ops.callback("cong_control").map_or(0, |callback| callback.index);
    let label =
        program.map_or_else(|| "ccp_bare".to_owned(), |(_, uid)| format!("ccp_program_{uid}"));
    let fd = sys::struct_ops_prog_load(&label, &code, ops.id, index)?;
    let value = sys::number(&fd).to_le_bytes();
    Ok(sys::map_update(engine.maps().programs.as_fd(), &number.to_le_bytes(), &value)?)
}

/// Why a program is not installed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// It is no program, or breaks a rule of programs.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It reads primitives that this transport does not measure.
    #[error("it reads what Linux TCP does not measure: {0}")]
    Lacks(PrimitiveSet),
    /// All numbers are in use.
    #[error("no room for a further program: all are in use by flows")]
    TableFull,
    /// The generator made a mistake.
    #[error("a generated program is wrong; report this as a bug")]
    Generator(#[from] AsmError),
    /// The kernel does not take the code.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The kernel does not take the entry.
    #[error(transparent)]
    Sys(#[from] SysError),
}

impl From<InstallError> for io::Error {
    fn from(error: InstallError) -> Self {
        Self::other(error)
    }
}

/// What an agent calls the first program of its run.
const FIRST: ProgramUid = ProgramUid(1);
