//! Reno and CUBIC on simulated links against what formulas, RFCs and the Linux kernel say of them.

mod common;

use std::time::Duration;

use ccp_sim::{Change, Flow, Link, Loss, Pacing, QueueLimit, Rate, Scenario};

use common::{MS, MSS, assert_close, largest_window, reductions, run, run_reno_and_cubic, secs};

/// 48 Mbit/s and 20 ms: 80 packets on the path, one on the link, and 80 in the queue.
fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS)
}

#[test]
fn the_kernels_figures_at_96_mbits_20_ms_160_packets() {
    struct Kernel {
        alg: &'static str,
        utilisation: f64,
        queue_mean: f64,
        drops: u64,
        /// The window when start-up ended, and when that was after the first packet had left.
        window: f64,
        at: f64,
    }
    let measured = [
        Kernel {
            alg: "reno",
            utilisation: 0.998,
            queue_mean: 0.0107,
            drops: 338,
            window: 629.0,
            at: 0.162,
        },
        Kernel {
            alg: "cubic:linux",
            utilisation: 1.0,
            queue_mean: 0.0154,
            drops: 29,
            window: 244.0,
            at: 0.112,
        },
    ];
    for kernel in measured {
        let name = kernel.alg;
        let link = Link::new(Rate::mbit(96), 20 * MS).queue(QueueLimit::Packets(160));
        let results = run(name, &Scenario::new(link).time(secs(60)).sample_every(MS));
        assert_close(name, results.utilisation, kernel.utilisation, 0.02);
        assert_close(name, results.queue_mean.as_secs_f64(), kernel.queue_mean, 0.2);
        let drops = results.link.dropped;
        assert!((kernel.drops / 2..=kernel.drops * 2).contains(&drops), "{name}: {drops} drops");
        let flow = &results.flows[0];
        let ended = flow.samples.iter().position(|sample| sample.ssthresh.is_some()).unwrap();
        // The sample may be within the reduction; the one before it has the window that ended it.
        let window = flow.samples[ended - 1].cwnd as f64 / MSS;
        assert_close(name, window, kernel.window, 0.05);
        assert_close(name, flow.samples[ended].at.as_secs_f64(), kernel.at, 0.05);
        assert_eq!((flow.duplicates, flow.timeouts), (0, 0), "{name}");
    }
}

#[test]
fn in_the_reno_friendly_region_one_reduction_a_loss_event_and_teeth_as_long_as_the_formula_says() {
    // Rounds from β·W to W at α segments each; a round takes the time of as many packets as the window has.
    for (alg, beta, alpha) in
        [("reno", 0.5, 1.0), ("cubic", 0.7, 0.5294), ("cubic:linux", 717.0 / 1024.0, 8.0 / 15.0)]
    {
        let scenario = Scenario::new(link()).time(secs(40));
        let results = run(alg, &scenario);
        let teeth = reductions(&results.flows[0], secs(10), 200 * MS);
        assert!(teeth.len() >= 8, "{alg}: {teeth:?}");
        let rounds = 161.0 * (1.0 - beta) / alpha;
        let period = rounds * 161.0 * 0.00025 * (1.0 + beta) / 2.0;
        for pair in teeth.windows(2) {
            assert_close(alg, pair[0].before, 161.0, 0.02);
            assert_close(alg, pair[0].after, beta * pair[0].before, 0.02);
            assert_close(alg, (pair[1].at - pair[0].at).as_secs_f64(), period, 0.1);
        }
    }
}

#[test]
fn in_the_cubic_region_one_reduction_a_loss_event_and_teeth_as_long_as_the_formula_says() {
    // 400 packets on the path, 200 in the queue.
    let link = Link::new(Rate::mbit(48), 100 * MS).queue(QueueLimit::Bdp(0.5));
    for (alg, beta) in [("cubic", 0.7), ("cubic:linux", 717.0 / 1024.0)] {
        let results = run(alg, &Scenario::new(link.clone()).time(secs(75)).sample_every(10 * MS));
        let teeth = reductions(&results.flows[0], secs(10), 500 * MS);
        assert!(teeth.len() >= 5, "{alg}: {teeth:?}");
        let mut w_max = f64::INFINITY;
        for pair in teeth.windows(2) {
            let window = pair[0].before;
            assert_close(alg, window, 602.0, 0.02);
            assert_close(alg, pair[0].after, beta * window, 0.02);
            // RFC 9438 §4.6 and §4.7: with less than before, room is left for others.
            let known = w_max.is_finite();
            w_max = if known && window < w_max { window * (1.0 + beta) / 2.0 } else { window };
            if !known {
                continue;
            }
            // K to the plateau (§4.2), and from there, or short of it, what is missing to the window that loses.
            let period =
                ((w_max - beta * window) / 0.4).cbrt() + ((pair[1].before - w_max) / 0.4).cbrt();
            assert_close(alg, (pair[1].at - pair[0].at).as_secs_f64(), period, 0.1);
        }
    }
}

