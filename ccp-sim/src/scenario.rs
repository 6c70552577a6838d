//! What is simulated, as a plain value.

use core::time::Duration;

use ccp_ipc::{BackendBuilder, Nonblocking, chan};
use ccp_runtime::{CongAlg, RunBuilder, RunError};

use crate::link::Link;
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
    /// What random loss is drawn from.
    pub seed: u64,
    /// How long a message takes from datapath to agent, and as long back.
    pub ipc_delay: Duration,
    /// How often the state of each flow is written down; zero: never.
    pub sample_every: Duration,
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
            sample_every: Duration::from_millis(10),
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

    /// Sets what random loss is drawn from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how long a message takes between datapath and agent, each way.
    pub fn ipc_delay(mut self, delay: Duration) -> Self {
        self.ipc_delay = delay;
        self
    }

    /// Sets how often the state of each flow is written down.
    pub fn sample_every(mut self, every: Duration) -> Self {
        self.sample_every = every;
        self
    }

    /// Runs it with an agent that has one algorithm.
    ///
    /// # Errors
    /// The scenario makes no sense, or the algorithm's programs do not compile.
    pub fn run<A: CongAlg<AgentSocket> + 'static>(&self, alg: A) -> Result<Results, SimError> {
        self.run_with(|backend| RunBuilder::new(backend).default_alg(alg).build())
    }

    /// Runs it with the agent that `agent` makes: one with several algorithms, or other settings.
    ///
    /// # Errors
    /// The scenario makes no sense, or `agent` fails.
    pub fn run_with<S: AgentSteps + 'static>(
        &self,
        agent: impl FnOnce(BackendBuilder<AgentSocket>) -> Result<S, RunError>,
    ) -> Result<Results, SimError> {
        let mut sim = Sim::new(self)?;
        sim.start_agent(agent)?;
        sim.run_until(self.time)?;
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
}

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
            pacing: Pacing::Window,
            ecn: false,
        }
    }
}

impl Flow {
    /// A flow that asks the agent for this algorithm.
    pub fn asking_for(alg: impl Into<String>) -> Self {
        Self {
            alg: alg.into(),
            ..Self::default()
        }
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
