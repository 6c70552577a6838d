//! What a file claims or holds makes its reader take no more memory than the format allows.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Read;

use ccp_ipc::record::{ReadError, Reader, Replay};

/// Follows what the current thread holds.
struct Following;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
    static MOST: Cell<i64> = const { Cell::new(0) };
}

fn follow(change: i64) {
    let held = HELD.get() + change;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: every call goes on to the system's allocator with the same arguments; following uses
// thread-locals without destructor or lazy initialisation, so it does not allocate.
unsafe impl GlobalAlloc for Following {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        follow(layout.size() as i64);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        follow(-(layout.size() as i64));
        // SAFETY: the caller's promises are passed on; `ptr` came from `System`.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both are there for a moment.
        follow(new_size as i64);
        follow(-(layout.size() as i64));
        // SAFETY: the caller's promises are passed on; `ptr` came from `System`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Following = Following;

/// The most that `work` held at a time.
fn most_of(work: impl FnOnce()) -> i64 {
    let before = HELD.get();
    MOST.set(before);
    work();
    MOST.get() - before
}

/// An opening, and then one record again and again, each with right checksums.
struct Endless {
    crc: u32,
    head: Vec<u8>,
    body: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
}

impl Endless {
    fn of(kind: u8, body: &[u8]) -> Self {
        let opening = b"\x89CCPREC\n\x01\0\0\0\0\0\0\0";
        let head = [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &(body.len() as u32).to_le_bytes()].concat();
        let mut new = Self { crc: 0, head, body: body.to_vec(), ready: Vec::new(), at: 0 };
        new.seal(opening);
        // The first peer, of whom all records are.
        new.seal(&[2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        new.seal(b"x");
        new
    }

    fn seal(&mut self, part: &[u8]) {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.crc);
        hasher.update(part);
        self.crc = hasher.finalize();
        self.ready.extend_from_slice(part);
        self.ready.extend_from_slice(&self.crc.to_le_bytes());
    }
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.ready.len() {
            self.ready.clear();
            self.at = 0;
            let (head, body) = (self.head.clone(), self.body.clone());
            self.seal(&head);
            if !body.is_empty() {
                self.seal(&body);
            }
        }
        let len = buf.len().min(self.ready.len() - self.at);
        buf[..len].copy_from_slice(&self.ready[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

#[test]
fn a_length_without_bytes_takes_nothing() {
    let mut opening = b"\x89CCPREC\n\x01\0\0\0\0\0\x01\0".to_vec();
    let short = most_of(|| assert!(matches!(Reader::new(&*opening), Err(ReadError::NoOpening))));
    opening[12..].fill(0xff);
    let long =
        most_of(|| assert!(matches!(Reader::new(&*opening), Err(ReadError::Damaged { .. }))));
    assert!(short < 4096 && long < 4096, "{short} {long}");
}

#[test]
fn a_step_without_end_is_given_up() {
    // Received and empty, sent and long.
    for (kind, body) in [(3, &b""[..]), (4, &[7; 60_000])] {
        let most = most_of(|| {
            let mut replay = Replay::new(Reader::new(Endless::of(kind, body)).unwrap());
            let error = replay.advance().unwrap_err();
            assert!(matches!(error, ReadError::StepTooLong { .. }), "{error}");
        });
        // 64 MiB, and what a growing list takes while it is copied.
        assert!(most < 200 << 20, "{most}");
    }
}
