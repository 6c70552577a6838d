//! Several algorithms in one agent, each with its parameters: also one algorithm twice with different ones.

use std::collections::HashMap;

use ccp_runtime::{Compiler, CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc, Lint, Report};

use crate::bbr::BbrFlow;
use crate::cubic::{Cubic, CubicLinux};
use crate::reno::Reno;
use crate::window::WindowFlow;
use crate::{ReportEvery, Spec};

/// Algorithms by the names that flows ask for: an agent's default algorithm that is all of them.
///
/// ```
/// use ccp_algs::Specs;
/// use ccp_runtime::RunBuilder;
/// use ccp_sim::{Flow, Link, Rate, Scenario};
/// use std::time::Duration;
///
/// let specs = Specs::new("cubic".parse()?).with("gentle", "cubic,beta=0.85".parse()?);
/// let link = Link::new(Rate::mbit(12), Duration::from_millis(20));
/// let flows = ["", "gentle"].map(Flow::asking_for);
/// let results = Scenario::new(link).flows(flows).time(Duration::from_secs(1)).run(specs)?;
/// assert_eq!(results.flows.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Specs {
    default: Spec,
    named: Vec<(String, Spec)>,
}

impl Specs {
    /// With an algorithm for flows that ask for none, or for one that is not there.
    pub fn new(default: Spec) -> Self {
        Self { default, named: Vec::new() }
    }

    /// Adds one for flows that ask for this name: at most 63 bytes, as long as names are on the wire.
    pub fn with(mut self, name: impl Into<String>, spec: Spec) -> Self {
        self.named.push((name.into(), spec));
        self
    }

    /// Sets how often they report, unless that is a round trip, as each is told itself.
    pub fn report(mut self, every: ReportEvery) -> Self {
        if every != ReportEvery::Rtt {
            self.all_mut().for_each(|spec| *spec = spec.clone().report(every));
        }
        self
    }

    fn all(&self) -> impl Iterator<Item = &Spec> {
        core::iter::once(&self.default).chain(self.named.iter().map(|(_, spec)| spec))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Spec> {
        core::iter::once(&mut self.default).chain(self.named.iter_mut().map(|(_, spec)| spec))
    }
}

impl Spec {
    /// Sets how often it reports.
    pub fn report(self, every: ReportEvery) -> Self {
        match self {
            Self::Bbr(alg) => Self::Bbr(alg.report(every)),
            Self::Reno(alg) => Self::Reno(alg.report(every)),
            Self::Cubic(alg) => Self::Cubic(alg.report(every)),
            Self::CubicLinux(alg) => Self::CubicLinux(alg.report(every)),
        }
    }

    /// Sets what is drawn from, if it draws.
    pub fn seed(self, seed: u64) -> Self {
        match self {
            Self::Bbr(alg) => Self::Bbr(alg.seed(seed)),
            other => other,
        }
    }

    fn programs<I: Ipc>(&self) -> HashMap<&'static str, String> {
        match self {
            Self::Bbr(alg) => CongAlg::<I>::datapath_programs(alg),
            Self::Reno(alg) => CongAlg::<I>::datapath_programs(alg),
            Self::Cubic(alg) => CongAlg::<I>::datapath_programs(alg),
            Self::CubicLinux(alg) => CongAlg::<I>::datapath_programs(alg),
        }
    }

    fn start<I: Ipc>(&self, control: Datapath<I>, info: DatapathInfo) -> SpecFlow<I> {
        match self {
            Self::Bbr(alg) => SpecFlow::Bbr(alg.new_flow(control, info)),
            Self::Reno(alg) => SpecFlow::Reno(alg.new_flow(control, info)),
            Self::Cubic(alg) => SpecFlow::Cubic(alg.new_flow(control, info)),
            Self::CubicLinux(alg) => SpecFlow::CubicLinux(alg.new_flow(control, info)),
        }
    }
}

impl<I: Ipc> CongAlg<I> for Specs {
    type Flow = SpecFlow<I>;

