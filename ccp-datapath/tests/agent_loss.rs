//! Scenarios: no agent yet, an agent that goes, hangs, comes back, or starts anew.

mod common;

use ccp_datapath::{Config, Governor, SinkError};
use ccp_lang::{Micros, Reg};
use common::{Bench, CWND, MS, field, reporting, steering};

const GONE: Result<(), SinkError> = Err(SinkError::Gone);
const FULL: Result<(), SinkError> = Err(SinkError::Full);

/// The agent goes at `at`, and the fallback has begun 200 ms later.
fn lose_agent(bench: &mut Bench, flow: ccp_datapath::FlowHandle, at: u64) {
    bench.link = GONE;
    bench.at(at).ack(flow);
    assert_eq!(bench.at(at + 200 * MS - 1).ack(flow).governor, Governor::Agent);
    assert_eq!(bench.at(at + 200 * MS).ack(flow).governor, Governor::Fallback);
}

#[test]
fn without_an_agent_everything_is_retried_every_100_ms() {
    let mut bench = Bench::new();
    bench.link = GONE;
    let flow = bench.open();
    assert_eq!(bench.datapath.poll_timeout(), Some(Micros(100 * MS)));
    bench.link = Ok(());
    bench.at(99 * MS).ack(flow);
    assert!(bench.sent.is_empty());
    let decision = bench.at(100 * MS).ack(flow);
    assert_eq!(decision.governor, Governor::Transport);
    assert_eq!(bench.lines(), ["ready 0", "hello", "create 1 reno"], "Ready goes first");
    bench.alive(0);
    bench.at(900 * MS).ack(flow);
    assert!(bench.sent.is_empty(), "neither is repeated");
}

#[test]
fn no_create_goes_before_ready() {
    // An agent drops the flows it knows when a Ready comes.
    let mut bench = Bench::new();
    bench.link = FULL;
    bench.timeout();
    bench.link = Ok(());
    let flow = bench.at(50 * MS).open();
    bench.at(99 * MS).ack(flow);
    assert!(bench.sent.is_empty());
    bench.at(100 * MS).ack(flow);
    assert_eq!(bench.lines(), ["ready 0", "hello", "create 1 reno"]);
}

#[test]
fn a_create_that_failed_is_tried_again_100_ms_after_the_last_attempt() {
    let mut bench = Bench::new();
    bench.timeout();
    bench.link = FULL;
    let flow = bench.at(10 * MS).open();
    bench.at(110 * MS).ack(flow);
    bench.link = Ok(());
    bench.sent.clear();
    bench.at(209 * MS).ack(flow);
    assert!(bench.sent.is_empty());
    bench.at(210 * MS).ack(flow);
    assert_eq!(bench.lines(), ["create 1 reno"]);
}

#[test]
fn a_late_create_says_the_window_in_use() {
    let mut bench = Bench::new();
    bench.link = GONE;
    let flow = bench.open();
    bench.link = Ok(());
    bench.at(100 * MS).timeout();
    bench.lines();
    for (cwnd, expected) in [(50_000, 50_000), (u64::MAX, u32::MAX), (0, CWND as u32)] {
        bench.alive(0);
        bench.install(1, &reporting()).expect("room");
        bench.ack_at(flow, cwnd);
        let create = bench.sent.pop_front().expect("a Create");
        assert_eq!(create[8..12], expected.to_le_bytes());
        bench.change(flow, 1, &[]).expect("installed");
    }
}

#[test]
fn a_create_that_finds_nobody_starts_the_timer() {
    let mut bench = Bench::new();
    bench.timeout();
    bench.link = FULL;
    let flow = bench.open();
    bench.link = GONE;
    bench.at(100 * MS).ack(flow);
    assert_eq!(bench.datapath.poll_timeout(), Some(Micros(300 * MS)));
    assert_eq!(bench.at(300 * MS).ack(flow).governor, Governor::Fallback);
}

