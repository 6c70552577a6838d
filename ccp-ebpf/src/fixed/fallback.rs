//! What governs where no program does: Reno with PRR (RFC 6937), pacing, and the rules for senders
//! that are idle or limited by their application (RFC 2861) which the kernel leaves to
//! `cong_control`.

use ccp_lang::ebpf::Gpr::{R0, R1, R2, R3, R4, R5, R6, R10};
use ccp_lang::ebpf::{Alu, Cond, Label, Size};

use super::flow::{RECOVERY, REDUCING};
use super::kit::{Kit, flow, helper, private};

/// Where on the stack it is kept what an ACK changed: see [`changes`].
pub(crate) mod changed {
    pub(crate) const BYTES_ACKED: i16 = -16;
    pub(crate) const SACKED_OUT: i16 = -24;
    pub(crate) const LOST: i16 = -32;
    pub(crate) const DELIVERED: i16 = -40;
    pub(crate) const DELIVERED_CE: i16 = -48;
}

/// Puts on the stack how the socket's counters have changed since the last ACK (as 64-bit words;
/// SACKED_OUT may be negative), and keeps what they are now. Whoever governs, so that nobody sees
/// the changes of an ACK that another one has answered.
pub(crate) fn changes(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    kit.comment("what the ACK changed");
    for (word, field, at) in [
        (private::BYTES_ACKED, sock.bytes_acked, changed::BYTES_ACKED),
        (private::SACKED_OUT, sock.sacked_out, changed::SACKED_OUT),
        (private::LOST, sock.lost, changed::LOST),
        (private::DELIVERED, sock.delivered, changed::DELIVERED),
        (private::DELIVERED_CE, sock.delivered_ce, changed::DELIVERED_CE),
    ] {
        kit.get(R1, field);
        kit.private(R2, word);
        kit.set_private(word, R1);
        if field.size == Size::Dw || at == changed::SACKED_OUT {
            kit.sub(R1, R2);
        } else {
            // They wrap at 32 bits.
            kit.alu32(Alu::Sub, R1, R2);
        }
        kit.store(Size::Dw, R10, at, R1);
    }
    kit.clock(R1);
    kit.set_private(private::LAST_ACK, R1);
}

/// Governs one ACK. [`changes`] has run.
pub(super) fn govern(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    let (reducing, paced) = (kit.label(), kit.label());
    kit.get(R1, sock.icsk_ca_state);
    kit.jump_if(Cond::Eq, R1, REDUCING, reducing);
    kit.jump_if(Cond::Eq, R1, RECOVERY, reducing);
    grow(kit, paced);
    kit.jump(paced);
    kit.bind(reducing);
    reduce(kit, paced);
    kit.bind(paced);
    pace_by_window(kit);
}

/// Reno's growth, when the ACK acknowledged data.
fn grow(kit: &mut Kit<'_>, done: Label) {
    let kernel = kit.fixed.kernel;
    kit.comment("fallback: growth");
    match kernel.cong_control.flag {
        Some(at) => {
            kit.argument(R1, at);
            kit.alu(Alu::And, R1, DATA_ACKED);
        }
        None => kit.load(Size::Dw, R1, R10, changed::BYTES_ACKED),
    }
    kit.jump_if(Cond::Eq, R1, 0, done);
    kit.sample(R3, kernel.sample.acked_sacked);
    kit.mov(R2, 0);
    kit.mov(R1, R6);
    kit.call_kfunc(kernel.functions.tcp_reno_cong_avoid);
}

