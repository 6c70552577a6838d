//! What stands around a flow's program: the host of the language's back end.

use ccp_lang::ebpf::Gpr::{R0, R1, R2, R3, R4, R5, R8, R9, R10};
use ccp_lang::ebpf::{
    Alu, Asm, AsmError, Assembled, Cond, Ending, Gpr, Host, PrimitiveBounds, Size, Target, emit,
    emit_bare,
};
use ccp_lang::{Primitive, Program};
use ccp_wire::{Kind, ProgramUid};

use super::Fixed;
use super::announce::SID;
use super::fallback::{self, changed};
use super::kit::{Kit, flow, private};
use crate::page::{Governor, LAYOUT};

impl Fixed<'_> {
    /// The code of a program, which `cong_control` goes to. `number` is its place among the
    /// programs, from 1; `uid` the agent's name for it.
    ///
    /// # Errors
    /// A mistake of the generator's: a jump to nowhere.
    pub fn leaf(
        &self,
        program: &Program,
        number: u32,
        uid: ProgramUid,
    ) -> Result<Assembled, AsmError> {
        let target = Target {
            layout: LAYOUT,
            program: number.into(),
            bounds: bounds(),
            keep_temporaries: false,
        };
        self.around(uid, |host, asm| emit(program, &target, host, asm))
    }

    /// The code for flows without a program, for which values are staged all the same.
    ///
    /// # Errors
    /// As [`Fixed::leaf`].
    pub fn bare_leaf(&self) -> Result<Assembled, AsmError> {
        self.around(ProgramUid(0), |host, asm| emit_bare(&LAYOUT, host, asm))
    }

    fn around(
        &self,
        uid: ProgramUid,
        emit: impl FnOnce(&mut Leaf<'_>, &mut Asm),
    ) -> Result<Assembled, AsmError> {
        let mut asm = Asm::new();
        let none = asm.label();
        let mut kit = Kit::new(*self, &mut asm);
        kit.enter();
        kit.find_page(none);
        let position = self.kernel.cong_control.sample;
        kit.argument(R8, position);
        fallback::changes(&mut kit);
        fallback::unused_window(&mut kit);
        emit(&mut Leaf { fixed: *self, uid }, &mut asm);
        asm.bind(none);
        Kit::new(*self, &mut asm).leave();
        asm.finish()
    }
}

/// The primitives that this transport measures: all of them.
#[must_use]
pub fn primitives() -> u64 {
    Primitive::ALL.iter().fold(0, |mask, primitive| mask | primitive.mask())
}

struct Leaf<'a> {
    fixed: Fixed<'a>,
    uid: ProgramUid,
}

impl Leaf<'_> {
    fn kit<'k>(&'k self, asm: &'k mut Asm) -> Kit<'k> {
        Kit::new(self.fixed, asm)
    }
}

