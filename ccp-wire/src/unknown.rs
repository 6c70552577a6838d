//! Messages of kinds this crate does not know, kept whole.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::Header;
use crate::{EncodeError, FlowId, HEADER_LEN, Kind};

/// A message of a kind this crate does not know: to be skipped, or passed on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unknown<'a> {
    /// The number of its kind, none of [`Kind`]'s.
    pub kind: u16,
    /// What its header says about the flow.
    pub flow: FlowId,
    /// What follows the header.
    pub body: &'a [u8],
}

impl<'a> Unknown<'a> {
    #[inline]
    pub(crate) fn decode(header: &Header, message: &'a [u8]) -> Self {
        Self {
            kind: header.kind.get(),
            flow: header.flow(),
            body: message.get(HEADER_LEN..).unwrap_or_default(),
        }
    }

    /// Bytes of the encoded message.
    pub const fn encoded_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// Writes the message to the start of `buf` and returns its length.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall); [`TooLong`](EncodeError::TooLong) if the
    /// body does not fit any message; [`KnownKind`](EncodeError::KnownKind) if the number is one of
    /// [`Kind`]'s.
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        if let Some(kind) = Kind::from_wire(self.kind) {
            return Err(EncodeError::KnownKind { kind });
        }
        let len = self.encoded_len();
        let header = Header::new(self.kind, len, self.flow)?;
        let have = buf.len();
        let Ok((raw, _rest)) = Raw::mut_from_prefix_with_elems(buf, self.body.len()) else {
            return Err(EncodeError::BufferTooSmall { need: len, have });
        };
        raw.header = header;
        raw.body.copy_from_slice(self.body);
        Ok(len)
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    header: Header,
    body: [u8],
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::testing::{check_encode, decode};
    use crate::{MAX_MESSAGE_LEN, Message};

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        0x2C, 0x01,   11, 0,   8, 0, 0, 0,
        b'a', b'b', b'c',
    ];
    const UNKNOWN: Unknown<'_> = Unknown { kind: 300, flow: FlowId(8), body: b"abc" };

    #[test]
    fn golden_bytes_decode() {
        assert_eq!(decode(GOLDEN), Ok(Message::Unknown(UNKNOWN)));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, UNKNOWN.encoded_len(), |buf| UNKNOWN.encode(buf));
    }

    #[test]
    fn a_header_alone_is_a_message_without_a_body() {
        let empty = Unknown { body: b"", ..UNKNOWN };
        check_encode(&[0x2C, 1, 8, 0, 8, 0, 0, 0], empty.encoded_len(), |buf| empty.encode(buf));
        assert_eq!(decode(&[0x2C, 1, 8, 0, 8, 0, 0, 0]), Ok(Message::Unknown(empty)));
    }

    #[test]
    fn both_bytes_of_the_kind_count() {
        // 0x0101 is not a Measure, though its low byte is one's.
        let bytes = [1, 1, 8, 0, 0, 0, 0, 0];
        assert!(matches!(decode(&bytes), Ok(Message::Unknown(Unknown { kind: 0x0101, .. }))));
    }

    #[test]
    fn a_known_kind_cannot_pass_unchecked() {
        for kind in Kind::ALL {
            let forged = Unknown { kind: kind.to_wire(), ..UNKNOWN };
            assert_eq!(forged.encode(&mut [0; 64]), Err(EncodeError::KnownKind { kind }));
        }
    }

    #[test]
    fn the_longest_body_fits_and_one_byte_more_does_not() {
        let body = vec![7; MAX_MESSAGE_LEN - HEADER_LEN + 1];
        let mut buf = vec![0; MAX_MESSAGE_LEN + 100];
        let longest = Unknown { body: &body[1..], ..UNKNOWN };
        assert_eq!(longest.encode(&mut buf), Ok(MAX_MESSAGE_LEN));
        assert_eq!(decode(&buf[..MAX_MESSAGE_LEN]), Ok(Message::Unknown(longest)));
        let too_long = Unknown { body: &body, ..UNKNOWN };
        assert_eq!(too_long.encode(&mut buf), Err(EncodeError::TooLong { len: 65536 }));
    }
}
