//! Checks that every kind of message has to pass, for the tests of each.

use std::vec;
use std::vec::Vec;

use crate::{DecodeError, EncodeError, HEADER_LEN, Kind, Message, Messages};

/// Takes the only message out of `datagram`.
pub(crate) fn decode(datagram: &[u8]) -> Result<Message<'_>, DecodeError> {
    let mut messages = Messages::new(datagram);
    let first = messages.next().expect("a message");
    assert_eq!(messages.next(), None, "more than one message");
    assert_eq!(messages.position(), datagram.len());
    first
}

/// `golden` decodes to `expected`, and cut off or shortened anywhere it is an error that says so.
pub(crate) fn check_decode(golden: &[u8], kind: Kind, expected: Message<'_>) {
    assert_eq!(decode(golden), Ok(expected));
    assert_eq!(expected.kind(), Some(kind));

    // A message may start at any byte.
    for shift in 1..8 {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(golden);
        assert_eq!(decode(&shifted[shift..]), Ok(expected));
    }

    for have in 1..golden.len() {
        let cut = &golden[..have];
        let expected = if have < HEADER_LEN {
            DecodeError::HeaderTruncated { at: 0, have }
        } else {
            DecodeError::LenPastEnd { at: 0, len: golden.len() as u16, have }
        };
        assert_eq!(decode(cut), Err(expected));
    }

    // The same cuts, but with a length field that says so too.
    for len in 0..golden.len() as u16 {
        let short = with_len(golden, len);
        if usize::from(len) < HEADER_LEN {
            assert_eq!(decode(&short), Err(DecodeError::LenTooSmall { at: 0, len }));
            continue;
        }
        match decode(&short[..usize::from(len)]) {
            Err(DecodeError::TooShort { kind: k, at: 0, len: l, need }) => {
                assert_eq!((k, l), (kind, len));
                assert!(usize::from(len) < need && need <= golden.len());
            }
            Err(DecodeError::LenMismatch { kind: k, len: l, implied, .. }) => {
                assert_eq!((k, l), (kind, len));
                assert_eq!(implied, golden.len() as u64);
            }
            other => panic!("{len} bytes: {other:?}"),
        }
    }
}

/// A message longer than `golden` by any number of bytes is read as `golden` is.
pub(crate) fn check_appended_bytes_are_ignored(golden: &[u8]) {
    for extra in 1..40 {
        let long = longer(golden, extra);
        assert_eq!(decode(&long), decode(golden));
    }
}

/// A message longer than `golden` by any number of bytes contradicts its own count.
pub(crate) fn check_appended_bytes_are_refused(golden: &[u8]) {
    for extra in 1..40 {
        let long = longer(golden, extra);
        match decode(&long) {
            Err(DecodeError::LenMismatch { len, implied, .. }) => {
                assert_eq!(usize::from(len), long.len());
                assert_eq!(implied, golden.len() as u64);
            }
            other => panic!("{extra} bytes appended: {other:?}"),
        }
    }
}

/// `encode` writes exactly `golden` into any buffer it fits, and into no other.
pub(crate) fn check_encode(
    golden: &[u8],
    encoded_len: usize,
    encode: impl Fn(&mut [u8]) -> Result<usize, EncodeError>,
) {
    let need = golden.len();
    assert_eq!(encoded_len, need);
    for have in 0..need {
        let mut buf = vec![0xA5; have];
        assert_eq!(encode(&mut buf), Err(EncodeError::BufferTooSmall { need, have }));
    }
    for spare in [0, 1, 7, 100] {
        let mut buf = vec![0xA5; need + spare];
        assert_eq!(encode(&mut buf), Ok(need));
        assert_eq!(&buf[..need], golden);
        assert!(buf[need..].iter().all(|&byte| byte == 0xA5));
    }
}

/// `message` with another length field.
pub(crate) fn with_len(message: &[u8], len: u16) -> Vec<u8> {
    let mut message = message.to_vec();
    message[2..4].copy_from_slice(&len.to_le_bytes());
    message
}

/// `message` with `extra` bytes appended, and a length field that counts them.
pub(crate) fn longer(message: &[u8], extra: usize) -> Vec<u8> {
    let mut long = with_len(message, (message.len() + extra) as u16);
    long.resize(message.len() + extra, 0xEE);
    long
}
