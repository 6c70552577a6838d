//! The part of BBR that talks CCP.

use std::collections::HashMap;

use ccp_runtime::{
    CongAlg, ControlField, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report, ReportError,
    ReportField, Scope,
};
use tracing::{debug, warn};

use super::{Bbr, Mode, Orders, Seen};
use crate::window::Start;

/// BBR as an algorithm of the agent.
#[derive(Clone, Copy, Debug, Default)]
pub struct BbrAlg {
    seed: u64,
}

impl BbrAlg {
    /// The name that datapaths and users know it by.
    pub const NAME: &'static str = "bbr";

    /// Sets what the random phases of all flows are drawn from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl<I: Ipc> CongAlg<I> for BbrAlg {
    type Flow = BbrFlow<I>;

    fn name() -> &'static str {
        Self::NAME
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([(PROGRAM, include_str!("bbr.ccp").to_owned())])
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let start = Start::new(info.mss, info.init_cwnd);
        let seed = self.seed ^ (u64::from(info.flow.0) << 32 | u64::from(info.src_port));
        BbrFlow::new(Bbr::new(start, seed), start, info.init_cwnd == 0, control)
    }
}

/// One flow under BBR.
pub struct BbrFlow<I: Ipc> {
    bbr: Bbr,
    control: Datapath<I>,
    /// `None` when the datapath did not take the program: then the flow is left alone.
    program: Option<Program>,
    /// A phase that could not be sent yet.
    phase: Option<u8>,
    /// Whether the last orders could not be sent.
    unsent: bool,
}

impl<I: Ipc> BbrFlow<I> {
    fn new(bbr: Bbr, start: Start, set_cwnd: bool, mut control: Datapath<I>) -> Self {
        let fields =
            [("mss", start.mss), ("pair", 2 * start.mss), ("most", MOST), ("Cwnd", start.cwnd)];
        // The datapath's window is set only if it named none.
        let fields = if set_cwnd { &fields[..] } else { &fields[..fields.len() - 1] };
        let program = match control.set_program(PROGRAM, Some(fields)) {
            Ok(scope) => Program::resolve(&scope),
            Err(error) => {
                warn!(flow = %control.flow_id(), %error, "flow left alone: no program");
                None
            }
        };
        Self { bbr, control, program, phase: None, unsent: false }
    }

    /// The flow's state machine.
    pub fn state(&self) -> &Bbr {
        &self.bbr
    }

    fn tell(&mut self, program: &Program) {
        let orders = self.bbr.orders();
        self.phase = orders.phase.or(self.phase);
        let fields = program.orders(&orders, self.phase.unwrap_or(0), self.bbr.mss());
        // The phase comes last, and only when there is one.
        let count = fields.len() - usize::from(self.phase.is_none());
        let sent = self.control.update(&fields[..count]);
        match sent {
            Ok(()) => {
                self.phase = None;
                self.unsent = false;
            }
            Err(error) => {
                if !self.unsent {
                    warn!(flow = %self.control.flow_id(), %error, "orders not sent; the next reports try again");
                }
                self.unsent = true;
            }
        }
    }
}

impl<I: Ipc> Flow for BbrFlow<I> {
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        let Some(program) = self.program else { return };
        match program.read(&report) {
            Ok(seen) => {
                self.bbr.on_report(&seen);
                self.tell(&program);
            }
            Err(error) => debug!(%flow, %error, "report ignored"),
        }
    }
}

impl<I: Ipc> core::fmt::Debug for BbrFlow<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BbrFlow")
            .field("flow", &self.control.flow_id())
            .field("bbr", &self.bbr)
            .finish_non_exhaustive()
    }
}

