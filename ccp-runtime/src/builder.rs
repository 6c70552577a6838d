//! How an agent is put together and set going, and how it is ended.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ccp_ipc::{BackendBuilder, Ipc, Outbox, OutboxLimits, StopHandle, StopSource};

use crate::agent::message_of;
use crate::shared::Shared;
use crate::{AdditionalAlg, Agent, AlgSet, CongAlg, DefaultAlg, RunError, Stats, StatsHandle};

/// Collects what an agent needs, then runs it.
///
/// `U` is the list of algorithms; without [`default_alg`](Self::default_alg) nothing can be run.
/// `S` says whether [`run`](RunBuilder::run) blocks or spawns a thread.
#[must_use = "does nothing until it is run"]
#[derive(Debug)]
pub struct RunBuilder<I: Ipc, U, S> {
    pub(crate) shared: Shared<I>,
    algs: U,
    mode: PhantomData<S>,
}

/// Marks a run in a thread of its own.
#[derive(Debug)]
pub struct Spawn;

/// Marks a run in place.
#[derive(Debug)]
pub struct NoSpawn;

/// What can be set about an agent. Starts from [`Settings::default`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The most flows one datapath may have; further ones are ignored. 65,536 by default.
    pub max_flows: usize,
    /// The most datapaths at a time; further ones are ignored. 1,024 by default.
    pub max_datapaths: usize,
    /// How often a datapath that wants keep-alives hears from the agent. 200 ms by default: it
    /// takes an agent silent for three of these as dead.
    pub keep_alive: Duration,
    /// How long a datapath may be silent before the agent looks whether it is still there. A
    /// minute by default.
    pub probe_after: Duration,
    /// How much may wait for a datapath that does not read.
    pub outbox: OutboxLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_flows: 65_536,
            max_datapaths: 1_024,
            keep_alive: Duration::from_millis(200),
            probe_after: Duration::from_secs(60),
            outbox: OutboxLimits::default(),
        }
    }
}

impl<I: Ipc> RunBuilder<I, (), NoSpawn> {
    /// An agent that will speak through this end.
    pub fn new(backend: BackendBuilder<I>) -> Self {
        Self::of(Shared::new(backend.sock), ())
    }
}

impl<I: Ipc, S> RunBuilder<I, (), S> {
    /// The algorithm of flows that ask for none, or for one that is not in the list.
    pub fn default_alg<A>(self, alg: A) -> RunBuilder<I, DefaultAlg<A>, S> {
        RunBuilder::of(self.shared, DefaultAlg(alg))
    }
}

impl<I: Ipc, U, S> RunBuilder<I, U, S> {
    fn of(shared: Shared<I>, algs: U) -> Self {
        Self { shared, algs, mode: PhantomData }
    }

    /// One more algorithm, for flows that ask for it by name; the last added wins among equal
    /// names. `None` adds nothing but its type.
    pub fn additional_alg<A: CongAlg<I>, O: Into<Option<A>>>(
        self,
        alg: O,
    ) -> RunBuilder<I, AdditionalAlg<A, U>, S> {
        RunBuilder::of(self.shared, AdditionalAlg(alg.into(), self.algs))
    }

    /// As [`additional_alg`](Self::additional_alg), with less for the compiler to infer.
    pub fn try_additional_alg<A: CongAlg<I>>(
        self,
        alg: Option<A>,
    ) -> RunBuilder<I, AdditionalAlg<A, U>, S> {
        self.additional_alg(alg)
    }

    /// A flag that stops the agent once somebody stores `false` to it. The agent has to look at it
    /// every 20 ms; [`with_stop`](Self::with_stop) costs nothing while nobody stops.
    pub fn with_stop_handle(mut self, handle: Arc<AtomicBool>) -> Self {
        self.shared.stop.flag = Some(handle);
        self
    }

    /// A handle that stops the agent at once, for instance from a thread that waits for signals.
    pub fn with_stop(mut self, stop: StopHandle) -> Self {
        self.shared.stop.handle = stop;
        self
    }

    /// Counters to write to, for reading them elsewhere while the agent runs.
    pub fn with_stats(mut self, stats: StatsHandle) -> Self {
        self.shared.stats = stats;
        self
    }

    /// Limits and intervals other than the defaults.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.shared.outbox = Outbox::new(settings.outbox).into();
        self.shared.settings = settings;
        self
    }
}

impl<I: Ipc, U: AlgSet<I>, S> RunBuilder<I, U, S> {
    /// All that can go wrong before anything is sent.
    fn compile(&mut self) -> Result<(), RunError> {
        self.algs.compile(&mut self.shared.programs)?;
        if self.shared.is_null { Err(RunError::NullStopHandle) } else { Ok(()) }
    }
}

impl<I: Ipc, U> RunBuilder<I, U, NoSpawn> {
    /// Has the agent run in a thread of its own.
    pub fn spawn_thread(self) -> RunBuilder<I, U, Spawn> {
        RunBuilder::of(self.shared, self.algs)
    }
}

impl<I: Ipc, U: AlgSet<I>> RunBuilder<I, U, NoSpawn> {
    /// Runs the agent here until it is stopped.
    ///
    /// # Errors
    /// Before anything is sent: a program that does not compile, a null stop flag. Later: the
    /// transport closed or failed for good.
    pub fn run(self) -> Result<(), RunError> {
        self.build()?.run()
    }

    /// An agent that does nothing by itself: [`Agent::step`] handles what has arrived.
    ///
    /// # Errors
    /// A program that does not compile; a null stop flag.
    pub fn build(mut self) -> Result<Agent<I, U>, RunError> {
        self.compile()?;
        Ok(Agent::new(self.shared, self.algs))
    }
}

impl<I: Ipc, U: AlgSet<I> + Send + 'static> RunBuilder<I, U, Spawn> {
    /// Compiles all programs here, then runs the agent in a thread of its own.
    ///
    /// # Errors
    /// A program that does not compile, a null stop flag, no thread to be had. What ends the agent
    /// later comes out of [`CCPHandle::wait`].
    pub fn run(mut self) -> Result<CCPHandle, RunError> {
        self.compile()?;
        let (stop, stats) = (self.shared.stop.clone(), self.shared.stats.clone());
        let run = move || Agent::new(self.shared, self.algs).run();
        let thread = thread::Builder::new().name("ccp-agent".into()).spawn(run);
        Ok(CCPHandle { stop, stats, thread: thread.map_err(RunError::Spawn)? })
    }
}

/// An agent in a thread of its own. Dropping the handle leaves it running.
#[derive(Debug)]
pub struct CCPHandle {
    stop: StopSource,
    stats: StatsHandle,
    thread: JoinHandle<Result<(), RunError>>,
}

impl CCPHandle {
    /// Asks the agent to end, and returns at once. A flag it was given is lowered too.
    pub fn kill(&self) {
        self.stop.stop();
    }

    /// Waits for the agent to end; all of its flows are closed then.
    ///
    /// # Errors
    /// When something other than a stop ended it, a panic of its loop included.
    pub fn wait(self) -> Result<(), RunError> {
        let panicked = |payload| Err(RunError::Panicked(message_of(payload)));
        self.thread.join().unwrap_or_else(panicked)
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        self.stats.snapshot()
    }
}
