//! Alive (extension): the agent lives, and how soon it will say so again.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FlowId, HEADER_LEN, Kind};

/// The agent lives (agent to datapath): the answer to [`Hello`](crate::Hello), and from then on
/// sent when nothing else was for an interval, if the datapath asked for that.
///
/// Never sent to a datapath that has not sent a Hello; libccp refuses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Alive {
    /// The interval, in milliseconds. An agent that is silent for three of them is dead.
    pub interval_ms: u32,
}

impl Alive {
    /// The version this crate writes.
    ///
    /// Newer versions only append, so they are read as this one.
    pub const VERSION: u32 = 1;

    /// `message` is one whole message that starts at byte `base` of its datagram.
    pub(crate) fn decode(message: &[u8], base: usize) -> Result<Self, DecodeError> {
        let Ok((raw, _appended)) = Raw::ref_from_prefix(message) else {
            return Err(header::too_short::<Raw>(Kind::Alive, message, base));
        };
        let version = raw.version.get();
        if version < Self::VERSION {
            return Err(DecodeError::BadVersion {
                kind: Kind::Alive,
                at: base + VERSION_AT,
                version,
            });
        }
        Ok(Self { interval_ms: raw.interval_ms.get() })
    }

    /// Bytes of the encoded message: always the same.
    pub const fn encoded_len(&self) -> usize {
        size_of::<Raw>()
    }

    /// Writes the message to the start of `buf` and returns its length.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall).
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let raw = Raw {
            header: Header::of::<Raw>(Kind::Alive, FlowId(0)),
            version: U32::new(Self::VERSION),
            interval_ms: U32::new(self.interval_ms),
        };
        header::write(&raw, buf)
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    header: Header,
    version: U32,
    interval_ms: U32,
}

const _: () = assert!(size_of::<Raw>() == 16);

const VERSION_AT: usize = core::mem::offset_of!(Raw, version);

const _: () = assert!(VERSION_AT == HEADER_LEN);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::testing::{self, check_appended_bytes_are_ignored, check_decode, check_encode};

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        17, 0,   16, 0,   0, 0, 0, 0,
        1, 0, 0, 0,    // version
        0xFA, 0, 0, 0, // interval_ms
    ];
    const ALIVE: Alive = Alive { interval_ms: 250 };

    #[test]
    fn golden_bytes_decode() {
        check_decode(GOLDEN, Kind::Alive, Message::Alive(ALIVE));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, ALIVE.encoded_len(), |buf| ALIVE.encode(buf));
    }

    #[test]
    fn a_newer_version_is_read_as_this_one() {
        check_appended_bytes_are_ignored(GOLDEN);
        let mut bytes = testing::longer(GOLDEN, 4);
        bytes[8] = 3;
        assert_eq!(testing::decode(&bytes), Ok(Message::Alive(ALIVE)));
    }

    #[test]
    fn version_zero_never_existed() {
        let mut bytes = GOLDEN.to_vec();
        bytes[8] = 0;
        assert_eq!(
            testing::decode(&bytes),
            Err(DecodeError::BadVersion { kind: Kind::Alive, at: 8, version: 0 })
        );
    }
}
