//! Program files in several variants, each a valid program as it stands.

/// A file of a datapath program with its variants.
///
/// The file itself is one of them. A line of it that ends in a mark, such as `#told`, is left out of the variants
/// without that mark. A line that begins with a mark is a comment there, and stands without the mark in the variants
/// that have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variants {
    /// The file's text.
    pub(crate) source: &'static str,
    /// All marks in it.
    pub(crate) marks: &'static [&'static str],
}

impl Variants {
    /// The text of the variant that has these marks.
    pub(crate) fn with(&self, chosen: &[&str]) -> String {
        let lines = self.source.lines().filter_map(|line| {
            let (mark, line) = self.marked(line);
            mark.is_none_or(|mark| chosen.contains(&mark)).then_some(line)
        });
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    /// A line's mark, and the line as it stands in the variants that have it.
    fn marked<'a>(&self, line: &'a str) -> (Option<&'static str>, &'a str) {
        let is = |word: Option<&str>| self.marks.iter().copied().find(|mark| word == Some(*mark));
        if let Some(mark) = is(line.split_whitespace().next()) {
            return (Some(mark), &line.trim_start()[mark.len()..]);
        }
        (is(line.split_whitespace().next_back()), line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bbr, window};

    const PROGRAM: Variants = Variants {
        source: "(a) # always\n  (b) # why #one\n  #two (c) # not #one\n#one # said of b\n(d) #twofold\n",
        marks: &["#one", "#two"],
    };

    #[test]
    fn a_line_stands_where_its_mark_is_chosen_and_without_it_where_it_begins_with_it() {
        for (chosen, expected) in [
            (&[][..], "(a) # always\n(d) #twofold\n"),
            (&["#one"], "(a) # always\n  (b) # why #one\n # said of b\n(d) #twofold\n"),
            (&["#two"], "(a) # always\n (c) # not #one\n(d) #twofold\n"),
        ] {
            assert_eq!(PROGRAM.with(chosen), expected, "{chosen:?}");
        }
    }

    /// A mark with a slip in it would be a comment in every variant.
    #[test]
    fn every_word_that_looks_like_a_mark_is_one() {
        for file in [&window::PROGRAM, &bbr::PROGRAM] {
            for (number, line) in (1..).zip(file.source.lines()) {
                for word in line.split_whitespace().filter(|word| word.starts_with('#')) {
                    assert!(word == "#" || file.marks.contains(&word), "line {number}: {line}");
                }
            }
            for mark in file.marks {
                assert_ne!(file.with(&[mark]), file.with(&[]), "{mark} is on no line");
            }
        }
    }
}
