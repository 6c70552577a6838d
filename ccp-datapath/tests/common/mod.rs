//! A datapath under test with its agent's end, and programs written out instruction by instruction.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::VecDeque;

use ccp_datapath::{
    Config, Control, Datapath, Decision, FlowHandle, FlowInfo, Handled, MessageError, SinkError,
};
use ccp_lang::{Code, Event, Instr, Micros, Op, Primitive, Primitives, Reg};
use ccp_wire::{
    Alive, ChangeProgRepr, FieldUpdate, FlowId, Install, Message, Messages, ProgramUid,
    UpdateFieldsRepr,
};

pub const MS: u64 = 1_000;
pub const CWND: u64 = 14_600;

/// A datapath, its clock, and what it has sent.
pub struct Bench {
    pub datapath: Datapath,
    pub now: u64,
    pub sent: VecDeque<Vec<u8>>,
    /// What sends come to.
    pub link: Result<(), SinkError>,
}

/// A message as a line of text, for comparing.
pub fn lines(datagram: &[u8]) -> Vec<String> {
    Messages::new(datagram)
        .map(|message| match message {
            Ok(Message::Ready(m)) => format!("ready {}", m.id),
            Ok(Message::Hello(_)) => "hello".into(),
            Ok(Message::Create(m)) => format!("create {} {}", m.flow, m.cong_alg),
            Ok(Message::Address(m)) => format!("address {}", m.flow),
            Ok(Message::Measure(m)) if m.is_close() => format!("close {}", m.flow),
            Ok(Message::Measure(m)) => {
                let fields: Vec<u64> = m.fields.iter().collect();
                format!("report {} by {}: {fields:?}", m.flow, m.program_uid)
            }
            other => format!("{other:?}"),
        })
        .collect()
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        Self {
            datapath: Datapath::new(config, Micros(0)),
            now: 0,
            sent: VecDeque::new(),
            link: Ok(()),
        }
    }

    /// A bench whose datapath has got its Ready through and runs one flow under program 1.
    pub fn running(code: &Code) -> (Self, FlowHandle) {
        let mut bench = Self::new();
        bench.timeout();
        let flow = bench.open();
        bench.install(1, code).expect("a good program");
        bench.change(flow, 1, &[]).expect("an installed program");
        bench.sent.clear();
        (bench, flow)
    }

    pub fn at(&mut self, now: u64) -> &mut Self {
        self.now = now;
        self
    }

    fn call<R>(
        &mut self,
        f: impl FnOnce(&mut Datapath, Micros, &mut dyn FnMut(&[u8]) -> Result<(), SinkError>) -> R,
    ) -> R {
        let (sent, link) = (&mut self.sent, self.link);
        let mut sink = |datagram: &[u8]| {
            assert!(datagram.len() <= 1024, "agents read into 1,024 bytes");
            if link.is_ok() {
                sent.push_back(datagram.to_vec());
            }
            link
        };
        f(&mut self.datapath, Micros(self.now), &mut sink)
    }

    pub fn timeout(&mut self) {
        self.call(|d, now, mut sink| d.handle_timeout(now, &mut sink));
    }

    pub fn open(&mut self) -> FlowHandle {
        let info = FlowInfo::new(CWND as u32, 1460).with_alg("reno");
        self.call(|d, now, mut sink| d.open(info, now, &mut sink)).expect("room")
    }

    pub fn close(&mut self, flow: FlowHandle) {
        self.call(|d, now, mut sink| d.close(flow, now, &mut sink)).expect("an open flow");
    }

    pub fn receive(&mut self, datagram: &[u8]) -> Result<Handled, MessageError> {
        self.call(|d, now, mut sink| d.handle_datagram(datagram, now, &mut sink))
    }

    pub fn install(&mut self, uid: u32, code: &Code) -> Result<Handled, MessageError> {
        self.receive(&install(uid, code))
    }

    pub fn change(
        &mut self,
        flow: FlowHandle,
        uid: u32,
        fields: &[FieldUpdate],
    ) -> Result<Handled, MessageError> {
        self.receive(&change(flow.id(), uid, fields))
    }

    pub fn update(
        &mut self,
        flow: FlowHandle,
        fields: &[FieldUpdate],
    ) -> Result<Handled, MessageError> {
        self.receive(&update(flow.id(), fields))
    }

    pub fn alive(&mut self, interval_ms: u32) {
        let mut buf = [0; 64];
        let len = Alive { interval_ms }.encode(&mut buf).expect("room");
        self.receive(&buf[..len]).expect("a good message");
    }

    pub fn ack_with(&mut self, flow: FlowHandle, primitives: &Primitives, cwnd: u64) -> Decision {
        self.call(|d, now, mut sink| d.on_ack(flow, primitives, Control { cwnd }, now, &mut sink))
            .expect("an open flow")
    }

    /// One ACK for 1,000 bytes, at a given window.
    pub fn ack_at(&mut self, flow: FlowHandle, cwnd: u64) -> Decision {
        let ack = Primitives::new().with(Primitive::AckBytesAcked, 1000);
        self.ack_with(flow, &ack, cwnd)
    }

    /// One ACK for 1,000 bytes.
    pub fn ack(&mut self, flow: FlowHandle) -> Decision {
        self.ack_at(flow, CWND)
    }

    /// What was sent since the last call, a line a message.
    pub fn lines(&mut self) -> Vec<String> {
        self.sent.drain(..).flat_map(|datagram| lines(&datagram)).collect()
    }
}

