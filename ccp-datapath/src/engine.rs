//! The engine: what a transport calls.

use alloc::{vec, vec::Vec};

use ccp_lang::{Call, Limits, Micros, Primitives, Reg, Trap};
use ccp_wire::{FlowId, Hello, HelloFlags, MeasureRepr, ProgramUid, Ready};

use crate::{
    announcement::Announcement,
    config::{AGENT_BUFFER_LEN, Config, FlowInfo},
    error::{NoSuchFlow, OpenError},
    flows::{Flow, Flows},
    programs::ProgramTable,
    session::{NEVER, Session},
    sink::{Sink, SinkError},
    stats::{Stats, Traps, bump},
};

mod messages;
mod out;

pub use messages::Handled;
use out::{Closings, Out};

/// The datapath of one transport: its flows, the agent's programs, and who governs.
///
/// It is plain state. Bytes, primitives and the time go in; datagrams for the agent go out through a [`Sink`], control
/// values as return values. It reads no clock, owns no socket, and starts nothing by itself.
///
/// # Calls
/// * **Inputs**: [`handle_datagram`](Self::handle_datagram) for every datagram from the agent,
///   [`on_ack`](Self::on_ack) for every ACK and every retransmission timeout of a flow,
///   [`handle_timeout`](Self::handle_timeout) once the time of [`poll_timeout`](Self::poll_timeout) has come.
/// * **Commands**: [`open`](Self::open) and [`close`](Self::close) for flows.
/// * **Outputs**: [`poll_timeout`](Self::poll_timeout), to be asked again after any other call. The first answer is
///   "at once": that is when Ready goes out.
/// * **Getters**: the rest.
///
/// After a pause, hand in the waiting datagrams before `handle_timeout`, so that an agent is not taken for dead whose
/// messages are only unread.
///
/// # Time
/// `now` counts microseconds from any zero the transport likes. Equal values are fine, for days. A value below an
/// earlier one counts as that earlier one.
///
/// # What an ACK costs
/// [`on_ack`](Self::on_ack) takes no lock and allocates nothing. Allocation happens in `new`, `open`, and for an
/// Install.
#[derive(Debug)]
pub struct Datapath {
    config: Config,
    start: Micros,
    /// The latest time seen. Like every time inside, microseconds since `start`.
    now: u64,
    /// When the session or a closing has something to do; [`NEVER`] if not.
    deadline: u64,
    session: Session,
    programs: ProgramTable,
    flows: Flows,
    closings: Closings,
    /// Datagrams are written here.
    scratch: Vec<u8>,
    stats: Stats,
}

/// A flow of a [`Datapath`], until it is closed. Its number is the flow's id on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowHandle(FlowId);

/// What the transport says of its control at an ACK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// The window it uses now, in bytes.
    pub cwnd: u64,
}

/// Whose window and rate a flow follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Governor {
    /// The agent's program. The transport leaves the window as it is until told.
    Agent,
    /// The transport's own rule: the agent has not set a program yet.
    Transport,
    /// The transport's own rule: the agent is gone.
    Fallback,
}

/// What comes out of one ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Who governs the flow.
    pub governor: Governor,
    /// The window to use from now on, in bytes; never 0. It may be smaller than a segment.
    pub cwnd: Option<u64>,
    /// The rate to pace at from now on, in bytes/s; never 0. While none was given, the transport paces by its own rule.
    pub rate: Option<u64>,
    /// The program made a report.
    pub reported: bool,
    /// The program ended in an arithmetic error.
    pub trap: Option<Trap>,
}

impl Datapath {
    /// A datapath without flows. Nothing is sent before the first other call.
    pub fn new(mut config: Config, now: Micros) -> Self {
        // 0 would mean "no change".
        config.max_cwnd = config.max_cwnd.max(1);
        config.max_rate = config.max_rate.max(1);
        let flows = Flows::new(config.max_flows);
        Self {
            start: now,
            now: 0,
            deadline: 0,
            session: Session::new(config.fallback_after.0, config.keep_alive),
            programs: ProgramTable::new(config.max_programs),
            closings: Closings::new((flows.max() as usize).min(MOST_CLOSINGS)),
            flows,
            scratch: vec![0; AGENT_BUFFER_LEN],
            stats: Stats::default(),
            config,
        }
    }

