//! CUBIC: growth by a cubic function of the time since the last reduction (RFC 9438).
//!
//! [`Cubic`] follows the RFC, [`CubicLinux`] does what the Linux kernel does where that differs; both are plain state
//! machines that know neither CCP nor clocks. [`CubicAlg`] and [`CubicLinuxAlg`] are the same as algorithms of the
//! agent.
//!
//! Growth is a function of time and of the bytes acknowledged. Either is given for a whole report, often a round trip;
//! both are cut into [`PARTS`] equal parts, which makes the result that of a report per ACK within 0.5 %. Slow start,
//! recovery and what counts as an event are the same for every algorithm: see
//! [`Controller`].

mod linux;
mod rfc;
mod root;

pub use linux::Twin;
pub use rfc::Curve;

use crate::factor::Factor;
use crate::window::{Controller, HyStart, Settings, Span, Start, WindowAlg, Windowed};

/// CUBIC as an algorithm of the agent: `cubic`.
pub type CubicAlg = Windowed<Config>;

/// The kernel's CUBIC as an algorithm of the agent: `cubic:linux`.
pub type CubicLinuxAlg = Windowed<LinuxConfig>;

/// The state of one flow.
pub type Cubic = Controller<Curve>;

/// The state of one flow, as the kernel would have it.
pub type CubicLinux = Controller<Twin>;

/// Parameters of [`Cubic`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// What a loss leaves of the window (RFC 9438 §4.6).
    pub beta: Factor,
    /// What an ECN mark leaves of it: as a loss, or more (RFC 8511 §3: 0.85).
    pub beta_ecn: Factor,
    /// How fast it grows, in segments per cubic second (RFC 9438 §5.1).
    pub c: f64,
    /// Whether a flow that finds less room than before gives way sooner (RFC 9438 §4.7).
    pub fast_convergence: bool,
    /// Whether it grows no slower than Reno would (RFC 9438 §4.3).
    pub friendly: bool,
    /// How slow start ends before a loss does it.
    pub hystart: HyStart,
    /// Whether the transport spaces packets by itself, which HyStart must know: it cannot be seen in ACKs.
    pub paced: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            beta: Factor::thousandths(700),
            beta_ecn: Factor::thousandths(700),
            c: 0.4,
            fast_convergence: true,
            friendly: true,
            hystart: HyStart::Rfc9406,
            paced: false,
        }
    }
}

/// Parameters of [`CubicLinux`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinuxConfig {
    /// What a loss or an ECN mark leaves of the window.
    pub beta: Factor,
    /// Whether a flow that finds less room than before gives way sooner.
    pub fast_convergence: bool,
    /// Whether it grows no slower than Reno would.
    pub friendly: bool,
    /// How slow start ends before a loss does it.
    pub hystart: HyStart,
    /// Whether the transport spaces packets by itself, which HyStart must know: it cannot be seen in ACKs.
    pub paced: bool,
}

impl Default for LinuxConfig {
    fn default() -> Self {
        Self {
            beta: Factor::of_1024(717),
            fast_convergence: true,
            friendly: true,
            hystart: HyStart::Linux,
            paced: false,
        }
    }
}

impl WindowAlg for Config {
    type Rule = Cubic;
    const NAME: &'static str = "cubic";

    fn start(&self, start: Start) -> Cubic {
        Cubic::with(self.clone(), start)
    }

    fn settings(&self) -> Settings {
        let Self { beta, beta_ecn, hystart, paced, .. } = *self;
        Settings { beta, beta_ecn, hystart, paced }
    }
}

impl WindowAlg for LinuxConfig {
    type Rule = CubicLinux;
    const NAME: &'static str = "cubic:linux";

    fn start(&self, start: Start) -> CubicLinux {
        CubicLinux::with(self.clone(), start)
    }

    fn settings(&self) -> Settings {
        let Self { beta, hystart, paced, .. } = *self;
        Settings { beta, beta_ecn: beta, hystart, paced }
    }
}

impl Cubic {
    /// Starts in slow start, with no threshold and the RFC's constants.
    pub fn new(start: Start) -> Self {
        Self::with(Config::default(), start)
    }

    /// Starts in slow start, with no threshold.
    pub fn with(config: Config, start: Start) -> Self {
        Self::under(Curve::new(config, start.mss), start)
    }
}

impl CubicLinux {
    /// Starts in slow start, with no threshold and the kernel's constants.
    pub fn new(start: Start) -> Self {
        Self::with(LinuxConfig::default(), start)
    }

    /// Starts in slow start, with no threshold.
    pub fn with(config: LinuxConfig, start: Start) -> Self {
        Self::under(Twin::new(config, start.mss), start)
    }
}

/// How many parts a span is cut into: no more than it has segments, so that one ACK is one step, as in the RFC.
fn parts(span: &Span, mss: u64) -> u64 {
    span.acked.div_ceil(mss.max(1)).clamp(1, PARTS)
}

/// Into how many equal parts a report is cut at most. One step per report would be up to 2 % off.
pub const PARTS: u64 = 8;

#[cfg(test)]
mod tests;
