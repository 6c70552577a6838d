//! The format, all of it: what a recording looks like as bytes.
//!
//! Everything is little-endian. A file begins with
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `\x89CCPREC\n` |
//! | 2 | the version, 1 |
//! | 2 | 0 |
//! | 4 | length of what follows: at most 65,536 |
//! | … | UTF-8 text about the recording, which means something to whoever made it |
//! | 4 | checksum |
//!
//! and goes on with records:
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | kind |
//! | 1 | detail |
//! | 2 | 0 |
//! | 4 | number of a peer, or 0 |
//! | 4 | length of the body: at most 131,072 |
//! | 4 | checksum |
//! | … | body |
//! | 4 | checksum; not there when the body is empty |
//!
//! | kind | | detail | body |
//! | --- | --- | --- | --- |
//! | 1 | a loop starts; one before has ended | | |
//! | 2 | a peer has come, and gets the next number, from 0 | | its name: UTF-8, at most 256 bytes |
//! | 3 | a datagram from that peer was received | | the datagram |
//! | 4 | a datagram to that peer was tried to send | 0 sent, 1 its queue was full, 2 gone, 3 too long, 4 closed, 5 refused by the system | the datagram |
//! | 5 | it was looked whether that peer is there | 0 it is, 1 gone, 2 nobody knows | |
//! | 6 | the loop is done with what came since the step before | | its time in nanoseconds, 8 bytes |
//! | 7 | the recording ends; nothing follows | 0 with the loop, 1 before | |
//!
//! A checksum is the CRC-32 (of IEEE 802.3) of all bytes since the checksum before, begun with that one; so it covers
//! all that went before, and no record can be missing, doubled or moved.

use std::time::Duration;

use crate::ipc::Liveness;

pub(super) const MAGIC: [u8; 8] = *b"\x89CCPREC\n";
pub(super) const VERSION: u16 = 1;
pub(super) const OPENING_LEN: usize = 16;
pub(super) const HEAD_LEN: usize = 16;
pub(super) const CRC_LEN: usize = 4;
pub(super) const MAX_ABOUT: usize = 1 << 16;
/// Twice the longest datagram that a loop has room for.
pub(super) const MAX_BODY: usize = 1 << 17;
/// Datapaths that may come in a recording: many times what an agent takes at a time.
pub(super) const MAX_PEERS: u32 = 1 << 14;
/// A path that fills a socket's address, each byte of it escaped, is shortened.
pub(super) const MAX_NAME: usize = 256;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record<'a> {
    /// A loop starts. The one before, if there was one, has ended; its peers keep their numbers.
    Start,
    /// A peer has come.
    Peer {
        /// Its number: they count up from 0.
        peer: u32,
        /// What people call it.
        name: &'a str,
    },
    /// A datagram was received.
    Received {
        /// From whom.
        peer: u32,
        /// Its bytes.
        datagram: &'a [u8],
    },
    /// A datagram was tried to send.
    Sent {
        /// To whom.
        peer: u32,
        /// What came of it.
        outcome: Outcome,
        /// Its bytes.
        datagram: &'a [u8],
    },
    /// It was looked whether a peer is there.
    Probed {
        /// Which.
        peer: u32,
        /// What was found.
        found: Liveness,
    },
    /// The loop is done with what was received since the step before, and had it that this was at `now`.
    Step {
        /// Its time, from an origin of its own.
        now: Duration,
    },
    /// The recording ends.
    End {
        /// Whether the loop ended as well; else the recorder gave up.
        whole: bool,
    },
}

/// What came of trying to send a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transport took it.
    Sent,
    /// There was no room.
    Full,
    /// The peer was gone.
    Gone,
    /// It was too long for the transport.
    TooLong,
    /// The end was closed.
    Closed,
    /// The system refused it.
    Refused,
}

