//! One ACK through the machine, beside the same work written by hand.
#![allow(missing_docs, reason = "the macros of criterion make functions without any")]

use std::collections::HashMap;
use std::hint::black_box;

use ccp_algs::RenoAlg;
use ccp_ipc::chan;
use ccp_lang::{Call, Micros, Primitive, Primitives, Program, Registers, Staged, compile};
use ccp_runtime::{Blocking, CongAlg};
use criterion::{Criterion, criterion_group, criterion_main};

/// Seven expressions, six report fields, a report each 20 ms: what an algorithm that decides in the
/// agent asks for.
const FOLD: &str = "
(def (Report
    (volatile acked 0) (volatile sacked 0) (volatile loss 0)
    (volatile timeout false) (volatile rtt 0) (volatile inflight 0)))
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.sacked (+ Report.sacked Ack.packets_misordered))
    (:= Report.loss (+ Report.loss Ack.lost_pkts_sample))
    (:= Report.timeout Flow.was_timeout)
    (:= Report.rtt (ewma 2 Flow.rtt_sample_us))
    (:= Report.inflight Flow.packets_in_flight)
    (fallthrough))
(when (> Micros 20000) (report) (:= Micros 0))";

/// One segment acknowledged, nothing lost.
const ACK: [(Primitive, u64); 6] = [
    (Primitive::AckBytesAcked, 1_448),
    (Primitive::AckPacketsAcked, 1),
    (Primitive::FlowBytesInFlight, 28_960),
    (Primitive::FlowPacketsInFlight, 20),
    (Primitive::FlowRttSampleUs, 20_150),
    (Primitive::FlowRateIncoming, 1_500_000),
];

fn acks(c: &mut Criterion) {
    let mut group = c.benchmark_group("an ACK");
    let fold = compile(FOLD).unwrap().program;
    let reno = programs(&RenoAlg::default()).remove("window").unwrap();
    let reno = compile(reno).unwrap().program;
    for (name, program) in [("7 expressions, 6 fields", fold), ("Reno's program", reno)] {
        let mut flow = Flow::new(program);
        group.bench_function(name, |b| b.iter(|| flow.on_ack(&filled())));
    }
    let mut by_hand = ByHand::default();
    group.bench_function("7 expressions, 6 fields, by hand in Rust", |b| {
        b.iter(|| by_hand.on_ack(&filled()));
    });
    group.finish();
}

/// The primitives, put together anew as a transport does for each ACK.
#[inline]
fn filled() -> Primitives {
    let mut primitives = Primitives::new();
    for (primitive, value) in black_box(ACK) {
        primitives.set(primitive, value);
    }
    primitives
}

struct Flow {
    program: Program,
    registers: Registers,
    staged: Staged,
    now: u64,
}

impl Flow {
    fn new(program: Program) -> Self {
        let mut flow =
            Self { program, registers: Registers::new(Micros(0)), staged: Staged::new(), now: 0 };
        flow.invoke(&filled(), true);
        flow
    }

    fn on_ack(&mut self, primitives: &Primitives) -> u64 {
        self.invoke(primitives, false)
    }

    #[inline]
    fn invoke(&mut self, primitives: &Primitives, switched: bool) -> u64 {
        self.now += 1;
        let call = Call {
            now: Micros(self.now),
            primitives,
            cwnd: 14_480,
            rate: 0,
            switched,
            staged: &mut self.staged,
        };
        let mut sum = 0;
        let outcome =
            self.program.invoke(&mut self.registers, call, |fields| sum = fields.iter().sum());
        outcome.cwnd.unwrap_or(0) + sum
    }
}

/// What the program does, with the same values and tests.
#[derive(Default)]
struct ByHand {
    acked: u64,
    sacked: u64,
    loss: u64,
    timeout: bool,
    rtt: u64,
    in_flight: u64,
    now: u64,
    reported_at: u64,
}

impl ByHand {
    fn on_ack(&mut self, primitives: &Primitives) -> u64 {
        self.now += 1;
        self.acked += primitives.get(Primitive::AckBytesAcked);
        self.sacked += primitives.get(Primitive::AckPacketsMisordered);
        self.loss += primitives.get(Primitive::AckLostPktsSample);
        self.timeout = primitives.get(Primitive::FlowWasTimeout) != 0;
        let sample = primitives.get(Primitive::FlowRttSampleUs);
        self.rtt = match self.rtt {
            0 => sample,
            rtt => (2 * rtt + 8 * sample) / 10,
        };
        self.in_flight = primitives.get(Primitive::FlowPacketsInFlight);
        if self.now - self.reported_at <= 20_000 {
            return 14_480;
        }
        let (now, rest) = (self.now, Self::default());
        let fields = std::mem::replace(self, Self { now, reported_at: now, ..rest });
        let timeout = u64::from(fields.timeout);
        14_480
            + fields.acked
            + fields.sacked
            + fields.loss
            + timeout
            + fields.rtt
            + fields.in_flight
    }
}

/// The sources of an algorithm's programs.
fn programs<A: CongAlg<chan::Socket<Blocking>>>(algorithm: &A) -> HashMap<&'static str, String> {
    algorithm.datapath_programs()
}

criterion_group!(benches, acks);
criterion_main!(benches);
