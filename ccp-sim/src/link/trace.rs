//! A link whose capacity was recorded: mahimahi's format.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use crate::Rate;
use crate::time::Time;

/// When a link may send: one opportunity for 1500 bytes at each recorded millisecond, over and over.
///
/// The form is mahimahi's: one line an opportunity, milliseconds in order, several at one time allowed; the last one is
/// also the length of the recording, after which it repeats. Bytes that an opportunity has left over serve the next
/// packet if one waits, and are lost otherwise.
#[derive(Clone, PartialEq, Eq)]
pub struct Trace {
    name: Arc<str>,
    opportunities: Arc<[u32]>,
}

/// Why a text is no trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A line is no number of milliseconds.
    #[error("line {line} of the trace is '{text}', no number of milliseconds")]
    NoNumber {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// Time goes back.
    #[error("line {line} of the trace, {ms} ms, is before the line above it")]
    OutOfOrder {
        /// Counted from 1.
        line: usize,
        /// What it says.
        ms: u32,
    },
    /// Nothing could ever be sent, or everything at once.
    #[error("the trace has no opportunity after 0 ms")]
    Empty,
}

impl Trace {
    /// Reads a trace; `name` is for people.
    ///
    /// # Errors
    /// It is not in mahimahi's form.
    pub fn parse(name: &str, text: &str) -> Result<Self, TraceError> {
        let mut opportunities = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let ms: u32 =
                text.parse().map_err(|_| TraceError::NoNumber { line, text: text.to_owned() })?;
            if opportunities.last().is_some_and(|last| ms < *last) {
                return Err(TraceError::OutOfOrder { line, ms });
            }
            opportunities.push(ms);
        }
        if opportunities.last().is_none_or(|last| *last == 0) {
            return Err(TraceError::Empty);
        }
        Ok(Self { name: name.into(), opportunities: opportunities.into() })
    }

    /// What it was called when it was read.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it is before it repeats.
    pub fn period(&self) -> Duration {
        Duration::from_millis(self.period_ms())
    }

    /// What it carries on average.
    pub fn mean_rate(&self) -> Rate {
        let bits = self.opportunities.len() as u128 * u128::from(OPPORTUNITY) * 8;
        let rate = bits * 1000 / u128::from(self.period_ms());
        Rate::bits(u64::try_from(rate).unwrap_or(u64::MAX))
    }

    /// Bytes that could have been sent by `until`, that time included.
    pub(crate) fn bytes_until(&self, until: Time) -> u64 {
        self.first_after(until) * u64::from(OPPORTUNITY)
    }

    /// Number of the first opportunity at `now` or later.
    pub(crate) fn first_from(&self, now: Time) -> u64 {
        let nanos = now.since(Time::ZERO);
        self.count(nanos.div_ceil(NANOS_PER_MS), |ms, wanted| ms < wanted)
    }

    /// When the opportunity of this number is.
    pub(crate) fn at(&self, number: u64) -> Time {
        let len = self.opportunities.len() as u64;
        let ms = u64::from(self.opportunities[(number % len) as usize]);
        Time::from_micros(((number / len) * self.period_ms() + ms).saturating_mul(1000))
    }

    /// Number of the first opportunity later than `now`.
    fn first_after(&self, now: Time) -> u64 {
        self.count(now.since(Time::ZERO) / NANOS_PER_MS, |ms, wanted| ms <= wanted)
    }

    /// How many opportunities there are for whose time, and the wanted one, `before` holds.
    fn count(&self, wanted_ms: u64, before: impl Fn(u64, u64) -> bool) -> u64 {
        let period = self.period_ms();
        let mut cycle = wanted_ms / period;
        let mut within = wanted_ms % period;
        // An opportunity at the end of one repetition is at the beginning of the next, before its own.
        if within == 0 && cycle > 0 && !before(period, period) {
            (cycle, within) = (cycle - 1, period);
        }
        let found = self.opportunities.partition_point(|ms| before(u64::from(*ms), within));
        cycle * self.opportunities.len() as u64 + found as u64
    }

    fn period_ms(&self) -> u64 {
        self.opportunities.last().copied().map_or(1, u64::from)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("name", &self.name)
            .field("opportunities", &self.opportunities.len())
            .field("period", &self.period())
            .finish()
    }
}

