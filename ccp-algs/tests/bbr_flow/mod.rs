//! BBR flows in the simulator, with what their state machines went through.

#![allow(dead_code, reason = "each test uses some of it")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ccp_algs::BbrAlg;
use ccp_algs::bbr::{BbrFlow, Mode};
use ccp_runtime::{CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report};
use ccp_sim::{FlowResults, Link, QueueLimit, Rate, Results, Scenario};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const MSS: u64 = 1448;

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// 48 Mbit/s and 20 ms: 80 packets on the path, and room for all that is sent.
pub(crate) fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS).queue(QueueLimit::Unlimited)
}

/// What a link of so many Mbit/s carries of data, bytes per second.
pub(crate) const fn data_rate(mbit: u64) -> u64 {
    mbit * 125_000 * MSS / 1500
}

/// The state after a report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) round: u64,
    pub(crate) mode: Mode,
    pub(crate) bandwidth: u64,
    pub(crate) rtprop_us: u64,
}

/// Runs one flow and writes down its state after each report.
pub(crate) fn run_spied(scenario: &Scenario, alg: BbrAlg) -> (Results, Vec<State>) {
    let states = Rc::default();
    let results = scenario.run(Spied { alg, states: Rc::clone(&states) }).unwrap();
    assert_eq!((results.agent.refused, results.agent.traps), (0, 0));
    let states = states.borrow().clone();
    (results, states)
}

/// Runs a scenario under BBR.
pub(crate) fn run(scenario: &Scenario) -> Results {
    run_spied(scenario, BbrAlg::default()).0
}

/// A variable of the program at each sample, 0 while it does not run.
pub(crate) fn watched(flow: &FlowResults, name: &str) -> Vec<(Duration, u64)> {
    let watched = flow.watched.iter().find(|watched| watched.name == name).unwrap();
    let values = watched.values.iter().map(|value| value.unwrap_or(0));
    flow.samples.iter().map(|sample| sample.at).zip(values).collect()
}

/// When a watched variable comes to have a value, and when it ceases to.
pub(crate) fn spans(values: &[(Duration, u64)], value: u64) -> Vec<(Duration, Duration)> {
    let mut spans: Vec<(Duration, Duration)> = Vec::new();
    let mut inside = false;
    for &(at, is) in values {
        match (inside, is == value) {
            (false, true) => spans.push((at, at)),
            (true, _) => spans.last_mut().unwrap().1 = at,
            _ => {}
        }
        inside = is == value;
    }
    spans
}

struct Spied {
    alg: BbrAlg,
    states: Rc<RefCell<Vec<State>>>,
}

pub(crate) struct SpiedFlow<I: Ipc> {
    flow: BbrFlow<I>,
    states: Rc<RefCell<Vec<State>>>,
}

impl<I: Ipc> CongAlg<I> for Spied {
    type Flow = SpiedFlow<I>;

    fn name() -> &'static str {
        BbrAlg::NAME
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        <BbrAlg as CongAlg<I>>::datapath_programs(&self.alg)
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> SpiedFlow<I> {
        SpiedFlow { flow: self.alg.new_flow(control, info), states: Rc::clone(&self.states) }
    }
}

impl<I: Ipc> Flow for SpiedFlow<I> {
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        self.flow.on_report(flow, report);
        let bbr = self.flow.state();
        self.states.borrow_mut().push(State {
            round: bbr.rounds(),
            mode: bbr.mode(),
            bandwidth: bbr.bandwidth(),
            rtprop_us: bbr.rtprop_us().unwrap_or(0),
        });
    }
}
