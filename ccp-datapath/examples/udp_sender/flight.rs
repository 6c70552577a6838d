//! What is under way: which packets, which data they carry, what has arrived, what is lost.
//!
//! No socket and no clock. For each acknowledgement it says what is new in it ([`News`]), in the terms in which
//! congestion control thinks; `primitives.rs` turns that into CCP's primitives.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::packet::{Ack, Data, PACKET_LEN};
use crate::rtt::Rtt;

/// The sender's books.
pub(crate) struct Flight {
    started: Instant,
    /// Packets from number `first` on, until they are neither flying nor needed.
    sent: VecDeque<Sent>,
    first: u64,
    largest_acked: Option<u64>,
    flying: u64,

    /// All chunks below have arrived: the left edge.
    edge: u64,
    /// Chunks that have arrived beyond the left edge.
    ahead: BTreeSet<u64>,
    /// Chunks that arrived with the latest acknowledgement.
    arrivals: Vec<u64>,
    next_chunk: u64,
    /// Lost and to be sent again, the oldest first.
    resend: BTreeSet<u64>,

    pub(crate) rtt: Rtt,
    /// Packets delivered, and when the last of them was acknowledged.
    delivered: u64,
    delivered_at: Instant,
    /// When the packet was sent with which the current rate sample began.
    sample_sent_at: Instant,
    /// Until so many are delivered, samples tell the application's rate and not the path's.
    app_limited_until: u64,

    ce_packets: u64,
    /// When the retransmission timer was last started.
    timer_from: Instant,
    last_sent_at: Instant,
    pub(crate) recovery: Recovery,
    /// The recovery is over when the left edge reaches this chunk.
    recovery_point: u64,
}

/// The states of `Flow.recovery`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    Open = 0,
    Reducing = 1,
    Loss = 2,
    Timeout = 3,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    chunk: u64,
    at: Instant,
    fate: Fate,
    /// The state of the rate estimator when it was sent.
    delivered: u64,
    delivered_at: Instant,
    sample_sent_at: Instant,
    app_limited: bool,
    /// How long nothing had been under way before.
    idle: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Flying,
    Acked,
    Lost,
}

/// What one acknowledgement, or a timeout, has brought.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct News {
    /// Chunks by which the left edge moved, those that had arrived before included.
    pub(crate) edge_moved: u64,
    /// Packets delivered, wherever their chunk lies.
    pub(crate) delivered: u64,
    /// Chunks that arrived now and lie beyond the left edge.
    pub(crate) ahead_new: u64,
    /// By how much the number of chunks beyond the left edge grew.
    pub(crate) ahead_growth: u64,
    pub(crate) ce: u64,
    pub(crate) lost: u64,
    pub(crate) timeout: bool,
    pub(crate) rtt: Option<Duration>,
    pub(crate) rate: Option<RateSample>,
    pub(crate) idle: Duration,
}

/// How fast packets were sent, and acknowledged, over the round trip of one packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateSample {
    pub(crate) packets: u64,
    pub(crate) sending: Duration,
    pub(crate) arriving: Duration,
    pub(crate) app_limited: bool,
}

