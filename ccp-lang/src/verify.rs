//! The one check of a program, after which running it can fail no check.
//!
//! A verified program obeys all of these; the first breach found is the error:
//!
//! 1. It has at most [`Limits::max_instrs`] instructions and [`Limits::max_events`] events.
//! 2. Every register of every instruction exists under the limits, also those that the operation
//!    ignores. A constant always exists.
//! 3. Every result is writable: no constant, no primitive.
//! 4. Declarations (DEF) come first; none follows another operation.
//! 5. A declaration's result and left are the same register, of a control or report class, and its
//!    right is a constant.
//! 6. No register is declared twice. Both control classes name the same registers, and so do both
//!    report classes.
//! 7. Every report register that an instruction touches is declared.
//! 8. The events' ranges lie behind the declarations and inside the program, each condition before
//!    its body and each event behind the one before it. Together with 1 this bounds an invocation:
//!    no instruction runs twice.
//!
//! Three things are allowed on purpose. Control registers without a declaration keep what they
//! hold, and another agent may use them so. Report indices may have holes: a report is registers
//! 0 up to the number of declared ones, as libccp sends it, and a peer's compiler leaves a hole
//! where a name was declared twice. Instructions in no event never run.

use core::ops::Range;

use thiserror::Error;

use crate::code::{Code, Event, Operand};
use crate::limits::Limits;
use crate::op::Op;
use crate::reg::{Class, Reg};

/// Checks a program. `limits` must already be within [`Limits::MACHINE`].
pub(crate) fn verify(code: &Code, limits: &Limits) -> Result<(), VerifyError> {
    check_size(code, limits)?;
    let declared = check_defs(code, limits)?;
    for (at, instr) in (0..).zip(&code.instrs) {
        for (operand, reg) in [
            (Operand::Result, instr.result),
            (Operand::Left, instr.left),
            (Operand::Right, instr.right),
        ] {
            check_range(at, operand, reg, limits)?;
            if reg.is_report() && !declared.reports.contains(reg.index) {
                return Err(VerifyError::UndeclaredReport { at, operand, reg });
            }
        }
        if !instr.result.is_writable() {
            return Err(VerifyError::NotWritable { at, reg: instr.result });
        }
    }
    check_events(code, declared.count)
}

fn check_size(code: &Code, limits: &Limits) -> Result<(), VerifyError> {
    let have = code.instrs.len();
    if have > limits.max_instrs as usize {
        let max = limits.max_instrs;
        return Err(VerifyError::TooManyInstrs { have, max });
    }
    let have = code.events.len();
    if have > limits.max_events as usize {
        let max = limits.max_events;
        return Err(VerifyError::TooManyEvents { have, max });
    }
    Ok(())
}

/// What the declarations declare.
struct Declared {
    count: u32,
    reports: Set,
}

fn check_defs(code: &Code, limits: &Limits) -> Result<Declared, VerifyError> {
    let mut controls = Set::default();
    let mut reports = Set::default();
    let mut count = 0;
    for (at, instr) in (0..).zip(&code.instrs) {
        if instr.op != Op::Def {
            continue;
        }
        if at != count {
            return Err(VerifyError::LateDef { at });
        }
        count += 1;
        let reg = instr.result;
        let seen = match reg.class {
            Class::Control | Class::VolatileControl => &mut controls,
            Class::Report | Class::VolatileReport => &mut reports,
            _ => return Err(VerifyError::DefTarget { at, reg }),
        };
        if instr.left != reg {
            let left = instr.left;
            return Err(VerifyError::DefMismatch { at, reg, left });
        }
        if instr.right.class != Class::Immediate {
            let right = instr.right;
            return Err(VerifyError::DefValue { at, right });
        }
        check_range(at, Operand::Result, reg, limits)?;
        if !seen.insert(reg.index) {
            return Err(VerifyError::DuplicateDef { at, reg });
        }
    }
    Ok(Declared { count, reports })
}

fn check_range(at: u32, operand: Operand, reg: Reg, limits: &Limits) -> Result<(), VerifyError> {
    let max = match reg.class {
        Class::Immediate => return Ok(()),
        Class::Implicit => IMPLICITS,
        Class::Control | Class::VolatileControl => limits.controls,
        Class::Report | Class::VolatileReport => limits.reports,
        Class::Local => limits.locals,
        Class::Temp => limits.temps,
        Class::Primitive => limits.primitives,
    };
    if reg.index >= max {
        return Err(VerifyError::NoSuchRegister { at, operand, reg, max });
    }
    Ok(())
}

