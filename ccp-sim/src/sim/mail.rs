//! Messages between datapath and agent, on their way.

use ccp_datapath::{Sink, SinkError};
use rand_core::Rng as _;
use rand_pcg::Pcg64;

use crate::link::below;

/// What the datapath has written to the agent and is not yet on its way; and buffers to use again.
#[derive(Debug)]
pub(crate) struct Mail {
    agent_alive: bool,
    outgoing: Vec<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    rng: Pcg64,
    /// A message is lost when the next random number is below this.
    loss_below: u128,
    lost: u64,
}

impl Mail {
    pub(crate) fn new(loss: f64, rng: Pcg64) -> Self {
        Self {
            agent_alive: false,
            outgoing: Vec::new(),
            spare: Vec::new(),
            rng,
            loss_below: below(loss),
            lost: 0,
        }
    }

    pub(crate) fn set_agent_alive(&mut self, alive: bool) {
        self.agent_alive = alive;
    }

    /// A copy of the datagram to send on; `None`: it is lost.
    pub(crate) fn take(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        if self.loss_below > 0 && u128::from(self.rng.next_u64()) < self.loss_below {
            self.lost += 1;
            return None;
        }
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(datagram);
        Some(copy)
    }

    /// What the datapath has sent since the last call.
    pub(crate) fn outgoing(&mut self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.outgoing.drain(..)
    }

    pub(crate) fn recycle(&mut self, datagram: Vec<u8>) {
        self.spare.push(datagram);
    }

    /// Messages lost so far, both ways.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

impl Sink for Mail {
    fn send(&mut self, datagram: &[u8]) -> Result<(), SinkError> {
        if !self.agent_alive {
            return Err(SinkError::Gone);
        }
        if let Some(copy) = self.take(datagram) {
            self.outgoing.push(copy);
        }
        Ok(())
    }
}
