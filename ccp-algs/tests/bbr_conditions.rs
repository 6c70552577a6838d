//! BBR where the path or the application is not as it likes them: each condition by its name.

mod bbr_flow;

use std::time::Duration;

use bbr_flow::{MS, data_rate, link, run, run_spied, secs, spans, watched};
use ccp_algs::BbrAlg;
use ccp_algs::bbr::Mode;
use ccp_sim::{Aqm, Change, Flow, Link, Loss, Phase, QueueLimit, Rate, Scenario, Source};

/// One flow with this to send.
fn sending(source: Source) -> Scenario {
    Scenario::new(link()).flows([Flow::default().source(source)]).sample_every(MS)
}

#[test]
fn idle_time_leaves_the_model_as_it_was() {
    let source = Source::OnOff { on: secs(2), off: secs(30) };
    let scenario = sending(source).time(secs(34)).watch(["mode", "bw", "rtprop"]);
    let results = run(&scenario);
    let at = |name: &str, ms: usize| watched(&results.flows[0], name)[ms].1;
    assert_eq!(at("bw", 32_100), at("bw", 1_900));
    assert_eq!(at("rtprop", 32_100), at("rtprop", 1_900));
    assert_eq!((at("mode", 1_900), at("mode", 32_100)), (2, 2));
    // From the first round on the link is in use again, without a queue that a burst would make.
    let samples = &results.flows[0].samples;
    let acked = samples[33_900].acked - samples[32_100].acked;
    assert!(acked as f64 > 0.9 * 1.8 * data_rate(48) as f64, "{acked}");
    let queued = samples[32_000..32_100].iter().map(|sample| sample.queued).max().unwrap();
    assert!(queued < 20, "{queued} packets");
}

#[test]
fn an_application_that_is_the_limit_neither_fills_the_pipe_nor_makes_a_queue() {
    let scenario = sending(Source::Steady(Rate::mbit(12))).time(secs(15)).watch(["mode", "full"]);
    let results = run(&scenario);
    assert!((0.24..0.26).contains(&results.utilisation), "{}", results.utilisation);
    assert!(results.queue_mean < MS, "{:?}", results.queue_mean);
    assert!(watched(&results.flows[0], "full").iter().all(|(_, full)| *full == 0));
}

#[test]
fn chunks_with_pauses_do_not_lower_the_bandwidth() {
    let source = Source::Chunks { bytes: 3_000_000, every: secs(1) };
    let scenario = sending(source).time(secs(9)).watch(["bw"]);
    let results = run(&scenario);
    for (at, bandwidth) in &watched(&results.flows[0], "bw")[1_000..] {
        let off = bandwidth.abs_diff(data_rate(48));
        assert!(off <= data_rate(48) / 50, "{bandwidth} after {at:?}");
    }
}

#[test]
fn marks_are_no_news_to_it() {
    let marking = |aqm| {
        let link = link().aqm(aqm);
        let flow = if aqm == Aqm::DropTail { Flow::default() } else { Flow::default().ecn() };
        run(&Scenario::new(link).flows([flow]).time(secs(5)))
    };
    let marked = marking(Aqm::Threshold(QueueLimit::Packets(5)));
    let unmarked = marking(Aqm::DropTail);
    assert!(marked.flows[0].marked > 100, "{}", marked.flows[0].marked);
    assert!(marked.utilisation >= unmarked.utilisation * 0.98);
    assert!(marked.queue_mean >= unmarked.queue_mean.mul_f64(0.8));
}

#[test]
fn losses_that_were_none_cost_nothing() {
    let late = link().reordering(0.002, 60 * MS);
    for scenario in [Scenario::new(late.clone()), Scenario::new(late).libccp()] {
        let results = run(&scenario.time(secs(10)).measure_from(secs(1)));
        let flow = &results.flows[0];
        assert!(flow.undone > 20, "{}", flow.undone);
        assert!(flow.spurious > 20, "{} of {}", flow.spurious, flow.losses);
        assert!(results.utilisation > 0.97, "{}", results.utilisation);
        assert!(results.queue_mean < 10 * MS, "{:?}", results.queue_mean);
    }
}

#[test]
fn timeouts_in_a_row_keep_the_model_and_the_flow_comes_back_at_once() {
    let dark = link()
        .change(Change::at(secs(3)).loss(Loss::Random(1.0)))
        .change(Change::at(secs(5)).loss(Loss::None));
    for scenario in [Scenario::new(dark.clone()), Scenario::new(dark).libccp()] {
        let scenario = scenario.time(secs(9)).sample_every(MS).watch(["bw", "full"]);
        let results = run(&scenario);
        let flow = &results.flows[0];
        assert!(flow.timeouts >= 2, "{}", flow.timeouts);
        let back = flow.samples.iter().find(|s| s.at > secs(5) && s.phase == Phase::Open).unwrap();
        let acked = flow.samples[8_900].acked - flow.samples[7_900].acked;
        assert!(acked as f64 > 0.9 * data_rate(48) as f64, "{acked}, {:?}", back.at);
        assert!(watched(flow, "full")[1_000..].iter().all(|(_, full)| *full == 1));
    }
}

