//! The loop itself: takes the next event, lets the part it concerns act, and plans what follows.

mod mail;
mod path;

use core::fmt;
use core::time::Duration;

use ccp_datapath::{BASE_PRIMITIVES, Config, Control, Datapath, FlowInfo, Micros};
use ccp_ipc::BackendBuilder;
use ccp_runtime::RunError;
use rand_pcg::Pcg64;

use crate::SimError;
use crate::agent::{AgentSide, AgentSteps};
use crate::cross::CrossState;
use crate::events::Events;
use crate::flow::{FlowState, PRIMITIVES, primitives};
use crate::histogram::Histogram;
use crate::link::{Bottleneck, LinkCounters, Offered};
use crate::packet::{Ack, Packet};
use crate::results::{AgentResults, Governor, LinkSample, Results};
use crate::scenario::{AgentSocket, Scenario};
use crate::sender::Sample;
use crate::time::Time;

use mail::Mail;
use path::Path;

pub(crate) use path::Line;

/// A simulation under way: for looking at it between two times, or for losing the agent in the middle.
///
/// [`Scenario::run`] does the same in one call.
pub struct Sim {
    scenario: Scenario,
    events: Events<Event>,
    link: Bottleneck,
    path: Path,
    flows: Vec<FlowState>,
    cross: Vec<CrossState>,
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
    link_base: (LinkCounters, u128),
    agent_base: AgentResults,
    counting_since: Time,
    samples: Vec<LinkSample>,
}

enum Event {
    Start(usize),
    Stop(usize),
    /// The packet at the head of the link's queue has been sent.
    Departure,
    /// A packet reaches its receiver, and an acknowledgement its sender. Laid out here, not as what they are made of, so
    /// that a planned event fits a cache line: there are as many as packets under way.
    Arrival {
        flow: u32,
        segment: u64,
        transmission: u64,
        wire_len: u32,
        sent_at: Time,
        ecn: bool,
        marked: bool,
    },
    Ack {
        flow: u32,
        cumulative: u64,
        segment: u64,
        transmission: u64,
        sent_at: Time,
        marked: bool,
    },
    /// The next packet of cross traffic comes.
    Cross(usize),
    /// The link changes.
    Change(usize),
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

const _: () = assert!(size_of::<Option<Event>>() <= 40, "a planned event fits a cache line");

impl From<Packet> for Event {
    fn from(packet: Packet) -> Self {
        let Packet { flow, segment, transmission, wire_len, sent_at, ecn, marked } = packet;
        Self::Arrival { flow, segment, transmission, wire_len, sent_at, ecn, marked }
    }
}

impl Sim {
    /// Sets everything up at time 0, without an agent.
    ///
    /// # Errors
    /// The scenario makes no sense.
    pub fn new(scenario: &Scenario) -> Result<Self, SimError> {
        scenario.check()?;
        let mut config = Config::default();
        config.max_flows = u32::try_from(scenario.flows.len()).unwrap_or(u32::MAX);
        config.primitives = if scenario.libccp { BASE_PRIMITIVES } else { PRIMITIVES };

        let link = &scenario.link;
        let stream = |stream| Pcg64::new(scenario.seed.into(), stream);
        let flows = scenario.flows.iter().enumerate();
        let cross = scenario.cross.iter().zip(scenario.flows.len()..);
        let mut sim = Self {
            events: Events::new(),
            link: Bottleneck::new(link, stream(LOSS_STREAM)),
            path: Path::new(link, stream(PATH_STREAM)),
            flows: flows.map(|(index, flow)| FlowState::new(index, flow, link.rtt)).collect(),
            cross: cross
                .map(|(cross, id)| CrossState::new(cross, u32::try_from(id).unwrap_or(u32::MAX)))
                .collect(),
            datapath: Datapath::new(config, Micros(0)),
            agent: None,
            mail: Mail::new(scenario.ipc_loss, stream(IPC_STREAM)),
            datapath_planned: None,
            agent_planned: None,
            census: Census::default(),
            waits: Histogram::default(),
            agent_counts: AgentResults::default(),
            link_base: (LinkCounters::default(), 0),
            agent_base: AgentResults::default(),
            counting_since: Time::ZERO,
            samples: Vec::new(),
            scenario: scenario.clone(),
        };
        sim.plan_the_scenario();
        sim.after_datapath();
        Ok(sim)
    }

    fn plan_the_scenario(&mut self) {
        let Self { scenario, events, .. } = self;
        for (index, change) in scenario.link.changes.iter().enumerate() {
            events.plan(change.at.into(), Event::Change(index));
        }
        for (index, flow) in scenario.flows.iter().enumerate() {
            events.plan(flow.start.into(), Event::Start(index));
            if let Some(stop) = flow.stop {
                events.plan(stop.into(), Event::Stop(index));
            }
        }
        for (index, cross) in self.cross.iter().enumerate() {
            if let Some(at) = cross.next_at() {
                events.plan(at, Event::Cross(index));
            }
        }
        if !scenario.sample_every.is_zero() {
            events.plan(Time::ZERO, Event::Sample);
        }
        if !scenario.measure_from.is_zero() {
            events.plan(scenario.measure_from.into(), Event::Count);
        }
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
        self.mail.set_agent_alive(true);
        self.step_agent()
    }

