//! Counts the bytes that the whole process holds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes allocated and not yet freed.
pub(crate) fn live() -> usize {
    LIVE.load(Relaxed)
}

/// Watches [`live`] over a stretch of time.
pub(crate) struct Watch {
    before: usize,
    thirds: [usize; 3],
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self { before: live(), thirds: [0; 3] }
    }

    /// Looks, when this share of the time is over.
    pub(crate) fn look(&mut self, share: f64) {
        let third = &mut self.thirds[((share * 3.0) as usize).min(2)];
        *third = live().saturating_sub(self.before).max(*third);
    }

    /// The most that was held beyond what there was at the start, in each third of the time.
    pub(crate) fn thirds(&self) -> [usize; 3] {
        self.thirds
    }

    /// Panics when what is held has no bound, or more of it than the settings allow.
    pub(crate) fn check(&self, bound: usize) {
        let [first, _, last] = self.thirds;
        assert!(last < bound, "{last} bytes are held, {bound} allowed");
        // Before that the limits may not have been reached in the first third.
        if crate::duration().as_secs() >= 30 {
            let grown = first + first / 4 + SLACK;
            assert!(last < grown, "from {first} to {last} bytes");
        }
    }

    /// Panics when something is left of what was held meanwhile.
    pub(crate) fn check_end(&self) {
        let left = live().saturating_sub(self.before);
        assert!(left < SLACK, "{left} bytes are left");
    }
}

/// What the threads of the test itself come and go with, in bytes.
const SLACK: usize = 128 << 10;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator with the same arguments; the count is an
// atomic and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on; `ptr` came from `System`.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        LIVE.fetch_add(new_size, Relaxed);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on; `ptr` came from `System`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
