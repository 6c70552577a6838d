//! One ACK through a program of seven expressions and six report fields.

use std::cell::RefCell;
use std::rc::Rc;

use ccp_lang::{Call, Limits, Micros, Primitives, Program, Registers, Staged};
use ccp_peers::inprocess::primitives;
use ccp_wire::{ChangeProgRepr, FlowId, Install, ProgramUid};
use libccp::{CongestionOps, Connection, DatapathBuilder, DatapathOps, FlowInfo};

use crate::harness::{Row, nanoseconds};

pub(crate) fn rows() -> Vec<Row> {
    // portus's code on both, so that the machines alone differ.
    let (bin, _) = portus::lang::compile(PROGRAM.as_bytes(), &[]).expect("portus compiles it");
    let events = bin.events.len();
    let bytes = bin.serialize().expect("portus encodes it");
    let (events, instrs) = bytes.as_chunks().0.split_at(events);

    let mut connection = libccp_flow(events, instrs);
    let program = Program::from_records(events, instrs, &Limits::LIBCCP).expect("it verifies");
    let mut flow = OurFlow {
        program,
        regs: Registers::new(Micros::ZERO),
        staged: Staged::new(),
        now: 0,
    };
    flow.ack(true);
    let (peer, machine) = nanoseconds(
        || {
            connection.load_primitives(primitives(&ACK, 14_480, 0));
            connection.invoke()
        },
        || flow.ack(false),
    );
    let note = "libccp: with its binding's lock and its two clock reads per ACK; ours: `Program::invoke`, the caller brings the time";
    vec![Row {
        what: "an ACK through the machine".into(),
        unit: "ns",
        peer,
        ours: machine,
        more_is_better: false,
        note: note.into(),
    }]
}

struct OurFlow {
    program: Program,
    regs: Registers,
    staged: Staged,
    now: u64,
}

impl OurFlow {
    fn ack(&mut self, switched: bool) -> u64 {
        // Filled anew on each ACK, as on libccp's side.
        let mut primitives = Primitives::new();
        for (i, value) in (0..).zip(ACK) {
            primitives.set_index(i, value);
        }
        self.now += 1;
        let call = Call {
            now: Micros(self.now),
            primitives: &primitives,
            cwnd: 14_480,
            rate: 0,
            switched,
            staged: &mut self.staged,
        };
        let mut sum = 0;
        let outcome = self
            .program
            .invoke(&mut self.regs, call, |fields| sum = fields.iter().sum());
        outcome.cwnd.unwrap_or(0) + sum
    }
}

fn libccp_flow(events: &[[u8; 16]], instrs: &[[u8; 16]]) -> Connection<'static, Transport> {
    let ops = Sent(Rc::new(RefCell::new(0)));
    let datapath = DatapathBuilder::default()
        .with_ops(ops)
        .init()
        .expect("libccp starts");
    let datapath = &*Box::leak(Box::new(datapath));
    let mut buffer = [0; 4096];
    let install = Install {
        program_uid: ProgramUid(1),
        events,
        instrs,
    };
    let len = install.encode(&mut buffer).expect("it fits");
    datapath
        .recv_msg(&mut buffer[..len])
        .expect("libccp takes it");
    let connection = Connection::start(datapath, Transport::default(), FlowInfo::default());
    let mut connection = connection.expect("a free slot");
    let change = ChangeProgRepr {
        flow: FlowId(1),
        program_uid: ProgramUid(1),
        fields: &[],
    };
    let len = change.encode(&mut buffer).expect("it fits");
    datapath
        .recv_msg(&mut buffer[..len])
        .expect("libccp takes it");
    connection.invoke().expect("the program runs");
    connection
}

#[derive(Default)]
struct Transport {
    cwnd: u32,
}

impl CongestionOps for Transport {
    fn set_cwnd(&mut self, cwnd: u32) {
        self.cwnd = cwnd;
    }

    fn set_rate_abs(&mut self, _rate: u32) {}
}

struct Sent(Rc<RefCell<usize>>);

impl DatapathOps for Sent {
    fn send_msg(&mut self, msg: &[u8]) {
        *self.0.borrow_mut() += msg.len();
    }
}

/// What most published programs do on each ACK, reporting once in a while.
pub(crate) const PROGRAM: &str = "
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
const ACK: [u64; 15] = [
    1448,
    0,
    0,
    0,
    0,
    0,
    1,
    0,
    57_920,
    1 << 20,
    40,
    3_000_000,
    3_000_000,
    20_000,
    0,
];
