//! What runs on datapaths with larger limits only.

use alloc::format;

use crate::bounds::Bounds;
use crate::diag::{Diagnostic, Sink, Span};
use crate::limits::Limits;
use crate::lint::Lint;
use crate::machine::Program;
use crate::reg::{Class, Reg};
use crate::scope::{Kind, Scope};
use crate::syntax::Tree;

/// Looks for what passes the limits of libccp, which checks none of them. Within the compiler's own:
/// what passes those is an error.
pub(crate) fn libccp(tree: &Tree<'_>, program: &Program, scope: &Scope, sink: &mut Sink) {
    let (have, most) = (Bounds::of(program), Limits::LIBCCP);
    let code = program.code();
    let event = |at: Option<usize>| {
        let event = at.and_then(|at| tree.events.get(at)).or_else(|| tree.events.last());
        event.map_or_else(Span::default, |event| event.head)
    };
    let is_late = |reg: Reg| reg.class == Class::Temp && reg.index >= most.temps;
    let late_temp = code.instrs.iter().position(|i| is_late(i.result));
    let holding =
        |instr: usize| code.events.iter().position(|event| event.body().end as usize > instr);
    let local = scope.variables().iter().filter(|v| v.kind == Kind::Local);
    let local = local.map(|v| v.span).nth(most.locals as usize).unwrap_or_default();
    for (what, have, most, span) in [
        ("instructions", have.instrs, most.max_instrs, event(holding(most.max_instrs as usize))),
        ("events", have.events, most.max_events, event(Some(most.max_events as usize))),
        ("locals", have.locals, most.locals, local),
        ("temporaries", have.temps, most.temps, event(late_temp.and_then(holding))),
    ] {
        if have > most as usize {
            let message = format!("{have} {what}, of which libccp has {most}");
            let help = "nothing is to be done if it is for datapaths with larger limits only";
            sink.push(Diagnostic::lint(Lint::LibccpLimit, span, message).help(help));
        }
    }
}
