//! The kernel's flows as one datapath of the agent: an [`Ipc`] end without a socket.
//!
//! Messages come out of the ring; what the agent sends turns into programs that are loaded and into
//! values that are staged in the flows' pages. Ready and Hello are made here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

use ccp_ipc::{CloseError, Ipc, Liveness, Received, RecvError, SendError, Waker};
use ccp_lang::{Class, Limits, Reg};
use ccp_wire::{
    ChangeProg, FieldUpdate, FlowId, Hello, HelloFlags, Message, Messages, Ready, UpdateFields,
};
use tracing::{debug, warn};

use crate::engine::{Engine, Options, StartError};
use crate::fixed::primitives;
use crate::flows::{OpenFlows, introduce};
use crate::life::{Life, LifeError};
use crate::programs::{InstallError, Programs, load_bare};
use crate::ring::{Next, Ring};
use crate::sys::{self, SysError};

/// The kernel's TCP flows, to an agent. It has one peer: the kernel.
pub struct EbpfSocket {
    /// Nothing after [`Ipc::close`].
    inner: RefCell<Option<Inner>>,
    wake: Arc<Wake>,
    spin: Duration,
}

struct Inner {
    /// Ended first: the default is set back while the algorithm is still registered.
    _life: Life,
    engine: Engine,
    ring: Ring,
    programs: Programs,
    flows: OpenFlows,
    /// What we say before and besides the kernel.
    own: VecDeque<Vec<u8>>,
    /// How often the heart beats at least.
    beat: Duration,
    wakes: Wakes,
}

/// What ends a receive.
struct Wake {
    event: OwnedFd,
    asked: AtomicBool,
}

impl EbpfSocket {
    /// Loads the datapath into the kernel and registers its algorithms.
    ///
    /// # Errors
    /// What this kernel lacks or refuses, and what helps; nothing stays behind.
    pub fn start(options: Options) -> Result<Self, OpenError> {
        let engine = Engine::start(options)?;
        load_bare(&engine)?;
        let ring = Ring::new(engine.maps().ring.as_fd(), engine.options().ring_bytes)?;
        let beat = (engine.options().fallback_after / 4).max(SHORTEST_BEAT);
        let hello = Hello {
            flags: HelloFlags(0),
            primitives: primitives(),
            max_programs: engine.options().max_programs,
            max_instrs: Limits::MACHINE.max_instrs,
        };
        let own = VecDeque::from([greeting(hello)]);
        let wake = Wake { event: sys::eventfd()?, asked: AtomicBool::new(false) };
        let spin = engine.options().spin;
        let wakes = Wakes::new(engine.options().wake_every, Instant::now());
        engine.beat();
        let life = Life::begin(engine.options())?;
        let inner = Inner {
            _life: life,
            engine,
            ring,
            programs: Programs::default(),
            flows: OpenFlows::default(),
            own,
            beat,
            wakes,
        };
        inner.engine.beat();
        Ok(Self { inner: RefCell::new(Some(inner)), wake: Arc::new(wake), spin })
    }

    /// Looks at the datapath in the kernel; nothing once this end is closed.
    pub fn with_engine<T>(&self, look: impl FnOnce(&Engine) -> T) -> Option<T> {
        self.inner.borrow().as_ref().map(|inner| look(&inner.engine))
    }

