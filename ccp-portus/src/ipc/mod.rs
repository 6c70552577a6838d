//! The transport between agent and datapaths.
//!
//! The sockets here are those of `ccp-ipc` in portus's shape. A type of one's own that implements
//! [`Ipc`] works as well, within the limits told there.

mod bridge;
pub mod chan;
mod missing;
mod patience;
pub mod unix;

use std::fmt::Debug;
use std::hash::Hash;

pub(crate) use bridge::Bridge;
#[doc(hidden)]
pub use ccp_ipc::Mode;
pub use ccp_ipc::{Blocking, Nonblocking};
#[cfg(target_os = "linux")]
pub use missing::{kp, netlink};

use crate::Result;

/// One end of a datagram transport.
///
/// The agent calls [`recv`](Self::recv) again and again, and between two calls looks whether it is
/// to stop and which of its timers are due. It cannot end a call: an end that may wait for long
/// holds all that up, so it should give up after some milliseconds and return an error. The
/// built-in sockets do better: the agent wakes them up.
pub trait Ipc: 'static + Send {
    /// Names a peer; `()` where there is only one.
    type Addr: Clone + Default + Eq + Hash + Debug + Send;

    /// The transport's name, for logs.
    fn name() -> String;

    /// Sends one datagram. The agent stands still while this blocks.
    ///
    /// # Errors
    /// The datagram is lost. Whoever had it sent hears of it; the agent goes on.
    fn send(&self, msg: &[u8], to: &Self::Addr) -> Result<()>;

    /// Waits for one datagram, puts it at the start of `msg`, and gives its length and sender.
    ///
    /// # Errors
    /// Nothing came, for whatever reason. The agent calls again.
    fn recv(&self, msg: &mut [u8]) -> Result<(usize, Self::Addr)>;

    /// Gives up this end. The agent does so when it ends.
    ///
    /// # Errors
    /// Something could not be cleaned up.
    fn close(&mut self) -> Result<()>;

    /// The socket of `ccp-ipc` inside a built-in one, for the agent to use directly.
    #[doc(hidden)]
    fn __native(&self) -> Option<bridge::Native<'_>> {
        None
    }
}

/// What an agent is built from.
#[derive(Debug)]
pub struct BackendBuilder<T: Ipc> {
    /// The end on which the datapaths are spoken to.
    pub sock: T,
}
