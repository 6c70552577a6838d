//! What a transport might say: ACKs, and what an agent stages between them.

use ccp_lang::{Primitive, Reg};

/// What happens between two ACKs and at the second.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    /// May go back now and then.
    pub(crate) elapsed: i64,
    pub(crate) primitives: Vec<(Primitive, u64)>,
    /// Begin with one of two programs, or begin it anew.
    pub(crate) switch: Option<bool>,
    pub(crate) staged: Vec<(Reg, u64)>,
}

/// Numbers from a seed: what an input that is all program leaves open.
pub(crate) struct Derived(u64);

impl Derived {
    /// The same for equal bytes.
    pub(crate) fn from(bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Mostly small, as much happens at the edges.
    pub(crate) fn value(&mut self) -> u64 {
        match self.below(12) {
            0..6 => self.below(4),
            6..10 => self.below(100_000),
            10 => EDGES[self.below(EDGES.len() as u64) as usize],
            _ => self.next(),
        }
    }

    pub(crate) fn ack(&mut self) -> Ack {
        let elapsed = match self.below(10) {
            0 => 0,
            1 => -(self.below(2_000) as i64),
            2 => self.below(10_000_000) as i64,
            _ => self.below(5_000) as i64,
        };
        let count = self.below(8);
        let primitives = (0..count).map(|_| (self.primitive(), self.value())).collect();
        let switch = (self.below(5) == 0).then(|| self.below(2) == 1);
        let staged = match self.below(4) {
            0 => self.below(4),
            _ => 0,
        };
        let staged = (0..staged).map(|_| (self.settable(), self.value())).collect();
        Ack { elapsed, primitives, switch, staged }
    }

    pub(crate) fn acks(&mut self, count: usize) -> Vec<Ack> {
        (0..count).map(|_| self.ack()).collect()
    }

    fn primitive(&mut self) -> Primitive {
        Primitive::ALL[self.below(Primitive::ALL.len() as u64) as usize]
    }

    fn settable(&mut self) -> Reg {
        SETTABLE[self.below(SETTABLE.len() as u64) as usize]
    }
}

/// Where arithmetic turns.
pub(crate) const EDGES: [u64; 8] = [
    0x3FFF_FFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    u64::MAX / 2,
    u64::MAX - 1,
    u64::MAX,
];

/// Registers that an agent may set.
pub(crate) const SETTABLE: [Reg; 6] = [
    Reg::control(0),
    Reg::volatile_control(1),
    Reg::control(2),
    Reg::control(109),
    Reg::CWND,
    Reg::RATE,
];
