//! An algorithm of one's own, and its test in the simulator: `cargo run --example my_algorithm`.

use std::collections::HashMap;
use std::time::Duration;

use ccp_runtime::{CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report, Scope};
use ccp_sim::{Link, Rate, Results, Scenario, SimError};

// --- The algorithm: a segment more each round trip, a third less after a loss. ---

/// Runs in the datapath with each ACK, and reports once a round trip.
const PROGRAM: &str = include_str!("my_algorithm.ccp");

struct MyAlgorithm;

impl<I: Ipc> CongAlg<I> for MyAlgorithm {
    type Flow = MyFlow<I>;

    fn name() -> &'static str {
        "mine"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([("each_rtt", PROGRAM.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> MyFlow<I> {
        let scope = control.set_program("each_rtt", None).unwrap_or_default();
        let (mss, cwnd) = (info.mss.into(), info.init_cwnd.into());
        MyFlow { control, scope, mss, cwnd }
    }
}

struct MyFlow<I: Ipc> {
    control: Datapath<I>,
    scope: Scope,
    mss: u64,
    cwnd: u64,
}

impl<I: Ipc> Flow for MyFlow<I> {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        // An error here means that the report is of another program: none of ours.
        let Ok(lost) = report.get_field("Report.lost", &self.scope) else {
            return;
        };
        self.cwnd = if lost > 0 { self.cwnd * 2 / 3 } else { self.cwnd + self.mss };
        self.cwnd = self.cwnd.max(2 * self.mss);
        if let Err(error) = self.control.update_field(&self.scope, &[("Cwnd", self.cwnd)]) {
            eprintln!("window not set: {error}");
        }
    }
}

// --- Its test: twenty seconds on a link of 24 Mbit/s and 20 ms, in virtual time. ---

fn simulate() -> Result<Results, SimError> {
    let link = Link::new(Rate::mbit(24), Duration::from_millis(20));
    Scenario::new(link).time(Duration::from_secs(20)).run(MyAlgorithm)
}

fn main() -> Result<(), SimError> {
    let results = simulate()?;
    println!("utilisation      {:.3}", results.utilisation);
    println!("mean queue       {:.1} ms", results.queue_mean.as_secs_f64() * 1e3);
    println!("packets dropped  {}", results.link.dropped);
    Ok(())
}

#[test]
fn my_algorithm_fills_the_link() {
    let results = simulate().unwrap();
    assert!(results.utilisation > 0.9, "utilisation {}", results.utilisation);
    assert!(results.agent.refused == 0 && results.agent.traps == 0);
}
