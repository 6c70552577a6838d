//! New values for registers: the records that UpdateFields and ChangeProg carry.

use core::fmt;
use core::iter::FusedIterator;
use core::slice;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A new value for one register of a flow.
///
/// The register is named by its numbers on the wire; which registers exist and may be set is the
/// datapath's to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldUpdate {
    /// The class of the register.
    pub class: u8,
    /// Its index within the class.
    pub index: u32,
    /// Its new value.
    pub value: u64,
}

/// A checked array of register updates inside a datagram.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Updates<'a>(pub(crate) &'a [RawUpdate]);

impl<'a> Updates<'a> {
    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The update at `index`, if there are that many.
    #[inline]
    pub fn get(&self, index: usize) -> Option<FieldUpdate> {
        self.0.get(index).map(RawUpdate::get)
    }

    /// All of them in order. One register may occur several times; the last value counts.
    #[inline]
    pub fn iter(&self) -> UpdatesIter<'a> {
        UpdatesIter(self.0.iter())
    }
}

impl<'a> IntoIterator for Updates<'a> {
    type Item = FieldUpdate;
    type IntoIter = UpdatesIter<'a>;

    #[inline]
    fn into_iter(self) -> UpdatesIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Updates<'a> {
    type Item = FieldUpdate;
    type IntoIter = UpdatesIter<'a>;

    #[inline]
    fn into_iter(self) -> UpdatesIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Updates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Iterator over [`Updates`].
#[derive(Clone, Default)]
pub struct UpdatesIter<'a>(slice::Iter<'a, RawUpdate>);

impl Iterator for UpdatesIter<'_> {
    type Item = FieldUpdate;

    #[inline]
    fn next(&mut self) -> Option<FieldUpdate> {
        self.0.next().map(RawUpdate::get)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for UpdatesIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<FieldUpdate> {
        self.0.next_back().map(RawUpdate::get)
    }
}

impl ExactSizeIterator for UpdatesIter<'_> {}
impl FusedIterator for UpdatesIter<'_> {}

impl fmt::Debug for UpdatesIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct RawUpdate {
    class: u8,
    index: U32,
    value: U64,
}

pub(crate) const UPDATE_LEN: usize = size_of::<RawUpdate>();

const _: () = assert!(UPDATE_LEN == 13);

impl RawUpdate {
    #[inline]
    fn get(&self) -> FieldUpdate {
        FieldUpdate { class: self.class, index: self.index.get(), value: self.value.get() }
    }

    #[inline]
    pub(crate) fn set(&mut self, update: &FieldUpdate) {
        *self = Self {
            class: update.class,
            index: U32::new(update.index),
            value: U64::new(update.value),
        };
    }
}

/// Writes updates one after another to the start of `room`, as many as fit, and counts all.
#[inline]
pub(crate) fn fill<E>(
    room: &mut [u8],
    updates: impl IntoIterator<Item = Result<FieldUpdate, E>>,
) -> Result<usize, E> {
    let mut count = 0;
    let mut slots = room.chunks_exact_mut(UPDATE_LEN);
    for update in updates {
        let update = update?;
        if let Some(Ok(slot)) = slots.next().map(RawUpdate::mut_from_bytes) {
            slot.set(&update);
        }
        count += 1;
    }
    Ok(count)
}
