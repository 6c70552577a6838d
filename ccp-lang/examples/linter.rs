//! A rule of one's own over the syntax tree: an event that reports when enough time has passed, but never starts the
//! clock anew, reports on every ACK from then on.

use std::fmt::Write;
use std::process::ExitCode;

use ccp_lang::LineIndex;
use ccp_lang::syntax::{Command, Expr, ExprKind, Operator, Tree, parse};

fn main() -> ExitCode {
    let mut found = String::new();
    for file in std::env::args().skip(1) {
        match std::fs::read_to_string(&file) {
            Ok(source) => found += &lint(&file, &source),
            Err(error) => writeln!(found, "{file}: {error}").unwrap_or_default(),
        }
    }
    print!("{found}");
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the rule finds in a program, a line each. Mistakes that the compiler tells are not its business.
pub(crate) fn lint(name: &str, source: &str) -> String {
    let (tree, _) = parse(source);
    let lines = LineIndex::new(source);
    let mut found = String::new();
    for event in tree.events() {
        let waits =
            tree.condition(event).is_some_and(|whole| any(whole, |e| is(&tree, e, "Micros")));
        let does = |wanted: &dyn Fn(Expr<'_, '_>) -> bool| tree.body(event).any(|e| any(e, wanted));
        let reports = does(&|e| e.kind() == ExprKind::Command(Command::Report));
        let restarts = does(&|e| match e.kind() {
            ExprKind::Command(Command::Reset) => true,
            ExprKind::Apply(Operator::Bind) => {
                e.operands().next().is_some_and(|x| is(&tree, x, "Micros"))
            }
            _ => false,
        });
        if waits && reports && !restarts {
            let place = lines.position(event.span.start);
            let advice = "reports by the clock and never resets it; add `(reset)`";
            writeln!(found, "{name}:{place}: {advice}").unwrap_or_default();
        }
    }
    found
}

/// Whether an expression or a part of it is wanted. A list instead of recursion: programs may nest deep.
fn any<'t, 's>(whole: Expr<'t, 's>, wanted: impl Fn(Expr<'t, 's>) -> bool) -> bool {
    let mut open = vec![whole];
    while let Some(expr) = open.pop() {
        if wanted(expr) {
            return true;
        }
        open.extend(expr.operands());
    }
    false
}

fn is(tree: &Tree<'_>, expr: Expr<'_, '_>, name: &str) -> bool {
    matches!(expr.kind(), ExprKind::Name(found) if tree.name(found) == name)
}
