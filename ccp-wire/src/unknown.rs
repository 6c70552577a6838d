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