fn check_events(code: &Code, defs: u32) -> Result<(), VerifyError> {
    let instrs = code.instrs.len();
    let mut after = defs;
    for (number, event) in (0..).zip(&code.events) {
        for part in [EventPart::Flag, EventPart::Body] {
            let range = part.of(event);
            // A saturated end is caught too: no program has that many instructions.
            if range.end as usize > instrs {
                return Err(VerifyError::EventOutside { event: number, part, range, instrs });
            }
            if range.start < after {
                return Err(VerifyError::EventOverlap { event: number, part, range, after });
            }
            after = range.end;
        }
    }
    Ok(())
}

/// A set of register indices below 128, which all limits are.
#[derive(Default)]
struct Set(u128);

impl Set {
    /// Says whether the index is new.
    fn insert(&mut self, index: u32) -> bool {
        let bit = 1_u128.checked_shl(index).unwrap_or(0);
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    fn contains(&self, index: u32) -> bool {
        self.0 & 1_u128.checked_shl(index).unwrap_or(0) != 0
    }
}

/// How many implicit registers there are.
const IMPLICITS: u32 = 6;

/// A part of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventPart {
    /// The condition.
    Flag,
    /// What runs when the condition holds.
    Body,
}

impl EventPart {
    const fn of(self, event: &Event) -> Range<u32> {
        match self {
            Self::Flag => event.flag(),
            Self::Body => event.body(),
        }
    }
}

impl core::fmt::Display for EventPart {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::Flag => "flag",
            Self::Body => "body",
        })
    }
}

/// Why a program may not run. `at` is the index of an instruction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// More instructions than allowed.
    #[error("{have} instructions, at most {max} are allowed")]
    TooManyInstrs {
        /// How many there are.
        have: usize,
        /// How many there may be.
        max: u32,
    },
    /// More events than allowed.
    #[error("{have} events, at most {max} are allowed")]
    TooManyEvents {
        /// How many there are.
        have: usize,
        /// How many there may be.
        max: u32,
    },
    /// A register that does not exist here.
    #[error("instruction {at}: the {operand} register {reg} does not exist, there are {max}")]
    NoSuchRegister {
        /// Which instruction.
        at: u32,
        /// Which of its operands.
        operand: Operand,
        /// The register.
        reg: Reg,
        /// How many of its class there are.
        max: u32,
    },
    /// A result that can only be read.
    #[error("instruction {at}: {reg} cannot be written")]
    NotWritable {
        /// Which instruction.
        at: u32,
        /// The result.
        reg: Reg,
    },
    /// A declaration behind another operation.
    #[error("instruction {at}: a declaration must stand before all other operations")]
    LateDef {
        /// Which instruction.
        at: u32,
    },
    /// A declaration of something that is neither control nor report register.
    #[error("instruction {at}: {reg} cannot be declared")]
    DefTarget {
        /// Which instruction.
        at: u32,
        /// What it declares.
        reg: Reg,
    },
    /// A declaration that names two registers.
    #[error("instruction {at}: a declaration of {reg} has {left} on its left")]
    DefMismatch {
        /// Which instruction.
        at: u32,
        /// What it declares.
        reg: Reg,
        /// What stands on its left.
        left: Reg,
    },
    /// A declaration whose initial value is no constant.
    #[error("instruction {at}: the initial value {right} is no constant")]
    DefValue {
        /// Which instruction.
        at: u32,
        /// What stands for the initial value.
        right: Reg,
    },
    /// A second declaration of a register.
    #[error("instruction {at}: {reg} is declared a second time")]
    DuplicateDef {
        /// Which instruction.
        at: u32,
        /// What it declares.
        reg: Reg,
    },
    /// A report register that no declaration names.
    #[error("instruction {at}: the {operand} register {reg} is not declared")]
    UndeclaredReport {
        /// Which instruction.
        at: u32,
        /// Which of its operands.
        operand: Operand,
        /// The register.
        reg: Reg,
    },
    /// An event that runs past the program.
    #[error("event {event}: its {part} {}..{} lies outside the {instrs} instructions", range.start, range.end)]
    EventOutside {
        /// Which event.
        event: u32,
        /// Which part of it.
        part: EventPart,
        /// The part's instructions; an end that does not fit is cut.
        range: Range<u32>,
        /// How many instructions the program has.
        instrs: usize,
    },
    /// An event that begins inside the declarations or inside what runs before it.
    #[error("event {event}: its {part} {}..{} must not begin before {after}", range.start, range.end)]
    EventOverlap {
        /// Which event.
        event: u32,
        /// Which part of it.
        part: EventPart,
        /// The part's instructions.
        range: Range<u32>,
        /// Where it may begin.
        after: u32,
    },
}
