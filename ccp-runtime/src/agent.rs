//! The loop: receive, hand each message to its datapath, see to what is due.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ccp_ipc::{Ipc, Received, RecvError, StopHandle};
use ccp_wire::{Address, Message, Messages};
use tracing::{error, info, warn};

use crate::builder::{Parts, StopFlag};
use crate::hash::FastMap;
use crate::limit::LogLimits;
use crate::link::Shared;
use crate::list::AlgSet;
use crate::peer::Peer;
use crate::programs::Programs;
use crate::stats::Counter;
use crate::{RunError, Settings, Stats, StatsHandle};

/// An agent that is stepped by hand, as a simulation does: [`step`](Self::step) after each delivery
/// and at each [`next_timer`](Self::next_timer).
///
/// Time is the caller's: any origin will do, but it must not go back.
pub struct Agent<I: Ipc, A: AlgSet<I>> {
    env: Env<I, A>,
    peers: FastMap<I::Addr, Peer<I, A::Flow>>,
    buf: Box<[u8]>,
    stop: StopHandle,
    flag: StopFlag,
    /// When some datapath is to be probed or wants to hear something.
    peers_due: Option<Duration>,
    /// When sending what waits was last tried again, and how soon after that it will be.
    flushed: Duration,
    patience: Duration,
}

/// What the handling of every message needs.
pub(crate) struct Env<I: Ipc, A> {
    pub(crate) algs: A,
    pub(crate) shared: Rc<Shared<I>>,
    pub(crate) settings: Settings,
    log: LogLimits,
    flows: Cell<usize>,
}

impl<I: Ipc, A: AlgSet<I>> Agent<I, A> {
    pub(crate) fn new(parts: Parts<I>, algs: A, programs: Programs) -> Self {
        let Parts {
            sock,
            settings,
            stop,
            flag,
            stats,
        } = parts;
        let shared = Rc::new(Shared::new(sock, programs, stats, settings.outbox));
        let (log, flows) = (LogLimits::default(), Cell::new(0));
        Self {
            env: Env {
                algs,
                shared,
                settings,
                log,
                flows,
            },
            peers: FastMap::default(),
            buf: vec![0; RECEIVE_BUF].into(),
            stop,
            flag,
            peers_due: None,
            flushed: Duration::ZERO,
            patience: FLUSH_INTERVAL,
        }
    }

    /// Handles everything that has arrived and is due, without waiting. Gives the number of
    /// datagrams handled.
    ///
    /// # Errors
    /// [`RunError::ChannelClosed`] or [`RunError::Receive`]: nothing can arrive any more.
    pub fn step(&mut self, now: Duration) -> Result<usize, RunError> {
        self.env.shared.now.set(now);
        let mut handled = 0;
        loop {
            match self.receive(Some(Duration::ZERO))? {
                Received::Datagram { len, from } => self.handle(len, from),
                Received::Woken => continue,
                Received::TimedOut => break,
            }
            handled += 1;
        }
        self.see_to_timers();
        Ok(handled)
    }

    /// When [`step`](Self::step) will have something to do even if nothing arrives.
    pub fn next_timer(&self) -> Option<Duration> {
        let flush_due =
            (!self.env.shared.outbox.borrow().is_empty()).then_some(self.flushed + self.patience);
        self.peers_due.into_iter().chain(flush_due).min()
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        self.env.stats().snapshot()
    }

    /// Ends the agent: closes all flows.
    pub fn close(mut self) {
        for peer in self.peers.values_mut() {
            peer.close_flows(&self.env);
        }
    }

