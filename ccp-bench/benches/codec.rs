//! Encoding and decoding the two messages that are sent all the time.
#![allow(missing_docs, reason = "the macros of criterion make functions without any")]

use std::hint::black_box;

use ccp_wire::{FieldUpdate, FlowId, MeasureRepr, Message, Messages, ProgramUid, UpdateFieldsRepr};
use criterion::{Criterion, criterion_group, criterion_main};

/// A report of six fields, as the window-based algorithms send once a round trip.
const FIELDS: [u64; 6] = [14_480, 0, 0, 0, 20_150, 10];

fn measure(c: &mut Criterion) {
    let message = MeasureRepr { flow: FlowId(7), program_uid: ProgramUid(2), fields: &FIELDS };
    let mut buf = [0u8; 128];
    c.bench_function("encode a Measure of 6 fields", |b| {
        b.iter(|| black_box(&message).encode(black_box(&mut buf)));
    });
    let len = message.encode(&mut buf).unwrap();
    c.bench_function("decode a Measure of 6 fields", |b| {
        b.iter(|| match Messages::new(black_box(&buf[..len])).next() {
            Some(Ok(Message::Measure(measure))) => measure.fields.iter().sum::<u64>(),
            other => panic!("{other:?}"),
        });
    });
}

fn update(c: &mut Criterion) {
    let fields = [FieldUpdate { class: 2, index: 4, value: 14_480 }];
    let message = UpdateFieldsRepr { flow: FlowId(7), fields: &fields };
    let mut buf = [0u8; 64];
    c.bench_function("encode an UpdateFields of 1 field", |b| {
        b.iter(|| black_box(&message).encode(black_box(&mut buf)));
    });
    let len = message.encode(&mut buf).unwrap();
    c.bench_function("decode an UpdateFields of 1 field", |b| {
        b.iter(|| match Messages::new(black_box(&buf[..len])).next() {
            Some(Ok(Message::UpdateFields(update))) => update.fields.get(0),
            other => panic!("{other:?}"),
        });
    });
}

criterion_group!(benches, measure, update);
criterion_main!(benches);
