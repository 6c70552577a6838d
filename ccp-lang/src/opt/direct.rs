//! Results go where they are wanted: a step whose result is bound to a variable writes it itself, and
//! who used the result reads the variable.

use super::work::{Work, operands, slot};
use crate::ir::{Step, Value};
use crate::op::Op;
use crate::reg::Reg;

pub(super) fn run(work: &mut Work) {
    let mut last_use = alloc::vec![0_usize; work.steps.len()];
    for (at, step) in work.steps.iter().enumerate().filter(|(at, _)| !work.is_gone(*at)) {
        for value in operands(step).into_iter().flatten() {
            if let Value::Step(of) = value
                && let Some(last) = last_use.get_mut(of as usize)
            {
                *last = at;
            }
        }
    }
    for number in 0..work.blocks.len() {
        let Some(block) = work.blocks.get(number).cloned() else { continue };
        for part in [block.condition, block.body] {
            for at in part.clone() {
                let Some((result, to)) = bound(work, at) else { continue };
                let last = last_use.get(result).copied().unwrap_or(usize::MAX);
                if part.contains(&result) && may_write(work, result, at, last, to) {
                    write(work, result, at, last, to);
                }
            }
        }
    }
}

/// The step whose result a BIND copies, and where to.
fn bound(work: &Work, at: usize) -> Option<(usize, Reg)> {
    let step = work.step(at).filter(|_| !work.is_gone(at))?;
    match (step.op, step.dest, step.right) {
        (Op::Bind, Some(to), Value::Step(result)) => Some((result as usize, to)),
        _ => None,
    }
}

/// Whether `result` may write the variable `to` instead of the BIND at `bind`, and its users until
/// `last` may read it there.
fn may_write(work: &Work, result: usize, bind: usize, last: usize, to: Reg) -> bool {
    let Some(step) = work.step(result) else { return false };
    let keeps = step.op.operands().conditional || step.op.operands().reads_result;
    if step.dest.is_some() || keeps || work.is_gone(result) {
        return false;
    }
    // Between, nobody may miss the old value, and no trap may show the new one.
    let touches =
        |at: usize| work.step(at).is_none_or(|step| is_written(&step, to) || reads(&step, to));
    let mut between = work.live(result + 1..bind);
    if between.any(|at| touches(at) || work.may_trap(at)) {
        return false;
    }
    if last <= bind {
        return true;
    }
    // The flag is no place to keep anything; and Micros is the transport's business.
    if to == Reg::EVENT_FLAG || to == Reg::MICROS {
        return false;
    }
    let mut behind = work.live(bind + 1..last);
    !behind.any(|at| work.step(at).is_none_or(|step| is_written(&step, to)))
}

fn write(work: &mut Work, result: usize, bind: usize, last: usize, to: Reg) {
    if let Some(step) = work.step(result) {
        work.set(result, Step { dest: Some(to), ..step });
    }
    work.remove(bind);
    let from = Value::Step(result as u32);
    for at in result + 1..=last {
        let Some(mut step) = work.step(at) else { continue };
        for value in [&mut step.left, &mut step.right] {
            if *value == from {
                *value = Value::Reg(to);
            }
        }
        work.set(at, step);
    }
}

fn is_written(step: &Step, reg: Reg) -> bool {
    step.dest.is_some_and(|dest| slot(dest) == slot(reg))
}

fn reads(step: &Step, reg: Reg) -> bool {
    let is_reg = |value: Value| matches!(value, Value::Reg(of) if slot(of).is_some() && slot(of) == slot(reg));
    operands(step).into_iter().flatten().any(is_reg)
}
