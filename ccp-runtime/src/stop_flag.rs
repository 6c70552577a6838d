//! The stop flag as a raw pointer, for callers in another language: the only unsafe code here.
#![allow(unsafe_code, reason = "takes over an `Arc` that the caller gave up as a pointer")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ccp_ipc::Ipc;

use crate::RunBuilder;

impl<I: Ipc, U, S> RunBuilder<I, U, S> {
    /// As [`RunBuilder::with_stop_handle`], from a pointer. With a null pointer, running is
    /// [`RunError::NullStopHandle`](crate::RunError::NullStopHandle).
    ///
    /// # Safety
    /// `handle` must be null or come from [`Arc::into_raw`]. The count which that call left behind
    /// is taken over, so the same pointer must not be given to anything that takes it over again.
    pub unsafe fn with_raw_stop_handle(mut self, handle: *const AtomicBool) -> Self {
        self.shared.is_null = handle.is_null();
        // SAFETY: where it is not null it comes, by the contract above, from `Arc::into_raw`, with a
        // count nobody else gives up.
        self.shared.stop.flag = (!handle.is_null()).then(|| unsafe { Arc::from_raw(handle) });
        self
    }
}
