//! More sockets to send from, under the same name, so that those who do not read harm themselves
//! only.
//!
//! Linux counts a datagram against the buffer of the socket it was sent from until it has been
//! read. Peers that have stopped reading, as a suspended process has, thus keep parts of the
//! sender's buffer for as long as they live, and a few of them all of it: then nobody could be sent
//! anything. A peer's queue is finite, however, so another buffer helps.
//!
//! Not finite is the queue of a peer that has connected to us: one such peer can fill the whole
//! buffer of the socket it is connected to. But the system lets it receive from that one only, so
//! it cannot touch the spares, and harms nobody but others that have connected as well.
//!
//! The system knows a socket by the name it was bound to even when the file of that name is gone.
//! So each spare is bound and its file removed, before the socket that is to receive gets the name
//! for good. Nobody reaches a spare: its file cannot be opened while it exists, and root, whom that
//! does not stop, can neither connect to it nor send to it, as if there were no socket yet.

use std::fs;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::Addr;
use super::bind::set_mode;
use crate::sys::{self, Buffer};

/// Sockets that only send.
pub(super) struct Spares(Vec<(UnixDatagram, UnixDatagram)>);

impl Spares {
    /// Makes them, for a name that is free and that is free again afterwards. With fewer than
    /// wanted, or none, all goes well as long as peers read.
    pub(super) fn new(addr: &Addr, path: &Path, send_buffer: Option<usize>) -> Self {
        let mut spares = Vec::new();
        while spares.len() < SPARES {
            // One that has a peer cannot be connected to: whoever comes while it has the name, and
            // whom no mode holds up, is refused and tries again, instead of talking to nobody.
            let Ok((spare, peer)) = UnixDatagram::pair() else {
                break;
            };
            if spare.shutdown(Shutdown::Read).is_err()
                || set_mode(&spare, 0).is_err()
                || send_buffer.is_some_and(|bytes| {
                    sys::set_buffer(spare.as_fd(), Buffer::Send, bytes).is_err()
                })
                || sys::bind(spare.as_fd(), &addr.0).is_err()
            {
                break;
            }
            spares.push((spare, peer));
            if fs::remove_file(path).is_err() {
                break;
            }
        }
        Self(spares)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|(spare, _)| spare.as_fd())
    }
}

/// Each costs two descriptors. With the one that receives they are enough for some hundred peers that
/// do not read, at the length that Linux gives to queues, and for eight where systemd has made them
/// fifty times as long.
const SPARES: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 7 } else { 0 };
