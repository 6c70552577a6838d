//! The stop handle, also as a raw pointer for callers in another language: the only unsafe code
//! here.
#![allow(unsafe_code, reason = "takes over an `Arc` that the caller gave up as a pointer")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::ipc::Ipc;
use crate::{Error, Result, RunBuilder};

/// The flag an agent looks at: true means go on.
#[derive(Debug)]
pub(crate) enum StopFlag {
    None,
    Given(Arc<AtomicBool>),
    Null,
}

impl StopFlag {
    /// The flag, if one was given.
    ///
    /// # Errors
    /// It was given as a null pointer.
    pub(crate) fn resolve(self) -> Result<Option<Arc<AtomicBool>>> {
        match self {
            Self::None => Ok(None),
            Self::Given(flag) => Ok(Some(flag)),
            Self::Null => Err(Error("the stop handle is null".into())),
        }
    }
}

impl<I: Ipc, U, S> RunBuilder<I, U, S> {
    /// As [`RunBuilder::with_stop_handle`], from a pointer. A null one is an error when running.
    ///
    /// # Safety
    /// `handle_ptr` must be null or come from [`Arc::into_raw`]. The count which that call left
    /// behind is taken over, so the pointer must not be given to anything that takes it over again.
    pub unsafe fn with_raw_stop_handle(mut self, handle_ptr: *const AtomicBool) -> Self {
        self.flag = if handle_ptr.is_null() {
            StopFlag::Null
        } else {
            // SAFETY: not null, so by the contract above it comes from `Arc::into_raw`, with a
            // count that nobody else gives up.
            StopFlag::Given(unsafe { Arc::from_raw(handle_ptr) })
        };
        self
    }
}
