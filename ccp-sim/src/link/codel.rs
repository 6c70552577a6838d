//! CoDel (RFC 8289): drops or marks at the head when packets have waited too long for too long.

use core::time::Duration;

use crate::time::Time;

/// What becomes of a packet at the head of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// It is to be dropped, or marked if it may be.
    Hit,
}

#[derive(Clone, Debug)]
pub(crate) struct Codel {
    target: Duration,
    interval: Duration,
    /// When waiting will have been too long for an interval; `None`: it is not.
    first_above: Option<Time>,
    dropping: bool,
    drop_next: Time,
    count: u64,
    last_count: u64,
}

impl Codel {
    pub(crate) fn new(target: Duration, interval: Duration) -> Self {
        Self {
            target,
            interval,
            first_above: None,
            dropping: false,
            drop_next: Time::ZERO,
            count: 0,
            last_count: 0,
        }
    }

    /// The queue is empty.
    pub(crate) fn on_empty(&mut self) {
        self.first_above = None;
        self.dropping = false;
    }

    /// Judges the packet at the head, which came at `arrived`. `backlogged`: more than one full packet waits behind it.
    pub(crate) fn judge(&mut self, arrived: Time, backlogged: bool, now: Time) -> Verdict {
        if !self.is_late(arrived, backlogged, now) {
            self.dropping = false;
            return Verdict::Pass;
        }
        if self.dropping {
            if now < self.drop_next {
                return Verdict::Pass;
            }
            self.count += 1;
            self.drop_next = self.after(self.drop_next);
            return Verdict::Hit;
        }
        // It was dropping not long ago: go on about where that ended (§5.4).
        let delta = self.count - self.last_count;
        let recent = now.since(self.drop_next) < nanos(self.interval).saturating_mul(16);
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.last_count = self.count;
        self.dropping = true;
        self.drop_next = self.after(now);
        Verdict::Hit
    }

    fn is_late(&mut self, arrived: Time, backlogged: bool, now: Time) -> bool {
        if now.since(arrived) < nanos(self.target) || !backlogged {
            self.first_above = None;
            return false;
        }
        let first_above = *self.first_above.get_or_insert(now + self.interval);
        now >= first_above
    }

    /// The control law: an interval over the square root of the drops.
    fn after(&self, time: Time) -> Time {
        let square = self.interval.as_nanos().saturating_mul(self.interval.as_nanos());
        let step = (square / u128::from(self.count.max(1))).isqrt();
        time + Duration::from_nanos(u64::try_from(step).unwrap_or(u64::MAX))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codel() -> Codel {
        Codel::new(Duration::from_millis(5), Duration::from_millis(100))
    }

    fn ms(ms: u64) -> Time {
        Time::from_micros(1000 * ms)
    }

    /// Packets that have all waited 20 ms leave each millisecond; when were they hit?
    fn hits(codel: &mut Codel, from: u64, to: u64) -> Vec<u64> {
        (from..to).filter(|now| codel.judge(ms(now - 20), true, ms(*now)) == Verdict::Hit).collect()
    }

    #[test]
    fn it_hits_after_an_interval_and_then_ever_faster() {
        // 100 ms, 100/√2 ms, 100/√3 ms, 100/√4 ms … between.
        assert_eq!(hits(&mut codel(), 20, 500), [120, 220, 291, 349, 399, 444, 484]);
    }

    #[test]
    fn a_short_wait_ends_it_and_it_remembers_how_hard_it_hit() {
        let mut codel = codel();
        hits(&mut codel, 20, 400);
        assert_eq!(codel.judge(ms(399), true, ms(400)), Verdict::Pass);
        let again = hits(&mut codel, 401, 700);
        assert_eq!(again[0], 501);
        assert!(again[1] - again[0] < 60, "{again:?}");
    }

    #[test]
    fn a_single_packet_is_never_hit() {
        let mut codel = codel();
        for now in 1000..2000 {
            assert_eq!(codel.judge(ms(0), false, ms(now)), Verdict::Pass);
        }
    }
}
