//! The inner loop: runs decoded steps over a register file.

use super::file::{EVENT_FLAG, File, MICROS, NOW, SCRATCH, SHOULD_CONTINUE, Slot, ZERO};
use super::outcome::Trap;

/// One decoded instruction, or two where the second is a BIND.
///
/// `Rr` steps read both operands from the file, `Ri` steps have the right one in `constant`, `Ir`
/// steps the left one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// A constant operand.
    pub(super) constant: u32,
    pub(super) result: Slot,
    /// A second place for the result, or the step that a jump goes to.
    pub(super) also: Slot,
    pub(super) left: Slot,
    pub(super) right: Slot,
    /// The instruction in the program's code, for traps.
    pub(super) at: u16,
    pub(super) act: Act,
}

impl Step {
    /// A step whose operands and results are nowhere.
    pub(super) const fn new(act: Act) -> Self {
        Self {
            constant: 0,
            result: SCRATCH,
            also: SCRATCH,
            left: SCRATCH,
            right: SCRATCH,
            at: 0,
            act,
        }
    }
}

// Four to a cache line.
const _: () = assert!(size_of::<Step>() == 16);

/// What a step does. Comparisons and commutative operations have their constant on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    AddRr,
    AddRi,
    SubRr,
    SubRi,
    SubIr,
    MulRr,
    MulRi,
    DivRr,
    DivRi,
    DivIr,
    EquivRr,
    EquivRi,
    GtRr,
    GtRi,
    LtRi,
    MaxRr,
    MaxRi,
    MinRr,
    MinRi,
    MaxWrapRr,
    EwmaRr,
    EwmaIr,
    IfRr,
    IfRi,
    NotIfRr,
    NotIfRi,
    BindR,
    BindI,
    /// Two BINDs: result ← right, then also ← left.
    BindTwo,
    /// Puts a constant into the scratch slot, for the step after it.
    Spill,
    /// Micros may have been written: moves its zero to match. Without a write it moves nothing.
    MoveZero,
    // Comparisons into eventFlag that go on at `also` unless they hold.
    UnlessEquivRr,
    UnlessEquivRi,
    UnlessGtRr,
    UnlessGtRi,
    UnlessLtRi,
    /// Goes on at `also` unless eventFlag is set.
    UnlessFlag,
    /// Ends the program if eventFlag is set and shouldContinue is not.
    Stop,
    /// Ends the program unless shouldContinue is set.
    StopUnlessContinue,
    End,
}

impl Act {
    /// The comparison that also jumps unless it holds.
    pub(super) const fn and_jump(self) -> Option<Self> {
        match self {
            Self::EquivRr => Some(Self::UnlessEquivRr),
            Self::EquivRi => Some(Self::UnlessEquivRi),
            Self::GtRr => Some(Self::UnlessGtRr),
            Self::GtRi => Some(Self::UnlessGtRi),
            Self::LtRi => Some(Self::UnlessLtRi),
            _ => None,
        }
    }
}

