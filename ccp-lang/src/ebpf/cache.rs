//! Which values lie in the machine's registers, and what is known of them.
//!
//! Every value of the language has its place in the page. Between two joins of the code, a
//! [`State`] remembers which of them a register holds too, which a register alone holds, and
//! between which numbers they lie.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::asm::{Gpr, Size, Src};
use super::lower::Lowering;
use super::work::{self, Operand, Work};
use crate::machine::file::{EVENT_FLAG, SCRATCH, SHOULD_CONTINUE, Slot};
use crate::range::Range;

/// The registers that programs use.
const FREE: [Gpr; 6] = [Gpr::R0, Gpr::R1, Gpr::R2, Gpr::R3, Gpr::R4, Gpr::R5];

/// The page's address.
pub(super) const PAGE: Gpr = Gpr::R9;

/// How far ahead the next use of a value is looked for.
const WINDOW: usize = 48;

/// Where the value of a slot is, beside its place in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Reg(Gpr),
    Constant(u64),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    pub(super) slot: Slot,
    pub(super) place: Place,
    /// The page does not have it yet.
    pub(super) dirty: bool,
}

/// What is known at one point of the code.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) bindings: Vec<Binding>,
    /// Of slots of which something is known.
    ranges: BTreeMap<Slot, Range>,
    /// Pairs of slots of which the first is never less than the second.
    order: Vec<(Slot, Slot)>,
}

impl State {
    /// What holds whichever way the code was reached. Nothing may be dirty.
    pub(super) fn meet(self, other: &Self) -> Self {
        let Self { mut bindings, mut ranges, mut order } = self;
        bindings.retain(|b| other.place(b.slot) == Some(b.place));
        ranges.retain(|slot, range| {
            *range = range.or(other.range(*slot));
            *range != Range::ANY
        });
        order.retain(|pair| other.order.contains(pair));
        Self { bindings, ranges, order }
    }

    pub(super) fn range(&self, slot: Slot) -> Range {
        self.ranges.get(&slot).copied().unwrap_or(Range::ANY)
    }

    pub(super) fn set_range(&mut self, slot: Slot, range: Range) {
        if range == Range::ANY {
            self.ranges.remove(&slot);
        } else {
            self.ranges.insert(slot, range);
        }
    }

    pub(super) fn place(&self, slot: Slot) -> Option<Place> {
        self.bindings.iter().find(|b| b.slot == slot).map(|b| b.place)
    }

    /// The slots whose value a register holds.
    fn held(&self, reg: Gpr) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |b| b.place == Place::Reg(reg))
    }

    pub(super) fn bind(&mut self, slot: Slot, place: Place, dirty: bool) {
        self.unbind(slot);
        self.bindings.push(Binding { slot, place, dirty });
    }

    pub(super) fn unbind(&mut self, slot: Slot) {
        self.bindings.retain(|b| b.slot != slot);
    }

    /// Forgets what a register holds.
    pub(super) fn release(&mut self, reg: Gpr) {
        self.bindings.retain(|b| b.place != Place::Reg(reg));
    }

    /// Forgets how a slot compares with others.
    pub(super) fn unorder(&mut self, slot: Slot) {
        self.order.retain(|&(more, less)| more != slot && less != slot);
    }

    pub(super) fn put_in_order(&mut self, more: Slot, less: Slot) {
        if more != less {
            self.order.push((more, less));
        }
    }

    /// Whether `more` is never less than `less`.
    pub(super) fn in_order(&self, more: Operand, less: Operand) -> bool {
        match (more, less) {
            (Operand::Slot(more), Operand::Slot(less)) => {
                more == less || self.order.contains(&(more, less))
            }
            _ => false,
        }
    }
}

/// A point of the code, seen from the step at hand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Point {
    Before,
    After,
}

/// When the value of a slot is needed next.
enum Next {
    /// Read, so many steps ahead.
    Read(usize),
    /// Written; nobody sees the value that it has now, unless a trap comes first.
    Written { traps: bool },
    /// Not settled here.
    Open,
}

