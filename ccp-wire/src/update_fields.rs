//! UpdateFields: new values for registers of a flow, its program unchanged.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::field_update::{self, RawUpdate, UPDATE_LEN};
use crate::header::{self, Header};
use crate::{
    DecodeError, EncodeError, FieldUpdate, FlowId, HEADER_LEN, Kind, Message, Messages, Updates,
};

/// The most updates one message may be sent with: libccp reads the count from one signed byte.
///
/// Only encoding obeys it. A message that is read may have as many as its length holds, since what
/// other agents send is limited by nothing else.
pub const MAX_UPDATE_FIELDS: usize = 127;

/// Bytes of the longest UpdateFields that may be sent.
pub const MAX_UPDATE_FIELDS_LEN: usize = encoded_len(MAX_UPDATE_FIELDS);

/// Encodes two datagrams that each hold one UpdateFields, both for one flow, as one with the effect
/// of `newer` after `older`: of a register that both set, the newer value stays. `None` if they are
/// anything else, or `buf` is too small ([`MAX_UPDATE_FIELDS_LEN`] always does).
///
/// Should more registers be left than one message may set, the oldest values are dropped. A program
/// has fewer.
pub fn join_updates<'b>(older: &[u8], newer: &[u8], buf: &'b mut [u8]) -> Option<&'b [u8]> {
    let (older, newer) = (only(older)?, only(newer)?);
    if older.flow != newer.flow {
        return None;
    }
    let is_same = |a: FieldUpdate, b: FieldUpdate| (a.class, a.index) == (b.class, b.index);
    let stays = |old: &FieldUpdate| !newer.fields.iter().any(|new| is_same(*old, new));
    let stay = older.fields.iter().filter(stays);
    let count = stay.clone().count() + newer.fields.len();
    let excess = count.saturating_sub(MAX_UPDATE_FIELDS);
    let joined = stay.chain(newer.fields).skip(excess);
    let len = encode(newer.flow, count - excess, buf, |room| {
        for (to, from) in room.iter_mut().zip(joined) {
            to.set(&from);
        }
    });
    buf.get(..len.ok()?)
}

