//! The bottleneck as a scenario describes it.

mod bottleneck;
mod codel;
mod loss;
mod trace;

use core::time::Duration;

use crate::Rate;

pub use bottleneck::LinkCounters;
pub(crate) use bottleneck::{Bottleneck, Offered};
pub use loss::Loss;
pub(crate) use loss::below;
pub use trace::{Trace, TraceError};

/// How much a link's queue holds, the packet being sent included.
///
/// Written `80p`, `120kB`, `1bdp`, `unlimited`; see [`FromStr`](core::str::FromStr).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum QueueLimit {
    /// So many packets, at least one.
    Packets(usize),
    /// So many bytes, headers included; at least one packet.
    Bytes(u64),
    /// So many times what the link carries in its round-trip time, in packets of 1500 bytes; at least one.
    Bdp(f64),
    /// Everything.
    Unlimited,
}

/// Who decides, before the queue is full, that a sender must be told to slow down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Aqm {
    /// Nobody: what does not fit is dropped.
    #[default]
    DropTail,
    /// A packet that may be marked is marked when it finds this much in the queue, or more (as for DCTCP, RFC 8257).
    Threshold(QueueLimit),
    /// CoDel (RFC 8289): marks packets that may be marked, drops others.
    Codel {
        /// How long a packet may wait.
        target: Duration,
        /// For how long more than that is bearable.
        interval: Duration,
    },
}

impl Aqm {
    /// CoDel with the 5 ms and 100 ms of RFC 8289.
    pub const fn codel() -> Self {
        Self::Codel { target: Duration::from_millis(5), interval: Duration::from_millis(100) }
    }
}

/// Packets that others overtake on their way after the bottleneck.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reordering {
    /// The part of the packets that this befalls, each by itself.
    pub probability: f64,
    /// How much longer they take.
    pub delay: Duration,
}

/// A bottleneck as a scenario describes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// How fast it sends; the mean if there is a trace.
    pub rate: Rate,
    /// When it may send, in place of the rate.
    pub trace: Option<Trace>,
    /// The round-trip time of an empty path through it, without the time to send a packet: half of it after the
    /// bottleneck, half on the way back.
    pub rtt: Duration,
    /// How much waits; what comes on top is dropped.
    pub queue: QueueLimit,
    /// What happens before that.
    pub aqm: Aqm,
    /// Which packets are lost on their way to the queue.
    pub loss: Loss,
    /// After the bottleneck each packet takes up to so much longer, evenly distributed; none overtakes another for that.
    pub jitter: Duration,
    /// Some take longer still, and are overtaken.
    pub reordering: Option<Reordering>,
    /// What changes at which time.
    pub changes: Vec<Change>,
}

/// A change of the link at a set time; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// When.
    pub at: Duration,
    /// The rate from then on. The packet that is being sent is still sent at the old one.
    pub rate: Option<Rate>,
    /// The round-trip time from then on; if it falls, packets still do not overtake those before them.
    pub rtt: Option<Duration>,
    /// The loss from then on.
    pub loss: Option<Loss>,
}

impl Change {
    /// A change then, of nothing yet.
    pub fn at(at: Duration) -> Self {
        Self { at, ..Self::default() }
    }

    /// Sets the new rate.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Sets the new round-trip time.
    pub fn rtt(mut self, rtt: Duration) -> Self {
        self.rtt = Some(rtt);
        self
    }

    /// Sets the new loss.
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = Some(loss);
        self
    }
}

impl Link {
    /// A link with a queue of one bandwidth-delay product that loses nothing else.
    pub fn new(rate: Rate, rtt: Duration) -> Self {
        Self {
            rate,
            trace: None,
            rtt,
            queue: QueueLimit::Bdp(1.0),
            aqm: Aqm::DropTail,
            loss: Loss::None,
            jitter: Duration::ZERO,
            reordering: None,
            changes: Vec::new(),
        }
    }

    /// A link that sends when a recorded one could; otherwise as [`Link::new`], by the trace's mean rate.
    pub fn with_trace(trace: Trace, rtt: Duration) -> Self {
        Self { trace: Some(trace.clone()), ..Self::new(trace.mean_rate(), rtt) }
    }

    /// Sets how much waits.
    pub fn queue(mut self, limit: QueueLimit) -> Self {
        self.queue = limit;
        self
    }

    /// Sets what happens before the queue is full.
    pub fn aqm(mut self, aqm: Aqm) -> Self {
        self.aqm = aqm;
        self
    }

    /// Sets the probability of random loss; it is taken to lie between 0 and 1.
    pub fn loss(mut self, probability: f64) -> Self {
        self.loss = Loss::Random(probability);
        self
    }

    /// Sets which packets are lost.
    pub fn losing(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// Sets by how much the time after the bottleneck varies.
    pub fn jitter(mut self, most: Duration) -> Self {
        self.jitter = most;
        self
    }

    /// Delays some packets, each by itself with this probability, so that others overtake them.
    pub fn reordering(mut self, probability: f64, delay: Duration) -> Self {
        self.reordering = Some(Reordering { probability, delay });
        self
    }

    /// Adds a change at a set time.
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// What the link carries in its round-trip time, bytes.
    pub fn bdp(&self) -> u64 {
        self.rate.bytes_in(self.rtt)
    }

    /// A limit in packets and bytes: both hold.
    fn resolve(&self, limit: QueueLimit) -> (usize, u64) {
        match limit {
            QueueLimit::Packets(packets) => (packets.max(1), u64::MAX),
            QueueLimit::Bytes(bytes) => (usize::MAX, bytes),
            // Converting to an integer saturates, and NaN becomes 0.
            QueueLimit::Bdp(times) => {
                let packets = (times * self.bdp() as f64 / FULL_PACKET).round() as usize;
                (packets.max(1), u64::MAX)
            }
            QueueLimit::Unlimited => (usize::MAX, u64::MAX),
        }
    }
}

/// Bytes of a full packet on a link, for queues counted in bandwidth-delay products.
const FULL_PACKET: f64 = 1500.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bandwidth_delay_product_sizes_the_queue() {
        let link = Link::new(Rate::mbit(12), Duration::from_millis(10));
        let packets = |limit| link.resolve(limit).0;
        assert_eq!(link.bdp(), 15_000);
        assert_eq!(packets(link.queue), 10);
        assert_eq!(packets(QueueLimit::Bdp(f64::NAN)), 1);
        assert_eq!(packets(QueueLimit::Bdp(f64::INFINITY)), usize::MAX);
        assert_eq!(link.resolve(QueueLimit::Bytes(7)), (usize::MAX, 7));
    }

    #[test]
    fn a_trace_gives_the_rate() {
        let trace = Trace::parse("two a millisecond", "1\n1\n").unwrap();
        let link = Link::with_trace(trace, Duration::from_millis(10));
        assert_eq!((link.rate, link.bdp()), (Rate::mbit(24), 30_000));
    }
}
