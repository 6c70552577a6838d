//! The part of a window-based algorithm that talks CCP.

use std::collections::HashMap;

use ccp_runtime::{
    CongAlg, ControlField, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report, ReportError,
    ReportField, Scope,
};
use tracing::{debug, warn};

use super::{Observed, ReportEvery, Start, WindowAlg, WindowRule};

/// A window-based algorithm as an algorithm of the agent.
#[derive(Clone, Debug, Default)]
pub struct Windowed<A> {
    alg: A,
    report: ReportEvery,
}

impl<A: WindowAlg> Windowed<A> {
    /// With one report a round trip.
    pub fn new(alg: A) -> Self {
        Self {
            alg,
            report: ReportEvery::default(),
        }
    }

    /// Sets how often the datapath reports.
    pub fn report(mut self, every: ReportEvery) -> Self {
        self.report = every;
        self
    }
}

impl<A: WindowAlg, I: Ipc> CongAlg<I> for Windowed<A> {
    type Flow = WindowFlow<A::Rule, I>;

    fn name() -> &'static str {
        A::NAME
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([(PROGRAM, include_str!("window.ccp").to_owned())])
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let start = Start::new(info.mss, info.init_cwnd);
        WindowFlow::new(
            self.alg.start(start),
            start,
            info.init_cwnd == 0,
            self.report,
            control,
        )
    }
}

/// One flow under a window rule.
pub struct WindowFlow<R, I: Ipc> {
    rule: R,
    control: Datapath<I>,
    /// `None` when the datapath did not take the program: then the flow is left alone.
    program: Option<Program>,
    /// Rises with each word to the datapath. A report tells which one was in force, so that one made before the last
    /// word arrived is not taken for its outcome.
    epoch: u64,
    /// The epoch that began with the last reduction.
    reduced_in: u64,
    /// Reports in a row that were made before the last word arrived.
    stale: u32,
    /// Whether the last word could not be sent.
    unsent: bool,
}

impl<R: WindowRule, I: Ipc> WindowFlow<R, I> {
    fn new(
        rule: R,
        start: Start,
        set_cwnd: bool,
        report: ReportEvery,
        mut control: Datapath<I>,
    ) -> Self {
        let (floor, every) = match report {
            ReportEvery::Rtt => (0, u64::from(u32::MAX)),
            ReportEvery::Ack => (0, 0),
            ReportEvery::Interval(every) => {
                let us = u64::try_from(every.as_micros()).unwrap_or(u64::MAX);
                (us, us)
            }
        };
        let fields = [
            ("mss", start.mss),
            ("ssthresh", rule.ssthresh()),
            ("epoch", FIRST_EPOCH),
            ("floor", floor),
            ("every", every),
            ("Cwnd", rule.cwnd()),
        ];
        // The datapath grows its window from the start on, and has perhaps done so already: it is set only if the
        // datapath named none.
        let fields = if set_cwnd {
            &fields[..]
        } else {
            &fields[..fields.len() - 1]
        };
        let program = match control.set_program(PROGRAM, Some(fields)) {
            Ok(scope) => Program::resolve(&scope),
            Err(error) => {
                warn!(flow = %control.flow_id(), %error, "flow left alone: no program");
                None
            }
        };
        Self {
            rule,
            control,
            program,
            epoch: FIRST_EPOCH,
            reduced_in: FIRST_EPOCH,
            stale: 0,
            unsent: false,
        }
    }

    /// The rule's state.
    pub fn rule(&self) -> &R {
        &self.rule
    }

    fn tell(&mut self, program: &Program) {
        self.epoch += 1;
        self.stale = 0;
        let word = [
            (ControlField::CWND, self.rule.cwnd().min(WIRE_WINDOW)),
            (program.ssthresh, self.rule.ssthresh()),
            (program.epoch, self.epoch),
        ];
        let sent = self.control.update(&word);
        if let Err(error) = &sent
            && !self.unsent
        {
            warn!(flow = %self.control.flow_id(), %error, "window not sent; the next reports try again");
        }
        self.unsent = sent.is_err();
    }
}

