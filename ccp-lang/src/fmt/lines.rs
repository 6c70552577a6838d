//! The lines of a formatted program, and the column of the comments behind them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::diag::Span;

/// A line.
struct Line {
    indent: usize,
    /// Its text: a range of [`Lines::text`], empty for a comment alone.
    text: core::ops::Range<usize>,
    /// Its length in characters, white space before it left out.
    width: usize,
    comment: Option<Span>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    /// A comment on a line of its own.
    Comment,
    /// A comment that continues the one behind the line above.
    Continuation,
    Blank,
}

/// Lines in the making.
#[derive(Default)]
pub(super) struct Lines {
    list: Vec<Line>,
    text: String,
}

impl Lines {
    /// Begins a line.
    pub(super) fn begin(&mut self, indent: usize) {
        self.push(indent, Kind::Code, None);
    }

    /// An empty line, unless there is none before it.
    pub(super) fn blank(&mut self) {
        if !self.list.is_empty() {
            self.push(0, Kind::Blank, None);
        }
    }

    /// A comment on a line of its own.
    pub(super) fn comment(&mut self, indent: usize, comment: Span) {
        self.push(indent, Kind::Comment, Some(comment));
    }

    /// A comment below the one behind the line above.
    pub(super) fn continuation(&mut self, comment: Span) {
        let indent = self.list.last().map_or(0, |line| line.indent);
        self.push(indent, Kind::Continuation, Some(comment));
    }

    /// A comment behind the line at hand.
    pub(super) fn comment_behind(&mut self, comment: Span) {
        if let Some(line) = self.list.last_mut() {
            line.comment = Some(comment);
        }
    }

    /// Goes on with the line at hand.
    pub(super) fn write(&mut self, text: &str, width: usize) {
        self.text.push_str(text);
        if let Some(line) = self.list.last_mut() {
            line.text.end = self.text.len();
            line.width += width;
        }
    }

    /// Where the line at hand goes on, in characters.
    pub(super) fn column(&self) -> usize {
        self.list.last().map_or(0, |line| line.indent + line.width)
    }

    fn push(&mut self, indent: usize, kind: Kind, comment: Option<Span>) {
        let end = self.text.len();
        self.list.push(Line { indent, text: end..end, width: 0, comment, kind });
    }

    /// All lines as text. Comments are taken from the source.
    pub(super) fn print(&self, src: &str) -> String {
        let mut out = String::with_capacity(src.len() + src.len() / 4);
        let mut rest = self.list.as_slice();
        while let Some(first) = rest.first() {
            let (run, next) = rest.split_at(run(first, rest));
            let commented = run.iter().filter(|line| line.comment.is_some());
            let column = commented.map(|line| line.indent + line.width).max().unwrap_or(0) + GAP;
            run.iter().for_each(|line| self.print_line(line, column, src, &mut out));
            rest = next;
        }
        out
    }

    fn print_line(&self, line: &Line, column: usize, src: &str, out: &mut String) {
        let comment = line.comment.and_then(|span| src.get(span.range())).unwrap_or_default();
        let text = self.text.get(line.text.clone()).unwrap_or_default();
        let space = |out: &mut String, count| out.extend(core::iter::repeat_n(' ', count));
        match line.kind {
            Kind::Blank => {}
            Kind::Comment => {
                space(out, line.indent);
                out.push_str(comment);
            }
            Kind::Continuation => {
                space(out, column);
                out.push_str(comment);
            }
            Kind::Code => {
                space(out, line.indent);
                out.push_str(text);
                if line.comment.is_some() {
                    space(out, column.saturating_sub(line.indent + line.width));
                    out.push_str(comment);
                }
            }
        }
        out.push('\n');
    }
}

/// How many lines from the first on have their comments in one column: those that are as far in, with
/// neither an empty line nor a comment alone between them.
fn run(first: &Line, lines: &[Line]) -> usize {
    if matches!(first.kind, Kind::Blank | Kind::Comment) {
        return 1;
    }
    let is_next = |line: &&Line| {
        matches!(line.kind, Kind::Code | Kind::Continuation) && line.indent == first.indent
    };
    lines.iter().take_while(is_next).count().max(1)
}

/// What stands at least between a line's text and its comment.
const GAP: usize = 2;
