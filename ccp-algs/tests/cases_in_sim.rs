//! What happens to Reno and CUBIC on simulated links beside plain losses: idle and application-limited time, marks,
//! reordering, timeouts, changes of the path, and the slowest, fastest, shortest and longest of paths.

mod common;

use std::time::Duration;

use ccp_sim::{
    Aqm, Change, Flow, FlowResults, FlowSample, Link, Phase, QueueLimit, Rate, Scenario, Source,
};

use common::{MS, MSS, assert_close, largest_window, reductions, run, secs};

const ALL: [&str; 3] = ["reno", "cubic", "cubic:linux"];

/// 48 Mbit/s and 20 ms: 80 packets on the path, one on the link, and 80 in the queue.
fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS)
}

/// The sample at a time or right after it.
fn at(flow: &FlowResults, at: Duration) -> &FlowSample {
    flow.samples.iter().find(|sample| sample.at >= at).unwrap()
}

fn window(flow: &FlowResults, time: Duration) -> f64 {
    at(flow, time).cwnd as f64 / MSS
}

#[test]
fn idle_time_fades_the_window_and_is_no_growth() {
    for alg in ALL {
        // Sending from 10 s to 20 s, and from 30 s on.
        let flow = Flow::default().source(Source::OnOff { on: secs(10), off: secs(10) });
        let scenario = Scenario::new(link()).flows([flow]).time(secs(31)).sample_every(5 * MS);
        let results = run(alg, &scenario);
        let flow = &results.flows[0];
        let before = window(flow, secs(10) - 5 * MS);
        assert!(before > 75.0, "{alg}: {before}");
        // RFC 2861: the initial window again, and three quarters remembered.
        assert!(window(flow, secs(20) + 10 * MS) <= 10.0, "{alg}");
        let threshold = at(flow, secs(20) + 100 * MS).ssthresh.unwrap() as f64 / MSS;
        assert!(threshold >= 0.7 * before, "{alg}: {threshold} of {before}");
        // Slow start back to the threshold: four or five rounds.
        let regained = window(flow, secs(20) + 130 * MS);
        assert!(regained >= 0.99 * threshold, "{alg}: {regained} of {threshold}");
        // The time spent idle does not count as time to grow in.
        let later = window(flow, secs(20) + 400 * MS);
        assert!(later <= 1.25 * regained, "{alg}: {regained}, then {later}");
        assert_eq!(flow.timeouts, 0, "{alg}");
    }
}

#[test]
fn an_application_limited_flow_keeps_its_window() {
    for alg in ALL {
        // 4 Mbit/s over 20 ms are 7 segments in flight: slow start ends when that is half of the window.
        let flow = Flow::default().source(Source::Steady(Rate::mbit(4)));
        let results = run(alg, &Scenario::new(link()).flows([flow]).time(secs(20)));
        let largest = largest_window(&results.flows[0], Duration::ZERO);
        assert!(largest <= 20.0, "{alg}: {largest}");
        assert_eq!(results.flows[0].losses, 0, "{alg}");
    }
}

#[test]
fn application_limited_time_in_avoidance_is_no_growth() {
    for alg in ALL {
        // Losses end slow start; after that a receiver of 200 segments, then an application of 8 Mbit/s is the limit.
        let flow = Flow::default().source(Source::Steady(Rate::mbit(8)));
        let lossy = Change::at(2 * secs(1)).loss(ccp_sim::Loss::None);
        let link = link().losing(ccp_sim::Loss::Every(100)).change(lossy);
        let results = run(alg, &Scenario::new(link).flows([flow]).time(secs(60)));
        let (early, late) =
            (window(&results.flows[0], secs(10)), window(&results.flows[0], secs(60) - 100 * MS));
        assert!(late <= 1.2 * early + 3.0, "{alg}: {early}, then {late}");
        assert!(late <= 40.0, "{alg}: {late}");
    }
}

#[test]
fn an_ecn_mark_reduces_once_a_round_by_beta_or_as_abe_says_and_nothing_is_lost() {
    for (alg, beta) in [
        ("reno", 0.5),
        ("reno,beta_ecn=0.8", 0.8),
        ("cubic", 0.7),
        ("cubic,beta_ecn=0.85", 0.85),
        ("cubic:linux", 0.7),
    ] {
        let link = link().queue(QueueLimit::Unlimited).aqm(Aqm::Threshold(QueueLimit::Packets(60)));
        let scenario = Scenario::new(link).flows([Flow::default().ecn()]).time(secs(25));
        let results = run(alg, &scenario.sample_every(5 * MS));
        let flow = &results.flows[0];
        assert_eq!((flow.losses, flow.timeouts, flow.retransmits), (0, 0, 0), "{alg}");
        assert!(flow.marked > 5, "{alg}: {} marked", flow.marked);
        let teeth = reductions(flow, secs(5), 200 * MS);
        assert!(teeth.len() >= 4, "{alg}: {teeth:?}");
        for tooth in teeth {
            assert_close(alg, tooth.after, beta * tooth.before, 0.03);
            assert!((138.0..150.0).contains(&tooth.before), "{alg}: {tooth:?}");
        }
        let reducing = flow.samples.iter().any(|sample| sample.phase == Phase::Reducing);
        assert!(reducing, "{alg}");
        assert!(results.utilisation > 0.95, "{alg}: {}", results.utilisation);
    }
}