    /// Steps whenever something arrives or is due, until stopped.
    pub(crate) fn run(mut self) -> Result<(), RunError> {
        info!(ipc = I::name(), "the agent runs");
        self.stop.register(self.env.shared.ipc.waker());
        let mut clock = Clock::start();
        let outcome = loop {
            if self.stop.is_stopped() || self.flag.is_lowered() {
                break Ok(());
            }
            match self.receive(self.timeout()) {
                Ok(Received::Datagram { len, from }) => {
                    self.env.shared.now.set(clock.at_datagram());
                    self.handle(len, from);
                }
                Ok(_) => self.env.shared.now.set(clock.read()),
                Err(error) => break Err(error),
            }
            self.see_to_timers();
        };
        info!("the agent ends");
        self.close();
        outcome
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Result<Received<I::Addr>, RunError> {
        match self.env.shared.ipc.recv(&mut self.buf, timeout) {
            Ok(received) => Ok(received),
            Err(RecvError::Truncated { len, .. }) => {
                self.env.ignore(
                    Counter::Truncated,
                    &"",
                    format_args!("a datagram of {len} bytes"),
                );
                Ok(Received::Woken)
            }
            Err(RecvError::Disconnected | RecvError::Closed) => Err(RunError::ChannelClosed),
            Err(source) => Err(RunError::Receive { source }),
        }
    }

    /// Handles the datagram in the buffer.
    fn handle(&mut self, len: usize, from: I::Addr) {
        let Self {
            env,
            peers,
            buf,
            peers_due,
            ..
        } = self;
        env.stats().count(Counter::Datagrams);
        let is_full = peers.len() >= env.settings.max_datapaths;
        let mut peer = peers.get_mut(&from);
        let mut address: Option<Address> = None;
        for message in Messages::new(buf.get(..len).unwrap_or_default()) {
            let message = match message {
                Ok(message) => message,
                Err(error) => {
                    env.ignore(Counter::Malformed, &from, format_args!("{error}"));
                    continue;
                }
            };
            if let Message::Ready(_) | Message::Create(_) = message
                && peer.is_none()
            {
                if is_full {
                    env.ignore(Counter::DatapathsCapped, &from, format_args!("{message:?}"));
                    continue;
                }
                peers.insert(from.clone(), Peer::new(from.clone(), &env.shared));
                env.stats().set(Counter::Datapaths, peers.len());
                *peers_due = Some(Duration::ZERO);
                peer = peers.get_mut(&from);
            }
            match (message, &mut peer) {
                (Message::Measure(measure), Some(peer)) => peer.on_measure(env, &measure),
                (Message::Create(create), Some(peer)) => {
                    let address = address.take().filter(|address| address.flow == create.flow);
                    peer.on_create(env, &create, address);
                }
                (Message::Ready(_), Some(peer)) => peer.on_ready(env),
                (Message::Hello(hello), Some(peer)) => {
                    peer.on_hello(env, hello);
                    *peers_due = Some(Duration::ZERO);
                }
                (Message::Address(of_next), _) => address = Some(of_next),
                (
                    Message::Install(_)
                    | Message::UpdateFields(_)
                    | Message::ChangeProg(_)
                    | Message::Alive(_),
                    _,
                ) => env.ignore(
                    Counter::AgentOnly,
                    &from,
                    format_args!("{:?}", message.kind()),
                ),
                (Message::Measure(_) | Message::Hello(_), None) => {
                    env.ignore(
                        Counter::UnknownDatapath,
                        &from,
                        format_args!("{:?}", message.kind()),
                    );
                }
                (other, _) => env.ignore(Counter::UnknownType, &from, format_args!("{other:?}")),
            }
        }
        if let Some(peer) = peer {
            peer.last_seen = env.shared.now.get();
            peer.provide_programs();
        }
    }

    /// Sends what waits, drops datapaths that are gone, and does what is due for the others.
    fn see_to_timers(&mut self) {
        let shared = Rc::clone(&self.env.shared);
        let now = shared.now.get();
        if self.peers_due.is_some_and(|due| now >= due) {
            let peers = self.peers.values_mut();
            self.peers_due = peers.map(|peer| peer.do_due(&self.env.settings, now)).min();
        }
        self.flush(now);
        if shared.lost.take() {
            self.peers.retain(|_, peer| {
                let stays = !peer.link.gone.get();
                if !stays {
                    info!(datapath = ?peer.link.addr, "a datapath is gone");
                    shared.stats.count(Counter::DatapathsGone);
                    peer.close_flows(&self.env);
                    peer.link.forget_all();
                }
                stays
            });
            shared.stats.set(Counter::Datapaths, self.peers.len());
            self.peers_due = self.peers_due.filter(|_| !self.peers.is_empty());
        }
    }

    /// Tries again to send what waits: when the loop turns, but not at each of many datagrams, and
    /// by a timer, which is the more patient the longer nobody reads.
    fn flush(&mut self, now: Duration) {
        let Shared { ipc, outbox, .. } = &*self.env.shared;
        let mut outbox = outbox.borrow_mut();
        if outbox.is_empty() {
            self.patience = FLUSH_INTERVAL;
            return;
        }
        if now < self.flushed + FLUSH_INTERVAL {
            return;
        }
        let before = outbox.stats().sent;
        outbox.flush(ipc, |to, error| {
            if let Some(peer) = self.peers.get(to) {
                peer.link.failed(error);
            }
        });
        let is_stuck = outbox.stats().sent == before;
        self.flushed = now;
        self.patience = if is_stuck {
            (2 * self.patience).min(FLUSH_PATIENCE)
        } else {
            FLUSH_INTERVAL
        };
    }

    /// How long a receive may wait.
    fn timeout(&self) -> Option<Duration> {
        let now = self.env.shared.now.get();
        let timeout = self.next_timer().map(|due| due.saturating_sub(now));
        match self.flag {
            StopFlag::None => timeout,
            _ => Some(timeout.map_or(FLAG_INTERVAL, |timeout| timeout.min(FLAG_INTERVAL))),
        }
    }
}

impl<I: Ipc, A> Env<I, A> {
    pub(crate) fn stats(&self) -> &StatsHandle {
        &self.shared.stats
    }

