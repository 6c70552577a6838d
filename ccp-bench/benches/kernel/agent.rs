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
    StopHandle,
};

use crate::Outcome;

/// Lives as long as its algorithm is registered.
pub(crate) struct Agent {
    /// What sockets choose.
    pub(crate) name: String,
    /// The program that the kernel calls for each ACK.
    pub(crate) cong_control: OwnedFd,
    stop: StopHandle,
    /// The thread's folder in /proc.
    folder: String,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// Runs an algorithm, written as on `ccp run`'s command line.
    pub(crate) fn of(algorithm: &str, every: &str) -> Outcome<Self> {
        let spec: Spec = algorithm.parse()?;
        let every = every.parse().map_err(|_| "no way to report")?;
        Self::start(Specs::new(spec).report(every), Duration::ZERO)
    }

    /// Runs a program that reports on each ACK, and never sleeps: what waking costs is not its own.
    pub(crate) fn per_ack() -> Outcome<Self> {
        Self::start(PerAck, Duration::from_secs(3600))
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
        let stop = StopHandle::new();
        let (told, folder) = mpsc::channel();
        let ends = stop.clone();
        let thread = std::thread::spawn(move || {
            let _ = told.send(fs::read_link("/proc/thread-self"));
            let builder = RunBuilder::new(BackendBuilder { sock }).with_stop(ends);
            if let Err(error) = builder.default_alg(algorithm).run() {
                eprintln!("the agent ended: {error}");
            }
        });
        let folder = format!("/proc/{}", folder.recv()??.display());
        Ok(Self { name, cong_control, stop, folder, thread: Some(thread) })
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

/// Reports six fields on each ACK; the agent lets the window be.
struct PerAck;

struct Silent<I: Ipc> {
    _control: Datapath<I>,
    _scope: Option<Scope>,
}

impl<I: Ipc> CongAlg<I> for PerAck {
    type Flow = Silent<I>;

    fn name() -> &'static str {
        "per_ack"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([("every ack", PROGRAM.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, _info: DatapathInfo) -> Self::Flow {
        let scope = control.set_program("every ack", Some(&[("Cwnd", 1_000_000)])).ok();
        Silent { _control: control, _scope: scope }
    }
}

impl<I: Ipc> Flow for Silent<I> {
    fn on_report(&mut self, _flow: FlowId, _report: Report<'_>) {}
}

const PROGRAM: &str = "
(def (Report (volatile acked 0) (volatile loss 0) (rtt 0) (inflight 0) (timeout false) (sacked 0)))
(when true
    (:= Report.acked Ack.bytes_acked)
    (:= Report.loss Ack.lost_pkts_sample)
    (:= Report.rtt Flow.rtt_sample_us)
    (:= Report.inflight Flow.packets_in_flight)
    (:= Report.timeout Flow.was_timeout)
    (:= Report.sacked Ack.packets_misordered)
    (report))";
