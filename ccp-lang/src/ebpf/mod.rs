//! From a verified program to eBPF instructions, for datapaths inside a kernel.
//!
//! Pure: no system call, no kernel version, no map. [`Asm`] builds code; the parts that a datapath
//! adds around a program are written with it too.

mod asm;
mod cache;
mod emit;
mod host;
mod insn;
mod layout;
mod lower;
mod outline;
mod take;
mod work;

pub use asm::{Alu, Asm, AsmError, Assembled, Atomic, Cond, Gpr, Label, Size, Src};
pub use emit::{PrimitiveBounds, Target, emit, emit_bare};
pub use host::{Ending, Host};
pub use insn::Insn;
pub use layout::Layout;
pub use outline::outline;
pub use take::choose;

use crate::limits::Limits;

/// The largest programs whose code the kernel's verifier is sure to follow: it keeps at most 8192
/// jumps in mind, and each instruction and each event has at most one that matters.
pub const LIMITS: Limits = Limits { max_events: 2048, ..Limits::MACHINE };
