//! Traffic that listens to nobody.

use core::time::Duration;

use crate::Rate;
use crate::packet::Packet;
use crate::results::CrossResults;
use crate::time::Time;

/// Packets that come to the bottleneck at a set rate, whatever becomes of them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cross {
    /// How much comes, headers included.
    pub rate: Rate,
    /// Bytes of a packet, headers included; 1 to 65535.
    pub packet: u32,
    /// When it begins.
    pub start: Duration,
    /// When it ends; `None`: never.
    pub stop: Option<Duration>,
    /// It comes for so long, and then stays away for so long, over and over; `None`: it never stays away.
    pub on_off: Option<(Duration, Duration)>,
}

impl Cross {
    /// Packets of 1500 bytes at this rate, from the start on.
    pub fn new(rate: Rate) -> Self {
        Self { rate, packet: 1500, start: Duration::ZERO, stop: None, on_off: None }
    }

    /// Sets how large packets are.
    pub fn packet(mut self, bytes: u32) -> Self {
        self.packet = bytes;
        self
    }

    /// Sets when it begins.
    pub fn start(mut self, at: Duration) -> Self {
        self.start = at;
        self
    }

    /// Sets when it ends.
    pub fn stop(mut self, at: Duration) -> Self {
        self.stop = Some(at);
        self
    }

    /// Lets it come for `on` and stay away for `off`, over and over.
    pub fn on_off(mut self, on: Duration, off: Duration) -> Self {
        self.on_off = Some((on, off));
        self
    }
}

/// Cross traffic under way.
#[derive(Debug)]
pub(crate) struct CrossState {
    config: Cross,
    /// Its number among all that send.
    id: u32,
    /// Packets sent.
    sent: u64,
    counted: Counted,
}

/// What became of its packets since counting began.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    through: u64,
    wire_bytes: u64,
    dropped: u64,
    lost: u64,
}

impl CrossState {
    pub(crate) fn new(config: &Cross, id: u32) -> Self {
        Self { config: config.clone(), id, sent: 0, counted: Counted::default() }
    }

    /// When the next packet comes; `None`: no more.
    pub(crate) fn next_at(&self) -> Option<Time> {
        let busy =
            self.config.rate.time_for(u128::from(self.sent) * u128::from(self.config.packet));
        let since_start = match self.config.on_off {
            Some((on, off)) if !on.is_zero() => {
                let rounds = u32::try_from(busy.as_nanos() / on.as_nanos()).unwrap_or(u32::MAX);
                busy.saturating_add(off.saturating_mul(rounds))
            }
            Some(_) => return None,
            None => busy,
        };
        let at = self.config.start.saturating_add(since_start);
        let over = self.config.stop.is_some_and(|stop| at >= stop);
        (!over).then(|| Time::from(at))
    }

    /// Starts counting anew.
    pub(crate) fn begin_counting(&mut self) {
        self.counted = Counted::default();
    }

    pub(crate) fn count_through(&mut self, wire_len: u32) {
        self.counted.through += 1;
        self.counted.wire_bytes += u64::from(wire_len);
    }

    pub(crate) fn count_dropped(&mut self) {
        self.counted.dropped += 1;
    }

    pub(crate) fn count_lost(&mut self) {
        self.counted.lost += 1;
    }

    /// What became of it in the `time` that counted. What part of the link that is must be added.
    pub(crate) fn results(&self, time: Duration) -> CrossResults {
        let Counted { through, wire_bytes, dropped, lost } = self.counted;
        let throughput =
            if time.is_zero() { 0.0 } else { wire_bytes as f64 * 8.0 / time.as_secs_f64() };
        CrossResults { throughput, utilisation: 0.0, wire_bytes, through, dropped, lost }
    }

    pub(crate) fn send(&mut self, now: Time) -> Packet {
        let number = self.sent;
        self.sent += 1;
        Packet {
            flow: self.id,
            segment: number,
            transmission: number,
            wire_len: self.config.packet,
            sent_at: now,
            ecn: false,
            marked: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cross: &Cross, packets: usize) -> Vec<u64> {
        let mut state = CrossState::new(cross, 0);
        core::iter::from_fn(|| {
            let at = state.next_at()?;
            state.send(at);
            Some(at.as_nanos() / 1000)
        })
        .take(packets)
        .collect()
    }

    #[test]
    fn packets_come_evenly_and_rounding_never_adds_up() {
        let cross = Cross::new(Rate::mbit(7)).start(Duration::from_millis(1));
        assert_eq!(times(&cross, 3), [1000, 2714, 4428]);
        assert_eq!(times(&cross, 701)[700], 1000 + 1_200_000);
        let ending = cross.stop(Duration::from_millis(5));
        assert_eq!(times(&ending, 10).len(), 3);
    }

    #[test]
    fn it_comes_and_goes() {
        let ms = Duration::from_millis;
        let cross = Cross::new(Rate::mbit(12)).on_off(ms(2), ms(10));
        assert_eq!(times(&cross, 5), [0, 1000, 12_000, 13_000, 24_000]);
        assert_eq!(times(&cross.on_off(ms(0), ms(10)), 5), []);
    }
}
