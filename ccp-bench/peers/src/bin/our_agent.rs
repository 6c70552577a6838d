//! Our agent with the same small Reno-like algorithm as `portus_agent`, and as many programs.
//!
//! For what no single algorithm of `ccp run` shows: agents with more programs than libccp's table
//! holds. Prints one line of JSON at the end, and logs to stderr.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
use ccp_ipc::unix::Socket;
use ccp_ipc::{BackendBuilder, Blocking, Ipc};
use ccp_peers::reno::{self, Measured, Reno, Seen};
use ccp_runtime::{CongAlg, Datapath, DatapathInfo, Flow, FlowId, Report, RunBuilder, Scope};
use clap::Parser;
use serde_json::json;

/// Our agent with a Reno-like algorithm.
#[derive(Parser)]
struct Args {
    /// The folder of the sockets.
    #[arg(long, default_value = "/tmp/ccp")]
    dir: PathBuf,
    /// The name of the agent's socket in it.
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
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    let args = Args::parse();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let sock: Socket<Blocking> = Socket::<Blocking>::options().folder(args.dir).bind(&args.name)?;
    let alg = Alg { names: reno::program_names(args.programs), seen: Arc::clone(&seen) };
    let handle = RunBuilder::new(BackendBuilder { sock }).default_alg(alg).spawn_thread().run()?;
    std::thread::sleep(Duration::from_secs_f64(args.seconds));
    handle.kill();
    let stats = handle.stats();
    let ended = handle.wait();
    let seen = seen.lock().map_err(|_| anyhow!("the agent panicked"))?;
    let mut summary = seen.summary();
    summary["agent"] = json!("ccp-runtime");
    summary["ended"] = json!(format!("{ended:?}"));
    summary["stats"] = json!(format!("{stats:?}"));
    println!("{summary}");
    Ok(())
}

struct Alg {
    names: Vec<&'static str>,
    seen: Arc<Mutex<Seen>>,
}

impl<I: Ipc> CongAlg<I> for Alg {
    type Flow = AlgFlow<I>;

    fn name() -> &'static str {
        "small reno"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        self.names.iter().enumerate().map(|(i, name)| (*name, reno::program(i))).collect()
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let mut seen = self.seen.lock().expect("nobody panics holding it");
        seen.flows += 1;
        seen.by_program.resize(self.names.len(), 0);
        drop(seen);
        let mut flow = AlgFlow {
            control,
            scope: Scope::default(),
            names: self.names.clone(),
            program: 0,
            reno: Reno::new(info.mss, info.init_cwnd),
            seen: Arc::clone(&self.seen),
        };
        flow.run_program(0);
        flow
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

impl<I: Ipc> AlgFlow<I> {
    fn run_program(&mut self, number: usize) {
        let update = [("Cwnd", u64::from(self.reno.cwnd()))];
        match self.control.set_program(self.names[number], Some(&update)) {
            Ok(scope) => (self.scope, self.program) = (scope, number),
            Err(e) => tracing::error!("cannot set program {number}: {e}"),
        }
    }
}

impl<I: Ipc> Flow for AlgFlow<I> {
    fn on_report(&mut self, _flow: FlowId, report: Report<'_>) {
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
        drop(seen);
        if self.names.len() > 1 {
            self.run_program((self.program + 1) % self.names.len());
            return;
        }
        let update = [("Cwnd", u64::from(self.reno.cwnd()))];
        if let Err(e) = self.control.update_field(&self.scope, &update) {
            tracing::error!("cannot set the window: {e}");
        }
    }

    fn close(&mut self) {
        self.seen.lock().expect("nobody panics holding it").closed += 1;
    }
}
