//! The open flows, in slots whose generation is part of the flow's id.
//!
//! An id is the slot's number plus one in its low bits and the slot's generation above, so that a message that comes
//! late for a closed flow never reaches the flow that has its slot now.

use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};

use ccp_lang::{Micros, Registers, Staged};
use ccp_wire::FlowId;

use crate::{announcement::Announcement, config::MOST_FLOWS, programs::Installed, stats::Traps};

/// One flow.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) announcement: Announcement,
    pub(crate) create: Create,
    /// The agent has been told of the flow at some time, and must be told of its end.
    pub(crate) known: bool,
    pub(crate) registers: Registers,
    pub(crate) staged: Staged,
    pub(crate) switch: Option<Arc<Installed>>,
    pub(crate) program: Option<Arc<Installed>>,
    /// The program is an earlier agent's, or of before the flow announced itself anew: whoever is the agent now would
    /// take a report for one of the program that it will set.
    pub(crate) is_stale: bool,
    /// Last set through CCP, in bytes/s; 0 while the transport paces by its own rule.
    pub(crate) rate: u64,
    pub(crate) traps: Traps,
}

/// Where the flow's Create stands. Times are microseconds since the datapath's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    /// To be sent, not before this time.
    Due { not_before: u64 },
    /// Sent, and nothing heard about the flow since.
    Sent { at: u64 },
    /// The agent governs the flow: it has changed its program or a register since.
    Answered,
}

impl Flow {
    pub(crate) fn new(announcement: Announcement, now: u64) -> Self {
        Self {
            announcement,
            create: Create::Due { not_before: now },
            known: false,
            registers: Registers::new(Micros(0)),
            staged: Staged::new(),
            switch: None,
            program: None,
            is_stale: false,
            rate: 0,
            traps: Traps::default(),
        }
    }

    /// Forgets what the agent has asked for and the flow has not yet done.
    pub(crate) fn drop_staged(&mut self) {
        self.staged.clear();
        self.switch = None;
    }
}

/// All open flows.
#[derive(Debug)]
pub(crate) struct Flows {
    slots: Vec<Slot>,
    /// Slots without a flow, the one longest free first: a generation comes back as late as can be.
    free: VecDeque<u32>,
    max: u32,
    slot_bits: u32,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    flow: Option<Box<Flow>>,
}

/// Why an id finds no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No such id was given out.
    Unknown,
    /// The flow has closed.
    Closed,
}

impl Flows {
    pub(crate) fn new(max: u32) -> Self {
        let max = max.min(MOST_FLOWS);
        Self {
            slots: Vec::new(),
            free: VecDeque::new(),
            max,
            // The numbers 0..=max must fit: 0 is no flow.
            slot_bits: u32::BITS - max.leading_zeros(),
        }
    }

    /// How many may be open.
    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The id that [`Flows::insert`] will give to the next flow, if there is room for one.
    pub(crate) fn next_id(&self) -> Option<FlowId> {
        match self.free.front() {
            Some(&slot) => self.id_of(slot),
            None if self.slots.len() < self.max as usize => {
                Some(FlowId(self.slots.len() as u32 + 1))
            }
            None => None,
        }
    }

    /// Opens a flow under the id that [`Flows::next_id`] told.
    pub(crate) fn insert(&mut self, flow: Flow) -> Option<FlowId> {
        let id = self.next_id()?;
        let flow = Some(Box::new(flow));
        match self.free.pop_front() {
            Some(slot) => self.slots.get_mut(slot as usize)?.flow = flow,
            None => self.slots.push(Slot { generation: 0, flow }),
        }
        Some(id)
    }

    /// Closes a flow.
    pub(crate) fn remove(&mut self, id: FlowId) -> Result<Box<Flow>, Missing> {
        let missing = self.missing(id);
        let generations = u32::MAX >> self.slot_bits;
        let (index, slot) = self.slot_mut(id).ok_or(missing)?;
        let flow = slot.flow.take().ok_or(Missing::Closed)?;
        slot.generation = (slot.generation + 1) & generations;
        self.free.push_back(index);
        Ok(flow)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: FlowId) -> Option<&mut Flow> {
        self.slot_mut(id)?.1.flow.as_deref_mut()
    }

