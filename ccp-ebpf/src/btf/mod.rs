//! Reads BTF, the kernel's description of its own types.
//!
//! Whatever the bytes are: nothing here panics, loops without end or allocates more than a few bytes
//! for each byte of input. What a type means to the datapath is [`offsets`](crate::offsets)'s business.

mod make;
mod parse;

pub use make::BtfMaker;
pub use parse::BtfError;

use parse::{Record, Tail};

/// The number of a type. 0 is `void`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

impl TypeId {
    /// No type.
    pub const VOID: Self = Self(0);
}

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Kind {
    Int = 1,
    Pointer = 2,
    Array = 3,
    Struct = 4,
    Union = 5,
    Enum = 6,
    Forward = 7,
    Typedef = 8,
    Volatile = 9,
    Const = 10,
    Restrict = 11,
    Function = 12,
    Prototype = 13,
    Variable = 14,
    Section = 15,
    Float = 16,
    DeclTag = 17,
    TypeTag = 18,
    Enum64 = 19,
}

/// One kernel's types.
#[derive(Clone, Debug)]
pub struct Btf {
    bytes: Vec<u8>,
    /// Where the record of each type starts, from type 1.
    starts: Vec<u32>,
    /// Where the strings start, and where they end.
    strings: (usize, usize),
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Empty for an anonymous one.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// From the start of the struct, in bits.
    pub bit_offset: u32,
    /// How many bits a bit field has; 0 for what is none.
    pub bits: u32,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Empty where the kernel does not tell it.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
}

impl Btf {
    /// Reads the bytes, as they are in `/sys/kernel/btf/vmlinux`.
    ///
    /// # Errors
    /// Bytes that are no BTF of this machine's byte order, or that end within a type.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, BtfError> {
        let (starts, strings) = parse::index(&bytes)?;
        Ok(Self { bytes, starts, strings })
    }

    /// How many types there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The first type of that kind and name.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str) -> Option<TypeId> {
        (1..).zip(&self.starts).find_map(|(id, &start)| {
            let record = Record::read(&self.bytes, start)?;
            let found = record.kind == kind && self.string(record.name) == name;
            found.then_some(TypeId(id))
        })
    }

    /// What a type is; nothing for `void` and for numbers that no type has.
    #[must_use]
    pub fn kind(&self, id: TypeId) -> Option<Kind> {
        Some(self.record(id)?.kind)
    }

    /// What a type is called; empty for those without a name.
    #[must_use]
    pub fn name(&self, id: TypeId) -> &str {
        self.record(id).map_or("", |record| self.string(record.name))
    }

    /// The type behind typedefs and qualifiers.
    #[must_use]
    pub fn resolve(&self, mut id: TypeId) -> TypeId {
        for _ in 0..DEEPEST {
            match self.record(id) {
                Some(Record { kind, size_or_type, .. }) if kind.is_alias() => {
                    id = TypeId(size_or_type);
                }
                _ => break,
            }
        }
        id
    }

    /// What a pointer (behind typedefs and qualifiers) points to, without those of the target.
    #[must_use]
    pub fn target(&self, id: TypeId) -> Option<TypeId> {
        let record = self.record(self.resolve(id))?;
        (record.kind == Kind::Pointer).then(|| self.resolve(TypeId(record.size_or_type)))
    }

    /// The size of a value in bytes; nothing for what has none.
    #[must_use]
    pub fn size_of(&self, id: TypeId) -> Option<u32> {
        let mut id = id;
        let mut count = 1_u32;
        for _ in 0..DEEPEST {
            id = self.resolve(id);
            let record = self.record(id)?;
            match record.kind {
                Kind::Pointer => return count.checked_mul(POINTER),
                Kind::Array => {
                    let (element, len) = record.array(&self.bytes)?;
                    count = count.checked_mul(len)?;
                    id = TypeId(element);
                }
                kind if kind.has_size() => return count.checked_mul(record.size_or_type),
                _ => return None,
            }
        }
        None
    }

    /// The members of a struct or union in order; none of anything else.
    pub fn members(&self, id: TypeId) -> impl Iterator<Item = Member<'_>> {
        let record = self.record(id).filter(|r| matches!(r.kind, Kind::Struct | Kind::Union));
        let tails = record.map(|record| record.tails(&self.bytes)).unwrap_or_default();
        let split = record.is_some_and(|record| record.flag);
        tails.map(move |Tail { name, ty, third }| {
            let (bit_offset, bits) =
                if split { (third & 0xFF_FFFF, third >> 24) } else { (third, 0) };
            Member { name: self.string(name), ty: TypeId(ty), bit_offset, bits }
        })
    }

    /// A member by name, also one inside anonymous structs and unions; its offset counts from the
    /// start of the outermost one.
    #[must_use]
    pub fn member(&self, id: TypeId, name: &str) -> Option<Member<'_>> {
        let mut budget = MOST_MEMBERS;
        self.member_within(id, name, DEEPEST, &mut budget)
    }

    /// The parameters of a function's prototype (given that, the function, or a pointer to it).
    #[must_use]
    pub fn params(&self, id: TypeId) -> Option<Vec<Param<'_>>> {
        let mut id = self.target(id).unwrap_or(id);
        if let Some(Record { kind: Kind::Function, size_or_type, .. }) = self.record(id) {
            id = TypeId(size_or_type);
        }
        let record = self.record(id).filter(|record| record.kind == Kind::Prototype)?;
        let params = record.tails(&self.bytes);
        Some(params.map(|p| Param { name: self.string(p.name), ty: TypeId(p.ty) }).collect())
    }

    fn member_within(
        &self,
        id: TypeId,
        name: &str,
        depth: usize,
        budget: &mut u32,
    ) -> Option<Member<'_>> {
        let depth = depth.checked_sub(1)?;
        for member in self.members(id) {
            *budget = budget.checked_sub(1)?;
            if member.name == name {
                return Some(member);
            }
            if !member.name.is_empty() {
                continue;
            }
            let inner = self.member_within(self.resolve(member.ty), name, depth, budget);
            if let Some(inner) = inner {
                let bit_offset = member.bit_offset.checked_add(inner.bit_offset)?;
                return Some(Member { bit_offset, ..inner });
            }
        }
        None
    }

    fn record(&self, id: TypeId) -> Option<Record> {
        let at = (id.0 as usize).checked_sub(1)?;
        Record::read(&self.bytes, *self.starts.get(at)?)
    }

    /// The string at an offset; empty where there is none.
    fn string(&self, at: u32) -> &str {
        let (start, end) = self.strings;
        let text = self.bytes.get(start..end).and_then(|all| all.get(at as usize..));
        let text = text.unwrap_or_default();
        let len = text.iter().position(|&byte| byte == 0).unwrap_or(0);
        text.get(..len).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or("")
    }
}

impl Kind {
    /// Whether the type stands for another one.
    const fn is_alias(self) -> bool {
        matches!(
            self,
            Self::Typedef | Self::Volatile | Self::Const | Self::Restrict | Self::TypeTag
        )
    }

    const fn has_size(self) -> bool {
        matches!(
            self,
            Self::Int | Self::Struct | Self::Union | Self::Enum | Self::Float | Self::Enum64
        )
    }
}

/// No honest type nests deeper; a crafted one may go round in circles.
const DEEPEST: usize = 32;

/// How many members a search looks at: crafted ones may contain themselves more than once.
const MOST_MEMBERS: u32 = 100_000;

/// Bytes of a pointer: only machines of 64 bits are served.
const POINTER: u32 = 8;

#[cfg(test)]
mod tests;