impl Host for Leaf<'_> {
    fn load(&mut self, asm: &mut Asm, mask: u64) {
        let mut kit = self.kit(asm);
        window_in_use(&mut kit);
        kit.word(R1, flow::RATE);
        kit.store(Size::Dw, R9, LAYOUT.rate(), R1);
        let epoch = kit.fixed.epoch_us;
        kit.clock(R1);
        kit.constant(R2, epoch);
        kit.sub(R1, R2);
        kit.store(Size::Dw, R9, LAYOUT.primitive(Primitive::AckNow), R1);
        for &primitive in Primitive::ALL.iter().filter(|p| mask & p.mask() != 0) {
            load(&mut kit, primitive);
        }
    }

    fn set_cwnd(&mut self, asm: &mut Asm, value: Gpr) {
        let mut kit = self.kit(asm);
        let sock = kit.fixed.kernel.sock;
        let (low, high, set, same) = (kit.label(), kit.label(), kit.label(), kit.label());
        kit.mov(R0, value);
        kit.get(R2, sock.mss_cache);
        // Mostly it is as many packets as before. To see that is cheaper than a division.
        kit.get(R1, sock.snd_cwnd);
        kit.mov(R4, R1);
        kit.alu(Alu::Mul, R4, R2);
        kit.mov(R5, R0);
        kit.sub(R5, R4);
        kit.jump_if(Cond::Lt, R5, R2, same);
        kit.mov(R1, R0);
        kit.alu(Alu::Div, R1, R2);
        kit.bind(same);
        kit.get(R3, sock.snd_cwnd_clamp);
        kit.jump_if(Cond::Lt, R1, LEAST_WINDOW, low);
        kit.jump_if(Cond::Gt, R1, R3, high);
        kit.jump(set);
        kit.bind(high);
        kit.mov(R1, R3);
        kit.jump_if(Cond::Ge, R1, LEAST_WINDOW, set);
        kit.bind(low);
        kit.mov(R1, LEAST_WINDOW);
        kit.bind(set);
        // Clamped: then what is in use is exactly that.
        let exact = kit.label();
        kit.mov(R4, R1);
        kit.alu(Alu::Mul, R4, R2);
        kit.mov(R5, R0);
        kit.sub(R5, R4);
        kit.jump_if(Cond::Lt, R5, R2, exact);
        kit.mov(R0, R4);
        kit.bind(exact);
        kit.set_word(flow::EXACT_CWND, R0);
        kit.set_private(private::CWND_SET, R1);
        kit.put(sock.snd_cwnd, R1);
    }

    fn set_rate(&mut self, asm: &mut Asm, value: Gpr) {
        let mut kit = self.kit(asm);
        let sock = kit.fixed.kernel.sock;
        let paced = kit.label();
        kit.mov(R0, value);
        kit.set_word(flow::RATE, R0);
        kit.set_private(private::RATE_SET, 1);
        kit.get(R1, sock.sk_max_pacing_rate);
        kit.at_most(R0, R1);
        kit.put(sock.sk_pacing_rate, R0);
        kit.get(R1, sock.sk_pacing_status);
        kit.jump_if(Cond::Ne, R1, 0, paced);
        kit.put(sock.sk_pacing_status, PACED_BY_TCP);
        kit.bind(paced);
    }

    fn report(&mut self, asm: &mut Asm, len: usize) {
        let uid = self.uid.0;
        let mut kit = self.kit(asm);
        let (full, done) = (kit.label(), kit.label());
        let bytes = MEASURE_HEADER + 8 * len;
        kit.reserve(bytes);
        kit.jump_if(Cond::Eq, R0, 0, full);
        kit.mov(R8, R0);
        let first = u32::from(Kind::Measure.to_wire()) | (bytes as u32) << 16;
        kit.store(Size::W, R8, 0, first.cast_signed());
        kit.flow_id(R1, R2);
        kit.store(Size::W, R8, SID, R1);
        kit.store(Size::W, R8, SID + 4, uid.cast_signed());
        kit.store(Size::W, R8, SID + 8, len as i32);
        for at in (0..len as i16).map(|field| 8 * field) {
            kit.load(Size::Dw, R1, R9, LAYOUT.reports() + at);
            kit.store(Size::Dw, R8, MEASURE_HEADER as i16 + at, R1);
        }
        kit.submit(R8);
        kit.count(flow::REPORTS);
        kit.jump(done);
        kit.bind(full);
        kit.count(flow::REPORTS_LOST);
        kit.bind(done);
    }

    fn finish(&mut self, asm: &mut Asm, ending: Ending) {
        let mut kit = self.kit(asm);
        if ending == Ending::Skipped {
            give_back(&mut kit);
        } else {
            for pending in [private::TIMEOUT, private::UNDONE, private::ENDED, private::IDLE_US] {
                kit.set_private(pending, 0);
            }
            kit.count(flow::RUNS);
        }
        kit.set_private(private::GOVERNED, 1);
        kit.set_word(flow::GOVERNOR, Governor::Agent as i32);
        fallback::pace_by_window(&mut kit);
        fallback::status(&mut kit);
        kit.leave();
    }
}

