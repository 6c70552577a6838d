//! Links the crates that promise to need no std into a program that has none.
//!
//! It is only checked, never run. Its panic handler clashes with std's as soon as any crate below it
//! links std, which is what proves that none does.
#![no_std]
#![no_main]

use ccp_datapath as _;
use ccp_lang as _;
use ccp_wire as _;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
