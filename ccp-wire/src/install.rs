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
            return Ok(Self { program_uid: ProgramUid(fixed.program_uid.get()), events, instrs });
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
        for (to, from) in raw.records.iter_mut().zip(self.events.iter().chain(self.instrs)) {
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

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::testing::{self, check_appended_bytes_are_refused, check_decode, check_encode};
    use crate::{MAX_MESSAGE_LEN, Message};

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        2, 0,   68, 0,   0, 0, 0, 0,
        1, 0, 0, 0,  // program_uid
        1, 0, 0, 0,  // num_events
        2, 0, 0, 0,  // num_instrs
        0xE0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        0xA0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        0xA1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    ];
    const INSTALL: Install<'_> = Install {
        program_uid: ProgramUid(1),
        events: &[record(0xE0)],
        instrs: &[record(0xA0), record(0xA1)],
    };

    const fn record(first: u8) -> [u8; RECORD_LEN] {
        [first, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    }

    #[test]
    fn golden_bytes_decode() {
        check_decode(GOLDEN, Kind::Install, Message::Install(INSTALL));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, INSTALL.encoded_len(), |buf| INSTALL.encode(buf));
    }

    #[test]
    fn an_empty_program_is_a_message_too() {
        let bytes = [2, 0, 20, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let empty = Install { program_uid: ProgramUid(3), ..Install::default() };
        assert_eq!(testing::decode(&bytes), Ok(Message::Install(empty)));
        check_encode(&bytes, empty.encoded_len(), |buf| empty.encode(buf));
    }

    #[test]
    fn a_flow_in_the_header_means_nothing() {
        let mut bytes = GOLDEN.to_vec();
        bytes[4] = 200;
        assert_eq!(testing::decode(&bytes), Ok(Message::Install(INSTALL)));
    }

    #[test]
    fn a_longer_message_than_its_counts_is_refused() {
        check_appended_bytes_are_refused(GOLDEN);
    }

    #[test]
    fn the_counts_decide_which_records_are_events() {
        let mut bytes = GOLDEN.to_vec();
        bytes[12] = 3;
        bytes[16] = 0;
        let Ok(Message::Install(install)) = testing::decode(&bytes) else {
            panic!("no program");
        };
        assert_eq!(install.events.len(), 3);
        assert!(install.instrs.is_empty());
    }

    #[test]
    fn counts_that_lie_are_refused_even_where_their_sum_or_product_would_wrap() {
        for (events, instrs) in [
            (0, 0),
            (1, 1),
            (1, 3),
            (4, 0),
            (u32::MAX, 4),
            (4, u32::MAX),
            (u32::MAX, u32::MAX),
            (0x1000_0001, 2),
            (0x1000_0003, 0),
        ] {
            let mut bytes = GOLDEN.to_vec();
            bytes[12..16].copy_from_slice(&u32::to_le_bytes(events));
            bytes[16..20].copy_from_slice(&u32::to_le_bytes(instrs));
            assert_eq!(
                testing::decode(&bytes),
                Err(DecodeError::LenMismatch {
                    kind: Kind::Install,
                    at: 12,
                    len: 68,
                    implied: 20 + 16 * (u64::from(events) + u64::from(instrs)),
                })
            );
        }
    }

    #[test]
    fn the_longest_program_fits_and_one_record_more_does_not() {
        const MOST: usize = (MAX_MESSAGE_LEN - 20) / RECORD_LEN;
        let records = vec![record(0); MOST + 1];
        let mut buf = vec![0; 70_000];
        let longest = Install {
            program_uid: ProgramUid(1),
            events: &records[..10],
            instrs: &records[10..MOST],
        };
        let len = longest.encode(&mut buf).expect("it fits");
        assert_eq!(testing::decode(&buf[..len]), Ok(Message::Install(longest)));

        let too_long = Install { instrs: &records[10..], ..longest };
        let len = 20 + (MOST + 1) * RECORD_LEN;
        assert_eq!(too_long.encode(&mut buf), Err(EncodeError::TooLong { len }));
    }
}
