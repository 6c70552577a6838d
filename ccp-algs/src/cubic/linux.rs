//! CUBIC as the Linux kernel runs it: whole segments, milliseconds, integers.
//!
//! Where it differs from RFC 9438: β is 717/1024 and C 410/1024; α stays 8/15 for ever; K and t count in 1/1024 s; t
//! has the *least* round trip added, which samples in an epoch's first second do not lower; before the first loss the
//! window grows at least 5 % a round; it grows at most a segment for two acknowledged; what it grows by is computed
//! anew at most once a jiffy, and every 31 ms while the window stays; a timeout forgets everything; an undone
//! reduction leaves K = 0; only idle time, not application-limited time, is taken out of the epoch. A jiffy is taken to
//! be a millisecond.
//!
//! One deviation from the kernel: its HyStart, once it has ended slow start, rests until a timeout. Here it also watches
//! the slow start that follows idle time, since the program has no instruction left to remember that with.

use super::root::integer_cube_root;
use super::{LinuxConfig, parts};
use crate::factor::Factor;
use crate::window::{Law, Pause, Reduced, Signal, Span};

/// The kernel's growth and reductions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    config: LinuxConfig,
    /// Segment size, bytes; at least 1.
    mss: u64,
    /// Bytes acknowledged that have not yet made a segment.
    carried: u64,
    /// Segments to be acknowledged for one more.
    count: u64,
    /// Window at the last reduction, or less by fast convergence; 0 before the first. Segments.
    last_max: u64,
    /// Window and time at which `count` was last computed, segments and milliseconds.
    last_cwnd: u64,
    last_ms: u64,
    /// The least round trip, microseconds.
    least_rtt_us: Option<u64>,
    epoch: Option<Epoch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Epoch {
    start_ms: u64,
    /// The window of the plateau, segments.
    origin: u64,
    /// When the plateau is reached, 1/1024 s after the start.
    k: u64,
    /// The window that Reno would have, segments, and the bytes acknowledged since it last grew.
    reno: u64,
    reno_carried: u64,
}

impl Twin {
    /// Before the first reduction.
    pub fn new(config: LinuxConfig, mss: u64) -> Self {
        Self {
            config,
            mss: mss.max(1),
            carried: 0,
            count: 0,
            last_max: 0,
            last_cwnd: 0,
            last_ms: 0,
            least_rtt_us: None,
            epoch: None,
        }
    }

    /// The window at the last reduction, or less by fast convergence; segments, 0 before the first.
    pub fn last_max(&self) -> u64 {
        self.last_max
    }

    /// K of the current epoch, in 1/1024 s.
    pub fn k(&self) -> Option<u64> {
        self.epoch.map(|epoch| epoch.k)
    }

    /// Segments to be acknowledged for one more (`bictcp_update`).
    fn segments_for_one(&mut self, cwnd: u64, acked: u64, now_ms: u64) -> u64 {
        if let Some(epoch) = &mut self.epoch {
            epoch.reno_carried = epoch.reno_carried.saturating_add(acked);
            if cwnd == self.last_cwnd && now_ms.saturating_sub(self.last_ms) <= UNCHANGED_MS {
                return self.count;
            }
        }
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            start_ms: now_ms,
            origin: cwnd.max(self.last_max),
            k: integer_cube_root((CUBE_FACTOR).saturating_mul(self.last_max.saturating_sub(cwnd))),
            reno: cwnd,
            reno_carried: acked,
        });
        if now_ms != self.last_ms || self.count == 0 {
            self.last_ms = now_ms;
            let t_ms =
                now_ms.saturating_sub(epoch.start_ms) + self.least_rtt_us.unwrap_or(0) / 1_000;
            let t = t_ms.saturating_mul(1024) / 1_000;
            let cube = u128::from(t.abs_diff(epoch.k).min(MAX_OFFSET)).pow(3);
            // At most 2^95 times 410, shifted down by 40.
            let off = u64::try_from((cube * u128::from(C)) >> 40).unwrap_or(u64::MAX);
            let target = if t < epoch.k {
                epoch.origin.saturating_sub(off)
            } else {
                epoch.origin.saturating_add(off)
            };
            self.count =
                if target > cwnd { cwnd / (target - cwnd) } else { cwnd.saturating_mul(HARDLY) };
            if self.last_max == 0 {
                self.count = self.count.min(FIRST_COUNT);
            }
        }
        self.last_cwnd = cwnd;
        if self.config.friendly {
            // So many bytes for one segment of a Reno of this β: 15/8 of a window.
            let price = (cwnd.saturating_mul(reno_price_eighths(self.config.beta)) / 8)
                .saturating_mul(self.mss)
                .max(1);
            epoch.reno += epoch.reno_carried / price;
            epoch.reno_carried %= price;
            if epoch.reno > cwnd {
                self.count = self.count.min(cwnd / (epoch.reno - cwnd));
            }
        }
        self.count = self.count.max(2);
        self.count
    }

    /// Turns bytes into segments at `count` to one (`tcp_cong_avoid_ai`).
    fn collect(&mut self, cwnd: u64, acked: u64, count: u64) -> u64 {
        let price = count.saturating_mul(self.mss);
        let mut cwnd = cwnd;
        if self.carried >= price {
            // They were collected at a higher price: one segment, not many at once.
            self.carried = 0;
            cwnd = cwnd.saturating_add(1);
        }
        self.carried = self.carried.saturating_add(acked);
        let grown = self.carried / price;
        self.carried %= price;
        cwnd.saturating_add(grown)
    }

    fn sample(&mut self, span: &Span) {
        let Some(rtt_us) = span.min_rtt_us else {
            return;
        };
        let first_second = self
            .epoch
            .is_some_and(|epoch| (span.to_us / 1_000).saturating_sub(epoch.start_ms) < 1_000);
        if !first_second {
            self.least_rtt_us = Some(self.least_rtt_us.map_or(rtt_us, |least| least.min(rtt_us)));
        }
    }
}

