//! Which events can run after which.

use crate::diag::{Diagnostic, Sink, Span};
use crate::lint::Lint;

/// What decides whether the events behind one are evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventFlow {
    pub(super) condition: Span,
    pub(super) head: Span,
    /// The value of the condition, where it is known.
    pub(super) always: Option<bool>,
    /// The first `(fallthrough)` of its body.
    pub(super) fallthrough: Option<Span>,
}

/// Looks for events that never run and for fallthroughs that reach further than they seem to.
pub(super) fn check(events: &[EventFlow], sink: &mut Sink) {
    never_runs(events, sink);
    reach(events, sink);
}

fn never_runs(events: &[EventFlow], sink: &mut Sink) {
    // The first event that always ends the invocation. After a fallthrough none surely does.
    let mut stop: Option<&EventFlow> = None;
    let mut may_continue = false;
    for event in events {
        if event.always == Some(false) {
            sink.push(
                Diagnostic::lint(Lint::NeverRuns, event.condition, "this condition is never true")
                    .help("remove the event, or compare something that changes"),
            );
            continue;
        }
        if let Some(stop) = stop {
            sink.push(
                Diagnostic::lint(Lint::NeverRuns, event.head, "this event can never run")
                    .label(stop.head, "this event always runs and stops")
                    .help("add `(fallthrough)` to the earlier event, or put this one before it"),
            );
            continue;
        }
        may_continue |= event.fallthrough.is_some();
        if event.always == Some(true) && !may_continue {
            stop = Some(event);
        }
    }
}

/// A fallthrough holds for the rest of the invocation: an event after it that does not fall through
/// no longer keeps those behind it from running.
fn reach(events: &[EventFlow], sink: &mut Sink) {
    let Some((first, span)) =
        events.iter().enumerate().find_map(|(at, e)| Some((at, e.fallthrough?)))
    else {
        return;
    };
    let later = events.get(first + 1..).unwrap_or_default();
    let stops =
        later.iter().enumerate().find(|(_, e)| e.fallthrough.is_none() && e.always != Some(false));
    let Some((at, event)) = stops else { return };
    let Some(next) = later.get(at + 1) else {
        return;
    };
    sink.push(
        Diagnostic::lint(
            Lint::FallthroughReach,
            span,
            "this holds for the rest of the invocation, past events that do not fall through",
        )
        .label(event.head, "this event looks as if it stopped the evaluation")
        .label(next.head, "but this one is evaluated too")
        .help(
            "nothing is to be done if both may run; else let their conditions exclude each other",
        ),
    );
}