    pub(crate) fn get(&self, id: FlowId) -> Option<&Flow> {
        let slot = self.slots.get(self.index(id)?)?;
        (slot.generation == self.generation(id)).then_some(slot.flow.as_deref()?)
    }

    /// Why `id` finds no flow, given that it finds none.
    pub(crate) fn missing(&self, id: FlowId) -> Missing {
        let slot = self.index(id).and_then(|index| self.slots.get(index));
        // Generations start at 0, so a greater one was not given out yet (or so long ago that it came round).
        match slot {
            Some(slot) if self.generation(id) < slot.generation => Missing::Closed,
            _ => Missing::Unknown,
        }
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Flow> {
        self.slots.iter_mut().filter_map(|slot| slot.flow.as_deref_mut())
    }

    #[inline]
    fn slot_mut(&mut self, id: FlowId) -> Option<(u32, &mut Slot)> {
        let index = self.index(id)?;
        let generation = self.generation(id);
        let slot = self.slots.get_mut(index)?;
        (slot.generation == generation).then_some((index as u32, slot))
    }

    #[inline]
    fn index(&self, id: FlowId) -> Option<usize> {
        let number = id.0 & !(u32::MAX << self.slot_bits);
        Some(number.checked_sub(1)? as usize)
    }

    #[inline]
    fn generation(&self, id: FlowId) -> u32 {
        id.0 >> self.slot_bits
    }

    fn id_of(&self, slot: u32) -> Option<FlowId> {
        let generation = self.slots.get(slot as usize)?.generation;
        Some(FlowId(generation << self.slot_bits | (slot + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowInfo;

    fn flow() -> Flow {
        Flow::new(Announcement::new(FlowId(0), &FlowInfo::new(0, 0)), 0)
    }

    #[test]
    fn ids_start_at_1_and_end_with_the_room() {
        let mut flows = Flows::new(2);
        assert_eq!(flows.insert(flow()), Some(FlowId(1)));
        assert_eq!(flows.insert(flow()), Some(FlowId(2)));
        assert_eq!(flows.insert(flow()), None);
        assert_eq!(flows.len(), 2);
    }

    #[test]
    fn a_reused_slot_has_another_id() {
        let mut flows = Flows::new(2);
        let first = flows.insert(flow()).expect("room");
        assert!(flows.remove(first).is_ok());
        let second = flows.insert(flow()).expect("room");
        assert_ne!(first, second);
        assert!(flows.get(first).is_none());
        assert!(flows.get_mut(second).is_some());
        assert_eq!(flows.missing(first), Missing::Closed);
        assert_eq!(flows.remove(first).err(), Some(Missing::Closed));
    }

    #[test]
    fn ids_never_given_out_are_unknown() {
        let mut flows = Flows::new(1000);
        flows.insert(flow());
        for id in [0, 2, 5, 1 << 20 | 1, u32::MAX] {
            assert_eq!(flows.missing(FlowId(id)), Missing::Unknown, "{id}");
            assert!(flows.get(FlowId(id)).is_none());
        }
    }

    #[test]
    fn slots_are_reused_in_turn() {
        let mut flows = Flows::new(3);
        let ids: Vec<_> = (0..3).filter_map(|_| flows.insert(flow())).collect();
        for id in &ids {
            assert!(flows.remove(*id).is_ok());
        }
        let slots: Vec<_> =
            (0..3).filter_map(|_| flows.insert(flow())).map(|id| id.0 & 3).collect();
        assert_eq!(slots, [1, 2, 3]);
    }

    #[test]
    fn generations_come_round_without_growth() {
        let mut flows = Flows::new(MOST_FLOWS);
        let mut seen = Vec::new();
        for _ in 0..5000 {
            let id = flows.insert(flow()).expect("room");
            assert!(flows.get(id).is_some());
            assert!(flows.remove(id).is_ok());
            seen.push(id);
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1 << (32 - 21), "all generations of one slot");
        assert_eq!(flows.slots.len(), 1);
    }

    #[test]
    fn no_room_at_all_is_no_flow() {
        let mut flows = Flows::new(0);
        assert_eq!(flows.insert(flow()), None);
        assert!(flows.get(FlowId(0)).is_none());
        assert!(flows.get(FlowId(1)).is_none());
    }
}
