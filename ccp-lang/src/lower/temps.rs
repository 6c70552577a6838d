//! Which temporary holds which intermediate result.
//!
//! Three ways, the first that fits:
//! 1. each result in the next temporary, as the language's other compilers do;
//! 2. the same order, with temporaries used again once their value has been used;
//! 3. another order, the operand that needs more temporaries first. This changes nothing but which of
//!    several traps comes first, and is done only where no step but the last writes a variable.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use crate::code::Instr;
use crate::diag::{DiagCode, Diagnostic, Sink, Span};
use crate::ir::{Ir, Step, Value};
use crate::reg::Reg;

/// Gives temporaries to the steps of one expression after the other.
pub(super) struct Temps {
    /// How many there are, at most 32.
    limit: u32,
    /// The temporary of each step of the expression at hand.
    of_step: Vec<u32>,
    /// The order of its steps, where that is not theirs.
    order: Option<Vec<u32>>,
}

impl Temps {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: limit.min(u32::BITS), of_step: Vec::new(), order: None }
    }

    /// Appends the instructions of one expression.
    pub(super) fn lower(
        &mut self,
        ir: &Ir,
        expr: &Range<u32>,
        instrs: &mut Vec<Instr>,
        sink: &mut Sink,
    ) {
        self.order = None;
        let steps = ir.steps_of(expr);
        let results = steps.iter().filter(|step| step.dest.is_none()).count();
        if results <= self.limit as usize {
            self.number(steps);
            instrs.extend((0..).zip(steps).map(|(at, step)| self.instr(at, step, expr.start)));
            return;
        }
        let in_order: Vec<u32> = (0..steps.len() as u32).collect();
        if self.reuse(steps, expr.start, &in_order) {
            instrs.extend((0..).zip(steps).map(|(at, step)| self.instr(at, step, expr.start)));
            return;
        }
        let reordered = heavier_first(steps, expr.start);
        if let Some(order) = reordered.filter(|order| self.reuse(steps, expr.start, order)) {
            let steps = order.iter().filter_map(|&at| Some((at, steps.get(at as usize)?)));
            instrs.extend(steps.map(|(at, step)| self.instr(at, step, expr.start)));
            self.order = Some(order);
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

    /// Where the instructions of the expression come from that was lowered last.
    pub(super) fn spans(&self, ir: &Ir, expr: &Range<u32>, spans: &mut Vec<Span>) {
        let steps = ir.steps_of(expr);
        match &self.order {
            None => spans.extend(steps.iter().map(|step| step.span)),
            Some(order) => spans.extend(
                order.iter().filter_map(|&at| steps.get(at as usize)).map(|step| step.span),
            ),
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
    fn reuse(&mut self, steps: &[Step], start: u32, order: &[u32]) -> bool {
        self.of_step.clear();
        self.of_step.resize(steps.len(), 0);
        let mut free: u32 = match self.limit {
            32.. => u32::MAX,
            limit => (1 << limit) - 1,
        };
        for &at in order {
            let Some(step) = steps.get(at as usize) else {
                continue;
            };
            for operand in operands(step, start) {
                free |= 1 << self.temp(operand);
            }
            if step.dest.is_none() {
                let temp = free.trailing_zeros();
                if temp >= u32::BITS {
                    return false;
                }
                // A result that nobody uses gives its temporary back at once.
                let is_last = at as usize + 1 == steps.len();
                free &= if is_last { free } else { !(1 << temp) };
                if let Some(slot) = self.of_step.get_mut(at as usize) {
                    *slot = temp;
                }
            }
        }
        true
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

/// The steps whose results a step uses, counted from the expression's first.
fn operands(step: &Step, start: u32) -> impl Iterator<Item = u32> {
    [step.left, step.right].into_iter().filter_map(move |value| match value {
        Value::Step(at) => at.checked_sub(start),
        Value::Reg(_) => None,
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
