//! Ending a receive from outside: wakers, and the handle that stops a loop.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Ends the [`recv`](crate::Ipc::recv) of one end, from any thread.
///
/// Wakes do not add up: any number of them before a receive notices makes one
/// [`Received::Woken`](crate::Received::Woken). When the end is gone, waking does nothing.
#[derive(Clone)]
pub struct Waker(Weak<dyn Wake>);

/// What a transport does to end its own receive. Closures do.
pub trait Wake: Send + Sync + 'static {
    /// Makes the receive that is under way, or else the next one, return at once. Must not block.
    fn wake(&self);
}

impl<F: Fn() + Send + Sync + 'static> Wake for F {
    fn wake(&self) {
        self();
    }
}

impl Waker {
    /// A waker for `target`, which it does not keep alive.
    pub fn new<W: Wake>(target: &Arc<W>) -> Self {
        let target: Weak<W> = Arc::downgrade(target);
        Self(target)
    }

    /// A waker of nothing, for transports whose receive never waits.
    pub fn noop() -> Self {
        Self(Weak::<fn()>::new())
    }

    /// Ends the receive that is under way, or else the next one.
    pub fn wake(&self) {
        if let Some(target) = self.0.upgrade() {
            target.wake();
        }
    }

    /// Whether the end has gone, so that waking will never again do anything.
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").field("gone", &self.is_gone()).finish()
    }
}

/// Asks loops to stop, and wakes those that wait. Clones are the same handle.
///
/// There is no way back: a handle that was stopped stays so. Stopping takes a lock for a moment, so
/// a signal handler proper must leave it to a thread.
#[derive(Clone, Default)]
pub struct StopHandle(Arc<StopState>);

#[derive(Default)]
struct StopState {
    stopped: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl StopHandle {
    /// A handle nobody has stopped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop, and wakes every registered end.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        let wakers = self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        for waker in wakers.iter() {
            waker.wake();
        }
    }

    /// Whether somebody has asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Has `waker` used by [`stop`](Self::stop); at once, if that was called already. Wakers of
    /// ends that have gone are forgotten.
    pub fn register(&self, waker: Waker) {
        let mut wakers = self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at under the lock: a stop either comes before, and is seen here, or finds the
        // waker in the list.
        if self.is_stopped() {
            waker.wake();
        }
        wakers.retain(|known| !known.is_gone());
        wakers.push(waker);
    }
}

/// All that may ask one loop to stop: a [`StopHandle`] and, if there is one, a bare flag. Clones
/// share both.
#[derive(Clone, Debug, Default)]
pub struct StopSource {
    /// Wakes a loop that waits, once registered.
    pub handle: StopHandle,
    /// True means go on. Whoever lowers it wakes nobody, so a loop has to look at it.
    pub flag: Option<Arc<AtomicBool>>,
}

impl StopSource {
    /// Asks to stop, by both.
    pub fn stop(&self) {
        if let Some(flag) = &self.flag {
            flag.store(false, Ordering::SeqCst);
        }
        self.handle.stop();
    }

    /// Whether either has asked to stop.
    pub fn is_stopped(&self) -> bool {
        let lowered = |flag: &Arc<AtomicBool>| !flag.load(Ordering::SeqCst);
        self.handle.is_stopped() || self.flag.as_ref().is_some_and(lowered)
    }

    /// How long a loop may wait that wants to wait for `timeout` (`None`: without limit): as long,
    /// unless there is a flag to be looked at.
    pub fn limit(&self, timeout: Option<Duration>) -> Option<Duration> {
        let look = self.flag.is_some().then_some(FLAG_INTERVAL);
        timeout.into_iter().chain(look).min()
    }
}

/// How often a bare flag is looked at: a stop may take 50 ms, and the loop may be busy when its
/// time comes.
const FLAG_INTERVAL: Duration = Duration::from_millis(20);

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").field("stopped", &self.is_stopped()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn counting() -> (Arc<impl Wake>, Arc<AtomicU32>) {
        let count = Arc::new(AtomicU32::new(0));
        let inner = Arc::clone(&count);
        let wake = Arc::new(move || {
            inner.fetch_add(1, Ordering::SeqCst);
        });
        (wake, count)
    }

    #[test]
    fn stopping_wakes_what_is_registered() {
        let (target, count) = counting();
        let stop = StopHandle::new();
        stop.register(Waker::new(&target));
        assert!(!stop.is_stopped());
        stop.clone().stop();
        assert!(stop.is_stopped());
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn registering_with_a_stopped_handle_wakes_at_once() {
        let (target, count) = counting();
        let stop = StopHandle::new();
        stop.stop();
        stop.register(Waker::new(&target));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_waker_whose_end_is_gone_does_nothing_and_is_forgotten() {
        let (target, count) = counting();
        let stop = StopHandle::new();
        let waker = Waker::new(&target);
        stop.register(waker.clone());
        drop(target);
        assert!(waker.is_gone());
        waker.wake();
        stop.register(Waker::noop());
        assert_eq!(stop.0.wakers.lock().unwrap().len(), 1);
        stop.stop();
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn only_a_bare_flag_limits_how_long_a_loop_may_wait() {
        let mut source = StopSource::default();
        let (short, long) = (Duration::from_millis(3), Duration::from_secs(3));
        assert_eq!(source.limit(None), None);
        assert_eq!(source.limit(Some(long)), Some(long));
        source.flag = Some(Arc::new(AtomicBool::new(true)));
        assert_eq!(source.limit(None), Some(FLAG_INTERVAL));
        assert_eq!(source.limit(Some(long)), Some(FLAG_INTERVAL));
        assert_eq!(source.limit(Some(short)), Some(short));
    }

    #[test]
    fn a_loop_stops_by_its_handle_or_its_flag() {
        let with_flag =
            || StopSource { flag: Some(Arc::new(AtomicBool::new(true))), ..StopSource::default() };
        let by_handle = with_flag();
        assert!(!by_handle.is_stopped());
        by_handle.handle.stop();
        assert!(by_handle.is_stopped());
        let by_flag = with_flag();
        by_flag.flag.iter().for_each(|flag| flag.store(false, Ordering::SeqCst));
        assert!(by_flag.clone().is_stopped());
        let by_both = with_flag();
        by_both.stop();
        assert!(by_both.handle.is_stopped());
        assert!(by_both.flag.is_some_and(|flag| !flag.load(Ordering::SeqCst)));
    }

    #[test]
    fn handles_cross_threads() {
        fn crosses<T: Send + Sync>() {}
        crosses::<Waker>();
        crosses::<StopHandle>();
    }
}
