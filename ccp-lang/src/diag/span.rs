//! Places in a source text.

use alloc::string::String;
use core::fmt;
use core::ops::Range;

/// A range of bytes of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The span as a range, to slice the source with.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place as people count it: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The character of the line, from 1; a tab is one.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Finds the lines of a source quickly.
///
/// ```
/// use ccp_lang::LineIndex;
/// let index = LineIndex::new("(def)\n(when true)");
/// assert_eq!(index.position(6).to_string(), "2:1");
/// assert_eq!(index.line(2), "(when true)");
/// ```
#[derive(Clone, Debug)]
pub struct LineIndex<'s> {
    src: &'s [u8],
    /// Where each line begins; the first is 0.
    starts: alloc::vec::Vec<u32>,
}

impl<'s> LineIndex<'s> {
    /// Looks for the ends of lines, once.
    #[must_use]
    pub fn new(src: &'s (impl AsRef<[u8]> + ?Sized)) -> Self {
        let src = src.as_ref();
        let ends = (1_u32..).zip(src).filter(|&(_, &byte)| byte == b'\n');
        let starts = core::iter::once(0).chain(ends.map(|(next, _)| next));
        Self { src, starts: starts.collect() }
    }

    /// The line and column of a byte. Bytes behind the end count as the end.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0) as usize;
        let upto = (offset as usize).min(self.src.len()).max(start);
        let before = self.src.get(start..upto).unwrap_or_default();
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(chars(before)).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    /// The text of a line (from 1) without its end. Bytes that are no text are shown as `�`.
    #[must_use]
    pub fn line(&self, line: u32) -> String {
        let index = (line as usize).saturating_sub(1);
        let Some(&start) = self.starts.get(index) else {
            return String::new();
        };
        let end = self.starts.get(index + 1).map_or(self.src.len(), |&next| next as usize);
        let text = self.src.get(start as usize..end).unwrap_or_default();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        String::from_utf8_lossy(text).into_owned()
    }
}

/// How many characters there are, the pieces of broken ones counted as `from_utf8_lossy` shows them.
fn chars(bytes: &[u8]) -> usize {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return text.chars().count();
    }
    bytes
        .utf8_chunks()
        .map(|chunk| chunk.valid().chars().count() + usize::from(!chunk.invalid().is_empty()))
        .sum()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let index = LineIndex::new("añb\r\nxy");
        assert_eq!(index.position(3).to_string(), "1:3");
        assert_eq!(index.position(6).to_string(), "2:1");
        assert_eq!(index.position(100).to_string(), "2:3");
        assert_eq!(index.line(1), "añb");
        assert_eq!(index.line(3), "");
    }

    #[test]
    fn an_empty_source_has_one_line() {
        let index = LineIndex::new("");
        assert_eq!(index.position(0).to_string(), "1:1");
        assert_eq!(index.line(1), "");
    }
}