#[test]
fn a_spurious_loss_is_taken_back_and_costs_no_throughput() {
    for alg in ALL {
        // Now and then a packet takes two round trips: beyond RACK's window, so that it is thought lost at first.
        let calm = link().queue(QueueLimit::Packets(400));
        let late = calm.clone().reordering(2e-4, 20 * MS);
        let scenario = |link| Scenario::new(link).time(secs(8)).sample_every(5 * MS);
        let (with, without) = (run(alg, &scenario(late)), run(alg, &scenario(calm)));
        let flow = &with.flows[0];
        assert!(flow.undone >= 2, "{alg}: {} undone", flow.undone);
        assert!(with.utilisation > 0.98 * without.utilisation, "{alg}: {}", with.utilisation);
        // Where nothing was lost, the window is what it was: samples before and two round trips after each reduction.
        let mut seen = 0;
        for pair in flow.samples.windows(30) {
            let (first, last) = (&pair[0], &pair[29]);
            let full = first.queued > 390;
            let began = !full && first.phase == Phase::Open && pair[1].phase == Phase::Repairing;
            if began && pair[1].losses - first.losses <= 2 && last.phase == Phase::Open {
                let (before, after) = (first.cwnd as f64 / MSS, last.cwnd as f64 / MSS);
                assert!(after >= 0.99 * before, "{alg}: {before}, then {after} at {:?}", last.at);
                seen += 1;
            }
        }
        assert!(seen >= 1, "{alg}");
    }
}

#[test]
fn timeouts_in_a_row_cut_the_threshold_once_and_leave_one_segment() {
    for (alg, beta) in [("reno", 0.5), ("cubic", 0.7), ("cubic:linux", 0.7)] {
        let (off, on) = (secs(10), secs(14));
        let link = link()
            .change(Change::at(off).loss(ccp_sim::Loss::Random(1.0)))
            .change(Change::at(on).loss(ccp_sim::Loss::None));
        let results = run(alg, &Scenario::new(link).time(secs(25)).sample_every(5 * MS));
        let flow = &results.flows[0];
        assert!(flow.timeouts >= 3, "{alg}: {} timeouts", flow.timeouts);
        let before = window(flow, off);
        let end = at(flow, on);
        assert!(end.cwnd as f64 <= MSS, "{alg}: {}", end.cwnd);
        assert_close(alg, end.ssthresh.unwrap() as f64 / MSS, beta * before, 0.05);
        // Slow start up to the threshold, and the link is full again.
        let last = flow.samples.last().unwrap();
        let rate = (last.acked - at(flow, secs(20)).acked) as f64 * 8.0 / 5.0;
        assert!(rate > 0.9 * 48e6 * MSS / 1500.0, "{alg}: {rate}");
    }
}

#[test]
fn an_rtt_that_steps_up_and_down_leaves_the_link_full() {
    for alg in ALL {
        let link = Link::new(Rate::mbit(24), 20 * MS)
            .queue(QueueLimit::Packets(160))
            .change(Change::at(secs(15)).rtt(80 * MS))
            .change(Change::at(secs(45)).rtt(20 * MS));
        let results = run(alg, &Scenario::new(link).time(secs(60)));
        let flow = &results.flows[0];
        let rate = |from: u64, until: u64| {
            let acked = at(flow, secs(until)).acked - at(flow, secs(from)).acked;
            acked as f64 * 8.0 / (until - from) as f64 / (24e6 * MSS / 1500.0)
        };
        for (from, until) in [(5, 15), (30, 45), (50, 59)] {
            let rate = rate(from, until);
            assert!(rate > 0.9, "{alg}: {rate} from {from} s to {until} s");
        }
        assert_eq!(flow.timeouts, 0, "{alg}");
    }
}

#[test]
fn round_trips_of_100_microseconds_and_of_a_second() {
    for alg in ALL {
        let short = Link::new(Rate::mbit(1000), Duration::from_micros(100));
        let short = short.queue(QueueLimit::Packets(30));
        let results = run(alg, &Scenario::new(short).time(secs(1)).measure_from(100 * MS));
        assert!(results.utilisation > 0.9, "{alg}: {}", results.utilisation);
        assert_eq!(results.flows[0].timeouts, 0, "{alg}");
        let long = Link::new(Rate::mbit(4), secs(1));
        let results = run(alg, &Scenario::new(long).time(secs(300)).measure_from(secs(30)));
        assert!(results.utilisation > 0.85, "{alg}: {}", results.utilisation);
    }
}

#[test]
fn ten_kilobits_and_a_hundred_gigabits_a_second() {
    for alg in ALL {
        // A packet takes 1.2 s.
        let slow = Link::new(Rate::bits(10_000), 100 * MS).queue(QueueLimit::Packets(10));
        let results = run(alg, &Scenario::new(slow).time(secs(600)).measure_from(secs(30)));
        assert!(results.utilisation > 0.9, "{alg}: {}", results.utilisation);
        // 8.3 million packets a second, 833 on the path.
        let fast = Link::new(Rate::mbit(100_000), Duration::from_micros(100));
        let scenario = Scenario::new(fast).time(20 * MS).measure_from(5 * MS);
        let results = run(alg, &scenario.sample_every(Duration::from_micros(100)));
        assert!(results.utilisation > 0.7, "{alg}: {}", results.utilisation);
    }
}
