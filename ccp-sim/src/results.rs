//! What a simulation found, as plain values.

use core::time::Duration;

use crate::Rate;
use crate::link::LinkCounters;
use crate::sender::Phase;

/// What a simulation found. Counts and rates are those since [`Scenario::measure_from`](crate::Scenario).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Results {
    /// The time that counts: from `measure_from` to the end.
    pub time: Duration,
    /// The link's rate, at the start or on average.
    pub rate: Rate,
    /// The part of what the link could carry that it did, 0 to 1.
    pub utilisation: f64,
    /// How long packets waited at the link: mean and 95th percentile.
    pub queue_mean: Duration,
    /// See `queue_mean`; exact to 1 %.
    pub queue_p95: Duration,
    /// What happened to the packets at the link.
    pub link: LinkCounters,
    /// Each flow, in the scenario's order.
    pub flows: Vec<FlowResults>,
    /// Each cross traffic, in the scenario's order.
    pub cross: Vec<CrossResults>,
    /// What passed between datapath and agent.
    pub agent: AgentResults,
    /// The link's state over time.
    pub samples: Vec<LinkSample>,
}

/// What a simulation found of cross traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CrossResults {
    /// Bits per second through the link, headers included.
    pub throughput: f64,
    /// The part of what the link could carry that is.
    pub utilisation: f64,
    /// Bytes through the link.
    pub wire_bytes: u64,
    /// Packets through the link.
    pub through: u64,
    /// Packets that the queue had no room for.
    pub dropped: u64,
    /// Packets lost on the way to the queue.
    pub lost: u64,
}

/// The link's state at one time. Counts are since the simulation's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkSample {
    /// Since the simulation's start.
    pub at: Duration,
    /// Packets waiting, the one being sent included.
    pub queued: usize,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Packets lost on the way to the queue.
    pub lost: u64,
    /// Packets dropped by the queue.
    pub dropped: u64,
    /// Packets marked.
    pub marked: u64,
}

/// What a simulation found of one flow.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlowResults {
    /// The algorithm it asked for.
    pub alg: String,
    /// Bits per second through the link, headers included.
    pub throughput: f64,
    /// The part of what the link could carry that is.
    pub utilisation: f64,
    /// Bytes through the link, headers included.
    pub wire_bytes: u64,
    /// Data acknowledged, bytes per second.
    pub goodput: f64,
    /// How long its packets waited at the link: mean and 95th percentile.
    pub queue_mean: Duration,
    /// See `queue_mean`; exact to 1 %.
    pub queue_p95: Duration,
    /// Its packets that the queue had no room for.
    pub dropped: u64,
    /// Its packets that were lost on the way to the queue.
    pub lost: u64,
    /// Packets that the sender took to be lost.
    pub losses: u64,
    /// Of these, packets that arrived after all.
    pub spurious: u64,
    /// Reductions of the window that were taken back, since nothing had been lost.
    pub undone: u64,
    /// Packets that arrived with an ECN mark.
    pub marked: u64,
    /// Packets sent again.
    pub retransmits: u64,
    /// Packets that arrived a second time: sent again for nothing.
    pub duplicates: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Tail loss probes.
    pub probes: u64,
    /// Reports that its program sent.
    pub reports: u64,
    /// When all of a finite source was acknowledged, since the flow's start.
    pub completed: Option<Duration>,
    /// Its state over time.
    pub samples: Vec<FlowSample>,
    /// The variables of [`Scenario::watch`](crate::Scenario), in that order.
    pub watched: Vec<Watched>,
}

/// A variable of a flow's program over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watched {
    /// What the program calls it.
    pub name: String,
    /// Its values, one for each of the flow's samples; `None`: the program has none, it does not
    /// govern, or the agent is gone that knows where it is.
    pub values: Vec<Option<u64>>,
}

/// A flow's state at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowSample {
    /// Since the simulation's start.
    pub at: Duration,
    /// Congestion window, bytes.
    pub cwnd: u64,
    /// Slow start threshold, bytes: of the datapath's own Reno, or the program's variable `ssthresh`; `None`: there is
    /// none.
    pub ssthresh: Option<u64>,
    /// The pacing rate that the agent has set, bytes of data per second; 0: none.
    pub rate: u64,
    /// The rate at which packets are spaced, bytes of data per second; 0: they are not.
    pub pacing: u64,
    /// The last delivery rate measured, bytes per second; 0 before the first.
    pub delivery_rate: u64,
    /// Bytes in flight.
    pub in_flight: u64,
    /// The last round-trip time measured; zero before the first.
    pub rtt: Duration,
    /// Smoothed round-trip time; zero before the first sample.
    pub srtt: Duration,
    /// Data acknowledged so far, bytes.
    pub acked: u64,
    /// Packets thought lost so far.
    pub losses: u64,
    /// Packets sent again so far.
    pub retransmits: u64,
    /// Packets waiting at the link, of all flows.
    pub queued: usize,
    /// What the sender is repairing.
    pub phase: Phase,
    /// Who governs the window.
    pub governor: Governor,
}

/// Who governs a flow's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Governor {
    /// The agent, through the program it set.
    Agent,
    /// The datapath's own Reno: the agent has not taken over yet, or is gone.
    Datapath,
}

/// What passed between datapath and agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentResults {
    /// Reports that reached the agent.
    pub reports: u64,
    /// Updates that reached the datapath.
    pub updates: u64,
    /// Bytes to the agent.
    pub bytes_up: u64,
    /// Bytes to the datapath.
    pub bytes_down: u64,
    /// Messages lost between them, both ways.
    pub lost: u64,
    /// Times that flows fell back to the datapath's own Reno.
    pub fallbacks: u64,
    /// Invocations of programs that trapped.
    pub traps: u64,
    /// Messages that the datapath refused.
    pub refused: u64,
}

impl Results {
    /// Jain's index of the flows' throughput: 1 when all are equal, 1/n when one has everything.
    pub fn jain_index(&self) -> f64 {
        let sum: f64 = self.flows.iter().map(|flow| flow.throughput).sum();
        let squares: f64 = self.flows.iter().map(|flow| flow.throughput.powi(2)).sum();
        if squares > 0.0 { sum * sum / (squares * self.flows.len() as f64) } else { 1.0 }
    }
}

impl FlowResults {
    /// The mean of the sampled windows from `from` on, bytes; 0 without samples.
    pub fn mean_cwnd(&self, from: Duration) -> f64 {
        let windows =
            self.samples.iter().filter(|sample| sample.at >= from).map(|sample| sample.cwnd as f64);
        let (count, sum) =
            windows.fold((0u64, 0.0), |(count, sum), window| (count + 1, sum + window));
        if count > 0 { sum / count as f64 } else { 0.0 }
    }
}
