//! Taking a datagram apart into its messages.

use core::iter::FusedIterator;

use zerocopy::FromBytes;

use crate::header::Header;
use crate::{
    Address, Alive, ChangeProg, Create, DecodeError, EncodeError, FlowId, HEADER_LEN, Hello,
    Install, Kind, Measure, Ready, Unknown, UpdateFields,
};

/// The messages of one datagram, in order.
///
/// Each item is a checked message, or says what is wrong with it. A message that is wrong inside
/// does not spoil the next; only when its header is wrong, so that nothing says where the next one
/// starts, is the error the last item ([`DecodeError::ends_datagram`]). An empty datagram has no
/// messages and is no error.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    /// The byte of the datagram at which `rest` starts.
    at: usize,
}

/// One message, checked and borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// A flow has started.
    Create(Create<'a>),
    /// The report of a flow, or its end.
    Measure(Measure<'a>),
    /// A program for the datapath's table.
    Install(Install<'a>),
    /// New values for registers of a flow.
    UpdateFields(UpdateFields<'a>),
    /// Another program for a flow.
    ChangeProg(ChangeProg<'a>),
    /// The datapath has started.
    Ready(Ready),
    /// What the datapath can do.
    Hello(Hello),
    /// The agent lives.
    Alive(Alive),
    /// The full addresses of the flow created next.
    Address(Address),
    /// A kind of message this crate does not know.
    Unknown(Unknown<'a>),
}

impl<'a> Messages<'a> {
    /// Starts at the first byte of `datagram`.
    #[inline]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram, at: 0 }
    }

    /// The byte of the datagram at which the next message starts.
    #[inline]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Takes the bytes of the next message off the front, as its header delimits them.
    #[inline(always)]
    fn split(&mut self) -> Option<(&'a Header, &'a [u8])> {
        let (header, _) = Header::ref_from_prefix(self.rest).ok()?;
        let len = usize::from(header.len.get());
        if len < HEADER_LEN {
            return None;
        }
        let (message, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        self.at += len;
        Some((header, message))
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    // Always in place: a report then never leaves the registers on its way to the caller's `match`.
    // Handed over in memory it costs three times as much.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let at = self.at;
        Some(match self.split() {
            Some((header, message)) => Message::decode(header, message, at),
            None => {
                let rest = core::mem::take(&mut self.rest);
                self.at += rest.len();
                Err(no_message(rest, at))
            }
        })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        // Every item but a final error takes at least a header.
        (usize::from(!self.rest.is_empty()), Some(self.rest.len().div_ceil(HEADER_LEN)))
    }
}

impl FusedIterator for Messages<'_> {}

impl<'a> Message<'a> {
    /// Reports are nearly all that an agent receives, so they alone are decoded in the caller's
    /// loop; the code of the other kinds would bloat each of them.
    #[inline(always)]
    fn decode(header: &Header, message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        if header.kind.get() == Kind::Measure.to_wire() {
            Measure::decode(message, base).map(Self::Measure)
        } else {
            Self::decode_any(header, message, base)
        }
    }

    #[inline(never)]
    fn decode_any(header: &Header, message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        match Kind::from_wire(header.kind.get()) {
            Some(Kind::Create) => Create::decode(message, base).map(Self::Create),
            Some(Kind::Measure) => Measure::decode(message, base).map(Self::Measure),
            Some(Kind::Install) => Install::decode(message, base).map(Self::Install),
            Some(Kind::UpdateFields) => UpdateFields::decode(message, base).map(Self::UpdateFields),
            Some(Kind::ChangeProg) => ChangeProg::decode(message, base).map(Self::ChangeProg),
            Some(Kind::Ready) => Ready::decode(message, base).map(Self::Ready),
            Some(Kind::Hello) => Hello::decode(message, base).map(Self::Hello),
            Some(Kind::Alive) => Alive::decode(message, base).map(Self::Alive),
            Some(Kind::Address) => Address::decode(message, base).map(Self::Address),
            None => Ok(Self::Unknown(Unknown::decode(header, message))),
        }
    }

    /// Its kind; `None` for [`Unknown`].
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Create(_) => Kind::Create,
            Self::Measure(_) => Kind::Measure,
            Self::Install(_) => Kind::Install,
            Self::UpdateFields(_) => Kind::UpdateFields,
            Self::ChangeProg(_) => Kind::ChangeProg,
            Self::Ready(_) => Kind::Ready,
            Self::Hello(_) => Kind::Hello,
            Self::Alive(_) => Kind::Alive,
            Self::Address(_) => Kind::Address,
            Self::Unknown(_) => return None,
        })
    }

    /// The flow it is about; `None` where it is about the whole datapath.
    pub const fn flow(&self) -> Option<FlowId> {
        match self {
            Self::Create(m) => Some(m.flow),
            Self::Measure(m) => Some(m.flow),
            Self::UpdateFields(m) => Some(m.flow),
            Self::ChangeProg(m) => Some(m.flow),
            Self::Address(m) => Some(m.flow),
            Self::Unknown(m) => Some(m.flow),
            Self::Install(_) | Self::Ready(_) | Self::Hello(_) | Self::Alive(_) => None,
        }
    }

    /// Bytes of the encoded message.
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Create(m) => m.encoded_len(),
            Self::Measure(m) => m.encoded_len(),
            Self::Install(m) => m.encoded_len(),
            Self::UpdateFields(m) => m.encoded_len(),
            Self::ChangeProg(m) => m.encoded_len(),
            Self::Ready(m) => m.encoded_len(),
            Self::Hello(m) => m.encoded_len(),
            Self::Alive(m) => m.encoded_len(),
            Self::Address(m) => m.encoded_len(),
            Self::Unknown(m) => m.encoded_len(),
        }
    }

    /// Writes the message to the start of `buf` and returns its length, for passing it on.
    ///
    /// What was ignored in decoding (bytes after a name, fields appended by a newer peer) is not
    /// written.
    ///
    /// # Errors
    ///
    /// Those of the message's own `encode`.
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        match self {
            Self::Create(m) => m.encode(buf),
            Self::Measure(m) => m.encode(buf),
            Self::Install(m) => m.encode(buf),
            Self::UpdateFields(m) => m.encode(buf),
            Self::ChangeProg(m) => m.encode(buf),
            Self::Ready(m) => m.encode(buf),
            Self::Hello(m) => m.encode(buf),
            Self::Alive(m) => m.encode(buf),
            Self::Address(m) => m.encode(buf),
            Self::Unknown(m) => m.encode(buf),
        }
    }
}

