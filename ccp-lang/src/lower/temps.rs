//! Which temporary holds which intermediate result.
//!
//! Of the plain translation, in each expression, the first way that fits:
//! 1. each result in the next temporary, as the language's other compilers do;
//! 2. the same order, with temporaries used again once their value has been used;
//! 3. another order, the operand that needs more temporaries first. This changes nothing but which of
//!    several traps comes first, and is done only where no step but the last writes a variable.
//!
//! Of an optimised program, whose values may live long, only the second. The order of 3 is settled
//! before anything is optimised, so that both ways trap alike.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use crate::code::Instr;
use crate::diag::{DiagCode, Diagnostic, Sink};
use crate::ir::{Ir, Step, Value};
use crate::reg::Reg;

/// Gives temporaries to the steps of one expression after the other.
pub(super) struct Temps {
    /// How many there are, at most 32.
    limit: u32,
    /// The temporary of each step of the expression at hand.
    of_step: Vec<u32>,
}

impl Temps {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: limit.min(u32::BITS), of_step: Vec::new() }
    }

    /// Appends the instructions of one expression.
    pub(super) fn lower(
        &mut self,
        ir: &Ir,
        expr: &Range<u32>,
        instrs: &mut Vec<Instr>,
        sink: &mut Sink,
    ) {
        let steps = ir.steps_of(expr);
        let results = steps.iter().filter(|step| step.dest.is_none()).count();
        if results <= self.limit as usize {
            self.number(steps);
            instrs.extend((0..).zip(steps).map(|(at, step)| self.instr(at, step, expr.start)));
            return;
        }
        if self.reuse(steps, expr.start) {
            instrs.extend((0..).zip(steps).map(|(at, step)| self.instr(at, step, expr.start)));
            return;
        }
        if let Some(last) = steps.last() {
            let message =
                format!("this expression needs more than {} temporaries at once", self.limit);
            let help = "bind a part of it to a name of its own first";
            sink.push(
                Diagnostic::error(DiagCode::TooManyTemporaries, last.span, message).help(help),
            );
        }
    }

    /// Each result in the next temporary.
    fn number(&mut self, steps: &[Step]) {
        self.of_step.clear();
        let mut next = 0;
        for step in steps {
            self.of_step.push(next);
            next += u32::from(step.dest.is_none());
        }
    }

    /// Each result in the first temporary whose value has been used. Says whether there were enough.
    fn reuse(&mut self, steps: &[Step], start: u32) -> bool {
        self.of_step.clear();
        self.of_step.resize(steps.len(), 0);
        let mut free = self.all();
        for (at, step) in steps.iter().enumerate() {
            for operand in operands(step, start) {
                free |= 1 << self.temp(operand);
            }
            if step.dest.is_none() {
                let temp = free.trailing_zeros();
                if temp >= u32::BITS {
                    return false;
                }
                // A result that nobody uses gives its temporary back at once.
                let is_last = at + 1 == steps.len();
                free &= if is_last { free } else { !(1 << temp) };
                if let Some(slot) = self.of_step.get_mut(at) {
                    *slot = temp;
                }
            }
        }
        true
    }

    /// Gives temporaries to all steps of a program whose values may be used more than once, in any
    /// later expression. Says whether there were enough; then [`Self::shared`] gives the instructions.
    pub(super) fn share(&mut self, steps: &[Step]) -> bool {
        let mut last_use = alloc::vec![0_usize; steps.len()];
        for (at, step) in steps.iter().enumerate() {
            for operand in operands(step, 0) {
                if let Some(last) = last_use.get_mut(operand as usize) {
                    *last = at;
                }
            }
        }
        let last = |step: usize| last_use.get(step).copied().unwrap_or(0);
        self.of_step.clear();
        self.of_step.resize(steps.len(), 0);
        let mut free = self.all();
        for (at, step) in steps.iter().enumerate() {
            for operand in operands(step, 0).filter(|&operand| last(operand as usize) == at) {
                free |= 1 << self.temp(operand);
            }
            if step.dest.is_some() {
                continue;
            }
            let temp = free.trailing_zeros();
            if temp >= u32::BITS {
                return false;
            }
            // What nobody uses, but may trap, gives its temporary back at once.
            if last(at) > at {
                free &= !(1 << temp);
            }
            if let Some(slot) = self.of_step.get_mut(at) {
                *slot = temp;
            }
        }
        true
    }

    /// The instruction of a step.
    pub(super) fn shared(&self, at: u32, step: &Step) -> Instr {
        let instr = self.instr(at, step, 0);
        // As the wire wants it.
        let reads_left = step.op.operands().reads_left;
        Instr { left: if reads_left { instr.left } else { instr.result }, ..instr }
    }

    /// All temporaries, by bit.
    const fn all(&self) -> u32 {
        match self.limit {
            32.. => u32::MAX,
            limit => (1 << limit) - 1,
        }
    }

    /// Brings the steps of each expression that would need too many temporaries into an order in
    /// which it needs the fewest.
    pub(super) fn settle(&mut self, ir: &mut Ir) {
        let conditions = ir.events.iter().map(|event| event.condition.clone());
        let long = |expr: &Range<u32>| expr.len() > self.limit as usize;
        let exprs: Vec<Range<u32>> =
            conditions.chain(ir.exprs.iter().cloned()).filter(long).collect();
        for expr in exprs {
            let steps = ir.steps_of(&expr);
            if self.reuse(steps, expr.start) {
                continue;
            }
            if let Some(order) = heavier_first(steps, expr.start)
                && let Some(steps) = ir.steps.get_mut(expr.start as usize..expr.end as usize)
            {
                reorder(steps, expr.start, &order);
            }
        }
    }

    fn temp(&self, step: u32) -> u32 {
        self.of_step.get(step as usize).copied().unwrap_or(0) % u32::BITS
    }

    fn instr(&self, at: u32, step: &Step, start: u32) -> Instr {
        let reg = |value| match value {
            Value::Reg(reg) => reg,
            Value::Step(at) => Reg::temp(self.temp(at - start)),
        };
        let result = step.dest.unwrap_or_else(|| Reg::temp(self.temp(at)));
        Instr::new(step.op, result, reg(step.left), reg(step.right))
    }
}

