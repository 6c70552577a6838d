//! The primitives: what a transport measures and a program reads, as one table.

use core::fmt;

use crate::micros::Micros;
use crate::reg::INFINITY;
use crate::table::PrimitiveDef;

/// The type of a value in the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A number.
    Num,
    /// True (1) or false (0).
    Bool,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Num => "Num",
            Self::Bool => "Bool",
        })
    }
}

macro_rules! primitives {
    ($( $index:literal $variant:ident $name:literal $ty:ident $stand_in:expr, $doc:literal )+) => {
        /// One thing a transport measures; the discriminant is its index on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Primitive {
            $( #[doc = concat!("`", $name, "`: ", $doc)] $variant = $index, )+
        }

        impl Primitive {
            /// Every primitive, in the order of their indices.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The name in the language.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $name, )+
                }
            }

            /// The type in the language.
            #[must_use]
            pub const fn ty(self) -> Type {
                match self {
                    $( Self::$variant => Type::$ty, )+
                }
            }

            /// What it is, in one line.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $( Self::$variant => $doc, )+
                }
            }

            /// The expression over the first fifteen that a compiler puts in its place for a
            /// datapath that does not have it. `None`: every datapath has it.
            #[must_use]
            pub const fn stand_in(self) -> Option<&'static str> {
                match self {
                    $( Self::$variant => $stand_in, )+
                }
            }
        }

        /// Every primitive as an entry of a table.
        pub(crate) static STANDARD: [PrimitiveDef; Primitive::ALL.len()] =
            [$( PrimitiveDef::standard(Primitive::$variant), )+];
    };
}

primitives! {
    0  AckBytesAcked         "Ack.bytes_acked"         Num  None, "newly acknowledged in-order bytes: the advance of the left edge, whether SACKed before or not"
    1  AckBytesMisordered    "Ack.bytes_misordered"    Num  None, "newly acknowledged out-of-order (SACKed) bytes"
    2  AckEcnBytes           "Ack.ecn_bytes"           Num  None, "bytes of ECN-marked packets"
    3  AckEcnPackets         "Ack.ecn_packets"         Num  None, "ECN-marked packets"
    4  AckLostPktsSample     "Ack.lost_pkts_sample"    Num  None, "packets newly thought lost"
    5  AckNow                "Ack.now"                 Num  None, "microseconds since the datapath started"
    6  AckPacketsAcked       "Ack.packets_acked"       Num  None, "in-order packets: newly delivered less those counted as misordered"
    7  AckPacketsMisordered  "Ack.packets_misordered"  Num  None, "out-of-order packets: the growth of what is SACKed, never below 0"
    8  FlowBytesInFlight     "Flow.bytes_in_flight"    Num  None, "bytes in flight"
    9  FlowBytesPending      "Flow.bytes_pending"      Num  None, "bytes in the send buffer not yet acknowledged"
    10 FlowPacketsInFlight   "Flow.packets_in_flight"  Num  None, "packets in flight"
    11 FlowRateIncoming      "Flow.rate_incoming"      Num  None, "delivery rate in bytes per second"
    12 FlowRateOutgoing      "Flow.rate_outgoing"      Num  None, "send rate in bytes per second"
    13 FlowRttSampleUs       "Flow.rtt_sample_us"      Num  None, "RTT sample in microseconds; infinity when there is none"
    14 FlowWasTimeout        "Flow.was_timeout"        Bool None, "a retransmission timeout fired"
    15 FlowAppLimited        "Flow.app_limited"        Bool
        Some("(&& (== Flow.bytes_pending Flow.bytes_in_flight) (< Flow.bytes_in_flight Cwnd))"),
        "the rate sample's packet was sent while the application, not the window, was the limit"
    16 FlowRecovery          "Flow.recovery"           Num  Some("0"), "0 open, 1 reducing after ECN, 2 recovery, 3 after a timeout"
    17 FlowUndone            "Flow.undone"             Bool Some("false"), "the last reduction was found spurious"
    18 FlowIdleUs            "Flow.idle_us"            Num  Some("0"), "microseconds the sender had been idle before it sent what this ACK answers"
}

