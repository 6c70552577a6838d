//! How long a receive waits, set with as few system calls as possible.

use std::cell::Cell;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// Knows what receive timeout a socket has (`SO_RCVTIMEO`) and whether that will do.
///
/// A loop that waits for a deadline asks for a little less each time. A timeout that is shorter than asked for, but not
/// by far, is therefore left in place (the caller then waits again for the rest), and when one has to be set on the way
/// to a deadline, it is made short enough to last for a while. A loop that always asks for the same gets exactly that.
#[derive(Default)]
pub(super) struct ReceiveTimer {
    /// What the socket has; `None`: waits without limit, as a new socket does.
    set: Cell<Option<Duration>>,
    /// What was asked for when it was set.
    asked: Cell<Option<Duration>>,
}

impl ReceiveTimer {
    /// Whether a receive for that time can go ahead as the socket is.
    pub(super) fn serves(&self, timeout: Option<Duration>) -> bool {
        match (self.set.get(), timeout) {
            (Some(set), Some(wanted)) => set <= wanted && set >= wanted / 2,
            (set, wanted) => set == wanted,
        }
    }

    /// Sets the socket's timeout for receives of about that time.
    pub(super) fn set(&self, socket: &UnixDatagram, timeout: Option<Duration>) -> io::Result<()> {
        let value = self.choose(timeout);
        socket.set_read_timeout(value)?;
        self.set.set(value);
        self.asked.set(timeout);
        Ok(())
    }

    fn choose(&self, timeout: Option<Duration>) -> Option<Duration> {
        match (self.asked.get(), timeout) {
            (Some(before), Some(wanted)) if wanted < before && wanted > before / 2 => {
                Some(wanted.mul_f32(0.75))
            }
            _ => timeout,
        }
    }
}
