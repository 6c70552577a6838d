//! Between which numbers a value lies.

/// The least and the largest value that something may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) lo: u64,
    pub(crate) hi: u64,
}

impl Range {
    pub(crate) const ANY: Self = Self { lo: 0, hi: u64::MAX };
    pub(crate) const BOOL: Self = Self { lo: 0, hi: 1 };

    pub(crate) const fn one(value: u64) -> Self {
        Self { lo: value, hi: value }
    }

    pub(crate) const fn is_bool(self) -> bool {
        self.hi <= 1
    }

    /// What is in one or the other.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }
}
