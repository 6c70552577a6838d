//! Flows come and go: slots are reused, messages come late, closings wait.

mod common;

use ccp_datapath::{Config, Control, Governor, MessageError, OpenError, SinkError};
use ccp_lang::{Micros, Primitives, Reg};
use common::{Bench, MS, change, field, steering, update};

fn few(max_flows: u32) -> Bench {
    let mut config = Config::default();
    config.max_flows = max_flows;
    let mut bench = Bench::with(config);
    bench.timeout();
    bench.install(1, &steering(1000)).expect("room");
    bench
}

#[test]
fn a_late_message_does_not_reach_the_next_flow() {
    let mut bench = few(1);
    let first = bench.open();
    bench.close(first);
    let second = bench.open();
    assert_ne!(first.id(), second.id());
    bench.lines();

    let closed = Err(MessageError::ClosedFlow { flow: first.id() });
    assert_eq!(bench.receive(&update(first.id(), &[field(Reg::CWND, 1)])), closed);
    assert_eq!(bench.receive(&change(first.id(), 1, &[])), closed);
    assert_eq!(bench.datapath.stats().refused.closed_flow, 2);
    let decision = bench.ack(second);
    assert_eq!((decision.governor, decision.cwnd), (Governor::Transport, None));
}

#[test]
fn a_closed_handle_is_void() {
    let mut bench = few(1);
    let first = bench.open();
    bench.close(first);
    bench.open();
    let mut sink = |_: &[u8]| Ok(());
    let (control, none) = (Control { cwnd: 1 }, Primitives::new());
    assert!(bench.datapath.on_ack(first, &none, control, Micros(0), &mut sink).is_err());
    assert!(bench.datapath.close(first, Micros(0), &mut sink).is_err());
    assert_eq!(bench.datapath.traps(first), None);
    assert_eq!(bench.datapath.open_flows(), 1);
}

#[test]
fn the_next_flow_starts_from_nothing() {
    let mut bench = few(1);
    let first = bench.open();
    bench.change(first, 1, &[field(Reg::RATE, 5)]).expect("installed");
    bench.ack(first);
    bench.update(first, &[field(Reg::CWND, 5)]).expect("settable");
    bench.close(first);
    let second = bench.open();
    let decision = bench.ack(second);
    assert_eq!(
        (decision.governor, decision.cwnd, decision.rate),
        (Governor::Transport, None, None)
    );
}

#[test]
fn there_is_room_for_so_many_flows_and_no_more() {
    let mut bench = few(3);
    let flows: Vec<_> = (0..3).map(|_| bench.open()).collect();
    let mut sink = |_: &[u8]| Ok(());
    let info = ccp_datapath::FlowInfo::new(1, 1);
    let full = bench.datapath.open(info, Micros(0), &mut sink);
    assert_eq!(full, Err(OpenError::TooManyFlows { max: 3 }));
    bench.close(flows[1]);
    bench.open();
    assert_eq!(bench.datapath.open_flows(), 3);
}

#[test]
fn a_closing_waits_for_room_in_the_agents_queue() {
    let mut bench = few(10);
    let (first, second) = (bench.open(), bench.open());
    bench.lines();
    bench.link = Err(SinkError::Full);
    bench.at(10 * MS).close(first);
    bench.at(20 * MS).close(second);
    bench.link = Ok(());
    let due = bench.datapath.poll_timeout().expect("closings wait");
    assert_eq!(due, Micros(120 * MS));
    bench.at(119 * MS).timeout();
    assert!(bench.sent.is_empty());
    bench.at(120 * MS).timeout();
    assert_eq!(bench.lines(), ["close 1", "close 2"]);
    assert_eq!(bench.datapath.poll_timeout(), None);
    assert_eq!(bench.datapath.stats().closes, 2);
}

#[test]
fn waiting_closings_that_find_nobody_are_not_tried_at_once_again() {
    let mut bench = few(10);
    let flows = [bench.open(), bench.open(), bench.open()];
    bench.link = Err(SinkError::Full);
    for flow in flows {
        bench.close(flow);
    }
    bench.link = Err(SinkError::Gone);
    bench.at(100 * MS).timeout();
    assert_eq!(bench.datapath.stats().closes_lost, 1);
    assert_eq!(bench.datapath.poll_timeout(), Some(Micros(200 * MS)));
    bench.link = Ok(());
    bench.lines();
    bench.at(200 * MS).timeout();
    assert_eq!(bench.lines(), ["close 2", "close 3"]);
}

#[test]
fn closings_do_not_pile_up_before_an_agent_that_never_reads() {
    let mut bench = few(4);
    for _ in 0..100 {
        bench.link = Ok(());
        let flow = bench.open();
        bench.link = Err(SinkError::Full);
        bench.close(flow);
    }
    bench.link = Ok(());
    bench.lines();
    bench.at(1_000_000 * MS).timeout();
    assert_eq!(bench.lines().len(), 4, "as many as there may be flows");
    assert_eq!(bench.datapath.stats().closes_lost, 96);
}

#[test]
fn a_flow_the_agent_never_heard_of_closes_in_silence() {
    let mut bench = few(4);
    bench.link = Err(SinkError::Full);
    let flow = bench.open();
    bench.link = Ok(());
    bench.lines();
    bench.close(flow);
    assert!(bench.sent.is_empty());
}

#[test]
fn an_agent_that_starts_from_nothing_is_told_of_no_earlier_end() {
    let mut bench = few(4);
    let first = bench.open();
    bench.link = Err(SinkError::Full);
    bench.close(first);
    bench.link = Ok(());
    bench.lines();
    bench.install(1, &steering(1000)).expect("room");
    bench.at(1000 * MS).timeout();
    assert!(bench.sent.is_empty(), "a new run");

    let [second, third, fourth] = [bench.open(), bench.open(), bench.open()];
    bench.link = Err(SinkError::Full);
    bench.close(second);
    bench.link = Err(SinkError::Gone);
    bench.close(third);
    bench.link = Err(SinkError::Full);
    bench.at(1200 * MS).timeout();
    assert!(bench.datapath.in_fallback());
    bench.link = Ok(());
    bench.lines();
    bench.close(fourth);
    bench.at(1300 * MS).timeout();
    assert_eq!(bench.lines(), ["ready 0", "hello"], "a fallback");
    assert_eq!(bench.datapath.stats().closes_lost, 3);
}

#[test]
fn flow_ids_never_collide_while_open() {
    let mut bench = few(5);
    let mut open = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for round in 0..1000_usize {
        if open.len() == 5 {
            let flow = open.remove(round * 7 % 5);
            bench.close(flow);
        }
        let flow = bench.open();
        assert_ne!(flow.id().0, 0);
        assert!(seen.insert(flow.id()), "not within so many generations");
        open.push(flow);
    }
}
