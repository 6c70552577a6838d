//! The part of a window-based algorithm that talks CCP.

use core::time::Duration;
use std::collections::HashMap;

use ccp_runtime::{
    Compiler, CongAlg, ControlField, Datapath, DatapathInfo, Fields, Flow, FlowId, Ipc, Lint,
    NameError, Primitive, Report, Scope,
};
use tracing::{debug, warn};

use super::{
    Event, Governed, HyStart, MAX_WINDOW, Observed, ReportEvery, Settings, Start, WindowAlg,
    WindowRule,
};

/// A window-based algorithm as an algorithm of the agent.
#[derive(Clone, Debug, Default)]
pub struct Windowed<A> {
    alg: A,
    report: ReportEvery,
}

impl<A: WindowAlg> Windowed<A> {
    /// With one report a round trip.
    pub fn new(alg: A) -> Self {
        Self { alg, report: ReportEvery::default() }
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
        let hystart = self.alg.settings().hystart;
        HashMap::from([(hystart.program_name(), hystart.program())])
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let start = Start::new(info.mss, info.init_cwnd);
        WindowFlow::new(
            self.alg.start(start),
            start,
            info.init_cwnd == 0,
            self.report,
            self.alg.settings(),
            control,
        )
    }

    /// The program's first event falls through on purpose.
    fn compiler(&self) -> Compiler {
        Compiler::new().allow(Lint::FallthroughReach)
    }
}

/// One flow under a window rule.
pub struct WindowFlow<R, I: Ipc> {
    rule: R,
    control: Datapath<I>,
    /// `None` when the datapath did not take the program: then the flow is left alone.
    program: Option<Program>,
    /// The price that the datapath knows.
    told: u64,
    /// Whether the last word could not be sent.
    unsent: bool,
}

impl<R: WindowRule, I: Ipc> WindowFlow<R, I> {
    fn new(
        rule: R,
        start: Start,
        set_cwnd: bool,
        report: ReportEvery,
        settings: Settings,
        mut control: Datapath<I>,
    ) -> Self {
        let most = if control.primitives() & !Primitive::BASE_MASK == 0 {
            WIRE_WINDOW
        } else {
            MAX_WINDOW
        };
        let mut fields = first_fields(&rule, &settings, report, start, most);
        // The datapath grows its window from the start on, and has perhaps done so already: it is set only if the
        // datapath named none.
        if set_cwnd {
            fields.push(("Cwnd", rule.cwnd()));
        }
        let set = control.set_program(settings.hystart.program_name(), Some(&fields));
        let program = set.and_then(|scope| Ok(Program::resolve(&scope)?));
        if let Err(error) = &program {
            warn!(flow = %control.flow_id(), %error, "flow left alone: no program");
        }
        Self { told: rule.price(), rule, control, program: program.ok(), unsent: false }
    }

    /// The rule's state.
    pub fn rule(&self) -> &R {
        &self.rule
    }

    fn tell(&mut self, program: &Program) {
        let price = self.rule.price();
        let sent = self.control.update(&[(program.per, price)]);
        match &sent {
            Ok(()) => self.told = price,
            Err(error) if !self.unsent => {
                warn!(flow = %self.control.flow_id(), %error, "price not sent; the next reports try again");
            }
            Err(_) => {}
        }
        self.unsent = sent.is_err();
    }
}

impl<R: WindowRule, I: Ipc> Flow for WindowFlow<R, I> {
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        let Some(program) = self.program else { return };
        match report.get(program.told) {
            Ok(told) => self.rule.on_report(&told.into()),
            Err(error) => {
                debug!(%flow, %error, "report ignored");
                return;
            }
        }
        if self.rule.price() != self.told {
            self.tell(&program);
        }
    }
}

impl<R: core::fmt::Debug, I: Ipc> core::fmt::Debug for WindowFlow<R, I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WindowFlow")
            .field("flow", &self.control.flow_id())
            .field("rule", &self.rule)
            .field("price", &self.told)
            .finish_non_exhaustive()
    }
}

