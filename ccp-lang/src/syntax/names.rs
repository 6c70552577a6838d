//! The names of a program, each kept once, so that later stages compare numbers.

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

/// A name of one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(u32);

impl Name {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// All names of one program.
#[derive(Clone, Debug)]
pub(crate) struct Names<'s> {
    list: Vec<Cow<'s, str>>,
    /// Open addressing: index + 1 into `list`, 0 for free. A power of two, at most half full.
    slots: Vec<u32>,
}

impl<'s> Names<'s> {
    pub(crate) fn new() -> Self {
        Self { list: Vec::with_capacity(FIRST_SLOTS / 2), slots: vec![0; FIRST_SLOTS] }
    }

    pub(crate) fn intern(&mut self, name: &'s str) -> Name {
        self.find_or_add(name, || Cow::Borrowed(name))
    }

    /// The name of a field inside `(Report …)`.
    pub(crate) fn intern_field(&mut self, field: &str) -> Name {
        let full = alloc::format!("Report.{field}");
        match self.find(&full) {
            Ok(name) => name,
            Err(slot) => self.add(slot, Cow::Owned(full)),
        }
    }

    pub(crate) fn text(&self, name: Name) -> &str {
        self.list.get(name.index()).map_or("", |text| text)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    fn find_or_add(&mut self, text: &str, own: impl FnOnce() -> Cow<'s, str>) -> Name {
        match self.find(text) {
            Ok(name) => name,
            Err(slot) => self.add(slot, own()),
        }
    }

    /// The name, or the free slot where it would be.
    fn find(&self, text: &str) -> Result<Name, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(text) as usize & mask;
        loop {
            match self.slots.get(slot).copied() {
                None | Some(0) => return Err(slot),
                Some(index) if self.text(Name(index - 1)) == text => return Ok(Name(index - 1)),
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }

    fn add(&mut self, slot: usize, text: Cow<'s, str>) -> Name {
        self.list.push(text);
        let index = self.list.len() as u32;
        if self.list.len() * 2 <= self.slots.len() {
            if let Some(free) = self.slots.get_mut(slot) {
                *free = index;
            }
        } else {
            self.grow();
        }
        Name(index - 1)
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 4;
        self.slots = vec![0; size];
        for at in 0..self.list.len() {
            let mut slot = hash(self.text(Name(at as u32))) as usize & (size - 1);
            while self.slots.get(slot).is_some_and(|&taken| taken != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(free) = self.slots.get_mut(slot) {
                *free = at as u32 + 1;
            }
        }
    }
}

/// FNV-1a with a final mix, since only the low bits choose the slot.
fn hash(text: &str) -> u32 {
    let fnv = text
        .bytes()
        .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    fnv ^ (fnv >> 15)
}

/// Enough for the names of a usual program without growing.
const FIRST_SLOTS: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    #[test]
    fn equal_texts_are_one_name() {
        let mut names = Names::new();
        let (a, b) = (names.intern("Report.a"), names.intern("b"));
        assert_ne!(a, b);
        assert_eq!(names.intern("b"), b);
        assert_eq!(names.intern_field("a"), a);
        assert_eq!(names.text(a), "Report.a");
    }

    #[test]
    fn many_names_stay_apart() {
        let texts: Vec<String> = (0..1000).map(|n| format!("name{n}")).collect();
        let mut names = Names::new();
        let all: Vec<_> = texts.iter().map(|text| names.intern(text)).collect();
        for (text, &name) in texts.iter().zip(&all) {
            assert_eq!(names.intern(text), name);
            assert_eq!(names.text(name), text);
        }
        assert_eq!(names.len(), 1000);
    }
}
