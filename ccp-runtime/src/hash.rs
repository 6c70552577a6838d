//! The hash of flow numbers and addresses: a multiplication by a random odd number.
//!
//! A datapath chooses its flow numbers, so the factor is secret; multiplying and folding 128 bits
//! then makes collisions as rare as chance (multiply-shift hashing), at a fraction of SipHash's cost.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map with this hash.
pub(crate) type FastMap<K, V> = HashMap<K, V, Multiply>;

/// One random factor for each map.
#[derive(Clone)]
pub(crate) struct Multiply(u64);

impl Default for Multiply {
    fn default() -> Self {
        Self(RandomState::new().build_hasher().finish() | 1)
    }
}

impl BuildHasher for Multiply {
    type Hasher = Folder;

    fn build_hasher(&self) -> Folder {
        Folder {
            factor: self.0,
            state: 0,
        }
    }
}

pub(crate) struct Folder {
    factor: u64,
    state: u64,
}

impl Folder {
    #[inline]
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = product as u64 ^ (product >> 64) as u64;
    }
}

impl Hasher for Folder {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.fold(u64::from(value));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}
