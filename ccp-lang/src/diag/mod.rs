//! Diagnostics: what is wrong with a program, where, and what to do about it.
//!
//! Says nothing about how a program is understood; the other stages push what they find.

mod code;
mod example;
mod scopes;
mod span;
mod suggest;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use code::DiagCode;
pub use example::Example;
use scopes::Scopes;
pub use span::{LineIndex, Position, Span};
pub(crate) use suggest::{Candidates, closest};

use crate::lint::{Level, Levels, Lint};
use crate::syntax::{LintComment, Place};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; often meant.
    Note,
    /// The program compiles, but hardly as meant.
    Warning,
    /// The program does not compile.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Another place that matters for a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// The line and column where it begins.
    pub position: Position,
    /// What is to be seen there.
    pub message: String,
}

/// One thing that is wrong with a program.
///
/// `{}` prints `LINE:COL: error[CODE]: message` and, on a line of its own, the help; `{:#}` adds the
/// source line with a caret, the other places, and the lint's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The kind of mistake.
    pub code: DiagCode,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where: bytes of the source.
    pub span: Span,
    /// Where: the line and column at which `span` begins.
    pub position: Position,
    /// The source line of `position`.
    pub line: Arc<str>,
    /// What to do.
    pub help: Option<String>,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// The lint that found it, if it is one.
    pub lint: Option<Lint>,
}

impl Diagnostic {
    pub(crate) fn error(code: DiagCode, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            span,
            position: Position::default(),
            line: Arc::default(),
            help: None,
            labels: Vec::new(),
            lint: None,
        }
    }

    /// A finding of a lint. Its severity follows the lint's level.
    pub(crate) fn lint(lint: Lint, span: Span, message: impl Into<String>) -> Self {
        Self {
            lint: Some(lint),
            severity: Severity::Warning,
            ..Self::error(lint.code(), span, message)
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, position: Position::default(), message: message.into() });
        self
    }

    /// A warning that is often meant.
    pub(crate) fn note(mut self) -> Self {
        self.severity = Severity::Note;
        self
    }

    fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = alloc::format!("{}", self.position.line);
        let gutter = number.len();
        // A line may be a whole minified program: only what is around the place is shown.
        let column = (self.position.column as usize).saturating_sub(1);
        let skipped = column.saturating_sub(SHOWN_BEFORE);
        let begin = self.line.char_indices().nth(skipped);
        let shown = begin.and_then(|(at, _)| self.line.get(at..)).unwrap_or_default();
        let shown = || shown.chars().take(SHOWN);
        writeln!(f, "{:gutter$} |", "")?;
        write!(f, "{number} | ")?;
        shown().try_for_each(|c| write!(f, "{}", printable(c)))?;
        write!(f, "\n{:gutter$} | ", "")?;
        let before = column - skipped;
        for c in shown().take(before) {
            // Tabs stay tabs, so that the caret stands under its character.
            write!(f, "{}", if c == '\t' { '\t' } else { ' ' })?;
        }
        let mut bytes = self.span.end.saturating_sub(self.span.start) as usize;
        let covered = shown().skip(before).take_while(|c| {
            let is_covered = bytes > 0;
            bytes = bytes.saturating_sub(c.len_utf8());
            is_covered
        });
        writeln!(f, "{:^<1$}", "", covered.count().max(1))?;
        for label in &self.labels {
            writeln!(f, "{:gutter$} = {}: {}", "", label.position, label.message)?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "{:gutter$} = help: {help}", "")?;
        }
        if let Some(lint) = self.lint {
            writeln!(f, "{:gutter$} = lint: {lint}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: {}", self.position, self.severity, self.code, self.message)?;
        if f.alternate() {
            f.write_str("\n")?;
            self.write_source(f)
        } else if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")
        } else {
            Ok(())
        }
    }
}

/// All that is wrong with a program, by place.
///
/// `{}` prints one after the other, `{:#}` with source lines; both end with the count of those that
/// were left out, since only the first [`Diagnostics::MAX`] are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    omitted: usize,
}

impl Diagnostics {
    /// How many are kept.
    pub const MAX: usize = 100;

    /// How many more there were than are kept.
    #[must_use]
    pub const fn omitted(&self) -> usize {
        self.omitted
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// The errors among them.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().filter(|d| d.severity == Severity::Error)
    }

    /// One by one.
    pub fn iter(&self) -> core::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }
}

