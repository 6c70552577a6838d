#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod agent;
mod error;
mod events;
mod flow;
mod histogram;
mod link;
mod packet;
mod receiver;
mod results;
mod scenario;
mod sender;
mod sim;
mod time;

pub use agent::AgentSteps;
pub use error::SimError;
pub use link::{Link, LinkCounters, QueueLimit, Rate};
pub use results::{AgentResults, FlowResults, FlowSample, Governor, Results};
pub use scenario::{AgentSocket, Flow, Scenario};
pub use sender::{Pacing, Source};
pub use sim::Sim;
