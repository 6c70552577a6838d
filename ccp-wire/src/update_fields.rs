//! UpdateFields: new values for registers of a flow, its program unchanged.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::field_update::{RawUpdate, UPDATE_LEN};
use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FieldUpdate, FlowId, HEADER_LEN, Kind, Updates};

/// The most updates one message may be sent with: libccp reads the count from one signed byte.
///
/// Only encoding obeys it. A message that is read may have as many as its length holds, since what
/// other agents send is limited by nothing else.
pub const MAX_UPDATE_FIELDS: usize = 127;

/// New values for registers of a flow (agent to datapath), read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateFields<'a> {
    /// The flow to change.
    pub flow: FlowId,
    /// The new values, to be applied together and in order.
    pub fields: Updates<'a>,
}

/// New values for registers of a flow, to be encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateFieldsRepr<'a> {
    /// The flow to change.
    pub flow: FlowId,
    /// The new values, to be applied together and in order; at most [`MAX_UPDATE_FIELDS`].
    pub fields: &'a [FieldUpdate],
}

impl<'a> UpdateFields<'a> {
    /// `message` is one whole message that starts at byte `base` of its datagram.
    #[inline]
    pub(crate) fn decode(message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        match Raw::ref_from_bytes(message) {
            Ok(raw) if raw.fixed.num_fields.get() as usize == raw.fields.len() => Ok(Self {
                flow: raw.fixed.header.flow(),
                fields: Updates(&raw.fields),
            }),
            _ => Err(diagnose(message, base)),
        }
    }

    /// Bytes of the encoded message.
    #[inline]
    pub const fn encoded_len(&self) -> usize {
        encoded_len(self.fields.len())
    }

    /// Writes the message to the start of `buf` and returns its length.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall);
    /// [`TooManyFields`](EncodeError::TooManyFields) above [`MAX_UPDATE_FIELDS`].
    #[inline]
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let fields = self.fields.0;
        encode(self.flow, fields.len(), buf, |room| {
            room.copy_from_slice(fields);
        })
    }
}

impl UpdateFieldsRepr<'_> {
    /// Bytes of the encoded message.
    #[inline]
    pub const fn encoded_len(&self) -> usize {
        encoded_len(self.fields.len())
    }

    /// Writes the message to the start of `buf` and returns its length.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall);
    /// [`TooManyFields`](EncodeError::TooManyFields) above [`MAX_UPDATE_FIELDS`].
    #[inline]
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let fields = self.fields;
        encode(self.flow, fields.len(), buf, |room| {
            for (to, from) in room.iter_mut().zip(fields) {
                to.set(from);
            }
        })
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Fixed {
    header: Header,
    num_fields: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    fixed: Fixed,
    fields: [RawUpdate],
}

const _: () = assert!(size_of::<Fixed>() == 12);

const NUM_FIELDS_AT: usize = core::mem::offset_of!(Fixed, num_fields);

const _: () = assert!(NUM_FIELDS_AT == HEADER_LEN);

/// Cannot overflow: the fields themselves take no fewer bytes.
const fn encoded_len(num_fields: usize) -> usize {
    size_of::<Fixed>() + num_fields * UPDATE_LEN
}

#[inline]
fn encode(
    flow: FlowId,
    num_fields: usize,
    buf: &mut [u8],
    fill: impl FnOnce(&mut [RawUpdate]),
) -> Result<usize, EncodeError> {
    if num_fields > MAX_UPDATE_FIELDS {
        return Err(EncodeError::TooManyFields {
            kind: Kind::UpdateFields,
            count: num_fields,
            max: MAX_UPDATE_FIELDS,
        });
    }
    let len = encoded_len(num_fields);
    let have = buf.len();
    let Ok((raw, _rest)) = Raw::mut_from_prefix_with_elems(buf, num_fields) else {
        return Err(EncodeError::BufferTooSmall { need: len, have });
    };
    raw.fixed = Fixed {
        header: Header::new(Kind::UpdateFields.to_wire(), len, flow)?,
        num_fields: U32::new(num_fields as u32),
    };
    fill(&mut raw.fields);
    Ok(len)
}

/// Says what is wrong with a message that did not decode.
#[cold]
fn diagnose(message: &[u8], base: usize) -> DecodeError {
    let kind = Kind::UpdateFields;
    let Ok((fixed, _)) = Fixed::ref_from_prefix(message) else {
        return header::too_short::<Fixed>(kind, message, base);
    };
    let count = fixed.num_fields.get();
    DecodeError::LenMismatch {
        kind,
        at: base + NUM_FIELDS_AT,
        len: header::wire_len(message),
        implied: size_of::<Fixed>() as u64 + u64::from(count) * UPDATE_LEN as u64,
    }
}
