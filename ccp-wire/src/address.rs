//! Address (extension): the full addresses of the flow that is created next.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FlowId, HEADER_LEN, Kind};

/// The full addresses of a flow (datapath to agent), sent right before the
/// [`Create`](crate::Create) of the same flow and in the same datagram.
///
/// A Create has room for IPv4 only, so an IPv6 flow needs this. Agents of other makes skip it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The flow.
    pub flow: FlowId,
    /// What the addresses are.
    pub family: Family,
    /// The local address in network byte order; an IPv4 address takes the first four bytes, and the
    /// others are 0.
    pub src: [u8; 16],
    /// The peer's address, likewise.
    pub dst: [u8; 16],
}

/// The family of an address, as the number of its IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4 = 4,
    /// IPv6.
    V6 = 6,
}

impl Address {
    /// The addresses of an IPv4 flow.
    pub const fn v4(flow: FlowId, src: Ipv4Addr, dst: Ipv4Addr) -> Self {
        Self {
            flow,
            family: Family::V4,
            src: v4_bytes(src),
            dst: v4_bytes(dst),
        }
    }

    /// The addresses of an IPv6 flow.
    pub const fn v6(flow: FlowId, src: Ipv6Addr, dst: Ipv6Addr) -> Self {
        Self {
            flow,
            family: Family::V6,
            src: src.octets(),
            dst: dst.octets(),
        }
    }

    /// The local address.
    pub const fn src_ip(&self) -> IpAddr {
        self.family.ip(self.src)
    }

    /// The peer's address.
    pub const fn dst_ip(&self) -> IpAddr {
        self.family.ip(self.dst)
    }

    /// `message` is one whole message that starts at byte `base` of its datagram.
    pub(crate) fn decode(message: &[u8], base: usize) -> Result<Self, DecodeError> {
        let Ok((raw, _appended)) = Raw::ref_from_prefix(message) else {
            return Err(header::too_short::<Raw>(Kind::Address, message, base));
        };
        let family = match raw.family.get() {
            4 => Family::V4,
            6 => Family::V6,
            family => {
                return Err(DecodeError::UnknownFamily {
                    at: base + FAMILY_AT,
                    family,
                });
            }
        };
        Ok(Self {
            flow: raw.header.flow(),
            family,
            src: raw.src,
            dst: raw.dst,
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
            header: Header::of::<Raw>(Kind::Address, self.flow),
            family: U32::new(self.family as u32),
            src: self.src,
            dst: self.dst,
        };
        header::write(&raw, buf)
    }
}

impl Family {
    const fn ip(self, bytes: [u8; 16]) -> IpAddr {
        match self {
            Self::V4 => {
                let [a, b, c, d, ..] = bytes;
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            Self::V6 => IpAddr::V6(Ipv6Addr::from_bits(u128::from_be_bytes(bytes))),
        }
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    header: Header,
    family: U32,
    src: [u8; 16],
    dst: [u8; 16],
}

const _: () = assert!(size_of::<Raw>() == 44);

const FAMILY_AT: usize = core::mem::offset_of!(Raw, family);

const _: () = assert!(FAMILY_AT == HEADER_LEN);

const fn v4_bytes(ip: Ipv4Addr) -> [u8; 16] {
    let [a, b, c, d] = ip.octets();
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}
