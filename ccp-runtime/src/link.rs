//! The way to one datapath: what it can, and sending to it without ever waiting.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ccp_ipc::{Ipc, Outbox, OutboxError, OutboxLimits};
use ccp_wire::{
    Alive, ChangeProgRepr, EncodeError, FieldUpdate, FlowId, MAX_MESSAGE_LEN, MAX_UPDATE_FIELDS,
    Message, Messages, ProgramUid, UpdateFieldsRepr,
};
use tracing::warn;

use crate::programs::{Abilities, Programs};
use crate::stats::Counter;
use crate::{StatsHandle, UpdateError};

/// What the agent's loop and all handles of its flows have in common. One thread uses it.
pub(crate) struct Shared<I: Ipc> {
    pub(crate) ipc: I,
    pub(crate) programs: Programs,
    pub(crate) stats: StatsHandle,
    pub(crate) now: Cell<Duration>,
    /// Set when a send has found a datapath gone; the loop then looks for its link.
    pub(crate) lost: Cell<bool>,
    pub(crate) outbox: RefCell<Outbox<I>>,
    /// Room that is kept from message to message, to collect the fields of one in.
    pub(crate) fields: Cell<Vec<FieldUpdate>>,
    /// Likewise, to encode one in.
    buf: RefCell<Box<[u8]>>,
}

/// One datapath, as its flows' handles see it.
pub(crate) struct Link<I: Ipc> {
    pub(crate) addr: I::Addr,
    pub(crate) abilities: Cell<Abilities>,
    /// Nobody is behind the address any more.
    pub(crate) gone: Cell<bool>,
    pub(crate) last_sent: Cell<Duration>,
    pub(crate) shared: Rc<Shared<I>>,
}

impl<I: Ipc> Shared<I> {
    pub(crate) fn new(
        ipc: I,
        programs: Programs,
        stats: StatsHandle,
        limits: OutboxLimits,
    ) -> Self {
        Self {
            ipc,
            programs,
            stats,
            now: Cell::default(),
            lost: Cell::default(),
            outbox: RefCell::new(Outbox::new(limits)),
            fields: Cell::default(),
            buf: RefCell::new(vec![0; MAX_MESSAGE_LEN].into()),
        }
    }
}

impl<I: Ipc> Link<I> {
    pub(crate) fn new(addr: I::Addr, shared: Rc<Shared<I>>) -> Self {
        Self {
            addr,
            abilities: Cell::default(),
            gone: Cell::new(false),
            last_sent: Cell::new(shared.now.get()),
            shared,
        }
    }

    /// Installs every program that the datapath can run.
    pub(crate) fn install(&self) {
        let Shared {
            programs, stats, ..
        } = &*self.shared;
        for program in programs.fitting(self.abilities.get()) {
            match program {
                Ok(install) => {
                    // A failure is counted; flows that want the program will find it missing.
                    if self.send(None, |buf| install.encode(buf)).is_ok() {
                        stats.count(Counter::Installs);
                    }
                }
                Err(misfit) => {
                    stats.count(Counter::ProgramsRefused);
                    warn!(datapath = ?self.addr, "a program is not installed: {misfit}");
                }
            }
        }
    }

    /// Tells the datapath that the agent lives.
    pub(crate) fn keep_alive(&self, interval: Duration) {
        let interval_ms = interval.as_millis().try_into().unwrap_or(u32::MAX);
        // The next one makes up for one that is lost.
        let _ = self.send(Some(ALIVE_KEY), |buf| Alive { interval_ms }.encode(buf));
    }

    /// Starts `flow` on another program. What waits of its updates is meant for the one before.
    pub(crate) fn change_program(
        &self,
        flow: FlowId,
        program_uid: ProgramUid,
        fields: &[FieldUpdate],
    ) -> Result<(), UpdateError> {
        let message = ChangeProgRepr {
            flow,
            program_uid,
            fields,
        };
        self.send(None, |buf| message.encode(buf))?;
        self.forget_updates(flow);
        Ok(())
    }