    /// Opens a flow and announces it to the agent, now or, if that fails, at a later ACK of the flow.
    ///
    /// # Errors
    /// No room for another flow, or a name that cannot be sent. Nothing has changed then.
    pub fn open(
        &mut self,
        info: FlowInfo<'_>,
        now: Micros,
        sink: &mut (impl Sink + ?Sized),
    ) -> Result<FlowHandle, OpenError> {
        let t = self.advance(now, sink);
        let full = OpenError::TooManyFlows { max: self.flows.max() };
        let id = self.flows.next_id().ok_or(full)?;
        let announcement = Announcement::new(id, &info);
        // Later nobody could be told that it cannot be written.
        announcement.encode(None, &mut self.scratch)?;
        self.flows.insert(Flow::new(announcement, t)).ok_or(full)?;
        if let Some(flow) = self.flows.get_mut(id) {
            let mut out =
                Out { session: &mut self.session, stats: &mut self.stats, sink, t, tried: false };
            out.announce(flow, None, &mut self.scratch);
        }
        self.rearm();
        Ok(FlowHandle(id))
    }

    /// Closes a flow and tells the agent, now or, if its queue is full, a little later. The handle is void afterwards.
    ///
    /// # Errors
    /// The flow is not open.
    pub fn close(
        &mut self,
        flow: FlowHandle,
        now: Micros,
        sink: &mut (impl Sink + ?Sized),
    ) -> Result<(), NoSuchFlow> {
        let t = self.advance(now, sink);
        let id = flow.0;
        let flow = self.flows.remove(id).map_err(|_| NoSuchFlow { flow: id })?;
        // In fallback the next Ready tells the agent to forget all flows.
        if flow.known && !self.session.in_fallback() {
            self.send_close(id, t, sink);
            self.rearm();
        }
        Ok(())
    }

    /// Takes in one ACK, or one retransmission timeout (with `Flow.was_timeout` set), of a flow.
    ///
    /// `primitives` describe the ACK; `Ack.now` in them is ignored in favour of `now`. `control` is what the transport
    /// uses at this moment. The caller does what the [`Decision`] says.
    ///
    /// # Errors
    /// The flow is not open.
    pub fn on_ack(
        &mut self,
        flow: FlowHandle,
        primitives: &Primitives,
        control: Control,
        now: Micros,
        sink: &mut (impl Sink + ?Sized),
    ) -> Result<Decision, NoSuchFlow> {
        let t = self.advance(now, sink);
        let id = flow.0;
        let flow = self.flows.get_mut(id).ok_or(NoSuchFlow { flow: id })?;
        if self.session.in_fallback() {
            return Ok(Decision::by(Governor::Fallback));
        }
        let mut out =
            Out { session: &mut self.session, stats: &mut self.stats, sink, t, tried: false };
        if out.announce(flow, Some(control.cwnd), &mut self.scratch) {
            let decision = Decision::by(flow.governor());
            self.rearm();
            return Ok(decision);
        }

        let switched = flow.switch.is_some();
        if switched {
            flow.program = flow.switch.take();
            flow.is_stale = false;
        }
        let scratch = &mut self.scratch[..];
        let outcome = match &flow.program {
            None => flow.staged.apply(&mut flow.registers),
            Some(installed) => {
                let call = Call {
                    now: Micros(t),
                    primitives,
                    cwnd: control.cwnd,
                    rate: flow.rate,
                    switched,
                    staged: &mut flow.staged,
                };
                let is_stale = flow.is_stale;
                installed.program.invoke(&mut flow.registers, call, |fields| {
                    if is_stale {
                        bump(&mut out.stats.reports_stale);
                        return;
                    }
                    let report = MeasureRepr { flow: id, program_uid: installed.uid, fields };
                    out.report(report, scratch);
                })
            }
        };

        let mut decision = Decision::by(flow.governor());
        decision.cwnd = outcome.cwnd.map(|cwnd| cwnd.min(self.config.max_cwnd));
        decision.rate = outcome.rate.map(|rate| rate.min(self.config.max_rate));
        decision.reported = outcome.reported;
        decision.trap = outcome.trap;
        if let Some(rate) = decision.rate {
            flow.rate = rate;
        }
        if let Some(trap) = outcome.trap {
            flow.traps.count(trap);
            out.stats.traps.count(trap);
        }
        if out.tried {
            self.rearm();
        }
        Ok(decision)
    }