#[test]
fn hystart_halves_the_overshoot_of_slow_start_at_least() {
    // HyStart++ needs a round that begins with a queue: there is none before the queue holds what the path does.
    for (alg, queue) in [("cubic:linux", 160), ("cubic", 640), ("reno,hystart=rfc9406", 640)] {
        let link = Link::new(Rate::mbit(96), 20 * MS).queue(QueueLimit::Packets(queue));
        let path = 161.0 + queue as f64;
        let start = |alg: &str| {
            let results = run(alg, &Scenario::new(link.clone()).time(secs(2)).sample_every(MS));
            let over = (largest_window(&results.flows[0], Duration::ZERO) - path).max(0.0);
            (over, results.link.dropped)
        };
        let off = alg.split(',').next().unwrap().to_owned() + ",hystart=off";
        let (with, without) = (start(alg), start(&off));
        assert!(without.0 > 0.5 * path, "{off}: {without:?}");
        assert!(with.0 < without.0 / 2.0 && with.1 < without.1 / 2, "{alg}: {with:?}, {without:?}");
    }
}

#[test]
fn prr_sends_no_burst_when_50_of_100_are_lost() {
    for (alg, beta) in [("reno", 0.5), ("cubic", 0.7), ("cubic:linux", 0.7)] {
        // The window is held at 100 by the receiver until then; after that no queue matters.
        let at = secs(8);
        let link = link()
            .queue(QueueLimit::Unlimited)
            .losing(Loss::Every(60))
            .change(Change::at(secs(1)).loss(Loss::None))
            .change(Change::at(at).loss(Loss::Every(2)))
            .change(Change::at(at + 24 * MS).loss(Loss::None));
        let flow = Flow::default().receive_window(100 * 1448);
        let scenario = Scenario::new(link).flows([flow]).time(secs(9)).sample_every(MS);
        let results = run(alg, &scenario);
        let flow = &results.flows[0];
        let lost = flow.samples.last().unwrap().losses
            - flow.samples.iter().find(|sample| sample.at >= at).unwrap().losses;
        assert!((40..=60).contains(&lost), "{alg}: {lost} lost");
        assert_eq!(flow.timeouts, 0, "{alg}");
        // Packets offered to the link in each millisecond; four of them leave it.
        let offered: Vec<u64> = (results.samples.iter())
            .map(|s| s.sent_bytes / 1500 + s.queued as u64 + s.lost + s.dropped)
            .collect();
        let most = offered.windows(2).skip(8000).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(most <= 10, "{alg}: {most} packets within a millisecond");
        // While much is missing the window is what is in flight; then the threshold, cut once, is regained.
        let before = flow.samples.iter().find(|sample| sample.at >= at + 20 * MS).unwrap();
        let after = flow.samples.iter().find(|sample| sample.at >= at + 80 * MS).unwrap();
        assert_close(alg, after.cwnd as f64, beta * before.cwnd as f64, 0.02);
        let thresholds = flow.samples.windows(2).filter(|pair| pair[0].at >= at);
        assert_eq!(thresholds.filter(|pair| pair[0].ssthresh != pair[1].ssthresh).count(), 1);
    }
}

#[test]
fn two_flows_of_one_kind_share_the_link_with_a_jain_index_over_0_95() {
    for alg in ["reno", "cubic", "cubic:linux"] {
        let flows = [Flow::default(), Flow::default().start(secs(5))];
        let scenario = Scenario::new(Link::new(Rate::mbit(24), 20 * MS)).flows(flows);
        let results = run(alg, &scenario.time(secs(120)).measure_from(secs(60)));
        assert!(results.jain_index() > 0.95, "{alg}: {}", results.jain_index());
        assert!(results.utilisation > 0.98, "{alg}: {}", results.utilisation);
    }
}

