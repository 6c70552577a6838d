//! Tables of primitives: the standard ones, and those that a transport or a fork adds.

use alloc::borrow::Cow;
#[cfg(feature = "compiler")]
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use crate::primitive::{Primitive, Primitives, STANDARD, Type};

/// One primitive of a table: what a transport measures under an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimitiveDef {
    name: Cow<'static, str>,
    index: u32,
    ty: Type,
    doc: Cow<'static, str>,
    stand_in: Option<Cow<'static, str>>,
}

impl PrimitiveDef {
    /// A number. Names begin with `Ack.` or `Flow.`.
    #[must_use]
    pub fn num(name: impl Into<Cow<'static, str>>, index: u32) -> Self {
        Self { name: name.into(), index, ty: Type::Num, doc: Cow::Borrowed(""), stand_in: None }
    }

    /// A Bool: 1 for true, 0 for false.
    #[must_use]
    pub fn bool(name: impl Into<Cow<'static, str>>, index: u32) -> Self {
        Self { ty: Type::Bool, ..Self::num(name, index) }
    }

    pub(crate) const fn standard(primitive: Primitive) -> Self {
        Self {
            name: Cow::Borrowed(primitive.name()),
            index: primitive.index(),
            ty: primitive.ty(),
            doc: Cow::Borrowed(primitive.doc()),
            stand_in: match primitive.stand_in() {
                Some(expr) => Some(Cow::Borrowed(expr)),
                None => None,
            },
        }
    }

    /// The same, with what it is in one line.
    #[must_use]
    pub fn with_doc(mut self, doc: impl Into<Cow<'static, str>>) -> Self {
        self.doc = doc.into();
        self
    }

    /// The same, with the expression that a compiler puts in its place for a datapath that does not
    /// fill it. It reads the fifteen primitives that every datapath has, `Cwnd`, `Rate` and `Micros`.
    #[cfg(feature = "compiler")]
    #[must_use]
    pub fn with_stand_in(mut self, expr: impl Into<Cow<'static, str>>) -> Self {
        self.stand_in = Some(expr.into());
        self
    }

    /// The name in the language.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The index on the wire, and in [`Primitives::set_index`].
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// This primitive's bit in a mask by index.
    #[must_use]
    pub fn mask(&self) -> u64 {
        1_u64.checked_shl(self.index).unwrap_or(0)
    }

    /// The type in the language.
    #[must_use]
    pub const fn ty(&self) -> Type {
        self.ty
    }

    /// What it is, in one line; may be empty.
    #[must_use]
    pub fn doc(&self) -> &str {
        &self.doc
    }

    /// The expression that a compiler puts in its place for a datapath that does not fill it.
    #[must_use]
    pub fn stand_in(&self) -> Option<&str> {
        self.stand_in.as_deref()
    }
}

/// The primitives that programs can read, by name and index.
///
/// The default is the standard table, [`Primitive::ALL`]. A transport that measures something else
/// adds it, and gives the table to [`Compiler::primitives`](crate::Compiler::primitives). The wire
/// carries indices only, so agent and datapath must agree what stands under one: private ones are
/// best numbered from 31 down, where no standard one is likely to come.
///
/// ```
/// use ccp_lang::{PrimitiveDef, PrimitiveTable};
/// let mut table = PrimitiveTable::standard();
/// table.add(PrimitiveDef::num("Flow.min_rtt", 31).with_doc("the smallest RTT seen, in microseconds"))?;
/// # #[cfg(feature = "compiler")] {
/// let program = "(def) (when (> Flow.rtt_sample_us (* 2 Flow.min_rtt)) (:= Cwnd (/ Cwnd 2)))";
/// let compiled = ccp_lang::Compiler::new().primitives(table.clone()).compile(program).unwrap();
/// let needed = table.named(compiled.program.primitives());
/// assert_eq!(needed.to_string(), "Flow.rtt_sample_us, Flow.min_rtt");
/// # }
/// # Ok::<(), ccp_lang::TableError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrimitiveTable {
    /// Nothing for the standard table alone.
    added: Option<Arc<Vec<PrimitiveDef>>>,
}

impl PrimitiveTable {
    /// The standard table.
    #[must_use]
    pub const fn standard() -> Self {
        Self { added: None }
    }

