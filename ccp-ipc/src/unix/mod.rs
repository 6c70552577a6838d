//! Unix datagram sockets, all in one folder: the transport libccp's and portus's users know.
//!
//! Each end is bound to a name of its own in the folder, and is known to its peers by that path.
//! Datagrams from sockets that have none cannot be answered; they are dropped and counted.
//!
//! ```no_run
//! use ccp_ipc::{Ipc, Received, unix};
//!
//! let agent: unix::Socket = unix::Socket::new("portus")?;
//! let mut buf = vec![0; 65_535];
//! if let Received::Datagram { len, from } = agent.recv(&mut buf, None)? {
//!     println!("{from} sent {len} bytes");
//!     agent.try_send(b"an answer", &from)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod addr;
mod bind;
mod folder;
mod spares;
mod timer;
mod wake;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use addr::{Addr, NameError};
pub use bind::{BindError, Options};
pub use folder::{DEFAULT_FOLDER, FOLDER_VARIABLE, FolderError};

use crate::error::{CloseError, RecvError, SendError};
use crate::ipc::{Blocking, Ipc, Liveness, Mode, Received, wait_of};
use crate::sys;
use crate::wake::Waker;
use bind::{Bound, is_alive};
use spares::Spares;
use timer::{ReceiveTimer, Wait};
use wake::WakeSocket;

/// A socket bound to a name in the folder of all.
///
/// The file it is bound to goes away when the socket is closed or dropped, unless somebody has put
/// another one in its place.
pub struct Socket<M: Mode = Blocking> {
    /// `None` once closed.
    open: Option<Open>,
    addr: Addr,
    ignored: Cell<u64>,
    mode: PhantomData<M>,
}

struct Open {
    bound: Bound,
    spares: Spares,
    timer: ReceiveTimer,
    wake: Arc<WakeSocket>,
}

impl<M: Mode> Socket<M> {
    /// A socket bound to `name` in the folder of `$CCP_IPC_DIR`, or else in `/tmp/ccp`.
    ///
    /// # Errors
    /// As [`Options::bind`].
    pub fn new(name: &str) -> Result<Self, BindError> {
        Options::new().bind(name)
    }

    /// Settings for a socket that differ from those of [`new`](Self::new).
    pub fn options() -> Options {
        Options::new()
    }

    /// The path this socket is bound to: its address for others.
    pub fn local_addr(&self) -> &Addr {
        &self.addr
    }

    /// The address of the socket `name` in the same folder.
    ///
    /// # Errors
    /// When that cannot be a socket's name.
    pub fn peer(&self, name: &str) -> Result<Addr, NameError> {
        let folder = self.addr.path().and_then(Path::parent).unwrap_or_else(|| Path::new("/"));
        Addr::in_folder(folder, name)
    }

    fn with(addr: Addr, bound: Bound, spares: Spares, wake: WakeSocket) -> Self {
        let open = Open { bound, spares, timer: ReceiveTimer::default(), wake: Arc::new(wake) };
        Self { open: Some(open), addr, ignored: Cell::new(0), mode: PhantomData }
    }
}

impl<M: Mode> Ipc for Socket<M> {
    type Addr = Addr;

