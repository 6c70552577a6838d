//! What a sender is repairing, and whether there was anything to repair.
//!
//! An episode begins with a loss, an ECN mark or a timeout and ends when all is acknowledged that had been sent by then
//! (RFC 6582's recovery point). It was for nothing when every transmission taken to be lost has arrived after all, or,
//! if a timeout began it, when one has that was under way then (Eifel, RFC 4015): acknowledgements name transmissions.
//! The window is no business of this module: PRR is the program's.

/// What a sender is repairing: the values of `Flow.recovery`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing.
    #[default]
    Open = 0,
    /// The window is being reduced after an ECN mark; nothing is lost.
    Reducing = 1,
    /// Losses are being repaired.
    Repairing = 2,
    /// A retransmission timeout started everything over.
    Restarting = 3,
}

impl Phase {
    /// Whether something is lost and not yet repaired.
    pub(crate) fn repairs(self) -> bool {
        matches!(self, Self::Repairing | Self::Restarting)
    }
}

/// Window and slow start threshold, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) cwnd: u64,
    pub(crate) ssthresh: u64,
}

/// What a transmission says that arrives although it was not expected any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// Nothing: it repeats what had arrived.
    Duplicate,
    /// It had been taken to be lost.
    Spurious,
    /// And so the whole episode was for nothing: these were the windows before it.
    Undone(Windows),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery {
    phase: Phase,
    /// The episode ends when all segments below this one are acknowledged.
    until: u64,
    /// From before it; `None` when it cannot be undone.
    before: Option<Windows>,
    /// The transmissions taken to be lost since it began that have not arrived, in order. They outlive the episode, but
    /// not the beginning of the next.
    suspects: Vec<u64>,
    /// A timeout began it when these were under way.
    timed_out_below: u64,
}

impl Recovery {
    /// These transmissions are taken to be lost; segments up to `sent` had been sent by now. Returns whether an episode
    /// begins.
    pub(crate) fn on_lost(&mut self, lost: &[u64], sent: u64, windows: Windows) -> bool {
        let begins = !lost.is_empty() && !self.phase.repairs();
        if begins {
            self.begin(Phase::Repairing, sent, windows);
        }
        self.suspect(lost);
        begins
    }

    /// The retransmission timer fired: as [`on_lost`](Self::on_lost); transmissions below `next` had left by now.
    pub(crate) fn on_timeout(
        &mut self,
        lost: &[u64],
        sent: u64,
        next: u64,
        windows: Windows,
    ) -> bool {
        let begins = !self.phase.repairs();
        if begins {
            self.begin(Phase::Restarting, sent, windows);
            self.timed_out_below = next;
        } else {
            self.phase = Phase::Restarting;
            self.until = sent;
        }
        self.suspect(lost);
        begins
    }

    /// A packet came through with a mark. Returns whether an episode begins.
    pub(crate) fn on_mark(&mut self, sent: u64, windows: Windows) -> bool {
        let begins = self.phase == Phase::Open;
        if begins {
            self.begin(Phase::Reducing, sent, windows);
            // There was congestion, whatever is found about losses.
            self.before = None;
        }
        begins
    }

    /// All segments below `left_edge` are acknowledged. Returns what is over, if something is.
    pub(crate) fn on_progress(&mut self, left_edge: u64) -> Option<Phase> {
        let over = self.phase != Phase::Open && left_edge >= self.until;
        over.then(|| core::mem::take(&mut self.phase))
    }

    /// A transmission has arrived that was not expected any more.
    pub(crate) fn on_late(&mut self, transmission: u64) -> Late {
        let Ok(at) = self.suspects.binary_search(&transmission) else {
            return Late::Duplicate;
        };
        self.suspects.remove(at);
        if !self.suspects.is_empty() && transmission >= self.timed_out_below {
            return Late::Spurious;
        }
        let Some(windows) = self.before.take() else {
            return Late::Spurious;
        };
        self.suspects.clear();
        self.timed_out_below = 0;
        self.phase = Phase::Open;
        Late::Undone(windows)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    fn begin(&mut self, phase: Phase, until: u64, windows: Windows) {
        // What an ECN mark began goes on as a repair and cannot be undone.
        self.before = (self.phase == Phase::Open).then_some(windows);
        self.phase = phase;
        self.until = until;
        self.suspects.clear();
        self.timed_out_below = 0;
    }

    fn suspect(&mut self, lost: &[u64]) {
        let in_order = |pair: &[u64]| pair[0] <= pair[1];
        let appended = self.suspects.len().saturating_sub(1);
        self.suspects.extend_from_slice(lost);
        if !self.suspects[appended..].windows(2).all(in_order) {
            self.suspects.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Windows = Windows { cwnd: 100, ssthresh: 200 };

    #[test]
    fn an_episode_is_one_until_its_recovery_point() {
        let mut recovery = Recovery::default();
        assert!(!recovery.on_lost(&[], 10, BEFORE));
        assert!(recovery.on_lost(&[3], 10, BEFORE));
        assert!(!recovery.on_lost(&[5], 12, BEFORE));
        assert!(!recovery.on_mark(12, BEFORE));
        assert_eq!(recovery.on_progress(9), None);
        assert_eq!(recovery.on_progress(10), Some(Phase::Repairing));
        assert_eq!(recovery.on_progress(11), None);
        assert!(recovery.on_lost(&[11], 20, BEFORE));
    }

    #[test]
    fn a_repair_is_undone_when_all_that_was_lost_has_arrived() {
        let mut recovery = Recovery::default();
        recovery.on_lost(&[7, 3], 10, BEFORE);
        assert_eq!(recovery.on_late(4), Late::Duplicate);
        assert_eq!(recovery.on_late(3), Late::Spurious);
        // Even after its end.
        recovery.on_progress(10);
        assert_eq!(recovery.on_late(7), Late::Undone(BEFORE));
        assert_eq!(recovery.on_late(7), Late::Duplicate);
    }

    #[test]
    fn a_timeout_is_undone_when_anything_arrives_that_was_under_way() {
        let mut recovery = Recovery::default();
        assert!(recovery.on_timeout(&[1, 2, 3], 4, 4, BEFORE));
        assert_eq!(recovery.phase(), Phase::Restarting);
        assert!(!recovery.on_timeout(&[4], 4, 5, BEFORE));
        assert_eq!(recovery.on_late(4), Late::Spurious);
        assert_eq!(recovery.on_late(2), Late::Undone(BEFORE));
        assert_eq!(recovery.phase(), Phase::Open);
    }

    #[test]
    fn a_timeout_in_a_repair_proves_nothing_about_the_repair() {
        let mut recovery = Recovery::default();
        recovery.on_lost(&[1], 4, BEFORE);
        assert!(!recovery.on_timeout(&[2, 3], 4, 4, BEFORE));
        assert_eq!(recovery.on_late(2), Late::Spurious);
        assert_eq!(recovery.on_late(3), Late::Spurious);
        assert_eq!(recovery.on_late(1), Late::Undone(BEFORE));
    }

    #[test]
    fn a_mark_is_never_undone() {
        let mut recovery = Recovery::default();
        assert!(recovery.on_mark(10, BEFORE));
        assert!(!recovery.on_mark(11, BEFORE));
        assert!(recovery.on_lost(&[1], 11, BEFORE));
        assert_eq!(recovery.phase(), Phase::Repairing);
        assert_eq!(recovery.on_late(1), Late::Spurious);
    }
}
