//! The machine's decoded steps as the back end wants them: operands instead of forms.

use alloc::vec::Vec;

use crate::machine::exec::{Act, Step};
use crate::machine::file::{EVENT_FLAG, MICROS, NOW, SCRATCH, SHOULD_CONTINUE, Slot, ZERO};

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
    pub(super) needs: Flags,
    /// What a later one reads.
    pub(super) leaves: Flags,
}

/// The two flags that do not outlive an invocation: whether they are read before they are written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) event: bool,
    pub(super) goes_on: bool,
}

impl Flags {
    const fn or(self, other: Self) -> Self {
        Self { event: self.event || other.event, goes_on: self.goes_on || other.goes_on }
    }
}

/// The steps of a program.
pub(super) fn works(steps: &[Step]) -> Vec<Work> {
    let mut works: Vec<Work> = steps.iter().map(Work::of).collect();
    // Jumps go forward only, so that one pass from the end settles what is needed.
    for at in (0..works.len()).rev() {
        let needs = |at: usize| works.get(at).map_or_else(Flags::default, |work| work.needs);
        let Some(&work) = works.get(at) else {
            continue;
        };
        let leaves = match work.job {
            Job::End => Flags::default(),
            Job::Unless(..) | Job::UnlessFlag => needs(at + 1).or(needs(work.also.into())),
            _ => needs(at + 1),
        };
        let wants = |slot, later: bool| work.reads(slot) || later && !work.writes(slot);
        let needs = Flags {
            event: wants(EVENT_FLAG, leaves.event),
            goes_on: wants(SHOULD_CONTINUE, leaves.goes_on),
        };
        if let Some(work) = works.get_mut(at) {
            (work.needs, work.leaves) = (needs, leaves);
        }
    }
    works
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
        Self { job, result, also, at, needs: Flags::default(), leaves: Flags::default() }
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
