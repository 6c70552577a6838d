//! Taking what the agent has staged; see [`Layout`] for how both sides agree.

use super::asm::{Alu, Asm, Atomic, Cond, Gpr, Label, Size};
use super::cache::PAGE;
use super::emit::give;
use super::host::Host;
use super::layout::Layout;
use super::lower::store_constant;
use crate::machine::file::{SCRATCH, Slot};
use crate::machine::{file, staged};

/// Goes to `take` if something is staged. Changes R1 and R2.
pub(super) fn look(asm: &mut Asm, layout: &Layout, take: Label) {
    asm.load(Size::Dw, R1, PAGE, layout.sequence());
    asm.load(Size::Dw, R2, PAGE, layout.taken());
    asm.jump_if(Cond::Ne, R1, R2, take);
}

/// The number of the program to run, into R0: the one that runs, or the one that is staged. R1 is
/// changed.
///
/// A flow's fixed part dispatches by it; a program that another one has overtaken in between skips
/// its ACK.
pub fn choose(asm: &mut Asm, layout: &Layout) {
    let done = asm.label();
    asm.load(Size::Dw, R1, PAGE, layout.sequence());
    asm.load(Size::Dw, Gpr::R0, PAGE, layout.taken());
    asm.alu(Alu::Xor, Gpr::R0, R1);
    let running = asm.label();
    asm.jump_if(Cond::Eq, Gpr::R0, 0, running);
    // In the middle of a writing.
    asm.alu(Alu::And, R1, 1);
    asm.jump_if(Cond::Ne, R1, 0, running);
    asm.load(Size::Dw, Gpr::R0, PAGE, layout.program());
    asm.jump_if(Cond::Ne, Gpr::R0, 0, done);
    asm.bind(running);
    asm.load(Size::Dw, Gpr::R0, PAGE, layout.running());
    asm.bind(done);
}

/// The code at `take`: takes what is staged and goes to `run`, or to `skip`.
pub(super) fn take(
    asm: &mut Asm,
    layout: &Layout,
    program: u64,
    initial: &[(Slot, u32)],
    host: &mut impl Host,
    [take, run, skip]: [Label; 3],
) {
    let (busy, values, torn) = (asm.label(), asm.label(), asm.label());
    asm.comment("staged values");
    asm.bind(take);
    exchange(asm, layout.reading(), 1);
    asm.load(Size::Dw, SEQUENCE, PAGE, layout.sequence());
    asm.mov(R1, SEQUENCE);
    asm.alu(Alu::And, R1, 1);
    asm.jump_if(Cond::Ne, R1, 0, busy);
    // A barrier: what was staged is loaded after the sequence, also by processors that load in any
    // order.
    exchange(asm, layout.reading(), 1);
    asm.constant(R2, program);
    asm.load(Size::Dw, R1, PAGE, layout.program());
    let begins = asm.label();
    asm.jump_if(Cond::Ne, R1, 0, begins);
    // For the program that runs. Not for this one, if another was meant when it was chosen.
    let leave = asm.label();
    asm.load(Size::Dw, R1, PAGE, layout.running());
    asm.jump_if(Cond::Ne, R1, R2, leave);
    asm.jump(values);
    asm.bind(begins);
    asm.jump_if(Cond::Ne, R1, R2, leave);
    for &(slot, value) in initial {
        store_constant(asm, layout.slot(slot), value.into());
    }
    asm.load(Size::Dw, R1, PAGE, layout.now());
    asm.store(Size::Dw, PAGE, layout.zero(), R1);

    asm.bind(values);
    asm.load(Size::Dw, LOW, PAGE, layout.dirty());
    asm.load(Size::Dw, HIGH, PAGE, layout.dirty() + 8);
    asm.store(Size::Dw, PAGE, layout.slot(SCRATCH), HIGH);
    copy(asm, layout);
    // A barrier: the values were loaded before the sequence is looked at again.
    exchange(asm, layout.reading(), 1);
    asm.load(Size::Dw, R1, PAGE, layout.sequence());
    asm.jump_if(Cond::Ne, R1, SEQUENCE, torn);
    asm.constant(R2, program);
    asm.store(Size::Dw, PAGE, layout.taken(), SEQUENCE);
    asm.store(Size::Dw, PAGE, layout.torn(), 0);
    asm.store(Size::Dw, PAGE, layout.running(), R2);
    exchange(asm, layout.reading(), 0);
    // A staged window or rate goes to the transport at once: a trap does not take it back.
    for (bit, slot) in [(staged::CWND, file::CWND), (staged::RATE, file::RATE)] {
        let none = asm.label();
        asm.load(Size::Dw, R1, PAGE, layout.slot(SCRATCH));
        asm.alu(Alu::Rsh, R1, bit as i32 - 64);
        asm.alu(Alu::And, R1, 1);
        asm.jump_if(Cond::Eq, R1, 0, none);
        give(asm, layout, slot, host);
        asm.bind(none);
    }
    asm.jump(run);

    // The agent writes right now: on with what is there, if it is whole.
    asm.bind(busy);
    asm.store(Size::Dw, PAGE, layout.reading(), 0);
    asm.load(Size::Dw, R1, PAGE, layout.torn());
    asm.jump_if(Cond::Ne, R1, 0, skip);
    asm.constant(R2, program);
    asm.load(Size::Dw, R1, PAGE, layout.running());
    asm.jump_if(Cond::Eq, R1, R2, run);
    asm.jump(skip);
    asm.bind(torn);
    asm.store(Size::Dw, PAGE, layout.torn(), 1);
    asm.bind(leave);
    asm.store(Size::Dw, PAGE, layout.reading(), 0);
    asm.jump(skip);
}

/// Copies the staged values, by the bits in R3 and R4, to their registers. Most are not staged:
/// eight at a time are passed over.
fn copy(asm: &mut Asm, layout: &Layout) {
    for half in (0..Layout::SETTABLE).step_by(32) {
        asm.mov(BITS, if half < 64 { LOW } else { HIGH });
        if half % 64 != 0 {
            asm.alu(Alu::Rsh, BITS, 32);
        }
        for group in (half..Layout::SETTABLE.min(half + 32)).step_by(8) {
            let next = asm.label();
            unless_set(asm, 0xFF << (group - half), next);
            for at in group..group + 8 {
                let Some(slot) = file::slot(staged::register(at)) else {
                    continue;
                };
                let skip = asm.label();
                unless_set(asm, 1 << (at - half), skip);
                asm.load(Size::Dw, Gpr::R0, PAGE, layout.values() + 8 * at as i16);
                asm.store(Size::Dw, PAGE, layout.slot(slot), Gpr::R0);
                asm.bind(skip);
            }
            asm.bind(next);
        }
    }
}

/// Goes to a label unless some of these bits are set.
fn unless_set(asm: &mut Asm, mask: u32, to: Label) {
    let set = asm.label();
    asm.jump_if32(Cond::Set, BITS, mask.cast_signed(), set);
    asm.jump(to);
    asm.bind(set);
}

fn exchange(asm: &mut Asm, off: i16, value: i32) {
    asm.mov(R1, value);
    asm.atomic(Atomic::Xchg, Size::Dw, PAGE, off, R1);
}

const R1: Gpr = Gpr::R1;
const R2: Gpr = Gpr::R2;
const BITS: Gpr = R1;
const LOW: Gpr = Gpr::R3;
const HIGH: Gpr = Gpr::R4;
const SEQUENCE: Gpr = Gpr::R5;

// Groups of eight.
const _: () = assert!(Layout::SETTABLE.is_multiple_of(8));
