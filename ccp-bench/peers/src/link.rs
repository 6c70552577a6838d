//! A bulk flow over one emulated bottleneck, for datapaths that need something to control.
//!
//! The sender always has data. The link has a rate, a propagation delay and a drop-tail queue, and
//! never reorders, so a segment is lost as soon as one sent after it is acknowledged. Time comes from
//! the caller. It is a model for driving peers, not a simulator: `ccp-sim` is that.

use std::collections::{BTreeSet, VecDeque};

/// Bytes of payload of every segment.
pub const MSS: u64 = 1448;

/// A bottleneck link.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// In bits per second.
    pub rate_bps: u64,
    /// Round-trip time without queueing, in microseconds.
    pub rtt_us: u64,
    /// What the queue holds, in segments.
    pub queue: u64,
}

/// The sender of one bulk flow, its link and its receiver.
#[derive(Clone, Debug)]
pub struct Sender {
    link: Link,
    /// Window in bytes.
    cwnd: u64,
    /// Pacing rate in bytes per second; 0 is none.
    rate: u64,
    /// Sent and not known to have arrived or to be lost, in the order sent.
    outstanding: VecDeque<Segment>,
    /// ACKs on their way, in order of arrival.
    acks: VecDeque<(u64, Segment)>,
    /// Segments to send again.
    retransmit: VecDeque<u64>,
    next_seq: u64,
    next_order: u64,
    /// The latest time seen.
    now_us: u64,
    /// When the bottleneck has sent all it holds.
    link_free_us: u64,
    /// When pacing lets the next segment leave.
    paced_us: u64,
    /// When the retransmission timer fires.
    timer_us: u64,
    srtt_us: u64,
    /// The receiver's next segment in order, and what it holds beyond that.
    expected: u64,
    beyond: BTreeSet<u64>,
    /// What happened so far.
    pub totals: Totals,
}

/// Counts over a flow's life.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Segments sent, those sent again included.
    pub sent: u64,
    /// Segments that arrived.
    pub delivered: u64,
    /// Segments noticed as lost.
    pub lost: u64,
    /// Times the retransmission timer fired.
    pub timeouts: u64,
    /// Sum of RTT samples in microseconds, one per segment delivered.
    pub rtt_sum_us: u64,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    seq: u64,
    order: u64,
    sent_us: u64,
    /// [`Totals::delivered`] and [`Totals::sent`] when it left.
    delivered: u64,
    sent: u64,
}

impl Sender {
    /// A flow that begins with a window of `cwnd` bytes.
    #[must_use]
    pub fn new(link: Link, cwnd: u64, now_us: u64) -> Self {
        Self {
            link,
            cwnd,
            rate: 0,
            outstanding: VecDeque::new(),
            acks: VecDeque::new(),
            retransmit: VecDeque::new(),
            next_seq: 0,
            next_order: 0,
            now_us,
            link_free_us: now_us,
            paced_us: now_us,
            timer_us: now_us + FIRST_TIMEOUT_US,
            srtt_us: 0,
            expected: 0,
            beyond: BTreeSet::new(),
            totals: Totals::default(),
        }
    }

    /// The window in bytes.
    #[must_use]
    pub fn cwnd(&self) -> u64 {
        self.cwnd
    }

    /// The pacing rate in bytes per second; 0 is none.
    #[must_use]
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// Sets the window, in bytes. One segment may always be in flight.
    pub fn set_cwnd(&mut self, cwnd: u64) {
        self.cwnd = cwnd;
    }

    /// Sets the pacing rate, in bytes per second.
    pub fn set_rate(&mut self, rate: u64) {
        self.rate = rate;
    }

    /// Sends what window and pacing allow.
    pub fn send(&mut self, now_us: u64) {
        self.now_us = now_us;
        while self.window_open() && self.paced_us <= now_us {
            let seq = self.retransmit.pop_front().unwrap_or_else(|| {
                self.next_seq += 1;
                self.next_seq - 1
            });
            let segment = Segment {
                seq,
                order: self.next_order,
                sent_us: now_us,
                delivered: self.totals.delivered,
                sent: self.totals.sent,
            };
            self.next_order += 1;
            self.totals.sent += 1;
            self.outstanding.push_back(segment);
            let wire_us = (MSS + HEADERS) * 8_000_000 / self.link.rate_bps;
            let waiting = self.link_free_us.saturating_sub(now_us) / wire_us.max(1);
            if waiting < self.link.queue {
                self.link_free_us = self.link_free_us.max(now_us) + wire_us;
                self.acks.push_back((self.link_free_us + self.link.rtt_us, segment));
            }
            if let Some(gap) = (MSS * 1_000_000).checked_div(self.rate) {
                self.paced_us = self.paced_us.max(now_us.saturating_sub(PACING_SLACK_US)) + gap;
            }
        }
    }

    /// The primitives of the next ACK or timeout that is due, by index; `None` when nothing is.
    pub fn poll(&mut self, now_us: u64) -> Option<[u64; 15]> {
        self.now_us = now_us;
        if self.acks.front().is_some_and(|&(at, _)| at <= now_us) {
            let (_, segment) = self.acks.pop_front()?;
            return Some(self.acknowledge(segment, now_us));
        }
        (self.timer_us <= now_us && !self.outstanding.is_empty()).then(|| self.time_out(now_us))
    }

