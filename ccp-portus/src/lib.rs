#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod alg;
#[macro_use]
pub mod algs;
mod datapath;
mod error;
pub mod ipc;
pub mod lang;
mod report;
mod run;
mod stop_flag;

pub use alg::{CongAlg, DatapathInfo, Flow};
pub use datapath::{Datapath, DatapathTrait};
pub use error::{
    Error, FieldNotFoundError, InvalidRegTypeError, InvalidReportError, Result, StaleProgramError,
};
pub use report::Report;
pub use run::{CCPHandle, NoSpawn, RunBuilder, Spawn};

/// Its native example is code that has to build.
#[cfg(doctest)]
#[doc = include_str!("../from-portus.md")]
struct FromPortus;
