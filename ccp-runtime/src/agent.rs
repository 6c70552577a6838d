//! The loop: receive, hand each message to its datapath, see to what is due.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ccp_ipc::{Ipc, Received, RecvError};
use ccp_lang::Diagnostics;
use ccp_wire::{Address, Kind, Message, Messages, ProgramUid, Sender};
use tracing::{info, warn};

use crate::peer::Peer;
use crate::shared::Shared;
use crate::stats::Counter;
use crate::{AlgSet, Scope, Stats};

/// An agent that is stepped by hand, as a simulation does: [`step`](Self::step) after each delivery
/// and at each [`next_timer`](Self::next_timer).
///
/// Time is the caller's: any origin will do, but it must not go back.
pub struct Agent<I: Ipc, A: AlgSet<I>> {
    algs: A,
    shared: Rc<Shared<I>>,
    peers: HashMap<I::Addr, Peer<I, A::Flow>>,
    buf: Vec<u8>,
    /// When some datapath is to be probed or wants to hear something.
    peers_due: Option<Duration>,
}

impl<I: Ipc, A: AlgSet<I>> Agent<I, A> {
    pub(crate) fn new(shared: Shared<I>, algs: A) -> Self {
        Self {
            algs,
            shared: Rc::new(shared),
            peers: HashMap::default(),
            buf: vec![0; RECEIVE_BUF],
            peers_due: None,
        }
    }

    /// Handles everything that has arrived and is due, without waiting. Gives the number of
    /// datagrams handled.
    ///
    /// # Errors
    /// [`RunError::ChannelClosed`] or [`RunError::Receive`]: nothing can arrive any more.
    pub fn step(&mut self, now: Duration) -> Result<usize, RunError> {
        let mut handled = 0;
        while let Some(datagrams) = self.turn(Some(Duration::ZERO), || now)? {
            handled += datagrams;
        }
        self.see_to_timers();
        Ok(handled)
    }

    /// When [`step`](Self::step) will have something to do even if nothing arrives.
    pub fn next_timer(&self) -> Option<Duration> {
        let retry_due = self.shared.outbox.borrow().next_retry();
        self.peers_due.into_iter().chain(retry_due).min()
    }

    /// The variables of one of its programs, by the number that datapaths know it by.
    pub fn scope(&self, program: ProgramUid) -> Option<&Scope> {
        let algorithms = self.shared.programs.algorithms.iter();
        let mut scopes = algorithms.flat_map(|alg| alg.scopes.values());
        scopes.find(|scope| scope.program_uid() == program)
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        self.shared.stats.snapshot()
    }

    /// Ends the agent: closes all flows and the transport.
    pub fn close(mut self) {
        self.peers.values_mut().for_each(Peer::close_flows);
        if let Err(error) = self.shared.ipc.borrow_mut().close() {
            warn!(%error, "the transport does not close as it should");
        }
    }

    /// Steps whenever something arrives or is due, until stopped.
    pub(crate) fn run(mut self) -> Result<(), RunError> {
        info!(ipc = I::name(), "the agent runs");
        let Shared { ipc, stop, .. } = &*self.shared;
        stop.handle.register(ipc.borrow().waker());
        let start = Instant::now();
        let mut turned = Ok(None);
        while turned.is_ok() && !self.shared.stop.is_stopped() {
            let now = self.shared.now.get();
            let timeout = self.next_timer().map(|due| due.saturating_sub(now));
            turned = self.turn(self.shared.stop.limit(timeout), || start.elapsed());
            self.see_to_timers();
        }
        info!("the agent ends");
        self.close();
        turned.map(|_| ())
    }

    /// Waits for a datagram and handles it. Gives how many that were, `None` when the time is over.
    fn turn(
        &mut self,
        timeout: Option<Duration>,
        clock: impl FnOnce() -> Duration,
    ) -> Result<Option<usize>, RunError> {
        let Shared { ipc, stats, now, .. } = &*self.shared;
        let received = ipc.borrow().recv(&mut self.buf, timeout);
        now.set(clock());
        stats.set(Counter::Nameless, ipc.borrow().ignored());
        match received {
            Ok(Received::Datagram { len, from }) => {
                self.handle(len, from);
                return Ok(Some(1));
            }
            Ok(Received::TimedOut) => return Ok(None),
            Ok(Received::Woken) => {}
            Err(error @ RecvError::Truncated { .. }) => {
                self.shared.note(Counter::Truncated, &"?", format_args!("ignored: {error}"));
            }
            Err(RecvError::Disconnected | RecvError::Closed) => {
                return Err(RunError::ChannelClosed);
            }
            Err(error) => return Err(RunError::Receive(error)),
        }
        Ok(Some(0))
    }

