//! The clock that libccp's binding reads, settable by hand.
//!
//! libccp takes its time (`Micros`, `Ack.now`, its retry and fallback timers) from the `time` crate,
//! so a comparison with it would depend on how fast the machine runs. This package takes that crate's
//! place under a Cargo patch: libccp stays as published, and a test decides what time it is. Until a
//! thread calls [`set_ns`], the time is the system's monotonic clock, read as `time` 0.1 reads it.

use std::cell::Cell;

thread_local! {
    // Per thread, since tests run side by side.
    static SET: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The current time in nanoseconds: what this thread has set, else the monotonic clock.
#[must_use]
pub fn precise_time_ns() -> u64 {
    SET.get().unwrap_or_else(monotonic_ns)
}

/// From now on it is `ns` for this thread, until it is set again.
pub fn set_ns(ns: u64) {
    SET.set(Some(ns));
}

/// Lets this thread follow the monotonic clock again.
pub fn follow_system() {
    SET.set(None);
}

fn monotonic_ns() -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `ts` is a live timespec of ours, and the clock id is one that Linux always has.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}
