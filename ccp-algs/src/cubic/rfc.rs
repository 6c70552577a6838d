//! The curve of RFC 9438. Windows in segments and time in seconds, as there.
//!
//! Numbers are `f64`, used with the four operations alone, so that every platform computes the same bits.
//!
//! Deviations from the RFC: in the Reno-friendly region the window becomes W_est only where that is more than it
//! already is (§4.3 would let it shrink); ssthresh comes from the window and not from what is in flight (§4.6 allows
//! that, since it grows only when it is used).

use super::root::cube_root;
use super::{Config, parts};
use crate::window::{Law, Pause, Reduced, Signal, Span};

/// CUBIC's growth and reductions.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    config: Config,
    /// Segment size, bytes; at least 1.
    mss: u64,
    /// α_cubic of §4.3: what makes a Reno of this β send as much as Reno.
    alpha: f64,
    /// The window with its fraction, segments, and the bytes that were made of it.
    exact: f64,
    rounded: u64,
    /// W_max; 0 before the first reduction.
    w_max: f64,
    /// The window at the last reduction.
    cwnd_prior: f64,
    /// Whether the next epoch starts on the plateau: K = 0 and W_max the window then (§4.8, §4.10).
    plateau: bool,
    /// What began with the first growth since the last reduction.
    epoch: Option<Epoch>,
}

/// A stage of congestion avoidance (§4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Epoch {
    /// When it began, microseconds of the datapath's time, later by the time that does not count.
    start_us: u64,
    /// K, seconds.
    k: f64,
    /// W_est, segments.
    w_est: f64,
    /// α_cubic, or 1 once W_est has reached the window of the last reduction.
    alpha: f64,
}

impl Curve {
    /// Before the first reduction.
    pub fn new(config: Config, mss: u64) -> Self {
        let beta = config.beta.as_f64();
        Self {
            alpha: 3.0 * (1.0 - beta) / (1.0 + beta),
            config,
            mss: mss.max(1),
            exact: 0.0,
            rounded: 0,
            w_max: 0.0,
            cwnd_prior: 0.0,
            plateau: false,
            epoch: None,
        }
    }

    /// W_max, in segments; 0 before the first reduction.
    pub fn w_max(&self) -> f64 {
        self.w_max
    }

    /// K of the current epoch, in seconds (§4.2).
    pub fn k(&self) -> Option<f64> {
        self.epoch.map(|epoch| epoch.k)
    }

    /// W_est of the current epoch, in segments (§4.3).
    pub fn w_est(&self) -> Option<f64> {
        self.epoch.map(|epoch| epoch.w_est)
    }

    /// W_cubic so many seconds into the current epoch, in segments (§4.2, figure 1).
    pub fn w_cubic(&self, seconds: f64) -> Option<f64> {
        let from_k = seconds - self.epoch?.k;
        Some(self.config.c * from_k * from_k * from_k + self.w_max)
    }

    fn begin(&mut self, at_us: u64) -> Epoch {
        if self.plateau || self.w_max <= self.exact {
            self.w_max = self.exact;
        }
        self.plateau = false;
        Epoch {
            start_us: at_us,
            // §4.2, figure 2.
            k: cube_root((self.w_max - self.exact) / self.config.c),
            w_est: self.exact,
            alpha: self.alpha,
        }
    }

    /// One part of a report: `acked` segments in it. One in which the curve overtakes Reno, or the other way round, is
    /// cut further, since how fast the window grows changes at once then.
    fn part(&mut self, (from_us, to_us): (u64, u64), srtt_us: u64, acked: f64) {
        let middle_us = from_us.midpoint(to_us);
        if acked > 1.0 && middle_us > from_us && self.turns(from_us, to_us, acked) {
            self.part((from_us, middle_us), srtt_us, acked / 2.0);
            self.part((middle_us, to_us), srtt_us, acked / 2.0);
            return;
        }
        // Each segment is acknowledged at the end of its share of the time.
        let after_middle = (to_us - middle_us) as f64 / acked.max(1.0);
        self.step(middle_us.saturating_add(after_middle as u64), srtt_us, acked);
    }

    /// Whether the Reno-friendly region begins or ends between these times (§4.3).
    fn turns(&self, from_us: u64, to_us: u64, acked: f64) -> bool {
        let Some(epoch) = self.epoch else { return false };
        let friendly = |at_us: u64, w_est| {
            let t = seconds(at_us.saturating_sub(epoch.start_us));
            self.w_cubic(t).is_some_and(|w| w < w_est)
        };
        let later = epoch.w_est + epoch.alpha * acked / self.exact;
        self.config.friendly && friendly(from_us, epoch.w_est) != friendly(to_us, later)
    }

