//! What nobody can see: results that no step uses, and writes to a variable that is written again
//! before anybody looks at it.
//!
//! Whoever looks when an invocation ends, with a trap too, sees control and report variables, Cwnd,
//! Rate and Micros. A local shows then only if the next invocation may read it first. What may trap
//! is kept for that.

use core::ops::Range;

use super::work::{Regs, Work, operands};
use crate::ir::Value;
use crate::limits::Limits;
use crate::reg::{Class, Reg};

pub(super) fn run(work: &mut Work) {
    let at_end = seen_at_end(work);
    let mut used = alloc::vec![false; work.steps.len()];
    // What is read behind the event at hand.
    let mut after = at_end;
    for number in (0..work.blocks.len()).rev() {
        let Some(block) = work.blocks.get(number).cloned() else { continue };
        let is_last = number + 1 == work.blocks.len();
        let mut live = after.or(&at_end);
        if !is_last {
            // The machine tests it.
            live.insert(Reg::SHOULD_CONTINUE);
        }
        for at in block.body.rev() {
            step(work, at, &mut live, &mut used, &at_end);
        }
        live = live.or(&after);
        for at in block.condition.rev() {
            step(work, at, &mut live, &mut used, &at_end);
        }
        after = live;
    }
}

fn step(work: &mut Work, at: usize, live: &mut Regs, used: &mut [bool], at_end: &Regs) {
    let Some(step) = work.step(at).filter(|_| !work.is_gone(at)) else { return };
    let may_trap = work.may_trap(at);
    let is_needed = match step.dest {
        None => used.get(at).copied().unwrap_or(true),
        Some(reg) => reg == Reg::EVENT_FLAG || live.contains(reg),
    };
    if !is_needed && !may_trap {
        return work.remove(at);
    }
    let reads = step.op.operands();
    if let Some(reg) = step.dest {
        if reads.reads_result {
            live.insert(reg);
        } else if !reads.conditional {
            live.remove(reg);
        }
    }
    if may_trap {
        *live = live.or(at_end);
    }
    for value in operands(&step).into_iter().flatten() {
        match value {
            Value::Reg(reg) => live.insert(reg),
            Value::Step(of) => {
                if let Some(used) = used.get_mut(of as usize) {
                    *used = true;
                }
            }
        }
    }
}

/// The registers whose values somebody may see when an invocation has ended.
fn seen_at_end(work: &Work) -> Regs {
    let mut seen = Regs::ALL;
    for reg in [Reg::EVENT_FLAG, Reg::SHOULD_CONTINUE] {
        seen.remove(reg);
    }
    for local in (0..Limits::MACHINE.locals).map(Reg::local) {
        seen.remove(local);
    }
    // Locals that may be read before they are written.
    let mut written = Regs::NONE;
    for block in &work.blocks {
        read_first(work, block.condition.clone(), &mut written, &mut seen);
        // The body may not run.
        let mut in_body = written;
        read_first(work, block.body.clone(), &mut in_body, &mut seen);
    }
    seen
}

/// Adds the locals that steps read before they are written.
fn read_first(work: &Work, steps: Range<usize>, written: &mut Regs, seen: &mut Regs) {
    for step in work.live(steps).filter_map(|at| work.step(at)) {
        let reads = step.op.operands();
        let old = step.dest.filter(|_| reads.reads_result || reads.conditional);
        let read = operands(&step).into_iter().flatten().filter_map(|value| match value {
            Value::Reg(reg) => Some(reg),
            Value::Step(_) => None,
        });
        for reg in read.chain(old).filter(|reg| reg.class == Class::Local) {
            if !written.contains(reg) {
                seen.insert(reg);
            }
        }
        if let Some(reg) = step.dest.filter(|_| !reads.conditional) {
            written.insert(reg);
        }
    }
}
