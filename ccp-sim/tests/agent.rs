//! The agent in the simulation: its delay, its loss, its return.

mod common;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ccp_runtime::{CongAlg, Datapath, DatapathInfo, Ipc, Primitive, RunBuilder};
use ccp_sim::{Flow, Governor, Link, Rate, Scenario, Sim};
use common::{FixedRate, FixedWindow, Silent};

const MS: Duration = Duration::from_millis(1);

fn link() -> Link {
    Link::new(Rate::mbit(48), 20 * MS)
}

fn segments(sim: &Sim) -> f64 {
    sim.cwnd(0).unwrap() as f64 / 1448.0
}

#[test]
fn without_an_agent_the_datapaths_own_reno_governs() {
    let scenario =
        Scenario::new(link()).time(Duration::from_secs(30)).measure_from(Duration::from_secs(5));
    let results = scenario.run_without_agent().unwrap();
    assert!(results.utilisation > 0.97, "{}", results.utilisation);
    assert!(results.flows[0].samples.iter().all(|sample| sample.governor == Governor::Datapath));
    assert_eq!((results.agent.reports, results.agent.updates), (0, 0));
}

#[test]
fn a_word_of_the_agent_takes_the_delay_each_way() {
    let scenario = Scenario::new(link()).ipc_delay(35 * MS);
    let mut sim = Sim::new(&scenario).unwrap();
    sim.start_agent(|backend| RunBuilder::new(backend).default_alg(FixedWindow(3)).build())
        .unwrap();
    // Ready, and the Create that follows it, up and the program down: nothing before 70 ms.
    sim.run_until(69 * MS).unwrap();
    assert_eq!(sim.governor(0), Some(Governor::Datapath));
    // It takes effect with the next ACK.
    sim.run_until(200 * MS).unwrap();
    assert_eq!(sim.governor(0), Some(Governor::Agent));
    assert_eq!(segments(&sim), 3.0);
}

#[test]
fn when_the_agent_is_lost_the_flow_falls_back_and_goes_on() {
    let mut sim = Sim::new(&Scenario::new(link())).unwrap();
    sim.start_agent(|backend| RunBuilder::new(backend).default_alg(FixedWindow(10)).build())
        .unwrap();
    sim.run_until(Duration::from_secs(5)).unwrap();
    assert_eq!((sim.governor(0), segments(&sim)), (Some(Governor::Agent), 10.0));

    sim.drop_agent();
    // The next report finds nobody, and 200 ms later the flow falls back.
    sim.run_until(Duration::from_millis(5_190)).unwrap();
    assert_eq!(sim.governor(0), Some(Governor::Agent));
    sim.run_until(Duration::from_millis(5_250)).unwrap();
    assert_eq!(sim.governor(0), Some(Governor::Datapath));
    sim.run_until(Duration::from_secs(15)).unwrap();
    assert!(segments(&sim) > 80.0, "it grows again: {}", segments(&sim));
    assert_eq!(sim.results().agent.fallbacks, 1);
    assert!(sim.conserves_packets());
}

#[test]
fn an_agent_started_again_takes_over_the_flows_that_run() {
    let mut sim = Sim::new(&Scenario::new(link())).unwrap();
    sim.start_agent(|backend| RunBuilder::new(backend).default_alg(FixedWindow(10)).build())
        .unwrap();
    sim.run_until(Duration::from_secs(2)).unwrap();
    sim.drop_agent();
    sim.run_until(Duration::from_secs(4)).unwrap();
    sim.start_agent(|backend| RunBuilder::new(backend).default_alg(FixedWindow(30)).build())
        .unwrap();
    sim.run_until(Duration::from_millis(4_300)).unwrap();
    assert_eq!((sim.governor(0), segments(&sim)), (Some(Governor::Agent), 30.0));
}

#[test]
fn each_flow_has_the_algorithm_that_it_asks_for() {
    let flows = [Flow::asking_for("fixed_rate"), Flow::asking_for("fixed_window"), Flow::default()];
    let scenario = Scenario::new(link()).flows(flows).time(Duration::from_secs(5));
    let results = scenario
        .run_with(|backend| {
            RunBuilder::new(backend)
                .default_alg(FixedWindow(5))
                .additional_alg(FixedRate(1_000_000))
                .build()
        })
        .unwrap();
    let last = |flow: usize| results.flows[flow].samples.last().unwrap();
    assert_eq!((last(0).rate, last(1).rate, last(2).rate), (1_000_000, 0, 0));
    assert_eq!((last(1).cwnd, last(2).cwnd), (5 * 1448, 5 * 1448));
    assert!(results.flows.iter().all(|flow| flow.reports > 100));
    assert_eq!((results.agent.refused, results.agent.traps), (0, 0));
}

