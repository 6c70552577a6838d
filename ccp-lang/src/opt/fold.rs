//! Constants, identities and what the ranges of values tell: an operation whose result is known
//! becomes a BIND of it, or another operation that needs one less.
//!
//! Operands are read from where a value comes from, so that the step or local between is needed by
//! nobody.

use super::range::{self, Range};
use super::values::{Id, Values, Visitor, walk};
use super::work::{Work, operands};
use crate::ir::{Step, Value};
use crate::op::Op;
use crate::reg::{Class, Reg};

pub(super) fn run(work: &mut Work) {
    walk(work, &mut Fold);
}

struct Fold;

impl Visitor for Fold {
    fn step(&mut self, values: &mut Values, work: &mut Work, at: usize) {
        let Some(step) = source(values, work, at) else { return };
        let [left, right] = operands(&step).map(|operand| operand.map(|value| values.of(value)));
        let (Some(left), Some(right)) = (left.or(right), right) else { return };
        // Each change may make room for another one; there are no cycles, and few are many.
        let mut fold = At { values, step, left, right };
        for _ in 0..4 {
            match fold.change() {
                Change::None => break,
                Change::Remove => return work.remove(at),
                Change::To(step) => fold.to(step),
            }
        }
        work.set(at, fold.step);
    }
}

/// Lets a step read its operands from where they come from, and gives it.
pub(super) fn source(values: &mut Values, work: &mut Work, at: usize) -> Option<Step> {
    let mut step = work.step(at)?;
    let [reads_left, reads_right] = operands(&step).map(|operand| operand.is_some());
    let part = work.shares.then(|| work.blocks.iter().find(|block| block.all().contains(&at)));
    let together = |holder: u32| {
        // What a body reads from a step in another event would hold a temporary for long.
        part.flatten().is_some_and(|block| block.all().contains(&(holder as usize)))
    };
    let mut read = |value: Value| {
        let id = values.of(value);
        if let Some(constant) = values.immediate(id) {
            return constant;
        }
        match value {
            Value::Step(holder) => {
                let bound = work.step(holder as usize).filter(|step| step.op == Op::Bind);
                match bound.map(|step| step.right) {
                    Some(Value::Step(first)) => Value::Step(first),
                    Some(Value::Reg(reg)) if values.reg(reg) == id => Value::Reg(reg),
                    _ => value,
                }
            }
            Value::Reg(Reg { class: Class::Local, .. }) => {
                let other = values.home(id).filter(|home| home.class != Class::Local);
                let holder = || values.holder(id).filter(|&holder| together(holder));
                other.map(Value::Reg).or_else(|| holder().map(Value::Step)).unwrap_or(value)
            }
            Value::Reg(_) => value,
        }
    };
    if reads_left {
        step.left = read(step.left);
    }
    if reads_right {
        step.right = read(step.right);
    }
    work.set(at, step);
    Some(step)
}

enum Change {
    None,
    /// The step has no effect.
    Remove,
    To(Step),
}

/// A step with the values of its operands.
struct At<'a> {
    values: &'a mut Values,
    step: Step,
    left: Id,
    right: Id,
}

