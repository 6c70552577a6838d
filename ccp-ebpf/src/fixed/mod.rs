//! The fixed part: the congestion control algorithm that the kernel calls, as generated code.
//!
//! Pure: from one kernel's offsets and the maps' descriptors to code; [`engine`](crate::engine)
//! loads it. It announces flows, keeps their pages, hands each ACK to the flow's program by a tail
//! call, and where there is none to hand it to, governs by itself: Reno with PRR, pacing, and the
//! rules for idle and application-limited senders that the kernel leaves to `cong_control`.
//!
//! Registers throughout: R6 the socket, R7 the context, R8 the rate sample, R9 the flow's page (0:
//! none).

mod announce;
mod control;
mod fallback;
mod flow;
mod kit;
mod leaf;
#[cfg(test)]
mod tests;

use ccp_lang::ebpf::{Asm, AsmError, Assembled};

use crate::offsets::Kernel;

pub(crate) use kit::Kit;
pub use leaf::primitives;

/// The maps that the code uses, by descriptor.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapFds {
    /// One page for each flow.
    pub flows: i32,
    /// The agent's page.
    pub agent: i32,
    /// Free slots.
    pub slots: i32,
    /// Programs by number.
    pub programs: i32,
    /// Messages to the agent.
    pub ring: i32,
}

/// What is generated depends on.
#[derive(Clone, Copy, Debug)]
pub struct Fixed<'a> {
    /// The kernel it is for.
    pub kernel: &'a Kernel,
    /// Its maps.
    pub maps: MapFds,
    /// How many bits of a flow's number are its slot; the others are its generation.
    pub slot_bits: u32,
    /// What `Ack.now` counts from, in microseconds of the monotonic clock.
    pub epoch_us: u64,
}

/// One of the fixed part's programs.
#[derive(Clone, Debug)]
pub struct FixedProgram {
    /// The function of the kernel's that it is.
    pub callback: &'static str,
    /// Its code.
    pub code: Assembled,
}

impl Fixed<'_> {
    /// All programs. Flows ask for the algorithm `wish` in their Create; empty: for none.
    ///
    /// # Errors
    /// A mistake of the generator's: a jump to nowhere.
    pub fn programs(&self, wish: &str) -> Result<Vec<FixedProgram>, AsmError> {
        let make = |callback, emit: &dyn Fn(&mut Kit<'_>)| {
            let mut asm = Asm::new();
            emit(&mut Kit::new(*self, &mut asm));
            Ok(FixedProgram { callback, code: asm.finish()? })
        };
        Ok(vec![
            make("init", &|kit| flow::init(kit, wish))?,
            make("release", &flow::release)?,
            make("ssthresh", &flow::ssthresh)?,
            make("undo_cwnd", &flow::undo_cwnd)?,
            make("set_state", &flow::set_state)?,
            make("cwnd_event", &flow::cwnd_event)?,
            make("cong_control", &|kit| control::cong_control(kit, wish))?,
        ])
    }
}
