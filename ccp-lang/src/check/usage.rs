//! Variables that are declared or bound to no purpose.

use alloc::format;
use alloc::string::String;

use super::env::{Env, Var};
use crate::diag::{Diagnostic, Sink};
use crate::lint::Lint;
use crate::scope::Kind;
use crate::syntax::Tree;

/// Looks at how every variable of a program without errors is used.
pub(super) fn check(tree: &Tree<'_>, env: &Env, sink: &mut Sink) {
    for (index, var) in env.vars.iter().enumerate() {
        // The other declaration of the same name has taken its place.
        if env.lookup(var.name) != Some(index) {
            continue;
        }
        match var.kind {
            Kind::Report => report(tree, env, var, sink),
            Kind::Control => control(tree, env, var, sink),
            Kind::Local => local(tree, env, var, sink),
            Kind::Implicit | Kind::Primitive => {}
        }
    }
}

fn report(tree: &Tree<'_>, env: &Env, var: &Var, sink: &mut Sink) {
    if var.written {
        return;
    }
    let text = tree.name(var.name);
    let message = format!("`{text}` is reported but never updated");
    let short = text.strip_prefix("Report.");
    let is_short = |other: &&Var| {
        other.kind == Kind::Local && short.is_some_and(|short| tree.name(other.name) == short)
    };
    let help = match env.vars.iter().find(is_short) {
        Some(local) => {
            let local = tree.name(local.name);
            format!(
                "`{local}` is a variable of its own; write `{text}` where the reported is meant"
            )
        }
        None => format!("bind it in an event: `(:= {text} …)`, or remove it"),
    };
    sink.push(Diagnostic::lint(Lint::NeverUpdated, var.span, message).help(help));
}

fn control(tree: &Tree<'_>, env: &Env, var: &Var, sink: &mut Sink) {
    let text = tree.name(var.name);
    let (lint, message) = match (var.read, var.written) {
        (true, true) => return,
        (true, false) => return parameter(text, var, sink),
        (false, false) => (Lint::NeverRead, format!("`{text}` is never used")),
        (false, true) => (Lint::NeverRead, format!("`{text}` is bound but never read")),
    };
    if !sink.wants(lint) {
        return;
    }
    let is_constant =
        text.starts_with(|c: char| c.is_ascii_digit()) || matches!(text, "true" | "false");
    let help = if is_constant {
        format!("`{text}` is a constant wherever it is read; choose another name")
    } else {
        let meant = env.suggestion(tree, var.name, sink).filter(|_| !var.written);
        meant.unwrap_or_else(|| {
            String::from("remove it, or declare it in `(Report …)` if the agent should see it")
        })
    };
    sink.push(Diagnostic::lint(lint, var.span, message).help(help));
}

/// A variable that the program only reads. One that the agent sets is the usual case, so this is but
/// a note; what it sets a volatile one to is lost with the next report.
fn parameter(text: &str, var: &Var, sink: &mut Sink) {
    if !sink.wants(Lint::NeverWritten) {
        return;
    }
    let message =
        format!("`{text}` is never written: it keeps its initial value unless the agent sets it");
    let diagnostic = Diagnostic::lint(Lint::NeverWritten, var.span, message);
    sink.push(if var.reg.is_volatile() {
        diagnostic.help("what the agent sets is lost with the next report; remove `volatile`")
    } else {
        diagnostic.help("nothing is to be done if it is a parameter").note()
    });
}

fn local(tree: &Tree<'_>, env: &Env, var: &Var, sink: &mut Sink) {
    if var.read || !var.written || !sink.wants(Lint::NeverRead) {
        return;
    }
    let text = tree.name(var.name);
    let message = format!("`{text}` is bound but never read");
    let help = env
        .suggestion(tree, var.name, sink)
        .unwrap_or_else(|| format!("remove the bind, or declare `{text}` in `(def …)`"));
    sink.push(Diagnostic::lint(Lint::NeverRead, var.span, message).help(help));
}