pub fn install(uid: u32, code: &Code) -> Vec<u8> {
    let records = code.to_records();
    let install =
        Install { program_uid: ProgramUid(uid), events: &records.events, instrs: &records.instrs };
    let mut buf = vec![0; install.encoded_len()];
    install.encode(&mut buf).expect("room");
    buf
}

pub fn change(flow: FlowId, uid: u32, fields: &[FieldUpdate]) -> Vec<u8> {
    let change = ChangeProgRepr { flow, program_uid: ProgramUid(uid), fields };
    let mut buf = vec![0; change.encoded_len()];
    change.encode(&mut buf).expect("room");
    buf
}

pub fn update(flow: FlowId, fields: &[FieldUpdate]) -> Vec<u8> {
    let update = UpdateFieldsRepr { flow, fields };
    let mut buf = vec![0; update.encoded_len()];
    update.encode(&mut buf).expect("room");
    buf
}

pub fn field(reg: Reg, value: u64) -> FieldUpdate {
    FieldUpdate { class: reg.class.code(), index: reg.index, value }
}

/// Reports the acknowledged bytes of every ACK:
/// `(def (Report (volatile acked 0))) (when true (:= Report.acked (+ Report.acked Ack.bytes_acked)) (report))`.
pub fn reporting() -> Code {
    let acked = Reg::volatile_report(0);
    when_true(
        vec![Instr::def(acked, 0)],
        vec![
            Instr::new(Op::Add, Reg::temp(0), acked, Reg::primitive(Primitive::AckBytesAcked)),
            Instr::bind(acked, Reg::temp(0)),
            Instr::bind(Reg::SHOULD_REPORT, Reg::immediate(1)),
        ],
    )
}

/// Sets the window to a control variable, which starts at `initial`, and reports it.
pub fn steering(initial: u32) -> Code {
    let (wanted, seen) = (Reg::control(0), Reg::volatile_report(0));
    when_true(
        vec![Instr::def(wanted, initial), Instr::def(seen, 0)],
        vec![
            Instr::bind(Reg::CWND, wanted),
            Instr::bind(seen, wanted),
            Instr::bind(Reg::SHOULD_REPORT, Reg::immediate(1)),
        ],
    )
}

/// One event that always runs.
pub fn when_true(defs: Vec<Instr>, body: Vec<Instr>) -> Code {
    let flag_idx = defs.len() as u32;
    let event = Event {
        flag_idx,
        num_flag_instrs: 1,
        body_idx: flag_idx + 1,
        num_body_instrs: body.len() as u32,
    };
    let mut instrs = defs;
    instrs.push(Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1)));
    instrs.extend(body);
    Code { events: vec![event], instrs }
}
