//! A ring of reusable buffers from one producer to one consumer.
//!
//! `written` and `read` count datagrams and only grow; their difference is what waits. A slot
//! between them belongs to the consumer, every other one to the producer, so the slots' locks are
//! never contended: they are what lets safe code share the slots. Neither end is `Sync`, which
//! keeps it at one producer and one consumer.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{RecvError, SendError};
use crate::ipc::Received;
use crate::wake::{Wake, Waker};

/// A ring with room for `capacity` datagrams, at least one.
pub(super) fn ring(capacity: usize) -> (Producer, Consumer) {
    let shared = Arc::new(Shared {
        written: Counter::default(),
        read: Counter::default(),
        slots: (0..capacity.max(1)).map(|_| Slot::default()).collect(),
        signals: Signals::default(),
    });
    let producer = Producer {
        shared: Arc::clone(&shared),
        written: Cell::new(0),
        read_seen: Cell::new(0),
        slot: Cell::new(0),
    };
    (
        producer,
        Consumer { shared, read: Cell::new(0), written_seen: Cell::new(0), slot: Cell::new(0) },
    )
}

/// The end that datagrams go into.
pub(super) struct Producer {
    shared: Arc<Shared>,
    written: Cell<usize>,
    /// The consumer's count when last looked at: it is looked at again only when the ring seems
    /// full.
    read_seen: Cell<usize>,
    /// `written` modulo the number of slots.
    slot: Cell<usize>,
}

/// The end that datagrams come out of.
pub(super) struct Consumer {
    shared: Arc<Shared>,
    read: Cell<usize>,
    /// The producer's count when last looked at.
    written_seen: Cell<usize>,
    /// `read` modulo the number of slots.
    slot: Cell<usize>,
}

struct Shared {
    written: Counter,
    read: Counter,
    slots: Box<[Slot]>,
    signals: Signals,
}

/// A buffer, and next to it in its cache line nothing the other end may be using.
#[derive(Default)]
#[repr(align(64))]
struct Slot(Mutex<Vec<u8>>);

/// Alone in its cache line, so that producer and consumer do not take it from each other in vain.
#[derive(Default)]
#[repr(align(64))]
struct Counter(AtomicUsize);

/// What makes a waiting consumer look up.
///
/// The consumer announces that it is about to wait and then looks at everything once more; the
/// others change something and then look for the announcement. With sequential consistency one of
/// the two sees the other.
#[derive(Default)]
struct Signals {
    waiting: AtomicBool,
    woken: AtomicBool,
    /// The producer has gone.
    no_producer: AtomicBool,
    no_consumer: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Producer {
    pub(super) fn try_send(&self, msg: &[u8]) -> Result<(), SendError> {
        let shared = &*self.shared;
        if !self.is_connected() {
            return Err(SendError::Gone);
        }
        let written = self.written.get();
        if written.wrapping_sub(self.read_seen.get()) >= shared.slots.len() {
            self.read_seen.set(shared.read.0.load(Ordering::Acquire));
            if written.wrapping_sub(self.read_seen.get()) >= shared.slots.len() {
                return Err(SendError::Full);
            }
        }
        let slot = self.slot.get();
        let Some(place) = shared.slots.get(slot) else {
            return Err(SendError::Full);
        };
        {
            let mut place = locked(&place.0);
            place.clear();
            place.extend_from_slice(msg);
        }
        self.slot.set(next(slot, shared.slots.len()));
        self.written.set(written.wrapping_add(1));
        shared.written.0.store(self.written.get(), Ordering::SeqCst);
        shared.signals.notify();
        Ok(())
    }

    pub(super) fn is_connected(&self) -> bool {
        !self.shared.signals.no_consumer.load(Ordering::Relaxed)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.signals.no_producer.store(true, Ordering::SeqCst);
        self.shared.signals.notify();
    }
}

impl Consumer {
    pub(super) fn recv(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<Received<()>, RecvError> {
        if let Some(result) = self.poll(buf) {
            return result;
        }
        if timeout == Some(Duration::ZERO) {
            return Ok(Received::TimedOut);
        }
        // `None` also for a time too far away to be written down.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        for _ in 0..SPINS {
            std::hint::spin_loop();
            if self.is_ready() {
                break;
            }
        }
        loop {
            if let Some(result) = self.poll(buf) {
                return result;
            }
            if !self.wait(deadline) {
                return Ok(Received::TimedOut);
            }
        }
    }

    pub(super) fn waker(&self) -> Waker {
        Waker::new(&self.shared)
    }

    /// What there is to return now, if anything.
    fn poll(&self, buf: &mut [u8]) -> Option<Result<Received<()>, RecvError>> {
        let signals = &self.shared.signals;
        if signals.woken.load(Ordering::Relaxed) && signals.woken.swap(false, Ordering::SeqCst) {
            return Some(Ok(Received::Woken));
        }
        if self.is_empty() {
            if !signals.no_producer.load(Ordering::SeqCst) {
                return None;
            }
            // The producer may have sent something between the look into the ring and its end.
            if self.is_empty() {
                return Some(Err(RecvError::Disconnected));
            }
        }
        Some(self.take(buf))
    }

    /// Takes one datagram out of a ring that is not empty.
    fn take(&self, buf: &mut [u8]) -> Result<Received<()>, RecvError> {
        let shared = &*self.shared;
        let slot = self.slot.get();
        let result = match shared.slots.get(slot) {
            Some(place) => super::deliver(&locked(&place.0), buf),
            None => Ok(Received::TimedOut),
        };
        self.slot.set(next(slot, shared.slots.len()));
        self.read.set(self.read.get().wrapping_add(1));
        shared.read.0.store(self.read.get(), Ordering::Release);
        result
    }

    fn is_empty(&self) -> bool {
        if self.written_seen.get() == self.read.get() {
            self.written_seen.set(self.shared.written.0.load(Ordering::SeqCst));
        }
        self.written_seen.get() == self.read.get()
    }

    fn is_ready(&self) -> bool {
        let signals = &self.shared.signals;
        !self.is_empty()
            || signals.woken.load(Ordering::SeqCst)
            || signals.no_producer.load(Ordering::SeqCst)
    }

    /// Sleeps until something may have changed; false when the deadline has passed before.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let signals = &self.shared.signals;
        let mut guard = locked(&signals.lock);
        signals.waiting.store(true, Ordering::SeqCst);
        let mut in_time = true;
        while in_time && !self.is_ready() {
            let Some(deadline) = deadline else {
                guard = signals.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            in_time = !left.is_zero();
            if in_time {
                guard = signals
                    .changed
                    .wait_timeout(guard, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
        signals.waiting.store(false, Ordering::SeqCst);
        in_time
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shared.signals.no_consumer.store(true, Ordering::SeqCst);
    }
}

impl Signals {
    fn notify(&self) {
        if self.waiting.load(Ordering::SeqCst) {
            // The lock: the consumer is either before its last look, or already asleep and can hear
            // this.
            drop(locked(&self.lock));
            self.changed.notify_one();
        }
    }
}

impl Wake for Shared {
    fn wake(&self) {
        self.signals.woken.store(true, Ordering::SeqCst);
        self.signals.notify();
    }
}

fn next(slot: usize, slots: usize) -> usize {
    if slot + 1 == slots { 0 } else { slot + 1 }
}

/// A panic while a lock is held leaves nothing half done here, so poison means nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rounds of looking before sleeping: about a microsecond, less than what falling asleep and being
/// woken costs.
const SPINS: u32 = 50;