/// Puts the steps of an expression into an order.
fn reorder(steps: &mut [Step], start: u32, order: &[u32]) {
    let mut places = alloc::vec![0; steps.len()];
    for (place, &at) in (start..).zip(order) {
        if let Some(slot) = places.get_mut(at as usize) {
            *slot = place;
        }
    }
    let moved = |value| match value {
        Value::Step(at) => {
            let place = at.checked_sub(start).and_then(|at| places.get(at as usize));
            Value::Step(place.copied().unwrap_or(at))
        }
        reg => reg,
    };
    let before = steps.to_vec();
    for (to, step) in steps.iter_mut().zip(order.iter().filter_map(|&at| before.get(at as usize))) {
        *to = Step { left: moved(step.left), right: moved(step.right), ..*step };
    }
}

/// The steps whose results a step uses, counted from the expression's first.
fn operands(step: &Step, start: u32) -> impl Iterator<Item = u32> {
    let reads = step.op.operands();
    let read = [(reads.reads_left, step.left), (reads.reads_right, step.right)];
    read.into_iter().filter_map(move |value| match value {
        (true, Value::Step(at)) => at.checked_sub(start),
        _ => None,
    })
}

/// The order in which an expression needs the fewest temporaries: of two operands the one that needs
/// more comes first. `None` if a step before the last writes a variable.
fn heavier_first(steps: &[Step], start: u32) -> Option<Vec<u32>> {
    let (_, inner) = steps.split_last()?;
    if inner.iter().any(|step| step.dest.is_some()) {
        return None;
    }
    let mut needs: Vec<u32> = Vec::with_capacity(steps.len());
    for step in steps {
        let mut need = 1;
        let mut other = 0;
        for operand in operands(step, start) {
            let operand = needs.get(operand as usize).copied().unwrap_or(1);
            (need, other) = match operand {
                _ if other == 0 => (operand.max(need), operand),
                _ if operand == other => (operand + 1, operand),
                _ => (need.max(operand), operand),
            };
        }
        needs.push(need);
    }
    // Backwards from the root: the operator, then its lighter operand, then its heavier one.
    let mut order = Vec::with_capacity(steps.len());
    let mut open = alloc::vec![steps.len() as u32 - 1];
    while let Some(at) = open.pop() {
        order.push(at);
        let step = steps.get(at as usize)?;
        let need = |at: u32| needs.get(at as usize).copied().unwrap_or(1);
        let mut pair = operands(step, start);
        match (pair.next(), pair.next()) {
            (Some(left), Some(right)) if need(right) > need(left) => open.extend([right, left]),
            (Some(left), Some(right)) => open.extend([left, right]),
            (Some(only), _) | (_, Some(only)) => open.push(only),
            (None, None) => {}
        }
    }
    order.reverse();
    Some(order)
}
