//! Links the crates that promise to need no std into a program that has none.
//!
//! It is only checked, never run. Its panic handler clashes with std's as soon as any crate below it
//! links std, which is what proves that none does.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};

use ccp_datapath as _;
use ccp_lang as _;
use ccp_wire as _;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// `alloc` asks for an allocator; this one is always out of memory.
struct Nothing;

// SAFETY: it never hands out memory, so there is none that could be aliased, freed twice or used
// after it was freed.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Nothing = Nothing;