    pub(crate) fn flows_changed(&self, by: isize) {
        self.flows.set(self.flows.get().saturating_add_signed(by));
        self.stats().set(Counter::Flows, self.flows.get());
    }

    /// Counts what nothing is done about, and says so now and then.
    #[cold]
    pub(crate) fn ignore(&self, reason: Counter, from: &dyn fmt::Debug, what: fmt::Arguments<'_>) {
        self.stats().count(reason);
        if let Some(suppressed) = self.log.admit(reason, self.shared.now.get()) {
            warn!(reason = reason.name(), datapath = ?from, suppressed, "ignored: {what}");
        }
    }

    /// Counts a callback that panicked.
    #[cold]
    pub(crate) fn panicked(&self, callback: &str, message: &str) {
        self.stats().count(Counter::FlowPanics);
        if let Some(suppressed) = self.log.admit(Counter::FlowPanics, self.shared.now.get()) {
            error!(
                callback,
                suppressed, "an algorithm panicked, its flow ends: {message}"
            );
        }
    }
}

/// The time since the start, read less often while datagrams come in fast: nothing here needs it
/// to the microsecond.
struct Clock {
    start: Instant,
    last: Duration,
    /// How many more datagrams may be handled with the last reading.
    credit: u32,
}

impl Clock {
    fn start() -> Self {
        Self {
            start: Instant::now(),
            last: Duration::ZERO,
            credit: 0,
        }
    }

    fn read(&mut self) -> Duration {
        self.credit = 0;
        self.last = self.start.elapsed();
        self.last
    }

    fn at_datagram(&mut self) -> Duration {
        if self.credit > 0 {
            self.credit -= 1;
            return self.last;
        }
        let before = self.last;
        if self.read().saturating_sub(before) < CLOCK_ERROR {
            self.credit = CLOCK_BURST;
        }
        self.last
    }
}

/// Room for the longest message, and for some more messages beside shorter ones.
const RECEIVE_BUF: usize = 1 << 16;

/// How soon sending is tried again while something waits: a datapath that reads has read some by
/// then.
const FLUSH_INTERVAL: Duration = Duration::from_micros(500);

/// How seldom it is tried while nobody reads.
const FLUSH_PATIENCE: Duration = Duration::from_millis(50);

/// How often a bare flag is looked at: half of what a stop may take, and some to spare.
const FLAG_INTERVAL: Duration = Duration::from_millis(20);

/// How many datagrams may be handled with one reading of the clock,
const CLOCK_BURST: u32 = 15;

/// if they come so fast that the last reading was no longer ago than this.
const CLOCK_ERROR: Duration = Duration::from_micros(50);
