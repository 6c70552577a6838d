//! The algorithms that are timed: on portus, on the facade from the same text, and on our own API.

use std::collections::HashMap;
use std::time::Instant;

use crossbeam::channel::{Receiver, Sender};

/// Reports on each ACK, and has its window set.
pub(crate) const PROGRAM: &str = "
(def (Report (volatile acked 0) (volatile loss 0) (rtt 0) (inflight 0) (timeout false) (sacked 0)))
(when true
    (:= Report.acked Ack.bytes_acked)
    (:= Report.loss Ack.lost_pkts_sample)
    (:= Report.rtt Flow.rtt_sample_us)
    (:= Report.inflight Flow.packets_in_flight)
    (:= Report.timeout Flow.was_timeout)
    (:= Report.sacked Ack.packets_misordered)
    (report))";

fn programs() -> HashMap<&'static str, String> {
    HashMap::from([("every ack", PROGRAM.to_owned())])
}

/// The window that answers a report.
fn decide(cwnd: u32, acked: u64, loss: u64) -> u32 {
    let cwnd = if loss > 0 { cwnd / 2 } else { cwnd.saturating_add(acked as u32 / 16) };
    cwnd.clamp(14_480, 1 << 24)
}

/// How a counting flow and the sender of its reports keep in step.
///
/// First come [`BURSTS`](Self::BURSTS) bursts: the flow waits in the first report of each until all of
/// the burst is in the channel, so that what is timed is the agent alone. Then reports come as fast as
/// another thread sends them.
#[derive(Clone)]
pub(crate) struct Count {
    /// Lets a burst begin.
    pub(crate) go: Receiver<()>,
    /// When a burst, or the stream, has been handled.
    pub(crate) done: Sender<Instant>,
}

impl Count {
    pub(crate) const BURST: u64 = 8000;
    pub(crate) const BURSTS: u64 = 20;
    pub(crate) const STREAM: u64 = 200_000;

    fn note(&self, seen: u64) {
        let in_bursts = seen <= Self::BURSTS * Self::BURST;
        if in_bursts && seen % Self::BURST == 1 {
            let _ = self.go.recv();
        }
        let is_last = seen == Self::BURSTS * Self::BURST + Self::STREAM;
        if is_last || in_bursts && seen.is_multiple_of(Self::BURST) {
            let _ = self.done.send(Instant::now());
        }
    }
}

/// Answers each report with a window, or only counts them, written against portus's API.
macro_rules! written_for_portus {
    ($name:ident, $portus:ident) => {
        pub(crate) mod $name {
            use std::collections::HashMap;

            use $portus::ipc::Ipc;
            use $portus::lang::Scope;
            use $portus::{CongAlg, Datapath, DatapathInfo, DatapathTrait, Flow, Report};

            use super::Count;

            pub(crate) struct Answer;

            pub(crate) struct AnswerFlow<I: Ipc> {
                control: Datapath<I>,
                scope: Scope,
                cwnd: u32,
            }

            impl<I: Ipc> CongAlg<I> for Answer {
                type Flow = AnswerFlow<I>;

                fn name() -> &'static str {
                    "answer"
                }

                fn datapath_programs(&self) -> HashMap<&'static str, String> {
                    super::programs()
                }

                fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
                    let scope = control.set_program("every ack", None).expect("it is installed");
                    AnswerFlow { control, scope, cwnd: info.init_cwnd }
                }
            }

            impl<I: Ipc> Flow for AnswerFlow<I> {
                fn on_report(&mut self, _flow: u32, report: Report) {
                    let acked = report.get_field("Report.acked", &self.scope).unwrap_or(0);
                    let loss = report.get_field("Report.loss", &self.scope).unwrap_or(0);
                    self.cwnd = super::decide(self.cwnd, acked, loss);
                    let update = [("Cwnd", self.cwnd)];
                    let _ = self.control.update_field(&self.scope, &update);
                }
            }

            pub(crate) struct Counter(pub(crate) Count);

            pub(crate) struct CounterFlow {
                scope: Scope,
                count: Count,
                seen: u64,
                cwnd: u32,
            }

            impl<I: Ipc> CongAlg<I> for Counter {
                type Flow = CounterFlow;

                fn name() -> &'static str {
                    "counter"
                }

                fn datapath_programs(&self) -> HashMap<&'static str, String> {
                    super::programs()
                }

                fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
                    let scope = control.set_program("every ack", None).expect("it is installed");
                    let cwnd = info.init_cwnd;
                    CounterFlow { scope, count: self.0.clone(), seen: 0, cwnd }
                }
            }

            impl Flow for CounterFlow {
                fn on_report(&mut self, _flow: u32, report: Report) {
                    let acked = report.get_field("Report.acked", &self.scope).unwrap_or(0);
                    let loss = report.get_field("Report.loss", &self.scope).unwrap_or(0);
                    self.cwnd = std::hint::black_box(super::decide(self.cwnd, acked, loss));
                    self.seen += 1;
                    self.count.note(self.seen);
                }
            }
        }
    };
}

