#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod recovery;
pub mod registry;
pub mod reno;
pub mod window;

pub use reno::{Reno, RenoAlg};
pub use window::ReportEvery;
