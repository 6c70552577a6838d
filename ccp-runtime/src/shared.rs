//! What the loop and the handles of flows have in common, and the way to one datapath.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use ccp_ipc::{Ipc, Outbox, OutboxError, StopSource};
use ccp_lang::Abilities;
use ccp_wire::{Alive, FlowId, MAX_MESSAGE_LEN, MAX_UPDATE_FIELDS_LEN, join_updates};
use tracing::warn;

use crate::agent::message_of;
use crate::programs::Programs;
use crate::stats::Counter;
use crate::{Settings, StatsHandle, UpdateError};

/// All of an agent but its algorithms and datapaths. Used by one thread at a time.
#[derive(Debug)]
pub(crate) struct Shared<I: Ipc> {
    /// Borrowed for each call; to be closed at the end, it has to be mutable then.
    pub(crate) ipc: RefCell<I>,
    pub(crate) settings: Settings,
    pub(crate) stop: StopSource,
    /// The stop flag was given as a null pointer.
    pub(crate) is_null: bool,
    pub(crate) stats: StatsHandle,
    pub(crate) programs: Programs,
    pub(crate) now: Cell<Duration>,
    pub(crate) outbox: RefCell<Outbox<I>>,
    /// Room to encode a message in.
    buf: RefCell<Vec<u8>>,
    /// When each kind of event was last logged.
    logged: [Cell<Option<Duration>>; Counter::COUNT],
}

/// One datapath, as the handles of its flows see it.
pub(crate) struct Link<I: Ipc> {
    pub(crate) addr: I::Addr,
    pub(crate) shared: Rc<Shared<I>>,
    pub(crate) abilities: Cell<Abilities>,
    /// How long it may hear nothing.
    pub(crate) alive_after: Cell<Duration>,
    pub(crate) last_sent: Cell<Duration>,
}

impl<I: Ipc> Shared<I> {
    pub(crate) fn new(ipc: I) -> Self {
        Self {
            ipc: RefCell::new(ipc),
            settings: Settings::default(),
            stop: StopSource::default(),
            is_null: false,
            stats: StatsHandle::default(),
            programs: Programs::default(),
            now: Cell::default(),
            outbox: RefCell::default(),
            buf: RefCell::new(vec![0; MAX_MESSAGE_LEN]),
            logged: [const { Cell::new(None) }; Counter::COUNT],
        }
    }

    /// Counts what should not happen, and says so, but at most once a second.
    #[cold]
    pub(crate) fn note(&self, event: Counter, from: &dyn fmt::Debug, what: fmt::Arguments<'_>) {
        let (now, last) = (self.now.get(), &self.logged[event as usize]);
        let so_far = self.stats.add(event, 1);
        if last.get().is_none_or(|last| now.saturating_sub(last) >= LOG_INTERVAL) {
            last.set(Some(now));
            warn!(reason = ?event, so_far, datapath = ?from, "{what}");
        }
    }
}

impl<I: Ipc> Link<I> {
    pub(crate) fn new(addr: I::Addr, shared: Rc<Shared<I>>) -> Self {
        let (abilities, alive_after) = (Cell::new(Abilities::LIBCCP), Cell::new(Duration::MAX));
        let last_sent = shared.now.clone();
        Self { addr, shared, abilities, alive_after, last_sent }
    }

    /// Tells the datapath that the agent lives. The next one makes up for one that is lost.
    pub(crate) fn keep_alive(&self) {
        let interval_ms = self.shared.settings.keep_alive.as_millis() as u32;
        let _ = self.send(Some(ALIVE_KEY), |buf| Ok(Alive { interval_ms }.encode(buf)?));
    }

    /// Drops what waits of the updates of `flow`.
    pub(crate) fn forget_updates(&self, flow: FlowId) {
        self.shared.outbox.borrow_mut().remove_key(&self.addr, flow.0.into());
    }

    /// Sends a message, or has it wait; with the key of one that already waits they become one.
    #[inline]
    pub(crate) fn send(
        &self,
        key: Option<u64>,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, UpdateError>,
    ) -> Result<(), UpdateError> {
        let Shared { ipc, outbox, buf, now, .. } = &*self.shared;
        let (mut outbox, mut buf) = (outbox.borrow_mut(), buf.borrow_mut());
        let ipc = &*ipc.borrow();
        let len = encode(&mut buf)?;
        let message = buf.get(..len).unwrap_or_default();
        let sent = match key {
            Some(key) => outbox.send_keyed(ipc, key, message, &self.addr, join),
            None => outbox.send(ipc, message, &self.addr),
        };
        sent.map_err(|error| self.failed(error))?;
        self.last_sent.set(now.get());
        self.shared.stats.add(Counter::Sent, 1);
        Ok(())
    }

    /// Calls into the algorithm of a flow. Its panic ends there and is counted; `None` comes back.
    ///
    /// Unwinding may leave the flow's own state half changed, but the caller drops that flow; the
    /// state of this crate is never half changed around a callback.
    #[inline]
    pub(crate) fn guard<R>(&self, flow: FlowId, call: impl FnOnce() -> R) -> Option<R> {
        let noted = |payload| self.note(Counter::FlowPanics, flow, &message_of(payload));
        catch_unwind(AssertUnwindSafe(call)).map_err(noted).ok()
    }

    /// Counts what should not happen to a flow, and says so.
    pub(crate) fn note(&self, event: Counter, flow: FlowId, what: &str) {
        self.shared.note(event, &self.addr, format_args!("flow {flow}: {what}"));
    }

    /// Counts a failure to send.
    #[cold]
    pub(crate) fn failed(&self, error: OutboxError) -> UpdateError {
        let reason = match error {
            OutboxError::QueueFull { .. } => Counter::SendQueueFull,
            OutboxError::PeerGone => Counter::SendPeerGone,
            _ => Counter::SendFailed,
        };
        self.shared.note(reason, &self.addr, format_args!("not sent: {error}"));
        error.into()
    }
}

/// Joins a newer message to a waiting one of the same key: updates become one, anything else is
/// replaced.
fn join(waiting: &mut Vec<u8>, newer: &[u8]) {
    let mut room = [0; MAX_UPDATE_FIELDS_LEN];
    let joined = join_updates(waiting, newer, &mut room).unwrap_or(newer);
    waiting.clear();
    waiting.extend_from_slice(joined);
}

/// Of no flow: the updates of a flow have its number for a key.
const ALIVE_KEY: u64 = u64::MAX;

/// Often enough for somebody who watches, too seldom to fill a disk.
const LOG_INTERVAL: Duration = Duration::from_secs(1);