written_for_portus!(on_portus, portus);
written_for_portus!(on_facade, ccp_portus);

/// The same on our own API: fields are looked up once, when the program is set.
pub(crate) mod native {
    use std::collections::HashMap;

    use ccp_ipc::Ipc;
    use ccp_runtime::{
        CongAlg, ControlField, Datapath, DatapathInfo, Flow, FlowId, Report, ReportField,
    };

    use super::Count;

    struct Fields {
        acked: ReportField,
        loss: ReportField,
    }

    impl Fields {
        fn of<I: Ipc>(control: &mut Datapath<I>) -> Self {
            let scope = control.set_program("every ack", None).expect("it is installed");
            let field = |name| scope.field(name).expect("the program declares it");
            Self { acked: field("Report.acked"), loss: field("Report.loss") }
        }

        fn decide(&self, cwnd: u32, report: &Report<'_>) -> u32 {
            let (acked, loss) = (report.get(self.acked), report.get(self.loss));
            super::decide(cwnd, acked.unwrap_or(0), loss.unwrap_or(0))
        }
    }

    pub(crate) struct Answer;

    pub(crate) struct AnswerFlow<I: Ipc> {
        control: Datapath<I>,
        fields: Fields,
        cwnd: u32,
    }

    impl<I: Ipc> CongAlg<I> for Answer {
        type Flow = AnswerFlow<I>;

        fn name() -> &'static str {
            "answer"
        }

        fn datapath_programs(&self) -> HashMap<&'static str, String> {
            super::programs()
        }

        fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
            let fields = Fields::of(&mut control);
            AnswerFlow { control, fields, cwnd: info.init_cwnd }
        }
    }

    impl<I: Ipc> Flow for AnswerFlow<I> {
        fn on_report(&mut self, _flow: FlowId, report: Report<'_>) {
            self.cwnd = self.fields.decide(self.cwnd, &report);
            let _ = self.control.update(&[(ControlField::CWND, u64::from(self.cwnd))]);
        }
    }

    /// As [`Answer`], and tells when the ACK came and when its answer was on its way, in microseconds
    /// of the monotonic clock.
    pub(crate) struct Stamped {
        pub(crate) tell: std::sync::mpsc::Sender<(u64, u64)>,
        /// What `Ack.now` counts from.
        pub(crate) epoch: u64,
    }

    pub(crate) struct StampedFlow<I: Ipc> {
        inner: AnswerFlow<I>,
        now: ReportField,
        tell: std::sync::mpsc::Sender<(u64, u64)>,
        epoch: u64,
    }

    impl<I: Ipc> CongAlg<I> for Stamped {
        type Flow = StampedFlow<I>;

        fn name() -> &'static str {
            "stamped"
        }

        fn datapath_programs(&self) -> HashMap<&'static str, String> {
            let stamped = super::PROGRAM.replace("(sacked 0)", "(sacked 0) (now 0)");
            let stamped = stamped.replace("(report)", "(:= Report.now Ack.now) (report)");
            HashMap::from([("every ack", stamped)])
        }

        fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
            let scope = control.set_program("every ack", None).expect("it is installed");
            let field = |name| scope.field(name).expect("the program declares it");
            let fields = Fields { acked: field("Report.acked"), loss: field("Report.loss") };
            let now = field("Report.now");
            let inner = AnswerFlow { control, fields, cwnd: info.init_cwnd };
            StampedFlow { inner, now, tell: self.tell.clone(), epoch: self.epoch }
        }
    }

    impl<I: Ipc> Flow for StampedFlow<I> {
        fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
            let acked = report.get(self.now).unwrap_or(0) + self.epoch;
            self.inner.on_report(flow, report);
            let _ = self.tell.send((acked, ccp_ebpf::sys::monotonic_us()));
        }
    }

    pub(crate) struct Counter(pub(crate) Count);

    pub(crate) struct CounterFlow {
        fields: Fields,
        count: Count,
        seen: u64,
        cwnd: u32,
    }

    impl<I: Ipc> CongAlg<I> for Counter {
        type Flow = CounterFlow;

        fn name() -> &'static str {
            "counter"
        }

        fn datapath_programs(&self) -> HashMap<&'static str, String> {
            super::programs()
        }

        fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
            let fields = Fields::of(&mut control);
            CounterFlow { fields, count: self.0.clone(), seen: 0, cwnd: info.init_cwnd }
        }
    }

    impl Flow for CounterFlow {
        fn on_report(&mut self, _flow: FlowId, report: Report<'_>) {
            self.cwnd = std::hint::black_box(self.fields.decide(self.cwnd, &report));
            self.seen += 1;
            self.count.note(self.seen);
        }
    }
}
