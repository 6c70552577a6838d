//! How large a program may be.

/// The most of each that a program may use.
///
/// [`Limits::default`] is what this machine takes: 255 instructions, as an 8-bit index can walk,
/// with more locals and temporaries than libccp has, because the compilers of other agents number
/// up to 16 temporaries. [`Limits::LIBCCP`] is what a program may use to run right on libccp, which
/// checks none of it. Values above [`Limits::MACHINE`] count as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions, declarations included.
    pub max_instrs: u32,
    /// Events.
    pub max_events: u32,
    /// Control registers, volatile ones included.
    pub controls: u32,
    /// Report registers, volatile ones included.
    pub reports: u32,
    /// Locals.
    pub locals: u32,
    /// Temporaries.
    pub temps: u32,
    /// Primitives: the indices below this can be read.
    pub primitives: u32,
}

impl Limits {
    /// The most that the machine can hold. One Install message cannot carry more instructions.
    pub const MACHINE: Self = Self {
        max_instrs: 4096,
        max_events: 4096,
        controls: 110,
        reports: 110,
        locals: 32,
        temps: 32,
        primitives: 32,
    };

    /// What libccp 1.2 runs right.
    pub const LIBCCP: Self = Self {
        max_instrs: 255,
        max_events: 256,
        controls: 110,
        reports: 110,
        locals: 8,
        temps: 8,
        primitives: 15,
    };

    /// The smaller of both in every respect.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            max_instrs: self.max_instrs.min(other.max_instrs),
            max_events: self.max_events.min(other.max_events),
            controls: self.controls.min(other.controls),
            reports: self.reports.min(other.reports),
            locals: self.locals.min(other.locals),
            temps: self.temps.min(other.temps),
            primitives: self.primitives.min(other.primitives),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_instrs: 255, max_events: 256, ..Self::MACHINE }
    }
}
