//! The source as the formatter sees it: all tokens, all comments, and how they stand.

use alloc::vec::Vec;

use crate::diag::Span;
use crate::syntax::token::{Token, next_token};

/// The tokens of a source whose parentheses match, and its comments.
pub(super) struct Source {
    /// The last one is the end of the source: an empty token that nothing opens.
    pub(super) tokens: Vec<Piece>,
    pub(super) comments: Vec<Comment>,
}

/// A token.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) span: Span,
    pub(super) kind: Kind,
    /// The index of the `)` of a `(` and the other way round; of others the own index.
    pub(super) mate: usize,
    /// How many comments stand before it in the source.
    pub(super) comments: usize,
    /// Whether an empty line stands directly before it.
    pub(super) blank: bool,
    /// How many ends of lines stand before it in the source.
    pub(super) line: usize,
    /// Where it begins when the whole source is one line with single spaces, in characters.
    pub(super) column: usize,
    /// Its length in characters.
    pub(super) width: usize,
    /// How many `)` would follow on its line, if it is a whole form or the end of one.
    pub(super) closers: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Open(Form),
    Close,
    Atom,
    End,
}

/// What begins with a `(`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `(def …)` or `(Report …)`.
    Block,
    /// `(when …)`.
    When,
    /// All others.
    Plain,
}

/// A comment, from its `#` to its last character that is no white space.
#[derive(Clone, Copy)]
pub(super) struct Comment {
    pub(super) span: Span,
    pub(super) place: Place,
    /// Whether an empty line stands directly before it.
    pub(super) blank: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On a line of its own.
    Alone,
    /// Behind a token.
    Behind,
    /// On a line of its own, directly below a comment behind a token, which it continues.
    Below,
}

impl Source {
    /// Reads a source without mistakes of syntax.
    pub(super) fn read(src: &str) -> Self {
        let mut source = Self { tokens: Vec::with_capacity(src.len() / 4), comments: Vec::new() };
        let mut open = Vec::new();
        let (mut rest, mut line, mut column) = (src.as_bytes(), 0, 0);
        loop {
            let begin = src.len() - rest.len();
            let (token, len, next) = match next_token(rest) {
                Some((token, len, next)) => (Some(token), len, next),
                None => (None, 0, &rest[rest.len()..]),
            };
            let end = src.len() - next.len();
            let span = Span::new((end - len) as u32, end as u32);
            let before = src.get(begin..end - len).unwrap_or_default();
            let (blank, lines) = source.trivia(before, begin, src);
            line += lines;
            let at = source.tokens.len();
            let mut mate = at;
            let kind = match token {
                None => Kind::End,
                Some(Token::Open) => {
                    open.push(at);
                    Kind::Open(form(open.len(), next))
                }
                Some(Token::Close) => {
                    mate = open.pop().unwrap_or(at);
                    Kind::Close
                }
                Some(_) => Kind::Atom,
            };
            let opened =
                matches!(source.tokens.last(), Some(last) if matches!(last.kind, Kind::Open(_)));
            column += usize::from(!opened && kind != Kind::Close);
            let width = src.get(span.range()).map_or(0, |text| text.chars().count());
            let comments = source.comments.len();
            source.tokens.push(Piece {
                span,
                kind,
                mate,
                comments,
                blank,
                line,
                column,
                width,
                closers: 0,
            });
            if let Some(opening) = source.tokens.get_mut(mate) {
                opening.mate = at;
            }
            if token.is_none() {
                break;
            }
            column += width;
            rest = next;
        }
        source.count_closers();
        source
    }

    /// Keeps the comments in the text between two tokens, which begins at `offset` of `src`. Says
    /// whether an empty line stands at its end, and how many ends of lines it has.
    fn trivia(&mut self, text: &str, offset: usize, src: &str) -> (bool, usize) {
        let (mut lines, mut empty, mut at) = (0, 0, offset);
        // At the beginning of the source nothing stands before a comment.
        let mut fresh = offset == 0;
        let mut last: Option<(Place, usize)> = None;
        for part in text.split_inclusive('\n') {
            let comment = part.find('#');
            if let Some(start) = comment {
                let text = part.get(start..).unwrap_or_default().trim_end_matches(SPACE);
                let start = at + start;
                let column = column(src, start);
                let place = match last {
                    _ if !fresh => Place::Behind,
                    Some((Place::Behind | Place::Below, above))
                        if empty == 0 && above == column =>
                    {
                        Place::Below
                    }
                    _ => Place::Alone,
                };
                let span = Span::new(start as u32, (start + text.len()) as u32);
                self.comments.push(Comment { span, place, blank: empty > 0 });
                last = Some((place, column));
                empty = 0;
            } else if fresh && part.ends_with('\n') {
                empty += 1;
            }
            if part.ends_with('\n') {
                lines += 1;
                fresh = true;
            }
            at += part.len();
        }
        (empty > 0, lines)
    }

    fn count_closers(&mut self) {
        let mut following = 0;
        for at in (0..self.tokens.len()).rev() {
            let Some(token) = self.tokens.get(at).copied() else {
                continue;
            };
            if let Some(token) = self.tokens.get_mut(at) {
                token.closers = following;
            }
            let opening = self.tokens.get(token.mate).map(|opening| opening.kind);
            following = match (token.kind, opening) {
                // Behind a comment the `)` begins a line, and so does that of a block.
                (Kind::Close, Some(Kind::Open(Form::Plain))) if !self.is_behind_comment(at) => {
                    following + 1
                }
                _ => 0,
            };
        }
    }

    /// Whether a comment stands between a token and the one before it.
    pub(super) fn is_behind_comment(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        let before = before.map_or(0, |token| token.comments);
        self.tokens.get(at).is_some_and(|token| token.comments > before)
    }
}

/// What the `(` that is about to be pushed begins, `depth` parentheses deep.
fn form(depth: usize, rest: &[u8]) -> Form {
    let Some((Token::Word, len, after)) = next_token(rest) else {
        return Form::Plain;
    };
    let end = rest.len() - after.len();
    match (depth, rest.get(end - len..end).unwrap_or_default()) {
        (1, b"def") => Form::Block,
        (1, b"when") => Form::When,
        // `(Report 4)` declares a variable of that name.
        (2, b"Report") if matches!(next_token(after), Some((Token::Open, ..))) => Form::Block,
        _ => Form::Plain,
    }
}

/// The characters before a byte in its line.
fn column(src: &str, at: usize) -> usize {
    let before = src.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    before.get(start..).unwrap_or_default().chars().count()
}

/// What may stand at the end of a comment's line without being part of it.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
