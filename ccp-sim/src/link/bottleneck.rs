//! The bottleneck at work: queue, sending, dropping, marking.

use core::time::Duration;
use std::collections::VecDeque;

use rand_pcg::Pcg64;

use super::codel::{Codel, Verdict};
use super::loss::Losing;
use super::trace::{Cursor, Position};
use super::{Aqm, Link, Loss};
use crate::Rate;
use crate::packet::Packet;
use crate::time::Time;

/// What becomes of a packet that reaches the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It was lost on the way.
    Lost,
    /// The queue was full.
    Dropped,
    /// It waits behind others.
    Queued,
    /// It is being sent and will have left the link then.
    Sending { until: Time },
}

/// A packet that has left the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departed {
    pub(crate) packet: Packet,
    /// How long it waited before its first bit was sent (on a trace: before it left), nanoseconds.
    pub(crate) waited: u64,
    /// When the packet now being sent will have left, if there is one.
    pub(crate) next: Option<Time>,
}

/// What happened to the packets of a link. `offered` is the sum of `lost`, `dropped`, `sent` and of what waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkCounters {
    /// Packets that reached the link.
    pub offered: u64,
    /// Packets lost on the way to the queue.
    pub lost: u64,
    /// Packets that found the queue full, or that its management dropped.
    pub dropped: u64,
    /// Packets that were marked.
    pub marked: u64,
    /// Packets that left it.
    pub sent: u64,
    /// Bytes of these, headers included.
    pub sent_bytes: u64,
}