impl<R: WindowRule, I: Ipc> Flow for WindowFlow<R, I> {
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        let Some(program) = self.program else { return };
        let seen = match program.read(&report) {
            Ok(seen) => seen,
            Err(error) => {
                debug!(%flow, %error, "report ignored");
                return;
            }
        };
        let current = seen.epoch == self.epoch;
        self.stale = if current { 0 } else { self.stale + 1 };
        let mut observed = seen.observed;
        let urgent = observed.lost > 0 || observed.marked > 0 || observed.timeout;
        if !current {
            // A window grown before the last word arrived is no news.
            observed.grown = Some(0);
        }
        if seen.epoch < self.reduced_in {
            // Neither is a loss that the last reduction could not prevent yet: that event begins when it arrives.
            let Observed {
                lost,
                marked,
                delivered,
                acked,
                ..
            } = &mut observed;
            (*lost, *marked, *delivered, *acked) = (0, 0, 0, 0);
        }
        let before = (self.rule.cwnd(), self.rule.ssthresh());
        let grown = observed.grown.unwrap_or(0);
        let reductions = self.rule.reductions();
        self.rule.on_report(&observed);
        let after = (self.rule.cwnd(), self.rule.ssthresh());

        // What the datapath has already done by itself needs no word.
        let news = after != before && !(self.rule.in_slow_start() && current && after.0 == grown);
        // Slow start stopped itself in the datapath; it goes on with a new epoch.
        let resume = urgent && self.rule.in_slow_start();
        if news || resume || self.unsent || self.stale >= STALE_REPORTS {
            self.tell(&program);
        }
        if self.rule.reductions() != reductions {
            self.reduced_in = self.epoch;
        }
    }
}

impl<R: core::fmt::Debug, I: Ipc> core::fmt::Debug for WindowFlow<R, I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WindowFlow")
            .field("flow", &self.control.flow_id())
            .field("rule", &self.rule)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// Where the program's variables are.
#[derive(Clone, Copy, Debug)]
struct Program {
    acked: ReportField,
    delivered: ReportField,
    lost: ReportField,
    marked: ReportField,
    timeout: ReportField,
    min_rtt: ReportField,
    flight: ReportField,
    cwnd: ReportField,
    epoch_seen: ReportField,
    now: ReportField,
    ssthresh: ControlField,
    epoch: ControlField,
}

/// A report of the program.
struct Seen {
    observed: Observed,
    epoch: u64,
}

impl Program {
    fn resolve(scope: &Scope) -> Option<Self> {
        Some(Self {
            acked: scope.field("Report.acked")?,
            delivered: scope.field("Report.delivered")?,
            lost: scope.field("Report.lost")?,
            marked: scope.field("Report.marked")?,
            timeout: scope.field("Report.timeout")?,
            min_rtt: scope.field("Report.minrtt")?,
            flight: scope.field("Report.flight")?,
            cwnd: scope.field("Report.cwnd")?,
            epoch_seen: scope.field("Report.epoch")?,
            now: scope.field("Report.now")?,
            ssthresh: scope.control("ssthresh")?,
            epoch: scope.control("epoch")?,
        })
    }

    fn read(&self, report: &Report<'_>) -> Result<Seen, ReportError> {
        let min_rtt = report.get(self.min_rtt)?;
        let observed = Observed {
            now_us: report.get(self.now)?,
            acked: report.get(self.acked)?,
            delivered: report.get(self.delivered)?,
            lost: report.get(self.lost)?,
            marked: report.get(self.marked)?,
            timeout: report.get(self.timeout)? != 0,
            min_rtt_us: (min_rtt < NO_SAMPLE).then_some(min_rtt),
            srtt_us: None,
            idle_us: 0,
            undone: false,
            flight: report.get(self.flight)?,
            grown: Some(report.get(self.cwnd)?),
        };
        Ok(Seen {
            observed,
            epoch: report.get(self.epoch_seen)?,
        })
    }
}

/// The program's name within each algorithm.
const PROGRAM: &str = "window";

/// The epoch that a flow's program starts with; slow start is stopped in epoch 0.
const FIRST_EPOCH: u64 = 1;

/// A datapath's infinity: a report without an RTT sample.
const NO_SAMPLE: u64 = u32::MAX as u64;

/// After so many reports that do not show the last word it is said again: it may have been lost on the way. It is not
/// said with each, since a window said late undoes what slow start has gained since.
const STALE_REPORTS: u32 = 8;

/// The largest window that every datapath can be told: libccp keeps windows in 32 bits.
const WIRE_WINDOW: u64 = u32::MAX as u64;