    /// Ends the agent now, as when its process is killed: it says nothing, and what is under way to it is lost.
    pub fn drop_agent(&mut self) {
        self.agent = None;
        self.agent_planned = None;
        self.mail.set_agent_alive(false);
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
            && link.sent == census.propagating + census.arrived + census.cross_arrived
            && census.arrived == census.acks_propagating + census.acks_arrived
    }

    /// What was found so far.
    pub fn results(&self) -> Results {
        let now = self.events.now();
        let time = Duration::from_nanos(now.since(self.counting_since));
        let (link_base, capacity_base) = self.link_base;
        let link = self.link.counters().since(link_base);
        let capacity = (self.link.capacity(now) - capacity_base) as f64 / 1e9;
        let part = |bytes: u64| {
            if capacity > 0.0 { bytes as f64 * 8.0 / capacity } else { 0.0 }
        };
        let flows = self.flows.iter().zip(&self.scenario.flows);
        let mut flows: Vec<_> = flows.map(|(state, flow)| state.results(&flow.alg, time)).collect();
        for flow in &mut flows {
            flow.utilisation = part(flow.wire_bytes);
        }
        let mut cross: Vec<_> = self.cross.iter().map(|cross| cross.results(time)).collect();
        for cross in &mut cross {
            cross.utilisation = part(cross.wire_bytes);
        }
        Results {
            time,
            rate: self.scenario.link.rate,
            utilisation: part(link.sent_bytes),
            queue_mean: self.waits.mean(),
            queue_p95: self.waits.percentile(95),
            link,
            flows,
            cross,
            agent: self.agent_results(),
            samples: self.samples.clone(),
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
            Event::Arrival { flow, segment, transmission, wire_len, sent_at, ecn, marked } => {
                self.arrive(&Packet {
                    flow,
                    segment,
                    transmission,
                    wire_len,
                    sent_at,
                    ecn,
                    marked,
                });
            }
            Event::Ack { flow, cumulative, segment, transmission, sent_at, marked } => {
                let ack = Ack { cumulative, segment, transmission, sent_at, marked };
                let flow = flow as usize;
                self.census.acks_propagating -= 1;
                self.census.acks_arrived += 1;
                let sample = self.flows[flow].sender.handle_ack(&ack, self.events.now());
                self.invoke(flow, &sample);
                self.finish_if_done(flow);
                self.send(flow);
            }
            Event::Cross(index) => {
                let now = self.events.now();
                let cross = &mut self.cross[index];
                let packet = cross.send(now);
                if let Some(at) = cross.next_at() {
                    self.events.plan(at, Event::Cross(index));
                }
                self.offer(packet, now);
            }
            Event::Change(index) => self.change(index),
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
                let _ = self.datapath.handle_datagram(&datagram, now, &mut self.mail);
                self.mail.recycle(datagram);
                self.after_datapath();
            }
            Event::Sample => {
                let now = self.events.now();
                let queued = self.link.queued();
                for flow in &mut self.flows {
                    if let Some(handle) = flow.handle {
                        let (agent, datapath) = (self.agent.as_ref(), &self.datapath);
                        let program = datapath.program(handle);
                        let value = |name| {
                            let reg = agent?.variable(program?, name)?;
                            datapath.register(handle, reg)
                        };
                        let watched = self.scenario.watch.iter();
                        flow.watch(watched.map(|name| (name, value(name))));
                        let told = value(SSTHRESH);
                        flow.sample(now, queued, told);
                    }
                }
                let link = self.link.counters();
                self.samples.push(LinkSample {
                    at: now.as_duration(),
                    queued,
                    queued_bytes: self.link.queued_bytes(),
                    sent_bytes: link.sent_bytes,
                    lost: link.lost,
                    dropped: link.dropped,
                    marked: link.marked,
                });
                self.events.plan(now + self.scenario.sample_every, Event::Sample);
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
        // It may have nothing to send.
        self.finish_if_done(flow);
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
            let _ = self.datapath.close(handle, Micros(now.as_micros()), &mut self.mail);
            self.after_datapath();
        }
    }

