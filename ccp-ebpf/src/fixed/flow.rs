//! The life of a flow, and what the kernel tells besides ACKs.

use ccp_lang::ebpf::Gpr::{R0, R1, R2, R3, R4, R5, R6, R9, R10};
use ccp_lang::ebpf::{Alu, Cond, Size};

use super::kit::{Kit, SLOT, agent, flow, helper, private};
use super::{announce, fallback};
use crate::page::{LAYOUT, fresh};

/// `init(sk)`: takes a slot, fills its page, and announces the flow. Without a free slot the flow
/// runs under the fallback.
pub(super) fn init(kit: &mut Kit<'_>, wish: &str) {
    let (none, out) = (kit.label(), kit.label());
    kit.enter();
    kit.comment("init: a free slot");
    let slots = kit.fixed.maps.slots;
    kit.map(R1, slots);
    kit.mov(R2, R10);
    kit.add(R2, i32::from(SLOT));
    kit.call(helper::MAP_POP);
    kit.jump_if(Cond::Ne, R0, 0, none);
    kit.page_of_slot(none);
    kit.count_for_all(agent::OPENED);
    fill_page(kit);
    begin_private(kit);
    announce::create(kit, wish);
    kit.bind(out);
    kit.leave();

    kit.bind(none);
    kit.comment("no slot");
    kit.count_for_all(agent::NO_SLOT);
    kit.jump(out);
}

/// `release(sk)`: says that the flow has closed and gives its slot back.
pub(super) fn release(kit: &mut Kit<'_>) {
    let out = kit.label();
    kit.enter();
    kit.find_page(out);
    kit.set_word(flow::OPEN, 0);
    kit.set_private(private::SLOT_PLUS_1, 0);
    announce::close(kit);
    kit.count_for_all(agent::CLOSED);
    let slots = kit.fixed.maps.slots;
    kit.map(R1, slots);
    kit.mov(R2, R10);
    kit.add(R2, i32::from(SLOT));
    kit.mov(R3, 0);
    kit.call(helper::MAP_PUSH);
    kit.bind(out);
    kit.leave();
}

/// `ssthresh(sk)`: half the window, as Reno has it. What a program does about a loss it does itself.
pub(super) fn ssthresh(kit: &mut Kit<'_>) {
    kit.enter();
    let function = kit.fixed.kernel.functions.tcp_reno_ssthresh;
    kit.mov(R1, R6);
    kit.call_kfunc(function);
    kit.exit();
}

/// `undo_cwnd(sk)`: the window from before a reduction that was found spurious. A program learns of
/// it at the next ACK.
pub(super) fn undo_cwnd(kit: &mut Kit<'_>) {
    let uncounted = kit.label();
    kit.enter();
    kit.set_private(private::UNDONE, 1);
    kit.find_page(uncounted);
    kit.count(flow::UNDONE);
    kit.bind(uncounted);
    let function = kit.fixed.kernel.functions.tcp_reno_undo_cwnd;
    kit.mov(R1, R6);
    kit.call_kfunc(function);
    kit.exit();
}

/// `set_state(sk, new_state)`.
pub(super) fn set_state(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    let (begins, timeout, out) = (kit.label(), kit.label(), kit.label());
    kit.enter();
    kit.argument(R1, 1);
    kit.alu(Alu::And, R1, 0xFF);
    kit.jump_if(Cond::Eq, R1, LOSS, timeout);
    kit.jump_if(Cond::Ge, R1, REDUCING, begins);
    kit.comment("set_state: a reduction ends");
    let was_open = kit.label();
    kit.get(R3, sock.icsk_ca_state);
    kit.jump_if(Cond::Lt, R3, REDUCING, was_open);
    kit.set_private(private::ENDED, 1);
    kit.bind(was_open);
    // While a program governs, the window is what it says.
    kit.private(R2, private::GOVERNED);
    kit.jump_if(Cond::Ne, R2, 0, out);
    let ends = kit.label();
    kit.get(R3, sock.icsk_ca_state);
    kit.get(R4, sock.snd_ssthresh);
    kit.jump_if(Cond::Ge, R4, INFINITE_SSTHRESH, out);
    kit.jump_if(Cond::Eq, R3, REDUCING, ends);
    kit.jump_if(Cond::Ne, R3, RECOVERY, out);
    // An undone recovery has its window back already, and no marker any more.
    kit.get(R5, sock.undo_marker);
    kit.jump_if(Cond::Eq, R5, 0, out);
    kit.bind(ends);
    kit.put(sock.snd_cwnd, R4);
    kit.jump(out);

    kit.bind(begins);
    kit.comment("set_state: a reduction begins");
    // One that becomes a recovery goes on, as the kernel's own counters do.
    kit.get(R1, sock.icsk_ca_state);
    kit.jump_if(Cond::Eq, R1, REDUCING, out);
    kit.set_private(private::PRR_DELIVERED, 0);
    kit.jump(out);

    kit.bind(timeout);
    kit.comment("set_state: a timeout");
    kit.set_private(private::TIMEOUT, 1);
    kit.find_page(out);
    kit.count(flow::TIMEOUTS);
    kit.bind(out);
    kit.leave();
}

