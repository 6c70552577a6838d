//! What a reduction leaves of a window, as an exact fraction.

use core::fmt;
use core::str::FromStr;

/// A factor between 0 and 1, exclusive, in steps of 1/128000: three decimals and Linux's 1/1024 are both exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor(u32);

impl Factor {
    /// Halving.
    pub const HALF: Self = Self(64_000);

    /// `thousandths`/1000, between 0.001 and 0.999.
    pub const fn thousandths(thousandths: u32) -> Self {
        let held = if thousandths == 0 {
            1
        } else if thousandths > 999 {
            999
        } else {
            thousandths
        };
        Self(held * 128)
    }

    /// `n`/1024, between 1/1024 and 1023/1024.
    pub const fn of_1024(n: u32) -> Self {
        let held = if n == 0 {
            1
        } else if n > 1023 {
            1023
        } else {
            n
        };
        Self(held * 125)
    }

    /// This part of `window`, rounded down.
    pub fn of(self, window: u64) -> u64 {
        let part = u128::from(window) * u128::from(self.0) / u128::from(Self::ONE);
        // Less than `window`.
        u64::try_from(part).unwrap_or(window)
    }

    /// In units of 1/[`Factor::ONE`].
    pub const fn units(self) -> u64 {
        self.0 as u64
    }

    /// As a number.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / Self::ONE as f64
    }

    /// How many units make 1.
    pub const ONE: u64 = 128_000;
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(128) {
            let text = format!("0.{:03}", self.0 / 128);
            f.write_str(text.trim_end_matches('0'))
        } else if self.0.is_multiple_of(125) {
            write!(f, "{}/1024", self.0 / 125)
        } else {
            write!(f, "{}/{}", self.0, Self::ONE)
        }
    }
}

/// A text that names no factor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no factor: use a number from 0.001 to 0.999 with up to three decimals, or n/1024"
)]
pub struct ParseFactorError {
    /// What was given.
    pub text: String,
}

impl FromStr for Factor {
    type Err = ParseFactorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = if let Some(n) = text.strip_suffix("/1024") {
            number(n).filter(|n| (1..1024).contains(n)).map(Self::of_1024)
        } else {
            text.strip_prefix("0.")
                .or_else(|| text.strip_prefix('.'))
                .filter(|decimals| (1..=3).contains(&decimals.len()))
                .and_then(|decimals| number(&format!("{decimals:0<3}")))
                .filter(|n| *n > 0)
                .map(Self::thousandths)
        };
        parsed.ok_or_else(|| ParseFactorError { text: text.to_owned() })
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_is_read() {
        for text in ["0.7", "0.85", "0.001", "0.999", "0.5", "717/1024"] {
            assert_eq!(text.parse::<Factor>().unwrap().to_string(), text);
        }
        assert_eq!(".7".parse::<Factor>(), Ok(Factor::thousandths(700)));
    }

    #[test]
    fn what_is_no_factor_is_refused_with_the_text() {
        for text in [
            "",
            "0",
            "0.",
            "0.0",
            "1",
            "1.0",
            "0.7000",
            "-0.7",
            "0.-7",
            "0.+7",
            "x",
            "0/1024",
            "1024/1024",
            "/1024",
        ] {
            assert_eq!(text.parse::<Factor>().unwrap_err().text, text);
        }
    }

    #[test]
    fn three_decimals_and_1024ths_are_exact() {
        assert_eq!(Factor::thousandths(700).of(80_000), 56_000);
        assert_eq!(Factor::of_1024(717).of(1024 * 1448), 717 * 1448);
        assert!(Factor::thousandths(999).of(u64::MAX) < u64::MAX);
    }
}
