//! What must hold for every message and for every datagram, whoever made it.

use ccp_wire::{
    Address, Alive, ChangeProgRepr, Create, DecodeError, EncodeError, Family, FieldUpdate, FlowId,
    HEADER_LEN, Hello, HelloFlags, Install, Kind, MeasureRepr, Message, Messages, ProgramUid,
    Ready, Unknown, UpdateFieldsRepr,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// The contents of one message, owned.
#[derive(Clone, Debug)]
enum Sent {
    Create([u32; 7], String),
    Measure(u32, u32, Vec<u64>),
    Install(u32, Vec<[u8; 16]>, Vec<[u8; 16]>),
    UpdateFields(u32, Vec<FieldUpdate>),
    ChangeProg(u32, u32, Vec<FieldUpdate>),
    Ready(Ready),
    Hello(Hello),
    Alive(Alive),
    Address(Address),
    Unknown(u16, u32, Vec<u8>),
}

impl Sent {
    fn create<'a>(numbers: &[u32; 7], cong_alg: &'a str) -> Create<'a> {
        let [flow, init_cwnd, mss, src_ip, src_port, dst_ip, dst_port] = *numbers;
        Create { flow: FlowId(flow), init_cwnd, mss, src_ip, src_port, dst_ip, dst_port, cong_alg }
    }

    fn encode(&self, buf: &mut [u8]) -> Result<usize, EncodeError> {
        match self {
            Self::Create(numbers, name) => Self::create(numbers, name).encode(buf),
            Self::Measure(flow, uid, fields) => {
                MeasureRepr { flow: FlowId(*flow), program_uid: ProgramUid(*uid), fields }
                    .encode(buf)
            }
            Self::Install(uid, events, instrs) => {
                Install { program_uid: ProgramUid(*uid), events, instrs }.encode(buf)
            }
            Self::UpdateFields(flow, fields) => {
                UpdateFieldsRepr { flow: FlowId(*flow), fields }.encode(buf)
            }
            Self::ChangeProg(flow, uid, fields) => {
                ChangeProgRepr { flow: FlowId(*flow), program_uid: ProgramUid(*uid), fields }
                    .encode(buf)
            }
            Self::Ready(m) => m.encode(buf),
            Self::Hello(m) => m.encode(buf),
            Self::Alive(m) => m.encode(buf),
            Self::Address(m) => m.encode(buf),
            Self::Unknown(kind, flow, body) => {
                Unknown { kind: *kind, flow: FlowId(*flow), body }.encode(buf)
            }
        }
    }

    /// Whether `received` says exactly the same.
    fn is(&self, received: &Message<'_>) -> bool {
        match (self, received) {
            (Self::Create(numbers, name), Message::Create(m)) => *m == Self::create(numbers, name),
            (Self::Measure(flow, uid, fields), Message::Measure(m)) => {
                m.flow.0 == *flow
                    && m.program_uid.0 == *uid
                    && m.is_close() == fields.is_empty()
                    && m.fields.iter().eq(fields.iter().copied())
            }
            (Self::Install(uid, events, instrs), Message::Install(m)) => {
                m.program_uid.0 == *uid && m.events == events && m.instrs == instrs
            }
            (Self::UpdateFields(flow, fields), Message::UpdateFields(m)) => {
                m.flow.0 == *flow && m.fields.iter().eq(fields.iter().copied())
            }
            (Self::ChangeProg(flow, uid, fields), Message::ChangeProg(m)) => {
                m.flow.0 == *flow
                    && m.program_uid.0 == *uid
                    && m.fields.iter().eq(fields.iter().copied())
            }
            (Self::Ready(sent), Message::Ready(m)) => m == sent,
            (Self::Hello(sent), Message::Hello(m)) => m == sent,
            (Self::Alive(sent), Message::Alive(m)) => m == sent,
            (Self::Address(sent), Message::Address(m)) => m == sent,
            (Self::Unknown(kind, flow, body), Message::Unknown(m)) => {
                m.kind == *kind && m.flow.0 == *flow && m.body == body
            }
            _ => false,
        }
    }
}

