//! The sending transport of one flow: scoreboard, loss detection, probes, timeouts, pacing, delivery-rate samples.
//!
//! It decides when a packet may leave and what an acknowledgement means, never how large the window is: that is told
//! to it. What it does to its own window is what a kernel does around an algorithm: a timeout leaves one segment more
//! than is in flight, a reduction that proves wrong is taken back, and a window that is not used fades. It is stepped by
//! calls that pass the time: [`Sender::poll_packet`] until it has none, then [`Sender::next_send`] and
//! [`Sender::timeout_at`] say when to come back.

mod delivery;
mod limits;
mod pacing;
mod rack;
mod recovery;
mod rtt;
mod scoreboard;
mod source;

use core::time::Duration;

use crate::packet::{Ack, Packet};
use crate::time::Time;

use delivery::Delivery;
use limits::WindowUse;
use pacing::Pacer;
use rack::Rack;
use recovery::{Late, Recovery, Windows};
use rtt::RttEstimator;
use scoreboard::Scoreboard;

pub use recovery::Phase;
pub use source::Source;

/// How a sender spaces its packets while the agent has set no rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pacing {
    /// As Linux over the queueing discipline `fq`: at twice the window each round trip in slow start, at 1.2 times after
    /// it.
    Window,
    /// Not at all: each packet as soon as the window lets it, clocked by ACKs. Linux over any other queueing discipline.
    #[default]
    Off,
}

/// What an acknowledgement or a timer told the sender: the primitives of a datapath, in their units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) bytes_acked: u64,
    pub(crate) bytes_misordered: u64,
    pub(crate) ecn_bytes: u64,
    pub(crate) ecn_packets: u64,
    pub(crate) packets_acked: u64,
    pub(crate) packets_misordered: u64,
    pub(crate) lost_packets: u64,
    pub(crate) bytes_in_flight: u64,
    pub(crate) packets_in_flight: u64,
    pub(crate) bytes_pending: u64,
    /// Bytes per second; the last valid sample, 0 before the first.
    pub(crate) rate_incoming: u64,
    pub(crate) rate_outgoing: u64,
    /// Microseconds; 0: no sample.
    pub(crate) rtt_us: u64,
    pub(crate) timeout: bool,
    pub(crate) app_limited: bool,
    /// A [`Phase`].
    pub(crate) recovery: u64,
    pub(crate) undone: bool,
    pub(crate) idle_us: u64,
}

/// What a sender has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SenderCounters {
    /// Packets sent, retransmissions included.
    pub(crate) packets: u64,
    pub(crate) retransmits: u64,
    /// Packets thought lost.
    pub(crate) losses: u64,
    /// Of these, packets that arrived after all.
    pub(crate) spurious: u64,
    /// Reductions found wrong.
    pub(crate) undone: u64,
    /// Packets that came through with an ECN mark.
    pub(crate) marked: u64,
    pub(crate) timeouts: u64,
    /// Tail loss probes.
    pub(crate) probes: u64,
    /// Bytes acknowledged in order.
    pub(crate) acked_bytes: u64,
}

/// What a sender is made of.
#[derive(Clone, Debug)]
pub(crate) struct SenderConfig {
    pub(crate) flow: u32,
    /// Bytes of data in a full segment.
    pub(crate) mss: u32,
    /// Bytes that a packet has on the link beside its data.
    pub(crate) overhead: u32,
    /// Bytes.
    pub(crate) init_cwnd: u64,
    /// The most that may be in flight whatever the congestion window, bytes.
    pub(crate) receive_window: u64,
    pub(crate) source: Source,
    pub(crate) start: Time,
    /// What opening the connection measured; `None`: nothing.
    pub(crate) handshake_rtt: Option<Duration>,
    pub(crate) pacing: Pacing,
    /// Whether its packets may be marked instead of dropped.
    pub(crate) ecn: bool,
}