impl Record<'_> {
    /// Appends the record's bytes. `crc` is the checksum before it, and becomes the one behind it.
    pub(super) fn put(&self, crc: &mut u32, out: &mut Vec<u8>) {
        let nanos;
        let (kind, detail, peer, body): (u8, u8, u32, &[u8]) = match *self {
            Self::Start => (1, 0, 0, &[]),
            Self::Peer { peer, name } => (2, 0, peer, name.as_bytes()),
            Self::Received { peer, datagram } => (3, 0, peer, datagram),
            Self::Sent { peer, outcome, datagram } => (4, outcome as u8, peer, datagram),
            Self::Probed { peer, found } => (5, found as u8, peer, &[]),
            Self::Step { now } => {
                nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX).to_le_bytes();
                (6, 0, 0, &nanos)
            }
            Self::End { whole } => (7, (!whole).into(), 0, &[]),
        };
        let start = out.len();
        out.extend_from_slice(&[kind, detail, 0, 0]);
        out.extend_from_slice(&peer.to_le_bytes());
        out.extend_from_slice(&(body.len() as u32).to_le_bytes());
        seal(start, crc, out);
        if !body.is_empty() {
            let start = out.len();
            out.extend_from_slice(body);
            seal(start, crc, out);
        }
    }

    /// The record of a head and a body whose checksums are right; `None`: this version knows no such record.
    pub(super) fn of<'a>(head: [u8; HEAD_LEN], body: &'a [u8]) -> Option<Record<'a>> {
        let [kind, detail, 0, 0, p0, p1, p2, p3, ..] = head else { return None };
        let peer = u32::from_le_bytes([p0, p1, p2, p3]);
        Some(match (kind, detail, peer, body) {
            (1, 0, 0, []) => Record::Start,
            (2, 0, ..) if body.len() <= MAX_NAME => {
                Record::Peer { peer, name: std::str::from_utf8(body).ok()? }
            }
            (3, 0, ..) => Record::Received { peer, datagram: body },
            (4, ..) => Record::Sent { peer, outcome: Outcome::of(detail)?, datagram: body },
            (5, _, _, []) => Record::Probed { peer, found: liveness(detail)? },
            (6, 0, 0, body) => {
                let nanos = u64::from_le_bytes(body.try_into().ok()?);
                Record::Step { now: Duration::from_nanos(nanos) }
            }
            (7, 0 | 1, 0, []) => Record::End { whole: detail == 0 },
            _ => return None,
        })
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        let body = match self {
            Self::Start | Self::Probed { .. } | Self::End { .. } => 0,
            Self::Peer { name, .. } => name.len(),
            Self::Received { datagram, .. } | Self::Sent { datagram, .. } => datagram.len(),
            Self::Step { .. } => size_of::<u64>(),
        };
        HEAD_LEN + if body == 0 { 0 } else { body + CRC_LEN }
    }
}

impl Outcome {
    fn of(detail: u8) -> Option<Self> {
        [Self::Sent, Self::Full, Self::Gone, Self::TooLong, Self::Closed, Self::Refused]
            .into_iter()
            .find(|outcome| *outcome as u8 == detail)
    }
}

fn liveness(detail: u8) -> Option<Liveness> {
    [Liveness::Alive, Liveness::Gone, Liveness::Unknown]
        .into_iter()
        .find(|found| *found as u8 == detail)
}

/// The bytes before the first record, and their checksum.
pub(super) fn opening(about: &str) -> (Vec<u8>, u32) {
    let mut out = Vec::with_capacity(OPENING_LEN + about.len() + CRC_LEN);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(about.len() as u32).to_le_bytes());
    out.extend_from_slice(about.as_bytes());
    let mut crc = 0;
    seal(0, &mut crc, &mut out);
    (out, crc)
}

/// The checksum of `bytes` behind `before`.
pub(super) fn checksum(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}

/// Appends the checksum of what `out` holds from `start` on.
fn seal(start: usize, crc: &mut u32, out: &mut Vec<u8>) {
    // What is summed up includes the checksum before, as the value that it begins with.
    *crc = checksum(*crc, out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}