#[test]
fn the_invocation_that_sends_the_create_runs_nothing() {
    let mut bench = Bench::new();
    bench.timeout();
    bench.link = FULL;
    let flow = bench.open();
    bench.link = Ok(());
    bench.update(flow, &[field(Reg::CWND, 5000)]).expect("settable");
    let decision = bench.at(100 * MS).ack(flow);
    assert_eq!((decision.cwnd, decision.governor), (None, Governor::Transport));
    assert_eq!(bench.ack(flow).cwnd, Some(5000), "the next one does");
}

#[test]
fn a_gone_agent_has_200_ms_then_the_flows_fall_back() {
    let (mut bench, flow) = Bench::running(&reporting());
    lose_agent(&mut bench, flow, 1000 * MS);
    assert!(bench.datapath.in_fallback());
    assert_eq!(bench.datapath.stats().fallbacks, 1);
    assert_eq!(bench.datapath.stats().reports_lost, 2);
    let decision = bench.at(2000 * MS).ack(flow);
    assert_eq!((decision.cwnd, decision.rate, decision.reported), (None, None, false));
}

#[test]
fn a_full_queue_is_no_reason_to_fall_back() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.link = FULL;
    for second in 1..100 {
        assert_eq!(bench.at(second * 1000 * MS).ack(flow).governor, Governor::Agent);
    }
    assert_eq!(bench.datapath.stats().sends_full, 99);
}

#[test]
fn in_fallback_ready_goes_out_every_100_ms_and_no_create() {
    let (mut bench, flow) = Bench::running(&reporting());
    lose_agent(&mut bench, flow, 0);
    bench.link = Ok(());
    let new = bench.at(250 * MS).open();
    assert!(bench.sent.is_empty());
    for t in (260..=500).step_by(10) {
        bench.at(t * MS).ack(flow);
        assert_eq!(bench.ack(new).governor, Governor::Fallback);
    }
    assert_eq!(bench.lines(), ["ready 0", "hello"].repeat(3));
}

#[test]
fn install_ends_the_fallback_and_each_flow_announces_itself_anew() {
    let (mut bench, flow) = Bench::running(&reporting());
    let other = bench.open();
    bench.lines();
    lose_agent(&mut bench, flow, 0);
    bench.link = Ok(());
    bench.at(300 * MS).timeout();
    bench.lines();

    bench.install(1, &steering(9000)).expect("room");
    assert!(!bench.datapath.in_fallback());
    assert!(bench.sent.is_empty(), "at its next ACK");
    let decision = bench.at(301 * MS).ack(flow);
    assert_eq!((decision.cwnd, decision.governor), (None, Governor::Agent));
    assert_eq!(bench.lines(), ["create 1 reno"]);
    bench.ack(other);
    assert_eq!(bench.lines(), ["create 2 reno"]);

    bench.change(flow, 1, &[]).expect("installed");
    assert_eq!(bench.ack(flow).cwnd, Some(9000));
    assert_eq!(bench.lines(), ["report 1 by 1: [9000]"]);
}

#[test]
fn alive_ends_the_fallback_as_well() {
    let (mut bench, flow) = Bench::running(&reporting());
    lose_agent(&mut bench, flow, 0);
    bench.link = Ok(());
    bench.at(210 * MS).alive(1000);
    assert_eq!(bench.ack(flow).governor, Governor::Agent);
    assert_eq!(bench.lines(), ["create 1 reno"]);
}

#[test]
fn no_report_of_before_the_fallback_reaches_the_next_agent() {
    // It may say Alive before it installs its own programs.
    let (mut bench, flow) = Bench::running(&reporting());
    lose_agent(&mut bench, flow, 0);
    bench.link = Ok(());
    bench.at(210 * MS).alive(1000);
    bench.ack(flow);
    assert!(bench.ack(flow).reported);
    assert_eq!(bench.lines(), ["create 1 reno"]);
    assert_eq!(bench.datapath.stats().reports_stale, 1);
    bench.install(1, &steering(7)).expect("room");
    bench.change(flow, 1, &[]).expect("installed");
    bench.ack(flow);
    assert_eq!(bench.lines(), ["report 1 by 1: [7]"]);
}

