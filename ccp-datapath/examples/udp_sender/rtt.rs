//! Round trip time and retransmission timeout (RFC 6298, with the least timeout that operating systems use).

use std::time::Duration;

/// What is known of the round trip.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rtt {
    pub(crate) latest: Duration,
    pub(crate) smoothed: Option<Duration>,
    pub(crate) min: Option<Duration>,
    variation: Duration,
    /// Timeouts since the last sample: each doubles the next one.
    backoff: u32,
}

impl Rtt {
    pub(crate) fn sample(&mut self, rtt: Duration) {
        self.latest = rtt;
        self.backoff = 0;
        self.min = Some(self.min.map_or(rtt, |min| min.min(rtt)));
        match self.smoothed {
            None => {
                self.smoothed = Some(rtt);
                self.variation = rtt / 2;
            }
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(rtt)) / 4;
                self.smoothed = Some((smoothed * 7 + rtt) / 8);
            }
        }
    }

    pub(crate) fn timed_out(&mut self) {
        self.backoff = (self.backoff + 1).min(6);
    }

    /// The retransmission timeout.
    pub(crate) fn timeout(&self) -> Duration {
        let timeout = match self.smoothed {
            None => INITIAL_TIMEOUT,
            Some(smoothed) => (smoothed + 4 * self.variation).max(LEAST_TIMEOUT),
        };
        (timeout * 2_u32.pow(self.backoff)).min(MOST_TIMEOUT)
    }

    /// How long after a later packet was acknowledged an earlier one counts as lost (RFC 9002, section 6.1.2).
    pub(crate) fn loss_delay(&self) -> Duration {
        let rtt = self.smoothed.unwrap_or_default().max(self.latest);
        (rtt * 9 / 8).max(Duration::from_millis(1))
    }
}

/// RFC 6298, section 2.1.
const INITIAL_TIMEOUT: Duration = Duration::from_secs(1);
const LEAST_TIMEOUT: Duration = Duration::from_millis(200);
const MOST_TIMEOUT: Duration = Duration::from_secs(4);
