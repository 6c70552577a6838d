//! One datapath with its flows: what is done on each of its messages.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ccp_ipc::{Ipc, Liveness};
use ccp_wire::{Address, Create, FlowId, Hello, HelloFlags, Measure};
use tracing::{Span, info, info_span};

use crate::agent::message_of;
use crate::datapath::Control;
use crate::programs::UNSAID;
use crate::shared::{Link, Shared};
use crate::stats::Counter;
use crate::{AlgSet, Datapath, DatapathInfo, Flow, Report};

pub(crate) struct Peer<I: Ipc, F> {
    pub(crate) link: Rc<Link<I>>,
    /// By number, in an order that makes equal runs equal, and that no choice of numbers can slow.
    flows: BTreeMap<FlowId, Running<I, F>>,
    /// It has started, and has not been sent its programs yet.
    wants_programs: bool,
    /// The last sign of life, or look for one.
    pub(crate) last_seen: Duration,
}

/// One flow with the algorithm that governs it.
struct Running<I: Ipc, F> {
    flow: F,
    control: Rc<Control<I>>,
    span: Span,
}

impl<I: Ipc, F: Flow> Peer<I, F> {
    /// A datapath never heard of before.
    pub(crate) fn new(addr: I::Addr, shared: &Rc<Shared<I>>) -> Self {
        info!(datapath = ?addr, "a datapath has come");
        let link = Rc::new(Link::new(addr, Rc::clone(shared)));
        let last_seen = shared.now.get();
        Self { link, flows: BTreeMap::new(), wants_programs: true, last_seen }
    }

    /// It has started, or lost its agent: it knows nothing of what went before.
    pub(crate) fn on_ready(&mut self) {
        self.link.shared.count(Counter::Readies, 1);
        self.close_flows();
        self.link.forget_all();
        self.link.abilities.set(UNSAID);
        self.wants_programs = true;
    }

    /// It tells what it can. If that changes the form of any program all are sent again, since the
    /// first of a run empties the datapath's table.
    pub(crate) fn on_hello(&mut self, hello: Hello) {
        self.link.shared.count(Counter::Hellos, 1);
        let before = self.link.abilities.replace(hello);
        let programs = &self.link.shared.programs;
        self.wants_programs |= !programs.fitting(before).eq(programs.fitting(hello));
        self.link.keep_alive();
    }

    /// Sends the programs, if that is due.
    pub(crate) fn provide_programs(&mut self) {
        if std::mem::take(&mut self.wants_programs) {
            self.link.install();
        }
    }

    pub(crate) fn on_create(
        &mut self,
        algs: &impl AlgSet<I, Flow = F>,
        create: &Create<'_>,
        address: Option<Address>,
    ) {
        self.provide_programs();
        let Create { flow, init_cwnd, mss, src_ip, src_port, dst_ip, dst_port, .. } = *create;
        self.end(flow, true);
        let shared = Rc::clone(&self.link.shared);
        if self.flows.len() >= shared.parts.settings.max_flows {
            return self.note(Counter::FlowsCapped, flow, "too many flows");
        }
        let Some(alg) = shared.programs.algorithm(create.cong_alg).map(Arc::clone) else { return };
        let (link, place, is_open) = (Rc::clone(&self.link), alg.place, Cell::new(true));
        let span = info_span!("flow", sid = flow.0, alg = alg.name, datapath = ?link.addr);
        let entered = span.clone().entered();
        info!(init_cwnd_bytes = init_cwnd, mss_bytes = mss, asked_for = create.cong_alg, "begins");
        let control = Rc::new(Control { link, flow, alg, is_open });
        let handle = Datapath(Rc::clone(&control));
        let info =
            DatapathInfo { flow, init_cwnd, mss, src_ip, src_port, dst_ip, dst_port, address };
        shared.count(Counter::FlowsCreated, 1);
        match guard(|| algs.new_flow(place, handle, info)) {
            Ok(new) => {
                shared.count(Counter::Flows, 1);
                drop(entered);
                self.flows.insert(flow, Running { flow: new, control, span });
            }
            Err(message) => {
                control.is_open.set(false);
                shared.count(Counter::FlowsClosed, 1);
                self.note(Counter::FlowPanics, flow, &message);
            }
        }
    }

    #[inline]
    pub(crate) fn on_measure(&mut self, measure: &Measure<'_>) {
        let &Measure { flow, program_uid, fields } = measure;
        let Some(running) = self.flows.get_mut(&flow) else {
            return self.note(Counter::UnknownFlow, flow, "a report of an unknown flow");
        };
        if measure.is_close() {
            return self.end(flow, true);
        }
        self.link.shared.count(Counter::Reports, 1);
        let entered = running.span.enter();
        let report = Report { program_uid, fields, from: &self.link.addr };
        if let Err(message) = guard(|| running.flow.on_report(flow, report)) {
            drop(entered);
            self.note(Counter::FlowPanics, flow, &message);
            // What a panic has left behind is not called again.
            self.end(flow, false);
        }
    }

    /// Does what is due, and gives when something will be due next.
    pub(crate) fn do_due(&mut self, now: Duration) -> Duration {
        let Link { addr, shared, abilities, last_sent, .. } = &*self.link;
        let (settings, last_seen) = (&shared.parts.settings, self.last_seen);
        if now >= last_seen + settings.probe_after {
            if shared.parts.ipc.borrow().probe(addr) == Liveness::Gone {
                self.link.mark_gone();
            }
            self.last_seen = now;
        }
        let probe_due = self.last_seen + settings.probe_after;
        if !abilities.get().flags.contains(HelloFlags::WANTS_KEEPALIVE) {
            return probe_due;
        }
        if now >= last_sent.get() + settings.keep_alive {
            self.link.keep_alive();
            // Also if it could not be sent.
            last_sent.set(now);
        }
        probe_due.min(last_sent.get() + settings.keep_alive)
    }

    /// Closes all flows.
    pub(crate) fn close_flows(&mut self) {
        while let Some((&flow, _)) = self.flows.first_key_value() {
            self.end(flow, true);
        }
    }

    /// Ends a flow if it exists: from here on its handles do nothing.
    fn end(&mut self, flow: FlowId, close: bool) {
        let Some(running) = self.flows.remove(&flow) else { return };
        let Running { flow: mut alg, control, span } = running;
        control.is_open.set(false);
        self.link.forget_updates(flow);
        self.link.shared.count(Counter::FlowsClosed, 1);
        self.link.shared.count(Counter::Flows, -1);
        let _entered = span.entered();
        info!("ends");
        let closed = if close { guard(|| alg.close()) } else { Ok(()) };
        for message in [closed, guard(|| drop(alg))].into_iter().filter_map(Result::err) {
            self.note(Counter::FlowPanics, flow, &message);
        }
    }

    fn note(&self, event: Counter, flow: FlowId, what: &str) {
        self.link.shared.note(event, &self.link.addr, format_args!("flow {flow}: {what}"));
    }
}

/// Calls into an algorithm. Its panic ends there, and comes back as what it said.
///
/// Unwinding may leave the flow's own state half changed, but the caller drops that flow; the state
/// of this crate is never half changed around a callback.
#[inline]
fn guard<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(message_of)
}
