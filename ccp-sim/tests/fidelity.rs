//! The simulator against what can be worked out by hand.

mod common;

use std::time::Duration;

use ccp_sim::{Flow, Link, Pacing, QueueLimit, Rate, Results, Scenario, Sim, SimError, Source};
use common::{FixedRate, FixedWindow};

const MS: Duration = Duration::from_millis(1);

fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS)
}

/// Counts from when start-up is over.
fn settled(link: Link) -> Scenario {
    Scenario::new(link).time(Duration::from_secs(11)).measure_from(Duration::from_secs(1))
}

#[track_caller]
fn assert_close(found: f64, expected: f64, within: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= within, "{found} where {expected} is expected: off by {off}");
}

#[test]
fn a_window_limited_flow_has_a_window_each_round_trip() {
    for window in [1, 2, 10, 50, 79] {
        let results = settled(link()).run(FixedWindow(window)).unwrap();
        // A packet of 1500 bytes takes 0.25 ms to send.
        let expected = window as f64 * 1500.0 * 8.0 / 0.02025;
        assert_close(results.flows[0].throughput, expected, 0.005);
        assert_eq!(results.flows[0].losses, 0);
    }
}

#[test]
fn what_a_window_has_beyond_the_path_stands_in_the_queue() {
    // 81 packets are on the path and the link itself; 40 wait 10 ms, those of the burst at the start once.
    let results = settled(link()).run(FixedWindow(121)).unwrap();
    assert_close(results.utilisation, 1.0, 1e-3);
    assert_close(results.queue_mean.as_secs_f64(), 0.010, 0.01);
    assert_close(results.queue_p95.as_secs_f64(), 0.010, 0.03);
    assert_eq!(results.link.dropped, 0);
}

#[test]
fn a_paced_flow_sends_at_its_rate_and_waits_for_its_own_burst_only() {
    let results = settled(link()).run(FixedRate(3_000_000)).unwrap();
    assert_close(results.utilisation, 0.5 * 1500.0 / 1448.0, 1e-3);
    // Two packets a burst: the second waits the 0.25 ms that the first takes.
    assert_close(results.queue_mean.as_secs_f64(), 0.000_125, 1e-3);
}

#[test]
fn a_window_is_paced_if_that_is_asked_for() {
    // Ten packets leave at once in the first round trip; later ones a fifth faster than the window each round trip.
    let run = |pacing| {
        let flow = Flow::default().pacing(pacing);
        settled(link()).flows([flow]).run(FixedWindow(40)).unwrap()
    };
    let (paced, clocked) = (run(Pacing::Window), run(Pacing::Off));
    assert_close(paced.utilisation, clocked.utilisation, 0.001);
    assert_eq!(clocked.flows[0].losses + paced.flows[0].losses, 0);
}

#[test]
fn random_loss_is_as_frequent_as_asked_for_and_repaired() {
    let results = settled(link().loss(0.01)).run(FixedWindow(60)).unwrap();
    let flow = &results.flows[0];
    assert_close(flow.lost as f64 / results.link.offered as f64, 0.01, 0.15);
    // What is lost in the last round trip is not found any more, and a retransmission may be lost in its turn.
    assert!(flow.losses.abs_diff(flow.lost) <= 3, "{flow:?}");
    assert!(flow.retransmits.abs_diff(flow.losses) <= 3, "{flow:?}");
    assert_eq!((flow.duplicates, flow.dropped), (0, 0));
}

#[test]
fn a_flow_that_gets_nothing_through_backs_off() {
    let results =
        Scenario::new(link().loss(1.0)).time(Duration::from_secs(32)).run(FixedWindow(10)).unwrap();
    // The first after 220 ms, each later one after twice as long; the seventh at 27.94 s.
    assert_eq!(results.flows[0].timeouts, 7);
    assert_eq!(results.flows[0].goodput, 0.0);
}

#[test]
fn a_finite_flow_ends_when_all_is_acknowledged() {
    let flow = Flow::default().source(Source::Bytes(10 * 1448)).start(Duration::from_secs(1));
    let results = Scenario::new(link()).flows([flow]).run(FixedWindow(10)).unwrap();
    let flow = &results.flows[0];
    // Ten packets at once: the last is on the link after 2.5 ms.
    assert_eq!(flow.completed, Some(Duration::from_micros(22_500)));
    assert_eq!(results.link.sent, 10);
    assert!(flow.samples.iter().all(|sample| sample.at >= Duration::from_secs(1)));
}

#[test]
fn a_flow_with_nothing_to_send_ends_as_it_begins() {
    let stopped = Flow::default().start(2 * Duration::from_secs(1)).stop(Duration::from_secs(1));
    let flows = [Flow::default().source(Source::Bytes(0)), stopped];
    let results = Scenario::new(link()).flows(flows).run(FixedWindow(10)).unwrap();
    for flow in &results.flows {
        assert_eq!((flow.completed, flow.wire_bytes), (Some(Duration::ZERO), 0));
    }
}