    /// Adds a primitive.
    ///
    /// # Errors
    /// A name or index that is taken or cannot be one, or a stand-in that is no expression of the
    /// primitive's type over what every datapath has.
    pub fn add(&mut self, primitive: PrimitiveDef) -> Result<(), TableError> {
        let name = || Cow::clone(&primitive.name);
        if !is_name(&primitive.name) {
            return Err(TableError::BadName { name: name() });
        }
        let index = primitive.index;
        if index as usize >= Primitives::COUNT {
            return Err(TableError::NoSuchIndex { name: name(), index });
        }
        if let Some(taken) = self.by_name(&primitive.name) {
            return Err(TableError::NameTaken { name: name(), index: taken.index });
        }
        if let Some(taken) = self.by_index(index) {
            let by = Cow::clone(&taken.name);
            return Err(TableError::IndexTaken { name: name(), index, by });
        }
        #[cfg(feature = "compiler")]
        if let Some(expr) = primitive.stand_in()
            && let Err(reason) = crate::check::stand_in(expr, primitive.ty)
        {
            return Err(TableError::BadStandIn { name: name(), reason });
        }
        Arc::make_mut(self.added.get_or_insert_default()).push(primitive);
        Ok(())
    }

    /// All primitives: the standard ones, then those added.
    pub fn iter(&self) -> impl Iterator<Item = &PrimitiveDef> {
        STANDARD.iter().chain(self.added())
    }

    /// The primitives added to the standard ones, in the order in which they were.
    #[must_use]
    pub fn added(&self) -> &[PrimitiveDef] {
        self.added.as_ref().map_or(&[], |added| added)
    }

    /// The primitive of a name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&PrimitiveDef> {
        self.iter().find(|primitive| primitive.name == name)
    }

    /// The primitive of an index.
    #[must_use]
    pub fn by_index(&self, index: u32) -> Option<&PrimitiveDef> {
        let standard = STANDARD.get(index as usize);
        standard.or_else(|| self.added().iter().find(|primitive| primitive.index == index))
    }

    /// The primitives of a mask (bit i: index i), with the names that this table has for them.
    #[must_use]
    pub fn named(&self, mask: u64) -> PrimitiveSet {
        let named = self.added().iter().filter(|primitive| mask & primitive.mask() != 0);
        let names = named.map(|primitive| (primitive.index, Cow::clone(&primitive.name)));
        PrimitiveSet { mask, names: names.collect() }
    }
}

/// Primitives by index, with their names where these are known.
///
/// Its `Display` lists them: `Flow.app_limited, Flow.min_rtt, primitive 30`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrimitiveSet {
    mask: u64,
    /// Of those beyond the standard ones.
    names: Vec<(u32, Cow<'static, str>)>,
}

impl PrimitiveSet {
    /// The indices as a mask.
    #[must_use]
    pub const fn mask(&self) -> u64 {
        self.mask
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.mask == 0
    }

    /// Those that are not in a mask.
    #[must_use]
    pub fn without(&self, mask: u64) -> Self {
        let rest = self.mask & !mask;
        let is_left = |index: u32| 1_u64.checked_shl(index).unwrap_or(0) & rest != 0;
        let names = self.names.iter().filter(|&&(index, _)| is_left(index));
        Self { mask: rest, names: names.cloned().collect() }
    }

    /// Each index with its name, if that is known.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Option<&str>)> {
        let indices = (0..u64::BITS).filter(|&index| self.mask >> index & 1 == 1);
        indices.map(|index| {
            let added = || self.names.iter().find(|&&(at, _)| at == index);
            let standard = Primitive::from_index(index).map(Primitive::name);
            (index, standard.or_else(|| Some(&*added()?.1)))
        })
    }
}

impl fmt::Display for PrimitiveSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (index, name)) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            match name {
                Some(name) => f.write_str(name)?,
                None => write!(f, "primitive {index}")?,
            }
        }
        Ok(())
    }
}

/// Why a primitive is not added to a table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The name is not one of a primitive.
    #[error(
        "`{name}` cannot be the name of a primitive: `Ack.` or `Flow.`, then letters, digits and `_`"
    )]
    BadName {
        /// The name.
        name: Cow<'static, str>,
    },
    /// The machine has no slot of this index.
    #[error("`{name}` has index {index}; the last one is {}", Primitives::COUNT - 1)]
    NoSuchIndex {
        /// The primitive's name.
        name: Cow<'static, str>,
        /// Its index.
        index: u32,
    },
    /// The table has a primitive of this name.
    #[error("there is a primitive `{name}` already, of index {index}")]
    NameTaken {
        /// The name.
        name: Cow<'static, str>,
        /// The index of the one that has it.
        index: u32,
    },
    /// The table has a primitive of this index.
    #[error("index {index} of `{name}` belongs to `{by}`")]
    IndexTaken {
        /// The primitive's name.
        name: Cow<'static, str>,
        /// Its index.
        index: u32,
        /// The name of the one that has it.
        by: Cow<'static, str>,
    },
    /// The stand-in is no expression that can take the primitive's place.
    #[cfg(feature = "compiler")]
    #[error("the stand-in of `{name}` cannot take its place: {reason}")]
    BadStandIn {
        /// The primitive's name.
        name: Cow<'static, str>,
        /// What is wrong with the expression.
        reason: String,
    },
}

