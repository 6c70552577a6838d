//! Balanced forms: the parentheses of a program, matched, before anything is known of their meaning.
//!
//! Reading never fails. Where parentheses do not match, the reader says so once and takes the likeliest
//! reading, so that every later mistake is found on balanced forms.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::comment::{self, LintComment};
use super::operator::Operator;
use super::token::{Token, next_token};
use crate::diag::{DiagCode, Diagnostic, Sink, Span};

/// A token or a parenthesised list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) kind: FormKind,
    pub(crate) span: Span,
    /// The index after the last form inside this one. The forms of a list follow it directly.
    pub(crate) end: u32,
    /// Whether its `)` is missing: where it ends is a guess.
    pub(crate) is_broken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormKind {
    List,
    Word,
    Symbol(Operator),
    Infinity,
    Unknown,
}

/// All forms of a source, each list before what is inside it.
#[derive(Debug)]
pub(crate) struct Forms<'s> {
    src: &'s [u8],
    list: Vec<Form>,
    /// The comments that name lints.
    pub(crate) lint_comments: Vec<LintComment>,
}

impl<'s> Forms<'s> {
    pub(crate) fn read(src: &'s [u8], sink: &mut Sink) -> Self {
        let mut reader = Reader {
            // A token is about four bytes long, with its white space.
            forms: Self {
                src,
                list: Vec::with_capacity(src.len() / 5 + 4),
                lint_comments: Vec::new(),
            },
            open: Vec::with_capacity(16),
            is_balanced: None,
            stray: false,
            sink,
        };
        reader.run();
        reader.forms
    }

    /// The form at an index below [`Forms::len`].
    pub(crate) fn get(&self, at: u32) -> Form {
        self.list.get(at as usize).copied().unwrap_or_else(|| Form {
            kind: FormKind::Unknown,
            span: Span::default(),
            end: at.saturating_add(1),
            is_broken: false,
        })
    }

    pub(crate) fn len(&self) -> u32 {
        self.list.len() as u32
    }

    /// The forms directly in `range`, in order.
    pub(crate) fn siblings(&self, range: core::ops::Range<u32>) -> impl Iterator<Item = u32> {
        let mut next = range.start;
        core::iter::from_fn(move || {
            let at = (next < range.end).then_some(next)?;
            next = self.get(at).end.max(at + 1);
            Some(at)
        })
    }

    /// The forms directly in the list at `at`.
    pub(crate) fn children(&self, at: u32) -> impl Iterator<Item = u32> {
        self.siblings(at + 1..self.get(at).end)
    }

    /// The bytes of a form.
    pub(crate) fn text(&self, at: u32) -> &'s [u8] {
        self.src.get(self.get(at).span.range()).unwrap_or_default()
    }

    /// The text of a word; words are always UTF-8.
    pub(crate) fn word(&self, at: u32) -> &'s str {
        core::str::from_utf8(self.text(at)).unwrap_or_default()
    }

    pub(crate) fn is_list(&self, at: u32) -> bool {
        self.get(at).kind == FormKind::List
    }
}

struct Reader<'s, 'd> {
    forms: Forms<'s>,
    /// The lists that are open, outermost first.
    open: Vec<u32>,
    /// Whether there are as many `)` as `(`, once that has been counted.
    is_balanced: Option<bool>,
    /// Whether the token before was a `)` that closes nothing: a run of them is one mistake.
    stray: bool,
    sink: &'d mut Sink,
}

impl Reader<'_, '_> {
    fn run(&mut self) {
        let src = self.forms.src;
        let mut rest = src;
        let mut last_end = 0;
        while let Some((token, len, next)) = next_token(rest) {
            let end = (src.len() - next.len()) as u32;
            let span = Span::new(end - len as u32, end);
            self.comments(last_end as usize..span.start as usize);
            rest = next;
            match token {
                Token::Open => {
                    self.open.push(self.forms.len());
                    self.push(FormKind::List, span);
                }
                Token::Close => self.close(span),
                Token::Symbol(operator) => self.push(FormKind::Symbol(operator), span),
                Token::Infinity => self.push(FormKind::Infinity, span),
                Token::Word => {
                    self.push(FormKind::Word, span);
                    if len == 4 && src.get(span.range()) == Some(b"when") {
                        self.begin_event(last_end, rest);
                    }
                }
                Token::Unknown => self.unknown(span),
            }
            self.stray &= token == Token::Close;
            last_end = end;
        }
        self.comments(last_end as usize..src.len());
        if !self.open.is_empty() {
            self.unclosed(self.open.len(), None);
            let (end, len) = (last_end, self.forms.len());
            while let Some(at) = self.open.pop() {
                self.end_list(at, end, len);
                if let Some(form) = self.forms.list.get_mut(at as usize) {
                    form.is_broken = true;
                }
            }
        }
    }

    /// Looks for comments that name lints in what stands between two tokens.
    fn comments(&mut self, gap: core::ops::Range<usize>) {
        let next = self.forms.len();
        comment::find(self.forms.src, gap, next, &mut self.forms.lint_comments);
    }

    fn push(&mut self, kind: FormKind, span: Span) {
        let end = self.forms.len() + 1;
        self.forms.list.push(Form { kind, span, end, is_broken: false });
    }

    fn end_list(&mut self, at: u32, span_end: u32, end: u32) {
        if let Some(form) = self.forms.list.get_mut(at as usize) {
            form.span.end = span_end.max(form.span.end);
            form.end = end;
        }
    }

