//! Which values a program computes, where they can be found, and what is known of them.
//!
//! Equal values have one number, whichever register or step holds them. A walk through the program
//! knows at each step what every register holds, as far as all ways to it agree.

use alloc::vec::Vec;

use super::range::{self, Range};
use super::work::{SLOTS, Work, operands, slot};
use crate::ir::{Step, Value};
use crate::op::Op;
use crate::reg::{Class, Reg};

/// The number of a value.
pub(super) type Id = u32;

const NONE: Id = Id::MAX;

#[derive(Clone, Copy, Debug)]
struct Known {
    range: Range,
    /// The operation that makes it, if that depends on its operands alone.
    made: Option<(Op, Id, Id)>,
    /// The step that holds it.
    holder: Option<u32>,
    /// A register that has held it.
    home: Option<Reg>,
}

/// A value by how it is made, in a table of chains.
#[derive(Clone, Copy, Debug)]
struct Entry {
    made: (Op, Id, Id),
    id: Id,
    /// The one before it in its chain.
    before: u32,
}

/// What to take back when knowledge ends with the body in which it was won.
#[derive(Clone, Copy, Debug)]
enum Undo {
    Range(Id, Range),
    Holder(Id),
}

/// What is known at one point of the program.
#[derive(Debug)]
pub(super) struct Values {
    known: Vec<Known>,
    regs: [Id; SLOTS],
    of_step: Vec<Id>,
    entries: Vec<Entry>,
    heads: [u32; CHAINS],
    undo: Vec<Undo>,
    /// The numbers of constants.
    constants: Vec<(u64, Id)>,
}

const CHAINS: usize = 32;

/// A pass that looks at each step in turn and may change it.
pub(super) trait Visitor {
    fn step(&mut self, values: &mut Values, work: &mut Work, at: usize);
}

/// Walks through the steps in order, as far as they can run.
pub(super) fn walk(work: &mut Work, visitor: &mut impl Visitor) {
    let mut values = Values::new(work);
    for number in 0..work.blocks.len() {
        let Some(block) = work.blocks.get(number).cloned() else { break };
        values.run(work, block.condition, visitor);
        let flag = values.reg(Reg::EVENT_FLAG);
        let truth = values.range(flag);
        if truth.is_zero() {
            continue;
        }
        let before = values.regs;
        let (entries, undo) = (values.entries.len(), values.undo.len());
        values.assume(flag, true);
        values.run(work, block.body, visitor);
        let goes_on = values.range(values.reg(Reg::SHOULD_CONTINUE));
        if truth.is_never_zero() {
            if goes_on.is_zero() {
                return;
            }
        } else if goes_on.is_zero() {
            values.take_back(entries, undo);
            values.regs = before;
            values.assume(flag, false);
        } else {
            values.join(before, entries, undo);
        }
    }
}

impl Values {
    fn new(work: &Work) -> Self {
        let mut values = Self {
            known: Vec::with_capacity(work.steps.len() + 16),
            regs: [NONE; SLOTS],
            of_step: alloc::vec![NONE; work.steps.len()],
            entries: Vec::with_capacity(work.steps.len()),
            heads: [NONE; CHAINS],
            undo: Vec::new(),
            constants: Vec::new(),
        };
        // So that all ways know a register that none has written by the same number.
        for reg in [Reg::EVENT_FLAG, Reg::SHOULD_CONTINUE] {
            values.start(reg);
        }
        for step in &work.steps {
            for value in [Some(step.left), Some(step.right), step.dest.map(Value::Reg)] {
                if let Some(Value::Reg(reg)) = value {
                    values.start(reg);
                }
            }
        }
        values
    }

    fn start(&mut self, reg: Reg) {
        let next = self.known.len() as Id;
        if let Some(id) = slot(reg).and_then(|slot| self.regs.get_mut(slot))
            && *id == NONE
        {
            *id = next;
            self.add(Range::at_start(reg), None, Some(reg));
        }
    }

    fn add(&mut self, range: Range, made: Option<(Op, Id, Id)>, home: Option<Reg>) -> Id {
        self.known.push(Known { range, made, holder: None, home });
        self.known.len() as Id - 1
    }

    fn constant(&mut self, value: u64) -> Id {
        if let Some(&(_, id)) = self.constants.iter().find(|(known, _)| *known == value) {
            return id;
        }
        let id = self.add(Range::one(value), None, None);
        self.constants.push((value, id));
        id
    }

    fn get(&self, id: Id) -> Option<&Known> {
        self.known.get(id as usize)
    }

    pub(super) fn range(&self, id: Id) -> Range {
        self.get(id).map_or(Range::ANY, |known| known.range)
    }

    /// The operation that makes a value, with its operands.
    pub(super) fn made(&self, id: Id) -> Option<(Op, Id, Id)> {
        self.get(id)?.made
    }

    /// What a register holds.
    pub(super) fn reg(&self, reg: Reg) -> Id {
        slot(reg).and_then(|slot| self.regs.get(slot)).copied().unwrap_or(NONE)
    }

