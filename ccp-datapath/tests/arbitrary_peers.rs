//! Whatever the agent sends and the transport does: no panic, no growth, and a good flow is served meanwhile.

mod common;

use ccp_datapath::{
    Config, Control, Datapath, FlowHandle, FlowInfo, Governor, SinkError, fallback::Reno,
};
use ccp_lang::{Code, Event, Instr, Micros, Op, Primitives, Reg};
use ccp_wire::{Alive, FieldUpdate, FlowId};
use common::{CWND, change, install, lines, reporting, update};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Install {
        uid: u32,
        code: Code,
    },
    Update {
        flow: u32,
        fields: Vec<FieldUpdate>,
    },
    Change {
        flow: u32,
        uid: u32,
        fields: Vec<FieldUpdate>,
    },
    Alive {
        interval_ms: u32,
    },
    /// A good message with one byte changed.
    Corrupt {
        at: usize,
        to: u8,
    },
    Open,
    Close(usize),
    Ack {
        flow: usize,
        values: Vec<u64>,
        cwnd: u64,
    },
    Sleep(u64),
    Timeout,
    Link(Result<(), SinkError>),
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..4_u64, any::<u64>(), Just(u64::MAX), Just(u64::from(u32::MAX))]
}

fn reg() -> impl Strategy<Value = Reg> {
    (0..9_u8, prop_oneof![0..8_u32, Just(109), Just(110), any::<u32>()])
        .prop_filter_map("a class", |(class, index)| {
            Some(Reg::new(ccp_lang::Class::from_code(class)?, index))
        })
}

fn code() -> impl Strategy<Value = Code> {
    let op = (0..15_u8).prop_filter_map("an operation", Op::from_opcode);
    let instr = (op, reg(), reg(), reg()).prop_map(|(op, a, b, c)| Instr::new(op, a, b, c));
    let event = (0..4_u32, 0..4_u32, 0..4_u32, 0..4_u32).prop_map(|(f, nf, b, nb)| Event {
        flag_idx: f,
        num_flag_instrs: nf,
        body_idx: b,
        num_body_instrs: nb,
    });
    let any_code = (prop::collection::vec(event, 0..3), prop::collection::vec(instr, 0..8))
        .prop_map(|(events, instrs)| Code { events, instrs });
    prop_oneof![1 => any_code, 2 => Just(reporting())]
}

fn fields() -> impl Strategy<Value = Vec<FieldUpdate>> {
    let settable = (0..3_u8, 0..6_u32, number()).prop_map(|(class, index, value)| FieldUpdate {
        class: [0, 2, 8][usize::from(class)],
        index,
        value,
    });
    let any_field = (any::<u8>(), any::<u32>(), any::<u64>())
        .prop_map(|(class, index, value)| FieldUpdate { class, index, value });
    prop::collection::vec(prop_oneof![4 => settable, 1 => any_field], 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    let flow = || prop_oneof![3 => 1..40_u32, 1 => any::<u32>()];
    let link = prop_oneof![Just(Ok(())), Just(Err(SinkError::Full)), Just(Err(SinkError::Gone))];
    prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Step::Bytes),
        2 => (0..6_u32, code()).prop_map(|(uid, code)| Step::Install { uid, code }),
        3 => (flow(), fields()).prop_map(|(flow, fields)| Step::Update { flow, fields }),
        3 => (flow(), 0..6_u32, fields())
            .prop_map(|(flow, uid, fields)| Step::Change { flow, uid, fields }),
        1 => any::<u32>().prop_map(|interval_ms| Step::Alive { interval_ms }),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(at, to)| Step::Corrupt { at, to }),
        2 => Just(Step::Open),
        1 => any::<usize>().prop_map(Step::Close),
        6 => (any::<usize>(), prop::collection::vec(number(), 32), number())
            .prop_map(|(flow, values, cwnd)| Step::Ack { flow, values, cwnd }),
        3 => prop_oneof![0..400_000_u64, any::<u64>()].prop_map(Step::Sleep),
        1 => Just(Step::Timeout),
        2 => link.prop_map(Step::Link),
    ]
}

const MAX_FLOWS: u32 = 6;
const MAX_PROGRAMS: u32 = 3;

struct World {
    datapath: Datapath,
    now: u64,
    link: Result<(), SinkError>,
    flows: Vec<FlowHandle>,
    sent: Vec<Vec<u8>>,
    reno: Reno,
}

impl World {
    fn new() -> Self {
        let mut config = Config::default();
        config.max_flows = MAX_FLOWS;
        config.max_programs = MAX_PROGRAMS;
        Self {
            datapath: Datapath::new(config, Micros(0)),
            now: 0,
            link: Ok(()),
            flows: Vec::new(),
            sent: Vec::new(),
            reno: Reno::new(1460, CWND),
        }
    }

    fn receive(&mut self, datagram: &[u8]) {
        let (link, now) = (self.link, Micros(self.now));
        let sent = &mut self.sent;
        let _ = self.datapath.handle_datagram(datagram, now, &mut |d: &[u8]| {
            sent.push(d.to_vec());
            link
        });
    }

    fn open(&mut self) -> Option<FlowHandle> {
        let (link, now) = (self.link, Micros(self.now));
        let sent = &mut self.sent;
        let info = FlowInfo::new(CWND as u32, 1460);
        let flow = self.datapath.open(info, now, &mut |d: &[u8]| {
            sent.push(d.to_vec());
            link
        });
        self.flows.extend(flow.ok());
        flow.ok()
    }