    /// Handles the datagram in the buffer.
    fn handle(&mut self, len: usize, from: I::Addr) {
        let Self { algs, shared, peers, buf, peers_due, .. } = self;
        shared.stats.add(Counter::Datagrams, 1);
        let ignore = |reason, message: &dyn std::fmt::Debug| {
            shared.note(reason, &from, format_args!("ignored: {message:?}"));
        };
        let is_full = peers.len() >= shared.settings.max_datapaths;
        let mut peer = peers.get_mut(&from);
        let mut address = None;
        for message in Messages::new(buf.get(..len).unwrap_or_default()) {
            let begins = matches!(message, Ok(Message::Ready(_) | Message::Create(_)));
            if begins && peer.is_none() && !is_full {
                let new = Peer::new(from.clone(), shared);
                peer = Some(peers.entry(from.clone()).insert_entry(new).into_mut());
                *peers_due = Some(Duration::ZERO);
            }
            match (message, &mut peer) {
                (Ok(Message::Measure(measure)), Some(peer)) => peer.on_measure(&measure),
                (Ok(Message::Create(create)), Some(peer)) => {
                    let address =
                        address.take().filter(|address: &Address| address.flow == create.flow);
                    peer.on_create(algs, &create, address);
                }
                (Ok(Message::Ready(_)), Some(peer)) => peer.on_ready(),
                (Ok(Message::Hello(hello)), Some(peer)) => {
                    peer.on_hello(hello);
                    *peers_due = Some(Duration::ZERO);
                }
                (Ok(Message::Address(of_next)), _) => address = Some(of_next),
                (Ok(message), _) => ignore(why_ignored(&message), &message),
                (Err(error), _) => ignore(Counter::Malformed, &error),
            }
        }
        if let Some(peer) = peer {
            peer.last_seen = shared.now.get();
            peer.provide_programs();
        }
    }

    /// Does what is due for each datapath, sends what waits, drops datapaths that are gone.
    fn see_to_timers(&mut self) {
        let now = self.shared.now.get();
        if self.peers_due.is_some_and(|due| now >= due) {
            self.peers_due = self.peers.values_mut().map(|peer| peer.do_due(now)).min();
        }
        let Shared { ipc, outbox, .. } = &*self.shared;
        outbox.borrow_mut().retry(&ipc.borrow(), now, |to, error| {
            self.peers.get(to).map(|peer| peer.link.failed(error));
        });
        let pop_gone = || self.shared.outbox.borrow_mut().pop_gone();
        while let Some(gone) = pop_gone() {
            if let Some(mut peer) = self.peers.remove(&gone) {
                info!(datapath = ?gone, "a datapath is gone");
                self.shared.stats.add(Counter::DatapathsGone, 1);
                self.shared.stats.add(Counter::Datapaths, -1);
                peer.close_flows();
            }
            self.peers_due = self.peers_due.filter(|_| !self.peers.is_empty());
        }
        ipc.borrow().stepped(now);
    }
}

/// Why a message that is well made is not followed.
fn why_ignored(message: &Message<'_>) -> Counter {
    match message {
        Message::Measure(_) | Message::Hello(_) => Counter::UnknownDatapath,
        Message::Create(_) | Message::Ready(_) => Counter::DatapathsCapped,
        _ if message.kind().map(Kind::sender) == Some(Sender::Agent) => Counter::AgentOnly,
        _ => Counter::UnknownType,
    }
}

/// What a panic said, if it was text.
pub(crate) fn message_of(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without message").to_owned();
    // The payload is the panicking code's too, and may panic when dropped.
    catch_unwind(AssertUnwindSafe(|| drop(payload))).unwrap_or_else(std::mem::forget);
    text
}

/// Why an agent ended, or never began.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Of the algorithm of the first name the program of the second does not compile. Nothing has
    /// been sent.
    #[error("program `{1}` of algorithm `{0}` does not compile:\n{2}")]
    Compile(&'static str, &'static str, #[source] Diagnostics),
    /// The stop flag was given as a null pointer.
    #[error("the stop handle is null")]
    NullStopHandle,
    /// There is no thread to be had.
    #[error("cannot spawn the agent's thread")]
    Spawn(#[source] std::io::Error),
    /// The transport closed without anybody having asked the agent to end.
    #[error("the channel has closed")]
    ChannelClosed,
    /// The transport cannot receive any more.
    #[error("cannot receive")]
    Receive(#[source] RecvError),
    /// The loop panicked, with this message: an error of this crate or of the transport.
    #[error("the agent panicked: {0}")]
    Panicked(String),
}

/// Room for the longest message, and for some more beside shorter ones.
const RECEIVE_BUF: usize = 1 << 16;
