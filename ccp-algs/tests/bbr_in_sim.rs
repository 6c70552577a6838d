//! BBR on simulated links, through every layer: what it does, not only how much it sends.

use std::time::Duration;

use ccp_algs::{BbrAlg, RenoAlg};
use ccp_sim::{Change, Flow, FlowSample, Link, QueueLimit, Rate, Scenario};

const MS: Duration = Duration::from_millis(1);
const MSS: u64 = 1448;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// 48 Mbit/s and 20 ms: 80 packets on the path.
fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS).queue(QueueLimit::Unlimited)
}

fn samples(scenario: &Scenario) -> Vec<FlowSample> {
    let results = scenario.run(BbrAlg::default()).unwrap();
    assert_eq!((results.agent.refused, results.agent.traps), (0, 0));
    results.flows[0].samples.clone()
}

#[test]
fn startup_fills_the_pipe_by_round_nine_and_drain_takes_three_rounds() {
    let samples = samples(&Scenario::new(link()).time(secs(1)).sample_every(MS));
    // The kernel's STARTUP ends after 337 ms, its DRAIN takes 65 ms.
    let link = 6_000_000 * MSS / 1500;
    let drain =
        samples.iter().position(|s| s.rate > 0 && s.rate < link / 2 && s.at > 200 * MS).unwrap();
    assert!((280 * MS..400 * MS).contains(&samples[drain].at), "{:?}", samples[drain].at);
    // The pacing rate is 88/256 of 99 % of the estimate.
    let estimate = samples[drain].rate * 256 / 88 * 100 / 99;
    assert!(estimate.abs_diff(link) <= link / 50, "{estimate} of {link}");
    let cruise = samples[drain..].iter().position(|s| s.rate > link / 2).unwrap();
    assert!((40..=80).contains(&cruise), "{cruise} ms");
}

#[test]
fn probe_bw_keeps_the_queue_under_a_quarter_of_the_path_and_the_link_busy() {
    let scenario = Scenario::new(link()).time(secs(10)).measure_from(secs(1));
    let results = scenario.run(BbrAlg::default()).unwrap();
    assert!(results.utilisation >= 0.96, "{}", results.utilisation);
    assert!(results.queue_mean < 5 * MS, "{:?}", results.queue_mean);
}

#[test]
fn probe_rtt_comes_every_ten_seconds_and_lasts_two_hundred_milliseconds() {
    let samples = samples(&Scenario::new(link()).time(secs(34)).sample_every(MS));
    let small: Vec<_> =
        samples.iter().filter(|s| s.at > secs(1) && s.cwnd <= 4 * MSS).map(|s| s.at).collect();
    let begun: Vec<_> = small.iter().copied().filter(|at| !small.contains(&(*at - MS))).collect();
    assert_eq!(begun.len(), 3, "{begun:?}");
    for pair in begun.windows(2) {
        let apart = pair[1] - pair[0];
        assert!((10_150 * MS..10_350 * MS).contains(&apart), "{apart:?}");
    }
    for at in begun {
        let long = small.iter().filter(|s| (at..at + secs(1)).contains(*s)).count();
        assert!((200..=250).contains(&long), "{long} ms");
    }
}

#[test]
fn one_percent_of_random_loss_costs_little() {
    let scenario = Scenario::new(link().loss(0.01)).time(secs(15)).measure_from(secs(1));
    let results = scenario.run(BbrAlg::default()).unwrap();
    assert!(results.utilisation >= 0.85, "{}", results.utilisation);
}

#[test]
fn two_flows_share_the_link() {
    let flows = [Flow::default(), Flow::default().start(secs(1))];
    let scenario = Scenario::new(link()).flows(flows).time(secs(40)).measure_from(secs(20));
    let results = scenario.run(BbrAlg::default()).unwrap();
    assert!(results.jain_index() > 0.95, "{}", results.jain_index());
}

#[test]
fn on_the_fixed_link_it_waits_less_than_half_as_long_as_reno() {
    let link = Link::new(Rate::mbit(96), 20 * MS).queue(QueueLimit::Packets(160));
    let scenario = Scenario::new(link).time(secs(15));
    let bbr = scenario.run(BbrAlg::default()).unwrap();
    let reno = scenario.run(RenoAlg::default()).unwrap();
    assert!(bbr.utilisation >= 0.92, "{}", bbr.utilisation);
    assert!(bbr.queue_mean < reno.queue_mean / 2, "{:?} and {:?}", bbr.queue_mean, reno.queue_mean);
}

/// The link's rate changes after three seconds: what the pacing rate is of the new one in each millisecond after, and
/// how many rounds (smoothed round-trip times) have passed.
fn after_a_change(to: u64) -> Vec<(f64, f64)> {
    let changed = link().change(Change::at(secs(3)).rate(Rate::mbit(to)));
    let samples = samples(&Scenario::new(changed).time(secs(6)).sample_every(MS));
    let allowed = (to * 125_000 * MSS / 1500) as f64;
    let mut rounds = 0.0;
    let after = samples.iter().filter(|s| s.at >= secs(3));
    after
        .map(|s| {
            rounds += 1_000.0 / s.srtt.as_micros() as f64;
            (rounds, s.rate as f64 / allowed)
        })
        .collect()
}

#[test]
fn a_halved_link_is_followed_in_fourteen_rounds() {
    // Within 3 %: from then on even the pulse does not go beyond 5/4 of 99 % of that.
    let after = after_a_change(24);
    let last = after.iter().rev().find(|(_, part)| *part > 1.25 * 0.99 * 1.03).unwrap();
    assert!(last.0 <= 14.0, "{} rounds", last.0);
}

#[test]
fn a_doubled_link_is_followed_in_twenty_four_rounds() {
    // Within 3 %: the pulse reaches 5/4 of 99 % of that.
    let after = after_a_change(96);
    let first = after.iter().find(|(_, part)| *part >= 1.25 * 0.99 * 0.97).unwrap();
    assert!(first.0 <= 24.0, "{} rounds", first.0);
}