    /// The number of an operand.
    pub(super) fn of(&mut self, value: Value) -> Id {
        match value {
            Value::Reg(Reg { class: Class::Immediate, index }) => self.constant(u64::from(index)),
            Value::Reg(reg) => self.reg(reg),
            Value::Step(at) => self.of_step.get(at as usize).copied().unwrap_or(NONE),
        }
    }

    /// Whether two values are surely the same.
    pub(super) fn same(&self, one: Id, other: Id) -> bool {
        (one == other && one != NONE)
            || self.range(one).constant().is_some()
                && self.range(one).constant() == self.range(other).constant()
    }

    /// Where a value can be found now.
    pub(super) fn find(&self, id: Id) -> Option<Value> {
        if let Some(constant) = self.immediate(id) {
            return Some(constant);
        }
        if let Some(reg) = self.home(id).filter(|reg| reg.class != Class::Local) {
            return Some(Value::Reg(reg));
        }
        let holder = self.get(id)?.holder.map(Value::Step);
        holder.or_else(|| self.home(id).map(Value::Reg))
    }

    /// The constant that a value is, if an operand can be that.
    pub(super) fn immediate(&self, id: Id) -> Option<Value> {
        let value = u32::try_from(self.range(id).constant()?).ok()?;
        Some(Value::Reg(Reg::immediate(value)))
    }

    /// The register of a value, if it still holds it.
    pub(super) fn home(&self, id: Id) -> Option<Reg> {
        self.get(id)?.home.filter(|&reg| self.reg(reg) == id)
    }

    /// The step that holds a value.
    pub(super) fn holder(&self, id: Id) -> Option<u32> {
        self.get(id)?.holder
    }

    /// The value of an operation that has run already.
    pub(super) fn known(&self, op: Op, left: Id, right: Id) -> Option<Id> {
        let made = self.key(op, left, right);
        let mut at = self.heads.get(chain(made)).copied()?;
        while let Some(entry) = self.entries.get(at as usize) {
            let (other, l, r) = entry.made;
            if other == op && self.same(l, made.1) && self.same(r, made.2) {
                return Some(entry.id);
            }
            at = entry.before;
        }
        None
    }

    /// Operands whose order does not matter are put in order.
    fn key(&self, op: Op, left: Id, right: Id) -> (Op, Id, Id) {
        let turns = match op {
            Op::Add | Op::Mul | Op::Max | Op::Min | Op::Equiv | Op::MaxWrap => {
                // Constants come last.
                let is_constant = |id| self.range(id).constant().is_some();
                match (is_constant(left), is_constant(right)) {
                    (true, false) => true,
                    (false, true) => false,
                    _ => left > right,
                }
            }
            _ => false,
        };
        if turns { (op, right, left) } else { (op, left, right) }
    }

    /// What a step results in, and whether it may trap.
    fn result(&mut self, step: &Step) -> (Id, bool) {
        let (left, right) = match operands(step) {
            [left, right] => (left.map(|l| self.of(l)), right.map(|r| self.of(r))),
        };
        let (left, right) = (left.unwrap_or(NONE), right.unwrap_or(NONE));
        let old = step.dest.map_or(NONE, |reg| self.reg(reg));
        let (l, r) = (self.range(left), self.range(right));
        let range = range::result(step.op, l, r, self.range(old));
        match step.op {
            Op::Bind => (right, false),
            Op::If | Op::NotIf if self.same(old, right) => (old, false),
            Op::If | Op::NotIf | Op::Ewma | Op::Def => (self.add(range, None, None), false),
            op => {
                if let Some(id) = self.known(op, left, right) {
                    return (id, false);
                }
                let (op, left, right) = self.key(op, left, right);
                let made = (op, left, right);
                let traps = range::may_trap(op, self.range(left), self.range(right))
                    && !(op == Op::Sub && self.is_never_less(left, right));
                let id = self.add(range, Some(made), None);
                let at = self.entries.len() as u32;
                if let Some(head) = self.heads.get_mut(chain(made)) {
                    self.entries.push(Entry { made, id, before: *head });
                    *head = at;
                }
                if traps {
                    self.learn(made);
                }
                (id, traps)
            }
        }
    }

    /// What follows from an operation that could have trapped and has not.
    fn learn(&mut self, (op, left, right): (Op, Id, Id)) {
        let (l, r) = (self.range(left), self.range(right));
        match op {
            Op::Sub => {
                self.narrow(left, Range { lo: r.lo, hi: u64::MAX });
                self.narrow(right, Range { lo: 0, hi: l.hi });
            }
            Op::Div => self.narrow(right, Range { lo: 1, hi: u64::MAX }),
            _ => {}
        }
    }

    /// Whether one value is never less than another because of how they are made.
    fn is_never_less(&self, more: Id, less: Id) -> bool {
        let is_operand = |of: Id, op: Op, operand: Id| {
            self.made(of).is_some_and(|(made, l, r)| {
                made == op && (self.same(l, operand) || self.same(r, operand))
            })
        };
        self.same(more, less)
            || is_operand(more, Op::Max, less)
            || is_operand(less, Op::Min, more)
            || self.made(less).is_some_and(|(op, l, _)| op == Op::Div && self.same(l, more))
    }

