//! From steps to instructions.
//!
//! The path that a program usually takes is one straight line; what rarely happens (traps, products
//! that are not obviously small enough) lies behind it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::asm::{Alu, Asm, Cond, Gpr, Label, Size, Src};
use super::cache::{Binding, PAGE, Place, Point, State};
use super::layout::Layout;
use super::work::{Binary, Job, Operand, Work};
use crate::code::Code;
use crate::machine::TrapKind;
use crate::machine::file::{EVENT_FLAG, MICROS, NOW, SHOULD_CONTINUE, Slot};
use crate::range::Range;

/// The translation of one program's steps.
pub(super) struct Lowering<'a> {
    pub(super) asm: &'a mut Asm,
    pub(super) layout: Layout,
    pub(super) works: Vec<Work>,
    /// What temporaries hold is kept from one invocation to the next.
    pub(super) keeps_temps: bool,
    /// The step at hand.
    pub(super) at: usize,
    pub(super) state: State,
    /// Registers that this step needs, by bit.
    pub(super) pinned: u8,
    /// Steps that are jumped to from before.
    pub(super) joins: BTreeMap<usize, Join>,
    reachable: bool,
    /// The program is so large that the kernel's verifier, which keeps each jump's other side in
    /// mind until it has seen the first one to the end, would give up: what leaves the usual path
    /// comes first, and ends at once.
    large: bool,
    stubs: Vec<Stub>,
    products: Vec<Product>,
    kinds: [Label; 4],
}

/// A step that is jumped to, with what is known at each jump.
pub(super) struct Join {
    label: Label,
    states: Vec<State>,
}

/// What a trap does: what the program had written goes into the page.
struct Stub {
    label: Label,
    /// A sum to be taken back: it went into the register of its left side.
    undo: Option<(Gpr, Src)>,
    unsaved: Vec<Binding>,
    kind: TrapKind,
    at: u16,
}

/// The exact look at a product that may not fit.
struct Product {
    label: Label,
    back: Label,
    left: Gpr,
    right: Gpr,
    scratch: Gpr,
    trap: Label,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(
        asm: &'a mut Asm,
        layout: Layout,
        (works, keeps_temps): (Vec<Work>, bool),
        state: State,
    ) -> Self {
        let large = works.len() > SMALL;
        let kinds = core::array::from_fn(|_| asm.label());
        Self {
            asm,
            layout,
            works,
            keeps_temps,
            at: 0,
            state,
            pinned: 0,
            joins: BTreeMap::new(),
            reachable: true,
            large,
            stubs: Vec::new(),
            products: Vec::new(),
            kinds,
        }
    }

    /// All steps. Afterwards everything is in the page.
    pub(super) fn run(&mut self, code: &Code) {
        while let Some(&work) = self.works.get(self.at) {
            self.land();
            if self.reachable {
                if !work.branches()
                    && let Some(instr) = code.instrs.get(usize::from(work.at))
                {
                    self.asm.comment(format_args!("{}: {instr}", work.at));
                }
                let steps = self.step(&work);
                self.pinned = 0;
                self.at += steps;
            } else {
                self.at += 1;
            }
        }
        self.land();
        self.flush(Point::After);
        self.pinned = 0;
    }

    /// What lies behind the usual path. Goes on at `trapped` where a trap has been counted; says
    /// whether anything does.
    pub(super) fn rest(&mut self, trapped: Label) -> bool {
        for product in core::mem::take(&mut self.products) {
            self.product(&product);
        }
        let stubs = core::mem::take(&mut self.stubs);
        let mut used = [false; 4];
        for stub in &stubs {
            self.stub(stub);
            used[stub.kind as usize] = true;
        }
        for kind in TrapKind::ALL.into_iter().filter(|&kind| used[kind as usize]) {
            self.count(kind, trapped);
        }
        !stubs.is_empty()
    }

