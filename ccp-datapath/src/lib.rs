#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

// What a transport needs of the language: the types in the signatures here.
pub use ccp_lang::{Limits, Micros, Primitive, Primitives, Reg, Trap};
pub use config::{AGENT_BUFFER_LEN, BASE_PRIMITIVES, Config, FlowInfo};
pub use engine::{Control, Datapath, Decision, FlowHandle, Governor, Handled};
pub use error::{InstallError, MessageError, NoSuchFlow, OpenError};
pub use sink::{Sink, SinkError};
pub use stats::{Refused, Stats, Traps};

/// The guide for transports: its examples run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/add-a-transport.md")]
pub struct Guide;

pub mod fallback;

mod announcement;
mod config;
mod engine;
mod error;
mod flows;
mod programs;
mod session;
mod sink;
mod stats;