#[test]
fn words_about_single_flows_do_not_end_a_fallback() {
    let (mut bench, flow) = Bench::running(&reporting());
    lose_agent(&mut bench, flow, 0);
    bench.update(flow, &[field(Reg::CWND, 1)]).expect("settable");
    bench.change(flow, 1, &[]).expect("installed");
    assert_eq!(bench.ack(flow).governor, Governor::Fallback);
    let mut bad = reporting();
    bad.events[0].flag_idx = 500;
    assert!(bench.install(1, &bad).is_err());
    assert_eq!(bench.ack(flow).governor, Governor::Fallback);
}

#[test]
fn any_message_stops_the_timer_before_the_fallback() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.link = GONE;
    bench.at(1000 * MS).ack(flow);
    bench.link = Ok(());
    bench.at(1150 * MS).update(flow, &[]).expect("an empty update");
    assert_eq!(bench.at(5000 * MS).ack(flow).governor, Governor::Agent);

    bench.link = GONE;
    bench.ack(flow);
    bench.link = Ok(());
    bench.at(5100 * MS);
    bench.receive(&[99, 0, 8, 0, 0, 0, 0, 0]).expect("unknown");
    assert_eq!(bench.at(9000 * MS).ack(flow).governor, Governor::Agent);
}

#[test]
fn a_message_that_comes_with_the_end_of_the_timer_still_stops_it() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.link = GONE;
    bench.ack(flow);
    bench.link = Ok(());
    bench.at(200 * MS).update(flow, &[]).expect("empty");
    assert!(!bench.datapath.in_fallback());
}

#[test]
fn what_an_earlier_run_asked_for_is_not_done_under_the_next() {
    let (mut bench, flow) = Bench::running(&steering(1000));
    bench.ack(flow);
    bench.update(flow, &[field(Reg::control(0), 2000)]).expect("settable");
    bench.install(1, &reporting()).expect("room");
    bench.ack(flow);
    assert_eq!(bench.ack(flow).cwnd, Some(1000));
    bench.change(flow, 1, &[]).expect("installed");
    bench.install(1, &steering(3000)).expect("room");
    bench.ack(flow);
    assert_eq!(bench.ack(flow).cwnd, Some(1000), "nor is a change");
}

#[test]
fn an_agent_owes_nothing_that_the_one_before_it_promised() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.ack(flow);
    bench.alive(50);
    bench.at(151 * MS).timeout();
    assert!(bench.datapath.in_fallback());
    bench.install(1, &reporting()).expect("room");
    bench.ack(flow);
    assert_eq!(bench.at(310 * MS).ack(flow).governor, Governor::Agent);
}

#[test]
fn a_dead_agents_words_do_not_come_back_with_the_next_one() {
    let (mut bench, flow) = Bench::running(&steering(1000));
    bench.update(flow, &[field(Reg::RATE, 777)]).expect("settable");
    assert_eq!(bench.ack(flow).rate, Some(777));
    bench.update(flow, &[field(Reg::control(0), 2000), field(Reg::CWND, 2000)]).expect("settable");
    bench.link = GONE;
    bench.close_of_another();
    bench.at(200 * MS).timeout();
    bench.link = Ok(());
    bench.at(300 * MS).alive(0);
    bench.ack(flow);
    let decision = bench.ack(flow);
    assert_eq!(decision.cwnd, Some(1000), "the update died with its agent");
    assert_eq!(decision.rate, None, "the transport has paced by its own rule since");
}

#[test]
fn silence_over_three_promised_intervals_is_a_dead_agent() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.at(0).alive(50);
    assert_eq!(bench.datapath.poll_timeout(), Some(Micros(150 * MS + 1)));
    assert_eq!(bench.at(150 * MS).ack(flow).governor, Governor::Agent);
    bench.at(150 * MS + 1).timeout();
    assert_eq!(bench.ack(flow).governor, Governor::Fallback);
    assert_eq!(bench.datapath.stats().fallbacks, 1);
}

#[test]
fn an_agent_that_keeps_its_promise_is_alive() {
    let (mut bench, flow) = Bench::running(&reporting());
    for t in (0..10_000).step_by(100) {
        bench.at(t * MS).alive(50);
        assert_eq!(bench.at(t * MS + 99 * MS).ack(flow).governor, Governor::Agent);
    }
}

