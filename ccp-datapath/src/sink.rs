//! Where the datagrams of a datapath go: the one thing the engine asks of its transport to the agent.

use thiserror::Error;

/// Takes one datagram toward the agent. Implemented for every `FnMut(&[u8]) -> Result<(), SinkError>`.
///
/// A sink never blocks: what cannot be sent at once is an error, and the engine decides what that means.
pub trait Sink {
    /// Sends one whole datagram, which may hold several messages, or nothing of it.
    ///
    /// # Errors
    /// [`SinkError::Full`] when the agent's queue has no room now, [`SinkError::Gone`] when nobody listens at the
    /// agent's address.
    fn send(&mut self, datagram: &[u8]) -> Result<(), SinkError>;
}

impl<F> Sink for F
where
    F: FnMut(&[u8]) -> Result<(), SinkError>,
{
    fn send(&mut self, datagram: &[u8]) -> Result<(), SinkError> {
        self(datagram)
    }
}

/// Why a datagram did not reach the agent's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The agent is slow: its queue is full. The datagram is lost, the agent is taken to be alive.
    #[error("the agent's queue is full")]
    Full,
    /// Nobody reads at the agent's address. This starts the time after which flows fall back.
    #[error("the agent is gone")]
    Gone,
}