impl Lowering<'_> {
    pub(super) fn range(&self, operand: Operand) -> Range {
        match operand {
            Operand::Constant(value) => Range::one(value),
            Operand::Slot(slot) => self.state.range(slot),
        }
    }

    /// The value of an operand, where it is settled.
    pub(super) fn known(&self, operand: Operand) -> Option<u64> {
        let range = self.range(operand);
        (range.lo == range.hi).then_some(range.lo)
    }

    /// A register that holds an operand, until this step ends.
    pub(super) fn reg(&mut self, operand: Operand) -> Gpr {
        let slot = match operand {
            Operand::Slot(slot) => Some(slot),
            Operand::Constant(_) => None,
        };
        if let Some(Place::Reg(reg)) = slot.and_then(|slot| self.state.place(slot)) {
            self.pin(reg);
            return reg;
        }
        let reg = self.alloc();
        if let Some(value) = self.known(operand) {
            self.asm.constant(reg, value);
        } else if let Some(slot) = slot {
            self.load(reg, slot);
            self.state.bind(slot, Place::Reg(reg), false);
        }
        reg
    }

    /// An operand as the second one of an instruction.
    pub(super) fn src(&mut self, operand: Operand) -> Src {
        match self.known(operand).map(i32::try_from) {
            Some(Ok(imm)) => Src::Imm(imm),
            _ => Src::Reg(self.reg(operand)),
        }
    }

    /// A register that may be changed and does not hold anything, until this step ends.
    pub(super) fn alloc(&mut self) -> Gpr {
        let is_free = |reg: &Gpr| !self.is_pinned(*reg) && self.state.held(*reg).next().is_none();
        let free = FREE.into_iter().find(is_free).or_else(|| {
            let unpinned = FREE.into_iter().filter(|reg| !self.is_pinned(*reg));
            unpinned.max_by_key(|reg| self.distance(*reg))
        });
        // No step needs all six at once.
        debug_assert!(free.is_some(), "a step that pins every register");
        let reg = free.unwrap_or(Gpr::R0);
        self.evict(reg);
        self.pin(reg);
        reg
    }

    /// A register with the value of `from` that may be changed: `from` itself where nobody needs
    /// it any more, as far as it is not `other` too.
    pub(super) fn dest(&mut self, from: Gpr, other: Src, outs: [Slot; 2]) -> Dest {
        let in_place = other != Src::Reg(from) && self.is_spare(from, outs);
        let reg = if in_place { from } else { self.alloc() };
        Dest { reg, in_place }
    }

    /// Makes ready what [`Lowering::dest`] chose.
    pub(super) fn begin(&mut self, dest: Dest, from: Gpr) -> Gpr {
        if dest.in_place {
            self.state.release(dest.reg);
        } else {
            self.asm.mov(dest.reg, from);
        }
        dest.reg
    }

    /// Gives slots a new value.
    pub(super) fn define(&mut self, outs: [Slot; 2], place: Place, range: Range) {
        for slot in outs {
            self.state.bind(slot, place, true);
            self.state.unorder(slot);
            self.state.set_range(slot, range);
        }
    }

    /// A register that holds a slot's value and no other's, so that it can be changed.
    pub(super) fn own(&mut self, slot: Slot) -> Gpr {
        let binding = self.state.bindings.iter().find(|b| b.slot == slot).copied();
        let dirty = binding.is_some_and(|b| b.dirty);
        if let Some(Binding { place: Place::Reg(reg), .. }) = binding {
            if self.state.held(reg).count() == 1 {
                self.pin(reg);
                return reg;
            }
            self.pin(reg);
            let own = self.alloc();
            self.asm.mov(own, reg);
            self.state.bind(slot, Place::Reg(own), dirty);
            return own;
        }
        let own = self.alloc();
        match self.known(Operand::Slot(slot)) {
            Some(value) => self.asm.constant(own, value),
            None => self.load(own, slot),
        }
        self.state.bind(slot, Place::Reg(own), dirty);
        own
    }

    /// Puts everything into the page that is not there yet, as far as it may be read there behind
    /// this point. Registers keep what they hold.
    pub(super) fn flush(&mut self, point: Point) {
        let dirty: Vec<Binding> = self.state.bindings.iter().filter(|b| b.dirty).copied().collect();
        let (in_regs, constants): (Vec<_>, Vec<_>) =
            dirty.into_iter().partition(|b| matches!(b.place, Place::Reg(_)));
        for binding in in_regs.into_iter().chain(constants) {
            if self.needed(binding.slot, point) {
                self.save(binding);
            }
            self.mark(binding.slot, false);
        }
    }

    pub(super) fn mark(&mut self, slot: Slot, dirty: bool) {
        for binding in self.state.bindings.iter_mut().filter(|b| b.slot == slot) {
            binding.dirty = dirty;
        }
    }

    pub(super) fn load(&mut self, reg: Gpr, slot: Slot) {
        self.asm.load(Size::Dw, reg, PAGE, self.layout.slot(slot));
    }

    /// Whether nobody sees the value that a slot has after step `at`.
    pub(super) fn is_dead_after(&self, at: usize, slot: Slot) -> bool {
        match self.next(at, slot) {
            Next::Read(_) => false,
            Next::Written { traps } => !traps || !self.lasts(slot),
            Next::Open => {
                !self.lasts(slot) && !self.works.get(at).is_some_and(|work| work.leaves.has(slot))
            }
        }
    }

    /// What a trap at this point has to put into the page.
    pub(super) fn unsaved(&self) -> Vec<Binding> {
        self.state.bindings.iter().filter(|b| b.dirty && self.lasts(b.slot)).copied().collect()
    }

    /// Stores a value; a constant that fits no instruction goes through a register.
    fn save(&mut self, binding: Binding) {
        let src = match binding.place {
            Place::Reg(reg) => Src::Reg(reg),
            Place::Constant(value) => match i32::try_from(value) {
                Ok(imm) => Src::Imm(imm),
                Err(_) => {
                    let reg = self.alloc();
                    self.asm.constant(reg, value);
                    self.unpin(reg);
                    Src::Reg(reg)
                }
            },
        };
        self.asm.store(Size::Dw, PAGE, self.layout.slot(binding.slot), src);
    }

    fn evict(&mut self, reg: Gpr) {
        let held: Vec<Binding> = self.state.held(reg).copied().collect();
        for binding in held {
            if binding.dirty && self.needs_saving(binding.slot) {
                self.save(binding);
            }
        }
        self.state.release(reg);
    }

    fn needs_saving(&self, slot: Slot) -> bool {
        // The step at hand may still have to read it, or leave it behind in a trap.
        self.needed(slot, Point::Before)
            && (self.reads_now(slot)
                || self.lasts(slot) && self.traps_now()
                || !self.is_dead_after(self.at, slot))
    }

    /// Whether the value of a slot is seen after the invocation, also one that a trap has ended.
    fn lasts(&self, slot: Slot) -> bool {
        match slot {
            SCRATCH | EVENT_FLAG | SHOULD_CONTINUE => false,
            _ => self.keeps_temps || !work::is_temp(slot),
        }
    }

    /// Whether anybody may read a slot from the page behind this point.
    fn needed(&self, slot: Slot, point: Point) -> bool {
        let needs = match (point, self.works.get(self.at)) {
            (Point::Before, Some(work)) => work.needs,
            (Point::After, Some(work)) => work.leaves,
            (_, None) => return self.lasts(slot),
        };
        self.lasts(slot) || needs.has(slot)
    }

    /// Whether a register's values are needed no more when this step has given `outs` new ones.
    fn is_spare(&self, reg: Gpr, outs: [Slot; 2]) -> bool {
        self.state.held(reg).all(|b| {
            outs.contains(&b.slot)
                || if b.dirty {
                    let traps = self.lasts(b.slot) && self.traps_now();
                    !traps && self.is_dead_after(self.at, b.slot)
                } else {
                    !matches!(self.next(self.at, b.slot), Next::Read(_))
                }
        })
    }

    fn reads_now(&self, slot: Slot) -> bool {
        self.works.get(self.at).is_some_and(|work| work.reads(slot))
    }

    fn traps_now(&self) -> bool {
        self.works.get(self.at).is_some_and(Work::may_trap)
    }

    /// How many steps ahead a register is read.
    fn distance(&self, reg: Gpr) -> usize {
        let distance = |b: &Binding| match self.next(self.at, b.slot) {
            _ if self.reads_now(b.slot) => 0,
            Next::Read(distance) => distance,
            Next::Written { .. } => WINDOW + 2,
            // A store more.
            Next::Open if b.dirty && self.needed(b.slot, Point::After) => WINDOW,
            Next::Open => WINDOW + 1,
        };
        self.state.held(reg).map(distance).min().unwrap_or(usize::MAX)
    }

    fn next(&self, at: usize, slot: Slot) -> Next {
        if self.works.get(at).is_some_and(Work::branches) {
            return Next::Open;
        }
        let mut traps = false;
        for ahead in 1..=WINDOW {
            let Some(work) = self.works.get(at + ahead) else {
                return Next::Open;
            };
            if self.joins.contains_key(&(at + ahead)) {
                return Next::Open;
            }
            if work.reads(slot) {
                return Next::Read(ahead);
            }
            traps |= work.may_trap();
            if work.writes(slot) {
                return Next::Written { traps };
            }
            if work.branches() {
                return Next::Open;
            }
        }
        Next::Open
    }

    fn pin(&mut self, reg: Gpr) {
        self.pinned |= 1 << reg as u8;
    }

    fn unpin(&mut self, reg: Gpr) {
        self.pinned &= !(1 << reg as u8);
    }

    const fn is_pinned(&self, reg: Gpr) -> bool {
        self.pinned & (1 << reg as u8) != 0
    }
}

/// A register chosen for a result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dest {
    pub(super) reg: Gpr,
    /// It holds the left operand already.
    pub(super) in_place: bool,
}