/// Cwnd = the window in use. It is in packets; as long as nobody but us has set it, the bytes beyond
/// whole packets count as well, or growth by less than a packet would be lost.
fn window_in_use(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    let (others, known) = (kit.label(), kit.label());
    kit.get(R1, sock.snd_cwnd);
    kit.private(R2, private::CWND_SET);
    kit.jump_if(Cond::Ne, R1, R2, others);
    kit.word(R1, flow::EXACT_CWND);
    kit.jump(known);
    kit.bind(others);
    kit.get(R2, sock.mss_cache);
    kit.alu(Alu::Mul, R1, R2);
    kit.bind(known);
    kit.store(Size::Dw, R9, LAYOUT.cwnd(), R1);
}

/// Puts one primitive in its place.
fn load(kit: &mut Kit<'_>, primitive: Primitive) {
    let kernel = kit.fixed.kernel;
    let (sock, sample) = (kernel.sock, kernel.sample);
    let to = LAYOUT.primitive(primitive);
    let invalid = kit.label();
    match primitive {
        Primitive::AckBytesAcked => kit.load(Size::Dw, R1, R10, changed::BYTES_ACKED),
        Primitive::AckPacketsMisordered | Primitive::AckBytesMisordered => {
            growth_of_sacked(kit, R1);
            if primitive == Primitive::AckBytesMisordered {
                times_mss(kit, R1);
            }
        }
        Primitive::AckEcnPackets | Primitive::AckEcnBytes => {
            kit.load(Size::Dw, R1, R10, changed::DELIVERED_CE);
            if primitive == Primitive::AckEcnBytes {
                times_mss(kit, R1);
            }
        }
        Primitive::AckLostPktsSample => kit.load(Size::Dw, R1, R10, changed::LOST),
        // The host puts it in place always.
        Primitive::AckNow => return,
        Primitive::AckPacketsAcked => {
            growth_of_sacked(kit, R2);
            kit.load(Size::Dw, R1, R10, changed::DELIVERED);
            let fits = kit.label();
            kit.sub(R1, R2);
            kit.jump_if(Cond::SGe, R1, 0, fits);
            kit.mov(R1, 0);
            kit.bind(fits);
        }
        Primitive::FlowBytesInFlight => {
            kit.in_flight(R1, R2);
            times_mss(kit, R1);
        }
        Primitive::FlowPacketsInFlight => kit.in_flight(R1, R2),
        Primitive::FlowBytesPending => {
            kit.in_flight(R1, R2);
            times_mss(kit, R1);
            kit.get(R2, sock.write_seq);
            kit.get(R3, sock.snd_nxt);
            kit.alu32(Alu::Sub, R2, R3);
            kit.add(R1, R2);
        }
        Primitive::FlowRateIncoming | Primitive::FlowRateOutgoing => {
            let interval = if primitive == Primitive::FlowRateIncoming {
                sample.rcv_interval_us
            } else {
                sample.snd_interval_us
            };
            // Without a valid sample the last one stays.
            kit.sample(R1, sample.interval_us);
            kit.jump_if(Cond::SLt, R1, 0, invalid);
            kit.sample(R1, sample.delivered);
            kit.jump_if32(Cond::SLe, R1, 0, invalid);
            kit.sample(R3, interval);
            kit.jump_if(Cond::Eq, R3, 0, invalid);
            kit.at_most(R1, MOST_DELIVERED);
            times_mss(kit, R1);
            kit.alu(Alu::Mul, R1, MICROS_PER_SECOND);
            kit.alu(Alu::Div, R1, R3);
        }
        Primitive::FlowRttSampleUs => {
            let sampled = kit.label();
            kit.sample(R1, sample.rtt_us);
            kit.jump_if(Cond::SGt, R1, 0, sampled);
            kit.mov(R1, 0);
            kit.bind(sampled);
        }
        Primitive::FlowWasTimeout => kit.private(R1, private::TIMEOUT),
        Primitive::FlowAppLimited => kit.sample(R1, sample.is_app_limited),
        Primitive::FlowRecovery => {
            // What ends and begins anew at one ACK is news: the program hears of the end first, and
            // of the beginning at the next ACK.
            let known = kit.label();
            kit.private(R2, private::ENDED);
            kit.mov(R1, 0);
            kit.jump_if(Cond::Ne, R2, 0, known);
            // Open and disordered are 0 and 1, then come ours from 1.
            kit.get(R1, sock.icsk_ca_state);
            kit.at_least(R1, 1);
            kit.sub(R1, 1);
            kit.bind(known);
        }
        Primitive::FlowUndone => kit.private(R1, private::UNDONE),
        Primitive::FlowIdleUs => kit.private(R1, private::IDLE_US),
        // A primitive newer than this transport stays 0, and Hello does not promise it.
        _ => return,
    }
    kit.store(Size::Dw, R9, to, R1);
    kit.bind(invalid);
}

