//! What travels: data packets one way, acknowledgements the other.

use crate::time::Time;

/// A data packet. It carries one segment, numbered from 0 in each flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Its place in the scenario.
    pub(crate) flow: u32,
    /// Which segment of the flow's data.
    pub(crate) segment: u64,
    /// Which transmission of the flow: no two packets share it, a retransmission has a new one.
    pub(crate) transmission: u64,
    /// Bytes on the link, headers included.
    pub(crate) wire_len: u32,
    pub(crate) sent_at: Time,
    /// Whether the network may mark it instead of dropping it, and whether it has.
    pub(crate) ecn: bool,
    pub(crate) marked: bool,
}

/// What the receiver answers to each packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    /// All segments below this one have arrived.
    pub(crate) cumulative: u64,
    /// The segment that this answers: what SACK says beyond the cumulative number.
    pub(crate) segment: u64,
    /// The transmission that this answers: what a timestamp echo says.
    pub(crate) transmission: u64,
    /// When that was sent.
    pub(crate) sent_at: Time,
    /// Whether that arrived with an ECN mark: what accurate ECN tells.
    pub(crate) marked: bool,
}
