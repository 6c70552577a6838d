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
    let mut code = Code { events: Vec::new(), instrs: defs.to_vec() };
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
    let defs = [Instr::def(ACKED, 7), Instr::def(TOTAL, 100), Instr::def(BOOST, 3)];
    let body = [count(), add(TOTAL, TOTAL, ACKED), add(BOOST, BOOST, NUM(1)), report()];
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
    let events: [(&[Instr], &[Instr]); 3] =
        [(&[always()], &first), (&[always()], &second), (&[always()], &third)];
    let mut flow = Flow::new(&[], &events);
    flow.acked(1);
    assert_eq!((flow.get(Reg::local(1)), flow.get(LIMIT)), (1, 1));
}

#[test]
fn a_switch_sets_what_is_declared_and_nothing_else() {
    let defs =
        [Instr::def(ACKED, 7), Instr::def(TOTAL, 100), Instr::def(LIMIT, 5), Instr::def(BOOST, 3)];
    let body = [
        count(),
        add(TOTAL, TOTAL, NUM(1)),
        add(LIMIT, LIMIT, NUM(1)),
        add(BOOST, BOOST, NUM(1)),
        add(Reg::control(9), Reg::control(9), NUM(1)),
        add(Reg::local(3), Reg::local(3), NUM(1)),
        add(Reg::temp(3), Reg::temp(3), NUM(1)),
    ];
    let all = [ACKED, TOTAL, LIMIT, BOOST, Reg::control(9), Reg::local(3), Reg::temp(3)];
    let mut flow = Flow::new(&defs, &[(&[always()], &body)]);
    flow.acked(1);
    assert_eq!(all.map(|reg| flow.get(reg)), [8, 101, 6, 4, 1, 1, 1]);
    flow.acked(1);
    assert_eq!(all.map(|reg| flow.get(reg)), [9, 102, 7, 5, 2, 2, 2]);
    flow.switched = true;
    flow.acked(1);
    assert_eq!(all.map(|reg| flow.get(reg)), [8, 101, 6, 4, 3, 3, 3]);
}

#[test]
fn initial_values_that_mean_infinity_are_infinity() {
    let defs = [
        Instr::def(ACKED, 0x3FFF_FFFF),
        Instr::def(TOTAL, 0xFFFF_FFFF),
        Instr::def(LIMIT, 0x3FFF_FFFE),
    ];
    let body = [Instr::bind(Reg::local(0), NUM(0x3FFF_FFFF)), report()];
    let mut flow = Flow::new(&defs, &[(&[always()], &body)]);
    flow.acked(0);
    assert_eq!(flow.report, Some(vec![INFINITY, INFINITY]));
    assert_eq!(flow.get(LIMIT), 0x3FFF_FFFE);
    // Elsewhere the number is itself.
    assert_eq!(flow.get(Reg::local(0)), 0x3FFF_FFFF);
    assert_eq!(flow.get(ACKED), INFINITY);
}

#[test]
fn staged_values_come_after_the_initial_ones() {
    let defs = [Instr::def(LIMIT, 5), Instr::def(BOOST, 3)];
    let mut flow = Flow::new(&defs, &[(&[always()], &[])]);
    flow.staged.set(LIMIT, 6).expect("settable");
    flow.staged.set(BOOST, 7).expect("settable");
    flow.staged.set(BOOST, 8).expect("a later value wins");
    flow.acked(0);
    assert_eq!((flow.get(LIMIT), flow.get(BOOST)), (6, 8));
    assert!(flow.staged.is_empty());
    flow.acked(0);
    assert_eq!((flow.get(LIMIT), flow.get(BOOST)), (6, 8));
}

#[test]
fn a_staged_window_is_what_the_program_sees_and_what_is_applied() {
    let body = [add(Reg::CWND, Reg::CWND, NUM(1))];
    let mut flow = Flow::new(&[], &[(&[always()], &body)]);
    flow.staged.set(Reg::CWND, 20_000).expect("settable");
    assert_eq!(flow.acked(0).cwnd, Some(20_001));
}

#[test]
fn a_staged_zero_is_seen_and_not_applied() {
    let body = [Instr::bind(Reg::local(0), Reg::CWND)];
    let mut flow = Flow::new(&[], &[(&[always()], &body)]);
    flow.acked(0);
    assert_eq!(flow.get(Reg::local(0)), 14_480);
    flow.staged.set(Reg::CWND, 0).expect("settable");
    let outcome = flow.acked(0);
    assert_eq!(flow.get(Reg::local(0)), 0);
    assert_eq!(outcome.cwnd, None);
}

#[test]
fn a_staged_window_stays_applied_when_the_program_then_writes_zero() {
    let body = [Instr::bind(Reg::CWND, NUM(0))];
    let mut flow = Flow::new(&[], &[(&[always()], &body)]);
    flow.staged.set(Reg::CWND, 20_000).expect("settable");
    assert_eq!(flow.acked(0).cwnd, Some(20_000));
}

