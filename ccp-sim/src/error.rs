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
    /// A flow would send more at once than any network holds.
    #[error("flow {flow} begins with a window of {packets} packets; at most 1048576 are possible")]
    InitialWindow {
        /// Its place in the scenario.
        flow: usize,
        /// The window.
        packets: u32,
    },
    /// Cross traffic's packets would be empty or too long.
    #[error("cross traffic {cross} has packets of {bytes} bytes; a packet holds 1 to 65535")]
    CrossPacketSize {
        /// Its place in the scenario.
        cross: usize,
        /// Bytes of a packet.
        bytes: u32,
    },
    /// A recorded link has no rate that could change.
    #[error("change {change} gives a rate to a link that a trace describes")]
    RateOfTrace {
        /// Its place among the link's changes.
        change: usize,
    },
    /// A probability is none.
    #[error("{what} has the probability {value}; one lies between 0 and 1")]
    Probability {
        /// What it is the probability of.
        what: &'static str,
        /// What is said of it.
        value: f64,
    },
    /// An outage ends before it begins.
    #[error("outage {outage} ends before it begins")]
    OutageTimes {
        /// Its place in the scenario.
        outage: usize,
    },
    /// An outage begins before the one in front of it is over.
    #[error("outage {outage} begins before the one in front of it is over")]
    OutageOrder {
        /// Its place in the scenario.
        outage: usize,
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
