//! Create: a flow has started and wants to be controlled.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{self, Header};
use crate::{DecodeError, EncodeError, FlowId, Kind};

/// Bytes of the field that holds the name of an algorithm, its final NUL included.
pub const CONG_ALG_LEN: usize = 64;

/// A flow has started (datapath to agent).
///
/// Addresses and ports are passed on as the datapath wrote them: in practice in network byte order
/// as a kernel stores them, or 0, also for an IPv6 flow, whose addresses come in an
/// [`Address`](crate::Address) message before this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Create<'a> {
    /// The flow; the datapath may use the number of a closed flow again at once.
    pub flow: FlowId,
    /// The congestion window it starts with, in bytes.
    pub init_cwnd: u32,
    /// Its maximum segment size, in bytes.
    pub mss: u32,
    /// The local IPv4 address.
    pub src_ip: u32,
    /// The local port.
    pub src_port: u32,
    /// The peer's IPv4 address.
    pub dst_ip: u32,
    /// The peer's port.
    pub dst_port: u32,
    /// The algorithm the datapath asks for by name; empty if it leaves the choice to the agent.
    pub cong_alg: &'a str,
}

impl<'a> Create<'a> {
    /// `message` is one whole message that starts at byte `base` of its datagram.
    pub(crate) fn decode(message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        let Ok((raw, _appended)) = Raw::ref_from_prefix(message) else {
            return Err(header::too_short::<Raw>(Kind::Create, message, base));
        };
        Ok(Self {
            flow: raw.header.flow(),
            init_cwnd: raw.init_cwnd.get(),
            mss: raw.mss.get(),
            src_ip: raw.src_ip.get(),
            src_port: raw.src_port.get(),
            dst_ip: raw.dst_ip.get(),
            dst_port: raw.dst_port.get(),
            cong_alg: decode_name(&raw.cong_alg, base + CONG_ALG_AT)?,
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
    /// [`BufferTooSmall`](EncodeError::BufferTooSmall); [`NameTooLong`](EncodeError::NameTooLong)
    /// and [`NameHasNul`](EncodeError::NameHasNul) if the name could not be read back.
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let raw = Raw {
            header: Header::of::<Raw>(Kind::Create, self.flow),
            init_cwnd: U32::new(self.init_cwnd),
            mss: U32::new(self.mss),
            src_ip: U32::new(self.src_ip),
            src_port: U32::new(self.src_port),
            dst_ip: U32::new(self.dst_ip),
            dst_port: U32::new(self.dst_port),
            cong_alg: encode_name(self.cong_alg)?,
        };
        header::write(&raw, buf)
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    header: Header,
    init_cwnd: U32,
    mss: U32,
    src_ip: U32,
    src_port: U32,
    dst_ip: U32,
    dst_port: U32,
    cong_alg: [u8; CONG_ALG_LEN],
}

const _: () = assert!(size_of::<Raw>() == 96);

const CONG_ALG_AT: usize = core::mem::offset_of!(Raw, cong_alg);

const _: () = assert!(CONG_ALG_AT == 32);

/// Reads a name up to its first NUL.
///
/// What follows is not looked at: peers written in C copy a whole array into which they have put a
/// string, so the bytes after it may be anything.
fn decode_name(field: &[u8; CONG_ALG_LEN], at: usize) -> Result<&str, DecodeError> {
    let Some(end) = field.iter().position(|&byte| byte == 0) else {
        return Err(DecodeError::NameUnterminated { at, len: CONG_ALG_LEN });
    };
    let name = field.get(..end).unwrap_or_default();
    core::str::from_utf8(name).map_err(|error| {
        let wrong = error.valid_up_to();
        DecodeError::NameNotUtf8 {
            at: at + wrong,
            byte: name.get(wrong).copied().unwrap_or_default(),
        }
    })
}

fn encode_name(name: &str) -> Result<[u8; CONG_ALG_LEN], EncodeError> {
    if let Some(at) = name.bytes().position(|byte| byte == 0) {
        return Err(EncodeError::NameHasNul { at });
    }
    let mut field = [0; CONG_ALG_LEN];
    match field.split_last_mut() {
        Some((_nul, room)) if name.len() <= room.len() => {
            for (to, from) in room.iter_mut().zip(name.bytes()) {
                *to = from;
            }
            Ok(field)
        }
        _ => Err(EncodeError::NameTooLong { len: name.len(), max: CONG_ALG_LEN - 1 }),
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::Message;
    use crate::testing::{self, check_appended_bytes_are_ignored, check_decode, check_encode};

    #[rustfmt::skip]
    const HEAD: [u8; 32] = [
        0, 0,   96, 0,   0xFE, 0, 0, 0,
        0x90, 0x38, 0, 0, // init_cwnd: 14480
        0xA8, 5, 0, 0,    // mss: 1448
        127, 0, 0, 1,     // src_ip, in network order
        0x1F, 0x90, 0, 0, // src_port: 8080, in network order
        127, 0, 0, 2,     // dst_ip
        0, 0x50, 0, 0,    // dst_port: 80
    ];
    const CREATE: Create<'_> = Create {
        flow: FlowId(254),
        init_cwnd: 14480,
        mss: 1448,
        src_ip: 0x0100_007F,
        src_port: 0x901F,
        dst_ip: 0x0200_007F,
        dst_port: 0x5000,
        cong_alg: "cubic",
    };

    /// A Create whose name field starts with `name` and goes on with `fill`.
    fn golden(name: &[u8], fill: u8) -> Vec<u8> {
        let mut bytes = HEAD.to_vec();
        bytes.extend_from_slice(name);
        bytes.resize(96, fill);
        bytes
    }

    #[test]
    fn golden_bytes_decode() {
        check_decode(&golden(b"cubic", 0), Kind::Create, Message::Create(CREATE));
    }

    #[test]
    fn golden_bytes_are_encoded() {
        let bytes = golden(b"cubic", 0);
        check_encode(&bytes, CREATE.encoded_len(), |buf| CREATE.encode(buf));
    }

    #[test]
    fn an_empty_name_is_no_wish() {
        let no_wish = Create { cong_alg: "", ..CREATE };
        let bytes = golden(b"", 0);
        assert_eq!(testing::decode(&bytes), Ok(Message::Create(no_wish)));
        check_encode(&bytes, no_wish.encoded_len(), |buf| no_wish.encode(buf));
    }

    #[test]
    fn bytes_after_the_first_nul_are_ignored() {
        let bytes = golden(b"cubic\0\xFF\xFEreno", 0xC0);
        assert_eq!(testing::decode(&bytes), Ok(Message::Create(CREATE)));
    }

    #[test]
    fn appended_fields_of_a_newer_peer_are_ignored() {
        check_appended_bytes_are_ignored(&golden(b"cubic", 0));
    }

    #[test]
    fn a_name_may_fill_all_but_one_byte() {
        let name = "n".repeat(63);
        let create = Create { cong_alg: &name, ..CREATE };
        let mut buf = [0xA5; 96];
        assert_eq!(create.encode(&mut buf), Ok(96));
        assert_eq!(buf[95], 0);
        assert_eq!(testing::decode(&buf), Ok(Message::Create(create)));
    }

    #[test]
    fn a_name_may_be_any_utf8() {
        let create = Create { cong_alg: "réno-日本", ..CREATE };
        let mut buf = [0; 96];
        assert_eq!(create.encode(&mut buf), Ok(96));
        assert_eq!(testing::decode(&buf), Ok(Message::Create(create)));
    }

    #[test]
    fn a_name_without_a_nul_is_refused() {
        assert_eq!(
            testing::decode(&golden(b"cubic", b'x')),
            Err(DecodeError::NameUnterminated { at: 32, len: 64 })
        );
    }

    #[test]
    fn a_name_that_is_not_utf8_is_refused_at_its_first_wrong_byte() {
        for (name, at, byte) in [
            (&b"\xFFreno"[..], 32, 0xFF),
            (b"ren\xC3", 35, 0xC3),
            (b"r\xC3\xA9\xA9", 35, 0xA9),
            (b"\xED\xA0\x80", 32, 0xED),
        ] {
            assert_eq!(
                testing::decode(&golden(name, 0)),
                Err(DecodeError::NameNotUtf8 { at, byte })
            );
        }
    }

    #[test]
    fn names_that_could_not_be_read_back_are_not_sent() {
        let mut buf = [0; 96];
        let name = "é".repeat(32);
        let too_long = Create { cong_alg: &name, ..CREATE };
        assert_eq!(too_long.encode(&mut buf), Err(EncodeError::NameTooLong { len: 64, max: 63 }));
        let cut = Create { cong_alg: "reno\0x", ..CREATE };
        assert_eq!(cut.encode(&mut buf), Err(EncodeError::NameHasNul { at: 4 }));
    }
}
