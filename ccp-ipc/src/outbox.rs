//! Bounded queues for what a peer has no room for yet.
//!
//! Reads no clock: whoever owns an outbox asks when it wants to try again, and tells it the time.

mod queue;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::error::SendError;
use crate::ipc::Ipc;
use queue::Queue;

/// Keeps the datagrams that could not be sent at once, per peer, in order and within limits.
///
/// A peer for whom something waits gets nothing new before that: datagrams never overtake each
/// other. A datagram may carry a key; a waiting one with the same key is merged with its successor
/// in its old place, so that a peer that reads slowly gets the newest state instead of history.
pub struct Outbox<I: Ipc> {
    limits: OutboxLimits,
    /// Where in `queues` a peer's queue is.
    index: HashMap<I::Addr, usize>,
    /// Only queues in which something waits; the order depends on nothing but the calls made.
    queues: Vec<Queue<I::Addr>>,
    pool: queue::Pool,
    stats: OutboxStats,
    /// Peers found to be gone that the owner has not heard of.
    gone: Vec<I::Addr>,
    /// When sending was last tried again, and how soon after that it shall be.
    retried: Duration,
    patience: Duration,
}

/// How much may wait for one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxLimits {
    /// Datagrams.
    pub max_messages: usize,
    /// Bytes in those datagrams.
    pub max_bytes: usize,
}

/// What an outbox has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxStats {
    /// Datagrams handed to the transport, at once or later.
    pub sent: u64,
    /// Datagrams that had to wait first.
    pub queued: u64,
    /// Datagrams that were merged into a waiting one.
    pub merged: u64,
    /// Datagrams refused because the limit was reached.
    pub refused: u64,
    /// Datagrams that waited in vain: their peer has gone or the transport would not take them.
    pub dropped: u64,
}

/// Why a datagram was neither sent nor kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// As much as may wait for that peer does.
    #[error("{messages} datagrams with {bytes} bytes wait for that peer already")]
    QueueFull {
        /// Datagrams waiting.
        messages: usize,
        /// Bytes waiting.
        bytes: usize,
    },
    /// The peer is gone, and what waited for it with it.
    #[error("the peer is gone")]
    PeerGone,
    /// The transport will not take this datagram, now or later.
    #[error("the transport refused a datagram")]
    Refused(#[source] SendError),
}

impl Default for OutboxLimits {
    /// Room for an update to each of many flows, and an end to what a peer that never reads can
    /// take.
    fn default() -> Self {
        Self { max_messages: 16_384, max_bytes: 4 << 20 }
    }
}

impl OutboxLimits {
    /// Limits of `max_messages` datagrams and `max_bytes` bytes for each peer.
    pub const fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self { max_messages, max_bytes }
    }
}