fn is_name(name: &str) -> bool {
    let field = name.strip_prefix("Ack.").or_else(|| name.strip_prefix("Flow."));
    let is_field = |field: &str| {
        !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    // Longer names gain nobody anything, and are printed in errors.
    name.len() <= MAX_NAME && field.is_some_and(is_field)
}

const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn min_rtt(index: u32) -> PrimitiveDef {
        PrimitiveDef::num("Flow.min_rtt", index)
    }

    #[test]
    fn the_standard_table_has_all_standard_primitives() {
        let table = PrimitiveTable::default();
        assert_eq!(table.iter().count(), Primitive::ALL.len());
        for &primitive in Primitive::ALL {
            let found = table.by_name(primitive.name()).unwrap();
            assert_eq!((found.index(), found.ty()), (primitive.index(), primitive.ty()));
            assert_eq!(found.stand_in(), primitive.stand_in());
            assert_eq!(table.by_index(primitive.index()), Some(found));
        }
        assert_eq!(table.named(1 << 31 | 1).to_string(), "Ack.bytes_acked, primitive 31");
    }

    #[test]
    fn names_and_indices_that_collide_are_refused() {
        let mut table = PrimitiveTable::default();
        table.add(min_rtt(31)).unwrap();
        let name = Cow::Borrowed("Flow.min_rtt");
        let taken = TableError::NameTaken { name: Cow::clone(&name), index: 31 };
        assert_eq!(table.add(min_rtt(30)), Err(taken));
        let other = || PrimitiveDef::bool("Ack.other", 31);
        let taken = TableError::IndexTaken { name: other().name, index: 31, by: name };
        assert_eq!(table.add(other()), Err(taken));
        let standard = table.add(PrimitiveDef::num("Ack.new", 0)).unwrap_err();
        assert_eq!(standard.to_string(), "index 0 of `Ack.new` belongs to `Ack.bytes_acked`");
        let standard = table.add(PrimitiveDef::num("Ack.now", 20)).unwrap_err();
        assert_eq!(standard.to_string(), "there is a primitive `Ack.now` already, of index 5");
        assert_eq!(table.added().len(), 1);
        assert_eq!(table.by_name("Flow.min_rtt"), table.by_index(31));
    }

    #[test]
    fn names_and_indices_that_programs_cannot_have_are_refused() {
        let mut table = PrimitiveTable::default();
        for name in ["min_rtt", "Report.x", "Flow.", "Flow.a b", "Flow.a.b", "Ack.ä", "flow.x", ""]
        {
            let error = table.add(PrimitiveDef::num(name, 31)).unwrap_err();
            assert_eq!(error, TableError::BadName { name: Cow::Borrowed(name) });
        }
        assert!(matches!(table.add(min_rtt(32)), Err(TableError::NoSuchIndex { index: 32, .. })));
        assert!(matches!(table.add(min_rtt(u32::MAX)), Err(TableError::NoSuchIndex { .. })));
        assert_eq!(table, PrimitiveTable::default());
    }

    #[test]
    fn a_set_forgets_what_is_taken_out() {
        let mut table = PrimitiveTable::default();
        table.add(min_rtt(31)).unwrap();
        let set = table.named(1 << 31 | 1 << 30 | 1);
        assert_eq!(set.to_string(), "Ack.bytes_acked, primitive 30, Flow.min_rtt");
        assert_eq!(set.without(1 << 30 | 1), table.named(1 << 31));
        assert_eq!(set.without(1 << 31).to_string(), "Ack.bytes_acked, primitive 30");
        assert!(set.without(u64::MAX).is_empty());
    }

    #[cfg(feature = "compiler")]
    #[test]
    fn a_stand_in_is_one_expression_of_the_right_type_over_what_every_datapath_has() {
        for good in ["0", "Flow.rtt_sample_us", "(min Cwnd (* 2 Rate))", "+infinity"] {
            PrimitiveTable::default().add(min_rtt(31).with_stand_in(good)).unwrap();
        }
        for bad in [
            "",
            "true",
            "1 2",
            "0) (:= Cwnd 1",
            "(+ 1",
            "x",
            "Flow.app_limited",
            "Flow.min_rtt",
            "(report)",
            "(:= Cwnd 1)",
            "(if true 1)",
            "(def)",
            "(> Cwnd 0)",
        ] {
            let refused = PrimitiveTable::default().add(min_rtt(31).with_stand_in(bad));
            assert!(matches!(refused, Err(TableError::BadStandIn { .. })), "{bad}: {refused:?}");
        }
        let late = || PrimitiveDef::bool("Flow.late", 31);
        let is_right = |expr| PrimitiveTable::default().add(late().with_stand_in(expr)).is_ok();
        assert!(is_right("(> Micros 5)") && is_right("false") && !is_right("1"));
    }
}
