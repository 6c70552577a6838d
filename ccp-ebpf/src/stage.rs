//! Writing into a flow's page: program changes and values for registers, without a system call.
//!
//! The other half of what [`Layout`] describes: the program takes all that
//! one [`Stage::write`] wrote at its next ACK, or nothing.

use core::mem::offset_of;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use ccp_lang::Reg;
use ccp_lang::ebpf::Layout;
use ccp_wire::FlowId;

use crate::page::{FlowWords, LAYOUT, PAGE};
use crate::sys::Mapping;

/// All flows' pages, to be written.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    pages: &'a Mapping,
    slot_bits: u32,
}

/// What was not staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStaged {
    /// The flow has gone; its slot may belong to another one.
    Gone,
}

impl<'a> Stage<'a> {
    /// The pages of slots of so many bits.
    #[must_use]
    pub const fn new(pages: &'a Mapping, slot_bits: u32) -> Self {
        Self { pages, slot_bits }
    }

    /// The slot of a flow's number.
    #[must_use]
    pub const fn slot(&self, flow: FlowId) -> usize {
        (flow.0 & ((1 << self.slot_bits) - 1)) as usize
    }

    /// The generation in a flow's number.
    #[must_use]
    pub const fn generation(&self, flow: FlowId) -> u64 {
        (flow.0 as u64) >> self.slot_bits
    }

    /// A word of a slot's page.
    #[must_use]
    #[inline]
    pub fn word(&self, slot: usize, at: usize) -> Option<&'a AtomicU64> {
        self.pages.u64_at(slot.checked_mul(PAGE)?.checked_add(at)?)
    }

    /// Whether the flow's socket still lives.
    #[must_use]
    #[inline]
    pub fn is_open(&self, flow: FlowId) -> bool {
        let load = |at| self.word(self.slot(flow), at).map(|word| word.load(Ordering::Acquire));
        load(offset_of!(FlowWords, open)) == Some(1)
            && load(offset_of!(FlowWords, generation)) == Some(self.generation(flow))
    }

    /// Stages values, and with `program` the beginning of that program, before which everything
    /// staged is dropped. Values for registers that messages cannot set are left out.
    ///
    /// # Errors
    /// [`NotStaged::Gone`]: nothing was written.
    pub fn write(
        &self,
        flow: FlowId,
        program: Option<u64>,
        fields: impl IntoIterator<Item = (Reg, u64)>,
    ) -> Result<(), NotStaged> {
        if !self.is_open(flow) {
            return Err(NotStaged::Gone);
        }
        let slot = self.slot(flow);
        let page = Page { stage: *self, slot };
        let at = |at: i16| page.at(at as usize);
        let (sequence, reading) = (at(LAYOUT.sequence())?, at(LAYOUT.reading())?);
        let staged_for = page.at(offset_of!(FlowWords, staged_for))?;
        let (dirty, begins) =
            ([at(LAYOUT.dirty())?, at(LAYOUT.dirty() + 8)?], at(LAYOUT.program())?);

        let before = sequence.load(Ordering::Relaxed) & !1;
        sequence.store(before.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        // A program takes for some hundred nanoseconds. It notices if we do not wait for it.
        for _ in 0..MOST_WAITS {
            if reading.load(Ordering::Acquire) == 0 {
                break;
            }
            std::hint::spin_loop();
        }
        let taken = at(LAYOUT.taken())?.load(Ordering::Acquire) == before;
        let stale = staged_for.load(Ordering::Relaxed) != self.generation(flow);
        if taken || stale || program.is_some() {
            dirty.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
        if taken || stale {
            begins.store(0, Ordering::Relaxed);
        }
        if let Some(program) = program {
            begins.store(program, Ordering::Relaxed);
        }
        for (reg, value) in fields {
            let Some(position) = Layout::position(reg) else { continue };
            at(LAYOUT.values() + 8 * position as i16)?.store(value, Ordering::Relaxed);
            if let Some(word) = dirty.get(position / 64) {
                let bits = word.load(Ordering::Relaxed) | 1 << (position % 64);
                word.store(bits, Ordering::Relaxed);
            }
        }
        staged_for.store(self.generation(flow), Ordering::Relaxed);
        sequence.store(before.wrapping_add(2), Ordering::Release);
        Ok(())
    }
}

/// One slot's page.
struct Page<'a> {
    stage: Stage<'a>,
    slot: usize,
}

impl<'a> Page<'a> {
    /// A slot beyond the map is that of no flow.
    fn at(&self, at: usize) -> Result<&'a AtomicU64, NotStaged> {
        self.stage.word(self.slot, at).ok_or(NotStaged::Gone)
    }
}

/// Some tens of microseconds.
const MOST_WAITS: u32 = 10_000;