    /// One step; says how many were done.
    fn step(&mut self, work: &Work) -> usize {
        let outs = [work.result, work.also];
        match work.job {
            // Nothing between here and there.
            Job::Unless(..) | Job::UnlessFlag
                if usize::from(work.also) == self.at + 1 && !work.leaves.has(EVENT_FLAG) => {}
            Job::Binary(op, l, r) if op.is_comparison() && self.is_only_chosen_by(work) => {
                self.compare_and_choose(op, l, r);
                return 2;
            }
            Job::Binary(op, l, r) => self.binary(op, l, r, work),
            Job::Ewma(weight, new) => self.ewma(weight, new, outs),
            Job::Choose { holds, on, value } => self.choose(holds, on, value, work.result),
            Job::Copy(from) => self.copy(from, outs),
            Job::CopyTwo(first, second) => {
                self.copy(first, [work.result; 2]);
                self.copy(second, [work.also; 2]);
            }
            Job::MoveZero => {
                let micros = self.reg(Operand::Slot(MICROS));
                let now = self.reg(Operand::Slot(NOW));
                let dest = self.dest(now, Src::Reg(micros), outs);
                let zero = self.begin(dest, now);
                self.asm.sub(zero, micros);
                self.define(outs, Place::Reg(zero), Range::ANY);
            }
            Job::Unless(op, l, r) => self.unless(op, l, r, usize::from(work.also)),
            Job::UnlessFlag => {
                let flag = self.reg(Operand::Slot(EVENT_FLAG));
                self.flush(Point::After);
                let to = self.join(usize::from(work.also));
                self.asm.jump_if(Cond::Eq, flag, 0, to);
            }
            Job::Stop => {
                let flag = self.reg(Operand::Slot(EVENT_FLAG));
                let goes_on = self.reg(Operand::Slot(SHOULD_CONTINUE));
                self.flush(Point::After);
                let (end, on) = (self.join(self.works.len()), self.asm.label());
                self.asm.jump_if(Cond::Eq, flag, 0, on);
                self.leave_if(Cond::Eq, goes_on, Src::Imm(0), end);
                self.asm.bind(on);
            }
            Job::StopUnlessContinue => {
                let goes_on = self.reg(Operand::Slot(SHOULD_CONTINUE));
                self.flush(Point::After);
                let end = self.join(self.works.len());
                self.leave_if(Cond::Eq, goes_on, Src::Imm(0), end);
            }
            // The end is right behind it.
            Job::End if self.at + 1 == self.works.len() => {}
            Job::End => {
                self.flush(Point::After);
                let end = self.join(self.works.len());
                self.asm.jump(end);
                self.reachable = false;
            }
        }
        1
    }

    /// The label of a later step, reached with what is known here. Nothing may be dirty.
    fn join(&mut self, at: usize) -> Label {
        let asm = &mut *self.asm;
        let join =
            self.joins.entry(at).or_insert_with(|| Join { label: asm.label(), states: Vec::new() });
        join.states.push(self.state.clone());
        join.label
    }

    /// Meets the jumps that lead to this step.
    fn land(&mut self) {
        let Some(join) = self.joins.remove(&self.at) else {
            return;
        };
        let mut states = join.states.into_iter();
        if self.reachable {
            self.flush(Point::Before);
            self.pinned = 0;
        } else {
            self.state = states.next().unwrap_or_default();
        }
        let state = core::mem::take(&mut self.state);
        self.state = states.fold(state, |all, state| all.meet(&state));
        self.asm.bind(join.label);
        self.reachable = true;
    }

    fn copy(&mut self, from: Operand, outs: [Slot; 2]) {
        let range = self.range(from);
        let place = match self.known(from) {
            Some(value) => Place::Constant(value),
            None => Place::Reg(self.reg(from)),
        };
        match from {
            // Itself alone: nothing changes.
            Operand::Slot(slot) if outs == [slot; 2] => return,
            _ => self.define(outs, place, range),
        }
        if let Operand::Slot(from) = from {
            for out in outs {
                self.state.put_in_order(out, from);
                self.state.put_in_order(from, out);
            }
        }
    }

