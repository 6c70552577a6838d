//! A distribution of times, in little room however many there are.

use core::time::Duration;

/// Counts times in nanoseconds, each octave in 128 steps: a quantile is right to 1 %, the mean exactly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    /// Few enough fit, and there is one of these a flow.
    counts: Vec<u32>,
    count: u64,
    sum: u128,
}

impl Histogram {
    pub(crate) fn add(&mut self, nanos: u64) {
        let index = index_of(nanos);
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] = self.counts[index].saturating_add(1);
        self.count += 1;
        self.sum += u128::from(nanos);
    }

    pub(crate) fn mean(&self) -> Duration {
        let mean = self.sum.checked_div(u128::from(self.count)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The least time that `percent` in a hundred do not exceed, to the precision of the steps; 0 if there are none.
    pub(crate) fn percentile(&self, percent: u32) -> Duration {
        let wanted = (u128::from(self.count) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= wanted && seen > 0 {
                return Duration::from_nanos(lower_bound(index));
            }
        }
        Duration::ZERO
    }
}

fn index_of(nanos: u64) -> usize {
    let octave = (u64::BITS - nanos.leading_zeros()).saturating_sub(STEP_BITS + 1);
    ((u64::from(octave) << STEP_BITS) + (nanos >> octave)) as usize
}

fn lower_bound(index: usize) -> u64 {
    let index = index as u64;
    let octave = (index >> STEP_BITS).saturating_sub(1);
    (index - (octave << STEP_BITS)) << octave
}

/// 128 steps an octave.
const STEP_BITS: u32 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_falls_into_a_step_no_wider_than_one_percent() {
        for nanos in (0..10_000)
            .chain((10..64).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1]))
        {
            let low = lower_bound(index_of(nanos));
            assert!(low <= nanos, "{nanos} in the step from {low}");
            assert!(nanos - low <= nanos / 100, "{nanos} in the step from {low}");
        }
    }

    #[test]
    fn mean_and_percentiles_are_those_of_the_times() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.mean(), histogram.percentile(95)), (Duration::ZERO, Duration::ZERO));
        for nanos in 1..=100 {
            histogram.add(nanos);
        }
        assert_eq!(histogram.mean(), Duration::from_nanos(50));
        assert_eq!(histogram.percentile(95), Duration::from_nanos(95));
        assert_eq!(histogram.percentile(0), Duration::from_nanos(1));
    }
}
