//! A rate of data.

use core::fmt;
use core::time::Duration;

/// Bits per second. Never 0, so that a packet always gets through at some time.
///
/// Written `96mbit`, `1.5gbit`, `100kbit`, `9600bit`; see [`FromStr`](core::str::FromStr).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// `bits` per second, at least 1.
    pub const fn bits(bits: u64) -> Self {
        Self(if bits == 0 { 1 } else { bits })
    }

    /// `mbit` million bits per second.
    pub const fn mbit(mbit: u64) -> Self {
        Self::bits(mbit.saturating_mul(1_000_000))
    }

    /// Bits per second.
    pub const fn as_bits(self) -> u64 {
        self.0
    }

    /// Bytes that fit into `time`.
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bytes = u128::from(self.0) * time.as_nanos() / 8_000_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// When the last of so many bytes has come at this rate, after the first bit began.
    pub(crate) fn time_for(self, bytes: u128) -> Duration {
        let nanos = bytes.saturating_mul(8_000_000_000).div_ceil(u128::from(self.0));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000_000) {
            write!(f, "{} Mbit/s", self.0 / 1_000_000)
        } else {
            write!(f, "{} bit/s", self.0)
        }
    }
}