#[derive(Debug)]
pub(crate) struct Sender {
    config: SenderConfig,
    board: Scoreboard,
    rack: Rack,
    recovery: Recovery,
    rtt: RttEstimator,
    /// Congestion window, bytes.
    cwnd: u64,
    /// The slow start threshold as a transport knows it that is told windows alone: half of the window at a reduction,
    /// the window at its end, and the window that a round trip of full use no longer makes grow.
    ssthresh: u64,
    /// The window when the round trip under way began, and how much of that is still to be delivered, bytes.
    round: (u64, u64),
    /// Pacing rate, bytes per second; 0: none is set.
    rate: u64,
    pacer: Pacer,
    window_use: WindowUse,
    /// Whether something has left since the last time that nothing more could.
    sending: bool,
    /// Bytes handed to the network for the first time.
    sent_bytes: u64,
    /// When the last packet left; [`Time::NEVER`] before the first.
    last_sent: Time,
    timers: Timers,
    probe: Option<Probe>,
    probe_due: bool,
    delivery: Delivery,
    stopped: bool,
    counters: SenderCounters,
    /// Room for the transmissions found lost by one acknowledgement.
    newly_lost: Vec<u64>,
}

/// When something is due; [`Time::NEVER`]: it is not.
#[derive(Clone, Copy, Debug)]
struct Timers {
    /// What was overtaken is lost.
    reordering: Time,
    /// A tail loss probe.
    probe: Time,
    retransmission: Time,
}

/// A tail loss probe under way (RFC 8985 §7).
#[derive(Clone, Copy, Debug)]
struct Probe {
    segment: u64,
    transmission: u64,
    /// The transmission that it repeats; `None`: it carried new data.
    repeats: Option<u64>,
}

impl Sender {
    pub(crate) fn new(config: SenderConfig) -> Self {
        let cwnd = config.init_cwnd.max(u64::from(config.mss));
        let handshake_rtt = config.handshake_rtt;
        let mut sender = Self {
            board: Scoreboard::default(),
            rack: Rack::default(),
            recovery: Recovery::default(),
            rtt: RttEstimator::default(),
            cwnd,
            ssthresh: u64::MAX,
            round: (cwnd, cwnd),
            rate: 0,
            pacer: Pacer::default(),
            window_use: WindowUse::new(cwnd, config.start),
            sending: false,
            sent_bytes: 0,
            last_sent: Time::NEVER,
            timers: Timers {
                reordering: Time::NEVER,
                probe: Time::NEVER,
                retransmission: Time::NEVER,
            },
            probe: None,
            probe_due: false,
            delivery: Delivery::default(),
            stopped: false,
            counters: SenderCounters::default(),
            newly_lost: Vec::new(),
            config,
        };
        if let Some(rtt) = handshake_rtt {
            sender.set_handshake_rtt(rtt);
        }
        sender
    }

    /// The next packet, if window, pacing and source let one leave now.
    pub(crate) fn poll_packet(&mut self, now: Time) -> Option<Packet> {
        if core::mem::take(&mut self.probe_due)
            && let Some(packet) = self.send_probe(now)
        {
            return Some(packet);
        }
        if !self.pacer.may_send(now) {
            return None;
        }
        let (segment, len, fresh) = match self.board.next_lost() {
            Some((segment, len)) => (segment, len, false),
            None => match self.fresh_len(now) {
                Some(len) => (self.board.next_segment(), len, true),
                None => {
                    self.on_out_of_data(now);
                    return None;
                }
            },
        };
        let idle_us = self.idle_us(now);
        if idle_us > 0 {
            self.restart(now);
        }
        if !self.fits(len, fresh) {
            self.window_use.on_window_limited(now);
            self.sending = false;
            return None;
        }
        if self.board.packets_in_flight() == 0 {
            self.delivery.on_flight_begins(now);
        }
        let sent = self.delivery.stamp(now, idle_us);
        let transmission = self.board.on_sent(segment, len, sent);
        if fresh {
            self.sent_bytes += u64::from(len);
        } else {
            self.counters.retransmits += 1;
        }
        self.sending = true;
        Some(self.emit(segment, transmission, len, now))
    }