    fn run(&mut self, work: &mut Work, steps: core::ops::Range<usize>, visitor: &mut impl Visitor) {
        for at in steps {
            if work.is_gone(at) {
                continue;
            }
            visitor.step(self, work, at);
            if let (false, Some(step)) = (work.is_gone(at), work.step(at)) {
                let (id, traps) = self.result(&step);
                if let Some(may_trap) = work.traps.get_mut(at) {
                    *may_trap = traps;
                }
                self.put(&step, at, id);
            }
        }
    }

    fn put(&mut self, step: &Step, at: usize, id: Id) {
        if let Some(of_step) = self.of_step.get_mut(at) {
            *of_step = id;
        }
        if let Some(reg) = step.dest {
            if let Some(held) = slot(reg).and_then(|slot| self.regs.get_mut(slot)) {
                *held = id;
            }
            if let Some(known) = self.known.get_mut(id as usize) {
                let better = known.home.is_none_or(|home| home.class == Class::Local);
                // The flag is no place to keep anything.
                if better && reg != Reg::EVENT_FLAG && reg != Reg::MICROS {
                    known.home = Some(reg);
                }
            }
        } else if let Some(known) = self.known.get_mut(id as usize)
            && known.holder.is_none()
            && known.made.is_some()
        {
            known.holder = Some(at as u32);
            self.undo.push(Undo::Holder(id));
        }
    }

    fn narrow(&mut self, id: Id, to: Range) {
        if let Some(known) = self.known.get_mut(id as usize) {
            let range = Range { lo: known.range.lo.max(to.lo), hi: known.range.hi.min(to.hi) };
            // What contradicts itself is never reached.
            if range != known.range && range.lo <= range.hi {
                self.undo.push(Undo::Range(id, known.range));
                known.range = range;
            }
        }
    }

    /// Takes for known that a value is not 0, or that it is.
    fn assume(&mut self, id: Id, truth: bool) {
        let mut open = alloc::vec![(id, truth)];
        // Enough for any condition that a person writes.
        for _ in 0..32 {
            let Some((id, truth)) = open.pop() else { break };
            let not_zero = Range { lo: 1, hi: u64::MAX };
            self.narrow(id, if truth { not_zero } else { Range::one(0) });
            let Some((op, left, right)) = self.made(id) else { continue };
            let (l, r) = (self.range(left), self.range(right));
            match (op, truth) {
                (Op::Gt, true) => self.narrow_order(right, left, 1),
                (Op::Lt, true) => self.narrow_order(left, right, 1),
                (Op::Gt, false) => self.narrow_order(left, right, 0),
                (Op::Lt, false) => self.narrow_order(right, left, 0),
                (Op::Equiv, true) => {
                    self.narrow(left, r);
                    self.narrow(right, l);
                    if r.is_zero() {
                        open.push((left, false));
                    }
                }
                (Op::Equiv, false) if r.is_zero() => open.push((left, true)),
                (Op::Mul | Op::Min, true) | (Op::Max, false) => {
                    open.extend([(left, truth), (right, truth)]);
                }
                _ => {}
            }
        }
    }

    /// `less + by` is at most `more`.
    fn narrow_order(&mut self, less: Id, more: Id, by: u64) {
        let (l, m) = (self.range(less), self.range(more));
        self.narrow(less, Range { lo: 0, hi: m.hi.saturating_sub(by) });
        self.narrow(more, Range { lo: l.lo.saturating_add(by), hi: u64::MAX });
    }

    /// Goes back to what was known before a body.
    fn take_back(&mut self, entries: usize, undo: usize) {
        while self.entries.len() > entries {
            if let Some(entry) = self.entries.pop()
                && let Some(head) = self.heads.get_mut(chain(entry.made))
            {
                *head = entry.before;
            }
        }
        while self.undo.len() > undo {
            match self.undo.pop() {
                Some(Undo::Range(id, range)) => {
                    if let Some(known) = self.known.get_mut(id as usize) {
                        known.range = range;
                    }
                }
                Some(Undo::Holder(id)) => {
                    if let Some(known) = self.known.get_mut(id as usize) {
                        known.holder = None;
                    }
                }
                None => break,
            }
        }
    }

    /// Behind a body that may have run or not.
    fn join(&mut self, before: [Id; SLOTS], entries: usize, undo: usize) {
        let mut different: Vec<(usize, Range)> = Vec::new();
        for (slot, (&ran, &not)) in self.regs.iter().zip(&before).enumerate() {
            if ran != not {
                different.push((slot, self.range(ran)));
            }
        }
        self.take_back(entries, undo);
        self.regs = before;
        for (slot, ran) in different {
            let not = before.get(slot).map_or(Range::ANY, |&id| self.range(id));
            let id = self.add(ran.or(not), None, None);
            if let Some(held) = self.regs.get_mut(slot) {
                *held = id;
            }
        }
    }
}

fn chain((op, left, _): (Op, Id, Id)) -> usize {
    (op as usize).wrapping_mul(7).wrapping_add(left as usize) % CHAINS
}
