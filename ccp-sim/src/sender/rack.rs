//! When a transmission counts as lost: RACK's time-based rule (RFC 8985), with the reordering window as Linux sizes it.
//!
//! A transmission is lost once one that left after it has arrived and it has had a round trip and the reordering window
//! to do so itself. The window is nothing once three arrived ahead of a hole, or while a loss is repaired, unless the
//! path has been seen to reorder; then it is a quarter of the least round trip, more after retransmissions for nothing.

use super::rtt::RttEstimator;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rack {
    /// One more than the last transmission that has arrived, by order of leaving; 0: none yet.
    arrived: u64,
    /// How long that one took, nanoseconds.
    rtt_ns: u64,
    /// Whether a transmission has arrived after one that left later.
    reordering_seen: bool,
    /// The window in quarters of the least RTT.
    quarters: u64,
    /// Recoveries until the window is a single quarter again.
    persist: u32,
    /// The window does not grow again until this transmission has arrived: once a round trip.
    grown_until: u64,
}

impl Default for Rack {
    fn default() -> Self {
        Self {
            arrived: 0,
            rtt_ns: 0,
            reordering_seen: false,
            quarters: 1,
            persist: 0,
            grown_until: 0,
        }
    }
}

impl Rack {
    /// A transmission has arrived, after `rtt_ns`.
    pub(crate) fn on_arrival(&mut self, transmission: u64, rtt_ns: u64) {
        if transmission >= self.arrived {
            self.arrived = transmission + 1;
            self.rtt_ns = rtt_ns;
        }
    }

    /// One arrived that had been overtaken.
    pub(crate) fn on_reordering(&mut self) {
        self.reordering_seen = true;
    }

    /// One was taken to be lost that was not: more time for those to come (§6.2, step 4), once a round trip.
    /// `next_transmission` is the number of the next one to leave.
    pub(crate) fn on_spurious(&mut self, next_transmission: u64) {
        self.reordering_seen = true;
        self.persist = PERSIST_RECOVERIES;
        if self.arrived >= self.grown_until {
            self.quarters = (self.quarters + 1).min(MOST_QUARTERS);
            self.grown_until = next_transmission;
        }
    }

    pub(crate) fn on_recovery_over(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.quarters = 1;
        }
    }

    /// Whether one that left later has arrived.
    pub(crate) fn is_overtaken(&self, transmission: u64) -> bool {
        transmission + 1 < self.arrived
    }

    /// How long after it left an overtaken transmission counts as lost, nanoseconds. `sacked` is how many segments have
    /// arrived beyond the left edge, `repairing` whether a loss is being repaired.
    pub(crate) fn patience_ns(&self, rtt: &RttEstimator, sacked: u64, repairing: bool) -> u64 {
        if !self.reordering_seen && (repairing || sacked >= DUP_THRESHOLD) {
            return self.rtt_ns;
        }
        let window = (rtt.least_ns() / 4).saturating_mul(self.quarters);
        self.rtt_ns + window.min(rtt.smoothed_ns())
    }

    /// The round trip of the transmission that left last of those that have arrived, nanoseconds.
    pub(crate) fn rtt_ns(&self) -> u64 {
        self.rtt_ns
    }
}

/// So many must have arrived ahead of a hole for no reordering to be assumed (RFC 5681 §3.2; RFC 8985 §3.3.1).
const DUP_THRESHOLD: u64 = 3;

/// RFC 8985 §6.2: the larger window lasts for so many recoveries.
const PERSIST_RECOVERIES: u32 = 16;

/// Linux's bound; the smoothed RTT is the tighter one.
const MOST_QUARTERS: u64 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn rtt() -> RttEstimator {
        let mut rtt = RttEstimator::default();
        rtt.on_sample(40 * MS);
        rtt
    }

    #[test]
    fn reordering_is_given_a_quarter_of_the_least_rtt_until_three_have_overtaken() {
        let mut rack = Rack::default();
        rack.on_arrival(3, 40 * MS);
        assert!(rack.is_overtaken(2) && !rack.is_overtaken(3));
        assert_eq!(rack.patience_ns(&rtt(), 1, false), 50 * MS);
        assert_eq!(rack.patience_ns(&rtt(), 3, false), 40 * MS);
        assert_eq!(rack.patience_ns(&rtt(), 1, true), 40 * MS);
        rack.on_reordering();
        assert_eq!(rack.patience_ns(&rtt(), 3, true), 50 * MS);
    }

    #[test]
    fn each_round_trip_with_a_retransmission_for_nothing_adds_a_quarter_for_a_time() {
        let mut rack = Rack::default();
        rack.on_arrival(9, 40 * MS);
        rack.on_spurious(20);
        rack.on_spurious(20);
        assert_eq!(rack.patience_ns(&rtt(), 3, true), 60 * MS);
        rack.on_arrival(20, 40 * MS);
        rack.on_spurious(30);
        assert_eq!(rack.patience_ns(&rtt(), 3, true), 70 * MS);
        for _ in 0..16 {
            rack.on_recovery_over();
        }
        assert_eq!(rack.patience_ns(&rtt(), 3, true), 50 * MS);
        for round in 0..1000 {
            rack.on_arrival(30 + round, 40 * MS);
            rack.on_spurious(30 + round);
        }
        assert_eq!(rack.patience_ns(&rtt(), 3, true), 80 * MS, "an RTT at most");
    }
}
