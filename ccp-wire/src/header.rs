//! The eight bytes every message starts with, and the kinds of message they announce.

use core::fmt;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{DecodeError, EncodeError, FlowId};

/// Bytes of the header every message starts with.
pub const HEADER_LEN: usize = 8;

/// The longest message its own length field can describe, in bytes, header included.
pub const MAX_MESSAGE_LEN: usize = u16::MAX as usize;

/// The kinds of message this crate knows, by their number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum Kind {
    /// A flow has started.
    Create = 0,
    /// The report of a flow, or its end.
    Measure = 1,
    /// A program for the datapath's table.
    Install = 2,
    /// New values for registers of a flow.
    UpdateFields = 3,
    /// Another program for a flow.
    ChangeProg = 4,
    /// The datapath has started.
    Ready = 5,
    /// What the datapath can do (extension).
    Hello = 16,
    /// The agent lives (extension).
    Alive = 17,
    /// The full addresses of the flow created next (extension).
    Address = 18,
}

/// Which side of the protocol sends a kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The user-space congestion control agent.
    Agent,
    /// The transport whose flows the agent controls.
    Datapath,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Measure,
        Self::Install,
        Self::UpdateFields,
        Self::ChangeProg,
        Self::Ready,
        Self::Hello,
        Self::Alive,
        Self::Address,
    ];

    /// The kind with this number on the wire; `None` for numbers this crate does not know.
    #[inline]
    pub const fn from_wire(number: u16) -> Option<Self> {
        Some(match number {
            0 => Self::Create,
            1 => Self::Measure,
            2 => Self::Install,
            3 => Self::UpdateFields,
            4 => Self::ChangeProg,
            5 => Self::Ready,
            // 6 to 15 are left to the protocol. Portus keeps only the low byte of the type, so the
            // low byte of an extension must not be one of the numbers above.
            16 => Self::Hello,
            17 => Self::Alive,
            18 => Self::Address,
            _ => return None,
        })
    }

    /// The number on the wire.
    #[inline]
    pub const fn to_wire(self) -> u16 {
        self as u16
    }

    /// Which side may send it. A message from the wrong side is well-formed; what to do with it is
    /// the receiver's choice.
    pub const fn sender(self) -> Sender {
        match self {
            Self::Create | Self::Measure | Self::Ready | Self::Hello | Self::Address => {
                Sender::Datapath
            }
            Self::Install | Self::UpdateFields | Self::ChangeProg | Self::Alive => Sender::Agent,
        }
    }

    /// Whether it is one of our extensions, which peers of other makes skip or refuse.
    pub const fn is_extension(self) -> bool {
        matches!(self, Self::Hello | Self::Alive | Self::Address)
    }

    /// Its name in the protocol, for logs and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Measure => "Measure",
            Self::Install => "Install",
            Self::UpdateFields => "UpdateFields",
            Self::ChangeProg => "ChangeProg",
            Self::Ready => "Ready",
            Self::Hello => "Hello",
            Self::Alive => "Alive",
            Self::Address => "Address",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) kind: U16,
    /// Bytes of the whole message, this header included.
    pub(crate) len: U16,
    pub(crate) sid: U32,
}

const _: () = assert!(size_of::<Header>() == HEADER_LEN && align_of::<Header>() == 1);

impl Header {
    /// A header for `len` bytes in all; an error if the length field cannot hold that.
    #[inline]
    pub(crate) fn new(kind: u16, len: usize, flow: FlowId) -> Result<Self, EncodeError> {
        let Ok(wire_len) = u16::try_from(len) else {
            return Err(EncodeError::TooLong { len });
        };
        Ok(Self { kind: U16::new(kind), len: U16::new(wire_len), sid: U32::new(flow.0) })
    }

    /// The header of a message of kind `kind` that consists of a `T` alone.
    #[inline]
    pub(crate) fn of<T>(kind: Kind, flow: FlowId) -> Self {
        const {
            assert!(size_of::<T>() <= MAX_MESSAGE_LEN);
        }
        Self {
            kind: U16::new(kind.to_wire()),
            len: U16::new(size_of::<T>() as u16),
            sid: U32::new(flow.0),
        }
    }

    #[inline]
    pub(crate) fn flow(&self) -> FlowId {
        FlowId(self.sid.get())
    }
}

/// Writes a message of fixed size.
#[inline]
pub(crate) fn write<T: IntoBytes + Immutable>(
    message: &T,
    buf: &mut [u8],
) -> Result<usize, EncodeError> {
    let need = size_of::<T>();
    match message.write_to_prefix(buf) {
        Ok(()) => Ok(need),
        Err(_) => Err(EncodeError::BufferTooSmall { need, have: buf.len() }),
    }
}

/// The error for a message that is shorter than the `Fixed` part of its kind.
#[cold]
pub(crate) fn too_short<Fixed>(kind: Kind, message: &[u8], base: usize) -> DecodeError {
    DecodeError::TooShort { kind, at: base, len: wire_len(message), need: size_of::<Fixed>() }
}

/// The length field of `message`, which is as long as that field says.
pub(crate) fn wire_len(message: &[u8]) -> u16 {
    u16::try_from(message.len()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn every_kind_has_its_own_number_and_every_other_number_is_unknown() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_wire(kind.to_wire()), Some(kind));
        }
        let known = (0..=u16::MAX).filter(|&n| Kind::from_wire(n).is_some());
        assert_eq!(known.count(), Kind::ALL.len());
    }

    #[test]
    fn extensions_stay_clear_of_the_protocol_in_their_low_byte() {
        for kind in Kind::ALL {
            assert_eq!(kind.is_extension(), kind.to_wire() & 0xFF > 5);
        }
    }

    #[test]
    fn each_side_sends_its_own_kinds() {
        assert_eq!(Kind::Measure.sender(), Sender::Datapath);
        assert_eq!(Kind::Alive.sender(), Sender::Agent);
    }

    #[test]
    fn kinds_are_shown_by_name() {
        assert_eq!(Kind::ChangeProg.to_string(), "ChangeProg");
        assert_eq!(std::format!("{:>8}", Kind::Ready), "   Ready");
    }

    #[test]
    fn a_length_is_never_cut_to_fit_its_field() {
        assert!(Header::new(0, 65535, FlowId(0)).is_ok());
        assert!(matches!(
            Header::new(0, 65536, FlowId(0)),
            Err(EncodeError::TooLong { len: 65536 })
        ));
    }
}