#[test]
fn a_longer_path_is_learned_in_the_next_probe_rtt() {
    let longer = link().change(Change::at(secs(3)).rtt(60 * MS));
    let scenario = Scenario::new(longer).time(secs(20)).sample_every(MS).watch(["mode"]);
    let (results, states) = run_spied(&scenario, BbrAlg::default());
    let last = states.last().unwrap();
    assert!((60_000..64_000).contains(&last.rtprop_us), "{last:?}");
    let samples = &results.flows[0].samples;
    let acked = samples[19_900].acked - samples[16_900].acked;
    assert!(acked as f64 > 0.95 * 3.0 * data_rate(48) as f64, "{acked}");
    assert!(!spans(&watched(&results.flows[0], "mode"), 3).is_empty());
}

#[test]
fn a_shorter_path_is_learned_at_once_and_no_queue_stays() {
    let shorter = Link::new(Rate::mbit(48), 60 * MS)
        .queue(QueueLimit::Unlimited)
        .change(Change::at(secs(3)).rtt(20 * MS));
    let scenario = Scenario::new(shorter).time(secs(8)).measure_from(secs(5)).sample_every(MS);
    let results = run(&scenario.watch(["rtprop"]));
    let rtprop = watched(&results.flows[0], "rtprop");
    let learned = rtprop.iter().find(|(at, us)| *at > secs(3) && *us < 21_000).unwrap().0;
    assert!(learned < secs(4), "{learned:?}");
    assert!(results.utilisation > 0.95, "{}", results.utilisation);
    assert!(results.queue_mean < 8 * MS, "{:?}", results.queue_mean);
}

#[test]
fn a_round_trip_of_a_fifth_of_a_millisecond() {
    let near = Link::new(Rate::mbit(1_000), 200 * Duration::from_micros(1));
    let near = near.queue(QueueLimit::Packets(500));
    let results = run(&Scenario::new(near).time(secs(2)).measure_from(secs(1)));
    assert!(results.utilisation > 0.9, "{}", results.utilisation);
    assert_eq!(results.flows[0].timeouts, 0);
}

#[test]
fn a_round_trip_of_a_second() {
    let far = Link::new(Rate::mbit(10), secs(1)).queue(QueueLimit::Unlimited);
    let scenario = Scenario::new(far).time(secs(120)).measure_from(secs(40)).watch(["mode"]);
    let (results, states) = run_spied(&scenario, BbrAlg::default());
    // Two seconds of each twelve go to PROBE_RTT: one to empty the path, and one with it empty.
    assert!(results.utilisation > 0.8, "{}", results.utilisation);
    assert!(results.queue_mean < 100 * MS, "{:?}", results.queue_mean);
    let probes = spans(&watched(&results.flows[0], "mode"), 3);
    for (from, until) in &probes[2..probes.len() - 1] {
        let long = *until - *from;
        assert!((1_900 * MS..2_400 * MS).contains(&long), "{long:?}");
    }
    assert!(states.iter().any(|state| state.mode == Mode::ProbeBw));
}

#[test]
fn ten_kilobits_per_second() {
    let slow = Link::new(Rate::bits(10_000), 100 * MS).queue(QueueLimit::Packets(50));
    let results = run(&Scenario::new(slow).time(secs(600)).measure_from(secs(200)));
    assert!(results.utilisation > 0.95, "{}", results.utilisation);
    // Four packets of 1.2 s each are all that it can do without.
    assert!(results.queue_mean < secs(6), "{:?}", results.queue_mean);
    assert_eq!(results.flows[0].losses, 0);
}

#[test]
fn a_hundred_gigabits_per_second() {
    let fast = Link::new(Rate::mbit(100_000), MS);
    let mut flow = Flow::default();
    flow.mss = 8_948;
    let scenario = Scenario::new(fast).flows([flow]).time(150 * MS).measure_from(50 * MS);
    let results = run(&scenario);
    assert!(results.utilisation > 0.95, "{}", results.utilisation);
    // A datapath that keeps rates in 32 bits is never told more.
    let results = run(&scenario.libccp().sample_every(MS));
    let most = results.flows[0].samples.iter().map(|sample| sample.rate).max().unwrap();
    assert!((1 << 31..1 << 32).contains(&most), "{most}");
}
