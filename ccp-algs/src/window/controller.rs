//! What every window-based algorithm does alike: slow start, one reduction a round, timeouts, undoing.
//!
//! What differs is a [`Law`]: how the window grows in congestion avoidance, and by how much it is reduced.

use super::{Event, Governed, MAX_WINDOW, Observed, Start, WindowRule};
use crate::recovery::{Cause, Recovery};

/// How a window grows in congestion avoidance and what a reduction leaves of it.
pub trait Law: Clone {
    /// The window after `span`, in which the window was the limit: bytes, never less than `cwnd`. What does not yet
    /// make a byte or a segment is carried.
    fn avoid(&mut self, cwnd: u64, span: &Span) -> u64;
    /// Takes in that `cwnd` is being reduced for `signal`.
    fn reduce(&mut self, cwnd: u64, signal: Signal) -> Reduced;
    /// Slow start ended at `cwnd` without a loss.
    fn leave_slow_start(&mut self, _cwnd: u64) {}
    /// Takes in the round trips of a span in which nothing grew by [`avoid`](Self::avoid).
    fn sample_rtt(&mut self, _span: &Span) {}
    /// A retransmission timeout fired; the threshold has been reduced for it, or before for the same data.
    fn time_out(&mut self) {}
    /// So many microseconds were a pause.
    fn pass(&mut self, _us: u64, _pause: Pause) {}
    /// Bytes to be acknowledged for each segment that a window of `cwnd` grows in the span `next`; 0: a window each.
    fn price(&self, cwnd: u64, next: &Span) -> u64;
    /// The last reduction was for nothing; `before` is this law as it was then.
    fn undo(&mut self, before: Self) {
        *self = before;
    }
}

/// A time in congestion avoidance and what happened in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its beginning, microseconds of the datapath's time.
    pub from_us: u64,
    /// Its end.
    pub to_us: u64,
    /// Bytes acknowledged in it.
    pub acked: u64,
    /// Smoothed round-trip time, microseconds; 0 when none is known.
    pub srtt_us: u64,
    /// The least RTT sample in it, microseconds.
    pub min_rtt_us: Option<u64>,
}

impl Span {
    /// When part `part` of `parts` equal ones, counted from 0, begins and ends.
    pub fn part(&self, part: u64, parts: u64) -> (u64, u64) {
        let length = u128::from(self.to_us.saturating_sub(self.from_us));
        let after = |part: u64| {
            let passed = length * u128::from(part.min(parts)) / u128::from(parts.max(1));
            self.from_us.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
        };
        (after(part), after(part.saturating_add(1)))
    }

    /// When, on average, the segments of part `part` of `parts` equal ones, counted from 0, are acknowledged: each at
    /// the end of its share of the time, so that a single one is acknowledged at the end of the span.
    pub fn mean_time_of(&self, part: u64, parts: u64, mss: u64) -> u64 {
        let length = u128::from(self.to_us.saturating_sub(self.from_us));
        let parts = u128::from(parts.max(1));
        // So many that they come without a pause; and no product overflows.
        let segments = u128::from(self.acked.div_ceil(mss.max(1)).min(1 << 32)).max(parts);
        // (2·part + 1)/(2·parts) + 1/(2·segments) of it, in one division: jiffies are looked at to the microsecond.
        let passed =
            length * ((2 * u128::from(part) + 1) * segments + parts) / (2 * parts * segments);
        self.from_us.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

/// What calls for a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A loss found from later deliveries.
    Loss,
    /// An ECN mark, and no loss.
    Mark,
    /// A retransmission timeout.
    Timeout,
}

/// Why the window was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// There was nothing to send, and nothing in flight.
    Idle,
    /// The application sent less than the window allows.
    AppLimited,
}

/// What a reduction leaves, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduced {
    /// The window; a timeout leaves one segment in any case.
    pub cwnd: u64,
    /// The slow start threshold.
    pub ssthresh: u64,
}

/// One flow's window under a law: a plain state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller<L> {
    /// Segment size, bytes; at least 1.
    pub(crate) mss: u64,
    /// Congestion window, bytes.
    pub(crate) cwnd: u64,
    /// Slow start threshold, bytes; [`UNLIMITED`] until the first reduction.
    pub(crate) ssthresh: u64,
    pub(crate) law: L,
    pub(crate) recovery: Recovery,
    /// Reductions so far, timeouts included.
    pub(crate) reductions: u64,
    /// The time of the last report, microseconds.
    pub(crate) last_us: Option<u64>,
    /// Smoothed round-trip time, microseconds; 0 when none is known.
    pub(crate) srtt_us: u64,
    /// What a datapath that governs by itself was last told, bytes; 0: a window.
    pub(crate) price: u64,
    /// Its window with the part of a segment that it carries, and its window before the last reduction it told of.
    pub(crate) exact: u64,
    pub(crate) prior: u64,
    /// Whether it is carrying out a reduction.
    pub(crate) reducing: bool,
    /// What was before the last reduction, until it cannot be undone any more.
    pub(crate) before: Option<Before<L>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Before<L> {
    cwnd: u64,
    ssthresh: u64,
    law: L,
}