    fn binary(&mut self, op: Binary, l: Operand, r: Operand, work: &Work) {
        let outs = [work.result, work.also];
        let (a, b) = (self.range(l), self.range(r));
        match op {
            Binary::Add => self.add(l, r, work),
            Binary::Sub => self.sub(l, r, work),
            Binary::Mul => self.mul(l, r, work),
            Binary::Div => self.div(l, r, work),
            Binary::Max if a.is_bool() && b.is_bool() => {
                self.simple(Alu::Or, l, r, outs, Range::BOOL)
            }
            Binary::Min if a.is_bool() && b.is_bool() => {
                self.simple(Alu::And, l, r, outs, Range::BOOL)
            }
            Binary::Max => {
                let range = Range { lo: a.lo.max(b.lo), hi: a.hi.max(b.hi) };
                self.pick(Cond::Ge, l, r, outs, range);
                self.note_order(outs, [l, r], |state, out, side| state.put_in_order(out, side));
            }
            Binary::Min => {
                let range = Range { lo: a.lo.min(b.lo), hi: a.hi.min(b.hi) };
                self.pick(Cond::Le, l, r, outs, range);
                self.note_order(outs, [l, r], |state, out, side| state.put_in_order(side, out));
            }
            Binary::MaxWrap => self.max_wrap(l, r, outs),
            Binary::Equiv | Binary::Gt | Binary::Lt => self.compare(op, l, r, outs),
        }
    }

    /// An operation that one instruction does.
    fn simple(&mut self, op: Alu, l: Operand, r: Operand, outs: [Slot; 2], range: Range) {
        let left = self.reg(l);
        let right = self.src(r);
        let dest = self.dest(left, right, outs);
        let out = self.begin(dest, left);
        self.asm.alu(op, out, right);
        self.define(outs, Place::Reg(out), range);
    }

    fn add(&mut self, l: Operand, r: Operand, work: &Work) {
        let outs = [work.result, work.also];
        let (a, b) = (self.range(l), self.range(r));
        if let (Some(lo), Some(hi)) = (a.lo.checked_add(b.lo), a.hi.checked_add(b.hi)) {
            return self.simple(Alu::Add, l, r, outs, Range { lo, hi });
        }
        let left = self.reg(l);
        let right = self.src(r);
        let dest = self.dest(left, right, outs);
        let undo = dest.in_place.then_some((left, right));
        let trap = self.trap(TrapKind::AddOverflow, work, undo);
        let sum = self.begin(dest, left);
        self.asm.add(sum, right);
        self.leave_if(Cond::Lt, sum, right, trap);
        let range = Range { lo: a.lo.saturating_add(b.lo), hi: u64::MAX };
        self.define(outs, Place::Reg(sum), range);
        self.note_order(outs, [l, r], |state, out, side| state.put_in_order(out, side));
    }

    fn sub(&mut self, l: Operand, r: Operand, work: &Work) {
        let outs = [work.result, work.also];
        let (a, b) = (self.range(l), self.range(r));
        let never_below = a.lo >= b.hi || self.state.in_order(l, r);
        let range = Range { lo: a.lo.saturating_sub(b.hi), hi: a.hi.saturating_sub(b.lo) };
        if never_below {
            self.simple(Alu::Sub, l, r, outs, range);
        } else {
            let left = self.reg(l);
            let right = self.src(r);
            let dest = self.dest(left, right, outs);
            let trap = self.trap(TrapKind::SubUnderflow, work, None);
            self.leave_if(Cond::Lt, left, right, trap);
            let out = self.begin(dest, left);
            self.asm.sub(out, right);
            self.define(outs, Place::Reg(out), range);
        }
        self.note_order(outs, [l], |state, out, side| state.put_in_order(side, out));
    }

