//! Calls and datagrams to the engine of transports: what it says stays within its settings, what it counts adds up,
//! and a flow is served by a good agent and left to its transport without one, whatever came before.

use arbitrary::{Result, Unstructured};
use ccp_datapath::fallback::Reno;
use ccp_datapath::{
    Config, Control, Datapath, Decision, FlowHandle, FlowInfo, Governor, SinkError,
};
use ccp_lang::{Code, Event, Instr, Limits, Micros, Op, Primitive, Primitives, Reg};
use ccp_wire::{ChangeProgRepr, Kind, Message, Messages, ProgramUid, Sender};

use crate::messages::{self, encoded};
use crate::{meter, programs};

pub(crate) fn run(bytes: &[u8]) {
    let before = meter::live();
    let mut u = Unstructured::new(bytes);
    if let Ok(mut world) = World::new(&mut u) {
        // An input ends in the middle of a step, or there are enough.
        for _ in 0..MOST_STEPS {
            if u.is_empty() || world.step(&mut u).is_err() {
                break;
            }
            world.check();
        }
        world.end();
    }
    assert_eq!(meter::live(), before, "all memory is given back");
}

struct World {
    datapath: Datapath,
    now: u64,
    /// The clock may go back; the engine's does not.
    latest: u64,
    link: core::result::Result<(), SinkError>,
    flows: Vec<FlowHandle>,
    closed: Option<FlowHandle>,
    reno: Reno,
    seen: Seen,
}

/// What the counters must have counted.
#[derive(Default)]
struct Seen {
    reports: u64,
    traps: u64,
    taken: u64,
    unknown: u64,
    refused: u64,
    full: u64,
    gone: u64,
    creates: u64,
    readies: u64,
    most_len: usize,
}

impl Seen {
    /// Looks at what is sent, as the agent would.
    fn send(&mut self, datagram: &[u8], link: core::result::Result<(), SinkError>) {
        assert!(datagram.len() <= self.most_len, "{} bytes", datagram.len());
        for message in Messages::new(datagram) {
            let message = message.expect("a message");
            assert_eq!(message.kind().map(Kind::sender), Some(Sender::Datapath));
            self.creates += u64::from(link.is_ok() && matches!(message, Message::Create(_)));
            self.readies += u64::from(link.is_ok() && matches!(message, Message::Ready(_)));
        }
        self.full += u64::from(link == Err(SinkError::Full));
        self.gone += u64::from(link == Err(SinkError::Gone));
    }
}

