#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod chan;
mod counters;
mod error;
mod ipc;
mod outbox;
#[cfg(feature = "record")]
pub mod record;
#[cfg(unix)]
#[allow(unsafe_code, reason = "the one place where std lacks what the system can do")]
mod sys;
#[cfg(unix)]
pub mod unix;
mod wake;

pub use counters::Counters;
pub use error::{CloseError, RecvError, SendError};
pub use ipc::{BackendBuilder, Blocking, Ipc, Liveness, Mode, Nonblocking, Received};
pub use outbox::{Outbox, OutboxError, OutboxLimits, OutboxStats};
pub use wake::{StopHandle, StopSource, Wake, Waker};