    fn wait(
        &self,
        inner: &mut Inner,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<Received<()>, RecvError> {
        inner.engine.beat();
        if self.wake.taken() {
            return Ok(Received::Woken);
        }
        if let Some(received) = inner.next(buf) {
            return received;
        }
        if timeout == Some(Duration::ZERO) {
            return Ok(Received::TimedOut);
        }
        let start = Instant::now();
        let deadline = timeout.and_then(|timeout| start.checked_add(timeout));
        if let Some(received) = self.spin(inner, buf, start, deadline) {
            return received;
        }
        loop {
            let now = Instant::now();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
            if left == Some(Duration::ZERO) {
                return Ok(Received::TimedOut);
            }
            let nap = left.map_or(inner.beat, |left| left.min(inner.beat));
            let slept = match inner.wakes.closed(now) {
                Some(closed) => inner.nap(&self.wake, nap.min(closed)),
                None => inner.sleep(&self.wake, nap, now),
            };
            inner.engine.beat();
            if self.wake.taken() {
                return Ok(Received::Woken);
            }
            match slept {
                Ok(()) => {}
                Err(error) if error.errno() == Some(libc::EINTR) => return Ok(Received::Woken),
                Err(SysError { call, source }) => return Err(RecvError::Os { call, source }),
            }
            if let Some(received) = inner.next(buf) {
                return received;
            }
        }
    }

    /// Looks again and again for a set time before it sleeps.
    fn spin(
        &self,
        inner: &mut Inner,
        buf: &mut [u8],
        start: Instant,
        deadline: Option<Instant>,
    ) -> Option<Result<Received<()>, RecvError>> {
        let end = start.checked_add(self.spin)?;
        let end = deadline.map_or(end, |deadline| deadline.min(end));
        let mut turns = 0_u32;
        while !self.spin.is_zero() {
            if inner.ring.has_more()
                && let Some(received) = inner.next(buf)
            {
                inner.engine.beat();
                return Some(received);
            }
            if self.wake.taken() {
                return Some(Ok(Received::Woken));
            }
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(TURNS_PER_CLOCK) {
                inner.engine.beat();
                if Instant::now() >= end {
                    break;
                }
            }
            std::hint::spin_loop();
        }
        None
    }
}

impl Ipc for EbpfSocket {
    type Addr = ();

    fn name() -> &'static str {
        "ebpf"
    }

    fn try_send(&self, msg: &[u8], (): &()) -> Result<(), SendError> {
        let mut inner = self.inner.borrow_mut();
        let inner = inner.as_mut().ok_or(SendError::Closed)?;
        inner.engine.beat();
        for message in Messages::new(msg).flatten() {
            match message {
                Message::Install(install) => {
                    let Inner { programs, engine, .. } = inner;
                    programs.install(engine, &install).map_err(|error| {
                        warn!(program = %install.program_uid, %error, "a program is not installed");
                        SendError::Os { call: "install", source: error.into() }
                    })?;
                }
                Message::ChangeProg(change) => inner.change(&change),
                Message::UpdateFields(update) => inner.update(&update),
                // The heart beats whatever the agent says.
                _ => {}
            }
        }
        Ok(())
    }

    fn recv(&self, buf: &mut [u8], timeout: Option<Duration>) -> Result<Received<()>, RecvError> {
        let mut inner = self.inner.borrow_mut();
        let inner = inner.as_mut().ok_or(RecvError::Closed)?;
        self.wait(inner, buf, timeout)
    }

    fn waker(&self) -> Waker {
        Waker::new(&self.wake)
    }

    fn probe(&self, (): &()) -> Liveness {
        Liveness::Alive
    }

    /// Ends the datapath in the kernel: flows go on under the fallback of the code they have.
    fn close(&mut self) -> Result<(), CloseError> {
        drop(self.inner.get_mut().take());
        Ok(())
    }
}

impl fmt::Debug for EbpfSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EbpfSocket").field("spin", &self.spin).finish_non_exhaustive()
    }
}

impl Inner {
    /// The next message for the agent, if there is one.
    fn next(&mut self, buf: &mut [u8]) -> Option<Result<Received<()>, RecvError>> {
        if let Some(own) = self.own.pop_front() {
            let (len, room) = (own.len(), buf.len());
            let Some(to) = buf.get_mut(..len) else {
                return Some(Err(RecvError::Truncated { len, room }));
            };
            to.copy_from_slice(&own);
            return Some(Ok(Received::Datagram { len, from: () }));
        }
        match self.ring.next(buf) {
            Next::Message(len) => {
                let message = buf.get_mut(..len).unwrap_or_default();
                introduce(&self.engine, message);
                self.flows.note(message);
                Some(Ok(Received::Datagram { len, from: () }))
            }
            Next::TooLong(len) => Some(Err(RecvError::Truncated { len, room: buf.len() })),
            Next::Nothing => {
                // Only when all that was said has been heard is what is missing really lost.
                self.own.extend(self.flows.lost_closes(&self.engine));
                if self.own.is_empty() { None } else { self.next(buf) }
            }
        }
    }

