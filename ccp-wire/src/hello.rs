//! Hello (extension): what the datapath can do.

use core::ops::{BitOr, BitOrAssign};

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FlowId, HEADER_LEN, Kind};

/// What the datapath can do (datapath to agent, after each [`Ready`](crate::Ready)).
///
/// Agents of other makes skip it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hello {
    /// What it wants.
    pub flags: HelloFlags,
    /// Bit `i`: primitive `i` is measured here and not just 0.
    pub primitives: u64,
    /// Programs its table holds.
    pub max_programs: u32,
    /// Instructions one program may have.
    pub max_instrs: u32,
}

/// Wishes of a datapath, one bit each. Bits without a name are kept and mean nothing yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HelloFlags(pub u32);

impl HelloFlags {
    /// The agent is to send [`Alive`](crate::Alive) when it has nothing else to send.
    pub const WANTS_KEEPALIVE: Self = Self(1 << 0);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for HelloFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for HelloFlags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl Hello {
    /// The version this crate writes.
    ///
    /// Newer versions only append, so they are read as this one.
    pub const VERSION: u32 = 1;

    /// `message` is one whole message that starts at byte `base` of its datagram.
    pub(crate) fn decode(message: &[u8], base: usize) -> Result<Self, DecodeError> {
        let Ok((raw, _appended)) = Raw::ref_from_prefix(message) else {
            return Err(header::too_short::<Raw>(Kind::Hello, message, base));
        };
        let version = raw.version.get();
        if version < Self::VERSION {
            return Err(DecodeError::BadVersion {
                kind: Kind::Hello,
                at: base + VERSION_AT,
                version,
            });
        }
        Ok(Self {
            flags: HelloFlags(raw.flags.get()),
            primitives: raw.primitives.get(),
            max_programs: raw.max_programs.get(),
            max_instrs: raw.max_instrs.get(),
        })
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
        let raw = Raw {
            header: Header::of::<Raw>(Kind::Hello, FlowId(0)),
            version: U32::new(Self::VERSION),
            flags: U32::new(self.flags.0),
            primitives: U64::new(self.primitives),
            max_programs: U32::new(self.max_programs),
            max_instrs: U32::new(self.max_instrs),
        };
        header::write(&raw, buf)
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    header: Header,
    version: U32,
    flags: U32,
    primitives: U64,
    max_programs: U32,
    max_instrs: U32,
}

const _: () = assert!(size_of::<Raw>() == 32);

const VERSION_AT: usize = core::mem::offset_of!(Raw, version);

const _: () = assert!(VERSION_AT == HEADER_LEN);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::testing::{self, check_appended_bytes_are_ignored, check_decode, check_encode};

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        16, 0,   32, 0,   0, 0, 0, 0,
        1, 0, 0, 0,             // version
        1, 0, 0, 0x80,          // flags: wants keep-alives, and one without a name
        0xFF, 0x7F, 0, 0, 0, 0, 0, 0x40, // primitives
        64, 0, 0, 0,            // max_programs
        0xE8, 0x03, 0, 0,       // max_instrs
    ];
    const HELLO: Hello = Hello {
        flags: HelloFlags(0x8000_0001),
        primitives: 0x4000_0000_0000_7FFF,
        max_programs: 64,
        max_instrs: 1000,
    };

    #[test]
    fn golden_bytes_decode() {
        check_decode(GOLDEN, Kind::Hello, Message::Hello(HELLO));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN, HELLO.encoded_len(), |buf| HELLO.encode(buf));
    }

    #[test]
    fn a_newer_version_is_read_as_this_one() {
        check_appended_bytes_are_ignored(GOLDEN);
        for version in [2, u32::MAX] {
            let mut bytes = testing::longer(GOLDEN, 24);
            bytes[8..12].copy_from_slice(&version.to_le_bytes());
            assert_eq!(testing::decode(&bytes), Ok(Message::Hello(HELLO)));
        }
    }

    #[test]
    fn version_zero_never_existed() {
        let mut bytes = GOLDEN.to_vec();
        bytes[8] = 0;
        assert_eq!(
            testing::decode(&bytes),
            Err(DecodeError::BadVersion { kind: Kind::Hello, at: 8, version: 0 })
        );
    }

    #[test]
    fn a_flag_is_found_among_others() {
        assert!(HELLO.flags.contains(HelloFlags::WANTS_KEEPALIVE));
        assert!(!HelloFlags(2).contains(HelloFlags::WANTS_KEEPALIVE));
        let mut flags = HelloFlags(2) | HelloFlags(4);
        flags |= HelloFlags::WANTS_KEEPALIVE;
        assert_eq!(flags, HelloFlags(7));
    }
}
