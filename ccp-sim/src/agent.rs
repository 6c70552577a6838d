//! The agent inside a simulation: stepped by hand, at the other end of an in-process transport.

use core::time::Duration;

use ccp_datapath::{Reg, SinkError};
use ccp_ipc::{BackendBuilder, Ipc, Nonblocking, Received, SendError, chan};
use ccp_runtime::{Agent, AlgSet, ProgramUid, RunError};

use crate::scenario::AgentSocket;

/// Something that takes messages of datapaths from its transport and answers them, when told to.
pub trait AgentSteps {
    /// Handles all that has arrived and all that is due. `now` never goes back.
    ///
    /// # Errors
    /// It cannot go on.
    fn step(&mut self, now: Duration) -> Result<(), RunError>;

    /// When it wants to be stepped although nothing arrives.
    fn next_timer(&self) -> Option<Duration>;

    /// Where a program keeps a variable, for the series of results; `None`: it does not say.
    fn variable(&self, program: ProgramUid, name: &str) -> Option<Reg> {
        let _ = (program, name);
        None
    }
}

/// On any end that wraps the simulation's, such as one that records.
impl<I: Ipc, U: AlgSet<I>> AgentSteps for Agent<I, U> {
    fn step(&mut self, now: Duration) -> Result<(), RunError> {
        Self::step(self, now).map(|_| ())
    }

    fn next_timer(&self) -> Option<Duration> {
        Self::next_timer(self)
    }

    fn variable(&self, program: ProgramUid, name: &str) -> Option<Reg> {
        let scope = self.scope(program)?;
        scope.variables().get(name).map(|variable| variable.reg)
    }
}

/// The agent and the datapath's end of its transport.
pub(crate) struct AgentSide {
    agent: Box<dyn AgentSteps>,
    socket: chan::Socket<Nonblocking>,
    buf: Vec<u8>,
}

impl AgentSide {
    pub(crate) fn start<S: AgentSteps + 'static>(
        make: impl FnOnce(BackendBuilder<AgentSocket>) -> Result<S, RunError>,
    ) -> Result<Self, RunError> {
        let (sock, socket) = chan::pair(QUEUE);
        let agent = make(BackendBuilder { sock: sock.nonblocking() })?;
        Ok(Self {
            agent: Box::new(agent),
            socket: socket.nonblocking(),
            buf: vec![0; MAX_DATAGRAM],
        })
    }

    /// Hands a datagram to the agent, which has not read it yet.
    pub(crate) fn deliver(&mut self, datagram: &[u8]) -> Result<(), SinkError> {
        self.socket.try_send(datagram, &()).map_err(|error| match error {
            SendError::Gone | SendError::Closed => SinkError::Gone,
            _ => SinkError::Full,
        })
    }

    /// Steps the agent and passes on all that it sent.
    pub(crate) fn step(
        &mut self,
        now: Duration,
        mut sent: impl FnMut(&[u8]),
    ) -> Result<(), RunError> {
        self.agent.step(now)?;
        while let Ok(Received::Datagram { len, .. }) =
            self.socket.recv(&mut self.buf, Some(Duration::ZERO))
        {
            sent(self.buf.get(..len).unwrap_or_default());
        }
        Ok(())
    }

    pub(crate) fn next_timer(&self) -> Option<Duration> {
        self.agent.next_timer()
    }

    pub(crate) fn variable(&self, program: ProgramUid, name: &str) -> Option<Reg> {
        self.agent.variable(program, name)
    }
}

/// Datagrams that may wait at each end. The agent is stepped with each that arrives, so few ever do; its answers to one
/// are its installs and what it decides.
const QUEUE: usize = 256;

/// The longest message there is (a length on the wire has 16 bits).
const MAX_DATAGRAM: usize = 65_535;
