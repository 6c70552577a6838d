#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bbr;
pub mod cubic;
pub mod factor;
pub mod recovery;
pub mod registry;
pub mod reno;
pub mod spec;
mod specs;
mod variant;
pub mod window;

pub use bbr::BbrAlg;
pub use cubic::{Cubic, CubicAlg, CubicLinux, CubicLinuxAlg};
pub use factor::Factor;
pub use reno::{Reno, RenoAlg};
pub use spec::Spec;
pub use specs::{SpecFlow, Specs};
pub use window::ReportEvery;