/// `cwnd_event(sk, event)`: sending begins again after the sender was idle.
pub(super) fn cwnd_event(kit: &mut Kit<'_>) {
    let (out, wide) = (kit.label(), kit.label());
    kit.enter();
    kit.argument(R1, 1);
    kit.jump_if32(Cond::Ne, R1, TX_START, out);
    // The first segment after a timeout is told as well: its sender waited, and was not idle.
    let outstanding = kit.fixed.kernel.sock.packets_out;
    kit.get(R1, outstanding);
    kit.jump_if(Cond::Ne, R1, 0, out);
    kit.private(R2, private::LAST_ACK);
    kit.jump_if(Cond::Eq, R2, 0, out);
    kit.comment("cwnd_event: how long nothing was outstanding");
    kit.clock(R1);
    kit.jump_if(Cond::Le, R1, R2, out);
    kit.sub(R1, R2);
    kit.constant(R2, u64::from(u32::MAX));
    kit.jump_if(Cond::Le, R1, R2, wide);
    kit.mov(R1, R2);
    kit.bind(wide);
    kit.set_private(private::IDLE_US, R1);
    fallback::restart(kit, out);
    kit.bind(out);
    kit.leave();
}

/// A flow's page at its beginning. The generation tells it from those that had the slot before.
fn fill_page(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    let (mask, epoch) = (u32::MAX >> kit.fixed.slot_bits, kit.fixed.epoch_us);
    kit.comment("init: the flow's page");
    let nonzero = kit.label();
    kit.word(R1, flow::GENERATION);
    kit.add(R1, 1);
    kit.constant(R2, u64::from(mask));
    kit.alu(Alu::And, R1, R2);
    kit.jump_if(Cond::Ne, R1, 0, nonzero);
    kit.mov(R1, 1);
    kit.bind(nonzero);
    kit.set_word(flow::GENERATION, R1);

    for counter in [
        flow::GOVERNOR,
        flow::ANNOUNCED,
        flow::RATE,
        flow::RUNS,
        flow::FALLBACK_ACKS,
        flow::REPORTS,
        flow::REPORTS_LOST,
        flow::TIMEOUTS,
        flow::UNDONE,
        flow::EXACT_CWND,
    ] {
        kit.set_word(counter, 0);
    }
    for half in [0, 8] {
        kit.store(Size::Dw, R9, flow::ASKED.at + half, 0);
    }
    for word in fresh() {
        kit.store(Size::Dw, R9, word, 0);
    }
    kit.clock(R1);
    kit.set_word(flow::OPENED_AT, R1);
    // A socket that has heard nothing since before the epoch would begin before time itself.
    kit.constant(R2, epoch);
    kit.at_least(R1, R2);
    kit.sub(R1, R2);
    kit.store(Size::Dw, R9, LAYOUT.now(), R1);
    kit.store(Size::Dw, R9, LAYOUT.zero(), R1);

    for (to, from) in [(flow::SRC.at, sock.skc_v6_rcv_saddr), (flow::DST.at, sock.skc_v6_daddr)] {
        for half in [0, 8] {
            kit.load(Size::Dw, R1, R6, from.offset + half);
            kit.store(Size::Dw, R9, to + half, R1);
        }
    }
    kit.comment("init: family 4 if the peer is ::ffff:a.b.c.d");
    let (v6, known) = (kit.label(), kit.label());
    kit.mov(R2, 6);
    kit.word(R1, flow::DST);
    kit.jump_if(Cond::Ne, R1, 0, v6);
    kit.load(Size::W, R1, R9, flow::DST.at + 8);
    kit.constant(R3, u64::from(u32::from_le_bytes([0, 0, 0xFF, 0xFF])));
    kit.jump_if(Cond::Ne, R1, R3, v6);
    kit.mov(R2, 4);
    kit.jump(known);
    kit.bind(v6);
    kit.bind(known);
    kit.set_word(flow::FAMILY, R2);
    // The one is in the order of the machine, the other in that of the network.
    kit.get(R1, sock.skc_num);
    kit.to_be(R1, Size::H);
    kit.set_word(flow::SRC_PORT, R1);
    kit.get(R1, sock.skc_dport);
    kit.set_word(flow::DST_PORT, R1);
    kit.comment("init: whose it is");
    let kernel = kit.fixed.kernel;
    let owner = &kernel.owner;
    for (word, way) in [
        (flow::MARK, &owner.mark),
        (flow::UID, &owner.uid),
        (flow::CGROUP, &owner.cgroup),
        (flow::NETNS, &owner.netns),
    ] {
        kit.owner(R1, way.as_ref());
        kit.set_word(word, R1);
    }
    kit.get(R1, sock.mss_cache);
    kit.set_word(flow::MSS, R1);
    kit.get(R2, sock.snd_cwnd);
    kit.set_word(flow::CWND, R2);
    kit.alu(Alu::Mul, R2, R1);
    kit.set_word(flow::INIT_CWND, R2);
    kit.set_word(flow::OPEN, 1);
}

/// The socket's private part at the beginning: counters count from here.
fn begin_private(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    kit.comment("init: counters count from here");
    for (word, field) in [
        (private::BYTES_ACKED, sock.bytes_acked),
        (private::SACKED_OUT, sock.sacked_out),
        (private::LOST, sock.lost),
        (private::DELIVERED, sock.delivered),
        (private::DELIVERED_CE, sock.delivered_ce),
    ] {
        kit.get(R1, field);
        kit.set_private(word, R1);
    }
    kit.load(Size::W, R1, R10, SLOT);
    kit.add(R1, 1);
    kit.set_private(private::SLOT_PLUS_1, R1);
}

// States of a socket (linux/tcp.h).
pub(super) const REDUCING: i32 = 2;
pub(super) const RECOVERY: i32 = 3;
pub(super) const LOSS: i32 = 4;

/// The event that says so.
const TX_START: i32 = 0;

/// A threshold that was never set.
const INFINITE_SSTHRESH: i32 = 0x7FFF_FFFF;
