//! From the checked program to instructions: the plain translation.
//!
//! Every step becomes one instruction, in order. Where each result has a temporary of its own, as
//! other compilers of the language number them, the instructions are the same as theirs; only an
//! expression with more operators than there are temporaries is treated differently, see `temps`.

mod temps;

use alloc::format;
use alloc::vec::Vec;

use temps::Temps;

use crate::code::{Code, Event, Instr};
use crate::diag::{DiagCode, Diagnostic, Sink, Span};
use crate::ir::Ir;
use crate::limits::Limits;

/// Makes instructions of a checked program, and says where all but the declarations come from. They
/// are whole only if the sink has no errors afterwards.
pub(crate) fn lower(ir: &Ir, limits: &Limits, sink: &mut Sink) -> (Code, Vec<Span>) {
    let mut spans = Vec::with_capacity(ir.steps.len());
    let mut instrs = Vec::with_capacity(ir.defs.len() + ir.steps.len());
    instrs.extend(ir.defs.iter().map(|def| Instr::def(def.reg, def.initial)));
    let mut events = Vec::with_capacity(ir.events.len());
    let mut temps = Temps::new(limits.temps);
    let mut is_too_long = false;
    for event in &ir.events {
        let flag_idx = instrs.len() as u32;
        temps.lower(ir, &event.condition, &mut instrs, sink);
        temps.spans(ir, &event.condition, &mut spans);
        let body_idx = instrs.len() as u32;
        for expr in ir.body(event) {
            temps.lower(ir, expr, &mut instrs, sink);
            temps.spans(ir, expr, &mut spans);
        }
        let end = instrs.len() as u32;
        events.push(Event {
            flag_idx,
            num_flag_instrs: body_idx - flag_idx,
            body_idx,
            num_body_instrs: end - body_idx,
        });
        if end > limits.max_instrs && !is_too_long {
            is_too_long = true;
            let have = ir.defs.len() + ir.steps.len();
            let message = format!(
                "the program has {have} instructions, and here passes the {} that datapaths take",
                limits.max_instrs
            );
            let help =
                "each declaration and each operator is one; bind what is computed twice to a name";
            sink.push(
                Diagnostic::error(DiagCode::TooManyInstructions, event.span, message).help(help),
            );
        }
        if events.len() as u64 == u64::from(limits.max_events) + 1 {
            let message = format!("more than {} events", limits.max_events);
            sink.push(
                Diagnostic::error(DiagCode::TooManyEvents, event.span, message)
                    .help("join events with the same condition"),
            );
        }
    }
    (Code { events, instrs }, spans)
}
