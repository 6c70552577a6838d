//! Why bytes are no message, and why a message does not become bytes.

use thiserror::Error;

use crate::{HEADER_LEN, Kind};

/// Why bytes are no message.
///
/// Every variant says where: `at` is a byte of the datagram, counted from 0. It is the first byte
/// of the message where its header is at fault, and the first byte of the offending field
/// otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Bytes are left, but too few for a header. Ends the datagram.
    #[error("message header at byte {at} cut off after {have} of {HEADER_LEN} bytes")]
    HeaderTruncated {
        /// Where the header starts.
        at: usize,
        /// Bytes left there.
        have: usize,
    },
    /// The header claims a message shorter than the header. Ends the datagram.
    #[error("message at byte {at} claims {len} bytes, fewer than its own header has")]
    LenTooSmall {
        /// Where the message starts.
        at: usize,
        /// What its length field says.
        len: u16,
    },
    /// The header claims more bytes than the datagram has. Ends the datagram.
    #[error("message at byte {at} claims {len} bytes where {have} are left")]
    LenPastEnd {
        /// Where the message starts.
        at: usize,
        /// What its length field says.
        len: u16,
        /// Bytes left in the datagram, this header included.
        have: usize,
    },
    /// The message is shorter than the fixed part of its kind.
    #[error("{kind} message at byte {at} has {len} bytes where {need} are needed")]
    TooShort {
        /// The kind of message.
        kind: Kind,
        /// Where the message starts.
        at: usize,
        /// What its length field says.
        len: u16,
        /// The least bytes a message of this kind has.
        need: usize,
    },
    /// The message has another length than the number of its fields or records implies.
    #[error("{kind} message has {len} bytes where its count at byte {at} implies {implied}")]
    LenMismatch {
        /// The kind of message.
        kind: Kind,
        /// Where the count is (the first one, if there are two).
        at: usize,
        /// What its length field says.
        len: u16,
        /// The length that the count implies.
        implied: u64,
    },
    /// The message has more fields than its kind allows.
    #[error("{kind} message claims {count} fields at byte {at} where {max} are allowed")]
    TooManyFields {
        /// The kind of message.
        kind: Kind,
        /// Where the count is.
        at: usize,
        /// What it says.
        count: u32,
        /// The most fields a message of this kind has.
        max: u32,
    },
    /// The name of an algorithm fills its field without a NUL to end it.
    #[error("algorithm name at byte {at} has no NUL within its {len} bytes")]
    NameUnterminated {
        /// Where the name starts.
        at: usize,
        /// Bytes of the field.
        len: usize,
    },
    /// The name of an algorithm is not UTF-8.
    #[error("algorithm name is not UTF-8 at byte {at}: {byte:#04x}")]
    NameNotUtf8 {
        /// The first byte that is wrong.
        at: usize,
        /// Its value.
        byte: u8,
    },
    /// An address family other than 4 and 6.
    #[error("unknown address family {family} at byte {at}")]
    UnknownFamily {
        /// Where the family is.
        at: usize,
        /// What it says.
        family: u32,
    },
    /// An extension's version that never existed. Newer ones than ours are no error.
    #[error("{kind} message has the impossible version {version} at byte {at}")]
    BadVersion {
        /// The kind of message.
        kind: Kind,
        /// Where the version is.
        at: usize,
        /// What it says.
        version: u32,
    },
}

impl DecodeError {
    /// The byte of the datagram at fault.
    pub const fn at(&self) -> usize {
        match *self {
            Self::HeaderTruncated { at, .. }
            | Self::LenTooSmall { at, .. }
            | Self::LenPastEnd { at, .. }
            | Self::TooShort { at, .. }
            | Self::LenMismatch { at, .. }
            | Self::TooManyFields { at, .. }
            | Self::NameUnterminated { at, .. }
            | Self::NameNotUtf8 { at, .. }
            | Self::UnknownFamily { at, .. }
            | Self::BadVersion { at, .. } => at,
        }
    }

    /// The kind of message at fault; `None` if its header is.
    pub const fn kind(&self) -> Option<Kind> {
        match *self {
            Self::HeaderTruncated { .. } | Self::LenTooSmall { .. } | Self::LenPastEnd { .. } => {
                None
            }
            Self::TooShort { kind, .. }
            | Self::LenMismatch { kind, .. }
            | Self::TooManyFields { kind, .. }
            | Self::BadVersion { kind, .. } => Some(kind),
            Self::NameUnterminated { .. } | Self::NameNotUtf8 { .. } => Some(Kind::Create),
            Self::UnknownFamily { .. } => Some(Kind::Address),
        }
    }

    /// Whether the rest of the datagram is lost with this message, since nothing says where the
    /// next one starts.
    pub const fn ends_datagram(&self) -> bool {
        self.kind().is_none()
    }
}

