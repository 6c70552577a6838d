//! What is to be simulated, put together from the command line or a file.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use ccp_algs::spec::WATCHED;
use ccp_algs::{Spec, Specs};
use ccp_ipc::record::{Recorded, Recorder};
use ccp_runtime::{BackendBuilder, RunBuilder};
use ccp_sim::{
    AgentSocket, Aqm, Flow, FormError, Link, QueueLimit, Rate, Results, Scenario, Sim, SimError,
    Trace, units,
};
use serde::Deserialize;
use toml::Spanned;

use super::args;
use super::flows::{FlowList, FlowsFlag, NamedFlow};
use crate::Failure;
use crate::plan::AgentPlan;

/// A scenario, and the algorithms of its flows.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) scenario: Scenario,
    /// How each flow's algorithm was named; the flows themselves ask by short names, which fit a message.
    pub(crate) algs: Vec<String>,
    pub(crate) agent: AgentPlan,
    specs: Specs,
}

impl Plan {
    /// Flows with their algorithms, which take the place of those that the scenario has.
    pub(crate) fn new(mut scenario: Scenario, flows: Vec<NamedFlow>) -> Result<Self, String> {
        let first = flows.first().ok_or("there is no flow")?;
        let default = first.alg.clone();
        let mut known: Vec<String> = Vec::new();
        let (mut algs, mut asking) = (Vec::new(), Vec::new());
        for NamedFlow { alg, mut flow } in flows {
            let place = match known.iter().position(|known| *known == alg) {
                Some(place) => place,
                None => {
                    known.push(alg.clone());
                    known.len() - 1
                }
            };
            flow.alg = short(place);
            algs.push(alg);
            asking.push(flow);
        }
        scenario.flows = asking;
        let named = known.into_iter().enumerate().map(|(place, alg)| (short(place), alg)).collect();
        let agent = AgentPlan::named(default, named, scenario.seed);
        let specs = agent.specs()?;
        Ok(Self { scenario: scenario.watch(WATCHED.iter().copied()), algs, agent, specs })
    }

    /// From the command line.
    pub(crate) fn of(args: &args::Sim) -> Result<Self, Failure> {
        let named = args.algorithms.iter().flat_map(|FlowList(flows)| flows).cloned().collect();
        let (mut scenario, flows) = match &args.scenario {
            Some(path) => from_file(path, named)?,
            None => (Scenario::new(link(args)?).time(TIME), flows(named, args.flows.as_ref())?),
        };
        scenario.time = args.time.unwrap_or(scenario.time);
        scenario.measure_from = args.measure_from.unwrap_or(scenario.measure_from);
        scenario.seed = args.seed.unwrap_or(scenario.seed);
        scenario.sample_every = args.sample_every.unwrap_or(scenario.sample_every);
        if scenario.measure_from >= scenario.time {
            let [from, time] = [scenario.measure_from, scenario.time].map(units::duration_text);
            return Err(Failure::Usage(format!(
                "nothing would count: measured from {from} on (--measure-from), but all ends at {time} (--time)"
            )));
        }
        let mut plan = Self::new(scenario, flows).map_err(Failure::Usage)?;
        if args.ecn {
            plan.scenario.flows.iter_mut().for_each(|flow| flow.ecn = true);
        }
        Ok(plan)
    }

    /// What may not be as it was meant, for people.
    pub(crate) fn notes(&self) -> Vec<String> {
        let Scenario { link, flows, time, .. } = &self.scenario;
        let mut notes = Vec::new();
        if matches!(link.aqm, Aqm::Threshold(_)) && !flows.iter().any(|flow| flow.ecn) {
            notes.push("the link marks, but no flow takes marks (--ecn): none will be".to_owned());
        }
        let late = flows.iter().filter(|flow| flow.start >= *time).count();
        if late > 0 {
            let (time, flows) = (units::duration_text(*time), flows.len());
            notes.push(format!("{late} of {flows} flows start only after the end, at {time}"));
        }
        if let Some(place) =
            flows.iter().position(|flow| flow.stop.is_some_and(|stop| stop < flow.start))
        {
            notes.push(format!("flow {place} stops before it starts, and sends nothing"));
        }
        notes
    }

    /// Runs it, and shows the simulation to `see` now and then.
    pub(crate) fn run(&self, see: impl FnMut(&Sim)) -> Result<Results, SimError> {
        let agent = |backend| RunBuilder::new(backend).default_alg(self.specs.clone()).build();
        self.scenario.run_showing(STEP, agent, see)
    }

    /// The same, recorded.
    pub(crate) fn run_recorded(
        &self,
        recorder: &Recorder,
        see: impl FnMut(&Sim),
    ) -> Result<Results, SimError> {
        let agent = |BackendBuilder { sock }: BackendBuilder<AgentSocket>| {
            let sock = Recorded::new(sock, recorder, |()| "sim".to_owned());
            RunBuilder::new(BackendBuilder { sock }).default_alg(self.specs.clone()).build()
        };
        self.scenario.run_showing(STEP, agent, see)
    }
}

/// What flows ask for whose algorithm is the so-manyeth: names on the wire have 63 bytes, a user's may have more.
fn short(place: usize) -> String {
    place.to_string()
}

