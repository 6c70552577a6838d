//! How an agent is put together and set going.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ccp_ipc::{BackendBuilder, Ipc, OutboxLimits, StopHandle};

use crate::list::{AdditionalAlg, AlgSet, DefaultAlg};
use crate::programs::Programs;
use crate::{Agent, CCPHandle, CongAlg, RunError, StatsHandle};

/// Collects what an agent needs, then runs it.
///
/// `U` is the list of algorithms; without [`default_alg`](Self::default_alg) nothing can be run.
/// `S` says whether [`run`](RunBuilder::run) blocks or spawns a thread.
#[must_use = "does nothing until it is run"]
#[derive(Debug)]
pub struct RunBuilder<I: Ipc, U, S> {
    pub(crate) parts: Parts<I>,
    algs: U,
    mode: PhantomData<S>,
}

/// What an agent is made of apart from its algorithms.
#[derive(Debug)]
pub(crate) struct Parts<I> {
    pub(crate) sock: I,
    pub(crate) settings: Settings,
    pub(crate) stop: StopHandle,
    pub(crate) flag: StopFlag,
    pub(crate) stats: StatsHandle,
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
        let parts = Parts {
            sock: backend.sock,
            settings: Settings::default(),
            stop: StopHandle::new(),
            flag: StopFlag::None,
            stats: StatsHandle::new(),
        };
        Self {
            parts,
            algs: (),
            mode: PhantomData,
        }
    }
}

impl<I: Ipc, S> RunBuilder<I, (), S> {
    /// The algorithm of flows that ask for none, or for one that is not in the list.
    pub fn default_alg<A>(self, alg: A) -> RunBuilder<I, DefaultAlg<A>, S> {
        RunBuilder {
            parts: self.parts,
            algs: DefaultAlg(alg),
            mode: PhantomData,
        }
    }
}

impl<I: Ipc, U, S> RunBuilder<I, U, S> {
    /// One more algorithm, for flows that ask for it by name; the last added wins among equal
    /// names. `None` adds nothing but its type.
    pub fn additional_alg<A: CongAlg<I>, O: Into<Option<A>>>(
        self,
        alg: O,
    ) -> RunBuilder<I, AdditionalAlg<A, U>, S> {
        let algs = AdditionalAlg {
            head: alg.into(),
            tail: self.algs,
        };
        RunBuilder {
            parts: self.parts,
            algs,
            mode: PhantomData,
        }
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
        self.parts.flag = StopFlag::Given(handle);
        self
    }

    /// A handle that stops the agent at once, for instance from a thread that waits for signals.
    pub fn with_stop(mut self, stop: StopHandle) -> Self {
        self.parts.stop = stop;
        self
    }

    /// Counters to write to, for reading them elsewhere while the agent runs.
    pub fn with_stats(mut self, stats: StatsHandle) -> Self {
        self.parts.stats = stats;
        self
    }

    /// Limits and intervals other than the defaults.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.parts.settings = settings;
        self
    }
}

impl<I: Ipc, U> RunBuilder<I, U, NoSpawn> {
    /// Has the agent run in a thread of its own.
    pub fn spawn_thread(self) -> RunBuilder<I, U, Spawn> {
        RunBuilder {
            parts: self.parts,
            algs: self.algs,
            mode: PhantomData,
        }
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
    pub fn build(self) -> Result<Agent<I, U>, RunError> {
        let programs = Programs::compile(&self.algs)?;
        self.parts.flag.check()?;
        Ok(Agent::new(self.parts, self.algs, programs))
    }
}

impl<I: Ipc, U: AlgSet<I> + Send + 'static> RunBuilder<I, U, Spawn> {
    /// Compiles all programs here, then runs the agent in a thread of its own.
    ///
    /// # Errors
    /// A program that does not compile, a null stop flag, no thread to be had. What ends the agent
    /// later comes out of [`CCPHandle::wait`].
    pub fn run(self) -> Result<CCPHandle, RunError> {
        let programs = Programs::compile(&self.algs)?;
        let Self { parts, algs, .. } = self;
        parts.flag.check()?;
        let (stop, flag, stats) = (parts.stop.clone(), parts.flag.clone(), parts.stats.clone());
        let thread = thread::Builder::new()
            .name("ccp-agent".into())
            .spawn(move || Agent::new(parts, algs, programs).run())
            .map_err(|source| RunError::Spawn { source })?;
        Ok(CCPHandle {
            stop,
            flag,
            stats,
            thread,
        })
    }
}

/// The flag of [`RunBuilder::with_stop_handle`]: true means go on.
#[derive(Clone, Debug)]
pub(crate) enum StopFlag {
    None,
    Given(Arc<AtomicBool>),
    Null,
}

impl StopFlag {
    fn check(&self) -> Result<(), RunError> {
        match self {
            Self::Null => Err(RunError::NullStopHandle),
            Self::None | Self::Given(_) => Ok(()),
        }
    }

    pub(crate) fn is_lowered(&self) -> bool {
        matches!(self, Self::Given(flag) if !flag.load(Ordering::SeqCst))
    }

    pub(crate) fn lower(&self) {
        if let Self::Given(flag) = self {
            flag.store(false, Ordering::SeqCst);
        }
    }
}
