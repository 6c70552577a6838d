//! What algorithms there are, for whoever lists them.

use crate::window::WindowAlg;
use crate::{cubic, reno};

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
}

/// All algorithms of this crate, by name.
pub const ALL: &[Info] = &[
    Info {
        name: <cubic::Config as WindowAlg>::NAME,
        summary: "growth by a cubic function of the time since the last loss",
        reference: "RFC 9438",
    },
    Info {
        name: <cubic::LinuxConfig as WindowAlg>::NAME,
        summary: "CUBIC as the Linux kernel runs it",
        reference: "tcp_cubic.c of Linux 6.12",
    },
    Info {
        name: <reno::Config as WindowAlg>::NAME,
        summary: "additive increase, halving on loss",
        reference: "RFC 5681, RFC 6582, RFC 3465",
    },
];

/// The algorithm of this name.
pub fn find(name: &str) -> Option<&'static Info> {
    ALL.iter().find(|info| info.name == name)
}

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