    fn close(&mut self, span: Span) {
        match self.open.pop() {
            Some(at) => self.end_list(at, span.end, self.forms.len()),
            None if self.stray => {}
            None => {
                self.stray = true;
                self.sink.push(
                    Diagnostic::error(DiagCode::UnexpectedClose, span, "this `)` closes nothing")
                        .help("remove it, or look for a `)` too many before it"),
                );
            }
        }
    }

    /// The word `when` was read. At the head of an inner list it shows that the lists around it lack
    /// their `)`, since events never stand inside anything.
    fn begin_event(&mut self, before: u32, rest: &[u8]) {
        let word = self.forms.len() - 1;
        let Some((&event, outer)) = self.open.split_last() else {
            return;
        };
        if outer.is_empty() || event + 1 != word {
            return;
        }
        // `(def (when 0))` declares a variable of that name.
        if outer.len() <= 2 && self.is_def(outer) && is_value_and_close(rest) {
            return;
        }
        let outer = outer.len();
        // Without a parenthesis too few the event really is meant to stand there.
        let depth = self.open.len();
        if *self.is_balanced.get_or_insert_with(|| is_balanced(depth, rest)) {
            return;
        }
        self.unclosed(outer, Some(event));
        // What was before the event ends before the event.
        let opened = self.forms.get(event).span.start;
        for at in self.open.drain(..outer).rev() {
            let end = before.min(opened);
            if let Some(form) = self.forms.list.get_mut(at as usize) {
                form.span.end = end.max(form.span.end);
                form.end = event;
                form.is_broken = true;
            }
        }
    }

    fn is_def(&self, outer: &[u32]) -> bool {
        outer.first().is_some_and(|&root| self.forms.text(root + 1) == b"def")
    }

    /// Says that the outermost `count` open lists lack their `)`, at the latest before `next`.
    fn unclosed(&mut self, count: usize, next: Option<u32>) {
        let Some(&root) = self.open.first() else {
            return;
        };
        let span = self.forms.get(root).span;
        let message = match count {
            1 => String::from("this `(` is never closed"),
            _ => format!("this `(` and {} inside it are never closed", count - 1),
        };
        let parens = ")".repeat(count.min(10));
        let diagnostic = Diagnostic::error(DiagCode::UnclosedForm, span, message);
        self.sink.push(match next.map(|next| self.forms.get(next).span) {
            Some(next) => diagnostic
                .label(next, "the next event begins here")
                .help(format!("close it with `{parens}` before the next `(when`")),
            None => diagnostic.help(format!("close it with `{parens}`")),
        });
    }

    fn unknown(&mut self, span: Span) {
        let adjacent =
            |form: &&mut Form| form.kind == FormKind::Unknown && form.span.end == span.start;
        if let Some(form) = self.forms.list.last_mut().filter(adjacent) {
            // A run of strange characters is one mistake. Its text was judged by its beginning.
            form.span.end = span.end;
            return;
        }
        self.push(FormKind::Unknown, span);
        let mut span = span;
        let text = self.forms.src.get(span.range()).unwrap_or_default();
        let text = match text {
            // A whole comment in the style of other languages: its first character is what is wrong.
            [b';', ..] => {
                span.end = span.start + 1;
                b";"
            }
            _ => text,
        };
        self.sink.push(match core::str::from_utf8(text) {
            Err(_) => Diagnostic::error(DiagCode::NotText, span, "these bytes are not UTF-8")
                .help("save the program as UTF-8"),
            Ok(text) => {
                let message = if text.chars().all(char::is_control) {
                    format!("unexpected character {:?}", text)
                } else {
                    format!("unexpected character `{text}`")
                };
                Diagnostic::error(DiagCode::UnexpectedCharacter, span, message)
                    .help(unknown_help(text))
            }
        });
    }
}

/// Whether `rest` closes just the `depth` lists that are open.
fn is_balanced(depth: usize, mut rest: &[u8]) -> bool {
    let mut depth = depth as i64;
    while let Some((token, _, next)) = next_token(rest) {
        depth += match token {
            Token::Open => 1,
            Token::Close => -1,
            _ => 0,
        };
        rest = next;
    }
    depth == 0
}

/// Whether a value and then `)` follow.
fn is_value_and_close(rest: &[u8]) -> bool {
    let Some((Token::Word | Token::Infinity, _, rest)) = next_token(rest) else {
        return false;
    };
    matches!(next_token(rest), Some((Token::Close, _, _)))
}

/// What a character that other languages use is called here.
fn unknown_help(text: &str) -> &'static str {
    if text.starts_with('"') {
        return "there are no strings";
    }
    match text {
        "=" => "`:=` binds, `==` compares",
        ":" => "`:=` binds",
        ";" => "comments begin with `#`",
        "&" => "the operator is `&&`",
        "|" => "the operator is `||`",
        "%" => "there is no remainder: `(- a (* b (/ a b)))` is one",
        "'" => "there are no strings",
        "[" | "]" | "{" | "}" => "forms stand in `(` and `)`",
        "," => "operands are separated by white space",
        "→" | "←" => "`:=` binds",
        "≤" => "write `<=`",
        "≥" => "write `>=`",
        "≠" => "write `!=`",
        "∞" => "write `+infinity`",
        _ => "remove it; outside comments, which begin with `#`, it means nothing",
    }
}