/// The message of a datagram that holds one UpdateFields and nothing else.
fn only(datagram: &[u8]) -> Option<UpdateFields<'_>> {
    let mut messages = Messages::new(datagram);
    match (messages.next(), messages.next()) {
        (Some(Ok(Message::UpdateFields(message))), None) => Some(message),
        _ => None,
    }
}

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
            Ok(raw) if raw.fixed.num_fields.get() as usize == raw.fields.len() => {
                Ok(Self { flow: raw.fixed.header.flow(), fields: Updates(&raw.fields) })
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
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall);
    /// [`TooManyFields`](EncodeError::TooManyFields) above [`MAX_UPDATE_FIELDS`].
    #[inline]
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let fields = self.fields.0;
        encode(self.flow, fields.len(), buf, |room| {
            room.copy_from_slice(fields);
        })
    }

    /// Writes a message to the start of `buf`, its fields one after another as they come, and
    /// returns its length.
    ///
    /// # Errors
    ///
    /// The first error among the fields; [`BufferTooSmall`](EncodeError::BufferTooSmall);
    /// [`TooManyFields`](EncodeError::TooManyFields) above [`MAX_UPDATE_FIELDS`].
    #[inline]
    pub fn encode_from<E: From<EncodeError>>(
        flow: FlowId,
        fields: impl IntoIterator<Item = Result<FieldUpdate, E>>,
        buf: &mut [u8],
    ) -> Result<usize, E> {
        let room = buf.get_mut(size_of::<Fixed>()..).unwrap_or_default();
        let num_fields = field_update::fill(room, fields)?;
        Ok(encode(flow, num_fields, buf, |_written| ())?)
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

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::Message;
    use crate::testing::{self, check_appended_bytes_are_refused, check_decode, check_encode};

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        3, 0,   38, 0,   9, 0, 0, 1,
        2, 0, 0, 0,                                      // num_fields
        2,   4, 0, 0, 0,   0x90, 0x38, 0, 0, 0, 0, 0, 0, // Cwnd := 14480
        8,   1, 2, 3, 4,   8, 7, 6, 5, 4, 3, 2, 1,
    ];
    const UPDATES: &[FieldUpdate] = &[
        FieldUpdate { class: 2, index: 4, value: 14480 },
        FieldUpdate { class: 8, index: 0x0403_0201, value: 0x0102_0304_0506_0708 },
    ];
    const REPR: UpdateFieldsRepr<'_> =
        UpdateFieldsRepr { flow: FlowId(0x0100_0009), fields: UPDATES };

    fn update_fields(bytes: &[u8]) -> UpdateFields<'_> {
        match testing::decode(bytes) {
            Ok(Message::UpdateFields(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn golden_bytes_decode() {
        let message = update_fields(GOLDEN);
        assert_eq!(message.flow, FlowId(0x0100_0009));
        assert_eq!(message.fields.iter().collect::<Vec<_>>(), UPDATES);
        check_decode(GOLDEN, Kind::UpdateFields, Message::UpdateFields(message));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, REPR.encoded_len(), |buf| REPR.encode(buf));
        let view = update_fields(GOLDEN);
        check_encode(GOLDEN, view.encoded_len(), |buf| view.encode(buf));
    }

    #[test]
    fn no_updates_are_a_message_too() {
        let bytes = [3, 0, 12, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        assert!(update_fields(&bytes).fields.is_empty());
    }

    #[test]
    fn updates_are_read_by_index_and_from_both_ends() {
        let fields = update_fields(GOLDEN).fields;
        assert_eq!(fields.len(), 2);
        assert_eq!(fields.get(1), Some(UPDATES[1]));
        assert_eq!(fields.get(2), None);
        assert_eq!(fields.iter().len(), 2);
        assert_eq!(fields.iter().next_back(), Some(UPDATES[1]));
        assert_eq!((&fields).into_iter().next(), Some(UPDATES[0]));
    }

    #[test]
    fn a_longer_message_than_its_count_is_refused() {
        check_appended_bytes_are_refused(GOLDEN);
    }

    #[test]
    fn a_count_that_lies_is_refused_even_where_its_product_would_wrap() {
        // 13 times the last is 26 in 32 bits.
        for count in [0, 1, 3, u32::MAX, 0xEC4E_C4EE] {
            let mut bytes = GOLDEN.to_vec();
            bytes[8..12].copy_from_slice(&u32::to_le_bytes(count));
            assert_eq!(
                testing::decode(&bytes),
                Err(DecodeError::LenMismatch {
                    kind: Kind::UpdateFields,
                    at: 8,
                    len: 38,
                    implied: 12 + 13 * u64::from(count),
                })
            );
        }
    }

    #[test]
    fn more_updates_than_libccp_counts_are_not_sent() {
        let updates = [UPDATES[0]; MAX_UPDATE_FIELDS + 1];
        let mut buf = [0; 2048];
        let most = UpdateFieldsRepr { fields: &updates[1..], ..REPR };
        assert_eq!(most.encode(&mut buf), Ok(12 + 127 * 13));
        let too_many = UpdateFieldsRepr { fields: &updates, ..REPR };
        assert_eq!(
            too_many.encode(&mut buf),
            Err(EncodeError::TooManyFields { kind: Kind::UpdateFields, count: 128, max: 127 })
        );
    }

    #[test]
    fn as_many_updates_as_fit_are_read_but_not_sent_on() {
        const COUNT: usize = (crate::MAX_MESSAGE_LEN - 12) / 13;
        let mut bytes = vec![0; 12 + COUNT * 13];
        bytes[0] = 3;
        bytes[8..12].copy_from_slice(&(COUNT as u32).to_le_bytes());
        let bytes = testing::with_len(&bytes, bytes.len() as u16);
        let message = update_fields(&bytes);
        assert_eq!(message.fields.len(), COUNT);
        assert!(matches!(
            message.encode(&mut vec![0; 70_000]),
            Err(EncodeError::TooManyFields { count: COUNT, .. })
        ));
    }

    /// Encodes updates of a flow, given as (index, value) of registers of one class.
    fn encoded(flow: u32, updates: impl IntoIterator<Item = (u32, u64)>) -> Vec<u8> {
        let update = |(index, value)| FieldUpdate { class: 0, index, value };
        let fields: Vec<_> = updates.into_iter().map(update).collect();
        let repr = UpdateFieldsRepr { flow: FlowId(flow), fields: &fields };
        let mut buf = vec![0; repr.encoded_len()];
        repr.encode(&mut buf).unwrap();
        buf
    }

    #[test]
    fn joined_updates_keep_the_newer_value_of_each_register() {
        let mut buf = [0; MAX_UPDATE_FIELDS_LEN];
        let older = encoded(7, [(0, 10), (1, 11), (2, 12)]);
        let newer = encoded(7, [(3, 23), (1, 21)]);
        let joined = join_updates(&older, &newer, &mut buf).unwrap();
        assert_eq!(joined, encoded(7, [(0, 10), (2, 12), (3, 23), (1, 21)]));
        // The class tells registers apart as the index does.
        let joined = join_updates(GOLDEN, GOLDEN, &mut buf).unwrap();
        assert_eq!(joined, GOLDEN);
    }

    #[test]
    fn joined_updates_that_are_too_many_lose_the_oldest() {
        let mut buf = [0; MAX_UPDATE_FIELDS_LEN];
        let older = encoded(7, (0..100).map(|i| (i, 0)));
        let newer = encoded(7, (100..200).map(|i| (i, 1)));
        let joined = join_updates(&older, &newer, &mut buf).unwrap();
        let kept = (73..100).map(|i| (i, 0)).chain((100..200).map(|i| (i, 1)));
        assert_eq!(joined, encoded(7, kept));
    }

    #[test]
    fn what_is_not_one_update_each_of_one_flow_is_not_joined() {
        let mut buf = [0; MAX_UPDATE_FIELDS_LEN];
        let update = encoded(7, [(0, 1)]);
        let other_flow = encoded(8, [(0, 1)]);
        let two = [&update[..], &update].concat();
        let other_kind = [5, 0, 12, 0, 7, 0, 0, 0, 0, 0, 0, 0];
        for other in [&other_flow[..], &two, &other_kind, &update[1..], &[]] {
            assert_eq!(join_updates(&update, other, &mut buf), None);
            assert_eq!(join_updates(other, &update, &mut buf), None);
        }
        assert_eq!(join_updates(&update, &update, &mut buf[..24]), None);
    }

    #[test]
    fn fields_that_come_one_after_another_are_encoded_alike() {
        type Each = Result<FieldUpdate, EncodeError>;
        let each =
            |count: usize| UPDATES.iter().cycle().take(count).map(|update| Each::Ok(*update));
        check_encode(GOLDEN, REPR.encoded_len(), |buf| {
            UpdateFields::encode_from(REPR.flow, each(UPDATES.len()), buf)
        });
        let mut buf = [0; 4096];
        let too_many = EncodeError::TooManyFields {
            kind: Kind::UpdateFields,
            count: MAX_UPDATE_FIELDS + 1,
            max: MAX_UPDATE_FIELDS,
        };
        assert_eq!(
            UpdateFields::encode_from(REPR.flow, each(MAX_UPDATE_FIELDS + 1), &mut buf),
            Err(too_many)
        );
        let broken = each(1).chain([Err(too_many)]);
        assert_eq!(UpdateFields::encode_from(REPR.flow, broken, &mut buf), Err(too_many));
    }
}
