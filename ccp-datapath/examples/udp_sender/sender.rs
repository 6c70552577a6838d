//! The sender's loop: what happens when. The places where a transport calls the engine are all here.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender as Channel};
use std::time::{Duration, Instant};

use ccp_datapath::{Config, Datapath, FlowHandle, FlowInfo, OpenError};
use ccp_lang::Micros;

use crate::agent::Agent;
use crate::args::Args;
use crate::control::{Control, INITIAL_WINDOW, MOST_WINDOW};
use crate::flight::{Flight, News};
use crate::packet::{Ack, Data, PACKET_LEN};
use crate::primitives;
use crate::progress::Progress;

/// The sending half of one connection, with an engine of its own. A stack with many connections has one engine for all,
/// or one for each of its threads.
pub(crate) struct Sender {
    started: Instant,
    args: Args,
    agent: Agent,
    datapath: Datapath,
    flow: FlowHandle,
    flight: Flight,
    control: Control,
    pub(crate) progress: Progress,
}

/// The connection's two ends, for the agent's eyes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

impl Sender {
    pub(crate) fn new(args: Args, agent: Agent, ends: Ends) -> Result<Self, OpenError> {
        let started = Instant::now();
        let mut config = Config::default();
        config.id = std::process::id();
        config.max_flows = 1;
        config.primitives = primitives::FILLED;
        config.max_cwnd = MOST_WINDOW;
        let mut datapath = Datapath::new(config, Micros(0));

        // The engine announces itself and the flow by the way; if no agent is there, it will go on trying.
        let info = FlowInfo::new(INITIAL_WINDOW as u32, PACKET_LEN as u32)
            .with_addrs(ends.local, ends.remote)
            .with_alg(&args.alg);
        let flow = datapath.open(info, Micros(0), &mut |d: &[u8]| agent.send(d))?;
        Ok(Self {
            started,
            agent,
            datapath,
            flow,
            flight: Flight::new(started),
            control: Control::new(started),
            progress: Progress::new(started),
            args,
        })
    }

