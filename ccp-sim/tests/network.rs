//! What the network does to packets, as flows feel it.

mod common;

use std::time::Duration;

use ccp_sim::{
    Aqm, Change, Cross, Flow, Link, Loss, Pacing, QueueLimit, Rate, Results, Scenario, SimError,
    Source, Trace,
};
use common::FixedWindow;

const MS: Duration = Duration::from_millis(1);

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS)
}

/// Counts from when start-up is over.
fn settled(link: Link) -> Scenario {
    Scenario::new(link).time(secs(21)).measure_from(secs(1))
}

#[track_caller]
fn assert_close(found: f64, expected: f64, within: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= within, "{found} where {expected} is expected: off by {off}");
}

/// The first flow's rate through the link between two times, from its samples, bits per second of data.
fn rate_between(results: &Results, from: Duration, to: Duration) -> f64 {
    let at = |time: Duration| {
        let sample = results.flows[0].samples.iter().find(|sample| sample.at >= time);
        sample.unwrap().acked as f64
    };
    (at(to) - at(from)) * 8.0 / (to - from).as_secs_f64()
}

#[test]
fn the_queueing_delay_of_constant_traffic_is_exact() {
    // 1250 packets a second on a link that takes 1200: the queue grows by 50 a second, each waits for those before it.
    let link = Link::new(Rate::bits(14_400_000), 20 * MS).queue(QueueLimit::Unlimited);
    let cross = Cross::new(Rate::mbit(15)).stop(secs(8));
    let idle = Flow::default().source(Source::Bytes(0));
    let scenario = Scenario::new(link).flows([idle]).cross(cross).time(secs(20));
    let results = scenario.run_without_agent().unwrap();
    let packets = 10_000u64;
    assert_eq!(results.cross[0].through, packets);
    // Packet n comes at n · 0.8 ms and begins at n · 0.8333… ms: it waits n/30 ms.
    let mean = (packets - 1) as f64 / 2.0 / 30.0 / 1e3;
    assert!((results.queue_mean.as_secs_f64() - mean).abs() < 1e-8, "{:?}", results.queue_mean);
    assert_close(results.queue_p95.as_secs_f64(), 0.95 * packets as f64 / 30e3, 0.01);
}

#[test]
fn constant_traffic_that_fits_waits_for_nothing() {
    let cross = Cross::new(Rate::mbit(47));
    let idle = Flow::default().source(Source::Bytes(0));
    let results = settled(link()).flows([idle]).cross(cross).run_without_agent().unwrap();
    assert_eq!(results.queue_mean, Duration::ZERO);
    assert_close(results.cross[0].throughput, 47e6, 1e-4);
    assert_close(results.cross[0].utilisation, 47.0 / 48.0, 1e-4);
}

#[test]
fn cross_traffic_takes_its_part_and_leaves_the_rest() {
    let results = settled(link()).cross(Cross::new(Rate::mbit(24))).run(FixedWindow(70)).unwrap();
    assert_close(results.flows[0].throughput, 24e6, 0.01);
    assert_close(results.cross[0].throughput, 24e6, 0.01);
    assert_close(results.utilisation, 1.0, 1e-3);
    assert!(results.queue_mean > 10 * MS, "{:?}", results.queue_mean);
    // Every other half second only.
    let cross = Cross::new(Rate::mbit(24)).on_off(500 * MS, 500 * MS);
    let results = settled(link()).cross(cross).run(FixedWindow(70)).unwrap();
    assert_close(results.cross[0].throughput, 12e6, 0.01);
}

#[test]
fn codel_keeps_a_standing_queue_short() {
    let long = link().queue(QueueLimit::Unlimited);
    let run = |link: Link| settled(link).run_without_agent().unwrap();
    let managed = run(long.clone().aqm(Aqm::codel()));
    assert!(managed.queue_mean < 8 * MS, "{:?}", managed.queue_mean);
    assert!(managed.utilisation > 0.85, "{}", managed.utilisation);
    assert_eq!(managed.link.dropped, managed.flows[0].dropped);
    assert!(run(long).queue_mean > 100 * MS);
}

#[test]
fn marks_do_what_drops_do_without_dropping() {
    for aqm in [Aqm::codel(), Aqm::Threshold(QueueLimit::Packets(60))] {
        let link = link().queue(QueueLimit::Unlimited).aqm(aqm);
        let results = settled(link).flows([Flow::default().ecn()]).run_without_agent().unwrap();
        let flow = &results.flows[0];
        assert!(flow.marked > 0 && flow.marked == results.link.marked, "{flow:?}");
        assert_eq!((flow.dropped, flow.losses, flow.retransmits), (0, 0, 0));
        assert!(results.queue_mean < 10 * MS, "{:?}", results.queue_mean);
        assert!(results.utilisation > 0.85, "{}", results.utilisation);
    }
}

