//! Any bytes as a datagram: no byte is skipped silently, and what is read is written as it was.

use ccp_wire::{EncodeError, HEADER_LEN, Kind, Message, Messages};

pub(crate) fn run(bytes: &[u8]) {
    let mut messages = Messages::new(bytes);
    let (mut start, mut ended) = (0, false);
    while let Some(item) = messages.next() {
        assert!(!ended, "it went on after losing its place");
        let end = messages.position();
        assert!(start < end && end <= bytes.len());
        let whole = &bytes[start..end];
        match item {
            Ok(message) => passed_on(&message, whole),
            Err(error) => {
                assert!(start <= error.at() && error.at() < end);
                assert!(!error.to_string().is_empty());
                ended = error.ends_datagram();
            }
        }
        start = end;
    }
    assert_eq!(start, bytes.len(), "bytes were skipped silently");
}

/// What was accepted says the same when it is passed on; byte by byte, unless some of it is ignored by a receiver.
fn passed_on(message: &Message<'_>, whole: &[u8]) {
    assert!(whole.len() >= HEADER_LEN && message.encoded_len() <= whole.len());
    assert!(!format!("{message:?}").is_empty());
    let mut again = vec![0; whole.len()];
    let len = match message.encode(&mut again) {
        Ok(len) => len,
        // More than one message of ours may hold, which older peers send.
        Err(EncodeError::TooManyFields { kind: Kind::UpdateFields, .. }) => return,
        Err(error) => panic!("{message:?}: {error}"),
    };
    assert_eq!(len, message.encoded_len());
    assert!(message.encode(&mut again[..len - 1]).is_err(), "there is no room for it");
    let mut back = Messages::new(&again[..len]);
    assert_eq!(back.next(), Some(Ok(*message)));
    assert_eq!(back.next(), None);
    match message {
        // A name ends at its first NUL, an address is as long as its family has it; others may grow.
        Message::Create(_) | Message::Address(_) | Message::Hello(_) | Message::Alive(_) => {}
        _ if len < whole.len() => {}
        // The header's flow means nothing.
        Message::Ready(_) | Message::Install(_) => {
            assert_eq!(&again[HEADER_LEN..len], &whole[HEADER_LEN..]);
        }
        _ => assert_eq!(&again[..len], whole),
    }
}
