//! Reports through the agent: how many, and how soon the answer is there.
//!
//! The algorithm reads two fields of each report and answers with a window.
#![allow(missing_docs, reason = "the macros of criterion make functions without any")]

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use ccp_ipc::{chan, unix};
use ccp_runtime::{
    BackendBuilder, Blocking, CCPHandle, CongAlg, ControlField, Datapath, DatapathInfo, Flow,
    FlowId, Ipc, Report, ReportField, RunBuilder,
};
use ccp_wire::{Create, MeasureRepr, ProgramUid};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Answers each report, or only reads it.
#[derive(Clone, Copy)]
struct Answering(bool);

struct AnsweringFlow<I: Ipc> {
    control: Datapath<I>,
    answers: bool,
    acked: ReportField,
    rtt: ReportField,
    cwnd: ControlField,
    sum: u64,
}

impl<I: Ipc> CongAlg<I> for Answering {
    type Flow = AnsweringFlow<I>;

    fn name() -> &'static str {
        "answering"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let program = "(def (Report (volatile acked 0) (volatile rtt 0)))
            (when true (:= Report.acked Ack.bytes_acked) (:= Report.rtt Flow.rtt_sample_us) (report))";
        HashMap::from([("program", program.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> Self::Flow {
        let scope = control.set_program("program", None).unwrap();
        AnsweringFlow {
            control,
            answers: self.0,
            acked: scope.field("Report.acked").unwrap(),
            rtt: scope.field("Report.rtt").unwrap(),
            cwnd: scope.control("Cwnd").unwrap(),
            sum: 0,
        }
    }
}

impl<I: Ipc> Flow for AnsweringFlow<I> {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        self.sum += report.get(self.acked).unwrap() + report.get(self.rtt).unwrap();
        if self.answers {
            self.control.update(&[(self.cwnd, self.sum)]).unwrap();
        }
    }
}

/// An agent in a thread of its own that ends with this.
struct Agent(Option<CCPHandle>);

impl Agent {
    fn spawn<I: Ipc>(sock: I, answers: bool) -> Self {
        let agent = RunBuilder::new(BackendBuilder { sock }).default_alg(Answering(answers));
        Self(Some(agent.spawn_thread().run().unwrap()))
    }

    /// Until so many reports have been handled.
    fn wait_for(&self, reports: u64) {
        while self.reports() < reports {
            thread::yield_now();
        }
    }

    fn reports(&self) -> u64 {
        self.0.as_ref().map_or(0, |agent| agent.stats().reports)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(agent) = self.0.take() {
            agent.kill();
            // A channel may have closed before.
            let _ = agent.wait();
        }
    }
}

fn throughput(c: &mut Criterion) {
    let mut group = c.benchmark_group("reports through the agent");
    group.throughput(Throughput::Elements(1));

    let (to_agent, from_us) = crossbeam_channel::bounded(CAPACITY);
    let (to_us, from_agent) = crossbeam_channel::unbounded();
    let agent = Agent::spawn(chan::Socket::<Blocking>::new(to_us, from_us), false);
    to_agent.send(create()).unwrap();
    for _answer in ["Install", "ChangeProg"] {
        from_agent.recv().unwrap();
    }
    group.bench_function("crossbeam channels, read", |b| {
        b.iter_custom(|reports| {
            let (goal, begun) = (agent.reports() + reports, Instant::now());
            for _ in 0..reports {
                to_agent.send(report()).unwrap();
            }
            agent.wait_for(goal);
            begun.elapsed()
        });
    });
    drop(agent);

    for answers in [false, true] {
        let (ours, agents) = chan::pair(CAPACITY);
        let agent = Agent::spawn(agents, answers);
        open_flow(&ours, &());
        let what = if answers { "read and answered" } else { "read" };
        let report = report();
        let mut buf = [0; 256];
        group.bench_function(BenchmarkId::new("chan::pair", what), |b| {
            b.iter_custom(|reports| {
                let (goal, begun) = (agent.reports() + reports, Instant::now());
                let mut unanswered = 0;
                for _ in 0..reports {
                    // No more under way than the channels hold, or an answer would have to wait.
                    if answers && unanswered == CAPACITY / 2 {
                        ours.recv(&mut buf, None).unwrap();
                        unanswered -= 1;
                    }
                    while ours.try_send(&report, &()).is_err() {
                        thread::yield_now();
                    }
                    unanswered += 1;
                }
                if answers {
                    for _ in 0..unanswered {
                        ours.recv(&mut buf, None).unwrap();
                    }
                }
                agent.wait_for(goal);
                begun.elapsed()
            });
        });
    }

    // The same without a second thread: what a report costs the agent's.
    let (ours, agents) = chan::pair(CAPACITY);
    let mut agent = RunBuilder::new(BackendBuilder { sock: agents })
        .default_alg(Answering(true))
        .build()
        .unwrap();
    ours.try_send(&create(), &()).unwrap();
    let mut buf = [0; 256];
    let mut drain = || {
        while ours.recv(&mut buf, Some(Duration::ZERO)).unwrap() != ccp_ipc::Received::TimedOut {}
    };
    agent.step(Duration::ZERO).unwrap();
    drain();
    let report = report();
    group.throughput(Throughput::Elements(STEP));
    group.bench_function("chan::pair, stepped, read and answered", |b| {
        b.iter(|| {
            for _ in 0..STEP {
                ours.try_send(&report, &()).unwrap();
            }
            agent.step(Duration::ZERO).unwrap();
            drain();
        });
    });
    group.finish();
}

fn round_trip(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let bind = |name| unix::Options::new().folder(folder.path()).bind::<Blocking>(name).unwrap();
    let (ours, agents) = (bind("datapath"), bind("agent"));
    let to = *agents.local_addr();
    let agent = Agent::spawn(agents, true);
    open_flow(&ours, &to);
    let report = report();
    let mut buf = [0; 256];
    c.bench_function("report, decision, update over unix sockets", |b| {
        b.iter(|| {
            ours.try_send(&report, &to).unwrap();
            ours.recv(&mut buf, None).unwrap()
        });
    });
    drop(agent);
}

/// Has the agent begin a flow, and takes in its two answers.
fn open_flow<I: Ipc>(ours: &I, agent: &I::Addr) {
    ours.try_send(&create(), agent).unwrap();
    let mut buf = [0; 4096];
    for _answer in ["Install", "ChangeProg"] {
        ours.recv(&mut buf, None).unwrap();
    }
}

fn create() -> Vec<u8> {
    let mut buf = vec![0; 128];
    let len = Create::default().encode(&mut buf).unwrap();
    buf.truncate(len);
    buf
}

fn report() -> Vec<u8> {
    let report =
        MeasureRepr { flow: FlowId(0), program_uid: ProgramUid(1), fields: &[1_448, 20_150] };
    let mut buf = vec![0; report.encoded_len()];
    report.encode(&mut buf).unwrap();
    buf
}

const CAPACITY: usize = 1024;
const STEP: u64 = 64;

criterion_group!(benches, throughput, round_trip);
criterion_main!(benches);