    /// Sleeps until somebody wakes us or the nap is over. The kernel does not wake us, and does not pay
    /// for it.
    fn nap(&self, wake: &Wake, nap: Duration) -> Result<(), SysError> {
        if wake.asked.load(Ordering::SeqCst) { Ok(()) } else { wake.wait(None, nap).map(drop) }
    }

    /// Sleeps until the kernel has something to say, somebody wakes us, or the nap is over.
    fn sleep(&mut self, wake: &Wake, nap: Duration, now: Instant) -> Result<(), SysError> {
        let asleep = |value| {
            if let Some(word) = self.engine.sleeping() {
                word.store(value, Ordering::Relaxed);
            }
        };
        asleep(1);
        // The barrier between saying so and looking once more; the kernel's side has its own between
        // adding a message and looking who sleeps.
        fence(Ordering::SeqCst);
        if self.ring.has_more() || wake.asked.load(Ordering::SeqCst) {
            asleep(0);
            return Ok(());
        }
        let waited = wake.wait(Some(self.engine.maps().ring.as_fd()), nap);
        asleep(0);
        if waited? {
            self.wakes.woken(now);
        }
        Ok(())
    }

    fn change(&self, change: &ChangeProg<'_>) {
        let Some(number) = self.programs.get(change.program_uid) else {
            debug!(flow = %change.flow, program = %change.program_uid, "an unknown program");
            return;
        };
        self.stage(change.flow, Some(number), change.fields.iter());
    }

    fn update(&self, update: &UpdateFields<'_>) {
        self.stage(update.flow, None, update.fields.iter());
    }

    /// A flow that has gone needs nothing any more: its close is on the way.
    fn stage(&self, flow: FlowId, program: Option<u64>, fields: impl Iterator<Item = FieldUpdate>) {
        let fields = fields.filter_map(|field| Some((register(field)?, field.value)));
        if self.engine.stage().write(flow, program, fields).is_err() {
            debug!(%flow, "an update for a flow that has gone");
        }
    }
}

impl Wake {
    fn taken(&self) -> bool {
        // Looked at first: a load costs nothing while nobody wakes.
        if !self.asked.load(Ordering::Relaxed) || !self.asked.swap(false, Ordering::SeqCst) {
            return false;
        }
        sys::eventfd_clear(self.event.as_fd());
        true
    }

    /// Waits for the ring, or for somebody who wakes us. Says whether it was the ring.
    fn wait(&self, ring: Option<BorrowedFd<'_>>, nap: Duration) -> Result<bool, SysError> {
        let event = self.event.as_fd();
        // Asked twice, the one descriptor stands for both.
        let [first, woken] = sys::wait_either([ring.unwrap_or(event), event], Some(nap))?;
        // A signal may come after what it is for has been taken; left there, it would end every
        // sleep from now on.
        if woken {
            sys::eventfd_clear(self.event.as_fd());
        }
        Ok(first && ring.is_some())
    }
}

/// How often the kernel may wake us: once in `every`, and what was not used up is kept for a burst.
/// (A generic cell rate algorithm, as in ITU-T I.371.)
#[derive(Clone, Copy, Debug)]
struct Wakes {
    every: Duration,
    /// When all of the burst is there again.
    full: Instant,
}

impl Wakes {
    fn new(every: Duration, now: Instant) -> Self {
        Self { every, full: now }
    }