#[test]
fn an_application_limited_flow_sends_what_there_is() {
    let flow = Flow::default().source(Source::Steady(Rate::mbit(8)));
    let results = settled(link()).flows([flow]).run(FixedWindow(100)).unwrap();
    assert_close(results.flows[0].goodput * 8.0, 8e6, 0.001);
}

#[test]
fn a_receive_window_limits_like_a_congestion_window() {
    let flow = Flow::default().receive_window(20 * 1448);
    let results = settled(link()).flows([flow]).run(FixedWindow(1000)).unwrap();
    assert_close(results.flows[0].throughput, 20.0 * 12_000.0 / 0.02025, 0.005);
}

#[test]
fn a_longer_path_takes_longer() {
    let flows = [Flow::default(), Flow::default().extra_rtt(40 * MS)];
    let results = settled(link()).flows(flows).run(FixedWindow(10)).unwrap();
    // Packets of the two meet now and then, so this is no matter of arithmetic alone.
    assert_close(results.flows[0].throughput, 120_000.0 / 0.02025, 0.1);
    assert_close(results.flows[1].throughput, 120_000.0 / 0.06025, 0.1);
}

#[test]
fn equal_windows_share_equally() {
    let flows = vec![Flow::default(); 8];
    let results = settled(link()).flows(flows).run(FixedWindow(15)).unwrap();
    assert_close(results.utilisation, 1.0, 1e-3);
    assert!(results.jain_index() > 0.999, "{}", results.jain_index());
    assert_close(
        results.flows.iter().map(|flow| flow.utilisation).sum(),
        results.utilisation,
        1e-9,
    );
}

#[test]
fn a_flow_that_stops_leaves_the_link_to_the_others() {
    let stopping = Flow::default().stop(Duration::from_secs(5));
    let flows = [Flow::default(), stopping];
    let scenario = Scenario::new(link())
        .flows(flows)
        .time(Duration::from_secs(10))
        .measure_from(Duration::from_secs(6));
    let results = scenario.run(FixedWindow(80)).unwrap();
    assert_eq!(results.flows[1].throughput, 0.0);
    assert_close(results.flows[0].utilisation, 80.0 / 81.0, 0.001);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let run = |seed| -> Results {
        let flows = [Flow::default(), Flow::default().extra_rtt(7 * MS)];
        let link = link().loss(0.01).queue(QueueLimit::Packets(20));
        let scenario = Scenario::new(link).flows(flows).seed(seed).time(Duration::from_secs(5));
        scenario.run(FixedWindow(100)).unwrap()
    };
    let (first, second, other) = (run(1), run(1), run(2));
    assert_eq!(first, second);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert_ne!(first, other);
}

#[test]
fn stopping_to_look_changes_nothing() {
    let scenario = Scenario::new(link().loss(0.01)).time(Duration::from_secs(3));
    let mut sim = Sim::new(&scenario).unwrap();
    for ms in 0..3000 {
        sim.run_until(ms * MS + Duration::from_nanos(u64::from(ms))).unwrap();
        assert!(sim.conserves_packets());
    }
    sim.run_until(scenario.time).unwrap();
    assert_eq!(sim.results(), scenario.run_without_agent().unwrap());
}

#[test]
fn scenarios_that_make_no_sense_are_refused() {
    let nobody = Scenario::new(link()).flows([]);
    assert!(matches!(Sim::new(&nobody), Err(SimError::NoFlows)));
    for (mss, overhead) in [(0, 52), (65_000, 536), (u32::MAX, u32::MAX)] {
        let mut scenario = Scenario::new(link());
        scenario.flows[0].mss = mss;
        scenario.flows[0].overhead = overhead;
        assert!(matches!(Sim::new(&scenario), Err(SimError::PacketSize { flow: 0, .. })));
    }
    let plain = || Scenario::new(link());
    let mut flood = plain();
    flood.flows[0].init_cwnd = u32::MAX;
    assert!(matches!(Sim::new(&flood), Err(SimError::InitialWindow { flow: 0, .. })));
    let backwards = plain().outage(2 * MS, Some(MS));
    assert!(matches!(Sim::new(&backwards), Err(SimError::OutageTimes { outage: 0 })));
    for second in [MS, 3 * MS] {
        let outages = plain().outage(2 * MS, Some(4 * MS)).outage(second, None);
        assert!(matches!(Sim::new(&outages), Err(SimError::OutageOrder { outage: 1 })));
    }
    let one_after_another = plain().outage(2 * MS, Some(4 * MS)).outage(4 * MS, None);
    assert!(Sim::new(&one_after_another).is_ok());
}
