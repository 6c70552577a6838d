//! Values that messages set between invocations.

use core::fmt;

use thiserror::Error;

use super::file::{self, Registers};
use super::outcome::Outcome;
use crate::limits::Limits;
use crate::reg::{Class, Reg};

/// Values set by messages, waiting for the next invocation. Of fixed size; a later value for the
/// same register replaces the earlier one.
#[derive(Clone, PartialEq, Eq)]
pub struct Staged {
    dirty: u128,
    values: [u64; SETTABLE],
}

impl Staged {
    /// Nothing staged.
    #[must_use]
    pub const fn new() -> Self {
        Self { dirty: 0, values: [0; SETTABLE] }
    }

    /// Stages a value.
    ///
    /// # Errors
    /// A register that messages cannot set: any but a control register, Cwnd and Rate.
    pub fn set(&mut self, reg: Reg, value: u64) -> Result<(), NotSettable> {
        let at = position(reg).ok_or(NotSettable { reg })?;
        if let Some(slot) = self.values.get_mut(at) {
            *slot = value;
            self.dirty |= 1 << at;
        }
        Ok(())
    }

    /// Drops everything staged.
    pub fn clear(&mut self) {
        self.dirty = 0;
    }

    /// Whether nothing is staged.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.dirty == 0
    }

    /// The value staged for a register.
    #[must_use]
    pub fn get(&self, reg: Reg) -> Option<u64> {
        let at = position(reg)?;
        (self.dirty & (1 << at) != 0).then(|| self.values.get(at).copied())?
    }

    /// What is staged, in the order in which it is taken.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Reg, u64)> {
        (0..SETTABLE).map(register).filter_map(|reg| Some((reg, self.get(reg)?)))
    }

    /// What a flow without a program does at an invocation: the staged values go into the
    /// registers, and a window or rate that is not 0 to the transport. Empty afterwards.
    pub fn apply(&mut self, regs: &mut Registers) -> Outcome {
        let mut outcome = Outcome::default();
        while self.dirty != 0 {
            let at = self.dirty.trailing_zeros() as usize;
            self.dirty &= self.dirty - 1;
            let (Some(&value), Some(slot)) = (self.values.get(at), file::slot(register(at))) else {
                continue;
            };
            regs.file.set(slot, value);
            match slot {
                file::CWND => outcome.cwnd = Some(value).filter(|&v| v != 0),
                file::RATE => outcome.rate = Some(value).filter(|&v| v != 0),
                _ => {}
            }
        }
        outcome
    }
}

impl Default for Staged {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows what is staged.
impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for reg in (0..SETTABLE).map(register) {
            if let Some(value) = self.get(reg) {
                map.entry(&format_args!("{reg}"), &value);
            }
        }
        map.finish()
    }
}

/// A message tried to set a register that only the program or the transport sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reg} cannot be set by a message")]
pub struct NotSettable {
    /// The register.
    pub reg: Reg,
}

impl Reg {
    /// Whether a message can set this register: control registers, Cwnd and Rate.
    #[must_use]
    pub fn is_settable(self) -> bool {
        position(self).is_some()
    }
}

/// Where the value of a register waits.
pub(crate) fn position(reg: Reg) -> Option<usize> {
    match reg.class {
        Class::Control | Class::VolatileControl => {
            (reg.index < Limits::MACHINE.controls).then_some(reg.index as usize)
        }
        _ if reg == Reg::CWND => Some(CWND),
        _ if reg == Reg::RATE => Some(RATE),
        _ => None,
    }
}

/// Whose value waits there.
pub(crate) const fn register(at: usize) -> Reg {
    match at {
        CWND => Reg::CWND,
        RATE => Reg::RATE,
        _ => Reg::control(at as u32),
    }
}

pub(crate) const CWND: usize = Limits::MACHINE.controls as usize;
pub(crate) const RATE: usize = CWND + 1;
pub(crate) const SETTABLE: usize = RATE + 1;

// One bit each.
const _: () = assert!(SETTABLE <= u128::BITS as usize);
