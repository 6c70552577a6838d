//! The bottleneck: a rate, a delay, a queue that drops what does not fit, and random loss.

use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;

use rand_core::Rng as _;
use rand_pcg::Pcg64;

use crate::packet::Packet;
use crate::time::Time;

/// Bits per second. Never 0, so that a packet always gets through at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// `bits` per second, at least 1.
    pub const fn bits(bits: u64) -> Self {
        Self(if bits == 0 { 1 } else { bits })
    }

    /// `mbit` million bits per second.
    pub const fn mbit(mbit: u64) -> Self {
        Self::bits(mbit.saturating_mul(1_000_000))
    }

    /// Bits per second.
    pub const fn as_bits(self) -> u64 {
        self.0
    }

    /// Bytes that fit into `time`.
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bytes = u128::from(self.0) * time.as_nanos() / 8_000_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000_000) {
            write!(f, "{} Mbit/s", self.0 / 1_000_000)
        } else {
            write!(f, "{} bit/s", self.0)
        }
    }
}

/// How much a link's queue holds, the packet being sent included.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum QueueLimit {
    /// So many packets.
    Packets(usize),
    /// So many times what the link carries in its round-trip time, in packets of 1500 bytes; at least one.
    Bdp(f64),
    /// Everything.
    Unlimited,
}

/// A bottleneck as a scenario describes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// How fast it sends.
    pub rate: Rate,
    /// The round-trip time of an empty path through it, without the time to send a packet: half of it after the
    /// bottleneck, half on the way back.
    pub rtt: Duration,
    /// How much waits; what comes on top is dropped.
    pub queue: QueueLimit,
    /// The probability that a packet is lost on its way to the queue, each by itself.
    pub loss: f64,
}

impl Link {
    /// A link with a queue of one bandwidth-delay product and no random loss.
    pub fn new(rate: Rate, rtt: Duration) -> Self {
        Self {
            rate,
            rtt,
            queue: QueueLimit::Bdp(1.0),
            loss: 0.0,
        }
    }

    /// Sets how much waits.
    pub fn queue(mut self, limit: QueueLimit) -> Self {
        self.queue = limit;
        self
    }

    /// Sets the probability of random loss; it is taken to lie between 0 and 1.
    pub fn loss(mut self, probability: f64) -> Self {
        self.loss = probability;
        self
    }

    /// What the link carries in its round-trip time, bytes.
    pub fn bdp(&self) -> u64 {
        self.rate.bytes_in(self.rtt)
    }

    fn limit_packets(&self) -> usize {
        match self.queue {
            QueueLimit::Packets(packets) => packets.max(1),
            // Converting to an integer saturates, and NaN becomes 0.
            QueueLimit::Bdp(times) => {
                ((times * self.bdp() as f64 / FULL_PACKET).round() as usize).max(1)
            }
            QueueLimit::Unlimited => usize::MAX,
        }
    }
}

/// What becomes of a packet that reaches the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// Random loss took it.
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
    /// How long it waited before its first bit was sent, nanoseconds.
    pub(crate) waited: u64,
    /// When the packet now being sent will have left, if there is one.
    pub(crate) next: Option<Time>,
}

/// What happened to the packets of a link. `offered` is the sum of the others and of what waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkCounters {
    /// Packets that reached the link.
    pub offered: u64,
    /// Packets taken by random loss.
    pub lost: u64,
    /// Packets that found the queue full.
    pub dropped: u64,
    /// Packets that left it.
    pub sent: u64,
    /// Bytes of these, headers included.
    pub sent_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Bottleneck {
    rate: Rate,
    limit: usize,
    /// A packet is lost when the next random number is below this; `None`: never.
    loss_below: Option<u64>,
    rng: Pcg64,
    /// What waits, with its time of arrival. The first is being sent.
    queue: VecDeque<(Packet, Time)>,
    /// When the first one's first bit was sent.
    sending_since: Time,
    /// What is left of a nanosecond after the last packet, in 1/rate nanoseconds, so that rounding never adds up.
    remainder: u64,
    counters: LinkCounters,
}

impl Bottleneck {
    pub(crate) fn new(link: &Link, rng: Pcg64) -> Self {
        let loss_below = if link.loss >= 1.0 {
            Some(u64::MAX)
        } else if link.loss > 0.0 {
            Some((link.loss * 2f64.powi(64)) as u64)
        } else {
            None
        };
        Self {
            rate: link.rate,
            limit: link.limit_packets(),
            loss_below,
            rng,
            queue: VecDeque::new(),
            sending_since: Time::ZERO,
            remainder: 0,
            counters: LinkCounters::default(),
        }
    }