impl<L: Law> Controller<L> {
    /// Starts in slow start, with no threshold.
    pub fn under(law: L, start: Start) -> Self {
        Self {
            mss: start.mss,
            cwnd: start.cwnd,
            ssthresh: UNLIMITED,
            law,
            recovery: Recovery::default(),
            reductions: 0,
            last_us: None,
            srtt_us: 0,
            price: 0,
            exact: start.cwnd,
            prior: 0,
            reducing: false,
            before: None,
        }
    }

    /// Whether the window grows by slow start.
    pub fn in_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// Whether a reduction is being repaired, so that more losses are no news.
    pub fn in_recovery(&self) -> bool {
        self.reducing || self.recovery.cause().is_some()
    }

    /// The law and its state.
    pub fn law(&self) -> &L {
        &self.law
    }

    fn grow(&mut self, seen: &Observed, span: &Span) {
        let limited = seen.window_limited(self.cwnd, self.in_slow_start(), self.mss);
        let rest = if !self.in_slow_start() {
            span.acked
        } else if limited {
            let up =
                span.acked.min(self.ssthresh - self.cwnd).min(MAX_WINDOW.saturating_sub(self.cwnd));
            self.cwnd += up;
            span.acked - up
        } else {
            0
        };
        if self.in_slow_start() {
            self.law.sample_rtt(span);
            return;
        }
        if limited {
            let span = Span { acked: rest, ..*span };
            self.cwnd = self.law.avoid(self.cwnd, &span).min(MAX_WINDOW);
        } else {
            let rest = (span.to_us - span.from_us).saturating_sub(seen.idle_us);
            self.law.sample_rtt(span);
            self.law.pass(rest, Pause::AppLimited);
        }
    }

    fn reduce(&mut self, signal: Signal, flight: u64) {
        let cwnd = self.cwnd;
        // In recovery the threshold was already cut for this data (RFC 5681 §3.1, `tcp_enter_loss`).
        if self.recovery.cause().is_none() {
            self.before = Some(Before { cwnd, ssthresh: self.ssthresh, law: self.law.clone() });
            let reduced = self.law.reduce(cwnd, signal);
            self.ssthresh = reduced.ssthresh;
            self.cwnd = reduced.cwnd;
        }
        if signal == Signal::Timeout {
            self.law.time_out();
            self.recovery.begin(Cause::Timeout, flight.max(cwnd));
            self.cwnd = LOSS_WINDOW_SEGMENTS * self.mss;
        } else {
            self.recovery.begin(Cause::Loss, flight);
        }
        self.reductions += 1;
    }

    /// Takes a reduction back that was for nothing (RFC 9438 §4.9, `tcp_undo_cwnd_reduction`).
    fn undo(&mut self) {
        let Some(before) = self.before.take() else {
            return;
        };
        self.cwnd = self.cwnd.max(before.cwnd);
        self.ssthresh = self.ssthresh.max(before.ssthresh);
        self.law.undo(before.law);
        self.recovery = Recovery::default();
    }
}

