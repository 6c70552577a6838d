//! What a flow has to send.

use core::time::Duration;

use crate::Rate;
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
    /// So many bytes at once, the first at the start and more each time that this has passed.
    Chunks {
        /// How many at once.
        bytes: u64,
        /// How often.
        every: Duration,
    },
    /// More than ever fits the window, for so long; then nothing new for so long; over and over.
    OnOff {
        /// How long there is something to send.
        on: Duration,
        /// How long there is not.
        off: Duration,
    },
}

impl Source {
    /// Length of the segment that begins after `sent` bytes, if it is there.
    pub(crate) fn segment_at(self, sent: u64, mss: u32, now: Time, start: Time) -> Option<u32> {
        match self {
            Self::Unlimited => Some(mss),
            Self::Bytes(_) | Self::Chunks { .. } => {
                let left = self.waiting(sent, now, start).min(u64::from(mss));
                (left > 0).then_some(left as u32)
            }
            Self::Steady(_) | Self::OnOff { .. } => {
                self.ready_at(sent, mss, now, start).is_some_and(|at| at <= now).then_some(mss)
            }
        }
    }

    /// When the segment after `sent` bytes is there, as it looks now; `None` if never.
    pub(crate) fn ready_at(self, sent: u64, mss: u32, now: Time, start: Time) -> Option<Time> {
        match self {
            Self::Unlimited => Some(start),
            Self::Bytes(all) => (sent < all).then_some(start),
            Self::Steady(rate) => Some(start + rate.time_for(u128::from(sent) + u128::from(mss))),
            Self::Chunks { bytes, every } => {
                let chunk = sent.checked_div(bytes)?;
                Some(start + Duration::from_nanos(nanos(every).saturating_mul(chunk)))
            }
            Self::OnOff { on, off } => {
                if on.is_zero() {
                    return None;
                }
                let since = now.since(start);
                let round = nanos(on).saturating_add(nanos(off));
                let begun = since / round;
                let next = if since % round < nanos(on) { begun } else { begun + 1 };
                Some(start + Duration::from_nanos(round.saturating_mul(next)))
            }
        }
    }

    /// Bytes there and not yet sent. An unlimited source keeps its send buffer full.
    pub(crate) fn waiting(self, sent: u64, now: Time, start: Time) -> u64 {
        match self {
            Self::Unlimited => SEND_BUFFER,
            Self::Bytes(all) => all.saturating_sub(sent),
            Self::Steady(rate) => {
                rate.bytes_in(Duration::from_nanos(now.since(start))).saturating_sub(sent)
            }
            Self::Chunks { bytes, every } => {
                let chunks = now.since(start).checked_div(nanos(every));
                let there = chunks
                    .map_or(u64::MAX, |chunks| bytes.saturating_mul(chunks.saturating_add(1)));
                there.saturating_sub(sent)
            }
            Self::OnOff { .. } => match self.ready_at(sent, 1, now, start) {
                Some(at) if at <= now => SEND_BUFFER,
                _ => 0,
            },
        }
    }

    /// Whether nothing will ever follow the first `sent` bytes.
    pub(crate) fn is_spent(self, sent: u64) -> bool {
        matches!(self, Self::Bytes(all) if sent >= all)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
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
        assert_eq!(source.ready_at(0, 1000, start, start), Some(Time::from_nanos(1_001_000)));
        assert_eq!(source.segment_at(0, 1000, Time::from_nanos(1_000_999), start), None);
        assert_eq!(source.segment_at(0, 1000, Time::from_nanos(1_001_000), start), Some(1000));
        assert_eq!(source.segment_at(1000, 1000, Time::from_nanos(1_001_000), start), None);
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

    #[test]
    fn chunks_come_one_after_the_other_and_wait_for_each_other() {
        let source = Source::Chunks { bytes: 2500, every: Duration::from_millis(10) };
        let ms = |ms: u64| Time::from_micros(1000 * ms);
        let at = |sent, now| source.segment_at(sent, 1000, ms(now), Time::ZERO);
        assert_eq!((at(0, 0), at(2000, 0), at(2500, 9)), (Some(1000), Some(500), None));
        assert_eq!(source.ready_at(2500, 1000, ms(9), Time::ZERO), Some(ms(10)));
        assert_eq!((at(2500, 10), at(4500, 20)), (Some(1000), Some(1000)));
        assert_eq!(source.waiting(2000, ms(25), Time::ZERO), 5500);
    }

    #[test]
    fn an_on_off_source_has_all_or_nothing() {
        let source = Source::OnOff { on: Duration::from_millis(3), off: Duration::from_millis(7) };
        let ms = |ms: u64| Time::from_micros(1000 * ms);
        for (now, ready) in [(5, 5), (7, 5), (8, 15), (14, 15), (15, 15), (17, 15), (18, 25)] {
            let at = source.ready_at(99, 1000, ms(now), ms(5));
            assert_eq!(at, Some(ms(ready)), "at {now} ms");
            let there = source.segment_at(99, 1000, ms(now), ms(5));
            assert_eq!(there.is_some(), ready <= now, "at {now} ms");
        }
    }
}
