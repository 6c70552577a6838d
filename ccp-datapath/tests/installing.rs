//! Programs and messages: what is taken, what is refused, and that a refusal changes nothing.

mod common;

use ccp_datapath::{Config, Governor, InstallError, MessageError};
use ccp_lang::{Event, Instr, Limits, Op, Reg};
use ccp_wire::{Create, FieldUpdate, FlowId, Kind, ProgramUid};
use common::{Bench, CWND, change, field, install, reporting, steering, update, when_true};

fn reason(result: Result<impl std::fmt::Debug, MessageError>) -> InstallError {
    match result {
        Err(MessageError::Install { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_full_table_refuses_more_but_takes_a_known_uid() {
    let mut config = Config::default();
    config.max_programs = 2;
    let mut bench = Bench::with(config);
    for uid in [1, 2, 2, 1, 2] {
        bench.install(uid, &reporting()).expect("room");
    }
    assert_eq!(reason(bench.install(3, &reporting())), InstallError::TableFull { max: 2 });
    assert_eq!(bench.datapath.installed_programs(), 2);
    assert_eq!(bench.datapath.stats().refused.table_full, 1);
}

#[test]
fn a_table_of_none_refuses_all() {
    let mut config = Config::default();
    config.max_programs = 0;
    let mut bench = Bench::with(config);
    assert_eq!(reason(bench.install(1, &reporting())), InstallError::TableFull { max: 0 });
}

#[test]
fn uid_1_begins_a_new_run() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.install(2, &reporting()).expect("room");
    bench.install(1, &reporting()).expect("room");
    assert_eq!(bench.datapath.installed_programs(), 1);
    assert!(matches!(
        bench.change(flow, 2, &[]),
        Err(MessageError::UnknownProgram { uid: ProgramUid(2), .. })
    ));
}

#[test]
fn uid_0_is_no_program() {
    let mut bench = Bench::new();
    assert_eq!(reason(bench.install(0, &reporting())), InstallError::ReservedUid);
}

#[test]
fn a_flow_keeps_its_program_when_the_uid_gets_another() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.install(2, &steering(2000)).expect("room");
    bench.change(flow, 2, &[]).expect("installed");
    assert_eq!(bench.ack(flow).cwnd, Some(2000));
    bench.install(2, &steering(3000)).expect("room");
    assert_eq!(bench.ack(flow).cwnd, Some(2000), "until told to change");
    bench.change(flow, 2, &[]).expect("installed");
    assert_eq!(bench.ack(flow).cwnd, Some(3000));
}

#[test]
fn a_bad_program_leaves_the_good_one_and_the_run() {
    let (mut bench, flow) = Bench::running(&steering(2000));
    bench.install(2, &reporting()).expect("room");
    let mut bad = steering(3000);
    bad.events[0].body_idx = 1000;
    assert!(matches!(reason(bench.install(1, &bad)), InstallError::Invalid(_)));
    let mut bad = steering(3000);
    bad.instrs[2] = Instr::bind(Reg::immediate(1), Reg::immediate(2));
    assert!(matches!(reason(bench.install(2, &bad)), InstallError::Invalid(_)));
    assert_eq!(bench.datapath.installed_programs(), 2);
    assert_eq!(bench.datapath.stats().refused.invalid_program, 2);
    bench.change(flow, 1, &[]).expect("still installed");
    assert_eq!(bench.ack(flow).cwnd, Some(2000));
}

#[test]
fn records_that_are_no_instructions_are_refused() {
    let mut bench = Bench::new();
    let mut bytes = install(1, &reporting());
    let opcode = bytes.len() - 16;
    bytes[opcode] = 0xEE;
    assert!(matches!(reason(bench.receive(&bytes)), InstallError::Invalid(_)));
}

#[test]
fn a_program_over_the_limits_is_refused_and_within_larger_ones_taken() {
    let body = vec![Instr::bind(Reg::temp(0), Reg::immediate(0)); 300];
    let long = when_true(vec![], body);
    let mut bench = Bench::new();
    assert!(matches!(reason(bench.install(1, &long)), InstallError::Invalid(_)));
    let mut config = Config::default();
    config.limits = Limits::MACHINE;
    Bench::with(config).install(1, &long).expect("both sides can more");
}

#[test]
fn a_report_that_would_not_fit_the_agents_buffer_is_refused() {
    let mut config = Config::default();
    config.max_datagram = 40;
    let mut bench = Bench::with(config);
    let reports = |n| when_true((0..n).map(|i| Instr::def(Reg::report(i), 0)).collect(), vec![]);
    bench.install(1, &reports(3)).expect("40 bytes");
    assert_eq!(
        reason(bench.install(2, &reports(4))),
        InstallError::ReportTooLong { need: 48, max: 40 }
    );
    assert_eq!(bench.datapath.stats().refused.report_too_long, 1);
    // By default all that a program may report fits.
    Bench::new().install(1, &reports(110)).expect("896 bytes");
}

#[test]
fn one_field_that_cannot_be_set_refuses_the_whole_message() {
    let (mut bench, flow) = Bench::running(&steering(1000));
    bench.ack(flow);
    let good = field(Reg::control(0), 5000);
    let refused = [
        field(Reg::report(0), 1),
        field(Reg::MICROS, 1),
        field(Reg::control(110), 1),
        field(Reg::temp(0), 1),
        FieldUpdate { class: 9, index: 0, value: 1 },
        FieldUpdate { class: 255, index: u32::MAX, value: 1 },
    ];
    for bad in refused {
        for result in [bench.update(flow, &[good, bad]), bench.change(flow, 1, &[good, bad])] {
            let expected =
                MessageError::NotSettable { flow: flow.id(), class: bad.class, index: bad.index };
            assert_eq!(result, Err(expected));
        }
    }
    assert_eq!(bench.ack(flow).cwnd, Some(1000));
    assert_eq!(bench.datapath.stats().refused.not_settable, 12);
}

#[test]
fn a_refused_change_leaves_what_was_staged() {
    let (mut bench, flow) = Bench::running(&steering(1000));
    bench.ack(flow);
    bench.update(flow, &[field(Reg::control(0), 5000)]).expect("settable");
    assert!(bench.change(flow, 7, &[]).is_err(), "not installed");
    assert_eq!(bench.ack(flow).cwnd, Some(5000));
}

#[test]
fn messages_only_a_datapath_sends_are_refused() {
    let mut bench = Bench::new();
    let mut buf = [0; 96];
    Create::default().encode(&mut buf).expect("room");
    assert_eq!(bench.receive(&buf), Err(MessageError::Misdirected { kind: Kind::Create }));
    assert_eq!(bench.datapath.stats().refused.misdirected, 1);
}

#[test]
fn unknown_types_are_passed_over() {
    let (mut bench, flow) = Bench::running(&steering(1000));
    let mut datagram = vec![99, 0, 10, 0, 0, 0, 0, 0, 1, 2];
    datagram.extend(update(flow.id(), &[field(Reg::control(0), 7000)]));
    let handled = bench.receive(&datagram).expect("nothing wrong");
    assert_eq!((handled.messages, handled.unknown), (1, 1));
    assert_eq!(bench.ack(flow).cwnd, Some(7000));
}

#[test]
fn one_bad_message_does_not_spoil_its_neighbours() {
    let (mut bench, flow) = Bench::running(&steering(1000));
    let mut datagram = update(FlowId(500), &[]);
    datagram.extend(update(flow.id(), &[field(Reg::control(0), 7000)]));
    datagram.extend([3, 0, 255, 255, 0, 0, 0, 0]);
    assert_eq!(bench.receive(&datagram), Err(MessageError::UnknownFlow { flow: FlowId(500) }));
    assert_eq!(bench.datapath.stats().refused.unknown_flow, 1);
    assert_eq!(bench.datapath.stats().refused.malformed, 1);
    assert_eq!(bench.ack(flow).cwnd, Some(7000));
}

#[test]
fn what_is_no_message_changes_nothing() {
    let mut bench = Bench::new();
    bench.timeout();
    let before = *bench.datapath.stats();
    for datagram in [&[][..], &[1], &[2, 0, 0, 0, 0, 0, 0, 0], &[0xFF; 100]] {
        let _ = bench.receive(datagram);
    }
    let mut after = *bench.datapath.stats();
    assert_eq!(after.refused.malformed, 3, "an empty datagram has no messages");
    after.refused = before.refused;
    assert_eq!(after, before);
}

#[test]
fn traps_are_counted_by_kind_and_flow() {
    let zero = Reg::immediate(0);
    let one = Reg::immediate(1);
    let report = Reg::volatile_report(0);
    let ops = [Op::Div, Op::Sub, Op::Mul, Op::Add];
    let mut bench = Bench::new();
    let flow = bench.open();
    let other = bench.open();
    for (uid, op) in (1..).zip(ops) {
        // A huge number first, so that MUL and ADD have something to overflow with.
        let code = when_true(
            vec![Instr::def(Reg::control(0), 0), Instr::def(report, 0)],
            vec![
                Instr::bind(Reg::CWND, one),
                Instr::bind(Reg::SHOULD_REPORT, one),
                match op {
                    Op::Div => Instr::new(op, Reg::temp(0), one, zero),
                    Op::Sub => Instr::new(op, Reg::temp(0), zero, one),
                    _ => Instr::new(op, Reg::temp(0), Reg::control(0), Reg::control(0)),
                },
            ],
        );
        bench.install(uid, &code).expect("a program that may run");
        bench.change(flow, uid, &[field(Reg::control(0), u64::MAX)]).expect("installed");
        bench.sent.clear();
        let decision = bench.ack(flow);
        assert!(decision.trap.is_some(), "{op:?}");
        assert_eq!((decision.cwnd, decision.reported), (None, false), "both are lost");
        assert_eq!(decision.governor, Governor::Agent);
        assert!(bench.sent.is_empty());
    }
    let traps = bench.datapath.traps(flow).expect("open");
    assert_eq!(traps, bench.datapath.stats().traps);
    assert_eq!(
        (traps.div_by_zero, traps.sub_underflow, traps.mul_overflow, traps.add_overflow),
        (1, 1, 1, 1)
    );
    assert_eq!(traps.total(), 4);
    assert_eq!(bench.datapath.traps(other).map(|t| t.total()), Some(0));
}

#[test]
fn staged_window_and_rate_survive_a_trap() {
    let body = vec![Instr::new(Op::Div, Reg::temp(0), Reg::immediate(1), Reg::immediate(0))];
    let (mut bench, flow) = Bench::running(&when_true(vec![], body));
    bench.update(flow, &[field(Reg::CWND, 3000), field(Reg::RATE, 4000)]).expect("settable");
    let decision = bench.ack(flow);
    assert_eq!((decision.cwnd, decision.rate), (Some(3000), Some(4000)));
}

#[test]
fn windows_and_rates_are_clamped_not_truncated() {
    let mut config = Config::default();
    config.max_cwnd = u64::from(u32::MAX);
    config.max_rate = 1000;
    let mut bench = Bench::with(config);
    let flow = bench.open();
    bench.install(1, &when_true(vec![], vec![])).expect("room");
    bench
        .change(flow, 1, &[field(Reg::CWND, u64::from(u32::MAX) + 5), field(Reg::RATE, u64::MAX)])
        .expect("installed");
    let decision = bench.ack(flow);
    assert_eq!((decision.cwnd, decision.rate), (Some(u64::from(u32::MAX)), Some(1000)));
    let decision = bench.ack(flow);
    assert_eq!((decision.cwnd, decision.rate), (Some(CWND), Some(1000)), "the rate last set");
}

#[test]
fn no_clamp_makes_a_window_or_rate_nothing() {
    let mut config = Config::default();
    (config.max_cwnd, config.max_rate) = (0, 0);
    let mut bench = Bench::with(config);
    let flow = bench.open();
    bench.update(flow, &[field(Reg::CWND, 5), field(Reg::RATE, 5)]).expect("settable");
    let decision = bench.ack(flow);
    assert_eq!((decision.cwnd, decision.rate), (Some(1), Some(1)));
}

#[test]
fn events_outside_a_program_are_refused_whatever_they_claim() {
    let mut bench = Bench::new();
    let mut code = reporting();
    code.events.push(Event {
        flag_idx: u32::MAX,
        num_flag_instrs: u32::MAX,
        body_idx: u32::MAX,
        num_body_instrs: u32::MAX,
    });
    assert!(bench.install(1, &code).is_err());
    let truncated = &change(FlowId(1), 1, &[field(Reg::CWND, 1)])[..20];
    assert!(matches!(bench.receive(truncated), Err(MessageError::Malformed(_))));
}
