//! What is simulated, as a plain value.

use core::time::Duration;
use std::collections::HashMap;
use std::rc::Rc;

use ccp_ipc::{BackendBuilder, Nonblocking, chan};
use ccp_runtime::{Compiler, CongAlg, Datapath, DatapathInfo, RunBuilder, RunError};

use crate::cross::Cross;
use crate::link::{Change, Link, Loss};
use crate::sender::{Pacing, Source};
use crate::sim::Sim;
use crate::{AgentSteps, Results, SimError};

/// The agent's end of the transport inside a simulation.
pub type AgentSocket = chan::Socket<Nonblocking>;

/// Flows that share a bottleneck, for some time. The same scenario gives the same results, to the last bit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scenario {
    /// What the flows share.
    pub link: Link,
    /// The flows; at least one.
    pub flows: Vec<Flow>,
    /// How long it runs.
    pub time: Duration,
    /// From when on results count; before, only time passes.
    pub measure_from: Duration,
    /// What everything random is drawn from.
    pub seed: u64,
    /// How long a message takes from datapath to agent, and as long back.
    pub ipc_delay: Duration,
    /// Traffic that shares the link and listens to nobody.
    pub cross: Vec<Cross>,
    /// The probability that a message between datapath and agent is lost, each by itself.
    pub ipc_loss: f64,
    /// Whether the senders fill only the primitives that every datapath has, as libccp's do.
    pub libccp: bool,
    /// When the agent is not there, in order: it is killed, and started anew. [`Scenario::run`] and
    /// [`run_with`](Self::run_with) do that; who steps a [`Sim`] by hand does it by hand.
    pub outages: Vec<Outage>,
    /// How often the state of each flow and of the link is written down; zero: never.
    pub sample_every: Duration,
    /// Variables of the flows' programs that are written down with it.
    pub watch: Vec<String>,
}

/// A time without an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// When it is killed.
    pub from: Duration,
    /// When it is started anew; `None`: never.
    pub until: Option<Duration>,
}

impl Scenario {
    /// One unlimited flow over `link` for 10 seconds, with 25 µs between datapath and agent, what a unix socket takes.
    pub fn new(link: Link) -> Self {
        Self {
            link,
            flows: vec![Flow::default()],
            time: Duration::from_secs(10),
            measure_from: Duration::ZERO,
            seed: 1,
            ipc_delay: Duration::from_micros(25),
            cross: Vec::new(),
            ipc_loss: 0.0,
            libccp: false,
            outages: Vec::new(),
            sample_every: Duration::from_millis(10),
            watch: Vec::new(),
        }
    }

    /// Replaces the flows by these.
    pub fn flows(mut self, flows: impl IntoIterator<Item = Flow>) -> Self {
        self.flows = flows.into_iter().collect();
        self
    }

    /// Sets how long it runs.
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Sets from when on results count.
    pub fn measure_from(mut self, from: Duration) -> Self {
        self.measure_from = from;
        self
    }

    /// Sets what everything random is drawn from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how long a message takes between datapath and agent, each way.
    pub fn ipc_delay(mut self, delay: Duration) -> Self {
        self.ipc_delay = delay;
        self
    }

    /// Adds traffic that listens to nobody.
    pub fn cross(mut self, cross: Cross) -> Self {
        self.cross.push(cross);
        self
    }

    /// Sets the probability that a message between datapath and agent is lost.
    pub fn ipc_loss(mut self, probability: f64) -> Self {
        self.ipc_loss = probability;
        self
    }

    /// Has the senders fill only the primitives that every datapath has, as libccp's do.
    pub fn libccp(mut self) -> Self {
        self.libccp = true;
        self
    }

    /// Kills the agent at one time and, if there is another, starts it anew then.
    pub fn outage(mut self, from: Duration, until: Option<Duration>) -> Self {
        self.outages.push(Outage { from, until });
        self
    }

    /// Sets how often the state of each flow and of the link is written down.
    pub fn sample_every(mut self, every: Duration) -> Self {
        self.sample_every = every;
        self
    }