/// The kept ones as a slice.
impl core::ops::Deref for Diagnostics {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.list
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = alloc::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = core::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.list.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(diagnostic, f)?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl core::error::Error for Diagnostics {}

/// Collects diagnostics while a program is compiled.
#[derive(Debug)]
pub(crate) struct Sink {
    levels: Levels,
    /// Where comments say something else.
    scopes: Scopes,
    list: Vec<Diagnostic>,
    omitted: usize,
    errors: usize,
}

impl Sink {
    pub(crate) const fn new(levels: Levels) -> Self {
        Self { levels, scopes: Scopes::new(), list: Vec::new(), omitted: 0, errors: 0 }
    }

    /// Heeds comments that allow or deny lints.
    pub(crate) fn heed(&mut self, comments: &[LintComment], src: &[u8]) {
        let names = comments.iter().flat_map(|c| c.names.iter().map(move |name| (c, *name)));
        let mut unknown = Vec::new();
        for (comment, span) in names {
            let name = src.get(span.range()).and_then(|name| core::str::from_utf8(name).ok());
            let name = name.unwrap_or_default();
            let Ok(lint) = name.parse::<Lint>() else {
                unknown.push((span, name));
                continue;
            };
            let level = if comment.allows { lint.allowed_level() } else { Level::Deny };
            match comment.place {
                Place::Program => self.levels.set(lint, level),
                // Nothing follows it.
                Place::Form(_) => {}
                Place::Within(place) => self.scopes.add(lint, level, place, false),
                Place::Line(place) => self.scopes.add(lint, level, place, true),
            }
        }
        self.scopes.finish();
        for (span, name) in unknown {
            let names = || Lint::ALL.iter().map(|lint| lint.name());
            let help = match closest(name, names()) {
                Some(meant) => alloc::format!("did you mean `{meant}`?"),
                None => alloc::format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let message = alloc::format!("there is no lint `{name}`");
            self.push(Diagnostic::lint(Lint::UnknownLint, span, message).help(help));
        }
    }

    fn level(&self, lint: Lint, span: Span) -> Level {
        self.scopes.level(lint, span.start).unwrap_or_else(|| self.levels.level(lint))
    }

    /// Whether findings of the lint are wanted. Asked before a message is made at some cost.
    pub(crate) fn wants(&self, lint: Lint) -> bool {
        self.levels.level(lint) != Level::Off || self.scopes.mention(lint)
    }

    /// Whether a finding of the lint at a place is an error.
    pub(crate) fn denies(&self, lint: Lint, span: Span) -> bool {
        self.level(lint, span) == Level::Deny
    }

    /// Whether one more would still be kept; helps that cost time are not worked out otherwise.
    pub(crate) const fn has_room(&self) -> bool {
        self.list.len() < Diagnostics::MAX
    }

    pub(crate) const fn has_errors(&self) -> bool {
        self.errors > 0
    }

    pub(crate) fn push(&mut self, mut diagnostic: Diagnostic) {
        if let Some(lint) = diagnostic.lint {
            match self.level(lint, diagnostic.span) {
                Level::Off => return,
                Level::Warn => {}
                Level::Deny => diagnostic.severity = Severity::Error,
            }
        }
        let is_error = diagnostic.severity == Severity::Error;
        self.errors += usize::from(is_error);
        if self.has_room() {
            self.list.push(diagnostic);
            return;
        }
        self.omitted += 1;
        // An error must not be lost behind a hundred warnings.
        let warning = |d: &&mut Diagnostic| d.severity != Severity::Error;
        if is_error && let Some(slot) = self.list.iter_mut().rev().find(warning) {
            *slot = diagnostic;
        }
    }

    /// Sorts by place and works out lines and columns.
    pub(crate) fn finish(mut self, src: &[u8]) -> Diagnostics {
        if !self.list.is_empty() {
            let index = LineIndex::new(src);
            self.list.sort_by_key(|d| d.span);
            // A line may be long and have many mistakes; its text is kept once.
            let mut line = (0, Arc::default());
            for diagnostic in &mut self.list {
                diagnostic.position = index.position(diagnostic.span.start);
                if line.0 != diagnostic.position.line {
                    let number = diagnostic.position.line;
                    line = (number, Arc::from(index.line(number)));
                }
                diagnostic.line = Arc::clone(&line.1);
                for label in &mut diagnostic.labels {
                    label.position = index.position(label.span.start);
                }
            }
        }
        Diagnostics { list: self.list, omitted: self.omitted }
    }
}

/// Control characters would garble the terminal; a tab keeps its width.
fn printable(c: char) -> char {
    if c.is_control() && c != '\t' { '\u{FFFD}' } else { c }
}

/// How much of a source line is shown, in characters.
const SHOWN: usize = 120;
/// How much of that before the place; the rest shows what follows.
const SHOWN_BEFORE: usize = 80;
