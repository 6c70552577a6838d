//! Which flows the agent knows of, so that it learns of a close for which the ring had no room.

use core::mem::offset_of;
use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::sync::atomic::Ordering;

use ccp_wire::{Create, FlowId, MeasureRepr, Message, Messages};

use crate::engine::Engine;
use crate::page::{AgentWords, FlowWords};
use crate::rules::Origin;

/// The flows between their Create and their close.
#[derive(Debug, Default)]
pub(crate) struct OpenFlows {
    known: BTreeSet<FlowId>,
    /// How many closes had been lost when we last looked at the pages.
    lost: u64,
}

/// If a datagram announces a flow: writes what the rules say of it into a Create that asks for
/// nothing, and what it asks for into the flow's page.
pub(crate) fn introduce(engine: &Engine, datagram: &mut [u8]) {
    // A Create is the last message of its datagram: only an Address comes before it.
    let Some(Ok(Message::Create(create))) = Messages::new(datagram).last() else { return };
    let mut bytes = [0; CREATE_ROOM];
    let mut len = 0;
    let mut asked = create.cong_alg;
    let rules = &engine.options().rules;
    if asked.is_empty()
        && !rules.is_empty()
        && let Some(cong_alg) = origin(engine, create.flow).and_then(|whose| rules.choose(&whose))
    {
        asked = cong_alg;
        len = Create { cong_alg, ..create }.encode(&mut bytes).unwrap_or(0);
    }
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(asked.bytes()) {
        *to = from;
    }
    let stage = engine.stage();
    for (half, bytes) in name.as_chunks::<8>().0.iter().enumerate() {
        let at = offset_of!(FlowWords, asked) + 8 * half;
        if let Some(word) = stage.word(stage.slot(create.flow), at) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
    }
    let start = datagram.len().saturating_sub(len);
    if let (Some(to), Some(from)) = (datagram.get_mut(start..), bytes.get(..len)) {
        to.copy_from_slice(from);
    }
}

/// Whose a flow is, from its page.
fn origin(engine: &Engine, flow: FlowId) -> Option<Origin> {
    let stage = engine.stage();
    let word = |at| Some(stage.word(stage.slot(flow), at)?.load(Ordering::Relaxed));
    let address = |at: usize| {
        let halves = [word(at)?, word(at + 8)?].map(u64::to_le_bytes);
        let bytes = <[u8; 16]>::try_from(halves.as_flattened()).ok()?;
        Some(Ipv6Addr::from(bytes).to_canonical())
    };
    // Both ports in one word, each in network order.
    let ports = word(offset_of!(FlowWords, src_port))?;
    let port = |word: u64| u16::from_be(word as u16);
    let (src, dst) = (address(offset_of!(FlowWords, src))?, address(offset_of!(FlowWords, dst))?);
    Some(Origin {
        src,
        sport: port(ports),
        dst,
        dport: port(ports >> 32),
        uid: word(offset_of!(FlowWords, uid))? as u32,
        cgroup: word(offset_of!(FlowWords, cgroup))?,
        mark: word(offset_of!(FlowWords, mark))? as u32,
        netns: word(offset_of!(FlowWords, netns))?,
    })
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

/// A Create is 96 bytes long.
const CREATE_ROOM: usize = 128;
