//! The machine: runs a verified program once per ACK.
//!
//! [`Program::invoke`] is the part of an invocation that every datapath must do the same way, from
//! loading the window to resetting what was reported; messages, timers and limits of a transport
//! are its caller's. A program is decoded once into steps over one flat register file, so that an
//! invocation allocates nothing and fails no check.

mod decode;
mod dense;
pub(crate) mod exec;
pub(crate) mod file;
mod observe;
mod outcome;
mod program;
pub(crate) mod staged;

pub use file::Registers;
pub use observe::Observed;
pub use outcome::{Call, Outcome, Trap, TrapKind};
pub use program::{Program, ProgramError};
pub use staged::{NotSettable, Staged};
