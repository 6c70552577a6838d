//! Reno: additive increase, halving on loss (RFC 5681, with RFC 6582's one reduction a round and RFC 3465's counting
//! of bytes).
//!
//! [`Reno`] is a plain state machine: it knows neither CCP nor clocks. [`RenoAlg`] is the same as an algorithm of the
//! agent. Growth is a function of the bytes acknowledged, so it does not matter how they were grouped into reports.
//!
//! Deviations from the RFCs, all as Linux has them: ssthresh comes from the window and not from what is in flight;
//! slow start grows by all bytes acknowledged, without RFC 3465's limit per ACK (a report has no ACKs); the window goes
//! straight to ssthresh, without RFC 6582's inflation during recovery (the transport counts what is in flight).

use crate::recovery::{Cause, Recovery};
use crate::window::{MAX_WINDOW, Observed, Start, WindowAlg, WindowRule, Windowed};

/// Reno as an algorithm of the agent: `reno`.
pub type RenoAlg = Windowed<Config>;

/// Parameters of [`Reno`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {}

impl WindowAlg for Config {
    type Rule = Reno;
    const NAME: &'static str = "reno";

    fn start(&self, start: Start) -> Reno {
        Reno::new(start)
    }
}

/// The state of one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reno {
    /// Segment size, bytes; at least 1.
    mss: u64,
    /// Congestion window, bytes.
    cwnd: u64,
    /// Slow start threshold, bytes; [`UNLIMITED`] until the first reduction.
    ssthresh: u64,
    /// Bytes acknowledged in congestion avoidance that have not yet made a segment; less than `cwnd`.
    carried: u64,
    recovery: Recovery,
    /// Halvings and timeouts so far.
    reductions: u64,
}

impl Reno {
    /// Starts in slow start, with no threshold.
    pub fn new(start: Start) -> Self {
        Self {
            mss: start.mss,
            cwnd: start.cwnd,
            ssthresh: UNLIMITED,
            carried: 0,
            recovery: Recovery::default(),
            reductions: 0,
        }
    }

    /// Bytes acknowledged since the window last grew by congestion avoidance.
    pub fn carried(&self) -> u64 {
        self.carried
    }

    /// Whether the window grows by slow start.
    pub fn in_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// Whether a reduction is being repaired, so that more losses are no news.
    pub fn in_recovery(&self) -> bool {
        self.recovery.cause().is_some()
    }

    fn grow(&mut self, seen: &Observed, acked: u64) {
        let limited = seen.window_limited(self.cwnd, self.in_slow_start(), self.mss);
        let rest = if !self.in_slow_start() {
            acked
        } else if let Some(grown) = seen.grown {
            // The datapath did this growth, ACK by ACK, up to the threshold; what it left is for avoidance.
            self.cwnd = self.cwnd.max(grown).min(self.ssthresh).min(MAX_WINDOW);
            acked
        } else if limited {
            let up = acked
                .min(self.ssthresh - self.cwnd)
                .min(MAX_WINDOW.saturating_sub(self.cwnd));
            self.cwnd += up;
            acked - up
        } else {
            0
        };
        if limited && !self.in_slow_start() {
            self.avoid(rest);
        }
    }

    /// Congestion avoidance by counting bytes (RFC 3465 §2.1): each full window of them adds one segment.
    fn avoid(&mut self, acked: u64) {
        let total = self.carried.saturating_add(acked);
        let segments = segments_from(total, self.cwnd, self.mss);
        // What `segments` segments cost: the window, then the window and one segment, and so on. Within `total`.
        let cost = u128::from(segments) * u128::from(self.cwnd)
            + u128::from(self.mss) * u128::from(segments) * u128::from(segments.saturating_sub(1))
                / 2;
        self.carried = total - u64::try_from(cost).unwrap_or(total).min(total);
        self.cwnd = self
            .cwnd
            .saturating_add(segments.saturating_mul(self.mss))
            .min(MAX_WINDOW);
    }

    /// The threshold after a reduction (RFC 5681 §3.1, equation 4, from the window as Linux does).
    fn halved(&self) -> u64 {
        (self.cwnd / 2).max(MIN_SSTHRESH_SEGMENTS * self.mss)
    }
}

impl WindowRule for Reno {
    fn on_report(&mut self, seen: &Observed) {
        let before = self.recovery.cause();
        let after_repair = self.recovery.on_delivered(seen.delivered);
        // Nothing grows while a loss is repaired; after a timeout slow start goes on.
        let acked = match before {
            Some(Cause::Loss) => seen.acked.min(after_repair),
            Some(Cause::Timeout) | None => seen.acked,
        };
        self.grow(seen, acked);

        let flight = seen
            .flight
            .saturating_add(seen.lost.saturating_mul(self.mss));
        let event = flight.saturating_add(DUP_THRESHOLD_SEGMENTS * self.mss);
        if seen.timeout {
            // Within a recovery the threshold was already cut for this data (RFC 5681 §3.1, `tcp_enter_loss`).
            if self.recovery.cause().is_none() {
                self.ssthresh = self.halved();
            }
            self.recovery.begin(Cause::Timeout, event.max(self.cwnd));
            self.cwnd = LOSS_WINDOW_SEGMENTS * self.mss;
            self.carried = 0;
            self.reductions += 1;
        } else if (seen.lost > 0 || seen.marked > 0) && self.recovery.cause().is_none() {
            self.ssthresh = self.halved();
            self.recovery.begin(Cause::Loss, event);
            self.cwnd = self.ssthresh;
            self.carried = 0;
            self.reductions += 1;
        }
    }

    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn ssthresh(&self) -> u64 {
        self.ssthresh
    }

    fn reductions(&self) -> u64 {
        self.reductions
    }

    fn in_slow_start(&self) -> bool {
        self.in_slow_start()
    }
}

/// How many segments `total` acknowledged bytes add to a window of `cwnd`: the largest n with
/// n·cwnd + mss·n(n − 1)/2 ≤ total. Solved, not counted up: a report may claim any number of bytes.
fn segments_from(total: u64, cwnd: u64, mss: u64) -> u64 {
    let cwnd = cwnd.max(1);
    if total < cwnd {
        return 0;
    }
    let (total, cwnd, mss) = (
        i128::from(total),
        i128::from(cwnd.min(MAX_WINDOW)),
        i128::from(mss.max(1)),
    );
    let b = 2 * cwnd - mss;
    // Below 2^100: the window and a segment are below 2^32, the total below 2^64.
    let n = ((b * b + 8 * mss * total).isqrt() - b) / (2 * mss);
    u64::try_from(n).unwrap_or(0)
}

/// No threshold yet: larger than any window.
pub const UNLIMITED: u64 = MAX_WINDOW;

/// The window after a retransmission timeout, in segments (RFC 5681 §3.1, loss window).
const LOSS_WINDOW_SEGMENTS: u64 = 1;

/// A packet counts as lost once so many later ones have arrived (RFC 5681 §3.2): if the last one in flight at a
/// reduction is lost, that is found only so much later, and is still the same event.
const DUP_THRESHOLD_SEGMENTS: u64 = 3;

/// The least threshold, in segments (RFC 5681 §3.1, equation 4).
const MIN_SSTHRESH_SEGMENTS: u64 = 2;

#[cfg(test)]
mod tests;