    /// Does what is due: Ready and Hello, closings that wait, the fallback.
    ///
    /// Too early a call does nothing, and the other calls do the same work by the way.
    pub fn handle_timeout(&mut self, now: Micros, sink: &mut (impl Sink + ?Sized)) {
        self.advance(now, sink);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if ever. May lie in the past.
    pub fn poll_timeout(&self) -> Option<Micros> {
        (self.deadline != NEVER).then(|| self.start.saturating_add(Micros(self.deadline)))
    }

    /// Whether the agent is gone and every flow follows the transport's own rule.
    pub fn in_fallback(&self) -> bool {
        self.session.in_fallback()
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many flows are open.
    pub fn open_flows(&self) -> usize {
        self.flows.len()
    }

    /// How many programs the agent's current run has installed.
    pub fn installed_programs(&self) -> usize {
        self.programs.len()
    }

    /// A flow's invocations that ended in a trap, by kind; `None` when it is not open.
    pub fn traps(&self, flow: FlowHandle) -> Option<Traps> {
        self.flows.get(flow.0).map(|flow| flow.traps)
    }

    /// The program that a flow runs, by the uid of the agent that installed it; `None` without one.
    pub fn program(&self, flow: FlowHandle) -> Option<ProgramUid> {
        Some(self.flows.get(flow.0)?.program.as_ref()?.uid)
    }

    /// What one of a flow's registers holds after the last invocation, for looking on: an agent is told by reports.
    pub fn register(&self, flow: FlowHandle, reg: Reg) -> Option<u64> {
        self.flows.get(flow.0)?.registers.get(reg)
    }

    /// The time inside, after what was due at it.
    #[inline]
    fn advance(&mut self, now: Micros, sink: &mut (impl Sink + ?Sized)) -> u64 {
        let t = now.saturating_sub(self.start).0.max(self.now);
        self.now = t;
        if t >= self.deadline {
            self.do_due(t, sink);
        }
        t
    }

    #[cold]
    fn do_due(&mut self, t: u64, sink: &mut (impl Sink + ?Sized)) {
        let due = self.session.tick(t);
        if due.fallback {
            self.begin_fallback();
        }
        if due.ready {
            self.send_ready(t, sink);
        }
        while let Some(id) = self.closings.due(t) {
            if !self.send_close(id, t, sink) {
                self.closings.put_off(t);
                break;
            }
        }
        self.rearm();
    }

    fn begin_fallback(&mut self) {
        bump(&mut self.stats.fallbacks);
        self.forget_closings();
        for flow in self.flows.iter_mut() {
            flow.drop_staged();
            // The transport paces by its own rule now, and an old rate must not come back with the program.
            flow.rate = 0;
        }
    }

    /// The agent starts from nothing, so it need not hear which of its flows have closed.
    fn forget_closings(&mut self) {
        for _ in 0..self.closings.clear() {
            bump(&mut self.stats.closes_lost);
        }
    }

    fn send_ready(&mut self, t: u64, sink: &mut (impl Sink + ?Sized)) {
        let ready = Ready { id: self.config.id };
        let hello = Hello {
            flags: if self.config.keep_alive {
                HelloFlags::WANTS_KEEPALIVE
            } else {
                HelloFlags::default()
            },
            primitives: self.config.primitives,
            max_programs: self.config.max_programs,
            max_instrs: self.config.limits.min(Limits::MACHINE).max_instrs,
        };
        // One datagram: either both arrive or neither.
        let Ok(ready_len) = ready.encode(&mut self.scratch) else {
            return;
        };
        let Ok(hello_len) = hello.encode(&mut self.scratch[ready_len..]) else {
            return;
        };
        let mut out =
            Out { session: &mut self.session, stats: &mut self.stats, sink, t, tried: false };
        if out.send(&self.scratch[..ready_len + hello_len]).is_ok() {
            self.session.ready_sent();
            bump(&mut self.stats.readies);
        }
    }

    /// Returns whether it is worth trying the next one.
    fn send_close(&mut self, id: FlowId, t: u64, sink: &mut (impl Sink + ?Sized)) -> bool {
        let mut out =
            Out { session: &mut self.session, stats: &mut self.stats, sink, t, tried: false };
        let sent = match MeasureRepr::close(id).encode(&mut self.scratch) {
            Ok(len) => out.send(&self.scratch[..len]),
            Err(_) => return true,
        };
        match sent {
            Ok(()) => bump(&mut self.stats.closes),
            Err(SinkError::Full) => {
                if self.closings.push(id, t) {
                    bump(&mut self.stats.closes_lost);
                }
            }
            Err(_) => bump(&mut self.stats.closes_lost),
        }
        sent.is_ok()
    }

    fn rearm(&mut self) {
        self.deadline = self.session.deadline().min(self.closings.deadline());
    }
}

impl FlowHandle {
    /// The flow's id on the wire.
    pub const fn id(self) -> FlowId {
        self.0
    }
}

impl Decision {
    /// No news: keep what is in use, under this governor.
    const fn by(governor: Governor) -> Self {
        Self { governor, cwnd: None, rate: None, reported: false, trap: None }
    }
}

impl Flow {
    fn governor(&self) -> Governor {
        if self.program.is_some() { Governor::Agent } else { Governor::Transport }
    }
}

/// More closings than this are not kept for an agent that does not read.
const MOST_CLOSINGS: usize = 1024;