    pub(crate) fn offer(&mut self, packet: Packet, now: Time) -> Offered {
        self.counters.offered += 1;
        if self
            .loss_below
            .is_some_and(|limit| self.rng.next_u64() < limit)
        {
            self.counters.lost += 1;
            return Offered::Lost;
        }
        if self.queue.len() >= self.limit {
            self.counters.dropped += 1;
            return Offered::Dropped;
        }
        self.queue.push_back((packet, now));
        if self.queue.len() > 1 {
            return Offered::Queued;
        }
        self.remainder = 0;
        Offered::Sending {
            until: self.begin(packet.wire_len, now),
        }
    }

    /// Takes out the packet that has been sent; called at the time that was announced for it.
    pub(crate) fn depart(&mut self, now: Time) -> Option<Departed> {
        let (packet, arrived) = self.queue.pop_front()?;
        let waited = self.sending_since.since(arrived);
        self.counters.sent += 1;
        self.counters.sent_bytes += u64::from(packet.wire_len);
        let next = self.queue.front().map(|(next, _)| next.wire_len);
        let next = next.map(|wire_len| self.begin(wire_len, now));
        Some(Departed {
            packet,
            waited,
            next,
        })
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn counters(&self) -> LinkCounters {
        self.counters
    }

    fn begin(&mut self, wire_len: u32, now: Time) -> Time {
        self.sending_since = now;
        let rate = u128::from(self.rate.as_bits());
        let due = u128::from(wire_len) * 8_000_000_000 + u128::from(self.remainder);
        self.remainder = (due % rate) as u64;
        now + Duration::from_nanos(u64::try_from(due / rate).unwrap_or(u64::MAX))
    }
}

/// Bytes of a full packet on a link, for queues counted in bandwidth-delay products.
const FULL_PACKET: f64 = 1500.0;

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_bandwidth_delay_product_sizes_the_queue() {
        assert_eq!(link().bdp(), 15_000);
        assert_eq!(link().limit_packets(), 10);
        assert_eq!(link().queue(QueueLimit::Bdp(f64::NAN)).limit_packets(), 1);
        assert_eq!(
            link().queue(QueueLimit::Bdp(f64::INFINITY)).limit_packets(),
            usize::MAX
        );
    }

    #[test]
    fn a_queue_of_cbr_packets_waits_exactly_as_long_as_those_before_it_take() {
        let mut link = bottleneck(&link().queue(QueueLimit::Unlimited));
        // A packet takes 1 ms; one arrives each 0.5 ms.
        let mut left = Vec::new();
        let mut due = None;
        for n in 0..100 {
            let now = Time::from_nanos(n * 500_000);
            while let Some(at) = due.filter(|at| *at <= now) {
                let departed = link.depart(at).unwrap();
                left.push((at, departed.waited));
                due = departed.next;
            }
            if let Offered::Sending { until } = link.offer(packet(n), now) {
                due = Some(until);
            }
        }
        for (n, (at, waited)) in left.iter().enumerate() {
            assert_eq!(at.as_nanos(), (n as u64 + 1) * 1_000_000);
            assert_eq!(*waited, n as u64 * 500_000);
        }
    }

    #[test]
    fn rounding_never_adds_up() {
        // 1500 bytes at 7 Mbit/s take 1,714,285.714… ns: 7 packets take exactly 12 ms.
        let mut link =
            bottleneck(&Link::new(Rate::mbit(7), Duration::ZERO).queue(QueueLimit::Unlimited));
        let Offered::Sending { until } = link.offer(packet(0), Time::ZERO) else {
            panic!("it is the first")
        };
        for n in 1..7 {
            assert_eq!(link.offer(packet(n), Time::ZERO), Offered::Queued);
        }
        let mut last = until;
        while let Some(next) = link.depart(last).unwrap().next {
            last = next;
        }
        assert_eq!(last.as_nanos(), 12_000_000);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_all_is_accounted_for() {
        let mut link = bottleneck(&link().queue(QueueLimit::Packets(3)).loss(0.25));
        for n in 0..1000 {
            if n % 7 == 0 {
                link.depart(Time::from_nanos(n));
            }
            link.offer(packet(n), Time::from_nanos(n));
            let LinkCounters {
                offered,
                lost,
                dropped,
                sent,
                ..
            } = link.counters();
            assert_eq!(offered, lost + dropped + sent + link.queued() as u64);
            assert!(link.queued() <= 3);
        }
        let lost = link.counters().lost;
        assert!((200..300).contains(&lost), "{lost} of 1000 lost at 1 in 4");
    }
}