    fn ack(&mut self, flow: FlowHandle, primitives: &Primitives, cwnd: u64) -> Governor {
        let (link, now) = (self.link, Micros(self.now));
        let sent = &mut self.sent;
        let decision = self
            .datapath
            .on_ack(flow, primitives, Control { cwnd }, now, &mut |d: &[u8]| {
                sent.push(d.to_vec());
                link
            })
            .expect("an open flow");
        assert_ne!(decision.cwnd, Some(0));
        assert_ne!(decision.rate, Some(0));
        if decision.governor != Governor::Agent {
            assert!(self.reno.on_ack(primitives) >= 1460);
        }
        decision.governor
    }

    /// Does one step. The flow in `keep` is left alone by closings.
    fn take(&mut self, step: &Step, keep: Option<FlowHandle>) {
        match step {
            Step::Bytes(bytes) => self.receive(bytes),
            Step::Install { uid, code } => self.receive(&install(*uid, code)),
            Step::Update { flow, fields } => self.receive(&update(FlowId(*flow), fields)),
            Step::Change { flow, uid, fields } => {
                self.receive(&change(FlowId(*flow), *uid, fields));
            }
            Step::Alive { interval_ms } => {
                let mut buf = [0; 64];
                let len = Alive { interval_ms: *interval_ms }.encode(&mut buf).expect("room");
                self.receive(&buf[..len]);
            }
            Step::Corrupt { at, to } => {
                let mut bytes = install(2, &reporting());
                let len = bytes.len();
                bytes[at % len] = *to;
                self.receive(&bytes);
            }
            Step::Open => drop(self.open()),
            Step::Close(nth) => {
                let nth = nth % self.flows.len().max(1);
                if self.flows.get(nth).is_some_and(|flow| Some(*flow) != keep) {
                    let flow = self.flows.swap_remove(nth);
                    let (link, now) = (self.link, Micros(self.now));
                    let closed = self.datapath.close(flow, now, &mut |_: &[u8]| link);
                    assert_eq!(closed, Ok(()));
                }
            }
            Step::Ack { flow, values, cwnd } => {
                let mut primitives = Primitives::new();
                for (index, value) in (0..).zip(values) {
                    primitives.set_index(index, *value);
                }
                if let Some(flow) = self.flows.get(flow % self.flows.len().max(1)) {
                    self.ack(*flow, &primitives, *cwnd);
                }
            }
            Step::Sleep(us) => self.now = self.now.saturating_add(*us),
            Step::Timeout => {
                let (link, now) = (self.link, Micros(self.now));
                self.datapath.handle_timeout(now, &mut |_: &[u8]| link);
                assert!(self.datapath.poll_timeout().is_none_or(|t| t > now
                    || t.0 == u64::MAX
                    || self.datapath.config().fallback_after.0 == 0));
            }
            Step::Link(link) => self.link = *link,
        }
        for datagram in self.sent.drain(..) {
            assert!(datagram.len() <= 1024);
            assert!(!lines(&datagram).iter().any(|line| line.starts_with("Err")));
        }
        assert!(self.datapath.open_flows() <= MAX_FLOWS as usize);
        assert_eq!(self.datapath.open_flows(), self.flows.len());
        assert!(self.datapath.installed_programs() <= MAX_PROGRAMS as usize);
    }

    /// A well-behaved agent takes over a flow, whatever has happened.
    fn serve(&mut self, flow: FlowHandle) {
        self.link = Ok(());
        self.now = self.now.saturating_add(200_000);
        let none = Primitives::new();
        self.receive(&install(1, &reporting()));
        self.ack(flow, &none, CWND);
        self.receive(&change(flow.id(), 1, &[]));
        self.ack(flow, &none, CWND);
        self.sent.clear();
        let ack = none.with(ccp_lang::Primitive::AckBytesAcked, 77);
        assert_eq!(self.ack(flow, &ack, CWND), Governor::Agent);
        let report = format!("report {} by 1: [77]", flow.id());
        assert_eq!(self.sent.iter().flat_map(|d| lines(d)).collect::<Vec<_>>(), [report]);
    }
}

/// Steps that a peer may do to others while it leaves one flow and the programs of its run alone.
fn harms_others_only(step: &Step, good: FlowId) -> bool {
    match step {
        Step::Install { uid, .. } => *uid != 1,
        Step::Update { flow, .. } | Step::Change { flow, .. } => *flow != good.0,
        Step::Bytes(bytes) => bytes.len() < 8,
        Step::Link(link) => *link != Err(SinkError::Gone),
        Step::Alive { .. } | Step::Sleep(_) | Step::Corrupt { .. } => false,
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_breaks_the_engine(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step, None);
        }
        if let Some(flow) = world.flows.first().copied().or_else(|| world.open()) {
            world.serve(flow);
        }
    }

    #[test]
    fn a_good_flow_is_served_meanwhile(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        let good = world.open().expect("room");
        world.serve(good);
        for step in steps.iter().filter(|step| harms_others_only(step, good.id())) {
            world.take(step, Some(good));
            world.sent.clear();
            let ack = Primitives::new().with(ccp_lang::Primitive::AckBytesAcked, 5);
            prop_assert_eq!(world.ack(good, &ack, CWND), Governor::Agent);
            prop_assert_eq!(world.sent.len(), 1, "a report");
        }
    }
}
