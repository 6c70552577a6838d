//! How often the datapath reports, as a user names it.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

/// How often the datapath reports when nothing urgent happens. Losses, marks and timeouts are reported at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportEvery {
    /// Once a round trip: `rtt`.
    #[default]
    Rtt,
    /// Once a round trip, or at this interval where that is longer: `rtt:1ms`. BBR reports each of its rounds in any
    /// case.
    RttOr(Duration),
    /// With every ACK: `ack`.
    Ack,
    /// At this interval, or with the next ACK after it: `10ms`, `250us`, `1s`.
    Interval(Duration),
}

/// A text that names no report interval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no report interval: use rtt, rtt:1ms, ack, or a time such as 10ms, 250us or 1s"
)]
pub struct ParseReportEveryError {
    /// What was given.
    pub text: String,
}

impl FromStr for ReportEvery {
    type Err = ParseReportEveryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseReportEveryError { text: text.to_owned() };
        match text {
            "rtt" => return Ok(Self::Rtt),
            "ack" => return Ok(Self::Ack),
            _ => {}
        }
        let (rtt, text) = match text.strip_prefix("rtt:") {
            Some(least) => (true, least),
            None => (false, text),
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit_us = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            _ => return Err(wrong()),
        };
        let us = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_us));
        // A datapath takes 2^32 − 1 for infinity.
        us.filter(|us| (1..u64::from(u32::MAX)).contains(us))
            .map(Duration::from_micros)
            .map(if rtt { Self::RttOr } else { Self::Interval })
            .ok_or_else(wrong)
    }
}

impl fmt::Display for ReportEvery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtt => f.write_str("rtt"),
            Self::Ack => f.write_str("ack"),
            Self::RttOr(least) => write!(f, "rtt:{}", Self::Interval(*least)),
            Self::Interval(every) => {
                let us = every.as_micros();
                if us.is_multiple_of(1_000_000) {
                    write!(f, "{}s", us / 1_000_000)
                } else if us.is_multiple_of(1_000) {
                    write!(f, "{}ms", us / 1_000)
                } else {
                    write!(f, "{us}us")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_is_read() {
        for text in ["rtt", "rtt:1ms", "ack", "10ms", "250us", "1s", "4294967294us"] {
            assert_eq!(text.parse::<ReportEvery>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_interval_is_refused_with_the_text() {
        for text in [
            "",
            "10",
            "ms",
            "0ms",
            "-1ms",
            "1.5ms",
            "10 ms",
            "RTT",
            "rtt:",
            "rtt:ack",
            "rtt:rtt:1ms",
            "4294967295us",
            "99999999999999999999s",
        ] {
            let error = text.parse::<ReportEvery>().unwrap_err();
            assert_eq!(error.text, text);
        }
    }
}