#[test]
fn the_agent_dies_and_comes_back_at_set_times() {
    let scenario = Scenario::new(link())
        .outage(Duration::from_secs(2), Some(Duration::from_secs(4)))
        .outage(Duration::from_secs(7), None);
    let results = scenario.run(FixedWindow(10)).unwrap();
    let at = |ms: u64| {
        let at = Duration::from_millis(ms);
        let sample = results.flows[0].samples.iter().find(|sample| sample.at >= at);
        sample.unwrap().governor
    };
    let (agent, datapath) = (Governor::Agent, Governor::Datapath);
    let seen = [1000, 3000, 4500, 6900, 8000, 9900].map(at);
    assert_eq!(seen, [agent, datapath, agent, agent, datapath, datapath]);
    assert_eq!(results.agent.fallbacks, 2);
    assert_eq!(results, scenario.run(FixedWindow(10)).unwrap());
    let agent = |backend| RunBuilder::new(backend).default_alg(FixedWindow(10)).build();
    let mut seen = Vec::new();
    let shown = scenario.run_showing(1300 * MS, agent, |sim| seen.push(sim.now())).unwrap();
    assert_eq!(results, shown);
    assert!(seen.is_sorted() && seen.len() >= 5, "{seen:?}");
}

#[test]
fn messages_that_are_lost_are_counted_and_the_flow_goes_on() {
    let scenario = Scenario::new(link()).ipc_loss(0.2);
    let results = scenario.run(FixedWindow(10)).unwrap();
    let sent: u64 = results.flows.iter().map(|flow| flow.reports).sum();
    assert!(results.agent.lost > sent / 10, "{} of {sent} lost", results.agent.lost);
    assert!(results.utilisation > 0.1, "{}", results.utilisation);
    assert_eq!(Scenario::new(link()).run(FixedWindow(10)).unwrap().agent.lost, 0);
}

#[test]
fn the_threshold_is_shown_of_who_has_one() {
    // The datapath's own Reno has lost by then; a program without such a variable has none to show.
    let scenario = Scenario::new(link());
    let own = scenario.run_without_agent().unwrap();
    let thresholds: Vec<_> = own.flows[0].samples.iter().map(|sample| sample.ssthresh).collect();
    assert_eq!(thresholds[0], None);
    assert!(thresholds.last().unwrap().is_some_and(|threshold| threshold > 20 * 1448));
    let fixed = scenario.run(FixedWindow(10)).unwrap();
    let last = fixed.flows[0].samples.last().unwrap();
    assert_eq!((last.governor, last.ssthresh), (Governor::Agent, None));
}

#[test]
fn variables_of_the_program_are_written_down_while_the_agent_is_there() {
    let scenario = Scenario::new(link()).watch(["held", "none"]).outage(5000 * MS, None);
    let results = scenario.run(FixedWindow(10)).unwrap();
    let flow = &results.flows[0];
    let [held, none] = &flow.watched[..] else { panic!("{}", flow.watched.len()) };
    assert_eq!((held.name.as_str(), none.name.as_str()), ("held", "none"));
    assert_eq!(held.values.len(), flow.samples.len());
    assert!(none.values.iter().all(Option::is_none));
    for (sample, value) in flow.samples.iter().zip(&held.values).skip(10) {
        // Only the agent knows where its program keeps what.
        let known = sample.at <= 5000 * MS && sample.governor == Governor::Agent;
        assert_eq!(*value, known.then_some(10 * 1448), "{:?}", sample.at);
    }
}

/// Writes down which primitives there are, and how many flows asked for `this`.
struct Asks(Rc<Cell<u64>>, Rc<Cell<u64>>);

impl<I: Ipc> CongAlg<I> for Asks {
    type Flow = Silent;

    fn name() -> &'static str {
        "asks"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::new()
    }

    fn new_flow(&self, control: Datapath<I>, _: DatapathInfo) -> Silent {
        self.0.set(control.primitives());
        Silent
    }

    fn new_flow_asked(&self, asked: &str, control: Datapath<I>, info: DatapathInfo) -> Silent {
        self.1.set(self.1.get() + u64::from(asked == "this"));
        self.new_flow(control, info)
    }
}

#[test]
fn senders_fill_the_primitives_beyond_libccps_unless_told_not_to() {
    let seen = |scenario: Scenario| {
        let seen = Rc::new(Cell::new(0));
        scenario.time(100 * MS).run(Asks(Rc::clone(&seen), Rc::default())).unwrap();
        seen.get()
    };
    assert_eq!(seen(Scenario::new(link()).libccp()), Primitive::BASE_MASK);
    assert_ne!(seen(Scenario::new(link())), Primitive::BASE_MASK);
}

#[test]
fn one_algorithm_learns_which_each_flow_asked_for() {
    let asked = Rc::new(Cell::new(0));
    let flows = ["this", "that", "this"].map(Flow::asking_for);
    let scenario = Scenario::new(link()).flows(flows).time(100 * MS);
    scenario.run(Asks(Rc::default(), Rc::clone(&asked))).unwrap();
    assert_eq!(asked.get(), 2);
}

#[test]
fn a_rate_that_is_lost_leaves_the_window_that_it_used() {
    // 500 kB/s under a window of 16 MB: on the datapath's own the flow goes on from what is in flight.
    let scenario =
        Scenario::new(link()).outage(Duration::from_secs(2), None).time(5 * Duration::from_secs(1));
    let results = scenario.run(FixedRate(500_000)).unwrap();
    let most = results.flows[0].samples.iter().map(|sample| sample.in_flight).max();
    assert!(most < Some(300_000), "{most:?}");
    assert_eq!(results.agent.fallbacks, 1);
}
