//! How far something is, on standard error: a line that changes on a terminal, now and then a line elsewhere.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shows how far something is. Nothing else depends on it.
pub(crate) struct Progress {
    /// `None`: nobody wants to know.
    every: Option<Duration>,
    is_terminal: bool,
    last: Instant,
    shown: bool,
}

impl Progress {
    /// One that says nothing if `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let every = if is_terminal { ON_A_TERMINAL } else { ELSEWHERE };
        let every = (!quiet).then_some(every);
        Self { every, is_terminal, last: Instant::now(), shown: false }
    }

    /// Shows it if it is time to.
    pub(crate) fn show(&mut self, what: impl Display) {
        if self.every.is_none_or(|every| self.last.elapsed() < every) {
            return;
        }
        self.last = Instant::now();
        self.shown = true;
        let mut err = std::io::stderr().lock();
        // Nobody reads it if it cannot be written.
        let _ = if self.is_terminal {
            write!(err, "\r{what}\x1b[K").and_then(|()| err.flush())
        } else {
            writeln!(err, "{what}")
        };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.is_terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

const ON_A_TERMINAL: Duration = Duration::from_millis(100);
const ELSEWHERE: Duration = Duration::from_secs(3);
