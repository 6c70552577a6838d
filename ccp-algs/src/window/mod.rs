//! What algorithms that set a window have in common: what they are told, what they answer, and how it travels.
//!
//! A [`WindowRule`] is one flow's state machine. [`Windowed`] makes an algorithm of the agent of it: it installs the
//! program `window.ccp`, turns each report into an [`Observed`], and sends the datapath what the rule decides.
//!
//! What must happen with each ACK, the datapath does: slow start and its end, one reduction a round carried out by
//! proportional rate reduction, the loss window after a timeout, taking a reduction back, and growth in avoidance at
//! the price that the rule names a round ahead. The rule follows, so that a word that arrives late undoes nothing.

mod agent;
mod controller;
mod hystart;
mod report_every;

use crate::factor::Factor;

pub use agent::{WindowFlow, Windowed};
pub use controller::{Controller, Law, Pause, Reduced, Signal, Span, UNLIMITED};
#[cfg(test)]
pub(crate) use hystart::PROGRAM;
pub use hystart::{HyStart, ParseHyStartError};
pub use report_every::{ParseReportEveryError, ReportEvery};

/// What the datapath saw since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The datapath's time at the report, microseconds.
    pub now_us: u64,
    /// Bytes by which the left edge moved.
    pub acked: u64,
    /// Bytes delivered, each counted once, in order or not.
    pub delivered: u64,
    /// Packets newly thought lost.
    pub lost: u64,
    /// ECN-marked packets.
    pub marked: u64,
    /// Whether a retransmission timeout fired.
    pub timeout: bool,
    /// The least RTT sample, microseconds; `None` without a sample.
    pub min_rtt_us: Option<u64>,
    /// The smoothed RTT, microseconds; `None` when the datapath does not say it.
    pub srtt_us: Option<u64>,
    /// Microseconds in which the sender had nothing to send and nothing in flight.
    pub idle_us: u64,
    /// Whether the last reduction was found to be for nothing.
    pub undone: bool,
    /// Most bytes in flight at any ACK, what it delivered included.
    pub flight: u64,
    /// What the datapath did by itself; `None` when it leaves everything to the rule. If it did, `acked` is what was
    /// acknowledged in congestion avoidance while the window was the limit.
    pub governed: Option<Governed>,
}

/// What a datapath did by itself with its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Governed {
    /// What made it report.
    pub event: Event,
    /// The window now, bytes.
    pub cwnd: u64,
    /// The window before the last reduction, bytes; 0 before the first.
    pub prior: u64,
    /// Bytes acknowledged that have not yet made a segment.
    pub credit: u64,
}

/// What made a datapath report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Event {
    /// Only time.
    #[default]
    None,
    /// A loss that is news: the window is being reduced.
    Loss,
    /// A mark that is news: the window is being reduced.
    Mark,
    /// A retransmission timeout.
    Timeout,
    /// The last reduction was found to be for nothing, and taken back.
    Undone,
    /// A reduction is done.
    Repaired,
    /// Slow start ended.
    SlowStartEnded,
}

impl Observed {
    /// Whether the window, and not the application, limited the sender, so that it may grow (RFC 9438 §5.8, RFC 7661;
    /// `tcp_is_cwnd_limited`): in slow start when more than half of it was in flight, otherwise when what was in flight
    /// came within one burst of it.
    pub fn window_limited(&self, cwnd: u64, slow_start: bool, mss: u64) -> bool {
        if slow_start {
            self.flight > cwnd / 2
        } else {
            self.flight.saturating_add(BURST_SEGMENTS * mss) > cwnd
        }
    }
}

/// How a flow starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Segment size, bytes; at least 1.
    pub mss: u64,
    /// Initial window, bytes; at least one segment.
    pub cwnd: u64,
}

impl Start {
    /// From what the datapath announced, where 0 means that it did not say: then segments are 536 bytes (RFC 9293
    /// §3.7.1) and the window is RFC 6928's.
    pub fn new(mss: u32, init_cwnd: u32) -> Self {
        let mss = if mss == 0 { DEFAULT_MSS } else { u64::from(mss) };
        let cwnd = if init_cwnd == 0 {
            (10 * mss).min((2 * mss).max(14_600))
        } else {
            u64::from(init_cwnd).max(mss)
        };
        Self { mss, cwnd }
    }
}

/// One flow's rule: pure, without clock or input and output.
pub trait WindowRule {
    /// Takes in what the datapath saw. Reports come in order; their time never goes back.
    fn on_report(&mut self, seen: &Observed);
    /// The window, bytes, at least one segment.
    fn cwnd(&self) -> u64;
    /// The slow start threshold, bytes.
    fn ssthresh(&self) -> u64;
    /// How often it has reduced the window so far.
    fn reductions(&self) -> u64;
    /// Bytes to be acknowledged for each segment that the window grows in congestion avoidance, until the next report;
    /// 0: a full window each.
    fn price(&self) -> u64;
}

/// A family of rules under one name: what starts one for each flow.
pub trait WindowAlg {
    /// The rule of one flow.
    type Rule: WindowRule;
    /// The name that datapaths and users know it by.
    const NAME: &'static str;
    /// Starts a flow.
    fn start(&self, start: Start) -> Self::Rule;
    /// What the datapath does by itself.
    fn settings(&self) -> Settings;
}

/// What a datapath needs to know of a rule to act by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What a loss leaves of the window.
    pub beta: Factor,
    /// What an ECN mark leaves of it.
    pub beta_ecn: Factor,
    /// How slow start ends before a loss does it.
    pub hystart: HyStart,
    /// Whether the transport spaces packets by itself, which HyStart must know.
    pub paced: bool,
}

/// The largest window that is ever wanted: 64 TiB, so that no arithmetic on it overflows, a datapath's included. What a datapath is told may
/// be less: libccp keeps windows in 32 bits.
pub const MAX_WINDOW: u64 = 1 << 46;

/// A sender may leave this many segments of its window unused between two bursts and still be limited by it (what
/// Linux lets a sender defer).
const BURST_SEGMENTS: u64 = 3;

/// What TCP assumes when nothing is known (RFC 9293 §3.7.1), bytes.
const DEFAULT_MSS: u64 = 536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_window_follows_rfc_6928_when_none_is_announced() {
        assert_eq!(Start::new(1448, 0).cwnd, 14_480);
        assert_eq!(Start::new(1500, 0).cwnd, 14_600);
        assert_eq!(Start::new(9000, 0).cwnd, 18_000);
        assert_eq!(Start::new(0, 0), Start { mss: 536, cwnd: 5_360 });
        assert_eq!(Start::new(1448, 28_960).cwnd, 28_960);
        assert_eq!(Start::new(1448, 1).cwnd, 1448);
    }

    #[test]
    fn limited_means_over_half_in_slow_start_and_within_a_burst_after() {
        let seen = |flight| Observed { flight, ..Observed::default() };
        assert!(seen(51).window_limited(100, true, 10));
        assert!(!seen(50).window_limited(100, true, 10));
        assert!(seen(71).window_limited(100, false, 10));
        assert!(!seen(70).window_limited(100, false, 10));
    }
}