    fn mul(&mut self, l: Operand, r: Operand, work: &Work) {
        let outs = [work.result, work.also];
        let (a, b) = (self.range(l), self.range(r));
        if a.is_bool() && b.is_bool() {
            let range = Range { lo: a.lo & b.lo, hi: a.hi & b.hi };
            return self.simple(Alu::And, l, r, outs, range);
        }
        if let (Some(lo), Some(hi)) = (a.lo.checked_mul(b.lo), a.hi.checked_mul(b.hi)) {
            return self.simple(Alu::Mul, l, r, outs, Range { lo, hi });
        }
        let left = self.reg(l);
        let right = self.src(r);
        // Below this, the other side's largest value does no harm.
        let (bounded, other) = if a.hi < b.hi { (a.hi, right) } else { (b.hi, Src::Reg(left)) };
        let (dest, trap);
        match (right, other) {
            (Src::Imm(_), _) => {
                let most = self.limit(u64::MAX / b.hi.max(1));
                dest = self.dest(left, right, outs);
                trap = self.trap(TrapKind::MulOverflow, work, None);
                self.leave_if(Cond::Gt, left, most, trap);
            }
            (Src::Reg(right), _) if self.large => {
                let (most, divisor) = (self.alloc(), self.alloc());
                dest = self.dest(left, Src::Reg(right), outs);
                trap = self.trap(TrapKind::MulOverflow, work, None);
                // The left side, or 1 in the place of 0.
                self.truth(divisor, left);
                self.asm.alu(Alu::Xor, divisor, 1);
                self.asm.alu(Alu::Or, divisor, left);
                self.asm.mov(most, -1);
                self.asm.alu(Alu::Div, most, divisor);
                self.leave_if(Cond::Gt, right, Src::Reg(most), trap);
            }
            (Src::Reg(right), other) => {
                let scratch = self.alloc();
                dest = self.dest(left, Src::Reg(right), outs);
                trap = self.trap(TrapKind::MulOverflow, work, None);
                let (label, back) = (self.asm.label(), self.asm.label());
                match other {
                    Src::Reg(other) if bounded <= LARGE => {
                        self.asm.constant(scratch, u64::MAX / bounded.max(1));
                        self.asm.jump_if(Cond::Gt, other, scratch, label);
                    }
                    _ => {
                        self.asm.mov(scratch, left);
                        self.asm.alu(Alu::Or, scratch, right);
                        self.asm.alu(Alu::Rsh, scratch, 32);
                        self.asm.jump_if(Cond::Ne, scratch, 0, label);
                    }
                }
                self.asm.bind(back);
                self.products.push(Product { label, back, left, right, scratch, trap });
            }
        }
        let out = self.begin(dest, left);
        self.asm.alu(Alu::Mul, out, right);
        let range = Range { lo: a.lo.saturating_mul(b.lo), hi: u64::MAX };
        self.define(outs, Place::Reg(out), range);
    }

    fn div(&mut self, l: Operand, r: Operand, work: &Work) {
        let outs = [work.result, work.also];
        let (a, b) = (self.range(l), self.range(r));
        let range = Range { lo: a.lo / b.hi.max(1), hi: a.hi / b.lo.max(1) };
        match self.known(r) {
            Some(1) => self.copy(l, outs),
            Some(divisor) if divisor.is_power_of_two() => {
                let bits = Operand::Constant(u64::from(divisor.trailing_zeros()));
                self.simple(Alu::Rsh, l, bits, outs, range);
            }
            _ => {
                let left = self.reg(l);
                // A 0 is looked at in a register.
                let right = if b.hi == 0 { Src::Reg(self.reg(r)) } else { self.src(r) };
                let dest = self.dest(left, right, outs);
                if let (0, Src::Reg(right)) = (b.lo, right) {
                    let trap = self.trap(TrapKind::DivByZero, work, None);
                    self.leave_if(Cond::Eq, right, Src::Imm(0), trap);
                }
                let out = self.begin(dest, left);
                self.divide(out, right, a.hi.max(b.hi));
                self.define(outs, Place::Reg(out), range);
            }
        }
        self.note_order(outs, [l], |state, out, side| state.put_in_order(side, out));
    }

    /// The shorter division where both sides are short: on many processors it is much faster.
    fn divide(&mut self, out: Gpr, by: Src, largest: u64) {
        if u32::try_from(largest).is_ok() {
            self.asm.alu32(Alu::Div, out, by);
        } else {
            self.asm.alu(Alu::Div, out, by);
        }
    }

    /// The left one if it compares so, else the right one.
    fn pick(&mut self, cond: Cond, l: Operand, r: Operand, outs: [Slot; 2], range: Range) {
        let left = self.reg(l);
        let right = self.src(r);
        let dest = self.dest(left, right, outs);
        let out = self.begin(dest, left);
        let skip = self.asm.label();
        self.asm.jump_if(cond, out, right, skip);
        self.asm.mov(out, right);
        self.asm.bind(skip);
        self.define(outs, Place::Reg(out), range);
    }

