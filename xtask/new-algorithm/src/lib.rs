//! NAME: a segment more each round trip, half of the window after a loss.
//!
//! Three parts: the program `each_round.ccp`, which runs in the datapath on every ACK; the state machine, which knows
//! nothing of CCP and can be tested by itself; and what joins the two.

use std::collections::HashMap;

use ccp_runtime::{
    CongAlg, ControlField, Datapath, DatapathInfo, Fields, Flow, FlowId, Ipc, Report,
    SetProgramError,
};

const EACH_ROUND: &str = include_str!("each_round.ccp");

ccp_runtime::report! {
    /// What the program reports once a round trip.
    struct Round {
        /// Packets.
        lost: u64,
    }
}

/// The window and what changes it, once a round trip.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Bytes.
    cwnd: u64,
    mss: u64,
    /// The window was cut in the last round trip: losses that show now are of the same event.
    just_cut: bool,
}

impl Window {
    /// Begins with a window of `cwnd` bytes, in segments of `mss` bytes.
    pub fn new(cwnd: u64, mss: u64) -> Self {
        Self { cwnd, mss, just_cut: false }
    }

    /// A round trip is over in which so many packets were lost. Returns the window from now on, bytes.
    pub fn on_round(&mut self, lost: u64) -> u64 {
        let cut = lost > 0 && !self.just_cut;
        if cut {
            self.cwnd = (self.cwnd / 2).max(2 * self.mss);
        } else if lost == 0 {
            self.cwnd += self.mss;
        }
        self.just_cut = cut;
        self.cwnd
    }
}

/// The algorithm: what the agent is given.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm;

/// One flow that it governs.
#[derive(Debug)]
pub struct Governed<I: Ipc> {
    control: Datapath<I>,
    /// Where a report has what; `None` if the program could not be set.
    round: Option<Fields<Round>>,
    window: Window,
}

impl<I: Ipc> CongAlg<I> for Algorithm {
    type Flow = Governed<I>;

    fn name() -> &'static str {
        "NAME"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([("each_round", EACH_ROUND.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> Governed<I> {
        let round = start(&mut control);
        if let Err(error) = &round {
            eprintln!("NAME: flow without a program: {error}");
        }
        let window = Window::new(info.init_cwnd.into(), info.mss.into());
        Governed { control, round: round.ok(), window }
    }
}

/// Sets the program, and looks up what its reports have.
fn start<I: Ipc>(control: &mut Datapath<I>) -> Result<Fields<Round>, SetProgramError> {
    Ok(control.set_program("each_round", None)?.fields()?)
}

impl<I: Ipc> Flow for Governed<I> {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        // A report of another program, from before this one was set, is not for us.
        let Some(Ok(round)) = self.round.map(|fields| report.get(fields)) else {
            return;
        };
        let cwnd = self.window.on_round(round.lost);
        if let Err(error) = self.control.update(&[(ControlField::CWND, cwnd)]) {
            eprintln!("NAME: window not set: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ccp_runtime::{Compiler, ProgramUid, Scope};
    use ccp_sim::{Link, Rate, Scenario};

    use super::*;

    #[test]
    fn the_program_compiles_and_reports_what_is_read() {
        let compiled =
            Compiler::new().compile(EACH_ROUND).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
        let scope = Scope::new(ProgramUid(1), compiled.scope);
        scope.fields::<Round>().unwrap_or_else(|error| panic!("{error}"));
    }

    #[test]
    fn a_loss_event_halves_the_window_once() {
        let mut window = Window::new(10_000, 1_000);
        let windows = [0, 0, 3, 2, 0].map(|lost| window.on_round(lost));
        assert_eq!(windows, [11_000, 12_000, 6_000, 6_000, 7_000]);
    }

    #[test]
    fn it_fills_a_link_through_every_layer() {
        let link = Link::new(Rate::mbit(24), Duration::from_millis(20));
        let scenario = Scenario::new(link).time(Duration::from_secs(20));
        let results = scenario.run(Algorithm).expect("it runs");
        assert!(results.utilisation > 0.9, "{}", results.utilisation);
        assert_eq!((results.agent.refused, results.agent.traps), (0, 0));
    }
}
