//! A datapath with one flow that does everything right, and expects to be served.

use std::path::Path;
use std::time::{Duration, Instant};

use ccp_datapath::{Config, Control, Datapath, FlowHandle, FlowInfo, Governor, SinkError, Stats};
use ccp_ipc::unix::{Addr, Options, Socket};
use ccp_ipc::{Ipc, Nonblocking, Received, SendError};
use ccp_lang::{Micros, Primitive, Primitives};

/// A real engine on a real socket, with a transport that has nothing but round trips of a
/// millisecond.
pub(crate) struct Good {
    link: Link,
    pub(crate) engine: Datapath,
    pub(crate) flow: FlowHandle,
    cwnd: u64,
    start: Instant,
    buf: Vec<u8>,
    rounds: u64,
    after_loss: bool,
    pub(crate) service: Service,
}

/// How well the flow was served.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Service {
    /// Reports that were answered.
    pub(crate) decisions: u64,
    /// Reports for which the agent's queue had no room.
    pub(crate) crowded_out: u64,
    /// The most of those before one that had.
    pub(crate) crowded_out_in_a_row: u64,
    /// The longest time from a report to its answer.
    pub(crate) slowest: Duration,
    pub(crate) total: Duration,
}

struct Link {
    socket: Socket<Nonblocking>,
    agent: Addr,
}

impl Link {
    fn send(&self, datagram: &[u8]) -> Result<(), SinkError> {
        self.socket.try_send(datagram, &self.agent).map_err(|error| match error {
            SendError::Full => SinkError::Full,
            _ => SinkError::Gone,
        })
    }
}

impl Good {
    /// Opens a flow and waits until the agent governs it.
    pub(crate) fn open(folder: &Path, config: Config) -> Self {
        let socket: Socket<Nonblocking> = Options::new().folder(folder).bind("good").unwrap();
        let agent = socket.peer("portus").unwrap();
        let link = Link { socket, agent };
        let start = Instant::now();
        let mut engine = Datapath::new(config, Micros(0));
        let info = FlowInfo::new(10 * MSS as u32, MSS as u32).with_alg("reno");
        let flow = engine.open(info, Micros(0), &mut |d: &[u8]| link.send(d)).unwrap();
        let mut good = Self {
            link,
            engine,
            flow,
            cwnd: 10 * MSS,
            start,
            buf: vec![0; ccp_wire::MAX_MESSAGE_LEN],
            rounds: 0,
            after_loss: false,
            service: Service::default(),
        };
        while good.ack(0, 0) != Governor::Agent {
            assert!(start.elapsed() < PATIENCE, "the agent does not take the flow over");
            good.listen();
            std::thread::sleep(ROUND);
        }
        good
    }

    /// Goes on until the agent has decided once more: by a window that has grown by a segment, or
    /// at times been halved.
    pub(crate) fn decide(&mut self) {
        let lost = u64::from(self.rounds.is_multiple_of(LOSS_EVERY));
        self.rounds += 1;
        let begun = Instant::now();
        let mut crowded_out = 0;
        let before = loop {
            std::thread::sleep(ROUND);
            self.listen();
            let before = *self.engine.stats();
            // The last answer takes effect with an ACK of nothing. Then come a full window, by
            // which it grows, so that every report has an answer; after a reduction so many that
            // the loss is repaired as well.
            self.ack(0, 0);
            let windows = if self.after_loss { 8 } else { 1 };
            self.ack(windows, lost);
            if self.engine.stats().reports > before.reports {
                break before;
            }
            crowded_out += self.engine.stats().reports_lost - before.reports_lost;
            assert!(begun.elapsed() < PATIENCE, "no room for a report: {:?}", self.engine.stats());
        };
        self.after_loss = lost > 0;
        let sent = Instant::now();
        while self.engine.stats().updates == before.updates {
            self.listen();
            assert!(
                sent.elapsed() < PATIENCE,
                "a report without answer: {:?}",
                self.engine.stats()
            );
            std::thread::yield_now();
        }
        let service = &mut self.service;
        service.decisions += 1;
        service.crowded_out += crowded_out;
        service.crowded_out_in_a_row = service.crowded_out_in_a_row.max(crowded_out);
        service.slowest = service.slowest.max(sent.elapsed());
        service.total += sent.elapsed();
    }

