//! What the loop and the handles of flows have in common, and the way to one datapath.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use ccp_ipc::{Ipc, Outbox, OutboxError};
use ccp_wire::{
    Alive, EncodeError, FieldUpdate, FlowId, Hello, MAX_MESSAGE_LEN, MAX_UPDATE_FIELDS_LEN,
    join_updates,
};
use tracing::warn;

use crate::UpdateError;
use crate::builder::Parts;
use crate::programs::{Programs, UNSAID};
use crate::stats::Counter;

/// Used by the one thread of an agent.
pub(crate) struct Shared<I: Ipc> {
    pub(crate) parts: Parts<I>,
    pub(crate) programs: Programs,
    pub(crate) now: Cell<Duration>,
    /// Set when a datapath turns out to be gone; the loop then looks for its link.
    pub(crate) has_lost: Cell<bool>,
    pub(crate) outbox: RefCell<Outbox<I>>,
    /// Room that is kept from message to message, to collect the fields of one in.
    pub(crate) fields: Cell<Vec<FieldUpdate>>,
    /// Likewise, to encode one in.
    buf: RefCell<Vec<u8>>,
    /// When each kind of event was last logged.
    logged: [Cell<Option<Duration>>; Counter::ALL.len()],
}

/// One datapath, as the handles of its flows see it.
pub(crate) struct Link<I: Ipc> {
    pub(crate) addr: I::Addr,
    pub(crate) shared: Rc<Shared<I>>,
    pub(crate) abilities: Cell<Hello>,
    pub(crate) is_gone: Cell<bool>,
    pub(crate) last_sent: Cell<Duration>,
}

impl<I: Ipc> Shared<I> {
    pub(crate) fn new(parts: Parts<I>, programs: Programs) -> Self {
        Self {
            outbox: RefCell::new(Outbox::new(parts.settings.outbox)),
            parts,
            programs,
            now: Cell::default(),
            has_lost: Cell::default(),
            fields: Cell::default(),
            buf: RefCell::new(vec![0; MAX_MESSAGE_LEN]),
            logged: [const { Cell::new(None) }; Counter::ALL.len()],
        }
    }

    #[inline]
    pub(crate) fn count(&self, counter: Counter, by: i64) -> u64 {
        self.parts.stats.add(counter, by)
    }

    /// Counts what should not happen, and says so, but at most once a second.
    #[cold]
    pub(crate) fn note(&self, event: Counter, from: &dyn fmt::Debug, what: fmt::Arguments<'_>) {
        let (now, last) = (self.now.get(), &self.logged[event as usize]);
        let so_far = self.count(event, 1);
        if last.get().is_none_or(|last| now.saturating_sub(last) >= LOG_INTERVAL) {
            last.set(Some(now));
            warn!(reason = ?event, so_far, datapath = ?from, "{what}");
        }
    }
}

impl<I: Ipc> Link<I> {
    pub(crate) fn new(addr: I::Addr, shared: Rc<Shared<I>>) -> Self {
        let last_sent = shared.now.clone();
        let (abilities, is_gone) = (Cell::new(UNSAID), Cell::new(false));
        Self { addr, shared, abilities, is_gone, last_sent }
    }

    /// Installs every program that the datapath can run. What fails is counted: flows that want the
    /// program will find it missing.
    pub(crate) fn install(&self) {
        for program in self.shared.programs.fitting(self.abilities.get()) {
            match program {
                Ok(install) if self.send(None, |buf| install.encode(buf)).is_ok() => {
                    self.shared.count(Counter::Installs, 1);
                }
                Ok(_) => {}
                Err(misfit) => {
                    let what = format_args!("a program is not installed: {misfit}");
                    self.shared.note(Counter::ProgramsRefused, &self.addr, what);
                }
            }
        }
    }

    /// Tells the datapath that the agent lives. The next one makes up for one that is lost.
    pub(crate) fn keep_alive(&self) {
        let interval_ms = self.shared.parts.settings.keep_alive.as_millis() as u32;
        let _ = self.send(Some(ALIVE_KEY), |buf| Alive { interval_ms }.encode(buf));
    }

    /// Drops what waits of the updates of `flow`.
    pub(crate) fn forget_updates(&self, flow: FlowId) {
        let mut outbox = self.shared.outbox.borrow_mut();
        outbox.remove_key(&self.addr, flow.0.into());
    }

    /// Drops everything that waits.
    pub(crate) fn forget_all(&self) {
        self.shared.outbox.borrow_mut().forget(&self.addr);
    }

    /// Sends a message, or has it wait; with the key of one that already waits they become one.
    #[inline]
    pub(crate) fn send(
        &self,
        key: Option<u64>,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<(), UpdateError> {
        let Shared { parts, outbox, buf, now, .. } = &*self.shared;
        let (mut outbox, mut buf) = (outbox.borrow_mut(), buf.borrow_mut());
        let ipc = &*parts.ipc.borrow();
        let len = encode(&mut buf)?;
        let message = buf.get(..len).unwrap_or_default();
        let sent = match key {
            _ if self.is_gone.get() => Err(OutboxError::PeerGone),
            Some(key) => outbox.send_keyed(ipc, key, message, &self.addr, join),
            None => outbox.send(ipc, message, &self.addr),
        };
        sent.map_err(|error| self.failed(error))?;
        self.last_sent.set(now.get());
        self.shared.count(Counter::Sent, 1);
        Ok(())
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
        if matches!(error, OutboxError::PeerGone) {
            self.mark_gone();
        }
        error.into()
    }

    pub(crate) fn mark_gone(&self) {
        self.is_gone.set(true);
        self.shared.has_lost.set(true);
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