impl Law for Twin {
    fn avoid(&mut self, cwnd: u64, span: &Span) -> u64 {
        self.sample(span);
        let whole = (cwnd / self.mss).max(1);
        let mut segments = whole;
        let parts = parts(span, self.mss);
        let share = span.acked / parts;
        for part in 0..parts {
            let now_ms = span.mean_time_of(part, parts, self.mss) / 1_000;
            let rest = if part == 0 { span.acked % parts } else { 0 };
            let acked = share + rest;
            let count = self.segments_for_one(segments, acked, now_ms);
            segments = self.collect(segments, acked, count);
        }
        cwnd.saturating_add((segments - whole).saturating_mul(self.mss))
    }

    fn sample_rtt(&mut self, span: &Span) {
        self.sample(span);
    }

    /// `cubictcp_recalc_ssthresh`.
    fn reduce(&mut self, cwnd: u64, _: Signal) -> Reduced {
        let window = cwnd / self.mss;
        self.last_max = if self.config.fast_convergence && window < self.last_max {
            // (1 + β)/2 of it.
            (window + self.config.beta.of(window)) / 2
        } else {
            window
        };
        self.epoch = None;
        let ssthresh = self.config.beta.of(cwnd).max(MIN_SSTHRESH_SEGMENTS * self.mss);
        Reduced { cwnd: ssthresh, ssthresh }
    }

    fn time_out(&mut self) {
        *self = Self::new(self.config.clone(), self.mss);
    }

    /// The price in the middle of the next span.
    fn price(&self, cwnd: u64, next: &Span) -> u64 {
        let mut ahead = self.clone();
        let whole = (cwnd / self.mss).max(1);
        // Not the one that holds while the window stays: that would be the last one.
        ahead.last_cwnd = 0;
        let count = ahead.segments_for_one(
            whole,
            next.acked / 2,
            next.mean_time_of(0, 1, self.mss) / 1_000,
        );
        count.saturating_mul(self.mss)
    }

    /// `cubictcp_cwnd_event`.
    fn pass(&mut self, us: u64, pause: Pause) {
        if let (Some(epoch), Pause::Idle) = (&mut self.epoch, pause) {
            epoch.start_ms = epoch.start_ms.saturating_add(us / 1_000);
        }
    }

    /// The kernel keeps its state as the reduction left it: at the old window, that is an epoch on the plateau.
    fn undo(&mut self, _: Self) {}
}

/// How many eighths of a window of acknowledged segments give Reno one more: (1 + β)/(3(1 − β)).
fn reno_price_eighths(beta: Factor) -> u64 {
    (8 * (Factor::ONE + beta.units()) / (3 * (Factor::ONE - beta.units()))).max(1)
}

/// C in 1/1024.
const C: u64 = 410;

/// 2^40/C: what a distance in segments is multiplied by to have its cube root in 1/1024 s.
const CUBE_FACTOR: u64 = (1 << 40) / C;

/// Segments to be acknowledged for one more when there is nothing to grow towards, in windows.
const HARDLY: u64 = 100;

/// The most before the first loss: 5 % a round.
const FIRST_COUNT: u64 = 20;

/// How long a count holds while the window stays, milliseconds.
const UNCHANGED_MS: u64 = 31;

/// Times further than this from K are as good as this: a cube of 95 bits, and years.
const MAX_OFFSET: u64 = u32::MAX as u64;

/// The least threshold, in segments.
const MIN_SSTHRESH_SEGMENTS: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// At the start of an epoch that leads from 7,000 segments to 10,000, by some 14 of them in the first 31 ms.
    fn rising() -> (Twin, u64) {
        let mut twin = Twin::new(LinuxConfig::default(), MSS);
        twin.reduce(10_000 * MSS, Signal::Loss);
        let count = twin.segments_for_one(7_000, MSS, START_MS);
        (twin, count)
    }

    #[test]
    fn what_it_grows_by_is_computed_anew_31_ms_later_or_once_the_window_is_another() {
        let (mut twin, first) = rising();
        assert_eq!(twin.segments_for_one(7_000, MSS, START_MS + 31), first);
        assert!(twin.segments_for_one(7_000, MSS, START_MS + 32) < first / 2);
        let (mut twin, first) = rising();
        assert!(twin.segments_for_one(7_001, MSS, START_MS + 31) < first / 2);
    }

    #[test]
    fn the_price_of_the_next_round_is_not_the_one_that_holds_while_the_window_stays() {
        let (twin, first) = rising();
        let at_us = (START_MS + 20) * 1_000;
        let next = Span { from_us: at_us, to_us: at_us, ..Span::default() };
        assert!(twin.price(7_000 * MSS, &next) < first * MSS / 2);
    }

    const MSS: u64 = 1448;
    const START_MS: u64 = 5_000;
}