/// Proportional rate reduction: what may be sent now follows what was delivered since the reduction
/// began, so that the window arrives at the threshold when the recovery ends.
fn reduce(kit: &mut Kit<'_>, done: Label) {
    let kernel = kit.fixed.kernel;
    let sock = kernel.sock;
    // R0 packets in flight, R1 may be sent, R2 delivered, R3 ssthresh, R4 sent, R5 newly delivered.
    kit.comment("fallback: PRR");
    kit.sample(R5, kernel.sample.acked_sacked);
    kit.jump_if(Cond::Eq, R5, 0, done);
    kit.private(R2, private::PRR_DELIVERED);
    kit.alu32(Alu::Add, R2, R5);
    kit.set_private(private::PRR_DELIVERED, R2);
    kit.in_flight(R0, R1);
    kit.get(R3, sock.snd_ssthresh);
    kit.get(R4, sock.prr_out);
    let (below, sent, forced) = (kit.label(), kit.label(), kit.label());
    kit.jump_if(Cond::Le, R0, R3, below);

    // More in flight than the threshold: delivered * ssthresh / prior_cwnd, rounded up.
    kit.get(R5, sock.prior_cwnd);
    kit.jump_if(Cond::Eq, R5, 0, done);
    kit.mov(R1, R2);
    kit.alu(Alu::Mul, R1, R3);
    kit.add(R1, R5);
    kit.sub(R1, 1);
    kit.alu(Alu::Div, R1, R5);
    kit.sub(R1, R4);
    kit.jump(sent);

    // At or below it: as much as was delivered, one more when the left edge moves without a loss,
    // and no more than up to the threshold.
    kit.bind(below);
    let (newly, lossy) = (kit.label(), kit.label());
    kit.mov(R1, R2);
    kit.sub(R1, R4);
    kit.jump_if(Cond::SGe, R1, R5, newly);
    kit.mov(R1, R5);
    kit.bind(newly);
    kit.load(Size::Dw, R5, R10, changed::LOST);
    kit.jump_if(Cond::Ne, R5, 0, lossy);
    kit.load(Size::Dw, R5, R10, changed::BYTES_ACKED);
    kit.jump_if(Cond::Eq, R5, 0, lossy);
    kit.add(R1, 1);
    kit.bind(lossy);
    kit.sub(R3, R0);
    kit.jump_if(Cond::SLe, R1, R3, sent);
    kit.mov(R1, R3);

    // The first retransmission leaves whatever the numbers say.
    kit.bind(sent);
    kit.mov(R5, 1);
    kit.jump_if(Cond::Eq, R4, 0, forced);
    kit.mov(R5, 0);
    kit.bind(forced);
    let enough = kit.label();
    kit.jump_if(Cond::SGe, R1, R5, enough);
    kit.mov(R1, R5);
    kit.bind(enough);
    kit.add(R1, R0);
    kit.at_least(R1, 1);
    kit.put(sock.snd_cwnd, R1);
}

/// Paces by the window unless the agent has set a rate.
pub(super) fn pace_by_window(kit: &mut Kit<'_>) {
    let rate_set = kit.label();
    kit.private(R1, private::RATE_SET);
    kit.jump_if(Cond::Ne, R1, 0, rate_set);
    pace(kit);
    kit.bind(rate_set);
}

/// The rate by which the kernel sizes and spaces what it sends: a little more than the window asks
/// for, and twice as much while it doubles.
fn pace(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    let (slow_start, known, unknown) = (kit.label(), kit.label(), kit.label());
    kit.comment("pacing by the window");
    kit.get(R1, sock.snd_cwnd);
    kit.get(R2, sock.snd_ssthresh);
    kit.alu(Alu::Rsh, R2, 1);
    kit.mov(R3, SLOW_START_PERCENT);
    kit.jump_if(Cond::Lt, R1, R2, slow_start);
    kit.mov(R3, PERCENT);
    kit.bind(slow_start);
    kit.get(R2, sock.packets_out);
    kit.at_least(R1, R2);
    kit.at_most(R1, MOST_PACKETS);
    kit.get(R2, sock.mss_cache);
    kit.alu(Alu::Mul, R1, R2);
    kit.alu(Alu::Mul, R1, R3);
    kit.alu(Alu::Mul, R1, SRTT_PER_PERCENT);
    kit.get(R2, sock.srtt_us);
    kit.jump_if(Cond::Eq, R2, 0, unknown);
    kit.alu(Alu::Div, R1, R2);
    kit.jump(known);
    kit.bind(unknown);
    kit.bind(known);
    kit.get(R2, sock.sk_max_pacing_rate);
    kit.at_most(R1, R2);
    kit.put(sock.sk_pacing_rate, R1);
}

/// After an idle time of more than a retransmission timeout the window is halved for each of them,
/// down to the initial one. Not for flows whose agent paces them.
pub(super) fn restart(kit: &mut Kit<'_>, done: Label) {
    let sock = kit.fixed.kernel.sock;
    kit.comment("restart after idleness");
    kit.private(R1, private::RATE_SET);
    kit.jump_if(Cond::Ne, R1, 0, done);
    // Both in the kernel's own unit of time.
    kit.call(helper::JIFFIES);
    kit.mov(R5, R0);
    kit.get(R1, sock.lsndtime);
    kit.alu32(Alu::Sub, R0, R1);
    kit.get(R2, sock.icsk_rto);
    kit.jump_if(Cond::Eq, R2, 0, done);
    kit.jump_if(Cond::Le, R0, R2, done);
    // A difference that is negative as 32 bits: the clock has not come so far.
    kit.jump_if32(Cond::SLt, R0, 0, done);
    kit.sub(R0, 1);
    kit.alu(Alu::Div, R0, R2);
    kit.at_most(R0, 31);
    keep_threshold(kit);
    kit.get(R1, sock.snd_cwnd);
    kit.mov(R2, R1);
    kit.at_most(R2, INITIAL_WINDOW);
    kit.alu(Alu::Rsh, R1, R0);
    kit.at_least(R1, R2);
    kit.put(sock.snd_cwnd, R1);
    // Once is enough: the window is not looked at again before another timeout has passed.
    kit.set_private(private::LOOKED, R5);
}

