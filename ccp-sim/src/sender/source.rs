//! What a flow has to send.

use core::time::Duration;

use crate::link::Rate;
use crate::time::Time;

/// What a flow has to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// More than ever fits the window.
    #[default]
    Unlimited,
    /// So many bytes, all there from the start; the flow ends when they are acknowledged.
    Bytes(u64),
    /// Data that comes at a steady rate, in whole segments: the application, not the window, may be the limit.
    Steady(Rate),
}

impl Source {
    /// Length of the segment that begins after `sent` bytes, if it is there.
    pub(crate) fn segment_at(self, sent: u64, mss: u32, now: Time, start: Time) -> Option<u32> {
        match self {
            Self::Unlimited => Some(mss),
            Self::Bytes(all) => {
                let left = all.saturating_sub(sent).min(u64::from(mss));
                (left > 0).then_some(left as u32)
            }
            Self::Steady(_) => self
                .ready_at(sent, mss, start)
                .is_some_and(|at| at <= now)
                .then_some(mss),
        }
    }

    /// When the segment after `sent` bytes is there; `None` if there is none.
    pub(crate) fn ready_at(self, sent: u64, mss: u32, start: Time) -> Option<Time> {
        match self {
            Self::Unlimited => Some(start),
            Self::Bytes(all) => (sent < all).then_some(start),
            Self::Steady(rate) => {
                let bits = (u128::from(sent) + u128::from(mss)) * 8_000_000_000;
                let nanos = bits.div_ceil(u128::from(rate.as_bits()));
                Some(start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
            }
        }
    }

    /// Bytes there and not yet sent. An unlimited source keeps its send buffer full.
    pub(crate) fn waiting(self, sent: u64, now: Time, start: Time) -> u64 {
        match self {
            Self::Unlimited => SEND_BUFFER,
            Self::Bytes(all) => all.saturating_sub(sent),
            Self::Steady(rate) => rate
                .bytes_in(Duration::from_nanos(now.since(start)))
                .saturating_sub(sent),
        }
    }

    /// Whether nothing will ever follow the first `sent` bytes.
    pub(crate) fn is_spent(self, sent: u64) -> bool {
        matches!(self, Self::Bytes(all) if sent >= all)
    }
}

/// What an unlimited application keeps ready, bytes: the buffers of the kernel runs that simulations are compared with.
const SEND_BUFFER: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_source_has_a_segment_each_time_one_has_come() {
        let source = Source::Steady(Rate::mbit(8));
        let start = Time::from_nanos(1_000);
        // A byte each microsecond.
        assert_eq!(
            source.ready_at(0, 1000, start),
            Some(Time::from_nanos(1_001_000))
        );
        assert_eq!(
            source.segment_at(0, 1000, Time::from_nanos(1_000_999), start),
            None
        );
        assert_eq!(
            source.segment_at(0, 1000, Time::from_nanos(1_001_000), start),
            Some(1000)
        );
        assert_eq!(
            source.segment_at(1000, 1000, Time::from_nanos(1_001_000), start),
            None
        );
        assert!(!source.is_spent(u64::MAX));
    }

    #[test]
    fn the_last_segment_of_a_finite_source_may_be_short() {
        let source = Source::Bytes(2500);
        let at = |sent| source.segment_at(sent, 1000, Time::ZERO, Time::ZERO);
        assert_eq!(
            (at(0), at(1000), at(2000), at(2500)),
            (Some(1000), Some(1000), Some(500), None)
        );
        assert!(source.is_spent(2500) && !source.is_spent(2499));
    }
}
