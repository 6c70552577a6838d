//! Measure: what a flow's program reports, or that the flow has closed.

use core::fmt;
use core::iter::FusedIterator;
use core::slice;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FlowId, HEADER_LEN, Kind, ProgramUid};

/// The most fields a report has: one per report register of the peers' datapaths.
pub const MAX_MEASURE_FIELDS: usize = 110;

/// The report of a flow (datapath to agent), read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure<'a> {
    /// The flow that reports.
    pub flow: FlowId,
    /// The program that made the report and so decides what the fields mean. May be one that the
    /// agent has meanwhile replaced.
    pub program_uid: ProgramUid,
    /// The report registers, from the first; at most [`MAX_MEASURE_FIELDS`].
    pub fields: U64s<'a>,
}

/// The report of a flow, to be encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeasureRepr<'a> {
    /// The flow that reports.
    pub flow: FlowId,
    /// The program that made the report.
    pub program_uid: ProgramUid,
    /// The report registers, from the first; at most [`MAX_MEASURE_FIELDS`].
    pub fields: &'a [u64],
}

impl<'a> Measure<'a> {
    /// `message` is one whole message that starts at byte `base` of its datagram.
    #[inline(always)]
    pub(crate) fn decode(message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        match Raw::ref_from_bytes(message) {
            Ok(raw)
                if raw.fixed.num_fields.get() as usize == raw.fields.len()
                    && raw.fields.len() <= MAX_MEASURE_FIELDS =>
            {
                Ok(Self {
                    flow: raw.fixed.header.flow(),
                    program_uid: ProgramUid(raw.fixed.program_uid.get()),
                    fields: U64s(&raw.fields),
                })
            }
            _ => Err(diagnose(message, base)),
        }
    }

    /// Whether this says that the flow has closed, which a report without fields does.
    #[inline]
    pub const fn is_close(&self) -> bool {
        self.fields.is_empty()
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
}

impl MeasureRepr<'_> {
    /// The message that says `flow` has closed.
    #[inline]
    pub const fn close(flow: FlowId) -> Self {
        Self { flow, program_uid: ProgramUid(0), fields: &[] }
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
    /// [`TooManyFields`](EncodeError::TooManyFields) above [`MAX_MEASURE_FIELDS`].
    #[inline]
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let fields = self.fields;
        encode(self.flow, self.program_uid, fields.len(), buf, |room| {
            for (to, from) in room.iter_mut().zip(fields) {
                to.set(*from);
            }
        })
    }
}

/// A checked array of integers inside a datagram.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct U64s<'a>(&'a [U64]);

impl<'a> U64s<'a> {
    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The integer at `index`, if there are that many.
    #[inline]
    pub fn get(&self, index: usize) -> Option<u64> {
        self.0.get(index).map(|field| field.get())
    }

    /// All of them in order.
    #[inline]
    pub fn iter(&self) -> U64sIter<'a> {
        U64sIter(self.0.iter())
    }
}

impl<'a> IntoIterator for U64s<'a> {
    type Item = u64;
    type IntoIter = U64sIter<'a>;

    #[inline]
    fn into_iter(self) -> U64sIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &U64s<'a> {
    type Item = u64;
    type IntoIter = U64sIter<'a>;

    #[inline]
    fn into_iter(self) -> U64sIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for U64s<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Iterator over [`U64s`].
#[derive(Clone, Debug, Default)]
pub struct U64sIter<'a>(slice::Iter<'a, U64>);

impl Iterator for U64sIter<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.0.next().map(|field| field.get())
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for U64sIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<u64> {
        self.0.next_back().map(|field| field.get())
    }
}

impl ExactSizeIterator for U64sIter<'_> {}
impl FusedIterator for U64sIter<'_> {}

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
    fields: [U64],
}

const _: () = assert!(size_of::<Fixed>() == 16 && size_of::<U64>() == 8);

const NUM_FIELDS_AT: usize = core::mem::offset_of!(Fixed, num_fields);

const _: () = assert!(NUM_FIELDS_AT == HEADER_LEN + 4);

/// Cannot overflow: the fields themselves take as many bytes.
const fn encoded_len(num_fields: usize) -> usize {
    size_of::<Fixed>() + num_fields * size_of::<U64>()
}

#[inline]
fn encode(
    flow: FlowId,
    program_uid: ProgramUid,
    num_fields: usize,
    buf: &mut [u8],
    fill: impl FnOnce(&mut [U64]),
) -> Result<usize, EncodeError> {
    if num_fields > MAX_MEASURE_FIELDS {
        return Err(EncodeError::TooManyFields {
            kind: Kind::Measure,
            count: num_fields,
            max: MAX_MEASURE_FIELDS,
        });
    }
    let len = encoded_len(num_fields);
    let have = buf.len();
    let Ok((raw, _rest)) = Raw::mut_from_prefix_with_elems(buf, num_fields) else {
        return Err(EncodeError::BufferTooSmall { need: len, have });
    };
    raw.fixed = Fixed {
        header: Header::new(Kind::Measure.to_wire(), len, flow)?,
        program_uid: U32::new(program_uid.0),
        num_fields: U32::new(num_fields as u32),
    };
    fill(&mut raw.fields);
    Ok(len)
}

