//! A program while it is optimised: steps in one row, events as ranges of it.

use alloc::vec::Vec;
use core::ops::Range;

use crate::diag::Span;
use crate::ir::{Def, Ir, IrEvent, Step, Value};
use crate::limits::Limits;
use crate::op::Op;
use crate::reg::{Class, Reg};

/// An event. Its body runs behind its condition.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) condition: Range<usize>,
    pub(super) body: Range<usize>,
    span: Span,
}

/// A program at work. Values of steps may be used more than once, wherever their step has run
/// before.
#[derive(Clone, Debug)]
pub(super) struct Work {
    defs: Vec<Def>,
    pub(super) steps: Vec<Step>,
    pub(super) blocks: Vec<Block>,
    /// Of each step whether it may trap.
    pub(super) traps: Vec<bool>,
    /// Of each step whether it is no more.
    pub(super) gone: Vec<bool>,
    /// Whether values are shared between steps.
    pub(super) shares: bool,
}

impl Block {
    pub(super) fn all(&self) -> Range<usize> {
        self.condition.start..self.body.end
    }
}

impl Work {
    pub(super) fn new(ir: Ir, shares: bool) -> Self {
        let place = |range: &Range<u32>| range.start as usize..range.end as usize;
        let blocks = ir.events.iter().map(|event| {
            let condition = place(&event.condition);
            let end = ir.body(event).last().map_or(condition.end, |expr| expr.end as usize);
            Block { body: condition.end..end, condition, span: event.span }
        });
        let blocks = blocks.collect();
        let traps = ir.steps.iter().map(|step| can_trap(step.op)).collect();
        let gone = alloc::vec![false; ir.steps.len()];
        Self { defs: ir.defs, steps: ir.steps, blocks, traps, gone, shares }
    }

    /// The program as it is now. A body is one expression.
    pub(super) fn into_ir(mut self) -> Ir {
        self.sweep();
        let range = |range: &Range<usize>| range.start as u32..range.end as u32;
        let mut exprs = Vec::with_capacity(self.blocks.len());
        let events = self.blocks.iter().map(|block| {
            let first = exprs.len() as u32;
            if !block.body.is_empty() {
                exprs.push(range(&block.body));
            }
            let body = first..exprs.len() as u32;
            IrEvent { condition: range(&block.condition), body, span: block.span }
        });
        let events = events.collect();
        Ir { defs: self.defs, events, exprs, steps: self.steps }
    }

    /// Takes out the steps that are gone.
    fn sweep(&mut self) {
        // Where each step, and the end, is afterwards.
        let mut places = Vec::with_capacity(self.steps.len() + 1);
        let mut next = 0_usize;
        for &gone in &self.gone {
            places.push(next);
            next += usize::from(!gone);
        }
        places.push(next);
        let place = |at: usize| places.get(at).copied().unwrap_or(next);
        let moved = |value| match value {
            Value::Step(at) => Value::Step(place(at as usize) as u32),
            reg => reg,
        };
        for step in &mut self.steps {
            step.right = moved(step.right);
            // What is not read may be a step that is gone.
            let reads_left = step.op.operands().reads_left;
            step.left = if reads_left { moved(step.left) } else { step.right };
        }
        for block in &mut self.blocks {
            for range in [&mut block.condition, &mut block.body] {
                *range = place(range.start)..place(range.end);
            }
        }
        let gone = &self.gone;
        let mut at = 0;
        self.steps.retain(|_| {
            at += 1;
            !gone.get(at - 1).copied().unwrap_or(false)
        });
        self.gone.clear();
        self.gone.resize(next, false);
    }

    /// The steps of a range that are still there.
    pub(super) fn live(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = usize> {
        range.filter(|&at| !self.is_gone(at))
    }

    pub(super) fn is_gone(&self, at: usize) -> bool {
        self.gone.get(at).copied().unwrap_or(true)
    }

    pub(super) fn may_trap(&self, at: usize) -> bool {
        self.traps.get(at).copied().unwrap_or(true)
    }

    pub(super) fn step(&self, at: usize) -> Option<Step> {
        self.steps.get(at).copied()
    }

    pub(super) fn set(&mut self, at: usize, step: Step) {
        if let Some(slot) = self.steps.get_mut(at) {
            *slot = step;
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        if let Some(gone) = self.gone.get_mut(at) {
            *gone = true;
        }
    }

    /// Takes a removal back.
    pub(super) fn keep(&mut self, at: usize) {
        if let Some(gone) = self.gone.get_mut(at) {
            *gone = false;
        }
    }

    pub(super) fn remove_all(&mut self, range: Range<usize>) {
        for at in range {
            self.remove(at);
        }
    }
}

/// Whether an operation can trap on some operands.
const fn can_trap(op: Op) -> bool {
    super::range::may_trap(op, super::range::Range::ANY, super::range::Range::ANY)
}

/// What a step reads: left if its operation does, right likewise.
pub(super) fn operands(step: &Step) -> [Option<Value>; 2] {
    let reads = step.op.operands();
    [reads.reads_left.then_some(step.left), reads.reads_right.then_some(step.right)]
}

/// How many registers there are, without constants and temporaries.
pub(super) const SLOTS: usize = CONTROLS + Limits::MACHINE.controls as usize;

const PRIMITIVES: usize = 8;
const LOCALS: usize = PRIMITIVES + Limits::MACHINE.primitives as usize;
const REPORTS: usize = LOCALS + Limits::MACHINE.locals as usize;
const CONTROLS: usize = REPORTS + Limits::MACHINE.reports as usize;

/// A number for each register; both classes of reports have the same ones, both of controls
/// likewise. `None` for constants and temporaries.
pub(super) fn slot(reg: Reg) -> Option<usize> {
    let (start, end) = match reg.class {
        Class::Immediate | Class::Temp => return None,
        Class::Implicit => (0, PRIMITIVES),
        Class::Primitive => (PRIMITIVES, LOCALS),
        Class::Local => (LOCALS, REPORTS),
        Class::Report | Class::VolatileReport => (REPORTS, CONTROLS),
        Class::Control | Class::VolatileControl => (CONTROLS, SLOTS),
    };
    // The checker makes none that do not exist.
    Some((start + reg.index as usize).min(end - 1))
}

/// A set of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Regs([u64; SLOTS.div_ceil(64)]);

impl Regs {
    pub(super) const NONE: Self = Self([0; SLOTS.div_ceil(64)]);
    pub(super) const ALL: Self = Self([u64::MAX; SLOTS.div_ceil(64)]);

    pub(super) fn insert(&mut self, reg: Reg) {
        if let Some(slot) = slot(reg)
            && let Some(word) = self.0.get_mut(slot / 64)
        {
            *word |= 1 << (slot % 64);
        }
    }

    pub(super) fn remove(&mut self, reg: Reg) {
        if let Some(slot) = slot(reg)
            && let Some(word) = self.0.get_mut(slot / 64)
        {
            *word &= !(1 << (slot % 64));
        }
    }

    pub(super) fn contains(&self, reg: Reg) -> bool {
        slot(reg).is_some_and(|slot| {
            self.0.get(slot / 64).is_some_and(|word| word & (1 << (slot % 64)) != 0)
        })
    }

    pub(super) fn or(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }
}