/// When the application has not filled the window for a retransmission timeout, the window comes
/// down half way to what was used. Not for flows whose agent paces them. R0 to R5 are lost.
pub(crate) fn unused_window(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    let (done, stamp) = (kit.label(), kit.label());
    kit.comment("a window that the application does not fill");
    kit.private(R1, private::RATE_SET);
    kit.jump_if(Cond::Ne, R1, 0, done);
    kit.call(helper::JIFFIES);
    kit.mov(R5, R0);
    kit.get(R1, sock.snd_cwnd_stamp);
    kit.alu32(Alu::Sub, R0, R1);
    kit.get(R2, sock.icsk_rto);
    kit.jump_if32(Cond::SLt, R0, R2, done);
    // Older kernels do not let us move their stamp, so when we last looked is a stamp of our own.
    kit.mov(R0, R5);
    kit.private(R1, private::LOOKED);
    kit.alu32(Alu::Sub, R0, R1);
    kit.jump_if32(Cond::SLt, R0, R2, done);
    kit.get(R1, sock.icsk_ca_state);
    kit.jump_if(Cond::Ne, R1, 0, stamp);
    // Nor when it is the send buffer that limits, or when no process holds the socket any more.
    let flags = kit.fixed.kernel.socket.flags;
    kit.get(R1, sock.sk_socket);
    kit.jump_if(Cond::Eq, R1, 0, stamp);
    kit.load(flags.size, R1, R1, flags.offset);
    kit.jump_if(Cond::Set, R1, NO_SPACE, stamp);
    kit.get(R1, sock.snd_cwnd_used);
    kit.at_least(R1, INITIAL_WINDOW);
    kit.get(R2, sock.snd_cwnd);
    kit.jump_if(Cond::Ge, R1, R2, stamp);
    kit.mov(R4, R1);
    kit.add(R4, R2);
    kit.alu(Alu::Rsh, R4, 1);
    keep_threshold(kit);
    kit.put(sock.snd_cwnd, R4);
    kit.bind(stamp);
    kit.set_private(private::LOOKED, R5);
    kit.bind(done);
}

/// ssthresh = max(ssthresh, 3/4 cwnd): the way back is quick. R1 to R3 are lost.
fn keep_threshold(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    kit.get(R1, sock.snd_cwnd);
    kit.mov(R2, R1);
    kit.alu(Alu::Rsh, R1, 1);
    kit.alu(Alu::Rsh, R2, 2);
    kit.add(R1, R2);
    kit.get(R3, sock.snd_ssthresh);
    kit.at_least(R1, R3);
    kit.put(sock.snd_ssthresh, R1);
}

/// What a flow's page tells of the socket. R1 is lost.
pub(crate) fn status(kit: &mut Kit<'_>) {
    let sock = kit.fixed.kernel.sock;
    kit.comment("status");
    for (word, field) in [
        (flow::CWND, sock.snd_cwnd),
        (flow::SSTHRESH, sock.snd_ssthresh),
        (flow::PACING_RATE, sock.sk_pacing_rate),
        (flow::SRTT, sock.srtt_us),
        (flow::DELIVERED, sock.delivered),
        (flow::LOST, sock.lost),
        (flow::MSS, sock.mss_cache),
    ] {
        kit.get(R1, field);
        kit.set_word(word, R1);
    }
}

/// The flag of an ACK that acknowledged data.
const DATA_ACKED: i32 = 4;

/// The pacing rate in per cent of window and RTT, and while the window doubles (the kernel's
/// defaults, `tcp_pacing_ca_ratio` and `tcp_pacing_ss_ratio`).
const PERCENT: i32 = 120;
const SLOW_START_PERCENT: i32 = 200;

/// srtt is in eighths of microseconds: 8 * 1,000,000 / 100.
const SRTT_PER_PERCENT: i32 = 80_000;

/// Larger windows would overflow the product; it is four gigabytes in flight.
const MOST_PACKETS: i32 = 1 << 22;

/// The flag of a socket whose buffer is full (SOCK_NOSPACE).
const NO_SPACE: i32 = 1 << 2;

/// The window that a connection begins with (RFC 6928), in packets.
const INITIAL_WINDOW: i32 = 10;
