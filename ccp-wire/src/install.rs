//! Install: a program for the datapath's table.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FlowId, HEADER_LEN, Kind, ProgramUid};

/// Bytes of one event and of one instruction.
pub const RECORD_LEN: usize = 16;

/// A program for the whole datapath (agent to datapath).
///
/// Events and instructions are passed on as opaque records; what is in them belongs to the language
/// of programs. The flow in the header means nothing: 0 is written, and anything read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Install<'a> {
    /// The number by which flows are to be told to run it. libccp empties its table when 1 arrives.
    pub program_uid: ProgramUid,
    /// Its events.
    pub events: &'a [[u8; RECORD_LEN]],
    /// Its instructions.
    pub instrs: &'a [[u8; RECORD_LEN]],
}

impl<'a> Install<'a> {
    /// `message` is one whole message that starts at byte `base` of its datagram.
    pub(crate) fn decode(message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        let kind = Kind::Install;
        let Ok((fixed, records)) = Fixed::ref_from_prefix(message) else {
            return Err(header::too_short::<Fixed>(kind, message, base));
        };
        let num_events = fixed.num_events.get();
        let num_instrs = fixed.num_instrs.get();
        // In 64 bits, where no two counts can overflow.
        let num_records = u64::from(num_events) + u64::from(num_instrs);

        if let Ok(records) = <[[u8; RECORD_LEN]]>::ref_from_bytes(records)
            && records.len() as u64 == num_records
            && let Some((events, instrs)) = records.split_at_checked(num_events as usize)
        {
            return Ok(Self {
                program_uid: ProgramUid(fixed.program_uid.get()),
                events,
                instrs,
            });
        }
        Err(DecodeError::LenMismatch {
            kind,
            at: base + NUM_EVENTS_AT,
            len: header::wire_len(message),
            implied: size_of::<Fixed>() as u64 + num_records * RECORD_LEN as u64,
        })
    }

    /// Bytes of the encoded message.
    pub const fn encoded_len(&self) -> usize {
        // Saturating, for two slices that overlap in memory could together exceed all of it.
        self.events
            .as_flattened()
            .len()
            .saturating_add(self.instrs.as_flattened().len())
            .saturating_add(size_of::<Fixed>())
    }

    /// Writes the message to the start of `buf` and returns its length.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall);
    /// [`TooLong`](EncodeError::TooLong) if the program does not fit any message.
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let len = self.encoded_len();
        let header = Header::new(Kind::Install.to_wire(), len, FlowId(0))?;
        let have = buf.len();
        let num_records = self.events.len() + self.instrs.len();
        let Ok((raw, _rest)) = Raw::mut_from_prefix_with_elems(buf, num_records) else {
            return Err(EncodeError::BufferTooSmall { need: len, have });
        };
        // The header holds the length, so the counts are far below 2^32.
        raw.fixed = Fixed {
            header,
            program_uid: U32::new(self.program_uid.0),
            num_events: U32::new(self.events.len() as u32),
            num_instrs: U32::new(self.instrs.len() as u32),
        };
        for (to, from) in raw
            .records
            .iter_mut()
            .zip(self.events.iter().chain(self.instrs))
        {
            *to = *from;
        }
        Ok(len)
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Fixed {
    header: Header,
    program_uid: U32,
    num_events: U32,
    num_instrs: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    fixed: Fixed,
    /// The events, then the instructions.
    records: [[u8; RECORD_LEN]],
}

const _: () = assert!(size_of::<Fixed>() == 20);

const NUM_EVENTS_AT: usize = core::mem::offset_of!(Fixed, num_events);

const _: () = assert!(NUM_EVENTS_AT == HEADER_LEN + 4);
