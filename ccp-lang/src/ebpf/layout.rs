//! Where a flow's values lie in the memory that its program and the agent share.
//!
//! One definition for both sides: what the back end reads and writes, and what the agent's side
//! maps. All offsets are in bytes from the start of the flow's page, all words are 8 bytes in the
//! machine's order. The page has three parts, which whoever owns it places among its own words:
//!
//! - the **registers**, in the order of the machine's register file;
//! - the **staged** values: what messages have set since the program last took them;
//! - the **traps**: the last one, and how many there were of each kind.
//!
//! # Taking staged values whole
//!
//! The agent writes staged values with plain stores while the program may run on another
//! processor. A program takes all that one writing staged, or nothing:
//!
//! | word | written by | |
//! | --- | --- | --- |
//! | sequence | agent | odd while it writes |
//! | program | agent | the number of the program that begins with these values, or 0 |
//! | dirty | agent | one bit for each value that is staged |
//! | values | agent | |
//! | taken | program | the sequence that was last taken |
//! | reading | program | 1 while it takes |
//! | torn | program | 1 when a writing came between: registers may hold a part of it |
//! | running | program | the number of the program that runs |
//!
//! To write, the agent makes the sequence odd, fences, and waits while `reading` is 1 (with a
//! bound: a program is not stopped by it). Then, if `taken` is the even sequence before, nothing is
//! staged any more: it clears `dirty` and `program` first. It writes, fences, and makes the
//! sequence even. What was not taken stays staged, and a later value for the same register replaces
//! it; to begin a program, it drops what is staged.
//!
//! The program compares `sequence` and `taken`, which is all it costs when nothing is new. Otherwise
//! it sets `reading`, takes, and looks at the sequence again: when it has changed, it sets `torn`
//! and skips this ACK, and the next one takes everything anew. While the sequence is odd it runs on
//! what it has, unless that is torn.

use crate::machine::{file, staged};
use crate::primitive::Primitive;
use crate::reg::Reg;

/// Where the three parts begin, in bytes from the start of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    registers: i16,
    staged: i16,
    traps: i16,
}

impl Layout {
    /// How long the registers are.
    pub const REGISTERS_LEN: usize = WORD * file::END as usize;
    /// How long the staged part is.
    pub const STAGED_LEN: usize = WORD * (VALUES + staged::SETTABLE);
    /// How long the traps are.
    pub const TRAPS_LEN: usize = WORD * (TRAP_COUNTS + 4);
    /// How many values can be staged.
    pub const SETTABLE: usize = staged::SETTABLE;

    /// The three parts, each at a multiple of 8. Nothing if one lies beyond what an instruction
    /// can reach or not at such a multiple; that they do not overlap is for the caller to see.
    #[must_use]
    pub const fn new(registers: usize, staged: usize, traps: usize) -> Option<Self> {
        if ends_too_late(registers, Self::REGISTERS_LEN)
            || ends_too_late(staged, Self::STAGED_LEN)
            || ends_too_late(traps, Self::TRAPS_LEN)
        {
            return None;
        }
        Some(Self { registers: registers as i16, staged: staged as i16, traps: traps as i16 })
    }

    /// The three parts one behind the other: staged values, traps, registers. The first page words
    /// are what each ACK looks at.
    #[must_use]
    pub const fn packed(start: usize) -> Option<Self> {
        let traps = start + Self::STAGED_LEN;
        Self::new(traps + Self::TRAPS_LEN, start, traps)
    }

    /// A register's value. Nothing for constants and for registers that do not exist.
    #[must_use]
    pub fn register(&self, reg: Reg) -> Option<i16> {
        file::slot(reg).map(|slot| self.slot(slot))
    }

    /// A primitive's value.
    #[must_use]
    pub const fn primitive(&self, primitive: Primitive) -> i16 {
        self.slot(file::PRIMITIVES + primitive.index() as file::Slot)
    }

    /// Cwnd, in bytes.
    #[must_use]
    pub const fn cwnd(&self) -> i16 {
        self.slot(file::CWND)
    }

    /// Rate, in bytes per second.
    #[must_use]
    pub const fn rate(&self) -> i16 {
        self.slot(file::RATE)
    }

