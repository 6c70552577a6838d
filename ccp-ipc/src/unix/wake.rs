//! Ending a receive on a unix socket: an empty datagram from a socket without a name.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU8, Ordering};

use super::Addr;
use crate::sys;
use crate::wake::Wake;

/// A socket connected to the one it wakes.
///
/// The truth is a flag; the datagram only makes a waiting receive look at it. When the queue is
/// full there is no room for the datagram and no need: the receive comes back anyway. At most one
/// of them is in the queue, so that wakes never take the room of what peers send.
pub(super) struct WakeSocket {
    socket: UnixDatagram,
    state: AtomicU8,
}

/// Somebody woke, and no receive has said so yet.
const WOKEN: u8 = 1;
/// The datagram is in the queue, or about to be.
const TOKEN: u8 = 2;

impl WakeSocket {
    /// Wakes the socket bound to `target`.
    pub(super) fn new(target: &Addr) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        sys::connect(socket.as_fd(), &target.0)?;
        Ok(Self {
            socket,
            state: AtomicU8::new(0),
        })
    }

    /// Whether somebody woke since the last time this said so.
    pub(super) fn take(&self) -> bool {
        self.state.load(Ordering::Acquire) & WOKEN != 0
            && self.state.fetch_and(!WOKEN, Ordering::SeqCst) & WOKEN != 0
    }

    /// Notes that an empty datagram without a sender has been received. False if it cannot be ours.
    pub(super) fn token_taken(&self) -> bool {
        self.state.fetch_and(!TOKEN, Ordering::SeqCst) & TOKEN != 0
    }
}

impl Wake for WakeSocket {
    fn wake(&self) {
        if self.state.fetch_or(WOKEN | TOKEN, Ordering::SeqCst) & TOKEN == 0
            && sys::send_connected(self.socket.as_fd(), &[]).is_err()
        {
            self.state.fetch_and(!TOKEN, Ordering::SeqCst);
        }
    }
}
