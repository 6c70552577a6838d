//! What the tests of window algorithms on simulated links share.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::time::Duration;

use ccp_algs::Spec;
use ccp_runtime::RunBuilder;
use ccp_sim::{FlowResults, Results, Scenario, Sim};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const MSS: f64 = 1448.0;

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[track_caller]
pub(crate) fn assert_close(name: &str, found: f64, expected: f64, within: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= within, "{name}: {found} where {expected} is expected: off by {off}");
}

/// Runs a scenario under an algorithm as a user names it. Nothing may be refused, and no program may trap.
#[track_caller]
pub(crate) fn run(alg: &str, scenario: &Scenario) -> Results {
    let results = match alg.parse::<Spec>().unwrap() {
        Spec::Reno(alg) => scenario.run(alg),
        Spec::Cubic(alg) => scenario.run(alg),
        Spec::CubicLinux(alg) => scenario.run(alg),
        other => panic!("{other:?} sets no window"),
    };
    let results = results.unwrap();
    assert_eq!((results.agent.refused, results.agent.traps), (0, 0), "{alg}");
    results
}

/// Runs a scenario whose flows ask for Reno or CUBIC.
pub(crate) fn run_reno_and_cubic(scenario: &Scenario) -> Results {
    let mut sim = Sim::new(scenario).unwrap();
    sim.start_agent(|backend| {
        let builder = RunBuilder::new(backend).default_alg(ccp_algs::RenoAlg::default());
        builder.additional_alg(ccp_algs::CubicAlg::default()).build()
    })
    .unwrap();
    sim.run_until(scenario.time).unwrap();
    sim.results()
}

/// One fall of a window, which may take a round trip: when it began, the window before and after, segments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduction {
    pub(crate) at: Duration,
    pub(crate) before: f64,
    pub(crate) after: f64,
}

/// The reductions in a flow's samples; falls less than `apart` from each other are one.
pub(crate) fn reductions(flow: &FlowResults, from: Duration, apart: Duration) -> Vec<Reduction> {
    let mut found: Vec<Reduction> = Vec::new();
    let mut last = Duration::ZERO;
    for pair in flow.samples.windows(2).filter(|pair| pair[0].at >= from) {
        if pair[1].cwnd >= pair[0].cwnd {
            continue;
        }
        let (before, after) = (pair[0].cwnd as f64 / MSS, pair[1].cwnd as f64 / MSS);
        match found.last_mut() {
            Some(one) if pair[1].at - last < apart => one.after = after,
            _ => found.push(Reduction { at: pair[1].at, before, after }),
        }
        last = pair[1].at;
    }
    found
}

/// The largest window in a flow's samples from then on, segments.
pub(crate) fn largest_window(flow: &FlowResults, from: Duration) -> f64 {
    let windows = flow.samples.iter().filter(|sample| sample.at >= from).map(|sample| sample.cwnd);
    windows.max().unwrap_or(0) as f64 / MSS
}
