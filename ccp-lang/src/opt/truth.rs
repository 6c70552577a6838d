//! Conditions: where only zero or not is asked for, less has to be computed.
//!
//! A condition, what an IF hangs on, and what is compared with 0 are asked for no more than that, and
//! with them what they are joined of. There `x > 0` is x, and two conditions hold if the smaller one
//! is not 0.

use super::work::{Work, operands};
use crate::ir::{Step, Value};
use crate::op::Op;
use crate::reg::Reg;

pub(super) fn run(work: &mut Work) {
    // Of each step whether someone asks for its very value.
    let mut exact = alloc::vec![false; work.steps.len()];
    for at in (0..work.steps.len()).rev() {
        if work.is_gone(at) {
            continue;
        }
        let Some(mut step) = work.step(at) else { continue };
        let is_truth = match step.dest {
            None => !exact.get(at).copied().unwrap_or(true),
            Some(reg) => reg == Reg::EVENT_FLAG,
        };
        if is_truth && let Some(simpler) = simpler(&step, work.may_trap(at)) {
            step = simpler;
            work.set(at, step);
        }
        let [left, right] = asks(&step, is_truth);
        let [l, r] = operands(&step);
        for (value, asks) in [(l, left), (r, right)] {
            if let (Some(Value::Step(of)), true) = (value, asks)
                && let Some(exact) = exact.get_mut(of as usize)
            {
                *exact = true;
            }
        }
    }
}

/// What does as well where only zero or not is asked for.
fn simpler(step: &Step, may_trap: bool) -> Option<Step> {
    let Step { op, left, right, .. } = *step;
    let bind = |right| Some(Step { op: Op::Bind, left: right, right, ..*step });
    match op {
        Op::Gt if is(right, 0) => bind(left),
        Op::Lt if is(left, 0) => bind(right),
        Op::Min if is(right, 1) => bind(left),
        Op::Min if is(left, 1) => bind(right),
        // Without an overflow a product is 0 only if one of them is.
        Op::Mul if !may_trap => Some(Step { op: Op::Min, ..*step }),
        _ => None,
    }
}

/// Whether a step asks for the very value of its left operand, and of its right one.
fn asks(step: &Step, is_truth: bool) -> [bool; 2] {
    match step.op {
        Op::If | Op::NotIf => [false, true],
        Op::Equiv => [!is(step.right, 0), !is(step.left, 0)],
        Op::Max | Op::Min | Op::Bind if is_truth => [false, false],
        _ => [true, true],
    }
}

fn is(value: Value, constant: u32) -> bool {
    value == Value::Reg(Reg::immediate(constant))
}
