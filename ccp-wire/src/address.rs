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
        Self { flow, family: Family::V4, src: v4_bytes(src), dst: v4_bytes(dst) }
    }

    /// The addresses of an IPv6 flow.
    pub const fn v6(flow: FlowId, src: Ipv6Addr, dst: Ipv6Addr) -> Self {
        Self { flow, family: Family::V6, src: src.octets(), dst: dst.octets() }
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
                return Err(DecodeError::UnknownFamily { at: base + FAMILY_AT, family });
            }
        };
        Ok(Self { flow: raw.header.flow(), family, src: raw.src, dst: raw.dst })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::testing::{self, check_appended_bytes_are_ignored, check_decode, check_encode};

    #[rustfmt::skip]
    const GOLDEN_V6: &[u8] = &[
        18, 0,   44, 0,   5, 0, 0, 0,
        6, 0, 0, 0,                                                    // family
        0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,    // src
        0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 2, // dst
    ];
    #[rustfmt::skip]
    const GOLDEN_V4: &[u8] = &[
        18, 0,   44, 0,   5, 0, 0, 0,
        4, 0, 0, 0,                                         // family
        192, 0, 2, 1,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // src
        192, 0, 2, 77,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // dst
    ];
    const V6: Address = Address::v6(
        FlowId(5),
        Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 0x1202),
    );
    const V4: Address =
        Address::v4(FlowId(5), Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 77));

    #[test]
    fn golden_bytes_decode() {
        check_decode(GOLDEN_V6, Kind::Address, Message::Address(V6));
        check_decode(GOLDEN_V4, Kind::Address, Message::Address(V4));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        check_encode(GOLDEN_V6, V6.encoded_len(), |buf| V6.encode(buf));
        check_encode(GOLDEN_V4, V4.encoded_len(), |buf| V4.encode(buf));
    }

    #[test]
    fn addresses_are_in_network_order() {
        assert_eq!(V6.src_ip(), IpAddr::V6(Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1)));
        assert_eq!(V4.dst_ip(), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77)));
    }

    #[test]
    fn appended_fields_of_a_newer_peer_are_ignored() {
        check_appended_bytes_are_ignored(GOLDEN_V6);
    }

    #[test]
    fn other_families_are_refused() {
        for family in [0, 1, 5, 10, 0x0400, u32::MAX] {
            let mut bytes = GOLDEN_V6.to_vec();
            bytes[8..12].copy_from_slice(&family.to_le_bytes());
            assert_eq!(testing::decode(&bytes), Err(DecodeError::UnknownFamily { at: 8, family }));
        }
    }
}
