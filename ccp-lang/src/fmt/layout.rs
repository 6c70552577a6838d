//! Where lines end.
//!
//! Goes over the tokens once. A stack holds the forms that are open; what is on it and a few sums
//! over the tokens decide about each, so that neither depth nor length costs more than its share.

use alloc::vec::Vec;

use super::WIDTH;
use super::lines::Lines;
use super::read::{Form, Kind, Piece, Place, Source};

/// A form that is open.
struct Frame {
    form: Form,
    /// The column of its `(`.
    column: usize,
    /// It stands on one line.
    flat: bool,
    /// How many forms and words inside it have begun.
    parts: usize,
}

impl Frame {
    /// Where what stands in it begins its lines.
    fn inside(&self) -> usize {
        let step = match (self.form, self.parts) {
            // A condition that cannot stand beside its `when` is told from the body.
            (Form::When, 1) => 2 * STEP,
            _ => STEP,
        };
        (self.column + step).min(DEEPEST.max(self.column))
    }
}

/// Lays out a source.
pub(super) fn layout<'s>(source: &'s Source, src: &'s str) -> Lines {
    let mut layout =
        Layout { source, src, lines: Lines::default(), open: Vec::new(), must_break: true };
    for (at, &token) in source.tokens.iter().enumerate() {
        layout.comments(at, token);
        layout.token(at, token);
    }
    layout.lines
}

struct Layout<'s> {
    source: &'s Source,
    src: &'s str,
    lines: Lines,
    open: Vec<Frame>,
    /// A comment ended the line at hand, or nothing has begun one.
    must_break: bool,
}

impl Layout<'_> {
    /// Writes the comments before a token.
    fn comments(&mut self, at: usize, token: Piece) {
        let before = at.checked_sub(1).and_then(|before| self.source.tokens.get(before));
        let range = before.map_or(0, |before| before.comments)..token.comments;
        let indent = self.open.last().map_or(0, Frame::inside);
        for comment in self.source.comments.get(range).unwrap_or_default() {
            match comment.place {
                Place::Behind => self.lines.comment_behind(comment.span),
                Place::Below => self.lines.continuation(comment.span),
                Place::Alone => {
                    if comment.blank && self.keeps_blank() {
                        self.lines.blank();
                    }
                    self.lines.comment(indent, comment.span);
                }
            }
            self.must_break = true;
        }
    }

    /// Whether an empty line may stand here: between the parts of a block, and outside.
    fn keeps_blank(&self) -> bool {
        match self.open.last() {
            None => true,
            Some(Frame { form: Form::Block, parts, .. }) => *parts > 1,
            Some(Frame { form: Form::When, parts, .. }) => *parts > 2,
            Some(_) => false,
        }
    }

    fn token(&mut self, at: usize, token: Piece) {
        match token.kind {
            Kind::End => {}
            Kind::Close => self.close(token),
            Kind::Atom | Kind::Open(_) => self.part(at, token),
        }
    }

    fn close(&mut self, token: Piece) {
        if let Some(frame) = self.open.pop() {
            let alone = !frame.flat && frame.form != Form::Plain;
            if alone || self.must_break {
                self.lines.begin(frame.column);
            }
        }
        self.write(token);
    }

    /// A word, or the beginning of a form.
    fn part(&mut self, at: usize, token: Piece) {
        let breaks = self.must_break || self.breaks(at, token);
        match self.open.last() {
            _ if breaks => {
                if token.blank && self.keeps_blank() {
                    self.lines.blank();
                }
                self.lines.begin(self.open.last().map_or(0, Frame::inside));
            }
            Some(frame) if frame.parts > 0 => self.lines.write(" ", 1),
            _ => {}
        }
        if let Some(frame) = self.open.last_mut() {
            frame.parts += 1;
        }
        let column = self.lines.column();
        self.write(token);
        if let Kind::Open(form) = token.kind {
            let flat =
                self.open.last().is_some_and(|outer| outer.flat) || self.is_flat(at, token, column);
            self.open.push(Frame { form, column, flat, parts: 0 });
        }
    }

    fn write(&mut self, token: Piece) {
        self.lines.write(self.src.get(token.span.range()).unwrap_or_default(), token.width);
        self.must_break = false;
    }

    /// Whether a part begins a line, though no comment forces it to.
    fn breaks(&self, at: usize, token: Piece) -> bool {
        let Some(frame) = self.open.last() else {
            return true;
        };
        if frame.flat {
            return false;
        }
        match (frame.form, frame.parts) {
            // The operator or the like, and the condition of an event.
            (_, 0) | (Form::When, 1) => false,
            (Form::Block | Form::When, _) => true,
            (Form::Plain, 1) => !self.fits(at, token, self.lines.column() + 1),
            (Form::Plain, _) => true,
        }
    }

    /// Whether a form goes on one line that has come to `column`.
    fn is_flat(&self, at: usize, token: Piece, column: usize) -> bool {
        let Some(end) = self.source.tokens.get(token.mate) else {
            return false;
        };
        // The parts of a block have lines of their own, unless somebody wanted it otherwise.
        let is_short = match token.kind {
            Kind::Open(Form::Block) => token.mate == at + 2,
            Kind::Open(Form::When) => {
                let condition = self.source.tokens.get(at + 2);
                condition.is_some_and(|condition| self.end(at + 2, *condition) + 1 == token.mate)
            }
            _ => true,
        };
        (is_short || token.line == end.line) && self.fits(at, token, column)
    }

    /// Whether a part fits behind `column` whole, with what must follow it there.
    fn fits(&self, at: usize, token: Piece, column: usize) -> bool {
        let Some(&end) = self.source.tokens.get(self.end(at, token)) else {
            return false;
        };
        let width = end.column + end.width - token.column;
        token.comments == end.comments && column + width + end.closers <= WIDTH
    }

    /// The last token of a part.
    fn end(&self, at: usize, token: Piece) -> usize {
        if matches!(token.kind, Kind::Open(_)) { token.mate } else { at }
    }
}

/// How far in the parts of a form stand.
const STEP: usize = 4;
/// No line begins farther in, however deep it is, so that the text stays as long as the source.
const DEEPEST: usize = 60;
