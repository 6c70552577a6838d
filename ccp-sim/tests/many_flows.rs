//! A thousand flows: alone in its process, so that the memory is theirs.

use std::time::Duration;

use ccp_sim::{Flow, Link, Rate, Scenario};

#[test]
fn a_thousand_flows_share_a_link_in_under_100_megabytes() {
    let flows = (0..1000).map(|n| Flow::default().start(Duration::from_millis(n)));
    let link = Link::new(Rate::mbit(480), Duration::from_millis(40));
    let scenario = Scenario::new(link)
        .flows(flows)
        .time(Duration::from_secs(4))
        .measure_from(Duration::from_secs(2))
        .sample_every(Duration::from_millis(100));
    let results = scenario.run_without_agent().unwrap();
    assert!(results.utilisation > 0.98, "{}", results.utilisation);
    // Three packets for each: at any time some wait for a timeout.
    let served = results.flows.iter().filter(|flow| flow.goodput > 0.0);
    assert!(served.count() > 900);
    // Where the kernel tells: the most that was ever resident, in kB.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    if let Some(most) = most.and_then(|most| most.trim().strip_suffix(" kB")) {
        assert!(most.parse::<u64>().unwrap() < 100_000, "{most} kB");
    }
}