#[test]
fn a_queue_in_bytes_holds_more_small_packets() {
    let run = |mss, limit| {
        let mut flow = Flow::default().init_cwnd(300).pacing(Pacing::Off);
        flow.mss = mss;
        let link = Link::new(Rate::mbit(1), 20 * MS).queue(limit);
        let scenario = Scenario::new(link).flows([flow]).time(30 * MS);
        scenario.run_without_agent().unwrap().link
    };
    // Three hundred at once: the queue keeps what it holds, some of which have left when the first answers come.
    let large = run(1448, QueueLimit::Bytes(30_000));
    let small = run(448, QueueLimit::Bytes(30_000));
    assert_eq!((large.dropped, small.dropped), (300 - 20, 300 - 60));
    assert_eq!(run(448, QueueLimit::Packets(20)).dropped, 300 - 20);
}

#[test]
fn bursts_of_losses_are_repaired() {
    let link = link().losing(Loss::burst(0.02, 20.0));
    let results = settled(link).run(FixedWindow(60)).unwrap();
    let flow = &results.flows[0];
    assert_close(flow.lost as f64 / results.link.offered as f64, 0.02, 0.5);
    assert!(flow.losses.abs_diff(flow.lost) <= 60, "{flow:?}");
    assert!(flow.goodput * 8.0 > 20e6, "{}", flow.goodput);
    assert_eq!((flow.duplicates, flow.spurious), (0, 0));
}

#[test]
fn periodic_loss_is_periodic() {
    let results = settled(link().losing(Loss::Every(1000))).run(FixedWindow(60)).unwrap();
    let flow = &results.flows[0];
    assert!(flow.lost.abs_diff(results.link.offered / 1000) <= 1);
    assert!(flow.losses.abs_diff(flow.lost) <= 1, "{flow:?}");
}

#[test]
fn reordering_is_told_from_loss_and_reductions_for_it_are_undone() {
    let link = link().queue(QueueLimit::Bdp(2.0)).reordering(0.001, 4 * MS);
    let results = settled(link).run_without_agent().unwrap();
    let flow = &results.flows[0];
    // Nothing but the queue drops.
    let real = flow.losses - flow.spurious;
    assert!(real.abs_diff(flow.dropped) <= 3, "{flow:?}");
    assert!(results.utilisation > 0.97, "{}", results.utilisation);
    // A quarter of a round trip is enough for these: hardly any is sent again.
    let reordered = results.link.sent / 1000;
    assert!(flow.spurious < reordered / 10, "{} of {reordered}", flow.spurious);
}

#[test]
fn a_delay_that_jumps_up_ends_in_no_loss_and_no_lasting_harm() {
    let spike =
        link().change(Change::at(secs(5)).rtt(secs(2))).change(Change::at(secs(10)).rtt(20 * MS));
    let results = Scenario::new(spike).time(secs(20)).run_without_agent().unwrap();
    let flow = &results.flows[0];
    assert!(flow.timeouts > 0 && flow.undone > 0, "{flow:?}");
    let late = rate_between(&results, secs(15), secs(19));
    assert!(late > 0.9 * 48e6, "{late}");
}

#[test]
fn a_window_fills_a_changed_path_as_arithmetic_says() {
    let changing = link()
        .queue(QueueLimit::Unlimited)
        .change(Change::at(secs(4)).rtt(100 * MS))
        .change(Change::at(secs(8)).rtt(5 * MS))
        .change(Change::at(secs(12)).rate(Rate::mbit(2)))
        .change(Change::at(secs(16)).rate(Rate::mbit(480)));
    let scenario = Scenario::new(changing).time(secs(20)).sample_every(MS);
    let flow = Flow::default().pacing(Pacing::Off);
    let results = scenario.flows([flow]).run(FixedWindow(20)).unwrap();
    let data = 1448.0 / 1500.0;
    let window = 20.0 * 12_000.0 * data;
    for (from, to, expected) in [
        (2, 4, window / 0.02025),
        (6, 8, window / 0.10025),
        // 20 packets take as long as the round trip and one packet: the queue is about empty.
        (10, 12, window / 0.00525),
        (14, 16, 2e6 * data),
        (18, 19, window / 0.005_025),
    ] {
        assert_close(rate_between(&results, secs(from), secs(to)), expected, 0.02);
    }
    assert_eq!(results.flows[0].losses, 0);
    // What could have been sent: four seconds at 2 Mbit/s, four at 480, and twelve at 48.
    let bytes = results.link.sent_bytes as f64;
    assert_close(results.utilisation, bytes * 8.0 / (12.0 * 48e6 + 4.0 * 2e6 + 4.0 * 480e6), 1e-9);
}

