//! The trait every transport implements, and the types its methods speak in.
//!
//! Knows nothing of messages: a datagram is bytes, and what is inside them is the caller's.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use crate::error::{CloseError, RecvError, SendError};
use crate::wake::Waker;

/// One end of a datagram transport between an agent and its datapaths.
///
/// **Boundaries.** One [`try_send`](Self::try_send) is one datagram, and one [`recv`](Self::recv)
/// gives one datagram, whole or not at all: what does not fit the buffer is dropped and reported,
/// never cut. Nothing is duplicated, and the datagrams of one sender arrive in the order sent. An
/// empty datagram is a datagram.
///
/// **Blocking.** Sending never blocks. Receiving blocks for at most the given time; a [`Waker`]
/// ends it at once. An end that is [`Nonblocking`] never waits at all.
///
/// **A full queue** is [`SendError::Full`]: nothing was sent, and trying again later may succeed;
/// [`Outbox`](crate::Outbox) keeps what has to wait. **A dead peer** is [`SendError::Gone`]:
/// nothing was sent, and whoever appears under that address later is a new peer. Neither says
/// anything about other peers, nor ends this one.
///
/// **Threads.** An end may move to another thread, but is used by one at a time; a [`Waker`] may be
/// used from all.
pub trait Ipc: Send + 'static {
    /// Names a peer. Cheap to clone, compare and hash. The default value names nobody, except where
    /// the transport has one peer only.
    type Addr: Clone + Default + Eq + Hash + Debug + Send + 'static;

    /// The transport's name, for logs and command lines.
    fn name() -> &'static str;

    /// Sends one datagram, or says why it cannot be sent now. Never blocks.
    ///
    /// # Errors
    /// [`SendError::Full`] and [`SendError::Gone`] as above; the others concern this message or
    /// this end.
    fn try_send(&self, msg: &[u8], to: &Self::Addr) -> Result<(), SendError>;

    /// Waits for one datagram for at most `timeout` (`None`: without limit; zero: not at all) and
    /// puts it at the start of `buf`. Costs one system call at most when a datagram is there.
    ///
    /// A wake that came since the last [`Received::Woken`] counts, also one from before this call,
    /// and goes before datagrams.
    ///
    /// # Errors
    /// After [`RecvError::Truncated`] the next call goes on as if that datagram had never come; the
    /// other errors are lasting.
    fn recv(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<Received<Self::Addr>, RecvError>;

    /// A handle that ends a [`recv`](Self::recv) of this end from any thread. It outlives the end,
    /// and then does nothing.
    fn waker(&self) -> Waker;

    /// Looks whether a peer is still there, without sending anything.
    fn probe(&self, peer: &Self::Addr) -> Liveness;

    /// How many datagrams this end has dropped because their sender had no address to answer to.
    fn ignored(&self) -> u64 {
        0
    }

    /// Hears that the loop on this end has handled what it received so far and what was due, at `now` by its own time.
    /// Nothing to a transport; a wrapper that records takes note.
    fn stepped(&self, now: Duration) {
        let _ = now;
    }

    /// Gives up this end and what it left in the file system. Closing again does nothing; dropping
    /// closes as well, but keeps the error to itself.
    ///
    /// # Errors
    /// When something could not be cleaned up. The end is closed nevertheless.
    fn close(&mut self) -> Result<(), CloseError>;
}

/// What a [`Ipc::recv`] came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<A> {
    /// A datagram is in the buffer.
    Datagram {
        /// Its length in bytes: it is `buf[..len]`.
        len: usize,
        /// Who sent it, in the form that [`Ipc::try_send`] takes.
        from: A,
    },
    /// The time is over, and nothing came.
    TimedOut,
    /// Somebody used the [`Waker`], or a signal handler ran in this thread (unless its `SA_RESTART`
    /// made the system go on waiting). May happen without cause: look at what could have changed.
    Woken,
}

/// What [`Ipc::probe`] found out about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// Somebody holds that address.
    Alive,
    /// Nobody does.
    Gone,
    /// This transport cannot tell, or may not look.
    Unknown,
}

/// Marks an end whose [`Ipc::recv`] waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Blocking;

/// Marks an end whose [`Ipc::recv`] never waits, whatever the timeout: for loops that spin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nonblocking;

/// How an end receives: [`Blocking`] or [`Nonblocking`].
pub trait Mode: sealed::Sealed + Send + Sync + 'static {
    /// Whether a receive waits.
    const BLOCKING: bool;
}

impl Mode for Blocking {
    const BLOCKING: bool = true;
}

impl Mode for Nonblocking {
    const BLOCKING: bool = false;
}

/// The time a receive really waits: what the caller asked for, or nothing.
pub(crate) fn wait_of<M: Mode>(timeout: Option<Duration>) -> Option<Duration> {
    if M::BLOCKING { timeout } else { Some(Duration::ZERO) }
}

/// What an agent is built from.
#[derive(Debug)]
pub struct BackendBuilder<I: Ipc> {
    /// The end on which the datapaths are spoken to.
    pub sock: I,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Blocking {}
    impl Sealed for super::Nonblocking {}
}
