//! One datapath with its flows: what is done on each of its messages.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use ccp_ipc::{Ipc, Liveness};
use ccp_wire::{Address, Create, FlowId, Hello, HelloFlags, Measure};
use tracing::{Span, info, info_span};

use crate::agent::Env;
use crate::datapath::Control;
use crate::handle::message_of;
use crate::hash::FastMap;
use crate::link::{Link, Shared};
use crate::list::AlgSet;
use crate::programs::Abilities;
use crate::stats::Counter;
use crate::{Datapath, DatapathInfo, Flow, Report, Settings};

pub(crate) struct Peer<I: Ipc, F> {
    pub(crate) link: Rc<Link<I>>,
    flows: FastMap<u32, Running<I, F>>,
    /// It has started, and has not been sent its programs yet.
    pub(crate) wants_programs: bool,
    pub(crate) wants_keep_alive: bool,
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
        Self {
            link: Rc::new(Link::new(addr, Rc::clone(shared))),
            flows: FastMap::default(),
            wants_programs: true,
            wants_keep_alive: false,
            last_seen: shared.now.get(),
        }
    }

    /// It has started, or lost its agent: it knows nothing of what went before.
    pub(crate) fn on_ready<A: AlgSet<I, Flow = F>>(&mut self, env: &Env<I, A>) {
        env.stats().count(Counter::Readies);
        self.close_flows(env);
        self.link.forget_all();
        self.link.abilities.take();
        self.wants_keep_alive = false;
        self.wants_programs = true;
    }

    /// It tells what it can. Programs that have to be in their other form are sent again, all of
    /// them, since the first of a run empties the datapath's table.
    pub(crate) fn on_hello<A: AlgSet<I, Flow = F>>(&mut self, env: &Env<I, A>, hello: Hello) {
        env.stats().count(Counter::Hellos);
        let abilities = Abilities::from(hello);
        let before = self.link.abilities.replace(abilities);
        let programs = &env.shared.programs;
        self.wants_programs |= !programs.fitting(before).eq(programs.fitting(abilities));
        self.wants_keep_alive = hello.flags.contains(HelloFlags::WANTS_KEEPALIVE);
        self.link.keep_alive(env.settings.keep_alive);
    }

    /// Sends the programs, if that is due.
    pub(crate) fn provide_programs(&mut self) {
        if std::mem::take(&mut self.wants_programs) {
            self.link.install();
        }
    }

    pub(crate) fn on_create<A: AlgSet<I, Flow = F>>(
        &mut self,
        env: &Env<I, A>,
        create: &Create<'_>,
        address: Option<Address>,
    ) {
        self.provide_programs();
        let flow = create.flow;
        self.close(env, flow);
        if self.flows.len() >= env.settings.max_flows {
            return env.ignore(
                Counter::FlowsCapped,
                &self.link.addr,
                format_args!("flow {flow}"),
            );
        }
        env.stats().count(Counter::FlowsCreated);
        let place = env.algs.place(create.cong_alg);
        let alg = env.shared.programs.algorithm(place);
        let span = info_span!("flow", sid = flow.0, alg, datapath = ?self.link.addr);
        let _entered = span.clone().entered();
        info!(
            init_cwnd_bytes = create.init_cwnd,
            mss_bytes = create.mss,
            asked_for = create.cong_alg,
            "a flow begins"
        );
        let control = Rc::new(Control {
            link: Rc::clone(&self.link),
            flow,
            algorithm: place,
            open: Cell::new(true),
        });
        let info = DatapathInfo {
            flow,
            init_cwnd: create.init_cwnd,
            mss: create.mss,
            src_ip: create.src_ip,
            src_port: create.src_port,
            dst_ip: create.dst_ip,
            dst_port: create.dst_port,
            address,
        };
        let handle = Datapath::new(Rc::clone(&control));
        match guard(|| env.algs.new_flow(place, handle, info)) {
            Ok(new) => {
                self.flows.insert(
                    flow.0,
                    Running {
                        flow: new,
                        control,
                        span,
                    },
                );
                env.flows_changed(1);
            }
            Err(message) => {
                control.open.set(false);
                env.stats().count(Counter::FlowsClosed);
                env.panicked("new_flow", &message);
            }
        }
    }

    #[inline]
    pub(crate) fn on_measure<A: AlgSet<I, Flow = F>>(
        &mut self,
        env: &Env<I, A>,
        measure: &Measure<'_>,
    ) {
        let flow = measure.flow;
        if measure.is_close() && self.close(env, flow) {
            return;
        }
        let Some(running) = self.flows.get_mut(&flow.0) else {
            return env.ignore(
                Counter::UnknownFlow,
                &self.link.addr,
                format_args!("flow {flow}"),
            );
        };
        env.stats().count(Counter::Reports);
        let report = Report::new(measure.program_uid, measure.fields, &self.link.addr);
        let entered = running.span.enter();
        if let Err(message) = guard(|| running.flow.on_report(flow, report)) {
            env.panicked("on_report", &message);
            drop(entered);
            // What a panic has left behind is not called again.
            if let Some(running) = self.flows.remove(&flow.0) {
                running.end(env, false);
            }
        }
    }

    /// Says that the agent lives, and looks whether the datapath does, if that is due. Gives when
    /// something will be due next.
    pub(crate) fn do_due(&mut self, settings: &Settings, now: Duration) -> Duration {
        let link = &self.link;
        let mut probe_due = self.last_seen + settings.probe_after;
        if now >= probe_due {
            if link.shared.ipc.probe(&link.addr) == Liveness::Gone {
                link.mark_gone();
            }
            self.last_seen = now;
            probe_due = now + settings.probe_after;
        }
        if !self.wants_keep_alive {
            return probe_due;
        }
        let mut alive_due = link.last_sent.get() + settings.keep_alive;
        if now >= alive_due {
            link.keep_alive(settings.keep_alive);
            alive_due = now + settings.keep_alive;
        }
        probe_due.min(alive_due)
    }

    /// Closes all flows, in the order of their numbers so that equal runs are equal.
    pub(crate) fn close_flows<A: AlgSet<I, Flow = F>>(&mut self, env: &Env<I, A>) {
        let mut flows: Vec<_> = self.flows.drain().collect();
        flows.sort_unstable_by_key(|&(flow, _)| flow);
        for (_, running) in flows {
            running.end(env, true);
        }
    }

    fn close<A: AlgSet<I, Flow = F>>(&mut self, env: &Env<I, A>, flow: FlowId) -> bool {
        let running = self.flows.remove(&flow.0);
        let was_known = running.is_some();
        if let Some(running) = running {
            running.end(env, true);
        }
        was_known
    }
}

impl<I: Ipc, F: Flow> Running<I, F> {
    /// Ends the flow: from here on its handles do nothing.
    fn end<A: AlgSet<I>>(self, env: &Env<I, A>, close: bool) {
        let Self {
            mut flow,
            control,
            span,
        } = self;
        control.open.set(false);
        control.link.forget_updates(control.flow);
        env.stats().count(Counter::FlowsClosed);
        env.flows_changed(-1);
        let _entered = span.enter();
        info!("a flow ends");
        if close && let Err(message) = guard(|| flow.close()) {
            env.panicked("close", &message);
        }
        if let Err(message) = guard(|| drop(flow)) {
            env.panicked("drop", &message);
        }
    }
}

/// Calls into an algorithm. Its panic ends there, and comes back as what it said.
///
/// Unwinding may leave the flow's own state half changed, but the caller drops that flow; the state
/// of this crate is never changed around a callback.
#[inline]
fn guard<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let message = message_of(&*payload);
        // The payload is the algorithm's too.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(another);
        }
        message
    })
}
