//! Comments that set the level of lints: `# allow(never-read)`, `# deny(type-change)`.
//!
//! Knows where such a comment holds, but not which lints there are.

use alloc::vec::Vec;
use core::ops::Range;

use crate::diag::Span;

/// A comment that names lints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LintComment {
    /// Whether it allows; else it denies.
    pub(crate) allows: bool,
    /// Where the names stand.
    pub(crate) names: Vec<Span>,
    pub(crate) place: Place,
}

/// Where a comment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the first form: everywhere.
    Program,
    /// On a line of its own: in the form of this index, which begins next.
    Form(u32),
    /// As `Form`, once that has been read to its end.
    Within(Span),
    /// Behind code: on that line, up to the comment.
    Line(Span),
}

/// Finds such comments in the white space and comments before the form of index `next`.
pub(crate) fn find(src: &[u8], gap: Range<usize>, next: u32, found: &mut Vec<LintComment>) {
    let mut at = gap.start;
    while let Some(hash) = position(src, at..gap.end, b'#') {
        let end = position(src, hash..gap.end, b'\n').unwrap_or(gap.end);
        if let Some((allows, names)) = read(src, hash + 1..end) {
            let place = match line_of_code(src, hash) {
                Some(line) => Place::Line(line),
                None if next == 0 => Place::Program,
                None => Place::Form(next),
            };
            found.push(LintComment { allows, names, place });
        }
        at = end;
    }
}

fn position(src: &[u8], range: Range<usize>, wanted: u8) -> Option<usize> {
    let within = src.get(range.clone())?;
    Some(range.start + within.iter().position(|&byte| byte == wanted)?)
}

/// The code before a comment on its line, if there is any.
fn line_of_code(src: &[u8], hash: usize) -> Option<Span> {
    let before = src.get(..hash)?;
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let is_code = before.get(start..)?.iter().any(|byte| !byte.is_ascii_whitespace());
    is_code.then(|| Span::new(start as u32, hash as u32))
}

/// `allow(NAME, …)` or `deny(NAME, …)`, and whatever reason behind it. Anything else is a plain comment.
fn read(src: &[u8], range: Range<usize>) -> Option<(bool, Vec<Span>)> {
    let text = src.get(range.clone())?;
    let text = text.trim_ascii_start();
    let begin = range.end - text.len();
    let (allows, word) = [(true, "allow("), (false, "deny(")]
        .into_iter()
        .find(|(_, word)| text.starts_with(word.as_bytes()))?;
    let list = text.get(word.len()..)?;
    let list = list.get(..list.iter().position(|&byte| byte == b')')?)?;
    let mut at = begin + word.len();
    let mut names = Vec::new();
    for part in list.split(|&byte| byte == b',') {
        let name = part.trim_ascii();
        let is_name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || !name.iter().all(is_name_byte) {
            return None;
        }
        let start = at + (part.len() - part.trim_ascii_start().len());
        names.push(Span::new(start as u32, (start + name.len()) as u32));
        at += part.len() + 1;
    }
    Some((allows, names))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn found(src: &str, next: u32) -> Vec<LintComment> {
        let mut found = Vec::new();
        find(src.as_bytes(), 0..src.len(), next, &mut found);
        found
    }

    #[test]
    fn names_are_found_with_their_places_and_reasons_are_passed_over() {
        let src = "# a word\n  # deny( never-read ,L0204): so that (all) of it is used\n";
        let [comment] = &found(src, 3)[..] else { panic!() };
        let names: Vec<&str> = comment.names.iter().map(|name| &src[name.range()]).collect();
        assert_eq!((comment.allows, comment.place), (false, Place::Form(3)));
        assert_eq!(names, ["never-read", "L0204"]);
    }

    #[test]
    fn a_comment_behind_code_holds_for_its_line() {
        let src = "(x\n  (y 0) # allow(never-read)\n";
        let mut all = Vec::new();
        find(src.as_bytes(), 10..src.len(), 5, &mut all);
        assert_eq!(all[0].place, Place::Line(Span::new(3, 11)));
        assert_eq!(found("# allow(x)", 0)[0].place, Place::Program);
    }

    #[test]
    fn what_names_no_lints_is_a_plain_comment() {
        for text in
            ["#allow", "# allow()", "# allow(a b)", "# allow(a", "# Allow(a)", "# x allow(a)"]
        {
            assert_eq!(found(text, 0), vec![], "{text}");
        }
        assert_eq!(found("#allow(a)#", 0).len(), 1);
    }
}
