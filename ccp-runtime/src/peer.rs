//! One datapath with its flows: what is done on each of its messages.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ccp_ipc::{Ipc, Liveness};
use ccp_lang::{Abilities, Records};
use ccp_wire::{Address, Create, FlowId, Hello, HelloFlags, Install, Measure, ProgramUid};
use tracing::{info, info_span};

use crate::datapath::Control;
use crate::shared::{Link, Shared};
use crate::stats::Counter;
use crate::{AlgSet, Datapath, DatapathInfo, Flow, Report};

pub(crate) struct Peer<I: Ipc, F> {
    pub(crate) link: Rc<Link<I>>,
    /// What governs each, by its number: an order that makes equal runs equal, and that no choice of
    /// numbers can slow.
    flows: BTreeMap<FlowId, (F, Rc<Control<I>>)>,
    /// It has started, and has not been sent its programs yet.
    wants_programs: bool,
    /// The last sign of life, or look for one.
    pub(crate) last_seen: Duration,
}

impl<I: Ipc, F: Flow> Peer<I, F> {
    /// A datapath never heard of before.
    pub(crate) fn new(addr: I::Addr, shared: &Rc<Shared<I>>) -> Self {
        info!(datapath = ?addr, "a datapath has come");
        shared.stats.add(Counter::Datapaths, 1);
        let (link, last_seen) = (Link::new(addr, Rc::clone(shared)).into(), shared.now.get());
        Self { link, flows: BTreeMap::new(), wants_programs: true, last_seen }
    }

    /// It has started, or lost its agent: it knows nothing of what went before.
    pub(crate) fn on_ready(&mut self) {
        self.link.shared.stats.add(Counter::Readies, 1);
        self.close_flows();
        self.link.shared.outbox.borrow_mut().forget(&self.link.addr);
        self.link.abilities.set(Abilities::LIBCCP);
        self.link.alive_after.set(Duration::MAX);
        self.wants_programs = true;
    }

    /// It tells what it can. If that changes the form of any program all are sent again, since the
    /// first of a run empties the datapath's table.
    pub(crate) fn on_hello(&mut self, hello: Hello) {
        self.link.shared.stats.add(Counter::Hellos, 1);
        let Hello { flags, primitives, max_programs, max_instrs } = hello;
        let wants_alive = flags.contains(HelloFlags::WANTS_KEEPALIVE);
        let alive_after = wants_alive.then_some(self.link.shared.settings.keep_alive);
        self.link.alive_after.set(alive_after.unwrap_or(Duration::MAX));
        let now = Abilities { primitives, max_programs, max_instrs };
        let before = self.link.abilities.replace(now);
        let library = &self.link.shared.programs.library;
        self.wants_programs |= !library.fitting(before).eq(library.fitting(now));
        self.link.keep_alive();
    }

    /// Installs every program that it can run, if that is due. What fails is counted: flows that want
    /// the program will find it missing.
    pub(crate) fn provide_programs(&mut self) {
        if !std::mem::take(&mut self.wants_programs) {
            return;
        }
        let Link { addr, shared, abilities, .. } = &*self.link;
        for (uid, program) in shared.programs.library.fitting(abilities.get()) {
            match program {
                Ok(Records { events, instrs }) => {
                    let install = Install { program_uid: ProgramUid(uid), events, instrs };
                    let sent = self.link.send(None, |buf| Ok(install.encode(buf)?));
                    shared.stats.add(Counter::Installs, sent.is_ok().into());
                }
                Err(misfit) => {
                    let what = format_args!("a program is not installed: {misfit}");
                    shared.note(Counter::ProgramsRefused, addr, what);
                }
            }
        }
    }

    pub(crate) fn on_create(
        &mut self,
        algs: &impl AlgSet<I, Flow = F>,
        create: &Create<'_>,
        address: Option<Address>,
    ) {
        self.provide_programs();
        let Create { flow, init_cwnd, mss, src_ip, src_port, dst_ip, dst_port, cong_alg } = *create;
        self.end(flow, true);
        let shared = Rc::clone(&self.link.shared);
        if self.flows.len() >= shared.settings.max_flows {
            return self.link.note(Counter::FlowsCapped, flow, "too many flows");
        }
        let Some(alg) = shared.programs.algorithm(cong_alg).map(Arc::clone) else { return };
        let link = Rc::clone(&self.link);
        let span = info_span!("flow", sid = flow.0, alg = alg.name, datapath = ?link.addr);
        let control = Rc::new(Control { link, flow, alg, span, is_open: Cell::new(true) });
        let handle = Datapath(Rc::clone(&control));
        let info =
            DatapathInfo { flow, init_cwnd, mss, src_ip, src_port, dst_ip, dst_port, address };
        shared.stats.add(Counter::FlowsCreated, 1);
        let new = control.span.in_scope(|| {
            info!(init_cwnd_bytes = init_cwnd, mss_bytes = mss, asked_for = cong_alg, "begins");
            self.link.guard(flow, || algs.new_flow(cong_alg, handle, info))
        });
        let Some(new) = new else {
            control.is_open.set(false);
            shared.stats.add(Counter::FlowsClosed, 1);
            return;
        };
        shared.stats.add(Counter::Flows, 1);
        self.flows.insert(flow, (new, control));
    }

    #[inline]
    pub(crate) fn on_measure(&mut self, measure: &Measure<'_>) {
        let &Measure { flow, program_uid, fields } = measure;
        let Some((alg, control)) = self.flows.get_mut(&flow) else {
            return self.link.note(Counter::UnknownFlow, flow, "a report of an unknown flow");
        };
        if measure.is_close() {
            return self.end(flow, true);
        }
        self.link.shared.stats.add(Counter::Reports, 1);
        let report = Report { program_uid, fields, from: &self.link.addr };
        let done = control.span.in_scope(|| self.link.guard(flow, || alg.on_report(flow, report)));
        if done.is_none() {
            // What a panic has left behind is not called again.
            self.end(flow, false);
        }
    }

    /// Does what is due, and gives when something will be due next.
    pub(crate) fn do_due(&mut self, now: Duration) -> Duration {
        let Link { addr, shared, alive_after, last_sent, .. } = &*self.link;
        let probe_after = shared.settings.probe_after;
        if now >= self.last_seen.saturating_add(probe_after) {
            self.last_seen = now;
            if shared.ipc.borrow().probe(addr) == Liveness::Gone {
                shared.outbox.borrow_mut().set_gone(addr);
            }
        }
        if now >= last_sent.get().saturating_add(alive_after.get()) {
            self.link.keep_alive();
            // Also if it could not be sent.
            last_sent.set(now);
        }
        let alive_due = last_sent.get().saturating_add(alive_after.get());
        alive_due.min(self.last_seen.saturating_add(probe_after))
    }

    /// Closes all flows.
    pub(crate) fn close_flows(&mut self) {
        while let Some((&flow, _)) = self.flows.first_key_value() {
            self.end(flow, true);
        }
    }

    /// Ends a flow if it exists: from here on its handles do nothing.
    fn end(&mut self, flow: FlowId, close: bool) {
        let Some((mut alg, control)) = self.flows.remove(&flow) else { return };
        control.is_open.set(false);
        self.link.forget_updates(flow);
        self.link.shared.stats.add(Counter::FlowsClosed, 1);
        self.link.shared.stats.add(Counter::Flows, -1);
        let _entered = control.span.enter();
        info!("ends");
        if close {
            self.link.guard(flow, || alg.close());
        }
        self.link.guard(flow, || drop(alg));
    }
}
