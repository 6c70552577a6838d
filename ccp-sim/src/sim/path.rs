//! The way after the bottleneck, and the way back.

use core::time::Duration;

use rand_core::Rng as _;
use rand_pcg::Pcg64;

use crate::link::{Link, below};
use crate::time::Time;

/// One direction of a flow's path: a delay that keeps the order of packets even when it changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    delay: Duration,
    last: Time,
}

impl Line {
    pub(crate) fn new(delay: Duration) -> Self {
        Self { delay, last: Time::ZERO }
    }

    pub(crate) fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    /// When a packet arrives that leaves now and takes `more` than others; never before one that left earlier.
    pub(crate) fn arrival(&mut self, now: Time, more: Duration) -> Time {
        self.last = self.last.max(now + self.delay + more);
        self.last
    }

    /// When one arrives that others may overtake.
    fn late_arrival(&self, now: Time, more: Duration) -> Time {
        now + self.delay + more
    }
}

/// What varies of it.
#[derive(Debug)]
pub(crate) struct Path {
    rng: Pcg64,
    jitter_ns: u64,
    /// A packet is late by so much when the next random number is below that.
    late_below: u128,
    late_by: Duration,
}

impl Path {
    pub(crate) fn new(link: &Link, rng: Pcg64) -> Self {
        let (probability, late_by) =
            link.reordering.map_or((0.0, Duration::ZERO), |late| (late.probability, late.delay));
        Self {
            rng,
            jitter_ns: u64::try_from(link.jitter.as_nanos()).unwrap_or(u64::MAX),
            late_below: below(probability),
            late_by,
        }
    }

    /// When a packet arrives that leaves the bottleneck now.
    pub(crate) fn arrival(&mut self, line: &mut Line, now: Time) -> Time {
        let jitter = match self.jitter_ns {
            0 => Duration::ZERO,
            most => {
                let scaled = u128::from(self.rng.next_u64()) * (u128::from(most) + 1);
                Duration::from_nanos((scaled >> 64) as u64)
            }
        };
        if self.late_below > 0 && u128::from(self.rng.next_u64()) < self.late_below {
            return line.late_arrival(now, jitter + self.late_by);
        }
        line.arrival(now, jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rate;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn jitter_varies_the_delay_and_keeps_the_order() {
        let link = Link::new(Rate::mbit(1), 20 * MS).jitter(4 * MS);
        let mut path = Path::new(&link, Pcg64::new(1, 2));
        let mut line = Line::new(10 * MS);
        let mut last = Time::ZERO;
        let mut sum = 0;
        for n in 0..1000 {
            let now = Time::from(n * 5 * MS);
            let at = path.arrival(&mut line, now);
            assert!(at >= last && at >= now + 10 * MS && at <= now + 14 * MS);
            sum += at.since(now);
            last = at;
        }
        let mean = Duration::from_nanos(sum / 1000);
        assert!((11_800..12_200).contains(&mean.as_micros()), "{mean:?}");
    }

    #[test]
    fn some_packets_are_overtaken() {
        let link = Link::new(Rate::mbit(1), 20 * MS).reordering(0.1, 5 * MS);
        let mut path = Path::new(&link, Pcg64::new(1, 2));
        let mut line = Line::new(10 * MS);
        let mut late = 0;
        for n in 0..1000 {
            let now = Time::from(n * MS);
            let delay = path.arrival(&mut line, now).since(now);
            late += u64::from(delay == 15_000_000);
            assert!(delay == 10_000_000 || delay == 15_000_000);
        }
        assert!((70..130).contains(&late), "{late}");
    }

    #[test]
    fn a_shorter_delay_lets_nothing_overtake() {
        let mut line = Line::new(10 * MS);
        assert_eq!(line.arrival(Time::ZERO, Duration::ZERO), Time::from(10 * MS));
        line.set_delay(MS);
        assert_eq!(line.arrival(Time::from(2 * MS), Duration::ZERO), Time::from(10 * MS));
        assert_eq!(line.arrival(Time::from(20 * MS), Duration::ZERO), Time::from(21 * MS));
    }
}