/// Where the program's variables are.
#[derive(Clone, Copy, Debug)]
struct Program {
    round: ReportField,
    rate: ReportField,
    peak: ReportField,
    held: ReportField,
    delivered: ReportField,
    lost: ReportField,
    min_rtt: ReportField,
    excess: ReportField,
    timeout: ReportField,
    undone: ReportField,
    idle: ReportField,
    done: ReportField,
    now: ReportField,
    mode_seen: ReportField,
    mode: ControlField,
    phase: ControlField,
    pulse: ControlField,
    bandwidth: ControlField,
    policed: ControlField,
    rtprop: ControlField,
    pacing_gain: ControlField,
    cwnd_gain: ControlField,
    full: ControlField,
    slack: ControlField,
    bursts: ControlField,
}

impl Program {
    fn resolve(scope: &Scope) -> Option<Self> {
        Some(Self {
            round: scope.field("Report.round")?,
            rate: scope.field("Report.rate")?,
            peak: scope.field("Report.peak")?,
            held: scope.field("Report.held")?,
            delivered: scope.field("Report.delivered")?,
            lost: scope.field("Report.lost")?,
            min_rtt: scope.field("Report.minrtt")?,
            excess: scope.field("Report.excess")?,
            timeout: scope.field("Report.timeout")?,
            undone: scope.field("Report.undone")?,
            idle: scope.field("Report.idle")?,
            done: scope.field("Report.done")?,
            now: scope.field("Report.now")?,
            mode_seen: scope.field("Report.mode")?,
            mode: scope.control("mode")?,
            phase: scope.control("phase")?,
            pulse: scope.control("pulse")?,
            bandwidth: scope.control("bw")?,
            policed: scope.control("policed")?,
            rtprop: scope.control("rtprop")?,
            pacing_gain: scope.control("pgain")?,
            cwnd_gain: scope.control("cgain")?,
            full: scope.control("full")?,
            slack: scope.control("slack")?,
            bursts: scope.control("bursts")?,
        })
    }

    fn read(&self, report: &Report<'_>) -> Result<Seen, ReportError> {
        let flag = |field| report.get(field).map(|value| value != 0);
        let min_rtt = report.get(self.min_rtt)?;
        Ok(Seen {
            now_us: report.get(self.now)?,
            round: flag(self.round)?,
            rate: report.get(self.rate)?,
            limited_rate: report.get(self.peak)?,
            limited: flag(self.held)?,
            delivered: report.get(self.delivered)?,
            lost: report.get(self.lost)?,
            min_rtt_us: (min_rtt < NO_SAMPLE).then_some(min_rtt),
            excess: report.get(self.excess)?,
            timeout: flag(self.timeout)?,
            undone: flag(self.undone)?,
            idle: flag(self.idle)?,
            done: flag(self.done)?,
            mode: match report.get(self.mode_seen)? {
                1 => Mode::Drain,
                2 => Mode::ProbeBw,
                3 => Mode::ProbeRtt,
                _ => Mode::Startup,
            },
        })
    }

    /// `mss` is needed to round up to an even number of segments.
    fn orders(&self, orders: &Orders, phase: u8, mss: u64) -> [(ControlField, u64); 11] {
        let round_up = 2 * mss - 1;
        [
            (self.mode, orders.mode as u64),
            (self.pulse, (orders.mode == Mode::ProbeBw && orders.policed == 0).into()),
            (self.bandwidth, orders.bandwidth.min(MOST)),
            (self.policed, orders.policed.min(MOST)),
            (self.rtprop, orders.rtprop_us.unwrap_or(MOST_US).min(MOST_US)),
            (self.pacing_gain, orders.pacing_gain),
            (self.cwnd_gain, orders.cwnd_gain),
            (self.full, orders.full.into()),
            (self.slack, orders.bursts.saturating_add(orders.aggregation).saturating_add(round_up)),
            (self.bursts, orders.bursts.saturating_add(round_up)),
            (self.phase, phase.into()),
        ]
    }
}

/// The program's name.
const PROGRAM: &str = "bbr";

/// A datapath's infinity: a report without an RTT sample.
const NO_SAMPLE: u64 = u32::MAX as u64;

/// The most that counts, so that no product in the program overflows: 2 Tbit/s and 33 s.
const MOST: u64 = 1 << 38;
const MOST_US: u64 = (1 << 25) - 1;
