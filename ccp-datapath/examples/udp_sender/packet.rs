//! The two kinds of packet of this toy transport. Numbers are little-endian.
//!
//! As in QUIC a packet's number is never used twice: what is sent again goes out under a new number, so an
//! acknowledgement never leaves open which transmission it answers. `chunk` says which piece of the data a packet
//! carries.

use std::ops::Range;

/// Bytes of every data packet, as congestion control counts them.
pub(crate) const PACKET_LEN: usize = 1472;

/// Bytes that the headers of UDP and IPv4 add on the link.
pub(crate) const OVERHEAD: usize = 28;

/// Ranges in one acknowledgement. Older ones have been told before.
pub(crate) const MAX_RANGES: usize = 16;

/// The head of a data packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) number: u64,
    pub(crate) chunk: u64,
    pub(crate) sent_us: u64,
    /// Congestion experienced: set by the link, as a router sets it in the IP header.
    pub(crate) ce: bool,
}

/// What the receiver says on each packet it gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ack {
    /// When the packet that caused this acknowledgement was sent, by the sender's clock.
    pub(crate) echo_us: u64,
    /// Marked packets so far. A running total, so that a lost acknowledgement loses no mark.
    pub(crate) ce_packets: u64,
    /// Packet numbers received, the newest range first.
    pub(crate) ranges: Vec<Range<u64>>,
}

impl Data {
    pub(crate) fn write(&self, packet: &mut [u8; PACKET_LEN]) {
        packet[0] = DATA;
        packet[1] = u8::from(self.ce);
        for (at, value) in [(2, self.number), (10, self.chunk), (18, self.sent_us)] {
            packet[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
    }

    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        if packet.len() != PACKET_LEN || packet[0] != DATA {
            return None;
        }
        Some(Self {
            ce: packet[1] != 0,
            number: u64_at(packet, 2)?,
            chunk: u64_at(packet, 10)?,
            sent_us: u64_at(packet, 18)?,
        })
    }
}

impl Ack {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut packet = vec![ACK];
        packet.extend(self.echo_us.to_le_bytes());
        packet.extend(self.ce_packets.to_le_bytes());
        for range in self.ranges.iter().take(MAX_RANGES) {
            packet.extend(range.start.to_le_bytes());
            packet.extend(range.end.to_le_bytes());
        }
        packet
    }

    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let (head, ranges) = packet.split_at_checked(17)?;
        if head[0] != ACK || ranges.len() % 16 != 0 || ranges.len() > MAX_RANGES * 16 {
            return None;
        }
        let ranges = ranges.chunks_exact(16).map(|r| Some(u64_at(r, 0)?..u64_at(r, 8)?));
        Some(Self {
            echo_us: u64_at(head, 1)?,
            ce_packets: u64_at(head, 9)?,
            ranges: ranges.collect::<Option<_>>()?,
        })
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

const DATA: u8 = 1;
const ACK: u8 = 2;