ccp_runtime::report! {
    /// What `window.ccp` reports.
    struct Told {
        event: u64,
        acked: u64,
        min_rtt: u64 as "minrtt",
        srtt: u64,
        flight: u64,
        idle: u64,
        cwnd: u64,
        prior: u64,
        credit: u64,
        now: u64,
    }
}

impl From<Told> for Observed {
    fn from(told: Told) -> Self {
        let event = match told.event {
            1 => Event::Loss,
            2 => Event::Mark,
            3 => Event::Timeout,
            4 => Event::Undone,
            5 => Event::Repaired,
            6 => Event::SlowStartEnded,
            _ => Event::None,
        };
        let Told { cwnd, prior, credit, .. } = told;
        Self {
            now_us: told.now,
            acked: told.acked,
            min_rtt_us: (told.min_rtt < NO_SAMPLE).then_some(told.min_rtt),
            srtt_us: (told.srtt > 0).then_some(told.srtt),
            flight: told.flight,
            idle_us: told.idle,
            governed: Some(Governed { event, cwnd, prior, credit }),
            ..Self::default()
        }
    }
}

/// What the program begins with.
fn first_fields(
    rule: &impl WindowRule,
    settings: &Settings,
    report: ReportEvery,
    start: Start,
    most: u64,
) -> Vec<(&'static str, u64)> {
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let (floor, every) = match report {
        ReportEvery::Rtt => (0, u64::from(u32::MAX)),
        ReportEvery::RttOr(least) => (us(least), u64::from(u32::MAX)),
        ReportEvery::Ack => (0, 0),
        ReportEvery::Interval(every) => (us(every), us(every)),
    };
    let mut fields = vec![
        ("mss", start.mss),
        ("ssthresh", rule.ssthresh().min(most)),
        ("most", most),
        ("betaLoss", settings.beta.units()),
        ("betaMark", settings.beta_ecn.units()),
        ("per", rule.price()),
        ("floor", floor),
        ("every", every),
    ];
    match settings.hystart {
        HyStart::Rfc9406 if !settings.paced => {
            fields.push(("perAck", UNPACED_SEGMENTS * start.mss))
        }
        HyStart::Linux if !settings.paced => fields.push(("trains", 2)),
        _ => {}
    }
    fields
}

/// Where the program's variables are.
#[derive(Clone, Copy, Debug)]
struct Program {
    told: Fields<Told>,
    per: ControlField,
}

impl Program {
    fn resolve(scope: &Scope) -> Result<Self, NameError> {
        Ok(Self { told: scope.fields()?, per: scope.control("per")? })
    }
}

/// RFC 9406 §4.3: L, the segments that one ACK adds at most in slow start while nothing but ACKs spaces packets.
const UNPACED_SEGMENTS: u64 = 8;

/// A datapath's infinity: a report without an RTT sample.
const NO_SAMPLE: u64 = u32::MAX as u64;

/// The largest window of a datapath that may be libccp, which keeps windows in 32 bits. One that fills any of our own
/// primitives is not.
const WIRE_WINDOW: u64 = u32::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reno;

    #[test]
    fn every_name_that_the_agent_uses_is_in_each_program() {
        let start = Start::new(1448, 14_480);
        for hystart in HyStart::ALL {
            let compiled = Compiler::new().compile(hystart.program()).unwrap();
            let scope = Scope::new(ccp_runtime::ProgramUid(1), compiled.scope);
            Program::resolve(&scope).unwrap();
            for paced in [false, true] {
                let mut config = reno::Config::default();
                (config.hystart, config.paced) = (hystart, paced);
                let (rule, settings) = (config.start(start), config.settings());
                for (name, _) in first_fields(&rule, &settings, ReportEvery::Rtt, start, MAX_WINDOW)
                {
                    scope.control(name).unwrap();
                }
            }
        }
    }
}
