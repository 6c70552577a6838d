//! An agent governs: Ready, Create, programs, updates, reports, close.

mod common;

use ccp_datapath::{Config, Datapath, Governor};
use ccp_lang::{Instr, Micros, Primitive, Reg};
use common::{Bench, MS, field, reporting, steering, when_true};

#[test]
fn a_flow_is_announced_governed_reported_and_closed() {
    let mut bench = Bench::new();
    assert_eq!(bench.datapath.poll_timeout().map(|t| t.0), Some(0));
    bench.timeout();
    assert_eq!(bench.lines(), ["ready 0", "hello"]);
    assert_eq!(bench.datapath.poll_timeout(), None);

    let flow = bench.open();
    assert_eq!(bench.lines(), ["create 1 reno"]);
    assert_eq!(bench.ack(flow).governor, Governor::Transport);

    bench.install(1, &reporting()).expect("a good program");
    bench.change(flow, 1, &[field(Reg::CWND, 50_000)]).expect("an installed program");
    let decision = bench.at(5 * MS).ack(flow);
    assert_eq!(decision.governor, Governor::Agent);
    assert_eq!(decision.cwnd, Some(50_000));
    assert!(decision.reported);
    assert_eq!(bench.lines(), ["report 1 by 1: [1000]"]);

    bench.close(flow);
    assert_eq!(bench.lines(), ["close 1"]);
    assert_eq!(bench.datapath.open_flows(), 0);
}

#[test]
fn a_later_update_of_a_register_wins_and_a_change_drops_it() {
    let (mut bench, flow) = Bench::running(&steering(1000));
    let wanted = Reg::control(0);
    bench.update(flow, &[field(wanted, 2000)]).expect("settable");
    bench.update(flow, &[field(wanted, 3000)]).expect("settable");
    assert_eq!(bench.ack(flow).cwnd, Some(3000), "staged after the switch in the same invocation");
    bench.update(flow, &[field(wanted, 4000)]).expect("settable");
    bench.change(flow, 1, &[]).expect("installed");
    assert_eq!(bench.ack(flow).cwnd, Some(1000), "the initial value");
}

#[test]
fn a_window_can_be_set_before_any_program() {
    let mut bench = Bench::new();
    let flow = bench.open();
    bench.update(flow, &[field(Reg::CWND, 9000), field(Reg::RATE, 7)]).expect("settable");
    let decision = bench.ack(flow);
    assert_eq!((decision.cwnd, decision.rate), (Some(9000), Some(7)));
    assert_eq!(decision.governor, Governor::Transport);
    assert_eq!(bench.ack(flow).cwnd, None, "once");
}

/// Reports `Ack.now` and `Micros`.
fn telling_time() -> ccp_lang::Code {
    let (now, micros) = (Reg::report(0), Reg::report(1));
    when_true(
        vec![Instr::def(now, 0), Instr::def(micros, 0)],
        vec![
            Instr::bind(now, Reg::primitive(Primitive::AckNow)),
            Instr::bind(micros, Reg::MICROS),
            Instr::bind(Reg::SHOULD_REPORT, Reg::immediate(1)),
        ],
    )
}

#[test]
fn programs_see_the_time_since_the_datapath_started() {
    let mut bench = Bench::new();
    bench.datapath = Datapath::new(Config::default(), Micros(5000));
    assert_eq!(bench.datapath.poll_timeout(), Some(Micros(5000)));
    bench.at(5000).timeout();
    let flow = bench.open();
    bench.install(1, &telling_time()).expect("a good program");
    bench.change(flow, 1, &[]).expect("an installed program");
    bench.lines();
    bench.at(5010).ack(flow);
    bench.at(5014).ack(flow);
    assert_eq!(bench.lines(), ["report 1 by 1: [10, 0]", "report 1 by 1: [14, 4]"]);
}

#[test]
fn time_that_goes_back_counts_as_the_latest_seen() {
    let (mut bench, flow) = Bench::running(&telling_time());
    bench.at(10).ack(flow);
    bench.at(3).ack(flow);
    assert_eq!(bench.lines(), ["report 1 by 1: [10, 0]", "report 1 by 1: [10, 0]"]);
}

#[test]
fn a_datapath_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&Bench::new().datapath);
}
