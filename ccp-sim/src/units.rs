//! Quantities as people write them: `96mbit`, `10ms`, `120kB`, `80p`.
//!
//! A quantity is a decimal number and a unit without a space between. All is exact: what is finer than the smallest unit
//! is refused, not rounded.

use core::str::FromStr;
use core::time::Duration;

use crate::{QueueLimit, Rate};

/// Why a text is no quantity of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no {kind}; one is written like {example}")]
#[non_exhaustive]
pub struct UnitError {
    /// What was written.
    pub text: String,
    /// What was wanted.
    pub kind: &'static str,
    /// Quantities of that kind.
    pub example: &'static str,
}

/// Reads a time: `10s`, `10ms`, `1.5ms`, `25us`, `100ns`, `2m`; `0` needs no unit.
///
/// # Errors
/// It is something else.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let nanos = match text {
        "0" => Some(0),
        _ => quantity(text, DURATIONS),
    };
    let error = || UnitError { text: text.to_owned(), kind: "time", example: "10ms, 1.5s or 25us" };
    nanos.map(Duration::from_nanos).ok_or_else(error)
}

/// Reads an amount of data: `1500B`, `120kB`, `10MB`, `1GB`; thousands, not 1024s.
///
/// # Errors
/// It is something else.
pub fn bytes(text: &str) -> Result<u64, UnitError> {
    quantity(text, BYTES).ok_or_else(|| UnitError {
        text: text.to_owned(),
        kind: "amount of data",
        example: "1500B, 120kB or 10MB",
    })
}

/// Writes a time so that [`duration`] reads the same.
pub fn duration_text(time: Duration) -> String {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    text_of(nanos, &DURATIONS[..4])
}

/// Writes an amount of data so that [`bytes`] reads the same.
pub fn bytes_text(bytes: u64) -> String {
    text_of(bytes, BYTES)
}

impl Rate {
    /// Writes it so that it is read the same: `96mbit`.
    pub fn to_text(self) -> String {
        text_of(self.as_bits(), RATES)
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    /// Reads `96mbit`, `1.5gbit`, `100kbit` or `9600bit`, bits per second; not 0.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bits = quantity(text, RATES).filter(|bits| *bits > 0);
        let error = || UnitError {
            text: text.to_owned(),
            kind: "rate",
            example: "96mbit, 1.5gbit or 100kbit",
        };
        bits.map(Self::bits).ok_or_else(error)
    }
}

impl QueueLimit {
    /// Writes it so that it is read the same: `80p`.
    pub fn to_text(self) -> String {
        match self {
            Self::Packets(packets) => format!("{packets}p"),
            Self::Bytes(bytes) => bytes_text(bytes),
            Self::Bdp(times) => format!("{times}bdp"),
            Self::Unlimited => UNLIMITED.to_owned(),
        }
    }
}

impl FromStr for QueueLimit {
    type Err = UnitError;

    /// Reads `80p`, `120kB`, `1bdp`, `0.5bdp` or `unlimited`.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let limit = if text == UNLIMITED {
            Some(Self::Unlimited)
        } else if let Some(number) = text.strip_suffix("bdp") {
            let times = number.parse::<f64>().ok();
            times.filter(|times| times.is_finite() && *times >= 0.0).map(Self::Bdp)
        } else if let Some(number) = text.strip_suffix('p') {
            number.parse().ok().map(Self::Packets)
        } else {
            bytes(text).ok().map(Self::Bytes)
        };
        limit.ok_or_else(|| UnitError {
            text: text.to_owned(),
            kind: "queue",
            example: "80p, 120kB, 1bdp or unlimited",
        })
    }
}

/// Reads a decimal number and one of the units; `None` if it is something else, too large, or too fine.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    let scaled = u128::from(whole.parse::<u64>().ok()?) * u128::from(*scale);
    let fraction = if fraction.is_empty() {
        0
    } else {
        // Nineteen digits and a scale of 10^11 fit 128 bits.
        let digits = u32::try_from(fraction.len()).ok().filter(|len| *len < 20)?;
        let over = 10u128.pow(digits);
        let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(*scale);
        (part % over == 0).then_some(part / over)?
    };
    u64::try_from(scaled + fraction).ok()
}

/// In the largest unit of which it is a whole number; units are in order, the largest first.
fn text_of(value: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, scale): &&(&str, u64)| value.is_multiple_of(*scale) && value > 0;
    let (unit, scale) =
        units.iter().find(fits).or_else(|| units.last()).copied().unwrap_or(("", 1));
    format!("{}{unit}", value / scale)
}

const UNLIMITED: &str = "unlimited";

/// Nanoseconds.
const DURATIONS: &[(&str, u64)] =
    &[("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1), ("m", 60_000_000_000)];

const BYTES: &[(&str, u64)] = &[("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

/// Bits per second.
const RATES: &[(&str, u64)] =
    &[("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_exactly() {
        assert_eq!("96mbit".parse(), Ok(Rate::mbit(96)));
        assert_eq!("1.5gbit".parse(), Ok(Rate::mbit(1500)));
        assert_eq!("0.3kbit".parse(), Ok(Rate::bits(300)));
        assert_eq!(duration("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(duration("0.025ms"), Ok(Duration::from_micros(25)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(bytes("120kB"), Ok(120_000));
        assert_eq!("80p".parse(), Ok(QueueLimit::Packets(80)));
        assert_eq!("1.5bdp".parse(), Ok(QueueLimit::Bdp(1.5)));
        assert_eq!("3kB".parse(), Ok(QueueLimit::Bytes(3000)));
        assert_eq!("unlimited".parse(), Ok(QueueLimit::Unlimited));
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_an_example() {
        for text in [
            "", "96", "mbit", "96Mbit", "96 mbit", "-1mbit", "1.mbit", ".5mbit", "0mbit",
            "1e3mbit", "0.5bit",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        for text in ["10", "10 ms", "0.5ns", "99999999999999999999s", "10min"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["80", "-80p", "1.5p", "NaNbdp", "-1bdp", "infbdp", "unbounded"] {
            assert!(text.parse::<QueueLimit>().is_err(), "{text}");
        }
        assert_eq!(
            duration("10").unwrap_err().to_string(),
            "'10' is no time; one is written like 10ms, 1.5s or 25us"
        );
    }

    #[test]
    fn what_is_written_is_read_the_same() {
        for nanos in [0, 1, 1000, 1_500_000, 60_000_000_000, u64::MAX] {
            let time = Duration::from_nanos(nanos);
            assert_eq!(duration(&duration_text(time)), Ok(time));
            assert_eq!(bytes(&bytes_text(nanos)), Ok(nanos));
            let rate = Rate::bits(nanos);
            assert_eq!(rate.to_text().parse(), Ok(rate));
        }
        for limit in ["80p", "120kB", "1.5bdp", "unlimited"] {
            assert_eq!(limit.parse::<QueueLimit>().unwrap().to_text(), limit);
        }
    }
}
