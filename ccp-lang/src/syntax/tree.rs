//! The syntax tree: what a program says, with the place of every part.
//!
//! All expressions of a program lie in one list, each before its operands. Nothing here is recursive,
//! so that the depth of a program costs no stack.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use super::comment::LintComment;
use super::names::{Name, Names};
use super::operator::{Command, Operator};
use crate::diag::Span;

/// A program as it was written, mistakes included.
///
/// Its `Display` writes the program anew: one declaration or expression of an event's body a line.
#[derive(Clone, Debug)]
pub struct Tree<'s> {
    pub(crate) names: Names<'s>,
    pub(crate) decls: Vec<Decl>,
    pub(crate) events: Vec<Event>,
    pub(crate) nodes: Vec<Node>,
    /// Comments that name lints, with the places where they hold.
    pub(crate) lint_comments: Vec<LintComment>,
    /// Whether declarations may stand where they were not found.
    pub(crate) is_garbled: bool,
}

/// A declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decl {
    /// The full name: `Report.` stands before those inside `(Report …)`.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// Whether it goes back to its initial value after each report.
    pub volatile: bool,
    /// Whether it stands inside `(Report …)`.
    pub in_report: bool,
    /// The initial value.
    pub value: Literal,
    /// Where the initial value stands.
    pub value_span: Span,
    /// The whole declaration.
    pub span: Span,
}

/// A constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A number or a time in microseconds.
    Num(u32),
    /// `true` or `false`.
    Bool(bool),
    /// `+infinity`.
    Infinity,
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Num(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Infinity => f.write_str("+infinity"),
        }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The whole event.
    pub span: Span,
    /// The word `when`.
    pub head: Span,
    /// The nodes of the condition.
    pub(crate) condition: Range<u32>,
    /// The nodes of all expressions of the body.
    pub(crate) body: Range<u32>,
}

/// One expression, without its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
    /// The operator, or the whole for what has none.
    pub(crate) head: Span,
    /// The index after the last node of this expression.
    pub(crate) end: u32,
}

/// What an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// A variable or primitive.
    Name(Name),
    /// An operator; its operands are [`Expr::operands`].
    Apply(Operator),
    /// A command.
    Command(Command),
    /// Something that is no expression, about which there is a diagnostic. With the operator, where
    /// it has one.
    Error(Option<Operator>),
}

/// An expression of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Expr<'t, 's> {
    tree: &'t Tree<'s>,
    at: u32,
}

impl<'t, 's> Expr<'t, 's> {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ExprKind {
        self.tree.node(self.at).kind
    }

    /// Where it stands, parentheses included.
    #[must_use]
    pub fn span(&self) -> Span {
        self.tree.node(self.at).span
    }

    /// Where its operator stands; the whole expression if it has none.
    #[must_use]
    pub fn head(&self) -> Span {
        self.tree.node(self.at).head
    }

    /// Its operands, in order.
    pub fn operands(&self) -> impl Iterator<Item = Expr<'t, 's>> + use<'t, 's> {
        self.tree.exprs(self.at + 1..self.tree.node(self.at).end)
    }
}

impl<'s> Tree<'s> {
    /// The declarations, in the order of the source.
    #[must_use]
    pub fn decls(&self) -> &[Decl] {
        &self.decls
    }

    /// The events, in the order of the source.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The condition of an event of this tree.
    pub fn condition(&self, event: &Event) -> Option<Expr<'_, 's>> {
        self.exprs(event.condition.clone()).next()
    }

    /// The expressions in the body of an event of this tree.
    pub fn body(&self, event: &Event) -> impl Iterator<Item = Expr<'_, 's>> {
        self.exprs(event.body.clone())
    }

    /// The text of a name of this tree.
    #[must_use]
    pub fn name(&self, name: Name) -> &str {
        self.names.text(name)
    }

    pub(crate) fn node(&self, at: u32) -> Node {
        self.nodes.get(at as usize).copied().unwrap_or_else(|| Node {
            kind: ExprKind::Error(None),
            span: Span::default(),
            head: Span::default(),
            end: at.saturating_add(1),
        })
    }

    /// The expressions directly in `range`.
    pub(crate) fn exprs(
        &self,
        range: Range<u32>,
    ) -> impl Iterator<Item = Expr<'_, 's>> + use<'_, 's> {
        let mut next = range.start;
        core::iter::from_fn(move || {
            let at = (next < range.end).then_some(next)?;
            next = self.node(at).end.max(at + 1);
            Some(Expr { tree: self, at })
        })
    }

    fn write_exprs(&self, f: &mut fmt::Formatter<'_>, range: Range<u32>) -> fmt::Result {
        let mut open = Vec::new();
        for at in range {
            let node = self.node(at);
            let is_operand = !open.is_empty();
            if is_operand {
                f.write_str(" ")?;
            }
            match node.kind {
                ExprKind::Literal(literal) => write!(f, "{literal}")?,
                ExprKind::Name(name) => f.write_str(self.name(name))?,
                ExprKind::Command(command) => write!(f, "{command}")?,
                ExprKind::Apply(operator) => write!(f, "({operator}")?,
                ExprKind::Error(Some(operator)) => write!(f, "({operator}")?,
                ExprKind::Error(None) => f.write_str("(<error>")?,
            }
            if matches!(node.kind, ExprKind::Apply(_) | ExprKind::Error(_)) {
                open.push(node.end);
            }
            while open.pop_if(|end| *end == at + 1).is_some() {
                f.write_str(")")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(def")?;
        for decl in &self.decls {
            let volatile = if decl.volatile { "volatile " } else { "" };
            write!(f, "\n    ({volatile}{} {})", self.name(decl.name), decl.value)?;
        }
        f.write_str(")\n")?;
        for event in &self.events {
            f.write_str("(when ")?;
            self.write_exprs(f, event.condition.clone())?;
            for expr in self.body(event) {
                f.write_str("\n    ")?;
                self.write_exprs(f, expr.at..self.node(expr.at).end)?;
            }
            f.write_str(")\n")?;
        }
        Ok(())
    }
}
