//! Reno: additive increase, halving on loss (RFC 5681, with RFC 6582's one reduction a round and RFC 3465's counting
//! of bytes).
//!
//! [`Reno`] is a plain state machine: it knows neither CCP nor clocks. [`RenoAlg`] is the same as an algorithm of the
//! agent. Growth is a function of the bytes acknowledged, so it does not matter how they were grouped into reports.
//!
//! Deviations from the RFCs, all as Linux has them: ssthresh comes from the window and not from what is in flight;
//! slow start grows by all bytes acknowledged, without RFC 3465's limit per ACK (a report has no ACKs); the state machine's
//! window goes straight to ssthresh, without RFC 6582's inflation during recovery. The datapath spreads the reduction
//! over a round (RFC 9937).

use crate::factor::Factor;
use crate::window::{
    Controller, HyStart, Law, MAX_WINDOW, Reduced, Settings, Signal, Span, Start, WindowAlg,
    Windowed,
};

/// Reno as an algorithm of the agent: `reno`.
pub type RenoAlg = Windowed<Config>;

/// The state of one flow.
pub type Reno = Controller<Additive>;

/// Parameters of [`Reno`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What a loss leaves of the window.
    pub beta: Factor,
    /// What an ECN mark leaves of it: as a loss, or more (RFC 8511 §3: 0.8).
    pub beta_ecn: Factor,
    /// How slow start ends before a loss does it.
    pub hystart: HyStart,
    /// Whether the transport spaces packets by itself, which HyStart must know: it cannot be seen in ACKs.
    pub paced: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { beta: Factor::HALF, beta_ecn: Factor::HALF, hystart: HyStart::Off, paced: false }
    }
}

impl WindowAlg for Config {
    type Rule = Reno;
    const NAME: &'static str = "reno";

    fn start(&self, start: Start) -> Reno {
        Reno::with(self.clone(), start)
    }

    fn settings(&self) -> Settings {
        let Self { beta, beta_ecn, hystart, paced } = *self;
        Settings { beta, beta_ecn, hystart, paced }
    }
}

impl Reno {
    /// Starts in slow start, with no threshold and the defaults.
    pub fn new(start: Start) -> Self {
        Self::with(Config::default(), start)
    }

    /// Starts in slow start, with no threshold.
    pub fn with(config: Config, start: Start) -> Self {
        let law = Additive { config, mss: start.mss, carried: 0 };
        Self::under(law, start)
    }

    /// Bytes acknowledged since the window last grew by congestion avoidance.
    pub fn carried(&self) -> u64 {
        self.law.carried
    }
}

/// One segment for each full window acknowledged; a fixed part of the window stays after a loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Additive {
    config: Config,
    /// Segment size, bytes; at least 1.
    mss: u64,
    /// Bytes acknowledged that have not yet made a segment; less than the window.
    carried: u64,
}

impl Law for Additive {
    /// Congestion avoidance by counting bytes (RFC 3465 §2.1): each full window of them adds one segment.
    fn avoid(&mut self, cwnd: u64, span: &Span) -> u64 {
        let total = self.carried.saturating_add(span.acked);
        let segments = segments_from(total, cwnd, self.mss);
        // What `segments` segments cost: the window, then the window and one segment, and so on. Within `total`.
        let cost = u128::from(segments) * u128::from(cwnd)
            + u128::from(self.mss) * u128::from(segments) * u128::from(segments.saturating_sub(1))
                / 2;
        self.carried = total - u64::try_from(cost).unwrap_or(total).min(total);
        cwnd.saturating_add(segments.saturating_mul(self.mss))
    }

    /// RFC 5681 §3.1, equation 4, from the window as Linux does; RFC 8511 for marks.
    fn reduce(&mut self, cwnd: u64, signal: Signal) -> Reduced {
        self.carried = 0;
        let beta = match signal {
            Signal::Loss | Signal::Timeout => self.config.beta,
            Signal::Mark => self.config.beta_ecn,
        };
        let ssthresh = beta.of(cwnd).max(MIN_SSTHRESH_SEGMENTS * self.mss);
        Reduced { cwnd: ssthresh, ssthresh }
    }

    fn time_out(&mut self) {
        self.carried = 0;
    }

    /// A segment for each full window: the datapath needs no word for that.
    fn price(&self, _: u64, _: &Span) -> u64 {
        0
    }
}

/// How many segments `total` acknowledged bytes add to a window of `cwnd`: the largest n with
/// n·cwnd + mss·n(n − 1)/2 ≤ total. Solved, not counted up: a report may claim any number of bytes.
fn segments_from(total: u64, cwnd: u64, mss: u64) -> u64 {
    let cwnd = cwnd.max(1);
    if total < cwnd {
        return 0;
    }
    let (total, cwnd, mss) =
        (i128::from(total), i128::from(cwnd.min(MAX_WINDOW)), i128::from(mss.max(1)));
    let b = 2 * cwnd - mss;
    // Below 2^120: the window is below 2^48, a segment below 2^32, the total below 2^64.
    let n = ((b * b + 8 * mss * total).isqrt() - b) / (2 * mss);
    u64::try_from(n).unwrap_or(0)
}

/// The least threshold, in segments (RFC 5681 §3.1, equation 4).
const MIN_SSTHRESH_SEGMENTS: u64 = 2;

#[cfg(test)]
mod tests;