/// What is left of a trace's opportunities.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    trace: Trace,
    at: Position,
}

/// How far a trace's opportunities are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The opportunity to use next, and what is left of it, bytes.
    next: u64,
    left: u32,
}

impl Cursor {
    pub(crate) fn new(trace: Trace) -> Self {
        Self { trace, at: Position { next: 0, left: OPPORTUNITY } }
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    pub(crate) fn position(&self) -> Position {
        self.at
    }

    /// What was sent since it stood there was not sent.
    pub(crate) fn restore(&mut self, position: Position) {
        self.at = position;
    }

    /// Sends so many bytes as soon as may be from `now` on; returns when the last of them leaves.
    pub(crate) fn send(&mut self, bytes: u32, now: Time) -> Time {
        let Position { next, left } = &mut self.at;
        if self.trace.at(*next) < now {
            (*next, *left) = (self.trace.first_from(now), OPPORTUNITY);
        }
        let mut bytes = bytes;
        while bytes > *left {
            bytes -= *left;
            (*next, *left) = (*next + 1, OPPORTUNITY);
        }
        let at = self.trace.at(*next);
        *left -= bytes;
        if *left == 0 {
            (*next, *left) = (*next + 1, OPPORTUNITY);
        }
        at
    }
}

/// Bytes that one opportunity carries.
const OPPORTUNITY: u32 = 1500;

const NANOS_PER_MS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn trace() -> Trace {
        Trace::parse("t", "1\n1\n4\n10\n").unwrap()
    }

    #[test]
    fn opportunities_repeat_after_the_last() {
        let trace = trace();
        let times: Vec<_> = (0..9).map(|number| trace.at(number)).collect();
        assert_eq!(times, [1, 1, 4, 10, 11, 11, 14, 20, 21].map(ms));
        assert_eq!(trace.mean_rate(), Rate::bits(4 * 12_000 * 100));
        for (now, first) in
            [(0, 0), (1, 0), (2, 2), (4, 2), (10, 3), (11, 4), (12, 6), (20, 7), (21, 8)]
        {
            assert_eq!(trace.first_from(ms(now)), first, "from {now} ms");
        }
        assert_eq!(trace.first_from(Time::from_nanos(1)), 0);
        assert_eq!(trace.first_from(Time::from_nanos(1_000_001)), 2);
        for (until, bytes) in [(0, 0), (1, 3000), (9, 4500), (10, 6000), (11, 9000), (20, 12_000)] {
            assert_eq!(trace.bytes_until(ms(until)), bytes, "until {until} ms");
        }
    }

    #[test]
    fn an_opportunity_at_0_comes_again_at_the_end() {
        let trace = Trace::parse("t", "0\n5").unwrap();
        let times: Vec<_> = (0..4).map(|number| trace.at(number)).collect();
        assert_eq!(times, [0, 5, 5, 10].map(ms));
        assert_eq!(trace.first_from(ms(5)), 1);
        assert_eq!(trace.bytes_until(ms(5)), 4500);
    }

    #[test]
    fn packets_use_up_opportunities_and_share_what_is_left_over() {
        let mut cursor = Cursor::new(trace());
        let sent = [(1500, 0), (1000, 1), (1000, 1), (1000, 4), (1500, 4)]
            .map(|(bytes, now)| cursor.send(bytes, ms(now)));
        // The fourth finds 1000 bytes left of the third opportunity, the fifth a new one.
        assert_eq!(sent, [1, 1, 4, 4, 10].map(ms));
        // What nobody wanted is lost.
        assert_eq!(cursor.send(3000, ms(12)), ms(20));
        assert_eq!(cursor.send(100, ms(25)), ms(30));
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_line() {
        let error = |text| Trace::parse("t", text).unwrap_err();
        assert_eq!(error("5\n3"), TraceError::OutOfOrder { line: 2, ms: 3 });
        assert_eq!(error("").to_string(), "the trace has no opportunity after 0 ms");
        assert_eq!(error("0\n0"), TraceError::Empty);
        assert_eq!(
            error("5\n-1").to_string(),
            "line 2 of the trace is '-1', no number of milliseconds"
        );
    }
}
