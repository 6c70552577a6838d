//! An agent in a thread of this process that governs the kernel's flows.

use std::collections::HashMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use ccp_algs::{Spec, Specs};
use ccp_ebpf::{EbpfSocket, Name, Options};
use ccp_runtime::{
    BackendBuilder, CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report, RunBuilder, Scope,
    StatsHandle, StopHandle,
};

use crate::Outcome;

/// Lives as long as its algorithm is registered.
pub(crate) struct Agent {
    /// What sockets choose.
    pub(crate) name: String,
    /// The program that the kernel calls for each ACK.
    pub(crate) cong_control: OwnedFd,
    stop: StopHandle,
    stats: StatsHandle,
    /// The thread's folder in /proc.
    folder: String,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// Runs an algorithm, written as on `ccp run`'s command line.
    pub(crate) fn of(algorithm: &str, every: &str, spin: Duration) -> Outcome<Self> {
        let spec: Spec = algorithm.parse()?;
        let every = every.parse().map_err(|_| "no way to report")?;
        Self::start(Specs::new(spec).report(every), spin)
    }

    /// Runs a program that reports on each ACK, and never sleeps: what waking costs is not its own.
    pub(crate) fn per_ack() -> Outcome<Self> {
        Self::start(Fixed(PER_ACK), SPINS)
    }

    /// Runs a program that does next to nothing: what is left is dispatch.
    pub(crate) fn bare() -> Outcome<Self> {
        Self::start(Fixed(BARE), SPINS)
    }

    /// Answers no flow with a program: the fallback governs.
    pub(crate) fn without_program() -> Outcome<Self> {
        Self::start(Fixed(""), SPINS)
    }

    fn start<A>(algorithm: A, spin: Duration) -> Outcome<Self>
    where
        A: CongAlg<EbpfSocket> + Send + 'static,
    {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kb{}_{next}", std::process::id());
        let mut options = Options::default();
        options.names = vec![Name { name: name.clone(), wish: String::new() }];
        options.max_flows = 128;
        options.spin = spin;
        let sock = EbpfSocket::start(options)?;
        let cong_control = sock.with_engine(|engine| {
            let found = engine.programs().find(|(name, _)| *name == "cong_control");
            found.map(|(_, fd)| fd.try_clone())
        });
        let cong_control = cong_control.flatten().ok_or("no cong_control")??;
        let (stop, stats) = (StopHandle::new(), StatsHandle::new());
        let (told, folder) = mpsc::channel();
        let (ends, counts) = (stop.clone(), stats.clone());
        let thread = std::thread::spawn(move || {
            let _ = told.send(fs::read_link("/proc/thread-self"));
            let builder = RunBuilder::new(BackendBuilder { sock }).with_stop(ends);
            let builder = builder.with_stats(counts);
            if let Err(error) = builder.default_alg(algorithm).run() {
                eprintln!("the agent ended: {error}");
            }
        });
        let folder = format!("/proc/{}", folder.recv()??.display());
        Ok(Self { name, cong_control, stop, stats, folder, thread: Some(thread) })
    }

    /// How many reports the agent has had.
    pub(crate) fn reports(&self) -> u64 {
        self.stats.snapshot().reports
    }

    /// How long the agent has been on a processor.
    pub(crate) fn busy(&self) -> Outcome<Duration> {
        let text = fs::read_to_string(format!("{}/schedstat", self.folder))?;
        let first = text.split_whitespace().next().ok_or("no schedstat")?;
        Ok(Duration::from_nanos(first.parse()?))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs one program, or none; the agent lets the window be.
struct Fixed(&'static str);

struct Silent<I: Ipc> {
    _control: Datapath<I>,
    _scope: Option<Scope>,
}

impl<I: Ipc> CongAlg<I> for Fixed {
    type Flow = Silent<I>;

    fn name() -> &'static str {
        "fixed"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let source = Some(self.0.to_owned()).filter(|source| !source.is_empty());
        source.map(|source| ("the program", source)).into_iter().collect()
    }

    fn new_flow(&self, mut control: Datapath<I>, _info: DatapathInfo) -> Self::Flow {
        let scope = control.set_program("the program", Some(&[("Cwnd", 1_000_000)])).ok();
        Silent { _control: control, _scope: scope }
    }
}

impl<I: Ipc> Flow for Silent<I> {
    fn on_report(&mut self, _flow: FlowId, _report: Report<'_>) {}
}

/// Longer than any run.
pub(crate) const SPINS: Duration = Duration::from_secs(3600);

const BARE: &str = "(def (Report (x 0))) (when true (:= Report.x Ack.bytes_acked))";

/// Reports six fields.
const PER_ACK: &str = "
(def (Report (volatile acked 0) (volatile loss 0) (rtt 0) (inflight 0) (timeout false) (sacked 0)))
(when true
    (:= Report.acked Ack.bytes_acked)
    (:= Report.loss Ack.lost_pkts_sample)
    (:= Report.rtt Flow.rtt_sample_us)
    (:= Report.inflight Flow.packets_in_flight)
    (:= Report.timeout Flow.was_timeout)
    (:= Report.sacked Ack.packets_misordered)
    (report))";
