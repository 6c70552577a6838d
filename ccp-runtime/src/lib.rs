#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod agent;
mod alg;
mod builder;
mod datapath;
mod handle;
mod hash;
mod limit;
mod link;
mod list;
mod peer;
mod programs;
mod report;
mod scope;
mod stats;
mod stop_flag;

pub use agent::Agent;
pub use alg::{CongAlg, DatapathInfo, Flow};
pub use builder::{NoSpawn, RunBuilder, Settings, Spawn};
pub use ccp_ipc::{BackendBuilder, Blocking, Ipc, Nonblocking, OutboxLimits, StopHandle};
pub use ccp_wire::{Address, FlowId, ProgramUid};
pub use datapath::{Datapath, SetProgramError, UpdateError};
pub use handle::{CCPHandle, RunError};
pub use list::{AdditionalAlg, AlgSet, DefaultAlg};
pub use programs::Misfit;
pub use report::{Report, ReportError, ReportField};
pub use scope::{ControlField, Scope};
pub use stats::{Stats, StatsHandle};
