//! Finds a policer by its steady loss, and the bandwidth that it lets through.
//!
//! A token bucket passes a burst at the link's rate and then drops all above its own. Such intervals, from one loss to
//! another, show much loss and the same throughput again and again (`bbr_lt_bw_sampling` of `tcp_bbr.c`).

use super::UNIT;

/// What one report adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// The report's time, microseconds.
    pub now_us: u64,
    /// Whether a round ended.
    pub round: bool,
    /// Bytes delivered.
    pub delivered: u64,
    /// Bytes lost.
    pub lost: u64,
    /// Whether the application was the limit.
    pub app_limited: bool,
}

/// What a report led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Same,
    /// There is a policer: its bandwidth is to be used.
    Found,
    /// It has been followed long enough: probe again.
    Over,
}

/// The state of the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policer {
    sampling: bool,
    /// Bytes per second of the last interval, or the policer's; 0: none.
    bandwidth: u64,
    in_use: bool,
    rounds: u32,
    since_us: u64,
    delivered: u64,
    lost: u64,
}

impl Policer {
    /// Takes in a report. `probing`: whether the flow cruises, so that a policer's time may run out.
    pub fn on_report(&mut self, seen: &Interval, probing: bool) -> Verdict {
        self.delivered = self.delivered.saturating_add(seen.delivered);
        self.lost = self.lost.saturating_add(seen.lost);
        if self.in_use {
            if !(probing && seen.round) {
                return Verdict::Same;
            }
            self.rounds += 1;
            if self.rounds < FOLLOW_ROUNDS {
                return Verdict::Same;
            }
            self.reset(seen.now_us);
            return Verdict::Over;
        }
        if !self.sampling {
            // The first loss tells that the policer's tokens are used up.
            if seen.lost == 0 {
                return Verdict::Same;
            }
            self.begin(seen.now_us);
            self.sampling = true;
        }
        if seen.app_limited {
            self.reset(seen.now_us);
            return Verdict::Same;
        }
        self.rounds += u32::from(seen.round);
        if self.rounds < LEAST_ROUNDS {
            return Verdict::Same;
        }
        if self.rounds > 4 * LEAST_ROUNDS {
            // Too long without enough loss: no policer.
            self.reset(seen.now_us);
            return Verdict::Same;
        }
        let much =
            u128::from(self.lost) * u128::from(UNIT) >= LOSS_THRESHOLD * u128::from(self.delivered);
        let length = seen.now_us.saturating_sub(self.since_us);
        if seen.lost == 0 || self.delivered == 0 || !much || length < LEAST_US {
            return Verdict::Same;
        }
        let bandwidth = u128::from(self.delivered) * 1_000_000 / u128::from(length);
        self.end_interval(u64::try_from(bandwidth).unwrap_or(u64::MAX), seen.now_us)
    }

    /// Forgets everything.
    pub fn reset(&mut self, now_us: u64) {
        *self = Self { since_us: now_us, ..Self::default() };
    }

    /// The policer's bandwidth, bytes per second, while one is followed.
    pub fn bandwidth(&self) -> Option<u64> {
        self.in_use.then_some(self.bandwidth)
    }

    fn begin(&mut self, now_us: u64) {
        (self.since_us, self.rounds) = (now_us, 0);
        (self.delivered, self.lost) = (0, 0);
    }

    fn end_interval(&mut self, bandwidth: u64, now_us: u64) -> Verdict {
        let difference = bandwidth.abs_diff(self.bandwidth);
        let alike = u128::from(difference) * 8 <= u128::from(self.bandwidth)
            || difference <= LEAST_DIFFERENCE;
        if self.bandwidth > 0 && alike {
            self.bandwidth = self.bandwidth.midpoint(bandwidth);
            self.in_use = true;
            self.rounds = 0;
            return Verdict::Found;
        }
        self.bandwidth = bandwidth;
        self.begin(now_us);
        Verdict::Same
    }
}

/// Rounds of an interval at least; four times as many at most (`bbr_lt_intvl_min_rtts`).
const LEAST_ROUNDS: u32 = 4;

/// Loss in an interval, of 256 delivered, that makes it suspect (`bbr_lt_loss_thresh`).
const LOSS_THRESHOLD: u128 = 50;

/// Intervals whose bandwidths differ by less, or by less than an eighth, are alike: 4 kbit/s (`bbr_lt_bw_diff`,
/// `bbr_lt_bw_ratio`).
const LEAST_DIFFERENCE: u64 = 4_000 / 8;

/// Rounds for which a policer's bandwidth is used (`bbr_lt_bw_max_rtts`).
const FOLLOW_ROUNDS: u32 = 48;

/// Shorter intervals say nothing: the kernel counts milliseconds.
const LEAST_US: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A round of 20 ms that delivers `delivered` bytes and loses `lost`.
    fn round(n: u64, delivered: u64, lost: u64) -> Interval {
        Interval { now_us: n * 20_000, round: true, delivered, lost, app_limited: false }
    }

    fn run(
        rounds: u64,
        lost: impl Fn(u64) -> u64,
        delivered: impl Fn(u64) -> u64,
    ) -> (Policer, Option<u64>) {
        let mut policer = Policer::default();
        let mut found = None;
        for n in 1..=rounds {
            if policer.on_report(&round(n, delivered(n), lost(n)), true) == Verdict::Found
                && found.is_none()
            {
                found = Some(n);
            }
        }
        (policer, found)
    }

    #[test]
    fn two_intervals_alike_with_much_loss_are_a_policer() {
        let (policer, found) = run(12, |_| 3_000, |_| 10_000);
        assert_eq!(found, Some(8), "twice four rounds, with that of the first loss");
        assert_eq!(policer.bandwidth(), Some(500_000));
    }

    #[test]
    fn loss_below_a_fifth_is_no_policer() {
        assert_eq!(run(40, |_| 1_900, |_| 10_000).1, None);
        assert!(run(40, |_| 1_954, |_| 10_000).1.is_some());
    }

    #[test]
    fn intervals_that_differ_by_more_than_an_eighth_are_no_policer() {
        let doubling = |n: u64| 10_000 << (n / 4);
        assert_eq!(run(30, |n| doubling(n) / 2, doubling).1, None);
    }

    #[test]
    fn an_interval_of_more_than_sixteen_rounds_is_given_up() {
        let (policer, found) = run(17, |n| u64::from(n == 1) * 1_000, |_| 10_000);
        assert_eq!(found, None);
        assert_eq!(policer, Policer { since_us: 17 * 20_000, ..Policer::default() });
    }

    #[test]
    fn an_application_limit_ends_the_search() {
        let mut policer = Policer::default();
        for n in 1..=7 {
            policer.on_report(&round(n, 10_000, 3_000), true);
        }
        policer.on_report(&Interval { app_limited: true, ..round(8, 10_000, 3_000) }, true);
        assert_eq!(policer.on_report(&round(9, 10_000, 3_000), true), Verdict::Same);
        assert_eq!(policer.bandwidth(), None);
    }

    #[test]
    fn a_policer_is_followed_for_forty_eight_rounds() {
        let (mut policer, _) = run(8, |_| 3_000, |_| 10_000);
        for n in 9..56 {
            assert_eq!(policer.on_report(&round(n, 10_000, 0), true), Verdict::Same, "{n}");
        }
        assert_eq!(policer.on_report(&round(56, 10_000, 0), true), Verdict::Over);
        assert_eq!(policer.bandwidth(), None);
    }
}
