//! From source text to a spanned tree.
//!
//! Three steps, each of which goes on past mistakes: tokens (nom), balanced forms, the tree. Parsing
//! never fails and never recurses; what it could not understand is an [`ExprKind::Error`] in the tree
//! and a diagnostic. Names are not looked up here, nor types checked.

mod comment;
mod form;
mod grammar;
mod names;
mod operator;
pub(crate) mod token;
mod tree;

pub(crate) use comment::{LintComment, Place};
pub(crate) use grammar::{parse_expr, parse_into};
pub use names::Name;
pub use operator::{Command, Operator};
pub use token::Token;
pub(crate) use tree::Node;
pub use tree::{Decl, Event, Expr, ExprKind, Literal, Tree};

use core::ops::Range;

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

/// The tokens of a source, whatever it holds, and where each stands. White space and comments lie between them.
///
/// ```
/// use ccp_lang::syntax::{self, Operator, Token};
/// let src = "(:= x 2ms) # now";
/// let tokens: Vec<_> = syntax::tokens(src).map(|(token, at)| (token, &src[at])).collect();
/// assert_eq!(tokens[1], (Token::Symbol(Operator::Bind), ":="));
/// assert_eq!(tokens[3], (Token::Word, "2ms"));
/// assert_eq!(tokens.len(), 5);
/// ```
pub fn tokens(src: &(impl AsRef<[u8]> + ?Sized)) -> impl Iterator<Item = (Token, Range<usize>)> {
    let src = src.as_ref();
    let mut rest = src;
    core::iter::from_fn(move || {
        let (token, len, next) = token::next_token(rest)?;
        rest = next;
        let end = src.len() - rest.len();
        Some((token, end - len..end))
    })
}