    fn compare(&mut self, op: Binary, l: Operand, r: Operand, outs: [Slot; 2]) {
        let (a, b) = (self.range(l), self.range(r));
        if a.is_bool() {
            match (op, self.known(r)) {
                (Binary::Gt, Some(0)) | (Binary::Equiv, Some(1)) => return self.copy(l, outs),
                (Binary::Lt, Some(1)) | (Binary::Equiv, Some(0)) => {
                    return self.simple(Alu::Xor, l, Operand::Constant(1), outs, Range::BOOL);
                }
                _ => {}
            }
        }
        let signed = i64::MAX as u64;
        if op != Binary::Equiv && a.hi <= signed && b.hi <= signed {
            // The sign of the difference, which needs no jump.
            let (less, more) = if op == Binary::Lt { (l, r) } else { (r, l) };
            let left = self.reg(less);
            let right = self.src(more);
            let dest = self.dest(left, right, outs);
            let out = self.begin(dest, left);
            self.asm.sub(out, right);
            self.asm.alu(Alu::Rsh, out, 63);
            return self.define(outs, Place::Reg(out), Range::BOOL);
        }
        let left = self.reg(l);
        let right = self.src(r);
        let out = self.alloc();
        let skip = self.asm.label();
        self.asm.mov(out, 1);
        self.asm.jump_if(condition(op), left, right, skip);
        self.asm.mov(out, 0);
        self.asm.bind(skip);
        self.define(outs, Place::Reg(out), Range::BOOL);
    }

    fn unless(&mut self, op: Binary, l: Operand, r: Operand, to: usize) {
        if self.works.get(self.at).is_some_and(|work| work.leaves.has(EVENT_FLAG)) {
            // Somebody looks at eventFlag later.
            self.compare(op, l, r, [EVENT_FLAG; 2]);
            let flag = self.reg(Operand::Slot(EVENT_FLAG));
            self.flush(Point::After);
            let to = self.join(to);
            return self.asm.jump_if(Cond::Eq, flag, 0, to);
        }
        let left = self.reg(l);
        let right = self.src(r);
        self.flush(Point::After);
        let to = self.join(to);
        self.asm.jump_if(opposite(op), left, right, to);
    }

    fn choose(&mut self, holds: bool, on: Operand, value: Operand, to: Slot) {
        match self.known(on) {
            Some(on) if (on != 0) == holds => return self.copy(value, [to; 2]),
            Some(_) => return,
            None => {}
        }
        let on = self.reg(on);
        let skip = if holds { Cond::Eq } else { Cond::Ne };
        self.choose_unless(skip, on, Src::Imm(0), value, to);
    }

    /// Whether the next step chooses by this step's result, which nobody needs after that.
    fn is_only_chosen_by(&self, work: &Work) -> bool {
        let next = self.at + 1;
        let Some(&Work { job: Job::Choose { on, value, .. }, result, .. }) = self.works.get(next)
        else {
            return false;
        };
        let truth = Operand::Slot(work.result);
        work.result == work.also
            && on == truth
            && value != truth
            && result != work.result
            && !self.joins.contains_key(&next)
            && self.is_dead_after(next, work.result)
    }

    /// A comparison and the choice behind it.
    fn compare_and_choose(&mut self, op: Binary, l: Operand, r: Operand) {
        let Some(&Work { job: Job::Choose { holds, value, .. }, result, .. }) =
            self.works.get(self.at + 1)
        else {
            return;
        };
        let left = self.reg(l);
        let right = self.src(r);
        let skip = if holds { opposite(op) } else { condition(op) };
        self.choose_unless(skip, left, right, value, result);
    }

    fn choose_unless(&mut self, cond: Cond, l: Gpr, r: Src, value: Operand, to: Slot) {
        let range = self.range(Operand::Slot(to)).or(self.range(value));
        // What is not at hand is loaded only if it is chosen.
        let late = match value {
            Operand::Slot(slot) if self.known(value).is_none() => {
                self.state.place(slot).is_none().then_some(slot)
            }
            _ => None,
        };
        let early = if late.is_none() { Some(self.src(value)) } else { None };
        let own = self.own(to);
        let skip = self.asm.label();
        self.asm.jump_if(cond, l, r, skip);
        match (early, late) {
            (Some(value), _) => self.asm.mov(own, value),
            (None, Some(slot)) => self.load(own, slot),
            (None, None) => {}
        }
        self.asm.bind(skip);
        self.define([to; 2], Place::Reg(own), range);
    }

