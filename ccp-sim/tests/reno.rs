//! Known results that a window must show: the datapath's own Reno, without an agent, on paths that lose at a known rate.

use std::time::Duration;

use ccp_sim::{FlowResults, Link, Loss, QueueLimit, Rate, Scenario};

const MS: Duration = Duration::from_millis(1);
const FROM: Duration = Duration::from_secs(10);

/// A path whose queue never adds losses of its own.
fn run(loss: Loss, seconds: u64, seed: u64) -> FlowResults {
    let link = Link::new(Rate::mbit(960), 20 * MS).queue(QueueLimit::Unlimited).losing(loss);
    let scenario =
        Scenario::new(link).time(FROM + Duration::from_secs(seconds)).measure_from(FROM).seed(seed);
    scenario.run_without_agent().unwrap().flows.remove(0)
}

fn segments(flow: &FlowResults) -> f64 {
    flow.mean_cwnd(FROM) / 1448.0
}

#[track_caller]
fn assert_close(found: f64, expected: f64, within: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= within, "{found} where {expected} is expected: off by {off}");
}

#[test]
fn renos_mean_window_under_periodic_loss_is_that_of_the_formula() {
    // √(1.5/p) segments without delayed ACKs: 122 at one loss in 10,000.
    let flow = run(Loss::Every(10_000), 60, 1);
    assert_close(segments(&flow), 15_000f64.sqrt(), 0.05);
    assert_eq!((flow.timeouts, flow.spurious), (0, 0));
    assert!(flow.losses.abs_diff(flow.retransmits) <= 1, "{flow:?}");
}

#[test]
fn renos_mean_window_under_random_loss_is_that_of_the_formula() {
    // 1.31/√p segments.
    let p = 1e-3f64;
    let windows = (1..=4).map(|seed| segments(&run(Loss::Random(p), 100, seed)));
    assert_close(windows.sum::<f64>() / 4.0, 1.31 / p.sqrt(), 0.05);
}