impl Flight {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            started: now,
            sent: VecDeque::new(),
            first: 0,
            largest_acked: None,
            flying: 0,
            edge: 0,
            ahead: BTreeSet::new(),
            arrivals: Vec::new(),
            next_chunk: 0,
            resend: BTreeSet::new(),
            rtt: Rtt::default(),
            delivered: 0,
            delivered_at: now,
            sample_sent_at: now,
            app_limited_until: 0,
            ce_packets: 0,
            timer_from: now,
            last_sent_at: now,
            recovery: Recovery::Open,
            recovery_point: 0,
        }
    }

    /// Whether something can be sent, given that the application has written `written` chunks.
    pub(crate) fn has_data(&self, written: u64) -> bool {
        !self.resend.is_empty() || self.next_chunk < written
    }

    /// Notes one more packet as sent and says what to write into it. Lost data goes before new.
    pub(crate) fn send(&mut self, now: Instant) -> Data {
        let chunk = self.resend.pop_first().unwrap_or_else(|| {
            self.next_chunk += 1;
            self.next_chunk - 1
        });
        let mut idle = Duration::ZERO;
        if self.flying == 0 {
            idle = now.saturating_duration_since(self.last_sent_at.max(self.delivered_at));
            (self.sample_sent_at, self.delivered_at) = (now, now);
            self.timer_from = now;
        }
        self.sent.push_back(Sent {
            chunk,
            at: now,
            fate: Fate::Flying,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            sample_sent_at: self.sample_sent_at,
            app_limited: self.app_limited_until > self.delivered,
            idle,
        });
        self.flying += 1;
        self.last_sent_at = now;
        Data {
            number: self.first + self.sent.len() as u64 - 1,
            chunk,
            sent_us: now.saturating_duration_since(self.started).as_micros() as u64,
            ce: false,
        }
    }

    /// The window was open and there was nothing to send: what is under way now tells nothing of the path's rate.
    pub(crate) fn app_limited(&mut self) {
        self.app_limited_until = (self.delivered + self.flying).max(1);
    }

    /// Takes in an acknowledgement.
    pub(crate) fn on_ack(&mut self, ack: &Ack, now: Instant) -> News {
        let mut news = News::default();
        let (edge_before, ahead_before) = (self.edge, self.ahead.len());
        let mut newest: Option<(u64, Sent)> = None;
        self.arrivals.clear();
        let end = self.first + self.sent.len() as u64;
        for range in &ack.ranges {
            for number in range.start.max(self.first)..range.end.min(end) {
                let sent = &mut self.sent[(number - self.first) as usize];
                if sent.fate == Fate::Acked {
                    continue;
                }
                if sent.fate == Fate::Flying {
                    self.flying -= 1;
                }
                sent.fate = Fate::Acked;
                if newest.is_none_or(|(newest, _)| newest < number) {
                    newest = Some((number, *sent));
                }
                let chunk = sent.chunk;
                self.resend.remove(&chunk);
                // The same data may arrive twice, if it was thought lost and was not.
                if chunk >= edge_before && self.ahead.insert(chunk) {
                    self.arrivals.push(chunk);
                }
            }
        }
        news.delivered = self.arrivals.len() as u64;
        // A total that goes back is from an acknowledgement that was overtaken.
        news.ce = ack.ce_packets.saturating_sub(self.ce_packets);
        self.ce_packets += news.ce;

        while self.ahead.remove(&self.edge) {
            self.edge += 1;
        }
        news.edge_moved = self.edge - edge_before;
        news.ahead_growth = (self.ahead.len().saturating_sub(ahead_before)) as u64;
        news.ahead_new = self.arrivals.iter().filter(|chunk| **chunk >= self.edge).count() as u64;

        if let Some((number, sent)) = newest {
            self.on_newest(number, &sent, &mut news, now);
        }
        if self.edge >= self.recovery_point {
            self.recovery = Recovery::Open;
        }
        news.lost = self.detect_losses(now);
        if news.lost > 0 {
            self.enter(Recovery::Loss);
        } else if news.ce > 0 {
            self.enter(Recovery::Reducing);
        }
        self.forget();
        news
    }

    /// RTT and delivery rate, from the newest packet that was acknowledged.
    fn on_newest(&mut self, number: u64, sent: &Sent, news: &mut News, now: Instant) {
        self.timer_from = now;
        self.delivered += news.delivered;
        self.delivered_at = now;
        if self.largest_acked.is_none_or(|largest| largest < number) {
            // Numbers are never reused, so even a packet that carries old data gives an honest sample.
            self.largest_acked = Some(number);
            let rtt = now.saturating_duration_since(sent.at);
            self.rtt.sample(rtt);
            news.rtt = Some(rtt);
        }
        news.idle = sent.idle;
        let sample = RateSample {
            packets: self.delivered - sent.delivered,
            sending: sent.at.saturating_duration_since(sent.sample_sent_at),
            arriving: now.saturating_duration_since(sent.delivered_at),
            app_limited: sent.app_limited,
        };
        self.sample_sent_at = sent.at;
        // Shorter than any round trip: a burst of acknowledgements, not a rate.
        let longest = sample.sending.max(sample.arriving);
        news.rate = self.rtt.min.filter(|min| longest >= *min).map(|_| sample);
    }

    /// Packets overtaken by three others, or by one for longer than reordering takes, are lost (RFC 9002, section 6.1).
    fn detect_losses(&mut self, now: Instant) -> u64 {
        let Some(largest) = self.largest_acked else {
            return 0;
        };
        let delay = self.rtt.loss_delay();
        let mut lost = 0;
        for (sent, number) in self.sent.iter_mut().zip(self.first..largest) {
            let late = now.saturating_duration_since(sent.at) >= delay;
            if sent.fate == Fate::Flying && (late || number + REORDERING <= largest) {
                sent.fate = Fate::Lost;
                lost += 1;
                self.resend.insert(sent.chunk);
            }
        }
        self.flying -= lost;
        lost
    }

    /// When [`Flight::on_timer`] has something to do.
    pub(crate) fn timer(&self) -> Option<Instant> {
        if self.flying == 0 {
            return None;
        }
        let timeout = self.timer_from + self.rtt.timeout();
        let overtaken = self.largest_acked.and_then(|largest| {
            let mut packets = self.sent.iter().zip(self.first..largest);
            let oldest = packets.find(|(sent, _)| sent.fate == Fate::Flying);
            oldest.map(|(sent, _)| sent.at + self.rtt.loss_delay())
        });
        Some(overtaken.map_or(timeout, |at| at.min(timeout)))
    }

    /// The loss timer or the retransmission timer has run out.
    pub(crate) fn on_timer(&mut self, now: Instant) -> News {
        let mut news = News { lost: self.detect_losses(now), ..News::default() };
        if news.lost > 0 {
            self.enter(Recovery::Loss);
        } else if self.flying > 0 && now >= self.timer_from + self.rtt.timeout() {
            // Nothing comes back any more. All that is under way counts as lost.
            for sent in self.sent.iter_mut().filter(|sent| sent.fate == Fate::Flying) {
                sent.fate = Fate::Lost;
                self.resend.insert(sent.chunk);
            }
            news.lost = std::mem::take(&mut self.flying);
            news.timeout = true;
            self.rtt.timed_out();
            self.timer_from = now;
            self.enter(Recovery::Timeout);
        }
        news
    }

    fn enter(&mut self, state: Recovery) {
        if self.recovery == Recovery::Open {
            self.recovery_point = self.next_chunk;
        }
        if state as u8 > self.recovery as u8 {
            self.recovery = state;
        }
    }

    /// Drops the oldest packets from the books once nothing can come of them.
    fn forget(&mut self) {
        while let Some(sent) = self.sent.front() {
            // An acknowledgement for a lost packet may still come, but not long after its successors'.
            let settled = match sent.fate {
                Fate::Flying => false,
                Fate::Acked => true,
                Fate::Lost => self.largest_acked > Some(self.first + LATE_ACKS),
            };
            if !settled {
                break;
            }
            self.sent.pop_front();
            self.first += 1;
        }
    }

    pub(crate) fn bytes_in_flight(&self) -> u64 {
        self.flying * PACKET_LEN as u64
    }

    pub(crate) fn packets_in_flight(&self) -> u64 {
        self.flying
    }

    /// Chunks that have arrived without a gap.
    pub(crate) fn edge(&self) -> u64 {
        self.edge
    }

    /// Chunks that have arrived.
    pub(crate) fn arrived(&self) -> u64 {
        self.edge + self.ahead.len() as u64
    }
}

