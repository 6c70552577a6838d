//! portus 0.9's agent with a small Reno-like algorithm, on the unix transport (always in /tmp/ccp).
//!
//! It can bring many programs and then uses them in turn, one per report, so that a flow which has
//! gone through all of them shows that the datapath took each. Prints one line of JSON at the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
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
    let reno = Reno {
        names: names(args.programs),
        seen: Arc::clone(&seen),
    };
    let handle = RunBuilder::new(BackendBuilder { sock: socket })
        .default_alg(reno)
        .spawn_thread()
        .run()
        .map_err(|e| anyhow!("{e:?}"))?;
    std::thread::sleep(Duration::from_secs_f64(args.seconds));
    handle.kill();
    let ended = handle.wait();
    let seen = seen.lock().map_err(|_| anyhow!("the agent panicked"))?;
    println!(
        "{}",
        json!({
            "agent": "portus",
            "ended": format!("{ended:?}"),
            "flows": seen.flows,
            "closed": seen.closed,
            "reports": seen.reports,
            "stale": seen.stale,
            "reports_by_program": seen.by_program,
            "lost": seen.lost,
            "cuts": seen.cuts,
            "cwnd": seen.cwnd,
        })
    );
    let _ = std::fs::remove_file(format!("/tmp/ccp/{}", args.name));
    Ok(())
}

/// What the agent has seen, over all flows.
#[derive(Default)]
struct Seen {
    flows: u64,
    closed: u64,
    reports: u64,
    /// Reports of a program that had been replaced when they came.
    stale: u64,
    by_program: Vec<u64>,
    lost: u64,
    cuts: u64,
    cwnd: u32,
}

struct Reno {
    names: Vec<&'static str>,
    seen: Arc<Mutex<Seen>>,
}

impl<I: Ipc> CongAlg<I> for Reno {
    type Flow = RenoFlow<I>;

    fn name() -> &'static str {
        "reno"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        // Each has an initial value of its own, so that no two are the same.
        self.names
            .iter()
            .enumerate()
            .map(|(i, name)| (*name, program(i)))
            .collect()
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let mut seen = self.seen.lock().expect("nobody panics holding it");
        seen.flows += 1;
        seen.by_program.resize(self.names.len(), 0);
        let scope = control.set_program(self.names[0], Some(&[("Cwnd", info.init_cwnd)]));
        RenoFlow {
            control,
            scope: scope.expect("the program is installed"),
            names: self.names.clone(),
            program: 0,
            mss: info.mss,
            cwnd: info.init_cwnd,
            ssthresh: u32::MAX / 2,
            recovery_bytes: 0,
            seen: Arc::clone(&self.seen),
        }
    }
}

struct RenoFlow<I: Ipc> {
    control: Datapath<I>,
    scope: Scope,
    names: Vec<&'static str>,
    program: usize,
    mss: u32,
    cwnd: u32,
    ssthresh: u32,
    /// What must still be acknowledged before the window may be cut again.
    recovery_bytes: u32,
    seen: Arc<Mutex<Seen>>,
}

impl<I: Ipc> Flow for RenoFlow<I> {
    fn on_report(&mut self, _flow: u32, report: Report) {
        let mut seen = self.seen.lock().expect("nobody panics holding it");
        seen.reports += 1;
        let Ok(acked) = report.get_field("Report.acked", &self.scope) else {
            seen.stale += 1;
            return;
        };
        let field = |name: &str| report.get_field(name, &self.scope).unwrap_or(0);
        let lost = field("Report.loss");
        let acked = acked as u32;
        seen.by_program[self.program] += 1;
        seen.lost += lost;
        self.recovery_bytes = self.recovery_bytes.saturating_sub(acked);
        if field("Report.timeout") != 0 {
            self.ssthresh = (self.cwnd / 2).max(2 * self.mss);
            self.cwnd = self.mss;
        } else if lost > 0 {
            if self.recovery_bytes == 0 {
                seen.cuts += 1;
                self.recovery_bytes = self.cwnd;
                self.cwnd = (self.cwnd / 2).max(2 * self.mss);
                self.ssthresh = self.cwnd;
            }
        } else if self.cwnd < self.ssthresh {
            self.cwnd = self.cwnd.saturating_add(acked);
        } else {
            self.cwnd += (u64::from(self.mss) * u64::from(acked) / u64::from(self.cwnd)) as u32;
        }
        seen.cwnd = self.cwnd;
        let update = [("Cwnd", self.cwnd)];
        if self.names.len() == 1 {
            self.control
                .update_field(&self.scope, &update)
                .expect("the datapath is there");
        } else {
            self.program = (self.program + 1) % self.names.len();
            let scope = self
                .control
                .set_program(self.names[self.program], Some(&update));
            self.scope = scope.expect("the datapath is there");
        }
    }

    fn close(&mut self) {
        self.seen.lock().expect("nobody panics holding it").closed += 1;
    }
}

/// One report a round trip, and at once on a loss or timeout.
fn program(number: usize) -> String {
    format!(
        "(def
            (number {number})
            (Report (volatile acked 0) (volatile loss 0) (volatile timeout false) (rtt +infinity)))
        (when true
            (:= Report.acked (+ Report.acked Ack.bytes_acked))
            (:= Report.loss (+ Report.loss Ack.lost_pkts_sample))
            (:= Report.timeout Flow.was_timeout)
            (:= Report.rtt (min Report.rtt Flow.rtt_sample_us))
            (fallthrough))
        (when (|| Report.timeout (> Report.loss 0))
            (report)
            (:= Micros 0))
        (when (> Micros Report.rtt)
            (report)
            (:= Micros 0))"
    )
}

/// Names for programs; portus wants them static.
fn names(count: usize) -> Vec<&'static str> {
    (0..count.max(1))
        .map(|i| &*Box::leak(format!("program{i}").into_boxed_str()))
        .collect()
}
