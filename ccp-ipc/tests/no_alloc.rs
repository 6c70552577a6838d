//! Once warm, neither sending nor receiving allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use ccp_ipc::{Ipc, Outbox, OutboxLimits, Received, chan};

/// Counts what the current thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator with the same arguments; counting uses a
// thread-local without destructor or lazy initialisation, so it does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on; `ptr` came from `System`.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on; `ptr` came from `System`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[track_caller]
fn allocates_nothing_once_warm(mut work: impl FnMut()) {
    for _ in 0..100 {
        work();
    }
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        work();
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

/// Sends `count` datagrams from `a` to `b` and back, all of which have room.
fn exchange<I: Ipc>(a: &I, b: &I, at_b: &I::Addr, count: usize) {
    let msg = [7; 112];
    let mut buf = [0; 2048];
    for i in 0..count {
        a.try_send(&msg[..100 + i], at_b).unwrap();
    }
    for _ in 0..count {
        let Received::Datagram { len, from } = b.recv(&mut buf, Some(Duration::ZERO)).unwrap()
        else {
            panic!("a datagram is missing")
        };
        b.try_send(&buf[..len], &from).unwrap();
    }
    for _ in 0..count {
        assert!(matches!(a.recv(&mut buf, None).unwrap(), Received::Datagram { .. }));
    }
    assert_eq!(a.recv(&mut buf, Some(Duration::from_micros(1))).unwrap(), Received::TimedOut);
    a.waker().wake();
    assert_eq!(a.recv(&mut buf, None).unwrap(), Received::Woken);
}

#[test]
fn a_pair_of_channel_ends() {
    let (a, b) = chan::pair(8);
    allocates_nothing_once_warm(|| exchange(&a, &b, &(), 5));
}

#[test]
#[cfg(unix)]
fn unix_sockets() {
    use ccp_ipc::unix::{Options, Socket};
    let dir = tempfile::tempdir().unwrap();
    let bind = |name| -> Socket { Options::new().folder(dir.path()).bind(name).unwrap() };
    let (a, b) = (bind("a"), bind("b"));
    allocates_nothing_once_warm(|| exchange(&a, &b, b.local_addr(), 5));
}

#[test]
fn an_outbox_in_front_of_a_peer_that_keeps_up() {
    let (a, b) = chan::pair(8);
    let mut outbox = Outbox::new(OutboxLimits::default());
    let mut buf = [0; 64];
    allocates_nothing_once_warm(|| {
        outbox.send(&a, b"plain", &()).unwrap();
        outbox.send_keyed(&a, 1, b"keyed", &(), |_, _| ()).unwrap();
        outbox.flush(&a, |_, _| ());
        while let Received::Datagram { .. } = b.recv(&mut buf, Some(Duration::ZERO)).unwrap() {}
    });
}

#[test]
fn an_outbox_in_front_of_a_peer_that_never_reads() {
    let (a, _b) = chan::pair(1);
    let mut outbox = Outbox::new(OutboxLimits::default());
    while outbox.is_empty() {
        outbox.send(&a, b"blocks", &()).unwrap();
    }
    let mut key = 0;
    allocates_nothing_once_warm(|| {
        key = (key + 1) % 5;
        let update = b"what is taken back leaves nothing behind";
        outbox.send_keyed(&a, key, update, &(), |_, _| ()).unwrap();
        assert!(outbox.remove_key(&(), key));
    });
    assert_eq!(outbox.waiting(&()), 1);
}