fn updates(most: usize) -> impl Strategy<Value = Vec<FieldUpdate>> {
    let update = any::<(u8, u32, u64)>().prop_map(|(class, index, value)| FieldUpdate {
        class,
        index,
        value,
    });
    vec(update, 0..=most)
}

fn name() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|mut name| {
        name.retain(|c| c != '\0');
        while name.len() > 63 {
            name.pop();
        }
        name
    })
}

fn message() -> impl Strategy<Value = Sent> {
    let records = || vec(any::<[u8; 16]>(), 0..40);
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let unknown_kind = any::<u16>().prop_filter("known", |&kind| Kind::from_wire(kind).is_none());
    prop_oneof![
        (any::<[u32; 7]>(), name()).prop_map(|(numbers, name)| Sent::Create(numbers, name)),
        (any::<u32>(), any::<u32>(), vec(any::<u64>(), 0..=110))
            .prop_map(|(flow, uid, fields)| Sent::Measure(flow, uid, fields)),
        (any::<u32>(), records(), records())
            .prop_map(|(uid, events, instrs)| Sent::Install(uid, events, instrs)),
        (any::<u32>(), updates(127)).prop_map(|(flow, fields)| Sent::UpdateFields(flow, fields)),
        (any::<u32>(), any::<u32>(), updates(222))
            .prop_map(|(flow, uid, fields)| Sent::ChangeProg(flow, uid, fields)),
        any::<u32>().prop_map(|id| Sent::Ready(Ready { id })),
        any::<(u32, u64, u32, u32)>().prop_map(|(flags, primitives, max_programs, max_instrs)| {
            Sent::Hello(Hello { flags: HelloFlags(flags), primitives, max_programs, max_instrs })
        }),
        any::<u32>().prop_map(|interval_ms| Sent::Alive(Alive { interval_ms })),
        (any::<u32>(), family, any::<[u8; 16]>(), any::<[u8; 16]>()).prop_map(
            |(flow, family, src, dst)| {
                Sent::Address(Address { flow: FlowId(flow), family, src, dst })
            }
        ),
        (unknown_kind, any::<u32>(), vec(any::<u8>(), 0..100))
            .prop_map(|(kind, flow, body)| Sent::Unknown(kind, flow, body)),
    ]
}

fn datagram(messages: &[Sent]) -> Vec<u8> {
    let mut bytes = vec![0; messages.len() * 4096];
    let mut len = 0;
    for message in messages {
        len += message.encode(&mut bytes[len..]).expect("it fits");
    }
    bytes.truncate(len);
    bytes
}

/// Bytes that look like messages: a small kind, a length that is nearly right, small counts.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let message = (0..20u16, -3..4i32, vec(prop_oneof![0..4u8, any::<u8>()], 0..120)).prop_map(
        |(kind, off, body)| {
            let len = (HEADER_LEN + body.len()) as i32;
            let off = if off.abs() == 3 { off } else { 0 };
            let mut bytes = kind.to_le_bytes().to_vec();
            bytes.extend_from_slice(&((len + off) as u16).to_le_bytes());
            bytes.extend_from_slice(&[9, 0, 0, 0]);
            bytes.extend_from_slice(&body);
            bytes
        },
    );
    vec(message, 0..6).prop_map(|messages| messages.concat())
}