/// Runs the steps; a trap ends them.
#[inline]
pub(super) fn run(steps: &[Step], file: &mut File) -> Option<Trap> {
    let mut next = 0;
    while let Some(step) = steps.get(next) {
        next += 1;
        let constant = u64::from(step.constant);
        let at = u32::from(step.at);
        let left = file.get(step.left);
        let right = file.get(step.right);
        let value = match step.act {
            Act::AddRr => match left.checked_add(right) {
                Some(sum) => sum,
                None => return Some(Trap::AddOverflow { at }),
            },
            Act::AddRi => match left.checked_add(constant) {
                Some(sum) => sum,
                None => return Some(Trap::AddOverflow { at }),
            },
            Act::SubRr => match left.checked_sub(right) {
                Some(difference) => difference,
                None => return Some(Trap::SubUnderflow { at }),
            },
            Act::SubRi => match left.checked_sub(constant) {
                Some(difference) => difference,
                None => return Some(Trap::SubUnderflow { at }),
            },
            Act::SubIr => match constant.checked_sub(right) {
                Some(difference) => difference,
                None => return Some(Trap::SubUnderflow { at }),
            },
            Act::MulRr => match left.checked_mul(right) {
                Some(product) => product,
                None => return Some(Trap::MulOverflow { at }),
            },
            Act::MulRi => match left.checked_mul(constant) {
                Some(product) => product,
                None => return Some(Trap::MulOverflow { at }),
            },
            Act::DivRr => match left.checked_div(right) {
                Some(quotient) => quotient,
                None => return Some(Trap::DivByZero { at }),
            },
            Act::DivRi => match left.checked_div(constant) {
                Some(quotient) => quotient,
                None => return Some(Trap::DivByZero { at }),
            },
            Act::DivIr => match constant.checked_div(right) {
                Some(quotient) => quotient,
                None => return Some(Trap::DivByZero { at }),
            },
            Act::EquivRr => u64::from(left == right),
            Act::EquivRi => u64::from(left == constant),
            Act::GtRr => u64::from(left > right),
            Act::GtRi => u64::from(left > constant),
            Act::LtRi => u64::from(left < constant),
            Act::MaxRr => left.max(right),
            Act::MaxRi => left.max(constant),
            Act::MinRr => left.min(right),
            Act::MinRi => left.min(constant),
            Act::MaxWrapRr => max_wrap(left, right),
            Act::EwmaRr => ewma(left, file.get(step.result), right),
            Act::EwmaIr => ewma(constant, file.get(step.result), right),
            Act::IfRr if left != 0 => right,
            Act::IfRi if left != 0 => constant,
            Act::NotIfRr if left == 0 => right,
            Act::NotIfRi if left == 0 => constant,
            Act::IfRr | Act::IfRi | Act::NotIfRr | Act::NotIfRi => continue,
            Act::BindR => right,
            Act::BindI => constant,
            Act::BindTwo => {
                file.set(step.result, right);
                file.set(step.also, left);
                continue;
            }
            Act::Spill => {
                file.set(SCRATCH, constant);
                continue;
            }
            Act::MoveZero => {
                file.set(ZERO, file.get(NOW).wrapping_sub(file.get(MICROS)));
                continue;
            }
            Act::UnlessEquivRr => {
                decide(left == right, step, file, &mut next);
                continue;
            }
            Act::UnlessEquivRi => {
                decide(left == constant, step, file, &mut next);
                continue;
            }
            Act::UnlessGtRr => {
                decide(left > right, step, file, &mut next);
                continue;
            }
            Act::UnlessGtRi => {
                decide(left > constant, step, file, &mut next);
                continue;
            }
            Act::UnlessLtRi => {
                decide(left < constant, step, file, &mut next);
                continue;
            }
            Act::UnlessFlag => {
                if file.get(EVENT_FLAG) == 0 {
                    next = usize::from(step.also);
                }
                continue;
            }
            Act::Stop if file.get(EVENT_FLAG) == 0 => continue,
            Act::Stop | Act::StopUnlessContinue if file.get(SHOULD_CONTINUE) != 0 => continue,
            Act::Stop | Act::StopUnlessContinue | Act::End => return None,
        };
        file.set(step.result, value);
        file.set(step.also, value);
    }
    None
}

/// What a condition that is one comparison does.
#[inline(always)]
fn decide(holds: bool, step: &Step, file: &mut File, next: &mut usize) {
    file.set(EVENT_FLAG, u64::from(holds));
    if !holds {
        *next = usize::from(step.also);
    }
}

/// The weighted mean of old and new, a tenth at a time; the first value is taken whole.
#[inline(always)]
pub(super) fn ewma(weight: u64, old: u64, new: u64) -> u64 {
    if old == 0 {
        return new;
    }
    let kept = weight.wrapping_mul(old);
    let added = 10_u64.wrapping_sub(weight).wrapping_mul(new);
    kept.wrapping_add(added) / 10
}

/// The later of two 32-bit counters that wrap. Half a turn apart the smaller one wins; a 0 never
/// does, and what wins against it stays whole.
#[inline(always)]
pub(super) fn max_wrap(a: u64, b: u64) -> u64 {
    if a == 0 {
        return b;
    }
    if b == 0 {
        return a;
    }
    let (a, b) = (a as u32, b as u32);
    let winner = match a.wrapping_sub(b) {
        1..=0x7FFF_FFFF => a,
        0x8000_0000 => a.min(b),
        _ => b,
    };
    u64::from(winner)
}
