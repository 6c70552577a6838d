//! Counters: what the engine did, and what it refused, by reason.

use ccp_lang::Trap;

/// What a datapath has done since it was made. Counters only grow, and stop at `u64::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Programs installed, replacements included.
    pub installs: u64,
    /// UpdateFields messages staged.
    pub updates: u64,
    /// ChangeProg messages staged.
    pub changes: u64,
    /// Alive messages.
    pub alives: u64,
    /// Messages of types this datapath does not know, passed over.
    pub unknown: u64,
    /// Messages refused, by reason.
    pub refused: Refused,
    /// Ready messages that got through.
    pub readies: u64,
    /// Create messages that got through.
    pub creates: u64,
    /// Reports that got through.
    pub reports: u64,
    /// Reports that the agent's queue did not take, or that found no agent.
    pub reports_lost: u64,
    /// Reports kept back because the program that made them was set by an earlier agent run, or before the
    /// flow announced itself anew.
    pub reports_stale: u64,
    /// Closings that got through.
    pub closes: u64,
    /// Closings given up: the agent will notice at the next Ready.
    pub closes_lost: u64,
    /// Sends that found the agent's queue full.
    pub sends_full: u64,
    /// Sends that found no agent.
    pub sends_gone: u64,
    /// How often the flows fell back to the transport's own rule.
    pub fallbacks: u64,
    /// Invocations that ended in a trap, over all flows.
    pub traps: Traps,
}

/// Refused messages by reason; each changed nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The bytes are no message.
    pub malformed: u64,
    /// Types that only a datapath sends.
    pub misdirected: u64,
    /// Programs that do not hold what a datapath asks of a program.
    pub invalid_program: u64,
    /// Programs that read a primitive which this transport does not fill.
    pub missing_primitive: u64,
    /// Programs for which the table had no room.
    pub table_full: u64,
    /// Programs whose report would not fit a datagram to the agent.
    pub report_too_long: u64,
    /// Messages for flows that never were.
    pub unknown_flow: u64,
    /// Messages for flows that have closed.
    pub closed_flow: u64,
    /// Changes to programs that are not installed.
    pub unknown_program: u64,
    /// Updates of registers that an agent may not set.
    pub not_settable: u64,
}

impl Refused {
    /// All reasons together.
    pub fn total(&self) -> u64 {
        [
            self.malformed,
            self.misdirected,
            self.invalid_program,
            self.missing_primitive,
            self.table_full,
            self.report_too_long,
            self.unknown_flow,
            self.closed_flow,
            self.unknown_program,
            self.not_settable,
        ]
        .iter()
        .fold(0, |sum: u64, n| sum.saturating_add(*n))
    }
}

/// Invocations that ended in a trap, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traps {
    /// A sum above `u64::MAX`.
    pub add_overflow: u64,
    /// A difference below zero.
    pub sub_underflow: u64,
    /// A product above `u64::MAX`.
    pub mul_overflow: u64,
    /// A division by zero.
    pub div_by_zero: u64,
    /// A kind that this crate does not know by name.
    pub other: u64,
}

impl Traps {
    /// All kinds together.
    pub fn total(&self) -> u64 {
        [self.add_overflow, self.sub_underflow, self.mul_overflow, self.div_by_zero, self.other]
            .iter()
            .fold(0, |sum: u64, n| sum.saturating_add(*n))
    }

    pub(crate) fn count(&mut self, trap: Trap) {
        bump(match trap {
            Trap::AddOverflow { .. } => &mut self.add_overflow,
            Trap::SubUnderflow { .. } => &mut self.sub_underflow,
            Trap::MulOverflow { .. } => &mut self.mul_overflow,
            Trap::DivByZero { .. } => &mut self.div_by_zero,
            _ => &mut self.other,
        });
    }
}

/// Counts one more.
pub(crate) fn bump(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
