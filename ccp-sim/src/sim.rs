//! The loop itself: takes the next event, lets the part it concerns act, and plans what follows.

use core::fmt;
use core::time::Duration;

use ccp_datapath::{Config, Control, Datapath, FlowInfo, Micros, Sink, SinkError};
use ccp_ipc::BackendBuilder;
use ccp_runtime::RunError;
use rand_pcg::Pcg64;

use crate::SimError;
use crate::agent::{AgentSide, AgentSteps};
use crate::events::Events;
use crate::flow::{FlowState, PRIMITIVES, primitives};
use crate::histogram::Histogram;
use crate::link::{Bottleneck, LinkCounters, Offered};
use crate::packet::{Ack, Packet};
use crate::results::{AgentResults, Governor, Results};
use crate::scenario::{AgentSocket, Scenario};
use crate::sender::Sample;
use crate::time::Time;

/// A simulation under way: for looking at it between two times, or for losing the agent in the middle.
///
/// [`Scenario::run`] does the same in one call.
pub struct Sim {
    scenario: Scenario,
    events: Events<Event>,
    link: Bottleneck,
    flows: Vec<FlowState>,
    datapath: Datapath,
    agent: Option<AgentSide>,
    mail: Mail,
    /// When an event is planned that looks at the timers of datapath and agent.
    datapath_planned: Option<Time>,
    agent_planned: Option<Time>,
    census: Census,
    /// What counts, and what there was when counting began.
    waits: Histogram,
    agent_counts: AgentResults,
    link_base: LinkCounters,
    agent_base: AgentResults,
    counting_since: Time,
}

enum Event {
    Start(usize),
    Stop(usize),
    /// The packet at the head of the link's queue has been sent.
    Departure,
    Arrival(Packet),
    Ack(usize, Ack),
    /// Time alone lets the flow send.
    Send(usize),
    /// A flow's retransmission timer, the datapath's and the agent's.
    Timeout(usize),
    DatapathTimer,
    AgentTimer,
    ToAgent(Vec<u8>),
    ToDatapath(Vec<u8>),
    Sample,
    Count,
}

impl Sim {
    /// Sets everything up at time 0, without an agent.
    ///
    /// # Errors
    /// The scenario makes no sense.
    pub fn new(scenario: &Scenario) -> Result<Self, SimError> {
        if scenario.flows.is_empty() {
            return Err(SimError::NoFlows);
        }
        for (flow, config) in scenario.flows.iter().enumerate() {
            let (mss, overhead) = (config.mss, config.overhead);
            if mss == 0 || mss.saturating_add(overhead) > MAX_PACKET {
                return Err(SimError::PacketSize {
                    flow,
                    mss,
                    overhead,
                });
            }
        }
        let mut config = Config::default();
        config.max_flows = u32::try_from(scenario.flows.len()).unwrap_or(u32::MAX);
        config.primitives = PRIMITIVES;

        let mut events = Events::new();
        for (index, flow) in scenario.flows.iter().enumerate() {
            events.plan(flow.start.into(), Event::Start(index));
            if let Some(stop) = flow.stop {
                events.plan(stop.into(), Event::Stop(index));
            }
        }
        if !scenario.sample_every.is_zero() {
            events.plan(Time::ZERO, Event::Sample);
        }
        if !scenario.measure_from.is_zero() {
            events.plan(scenario.measure_from.into(), Event::Count);
        }
        let rtt = scenario.link.rtt;
        let flows = scenario.flows.iter().enumerate();
        let mut sim = Self {
            events,
            link: Bottleneck::new(
                &scenario.link,
                Pcg64::new(scenario.seed.into(), LOSS_STREAM),
            ),
            flows: flows
                .map(|(index, flow)| FlowState::new(index, flow, rtt))
                .collect(),
            datapath: Datapath::new(config, Micros(0)),
            agent: None,
            mail: Mail::default(),
            datapath_planned: None,
            agent_planned: None,
            census: Census::default(),
            waits: Histogram::default(),
            agent_counts: AgentResults::default(),
            link_base: LinkCounters::default(),
            agent_base: AgentResults::default(),
            counting_since: Time::ZERO,
            scenario: scenario.clone(),
        };
        sim.after_datapath();
        Ok(sim)
    }

