//! What algorithms there are, for whoever lists them.

use crate::spec::Parameter;
use crate::window::WindowAlg;
use crate::{BbrAlg, bbr, cubic, reno};

/// What there is to say of an algorithm in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The name that datapaths and users know it by.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Where it is specified.
    pub reference: &'static str,
    /// What can be set about it, by key.
    pub parameters: &'static [Parameter],
}

/// All algorithms of this crate, by name.
pub const ALL: &[Info] = &[
    Info {
        name: BbrAlg::NAME,
        summary: "a model of the path: bandwidth and round-trip time, probed in turn",
        reference: "tcp_bbr.c of Linux 6.12",
        parameters: &[
            Parameter::new(
                "aggregation",
                SWITCH,
                "on",
                "whether ACKs that come in lumps widen the window",
            ),
            Parameter::new(
                "cwnd_gain",
                bbr::GAINS,
                "2",
                "how many times what the path holds the window is",
            ),
            Parameter::new("margin", bbr::MARGINS, "1%", "how far below its estimate it paces"),
            Parameter::new(
                "phase",
                bbr::PHASES,
                "random",
                "where its cycle of eight phases begins",
            ),
            Parameter::new("policer", SWITCH, "on", "whether it looks for a policer"),
            Parameter::new(
                "probe_rtt",
                "off, or a time such as 200ms",
                "200ms",
                "how long it empties the path to see its round-trip time",
            ),
            Parameter::new("report", REPORTS, "rtt", REPORTED_TOO),
            Parameter::new(
                "rtprop",
                "a time such as 10s",
                "10s",
                "how long the least round-trip time holds before it does",
            ),
            Parameter::new("seed", "a whole number", "0", "what random phases are drawn from"),
            Parameter::new(
                "startup_gain",
                bbr::GAINS,
                "739/256",
                "how much faster than its estimate it starts",
            ),
        ],
    },
    Info {
        name: <cubic::Config as WindowAlg>::NAME,
        summary: "growth by a cubic function of the time since the last loss",
        reference: "RFC 9438",
        parameters: &[
            Parameter::new("beta", FACTORS, "0.7", LOSS_LEAVES),
            Parameter::new("beta_ecn", FACTORS, "0.7", MARK_LEAVES),
            Parameter::new(
                "c",
                "0.01 to 10",
                "0.4",
                "how fast it grows, in segments per cubic second",
            ),
            Parameter::new("fast_convergence", SWITCH, "on", GIVES_WAY),
            Parameter::new("friendly", SWITCH, "on", AS_RENO),
            Parameter::new("hystart", HYSTARTS, "rfc9406", ENDS_SLOW_START),
            Parameter::new("paced", SWITCH, "off", SPACED),
            Parameter::new("report", REPORTS, "rtt", REPORTED),
        ],
    },
    Info {
        name: <cubic::LinuxConfig as WindowAlg>::NAME,
        summary: "CUBIC as the Linux kernel runs it",
        reference: "tcp_cubic.c of Linux 6.12",
        parameters: &[
            Parameter::new("beta", FACTORS, "717/1024", LOSS_LEAVES),
            Parameter::new("fast_convergence", SWITCH, "on", GIVES_WAY),
            Parameter::new("friendly", SWITCH, "on", AS_RENO),
            Parameter::new("hystart", HYSTARTS, "linux", ENDS_SLOW_START),
            Parameter::new("paced", SWITCH, "off", SPACED),
            Parameter::new("report", REPORTS, "rtt", REPORTED),
        ],
    },
    Info {
        name: <reno::Config as WindowAlg>::NAME,
        summary: "additive increase, halving on loss",
        reference: "RFC 5681, RFC 6582, RFC 3465",
        parameters: &[
            Parameter::new("beta", FACTORS, "0.5", LOSS_LEAVES),
            Parameter::new("beta_ecn", FACTORS, "0.5", MARK_LEAVES),
            Parameter::new("hystart", HYSTARTS, "off", ENDS_SLOW_START),
            Parameter::new("paced", SWITCH, "off", SPACED),
            Parameter::new("report", REPORTS, "rtt", REPORTED),
        ],
    },
];

/// The algorithm of this name.
pub fn find(name: &str) -> Option<&'static Info> {
    ALL.iter().find(|info| info.name == name)
}

const FACTORS: &str = "0.001 to 0.999, or n/1024";
const SWITCH: &str = "on, off";
const HYSTARTS: &str = "off, rfc9406, linux";
const REPORTS: &str = "rtt, rtt:1ms (at most once in that time), ack, or a time such as 10ms";
const LOSS_LEAVES: &str = "what a loss leaves of the window";
const MARK_LEAVES: &str = "what an ECN mark leaves of it; as a loss unless given (RFC 8511)";
const GIVES_WAY: &str = "whether a flow that finds less room than before gives way sooner";
const AS_RENO: &str = "whether it grows no slower than Reno would";
const SPACED: &str =
    "whether the transport spaces packets by itself (Linux: over fq), which HyStart must know";
const ENDS_SLOW_START: &str = "how slow start ends before a loss does it";
const REPORTED: &str = "how often the datapath reports when nothing is news";
const REPORTED_TOO: &str =
    "how often the datapath reports when nothing is news, as the end of a round always is";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_ordered_and_unique() {
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        for info in ALL {
            assert_eq!(find(info.name), Some(info));
        }
        assert_eq!(find("none"), None);
    }
}