impl<I: Ipc> Outbox<I> {
    /// An empty outbox.
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            index: HashMap::new(),
            queues: Vec::new(),
            pool: queue::Pool::default(),
            stats: OutboxStats::default(),
            gone: Vec::new(),
            retried: Duration::ZERO,
            patience: MIN_PATIENCE,
        }
    }

    /// Sends a datagram at once if nothing waits for that peer and there is room, and keeps it
    /// otherwise.
    ///
    /// # Errors
    /// Nothing was sent or kept then. On [`OutboxError::PeerGone`] the peer's queue is forgotten,
    /// too.
    pub fn send(&mut self, ipc: &I, msg: &[u8], to: &I::Addr) -> Result<(), OutboxError> {
        match self.slot(to) {
            Some(at) => self.enqueue(at, None, msg),
            None => self.send_or_queue(ipc, None, msg, to),
        }
    }

    /// Like [`send`](Self::send), but when a datagram with the same key waits for that peer,
    /// `merge(waiting, msg)` is called, which makes of the waiting one what shall be sent in its
    /// place.
    ///
    /// To replace it, `|waiting, msg| { waiting.clear(); waiting.extend_from_slice(msg) }`.
    ///
    /// # Errors
    /// As [`send`](Self::send). When the merged datagram would exceed the limit, the waiting one
    /// stays as it was.
    pub fn send_keyed(
        &mut self,
        ipc: &I,
        key: u64,
        msg: &[u8],
        to: &I::Addr,
        merge: impl FnOnce(&mut Vec<u8>, &[u8]),
    ) -> Result<(), OutboxError> {
        let Some(at) = self.slot(to) else {
            return self.send_or_queue(ipc, Some(key), msg, to);
        };
        let merged = match self.queues.get_mut(at) {
            Some(queue) => queue.merge(key, msg, &mut self.pool, self.limits, merge),
            None => None,
        };
        match merged {
            Some(Ok(())) => {
                self.stats.merged += 1;
                Ok(())
            }
            Some(Err(full)) => {
                self.stats.refused += 1;
                Err(full)
            }
            None => self.enqueue(at, Some(key), msg),
        }
    }

    /// Takes back the datagram with that key, if it still waits. Tells whether it did.
    pub fn remove_key(&mut self, to: &I::Addr, key: u64) -> bool {
        let Some(at) = self.slot(to) else {
            return false;
        };
        let removed =
            self.queues.get_mut(at).is_some_and(|queue| queue.remove_key(key, &mut self.pool));
        self.drop_if_empty(at);
        removed
    }

    /// Sends what there is room for now. `failed` hears of each peer that turned out to be gone,
    /// whose queue is then forgotten, and of each datagram the transport would not take, which is
    /// then dropped.
    pub fn flush(&mut self, ipc: &I, mut failed: impl FnMut(&I::Addr, OutboxError)) {
        let mut at = 0;
        while let Some(queue) = self.queues.get_mut(at) {
            let gone = loop {
                let Some(msg) = queue.front() else {
                    break false;
                };
                match ipc.try_send(msg, queue.to()) {
                    Ok(()) => self.stats.sent += 1,
                    Err(SendError::Full) => break false,
                    Err(SendError::Gone) => break true,
                    Err(other) => {
                        self.stats.dropped += 1;
                        failed(queue.to(), OutboxError::Refused(other));
                    }
                }
                queue.pop_front(&mut self.pool);
            };
            if gone {
                let to = queue.to().clone();
                self.set_gone(&to);
                failed(&to, OutboxError::PeerGone);
            } else if !self.drop_if_empty(at) {
                at += 1;
            }
        }
    }

    /// [`flush`](Self::flush)es, but not more often than makes sense: call it each time the owner's
    /// loop turns. `now` may be any time that does not go back.
    pub fn retry(&mut self, ipc: &I, now: Duration, failed: impl FnMut(&I::Addr, OutboxError)) {
        if self.is_empty() {
            self.patience = MIN_PATIENCE;
        } else if now >= self.retried + MIN_PATIENCE {
            let before = self.stats.sent;
            self.flush(ipc, failed);
            self.retried = now;
            self.patience = if self.stats.sent > before {
                MIN_PATIENCE
            } else {
                MAX_PATIENCE.min(2 * self.patience)
            };
        }
    }

    /// When to [`retry`](Self::retry) even if the loop has no other cause to turn: the later, the
    /// longer nobody has read. `None` while nothing waits.
    pub fn next_retry(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| self.retried + self.patience)
    }

    /// Drops what waits for a peer. Gives the number of datagrams.
    pub fn forget(&mut self, to: &I::Addr) -> usize {
        self.slot(to).map_or(0, |at| self.remove(at))
    }

    /// Notes that a peer is gone, and drops what waits for it. Sending finds that out by itself.
    pub fn set_gone(&mut self, peer: &I::Addr) {
        self.forget(peer);
        if !self.gone.contains(peer) {
            self.gone.push(peer.clone());
        }
    }

    /// A peer that was found to be gone, each once. Whoever sends to it again may find it anew, or
    /// somebody else in its place.
    pub fn pop_gone(&mut self) -> Option<I::Addr> {
        self.gone.pop()
    }

    /// Whether nothing waits for anybody.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// How many datagrams wait for a peer.
    pub fn waiting(&self, to: &I::Addr) -> usize {
        self.slot(to).and_then(|at| self.queues.get(at)).map_or(0, Queue::len)
    }

    /// What has been done so far.
    pub fn stats(&self) -> OutboxStats {
        self.stats
    }

    fn slot(&self, to: &I::Addr) -> Option<usize> {
        // The common case, nothing waits for anybody, needs no hashing.
        if self.queues.is_empty() { None } else { self.index.get(to).copied() }
    }

    fn send_or_queue(
        &mut self,
        ipc: &I,
        key: Option<u64>,
        msg: &[u8],
        to: &I::Addr,
    ) -> Result<(), OutboxError> {
        match ipc.try_send(msg, to) {
            Ok(()) => {
                self.stats.sent += 1;
                Ok(())
            }
            Err(SendError::Full) => {
                let at = self.queues.len();
                self.queues.push(self.pool.queue(to));
                self.index.insert(to.clone(), at);
                let result = self.enqueue(at, key, msg);
                self.drop_if_empty(at);
                result
            }
            Err(SendError::Gone) => {
                self.set_gone(to);
                Err(OutboxError::PeerGone)
            }
            Err(other) => Err(OutboxError::Refused(other)),
        }
    }

    fn enqueue(&mut self, at: usize, key: Option<u64>, msg: &[u8]) -> Result<(), OutboxError> {
        let Some(queue) = self.queues.get_mut(at) else {
            return Ok(());
        };
        let result = queue.push(key, msg, &mut self.pool, self.limits);
        match result {
            Ok(()) => self.stats.queued += 1,
            Err(_) => self.stats.refused += 1,
        }
        result
    }

    /// Removes a queue in which nothing waits any more. Tells whether it did.
    fn drop_if_empty(&mut self, at: usize) -> bool {
        let empty = self.queues.get(at).is_some_and(|queue| queue.len() == 0);
        if empty {
            self.remove(at);
        }
        empty
    }

    /// Removes a queue; the last one takes its place. Gives the number of datagrams that waited in
    /// it.
    fn remove(&mut self, at: usize) -> usize {
        if at >= self.queues.len() {
            return 0;
        }
        let queue = self.queues.swap_remove(at);
        self.index.remove(queue.to());
        if let Some(moved) = self.queues.get(at) {
            self.index.insert(moved.to().clone(), at);
        }
        let waiting = queue.len();
        self.stats.dropped += waiting as u64;
        self.pool.take_back(queue);
        waiting
    }
}

impl<I: Ipc> Default for Outbox<I> {
    fn default() -> Self {
        Self::new(OutboxLimits::default())
    }
}

impl<I: Ipc> fmt::Debug for Outbox<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("limits", &self.limits)
            .field("peers", &self.queues.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// How soon sending is tried again while something waits: a peer that reads has read some by then.
const MIN_PATIENCE: Duration = Duration::from_micros(500);

/// How seldom it is tried while nobody reads.
const MAX_PATIENCE: Duration = Duration::from_millis(10);
