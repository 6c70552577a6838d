//! In-process transports: crossbeam channels of byte vectors, and rings that reuse their buffers.
//!
//! There is one peer, so addresses are `()`. A receive that finds nothing and finds no peer either
//! is [`RecvError::Disconnected`]: unlike on a transport with many peers, nobody can come any more.

mod ring;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};

use crate::error::{CloseError, RecvError, SendError};
use crate::ipc::{Blocking, Ipc, Liveness, Mode, Received, wait_of};
use crate::wake::{Wake, Waker};

/// One end of an in-process transport.
pub struct Socket<M: Mode = Blocking> {
    /// `None` once closed.
    ends: Option<Ends>,
    mode: PhantomData<M>,
}

enum Ends {
    Crossbeam(Crossbeam),
    Ring { tx: ring::Producer, rx: ring::Consumer },
}

/// Two ends connected to each other, with room for `capacity` datagrams (at least one) each way.
///
/// Datagrams are copied into buffers that are used again and again: once each of them has held the
/// longest datagram, nothing is allocated any more, and that much memory stays in use.
/// [`Socket::nonblocking`] turns an end into one that never waits.
pub fn pair(capacity: usize) -> (Socket, Socket) {
    let (a_tx, b_rx) = ring::ring(capacity);
    let (b_tx, a_rx) = ring::ring(capacity);
    (
        Socket::from_ends(Ends::Ring { tx: a_tx, rx: a_rx }),
        Socket::from_ends(Ends::Ring { tx: b_tx, rx: b_rx }),
    )
}

impl<M: Mode> Socket<M> {
    /// An end over crossbeam channels: datagrams go out through `tx` and come in through `rx`, a
    /// vector each.
    ///
    /// A bounded `tx` that is full makes a send [`SendError::Full`]; it never blocks.
    pub fn new(tx: Sender<Vec<u8>>, rx: Receiver<Vec<u8>>) -> Self {
        let (notify, notified) = bounded(1);
        let woken = Arc::new(Woken { flag: AtomicBool::new(false), notify });
        Self::from_ends(Ends::Crossbeam(Crossbeam { tx, rx, woken, notified }))
    }

    /// The same end, never waiting.
    pub fn nonblocking(self) -> Socket<crate::Nonblocking> {
        Socket { ends: self.ends, mode: PhantomData }
    }

    fn from_ends(ends: Ends) -> Self {
        Self { ends: Some(ends), mode: PhantomData }
    }
}

impl<M: Mode> Ipc for Socket<M> {
    type Addr = ();

    fn name() -> &'static str {
        "channel"
    }

    fn try_send(&self, msg: &[u8], (): &()) -> Result<(), SendError> {
        match &self.ends {
            Some(Ends::Ring { tx, .. }) => tx.try_send(msg),
            Some(Ends::Crossbeam(ends)) => ends.try_send(msg),
            None => Err(SendError::Closed),
        }
    }

    fn recv(&self, buf: &mut [u8], timeout: Option<Duration>) -> Result<Received<()>, RecvError> {
        match &self.ends {
            Some(Ends::Ring { rx, .. }) => rx.recv(buf, wait_of::<M>(timeout)),
            Some(Ends::Crossbeam(ends)) => ends.recv(buf, wait_of::<M>(timeout)),
            None => Err(RecvError::Closed),
        }
    }

    fn waker(&self) -> Waker {
        match &self.ends {
            Some(Ends::Ring { rx, .. }) => rx.waker(),
            Some(Ends::Crossbeam(ends)) => Waker::new(&ends.woken),
            None => Waker::noop(),
        }
    }

    /// Crossbeam channels do not tell.
    fn probe(&self, (): &()) -> Liveness {
        match &self.ends {
            Some(Ends::Ring { tx, .. }) if tx.is_connected() => Liveness::Alive,
            Some(Ends::Ring { .. }) => Liveness::Gone,
            Some(Ends::Crossbeam(_)) | None => Liveness::Unknown,
        }
    }

    fn close(&mut self) -> Result<(), CloseError> {
        self.ends = None;
        Ok(())
    }
}

impl<M: Mode> fmt::Debug for Socket<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = match &self.ends {
            Some(Ends::Ring { .. }) => "ring",
            Some(Ends::Crossbeam(_)) => "crossbeam",
            None => "closed",
        };
        f.debug_struct("chan::Socket").field("ends", &ends).finish()
    }
}

/// Crossbeam channels, and a third one that ends a receive.
struct Crossbeam {
    tx: Sender<Vec<u8>>,
    rx: Receiver<Vec<u8>>,
    woken: Arc<Woken>,
    notified: Receiver<()>,
}

struct Woken {
    /// The truth; what lies in the channel only makes a waiting receive look at it.
    flag: AtomicBool,
    notify: Sender<()>,
}

impl Wake for Woken {
    fn wake(&self) {
        if !self.flag.swap(true, Ordering::SeqCst) {
            // Full: an older notice is still there and does as well.
            let _ = self.notify.try_send(());
        }
    }
}

impl Crossbeam {
    fn try_send(&self, msg: &[u8]) -> Result<(), SendError> {
        self.tx.try_send(msg.to_vec()).map_err(|e| match e {
            TrySendError::Full(_) => SendError::Full,
            TrySendError::Disconnected(_) => SendError::Gone,
        })
    }

    fn recv(&self, buf: &mut [u8], timeout: Option<Duration>) -> Result<Received<()>, RecvError> {
        if self.take_wake() {
            return Ok(Received::Woken);
        }
        match self.rx.try_recv() {
            Ok(msg) => return deliver(&msg, buf),
            Err(TryRecvError::Disconnected) => return Err(RecvError::Disconnected),
            Err(TryRecvError::Empty) if timeout == Some(Duration::ZERO) => {
                return Ok(Received::TimedOut);
            }
            Err(TryRecvError::Empty) => {}
        }
        // `None` also for a time too far away to be written down.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let noticed = match deadline {
                None => crossbeam_channel::select! {
                    recv(self.rx) -> msg => return deliver(&msg.map_err(|_| RecvError::Disconnected)?, buf),
                    recv(self.notified) -> notice => notice,
                },
                Some(deadline) => crossbeam_channel::select! {
                    recv(self.rx) -> msg => return deliver(&msg.map_err(|_| RecvError::Disconnected)?, buf),
                    recv(self.notified) -> notice => notice,
                    default(deadline.saturating_duration_since(Instant::now())) => return Ok(Received::TimedOut),
                },
            };
            // A notice whose wake was taken without it is stale. An error cannot be: we hold the
            // sending side.
            if self.take_wake() || noticed.is_err() {
                return Ok(Received::Woken);
            }
        }
    }

    fn take_wake(&self) -> bool {
        self.woken.flag.load(Ordering::Relaxed) && self.woken.flag.swap(false, Ordering::SeqCst)
    }
}

fn deliver(msg: &[u8], buf: &mut [u8]) -> Result<Received<()>, RecvError> {
    match buf.get_mut(..msg.len()) {
        Some(place) => {
            place.copy_from_slice(msg);
            Ok(Received::Datagram { len: msg.len(), from: () })
        }
        None => Err(RecvError::Truncated { len: msg.len(), room: buf.len() }),
    }
}