    fn name() -> &'static str {
        "ccp-algs"
    }

    /// Those of all. One name is one program, whichever algorithm uses it.
    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        self.all().flat_map(Spec::programs::<I>).collect()
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> SpecFlow<I> {
        self.default.start(control, info)
    }

    fn new_flow_asked(&self, asked: &str, control: Datapath<I>, info: DatapathInfo) -> SpecFlow<I> {
        let named = self.named.iter().find(|(name, _)| name == asked);
        named.map_or(&self.default, |(_, spec)| spec).start(control, info)
    }

    /// What the window program needs.
    fn compiler(&self) -> Compiler {
        Compiler::new().allow(Lint::FallthroughReach)
    }
}

/// A flow of any algorithm.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpecFlow<I: Ipc> {
    /// Of `bbr`.
    Bbr(BbrFlow<I>),
    /// Of `reno`.
    Reno(WindowFlow<Reno, I>),
    /// Of `cubic`.
    Cubic(WindowFlow<Cubic, I>),
    /// Of `cubic:linux`.
    CubicLinux(WindowFlow<CubicLinux, I>),
}

impl<I: Ipc> Flow for SpecFlow<I> {
    #[inline]
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        match self {
            Self::Bbr(alg) => alg.on_report(flow, report),
            Self::Reno(alg) => alg.on_report(flow, report),
            Self::Cubic(alg) => alg.on_report(flow, report),
            Self::CubicLinux(alg) => alg.on_report(flow, report),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ccp_sim::AgentSocket;

    use super::*;
    use crate::registry;

    /// A spec with each value that the list of its parameters names, and with each two of them.
    fn all() -> impl Iterator<Item = (String, Spec)> {
        let texts = registry::ALL.iter().flat_map(|info| {
            let values = info.parameters.iter().flat_map(|parameter| {
                let words = parameter.values.split([' ', ',']);
                words.map(|word| format!(",{}={word}", parameter.key))
            });
            let takes = |value: &String| format!("{}{value}", info.name).parse::<Spec>().is_ok();
            let values: Vec<_> = values.filter(takes).chain([String::new()]).collect();
            let pairs = values.iter().flat_map(|one| values.iter().map(move |two| (one, two)));
            pairs.map(|(one, two)| format!("{}{one}{two}", info.name)).collect::<Vec<_>>()
        });
        texts.filter_map(|text| text.parse().ok().map(|spec| (text, spec)))
    }

    /// One name is one program, whatever is set of the algorithms.
    #[test]
    fn no_spec_has_another_program_than_these_and_each_compiles() {
        let mut found: BTreeMap<&str, String> = BTreeMap::new();
        for (text, spec) in all() {
            for (name, source) in spec.programs::<AgentSocket>() {
                let before = found.entry(name).or_insert_with(|| source.clone());
                assert_eq!(*before, source, "{text}");
            }
        }
        let names: Vec<_> = found.keys().copied().collect();
        assert_eq!(
            names,
            [
                "bbr",
                "bbr-ack",
                "bbr-every",
                "bbr-inferred",
                "bbr-inferred-ack",
                "bbr-inferred-every",
                "window",
                "window-linux",
                "window-rfc9406",
            ]
        );
        let compiler = CongAlg::<AgentSocket>::compiler(&Specs::new("reno".parse().unwrap()));
        for (name, source) in found {
            if let Err(error) = compiler.compile(source) {
                panic!("{name}: {error}");
            }
        }
    }

    #[test]
    fn the_files_are_programs_as_they_stand() {
        let programs = |text: &str| text.parse::<Spec>().unwrap().programs::<AgentSocket>();
        for (file, spec, name) in
            [(crate::window::PROGRAM, "reno", "window"), (crate::bbr::PROGRAM, "bbr", "bbr")]
        {
            let code =
                |source: &str| Compiler::new().compile(source).unwrap().program.code().clone();
            assert_eq!(code(file.source), code(&programs(spec)[name]), "{name}");
        }
    }
}