    /// Sends until the time is over or `stop` is set, then closes the flow.
    pub(crate) fn run(
        &mut self,
        link: &Channel<(Instant, Data)>,
        acks: &Receiver<(Instant, Ack)>,
        stop: &AtomicBool,
    ) {
        let end = self.args.time.map(|time| self.started + time);
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            if end.is_some_and(|end| now >= end) {
                break;
            }
            // The agent's messages first: they may be the sign of life that a due timeout waits for.
            self.listen(now);
            self.on_timers(now);
            self.send(link, now);
            self.progress.show_if_due(now, &self.flight, &self.control, &self.datapath);

            let wait = self.next_event(end, now).saturating_duration_since(Instant::now());
            match acks.recv_timeout(wait) {
                Ok((at, ack)) => {
                    self.on_ack(&ack, at);
                    // What else has come in meanwhile, but not without end.
                    for (at, ack) in acks.try_iter().take(ACKS_AT_ONCE) {
                        self.on_ack(&ack, at);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let now = self.micros(Instant::now());
        let agent = &self.agent;
        // The flow is open until here, and a closing that does not get through changes nothing for us.
        let _ = self.datapath.close(self.flow, now, &mut |d: &[u8]| agent.send(d));
        self.progress.finish(Instant::now(), &self.flight, &self.control, &self.datapath);
    }

    /// Hands the agent's datagrams to the engine.
    fn listen(&mut self, now: Instant) {
        let now = self.micros(now);
        for _ in 0..DATAGRAMS_AT_ONCE {
            // The engine answers through the same socket, so the datagram is taken out of its buffer first.
            let Some(datagram) = self.agent.receive().map(<[u8]>::to_vec) else {
                return;
            };
            let agent = &self.agent;
            let handled =
                self.datapath.handle_datagram(&datagram, now, &mut |d: &[u8]| agent.send(d));
            if let Err(error) = handled {
                self.progress.note(&error);
            }
        }
    }

    /// An acknowledgement came in `at`.
    fn on_ack(&mut self, ack: &Ack, at: Instant) {
        let news = self.flight.on_ack(ack, at);
        self.consult(&news, at);
    }

    fn on_timers(&mut self, now: Instant) {
        if self.datapath.poll_timeout().is_some_and(|due| due <= self.micros(now)) {
            let now = self.micros(now);
            let agent = &self.agent;
            self.datapath.handle_timeout(now, &mut |d: &[u8]| agent.send(d));
        }
        if self.flight.timer().is_some_and(|due| due <= now) {
            // Losses found by time, and timeouts, are events of their own: the program must see them now, since no ACK
            // may follow.
            let news = self.flight.on_timer(now);
            if news.lost > 0 {
                self.consult(&news, now);
            }
        }
    }

    /// One invocation: describe the event, ask, and do as told.
    fn consult(&mut self, news: &News, at: Instant) {
        let primitives = primitives::describe(news, &self.flight, self.pending(at));
        let control = ccp_datapath::Control { cwnd: self.control.cwnd };
        let now = self.micros(at);
        let agent = &self.agent;
        let decision =
            self.datapath
                .on_ack(self.flow, &primitives, control, now, &mut |d: &[u8]| agent.send(d));
        // The flow is open as long as the loop runs.
        if let Ok(decision) = decision {
            self.control.apply(&decision, &primitives, news.lost > 0);
        }
        self.progress.count(news, self.control.governor);
    }

    /// Sends what window, pacing and data allow.
    fn send(&mut self, link: &Channel<(Instant, Data)>, now: Instant) {
        let written = self.written(now);
        while self.control.window_open(self.flight.bytes_in_flight()) {
            if !self.flight.has_data(written) {
                // Window open, nothing to send: the application is the limit, and its packets are marked so.
                self.flight.app_limited();
                return;
            }
            if self.control.next_send() > now {
                return;
            }
            let data = self.flight.send(now);
            self.control.sent(now, self.flight.rtt.smoothed);
            if link.send((now, data)).is_err() {
                return;
            }
        }
    }

    /// When the loop must look again, whatever comes in.
    fn next_event(&self, end: Option<Instant>, now: Instant) -> Instant {
        let can_send = self.control.window_open(self.flight.bytes_in_flight())
            && self.flight.has_data(self.written(now));
        // The agent's socket and our acknowledgements cannot be waited for together with std alone; a stack with an
        // event loop registers both there. Here the agent's waits for one millisecond at most.
        let mut next = now + Duration::from_millis(1);
        for event in [can_send.then(|| self.control.next_send()), self.flight.timer(), end]
            .into_iter()
            .flatten()
        {
            next = next.min(event);
        }
        next
    }

    /// Chunks the application has written so far: it keeps a send buffer full, or writes at its own rate into it.
    fn written(&self, now: Instant) -> u64 {
        let room =
            self.flight.edge() + (SEND_BUFFER.max(self.control.cwnd * 2)) / PACKET_LEN as u64;
        match self.args.app_rate {
            None => room,
            Some(rate) => {
                let us = self.micros(now).0;
                let written = u128::from(us) * u128::from(rate) / 1_000_000 / PACKET_LEN as u128;
                room.min(u64::try_from(written).unwrap_or(u64::MAX))
            }
        }
    }

    /// Bytes written and not acknowledged.
    fn pending(&self, now: Instant) -> u64 {
        self.written(now).saturating_sub(self.flight.arrived()) * PACKET_LEN as u64
    }

    /// The engine's time: microseconds since the start.
    fn micros(&self, at: Instant) -> Micros {
        Micros(
            at.saturating_duration_since(self.started).as_micros().try_into().unwrap_or(u64::MAX),
        )
    }
}

/// A socket's send buffer.
const SEND_BUFFER: u64 = 1 << 20;

/// An agent that floods us must not keep us from sending.
const DATAGRAMS_AT_ONCE: usize = 32;

/// Acknowledgements worked in before the loop looks at its timers again.
const ACKS_AT_ONCE: usize = 64;
