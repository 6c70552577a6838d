//! How an agent is put together and run.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ccp_runtime::{AdditionalAlg, AlgSet, DefaultAlg, StopHandle};

use crate::alg::Adapted;
use crate::ipc::{BackendBuilder, Bridge, Ipc};
use crate::stop_flag::StopFlag;
use crate::{CongAlg, Error, Result};

/// Collects what an agent needs, then runs it.
///
/// A default algorithm is required; [`spawn_thread`](RunBuilder::spawn_thread) decides whether
/// `run` blocks or gives a [`CCPHandle`].
#[must_use = "does nothing until it is run"]
#[derive(Debug)]
pub struct RunBuilder<I: Ipc, U, Spawnness> {
    agent: ccp_runtime::RunBuilder<Bridge<I>, U, ccp_runtime::NoSpawn>,
    pub(crate) flag: StopFlag,
    mode: PhantomData<Spawnness>,
}

/// Marks a run in a thread of its own.
#[derive(Debug)]
pub struct Spawn;

/// Marks a run in place.
#[derive(Debug)]
pub struct NoSpawn;

impl<I: Ipc> RunBuilder<I, (), NoSpawn> {
    /// An agent that will speak through this socket.
    pub fn new(backend_builder: BackendBuilder<I>) -> Self {
        let backend = ccp_runtime::BackendBuilder { sock: Bridge::new(backend_builder.sock) };
        Self {
            agent: ccp_runtime::RunBuilder::new(backend),
            flag: StopFlag::None,
            mode: PhantomData,
        }
    }
}

impl<I: Ipc, S> RunBuilder<I, (), S> {
    /// The algorithm of flows that ask for none, or for one that was not added.
    pub fn default_alg<A>(self, alg: A) -> RunBuilder<I, DefaultAlg<Adapted<A>>, S> {
        RunBuilder {
            agent: self.agent.default_alg(Adapted(alg)),
            flag: self.flag,
            mode: PhantomData,
        }
    }
}

impl<I: Ipc, U, S> RunBuilder<I, U, S> {
    /// One more algorithm, for flows that ask for it by name. The last added wins among equal
    /// names; `None` adds nothing.
    pub fn additional_alg<A: CongAlg<I>, O: Into<Option<A>>>(
        self,
        alg: O,
    ) -> RunBuilder<I, AdditionalAlg<Adapted<A>, U>, S> {
        self.try_additional_alg(alg.into())
    }

    /// As [`additional_alg`](Self::additional_alg), with less for the compiler to infer.
    pub fn try_additional_alg<A: CongAlg<I>>(
        self,
        alg: Option<A>,
    ) -> RunBuilder<I, AdditionalAlg<Adapted<A>, U>, S> {
        RunBuilder {
            agent: self.agent.try_additional_alg(alg.map(Adapted)),
            flag: self.flag,
            mode: PhantomData,
        }
    }

    /// A flag that stops the agent once somebody stores `false` to it.
    pub fn with_stop_handle(mut self, handle: Arc<AtomicBool>) -> Self {
        self.flag = StopFlag::Given(handle);
        self
    }
}

impl<I: Ipc, U> RunBuilder<I, U, NoSpawn> {
    /// Has the agent run in a thread of its own.
    pub fn spawn_thread(self) -> RunBuilder<I, U, Spawn> {
        RunBuilder { agent: self.agent, flag: self.flag, mode: PhantomData }
    }
}

impl<I: Ipc, U: AlgSet<Bridge<I>>> RunBuilder<I, U, NoSpawn> {
    /// Runs the agent here until its stop handle is used.
    ///
    /// # Errors
    /// A program that does not compile, a null stop handle, a socket that failed for good.
    pub fn run(self) -> Result<()> {
        let mut agent = self.agent;
        if let Some(flag) = self.flag.resolve()? {
            agent = agent.with_stop_handle(flag);
        }
        Ok(agent.run()?)
    }
}

impl<I: Ipc, U: AlgSet<Bridge<I>> + Send + 'static> RunBuilder<I, U, Spawn> {
    /// Runs the agent in a thread of its own.
    ///
    /// # Errors
    /// A null stop handle, no thread to be had. All that goes wrong later, a program that does not
    /// compile included, comes out of [`CCPHandle::wait`].
    pub fn run(self) -> Result<CCPHandle> {
        let flag = self.flag.resolve()?;
        let continue_listening = flag.unwrap_or_else(|| Arc::new(AtomicBool::new(true)));
        let stop = StopHandle::new();
        let agent =
            self.agent.with_stop_handle(Arc::clone(&continue_listening)).with_stop(stop.clone());
        let join_handle =
            thread::Builder::new().name("ccp-agent".into()).spawn(move || Ok(agent.run()?))?;
        Ok(CCPHandle { continue_listening, join_handle, stop })
    }
}

/// An agent in a thread of its own. Dropping the handle leaves it running.
#[derive(Debug)]
pub struct CCPHandle {
    /// The agent goes on while this is true. It looks every 20 ms.
    pub continue_listening: Arc<AtomicBool>,
    /// The agent's thread.
    pub join_handle: thread::JoinHandle<Result<()>>,
    stop: StopHandle,
}

impl CCPHandle {
    /// Asks the agent to end, and returns at once. The built-in sockets wake up for it.
    pub fn kill(&self) {
        self.continue_listening.store(false, Ordering::SeqCst);
        self.stop.stop();
    }

    /// Waits for the agent to end.
    ///
    /// # Errors
    /// When something other than a stop ended it, a panic included.
    pub fn wait(self) -> Result<()> {
        self.join_handle.join().unwrap_or_else(|payload| {
            let message = message_of(&*payload);
            Err(Error(format!("the agent panicked: {message}")))
        })
    }
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without message")
}
