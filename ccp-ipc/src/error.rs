//! What can go wrong on a transport, one enum for each operation.

use std::io;

/// Why a datagram was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The peer's queue, or our own buffer, has no room now. Try again later.
    #[error("the peer's queue is full")]
    Full,
    /// Nobody holds that address.
    #[error("the peer is gone")]
    Gone,
    /// The transport carries no datagram of this length.
    #[error("a datagram of {len} bytes is too long for this transport")]
    TooLong {
        /// Length of the refused datagram in bytes.
        len: usize,
    },
    /// This end has been closed.
    #[error("this end is closed")]
    Closed,
    /// The system refused for another reason; permissions, mostly. Concerns that peer alone.
    #[error("{call} failed")]
    Os {
        /// The system call.
        call: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// Why nothing was received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// A datagram did not fit the buffer and was dropped whole. Receiving goes on.
    #[error("dropped a datagram of {len} bytes: the buffer has {room}")]
    Truncated {
        /// The datagram's length in bytes. Where the system does not tell it: one more than `room`.
        len: usize,
        /// The buffer's.
        room: usize,
    },
    /// The other end of a transport with one peer has gone for good.
    #[error("the other end is gone")]
    Disconnected,
    /// This end has been closed.
    #[error("this end is closed")]
    Closed,
    /// The system refused.
    #[error("{call} failed")]
    Os {
        /// The system call.
        call: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// What could not be cleaned up when an end was closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// The system refused.
    #[error("{call} failed")]
    Os {
        /// The system call.
        call: &'static str,
        /// What it said.
        source: io::Error,
    },
}