    /// Takes in an acknowledgement.
    pub(crate) fn handle_ack(&mut self, ack: &Ack, now: Time) -> Sample {
        let rtt_ns = now.since(ack.sent_at);
        let found = self.board.on_ack(ack, &self.rack);
        self.rtt.on_sample(rtt_ns);
        self.rack.on_arrival(ack.transmission, rtt_ns);
        if found.reordered {
            self.rack.on_reordering();
        }
        let undone = found.late && self.handle_late(ack.transmission);
        let over = self.finish_episode();

        self.newly_lost.clear();
        self.note_probe(ack, found.packets_delivered > 0);
        self.find_lost(now);
        let windows = self.windows();
        if ack.marked {
            self.counters.marked += 1;
            if self.recovery.on_mark(self.board.next_segment(), windows) {
                self.ssthresh = self.cwnd / 2;
            }
        }
        self.counters.acked_bytes += found.bytes_acked;
        let newest = found.newest.as_ref();
        let (delivered, least_rtt) = (found.bytes_delivered, self.rtt.least_ns());
        self.delivery.on_delivered(delivered, newest, now, least_rtt);
        self.note_growth(delivered);
        if found.packets_delivered > 0 {
            self.timers.retransmission =
                if self.board.is_empty() { Time::NEVER } else { now + self.rtt.timeout() };
        }
        self.arm_probe(now);
        self.note_application_limit(now);
        Sample {
            bytes_acked: found.bytes_acked,
            bytes_misordered: found.bytes_sacked,
            ecn_packets: u64::from(ack.marked),
            ecn_bytes: match (ack.marked, delivered) {
                (false, _) => 0,
                (true, 0) => u64::from(self.config.mss),
                (true, delivered) => delivered,
            },
            packets_acked: found.packets_delivered - found.packets_sacked,
            packets_misordered: found.packets_sacked,
            rtt_us: (rtt_ns / 1_000).max(1),
            app_limited: newest.is_some_and(|sent| sent.app_limited),
            idle_us: newest.map_or(0, |sent| u64::from(sent.idle_us)),
            undone,
            // What this very acknowledgement began is news, also where it ended what was before.
            recovery: if over { Phase::Open } else { self.recovery.phase() } as u64,
            ..self.sample(now)
        }
    }

    /// Fires the timer that is due, if one is; what it leads to must be sent then. A sample tells of what it found.
    pub(crate) fn handle_timeout(&mut self, now: Time) -> Option<Sample> {
        self.newly_lost.clear();
        if self.timers.reordering <= now {
            self.find_lost(now);
            self.arm_probe(now);
            return (!self.newly_lost.is_empty()).then(|| self.sample(now));
        }
        if self.timers.probe <= now {
            self.timers.probe = Time::NEVER;
            self.timers.retransmission = now + self.rtt.timeout();
            self.probe_due = true;
            return None;
        }
        if self.timers.retransmission > now || self.board.is_empty() {
            return None;
        }
        self.board.on_timeout(self.rack.rtt_ns(), now, |lost| {
            self.newly_lost.push(lost);
        });
        self.counters.losses += self.newly_lost.len() as u64;
        self.counters.timeouts += 1;
        let (sent, next) = (self.board.next_segment(), self.board.next_transmission());
        let windows = self.windows();
        if self.recovery.on_timeout(&self.newly_lost, sent, next, windows) {
            self.ssthresh = self.cwnd / 2;
        }
        self.rtt.back_off();
        self.probe = None;
        self.timers = Timers {
            retransmission: now + self.rtt.timeout(),
            probe: Time::NEVER,
            reordering: Time::NEVER,
        };
        // RFC 5681 §3.1's loss window, beside what is still under way (`tcp_enter_loss`).
        self.cwnd = self.board.bytes_in_flight() + u64::from(self.config.mss);
        Some(Sample { timeout: true, ..self.sample(now) })
    }

    /// Sets the window, bytes. A window below one segment is one segment.
    pub(crate) fn set_cwnd(&mut self, cwnd: u64) {
        self.cwnd = cwnd.max(u64::from(self.config.mss));
    }

    /// Sets the pacing rate, bytes of data per second; 0: the sender's own pacing.
    pub(crate) fn set_rate(&mut self, rate: u64) {
        self.rate = rate;
    }

