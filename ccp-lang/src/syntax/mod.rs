//! From source text to a spanned tree.
//!
//! Three steps, each of which goes on past mistakes: tokens (nom), balanced forms, the tree. Parsing
//! never fails and never recurses; what it could not understand is an [`ExprKind::Error`] in the tree
//! and a diagnostic. Names are not looked up here, nor types checked.

mod form;
mod grammar;
mod names;
mod operator;
pub(crate) mod token;
mod tree;

pub(crate) use grammar::{parse_expr, parse_into};
pub use names::Name;
pub use operator::{Command, Operator};
pub(crate) use tree::Node;
pub use tree::{Decl, Event, Expr, ExprKind, Literal, Tree};

use crate::diag::{Diagnostics, Sink};
use crate::lint::Levels;

/// Reads a program, whatever it holds.
///
/// ```
/// use ccp_lang::syntax;
/// let (tree, mistakes) = syntax::parse("(def (x 2ms)) (when (> Micros x) (:= x (* 2 x)))");
/// assert!(mistakes.is_empty());
/// assert_eq!(tree.to_string(), "(def\n    (x 2000))\n(when (> Micros x)\n    (:= x (* 2 x)))\n");
/// ```
pub fn parse(src: &(impl AsRef<[u8]> + ?Sized)) -> (Tree<'_>, Diagnostics) {
    let mut sink = Sink::new(Levels::DEFAULT);
    let tree = parse_into(src.as_ref(), &mut sink);
    (tree, sink.finish(src.as_ref()))
}