    /// Writes down these variables of the flows' programs too, where a program has them.
    pub fn watch<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.watch.extend(names.into_iter().map(Into::into));
        self
    }

    /// Runs it with an agent that has one algorithm.
    ///
    /// # Errors
    /// The scenario makes no sense, or the algorithm's programs do not compile.
    pub fn run<A: CongAlg<AgentSocket> + 'static>(&self, alg: A) -> Result<Results, SimError> {
        let alg = Rc::new(alg);
        self.run_with(|backend| {
            let alg = Shared(Rc::clone(&alg));
            RunBuilder::new(backend).default_alg(alg).build()
        })
    }

    /// Runs it with the agent that `agent` makes: one with several algorithms, or other settings. After an outage it is
    /// asked for another.
    ///
    /// # Errors
    /// The scenario makes no sense, or `agent` fails.
    pub fn run_with<S: AgentSteps + 'static>(
        &self,
        agent: impl FnMut(BackendBuilder<AgentSocket>) -> Result<S, RunError>,
    ) -> Result<Results, SimError> {
        self.run_showing(self.time, agent, |_| ())
    }

    /// As [`run_with`](Self::run_with), and shows the simulation to `see` whenever another `every` of its time has
    /// passed. The results are the same.
    ///
    /// # Errors
    /// As those of `run_with`.
    pub fn run_showing<S: AgentSteps + 'static>(
        &self,
        every: Duration,
        mut agent: impl FnMut(BackendBuilder<AgentSocket>) -> Result<S, RunError>,
        mut see: impl FnMut(&Sim),
    ) -> Result<Results, SimError> {
        let every = every.max(Duration::from_micros(1));
        let mut run_until = |sim: &mut Sim, until| {
            while let next = sim.now() + every
                && next < until
            {
                sim.run_until(next)?;
                see(sim);
            }
            sim.run_until(until)
        };
        let mut sim = Sim::new(self)?;
        sim.start_agent(&mut agent)?;
        for outage in &self.outages {
            if outage.from > self.time {
                break;
            }
            run_until(&mut sim, outage.from)?;
            sim.drop_agent();
            if let Some(until) = outage.until.filter(|until| *until <= self.time) {
                run_until(&mut sim, until)?;
                sim.start_agent(&mut agent)?;
            }
        }
        run_until(&mut sim, self.time)?;
        Ok(sim.results())
    }

    /// Runs it without an agent: each sender is left to the datapath's own Reno.
    ///
    /// # Errors
    /// The scenario makes no sense.
    pub fn run_without_agent(&self) -> Result<Results, SimError> {
        let mut sim = Sim::new(self)?;
        sim.run_until(self.time)?;
        Ok(sim.results())
    }

    /// Whether it can be simulated.
    pub(crate) fn check(&self) -> Result<(), SimError> {
        if self.flows.is_empty() {
            return Err(SimError::NoFlows);
        }
        for (flow, config) in self.flows.iter().enumerate() {
            let (mss, overhead) = (config.mss, config.overhead);
            if mss == 0 || mss.saturating_add(overhead) > MAX_PACKET {
                return Err(SimError::PacketSize { flow, mss, overhead });
            }
            let packets = config.init_cwnd;
            if packets > MOST_INIT_CWND {
                return Err(SimError::InitialWindow { flow, packets });
            }
        }
        for (cross, config) in self.cross.iter().enumerate() {
            let bytes = config.packet;
            if bytes == 0 || bytes > MAX_PACKET {
                return Err(SimError::CrossPacketSize { cross, bytes });
            }
        }
        self.check_outages()?;
        let link = &self.link;
        let retimed = |change: &Change| link.trace.is_some() && change.rate.is_some();
        if let Some(change) = link.changes.iter().position(retimed) {
            return Err(SimError::RateOfTrace { change });
        }
        let losses = link.changes.iter().filter_map(|change| change.loss);
        let losses = losses.chain([link.loss]).flat_map(Loss::probabilities);
        let others = [
            ("reordering", link.reordering.map(|late| late.probability)),
            ("the loss of messages", Some(self.ipc_loss)),
        ];
        let others = others.into_iter().filter_map(|(what, value)| Some((what, value?)));
        for (what, value) in losses.map(|value| ("loss", value)).chain(others) {
            if !(0.0..=1.0).contains(&value) {
                return Err(SimError::Probability { what, value });
            }
        }
        Ok(())
    }

    /// Whether outages end after they begin, and one comes after another.
    fn check_outages(&self) -> Result<(), SimError> {
        let backwards = |it: &Outage| it.until.is_some_and(|until| until < it.from);
        if let Some(outage) = self.outages.iter().position(backwards) {
            return Err(SimError::OutageTimes { outage });
        }
        let overlap = |two: &[Outage]| two[0].until.is_none_or(|until| until > two[1].from);
        match self.outages.windows(2).position(overlap) {
            Some(place) => Err(SimError::OutageOrder { outage: place + 1 }),
            None => Ok(()),
        }
    }
}