/// Whether `part` lies inside `whole` in memory: borrowed, not copied.
fn is_within(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

/// Goes through everything a receiver could touch, and checks what holds for any bytes.
fn check_any(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut messages = Messages::new(bytes);
    let mut start = 0;
    let mut ended = false;
    while let Some(item) = messages.next() {
        prop_assert!(!ended, "went on after losing its place");
        let end = messages.position();
        prop_assert!(start < end && end <= bytes.len());
        let whole = &bytes[start..end];
        match item {
            Ok(message) => check_message(&message, whole)?,
            Err(error) => {
                prop_assert!(start <= error.at() && error.at() < end);
                prop_assert!(!error.to_string().is_empty());
                ended = error.ends_datagram();
            }
        }
        start = end;
    }
    prop_assert_eq!(start, bytes.len(), "bytes were skipped silently");
    Ok(())
}

fn check_message(message: &Message<'_>, whole: &[u8]) -> Result<(), TestCaseError> {
    prop_assert!(whole.len() >= HEADER_LEN);
    prop_assert!(message.encoded_len() <= whole.len());
    let shown = format!("{message:?}");
    prop_assert!(!shown.is_empty());
    match message {
        Message::Create(m) => prop_assert!(is_within(m.cong_alg.as_bytes(), whole)),
        Message::Measure(m) => prop_assert_eq!(m.fields.iter().count(), m.fields.len()),
        Message::Install(m) => {
            prop_assert!(is_within(m.events.as_flattened(), whole));
            prop_assert!(is_within(m.instrs.as_flattened(), whole));
        }
        Message::UpdateFields(m) => prop_assert_eq!(m.fields.iter().count(), m.fields.len()),
        Message::ChangeProg(m) => prop_assert_eq!(m.fields.iter().count(), m.fields.len()),
        Message::Unknown(m) => prop_assert!(is_within(m.body, whole)),
        _ => {}
    }
    // What was accepted says the same when it is passed on.
    let mut again = vec![0; whole.len()];
    match message.encode(&mut again) {
        Ok(len) => {
            prop_assert_eq!(len, message.encoded_len());
            let read_back = Messages::new(&again[..len]).next();
            prop_assert_eq!(read_back, Some(Ok(*message)));
        }
        Err(error) => prop_assert!(
            matches!(error, EncodeError::TooManyFields { kind: Kind::UpdateFields, .. }),
            "{}",
            error
        ),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_arrive_as_they_were_sent(sent in vec(message(), 0..8)) {
        let bytes = datagram(&sent);
        let received: Result<Vec<_>, _> = Messages::new(&bytes).collect();
        let received = received.expect("all are valid");
        prop_assert_eq!(received.len(), sent.len());
        for (sent, received) in sent.iter().zip(&received) {
            prop_assert!(sent.is(received), "{:?} came as {:?}", sent, received);
        }
        check_any(&bytes)?;
    }

    #[test]
    fn a_cut_datagram_loses_its_last_message_and_no_other(
        sent in vec(message(), 1..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = datagram(&sent);
        let cut = &bytes[..cut.index(bytes.len())];
        let mut whole = 0;
        for (sent, received) in sent.iter().zip(Messages::new(cut)) {
            match received {
                Ok(received) => prop_assert!(sent.is(&received)),
                Err(error) => prop_assert!(error.ends_datagram()),
            }
            whole += usize::from(received.is_ok());
        }
        prop_assert!(whole < sent.len());
        check_any(cut)?;
    }

    #[test]
    fn a_changed_byte_changes_no_message_before_it(
        sent in vec(message(), 1..5),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let mut bytes = datagram(&sent);
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        let mut messages = Messages::new(&bytes);
        for sent in &sent {
            let Some(received) = messages.next() else { break };
            if messages.position() > place {
                break;
            }
            prop_assert!(sent.is(&received.expect("an intact message")));
        }
        check_any(&bytes)?;
    }

    #[test]
    fn arbitrary_bytes_are_messages_or_errors(bytes in vec(any::<u8>(), 0..2048)) {
        check_any(&bytes)?;
    }

    #[test]
    fn bytes_that_look_like_messages_are_messages_or_errors(bytes in plausible()) {
        check_any(&bytes)?;
    }

    #[test]
    fn a_length_field_that_lies_never_reaches_past_the_datagram(
        sent in message(),
        len in any::<u16>(),
    ) {
        let mut bytes = datagram(&[sent]);
        let have = bytes.len();
        bytes[2..4].copy_from_slice(&len.to_le_bytes());
        let first = Messages::new(&bytes).next().expect("there are bytes");
        if usize::from(len) < HEADER_LEN {
            prop_assert_eq!(first, Err(DecodeError::LenTooSmall { at: 0, len }));
        } else if usize::from(len) > have {
            prop_assert_eq!(first, Err(DecodeError::LenPastEnd { at: 0, len, have }));
        }
        check_any(&bytes)?;
    }
}
