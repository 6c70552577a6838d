//! Algorithms as a user names them: `ALG[:linux][,key=value]…`, such as `cubic,hystart=off,beta=0.7`.
//!
//! One parser for every place where an algorithm is named, and the same data for whoever lists what there is.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::registry::{self, Info};
use crate::{BbrAlg, CubicAlg, CubicLinuxAlg, RenoAlg, ReportEvery, bbr, cubic, reno};

/// An algorithm with its parameters, ready for an agent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Spec {
    /// `bbr`.
    Bbr(BbrAlg),
    /// `reno`.
    Reno(RenoAlg),
    /// `cubic`.
    Cubic(CubicAlg),
    /// `cubic:linux`.
    CubicLinux(CubicLinuxAlg),
}

impl Spec {
    /// The algorithm's name, without parameters.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bbr(_) => BbrAlg::NAME,
            Self::Reno(_) => "reno",
            Self::Cubic(_) => "cubic",
            Self::CubicLinux(_) => "cubic:linux",
        }
    }
}

/// The state of a flow's algorithm, from what can be seen of it: its window and slow start threshold in bytes, and
/// [`WATCHED`] variables of its program. `None`: its program says nothing.
pub fn state(
    cwnd: u64,
    ssthresh: Option<u64>,
    variable: impl Fn(&str) -> Option<u64>,
) -> Option<&'static str> {
    if let Some(mode) = variable("mode") {
        return Some(match (mode, variable("phase")) {
            (0, _) => "startup",
            (1, _) => "drain",
            (2, Some(0)) => "probe-bw up",
            (2, Some(1)) => "probe-bw down",
            (2, _) => "probe-bw cruise",
            _ => "probe-rtt",
        });
    }
    let reducing = variable("prr")? != 0;
    let conservative = variable("baseline").is_some_and(|rtt| rtt < u64::from(u32::MAX));
    Some(match ssthresh {
        _ if reducing => "reduction",
        Some(ssthresh) if cwnd >= ssthresh => "avoidance",
        _ if conservative => "conservative slow start",
        _ => "slow start",
    })
}

/// The variables of the algorithms' programs that [`state`] looks at.
pub const WATCHED: &[&str] = &["mode", "phase", "prr", "baseline"];

/// A parameter, for whoever lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// Its key.
    pub key: &'static str,
    /// What may be given.
    pub values: &'static str,
    /// What it is unless given.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

impl Parameter {
    pub(crate) const fn new(
        key: &'static str,
        values: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { key, values, default, doc }
    }
}

/// Why a text names no algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseSpecError {
    /// There is no such algorithm.
    #[error("there is no algorithm '{name}'; there are: {}", names(registry::ALL.iter().map(|info| info.name)))]
    UnknownAlgorithm {
        /// What was given.
        name: String,
    },
    /// It has no such parameter.
    #[error("{alg} has no parameter '{key}'; it has: {}", names(alg.parameters.iter().map(|parameter| parameter.key)))]
    UnknownParameter {
        /// The algorithm.
        alg: AlgName,
        /// What was given.
        key: String,
    },
    /// A part that is not `key=value`.
    #[error("'{part}' is no parameter of {alg}: write key=value")]
    NoValue {
        /// The algorithm.
        alg: AlgName,
        /// What was given.
        part: String,
    },
    /// A parameter was given twice.
    #[error("{alg} is given '{key}' twice")]
    Twice {
        /// The algorithm.
        alg: AlgName,
        /// The parameter.
        key: String,
    },
    /// A value that the parameter does not take.
    #[error("{alg} does not take {key}={value}: use {values}")]
    WrongValue {
        /// The algorithm.
        alg: AlgName,
        /// The parameter.
        key: String,
        /// What was given.
        value: String,
        /// What may be given.
        values: &'static str,
    },
}

/// An algorithm in an error: printed as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgName(&'static Info);

impl core::ops::Deref for AlgName {
    type Target = Info;

    fn deref(&self) -> &Info {
        self.0
    }
}

