//! The way to the agent: datagrams over ccp-ipc's Unix socket.

use std::path::PathBuf;
use std::time::Duration;

use ccp_datapath::SinkError;
use ccp_ipc::unix::{Addr, BindError, NameError, Options, Socket};
use ccp_ipc::{Ipc, Nonblocking, Received, SendError};

/// Our socket and the agent's address. The agent need not be there.
pub(crate) struct Agent {
    socket: Socket<Nonblocking>,
    addr: Addr,
    buf: Vec<u8>,
}

/// Why there is no way to the agent.
#[derive(Debug)]
pub(crate) enum AgentError {
    Bind(BindError),
    Name(NameError),
}

impl Agent {
    /// Binds our socket `name` beside the agent's.
    pub(crate) fn connect(
        dir: Option<PathBuf>,
        name: &str,
        agent: &str,
    ) -> Result<Self, AgentError> {
        let options = dir.into_iter().fold(Options::new(), Options::folder);
        let socket: Socket<Nonblocking> = options.bind(name).map_err(AgentError::Bind)?;
        let addr = socket.peer(agent).map_err(AgentError::Name)?;
        Ok(Self { socket, addr, buf: vec![0; ccp_wire::MAX_MESSAGE_LEN] })
    }

    /// Sends a datagram, or says in the engine's terms why not.
    pub(crate) fn send(&self, datagram: &[u8]) -> Result<(), SinkError> {
        self.socket.try_send(datagram, &self.addr).map_err(|error| match error {
            SendError::Full => SinkError::Full,
            // Whatever else keeps us from the agent: there is none for us.
            _ => SinkError::Gone,
        })
    }

    /// The next datagram that the agent has sent, if one is there. Others are not listened to.
    pub(crate) fn receive(&mut self) -> Option<&[u8]> {
        for _ in 0..STRANGERS {
            match self.socket.recv(&mut self.buf, Some(Duration::ZERO)) {
                Ok(Received::Datagram { len, from }) if from == self.addr => {
                    return self.buf.get(..len);
                }
                Ok(Received::Datagram { .. } | Received::Woken) => {}
                Ok(Received::TimedOut) | Err(_) => return None,
            }
        }
        None
    }
}

impl std::fmt::Display for AgentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Name(error) => error.fmt(f),
        }
    }
}

/// Others may write to our socket as well; so many of their datagrams are skipped at once.
const STRANGERS: usize = 16;
