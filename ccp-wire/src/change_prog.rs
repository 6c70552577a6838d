//! ChangeProg: another program for a flow, with initial values for it.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::field_update::{self, RawUpdate, UPDATE_LEN};
use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FieldUpdate, FlowId, HEADER_LEN, Kind, ProgramUid, Updates};

/// The most updates one message may have: as many as libccp has registers that can be set.
pub const MAX_CHANGE_PROG_FIELDS: usize = 222;

/// Another program for a flow (agent to datapath), read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeProg<'a> {
    /// The flow to change.
    pub flow: FlowId,
    /// The program it is to run from now on, installed before.
    pub program_uid: ProgramUid,
    /// Values for the new program's registers, to be applied in order; at most
    /// [`MAX_CHANGE_PROG_FIELDS`].
    pub fields: Updates<'a>,
}

/// Another program for a flow, to be encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeProgRepr<'a> {
    /// The flow to change.
    pub flow: FlowId,
    /// The program it is to run from now on, installed before.
    pub program_uid: ProgramUid,
    /// Values for the new program's registers, to be applied in order; at most
    /// [`MAX_CHANGE_PROG_FIELDS`].
    pub fields: &'a [FieldUpdate],
}

impl<'a> ChangeProg<'a> {
    /// `message` is one whole message that starts at byte `base` of its datagram.
    #[inline]
    pub(crate) fn decode(message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        match Raw::ref_from_bytes(message) {
            Ok(raw)
                if raw.fixed.num_fields.get() as usize == raw.fields.len()
                    && raw.fields.len() <= MAX_CHANGE_PROG_FIELDS =>
            {
                Ok(Self {
                    flow: raw.fixed.header.flow(),
                    program_uid: ProgramUid(raw.fixed.program_uid.get()),
                    fields: Updates(&raw.fields),
                })
            }
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
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall).
    #[inline]
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let fields = self.fields.0;
        encode(self.flow, self.program_uid, fields.len(), buf, |room| {
            room.copy_from_slice(fields);
        })
    }

    /// Writes a message to the start of `buf`, its fields one after another as they come, and
    /// returns its length.
    ///
    /// # Errors
    ///
    /// The first error among the fields; [`BufferTooSmall`](EncodeError::BufferTooSmall);
    /// [`TooManyFields`](EncodeError::TooManyFields) above [`MAX_CHANGE_PROG_FIELDS`].
    #[inline]
    pub fn encode_from<E: From<EncodeError>>(
        flow: FlowId,
        program_uid: ProgramUid,
        fields: impl IntoIterator<Item = Result<FieldUpdate, E>>,
        buf: &mut [u8],
    ) -> Result<usize, E> {
        let room = buf.get_mut(size_of::<Fixed>()..).unwrap_or_default();
        let num_fields = field_update::fill(room, fields)?;
        Ok(encode(flow, program_uid, num_fields, buf, |_written| ())?)
    }
}

