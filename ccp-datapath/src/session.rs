//! Is there an agent? Ready until one has got through, keep-alives, and when to fall back.
//!
//! Knows only times, in microseconds since the datapath's start, and what became of sends. [`NEVER`] is no time.

/// What the engine must do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// The fallback begins.
    pub(crate) fallback: bool,
    /// Send Ready and Hello.
    pub(crate) ready: bool,
}

/// What is known of the agent.
#[derive(Debug)]
pub(crate) struct Session {
    fallback_after: u64,
    keep_alive: bool,
    ready_through: bool,
    /// Earliest time of the next Ready, while one is to be sent.
    next_ready: u64,
    /// The first send that found no agent since the agent was last heard.
    gone_since: Option<u64>,
    /// The agent's promise: it says something at least this often. 0 without a promise.
    interval: u64,
    heard: u64,
    /// The silence since then was once laid to our own absence.
    excused: bool,
    fallback: bool,
}

impl Session {
    pub(crate) fn new(fallback_after: u64, keep_alive: bool) -> Self {
        Self {
            fallback_after,
            keep_alive,
            ready_through: false,
            next_ready: 0,
            gone_since: None,
            interval: 0,
            heard: 0,
            excused: false,
            fallback: false,
        }
    }

    /// Looks at the time.
    pub(crate) fn tick(&mut self, t: u64) -> Due {
        let mut due = Due::default();
        if !self.fallback && self.lost_agent(t) {
            self.fallback = true;
            self.gone_since = None;
            self.interval = 0;
            due.fallback = true;
        }
        if self.wants_ready() && t >= self.next_ready && self.next_ready != NEVER {
            self.next_ready = t.saturating_add(RETRY_EVERY);
            due.ready = true;
        }
        due
    }

    /// A Ready got through.
    pub(crate) fn ready_sent(&mut self) {
        self.ready_through = true;
    }

    /// A send found no agent.
    pub(crate) fn agent_gone(&mut self, t: u64) {
        if !self.fallback && self.gone_since.is_none() {
            self.gone_since = Some(t);
        }
    }

    /// The agent said something. In fallback only [`Session::revived`] helps: whoever speaks of single flows has not
    /// noticed that they were given up.
    pub(crate) fn heard(&mut self, t: u64) {
        self.heard = t;
        self.excused = false;
        self.gone_since = None;
    }

    /// The agent sent Install or Alive. Returns whether that ended a fallback.
    pub(crate) fn revived(&mut self, t: u64) -> bool {
        self.heard(t);
        core::mem::take(&mut self.fallback)
    }

    /// The agent announced that it says something at least every `interval` microseconds.
    pub(crate) fn announced(&mut self, interval: u64) {
        // An agent that was not asked answers Hello once and repeats nothing: its silence means nothing.
        if self.keep_alive {
            self.interval = interval;
        }
    }

    pub(crate) fn in_fallback(&self) -> bool {
        self.fallback
    }

    /// Create may be sent: an agent drops a flow it hears of before a Ready.
    pub(crate) fn may_create(&self) -> bool {
        self.ready_through && !self.fallback
    }

    /// When [`Session::tick`] has something to do; [`NEVER`] if nothing.
    pub(crate) fn deadline(&self) -> u64 {
        let mut deadline = NEVER;
        if self.wants_ready() {
            deadline = self.next_ready;
        }
        if !self.fallback {
            if let Some(since) = self.gone_since {
                deadline = deadline.min(since.saturating_add(self.fallback_after));
            }
            deadline = deadline.min(self.silent_at());
        }
        deadline
    }

    fn wants_ready(&self) -> bool {
        !self.ready_through || self.fallback
    }

    fn lost_agent(&mut self, t: u64) -> bool {
        if let Some(since) = self.gone_since
            && t >= since.saturating_add(self.fallback_after)
        {
            return true;
        }
        if t < self.silent_at() || self.silent_at() == NEVER {
            return false;
        }
        // Who comes late by a whole interval (a suspended machine, a stopped process) has not listened either: what
        // the agent said meanwhile may still wait in the socket. One more interval to read it.
        let late = t.saturating_sub(self.silent_at()) > self.interval;
        if late && !self.excused {
            self.heard = t.saturating_sub(self.interval.saturating_mul(SILENT_INTERVALS - 1));
            self.excused = true;
            return false;
        }
        true
    }