/// `dst` = max(0, growth of what is SACKed), in packets.
fn growth_of_sacked(kit: &mut Kit<'_>, dst: Gpr) {
    let grown = kit.label();
    kit.load(Size::Dw, dst, R10, changed::SACKED_OUT);
    kit.jump_if(Cond::SGe, dst, 0, grown);
    kit.mov(dst, 0);
    kit.bind(grown);
}

/// `dst *= mss`. R2 is lost.
fn times_mss(kit: &mut Kit<'_>, dst: Gpr) {
    let sock = kit.fixed.kernel.sock;
    kit.get(R2, sock.mss_cache);
    kit.alu(Alu::Mul, dst, R2);
}

/// The program did not run: what the ACK changed is for the next one.
fn give_back(kit: &mut Kit<'_>) {
    for (word, at) in [
        (private::BYTES_ACKED, changed::BYTES_ACKED),
        (private::SACKED_OUT, changed::SACKED_OUT),
        (private::LOST, changed::LOST),
        (private::DELIVERED, changed::DELIVERED),
        (private::DELIVERED_CE, changed::DELIVERED_CE),
    ] {
        kit.private(R1, word);
        kit.load(Size::Dw, R2, R10, at);
        kit.sub(R1, R2);
        kit.set_private(word, R1);
    }
}

/// What the primitives are at most, as they are computed here.
fn bounds() -> PrimitiveBounds {
    let (packets, bytes) = (u64::from(u32::MAX), u64::from(u32::MAX) << 16);
    PrimitiveBounds::ANY
        .with(Primitive::AckEcnPackets, packets)
        .with(Primitive::AckEcnBytes, bytes)
        .with(Primitive::AckLostPktsSample, packets)
        .with(Primitive::AckPacketsAcked, packets)
        .with(Primitive::AckPacketsMisordered, packets)
        .with(Primitive::AckBytesMisordered, bytes)
        .with(Primitive::FlowPacketsInFlight, packets)
        .with(Primitive::FlowBytesInFlight, bytes)
        .with(Primitive::FlowBytesPending, bytes + packets)
        .with(Primitive::FlowWasTimeout, 1)
        .with(Primitive::FlowAppLimited, 1)
        .with(Primitive::FlowRecovery, 30)
        .with(Primitive::FlowUndone, 1)
        .with(Primitive::FlowIdleUs, packets)
}

/// With less, an agent's update could never come into force for want of an ACK.
const LEAST_WINDOW: i32 = 2;

/// The kernel's own pacing, without the qdisc fq.
const PACED_BY_TCP: i32 = 1;

/// Bytes of a Measure before its fields.
const MEASURE_HEADER: usize = 16;

/// More packets in one sample would overflow a rate's computation.
const MOST_DELIVERED: i32 = 1 << 24;

const MICROS_PER_SECOND: i32 = 1_000_000;