#[test]
fn only_control_registers_window_and_rate_are_settable() {
    let mut staged = Staged::new();
    let settable = [Reg::CWND, Reg::RATE, Reg::control(0), Reg::volatile_control(109)];
    for reg in settable {
        assert!(Program::is_settable(reg), "{reg}");
        assert_eq!(staged.set(reg, 1), Ok(()));
        assert_eq!(staged.get(reg), Some(1));
    }
    let others = [
        Reg::EVENT_FLAG,
        Reg::SHOULD_REPORT,
        Reg::MICROS,
        Reg::control(110),
        Reg::local(0),
        Reg::temp(0),
        ACKED,
        TOTAL,
        NUM(1),
        Reg::primitive(Primitive::AckNow),
    ];
    for reg in others {
        assert!(!Program::is_settable(reg), "{reg}");
        assert!(staged.set(reg, 1).is_err());
        assert_eq!(staged.get(reg), None);
    }
    staged.clear();
    assert!(staged.is_empty());
    assert_eq!(staged.get(Reg::CWND), None);
}

#[test]
fn without_a_program_staged_values_still_apply() {
    let mut regs = Registers::new(Micros(0));
    let mut staged = Staged::new();
    staged.set(LIMIT, 6).expect("settable");
    staged.set(Reg::CWND, 20_000).expect("settable");
    staged.set(Reg::RATE, 0).expect("settable");
    let outcome = staged.apply(&mut regs);
    assert_eq!((outcome.cwnd, outcome.rate), (Some(20_000), None));
    assert_eq!(regs.get(LIMIT), Some(6));
    assert!(staged.is_empty());
}

#[test]
fn micros_counts_from_the_switch_and_from_its_last_write() {
    let seen = Instr::bind(Reg::local(0), Reg::MICROS);
    let reset =
        [Instr::new(Op::If, Reg::MICROS, LIMIT, NUM(0)), Instr::bind(Reg::local(1), Reg::MICROS)];
    let body = [seen, reset[0], reset[1]];
    let mut flow = Flow::new(&[], &[(&[always()], &body)]);
    flow.regs = Registers::new(Micros(50));
    flow.switched = false;
    flow.now = 60;
    flow.acked(0);
    // From the start of the flow's life until a program begins.
    assert_eq!(flow.get(Reg::local(0)), 10);
    flow.switched = true;
    flow.now = 100;
    flow.acked(0);
    assert_eq!(flow.get(Reg::local(0)), 0);
    flow.now = 130;
    flow.staged.set(LIMIT, 1).expect("settable");
    flow.acked(0);
    assert_eq!((flow.get(Reg::local(0)), flow.get(Reg::local(1))), (30, 0));
    flow.now = 137;
    flow.staged.set(LIMIT, 0).expect("settable");
    flow.acked(0);
    assert_eq!((flow.get(Reg::local(0)), flow.get(Reg::local(1))), (7, 7));
}

#[test]
fn micros_written_with_a_number_goes_on_from_it() {
    let body = [
        Instr::bind(Reg::local(0), Reg::MICROS),
        Instr::new(Op::NotIf, Reg::MICROS, Reg::local(0), NUM(5_000)),
    ];
    let mut flow = Flow::new(&[], &[(&[always()], &body)]);
    flow.acked(0);
    assert_eq!(flow.get(Reg::MICROS), 5_000);
    flow.now = 20;
    flow.acked(0);
    assert_eq!(flow.get(Reg::local(0)), 5_020);
}

#[test]
fn micros_stands_still_while_time_goes_back() {
    let body = [Instr::bind(Reg::local(0), Reg::MICROS)];
    let mut flow = Flow::new(&[], &[(&[always()], &body)]);
    flow.now = 100;
    flow.acked(0);
    for (now, micros) in [(150, 50), (90, 50), (149, 50), (160, 60)] {
        flow.now = now;
        flow.acked(0);
        assert_eq!(flow.get(Reg::local(0)), micros, "at {now}");
    }
}

#[test]
fn micros_is_zero_while_time_is_before_the_start_of_the_flow() {
    let mut flow = Flow::new(&[], &[(&[always()], &[])]);
    flow.regs = Registers::new(Micros(100));
    flow.switched = false;
    for (now, micros) in [(40, 0), (100, 0), (130, 30)] {
        flow.now = now;
        flow.acked(0);
        assert_eq!(flow.get(Reg::MICROS), micros, "at {now}");
    }
}

#[test]
fn now_is_the_time_of_the_call() {
    let now = Reg::primitive(Primitive::AckNow);
    let mut flow = Flow::new(&[], &[(&[always()], &[Instr::bind(Reg::CWND, now)])]);
    flow.now = 777;
    let outcome = flow.ack(&Primitives::new().with(Primitive::AckNow, 5));
    assert_eq!(outcome.cwnd, Some(777));
}

