//! Algorithms for testing the simulator: as simple as can be, so that what is seen is the simulator's doing.

#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::HashMap;

use ccp_runtime::{CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report, Scope};

/// Holds a window, in segments.
pub(crate) struct FixedWindow(pub(crate) u64);

/// Holds a rate, in bytes per second, under a window too large to matter.
pub(crate) struct FixedRate(pub(crate) u64);

/// A segment more each round trip, half of the window after a loss or a mark.
pub(crate) struct Aimd;

pub(crate) struct AimdFlow<I: Ipc> {
    control: Datapath<I>,
    scope: Scope,
    mss: u64,
    cwnd: u64,
}

/// Reports each round trip; nobody listens.
pub(crate) struct Silent;

impl<I: Ipc> CongAlg<I> for FixedWindow {
    type Flow = Silent;

    fn name() -> &'static str {
        "fixed_window"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        programs()
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Silent {
        let cwnd = self.0 * u64::from(info.mss);
        control.set_program("hold", Some(&[("Cwnd", cwnd)])).unwrap();
        Silent
    }
}

impl<I: Ipc> CongAlg<I> for FixedRate {
    type Flow = Silent;

    fn name() -> &'static str {
        "fixed_rate"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        programs()
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> Silent {
        let fields = [("Cwnd", 1 << 24), ("Rate", self.0)];
        control.set_program("hold", Some(&fields)).unwrap();
        Silent
    }
}

impl<I: Ipc> CongAlg<I> for Aimd {
    type Flow = AimdFlow<I>;

    fn name() -> &'static str {
        "aimd"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let program = "
            (def (Report (volatile bad 0)))
            (when true
                (:= Report.bad (+ Report.bad (+ Ack.lost_pkts_sample Ack.ecn_packets)))
                (fallthrough))
            (when (>= Micros Flow.rtt_sample_us) (report) (reset))";
        HashMap::from([("each_rtt", program.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> AimdFlow<I> {
        let scope = control.set_program("each_rtt", None).unwrap();
        let (mss, cwnd) = (u64::from(info.mss), u64::from(info.init_cwnd));
        AimdFlow { control, scope, mss, cwnd }
    }
}

impl<I: Ipc> Flow for AimdFlow<I> {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        let Ok(bad) = report.get_field("Report.bad", &self.scope) else {
            return;
        };
        self.cwnd = if bad > 0 { self.cwnd / 2 } else { self.cwnd + self.mss };
        self.cwnd = self.cwnd.max(2 * self.mss);
        self.control.update_field(&self.scope, &[("Cwnd", self.cwnd)]).unwrap();
    }
}

impl Flow for Silent {
    fn on_report(&mut self, _: FlowId, _: Report<'_>) {}
}

fn programs() -> HashMap<&'static str, String> {
    let hold = "
        (def (Report (volatile acked 0)) (held 0))
        (when (== held 0) (:= held Cwnd) (fallthrough))
        (when true
            (:= Cwnd held)
            (:= Report.acked (+ Report.acked Ack.bytes_acked))
            (fallthrough))
        (when (>= Micros Flow.rtt_sample_us) (report) (reset))";
    HashMap::from([("hold", hold.to_owned())])
}
