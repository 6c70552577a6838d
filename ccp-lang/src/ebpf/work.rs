//! The machine's decoded steps as the back end wants them: operands instead of forms.

use alloc::vec::Vec;

use crate::limits::Limits;
use crate::machine::exec::{Act, Step};
use crate::machine::file::{EVENT_FLAG, MICROS, NOW, SCRATCH, SHOULD_CONTINUE, Slot, TEMPS, ZERO};

/// One step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) job: Job,
    pub(super) result: Slot,
    /// A second place for the result, or the step that a jump goes to.
    pub(super) also: Slot,
    /// The instruction in the program's code.
    pub(super) at: u16,
    /// What this step or a later one reads.
    pub(super) needs: Needs,
    /// What a later one reads.
    pub(super) leaves: Needs,
}

/// Registers of the language that are read before they are written: the flags, which do not outlive
/// an invocation, and temporaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs(u64);

impl Needs {
    const NONE: Self = Self(0);
    const TEMPS: Self = Self((1 << TEMP_COUNT) - 1);

    /// One register; nothing for those that are always kept.
    fn of(slot: Slot) -> Self {
        match slot {
            EVENT_FLAG => Self(1 << TEMP_COUNT),
            SHOULD_CONTINUE => Self(2 << TEMP_COUNT),
            _ => slot
                .checked_sub(TEMPS)
                .filter(|&i| i < TEMP_COUNT)
                .map_or(Self::NONE, |i| Self(1 << i)),
        }
    }

