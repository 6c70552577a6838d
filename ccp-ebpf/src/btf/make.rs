//! Makes BTF: the small one that the kernel wants beside a struct_ops map, and made-up kernels for tests.

use super::parse::{MAGIC, VERSION};
use super::{Kind, TypeId};

/// Collects types and gives their bytes.
#[derive(Clone, Debug)]
pub struct BtfMaker {
    types: Vec<u8>,
    count: u32,
    strings: Vec<u8>,
}

impl Default for BtfMaker {
    fn default() -> Self {
        // The string at 0 is the empty one.
        Self { types: Vec::new(), count: 0, strings: vec![0] }
    }
}

impl BtfMaker {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An integer type of so many bytes.
    pub fn int(&mut self, name: &str, bytes: u32) -> TypeId {
        self.add(name, Kind::Int, 0, false, bytes, &[bytes * 8])
    }

    /// A type that stands for or points to another: a pointer, typedef or qualifier.
    pub fn alias(&mut self, kind: Kind, name: &str, to: TypeId) -> TypeId {
        self.add(name, kind, 0, false, to.0, &[])
    }

    /// An array.
    pub fn array(&mut self, of: TypeId, len: u32) -> TypeId {
        self.add("", Kind::Array, 0, false, 0, &[of.0, of.0, len])
    }

    /// A struct or union of so many bytes. Members are name, type, offset in bits, and how many
    /// bits a bit field has (0: it is none).
    pub fn composite(
        &mut self,
        kind: Kind,
        name: &str,
        bytes: u32,
        members: &[(&str, TypeId, u32, u32)],
    ) -> TypeId {
        let split = members.iter().any(|&(.., bits)| bits != 0);
        let mut tail = Vec::new();
        for &(name, ty, offset, bits) in members {
            tail.extend([self.string(name), ty.0, offset | bits << 24]);
        }
        self.add(name, kind, members.len(), split, bytes, &tail)
    }

    /// A function's prototype, without a result.
    pub fn prototype(&mut self, params: &[(&str, TypeId)]) -> TypeId {
        let mut tail = Vec::new();
        for &(name, ty) in params {
            tail.extend([self.string(name), ty.0]);
        }
        self.add("", Kind::Prototype, params.len(), false, 0, &tail)
    }

    /// The bytes.
    #[must_use]
    pub fn finish(&self) -> Vec<u8> {
        let header_len = 24_u32;
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut bytes = MAGIC.to_le_bytes().to_vec();
        bytes.extend([VERSION, 0]);
        for word in [header_len, 0, types, types, strings] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        bytes
    }

    fn add(
        &mut self,
        name: &str,
        kind: Kind,
        count: usize,
        flag: bool,
        size_or_type: u32,
        tail: &[u32],
    ) -> TypeId {
        let info = (count as u32 & 0xFFFF) | (kind as u32) << 24 | u32::from(flag) << 31;
        let name = self.string(name);
        for word in [name, info, size_or_type].iter().chain(tail) {
            self.types.extend(word.to_le_bytes());
        }
        self.count += 1;
        TypeId(self.count)
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        at
    }
}