    /// Starts an agent now, in place of the one that may be there.
    ///
    /// # Errors
    /// `agent` fails.
    pub fn start_agent<S: AgentSteps + 'static>(
        &mut self,
        agent: impl FnOnce(BackendBuilder<AgentSocket>) -> Result<S, RunError>,
    ) -> Result<(), SimError> {
        self.drop_agent();
        self.agent = Some(AgentSide::start(agent)?);
        self.mail.agent_alive = true;
        self.step_agent()
    }

    /// Ends the agent now, as when its process is killed: it says nothing, and what is under way to it is lost.
    pub fn drop_agent(&mut self) {
        self.agent = None;
        self.agent_planned = None;
        self.mail.agent_alive = false;
    }

    /// Lets all happen that happens until then, `until` included.
    ///
    /// # Errors
    /// The agent cannot go on, or the datapath does not take a flow.
    pub fn run_until(&mut self, until: Duration) -> Result<(), SimError> {
        let until = Time::from(until);
        while let Some(event) = self.events.next_until(until) {
            self.handle(event)?;
            debug_assert!(self.conserves_packets(), "a packet was lost or made up");
        }
        Ok(())
    }

    /// The time that has been reached.
    pub fn now(&self) -> Duration {
        self.events.now().as_duration()
    }

    /// Who governs a flow's window now; `None` if there is no such flow.
    pub fn governor(&self, flow: usize) -> Option<Governor> {
        self.flows.get(flow).map(FlowState::governor)
    }

    /// A flow's congestion window now, bytes; `None` if there is no such flow.
    pub fn cwnd(&self, flow: usize) -> Option<u64> {
        self.flows.get(flow).map(|flow| flow.sender.cwnd())
    }

    /// Whether each packet sent is in exactly one place: lost, dropped, at the link, on its way, or received; and each
    /// acknowledgement on its way or received. Always true; what tests hold on to.
    pub fn conserves_packets(&self) -> bool {
        let link = self.link.counters();
        let census = &self.census;
        census.sent == link.offered
            && link.offered == link.lost + link.dropped + link.sent + self.link.queued() as u64
            && link.sent == census.propagating + census.arrived
            && census.arrived == census.acks_propagating + census.acks_arrived
    }

    /// What was found so far.
    pub fn results(&self) -> Results {
        let time = Duration::from_nanos(self.events.now().since(self.counting_since));
        let rate = self.scenario.link.rate;
        let link = minus(self.link.counters(), self.link_base);
        let capacity = rate.as_bits() as f64 * time.as_secs_f64();
        let flows = self.flows.iter().zip(&self.scenario.flows);
        Results {
            time,
            rate,
            utilisation: if capacity > 0.0 {
                link.sent_bytes as f64 * 8.0 / capacity
            } else {
                0.0
            },
            queue_mean: self.waits.mean(),
            queue_p95: self.waits.percentile(95),
            link,
            flows: flows
                .map(|(state, flow)| state.results(&flow.alg, time, rate.as_bits() as f64))
                .collect(),
            agent: self.agent_results(),
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), SimError> {
        match event {
            Event::Start(flow) => self.start(flow)?,
            Event::Stop(flow) => {
                self.flows[flow].sender.stop();
                self.finish_if_done(flow);
            }
            Event::Departure => self.depart(),
            Event::Arrival(packet) => self.arrive(&packet),
            Event::Ack(flow, ack) => {
                self.census.acks_propagating -= 1;
                self.census.acks_arrived += 1;
                let sample = self.flows[flow].sender.handle_ack(&ack, self.events.now());
                self.invoke(flow, &sample);
                self.finish_if_done(flow);
                self.send(flow);
            }
            Event::Send(flow) => {
                let state = &mut self.flows[flow];
                if state.send_planned == Some(self.events.now()) {
                    state.send_planned = None;
                    self.send(flow);
                }
            }
            Event::Timeout(flow) => {
                let now = self.events.now();
                let state = &mut self.flows[flow];
                if state.timeout_planned == Some(now) {
                    state.timeout_planned = None;
                    if let Some(sample) = state.sender.handle_timeout(now) {
                        self.invoke(flow, &sample);
                    }
                    self.send(flow);
                }
            }
            Event::DatapathTimer => {
                if self.datapath_planned == Some(self.events.now()) {
                    self.datapath_planned = None;
                    self.datapath.handle_timeout(self.micros(), &mut self.mail);
                    self.after_datapath();
                }
            }
            Event::AgentTimer => {
                if self.agent_planned == Some(self.events.now()) {
                    self.agent_planned = None;
                    self.step_agent()?;
                }
            }
            Event::ToAgent(datagram) => {
                if let Some(agent) = &mut self.agent {
                    // The agent reads at once, so its queue is never full.
                    if agent.deliver(&datagram).is_ok() {
                        self.agent_counts.bytes_up += datagram.len() as u64;
                    }
                }
                self.mail.recycle(datagram);
                self.step_agent()?;
            }
            Event::ToDatapath(datagram) => {
                self.agent_counts.bytes_down += datagram.len() as u64;
                let now = self.micros();
                // What it refuses it counts.
                let _ = self
                    .datapath
                    .handle_datagram(&datagram, now, &mut self.mail);
                self.mail.recycle(datagram);
                self.after_datapath();
            }
            Event::Sample => {
                let now = self.events.now();
                let queued = self.link.queued();
                for flow in self.flows.iter_mut().filter(|flow| flow.is_running()) {
                    flow.sample(now, queued);
                }
                self.events
                    .plan(now + self.scenario.sample_every, Event::Sample);
            }
            Event::Count => self.begin_counting(),
        }
        Ok(())
    }

    fn start(&mut self, flow: usize) -> Result<(), SimError> {
        let config = &self.scenario.flows[flow];
        let state = &mut self.flows[flow];
        let init_cwnd = u32::try_from(state.sender.cwnd()).unwrap_or(u32::MAX);
        let info = FlowInfo::new(init_cwnd, config.mss).with_alg(&config.alg);
        let now = Micros(self.events.now().as_micros());
        let handle = self
            .datapath
            .open(info, now, &mut self.mail)
            .map_err(|source| SimError::Open { flow, source })?;
        state.handle = Some(handle);
        self.after_datapath();
        self.send(flow);
        Ok(())
    }

    /// Closes the flow if all is sent and acknowledged.
    fn finish_if_done(&mut self, flow: usize) {
        let now = self.events.now();
        let state = &mut self.flows[flow];
        if !state.sender.is_done() {
            return;
        }
        if let Some(handle) = state.handle.take() {
            state.complete(now);
            // It is open: the handle was taken just now.
            let _ = self
                .datapath
                .close(handle, Micros(now.as_micros()), &mut self.mail);
            self.after_datapath();
        }
    }

    /// Tells the datapath of an acknowledgement or a timeout, and does what it decides.
    fn invoke(&mut self, flow: usize, sample: &Sample) {
        let now = self.micros();
        let state = &mut self.flows[flow];
        let Some(handle) = state.handle else { return };
        let primitives = primitives(sample);
        let control = Control {
            cwnd: state.sender.cwnd(),
        };
        let decided = self
            .datapath
            .on_ack(handle, &primitives, control, now, &mut self.mail);
        if let Ok(decision) = decided {
            state.apply(&decision, &primitives);
        }
        self.after_datapath();
    }

    /// Sends what may be sent now, and plans when to come back.
    fn send(&mut self, flow: usize) {
        let now = self.events.now();
        if !self.flows[flow].is_running() {
            return;
        }
        while let Some(packet) = self.flows[flow].sender.poll_packet(now) {
            self.census.sent += 1;
            match self.link.offer(packet, now) {
                Offered::Lost => self.flows[flow].count_lost(),
                Offered::Dropped => self.flows[flow].count_dropped(),
                Offered::Queued => {}
                Offered::Sending { until } => self.events.plan(until, Event::Departure),
            }
        }
        let state = &mut self.flows[flow];
        if let Some(at) = state.sender.next_send(now)
            && state.send_planned.is_none_or(|planned| at < planned)
        {
            state.send_planned = Some(at);
            self.events.plan(at, Event::Send(flow));
        }
        // Mostly the timer only moves further away: then the event planned for it looks again when it comes.
        let at = state.sender.timeout_at();
        if at != Time::NEVER && state.timeout_planned.is_none_or(|planned| at < planned) {
            state.timeout_planned = Some(at);
            self.events.plan(at, Event::Timeout(flow));
        }
    }

    fn depart(&mut self) {
        let Some(departed) = self.link.depart(self.events.now()) else {
            return;
        };
        let packet = departed.packet;
        if let Some(next) = departed.next {
            self.events.plan(next, Event::Departure);
        }
        self.waits.add(departed.waited);
        let flow = &mut self.flows[packet.flow as usize];
        flow.count_through(packet.wire_len, departed.waited);
        self.census.propagating += 1;
        self.events
            .plan(self.events.now() + flow.forward, Event::Arrival(packet));
    }

    fn arrive(&mut self, packet: &Packet) {
        self.census.propagating -= 1;
        self.census.arrived += 1;
        let index = packet.flow as usize;
        let flow = &mut self.flows[index];
        let ack = flow.receiver.on_packet(packet);
        self.census.acks_propagating += 1;
        self.events
            .plan(self.events.now() + flow.back, Event::Ack(index, ack));
    }

    fn step_agent(&mut self) -> Result<(), SimError> {
        let now = self.events.now();
        let Some(agent) = &mut self.agent else {
            return Ok(());
        };
        let (events, mail, delay) = (&mut self.events, &mut self.mail, self.scenario.ipc_delay);
        agent.step(now.as_duration(), |datagram| {
            let datagram = mail.copy(datagram);
            events.plan(now + delay, Event::ToDatapath(datagram));
        })?;
        if let Some(timer) = agent.next_timer() {
            let at = Time::from(timer).max(now);
            if self.agent_planned.is_none_or(|planned| at < planned) {
                self.agent_planned = Some(at);
                self.events.plan(at, Event::AgentTimer);
            }
        }
        Ok(())
    }

    /// Sends off what the datapath wrote to the agent, and plans its timer.
    fn after_datapath(&mut self) {
        let now = self.events.now();
        for datagram in self.mail.outgoing.drain(..) {
            self.events
                .plan(now + self.scenario.ipc_delay, Event::ToAgent(datagram));
        }
        if let Some(Micros(at)) = self.datapath.poll_timeout() {
            let at = Time::from_micros(at).max(now);
            if self.datapath_planned.is_none_or(|planned| at < planned) {
                self.datapath_planned = Some(at);
                self.events.plan(at, Event::DatapathTimer);
            }
        }
    }

    fn begin_counting(&mut self) {
        self.counting_since = self.events.now();
        self.waits = Histogram::default();
        self.link_base = self.link.counters();
        self.agent_base = AgentResults::default();
        self.agent_base = self.agent_results();
        for flow in &mut self.flows {
            flow.begin_counting();
        }
    }

    fn agent_results(&self) -> AgentResults {
        let (stats, base) = (self.datapath.stats(), &self.agent_base);
        let refused = &stats.refused;
        let refused = [
            refused.malformed,
            refused.misdirected,
            refused.invalid_program,
            refused.table_full,
            refused.report_too_long,
            refused.unknown_flow,
            refused.closed_flow,
            refused.unknown_program,
            refused.not_settable,
        ];
        AgentResults {
            reports: stats.reports - base.reports,
            updates: stats.updates - base.updates,
            bytes_up: self.agent_counts.bytes_up - base.bytes_up,
            bytes_down: self.agent_counts.bytes_down - base.bytes_down,
            fallbacks: stats.fallbacks - base.fallbacks,
            traps: stats.traps.total() - base.traps,
            refused: refused.iter().sum::<u64>() - base.refused,
        }
    }

    fn micros(&self) -> Micros {
        Micros(self.events.now().as_micros())
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("now", &self.now())
            .field("scenario", &self.scenario)
            .finish_non_exhaustive()
    }
}

