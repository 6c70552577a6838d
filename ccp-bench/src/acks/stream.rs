//! Streams of ACKs.

use ccp_lang::{Primitive, Primitives};

/// One ACK, and how long after the one before it comes.
#[derive(Clone, Debug)]
pub struct Acked {
    /// Microseconds.
    pub elapsed: u64,
    /// What the transport measured.
    pub primitives: Primitives,
}

/// A bulk flow at 12 Mbit/s with an RTT of 20 to 23 ms: an ACK a millisecond, mostly for one packet. One of
/// [`STEADY`] tells of a loss, one has no RTT sample.
#[must_use]
pub fn steady() -> Vec<Acked> {
    let mut random = Random(1);
    (0..STEADY)
        .map(|at| {
            let packets = 1 + u64::from(random.below(4) == 0);
            let lost = u64::from(at == 100);
            let in_flight = 18 + random.below(6);
            let rtt = 20_000 + random.below(3_000);
            let primitives = Primitives::new()
                .with(Primitive::AckBytesAcked, packets * MSS)
                .with(Primitive::AckPacketsAcked, packets)
                .with(Primitive::AckLostPktsSample, lost)
                .with(Primitive::FlowBytesInFlight, in_flight * MSS)
                .with(Primitive::FlowBytesPending, 1 << 20)
                .with(Primitive::FlowPacketsInFlight, in_flight)
                .with(Primitive::FlowRateIncoming, 1_480_000 + random.below(40_000))
                .with(Primitive::FlowRateOutgoing, 1_500_000)
                .with(Primitive::FlowRttSampleUs, if at == 200 { 0 } else { rtt });
            Acked { elapsed: 700 + random.below(600), primitives }
        })
        .collect()
}

/// Anything that a transport could say, and now and then what none does.
#[must_use]
pub fn wild(seed: u64, len: usize) -> Vec<Acked> {
    let mut random = Random(seed);
    let wild_ack = |_| {
        let mut primitives = Primitives::new();
        for &primitive in Primitive::ALL.iter().take(BASE) {
            let bytes = matches!(
                primitive,
                Primitive::AckBytesAcked
                    | Primitive::FlowBytesInFlight
                    | Primitive::FlowBytesPending
            );
            let value = match random.below(40) {
                0 => u64::MAX >> random.below(64),
                1..=8 => 0,
                _ if bytes => random.below(60) * MSS,
                _ => random.below(8),
            };
            primitives.set(primitive, value);
        }
        let scaled = [
            (Primitive::FlowRttSampleUs, 10_000 + random.below(60_000)),
            (Primitive::FlowRateIncoming, random.below(2_000_000)),
            (Primitive::FlowRateOutgoing, random.below(2_000_000)),
        ];
        for (primitive, value) in scaled {
            if random.below(12) > 0 {
                primitives.set(primitive, value);
            }
        }
        // Truth is 0 or 1; losses and timeouts are few.
        primitives.set(Primitive::FlowWasTimeout, u64::from(random.below(40) == 0));
        for rare in [Primitive::AckLostPktsSample, Primitive::AckEcnPackets] {
            if random.below(8) > 0 {
                primitives.set(rare, 0);
            }
        }
        if random.below(6) == 0 {
            let in_flight = primitives.get(Primitive::FlowBytesInFlight);
            primitives.set(Primitive::FlowBytesPending, in_flight);
        }
        let elapsed =
            if random.below(50) == 0 { random.below(40_000_000) } else { random.below(3_000) };
        Acked { elapsed, primitives }
    };
    (0..len).map(wild_ack).collect()
}

/// Numbers without a pattern that matters here (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end.max(1)
    }
}

/// How many ACKs [`steady`] has.
pub const STEADY: u64 = 256;

/// The primitives that every datapath has come first.
const BASE: usize = 15;

const MSS: u64 = 1448;