    /// The time of the last invocation, in microseconds. It never goes back.
    #[must_use]
    pub const fn now(&self) -> i16 {
        self.slot(file::NOW)
    }

    /// When Micros was 0. A flow that begins has its time here and in [`Layout::now`].
    #[must_use]
    pub const fn zero(&self) -> i16 {
        self.slot(file::ZERO)
    }

    /// The first report register; the others follow.
    #[must_use]
    pub const fn reports(&self) -> i16 {
        self.slot(file::REPORTS)
    }

    /// The sequence of writings. The agent's.
    #[must_use]
    pub const fn sequence(&self) -> i16 {
        self.staged
    }

    /// The sequence that was last taken. The program's.
    #[must_use]
    pub const fn taken(&self) -> i16 {
        self.staged_word(1)
    }

    /// 1 while the program takes. The program's.
    #[must_use]
    pub const fn reading(&self) -> i16 {
        self.staged_word(2)
    }

    /// 1 when a taking was disturbed. The program's.
    #[must_use]
    pub const fn torn(&self) -> i16 {
        self.staged_word(3)
    }

    /// The number of the program that runs, 0 for none. The program's.
    #[must_use]
    pub const fn running(&self) -> i16 {
        self.staged_word(4)
    }

    /// The number of the program that begins with what is staged, 0 for none. The agent's.
    #[must_use]
    pub const fn program(&self) -> i16 {
        self.staged_word(5)
    }

    /// The bits of the first 64 values, and behind them those of the others. The agent's.
    #[must_use]
    pub const fn dirty(&self) -> i16 {
        self.staged_word(DIRTY)
    }

    /// The first staged value; the others follow. The agent's.
    #[must_use]
    pub const fn values(&self) -> i16 {
        self.staged_word(VALUES)
    }

    /// Which value and which bit are those of a register. Nothing for a register that messages
    /// cannot set.
    #[must_use]
    pub fn position(reg: Reg) -> Option<usize> {
        staged::position(reg)
    }

    /// The last trap: the instruction in the lower half, the number of the kind in the upper one.
    #[must_use]
    pub const fn last_trap(&self) -> i16 {
        self.traps
    }

    /// How many traps of the first kind there were; those of the others follow.
    #[must_use]
    pub const fn trap_counts(&self) -> i16 {
        self.traps + (WORD * TRAP_COUNTS) as i16
    }

    pub(super) const fn slot(&self, slot: file::Slot) -> i16 {
        // Fits: checked when the layout was made.
        self.registers + slot as i16 * WORD as i16
    }

    const fn staged_word(&self, word: usize) -> i16 {
        self.staged + (WORD * word) as i16
    }
}

const fn ends_too_late(start: usize, len: usize) -> bool {
    start > i16::MAX as usize - len || !start.is_multiple_of(WORD)
}

const WORD: usize = 8;

// Words of the staged part.
const DIRTY: usize = 6;
const VALUES: usize = DIRTY + 2;

// Words of the traps.
const TRAP_COUNTS: usize = 1;

// All of it and as much again for its owner is one page.
const _: () = assert!(Layout::REGISTERS_LEN + Layout::STAGED_LEN + Layout::TRAPS_LEN <= 4096 - 256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_beyond_the_reach_of_an_instruction_is_refused() {
        assert!(Layout::new(0, Layout::REGISTERS_LEN, 30_000).is_some());
        assert_eq!(Layout::new(i16::MAX as usize, 0, 0), None);
        assert_eq!(Layout::new(4, 4096, 8192), None);
    }

    #[test]
    fn every_settable_register_has_a_value_and_a_place() {
        let layout = Layout::packed(64).expect("fits");
        let controls = (0..110).map(Reg::control);
        for (at, reg) in controls.chain([Reg::CWND, Reg::RATE]).enumerate() {
            assert_eq!(Layout::position(reg), Some(at));
            assert!(layout.register(reg).is_some());
        }
        assert_eq!(Layout::position(Reg::MICROS), None);
        assert_eq!(layout.register(Reg::CWND), Some(layout.cwnd()));
    }
}