/// Where packets and acknowledgements are, apart from the link's own counters.
#[derive(Debug, Default)]
struct Census {
    sent: u64,
    propagating: u64,
    arrived: u64,
    acks_propagating: u64,
    acks_arrived: u64,
}

/// What the datapath has written to the agent and is not yet on its way; and buffers to use again.
#[derive(Debug, Default)]
struct Mail {
    agent_alive: bool,
    outgoing: Vec<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

impl Mail {
    fn copy(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(datagram);
        copy
    }

    fn recycle(&mut self, datagram: Vec<u8>) {
        self.spare.push(datagram);
    }
}

impl Sink for Mail {
    fn send(&mut self, datagram: &[u8]) -> Result<(), SinkError> {
        if !self.agent_alive {
            return Err(SinkError::Gone);
        }
        let copy = self.copy(datagram);
        self.outgoing.push(copy);
        Ok(())
    }
}

fn minus(now: LinkCounters, base: LinkCounters) -> LinkCounters {
    LinkCounters {
        offered: now.offered - base.offered,
        lost: now.lost - base.lost,
        dropped: now.dropped - base.dropped,
        sent: now.sent - base.sent,
        sent_bytes: now.sent_bytes - base.sent_bytes,
    }
}

/// Each use of randomness has a stream of its own, so that a new one never changes what the others draw.
const LOSS_STREAM: u128 = 1;

/// The longest packet (IP's length has 16 bits).
const MAX_PACKET: u32 = 65_535;