#[test]
fn jitter_neither_reorders_nor_loses() {
    let results = settled(link().jitter(5 * MS)).run(FixedWindow(60)).unwrap();
    let flow = &results.flows[0];
    assert_eq!((flow.losses, flow.retransmits, flow.timeouts), (0, 0, 0));
    // A round trip is up to 5 ms longer; since none overtakes another, it is mostly near that.
    let rtt = 60.0 * 12_000.0 / flow.throughput;
    assert!((0.0215..0.0255).contains(&rtt), "{rtt}");
}

fn verizon() -> Trace {
    Trace::parse("Verizon-LTE-short.up", include_str!("../traces/Verizon-LTE-short.up")).unwrap()
}

#[test]
fn a_recorded_link_gives_what_was_recorded() {
    let link = Link::with_trace(verizon(), 20 * MS).queue(QueueLimit::Packets(5000));
    let mean = link.rate.as_bits() as f64;
    let scenario = Scenario::new(link).time(verizon().period());
    let results = scenario.run(FixedWindow(4000)).unwrap();
    assert_close(results.utilisation, 1.0, 0.01);
    assert_close(results.flows[0].throughput, mean, 0.01);
    assert_eq!(results.flows[0].losses, 0);
}

#[test]
fn a_recorded_link_is_filled_by_reno_with_a_deep_queue() {
    let link = Link::with_trace(verizon(), 20 * MS).queue(QueueLimit::Packets(100));
    let results = Scenario::new(link).time(secs(60)).run_without_agent().unwrap();
    assert!((0.6..1.0).contains(&results.utilisation), "{}", results.utilisation);
    assert!(results.link.dropped > 0);
}

#[test]
fn sources_that_come_and_go_are_as_fast_as_they_come() {
    let chunks = Source::Chunks { bytes: 250_000, every: 500 * MS };
    let on_off = Source::OnOff { on: 500 * MS, off: 1500 * MS };
    for (source, expected) in [(chunks, 4e6), (on_off, 0.25 * 70.0 * 1448.0 * 8.0 / 0.02025)] {
        let flow = Flow::default().source(source);
        let results = settled(link()).flows([flow]).run(FixedWindow(70)).unwrap();
        assert_close(results.flows[0].goodput * 8.0, expected, 0.05);
        assert_eq!(results.flows[0].losses, 0);
    }
}

#[test]
fn networks_that_make_no_sense_are_refused() {
    let refused = |scenario: Scenario| scenario.run_without_agent().unwrap_err().to_string();
    assert_eq!(
        refused(Scenario::new(link().loss(1.5))),
        "loss has the probability 1.5; one lies between 0 and 1"
    );
    assert_eq!(
        refused(Scenario::new(link().reordering(f64::NAN, MS))),
        "reordering has the probability NaN; one lies between 0 and 1"
    );
    assert_eq!(
        refused(Scenario::new(link()).cross(Cross::new(Rate::mbit(1)).packet(0))),
        "cross traffic 0 has packets of 0 bytes; a packet holds 1 to 65535"
    );
    let retimed = Link::with_trace(verizon(), MS).change(Change::at(MS).rate(Rate::mbit(1)));
    assert!(matches!(
        Scenario::new(retimed).run_without_agent(),
        Err(SimError::RateOfTrace { change: 0 })
    ));
}

#[test]
fn a_flow_that_starts_later_knows_the_path_as_it_is_then() {
    // With the round trip of the beginning its first timer would be over long before anything can be back.
    let link = link().change(Change::at(Duration::from_secs(1)).rtt(2000 * MS));
    let flow = Flow::default().source(Source::Bytes(5 * 1448)).start(Duration::from_secs(2));
    let results = Scenario::new(link).flows([flow]).run_without_agent().unwrap();
    let flow = &results.flows[0];
    assert_eq!((flow.timeouts, flow.probes, flow.retransmits), (0, 0, 0));
    assert!(flow.completed > Some(2000 * MS));
}