#[test]
fn silence_of_an_agent_that_promised_nothing_is_no_news() {
    let (mut bench, flow) = Bench::running(&reporting());
    let day = 86_400_000 * MS;
    assert_eq!(bench.datapath.poll_timeout(), None);
    assert_eq!(bench.at(30 * day).ack(flow).governor, Governor::Agent);
    bench.alive(0);
    assert_eq!(bench.at(60 * day).ack(flow).governor, Governor::Agent, "0 is no promise");
}

#[test]
fn who_did_not_ask_for_keep_alives_counts_no_silence() {
    let mut config = Config::default();
    config.keep_alive = false;
    let mut bench = Bench::with(config);
    let flow = bench.open();
    bench.alive(1);
    assert_eq!(bench.at(10_000 * MS).ack(flow).governor, Governor::Transport);
}

#[test]
fn after_a_suspend_the_agents_waiting_messages_count() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.alive(50);
    let later = 3 * 86_400_000 * MS;
    // An ACK is handled first, although an Alive waits in the socket.
    assert_eq!(bench.at(later).ack(flow).governor, Governor::Agent);
    bench.at(later + MS).alive(50);
    assert_eq!(bench.at(later + 149 * MS).ack(flow).governor, Governor::Agent);
    // Without one, the agent has one more interval.
    assert_eq!(bench.at(2 * later).ack(flow).governor, Governor::Agent);
    assert_eq!(bench.at(2 * later + 50 * MS + 1).ack(flow).governor, Governor::Fallback);
}

#[test]
fn a_new_run_makes_the_governed_flows_announce_themselves() {
    // The agent was replaced so fast that no send failed: an Install of uid 1 tells.
    let (mut bench, flow) = Bench::running(&reporting());
    bench.at(10 * MS).ack(flow);
    bench.lines();
    let fresh = bench.at(20 * MS).open();
    bench.lines();
    bench.at(21 * MS).install(1, &steering(1)).expect("room");

    // The old program runs on, but its report would be taken for one of the new program 1.
    let decision = bench.ack(flow);
    assert_eq!(bench.lines(), ["create 1 reno"]);
    assert_eq!(decision.governor, Governor::Agent);
    assert!(bench.ack(flow).reported);
    assert_eq!(bench.datapath.stats().reports_stale, 1);
    bench.ack(fresh);
    assert!(bench.sent.is_empty(), "the new agent has that Create already");

    bench.change(flow, 1, &[]).expect("installed");
    bench.ack(flow);
    assert_eq!(bench.lines(), ["report 1 by 1: [1]"]);
}

#[test]
fn a_create_that_nobody_answered_is_sent_again_to_a_new_run() {
    let mut bench = Bench::new();
    let flow = bench.open();
    bench.lines();
    bench.at(2000 * MS).install(1, &reporting()).expect("room");
    bench.ack(flow);
    assert_eq!(bench.lines(), ["create 1 reno"]);
}

#[test]
fn a_fallback_at_once_is_a_setting() {
    let mut config = Config::default();
    config.fallback_after = Micros(0);
    let mut bench = Bench::with(config);
    bench.link = GONE;
    let flow = bench.open();
    assert_eq!(bench.ack(flow).governor, Governor::Fallback);
}

#[test]
fn time_may_stand_still_go_back_or_end() {
    let (mut bench, flow) = Bench::running(&reporting());
    for now in [0, 0, 5, 3, 0, u64::MAX - 1, u64::MAX, u64::MAX, 7] {
        assert_eq!(bench.at(now).ack(flow).governor, Governor::Agent);
    }
    bench.alive(u32::MAX);
    bench.link = GONE;
    bench.ack(flow);
    bench.timeout();
    bench.close(flow);
}

impl Bench {
    /// Lets a send fail without an invocation of the flow under test.
    fn close_of_another(&mut self) {
        let link = std::mem::replace(&mut self.link, Ok(()));
        let other = self.open();
        self.link = link;
        self.close(other);
    }
}