#[test]
fn flags_of_the_machine_are_cleared_before_each_invocation() {
    let first = [report(), fall_through()];
    let second = [Instr::bind(Reg::EVENT_FLAG, Reg::local(0))];
    let count_second = [add(Reg::local(1), Reg::local(1), NUM(1))];
    let once = [Instr::new(Op::Equiv, Reg::EVENT_FLAG, LIMIT, NUM(0))];
    let end = [Instr::bind(LIMIT, NUM(1))];
    let defs = [Instr::def(ACKED, 4)];
    let events: [(&[Instr], &[Instr]); 3] =
        [(&once, &first), (&second, &count_second), (&[always()], &end)];
    let mut flow = Flow::new(&defs, &events);
    assert!(flow.acked(0).reported);
    assert!(!flow.acked(0).reported);
    assert_eq!(flow.get(Reg::local(1)), 0);
}

#[test]
fn an_event_whose_condition_is_false_does_not_end_the_program() {
    let never = [Instr::bind(Reg::EVENT_FLAG, NUM(0))];
    let body = [Instr::bind(Reg::local(0), NUM(1))];
    let next = [Instr::bind(Reg::local(1), NUM(1))];
    let mut flow = Flow::new(&[], &[(&never, &body), (&[always()], &next)]);
    flow.acked(0);
    assert_eq!((flow.get(Reg::local(0)), flow.get(Reg::local(1))), (0, 1));
}

#[test]
fn a_body_that_clears_its_flag_lets_the_program_go_on() {
    let body = [Instr::bind(Reg::EVENT_FLAG, NUM(0))];
    let next = [Instr::bind(Reg::local(1), NUM(1))];
    let mut flow = Flow::new(&[], &[(&[always()], &body), (&[always()], &next)]);
    flow.acked(0);
    assert_eq!(flow.get(Reg::local(1)), 1);
}

#[test]
fn window_and_rate_are_given_also_when_the_program_did_not_write_them() {
    let mut flow = Flow::new(&[], &[(&[always()], &[])]);
    flow.rate = 5;
    let outcome = flow.acked(0);
    assert_eq!((outcome.cwnd, outcome.rate), (Some(14_480), Some(5)));
}

#[test]
fn a_report_of_a_program_without_report_registers_is_empty() {
    let mut flow = Flow::new(&[], &[(&[always()], &[report()])]);
    assert!(flow.acked(0).reported);
    assert_eq!(flow.report, Some(vec![]));
}

#[test]
fn a_trap_after_a_report_was_asked_for_resets_nothing() {
    let defs = [Instr::def(ACKED, 0), Instr::def(BOOST, 3)];
    let body = [
        count(),
        report(),
        add(BOOST, BOOST, NUM(1)),
        Instr::new(Op::Sub, Reg::temp(0), NUM(0), NUM(1)),
    ];
    let mut flow = Flow::new(&defs, &[(&[always()], &body)]);
    let outcome = flow.acked(10);
    assert_eq!(outcome.trap, Some(Trap::SubUnderflow { at: 6 }));
    assert_eq!((flow.get(ACKED), flow.get(BOOST)), (10, 4));
    assert_eq!(flow.report, None);
}

#[test]
fn a_result_that_traps_is_not_written() {
    let body = [
        Instr::bind(Reg::local(0), NUM(8)),
        Instr::new(Op::Sub, Reg::temp(0), NUM(0), NUM(1)),
        Instr::bind(Reg::local(0), Reg::temp(0)),
    ];
    let mut flow = Flow::new(&[], &[(&[always()], &body)]);
    assert!(flow.acked(10).trap.is_some());
    assert_eq!(flow.get(Reg::local(0)), 8);
}

#[test]
fn the_last_primitive_can_be_read() {
    let last = Reg::new(ccp_lang::Class::Primitive, 31);
    let mut flow = Flow::new(&[], &[(&[always()], &[Instr::bind(Reg::CWND, last)])]);
    let mut primitives = Primitives::new();
    assert!(primitives.set_index(31, 44));
    assert_eq!(flow.ack(&primitives).cwnd, Some(44));
}

#[test]
fn registers_and_staged_values_show_what_is_set() {
    let mut flow = Flow::new(&[], &[(&[always()], &[])]);
    flow.staged.set(Reg::CWND, 9).expect("settable");
    flow.staged.set(LIMIT, 0).expect("settable");
    assert_eq!(format!("{:?}", flow.staged), "{control.0: 0, Cwnd: 9}");
    flow.acked(0);
    assert!(format!("{:?}", flow.regs).contains("Cwnd: 9"));
    assert_eq!(flow.regs.get(Reg::control(110)), None);
    assert_eq!(flow.regs.get(Reg::EVENT_FLAG), None);
}
