//! One invocation, step by step: what is staged, cleared, reported and kept, and in which order.

use ccp_lang::{
    Call, Code, Event, INFINITY, Instr, Limits, Micros, Op, Outcome, Primitive, Primitives,
    Program, Reg, Registers, Staged, Trap,
};

const ACKED: Reg = Reg::volatile_report(0);
const TOTAL: Reg = Reg::report(1);
const LIMIT: Reg = Reg::control(0);
const BOOST: Reg = Reg::volatile_control(1);
const NUM: fn(u32) -> Reg = Reg::immediate;

/// A flow, a program and a transport that does what it is told.
struct Flow {
    program: Program,
    regs: Registers,
    staged: Staged,
    now: u64,
    cwnd: u64,
    rate: u64,
    switched: bool,
    report: Option<Vec<u64>>,
}

impl Flow {
    fn new(defs: &[Instr], events: &[(&[Instr], &[Instr])]) -> Self {
        Self {
            program: program(defs, events),
            regs: Registers::new(Micros(0)),
            staged: Staged::new(),
            now: 0,
            cwnd: 14_480,
            rate: 0,
            switched: true,
            report: None,
        }
    }

    fn ack(&mut self, primitives: &Primitives) -> Outcome {
        let mut report = None;
        let outcome = self.program.invoke(
            &mut self.regs,
            Call {
                now: Micros(self.now),
                primitives,
                cwnd: self.cwnd,
                rate: self.rate,
                switched: self.switched,
                staged: &mut self.staged,
            },
            |fields| report = Some(fields.to_vec()),
        );
        assert_eq!(outcome.reported, report.is_some());
        self.report = report;
        self.switched = false;
        self.cwnd = outcome.cwnd.unwrap_or(self.cwnd);
        self.rate = outcome.rate.unwrap_or(self.rate);
        outcome
    }

    fn acked(&mut self, bytes: u64) -> Outcome {
        self.ack(&Primitives::new().with(Primitive::AckBytesAcked, bytes))
    }

    fn get(&self, reg: Reg) -> u64 {
        self.regs.get(reg).expect("a register that exists")
    }
}

fn program(defs: &[Instr], events: &[(&[Instr], &[Instr])]) -> Program {
    let mut code = Code {
        events: Vec::new(),
        instrs: defs.to_vec(),
    };
    for (flag, body) in events {
        let flag_idx = code.instrs.len() as u32;
        code.events.push(Event {
            flag_idx,
            num_flag_instrs: flag.len() as u32,
            body_idx: flag_idx + flag.len() as u32,
            num_body_instrs: body.len() as u32,
        });
        code.instrs.extend_from_slice(flag);
        code.instrs.extend_from_slice(body);
    }
    Program::verify(code, &Limits::default()).expect("a good program")
}

fn always() -> Instr {
    Instr::bind(Reg::EVENT_FLAG, NUM(1))
}

fn report() -> Instr {
    Instr::bind(Reg::SHOULD_REPORT, NUM(1))
}

fn fall_through() -> Instr {
    Instr::bind(Reg::SHOULD_CONTINUE, NUM(1))
}

fn add(result: Reg, left: Reg, right: Reg) -> Instr {
    Instr::new(Op::Add, result, left, right)
}

fn count() -> Instr {
    add(ACKED, ACKED, Reg::primitive(Primitive::AckBytesAcked))
}

#[test]
fn a_report_holds_the_values_of_before_the_reset() {
    let defs = [
        Instr::def(ACKED, 7),
        Instr::def(TOTAL, 100),
        Instr::def(BOOST, 3),
    ];
    let body = [
        count(),
        add(TOTAL, TOTAL, ACKED),
        add(BOOST, BOOST, NUM(1)),
        report(),
    ];
    let mut flow = Flow::new(&defs, &[(&[always()], &body)]);
    flow.acked(10);
    assert_eq!(flow.report, Some(vec![17, 117]));
    assert_eq!((flow.get(ACKED), flow.get(TOTAL)), (7, 117));
    assert_eq!(flow.get(BOOST), 3);
    flow.acked(1);
    assert_eq!(flow.report, Some(vec![8, 125]));
}

#[test]
fn a_trap_loses_window_and_report_and_keeps_what_was_written() {
    let defs = [Instr::def(ACKED, 0)];
    let body = [
        count(),
        Instr::bind(Reg::CWND, NUM(9)),
        report(),
        Instr::new(Op::Div, Reg::temp(0), ACKED, NUM(0)),
        Instr::bind(ACKED, NUM(0)),
    ];
    let mut flow = Flow::new(&defs, &[(&[always()], &body)]);
    flow.staged.set(Reg::RATE, 1000).expect("Rate is settable");
    let outcome = flow.acked(10);
    assert_eq!(outcome.trap, Some(Trap::DivByZero { at: 5 }));
    assert_eq!((outcome.cwnd, outcome.rate), (None, Some(1000)));
    assert!(!outcome.reported);
    assert_eq!(flow.get(ACKED), 10);
    flow.acked(10);
    assert_eq!(flow.get(ACKED), 20);
}

#[test]
fn a_missing_rtt_sample_is_infinity() {
    let rtt = Reg::primitive(Primitive::FlowRttSampleUs);
    let mut flow = Flow::new(&[], &[(&[always()], &[Instr::bind(Reg::CWND, rtt)])]);
    assert_eq!(flow.acked(0).cwnd, Some(INFINITY));
}

#[test]
fn an_event_ends_the_invocation_unless_something_fell_through() {
    let first = [Instr::bind(Reg::local(0), NUM(1))];
    let second = [Instr::bind(Reg::local(1), NUM(1))];
    let mut flow = Flow::new(&[], &[(&[always()], &first), (&[always()], &second)]);
    flow.acked(1);
    assert_eq!((flow.get(Reg::local(0)), flow.get(Reg::local(1))), (1, 0));

    let first = [first[0], fall_through()];
    let third = [Instr::bind(LIMIT, NUM(1))];
    let events: [(&[Instr], &[Instr]); 3] = [
        (&[always()], &first),
        (&[always()], &second),
        (&[always()], &third),
    ];
    let mut flow = Flow::new(&[], &events);
    flow.acked(1);
    assert_eq!((flow.get(Reg::local(1)), flow.get(LIMIT)), (1, 1));
}
