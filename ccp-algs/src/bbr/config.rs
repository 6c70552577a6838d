//! What can be set about BBR. The defaults are the kernel's constants.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::UNIT;
use super::model::scale;

/// Parameters of [`Bbr`](super::Bbr).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What pacing rate and window are of the model in STARTUP; its inverse is the pacing gain of DRAIN.
    pub startup_gain: Gain,
    /// What the window is of the model in PROBE_BW: room for ACKs that come late or in lumps.
    pub cwnd_gain: Gain,
    /// How far below the estimate it paces.
    pub margin: Margin,
    /// How long the least round-trip time holds; then PROBE_RTT looks for it anew.
    pub rtprop: Duration,
    /// How long PROBE_RTT keeps the path empty; zero: there is no PROBE_RTT.
    pub probe_rtt: Duration,
    /// Whether it looks for a policer.
    pub policer: bool,
    /// Whether ACKs that come in lumps widen the window.
    pub aggregation: bool,
    /// Where the cycle of PROBE_BW begins.
    pub phase: StartPhase,
    /// What random phases are drawn from. An agent mixes the flow's number in.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            startup_gain: HIGH_GAIN,
            cwnd_gain: Gain(2 * UNIT),
            margin: Margin(1),
            rtprop: Duration::from_secs(10),
            probe_rtt: Duration::from_millis(200),
            policer: true,
            aggregation: true,
            phase: StartPhase::RANDOM,
            seed: 0,
        }
    }
}

impl Config {
    /// Bytes per second to pace at for a bandwidth and a gain: a little less, so that no queue builds up.
    pub(super) fn pacing_rate(&self, bandwidth: u64, gain: u64) -> u64 {
        let rate = u128::from(scale(bandwidth, gain)) * u128::from(self.margin.kept()) / 100;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }
}

/// What a rate or a window is of what the model says, in 1/256: between 1 and 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gain(u64);

impl Gain {
    /// In units of 1/256.
    pub const fn units(self) -> u64 {
        self.0
    }

    fn of_units(units: u64) -> Option<Self> {
        (UNIT..=MOST_GAIN).contains(&units).then_some(Self(units))
    }
}

impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(UNIT) {
            write!(f, "{}", self.0 / UNIT)
        } else {
            write!(f, "{}/{UNIT}", self.0)
        }
    }
}

/// How many percent below the estimate it paces: 0 to 50.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Margin(u8);

impl Margin {
    /// What is left, in percent.
    pub const fn kept(self) -> u64 {
        100 - self.0 as u64
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// Where the cycle of PROBE_BW begins: in a phase drawn anew each time, or always in the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartPhase(Option<u8>);

impl StartPhase {
    /// Any but the one that drains, so that flows do not probe together.
    pub const RANDOM: Self = Self(None);

    /// This one: 0, where it probes, or 2 to 7, where it cruises. `None`: it does not begin in that.
    pub fn at(phase: u8) -> Option<Self> {
        matches!(phase, 0 | 2..=7).then_some(Self(Some(phase)))
    }

    /// The phase, `random` being any number (`bbr_cycle_rand`).
    pub(super) fn pick(self, random: u64) -> u8 {
        match (self.0, random % 7) {
            (Some(phase), _) => phase,
            (None, 0) => 0,
            // Below 8.
            (None, random) => random as u8 + 1,
        }
    }
}

impl fmt::Display for StartPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("random"),
            Some(phase) => write!(f, "{phase}"),
        }
    }
}

/// A text that is no value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of: {values}")]
pub struct ParseValueError {
    /// What was given.
    pub text: String,
    /// What may be given.
    pub values: &'static str,
}

fn wrong(text: &str, values: &'static str) -> ParseValueError {
    ParseValueError { text: text.to_owned(), values }
}

impl FromStr for Gain {
    type Err = ParseValueError;

    /// Takes `2`, `2.5`, and exact ones as `739/256`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = match text.strip_suffix("/256") {
            Some(units) => units.parse().ok(),
            // At most 10·256 is taken; a negative number or none becomes 0, which is not.
            None => text.parse().ok().map(|gain: f64| (gain * UNIT as f64).round() as u64),
        };
        units.and_then(Self::of_units).ok_or_else(|| wrong(text, GAINS))
    }
}

impl FromStr for Margin {
    type Err = ParseValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent = text.strip_suffix('%').and_then(|percent| percent.parse().ok());
        percent.filter(|percent| *percent <= 50).map(Self).ok_or_else(|| wrong(text, MARGINS))
    }
}

impl FromStr for StartPhase {
    type Err = ParseValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let phase = match text {
            "random" => Some(Self::RANDOM),
            _ => text.parse().ok().and_then(Self::at),
        };
        phase.ok_or_else(|| wrong(text, PHASES))
    }
}

/// What may be given for each type.
pub(crate) const GAINS: &str = "1 to 10, or n/256";
pub(crate) const MARGINS: &str = "0% to 50%";
pub(crate) const PHASES: &str = "random, 0, 2 to 7";

/// 2/ln 2: the least gain that can double the rate each round (`bbr_high_gain`).
const HIGH_GAIN: Gain = Gain(739);

/// More than this is of no use, and products in the datapath must not overflow.
const MOST_GAIN: u64 = 10 * UNIT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_is_read() {
        for text in ["2", "1", "10", "739/256"] {
            assert_eq!(text.parse::<Gain>().unwrap().to_string(), text);
        }
        assert_eq!("2.887".parse::<Gain>(), Ok(HIGH_GAIN));
        for text in ["0%", "1%", "50%"] {
            assert_eq!(text.parse::<Margin>().unwrap().to_string(), text);
        }
        for text in ["random", "0", "2", "7"] {
            assert_eq!(text.parse::<StartPhase>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_value_is_refused_with_the_text() {
        for text in ["", "0.9", "-2", "10.1", "255/256", "nan", "inf", "x/256"] {
            assert_eq!(text.parse::<Gain>().unwrap_err().text, text);
        }
        for text in ["", "1", "51%", "-1%", "1.5%", "%"] {
            assert_eq!(text.parse::<Margin>().unwrap_err().text, text);
        }
        for text in ["", "1", "8", "-1", "RANDOM"] {
            assert_eq!(text.parse::<StartPhase>().unwrap_err().text, text);
        }
    }

    #[test]
    fn pacing_stays_a_hundredth_below_the_estimate() {
        let config = Config::default();
        assert_eq!(config.pacing_rate(1_000_000, UNIT), 990_000);
        assert_eq!(config.pacing_rate(1_000_000, 739), 2_857_850);
        assert!(config.pacing_rate(u64::MAX, 739) > u64::MAX / 100 * 98);
    }
}
