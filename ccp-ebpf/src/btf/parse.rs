//! The bytes of BTF: header, records of types, what follows each.

use thiserror::Error;

use super::Kind;

/// Why bytes are no BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BtfError {
    /// They do not begin with the magic number.
    #[error("no BTF: it begins with {magic:#06x}")]
    NoMagic {
        /// The first two bytes.
        magic: u16,
    },
    /// A version that does not exist yet.
    #[error("BTF of version {version} is not known")]
    Version {
        /// What it says.
        version: u8,
    },
    /// The bytes end too early.
    #[error("BTF ends within {what} at byte {at}")]
    Short {
        /// What is cut.
        what: &'static str,
        /// Where that begins.
        at: usize,
    },
    /// A type of a kind that does not exist yet: where it ends is unknown.
    #[error("type {id} is of the unknown kind {kind}")]
    Kind {
        /// Which type.
        id: usize,
        /// What it says.
        kind: u8,
    },
    /// More bytes than any kernel has types.
    #[error("BTF of {len} bytes is too large")]
    TooLarge {
        /// How many.
        len: usize,
    },
}

/// Where the record of each type starts, and where the strings start and end.
pub(super) type Index = (Vec<u32>, (usize, usize));

/// Walks over all records once.
pub(super) fn index(bytes: &[u8]) -> Result<Index, BtfError> {
    if bytes.len() > LARGEST {
        return Err(BtfError::TooLarge { len: bytes.len() });
    }
    let short = |what, at| BtfError::Short { what, at };
    let header = |at| word(bytes, at).ok_or_else(|| short("the header", 0));
    let first = header(0)?;
    let [m0, m1, version, _] = first.to_le_bytes();
    let magic = u16::from_le_bytes([m0, m1]);
    if magic != MAGIC {
        return Err(BtfError::NoMagic { magic });
    }
    if version != VERSION {
        return Err(BtfError::Version { version });
    }
    let header_len = header(4)? as usize;
    let section = |offset: u32, len: u32, what| {
        let start = header_len.saturating_add(offset as usize);
        let end = start.saturating_add(len as usize);
        if end <= bytes.len() { Ok((start, end)) } else { Err(short(what, start)) }
    };
    let (mut at, end) = section(header(8)?, header(12)?, "the types")?;
    let strings = section(header(16)?, header(20)?, "the strings")?;
    let types = bytes.get(..end).unwrap_or_default();
    let mut starts = Vec::new();
    while at < end {
        let id = starts.len() + 1;
        let info = word(types, at.saturating_add(4)).ok_or_else(|| short("a type", at))?;
        let kind = (info >> 24) as u8 & 0x1F;
        let known = Kind::from_code(kind).ok_or(BtfError::Kind { id, kind })?;
        let next = at + RECORD + known.tail_len() * known.tail_count(info);
        if next > end {
            return Err(short("a type", at));
        }
        // `LARGEST` is below what 32 bits hold.
        starts.push(at as u32);
        at = next;
    }
    Ok((starts, strings))
}

/// The fixed part of a type's record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) name: u32,
    pub(super) kind: Kind,
    /// The record's flag: members carry the size of bit fields in their offset.
    pub(super) flag: bool,
    pub(super) size_or_type: u32,
    /// Where what follows begins.
    tail: usize,
    count: usize,
}

impl Record {
    pub(super) fn read(bytes: &[u8], start: u32) -> Option<Self> {
        let start = start as usize;
        let info = word(bytes, start + 4)?;
        let kind = Kind::from_code((info >> 24) as u8 & 0x1F)?;
        Some(Self {
            name: word(bytes, start)?,
            kind,
            flag: info >> 31 != 0,
            size_or_type: word(bytes, start + 8)?,
            tail: start + RECORD,
            count: kind.tail_count(info),
        })
    }

    /// The type and the number of an array's elements.
    pub(super) fn array(&self, bytes: &[u8]) -> Option<(u32, u32)> {
        Some((word(bytes, self.tail)?, word(bytes, self.tail + 8)?))
    }

    /// The members of a struct or the parameters of a prototype.
    pub(super) fn tails<'a>(&self, bytes: &'a [u8]) -> Tails<'a> {
        let len = self.kind.tail_len();
        let end = self.tail.saturating_add(len * self.count);
        Tails { bytes: bytes.get(self.tail..end).unwrap_or_default(), len }
    }
}

/// What follows a record, piece by piece.
#[derive(Default)]
pub(super) struct Tails<'a> {
    bytes: &'a [u8],
    len: usize,
}

/// One member or parameter.
pub(super) struct Tail {
    pub(super) name: u32,
    pub(super) ty: u32,
    /// A member's offset; 0 for a parameter.
    pub(super) third: u32,
}

impl Iterator for Tails<'_> {
    type Item = Tail;

    fn next(&mut self) -> Option<Tail> {
        if self.len == 0 {
            return None;
        }
        let (piece, rest) = self.bytes.split_at_checked(self.len)?;
        self.bytes = rest;
        Some(Tail {
            name: word(piece, 0)?,
            ty: word(piece, 4)?,
            third: word(piece, 8).unwrap_or(0),
        })
    }
}

impl Kind {
    pub(super) fn from_code(code: u8) -> Option<Self> {
        KINDS.iter().copied().find(|&kind| kind as u8 == code)
    }

    /// Bytes of each piece behind the record.
    const fn tail_len(self) -> usize {
        match self {
            Self::Int | Self::Variable | Self::DeclTag => 4,
            Self::Enum | Self::Prototype => 8,
            Self::Array | Self::Struct | Self::Union | Self::Section | Self::Enum64 => 12,
            _ => 0,
        }
    }

    /// How many pieces there are.
    const fn tail_count(self, info: u32) -> usize {
        match self {
            Self::Int | Self::Variable | Self::DeclTag | Self::Array => 1,
            _ => (info & 0xFFFF) as usize,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}

/// In the byte order of the machine, and only little-endian ones are served.
pub(super) const MAGIC: u16 = 0xEB9F;
pub(super) const VERSION: u8 = 1;

/// Bytes of a record's fixed part.
const RECORD: usize = 12;

/// A hundred times what kernels have.
const LARGEST: usize = 1 << 29;

const KINDS: [Kind; 19] = [
    Kind::Int,
    Kind::Pointer,
    Kind::Array,
    Kind::Struct,
    Kind::Union,
    Kind::Enum,
    Kind::Forward,
    Kind::Typedef,
    Kind::Volatile,
    Kind::Const,
    Kind::Restrict,
    Kind::Function,
    Kind::Prototype,
    Kind::Variable,
    Kind::Section,
    Kind::Float,
    Kind::DeclTag,
    Kind::TypeTag,
    Kind::Enum64,
];
