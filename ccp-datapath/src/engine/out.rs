//! Sending: what became of it is noted here, and what may wait waits here.

use alloc::collections::VecDeque;

use ccp_wire::{FlowId, MeasureRepr};

use crate::{
    flows::{Create, Flow},
    session::{NEVER, RETRY_EVERY, Session},
    sink::{Sink, SinkError},
    stats::{Stats, bump},
};

/// What sending needs, apart from the flow it is about.
pub(super) struct Out<'a, S: ?Sized> {
    pub(super) session: &'a mut Session,
    pub(super) stats: &'a mut Stats,
    pub(super) sink: &'a mut S,
    pub(super) t: u64,
    /// Something was sent, or was to be: deadlines may have changed.
    pub(super) tried: bool,
}

impl<S: Sink + ?Sized> Out<'_, S> {
    pub(super) fn send(&mut self, datagram: &[u8]) -> Result<(), SinkError> {
        self.tried = true;
        let sent = self.sink.send(datagram);
        match sent {
            Ok(()) => {}
            Err(SinkError::Full) => bump(&mut self.stats.sends_full),
            Err(SinkError::Gone) => {
                bump(&mut self.stats.sends_gone);
                self.session.agent_gone(self.t);
            }
        }
        sent
    }

    /// Sends the flow's Create if one is due. `cwnd` is the window it uses now, if it has run already. Returns whether
    /// it got through.
    #[inline]
    pub(super) fn announce(
        &mut self,
        flow: &mut Flow,
        cwnd: Option<u64>,
        scratch: &mut [u8],
    ) -> bool {
        let Create::Due { not_before } = flow.create else {
            return false;
        };
        if self.t < not_before || !self.session.may_create() {
            return false;
        }
        let sent = match flow.announcement.encode(cwnd, scratch) {
            Ok(len) => self.send(&scratch[..len]).is_ok(),
            // Not with an open flow: it was tried out.
            Err(_) => false,
        };
        if sent {
            flow.create = Create::Sent { at: self.t };
            flow.known = true;
            bump(&mut self.stats.creates);
        } else {
            flow.create = Create::Due { not_before: self.t.saturating_add(RETRY_EVERY) };
        }
        sent
    }

    #[inline]
    pub(super) fn report(&mut self, report: MeasureRepr<'_>, scratch: &mut [u8]) {
        let sent = match report.encode(scratch) {
            Ok(len) => self.send(&scratch[..len]).is_ok(),
            // Not with a verified program: Install checked the length.
            Err(_) => false,
        };
        bump(if sent { &mut self.stats.reports } else { &mut self.stats.reports_lost });
    }
}

/// Closings that the agent's queue did not take yet.
#[derive(Debug)]
pub(super) struct Closings {
    waiting: VecDeque<FlowId>,
    max: usize,
    next: u64,
}

impl Closings {
    pub(super) fn new(max: usize) -> Self {
        Self { waiting: VecDeque::new(), max, next: NEVER }
    }

    /// Adds one. Returns whether the oldest was given up for it.
    pub(super) fn push(&mut self, id: FlowId, t: u64) -> bool {
        let full = self.waiting.len() >= self.max;
        if full {
            self.waiting.pop_front();
        }
        self.waiting.push_back(id);
        self.put_off(t);
        full
    }

    /// Leaves those that wait, if any, until the next attempt is due.
    pub(super) fn put_off(&mut self, t: u64) {
        self.next = if self.waiting.is_empty() { NEVER } else { t.saturating_add(RETRY_EVERY) };
    }

    /// Takes the next one to try.
    pub(super) fn due(&mut self, t: u64) -> Option<FlowId> {
        if t < self.next {
            return None;
        }
        let id = self.waiting.pop_front();
        if id.is_none() {
            self.next = NEVER;
        }
        id
    }

    pub(super) fn clear(&mut self) -> usize {
        let dropped = self.waiting.len();
        self.waiting.clear();
        self.next = NEVER;
        dropped
    }

    pub(super) fn deadline(&self) -> u64 {
        self.next
    }
}