impl<L: Law> Controller<L> {
    /// Does what the datapath has done: its window is the window, and the law learns what happened to it.
    fn follow(&mut self, seen: &Observed, done: &Governed, span: &Span) {
        if seen.acked > 0 {
            self.law.avoid(self.exact, span);
        } else {
            self.law.sample_rtt(span);
            if done.event == Event::None && !self.reducing && !self.in_slow_start() {
                let rest = (span.to_us - span.from_us).saturating_sub(seen.idle_us);
                self.law.pass(rest, Pause::AppLimited);
            }
        }
        // A report may be lost on the way; what it told of shows in the next one.
        let prior = done.prior.min(MAX_WINDOW);
        let cut = prior != self.prior || matches!(done.event, Event::Loss | Event::Mark);
        if cut {
            let signal = match done.event {
                Event::Timeout => Signal::Timeout,
                Event::Mark => Signal::Mark,
                _ => Signal::Loss,
            };
            self.before =
                Some(Before { cwnd: prior, ssthresh: self.ssthresh, law: self.law.clone() });
            self.ssthresh = self.law.reduce(prior, signal).ssthresh;
            self.prior = prior;
        }
        match done.event {
            Event::None => {}
            Event::Loss | Event::Mark => self.reducing = true,
            Event::Timeout => {
                self.reducing = false;
                self.law.time_out();
            }
            Event::Undone => {
                self.reducing = false;
                self.undo();
            }
            Event::Repaired => self.reducing = false,
            Event::SlowStartEnded => {
                self.ssthresh = self.ssthresh.min(done.cwnd);
                if self.reductions == 0 {
                    self.law.leave_slow_start(done.cwnd);
                }
            }
        }
        self.reductions += u64::from(cut || done.event == Event::Timeout);
        self.cwnd = done.cwnd.clamp(self.mss, MAX_WINDOW);
        let price = if self.price == 0 { self.cwnd } else { self.price };
        let part = u128::from(done.credit.min(price)) * u128::from(self.mss) / u128::from(price);
        self.exact = self.cwnd + u64::try_from(part).unwrap_or(0);
        // A round ahead; while a reduction is carried out, for the window that it leads to.
        let window = if self.reducing { self.ssthresh } else { self.exact };
        let next = Span {
            from_us: seen.now_us,
            to_us: seen.now_us.saturating_add(self.srtt_us),
            acked: window,
            srtt_us: self.srtt_us,
            min_rtt_us: seen.min_rtt_us,
        };
        self.price = self.law.price(window, &next);
    }
}

impl<L: Law> WindowRule for Controller<L> {
    fn on_report(&mut self, seen: &Observed) {
        let from_us = self.last_us.unwrap_or(seen.now_us).min(seen.now_us);
        self.last_us = Some(seen.now_us);
        if let Some(srtt) = seen.srtt_us.or(seen.min_rtt_us) {
            self.srtt_us = srtt;
        }
        if seen.idle_us > 0 {
            self.law.pass(seen.idle_us, Pause::Idle);
        }
        if let Some(done) = &seen.governed {
            let span = Span {
                from_us,
                to_us: seen.now_us,
                acked: seen.acked,
                srtt_us: self.srtt_us,
                min_rtt_us: seen.min_rtt_us,
            };
            self.follow(seen, done, &span);
            return;
        }
        if seen.undone {
            self.undo();
        }
        let before = self.recovery.cause();
        let after_repair = self.recovery.on_delivered(seen.delivered);
        // Nothing grows while a loss is repaired; after a timeout slow start goes on.
        let acked = match before {
            Some(Cause::Loss) => seen.acked.min(after_repair),
            Some(Cause::Timeout) | None => seen.acked,
        };
        // Of a report in which a repair ended, what came after it counts.
        let length = u128::from(seen.now_us - from_us);
        let since_us = match before {
            Some(Cause::Loss) if seen.delivered > 0 => {
                let part = length * u128::from(after_repair) / u128::from(seen.delivered);
                seen.now_us - u64::try_from(part).unwrap_or(0)
            }
            _ => from_us,
        };
        let slow_start = self.in_slow_start();
        if before != Some(Cause::Loss) || self.recovery.cause().is_none() {
            self.grow(
                seen,
                &Span {
                    from_us: since_us,
                    to_us: seen.now_us,
                    acked,
                    srtt_us: self.srtt_us,
                    min_rtt_us: seen.min_rtt_us,
                },
            );
        }
        if slow_start && !self.in_slow_start() && self.reductions == 0 {
            self.law.leave_slow_start(self.cwnd);
        }

        let flight = seen
            .flight
            .saturating_add(seen.lost.saturating_mul(self.mss))
            .saturating_add(DUP_THRESHOLD_SEGMENTS * self.mss);
        if seen.timeout {
            self.reduce(Signal::Timeout, flight);
        } else if self.recovery.cause().is_none() {
            if seen.lost > 0 {
                self.reduce(Signal::Loss, flight);
            } else if seen.marked > 0 {
                self.reduce(Signal::Mark, flight);
            }
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

    fn price(&self) -> u64 {
        self.price
    }
}

/// No threshold yet: larger than any window.
pub const UNLIMITED: u64 = MAX_WINDOW;

/// The window after a retransmission timeout, in segments (RFC 5681 §3.1, loss window).
const LOSS_WINDOW_SEGMENTS: u64 = 1;

/// A packet counts as lost once so many later ones have arrived (RFC 5681 §3.2): if the last one in flight at a
/// reduction is lost, that is found only so much later, and is still the same event.
const DUP_THRESHOLD_SEGMENTS: u64 = 3;
