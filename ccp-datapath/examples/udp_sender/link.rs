//! The emulated link: a bottleneck with a drop-tail queue, then the delay of the whole round trip.
//!
//! A thread takes packets from the sender and puts them on the loopback interface when their time has come. Times are
//! computed from when each packet was handed in, so that a late wake-up delays a packet but never slows the link.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::packet::{Data, OVERHEAD, PACKET_LEN};

/// What the link is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkConfig {
    /// Bits per second.
    pub(crate) rate: u64,
    /// Base round trip time. All of it lies on the way there; acknowledgements take no time.
    pub(crate) rtt: Duration,
    /// Packets that may wait.
    pub(crate) queue: usize,
    /// Share of packets lost at random, 0 to 1.
    pub(crate) loss: f64,
    /// Packets that find more than this many waiting get an ECN mark.
    pub(crate) ecn: Option<usize>,
}

/// Which packets get through and when, without any clock of its own.
pub(crate) struct Bottleneck {
    config: LinkConfig,
    /// When each packet that waits or is being sent will have left the queue.
    departures: VecDeque<Instant>,
    random: u64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Dropped,
    Arrives { at: Instant, ce: bool },
}

impl Bottleneck {
    pub(crate) fn new(config: LinkConfig) -> Self {
        Self { config, departures: VecDeque::new(), random: 0x9E37_79B9_7F4A_7C15 }
    }

    /// Takes in a packet of `len` bytes that reaches the queue `now`.
    pub(crate) fn enqueue(&mut self, len: usize, now: Instant) -> Fate {
        while self.departures.front().is_some_and(|leaves| *leaves <= now) {
            self.departures.pop_front();
        }
        // The packet being sent no longer waits.
        if self.departures.len() > self.config.queue {
            return Fate::Dropped;
        }
        let waiting = self.departures.len().saturating_sub(1);
        let start = self.departures.back().copied().unwrap_or(now);
        let leaves = start + Duration::from_nanos(len as u64 * 8_000_000_000 / self.config.rate);
        self.departures.push_back(leaves);
        // Behind the queue: a packet lost at random has taken its time on the link.
        if self.uniform() < self.config.loss {
            return Fate::Dropped;
        }
        let ce = self.config.ecn.is_some_and(|threshold| waiting > threshold);
        Fate::Arrives { at: leaves + self.config.rtt, ce }
    }

    /// A number from 0 to 1 (xorshift; the same in every run).
    fn uniform(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Carries packets until the sender hangs up.
pub(crate) fn run(
    config: LinkConfig,
    packets: &Receiver<(Instant, Data)>,
    socket: &UdpSocket,
    receiver: SocketAddr,
) {
    let mut bottleneck = Bottleneck::new(config);
    let mut under_way: VecDeque<(Instant, Data)> = VecDeque::new();
    let mut bytes = [0; PACKET_LEN];
    loop {
        let next = under_way.front().map(|(at, _)| *at);
        let wait = next.map_or(IDLE, |at| at.saturating_duration_since(Instant::now()));
        match packets.recv_timeout(wait) {
            Ok((handed_in, mut data)) => {
                if let Fate::Arrives { at, ce } =
                    bottleneck.enqueue(PACKET_LEN + OVERHEAD, handed_in)
                {
                    data.ce = ce;
                    under_way.push_back((at, data));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        while let Some((at, data)) = under_way.front()
            && *at <= now
        {
            data.write(&mut bytes);
            // What the loopback interface refuses is lost, as on any network.
            let _ = socket.send_to(&bytes, receiver);
            under_way.pop_front();
        }
    }
}

/// Wait at most this long when nothing is under way.
const IDLE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn link(queue: usize) -> Bottleneck {
        let rtt = Duration::from_millis(20);
        // 1500 bytes take 500 us.
        Bottleneck::new(LinkConfig { rate: 24_000_000, rtt, queue, loss: 0.0, ecn: Some(1) })
    }

    #[test]
    fn packets_leave_at_the_links_rate() {
        let (mut link, now) = (link(10), Instant::now());
        let us = Duration::from_micros;
        let at = |fate| match fate {
            Fate::Arrives { at, .. } => at - now,
            Fate::Dropped => Duration::ZERO,
        };
        assert_eq!(at(link.enqueue(1500, now)), us(20_500));
        assert_eq!(at(link.enqueue(1500, now)), us(21_000));
        assert_eq!(at(link.enqueue(1500, now + us(5_000))), us(25_500));
    }

    #[test]
    fn a_full_queue_drops_and_a_filling_one_marks() {
        let (mut link, now) = (link(3), Instant::now());
        let fates: Vec<_> = (0..5).map(|_| link.enqueue(1500, now)).collect();
        let ce = |fate: &Fate| matches!(fate, Fate::Arrives { ce: true, .. });
        assert_eq!(fates.iter().map(ce).collect::<Vec<_>>(), [false, false, false, true, false]);
        assert_eq!(fates[4], Fate::Dropped);
    }
}
