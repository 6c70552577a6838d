//! Ready: the datapath has started and knows no programs.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FlowId, Kind};

/// The datapath has started, with an empty table and no flows (datapath to agent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ready {
    /// A number the datapath gives itself. Peers are told apart by address, not by this.
    pub id: u32,
}

impl Ready {
    /// `message` is one whole message that starts at byte `base` of its datagram.
    pub(crate) fn decode(message: &[u8], base: usize) -> Result<Self, DecodeError> {
        match Raw::ref_from_prefix(message) {
            Ok((raw, _appended)) => Ok(Self { id: raw.id.get() }),
            Err(_) => Err(header::too_short::<Raw>(Kind::Ready, message, base)),
        }
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
        let raw = Raw { header: Header::of::<Raw>(Kind::Ready, FlowId(0)), id: U32::new(self.id) };
        header::write(&raw, buf)
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    header: Header,
    id: U32,
}

const _: () = assert!(size_of::<Raw>() == 12);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::testing::{check_appended_bytes_are_ignored, check_decode, check_encode};

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        5, 0,   12, 0,   0, 0, 0, 0,
        0x0D, 0x0C, 0x0B, 0x0A, // id
    ];
    const READY: Ready = Ready { id: 0x0A0B_0C0D };

    #[test]
    fn golden_bytes_decode() {
        check_decode(GOLDEN, Kind::Ready, Message::Ready(READY));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, READY.encoded_len(), |buf| READY.encode(buf));
    }

    #[test]
    fn appended_fields_of_a_newer_peer_are_ignored() {
        check_appended_bytes_are_ignored(GOLDEN);
    }

    #[test]
    fn a_flow_in_the_header_means_nothing() {
        let mut bytes = GOLDEN.to_vec();
        bytes[4] = 9;
        assert_eq!(crate::testing::decode(&bytes), Ok(Message::Ready(READY)));
    }
}
