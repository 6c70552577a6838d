//! A transport that tells a recorder what passes through it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::format::{Outcome, Record};
use super::recorder::Recorder;
use crate::error::{CloseError, RecvError, SendError};
use crate::ipc::{Ipc, Liveness, Received};
use crate::wake::Waker;

/// An end of a transport, recorded: all that its loop learns of the world and all that it says to it.
///
/// The loop has to call [`Ipc::stepped`], as the agent does.
pub struct Recorded<I: Ipc> {
    inner: I,
    recorder: Recorder,
    name: fn(&I::Addr) -> String,
    peers: RefCell<Peers<I::Addr>>,
}

/// The numbers of peers in the recording.
struct Peers<A> {
    numbers: HashMap<A, u32>,
    /// Who was spoken with last: most often the next one as well.
    last: Option<(A, u32)>,
}

impl<I: Ipc> Recorded<I> {
    /// Records `inner`, the end of a loop that is about to start. `name` gives what people call a peer.
    pub fn new(inner: I, recorder: &Recorder, name: fn(&I::Addr) -> String) -> Self {
        recorder.add(&Record::Start);
        let peers = RefCell::new(Peers { numbers: HashMap::new(), last: None });
        Self { inner, recorder: recorder.clone(), name, peers }
    }

    fn peer(&self, addr: &I::Addr) -> u32 {
        let Peers { numbers, last } = &mut *self.peers.borrow_mut();
        match last {
            Some((known, number)) if known == addr => *number,
            _ => {
                let number = *numbers
                    .entry(addr.clone())
                    .or_insert_with(|| self.recorder.add_peer(&(self.name)(addr)));
                *last = Some((addr.clone(), number));
                number
            }
        }
    }
}

impl<I: Ipc> Ipc for Recorded<I> {
    type Addr = I::Addr;

    fn name() -> &'static str {
        I::name()
    }

    fn try_send(&self, msg: &[u8], to: &I::Addr) -> Result<(), SendError> {
        let sent = self.inner.try_send(msg, to);
        let outcome = match &sent {
            Ok(()) => Outcome::Sent,
            Err(SendError::Full) => Outcome::Full,
            Err(SendError::Gone) => Outcome::Gone,
            Err(SendError::TooLong { .. }) => Outcome::TooLong,
            Err(SendError::Closed) => Outcome::Closed,
            Err(SendError::Os { .. }) => Outcome::Refused,
        };
        let peer = self.peer(to);
        self.recorder.add(&Record::Sent { peer, outcome, datagram: msg });
        sent
    }

    fn recv(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<Received<I::Addr>, RecvError> {
        let received = self.inner.recv(buf, timeout);
        if let Ok(Received::Datagram { len, from }) = &received {
            let peer = self.peer(from);
            let datagram = buf.get(..*len).unwrap_or_default();
            self.recorder.add(&Record::Received { peer, datagram });
        }
        received
    }

    fn waker(&self) -> Waker {
        self.inner.waker()
    }

    fn probe(&self, peer: &I::Addr) -> Liveness {
        let found = self.inner.probe(peer);
        let peer = self.peer(peer);
        self.recorder.add(&Record::Probed { peer, found });
        found
    }

    fn ignored(&self) -> u64 {
        self.inner.ignored()
    }

    fn stepped(&self, now: Duration) {
        self.inner.stepped(now);
        self.recorder.add(&Record::Step { now });
    }

    fn close(&mut self) -> Result<(), CloseError> {
        self.inner.close()
    }
}

impl<I: Ipc> fmt::Debug for Recorded<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("ipc", &I::name()).finish_non_exhaustive()
    }
}
