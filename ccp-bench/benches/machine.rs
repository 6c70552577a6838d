//! One ACK through the machine, beside the same work written by hand.
#![allow(missing_docs, reason = "the macros of criterion make functions without any")]

use ccp_bench::acks::by_hand::ByHand;
use ccp_bench::acks::{Case, Driver, OnMachine, Visit};
use criterion::{Criterion, criterion_group, criterion_main};

fn acks(c: &mut Criterion) {
    for case in Case::ALL {
        let compiled = case.compile().unwrap();
        let mut flow = Driver::new(case, OnMachine::new(compiled));
        let mut group = c.benchmark_group(format!("an ACK: {}", case.name()));
        group.bench_function("on the machine", |b| b.iter(|| flow.ack()));
        group.finish();
        case.by_hand(Bench { c, case });
    }
}

struct Bench<'a> {
    c: &'a mut Criterion,
    case: Case,
}

impl Visit for Bench<'_> {
    type Output = ();

    fn visit<F: ByHand>(self, flow: F) {
        let mut flow = Driver::new(self.case, flow);
        let mut group = self.c.benchmark_group(format!("an ACK: {}", self.case.name()));
        group.bench_function("by hand in Rust", |b| b.iter(|| flow.ack()));
        group.finish();
    }
}

criterion_group!(benches, acks);
criterion_main!(benches);
