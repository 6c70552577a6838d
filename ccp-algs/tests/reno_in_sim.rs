//! Reno on simulated links, through every layer: what it does, not only how much it sends.

use std::time::Duration;

use ccp_algs::{RenoAlg, ReportEvery};
use ccp_runtime::RunBuilder;
use ccp_sim::{Flow, FlowResults, Governor, Link, QueueLimit, Rate, Scenario, Sim, Source};

const MS: Duration = Duration::from_millis(1);
const MSS: f64 = 1448.0;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// 48 Mbit/s and 20 ms: 80 packets on the path, and as many in the queue.
fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS)
}

#[track_caller]
fn assert_close(found: f64, expected: f64, within: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= within, "{found} where {expected} is expected: off by {off}");
}

/// The reductions in a flow's samples: time, window before and after, in segments.
fn reductions(flow: &FlowResults, from: Duration) -> Vec<(Duration, f64, f64)> {
    // One is spread over a round: falls that follow each other are one.
    let mut found: Vec<(Duration, f64, f64)> = Vec::new();
    let mut last = Duration::ZERO;
    for pair in flow.samples.windows(2).filter(|pair| pair[0].at >= from) {
        if pair[1].cwnd >= pair[0].cwnd {
            continue;
        }
        let (before, after) = (pair[0].cwnd as f64 / MSS, pair[1].cwnd as f64 / MSS);
        match found.last_mut() {
            Some(one) if pair[1].at - last < 200 * MS => one.2 = after,
            _ => found.push((pair[1].at, before, after)),
        }
        last = pair[1].at;
    }
    found
}

#[test]
fn each_loss_event_halves_the_window_once_and_the_saws_teeth_are_as_long_as_they_should_be() {
    let scenario = Scenario::new(link()).time(secs(60)).measure_from(secs(10));
    let results = scenario.run(RenoAlg::default()).unwrap();
    let flow = &results.flows[0];
    let teeth = reductions(flow, secs(10));
    assert!(teeth.len() > 10, "{teeth:?}");
    for (at, before, after) in &teeth {
        // Path and queue hold 161 packets.
        assert!((*before - 161.0).abs() < 3.0, "{before} at {at:?}");
        assert_close(*after, before / 2.0, 0.02);
    }
    // From half of the window to the whole, a segment a round trip; the rounds take from 20.25 to 40.25 ms, one packet
    // of 0.25 ms more each.
    let rounds = 81.0;
    let period = rounds * (0.02025 + 0.04025) / 2.0;
    for pair in teeth.windows(2) {
        assert_close((pair[1].0 - pair[0].0).as_secs_f64(), period, 0.1);
    }
}

#[test]
fn its_mean_window_under_random_loss_is_that_of_the_formula() {
    // 1.31/√p segments; without a queue that could add losses of its own.
    let p = 1e-3f64;
    let link = Link::new(Rate::mbit(960), 20 * MS).queue(QueueLimit::Unlimited).loss(p);
    let scenario = Scenario::new(link).time(secs(110)).measure_from(secs(10));
    let windows = (1..=4).map(|seed| {
        let results = scenario.clone().seed(seed).run(RenoAlg::default()).unwrap();
        results.flows[0].mean_cwnd(secs(10)) / MSS
    });
    let mean = windows.sum::<f64>() / 4.0;
    assert_close(mean, 1.31 / p.sqrt(), 0.05);
}

#[test]
fn it_does_the_same_whether_it_hears_of_each_ack_or_of_each_round_trip() {
    let run = |every: &str| {
        let alg = RenoAlg::default().report(every.parse::<ReportEvery>().unwrap());
        Scenario::new(link()).time(secs(40)).run(alg).unwrap()
    };
    let rtt = run("rtt");
    for (every, fewest, most) in
        [("ack", 100_000, 200_000), ("5ms", 6_000, 9_000), ("100ms", 300, 800)]
    {
        let other = run(every);
        assert!((fewest..most).contains(&other.agent.reports), "{every}: {}", other.agent.reports);
        assert_close(other.utilisation, rtt.utilisation, 0.01);
        let mean = |results: &ccp_sim::Results| results.flows[0].mean_cwnd(secs(10));
        assert_close(mean(&other), mean(&rtt), 0.05);
    }
}