#[test]
fn cubic_beside_reno_takes_no_more_than_its_share_in_the_reno_friendly_region() {
    // RFC 9438 §4.3: on short paths CUBIC sends as much as Reno would, on long ones more. Without jitter it is a matter of
    // phase whose packet finds the queue full.
    let share = |rtt, time| {
        let flows = [Flow::asking_for("reno"), Flow::asking_for("cubic").start(secs(1))];
        let link = Link::new(Rate::mbit(24), rtt).jitter(2 * MS);
        let scenario = Scenario::new(link).flows(flows).time(time).measure_from(time / 3);
        let results = run_reno_and_cubic(&scenario);
        results.flows[1].throughput / results.flows[0].throughput
    };
    let short = share(10 * MS, secs(90));
    assert!((0.75..=1.3).contains(&short), "{short}");
    let long = share(200 * MS, secs(300));
    assert!(long > 1.5, "{long}");
}

/// The mean window on a path whose queue adds no losses, segments.
fn mean_window(alg: &str, rtt_ms: u32, loss: Loss, time: u64, seed: u64) -> f64 {
    // Slow start would go on to where a loss in 10,000 ends it; a few losses early make an end of that.
    let link = Link::new(Rate::mbit(960), rtt_ms * MS)
        .queue(QueueLimit::Unlimited)
        .losing(Loss::Every(300))
        .change(Change::at(secs(3)).loss(loss));
    let from = secs(15);
    let scenario = Scenario::new(link).time(from + secs(time)).measure_from(from).seed(seed);
    run(alg, &scenario).flows[0].mean_cwnd(from) / MSS
}

#[test]
fn mean_window_122_at_one_loss_in_10_000_packets_and_38_7_at_one_in_1_000() {
    // Reno: √(1.5/p). CUBIC at 20 ms is in the Reno-friendly region.
    for alg in ["reno", "cubic", "cubic:linux"] {
        assert_close(alg, mean_window(alg, 20, Loss::Every(10_000), 60, 1), 122.5, 0.05);
    }
    assert_close("reno", mean_window("reno", 20, Loss::Every(1_000), 30, 1), 38.7, 0.05);
}

#[test]
fn mean_window_187_of_cubic_at_100_ms_and_one_loss_in_10_000_packets() {
    // 1.054·RTT^0.75/p^0.75 (RFC 9438 §5.1).
    assert_close("cubic", mean_window("cubic", 100, Loss::Every(10_000), 100, 1), 187.0, 0.05);
}

#[test]
fn mean_window_131_of_reno_and_141_or_127_of_cubic_under_random_loss_at_20_ms() {
    for (alg, expected) in [("reno", 131.0), ("cubic", 141.0), ("cubic:linux", 127.0)] {
        let windows = (1..=4).map(|seed| mean_window(alg, 20, Loss::Random(1e-4), 60, seed));
        assert_close(alg, windows.sum::<f64>() / 4.0, expected, 0.1);
    }
}

#[test]
fn mean_window_211_of_cubic_under_random_loss_at_100_ms() {
    let windows = (1..=4).map(|seed| mean_window("cubic", 100, Loss::Random(1e-4), 200, seed));
    assert_close("cubic", windows.sum::<f64>() / 4.0, 211.0, 0.1);
}

#[test]
fn a_paced_sender_that_says_so_is_not_taken_for_a_full_path() {
    // Pacing spreads each window over half a round trip, which unpaced ACKs take only where the link is the limit.
    let link = Link::new(Rate::mbit(96), 20 * MS).queue(QueueLimit::Packets(320));
    let ended = |alg: &str| {
        let flow = Flow::default().pacing(Pacing::Window);
        let scenario = Scenario::new(link.clone()).flows([flow]).time(secs(1)).sample_every(MS);
        let results = run(alg, &scenario);
        let first = results.flows[0].samples.iter().find(|sample| sample.ssthresh.is_some());
        first.unwrap().cwnd as f64 / MSS
    };
    let (told, untold) = (ended("cubic:linux,paced=on"), ended("cubic:linux"));
    assert!(told > 160.0, "{told}: more than the path holds");
    assert!(untold < 160.0, "{untold}");
}
