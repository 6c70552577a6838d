//! An algorithm that answers each report, so that a missing answer is a fault of the plane and
//! never a decision of the algorithm.

use std::collections::HashMap;

use ccp_runtime::{
    CongAlg, ControlField, Datapath, DatapathInfo, Flow, FlowId, Ipc, Report, Scope,
};

const PROGRAM: &str = "
    (def (Report (volatile acked 0) (volatile lost 0)))
    (when true
        (:= Report.acked (+ Report.acked Ack.bytes_acked))
        (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))
        (fallthrough))
    (when (|| (> Report.acked 0) (> Report.lost 0))
        (report))";

/// Adds a segment with each report and halves with a loss.
pub(crate) struct Answering;

impl<I: Ipc> CongAlg<I> for Answering {
    type Flow = AnsweringFlow<I>;

    fn name() -> &'static str {
        "reno"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([("answering", PROGRAM.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> AnsweringFlow<I> {
        // A flow without its program reports nothing, which is no concern of the siege.
        let scope = control.set_program("answering", None).unwrap_or_default();
        let (mss, cwnd) = (u64::from(info.mss), u64::from(info.init_cwnd));
        AnsweringFlow { control, scope, mss, cwnd }
    }
}

/// One flow's window.
pub(crate) struct AnsweringFlow<I: Ipc> {
    control: Datapath<I>,
    scope: Scope,
    mss: u64,
    cwnd: u64,
}

impl<I: Ipc> Flow for AnsweringFlow<I> {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        let lost = report.get_field("Report.lost", &self.scope).unwrap_or(0);
        self.cwnd = if lost > 0 { self.cwnd / 2 } else { self.cwnd.saturating_add(self.mss) };
        self.cwnd = self.cwnd.min(1 << 30).max(2 * self.mss);
        // A datapath that does not read is counted by the agent; the next report tries again.
        let _ = self.control.update(&[(ControlField::CWND, self.cwnd)]);
    }
}