impl fmt::Display for AlgName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl FromStr for Spec {
    type Err = ParseSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',');
        let name = parts.next().unwrap_or_default();
        let unknown = || ParseSpecError::UnknownAlgorithm { name: name.to_owned() };
        let alg = AlgName(registry::find(name).ok_or_else(unknown)?);
        let (mut reno, mut cubic, mut linux) =
            (reno::Config::default(), cubic::Config::default(), cubic::LinuxConfig::default());
        let (mut bbr, mut report) = (bbr::Config::default(), ReportEvery::default());
        let mut given: Vec<&str> = Vec::new();
        for part in parts {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| ParseSpecError::NoValue { alg, part: part.to_owned() })?;
            let parameter = alg.parameters.iter().find(|parameter| parameter.key == key);
            let parameter = parameter
                .ok_or_else(|| ParseSpecError::UnknownParameter { alg, key: key.to_owned() })?;
            if given.contains(&key) {
                return Err(ParseSpecError::Twice { alg, key: key.to_owned() });
            }
            given.push(key);
            let taken = match (alg.name, key) {
                (_, "report") => put(&mut report, value.parse().ok()),
                ("bbr", "aggregation") => put(&mut bbr.aggregation, switch(value)),
                ("bbr", "cwnd_gain") => put(&mut bbr.cwnd_gain, value.parse().ok()),
                ("bbr", "margin") => put(&mut bbr.margin, value.parse().ok()),
                ("bbr", "phase") => put(&mut bbr.phase, value.parse().ok()),
                ("bbr", "policer") => put(&mut bbr.policer, switch(value)),
                ("bbr", "probe_rtt") if value == "off" => {
                    put(&mut bbr.probe_rtt, Some(Duration::ZERO))
                }
                ("bbr", "probe_rtt") => put(&mut bbr.probe_rtt, time(value)),
                ("bbr", "rtprop") => put(&mut bbr.rtprop, time(value)),
                ("bbr", "seed") => put(&mut bbr.seed, value.parse().ok()),
                ("bbr", "startup_gain") => put(&mut bbr.startup_gain, value.parse().ok()),
                ("reno", "beta") => put(&mut reno.beta, value.parse().ok()),
                ("reno", "beta_ecn") => put(&mut reno.beta_ecn, value.parse().ok()),
                ("reno", "hystart") => put(&mut reno.hystart, value.parse().ok()),
                ("reno", "paced") => put(&mut reno.paced, switch(value)),
                ("cubic", "beta") => put(&mut cubic.beta, value.parse().ok()),
                ("cubic", "beta_ecn") => put(&mut cubic.beta_ecn, value.parse().ok()),
                ("cubic", "hystart") => put(&mut cubic.hystart, value.parse().ok()),
                ("cubic", "paced") => put(&mut cubic.paced, switch(value)),
                ("cubic", "c") => put(&mut cubic.c, growth(value)),
                ("cubic", "fast_convergence") => put(&mut cubic.fast_convergence, switch(value)),
                ("cubic", "friendly") => put(&mut cubic.friendly, switch(value)),
                (_, "beta") => put(&mut linux.beta, value.parse().ok()),
                (_, "hystart") => put(&mut linux.hystart, value.parse().ok()),
                (_, "paced") => put(&mut linux.paced, switch(value)),
                (_, "fast_convergence") => put(&mut linux.fast_convergence, switch(value)),
                (_, "friendly") => put(&mut linux.friendly, switch(value)),
                _ => false,
            };
            if !taken {
                return Err(ParseSpecError::WrongValue {
                    alg,
                    key: key.to_owned(),
                    value: value.to_owned(),
                    values: parameter.values,
                });
            }
        }
        // An ECN mark counts as a loss unless it is said otherwise.
        if !given.contains(&"beta_ecn") {
            reno.beta_ecn = reno.beta;
            cubic.beta_ecn = cubic.beta;
        }
        Ok(match alg.name {
            "bbr" => Self::Bbr(BbrAlg::new(bbr).report(report)),
            "reno" => Self::Reno(RenoAlg::new(reno).report(report)),
            "cubic" => Self::Cubic(CubicAlg::new(cubic).report(report)),
            "cubic:linux" => Self::CubicLinux(CubicLinuxAlg::new(linux).report(report)),
            _ => return Err(unknown()),
        })
    }
}

fn put<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// A time as report intervals are written.
fn time(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(ReportEvery::Interval(time)) => Some(time),
        _ => None,
    }
}

/// CUBIC's C: far outside of this no window is of use.
fn growth(text: &str) -> Option<f64> {
    let c = text.parse().ok();
    c.filter(|c| (0.01..=10.0).contains(c))
}