impl ChangeProgRepr<'_> {
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
    /// [`TooManyFields`](EncodeError::TooManyFields) above [`MAX_CHANGE_PROG_FIELDS`].
    #[inline]
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let fields = self.fields;
        encode(self.flow, self.program_uid, fields.len(), buf, |room| {
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
    program_uid: U32,
    num_fields: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    fixed: Fixed,
    fields: [RawUpdate],
}

const _: () = assert!(size_of::<Fixed>() == 16);

const NUM_FIELDS_AT: usize = core::mem::offset_of!(Fixed, num_fields);

const _: () = assert!(NUM_FIELDS_AT == HEADER_LEN + 4);

/// Cannot overflow: the fields themselves take no fewer bytes.
const fn encoded_len(num_fields: usize) -> usize {
    size_of::<Fixed>() + num_fields * UPDATE_LEN
}

#[inline]
fn encode(
    flow: FlowId,
    program_uid: ProgramUid,
    num_fields: usize,
    buf: &mut [u8],
    fill: impl FnOnce(&mut [RawUpdate]),
) -> Result<usize, EncodeError> {
    if num_fields > MAX_CHANGE_PROG_FIELDS {
        return Err(EncodeError::TooManyFields {
            kind: Kind::ChangeProg,
            count: num_fields,
            max: MAX_CHANGE_PROG_FIELDS,
        });
    }
    let len = encoded_len(num_fields);
    let have = buf.len();
    let Ok((raw, _rest)) = Raw::mut_from_prefix_with_elems(buf, num_fields) else {
        return Err(EncodeError::BufferTooSmall { need: len, have });
    };
    raw.fixed = Fixed {
        header: Header::new(Kind::ChangeProg.to_wire(), len, flow)?,
        program_uid: U32::new(program_uid.0),
        num_fields: U32::new(num_fields as u32),
    };
    fill(&mut raw.fields);
    Ok(len)
}

/// Says what is wrong with a message that did not decode.
#[cold]
fn diagnose(message: &[u8], base: usize) -> DecodeError {
    let kind = Kind::ChangeProg;
    let Ok((fixed, _)) = Fixed::ref_from_prefix(message) else {
        return header::too_short::<Fixed>(kind, message, base);
    };
    let count = fixed.num_fields.get();
    let at = base + NUM_FIELDS_AT;
    let max = MAX_CHANGE_PROG_FIELDS as u32;
    if count > max {
        return DecodeError::TooManyFields { kind, at, count, max };
    }
    DecodeError::LenMismatch {
        kind,
        at,
        len: header::wire_len(message),
        implied: size_of::<Fixed>() as u64 + u64::from(count) * UPDATE_LEN as u64,
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::Message;
    use crate::testing::{self, check_appended_bytes_are_refused, check_decode, check_encode};

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        4, 0,   29, 0,   6, 0, 0, 0,
        2, 0, 0, 0,                              // program_uid
        1, 0, 0, 0,                              // num_fields
        0,   3, 0, 0, 0,   1, 0, 0, 0, 0, 0, 0, 0x80,
    ];
    const UPDATES: &[FieldUpdate] =
        &[FieldUpdate { class: 0, index: 3, value: 0x8000_0000_0000_0001 }];
    const REPR: ChangeProgRepr<'_> =
        ChangeProgRepr { flow: FlowId(6), program_uid: ProgramUid(2), fields: UPDATES };

    fn change_prog(bytes: &[u8]) -> ChangeProg<'_> {
        match testing::decode(bytes) {
            Ok(Message::ChangeProg(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn golden_bytes_decode() {
        let message = change_prog(GOLDEN);
        assert_eq!(message.flow, FlowId(6));
        assert_eq!(message.program_uid, ProgramUid(2));
        assert_eq!(message.fields.iter().collect::<Vec<_>>(), UPDATES);
        check_decode(GOLDEN, Kind::ChangeProg, Message::ChangeProg(message));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, REPR.encoded_len(), |buf| REPR.encode(buf));
        let view = change_prog(GOLDEN);
        check_encode(GOLDEN, view.encoded_len(), |buf| view.encode(buf));
    }

    #[test]
    fn a_program_may_come_without_values() {
        let bytes = [4, 0, 16, 0, 6, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        assert!(change_prog(&bytes).fields.is_empty());
    }

    #[test]
    fn a_longer_message_than_its_count_is_refused() {
        check_appended_bytes_are_refused(GOLDEN);
    }

    #[test]
    fn a_count_that_lies_is_refused() {
        for count in [0, 2, 222] {
            let mut bytes = GOLDEN.to_vec();
            bytes[12] = count;
            assert_eq!(
                testing::decode(&bytes),
                Err(DecodeError::LenMismatch {
                    kind: Kind::ChangeProg,
                    at: 12,
                    len: 29,
                    implied: 16 + 13 * u64::from(count),
                })
            );
        }
    }

    #[test]
    fn a_count_above_the_limit_is_refused_even_where_its_product_would_wrap() {
        // 13 times the last is 13 in 32 bits, which is just what is there.
        for count in [223, 0xFFFF_FFFF, 0xC4EC_4EC5] {
            let mut bytes = GOLDEN.to_vec();
            bytes[12..16].copy_from_slice(&u32::to_le_bytes(count));
            assert_eq!(
                testing::decode(&bytes),
                Err(DecodeError::TooManyFields { kind: Kind::ChangeProg, at: 12, count, max: 222 })
            );
        }
    }

    #[test]
    fn the_largest_change_passes_and_one_field_more_does_not() {
        let updates = [UPDATES[0]; MAX_CHANGE_PROG_FIELDS + 1];
        let mut buf = [0; 4096];
        let largest = ChangeProgRepr { fields: &updates[1..], ..REPR };
        let len = largest.encode(&mut buf).expect("it fits");
        assert_eq!(len, 16 + 222 * 13);
        assert_eq!(change_prog(&buf[..len]).fields.len(), 222);

        let too_large = ChangeProgRepr { fields: &updates, ..REPR };
        assert_eq!(
            too_large.encode(&mut buf),
            Err(EncodeError::TooManyFields { kind: Kind::ChangeProg, count: 223, max: 222 })
        );
        // The same message as another implementation might send it.
        let mut bytes = testing::longer(&buf[..len], 13);
        bytes[12] = 223;
        assert!(matches!(
            testing::decode(&bytes),
            Err(DecodeError::TooManyFields { count: 223, .. })
        ));
    }

    #[test]
    fn fields_that_come_one_after_another_are_encoded_alike() {
        type Each = Result<FieldUpdate, EncodeError>;
        let each =
            |count: usize| UPDATES.iter().cycle().take(count).map(|update| Each::Ok(*update));
        check_encode(GOLDEN, REPR.encoded_len(), |buf| {
            ChangeProg::encode_from(REPR.flow, REPR.program_uid, each(UPDATES.len()), buf)
        });
        let mut buf = [0; 4096];
        let too_many = EncodeError::TooManyFields {
            kind: Kind::ChangeProg,
            count: MAX_CHANGE_PROG_FIELDS + 1,
            max: MAX_CHANGE_PROG_FIELDS,
        };
        assert_eq!(
            ChangeProg::encode_from(
                REPR.flow,
                REPR.program_uid,
                each(MAX_CHANGE_PROG_FIELDS + 1),
                &mut buf
            ),
            Err(too_many)
        );
        let broken = each(1).chain([Err(too_many)]);
        assert_eq!(
            ChangeProg::encode_from(REPR.flow, REPR.program_uid, broken, &mut buf),
            Err(too_many)
        );
    }
}