    /// `acked` segments at `at_us`.
    fn step(&mut self, at_us: u64, srtt_us: u64, acked: f64) {
        let Some(mut epoch) = self.epoch else { return };
        let cwnd = self.exact;
        // More than a window at once can only be a mistake of the report; it counts as one.
        let windows = (acked / cwnd).min(1.0);
        if epoch.w_est >= self.cwnd_prior {
            epoch.alpha = 1.0;
        }
        epoch.w_est += epoch.alpha * windows;
        self.epoch = Some(epoch);

        let t = seconds(at_us.saturating_sub(epoch.start_us));
        let friendly = self.config.friendly && self.w_cubic(t).is_some_and(|w| w < epoch.w_est);
        self.exact = if friendly {
            cwnd.max(epoch.w_est)
        } else {
            // §4.4 and §4.5; the target is held between the window and half as much again (§4.2).
            let ahead = self.w_cubic(t + seconds(srtt_us)).unwrap_or(cwnd);
            toward(cwnd, ahead, windows * cwnd)
        };
    }

    fn segments(&self, bytes: u64) -> f64 {
        bytes as f64 / self.mss as f64
    }
}

impl Law for Curve {
    fn avoid(&mut self, cwnd: u64, span: &Span) -> u64 {
        if cwnd != self.rounded || self.exact == 0.0 {
            self.exact = self.segments(cwnd.max(1));
        }
        if self.epoch.is_none() {
            self.epoch = Some(self.begin(span.from_us));
        }
        let parts = parts(span, self.mss);
        let acked = self.segments(span.acked) / parts as f64;
        for part in 0..parts {
            self.part(span.part(part, parts), span.srtt_us, acked);
        }
        // Conversion saturates.
        self.rounded = ((self.exact * self.mss as f64) as u64).max(cwnd);
        self.rounded
    }

    fn reduce(&mut self, cwnd: u64, signal: Signal) -> Reduced {
        let window = self.segments(cwnd);
        // §4.7: where the flow had more before, it leaves room for others.
        self.w_max = if self.config.fast_convergence && window < self.w_max {
            window * (1.0 + self.config.beta.as_f64()) / 2.0
        } else {
            window
        };
        self.cwnd_prior = window;
        self.epoch = None;
        let beta = match signal {
            Signal::Loss | Signal::Timeout => self.config.beta,
            Signal::Mark => self.config.beta_ecn,
        };
        let left = beta.of(cwnd);
        let ssthresh = left.max(MIN_SSTHRESH_SEGMENTS * self.mss);
        // §4.6: marks may take the window down to one segment, a loss to two.
        let cwnd = match signal {
            Signal::Mark => left.max(self.mss),
            Signal::Loss | Signal::Timeout => ssthresh,
        };
        Reduced { cwnd, ssthresh }
    }

    /// §4.8.
    fn time_out(&mut self) {
        self.plateau = true;
        self.epoch = None;
    }

    /// §4.10: without a reduction the epoch starts on the plateau, and no Reno has been here before.
    fn leave_slow_start(&mut self, cwnd: u64) {
        self.cwnd_prior = self.segments(cwnd);
        self.plateau = true;
        self.epoch = None;
    }

    /// What the next span would make of the window, spread over what is acknowledged in it.
    fn price(&self, cwnd: u64, next: &Span) -> u64 {
        let grown = self.clone().avoid(cwnd, next).saturating_sub(cwnd).max(1);
        let price = u128::from(next.acked) * u128::from(self.mss) / u128::from(grown);
        // With growth of nothing, as good as never: a hundred windows.
        let price = u64::try_from(price).unwrap_or(u64::MAX);
        price.clamp(self.mss, cwnd.saturating_mul(100).max(self.mss))
    }

    /// §5.8: the time since the epoch's start is that in which the window was used.
    fn pass(&mut self, us: u64, _: Pause) {
        if let Some(epoch) = &mut self.epoch {
            epoch.start_us = epoch.start_us.saturating_add(us);
        }
    }
}

/// The window after `acked` segments, each of which took it 1/cwnd of the way to `target`, or half a segment where
/// that is less.
fn toward(cwnd: f64, target: f64, acked: f64) -> f64 {
    // As long as the target is out of reach.
    let capped = ((target / 1.5 - cwnd) * 2.0).max(0.0).min(acked);
    let (cwnd, acked) = (cwnd + capped / 2.0, acked - capped);
    let target = target.max(cwnd);
    // What is left grows less with each: by (target − cwnd)/cwnd at first, to the second order, and exactly for one.
    let slower = (acked - 1.0).max(0.0) * target / (2.0 * cwnd * cwnd);
    cwnd + (target - cwnd) / cwnd * acked / (1.0 + slower)
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// The least threshold, in segments (§4.6).
const MIN_SSTHRESH_SEGMENTS: u64 = 2;
