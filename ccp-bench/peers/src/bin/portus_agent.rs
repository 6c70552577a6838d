//! portus 0.9's agent with a small Reno-like algorithm, on the unix transport (always in /tmp/ccp).
//!
//! It can bring many programs and then uses them in turn, one per report, so that a flow which has
//! gone through all of them shows that the datapath took each. Prints one line of JSON at the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
use ccp_peers::reno::{self, Measured, Reno, Seen};
use clap::Parser;
use portus::ipc::{BackendBuilder, Blocking, Ipc};
use portus::lang::Scope;
use portus::{CongAlg, Datapath, DatapathInfo, DatapathTrait, Flow, Report, RunBuilder};
use serde_json::json;

/// portus's agent with a Reno-like algorithm.
#[derive(Parser)]
struct Args {
    /// The name of the agent's socket in /tmp/ccp.
    #[arg(long, default_value = "portus")]
    name: String,
    /// How many programs to install and use in turn.
    #[arg(long, default_value_t = 1)]
    programs: usize,
    /// How long to run.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let socket =
        portus::ipc::unix::Socket::<Blocking>::new(&args.name).map_err(|e| anyhow!("{e:?}"))?;
    let alg = Alg { names: reno::program_names(args.programs), seen: Arc::clone(&seen) };
    let handle = RunBuilder::new(BackendBuilder { sock: socket })
        .default_alg(alg)
        .spawn_thread()
        .run()
        .map_err(|e| anyhow!("{e:?}"))?;
    std::thread::sleep(Duration::from_secs_f64(args.seconds));
    handle.kill();
    let ended = handle.wait();
    let seen = seen.lock().map_err(|_| anyhow!("the agent panicked"))?;
    let mut summary = seen.summary();
    summary["agent"] = json!("portus");
    summary["ended"] = json!(format!("{ended:?}"));
    println!("{summary}");
    let _ = std::fs::remove_file(format!("/tmp/ccp/{}", args.name));
    Ok(())
}

struct Alg {
    names: Vec<&'static str>,
    seen: Arc<Mutex<Seen>>,
}

impl<I: Ipc> CongAlg<I> for Alg {
    type Flow = AlgFlow<I>;

    fn name() -> &'static str {
        "reno"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        self.names.iter().enumerate().map(|(i, name)| (*name, reno::program(i))).collect()
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let mut seen = self.seen.lock().expect("nobody panics holding it");
        seen.flows += 1;
        seen.by_program.resize(self.names.len(), 0);
        let scope = control.set_program(self.names[0], Some(&[("Cwnd", info.init_cwnd)]));
        AlgFlow {
            control,
            scope: scope.expect("the program is installed"),
            names: self.names.clone(),
            program: 0,
            reno: Reno::new(info.mss, info.init_cwnd),
            seen: Arc::clone(&self.seen),
        }
    }
}

struct AlgFlow<I: Ipc> {
    control: Datapath<I>,
    scope: Scope,
    names: Vec<&'static str>,
    program: usize,
    reno: Reno,
    seen: Arc<Mutex<Seen>>,
}

impl<I: Ipc> Flow for AlgFlow<I> {
    fn on_report(&mut self, _flow: u32, report: Report) {
        let mut seen = self.seen.lock().expect("nobody panics holding it");
        seen.reports += 1;
        let field = |name: &str| report.get_field(name, &self.scope);
        let Ok(acked) = field("Report.acked") else {
            seen.stale += 1;
            return;
        };
        let lost = field("Report.loss").unwrap_or(0);
        let timeout = field("Report.timeout").unwrap_or(0) != 0;
        seen.by_program[self.program] += 1;
        seen.lost += lost;
        let cuts = self.reno.cuts();
        seen.cwnd = self.reno.on_report(Measured { acked, lost, timeout });
        seen.cuts += self.reno.cuts() - cuts;
        let update = [("Cwnd", self.reno.cwnd())];
        // The datapath may have left since.
        if self.names.len() == 1 {
            let _ = self.control.update_field(&self.scope, &update);
            return;
        }
        let next = (self.program + 1) % self.names.len();
        if let Ok(scope) = self.control.set_program(self.names[next], Some(&update)) {
            (self.scope, self.program) = (scope, next);
        }
    }

    fn close(&mut self) {
        self.seen.lock().expect("nobody panics holding it").closed += 1;
    }
}
