//! One ACK through a program: a fold of seven expressions, and what Reno, CUBIC and BBR do.

use std::cell::RefCell;
use std::rc::Rc;

use ccp_bench::acks::by_hand::ByHand;
use ccp_bench::acks::{Case, Driver, FOLD, OnMachine, Visit, stream};
use ccp_datapath::{Config, Control, Datapath, FlowHandle, FlowInfo, SinkError};
use ccp_lang::{Bounds, Call, Limits, Micros, Primitive, Primitives, Program, Registers, Staged};
use ccp_peers::inprocess::{PRIMITIVES, primitives};
use ccp_wire::{ChangeProgRepr, FieldUpdate, FlowId, Install, ProgramUid};
use libccp::{CongestionOps, Connection, DatapathBuilder, DatapathOps};

use crate::harness::{Row, nanoseconds, three};

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    // portus's code on both, so that the machines alone differ.
    let (bin, _) = portus::lang::compile(FOLD.as_bytes(), &[]).expect("portus compiles it");
    let events = bin.events.len();
    let bytes = bin.serialize().expect("portus encodes it");
    let (events, instrs) = bytes.as_chunks().0.split_at(events);

    let mut connection = libccp_flow(events, instrs, &[]);
    let program = Program::from_records(events, instrs, &Limits::LIBCCP).expect("it verifies");
    let mut flow =
        OurFlow { program, regs: Registers::new(Micros::ZERO), staged: Staged::new(), now: 0 };
    flow.ack(true);
    let mut libccp_ack = || {
        connection.load_primitives(primitives(&ACK, 14_480, 0));
        connection.invoke()
    };
    let (peer, ours) = nanoseconds(&mut libccp_ack, || flow.ack(false));
    let machine = row(
        "an ACK through the machine",
        (peer, ours),
        "peer: `invoke` of libccp's binding, its lock and its clock reads included; ours: `Program::invoke`, the caller brings the time",
    );
    let (mut datapath, handle) = our_datapath(events, instrs)?;
    let mut now = 0;
    let (peer, ours) = nanoseconds(&mut libccp_ack, || {
        now += 1;
        let control = Control { cwnd: 14_480 };
        datapath.on_ack(handle, &our_primitives(), control, Micros(now), &mut accept)
    });
    let whole = row(
        "an ACK through the datapath",
        (peer, ours),
        "peer as above; ours: `Datapath::on_ack` with flow table, fallback and report",
    );
    let mut rows = vec![machine, whole];
    for case in Case::ALL {
        rows.push(case_row(case)?);
    }
    Ok(rows)
}

fn row(what: &str, (peer, ours): (f64, f64), note: &str) -> Row {
    let note = note.into();
    let what = what.into();
    Row { what, unit: "ns", peer, ours, by_hand: None, more_is_better: false, note }
}

/// A stream of ACKs through an algorithm's program, compiled by ours, on libccp, on the machine and by hand in Rust.
fn case_row(case: Case) -> anyhow::Result<Row> {
    let compiled = case.compile()?;
    let bounds = Bounds::of(&compiled.program);
    let records = compiled.program.code().to_records();
    let orders: Vec<FieldUpdate> = case
        .orders()
        .iter()
        .filter_map(|(name, value)| Some((compiled.scope.get(name)?.reg, *value)))
        .map(|(reg, value)| FieldUpdate { class: reg.class.code(), index: reg.index, value })
        .collect();
    let mut connection = libccp_flow(&records.events, &records.instrs, &orders);
    let acks: Vec<[u64; PRIMITIVES]> = stream::steady()
        .iter()
        .map(|ack| {
            std::array::from_fn(|i| {
                let primitive = Primitive::from_index(i as u32);
                primitive.map_or(0, |primitive| ack.primitives.get(primitive))
            })
        })
        .collect();
    let mut next = 0;
    let libccp_ack = || {
        let (cwnd, rate) = (connection.cwnd, connection.rate.into());
        connection.load_primitives(primitives(&acks[next], cwnd, rate));
        next = (next + 1) % acks.len();
        connection.invoke()
    };
    let driver = Driver::new(case, OnMachine::new(compiled));
    let (peer, ours, by_hand) = case.by_hand(Timed { case, libccp_ack, driver });
    Ok(Row {
        what: format!("an ACK: {}", case.name()),
        unit: "ns",
        peer,
        ours,
        by_hand: Some(by_hand),
        more_is_better: false,
        note: format!("{} instructions in all, the same on libccp", bounds.instrs),
    })
}

