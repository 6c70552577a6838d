//! The part of BBR that talks CCP.

use std::collections::HashMap;

use ccp_runtime::{CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report};
use tracing::{debug, warn};

use super::program::{Program, Recovery, first_fields};
use super::{Bbr, Config, Mode, Seen};
use crate::window::{ReportEvery, Start};

/// BBR as an algorithm of the agent: `bbr`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BbrAlg {
    config: Config,
    report: ReportEvery,
}

impl BbrAlg {
    /// The name that datapaths and users know it by.
    pub const NAME: &'static str = "bbr";

    /// With one report a round.
    pub fn new(config: Config) -> Self {
        Self { config, report: ReportEvery::default() }
    }

    /// Sets how often the datapath reports. The end of a round is reported in any case.
    pub fn report(mut self, every: ReportEvery) -> Self {
        self.report = every;
        self
    }

    /// Mixes this into what the random phases of all flows are drawn from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed ^= seed;
        self
    }
}

impl<I: Ipc> CongAlg<I> for BbrAlg {
    type Flow = BbrFlow<I>;

    fn name() -> &'static str {
        Self::NAME
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let report = self.report;
        Recovery::ALL.map(|recovery| (recovery.program(report), recovery.source(report))).into()
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let start = Start::new(info.mss, info.init_cwnd);
        let seed = self.config.seed ^ (u64::from(info.flow.0) << 32 | u64::from(info.src_port));
        let config = Config { seed, ..self.config };
        BbrFlow::new(config, self.report, start, info.init_cwnd == 0, control)
    }
}

/// One flow under BBR.
pub struct BbrFlow<I: Ipc> {
    bbr: Bbr,
    control: Datapath<I>,
    /// `None` when the datapath did not take the program: then the flow is left alone.
    program: Option<Program>,
    /// The phase at which PROBE_BW begins, until the datapath is known to be in it.
    phase: Option<u8>,
    /// Whether the last orders could not be sent.
    unsent: bool,
}

impl<I: Ipc> BbrFlow<I> {
    fn new(
        config: Config,
        report: ReportEvery,
        start: Start,
        set_cwnd: bool,
        mut control: Datapath<I>,
    ) -> Self {
        let recovery = Recovery::of(control.primitives());
        let mut fields = first_fields(recovery, report, &config, start);
        // The datapath's window is set only if it named none.
        if set_cwnd {
            fields.push(("Cwnd", start.cwnd));
        }
        let set = control.set_program(recovery.program(report), Some(&fields));
        let program = set.and_then(|scope| Ok(Program::resolve(&scope, recovery, &config)?));
        if let Err(error) = &program {
            warn!(flow = %control.flow_id(), %error, "flow left alone: no program");
        }
        let (bbr, program) = (Bbr::new(config, start), program.ok());
        Self { bbr, control, program, phase: None, unsent: false }
    }

    /// The flow's state machine.
    pub fn state(&self) -> &Bbr {
        &self.bbr
    }

    fn tell(&mut self, program: &Program) {
        let orders = self.bbr.orders();
        self.phase = orders.phase.or(self.phase);
        // The datapath advances the phase: it is told one only where the cycle begins, or that there is none.
        let pulses = orders.mode == Mode::ProbeBw && orders.policed == 0;
        let phase = self.phase.filter(|_| pulses);
        let fields = program.orders(&orders, phase, self.bbr.mss());
        let count = fields.len() - usize::from(pulses && phase.is_none());
        let sent = self.control.update(&fields[..count]);
        if let Err(error) = &sent
            && !self.unsent
        {
            warn!(flow = %self.control.flow_id(), %error, "orders not sent; the next reports try again");
        }
        self.unsent = sent.is_err();
    }
}

impl<I: Ipc> Flow for BbrFlow<I> {
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        let Some(program) = self.program else { return };
        match report.get(program.told) {
            Ok(told) => {
                let seen = Seen::from(told);
                if seen.mode == Mode::ProbeBw && !self.unsent {
                    self.phase = None;
                }
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
