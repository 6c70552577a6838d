//! Which flows the agent knows of, so that it learns of a close for which the ring had no room.

use core::mem::offset_of;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use ccp_wire::{FlowId, MeasureRepr, Message, Messages};

use crate::engine::Engine;
use crate::page::AgentWords;

/// The flows between their Create and their close.
#[derive(Debug, Default)]
pub(crate) struct OpenFlows {
    known: BTreeSet<FlowId>,
    /// How many closes had been lost when we last looked at the pages.
    lost: u64,
}

impl OpenFlows {
    /// Notes what a message out of the ring says of a flow's life.
    pub(crate) fn note(&mut self, datagram: &[u8]) {
        for message in Messages::new(datagram).flatten() {
            match message {
                Message::Measure(measure) if !measure.is_close() => return,
                Message::Measure(measure) => {
                    self.known.remove(&measure.flow);
                }
                Message::Create(create) => {
                    self.known.insert(create.flow);
                }
                _ => {}
            }
        }
    }

    /// The closes that the ring had no room for since the last look.
    pub(crate) fn lost_closes(&mut self, engine: &Engine) -> Vec<Vec<u8>> {
        let lost = engine.agent_page().u64_at(offset_of!(AgentWords, closes_lost));
        let lost = lost.map_or(0, |word| word.load(Ordering::Acquire));
        if lost == self.lost {
            return Vec::new();
        }
        self.lost = lost;
        let stage = engine.stage();
        let gone: Vec<FlowId> =
            self.known.iter().copied().filter(|&flow| !stage.is_open(flow)).collect();
        gone.into_iter()
            .map(|flow| {
                self.known.remove(&flow);
                let close = MeasureRepr::close(flow);
                let mut bytes = vec![0; close.encoded_len()];
                // The buffer is as long as the message.
                let _ = close.encode(&mut bytes);
                bytes
            })
            .collect()
    }
}