#[test]
fn an_application_limited_flow_keeps_its_window() {
    let flow = Flow::default().source(Source::Steady(Rate::mbit(4)));
    let results =
        Scenario::new(link()).flows([flow]).time(secs(20)).run(RenoAlg::default()).unwrap();
    // 4 Mbit/s over 20 ms are 7 segments in flight: more than half of the ten that it starts with, so slow start goes
    // on until they are half of the window or less, and no further.
    let largest = results.flows[0].samples.iter().map(|sample| sample.cwnd).max().unwrap();
    assert!(largest as f64 / MSS <= 20.0, "{} segments", largest as f64 / MSS);
    assert_eq!(results.flows[0].losses, 0);
}

#[test]
fn slow_start_ends_by_itself_while_the_agent_is_slow_to_say_so() {
    let scenario = Scenario::new(link()).ipc_delay(300 * MS).sample_every(MS);
    let mut sim = Sim::new(&scenario).unwrap();
    sim.start_agent(|backend| RunBuilder::new(backend).default_alg(RenoAlg::default()).build())
        .unwrap();
    sim.run_until(secs(5)).unwrap();
    let results = sim.results();
    let governed: Vec<_> = results.flows[0]
        .samples
        .iter()
        .filter(|sample| sample.governor == Governor::Agent)
        .collect();
    // From the first loss until the agent's word, 600 ms later, the window stands still; never does it run away.
    let largest = governed.iter().map(|sample| sample.cwnd).max().unwrap() as f64 / MSS;
    assert!(largest < 400.0, "{largest} segments");
    assert!(results.utilisation > 0.5, "{}", results.utilisation);
}

#[test]
fn a_reduction_is_one_event_however_long_the_agents_word_takes() {
    // The link drops until the word arrives, two and a half round trips after the loss: that is the same event still.
    let scenario = Scenario::new(link()).ipc_delay(25 * MS).time(secs(60)).measure_from(secs(10));
    let results = scenario.run(RenoAlg::default()).unwrap();
    for (at, before, after) in reductions(&results.flows[0], secs(10)) {
        assert_close(after, before / 2.0, 0.05);
        assert!(before > 155.0, "{before} at {at:?}");
    }
    assert!(results.utilisation > 0.98, "{}", results.utilisation);
}

#[test]
fn it_survives_heavy_loss_and_timeouts_in_a_row() {
    let link = Link::new(Rate::mbit(10), 50 * MS).loss(0.3);
    let results = Scenario::new(link).time(secs(60)).run(RenoAlg::default()).unwrap();
    let flow = &results.flows[0];
    assert!(flow.timeouts > 10, "{} timeouts", flow.timeouts);
    assert!(flow.goodput > 1000.0, "{} bytes/s", flow.goodput);
    assert!(flow.mean_cwnd(secs(1)) < 4.0 * MSS, "{}", flow.mean_cwnd(secs(1)));
}

#[test]
fn it_works_from_very_slow_links_to_very_short_and_very_long_ones() {
    let us = Duration::from_micros;
    let cases = [
        ("10 kbit/s", Rate::bits(10_000), 100 * MS, 600, 0.9),
        ("100 µs", Rate::mbit(1000), us(100), 5, 0.9),
        ("1 s", Rate::mbit(10), secs(1), 600, 0.8),
    ];
    for (name, rate, rtt, time, least) in cases {
        let link = Link::new(rate, rtt).queue(QueueLimit::Packets(1000));
        let results = Scenario::new(link).time(secs(time)).run(RenoAlg::default()).unwrap();
        assert!(results.utilisation > least, "{name}: {}", results.utilisation);
        assert_eq!((results.agent.refused, results.agent.traps), (0, 0), "{name}");
    }
}

#[test]
fn an_agent_lost_and_started_again_takes_over_without_a_timeout() {
    let mut sim = Sim::new(&Scenario::new(link())).unwrap();
    let start = |sim: &mut Sim| {
        sim.start_agent(|backend| RunBuilder::new(backend).default_alg(RenoAlg::default()).build())
            .unwrap();
    };
    start(&mut sim);
    sim.run_until(secs(10)).unwrap();
    sim.drop_agent();
    sim.run_until(secs(20)).unwrap();
    assert_eq!(sim.governor(0), Some(Governor::Datapath));
    start(&mut sim);
    sim.run_until(secs(30)).unwrap();
    assert_eq!(sim.governor(0), Some(Governor::Agent));
    let results = sim.results();
    assert!(results.utilisation > 0.97, "{}", results.utilisation);
    assert_eq!((results.agent.fallbacks, results.flows[0].timeouts), (1, 0));
}