    /// When the agent's silence has lasted over three of its intervals.
    fn silent_at(&self) -> u64 {
        if self.interval == 0 {
            return NEVER;
        }
        let allowed = self.interval.saturating_mul(SILENT_INTERVALS);
        self.heard.saturating_add(allowed).saturating_add(1)
    }
}

/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// Ready, Create and closings are tried no more often than this, so that an absent agent costs next to nothing.
pub(crate) const RETRY_EVERY: u64 = 100_000;

/// An agent that announced keep-alives and is silent for longer than this many intervals is dead.
const SILENT_INTERVALS: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000;

    fn connected() -> Session {
        let mut session = Session::new(200 * MS, true);
        assert_eq!(session.tick(0), Due { fallback: false, ready: true });
        session.ready_sent();
        session
    }

    #[test]
    fn ready_is_tried_every_100_ms_until_one_got_through() {
        let mut session = Session::new(200 * MS, true);
        assert!(session.tick(0).ready);
        assert!(!session.tick(99 * MS).ready);
        assert_eq!(session.deadline(), 100 * MS);
        assert!(session.tick(100 * MS).ready);
        session.ready_sent();
        assert_eq!(session.deadline(), NEVER);
        assert!(!session.tick(300 * MS).ready);
    }

    #[test]
    fn a_gone_agent_has_200_ms_to_come_back() {
        let mut session = connected();
        session.agent_gone(10 * MS);
        session.agent_gone(150 * MS);
        assert_eq!(session.deadline(), 210 * MS);
        assert!(!session.tick(209 * MS).fallback);
        assert!(session.tick(210 * MS).fallback);
        assert!(session.in_fallback());
        assert!(!session.tick(220 * MS).fallback, "it begins once");
    }

    #[test]
    fn any_word_of_the_agent_stops_the_timer() {
        let mut session = connected();
        session.agent_gone(10 * MS);
        session.heard(100 * MS);
        assert_eq!(session.tick(400 * MS), Due::default());
    }

    #[test]
    fn only_install_or_alive_end_a_fallback() {
        let mut session = connected();
        session.agent_gone(0);
        assert!(session.tick(200 * MS).fallback);
        session.heard(210 * MS);
        assert!(session.in_fallback());
        assert!(session.revived(220 * MS));
        assert!(!session.in_fallback());
        assert!(!session.revived(230 * MS));
    }

    #[test]
    fn silence_counts_only_after_a_promise() {
        let mut session = connected();
        assert_eq!(session.tick(u64::MAX - 1), Due::default());
        session.heard(0);
        session.announced(50 * MS);
        assert_eq!(session.deadline(), 150 * MS + 1);
        assert!(!session.tick(150 * MS).fallback);
        assert!(session.tick(150 * MS + 1).fallback);
    }

    #[test]
    fn a_promise_nobody_asked_for_is_none() {
        let mut session = Session::new(200 * MS, false);
        session.tick(0);
        session.ready_sent();
        session.announced(1);
        assert_eq!(session.deadline(), NEVER);
    }

    #[test]
    fn who_slept_listens_one_interval_more_before_judging() {
        let mut session = connected();
        session.announced(50 * MS);
        let day = 86_400_000 * MS;
        assert!(!session.tick(day).fallback);
        assert_eq!(session.deadline(), day + 50 * MS + 1);
        assert!(session.tick(day + 50 * MS + 1).fallback);
    }

    #[test]
    fn the_end_of_time_is_no_deadline() {
        let mut session = Session::new(u64::MAX, true);
        assert!(session.tick(u64::MAX).ready);
        assert!(!session.tick(u64::MAX).ready);
        session.agent_gone(u64::MAX - 1);
        session.announced(u64::MAX);
        let _ = session.tick(u64::MAX);
    }
}