    /// When something is due next; never before what was last seen as now.
    #[must_use]
    pub fn next_event_us(&self) -> u64 {
        let ack = self.acks.front().map_or(u64::MAX, |&(at, _)| at);
        let send = if self.window_open() { self.paced_us } else { u64::MAX };
        ack.min(send).min(self.timer_us).max(self.now_us)
    }

    fn window_open(&self) -> bool {
        let flying = self.outstanding.len() as u64;
        flying == 0 || (flying + 1) * MSS <= self.cwnd
    }

    fn acknowledge(&mut self, segment: Segment, now_us: u64) -> [u64; 15] {
        let mut lost = 0;
        while self.outstanding.front().is_some_and(|s| s.order <= segment.order) {
            if let Some(s) = self.outstanding.pop_front().filter(|s| s.order < segment.order) {
                lost += 1;
                self.retransmit.push_back(s.seq);
            }
        }
        let (mut in_order, mut beyond, mut advance) = (0, 0, 0);
        if segment.seq == self.expected {
            (in_order, advance) = (1, 1);
            self.expected += 1;
            while self.beyond.remove(&self.expected) {
                advance += 1;
                self.expected += 1;
            }
        } else if segment.seq > self.expected && self.beyond.insert(segment.seq) {
            beyond = 1;
        }
        let rtt_us = (now_us - segment.sent_us).max(1);
        self.srtt_us = if self.srtt_us == 0 { rtt_us } else { (7 * self.srtt_us + rtt_us) / 8 };
        self.timer_us = now_us + 2 * self.srtt_us + MIN_TIMEOUT_US;
        self.totals.delivered += 1;
        self.totals.lost += lost;
        self.totals.rtt_sum_us += rtt_us;
        let per_second = |segments: u64| segments * MSS * 1_000_000 / rtt_us;
        let mut p = [0; 15];
        p[0] = advance * MSS;
        p[1] = beyond * MSS;
        p[4] = lost;
        p[6] = in_order;
        p[7] = beyond;
        p[11] = per_second(self.totals.delivered - segment.delivered);
        p[12] = per_second(self.totals.sent - segment.sent);
        p[13] = rtt_us;
        self.flying(p)
    }

    fn time_out(&mut self, now_us: u64) -> [u64; 15] {
        // What is on its way back still arrives: only what the link dropped is gone.
        let lost = self.outstanding.len() - self.acks.len();
        self.timer_us = now_us + 2 * self.srtt_us.max(MIN_TIMEOUT_US) + MIN_TIMEOUT_US;
        let arriving: BTreeSet<u64> = self.acks.iter().map(|(_, s)| s.order).collect();
        let gone = self.outstanding.iter().filter(|s| !arriving.contains(&s.order)).map(|s| s.seq);
        self.retransmit.extend(gone);
        self.outstanding.retain(|s| arriving.contains(&s.order));
        self.totals.timeouts += 1;
        self.totals.lost += lost as u64;
        let mut p = [0; 15];
        p[4] = lost as u64;
        p[14] = 1;
        self.flying(p)
    }

    fn flying(&self, mut p: [u64; 15]) -> [u64; 15] {
        let flying = self.outstanding.len() as u64;
        p[8] = flying * MSS;
        // The sender always has more to send than the window lets out.
        p[9] = flying * MSS + ALWAYS_PENDING;
        p[10] = flying;
        p
    }
}

/// Bytes of headers on the wire with each segment.
const HEADERS: u64 = 52;
/// What waits in the send buffer of a bulk flow, in bytes.
const ALWAYS_PENDING: u64 = 1 << 20;
/// A real-time loop wakes late; up to this much of the lateness may be sent as a burst.
const PACING_SLACK_US: u64 = 2_000;
/// RFC 6298's first timeout.
const FIRST_TIMEOUT_US: u64 = 1_000_000;
/// Linux's smallest timeout.
const MIN_TIMEOUT_US: u64 = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(cwnd: u64, queue: u64, seconds: u64) -> Sender {
        let link = Link { rate_bps: 12_000_000, rtt_us: 20_000, queue };
        let mut sender = Sender::new(link, cwnd, 0);
        drive(&mut sender, 0, seconds * 1_000_000);
        sender
    }

    fn drive(sender: &mut Sender, mut now: u64, end: u64) {
        sender.send(now);
        while now < end {
            now = sender.next_event_us();
            while sender.poll(now).is_some() {}
            sender.send(now);
        }
    }

    #[test]
    fn a_window_of_twice_the_pipe_fills_it_and_half_of_one_does_not() {
        // 12 Mbit/s for 20 ms and one segment in service: 20 segments.
        let full = run(40 * MSS, 100, 10).totals;
        assert!((9900..=10_000).contains(&full.delivered), "{full:?}");
        assert_eq!(full.lost, 0);
        assert!(full.rtt_sum_us / full.delivered > 35_000, "{full:?}");
        let half = run(10 * MSS, 100, 10).totals;
        assert!((4600..=5000).contains(&half.delivered), "{half:?}");
    }

    #[test]
    fn a_full_queue_loses_segments_and_all_arrive_in_the_end() {
        let mut sender = run(60 * MSS, 20, 10);
        assert!(sender.totals.lost > 100, "{:?}", sender.totals);
        sender.set_cwnd(30 * MSS);
        drive(&mut sender, 10_100_000, 12_000_000);
        assert!(
            sender.expected + 31 > sender.next_seq,
            "{} of {}",
            sender.expected,
            sender.next_seq
        );
    }
}
