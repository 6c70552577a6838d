//! How slow start ends by itself, and the datapath program that does it.

use core::fmt;
use core::str::FromStr;

use crate::variant::Variants;

/// How slow start ends before a loss does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HyStart {
    /// Not: `off`.
    #[default]
    Off,
    /// HyStart++, in the first slow start (RFC 9406): `rfc9406`.
    Rfc9406,
    /// The kernel's, by trains of ACKs and by delay (`hystart_update`): `linux`.
    Linux,
}

impl HyStart {
    /// What there is.
    pub const ALL: [Self; 3] = [Self::Off, Self::Rfc9406, Self::Linux];

    /// As a user names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Rfc9406 => "rfc9406",
            Self::Linux => "linux",
        }
    }

    /// What an algorithm calls the datapath program with it: another program has another name.
    pub(super) const fn program_name(self) -> &'static str {
        match self {
            Self::Off => "window",
            Self::Rfc9406 => "window-rfc9406",
            Self::Linux => "window-linux",
        }
    }

    /// The datapath program with it.
    pub(super) fn program(self) -> String {
        match self {
            Self::Off => PROGRAM.with(&[]),
            Self::Rfc9406 => PROGRAM.with(&["#rfc9406"]),
            Self::Linux => PROGRAM.with(&["#linux"]),
        }
    }
}

impl fmt::Display for HyStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no way to end slow start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no HyStart: use off, rfc9406 or linux")]
pub struct ParseHyStartError {
    /// What was given.
    pub text: String,
}

impl FromStr for HyStart {
    type Err = ParseHyStartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|hystart| hystart.name() == text);
        found.ok_or_else(|| ParseHyStartError { text: text.to_owned() })
    }
}

/// As it stands, no HyStart ends slow start.
pub(crate) const PROGRAM: Variants =
    Variants { source: include_str!("window.ccp"), marks: &["#rfc9406", "#linux"] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_is_read() {
        for hystart in HyStart::ALL {
            assert_eq!(hystart.to_string().parse(), Ok(hystart));
        }
        assert_eq!("on".parse::<HyStart>().unwrap_err().text, "on");
    }
}
