#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod agent;
mod alg;
mod builder;
mod datapath;
mod list;
mod peer;
mod programs;
mod report;
mod scope;
mod shared;
mod stats;
mod stop_flag;

pub use agent::{Agent, RunError};
pub use alg::{CongAlg, DatapathInfo, Flow};
pub use builder::{CCPHandle, NoSpawn, RunBuilder, Settings, Spawn};
pub use ccp_ipc::{BackendBuilder, Blocking, Ipc, Nonblocking, OutboxLimits, StopHandle};
pub use ccp_lang::{
    Compiler, FromReport, Lint, Misfit, NameError, Primitive, PrimitiveDef, PrimitiveTable, report,
};
pub use ccp_wire::{Address, FlowId, ProgramUid};
pub use datapath::{Datapath, SetProgramError, UpdateError};
pub use list::{AdditionalAlg, AlgSet, DefaultAlg};
pub use programs::Programs;
pub use report::{Fields, Report, ReportError, ReportField};
pub use scope::{ControlField, Scope};
pub use stats::{Stats, StatsHandle};
