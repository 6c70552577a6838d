//! Calls that block for a while, made of ones that do not: for code that uses a built-in socket
//! itself. The agent does without.

use std::thread;
use std::time::{Duration, Instant};

use ccp_ipc::{Ipc, Received, SendError};

use crate::{Error, Result};

/// Sends one datagram; `waits`: tries again for a second while the peer's queue is full.
pub(super) fn send<I: Ipc>(socket: &I, msg: &[u8], to: &I::Addr, waits: bool) -> Result<()> {
    let start = Instant::now();
    loop {
        match socket.try_send(msg, to) {
            Err(SendError::Full) if waits && start.elapsed() < PATIENCE => {
                thread::sleep(RETRY_INTERVAL);
            }
            sent => return Ok(sent?),
        }
    }
}

/// Receives one datagram; `waits`: for a second.
pub(super) fn recv<I: Ipc>(socket: &I, buf: &mut [u8], waits: bool) -> Result<(usize, I::Addr)> {
    let timeout = if waits { PATIENCE } else { Duration::ZERO };
    match socket.recv(buf, Some(timeout))? {
        Received::Datagram { len, from } => Ok((len, from)),
        Received::TimedOut => Err(Error("nothing has arrived".into())),
        Received::Woken => Err(Error("woken up before anything arrived".into())),
    }
}

/// How long portus's blocking sockets wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// How soon a full queue is tried again: about when a peer that reads has read something.
const RETRY_INTERVAL: Duration = Duration::from_micros(200);