/// Why a message does not become bytes. Nothing must be sent then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small; try again with one of `need` bytes.
    #[error("message needs {need} bytes where the buffer has {have}")]
    BufferTooSmall {
        /// Bytes of the message.
        need: usize,
        /// Bytes of the buffer.
        have: usize,
    },
    /// The message is longer than its length field can say ([`MAX_MESSAGE_LEN`]).
    ///
    /// [`MAX_MESSAGE_LEN`]: crate::MAX_MESSAGE_LEN
    #[error("message would have {len} bytes where {} are possible", crate::MAX_MESSAGE_LEN)]
    TooLong {
        /// Bytes of the message.
        len: usize,
    },
    /// The message has more fields than its kind allows.
    #[error("{kind} message would have {count} fields where {max} are allowed")]
    TooManyFields {
        /// The kind of message.
        kind: Kind,
        /// Fields of the message.
        count: usize,
        /// The most fields a message of this kind may have.
        max: usize,
    },
    /// The name of an algorithm leaves no room for the NUL that must end it.
    #[error("algorithm name has {len} bytes where {max} are allowed")]
    NameTooLong {
        /// Bytes of the name.
        len: usize,
        /// The most bytes a name may have.
        max: usize,
    },
    /// The name of an algorithm contains a NUL; the peer would take it to end there.
    #[error("algorithm name has a NUL at its byte {at}")]
    NameHasNul {
        /// Its byte in the name.
        at: usize,
    },
    /// An [`Unknown`](crate::Unknown) message with the number of a known kind, which would reach
    /// the peer without having been checked.
    #[error("message number {} is {kind}, which has a type of its own", kind.to_wire())]
    KnownKind {
        /// The kind that has this number.
        kind: Kind,
    },
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn messages_say_what_where_and_which_value() {
        let cases = [
            (
                DecodeError::HeaderTruncated { at: 12, have: 3 },
                "message header at byte 12 cut off after 3 of 8 bytes",
            ),
            (
                DecodeError::LenTooSmall { at: 0, len: 7 },
                "message at byte 0 claims 7 bytes, fewer than its own header has",
            ),
            (
                DecodeError::LenPastEnd { at: 4, len: 900, have: 20 },
                "message at byte 4 claims 900 bytes where 20 are left",
            ),
            (
                DecodeError::TooShort { kind: Kind::Ready, at: 96, len: 8, need: 12 },
                "Ready message at byte 96 has 8 bytes where 12 are needed",
            ),
            (
                DecodeError::LenMismatch { kind: Kind::Measure, at: 12, len: 24, implied: 40 },
                "Measure message has 24 bytes where its count at byte 12 implies 40",
            ),
            (
                DecodeError::TooManyFields { kind: Kind::Measure, at: 12, count: 111, max: 110 },
                "Measure message claims 111 fields at byte 12 where 110 are allowed",
            ),
            (
                DecodeError::NameUnterminated { at: 32, len: 64 },
                "algorithm name at byte 32 has no NUL within its 64 bytes",
            ),
            (
                DecodeError::NameNotUtf8 { at: 33, byte: 0xFF },
                "algorithm name is not UTF-8 at byte 33: 0xff",
            ),
            (
                DecodeError::UnknownFamily { at: 8, family: 10 },
                "unknown address family 10 at byte 8",
            ),
            (
                DecodeError::BadVersion { kind: Kind::Hello, at: 8, version: 0 },
                "Hello message has the impossible version 0 at byte 8",
            ),
        ];
        for (error, text) in cases {
            assert_eq!(error.to_string(), text);
            assert!(text.contains(&std::format!("at byte {}", error.at())));
        }
    }

    #[test]
    fn encoding_errors_say_which_value_broke_which_limit() {
        let cases = [
            (
                EncodeError::BufferTooSmall { need: 96, have: 64 },
                "message needs 96 bytes where the buffer has 64",
            ),
            (
                EncodeError::TooLong { len: 70_000 },
                "message would have 70000 bytes where 65535 are possible",
            ),
            (
                EncodeError::TooManyFields { kind: Kind::ChangeProg, count: 223, max: 222 },
                "ChangeProg message would have 223 fields where 222 are allowed",
            ),
            (
                EncodeError::NameTooLong { len: 64, max: 63 },
                "algorithm name has 64 bytes where 63 are allowed",
            ),
            (EncodeError::NameHasNul { at: 4 }, "algorithm name has a NUL at its byte 4"),
            (
                EncodeError::KnownKind { kind: Kind::Measure },
                "message number 1 is Measure, which has a type of its own",
            ),
        ];
        for (error, text) in cases {
            assert_eq!(error.to_string(), text);
        }
    }
}
