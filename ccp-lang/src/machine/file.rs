//! The register file of one flow: one flat array, and where each register lies in it.

use core::fmt;

use crate::limits::Limits;
use crate::micros::Micros;
use crate::primitive::Primitives;
use crate::reg::{Class, INFINITY, Reg};

/// One flow's registers, which outlive the programs that run on them.
///
/// What a program does not declare keeps its value when the next program begins: locals,
/// temporaries and control registers that only messages set.
#[derive(Clone, PartialEq, Eq)]
pub struct Registers {
    pub(super) file: File,
}

impl Registers {
    /// All registers 0; Micros counts from `start` until a program begins.
    #[must_use]
    pub fn new(start: Micros) -> Self {
        let mut file = File::default();
        file.set(ZERO, start.0);
        file.set(NOW, start.0);
        Self { file }
    }

    /// What a register holds after the last invocation, or nothing when it does not exist.
    ///
    /// A primitive is what the last invocation read. eventFlag and shouldContinue do not outlive
    /// the invocation: they give nothing.
    #[must_use]
    pub fn get(&self, reg: Reg) -> Option<u64> {
        match reg.class {
            Class::Immediate => Some(u64::from(reg.index)),
            _ if reg == Reg::EVENT_FLAG || reg == Reg::SHOULD_CONTINUE => None,
            _ => Some(self.file.get(slot(reg)?)),
        }
    }
}

/// Shows what is not 0.
impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (class, _, count) in REGIONS {
            for reg in (0..count).map(|index| Reg::new(class, index)) {
                match self.get(reg) {
                    None | Some(0) => {}
                    Some(value) => {
                        map.entry(&format_args!("{reg}"), &value);
                    }
                }
            }
        }
        map.finish()
    }
}

/// Where a register lies in a [`File`].
pub(crate) type Slot = u16;

/// The flat array, in two parts. What one byte names is near: all but the last control registers. Any slot number is safe,
/// and the decoder makes only right ones.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct File {
    near: [u64; FIRST_FAR as usize],
    far: [u64; (END - FIRST_FAR) as usize],
}

impl File {
    /// A near register.
    #[inline(always)]
    pub(super) fn near(&self, slot: u8) -> u64 {
        self.near[usize::from(slot)]
    }

    /// Sets a near register.
    #[inline(always)]
    pub(super) fn put(&mut self, slot: u8, value: u64) {
        self.near[usize::from(slot)] = value;
    }

    #[inline(always)]
    pub(super) fn get(&self, slot: Slot) -> u64 {
        let far = || self.far.get(usize::from(slot.wrapping_sub(FIRST_FAR))).copied();
        self.near.get(usize::from(slot)).copied().or_else(far).unwrap_or(0)
    }

    #[inline(always)]
    pub(super) fn set(&mut self, slot: Slot, value: u64) {
        let far = self.far.get_mut(usize::from(slot.wrapping_sub(FIRST_FAR)));
        if let Some(place) = self.near.get_mut(usize::from(slot)).or(far) {
            *place = value;
        }
    }

    /// The first `len` report registers.
    #[inline]
    pub(super) fn reports(&self, len: usize) -> &[u64] {
        let start = usize::from(REPORTS);
        self.near.get(start..start + len).unwrap_or(&[])
    }

    /// Puts what the transport measured in its place, as far as the program reads it.
    ///
    /// One by one: the transport has just written these values singly, and a wider load would
    /// have to wait until they have left the processor's store queue.
    #[inline(always)]
    pub(super) fn load(&mut self, primitives: &Primitives, indices: &[Slot], now: Micros) {
        for &index in indices {
            let value = primitives.values[usize::from(index) % Primitives::COUNT];
            self.set(PRIMITIVES + index, value);
        }
        self.set(ACK_NOW, now.0);
        if self.get(RTT_SAMPLE) == 0 {
            self.set(RTT_SAMPLE, INFINITY);
        }
    }
}

impl Default for File {
    fn default() -> Self {
        Self { near: [0; FIRST_FAR as usize], far: [0; (END - FIRST_FAR) as usize] }
    }
}

/// Where a register lies; nothing for constants and for registers that no file has.
pub(crate) fn slot(reg: Reg) -> Option<Slot> {
    let &(_, start, count) = REGIONS.iter().find(|(class, ..)| *class == reg.class)?;
    let index = Slot::try_from(reg.index).ok()?;
    (reg.index < count).then_some(start + index)
}

/// eventFlag.
pub(crate) const EVENT_FLAG: Slot = 0;
/// shouldContinue.
pub(crate) const SHOULD_CONTINUE: Slot = 1;
/// shouldReport.
pub(crate) const SHOULD_REPORT: Slot = 2;
/// Micros as the program sees it.
pub(crate) const MICROS: Slot = 3;
/// Cwnd.
pub(crate) const CWND: Slot = 4;
/// Rate.
pub(crate) const RATE: Slot = 5;
/// When Micros was 0. No register of the language.
pub(crate) const ZERO: Slot = 6;
/// The time of this invocation. No register of the language.
pub(crate) const NOW: Slot = 7;
/// Constants for which an instruction has no room. No register of the language.
pub(crate) const SCRATCH: Slot = 8;

// At the start of a cache line.
pub(crate) const PRIMITIVES: Slot = 16;
pub(crate) const TEMPS: Slot = PRIMITIVES + Limits::MACHINE.primitives as Slot;
const LOCALS: Slot = TEMPS + Limits::MACHINE.temps as Slot;
pub(crate) const REPORTS: Slot = LOCALS + Limits::MACHINE.locals as Slot;
const CONTROLS: Slot = REPORTS + Limits::MACHINE.reports as Slot;
pub(crate) const END: Slot = CONTROLS + Limits::MACHINE.controls as Slot;

pub(crate) const ACK_NOW: Slot = PRIMITIVES + crate::primitive::Primitive::AckNow as Slot;
pub(crate) const RTT_SAMPLE: Slot =
    PRIMITIVES + crate::primitive::Primitive::FlowRttSampleUs as Slot;

/// The first register that a byte does not name.
pub(super) const FIRST_FAR: Slot = 256;

// Reports are one slice, and so must be near.
const _: () = assert!(CONTROLS <= FIRST_FAR && FIRST_FAR <= END);
const _: () = assert!(Limits::MACHINE.primitives as usize == Primitives::COUNT);

/// Each class with its first slot and its number of registers.
const REGIONS: [(Class, Slot, u32); 8] = [
    (Class::Implicit, EVENT_FLAG, 6),
    (Class::Primitive, PRIMITIVES, Limits::MACHINE.primitives),
    (Class::Temp, TEMPS, Limits::MACHINE.temps),
    (Class::Local, LOCALS, Limits::MACHINE.locals),
    (Class::Report, REPORTS, Limits::MACHINE.reports),
    (Class::VolatileReport, REPORTS, Limits::MACHINE.reports),
    (Class::Control, CONTROLS, Limits::MACHINE.controls),
    (Class::VolatileControl, CONTROLS, Limits::MACHINE.controls),
];
