//! One reduction a round: tells a new loss event from more losses of the one being repaired.
//!
//! TCP remembers the highest sequence number sent when it reduced (RFC 6582's recovery point). A report carries no
//! sequence numbers, so deliveries are counted instead: once as many bytes have arrived as were in flight at the
//! reduction, everything sent before it is accounted for.

/// The repair of a loss, if one is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes still to be delivered before a loss is news again; 0 when nothing is being repaired.
    remaining: u64,
    cause: Cause,
}

/// What began a recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// A loss found from later deliveries, or an ECN mark: the window does not grow until it is repaired.
    #[default]
    Loss,
    /// A retransmission timeout: the window grows again from the loss window, by slow start.
    Timeout,
}

impl Recovery {
    /// Begins at a reduction, or begins again, with `flight` bytes in flight. A flight of 0 still lasts one byte.
    pub fn begin(&mut self, cause: Cause, flight: u64) {
        self.cause = cause;
        self.remaining = self.remaining.max(flight).max(1);
    }

    /// Counts `bytes` delivered and returns how many of them came when nothing was under repair (any more).
    pub fn on_delivered(&mut self, bytes: u64) -> u64 {
        let used = bytes.min(self.remaining);
        self.remaining -= used;
        bytes - used
    }

    /// What is being repaired; `None` when a loss now would be a new event.
    pub fn cause(&self) -> Option<Cause> {
        (self.remaining > 0).then_some(self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_the_flight_has_been_delivered() {
        let mut recovery = Recovery::default();
        recovery.begin(Cause::Loss, 100);
        assert_eq!(recovery.on_delivered(60), 0);
        assert_eq!(recovery.cause(), Some(Cause::Loss));
        assert_eq!(recovery.on_delivered(60), 20);
        assert_eq!(recovery.cause(), None);
        assert_eq!(recovery.on_delivered(60), 60);
    }

    #[test]
    fn a_flight_of_nothing_lasts_until_something_arrives() {
        let mut recovery = Recovery::default();
        recovery.begin(Cause::Timeout, 0);
        assert_eq!(recovery.on_delivered(0), 0);
        assert_eq!(recovery.cause(), Some(Cause::Timeout));
        assert_eq!(recovery.on_delivered(10), 9);
    }

    #[test]
    fn a_timeout_within_it_never_shortens_it() {
        let mut recovery = Recovery::default();
        recovery.begin(Cause::Loss, 100);
        recovery.begin(Cause::Timeout, 10);
        assert_eq!(recovery.on_delivered(100), 0);
        assert_eq!(recovery.cause(), None);
    }
}
