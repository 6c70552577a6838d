//! The formatter: one look for all programs.
//!
//! Works on tokens and comments, not on the tree: it writes each as it stands in the source, in the
//! same order, and decides only what white space is between them. So it cannot change what a program
//! means. It knows neither names nor types, and formats whatever can be parsed.
//!
//! The style: a `(def …)`, `(Report …)` or `(when …)` that was written on one line stays there if it
//! fits; otherwise each declaration or expression in it has a line of its own, and so has the `)`.
//! Every other form is on one line if it fits and no comment is inside; otherwise its first operand
//! stays beside the operator where that fits, and the others stand below, four columns in. Single
//! blank lines between declarations, expressions and events are kept. A comment behind something
//! stays behind it, in one column with those of the neighbouring lines; one on a line of its own
//! keeps that.

mod layout;
mod lines;
mod read;

use alloc::string::String;

use crate::diag::{DiagCode, Diagnostic, Diagnostics, Sink, Span};
use crate::lint::Levels;
use crate::syntax;

/// The width that a line keeps to, in characters, where its parts let it. Comments do not count.
pub const WIDTH: usize = 100;

/// Formats a program. What comes out means the same and is its own formatted form.
///
/// ```
/// let source = "(def(x 2ms)) # the limit\n(when(> Micros x)\n(report) (:= x (* 2 x)))";
/// assert_eq!(ccp_lang::fmt::format(source)?, "\
/// (def (x 2ms))  # the limit
/// (when (> Micros x)
///     (report)
///     (:= x (* 2 x))
/// )
/// ");
/// # Ok::<(), ccp_lang::Diagnostics>(())
/// ```
///
/// # Errors
/// All that is wrong with the syntax, or that the source is not UTF-8. Unknown names, wrong types and
/// the like are no obstacle.
pub fn format(src: impl AsRef<[u8]>) -> Result<String, Diagnostics> {
    let src = src.as_ref();
    let mut sink = Sink::new(Levels::DEFAULT);
    syntax::parse_into(src, &mut sink);
    if !sink.has_errors()
        && let Err(error) = core::str::from_utf8(src)
    {
        // Only comments can hold such bytes without being a mistake of syntax already.
        let at = error.valid_up_to() as u32;
        let span = Span::new(at, at.saturating_add(1));
        sink.push(
            Diagnostic::error(DiagCode::NotText, span, "this byte is not UTF-8")
                .help("save the program as UTF-8; what is no text cannot be formatted"),
        );
    }
    match core::str::from_utf8(src) {
        Ok(src) if !sink.has_errors() => {
            Ok(layout::layout(&read::Source::read(src), src).print(src))
        }
        _ => Err(sink.finish(src)),
    }
}
