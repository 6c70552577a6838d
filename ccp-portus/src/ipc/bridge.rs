//! A transport of this interface as one of the agent's.

use std::fmt;
use std::io;
use std::time::Duration;

use ccp_ipc::{CloseError, Liveness, Received, RecvError, SendError, Waker};
use tracing::{debug, trace};

use super::Ipc;

/// What the agent speaks through: the native socket inside a built-in one, or else the methods of
/// [`Ipc`].
pub struct Bridge<I: Ipc> {
    ipc: I,
    closed: bool,
}

/// A built-in socket's inside.
pub struct Native<'a>(pub(super) Socket<'a>);

pub(super) enum Socket<'a> {
    Unix { socket: &'a ccp_ipc::unix::Socket, waits: bool },
    Chan { socket: &'a ccp_ipc::chan::Socket, waits: bool },
}

/// A datapath's address: of the built-in unix socket one that is cheap to copy, instead of a
/// `PathBuf`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Peer<A> {
    Own(A),
    Unix(ccp_ipc::unix::Addr),
}

impl<I: Ipc> Bridge<I> {
    pub(crate) fn new(ipc: I) -> Self {
        debug!(ipc = I::name(), "speaking through");
        Self { ipc, closed: false }
    }

    fn native(&self) -> Option<Socket<'_>> {
        self.ipc.__native().map(|native| native.0)
    }
}

impl<I: Ipc> ccp_ipc::Ipc for Bridge<I> {
    type Addr = Peer<I::Addr>;

    fn name() -> &'static str {
        "portus"
    }

    fn try_send(&self, msg: &[u8], to: &Self::Addr) -> Result<(), SendError> {
        match (self.native(), to) {
            (Some(Socket::Unix { socket, .. }), Peer::Unix(to)) => socket.try_send(msg, to),
            (Some(Socket::Chan { socket, .. }), _) => socket.try_send(msg, &()),
            (None, Peer::Own(to)) => self
                .ipc
                .send(msg, to)
                .map_err(|error| SendError::Os { call: "send", source: io::Error::other(error.0) }),
            // Addresses come from `recv`, which gives none of these.
            (Some(Socket::Unix { .. }), Peer::Own(_)) | (None, Peer::Unix(_)) => {
                Err(SendError::Gone)
            }
        }
    }

    fn recv(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<Received<Self::Addr>, RecvError> {
        match self.native() {
            Some(Socket::Unix { socket, waits }) => {
                let received = socket.recv(buf, patience(waits, timeout))?;
                Ok(from_native(received, Peer::Unix))
            }
            Some(Socket::Chan { socket, waits }) => {
                let received = socket.recv(buf, patience(waits, timeout))?;
                Ok(from_native(received, |()| Peer::Own(I::Addr::default())))
            }
            None => match self.ipc.recv(buf) {
                // No datagram to portus.
                Ok((0, _)) => Ok(Received::TimedOut),
                Ok((len, _)) if len > buf.len() => {
                    Err(RecvError::Truncated { len, room: buf.len() })
                }
                Ok((len, from)) => Ok(Received::Datagram { len, from: Peer::Own(from) }),
                Err(error) => {
                    trace!(?error, "nothing received");
                    Ok(Received::TimedOut)
                }
            },
        }
    }

    fn waker(&self) -> Waker {
        match self.native() {
            Some(Socket::Unix { socket, .. }) => socket.waker(),
            Some(Socket::Chan { socket, .. }) => socket.waker(),
            None => Waker::noop(),
        }
    }

    fn probe(&self, peer: &Self::Addr) -> Liveness {
        match (self.native(), peer) {
            (Some(Socket::Unix { socket, .. }), Peer::Unix(peer)) => socket.probe(peer),
            (Some(Socket::Chan { socket, .. }), _) => socket.probe(&()),
            _ => Liveness::Unknown,
        }
    }

    fn ignored(&self) -> u64 {
        match self.native() {
            Some(Socket::Unix { socket, .. }) => socket.ignored(),
            Some(Socket::Chan { .. }) | None => 0,
        }
    }

    fn close(&mut self) -> Result<(), CloseError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        self.ipc
            .close()
            .map_err(|error| CloseError::Os { call: "close", source: io::Error::other(error.0) })
    }
}

/// An end of one's own may have more to clean up than dropping does.
impl<I: Ipc> Drop for Bridge<I> {
    fn drop(&mut self) {
        if let Err(error) = ccp_ipc::Ipc::close(self) {
            debug!(?error, "closing");
        }
    }
}

impl<I: Ipc> fmt::Debug for Bridge<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("ipc", &I::name()).field("closed", &self.closed).finish()
    }
}

impl fmt::Debug for Native<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Socket::Unix { socket, .. } => socket.fmt(f),
            Socket::Chan { socket, .. } => socket.fmt(f),
        }
    }
}

impl<A: Default> Default for Peer<A> {
    fn default() -> Self {
        Self::Own(A::default())
    }
}

/// As portus shows an address: a path in quotes.
impl<A: fmt::Debug> fmt::Debug for Peer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(addr) => addr.fmt(f),
            Self::Unix(addr) => match addr.path() {
                Some(path) => path.fmt(f),
                None => addr.fmt(f),
            },
        }
    }
}

fn patience(waits: bool, timeout: Option<Duration>) -> Option<Duration> {
    if waits { timeout } else { Some(Duration::ZERO) }
}

fn from_native<A, B>(received: Received<A>, address: impl FnOnce(A) -> B) -> Received<B> {
    match received {
        Received::Datagram { len, from } => Received::Datagram { len, from: address(from) },
        Received::TimedOut => Received::TimedOut,
        Received::Woken => Received::Woken,
    }
}
