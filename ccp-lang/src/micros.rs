//! Time as the machine sees it.

use core::fmt;

/// A point in time or an interval, in microseconds.
///
/// Points count from whatever the embedding program chose as its zero; a datapath counts from its
/// own start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Micros(pub u64);

impl Micros {
    /// The zero of time, or no interval.
    pub const ZERO: Self = Self(0);

    /// This interval later, or the last point there is.
    #[must_use]
    pub const fn saturating_add(self, interval: Self) -> Self {
        Self(self.0.saturating_add(interval.0))
    }

    /// How long after `earlier` this is; no interval when it is before.
    #[must_use]
    pub const fn saturating_sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} us", self.0)
    }
}