    fn ewma(&mut self, weight: Operand, new: Operand, outs: [Slot; 2]) {
        let old = Operand::Slot(outs[0]);
        let (a, b) = (self.range(old), self.range(new));
        let weight_is = self.known(weight);
        let least = |w: u64| w <= 10 && a.hi.max(b.hi) <= u64::MAX / 10;
        let hi = if weight_is.is_some_and(least) { a.hi.max(b.hi) } else { u64::MAX };
        let sum = hi.saturating_mul(10);
        let old = self.reg(old);
        let new = self.reg(new);
        let weights = match weight_is.map(i32::try_from) {
            Some(Ok(w)) => (Src::Imm(w), Some(10_i32.wrapping_sub(w))),
            _ => (Src::Reg(self.reg(weight)), None),
        };
        let (out, part) = (self.alloc(), self.alloc());
        let done = self.asm.label();
        self.asm.mov(out, new);
        self.asm.jump_if(Cond::Eq, old, 0, done);
        match weights {
            (_, Some(1)) => {}
            (_, Some(rest)) => self.asm.alu(Alu::Mul, out, rest),
            (weight, None) => {
                self.asm.mov(part, 10);
                self.asm.sub(part, weight);
                self.asm.alu(Alu::Mul, out, part);
            }
        }
        self.asm.mov(part, old);
        self.asm.alu(Alu::Mul, part, weights.0);
        self.asm.add(out, part);
        self.divide(out, Src::Imm(10), sum);
        self.asm.bind(done);
        self.define(outs, Place::Reg(out), Range { lo: 0, hi });
    }

    fn max_wrap(&mut self, l: Operand, r: Operand, outs: [Slot; 2]) {
        let left = self.reg(l);
        let right = self.reg(r);
        let (out, second, ahead) = (self.alloc(), self.alloc(), self.alloc());
        let smaller = self.alloc();
        let done = self.asm.label();
        // A 0 never wins, and what wins against it stays whole.
        self.truth(out, left);
        self.truth(second, right);
        self.asm.alu(Alu::And, second, out);
        self.asm.mov(out, left);
        self.asm.alu(Alu::Or, out, right);
        self.asm.jump_if(Cond::Eq, second, 0, done);
        self.asm.alu32(Alu::Mov, out, left);
        self.asm.alu32(Alu::Mov, second, right);
        // How far the left one is ahead, less one, so that none at all is the furthest.
        self.asm.alu32(Alu::Mov, ahead, left);
        self.asm.alu32(Alu::Sub, ahead, right);
        self.asm.alu32(Alu::Sub, ahead, 1);
        // Half a turn apart the smaller one wins: the left one may be so far ahead, but no further.
        self.asm.mov(smaller, out);
        self.asm.sub(smaller, second);
        self.asm.alu(Alu::Rsh, smaller, 63);
        self.asm.add(smaller, i32::MAX);
        // All ones where the left one wins.
        self.asm.sub(ahead, smaller);
        self.asm.alu(Alu::Arsh, ahead, 63);
        self.asm.alu(Alu::Xor, out, second);
        self.asm.alu(Alu::And, out, ahead);
        self.asm.alu(Alu::Xor, out, second);
        self.asm.bind(done);
        let (a, b) = (self.range(l), self.range(r));
        self.define(outs, Place::Reg(out), Range { lo: 0, hi: a.hi.max(b.hi) });
    }

    /// 1 if a register is not 0, else 0; without a jump.
    fn truth(&mut self, out: Gpr, of: Gpr) {
        self.asm.mov(out, of);
        self.asm.neg(out);
        self.asm.alu(Alu::Or, out, of);
        self.asm.alu(Alu::Rsh, out, 63);
    }

