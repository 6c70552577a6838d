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
        Self {
            rest: datagram,
            at: 0,
        }
    }

    /// The byte of the datagram at which the next message starts.
    #[inline]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Gives up on the rest: `error` says why the next message cannot be found.
    #[cold]
    fn lose(&mut self, error: DecodeError) -> DecodeError {
        self.at += self.rest.len();
        self.rest = &[];
        error
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let have = self.rest.len();
        if have == 0 {
            return None;
        }
        let Ok((header, _)) = Header::ref_from_prefix(self.rest) else {
            return Some(Err(self.lose(DecodeError::HeaderTruncated { at, have })));
        };
        let len = header.len.get();
        if usize::from(len) < HEADER_LEN {
            return Some(Err(self.lose(DecodeError::LenTooSmall { at, len })));
        }
        let Some((message, rest)) = self.rest.split_at_checked(usize::from(len)) else {
            return Some(Err(self.lose(DecodeError::LenPastEnd { at, len, have })));
        };
        self.rest = rest;
        self.at += message.len();
        Some(Message::decode(header, message, at))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        // Every item but a final error takes at least a header.
        (
            usize::from(!self.rest.is_empty()),
            Some(self.rest.len().div_ceil(HEADER_LEN)),
        )
    }
}

impl FusedIterator for Messages<'_> {}

impl<'a> Message<'a> {
    #[inline]
    fn decode(header: &Header, message: &'a [u8], base: usize) -> Result<Self, DecodeError> {
        match Kind::from_wire(header.kind.get()) {
            Some(Kind::Measure) => Measure::decode(message, base).map(Self::Measure),
            Some(Kind::Create) => Create::decode(message, base).map(Self::Create),
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