    /// For how long no further wake is allowed; nothing if one is.
    fn closed(&self, now: Instant) -> Option<Duration> {
        let ahead = self.full.saturating_duration_since(now);
        ahead.checked_sub(self.every.saturating_mul(BURST - 1)).filter(|closed| !closed.is_zero())
    }

    fn woken(&mut self, now: Instant) {
        self.full = self.full.max(now) + self.every;
    }
}

impl ccp_ipc::Wake for Wake {
    fn wake(&self) {
        self.asked.store(true, Ordering::SeqCst);
        sys::eventfd_signal(self.event.as_fd());
    }
}

fn register(field: FieldUpdate) -> Option<Reg> {
    Some(Reg::new(Class::from_code(field.class)?, field.index))
}

/// Ready and Hello in one datagram.
fn greeting(hello: Hello) -> Vec<u8> {
    let ready = Ready { id: std::process::id() };
    let mut bytes = vec![0; ready.encoded_len() + hello.encoded_len()];
    let (first, second) = bytes.split_at_mut(ready.encoded_len());
    // Both have exactly the room they need.
    let _ = (ready.encode(first), hello.encode(second));
    bytes
}

/// Why the kernel's flows cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The datapath does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The code for flows without a program is not loaded.
    #[error(transparent)]
    Bare(#[from] InstallError),
    /// Running flows are not moved, or the default algorithm is not set.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] SysError),
}

/// An agent that may never stand still would otherwise do nothing but show that it does not.
const SHORTEST_BEAT: Duration = Duration::from_millis(1);

/// So many wakes in a row come at once: a flow's start, or losses of several flows at a time.
const BURST: u32 = 32;

/// How often a spinning receive looks at the clock, in turns.
const TURNS_PER_CLOCK: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_signal_ends_one_sleep_and_no_more() {
        let wake = Wake { event: sys::eventfd().unwrap(), asked: AtomicBool::new(false) };
        let ring = sys::eventfd().unwrap();
        // Somebody said so, we took it, and only then comes the signal.
        sys::eventfd_signal(wake.event.as_fd());
        assert!(!wake.wait(Some(ring.as_fd()), Duration::from_secs(10)).unwrap());
        assert!(!wake.taken());
        assert!(!sys::eventfd_clear(wake.event.as_fd()), "the next sleep would end at once");
    }

    #[test]
    fn somebody_who_wakes_us_ends_a_nap_that_the_ring_does_not_end() {
        let wake = Wake { event: sys::eventfd().unwrap(), asked: AtomicBool::new(false) };
        sys::eventfd_signal(wake.event.as_fd());
        assert!(!wake.wait(None, Duration::from_secs(10)).unwrap());
        let ring = sys::eventfd().unwrap();
        sys::eventfd_signal(ring.as_fd());
        assert!(wake.wait(Some(ring.as_fd()), Duration::from_secs(10)).unwrap());
    }

    #[test]
    fn wakes_come_at_once_in_a_burst_and_then_one_in_each_interval() {
        let (start, every) = (Instant::now(), Duration::from_micros(500));
        let mut wakes = Wakes::new(every, start);
        for _ in 0..BURST {
            assert_eq!(wakes.closed(start), None);
            wakes.woken(start);
        }
        assert_eq!(wakes.closed(start), Some(every));
        assert_eq!(wakes.closed(start + every), None);
        wakes.woken(start + every);
        assert_eq!(wakes.closed(start + every), Some(every));
        // Unused intervals come back, but no more than a burst.
        let later = start + every * 1000;
        for _ in 0..BURST {
            assert_eq!(wakes.closed(later), None);
            wakes.woken(later);
        }
        assert_eq!(wakes.closed(later), Some(every));
    }

    #[test]
    fn without_an_interval_every_report_may_wake() {
        let start = Instant::now();
        let mut wakes = Wakes::new(Duration::ZERO, start);
        (0..1000).for_each(|_| wakes.woken(start));
        assert_eq!(wakes.closed(start), None);
    }
}