impl Primitive {
    /// The primitives that every datapath has, as a mask of bits by index.
    pub const BASE_MASK: u64 = 0x7FFF;

    /// The primitive of an index, if this table has one there.
    #[must_use]
    pub fn from_index(index: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(index).ok()?).copied()
    }

    /// The primitive of a name in the language.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.name() == name)
    }

    /// The index on the wire.
    #[must_use]
    pub const fn index(self) -> u32 {
        self as u32
    }

    /// This primitive's bit in a mask by index.
    #[must_use]
    pub const fn mask(self) -> u64 {
        1 << self as u32
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the transport measured for one invocation.
///
/// Holds the raw measurements: a missing RTT sample is 0 here, and what is put at
/// [`Primitive::AckNow`] is ignored, since the machine takes the time of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primitives {
    pub(crate) values: [u64; Self::COUNT],
}

impl Primitives {
    /// How many primitives there can be: those of the table and those a transport adds.
    pub const COUNT: usize = 32;

    /// Nothing measured: all 0.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: [0; Self::COUNT] }
    }

    /// The same with one value set.
    #[must_use]
    #[inline]
    pub const fn with(mut self, primitive: Primitive, value: u64) -> Self {
        self.set(primitive, value);
        self
    }

    /// Sets one value. Those of type Bool are 0 or 1: compiled programs rely on it.
    #[inline]
    pub const fn set(&mut self, primitive: Primitive, value: u64) {
        self.values[primitive as usize % Self::COUNT] = value;
    }

    /// Sets a value by index, for primitives that a transport added. Says whether the index exists.
    #[inline]
    pub fn set_index(&mut self, index: u32, value: u64) -> bool {
        match self.values.get_mut(index as usize) {
            Some(slot) => {
                *slot = value;
                true
            }
            None => false,
        }
    }

    /// The value as it was set.
    #[must_use]
    #[inline]
    pub const fn get(&self, primitive: Primitive) -> u64 {
        self.values[primitive as usize % Self::COUNT]
    }

    /// The value of `primitive` as a program would read it at `now`.
    #[must_use]
    pub const fn read(&self, primitive: Primitive, now: Micros) -> u64 {
        match (primitive, self.get(primitive)) {
            (Primitive::AckNow, _) => now.0,
            (Primitive::FlowRttSampleUs, 0) => INFINITY,
            (_, value) => value,
        }
    }
}

impl Default for Primitives {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_and_names_map_back() {
        for (index, &primitive) in Primitive::ALL.iter().enumerate() {
            assert_eq!(primitive.index() as usize, index);
            assert_eq!(Primitive::from_index(index as u32), Some(primitive));
            assert_eq!(Primitive::from_name(primitive.name()), Some(primitive));
        }
        assert_eq!(Primitive::ALL.len(), 19);
        assert_eq!(Primitive::from_index(19), None);
        assert_eq!(Primitive::from_name("Flow.unknown"), None);
    }

    #[test]
    fn only_the_first_fifteen_have_no_stand_in() {
        for &primitive in Primitive::ALL {
            let base = primitive.mask() & Primitive::BASE_MASK != 0;
            assert_eq!(base, primitive.stand_in().is_none(), "{primitive}");
        }
    }

    #[test]
    fn a_missing_rtt_sample_reads_as_infinity() {
        let mut primitives = Primitives::new().with(Primitive::AckNow, 3);
        assert_eq!(primitives.read(Primitive::FlowRttSampleUs, Micros(9)), INFINITY);
        assert_eq!(primitives.read(Primitive::AckNow, Micros(9)), 9);
        primitives.set(Primitive::FlowRttSampleUs, 70);
        assert_eq!(primitives.read(Primitive::FlowRttSampleUs, Micros(9)), 70);
    }

    #[test]
    fn added_primitives_are_set_by_index() {
        let mut primitives = Primitives::new();
        assert!(primitives.set_index(31, 5));
        assert!(!primitives.set_index(32, 5));
        assert_eq!(primitives.values[31], 5);
    }
}