impl World {
    fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut config = Config::default();
        let flags: u8 = u.arbitrary()?;
        config.max_flows = u32::from(flags % 4) * 2 + 1;
        config.max_programs = u32::from(flags >> 2) % 4 + 1;
        config.keep_alive = flags & 16 == 0;
        if flags & 32 != 0 {
            config.fallback_after = Micros(u.arbitrary::<u32>()?.into());
            config.primitives = u64::MAX;
            config.max_cwnd = programs::value(u)?;
            config.max_rate = programs::value(u)?;
        }
        if flags & 64 != 0 {
            config.limits = Limits::LIBCCP;
            config.max_datagram = 64;
        }
        let start = if flags & 128 != 0 { u64::MAX - 1_000_000_000 } else { 0 };
        let seen = Seen { most_len: ccp_datapath::AGENT_BUFFER_LEN, ..Seen::default() };
        Ok(Self {
            datapath: Datapath::new(config, Micros(start)),
            now: start,
            latest: start,
            link: Ok(()),
            flows: Vec::new(),
            closed: None,
            reno: Reno::new(1460, CWND),
            seen,
        })
    }

    fn call<R>(
        &mut self,
        call: impl FnOnce(
            &mut Datapath,
            Micros,
            &mut dyn FnMut(&[u8]) -> core::result::Result<(), SinkError>,
        ) -> R,
    ) -> R {
        let Self { datapath, now, latest, link, seen, .. } = self;
        let link = *link;
        *latest = (*latest).max(*now);
        call(datapath, Micros(*now), &mut |datagram: &[u8]| {
            seen.send(datagram, link);
            link
        })
    }

    fn open(&mut self, info: FlowInfo<'_>) -> Option<FlowHandle> {
        let room = self.flows.len() < self.datapath.config().max_flows as usize;
        let flow = self.call(|d, now, mut sink| d.open(info, now, &mut sink));
        assert_eq!(flow.is_ok(), room, "{flow:?}");
        self.flows.extend(flow.ok());
        flow.ok()
    }

    fn receive(&mut self, datagram: &[u8]) {
        let (before, total) = (*self.datapath.stats(), Messages::new(datagram).count());
        let handled = self.call(|d, now, mut sink| d.handle_datagram(datagram, now, &mut sink));
        let after = self.datapath.stats();
        let [taken, unknown, refused] = [
            [after, &before].map(|s| s.installs + s.updates + s.changes + s.alives),
            [after, &before].map(|s| s.unknown),
            [after, &before].map(|s| s.refused.total()),
        ]
        .map(|[after, before]| after - before);
        assert_eq!(taken + unknown + refused, total as u64, "each message is counted once");
        match handled {
            Ok(handled) => {
                assert_eq!((handled.messages, handled.unknown), (taken as usize, unknown as usize));
                assert_eq!(refused, 0);
            }
            Err(error) => assert!(refused > 0 && !error.to_string().is_empty()),
        }
        self.seen.taken += taken;
        self.seen.unknown += unknown;
        self.seen.refused += refused;
    }

    fn ack(&mut self, flow: FlowHandle, primitives: &Primitives, cwnd: u64) -> Decision {
        let control = Control { cwnd };
        let decision = self
            .call(|d, now, mut sink| d.on_ack(flow, primitives, control, now, &mut sink))
            .expect("an open flow");
        let config = self.datapath.config();
        assert!(decision.cwnd.is_none_or(|cwnd| cwnd != 0 && cwnd <= config.max_cwnd));
        assert!(decision.rate.is_none_or(|rate| rate != 0 && rate <= config.max_rate));
        assert!(decision.trap.is_none() || !decision.reported);
        assert_eq!(decision.governor == Governor::Fallback, self.datapath.in_fallback());
        if decision.governor == Governor::Fallback {
            assert_eq!((decision.cwnd, decision.rate, decision.reported), (None, None, false));
        }
        if decision.governor != Governor::Agent {
            assert!(self.reno.on_ack(primitives) >= 1460);
        }
        self.seen.reports += u64::from(decision.reported);
        self.seen.traps += u64::from(decision.trap.is_some());
        decision
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.arbitrary::<u8>()? % 16 {
            0..5 => {
                let mut datagram = messages::of_agent(u)?;
                match u.arbitrary::<u8>()? {
                    // Two in one.
                    224..240 => datagram.extend(messages::of_agent(u)?),
                    // One byte wrong.
                    240.. if !datagram.is_empty() => {
                        let at = usize::from(u.arbitrary::<u16>()?) % datagram.len();
                        datagram[at] = u.arbitrary()?;
                    }
                    _ => {}
                }
                self.receive(&datagram);
            }
            5 => {
                let name = messages::raw(u, 70)?;
                let name = String::from_utf8_lossy(&name);
                if name.len() < 64 && !name.contains('\0') {
                    self.open(FlowInfo::new(CWND as u32, 1460).with_alg(&name));
                }
            }
            6 => {
                let mut info = plain();
                info.v6 = Some(([1; 16], [2; 16]));
                self.open(info);
            }
            7 => {
                let nth = usize::from(u.arbitrary::<u8>()?) % self.flows.len().max(1);
                if nth < self.flows.len() {
                    let flow = self.flows.swap_remove(nth);
                    let closed = self.call(|d, now, mut sink| d.close(flow, now, &mut sink));
                    assert_eq!(closed, Ok(()));
                    self.closed = Some(flow);
                }
            }
            8..12 => {
                let ack = programs::ack(u)?;
                let nth = usize::from(u.arbitrary::<u8>()?) % self.flows.len().max(1);
                let cwnd = programs::value(u)?;
                self.now = self.now.saturating_add_signed(ack.elapsed);
                let mut primitives = Primitives::new();
                for (primitive, value) in ack.primitives {
                    primitives.set(primitive, value);
                }
                if let Some(&flow) = self.flows.get(nth) {
                    self.ack(flow, &primitives, cwnd);
                }
            }
            12 => self.now = self.now.saturating_add(u.arbitrary::<u32>()?.into()),
            13 => self.timeout(),
            14 => {
                self.link = [Ok(()), Err(SinkError::Full), Err(SinkError::Gone)]
                    [usize::from(u.arbitrary::<u8>()?) % 3]
            }
            _ => {
                if let Some(due) = self.datapath.poll_timeout() {
                    self.now = self.now.max(due.0);
                    self.timeout();
                }
            }
        }
        Ok(())
    }

    fn timeout(&mut self) {
        self.call(|d, now, mut sink| d.handle_timeout(now, &mut sink));
        let at_once = self.datapath.config().fallback_after.0 == 0;
        let due = self.datapath.poll_timeout();
        let later = |due: Micros| due.0 > self.now || due.0 == u64::MAX || at_once;
        assert!(due.is_none_or(later), "a timer that does not move: {due:?} at {}", self.now);
    }

    fn check(&self) {
        let Self { datapath, flows, seen, closed, .. } = self;
        let (stats, config) = (datapath.stats(), datapath.config());
        assert_eq!(datapath.open_flows(), flows.len());
        assert!(datapath.installed_programs() <= config.max_programs as usize);
        assert_eq!(stats.reports + stats.reports_lost + stats.reports_stale, seen.reports);
        assert_eq!(stats.traps.total(), seen.traps);
        assert_eq!(stats.sends_full, seen.full);
        assert_eq!(stats.sends_gone, seen.gone);
        assert_eq!((stats.creates, stats.readies), (seen.creates, seen.readies));
        assert_eq!(stats.installs + stats.updates + stats.changes + stats.alives, seen.taken);
        assert_eq!((stats.unknown, stats.refused.total()), (seen.unknown, seen.refused));
        if let Some(closed) = closed {
            assert!(flows.contains(closed) || datapath.traps(*closed).is_none());
        }
    }

    /// A good agent takes a flow over; then it is gone, and the flow is left to the transport.
    fn end(&mut self) {
        let flow = match self.flows.first() {
            Some(flow) => *flow,
            None => self.open(plain()).expect("room"),
        };
        self.link = Ok(());
        let none = Primitives::new();
        // Twice the time between two tries, after any time there was.
        self.now = self.latest.saturating_add(200_000);
        if self.now == u64::MAX {
            return;
        }
        self.receive(&messages::install(ProgramUid(1), &reporting()));
        self.ack(flow, &none, CWND);
        let change = ChangeProgRepr { flow: flow.id(), program_uid: ProgramUid(1), fields: &[] };
        self.receive(&encoded(|buf| change.encode(buf)));
        self.ack(flow, &none, CWND);
        let sent = self.datapath.stats().reports;
        let ack = none.with(Primitive::AckBytesAcked, 77);
        let decision = self.ack(flow, &ack, CWND);
        assert_eq!((decision.governor, decision.reported), (Governor::Agent, true));
        assert_eq!(self.datapath.stats().reports, sent + 1, "the agent hears of it");
        self.check();

        self.link = Err(SinkError::Gone);
        self.ack(flow, &ack, CWND);
        let patience = self.datapath.config().fallback_after.0;
        self.now = self.now.saturating_add(patience);
        if self.now < u64::MAX {
            assert_eq!(self.ack(flow, &ack, CWND).governor, Governor::Fallback);
        }
        self.check();
        for flow in core::mem::take(&mut self.flows) {
            let closed = self.call(|d, now, mut sink| d.close(flow, now, &mut sink));
            assert_eq!(closed, Ok(()));
        }
        assert_eq!(self.datapath.open_flows(), 0);
    }
}

const fn plain() -> FlowInfo<'static> {
    FlowInfo::new(CWND as u32, 1460)
}

/// `(def (Report (volatile acked 0))) (when true (:= Report.acked (+ Report.acked Ack.bytes_acked)) (report))`.
fn reporting() -> Code {
    let acked = Reg::volatile_report(0);
    Code {
        events: vec![Event { flag_idx: 1, num_flag_instrs: 1, body_idx: 2, num_body_instrs: 2 }],
        instrs: vec![
            Instr::def(acked, 0),
            Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1)),
            Instr::new(Op::Add, acked, acked, Reg::primitive(Primitive::AckBytesAcked)),
            Instr::bind(Reg::SHOULD_REPORT, Reg::immediate(1)),
        ],
    }
}

const CWND: u64 = 14_600;

const MOST_STEPS: usize = 400;
