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
    #[inline]
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
        Self {
            flow,
            program_uid: ProgramUid(0),
            fields: &[],
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
fn diagnose(message: &[u8], base: usize) -> DecodeError {
    let kind = Kind::Measure;
    let Ok((fixed, _)) = Fixed::ref_from_prefix(message) else {
        return header::too_short::<Fixed>(kind, message, base);
    };
    let count = fixed.num_fields.get();
    let at = base + NUM_FIELDS_AT;
    let max = MAX_MEASURE_FIELDS as u32;
    if count > max {
        return DecodeError::TooManyFields {
            kind,
            at,
            count,
            max,
        };
    }
    DecodeError::LenMismatch {
        kind,
        at,
        len: header::wire_len(message),
        implied: size_of::<Fixed>() as u64 + u64::from(count) * size_of::<U64>() as u64,
    }
}
