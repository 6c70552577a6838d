#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod agent;
mod cross;
mod error;
mod events;
mod flow;
#[cfg(feature = "toml")]
mod form;
mod histogram;
mod link;
mod packet;
mod rate;
mod receiver;
mod results;
mod scenario;
mod sender;
mod sim;
mod time;
pub mod traces;
pub mod units;

pub use agent::AgentSteps;
pub use cross::Cross;
pub use error::SimError;
#[cfg(feature = "toml")]
pub use form::FormError;
pub use link::{Aqm, Change, Link, LinkCounters, Loss, QueueLimit, Reordering, Trace, TraceError};
pub use rate::Rate;
pub use results::{
    AgentResults, CrossResults, FlowResults, FlowSample, Governor, LinkSample, Results, Watched,
};
pub use scenario::{AgentSocket, Flow, Outage, Scenario};
pub use sender::{Pacing, Phase, Source};
pub use sim::Sim;
