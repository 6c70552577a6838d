//! One invocation as code: what [`Program::invoke`] does, in the same order.

use super::asm::{Asm, Cond, Gpr, Label, Size};
use super::cache::{PAGE, Place, State};
use super::host::{Ending, Host};
use super::layout::Layout;
use super::lower::{Lowering, store_constant};
use super::{take, work};
use crate::machine::Program;
use crate::machine::file::{
    ACK_NOW, CWND, EVENT_FLAG, MICROS, NOW, PRIMITIVES, RATE, RTT_SAMPLE, SHOULD_CONTINUE,
    SHOULD_REPORT, Slot, ZERO,
};
use crate::primitive::{Primitive, Primitives};
use crate::range::Range;
use crate::reg::INFINITY;

/// Where a program is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The flow's page.
    pub layout: Layout,
    /// The number by which both sides know this program, not 0.
    pub program: u64,
    /// What primitives are at most.
    pub bounds: PrimitiveBounds,
    /// Whether temporaries keep what they hold from one invocation to the next, as they do in the
    /// machine, even if this program has no use for it: it writes each before it reads it, as
    /// every compiler's program does. Without, that program is shorter by a quarter; one that may
    /// read a temporary first keeps its own all the same.
    pub keep_temporaries: bool,
}

/// The largest value that each primitive can have, so that checks which cannot fail are left out.
///
/// A primitive that exceeds its bound makes a program miss traps; it does no other harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrimitiveBounds([u64; Primitives::COUNT]);

impl PrimitiveBounds {
    /// Any value whatsoever.
    pub const ANY: Self = Self([u64::MAX; Primitives::COUNT]);

    /// The same with a bound for one primitive. A missing RTT sample, which reads as
    /// [`INFINITY`], needs no room.
    #[must_use]
    pub const fn with(mut self, primitive: Primitive, most: u64) -> Self {
        let index = primitive.index() as usize;
        if index < Primitives::COUNT {
            self.0[index] = most;
        }
        self
    }
}

/// Emits a program: from R9, which holds the address of the flow's page, to the host's
/// [`finish`](Host::finish).
///
/// Does what [`Program::invoke`] does, with the staged values in the page (see [`Layout`]). The
/// page's registers afterwards are those of the machine, but for eventFlag and shouldContinue.
pub fn emit(program: &Program, target: &Target, host: &mut impl Host, asm: &mut Asm) {
    let decoded = program.decoded();
    let layout = target.layout;
    let mask = program.primitives();
    let labels = begin(asm, &layout, host, mask);
    asm.load(Size::Dw, ZERO_AT, PAGE, layout.slot(ZERO));
    asm.mov(MICROS_AT, NOW_AT);
    asm.sub(MICROS_AT, ZERO_AT);

    let works = work::works(&decoded.steps, target.keep_temporaries);
    let may_report = works.0.iter().any(|work| work.may_write(SHOULD_REPORT));
    let mut lowering = Lowering::new(asm, layout, works, entry(mask, &target.bounds));
    lowering.run(program.code());

    let asm = &mut *lowering.asm;
    asm.comment("to the transport");
    give(asm, &layout, CWND, host);
    give(asm, &layout, RATE, host);
    if may_report {
        asm.comment("report");
        let done = asm.label();
        asm.load(Size::Dw, Gpr::R1, PAGE, layout.slot(SHOULD_REPORT));
        asm.jump_if(Cond::Eq, Gpr::R1, 0, done);
        host.report(asm, decoded.report_len);
        for &(slot, value) in &decoded.volatile {
            store_constant(asm, layout.slot(slot), value.into());
        }
        asm.bind(done);
    }
    host.finish(asm, Ending::Done);

    let trapped = asm.label();
    if lowering.rest(trapped) {
        let asm = &mut *lowering.asm;
        asm.bind(trapped);
        host.finish(asm, Ending::Trapped);
    }
    end(lowering.asm, target.program, &layout, &decoded.initial, host, &labels);
}

/// Emits the invocation of a flow that has no program: it takes what is staged, and gives a window
/// or rate among that to the transport.
pub fn emit_bare(layout: &Layout, host: &mut impl Host, asm: &mut Asm) {
    let labels = begin(asm, layout, host, 0);
    host.finish(asm, Ending::Done);
    end(asm, 0, layout, &[], host, &labels);
}

