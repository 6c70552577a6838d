//! From the checked program to instructions.
//!
//! Every step becomes one instruction, in order. Of the plain translation, where each result has a temporary of its own, as
//! other compilers of the language number them, the instructions are the same as theirs; only an
//! expression with more operators than there are temporaries is treated differently, see `temps`.

mod temps;

use alloc::format;
use alloc::vec::Vec;

use temps::Temps;

use crate::code::{Code, Event, Instr};
use crate::diag::{DiagCode, Diagnostic, Sink, Span};
use crate::ir::{Ir, IrEvent};
use crate::limits::Limits;

/// Decides the order of evaluation where there are too few temporaries for that of the source.
pub(crate) fn settle(ir: &mut Ir, limits: &Limits) {
    Temps::new(limits.temps).settle(ir);
}

/// Makes instructions of an optimised program, if there are enough temporaries and it is within its
/// limits; with where they come from, as [`lower`].
pub(crate) fn lower_shared(ir: &Ir, limits: &Limits) -> Option<(Code, Vec<Span>)> {
    let mut temps = Temps::new(limits.temps);
    let have = ir.defs.len() + ir.steps.len();
    let is_within =
        have <= limits.max_instrs as usize && ir.events.len() <= limits.max_events as usize;
    if !is_within || !temps.share(&ir.steps) {
        return None;
    }
    let mut instrs = Vec::with_capacity(have);
    instrs.extend(ir.defs.iter().map(|def| Instr::def(def.reg, def.initial)));
    let defs = instrs.len() as u32;
    instrs.extend((0..).zip(&ir.steps).map(|(at, step)| temps.shared(at, step)));
    let event = |event: &IrEvent| {
        let flag = &event.condition;
        let body = ir.body(event).first().cloned().unwrap_or(flag.end..flag.end);
        Event {
            flag_idx: defs + flag.start,
            num_flag_instrs: flag.len() as u32,
            body_idx: defs + body.start,
            num_body_instrs: body.len() as u32,
        }
    };
    let spans = ir.steps.iter().map(|step| step.span).collect();
    Some((Code { events: ir.events.iter().map(event).collect(), instrs }, spans))
}

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
        spans.extend(ir.steps_of(&event.condition).iter().map(|step| step.span));
        let body_idx = instrs.len() as u32;
        for expr in ir.body(event) {
            temps.lower(ir, expr, &mut instrs, sink);
            spans.extend(ir.steps_of(expr).iter().map(|step| step.span));
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