/// RFC 9002, kPacketThreshold.
const REORDERING: u64 = 3;

/// So many packets later nobody waits for the acknowledgement of a lost one.
const LATE_ACKS: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn ack(ranges: &[std::ops::Range<u64>]) -> Ack {
        Ack { ranges: ranges.to_vec(), ..Ack::default() }
    }

    /// A flight with ten packets under way, and its start.
    fn ten() -> (Flight, Instant) {
        let now = Instant::now();
        let mut flight = Flight::new(now);
        for _ in 0..10 {
            flight.send(now);
        }
        (flight, now)
    }

    #[test]
    fn packets_in_order_move_the_left_edge() {
        let (mut flight, now) = ten();
        let news = flight.on_ack(&ack(&[0..2]), now + 20 * MS);
        assert_eq!((news.edge_moved, news.delivered, news.ahead_new), (2, 2, 0));
        assert_eq!(news.rtt, Some(20 * MS));
        assert_eq!(flight.packets_in_flight(), 8);
        let again = flight.on_ack(&ack(&[0..2]), now + 21 * MS);
        assert_eq!((again.delivered, again.rtt), (0, None), "nothing new");
    }

    #[test]
    fn a_gap_is_lost_after_three_packets_and_closes_when_sent_again() {
        let (mut flight, now) = ten();
        let news = flight.on_ack(&ack(&[1..3]), now + 20 * MS);
        assert_eq!((news.edge_moved, news.ahead_new, news.ahead_growth, news.lost), (0, 2, 2, 0));
        let news = flight.on_ack(&ack(&[1..4]), now + 20 * MS);
        assert_eq!((news.lost, flight.recovery), (1, Recovery::Loss));
        assert_eq!(flight.packets_in_flight(), 6);

        let again = flight.send(now + 21 * MS);
        assert_eq!((again.number, again.chunk), (10, 0), "old data under a new number");
        let news = flight.on_ack(&ack(&[1..11]), now + 41 * MS);
        assert_eq!((news.edge_moved, news.delivered, news.ahead_growth), (10, 7, 0));
        assert_eq!(flight.recovery, Recovery::Open);
    }

    #[test]
    fn a_packet_thought_lost_that_arrives_is_counted_once() {
        let (mut flight, now) = ten();
        flight.on_ack(&ack(&[1..5]), now + 20 * MS);
        assert_eq!(flight.on_ack(&ack(&[0..5]), now + 22 * MS).delivered, 1);
        flight.on_ack(&ack(&[0..10]), now + 23 * MS);
        assert_eq!((flight.arrived(), flight.packets_in_flight()), (10, 0));
        assert!(!flight.has_data(10), "nothing is sent again");
    }

    #[test]
    fn silence_ends_in_a_timeout_that_doubles() {
        let (mut flight, now) = ten();
        assert_eq!(flight.timer(), Some(now + 1000 * MS));
        let news = flight.on_timer(now + 1000 * MS);
        assert_eq!((news.timeout, news.lost, flight.packets_in_flight()), (true, 10, 0));
        assert_eq!(flight.timer(), None, "nothing is under way");
        let later = now + 1001 * MS;
        assert_eq!(flight.send(later).chunk, 0);
        assert_eq!(flight.timer(), Some(later + 2000 * MS));
    }

    #[test]
    fn marks_are_counted_from_a_running_total() {
        let (mut flight, now) = ten();
        let marked =
            |ce_packets, ranges: &[std::ops::Range<u64>]| Ack { ce_packets, ..ack(ranges) };
        assert_eq!(flight.on_ack(&marked(3, &[0..3]), now).ce, 3);
        assert_eq!(flight.on_ack(&marked(2, &[0..2]), now).ce, 0, "overtaken");
        assert_eq!(flight.on_ack(&marked(4, &[0..5]), now).ce, 1);
    }

    #[test]
    fn idle_time_and_application_limits_travel_with_the_packet() {
        let now = Instant::now();
        let mut flight = Flight::new(now);
        flight.send(now);
        flight.app_limited();
        flight.on_ack(&ack(&[0..1]), now + 20 * MS);
        flight.send(now + 500 * MS);
        let news = flight.on_ack(&ack(&[0..2]), now + 520 * MS);
        assert_eq!(news.idle, 480 * MS);
        assert!(news.rate.is_some_and(|rate| !rate.app_limited), "the limit was over");
    }
}
