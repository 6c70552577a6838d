//! What waits for one peer, and the buffers it waits in.

use std::collections::{HashMap, VecDeque};

use super::{OutboxError, OutboxLimits};

/// The datagrams waiting for one peer, in order.
pub(super) struct Queue<A> {
    to: A,
    /// The first is never `None`.
    entries: VecDeque<Option<Entry>>,
    /// The number of the first entry: numbers grow with each entry and are never used twice.
    first: u64,
    /// Numbers of the entries that have a key.
    keys: HashMap<u64, u64>,
    len: usize,
    bytes: usize,
}

struct Entry {
    key: Option<u64>,
    msg: Vec<u8>,
}

impl<A> Queue<A> {
    pub(super) fn to(&self) -> &A {
        &self.to
    }

    /// How many datagrams wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn front(&self) -> Option<&[u8]> {
        self.entries.front()?.as_ref().map(|entry| entry.msg.as_slice())
    }

    pub(super) fn push(
        &mut self,
        key: Option<u64>,
        msg: &[u8],
        pool: &mut Pool,
        limits: OutboxLimits,
    ) -> Result<(), OutboxError> {
        if self.len >= limits.max_messages
            || msg.len() > limits.max_bytes.saturating_sub(self.bytes)
        {
            return Err(self.full());
        }
        let mut copy = pool.buffer();
        copy.extend_from_slice(msg);
        if let Some(key) = key {
            self.keys.insert(key, self.first + self.entries.len() as u64);
        }
        self.entries.push_back(Some(Entry { key, msg: copy }));
        self.len += 1;
        self.bytes += msg.len();
        Ok(())
    }

    /// Merges `msg` into the waiting datagram with that key; `None` if there is none.
    pub(super) fn merge(
        &mut self,
        key: u64,
        msg: &[u8],
        pool: &mut Pool,
        limits: OutboxLimits,
        merge: impl FnOnce(&mut Vec<u8>, &[u8]),
    ) -> Option<Result<(), OutboxError>> {
        let number = *self.keys.get(&key)?;
        let at = self.place(number)?;
        let old = self.entries.get_mut(at)?.as_mut()?;
        // Merged aside, because only the result shows whether it is within the limit.
        let mut merged = pool.buffer();
        merged.extend_from_slice(&old.msg);
        merge(&mut merged, msg);
        let bytes = self.bytes - old.msg.len();
        if merged.len() > limits.max_bytes.saturating_sub(bytes) {
            pool.reuse(merged);
            return Some(Err(self.full()));
        }
        self.bytes = bytes + merged.len();
        pool.reuse(std::mem::replace(&mut old.msg, merged));
        Some(Ok(()))
    }

    pub(super) fn remove_key(&mut self, key: u64, pool: &mut Pool) -> bool {
        let Some(number) = self.keys.remove(&key) else {
            return false;
        };
        let entry =
            self.place(number).and_then(|at| self.entries.get_mut(at)).and_then(Option::take);
        let Some(entry) = entry else { return false };
        self.len -= 1;
        self.bytes -= entry.msg.len();
        pool.reuse(entry.msg);
        self.drop_leading_gaps();
        // Gaps behind a datagram that cannot leave would pile up without end.
        if self.entries.len() > 2 * self.len + MAX_GAPS {
            self.close_gaps();
        }
        true
    }

    pub(super) fn pop_front(&mut self, pool: &mut Pool) {
        let Some(slot) = self.entries.pop_front() else {
            return;
        };
        self.first += 1;
        if let Some(entry) = slot {
            if let Some(key) = entry.key {
                self.keys.remove(&key);
            }
            self.len -= 1;
            self.bytes -= entry.msg.len();
            pool.reuse(entry.msg);
        }
        self.drop_leading_gaps();
    }

    /// The place of an entry by its number.
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    fn drop_leading_gaps(&mut self) {
        while let Some(None) = self.entries.front() {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    fn close_gaps(&mut self) {
        self.first += self.entries.len() as u64;
        self.entries.retain(Option::is_some);
        for (entry, number) in self.entries.iter().flatten().zip(self.first..) {
            if let Some(key) = entry.key {
                self.keys.insert(key, number);
            }
        }
    }

    fn full(&self) -> OutboxError {
        OutboxError::QueueFull { messages: self.len, bytes: self.bytes }
    }
}

/// Buffers to be used again.
#[derive(Default)]
pub(super) struct Pool {
    buffers: Vec<Vec<u8>>,
}

impl Pool {
    /// An empty queue for a peer.
    pub(super) fn queue<A: Clone>(&self, to: &A) -> Queue<A> {
        Queue {
            to: to.clone(),
            entries: VecDeque::new(),
            first: 0,
            keys: HashMap::new(),
            len: 0,
            bytes: 0,
        }
    }

    /// Keeps a queue's buffers.
    pub(super) fn take_back<A>(&mut self, queue: Queue<A>) {
        for entry in queue.entries.into_iter().flatten() {
            self.reuse(entry.msg);
        }
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    fn reuse(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < MAX_BUFFERS && buffer.capacity() <= MAX_BUFFER_BYTES {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}

/// Gaps allowed in a queue beside as many as there are datagrams: closing them costs time in
/// proportion to both.
const MAX_GAPS: usize = 32;

/// Buffers kept for later: a burst is not worth remembering its peak.
const MAX_BUFFERS: usize = 64;

/// Larger ones are rare (programs) and not kept, in bytes.
const MAX_BUFFER_BYTES: usize = 4096;
