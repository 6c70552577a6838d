//! The two filters of the path model: a maximum over rounds and a minimum over time.

use std::collections::VecDeque;

/// The largest of the samples of the last rounds, exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaxOverRounds {
    /// Round and value; rounds rise and values fall from front to back.
    samples: VecDeque<(u64, u64)>,
}

impl MaxOverRounds {
    /// Takes in a sample of `round`. Rounds never go back.
    pub fn push(&mut self, round: u64, value: u64) {
        while self.samples.back().is_some_and(|&(_, last)| last <= value) {
            self.samples.pop_back();
        }
        self.samples.push_back((round, value));
    }

    /// Forgets what is more than `window` rounds older than `round`.
    pub fn expire(&mut self, round: u64, window: u64) {
        // The newest stays: to know something old is better than to know nothing.
        while self.samples.len() > 1
            && (self.samples.front()).is_some_and(|&(at, _)| round.saturating_sub(at) > window)
        {
            self.samples.pop_front();
        }
    }

    /// The largest sample; 0 before the first.
    pub fn max(&self) -> u64 {
        self.samples.front().map_or(0, |&(_, value)| value)
    }
}

/// The least round-trip time and when it was found: a sample replaces it that is lower, or any once it is old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinOverTime {
    value_us: Option<u64>,
    /// When it was found, or last confirmed, microseconds.
    stamp_us: u64,
}

impl MinOverTime {
    /// Whether the value is more than `window_us` old, or there is none yet but time has passed as long.
    pub fn is_expired(&self, now_us: u64, window_us: u64) -> bool {
        now_us > self.stamp_us.saturating_add(window_us)
    }

    /// Takes in a sample.
    pub fn push(&mut self, now_us: u64, sample_us: u64, window_us: u64) {
        let lower = self.value_us.is_none_or(|value| sample_us < value);
        if lower || self.is_expired(now_us, window_us) {
            self.value_us = Some(sample_us);
            self.stamp_us = now_us;
        }
    }

    /// Counts the age from now on.
    pub fn confirm(&mut self, now_us: u64) {
        self.stamp_us = now_us;
    }

    /// Microseconds; `None` before the first sample.
    pub fn value_us(&self) -> Option<u64> {
        self.value_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maximum_lasts_for_its_window_of_rounds_and_then_gives_way_to_the_next() {
        let mut filter = MaxOverRounds::default();
        filter.push(1, 100);
        for round in 2..=11 {
            filter.push(round, 50 + round);
            filter.expire(round, 10);
            assert_eq!(filter.max(), 100, "round {round}");
        }
        filter.expire(12, 10);
        assert_eq!(filter.max(), 61);
    }

    #[test]
    fn the_maximum_is_exact_for_any_order_of_samples() {
        let mut filter = MaxOverRounds::default();
        let samples: Vec<u64> = (0..400u64).map(|n| n.wrapping_mul(2_654_435_761) % 97).collect();
        for (round, &sample) in (0u64..).zip(&samples) {
            filter.push(round, sample);
            filter.expire(round, 10);
            let from = (round as usize).saturating_sub(10);
            let exact = samples[from..=round as usize].iter().max();
            assert_eq!(Some(&filter.max()), exact);
        }
    }

    #[test]
    fn the_last_sample_is_kept_however_old() {
        let mut filter = MaxOverRounds::default();
        filter.push(1, 7);
        filter.expire(1_000, 10);
        assert_eq!(filter.max(), 7);
    }

    #[test]
    fn the_minimum_gives_way_to_lower_samples_and_when_old_to_any() {
        let mut filter = MinOverTime::default();
        filter.push(5, 20, 100);
        filter.push(6, 20, 100);
        filter.push(7, 30, 100);
        assert_eq!(filter.value_us(), Some(20));
        assert!(!filter.is_expired(105, 100), "an equal sample is no news");
        assert!(filter.is_expired(106, 100));
        filter.push(106, 30, 100);
        assert_eq!(filter.value_us(), Some(30));
        assert!(!filter.is_expired(206, 100));
        filter.push(107, 10, 100);
        assert_eq!(filter.value_us(), Some(10));
        filter.confirm(150);
        assert!(!filter.is_expired(250, 100));
    }
}