/// Why no message starts at the front of `rest`, which starts at byte `at` of its datagram.
#[cold]
#[inline(never)]
fn no_message(rest: &[u8], at: usize) -> DecodeError {
    let have = rest.len();
    match Header::ref_from_prefix(rest) {
        Err(_) => DecodeError::HeaderTruncated { at, have },
        Ok((header, _)) => match header.len.get() {
            len if usize::from(len) < HEADER_LEN => DecodeError::LenTooSmall { at, len },
            len => DecodeError::LenPastEnd { at, len, have },
        },
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const READY: [u8; 12] = [5, 0, 12, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    const CLOSE: [u8; 16] = [1, 0, 16, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const OTHER: [u8; 9] = [6, 0, 9, 0, 7, 0, 0, 0, 0xEE];
    /// A Ready that is too short to be one.
    const BAD: [u8; 8] = [5, 0, 8, 0, 0, 0, 0, 0];

    fn all(datagram: &[u8]) -> Vec<Result<Message<'_>, DecodeError>> {
        let mut messages = Messages::new(datagram);
        let (least, most) = messages.size_hint();
        let all: Vec<_> = messages.by_ref().collect();
        assert!(least <= all.len() && all.len() <= most.expect("a bound"));
        assert_eq!(messages.position(), datagram.len());
        assert_eq!(messages.next(), None);
        all
    }

    #[test]
    fn an_empty_datagram_has_no_messages() {
        assert_eq!(all(&[]), []);
    }

    #[test]
    fn messages_back_to_back_come_in_order_at_any_alignment() {
        let datagram = [&OTHER[..], &READY, &OTHER, &CLOSE].concat();
        let kinds: Vec<_> =
            all(&datagram).into_iter().map(|message| message.expect("a message").kind()).collect();
        assert_eq!(kinds, [None, Some(Kind::Ready), None, Some(Kind::Measure)]);
    }

    #[test]
    fn a_message_that_is_wrong_inside_does_not_spoil_the_next() {
        let datagram = [&READY[..], &BAD, &CLOSE].concat();
        let messages = all(&datagram);
        assert_eq!(messages.len(), 3);
        assert_eq!(
            messages[1],
            Err(DecodeError::TooShort { kind: Kind::Ready, at: 12, len: 8, need: 12 })
        );
        assert!(messages[2].is_ok());
    }

    #[test]
    fn places_count_from_the_start_of_the_datagram() {
        let mut lying = CLOSE;
        lying[12] = 1;
        let datagram = [&READY[..], &lying, &READY].concat();
        let error = all(&datagram)[1].expect_err("its count lies");
        assert_eq!(error.at(), 12 + 12);
        assert!(!error.ends_datagram());
    }

    #[test]
    fn a_header_that_is_wrong_ends_the_datagram() {
        for (bad, expected) in [
            (&[5, 0, 7, 0, 0, 0, 0, 0][..], DecodeError::LenTooSmall { at: 12, len: 7 }),
            (&[5, 0, 0, 0, 0, 0, 0, 0], DecodeError::LenTooSmall { at: 12, len: 0 }),
            (
                &[5, 0, 0xFF, 0xFF, 0, 0, 0, 0],
                DecodeError::LenPastEnd { at: 12, len: 65535, have: 24 },
            ),
        ] {
            let datagram = [&READY[..], bad, &CLOSE].concat();
            let messages = all(&datagram);
            assert_eq!(messages.len(), 2);
            assert_eq!(messages[1], Err(expected));
            assert!(expected.ends_datagram());
        }
    }

    #[test]
    fn padding_too_short_for_a_header_is_an_error_after_the_messages() {
        let datagram = [&READY[..], &[0, 0, 0]].concat();
        let messages = all(&datagram);
        assert!(messages[0].is_ok());
        assert_eq!(messages[1], Err(DecodeError::HeaderTruncated { at: 12, have: 3 }));
    }

    #[test]
    fn only_messages_about_a_flow_name_one() {
        let datagram = [&READY[..], &CLOSE, &OTHER].concat();
        let flows: Vec<_> =
            all(&datagram).into_iter().map(|message| message.expect("a message").flow()).collect();
        assert_eq!(flows, [None, Some(FlowId(7)), Some(FlowId(7))]);
    }
}