    /// Whether a register is among them.
    pub(super) fn has(self, slot: Slot) -> bool {
        self.0 & Self::of(slot).0 != 0
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whether a slot is a temporary's.
pub(super) fn is_temp(slot: Slot) -> bool {
    (TEMPS..TEMPS + TEMP_COUNT).contains(&slot)
}

/// The steps of a program, and whether it must keep what its temporaries hold.
///
/// With `always` it must. Otherwise it must if it may read one before it writes it, which no
/// compiler's program does.
pub(super) fn works(steps: &[Step], always: bool) -> (Vec<Work>, bool) {
    let mut works: Vec<Work> = steps.iter().map(Work::of).collect();
    let needed = look_back(&mut works, Needs::NONE);
    let kept = always || needed.0 & Needs::TEMPS.0 != 0;
    if kept {
        look_back(&mut works, Needs::TEMPS);
    }
    (works, kept)
}

/// Settles what each step needs, given what is needed at the end. Says what is at the beginning.
fn look_back(works: &mut [Work], end: Needs) -> Needs {
    // Jumps go forward only, so that one pass from the end settles it.
    for at in (0..works.len()).rev() {
        let needs = |at: usize| works.get(at).map_or(end, |work| work.needs);
        let Some(&work) = works.get(at) else {
            continue;
        };
        let leaves = match work.job {
            Job::End => end,
            Job::Unless(..) | Job::UnlessFlag => needs(at + 1).or(needs(work.also.into())),
            Job::Stop | Job::StopUnlessContinue => needs(at + 1).or(end),
            _ => needs(at + 1),
        };
        let mut needs = leaves;
        for slot in [EVENT_FLAG, SHOULD_CONTINUE].into_iter().chain(TEMPS..TEMPS + TEMP_COUNT) {
            let one = Needs::of(slot);
            if work.reads(slot) {
                needs = needs.or(one);
            } else if work.writes(slot) {
                needs = Needs(needs.0 & !one.0);
            }
        }
        if let Some(work) = works.get_mut(at) {
            (work.needs, work.leaves) = (needs, leaves);
        }
    }
    works.first().map_or(end, |work| work.needs)
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Slot(Slot),
    Constant(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Equiv,
    Gt,
    Lt,
    Max,
    Min,
    MaxWrap,
}

impl Binary {
    pub(super) const fn is_comparison(self) -> bool {
        matches!(self, Self::Equiv | Self::Gt | Self::Lt)
    }

    const fn may_trap(self) -> bool {
        matches!(self, Self::Add | Self::Sub | Self::Mul | Self::Div)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Job {
    Binary(Binary, Operand, Operand),
    /// The weight, then the new value.
    Ewma(Operand, Operand),
    /// Copies `value` if `on` is not 0, or with `holds` false if it is.
    Choose {
        holds: bool,
        on: Operand,
        value: Operand,
    },
    Copy(Operand),
    /// To the result, then to the second place.
    CopyTwo(Operand, Operand),
    /// Micros was written: moves its zero to match.
    MoveZero,
    /// Goes on at `also` unless the comparison holds; eventFlag says whether it does.
    Unless(Binary, Operand, Operand),
    UnlessFlag,
    Stop,
    StopUnlessContinue,
    End,
}

impl Work {
    fn of(step: &Step) -> Self {
        let Step { result, also, at, .. } = *step;
        let (l, r) = (Operand::Slot(step.left), Operand::Slot(step.right));
        let c = Operand::Constant(u64::from(step.constant));
        let job = match step.act {
            Act::AddRr => Job::Binary(Binary::Add, l, r),
            Act::AddRi => Job::Binary(Binary::Add, l, c),
            Act::SubRr => Job::Binary(Binary::Sub, l, r),
            Act::SubRi => Job::Binary(Binary::Sub, l, c),
            Act::SubIr => Job::Binary(Binary::Sub, c, r),
            Act::MulRr => Job::Binary(Binary::Mul, l, r),
            Act::MulRi => Job::Binary(Binary::Mul, l, c),
            Act::DivRr => Job::Binary(Binary::Div, l, r),
            Act::DivRi => Job::Binary(Binary::Div, l, c),
            Act::DivIr => Job::Binary(Binary::Div, c, r),
            Act::EquivRr => Job::Binary(Binary::Equiv, l, r),
            Act::EquivRi => Job::Binary(Binary::Equiv, l, c),
            Act::GtRr => Job::Binary(Binary::Gt, l, r),
            Act::GtRi => Job::Binary(Binary::Gt, l, c),
            Act::LtRi => Job::Binary(Binary::Lt, l, c),
            Act::MaxRr => Job::Binary(Binary::Max, l, r),
            Act::MaxRi => Job::Binary(Binary::Max, l, c),
            Act::MinRr => Job::Binary(Binary::Min, l, r),
            Act::MinRi => Job::Binary(Binary::Min, l, c),
            Act::MaxWrapRr => Job::Binary(Binary::MaxWrap, l, r),
            Act::EwmaRr => Job::Ewma(l, r),
            Act::EwmaIr => Job::Ewma(c, r),
            Act::IfRr => Job::Choose { holds: true, on: l, value: r },
            Act::IfRi => Job::Choose { holds: true, on: l, value: c },
            Act::NotIfRr => Job::Choose { holds: false, on: l, value: r },
            Act::NotIfRi => Job::Choose { holds: false, on: l, value: c },
            Act::BindR => Job::Copy(r),
            Act::BindI => Job::Copy(c),
            Act::BindTwo => Job::CopyTwo(r, l),
            Act::Spill => return Self::new(Job::Copy(c), SCRATCH, SCRATCH, at),
            Act::MoveZero => return Self::new(Job::MoveZero, ZERO, ZERO, at),
            Act::UnlessEquivRr => Job::Unless(Binary::Equiv, l, r),
            Act::UnlessEquivRi => Job::Unless(Binary::Equiv, l, c),
            Act::UnlessGtRr => Job::Unless(Binary::Gt, l, r),
            Act::UnlessGtRi => Job::Unless(Binary::Gt, l, c),
            Act::UnlessLtRi => Job::Unless(Binary::Lt, l, c),
            Act::UnlessFlag => Job::UnlessFlag,
            Act::Stop => Job::Stop,
            Act::StopUnlessContinue => Job::StopUnlessContinue,
            Act::End => Job::End,
        };
        Self::new(job, result, also, at)
    }

    fn new(job: Job, result: Slot, also: Slot, at: u16) -> Self {
        Self { job, result, also, at, needs: Needs::NONE, leaves: Needs::NONE }
    }

    pub(super) fn reads(&self, slot: Slot) -> bool {
        let is = |operand: Operand| operand == Operand::Slot(slot);
        match self.job {
            Job::Binary(_, l, r) | Job::CopyTwo(l, r) | Job::Unless(_, l, r) => is(l) || is(r),
            Job::Ewma(l, r) => is(l) || is(r) || slot == self.result,
            Job::Choose { on, value, .. } => is(on) || is(value) || slot == self.result,
            Job::Copy(from) => is(from),
            Job::MoveZero => slot == MICROS || slot == NOW,
            Job::UnlessFlag => slot == EVENT_FLAG,
            Job::Stop => slot == EVENT_FLAG || slot == SHOULD_CONTINUE,
            Job::StopUnlessContinue => slot == SHOULD_CONTINUE,
            Job::End => false,
        }
    }

    /// Whether a slot always has a new value afterwards.
    pub(super) fn writes(&self, slot: Slot) -> bool {
        match self.job {
            Job::Binary(..) | Job::Ewma(..) | Job::Copy(_) | Job::CopyTwo(..) | Job::MoveZero => {
                slot == self.result || slot == self.also
            }
            _ => false,
        }
    }

    /// Whether a slot may have a new value afterwards.
    pub(super) fn may_write(&self, slot: Slot) -> bool {
        self.writes(slot) || matches!(self.job, Job::Choose { .. }) && slot == self.result
    }

    /// Whether code from elsewhere, or to elsewhere, may meet here.
    pub(super) const fn branches(&self) -> bool {
        matches!(
            self.job,
            Job::Unless(..) | Job::UnlessFlag | Job::Stop | Job::StopUnlessContinue | Job::End
        )
    }

    pub(super) const fn may_trap(&self) -> bool {
        matches!(self.job, Job::Binary(op, ..) if op.may_trap())
    }
}

const TEMP_COUNT: Slot = Limits::MACHINE.temps as Slot;

// A bit for each, and two more.
const _: () = assert!(TEMP_COUNT < 62);
