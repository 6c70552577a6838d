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
    state: State,
}

impl WakeSocket {
    /// Wakes the socket bound to `target`.
    pub(super) fn new(target: &Addr) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        sys::connect(socket.as_fd(), &target.0)?;
        Ok(Self { socket, state: State::default() })
    }

    /// Whether somebody woke since the last time this said so.
    pub(super) fn take(&self) -> bool {
        self.state.take()
    }

    /// Notes that an empty datagram without a sender has been received. False if it cannot be ours.
    pub(super) fn token_taken(&self) -> bool {
        self.state.token_taken()
    }
}

impl Wake for WakeSocket {
    fn wake(&self) {
        let mut send = self.state.wake();
        while send {
            let sent = sys::send_connected(self.socket.as_fd(), &[]).is_ok();
            send = !sent && self.state.token_failed();
        }
    }
}

/// What wakers and receive know of each other.
#[derive(Default)]
struct State(AtomicU8);

/// Somebody woke, and no receive has said so yet.
const WOKEN: u8 = 1;
/// The datagram is in the queue, or about to be.
const TOKEN: u8 = 2;
/// The receive has said so, and somebody woke again, while the datagram was in the queue or about
/// to be.
const AGAIN: u8 = 4;

impl State {
    /// Notes a wake. Says whether the caller has to send the datagram.
    fn wake(&self) -> bool {
        let before = self.change(|state| match state & (WOKEN | TOKEN) {
            TOKEN => state | WOKEN | AGAIN,
            _ => state | WOKEN | TOKEN,
        });
        before & TOKEN == 0
    }

    /// Notes that the datagram could not be sent. Says whether the caller has to try again: when
    /// somebody else relies on it since the receive has last looked, the queue that was full may
    /// be empty by now and the receive asleep. So each further attempt follows a receive.
    fn token_failed(&self) -> bool {
        let before = self.change(|state| match state & AGAIN {
            0 => state & !TOKEN,
            _ => state & !AGAIN,
        });
        before & AGAIN != 0
    }

    /// Notes that the datagram has been received. Says whether one was on its way.
    fn token_taken(&self) -> bool {
        self.0.fetch_and(!(TOKEN | AGAIN), Ordering::SeqCst) & TOKEN != 0
    }

    /// Whether somebody woke since the last time this said so.
    fn take(&self) -> bool {
        self.0.load(Ordering::Acquire) & WOKEN != 0
            && self.0.fetch_and(!WOKEN, Ordering::SeqCst) & WOKEN != 0
    }

    /// Gives the state of before.
    fn change(&self, to: impl Fn(u8) -> u8) -> u8 {
        let (Ok(before) | Err(before)) =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |state| Some(to(state)));
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_datagram_serves_many_wakes_until_it_is_received() {
        let state = State::default();
        assert!(state.wake());
        assert!(!state.wake());
        assert!(state.take() && !state.take());
        assert!(!state.wake());
        assert!(state.token_taken() && state.take());
        assert!(!state.token_taken(), "nobody sent a second one");
        assert!(state.wake());
    }

    #[test]
    fn a_full_queue_needs_no_datagram_and_the_next_wake_tries_again() {
        let state = State::default();
        assert!(state.wake());
        assert!(!state.wake());
        assert!(!state.token_failed(), "the receive has yet to look");
        assert!(state.take());
        assert!(state.wake());
    }

    #[test]
    fn a_wake_that_relies_on_a_datagram_that_fails_makes_its_sender_try_again() {
        let state = State::default();
        assert!(state.wake());
        // The send fails. Before its sender says so, the receive empties the queue and is about to
        // sleep when somebody else wakes.
        assert!(state.take());
        assert!(!state.wake());
        assert!(state.token_failed());
        assert!(!state.token_failed(), "once for each time");
        assert!(state.take());
        assert!(state.wake());
    }
}