    /// Leaves the usual path for a label if the condition, which has an opposite, holds.
    fn leave_if(&mut self, cond: Cond, left: Gpr, right: impl Into<Src>, to: Label) {
        match cond.inverse() {
            Some(inverse) if self.large => {
                let on = self.asm.label();
                self.asm.jump_if(inverse, left, right, on);
                self.asm.jump(to);
                self.asm.bind(on);
            }
            _ => self.asm.jump_if(cond, left, right, to),
        }
    }

    /// Remembers how a result compares with operands that are still there.
    fn note_order<const N: usize>(
        &mut self,
        outs: [Slot; 2],
        sides: [Operand; N],
        note: impl Fn(&mut State, Slot, Slot),
    ) {
        for side in sides {
            if let Operand::Slot(side) = side
                && !outs.contains(&side)
            {
                for out in outs {
                    note(&mut self.state, out, side);
                }
            }
        }
    }

    /// A constant to compare with.
    fn limit(&mut self, value: u64) -> Src {
        self.src(Operand::Constant(value))
    }

    /// Where to go for a trap at this point.
    fn trap(&mut self, kind: TrapKind, work: &Work, undo: Option<(Gpr, Src)>) -> Label {
        let label = self.asm.label();
        let unsaved = self.unsaved();
        self.stubs.push(Stub { label, undo, unsaved, kind, at: work.at });
        label
    }

    fn product(&mut self, product: &Product) {
        let &Product { label, back, left, right, scratch, trap } = product;
        self.asm.bind(label);
        self.asm.jump_if(Cond::Eq, left, 0, back);
        self.asm.mov(scratch, -1);
        self.asm.alu(Alu::Div, scratch, left);
        self.asm.jump_if(Cond::Gt, right, scratch, trap);
        self.asm.jump(back);
    }

    fn stub(&mut self, stub: &Stub) {
        self.asm.bind(stub.label);
        if let Some((sum, right)) = stub.undo {
            self.asm.sub(sum, right);
        }
        // Constants last: they may need a register.
        for &Binding { slot, place, .. } in &stub.unsaved {
            if let Place::Reg(reg) = place {
                self.asm.store(Size::Dw, PAGE, self.layout.slot(slot), reg);
            }
        }
        for &Binding { slot, place, .. } in &stub.unsaved {
            if let Place::Constant(value) = place {
                store_constant(self.asm, self.layout.slot(slot), value);
            }
        }
        self.asm.mov(Gpr::R1, i32::from(stub.at));
        self.asm.jump(self.kinds[stub.kind as usize]);
    }

    fn count(&mut self, kind: TrapKind, trapped: Label) {
        let counter = self.layout.trap_counts() + 8 * kind as i16;
        self.asm.comment(format_args!("trap: {}", kind.name()));
        self.asm.bind(self.kinds[kind as usize]);
        self.asm.constant(Gpr::R2, (kind as u64) << 32);
        self.asm.alu(Alu::Or, Gpr::R1, Gpr::R2);
        self.asm.store(Size::Dw, PAGE, self.layout.last_trap(), Gpr::R1);
        self.asm.load(Size::Dw, Gpr::R1, PAGE, counter);
        self.asm.add(Gpr::R1, 1);
        self.asm.store(Size::Dw, PAGE, counter, Gpr::R1);
        self.asm.jump(trapped);
    }
}

/// Stores a constant, through R0 where it fits no instruction.
pub(super) fn store_constant(asm: &mut Asm, off: i16, value: u64) {
    match i32::try_from(value) {
        Ok(imm) => asm.store(Size::Dw, PAGE, off, imm),
        Err(_) => {
            asm.constant(Gpr::R0, value);
            asm.store(Size::Dw, PAGE, off, Gpr::R0);
        }
    }
}

const fn condition(op: Binary) -> Cond {
    match op {
        Binary::Gt => Cond::Gt,
        Binary::Lt => Cond::Lt,
        _ => Cond::Eq,
    }
}

const fn opposite(op: Binary) -> Cond {
    match op {
        Binary::Gt => Cond::Le,
        Binary::Lt => Cond::Ge,
        _ => Cond::Ne,
    }
}

/// A side of a product that is never larger leaves so much room to the other that a comparison
/// with it tells almost all.
const LARGE: u64 = 1 << 40;

/// No program within the default limits has so many steps.
const SMALL: usize = 1300;