    /// Tells the datapath of an acknowledgement or a timeout, and does what it decides.
    fn invoke(&mut self, flow: usize, sample: &Sample) {
        let now = self.micros();
        let state = &mut self.flows[flow];
        let Some(handle) = state.handle else { return };
        let primitives = primitives(sample);
        let control = Control { cwnd: state.sender.cwnd() };
        let decided = self.datapath.on_ack(handle, &primitives, control, now, &mut self.mail);
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
            self.offer(packet, now);
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

    fn offer(&mut self, packet: Packet, now: Time) {
        self.census.sent += 1;
        match self.link.offer(packet, now) {
            Offered::Lost => self.count_lost(packet.flow),
            Offered::Dropped => self.count_dropped(packet.flow),
            Offered::Queued => {}
            Offered::Sending { until } => self.events.plan(until, Event::Departure),
        }
    }

    fn depart(&mut self) {
        let now = self.events.now();
        let Some(departed) = self.link.depart(now) else {
            return;
        };
        let packet = departed.packet;
        if let Some(next) = departed.next {
            self.events.plan(next, Event::Departure);
        }
        while let Some(flow) = self.link.pop_dropped_at_head() {
            self.count_dropped(flow);
        }
        self.waits.add(departed.waited);
        match self.flows.get_mut(packet.flow as usize) {
            Some(flow) => {
                flow.count_through(packet.wire_len, departed.waited);
                let at = self.path.arrival(&mut flow.forward, now);
                self.census.propagating += 1;
                self.events.plan(at, packet.into());
            }
            None => {
                self.census.cross_arrived += 1;
                if let Some(cross) = self.cross_of(packet.flow) {
                    cross.count_through(packet.wire_len);
                }
            }
        }
    }

    fn count_lost(&mut self, flow: u32) {
        match self.flows.get_mut(flow as usize) {
            Some(flow) => flow.count_lost(),
            None => {
                if let Some(cross) = self.cross_of(flow) {
                    cross.count_lost();
                }
            }
        }
    }

    fn count_dropped(&mut self, flow: u32) {
        match self.flows.get_mut(flow as usize) {
            Some(flow) => flow.count_dropped(),
            None => {
                if let Some(cross) = self.cross_of(flow) {
                    cross.count_dropped();
                }
            }
        }
    }

    /// Cross traffic has the numbers after those of the flows.
    fn cross_of(&mut self, id: u32) -> Option<&mut CrossState> {
        let index = (id as usize).checked_sub(self.flows.len())?;
        self.cross.get_mut(index)
    }

    fn change(&mut self, index: usize) {
        let now = self.events.now();
        let change = &self.scenario.link.changes[index];
        if let Some(rate) = change.rate {
            self.link.set_rate(rate, now);
        }
        if let Some(loss) = change.loss {
            self.link.set_loss(loss);
        }
        if let Some(rtt) = change.rtt {
            for flow in &mut self.flows {
                flow.set_link_rtt(rtt);
            }
        }
    }

    fn arrive(&mut self, packet: &Packet) {
        self.census.propagating -= 1;
        self.census.arrived += 1;
        let index = packet.flow as usize;
        let flow = &mut self.flows[index];
        let ack = flow.receiver.on_packet(packet);
        self.census.acks_propagating += 1;
        let at = flow.back.arrival(self.events.now(), Duration::ZERO);
        let Ack { cumulative, segment, transmission, sent_at, marked } = ack;
        let flow = packet.flow;
        self.events
            .plan(at, Event::Ack { flow, cumulative, segment, transmission, sent_at, marked });
    }

    fn step_agent(&mut self) -> Result<(), SimError> {
        let now = self.events.now();
        let Some(agent) = &mut self.agent else {
            return Ok(());
        };
        let (events, mail, delay) = (&mut self.events, &mut self.mail, self.scenario.ipc_delay);
        agent.step(now.as_duration(), |datagram| {
            if let Some(datagram) = mail.take(datagram) {
                events.plan(now + delay, Event::ToDatapath(datagram));
            }
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
        for datagram in self.mail.outgoing() {
            self.events.plan(now + self.scenario.ipc_delay, Event::ToAgent(datagram));
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
        let now = self.events.now();
        self.link_base = (self.link.counters(), self.link.capacity(now));
        self.agent_base = AgentResults::default();
        self.agent_base = self.agent_results();
        for flow in &mut self.flows {
            flow.begin_counting();
        }
        for cross in &mut self.cross {
            cross.begin_counting();
        }
    }

    fn agent_results(&self) -> AgentResults {
        let (stats, base) = (self.datapath.stats(), &self.agent_base);
        let refused = &stats.refused;
        let refused = [
            refused.malformed,
            refused.misdirected,
            refused.invalid_program,
            refused.missing_primitive,
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
            lost: self.mail.lost() - base.lost,
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
    cross_arrived: u64,
    acks_propagating: u64,
    acks_arrived: u64,
}

/// What programs call the slow start threshold if they have one: results show a variable of that name.
const SSTHRESH: &str = "ssthresh";

/// Each use of randomness has a stream of its own, so that a new one never changes what the others draw.
const LOSS_STREAM: u128 = 1;
const PATH_STREAM: u128 = 2;
const IPC_STREAM: u128 = 3;