/// Times all three in turns.
struct Timed<L> {
    case: Case,
    libccp_ack: L,
    driver: Driver<OnMachine>,
}

impl<T, L: FnMut() -> T> Visit for Timed<L> {
    type Output = (f64, f64, f64);

    fn visit<F: ByHand>(self, flow: F) -> Self::Output {
        let Self { case, libccp_ack, mut driver } = self;
        let mut by_hand = Driver::new(case, flow);
        three(libccp_ack, || driver.ack(), || by_hand.ack())
    }
}

/// Filled anew on each ACK, as on libccp's side.
fn our_primitives() -> Primitives {
    let mut primitives = Primitives::new();
    for (i, value) in (0..).zip(ACK) {
        primitives.set_index(i, value);
    }
    primitives
}

fn our_datapath(
    events: &[[u8; 16]],
    instrs: &[[u8; 16]],
) -> anyhow::Result<(Datapath, FlowHandle)> {
    let mut datapath = Datapath::new(Config::default(), Micros::ZERO);
    let flow = datapath.open(FlowInfo::new(14_480, 1448), Micros::ZERO, &mut accept)?;
    let mut buffer = [0; 4096];
    let install = Install { program_uid: ProgramUid(1), events, instrs };
    let len = install.encode(&mut buffer)?;
    datapath.handle_datagram(&buffer[..len], Micros::ZERO, &mut accept)?;
    let change = ChangeProgRepr { flow: FlowId(1), program_uid: ProgramUid(1), fields: &[] };
    let len = change.encode(&mut buffer)?;
    datapath.handle_datagram(&buffer[..len], Micros::ZERO, &mut accept)?;
    Ok((datapath, flow))
}

/// An agent that takes everything and says nothing.
fn accept(_datagram: &[u8]) -> Result<(), SinkError> {
    Ok(())
}

struct OurFlow {
    program: Program,
    regs: Registers,
    staged: Staged,
    now: u64,
}

impl OurFlow {
    fn ack(&mut self, switched: bool) -> u64 {
        let primitives = our_primitives();
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
        let outcome = self.program.invoke(&mut self.regs, call, |fields| sum = fields.iter().sum());
        outcome.cwnd.unwrap_or(0) + sum
    }
}

fn libccp_flow(
    events: &[[u8; 16]],
    instrs: &[[u8; 16]],
    fields: &[FieldUpdate],
) -> Connection<'static, Transport> {
    let ops = Sent(Rc::new(RefCell::new(0)));
    let datapath = DatapathBuilder::default().with_ops(ops).init().expect("libccp starts");
    let datapath = &*Box::leak(Box::new(datapath));
    let mut buffer = [0; 8192];
    let install = Install { program_uid: ProgramUid(1), events, instrs };
    let len = install.encode(&mut buffer).expect("it fits");
    datapath.recv_msg(&mut buffer[..len]).expect("libccp takes it");
    let connection = Connection::start(
        datapath,
        Transport { cwnd: 14_480, rate: 0 },
        libccp::FlowInfo::default(),
    );
    let mut connection = connection.expect("a free slot");
    let change = ChangeProgRepr { flow: FlowId(1), program_uid: ProgramUid(1), fields };
    let len = change.encode(&mut buffer).expect("it fits");
    datapath.recv_msg(&mut buffer[..len]).expect("libccp takes it");
    connection.invoke().expect("the program runs");
    connection
}

struct Transport {
    cwnd: u32,
    rate: u32,
}

impl CongestionOps for Transport {
    fn set_cwnd(&mut self, cwnd: u32) {
        self.cwnd = cwnd;
    }

    fn set_rate_abs(&mut self, rate: u32) {
        self.rate = rate;
    }
}

struct Sent(Rc<RefCell<usize>>);

impl DatapathOps for Sent {
    fn send_msg(&mut self, msg: &[u8]) {
        *self.0.borrow_mut() += msg.len();
    }
}

/// One segment acknowledged, nothing lost.
const ACK: [u64; 15] =
    [1448, 0, 0, 0, 0, 0, 1, 0, 57_920, 1 << 20, 40, 3_000_000, 3_000_000, 20_000, 0];
