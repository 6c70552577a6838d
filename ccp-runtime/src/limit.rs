//! Logging that cannot flood: what a peer can repeat is written at most once a second.

use std::cell::Cell;
use std::time::Duration;

use crate::stats::Counter;

/// When each kind of event was last written.
#[derive(Default)]
pub(crate) struct LogLimits {
    kinds: [Cell<Kind>; Counter::ALL.len()],
}

#[derive(Clone, Copy, Default)]
struct Kind {
    last: Option<Duration>,
    suppressed: u64,
}

impl LogLimits {
    /// Whether to write an event now: then the number of those not written since the last one.
    pub(crate) fn admit(&self, event: Counter, now: Duration) -> Option<u64> {
        let cell = &self.kinds[event as usize];
        let kind = cell.get();
        let is_due = kind
            .last
            .is_none_or(|last| now.saturating_sub(last) >= INTERVAL);
        cell.set(if is_due {
            Kind {
                last: Some(now),
                suppressed: 0,
            }
        } else {
            Kind {
                suppressed: kind.suppressed + 1,
                ..kind
            }
        });
        is_due.then_some(kind.suppressed)
    }
}

/// Often enough for somebody who watches, too seldom to fill a disk.
const INTERVAL: Duration = Duration::from_secs(1);