    /// Takes in what the agent has sent.
    pub(crate) fn listen(&mut self) {
        let now = self.now();
        loop {
            match self.link.socket.recv(&mut self.buf, Some(Duration::ZERO)).unwrap() {
                Received::Datagram { len, from } if from == self.link.agent => {
                    let link = &self.link;
                    let handled =
                        self.engine
                            .handle_datagram(&self.buf[..len], now, &mut |d: &[u8]| link.send(d));
                    // An answer may come after the end of a flow; nothing else is wrong with what
                    // the agent says.
                    if let Err(error) = handled {
                        assert!(
                            matches!(error, ccp_datapath::MessageError::ClosedFlow { .. }),
                            "{error}"
                        );
                    }
                }
                Received::Datagram { .. } | Received::Woken => {}
                Received::TimedOut => break,
            }
        }
        if self.engine.poll_timeout().is_some_and(|due| due <= now) {
            let link = &self.link;
            self.engine.handle_timeout(now, &mut |d: &[u8]| link.send(d));
        }
    }

    /// Hands the engine a datagram as if it had come from the agent.
    pub(crate) fn feed(&mut self, datagram: &[u8]) {
        let (now, link) = (self.now(), &self.link);
        let _ = self.engine.handle_datagram(datagram, now, &mut |d: &[u8]| link.send(d));
    }

    /// Opens one more flow in the same engine.
    pub(crate) fn open_another(&mut self) -> Option<FlowHandle> {
        let (now, link) = (self.now(), &self.link);
        self.engine.open(FlowInfo::new(14_480, 1_448), now, &mut |d: &[u8]| link.send(d)).ok()
    }

    pub(crate) fn close_another(&mut self, flow: FlowHandle) {
        let (now, link) = (self.now(), &self.link);
        self.engine.close(flow, now, &mut |d: &[u8]| link.send(d)).unwrap();
    }

    /// An ACK of another flow.
    pub(crate) fn ack_another(&mut self, flow: FlowHandle, primitives: &Primitives, cwnd: u64) {
        let (now, link) = (self.now(), &self.link);
        let decision = self
            .engine
            .on_ack(flow, primitives, Control { cwnd }, now, &mut |d: &[u8]| link.send(d))
            .unwrap();
        assert!(decision.cwnd != Some(0) && decision.rate != Some(0), "{decision:?}");
    }

    fn ack(&mut self, windows: u64, lost: u64) -> Governor {
        let bytes = windows * self.cwnd;
        let primitives = Primitives::new()
            .with(Primitive::AckBytesAcked, bytes)
            .with(Primitive::AckPacketsAcked, bytes / MSS)
            .with(Primitive::AckLostPktsSample, lost)
            // Without a sample no report is due.
            .with(Primitive::FlowRttSampleUs, if bytes > 0 { ROUND_US } else { 0 });
        let (now, link) = (self.now(), &self.link);
        let control = Control { cwnd: self.cwnd };
        let decision = self
            .engine
            .on_ack(self.flow, &primitives, control, now, &mut |d: &[u8]| link.send(d))
            .unwrap();
        if self.rounds > 0 {
            assert_eq!(decision.governor, Governor::Agent, "{:?}", self.engine.stats());
            assert_eq!(decision.trap, None);
        }
        self.cwnd = decision.cwnd.unwrap_or(self.cwnd);
        decision.governor
    }

    fn now(&self) -> Micros {
        Micros(self.start.elapsed().as_micros() as u64)
    }
}

/// Everything an engine has taken in or refused, message by message.
pub(crate) fn counted(stats: &Stats) -> u64 {
    let refused = &stats.refused;
    stats.installs
        + stats.updates
        + stats.changes
        + stats.alives
        + stats.unknown
        + refused.malformed
        + refused.misdirected
        + refused.invalid_program
        + refused.missing_primitive
        + refused.table_full
        + refused.report_too_long
        + refused.unknown_flow
        + refused.closed_flow
        + refused.unknown_program
        + refused.not_settable
}

const MSS: u64 = 1_448;
const ROUND_US: u64 = 1_000;
const ROUND: Duration = Duration::from_micros(ROUND_US);
const LOSS_EVERY: u64 = 40;
/// Far more than anything takes, for loaded machines.
const PATIENCE: Duration = Duration::from_secs(5);
