//! The virtual clock: nanoseconds since the simulation's start.

use core::ops::Add;
use core::time::Duration;

/// A point in virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(u64);

impl Time {
    pub(crate) const ZERO: Self = Self(0);
    /// Later than anything that happens.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    #[cfg(test)]
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    pub(crate) const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds, the unit of datapath and agent.
    pub(crate) const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    pub(crate) const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long ago `earlier` was; 0 if it is in the future.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<Duration> for Time {
    fn from(since_start: Duration) -> Self {
        Self::ZERO + since_start
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        let nanos = u64::try_from(later.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}