    fn name() -> &'static str {
        "unix"
    }

    fn try_send(&self, msg: &[u8], to: &Addr) -> Result<(), SendError> {
        let open = self.open.as_ref().ok_or(SendError::Closed)?;
        if to.is_unnamed() {
            return Err(SendError::Gone);
        }
        let (mut from, mut spares) = (open.fd(), open.spares.iter());
        let mut spare_in_use = false;
        loop {
            let Err(source) = sys::send_to(from, msg, &to.0) else {
                return Ok(());
            };
            match source.raw_os_error() {
                Some(libc::EINTR) => {}
                // Either the peer's queue is full or, with what others have not read, the socket's
                // own buffer.
                Some(libc::EAGAIN) if !sys::is_writable(from) => match spares.next() {
                    Some(spare) => (from, spare_in_use) = (spare, true),
                    None => return Err(SendError::Full),
                },
                // It is connected to the first socket, and takes from no other.
                Some(libc::EPERM) if spare_in_use => return Err(SendError::Full),
                _ => return Err(send_error(source, msg.len())),
            }
        }
    }

    fn recv(&self, buf: &mut [u8], timeout: Option<Duration>) -> Result<Received<Addr>, RecvError> {
        let open = self.open.as_ref().ok_or(RecvError::Closed)?;
        if open.wake.take() {
            return Ok(Received::Woken);
        }
        let timeout = wait_of::<M>(timeout);
        // `None` also for a time too far away to be written down. Without waiting no clock is
        // needed.
        let deadline = timeout.filter(|t| !t.is_zero()).and_then(|t| Instant::now().checked_add(t));
        let mut left = timeout;
        let mut nameless = 0;
        loop {
            match open.recv_within(buf, left) {
                Ok((len, from)) if from.is_unnamed() => {
                    let wake = len == 0 && open.wake.token_taken();
                    if !wake {
                        self.ignored.set(self.ignored.get() + 1);
                    }
                    // Also after a datagram that is no wake: whoever sends such without end must
                    // not keep us here.
                    if open.wake.take() {
                        return Ok(Received::Woken);
                    }
                    nameless += 1;
                    if timeout.is_some_and(|t| t.is_zero()) && nameless == MAX_NAMELESS {
                        return Ok(Received::TimedOut);
                    }
                }
                Ok((len, _)) if len > buf.len() => {
                    return Err(RecvError::Truncated { len, room: buf.len() });
                }
                Ok((len, from)) => return Ok(Received::Datagram { len, from }),
                Err((_, e)) if e.kind() == io::ErrorKind::WouldBlock => {
                    if open.wake.take() {
                        return Ok(Received::Woken);
                    }
                    if deadline.is_none() && timeout.is_some_and(|t| t.is_zero()) {
                        return Ok(Received::TimedOut);
                    }
                }
                // A signal may have changed what the caller looks at.
                Err((_, e)) if e.kind() == io::ErrorKind::Interrupted => {
                    return Ok(Received::Woken);
                }
                Err((call, source)) => return Err(RecvError::Os { call, source }),
            }
            if let Some(deadline) = deadline {
                let rest = deadline.saturating_duration_since(Instant::now());
                if rest.is_zero() {
                    return Ok(Received::TimedOut);
                }
                left = Some(rest);
            }
        }
    }

    fn waker(&self) -> Waker {
        self.open.as_ref().map_or_else(Waker::noop, |open| Waker::new(&open.wake))
    }

    /// A spare socket connects to the peer's, which does not notice.
    fn probe(&self, peer: &Addr) -> Liveness {
        if peer.is_unnamed() {
            return Liveness::Gone;
        }
        match is_alive(peer) {
            Ok(true) => Liveness::Alive,
            Ok(false) => Liveness::Gone,
            // Somebody else's, with whom no datagram arrives.
            Err(e) if e.raw_os_error() == Some(libc::EPROTOTYPE) => Liveness::Gone,
            Err(_) => Liveness::Unknown,
        }
    }

    fn ignored(&self) -> u64 {
        self.ignored.get()
    }

    fn close(&mut self) -> Result<(), CloseError> {
        self.open.take().map_or(Ok(()), |open| open.bound.close())
    }
}

impl Open {
    fn fd(&self) -> BorrowedFd<'_> {
        self.bound.socket().as_fd()
    }

    /// Receives, waiting for at most about `timeout`; the wait may end early. An error comes with
    /// the call's name.
    fn recv_within(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<(usize, Addr), (&'static str, io::Error)> {
        let receive = |buf: &mut [u8], wait| match sys::recv_from(self.fd(), buf, wait) {
            Ok((len, from)) => Ok((len, Addr(from))),
            Err(e) => Err((sys::RECEIVE_CALL, e)),
        };
        let wait =
            if timeout == Some(Duration::ZERO) { Wait::No } else { self.timer.plan(timeout) };
        if let Wait::Set(_) | Wait::Poll(_) = wait {
            // These cost calls of their own, which are well spent only when nothing is there yet.
            match receive(buf, false) {
                Err((_, e)) if e.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        match wait {
            Wait::Set(value) => {
                self.timer
                    .set(self.bound.socket(), value, timeout)
                    .map_err(|e| ("setsockopt", e))?;
            }
            Wait::Poll(limit) => sys::wait_readable(self.fd(), limit).map_err(|e| ("poll", e))?,
            Wait::AsItIs | Wait::No => {}
        }
        receive(buf, matches!(wait, Wait::Set(_) | Wait::AsItIs))
    }
}

impl<M: Mode> fmt::Debug for Socket<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("unix::Socket")
            .field("addr", &self.addr)
            .field("open", &self.open.is_some())
            .finish()
    }
}

fn send_error(source: io::Error, len: usize) -> SendError {
    match source.raw_os_error() {
        // Either the peer's queue or our own buffer; macOS and a system short of memory say
        // ENOBUFS.
        Some(libc::EAGAIN | libc::ENOBUFS) => SendError::Full,
        // No file, no socket behind it, or one whose owner stopped reading, or another kind. A
        // folder that is none has no files.
        Some(
            libc::ECONNREFUSED
            | libc::ENOENT
            | libc::ENOTDIR
            | libc::ECONNRESET
            | libc::EPIPE
            | libc::EPROTOTYPE,
        ) => SendError::Gone,
        Some(libc::EMSGSIZE) => SendError::TooLong { len },
        _ => SendError::Os { call: "sendto", source },
    }
}

/// Datagrams without a sender that one receive without waiting goes past: more than a queue holds,
/// unless the system was told otherwise, and an end to what those who send them can take.
const MAX_NAMELESS: u32 = 16;