/// The algorithm of an agent that may be started more than once.
struct Shared<A>(Rc<A>);

impl<A: CongAlg<AgentSocket>> CongAlg<AgentSocket> for Shared<A> {
    type Flow = A::Flow;

    fn name() -> &'static str {
        A::name()
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        self.0.datapath_programs()
    }

    fn new_flow(&self, control: Datapath<AgentSocket>, info: DatapathInfo) -> Self::Flow {
        self.0.new_flow(control, info)
    }

    fn new_flow_asked(
        &self,
        asked: &str,
        control: Datapath<AgentSocket>,
        info: DatapathInfo,
    ) -> Self::Flow {
        self.0.new_flow_asked(asked, control, info)
    }

    fn compiler(&self) -> Compiler {
        self.0.compiler()
    }
}

/// A window of so many packets takes a gigabyte: no host begins with more.
const MOST_INIT_CWND: u32 = 1 << 20;

/// The longest packet (IP's length has 16 bits).
const MAX_PACKET: u32 = 65_535;

/// One flow of a scenario.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Flow {
    /// The algorithm it asks the agent for; empty: the agent's default.
    pub alg: String,
    /// What it has to send.
    pub source: Source,
    /// When it begins.
    pub start: Duration,
    /// When it stops sending what is new; `None`: never.
    pub stop: Option<Duration>,
    /// Bytes of data in a full packet.
    pub mss: u32,
    /// Bytes that a packet has on the link beside its data.
    pub overhead: u32,
    /// The window it begins with, in segments.
    pub init_cwnd: u32,
    /// The most data the receiver lets it have in flight, bytes.
    pub receive_window: u64,
    /// What its round trip takes on top of the link's.
    pub extra_rtt: Duration,
    /// How it spaces its packets while the agent has set no rate.
    pub pacing: Pacing,
    /// Whether the network may mark its packets instead of dropping them.
    pub ecn: bool,
}

impl Default for Flow {
    /// An unlimited source from the start on, with packets of 1448 bytes in 1500 and a window of ten of them.
    fn default() -> Self {
        Self {
            alg: String::new(),
            source: Source::Unlimited,
            start: Duration::ZERO,
            stop: None,
            mss: 1448,
            overhead: 52,
            init_cwnd: 10,
            receive_window: u64::MAX,
            extra_rtt: Duration::ZERO,
            pacing: Pacing::Off,
            ecn: false,
        }
    }
}

impl Flow {
    /// A flow that asks the agent for this algorithm.
    pub fn asking_for(alg: impl Into<String>) -> Self {
        Self { alg: alg.into(), ..Self::default() }
    }

    /// Sets what it has to send.
    pub fn source(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// Sets when it begins.
    pub fn start(mut self, at: Duration) -> Self {
        self.start = at;
        self
    }

    /// Sets when it stops sending what is new.
    pub fn stop(mut self, at: Duration) -> Self {
        self.stop = Some(at);
        self
    }

    /// Sets the window it begins with, in segments.
    pub fn init_cwnd(mut self, segments: u32) -> Self {
        self.init_cwnd = segments;
        self
    }

    /// Sets the most data the receiver lets it have in flight, bytes.
    pub fn receive_window(mut self, bytes: u64) -> Self {
        self.receive_window = bytes;
        self
    }

    /// Sets what its round trip takes on top of the link's.
    pub fn extra_rtt(mut self, extra: Duration) -> Self {
        self.extra_rtt = extra;
        self
    }

    /// Sets how it spaces its packets while the agent has set no rate.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Lets the network mark its packets instead of dropping them.
    pub fn ecn(mut self) -> Self {
        self.ecn = true;
        self
    }
}
