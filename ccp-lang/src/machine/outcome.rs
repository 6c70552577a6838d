//! What goes into an invocation and what comes out of it.

use thiserror::Error;

use super::staged::Staged;
use crate::micros::Micros;
use crate::primitive::Primitives;

/// The input of one invocation.
#[derive(Debug)]
pub struct Call<'a> {
    /// The time. It should not decrease from call to call; Micros stands still while it does.
    pub now: Micros,
    /// What the transport measured.
    pub primitives: &'a Primitives,
    /// The congestion window that the transport uses now, in bytes.
    pub cwnd: u64,
    /// The rate last set through CCP, in bytes per second; 0 when none was.
    pub rate: u64,
    /// The program begins with this invocation, or begins anew.
    pub switched: bool,
    /// What messages have set since the last invocation. Empty afterwards.
    pub staged: &'a mut Staged,
}

/// The output of one invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The congestion window to give to the transport, in bytes, never 0. After a trap only what
    /// was staged. The transport clamps it to what it can hold.
    pub cwnd: Option<u64>,
    /// The rate to give to the transport, in bytes per second, never 0. After a trap only what was
    /// staged.
    pub rate: Option<u64>,
    /// The program's report went to the sink.
    pub reported: bool,
    /// What ended the program before its end.
    pub trap: Option<Trap>,
}

/// An arithmetic error of a program. It is an outcome: the machine did what the program says.
///
/// `at` is the index of the instruction in the program's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Trap {
    /// A sum that does not fit.
    #[error("instruction {at}: the sum overflows")]
    AddOverflow {
        /// Which instruction.
        at: u32,
    },
    /// A difference below 0.
    #[error("instruction {at}: the difference is below 0")]
    SubUnderflow {
        /// Which instruction.
        at: u32,
    },
    /// A product that does not fit.
    #[error("instruction {at}: the product overflows")]
    MulOverflow {
        /// Which instruction.
        at: u32,
    },
    /// A division by zero.
    #[error("instruction {at}: division by zero")]
    DivByZero {
        /// Which instruction.
        at: u32,
    },
}

impl Trap {
    /// The kind, for counters.
    #[must_use]
    pub const fn kind(self) -> TrapKind {
        match self {
            Self::AddOverflow { .. } => TrapKind::AddOverflow,
            Self::SubUnderflow { .. } => TrapKind::SubUnderflow,
            Self::MulOverflow { .. } => TrapKind::MulOverflow,
            Self::DivByZero { .. } => TrapKind::DivByZero,
        }
    }

    /// The index of the instruction in the program's code.
    #[must_use]
    pub const fn at(self) -> u32 {
        match self {
            Self::AddOverflow { at }
            | Self::SubUnderflow { at }
            | Self::MulOverflow { at }
            | Self::DivByZero { at } => at,
        }
    }
}

/// The kind of a [`Trap`], numbered from 0 to index an array of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TrapKind {
    /// A sum that does not fit.
    AddOverflow = 0,
    /// A difference below 0.
    SubUnderflow = 1,
    /// A product that does not fit.
    MulOverflow = 2,
    /// A division by zero.
    DivByZero = 3,
}

impl TrapKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 4] =
        [Self::AddOverflow, Self::SubUnderflow, Self::MulOverflow, Self::DivByZero];

    /// A name for counters, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddOverflow => "add_overflow",
            Self::SubUnderflow => "sub_underflow",
            Self::MulOverflow => "mul_overflow",
            Self::DivByZero => "div_by_zero",
        }
    }
}