fn names(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::ALL;

    #[test]
    fn every_algorithm_takes_the_defaults_of_every_parameter_it_lists() {
        for info in ALL {
            let mut text = info.name.to_owned();
            for parameter in info.parameters {
                text += &format!(",{}={}", parameter.key, parameter.default);
            }
            let all: Spec = text.parse().unwrap();
            let none: Spec = info.name.parse().unwrap();
            assert_eq!(format!("{all:?}"), format!("{none:?}"));
            assert_eq!(all.name(), info.name);
        }
    }

    #[test]
    fn parameters_reach_the_algorithm() {
        let spec: Spec = "cubic,hystart=off,beta=0.5,c=1,report=10ms".parse().unwrap();
        let text = format!("{spec:?}");
        for part in ["Off", "Factor(64000)", "c: 1.0", "10ms"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn every_parameter_of_bbr_reaches_it() {
        let spec: Spec =
            "bbr,aggregation=off,cwnd_gain=2.5,margin=3%,phase=0,policer=off,probe_rtt=off,\
                          report=ack,rtprop=5s,seed=7,startup_gain=2"
                .parse()
                .unwrap();
        let text = format!("{spec:?}");
        for part in [
            "aggregation: false",
            "cwnd_gain: Gain(640)",
            "Margin(3)",
            "StartPhase(Some(0))",
            "policer: false",
            "probe_rtt: 0ns",
            "report: Ack",
            "rtprop: 5s",
            "seed: 7",
            "startup_gain: Gain(512)",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn the_state_is_what_the_program_says() {
        let state_of = |cwnd, ssthresh, variables: &[(&str, u64)]| {
            state(cwnd, ssthresh, |wanted| {
                variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
            })
        };
        let infinity = u64::from(u32::MAX);
        for (cwnd, ssthresh, variables, says) in [
            (10, None, &[("prr", 0)][..], Some("slow start")),
            (10, None, &[("prr", 0), ("baseline", infinity)], Some("slow start")),
            (10, None, &[("prr", 0), ("baseline", 20_000)], Some("conservative slow start")),
            (10, Some(11), &[("prr", 0)], Some("slow start")),
            (11, Some(11), &[("prr", 0)], Some("avoidance")),
            (11, Some(11), &[("prr", 1)], Some("reduction")),
            (1, None, &[("mode", 0), ("phase", 9)], Some("startup")),
            (1, None, &[("mode", 2), ("phase", 1)], Some("probe-bw down")),
            (1, None, &[("mode", 2), ("phase", 9)], Some("probe-bw cruise")),
            (1, None, &[("mode", 3), ("phase", 9)], Some("probe-rtt")),
            (1, None, &[], None),
        ] {
            assert_eq!(state_of(cwnd, ssthresh, variables), says, "{variables:?}");
        }
    }

    #[test]
    fn abe_is_a_factor_of_its_own_and_follows_beta_unless_given() {
        let text = format!("{:?}", "reno,beta=0.6".parse::<Spec>().unwrap());
        assert_eq!(text.matches("Factor(76800)").count(), 2, "{text}");
        let text = format!("{:?}", "reno,beta_ecn=0.8".parse::<Spec>().unwrap());
        assert!(text.contains("Factor(102400)"), "{text}");
    }

    #[test]
    fn what_does_not_exist_is_refused_with_what_does() {
        for (text, says) in [
            ("rino", "there is no algorithm 'rino'; there are: bbr, cubic, cubic:linux, reno"),
            ("", "there is no algorithm ''"),
            ("reno:linux", "there is no algorithm 'reno:linux'"),
            (
                "reno,c=1",
                "reno has no parameter 'c'; it has: beta, beta_ecn, hystart, paced, report",
            ),
            ("cubic,beta", "'beta' is no parameter of cubic: write key=value"),
            ("cubic,beta=1.5", "cubic does not take beta=1.5: use 0.001 to 0.999"),
            ("cubic,beta=0.7,beta=0.7", "cubic is given 'beta' twice"),
            ("cubic,c=nan", "cubic does not take c=nan: use 0.01 to 10"),
            ("cubic:linux,hystart=on", "use off, rfc9406, linux"),
            ("bbr,beta=0.5", "bbr has no parameter 'beta'; it has: aggregation, cwnd_gain, margin"),
            ("bbr,cwnd_gain=0.5", "bbr does not take cwnd_gain=0.5: use 1 to 10, or n/256"),
            ("bbr,margin=2", "use 0% to 50%"),
            ("bbr,phase=1", "use random, 0, 2 to 7"),
            ("bbr,probe_rtt=0ms", "use off, or a time such as 200ms"),
            ("bbr,rtprop=off", "use a time such as 10s"),
            ("bbr,seed=-1", "use a whole number"),
            (
                "bbr,report=never",
                "use rtt, rtt:1ms (at most once in that time), ack, or a time such as 10ms",
            ),
        ] {
            let error = text.parse::<Spec>().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
