//! Events that never run or always do: the first are taken out, the others lose their test where
//! they can be part of the event before.

use alloc::vec::Vec;
use core::ops::Range;

use super::work::{Block, Work};
use crate::ir::{Step, Value};
use crate::op::Op;
use crate::reg::{Class, Reg};

/// Whether evaluation goes on behind an event that was true.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GoesOn {
    No,
    Perhaps,
    Yes,
}

pub(super) fn run(work: &mut Work) {
    let mut goes_on = GoesOn::No;
    let mut kept: Vec<Block> = Vec::with_capacity(work.blocks.len());
    // Where the steps of events begin that never run: what may trap in their conditions.
    let mut left_over: Option<usize> = None;
    // The last event kept always runs and always goes on.
    let mut is_open = false;
    let mut flag = None;
    let blocks = core::mem::take(&mut work.blocks);
    for (number, block) in blocks.iter().enumerate() {
        let mut block = block.clone();
        block.condition.start = left_over.take().unwrap_or(block.condition.start);
        let last = work.live(block.condition.clone()).next_back();
        let truth = last.and_then(|at| constant_flag(work, at));
        let body_goes_on = lets_go_on(work, block.body.clone());
        let is_last = number + 1 == blocks.len();
        match truth {
            Some(false) => {
                work.remove_all(block.body.clone());
                remove(work, last);
                flag = last;
                left_over = Some(block.condition.start);
            }
            Some(true) => {
                let end = block.body.end;
                join(work, &mut kept, block, last, is_open);
                is_open = body_goes_on || goes_on == GoesOn::Yes;
                if !is_open && goes_on == GoesOn::No {
                    work.remove_all(end..work.steps.len());
                    break;
                }
                // Who is behind it has gone on.
                goes_on = GoesOn::Yes;
            }
            None => {
                let does_nothing = work.live(block.body.clone()).next().is_none()
                    && (is_last || goes_on == GoesOn::Yes);
                if does_nothing && last.is_some_and(|at| !work.may_trap(at)) {
                    remove(work, last);
                    flag = last;
                    left_over = Some(block.condition.start);
                    continue;
                }
                kept.push(block);
                is_open = false;
                goes_on = match (goes_on, body_goes_on) {
                    (GoesOn::No, true) => GoesOn::Perhaps,
                    (before, _) => before,
                };
            }
        }
    }
    finish(work, &mut kept, &blocks, left_over, flag, is_open);
    work.blocks = kept;
}

fn remove(work: &mut Work, at: Option<usize>) {
    if let Some(at) = at {
        work.remove(at);
    }
}

/// Adds an event that always runs, to the one before it if that always goes on.
fn join(work: &mut Work, kept: &mut Vec<Block>, block: Block, flag: Option<usize>, is_open: bool) {
    match kept.last_mut() {
        Some(before) if is_open => {
            remove(work, flag);
            before.body.end = block.body.end;
        }
        _ => kept.push(block),
    }
}

/// What is left over at the end has no event to stand before; and a program has one event at least.
fn finish(
    work: &mut Work,
    kept: &mut Vec<Block>,
    blocks: &[Block],
    left_over: Option<usize>,
    flag: Option<usize>,
    is_open: bool,
) {
    let end = work.steps.len();
    let has_steps = left_over.is_some_and(|start| work.live(start..end).next().is_some());
    if !has_steps && !kept.is_empty() {
        return;
    }
    match (kept.last_mut(), left_over, flag, blocks.last()) {
        (Some(last), ..) if is_open => last.body.end = end,
        (_, Some(start), Some(flag), Some(block)) => {
            let never = Value::Reg(Reg::immediate(0));
            if let Some(mut step) = work.step(flag) {
                step = Step {
                    op: Op::Bind,
                    dest: Some(Reg::EVENT_FLAG),
                    left: never,
                    right: never,
                    ..step
                };
                work.set(flag, step);
                work.keep(flag);
            }
            let mut block = block.clone();
            block.condition = start..end;
            block.body = end..end;
            kept.push(block);
        }
        _ => {}
    }
}

/// What a condition ends with, if that is known.
fn constant_flag(work: &Work, at: usize) -> Option<bool> {
    let step = work.step(at)?;
    match (step.op, step.dest, step.right) {
        (Op::Bind, Some(Reg::EVENT_FLAG), Value::Reg(Reg { class: Class::Immediate, index })) => {
            Some(index != 0)
        }
        _ => None,
    }
}

/// Whether a body that runs surely sets shouldContinue; nothing clears it.
fn lets_go_on(work: &Work, body: Range<usize>) -> bool {
    work.live(body).any(|at| {
        work.step(at)
            .is_some_and(|step| step.dest == Some(Reg::SHOULD_CONTINUE) && step.op == Op::Bind)
    })
}