/// Up to where the program begins. From there on [`NOW_AT`] and [`RTT_AT`] hold their values.
fn begin(asm: &mut Asm, layout: &Layout, host: &mut impl Host, mask: u64) -> Labels {
    asm.comment("from the transport");
    host.load(asm, mask);
    // Should time go back, it stands still, so that Micros never wraps.
    let forward = asm.label();
    asm.load(Size::Dw, NOW_AT, PAGE, layout.slot(ACK_NOW));
    asm.load(Size::Dw, Gpr::R1, PAGE, layout.slot(NOW));
    asm.jump_if(Cond::Ge, NOW_AT, Gpr::R1, forward);
    asm.mov(NOW_AT, Gpr::R1);
    asm.bind(forward);
    asm.store(Size::Dw, PAGE, layout.slot(NOW), NOW_AT);
    let reads_rtt = mask & Primitive::FlowRttSampleUs.mask() != 0;
    if reads_rtt {
        let sampled = asm.label();
        asm.load(Size::Dw, RTT_AT, PAGE, layout.slot(RTT_SAMPLE));
        asm.jump_if(Cond::Ne, RTT_AT, 0, sampled);
        asm.constant(RTT_AT, INFINITY);
        asm.store(Size::Dw, PAGE, layout.slot(RTT_SAMPLE), RTT_AT);
        asm.bind(sampled);
    }
    let labels = Labels { take: asm.label(), run: asm.label(), reads_rtt };
    take::look(asm, layout, labels.take);
    asm.bind(labels.run);
    labels
}

/// What lies behind all else: taking, and the end without having run.
fn end(
    asm: &mut Asm,
    program: u64,
    layout: &Layout,
    initial: &[(Slot, u32)],
    host: &mut impl Host,
    labels: &Labels,
) {
    let (taken, skip) = (asm.label(), asm.label());
    take::take(asm, layout, program, initial, host, [labels.take, taken, skip]);
    asm.bind(taken);
    asm.load(Size::Dw, NOW_AT, PAGE, layout.slot(NOW));
    if labels.reads_rtt {
        asm.load(Size::Dw, RTT_AT, PAGE, layout.slot(RTT_SAMPLE));
    }
    asm.jump(labels.run);
    asm.comment("skipped");
    asm.bind(skip);
    host.finish(asm, Ending::Skipped);
}

struct Labels {
    take: Label,
    run: Label,
    reads_rtt: bool,
}

/// What is known when the program begins.
fn entry(mask: u64, bounds: &PrimitiveBounds) -> State {
    let mut state = State::default();
    for index in (0..Primitives::COUNT as Slot).filter(|index| mask & (1 << index) != 0) {
        let most = bounds.0.get(usize::from(index)).copied().unwrap_or(u64::MAX);
        let slot = PRIMITIVES + index;
        let range = match slot {
            RTT_SAMPLE => Range { lo: 1, hi: most.max(INFINITY) },
            _ => Range { lo: 0, hi: most },
        };
        state.set_range(slot, range);
    }
    state.bind(NOW, Place::Reg(NOW_AT), false);
    state.bind(ZERO, Place::Reg(ZERO_AT), false);
    state.bind(MICROS, Place::Reg(MICROS_AT), true);
    if mask & Primitive::FlowRttSampleUs.mask() != 0 {
        state.bind(RTT_SAMPLE, Place::Reg(RTT_AT), false);
    }
    for flag in [EVENT_FLAG, SHOULD_CONTINUE, SHOULD_REPORT] {
        state.bind(flag, Place::Constant(0), true);
        state.set_range(flag, Range::one(0));
    }
    state
}

/// Gives Cwnd or Rate to the transport, unless it is 0.
pub(super) fn give(asm: &mut Asm, layout: &Layout, slot: Slot, host: &mut impl Host) {
    let none = asm.label();
    asm.load(Size::Dw, Gpr::R1, PAGE, layout.slot(slot));
    asm.jump_if(Cond::Eq, Gpr::R1, 0, none);
    match slot {
        CWND => host.set_cwnd(asm, Gpr::R1),
        _ => host.set_rate(asm, Gpr::R1),
    }
    asm.bind(none);
}

const NOW_AT: Gpr = Gpr::R0;
const ZERO_AT: Gpr = Gpr::R1;
const MICROS_AT: Gpr = Gpr::R2;
const RTT_AT: Gpr = Gpr::R3;
