//! Why a simulation cannot be run.

use ccp_datapath::OpenError;
use ccp_runtime::RunError;

/// Why a simulation cannot be run, or not on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// There is nobody to simulate.
    #[error("the scenario has no flows")]
    NoFlows,
    /// A flow's packets would be empty.
    #[error(
        "flow {flow} has packets of {mss} bytes of data and {overhead} beside; a packet holds 1 to 65535"
    )]
    PacketSize {
        /// Its place in the scenario.
        flow: usize,
        /// Bytes of data.
        mss: u32,
        /// Bytes beside.
        overhead: u32,
    },
    /// The datapath did not take a flow.
    #[error("flow {flow} was not opened")]
    Open {
        /// Its place in the scenario.
        flow: usize,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The agent could not be made, or ended.
    #[error("the agent failed")]
    Agent(#[from] RunError),
}