fn flows(named: Vec<NamedFlow>, flag: Option<&FlowsFlag>) -> Result<Vec<NamedFlow>, Failure> {
    match flag {
        Some(FlowsFlag::List(_)) if !named.is_empty() => Err(Failure::Usage(
            "--flows: it names the flows' algorithms, so none is named beside".to_owned(),
        )),
        Some(FlowsFlag::List(FlowList(flows))) => Ok(flows.clone()),
        _ if named.is_empty() => Err(Failure::Usage(
            "name an algorithm, or several: `ccp sim cubic`; `ccp list` shows them".to_owned(),
        )),
        Some(FlowsFlag::Count(count)) => Ok(named.iter().cycle().take(*count).cloned().collect()),
        None => Ok(named),
    }
}

fn link(args: &args::Sim) -> Result<Link, Failure> {
    let rtt = args.link.map_or(RTT, |link| link.rtt);
    let rate = args.link.and_then(|link| link.rate);
    let mut link = match (&args.trace, args.link) {
        (Some(path), _) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("--trace: cannot read {name}"))?;
            let trace = Trace::parse(&name, &text)
                .with_context(|| format!("--trace: {name} is no trace"))?;
            if let Some(rate) = rate {
                eprintln!("ccp: --link: {} is not used, the trace gives the rate", rate.to_text());
            }
            Link::with_trace(trace, rtt)
        }
        (None, Some(_)) => {
            let rate = rate.ok_or_else(|| {
                Failure::Usage("--link: write rate and round-trip time, 96mbit,20ms".to_owned())
            })?;
            Link::new(rate, rtt)
        }
        (None, None) => Link::new(RATE, rtt),
    };
    link.queue = args.queue.unwrap_or(link.queue);
    if let Some(probability) = args.loss.filter(|probability| *probability > 0.0) {
        link = link.loss(probability);
    }
    let marking = if args.ecn { Aqm::codel() } else { Aqm::DropTail };
    Ok(link.aqm(args.aqm.unwrap_or(marking)))
}

/// A scenario in a file; flows that name no algorithm there take the one named here.
fn from_file(path: &Path, named: Vec<NamedFlow>) -> Result<(Scenario, Vec<NamedFlow>), Failure> {
    let name = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("--scenario: cannot read {name}"))?;
    let beside = path.parent().unwrap_or_else(|| Path::new(""));
    let read = Scenario::from_toml(&text, |trace| std::fs::read_to_string(beside.join(trace)));
    let scenario = read.map_err(|error| match error {
        FormError::RateOrTrace => {
            let line = text.lines().position(|line| line.trim_start().starts_with("[link"));
            anyhow!("{name}:{}: {error}", line.map_or(1, |line| line + 1))
        }
        error => anyhow::Error::new(error).context(name.to_string()),
    })?;
    check_algs(&text).map_err(|(line, error)| anyhow!("{name}:{line}: {error}"))?;
    let default = match &named[..] {
        [] => None,
        [one] if one.flow == Flow::default() => Some(one.alg.clone()),
        _ => {
            return Err(Failure::Usage(
                "with --scenario one ALG is named at most, for flows that name none".to_owned(),
            ));
        }
    };
    let flows = scenario.flows.iter().enumerate().map(|(place, flow)| {
        let alg = match flow.alg.as_str() {
            "" => default.clone().ok_or_else(|| {
                anyhow!("{name}: flow {place} names no algorithm, and no ALG was given for it")
            })?,
            alg => alg.to_owned(),
        };
        Ok(NamedFlow { alg, flow: flow.clone() })
    });
    let flows: Vec<_> = flows.collect::<anyhow::Result<_>>()?;
    Ok((scenario, flows))
}

/// The line and the mistake of the first flow whose algorithm is none.
fn check_algs(text: &str) -> Result<(), (usize, String)> {
    #[derive(Deserialize)]
    struct Names {
        #[serde(default, rename = "flow")]
        flows: Vec<Name>,
    }
    #[derive(Deserialize)]
    struct Name {
        alg: Option<Spanned<String>>,
    }
    // It was read before; whatever is wrong with it was said then.
    let Ok(Names { flows }) = toml::from_str(text) else { return Ok(()) };
    for alg in flows.iter().filter_map(|flow| flow.alg.as_ref()) {
        if let Err(error) = alg.get_ref().parse::<Spec>()
            && !alg.get_ref().is_empty()
        {
            let before = text.get(..alg.span().start).unwrap_or_default();
            return Err((before.matches('\n').count() + 1, error.to_string()));
        }
    }
    Ok(())
}

/// What the link's queue holds in packets; `None` if that is not how it is counted.
pub(crate) fn queue_packets(link: &Link) -> Option<u64> {
    match link.queue {
        QueueLimit::Packets(packets) => Some(packets.max(1) as u64),
        QueueLimit::Bdp(times) => {
            Some((times * link.bdp() as f64 / 1500.0).round().max(1.0) as u64)
        }
        _ => None,
    }
}

/// How far the simulation goes between two looks at it: a fast link has many packets in little time.
const STEP: Duration = Duration::from_millis(1);

/// What is simulated unless something else is asked for: what the figures of the specification are about.
pub(crate) const RATE: Rate = Rate::mbit(48);
pub(crate) const RTT: Duration = Duration::from_millis(20);
pub(crate) const TIME: Duration = Duration::from_secs(30);
