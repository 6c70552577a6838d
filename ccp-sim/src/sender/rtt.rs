//! Round-trip time and retransmission timeout (RFC 6298, with Linux's bounds).

use core::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct RttEstimator {
    /// Nanoseconds; 0 before the first sample.
    smoothed: u64,
    variation: u64,
    least: u64,
    last: u64,
    /// How often the timeout has doubled since the last delivery.
    doubled: u32,
}

impl Default for RttEstimator {
    fn default() -> Self {
        Self { smoothed: 0, variation: 0, least: u64::MAX, last: 0, doubled: 0 }
    }
}

impl RttEstimator {
    /// Takes in a sample. Each names its transmission, so none is ambiguous (Karn).
    pub(crate) fn on_sample(&mut self, rtt_ns: u64) {
        self.least = self.least.min(rtt_ns);
        self.last = rtt_ns;
        self.doubled = 0;
        if self.smoothed == 0 {
            self.smoothed = rtt_ns;
            self.variation = rtt_ns / 2;
        } else {
            let off = self.smoothed.abs_diff(rtt_ns);
            self.variation = self.variation - self.variation / 4 + off / 4;
            self.smoothed = self.smoothed - self.smoothed / 8 + rtt_ns / 8;
        }
    }

    pub(crate) fn back_off(&mut self) {
        self.doubled = (self.doubled + 1).min(MAX_DOUBLED);
    }

    pub(crate) fn timeout(&self) -> Duration {
        let once = if self.smoothed == 0 {
            INITIAL_NS
        } else {
            self.smoothed + (4 * self.variation).max(LEAST_SLACK_NS)
        };
        Duration::from_nanos((once << self.doubled).min(MOST_NS))
    }

    /// The smoothed RTT, nanoseconds; 0 before the first sample.
    pub(crate) fn smoothed_ns(&self) -> u64 {
        self.smoothed
    }

    /// The last sample, nanoseconds; 0 before the first.
    pub(crate) fn last_ns(&self) -> u64 {
        self.last
    }

    /// The least RTT, nanoseconds; `u64::MAX` before the first sample.
    pub(crate) fn least_ns(&self) -> u64 {
        self.least
    }
}

/// Before the first sample (RFC 6298 §2.1).
const INITIAL_NS: u64 = 1_000_000_000;

/// What Linux adds to the RTT at least (`TCP_RTO_MIN`).
const LEAST_SLACK_NS: u64 = 200_000_000;

/// Linux's upper bound (`TCP_RTO_MAX`).
const MOST_NS: u64 = 120_000_000_000;

/// Enough for the upper bound, and far from overflow: RTTs here are below 2^40 ns.
const MAX_DOUBLED: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_a_second_at_first_and_then_the_rtt_and_its_slack() {
        let mut rtt = RttEstimator::default();
        assert_eq!(rtt.timeout(), Duration::from_secs(1));
        for _ in 0..100 {
            rtt.on_sample(20_000_000);
        }
        assert_eq!(rtt.timeout(), Duration::from_millis(220));
    }

    #[test]
    fn it_doubles_to_a_bound_until_something_arrives() {
        let mut rtt = RttEstimator::default();
        rtt.on_sample(100_000_000);
        let once = rtt.timeout();
        rtt.back_off();
        assert_eq!(rtt.timeout(), 2 * once);
        for _ in 0..100 {
            rtt.back_off();
        }
        assert_eq!(rtt.timeout(), Duration::from_secs(120));
        rtt.on_sample(100_000_000);
        assert!(rtt.timeout() <= once);
    }
}