impl At<'_> {
    fn to(&mut self, step: Step) {
        self.step = step;
        self.left = self.values.of(step.left);
        self.right = self.values.of(step.right);
    }

    fn change(&self) -> Change {
        let Step { op, dest, .. } = self.step;
        let (left, right) = (self.values.range(self.left), self.values.range(self.right));
        match op {
            Op::Def => Change::None,
            Op::Bind => match dest {
                // Every condition writes its flag.
                Some(Reg::EVENT_FLAG) => {
                    let is_one = right.constant() == Some(1);
                    if right.is_never_zero() && !is_one { self.constant(1) } else { Change::None }
                }
                Some(reg) => {
                    let held = self.values.reg(reg);
                    if self.values.same(held, self.right) { Change::Remove } else { Change::None }
                }
                None => Change::None,
            },
            Op::If | Op::NotIf => self.conditional(left),
            Op::Ewma => {
                let old = dest.map_or(Range::ANY, |reg| self.values.range(self.values.reg(reg)));
                if old.is_zero() { self.bind(self.step.right) } else { Change::None }
            }
            _ => self.pure(left, right),
        }
    }

    /// IF and NOTIF.
    fn conditional(&self, on: Range) -> Change {
        let Step { op, dest, .. } = self.step;
        let is_if = op == Op::If;
        if dest.is_some_and(|reg| self.values.same(self.values.reg(reg), self.right)) {
            return Change::Remove;
        }
        match (on.is_never_zero(), on.is_zero()) {
            (true, _) if is_if => return self.bind(self.step.right),
            (_, true) if !is_if => return self.bind(self.step.right),
            (true, _) | (_, true) => return Change::Remove,
            _ => {}
        }
        // On the contrary of something: the other one, on that.
        if let Some(value) = self.negated(self.left) {
            let op = if is_if { Op::NotIf } else { Op::If };
            return Change::To(Step { op, left: value, ..self.step });
        }
        Change::None
    }

    fn pure(&self, l: Range, r: Range) -> Change {
        let Step { op, left, right, .. } = self.step;
        let same = self.values.same(self.left, self.right);
        let result = range::result(op, l, r, Range::ANY);
        if !range::may_trap(op, l, r) {
            if let Some(value) = result.constant().and_then(|value| u32::try_from(value).ok()) {
                return self.constant(value);
            }
            if self.step.dest == Some(Reg::EVENT_FLAG) && result.is_never_zero() {
                return self.constant(1);
            }
        }
        match op {
            Op::Add | Op::Max | Op::MaxWrap if r.is_zero() => self.bind(left),
            Op::Add | Op::Max | Op::MaxWrap if l.is_zero() => self.bind(right),
            Op::Sub if r.is_zero() => self.bind(left),
            Op::Sub if same => self.constant(0),
            Op::Mul | Op::Div if r == Range::one(1) => self.bind(left),
            Op::Mul if l == Range::one(1) => self.bind(right),
            Op::Div if same && r.is_never_zero() => self.constant(1),
            Op::Max | Op::Min if same => self.bind(left),
            Op::Max if l.lo >= r.hi => self.bind(left),
            Op::Max if r.lo >= l.hi => self.bind(right),
            Op::Min if l.hi <= r.lo => self.bind(left),
            Op::Min if r.hi <= l.lo => self.bind(right),
            Op::Max | Op::Min if self.contains(op, self.left, self.right) => self.bind(left),
            Op::Max | Op::Min if self.contains(op, self.right, self.left) => self.bind(right),
            Op::Equiv if same => self.constant(1),
            Op::Gt | Op::Lt if same => self.constant(0),
            Op::Equiv if r == Range::one(1) && l.is_bool() => self.bind(left),
            Op::Equiv if l == Range::one(1) && r.is_bool() => self.bind(right),
            Op::Gt if r.is_zero() && l.is_bool() => self.bind(left),
            Op::Lt if l.is_zero() && r.is_bool() => self.bind(right),
            Op::Equiv if r.is_zero() => self.not(self.left),
            Op::Equiv if l.is_zero() => self.not(self.right),
            Op::Mul if l.is_bool() && r.is_bool() => self.and(),
            _ => Change::None,
        }
    }

    /// The contrary of a comparison is one too, with a constant at least.
    fn not(&self, of: Id) -> Change {
        let Some((op, left, right)) = self.values.made(of) else { return Change::None };
        let (l, r) = (self.values.range(left), self.values.range(right));
        let constant = |range: Range| range.constant().and_then(|value| u32::try_from(value).ok());
        let place = |id: Id| self.values.find(id);
        let up = |c: u32| c.checked_add(1).map(Reg::immediate).map(Value::Reg);
        let down = |c: u32| c.checked_sub(1).map(Reg::immediate).map(Value::Reg);
        let found = match (op, constant(l), constant(r)) {
            (Op::Equiv, ..) if r.is_zero() && l.is_bool() => {
                let Some(value) = place(left) else { return Change::None };
                return self.bind(value);
            }
            // Whether something is not 0.
            (Op::Equiv, ..) if r.is_zero() => {
                let one = Value::Reg(Reg::immediate(1));
                place(left).map(|value| (Op::Min, value, one))
            }
            (Op::Gt, _, Some(c)) => place(left).zip(up(c)).map(|(a, b)| (Op::Lt, a, b)),
            (Op::Gt, Some(c), _) => down(c).zip(place(right)).map(|(a, b)| (Op::Lt, a, b)),
            (Op::Lt, _, Some(c)) => place(left).zip(down(c)).map(|(a, b)| (Op::Gt, a, b)),
            (Op::Lt, Some(c), _) => up(c).zip(place(right)).map(|(a, b)| (Op::Gt, a, b)),
            _ => None,
        };
        match found {
            Some((op, left, right)) => Change::To(Step { op, left, right, ..self.step }),
            None => Change::None,
        }
    }

    /// One truth value and not the other: the other is less.
    fn and(&self) -> Change {
        let truth = |id: Id| self.values.range(id).is_bool();
        for (not, other) in [(self.left, self.step.right), (self.right, self.step.left)] {
            if let Some((Op::Equiv, of, zero)) = self.values.made(not)
                && self.values.range(zero).is_zero()
                && truth(of)
                && let Some(left) = self.values.find(of)
            {
                return Change::To(Step { op: Op::Lt, left, right: other, ..self.step });
            }
        }
        Change::None
    }

    /// Where that is of which a value is the contrary.
    fn negated(&self, id: Id) -> Option<Value> {
        match self.values.made(id)? {
            (Op::Equiv, of, zero) if self.values.range(zero).is_zero() => self.values.find(of),
            _ => None,
        }
    }

    /// Whether `whole` is the MAX or MIN of `part` and something else.
    fn contains(&self, op: Op, whole: Id, part: Id) -> bool {
        self.values.made(whole).is_some_and(|(made, left, right)| {
            made == op && (self.values.same(left, part) || self.values.same(right, part))
        })
    }

    fn constant(&self, value: u32) -> Change {
        self.bind(Value::Reg(Reg::immediate(value)))
    }

    fn bind(&self, right: Value) -> Change {
        // What a BIND has on its left is not read.
        Change::To(Step { op: Op::Bind, left: right, right, ..self.step })
    }
}
