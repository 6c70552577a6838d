//! Common subexpressions: what has been computed already is read from where it is.

use super::fold::source;
use super::values::{Values, Visitor, walk};
use super::work::{Work, operands};
use crate::ir::{Step, Value};
use crate::op::Op;

pub(super) fn run(work: &mut Work) {
    if work.shares {
        walk(work, &mut Share);
    }
}

struct Share;

impl Visitor for Share {
    fn step(&mut self, values: &mut Values, work: &mut Work, at: usize) {
        let Some(step) = source(values, work, at) else { return };
        if step.dest.is_some() || matches!(step.op, Op::Bind | Op::Def) {
            return;
        }
        let [Some(left), Some(right)] = operands(&step).map(|value| value.map(|v| values.of(v)))
        else {
            return;
        };
        let Some(id) = values.known(step.op, left, right) else { return };
        // A step keeps its value, a register perhaps not until this one is used.
        let place = values.holder(id).map(Value::Step);
        if let Some(right) = place.or_else(|| values.home(id).map(Value::Reg)) {
            work.set(at, Step { op: Op::Bind, left: right, right, ..step });
        }
    }
}