impl LinkCounters {
    /// What happened since `base`.
    pub(crate) fn since(self, base: Self) -> Self {
        Self {
            offered: self.offered - base.offered,
            lost: self.lost - base.lost,
            dropped: self.dropped - base.dropped,
            marked: self.marked - base.marked,
            sent: self.sent - base.sent,
            sent_bytes: self.sent_bytes - base.sent_bytes,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Bottleneck {
    pace: Pace,
    /// The most that waits: packets, bytes.
    limit: (usize, u64),
    /// From how much on packets are marked, if they are.
    mark_from: Option<(usize, u64)>,
    codel: Option<Codel>,
    losing: Losing,
    /// The packet being sent, and how long it had waited.
    sending: Option<(Packet, u64)>,
    /// What waits behind it, with its time of arrival.
    queue: VecDeque<(Packet, Time)>,
    /// All of these.
    bytes: u64,
    /// The largest packet so far.
    largest: u32,
    /// Whose packets were dropped at the head of the queue and not asked for yet.
    dropped_at_head: Vec<u32>,
    counters: LinkCounters,
}

#[derive(Debug)]
enum Pace {
    Rate {
        rate: Rate,
        /// What is left of a nanosecond after the last packet, in 1/rate nanoseconds, so that rounding never adds up.
        remainder: u64,
        /// What could have been sent until `since`, in bits times nanoseconds; since then it is this rate.
        capacity: u128,
        since: Time,
    },
    Trace(Cursor),
}

impl Bottleneck {
    pub(crate) fn new(link: &Link, rng: Pcg64) -> Self {
        Self {
            pace: match &link.trace {
                None => {
                    Pace::Rate { rate: link.rate, remainder: 0, capacity: 0, since: Time::ZERO }
                }
                Some(trace) => Pace::Trace(Cursor::new(trace.clone())),
            },
            limit: link.resolve(link.queue),
            mark_from: match link.aqm {
                Aqm::Threshold(threshold) => Some(link.resolve(threshold)),
                _ => None,
            },
            codel: match link.aqm {
                Aqm::Codel { target, interval } => Some(Codel::new(target, interval)),
                _ => None,
            },
            losing: Losing::new(link.loss, rng),
            sending: None,
            queue: VecDeque::new(),
            bytes: 0,
            largest: 0,
            dropped_at_head: Vec::new(),
            counters: LinkCounters::default(),
        }
    }

    pub(crate) fn offer(&mut self, mut packet: Packet, now: Time) -> Offered {
        self.counters.offered += 1;
        if self.losing.takes_next() {
            self.counters.lost += 1;
            return Offered::Lost;
        }
        let (packets, bytes) = self.limit;
        let len = u64::from(packet.wire_len);
        if self.queued() > 0 && (self.queued() >= packets || self.bytes + len > bytes) {
            self.counters.dropped += 1;
            return Offered::Dropped;
        }
        if let Some((packets, bytes)) = self.mark_from
            && packet.ecn
            && (self.queued() >= packets || self.bytes >= bytes)
        {
            self.mark(&mut packet);
        }
        self.bytes += len;
        self.largest = self.largest.max(packet.wire_len);
        if self.sending.is_some() {
            self.queue.push_back((packet, now));
            return Offered::Queued;
        }
        if let Pace::Rate { remainder, .. } = &mut self.pace {
            *remainder = 0;
        }
        if let Some(codel) = &mut self.codel {
            codel.on_empty();
        }
        let until = self.pace.send(packet.wire_len, now);
        self.sending = Some((packet, self.pace.waited(now, now, until)));
        Offered::Sending { until }
    }

    /// Takes out the packet that has been sent; called at the time that was announced for it.
    pub(crate) fn depart(&mut self, now: Time) -> Option<Departed> {
        let (packet, waited) = self.sending.take()?;
        self.bytes -= u64::from(packet.wire_len);
        self.counters.sent += 1;
        self.counters.sent_bytes += u64::from(packet.wire_len);
        Some(Departed { packet, waited, next: self.begin_next(now) })
    }

    /// Whose packet was dropped at the head of the queue; asked until there are no more.
    pub(crate) fn pop_dropped_at_head(&mut self) -> Option<u32> {
        self.dropped_at_head.pop()
    }

    /// The rate from now on; a trace stays.
    pub(crate) fn set_rate(&mut self, new: Rate, now: Time) {
        let so_far = self.capacity(now);
        if let Pace::Rate { rate, remainder, capacity, since } = &mut self.pace {
            (*rate, *remainder, *capacity, *since) = (new, 0, so_far, now);
        }
    }

    pub(crate) fn set_loss(&mut self, loss: Loss) {
        self.losing.set(loss);
    }

    /// Packets waiting, the one being sent included.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len() + usize::from(self.sending.is_some())
    }

    /// Bytes waiting, those being sent included.
    pub(crate) fn queued_bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// What could have been sent by now, in bits times nanoseconds in a second.
    pub(crate) fn capacity(&self, now: Time) -> u128 {
        match &self.pace {
            Pace::Rate { rate, capacity, since, .. } => {
                capacity + u128::from(rate.as_bits()) * u128::from(now.since(*since))
            }
            Pace::Trace(cursor) => u128::from(cursor.trace().bytes_until(now)) * 8_000_000_000,
        }
    }

    /// Begins to send the next packet that may live; returns when it will have left.
    fn begin_next(&mut self, now: Time) -> Option<Time> {
        while let Some((mut packet, arrived)) = self.queue.pop_front() {
            let before = match &self.pace {
                Pace::Trace(cursor) => Some(cursor.position()),
                Pace::Rate { .. } => None,
            };
            let until = self.pace.send(packet.wire_len, now);
            let behind = self.bytes - u64::from(packet.wire_len);
            let backlogged = behind > u64::from(self.largest);
            if let Some(codel) = &mut self.codel {
                // On a trace the head of the queue leaves all at once when it may: until then it waits.
                let leaves = if before.is_some() { until } else { now };
                if codel.judge(arrived, backlogged, leaves) == Verdict::Hit {
                    if packet.ecn {
                        self.mark(&mut packet);
                    } else {
                        self.counters.dropped += 1;
                        self.dropped_at_head.push(packet.flow);
                        self.bytes -= u64::from(packet.wire_len);
                        self.pace.take_back(before, packet.wire_len);
                        continue;
                    }
                }
            }
            self.sending = Some((packet, self.pace.waited(arrived, now, until)));
            return Some(until);
        }
        None
    }

    fn mark(&mut self, packet: &mut Packet) {
        packet.marked = true;
        self.counters.marked += 1;
    }
}

impl Pace {
    /// When a packet of so many bytes has left that is sent from now on.
    fn send(&mut self, wire_len: u32, now: Time) -> Time {
        match self {
            Self::Rate { rate, remainder, .. } => {
                let rate = u128::from(rate.as_bits());
                let due = u128::from(wire_len) * 8_000_000_000 + u128::from(*remainder);
                *remainder = (due % rate) as u64;
                now + Duration::from_nanos(u64::try_from(due / rate).unwrap_or(u64::MAX))
            }
            Self::Trace(cursor) => cursor.send(wire_len, now),
        }
    }

    /// The packet is not sent after all.
    fn take_back(&mut self, before: Option<Position>, wire_len: u32) {
        match self {
            Self::Rate { rate, remainder, .. } => {
                // What was left before it: its own part is known again from the length.
                let rate = u128::from(rate.as_bits());
                let own = u128::from(wire_len) * 8_000_000_000 % rate;
                *remainder = ((u128::from(*remainder) + rate - own) % rate) as u64;
            }
            Self::Trace(cursor) => {
                if let Some(before) = before {
                    cursor.restore(before);
                }
            }
        }
    }

    fn waited(&self, arrived: Time, begun: Time, until: Time) -> u64 {
        match self {
            Self::Rate { .. } => begun.since(arrived),
            Self::Trace(_) => until.since(arrived),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{QueueLimit, Trace};

    fn packet(transmission: u64) -> Packet {
        Packet {
            flow: 0,
            segment: transmission,
            transmission,
            wire_len: 1500,
            sent_at: Time::ZERO,
            ecn: false,
            marked: false,
        }
    }

    fn bottleneck(link: &Link) -> Bottleneck {
        Bottleneck::new(link, Pcg64::new(1, 1))
    }

    fn link() -> Link {
        Link::new(Rate::mbit(12), Duration::from_millis(10))
    }

    /// Offers packets, one each `gap` nanoseconds; when and after which wait does which leave, marked or not?
    fn run(link: &mut Bottleneck, packets: u64, gap: u64, ecn: bool) -> Vec<(u64, u64, bool)> {
        let mut left = Vec::new();
        let mut due = None;
        let mut go_on = |link: &mut Bottleneck, due: &mut Option<Time>, until: Time| {
            while let Some(at) = due.filter(|at| *at <= until) {
                let departed = link.depart(at).unwrap();
                left.push((at.as_nanos(), departed.waited, departed.packet.marked));
                *due = departed.next;
            }
        };
        for n in 0..packets {
            let now = Time::from_nanos(n * gap);
            go_on(link, &mut due, now);
            let packet = Packet { ecn, ..packet(n) };
            if let Offered::Sending { until } = link.offer(packet, now) {
                due = Some(until);
            }
        }
        go_on(link, &mut due, Time::NEVER);
        assert_eq!((link.queued(), link.queued_bytes()), (0, 0));
        left
    }

    #[test]
    fn a_queue_of_cbr_packets_waits_exactly_as_long_as_those_before_it_take() {
        let mut link = bottleneck(&link().queue(QueueLimit::Unlimited));
        // A packet takes 1 ms; one arrives each 0.5 ms.
        let left = run(&mut link, 100, 500_000, false);
        assert_eq!(left.len(), 100);
        for (n, (at, waited, _)) in (0..).zip(left) {
            assert_eq!((at, waited), ((n + 1) * 1_000_000, n * 500_000));
        }
    }

    #[test]
    fn rounding_never_adds_up() {
        // 1500 bytes at 7 Mbit/s take 1,714,285.714… ns: 7 packets take exactly 12 ms.
        let link = Link::new(Rate::mbit(7), Duration::ZERO).queue(QueueLimit::Unlimited);
        let left = run(&mut bottleneck(&link), 7, 0, false);
        assert_eq!(left.last().unwrap().0, 12_000_000);
    }

    #[test]
    fn codel_lets_a_queue_of_one_packet_stand_however_long_it_waits() {
        // A packet takes 120 ms: as many arrive as leave, and one always waits behind the one whose turn it is.
        for (waiting, dropped) in [(3, 0), (4, 1)] {
            let slow = Link::new(Rate::bits(100_000), Duration::ZERO);
            let slow = slow.queue(QueueLimit::Unlimited).aqm(Aqm::codel());
            let mut link = bottleneck(&slow);
            let mut due = Time::ZERO;
            for n in 0..waiting {
                if let Offered::Sending { until } = link.offer(packet(n), Time::ZERO) {
                    due = until;
                }
            }
            for n in waiting..20 {
                due = link.depart(due).unwrap().next.unwrap();
                link.offer(packet(n), due);
            }
            assert_eq!(link.counters().dropped, dropped);
        }
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_all_is_accounted_for() {
        for limit in [QueueLimit::Packets(3), QueueLimit::Bytes(4_500)] {
            let mut link = bottleneck(&link().queue(limit).loss(0.25));
            for n in 0..1000 {
                if n % 7 == 0 {
                    link.depart(Time::from_nanos(n));
                }
                link.offer(packet(n), Time::from_nanos(n));
                let found = link.counters();
                let gone = found.lost + found.dropped + found.sent;
                assert_eq!(found.offered, gone + link.queued() as u64);
                assert!(link.queued() <= 3);
            }
            let lost = link.counters().lost;
            assert!((200..300).contains(&lost), "{lost} of 1000 lost at 1 in 4");
            assert!(link.counters().dropped > 500, "{:?}", link.counters());
        }
    }

    #[test]
    fn a_threshold_marks_what_may_be_marked_and_finds_as_much() {
        let aqm = Aqm::Threshold(QueueLimit::Packets(5));
        let link = link().queue(QueueLimit::Unlimited).aqm(aqm);
        // One arrives each 0.5 ms: the queue has five for the first time when the ninth comes.
        let marked = |ecn| {
            let left = run(&mut bottleneck(&link), 20, 500_000, ecn);
            left.iter().position(|(.., marked)| *marked)
        };
        assert_eq!(marked(true), Some(9));
        assert_eq!(marked(false), None);
    }

    #[test]
    fn codel_drops_what_cannot_be_marked_and_marks_the_rest() {
        let link = link().queue(QueueLimit::Unlimited).aqm(Aqm::codel());
        for ecn in [false, true] {
            let mut link = bottleneck(&link);
            // A tenth more than fits, for a second.
            let left = run(&mut link, 1100, 909_091, ecn);
            let found = link.counters();
            let hit = if ecn { found.marked } else { found.dropped };
            assert!((10..60).contains(&hit), "{found:?}");
            assert_eq!(left.len() as u64, 1100 - found.dropped);
            let at_head = core::iter::from_fn(|| link.pop_dropped_at_head()).count();
            assert_eq!(at_head as u64, found.dropped);
        }
    }

    #[test]
    fn a_trace_says_when_packets_leave_and_what_could_have() {
        let trace = Trace::parse("t", "2\n2\n5\n").unwrap();
        let link = Link::with_trace(trace, Duration::ZERO).queue(QueueLimit::Unlimited);
        for aqm in [Aqm::DropTail, Aqm::codel()] {
            let mut link = bottleneck(&link.clone().aqm(aqm));
            let left = run(&mut link, 4, 0, false);
            let ms = |ms: u64| (ms * 1_000_000, ms * 1_000_000, false);
            assert_eq!(left, [ms(2), ms(2), ms(5), ms(7)]);
            let second = u128::from(1_000_000_000u64);
            let capacity = link.capacity(Time::from_nanos(7_000_000));
            assert_eq!(capacity, 5 * 12_000 * second);
        }
    }

    #[test]
    fn a_new_rate_holds_from_the_next_packet_on() {
        let mut link = bottleneck(&link().queue(QueueLimit::Unlimited));
        assert_eq!(
            link.offer(packet(0), Time::ZERO),
            Offered::Sending { until: Time::from_nanos(1_000_000) }
        );
        link.offer(packet(1), Time::ZERO);
        link.set_rate(Rate::mbit(6), Time::from_nanos(500_000));
        let departed = link.depart(Time::from_nanos(1_000_000)).unwrap();
        assert_eq!(departed.next, Some(Time::from_nanos(3_000_000)));
        let bits = link.capacity(Time::from_nanos(1_000_000)) / 1_000_000_000;
        assert_eq!(bits, 6_000 + 3_000);
    }
}