    /// What opening the connection measures, instead of what was said before; no matter once something was sent.
    pub(crate) fn set_handshake_rtt(&mut self, rtt: Duration) {
        if self.counters.packets == 0 {
            self.rtt = RttEstimator::default();
            self.rtt.on_sample(u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Sends nothing new from now on.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    /// When a packet may leave, if that is a matter of time alone: pacing, or data still to come.
    pub(crate) fn next_send(&self, now: Time) -> Option<Time> {
        let repairs = self.board.next_lost().is_some();
        if !self.fits(self.config.mss, !repairs) {
            return None;
        }
        let paced_until = self.pacer.until();
        if repairs || self.fresh_len(now).is_some() {
            return (paced_until > now).then_some(paced_until);
        }
        if self.stopped {
            return None;
        }
        let Self { config, sent_bytes, .. } = self;
        let next = config.source.ready_at(*sent_bytes, config.mss, now, config.start)?;
        Some(next.max(paced_until))
    }

    /// When a timer fires; [`Time::NEVER`] while nothing is outstanding.
    pub(crate) fn timeout_at(&self) -> Time {
        self.timers.retransmission.min(self.timers.probe).min(self.timers.reordering)
    }

    pub(crate) fn cwnd(&self) -> u64 {
        self.cwnd
    }

    pub(crate) fn rate(&self) -> u64 {
        self.rate
    }

    pub(crate) fn bytes_in_flight(&self) -> u64 {
        self.board.bytes_in_flight()
    }

    /// The smoothed RTT and the last sample, nanoseconds; 0 before the first.
    pub(crate) fn rtt_ns(&self) -> (u64, u64) {
        (self.rtt.smoothed_ns(), self.rtt.last_ns())
    }

    pub(crate) fn phase(&self) -> Phase {
        self.recovery.phase()
    }

    /// The last delivery rate measured, bytes per second; 0 before the first.
    pub(crate) fn delivery_rate(&self) -> u64 {
        self.delivery.rate_incoming().min(self.delivery.rate_outgoing())
    }

    /// The rate at which packets are spaced, bytes of data per second; 0 when they are not.
    pub(crate) fn pacing_rate(&self) -> u64 {
        let mss = self.config.mss;
        self.gap_ns(mss).map_or(0, |gap| {
            let rate = (u64::from(mss) * 1_000_000_000).checked_div(gap);
            rate.unwrap_or(u64::MAX)
        })
    }

    pub(crate) fn counters(&self) -> SenderCounters {
        self.counters
    }

    /// Whether all that there was to send has been acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.board.is_empty() && (self.stopped || self.config.source.is_spent(self.sent_bytes))
    }

    fn windows(&self) -> Windows {
        Windows { cwnd: self.cwnd, ssthresh: self.ssthresh }
    }

    /// Whether so many bytes more may leave: at least a segment always. The congestion window bounds what is in flight;
    /// the receiver's window all that it may have to keep for want of what comes before, so data never sent alone.
    fn fits(&self, len: u32, fresh: bool) -> bool {
        let (mss, len) = (u64::from(self.config.mss), u64::from(len));
        self.board.bytes_in_flight() + len <= self.cwnd.max(mss)
            && (!fresh
                || self.board.bytes_outstanding() + len <= self.config.receive_window.max(mss))
    }

    /// Length of the next segment never sent, if the source has it.
    fn fresh_len(&self, now: Time) -> Option<u32> {
        if self.stopped {
            return None;
        }
        self.config.source.segment_at(self.sent_bytes, self.config.mss, now, self.config.start)
    }

    /// How long nothing has been outstanding, microseconds; 0 unless the next packet ends that time.
    fn idle_us(&self, now: Time) -> u32 {
        if !self.board.is_empty() || self.last_sent == Time::NEVER {
            return 0;
        }
        let since = self.last_sent.max(self.delivery.last_at());
        u32::try_from(now.since(since) / 1_000).unwrap_or(u32::MAX)
    }

    fn restart(&mut self, now: Time) {
        if self.rate > 0 {
            return;
        }
        let idle = Duration::from_nanos(now.since(self.last_sent));
        let (cwnd, ssthresh, rto) = (self.cwnd, self.ssthresh, self.rtt.timeout());
        if let Some(cut) = self.window_use.on_restart(idle, cwnd, ssthresh, rto, now) {
            (self.cwnd, self.ssthresh) = (cut.cwnd, cut.ssthresh);
        }
    }

    fn on_out_of_data(&mut self, now: Time) {
        if !core::mem::take(&mut self.sending)
            || self.rate > 0
            || self.recovery.phase() != Phase::Open
        {
            return;
        }
        let (in_flight, rto) = (self.board.bytes_in_flight(), self.rtt.timeout());
        let (cwnd, ssthresh) = (self.cwnd, self.ssthresh);
        if let Some(cut) = self.window_use.on_out_of_data(in_flight, cwnd, ssthresh, rto, now) {
            (self.cwnd, self.ssthresh) = (cut.cwnd, cut.ssthresh);
        }
    }

    /// A packet leaves: what is the same for all of them.
    fn emit(&mut self, segment: u64, transmission: u64, len: u32, now: Time) -> Packet {
        self.counters.packets += 1;
        self.last_sent = now;
        if self.timers.retransmission == Time::NEVER {
            self.timers.retransmission = now + self.rtt.timeout();
        }
        self.arm_probe(now);
        if let Some(gap_ns) = self.gap_ns(len) {
            self.pacer.on_sent(len, gap_ns, now);
        }
        self.note_application_limit(now);
        Packet {
            flow: self.config.flow,
            segment,
            transmission,
            wire_len: len + self.config.overhead,
            sent_at: now,
            ecn: self.config.ecn,
            marked: false,
        }
    }

    /// The time that pacing gives a packet of so many bytes; `None`: it is not paced.
    fn gap_ns(&self, len: u32) -> Option<u64> {
        if self.rate > 0 {
            return Some(pacing::gap_at_rate(len, self.rate));
        }
        let srtt = self.rtt.smoothed_ns();
        let paced = self.config.pacing == Pacing::Window
            && srtt > 0
            && self.counters.packets > UNPACED_PACKETS;
        paced.then(|| {
            let cwnd = self.cwnd.max(self.board.bytes_in_flight());
            pacing::gap_of_window(len, cwnd, self.ssthresh, srtt)
        })
    }

    /// Takes account of a transmission that was no longer expected. Returns whether the last reduction is undone.
    fn handle_late(&mut self, transmission: u64) -> bool {
        let late = self.recovery.on_late(transmission);
        if late == Late::Duplicate {
            return false;
        }
        self.counters.spurious += 1;
        self.rack.on_spurious(self.board.next_transmission());
        let Late::Undone(before) = late else {
            return false;
        };
        self.counters.undone += 1;
        self.board.restore_lost();
        self.cwnd = self.cwnd.max(before.cwnd);
        self.ssthresh = self.ssthresh.max(before.ssthresh);
        true
    }

    /// Returns whether a reduction or a repair is over.
    fn finish_episode(&mut self) -> bool {
        let over = self.recovery.on_progress(self.board.left_edge());
        if let Some(phase) = over {
            match phase {
                Phase::Reducing => self.ssthresh = self.cwnd,
                Phase::Repairing => {
                    self.ssthresh = self.cwnd;
                    self.rack.on_recovery_over();
                }
                Phase::Restarting => self.rack.on_recovery_over(),
                Phase::Open => {}
            }
        }
        over.is_some()
    }

    /// Slow start is over where a window that was used up has grown by less than an eighth in a round trip: the slowest,
    /// HyStart++'s conservative one, adds a quarter. Pacing and idle time go by that.
    fn note_growth(&mut self, delivered: u64) {
        let (began_with, left) = self.round;
        if left > delivered {
            self.round.1 = left - delivered;
            return;
        }
        let mss = u64::from(self.config.mss);
        let used = self.board.bytes_in_flight() + delivered + mss > self.cwnd;
        let grown = self.cwnd.saturating_sub(began_with);
        if used && self.recovery.phase() == Phase::Open && grown < began_with / 8 {
            self.ssthresh = self.ssthresh.min(self.cwnd);
        }
        self.round = (self.cwnd, self.cwnd);
    }

    /// Looks for losses and sets the timer for those that are a matter of time.
    fn find_lost(&mut self, now: Time) {
        let repairing = self.recovery.phase().repairs();
        let patience = self.rack.patience_ns(&self.rtt, self.board.sacked(), repairing);
        self.timers.reordering = self.board.find_lost(&self.rack, patience, now, |lost| {
            self.newly_lost.push(lost);
        });
        self.counters.losses += self.newly_lost.len() as u64;
        let windows = self.windows();
        let sent = self.board.next_segment();
        if self.recovery.on_lost(&self.newly_lost, sent, windows) {
            self.ssthresh = self.cwnd / 2;
        }
    }

    /// Sets the timer for a tail loss probe (RFC 8985 §7.2).
    fn arm_probe(&mut self, now: Time) {
        let srtt = self.rtt.smoothed_ns();
        let wanted = srtt > 0
            && self.probe.is_none()
            && !self.recovery.phase().repairs()
            && self.board.sacked() == 0
            && !self.board.is_empty();
        self.timers.probe = if wanted {
            let delayed_ack =
                if self.board.packets_in_flight() == 1 { DELAYED_ACK } else { Duration::ZERO };
            let at = now + Duration::from_nanos(2 * srtt) + delayed_ack;
            at.min(self.timers.retransmission)
        } else {
            Time::NEVER
        };
    }

    /// Sends a probe whatever window and pacing say: new data if there is any, else the last segment again.
    fn send_probe(&mut self, now: Time) -> Option<Packet> {
        let room = self.config.receive_window;
        let fresh = self
            .fresh_len(now)
            .filter(|len| self.board.bytes_outstanding() + u64::from(*len) <= room);
        let sent = self.delivery.stamp(now, 0);
        let (segment, len, repeats) = match fresh {
            Some(len) => {
                self.sent_bytes += u64::from(len);
                (self.board.next_segment(), len, None)
            }
            None => {
                let last = self.board.last_in_flight()?;
                self.counters.retransmits += 1;
                (last.segment, last.len, Some(last.transmission))
            }
        };
        let transmission = match repeats {
            None => self.board.on_sent(segment, len, sent),
            Some(_) => self.board.on_probe(segment, sent),
        };
        self.counters.probes += 1;
        self.probe = Some(Probe { segment, transmission, repeats });
        Some(self.emit(segment, transmission, len, now))
    }

    /// If a probe had to deliver what it repeated, then the first transmission was lost (RFC 8985 §7.4).
    fn note_probe(&mut self, ack: &Ack, delivered: bool) {
        let Some(probe) = self.probe else { return };
        if ack.transmission == probe.transmission
            && delivered
            && let Some(lost) = probe.repeats
        {
            self.newly_lost.push(lost);
        }
        if ack.transmission == probe.transmission || self.board.left_edge() > probe.segment {
            self.probe = None;
        }
    }

    /// Marks what is in flight as application-limited if the window has room and there is nothing to fill it with
    /// (`tcp_rate_check_app_limited`).
    fn note_application_limit(&mut self, now: Time) {
        if self.fits(self.config.mss, true)
            && self.board.next_lost().is_none()
            && self.fresh_len(now).is_none()
        {
            self.delivery.on_application_limit(self.board.bytes_in_flight());
        }
    }

    /// Fails if what is kept of the outstanding segments is not what they add up to.
    #[cfg(test)]
    fn check_books(&self) {
        self.board.check_books();
    }

    fn sample(&self, now: Time) -> Sample {
        Sample {
            lost_packets: self.newly_lost.len() as u64,
            bytes_in_flight: self.board.bytes_in_flight(),
            packets_in_flight: self.board.packets_in_flight(),
            bytes_pending: self.board.bytes_outstanding()
                + self.config.source.waiting(self.sent_bytes, now, self.config.start),
            rate_incoming: self.delivery.rate_incoming(),
            rate_outgoing: self.delivery.rate_outgoing(),
            recovery: self.recovery.phase() as u64,
            ..Sample::default()
        }
    }
}

/// Linux leaves the first packets of a connection unpaced.
const UNPACED_PACKETS: u64 = 10;

/// What a receiver may hold back the acknowledgement of a single packet for (RFC 8985 §7.2, Linux's bound).
const DELAYED_ACK: Duration = Duration::from_millis(200);

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
