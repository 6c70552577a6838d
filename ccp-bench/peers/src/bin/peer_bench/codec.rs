//! A Measure of six fields, there and back.

use std::hint::black_box;

use ccp_wire::{FlowId, MeasureRepr, Message, Messages, ProgramUid};
use portus::serialize::{Msg, measure, serialize};

use crate::harness::{Row, nanoseconds};

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let measure = measure::Msg { sid: 7, program_uid: 3, num_fields: 6, fields: FIELDS.to_vec() };
    let bytes = serialize(&measure).expect("portus encodes a Measure");
    let repr = MeasureRepr { flow: FlowId(7), program_uid: ProgramUid(3), fields: &FIELDS };
    let mut buffer = [0; 1024];
    let len = repr.encode(&mut buffer).expect("it fits");
    assert_eq!(buffer[..len], bytes, "both sides write the same");

    let (peer, ours) = nanoseconds(
        || match Msg::from_buf(black_box(&bytes)) {
            Ok((Msg::Ms(m), _)) => m.fields.iter().sum::<u64>(),
            _ => unreachable!("it is a Measure"),
        },
        || match Messages::new(black_box(&bytes)).next() {
            Some(Ok(Message::Measure(m))) => m.fields.iter().sum::<u64>(),
            _ => unreachable!("it is a Measure"),
        },
    );
    let decode = row("decode", peer, ours, "all fields read; portus allocates a Vec of them");
    let (peer, ours) = nanoseconds(
        || serialize(black_box(&measure)),
        || black_box(&repr).encode(black_box(&mut buffer)),
    );
    let encode =
        row("encode", peer, ours, "portus returns a new Vec, ours writes into the caller's buffer");
    Ok(vec![decode, encode])
}

fn row(what: &str, peer: f64, ours: f64, note: &str) -> Row {
    let what = format!("{what} a Measure of 6 fields");
    let note = note.into();
    Row { what, unit: "ns", peer, ours, by_hand: None, more_is_better: false, note }
}

const FIELDS: [u64; 6] = [14_480, 2, 1, 0, 20_000, 40];