    /// Sets values of `flow`, joining them to those that still wait.
    #[inline]
    pub(crate) fn update(&self, flow: FlowId, fields: &[FieldUpdate]) -> Result<(), UpdateError> {
        if fields.is_empty() {
            return Ok(());
        }
        let message = UpdateFieldsRepr { flow, fields };
        self.send(Some(update_key(flow)), |buf| message.encode(buf))
    }

    /// Drops what waits of the updates of `flow`.
    pub(crate) fn forget_updates(&self, flow: FlowId) {
        self.shared
            .outbox
            .borrow_mut()
            .remove_key(&self.addr, update_key(flow));
    }

    /// Drops everything that waits.
    pub(crate) fn forget_all(&self) {
        self.shared.outbox.borrow_mut().forget(&self.addr);
    }

    pub(crate) fn mark_gone(&self) {
        self.gone.set(true);
        self.shared.lost.set(true);
    }

    #[inline]
    fn send(
        &self,
        key: Option<u64>,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<(), UpdateError> {
        if self.gone.get() {
            return Err(UpdateError::DatapathGone);
        }
        let Shared {
            ipc,
            outbox,
            buf,
            stats,
            now,
            ..
        } = &*self.shared;
        let buf = &mut *buf.borrow_mut();
        let len = encode(buf)?;
        let message = buf.get(..len).unwrap_or_default();
        let mut outbox = outbox.borrow_mut();
        let sent = match key {
            Some(key) => outbox.send_keyed(ipc, key, message, &self.addr, join),
            None => outbox.send(ipc, message, &self.addr),
        };
        match sent {
            Ok(()) => {
                stats.count(Counter::Sent);
                self.last_sent.set(now.get());
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Counts a failure of the outbox, and says it in the caller's terms.
    #[cold]
    pub(crate) fn failed(&self, error: OutboxError) -> UpdateError {
        let stats = &self.shared.stats;
        match error {
            OutboxError::QueueFull { .. } => {
                stats.count(Counter::SendQueueFull);
                UpdateError::QueueFull
            }
            OutboxError::PeerGone => {
                stats.count(Counter::SendPeerGone);
                self.mark_gone();
                UpdateError::DatapathGone
            }
            source => {
                stats.count(Counter::SendFailed);
                UpdateError::Refused { source }
            }
        }
    }
}

/// Joins a newer message to a waiting one of the same key: of two updates the later value of each
/// register stays; anything else is replaced.
fn join(waiting: &mut Vec<u8>, newer: &[u8]) {
    match join_updates(waiting, newer) {
        Some(joined) => *waiting = joined,
        None => newer.clone_into(waiting),
    }
}

fn join_updates(waiting: &[u8], newer: &[u8]) -> Option<Vec<u8>> {
    let Some(Ok(Message::UpdateFields(old))) = Messages::new(waiting).next() else {
        return None;
    };
    let Some(Ok(Message::UpdateFields(new))) = Messages::new(newer).next() else {
        return None;
    };
    let is_renewed = |old: &FieldUpdate| {
        new.fields
            .iter()
            .any(|new| (new.class, new.index) == (old.class, old.index))
    };
    let mut fields: Vec<_> = old.fields.iter().filter(|old| !is_renewed(old)).collect();
    fields.extend(new.fields.iter());
    // One program has fewer registers than that; only mixed scopes get here, and lose the oldest.
    let fields = fields.get(fields.len().saturating_sub(MAX_UPDATE_FIELDS)..)?;
    let message = UpdateFieldsRepr {
        flow: new.flow,
        fields,
    };
    let mut joined = vec![0; message.encoded_len()];
    message.encode(&mut joined).ok()?;
    Some(joined)
}

/// Updates of one flow have one key; flows have 32 bits.
fn update_key(flow: FlowId) -> u64 {
    u64::from(flow.0)
}

/// Of no flow.
const ALIVE_KEY: u64 = u64::MAX;