/// Says what is wrong with a message that did not decode.
#[cold]
#[inline(never)]
fn diagnose(message: &[u8], base: usize) -> DecodeError {
    let kind = Kind::Measure;
    let Ok((fixed, _)) = Fixed::ref_from_prefix(message) else {
        return header::too_short::<Fixed>(kind, message, base);
    };
    let count = fixed.num_fields.get();
    let at = base + NUM_FIELDS_AT;
    let max = MAX_MEASURE_FIELDS as u32;
    if count > max {
        return DecodeError::TooManyFields { kind, at, count, max };
    }
    DecodeError::LenMismatch {
        kind,
        at,
        len: header::wire_len(message),
        implied: size_of::<Fixed>() as u64 + u64::from(count) * size_of::<U64>() as u64,
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
        1, 0,   40, 0,   0x2A, 0, 0, 0,
        4, 0, 0, 0,                      // program_uid
        3, 0, 0, 0,                      // num_fields
        0xA8, 5, 0, 0, 0, 0, 0, 0,       // 1448
        1, 2, 3, 4, 5, 6, 7, 8,
        0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, // infinity
    ];
    const FIELDS: &[u64] = &[1448, 0x0807_0605_0403_0201, 4_294_967_295];
    const REPORT: MeasureRepr<'_> =
        MeasureRepr { flow: FlowId(42), program_uid: ProgramUid(4), fields: FIELDS };
    const CLOSE: &[u8] = &[1, 0, 16, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    fn measure(bytes: &[u8]) -> Measure<'_> {
        match testing::decode(bytes) {
            Ok(Message::Measure(measure)) => measure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn golden_bytes_decode() {
        let report = measure(GOLDEN);
        assert_eq!(report.flow, FlowId(42));
        assert_eq!(report.program_uid, ProgramUid(4));
        assert!(!report.is_close());
        assert_eq!(report.fields.iter().collect::<Vec<_>>(), FIELDS);
        check_decode(GOLDEN, Kind::Measure, Message::Measure(report));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, REPORT.encoded_len(), |buf| REPORT.encode(buf));
        let view = measure(GOLDEN);
        check_encode(GOLDEN, view.encoded_len(), |buf| view.encode(buf));
    }

    #[test]
    fn a_report_without_fields_closes_the_flow() {
        let close = measure(CLOSE);
        assert!(close.is_close());
        assert_eq!(close.flow, FlowId(7));
        let repr = MeasureRepr::close(FlowId(7));
        check_encode(CLOSE, repr.encoded_len(), |buf| repr.encode(buf));
    }

    #[test]
    fn a_close_may_name_a_program() {
        let mut bytes = CLOSE.to_vec();
        bytes[8] = 3;
        assert!(measure(&bytes).is_close());
    }

    #[test]
    fn fields_are_read_by_index_and_from_both_ends() {
        let fields = measure(GOLDEN).fields;
        assert_eq!(fields.len(), 3);
        assert_eq!(fields.get(0), Some(1448));
        assert_eq!(fields.get(2), Some(4_294_967_295));
        assert_eq!(fields.get(3), None);
        assert_eq!(fields.get(usize::MAX), None);
        assert_eq!(fields.iter().len(), 3);
        assert_eq!(fields.iter().next_back(), Some(4_294_967_295));
        assert_eq!(std::format!("{:?}", U64s::default()), "[]");
        assert_eq!((&fields).into_iter().count(), 3);
    }

    #[test]
    fn a_longer_message_than_its_count_is_refused() {
        check_appended_bytes_are_refused(GOLDEN);
        check_appended_bytes_are_refused(CLOSE);
    }

    #[test]
    fn a_count_that_lies_is_refused() {
        for count in [0, 2, 4, 110] {
            let mut bytes = GOLDEN.to_vec();
            bytes[12] = count;
            assert_eq!(
                testing::decode(&bytes),
                Err(DecodeError::LenMismatch {
                    kind: Kind::Measure,
                    at: 12,
                    len: 40,
                    implied: 16 + 8 * u64::from(count),
                })
            );
        }
    }

    #[test]
    fn a_count_above_the_limit_is_refused_even_where_its_product_would_wrap() {
        for count in [111, 255, 0x2000_0003, u32::MAX] {
            let mut bytes = GOLDEN.to_vec();
            bytes[12..16].copy_from_slice(&count.to_le_bytes());
            assert_eq!(
                testing::decode(&bytes),
                Err(DecodeError::TooManyFields { kind: Kind::Measure, at: 12, count, max: 110 })
            );
        }
    }

    #[test]
    fn the_largest_report_passes_and_one_field_more_does_not() {
        let fields = [u64::MAX; MAX_MEASURE_FIELDS + 1];
        let mut buf = [0; 1024];
        let largest = MeasureRepr { fields: &fields[1..], ..REPORT };
        assert_eq!(largest.encode(&mut buf), Ok(896));
        assert_eq!(measure(&buf[..896]).fields.len(), 110);

        let too_large = MeasureRepr { fields: &fields, ..REPORT };
        assert_eq!(
            too_large.encode(&mut buf),
            Err(EncodeError::TooManyFields { kind: Kind::Measure, count: 111, max: 110 })
        );
        // The same message as another implementation might send it.
        let mut bytes = testing::longer(&buf[..896], 8);
        bytes[12] = 111;
        assert!(matches!(
            testing::decode(&bytes),
            Err(DecodeError::TooManyFields { count: 111, .. })
        ));
    }
}
