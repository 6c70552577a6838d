//! A transport in memory with any number of datapaths, and an algorithm that writes down what
//! happens to it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ccp_ipc::{CloseError, Liveness, Received, RecvError, SendError, Waker};
use ccp_runtime::{
    Agent, AlgSet, BackendBuilder, CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc, NoSpawn,
    ProgramUid, Report, RunBuilder, Scope, Stats,
};
use ccp_wire::{Create, MeasureRepr, Message, Messages, Ready};

/// The agent's end. Datapaths are numbers.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    to_agent: VecDeque<(u8, Vec<u8>)>,
    sent: HashMap<u8, Vec<Vec<u8>>>,
    /// Datapaths that do not read.
    full: HashSet<u8>,
    gone: HashSet<u8>,
    probed: Vec<u8>,
    is_closed: bool,
}

impl Net {
    /// What the agent has sent to a datapath since the last call.
    pub(crate) fn take(&self, from: u8) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().sent.remove(&from).unwrap_or_default()
    }

    pub(crate) fn set_full(&self, datapath: u8, is_full: bool) {
        let mut state = self.0.lock().unwrap();
        if is_full {
            state.full.insert(datapath);
        } else {
            state.full.remove(&datapath);
        }
    }

    pub(crate) fn set_gone(&self, datapath: u8) {
        self.0.lock().unwrap().gone.insert(datapath);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().unwrap().is_closed
    }

    pub(crate) fn probed(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap().probed)
    }
}

impl Ipc for Net {
    type Addr = u8;

    fn name() -> &'static str {
        "test"
    }

    fn try_send(&self, msg: &[u8], to: &u8) -> Result<(), SendError> {
        let mut state = self.0.lock().unwrap();
        if state.gone.contains(to) {
            return Err(SendError::Gone);
        }
        if state.full.contains(to) {
            return Err(SendError::Full);
        }
        state.sent.entry(*to).or_default().push(msg.to_vec());
        Ok(())
    }

    fn recv(&self, buf: &mut [u8], _: Option<Duration>) -> Result<Received<u8>, RecvError> {
        let Some((from, msg)) = self.0.lock().unwrap().to_agent.pop_front() else {
            return Ok(Received::TimedOut);
        };
        let room = buf.len();
        let Some(place) = buf.get_mut(..msg.len()) else {
            return Err(RecvError::Truncated { len: msg.len(), room });
        };
        place.copy_from_slice(&msg);
        Ok(Received::Datagram { len: msg.len(), from })
    }

    fn waker(&self) -> Waker {
        Waker::noop()
    }

    fn probe(&self, peer: &u8) -> Liveness {
        let mut state = self.0.lock().unwrap();
        state.probed.push(*peer);
        if state.gone.contains(peer) { Liveness::Gone } else { Liveness::Alive }
    }

    /// Closes, but not as it should.
    fn close(&mut self) -> Result<(), CloseError> {
        self.0.lock().unwrap().is_closed = true;
        let source = std::io::ErrorKind::PermissionDenied.into();
        Err(CloseError::Os { call: "unlink", source })
    }
}

/// What happened, in order.
pub(crate) type Log = Rc<RefCell<Vec<String>>>;

/// An agent on a [`Net`], stepped in virtual time.
pub(crate) struct Rig<A: AlgSet<Net>> {
    pub(crate) net: Net,
    pub(crate) agent: Agent<Net, A>,
    pub(crate) now: Duration,
}

pub(crate) fn builder(net: &Net) -> RunBuilder<Net, (), NoSpawn> {
    RunBuilder::new(BackendBuilder { sock: net.clone() })
}

impl<A: AlgSet<Net>> Rig<A> {
    pub(crate) fn new(
        build: impl FnOnce(RunBuilder<Net, (), NoSpawn>) -> RunBuilder<Net, A, NoSpawn>,
    ) -> Self {
        let net = Net::default();
        let agent = build(builder(&net)).build().unwrap();
        Self { net, agent, now: Duration::ZERO }
    }

    /// Puts a datagram in the agent's queue.
    pub(crate) fn queue(&self, from: u8, datagram: &[u8]) {
        self.net.0.lock().unwrap().to_agent.push_back((from, datagram.to_vec()));
    }

    /// Has the agent handle a datagram, and gives what it has sent to that datapath.
    pub(crate) fn send(&mut self, from: u8, datagram: &[u8]) -> Vec<Vec<u8>> {
        self.queue(from, datagram);
        self.step();
        self.net.take(from)
    }

    pub(crate) fn step(&mut self) {
        self.agent.step(self.now).unwrap();
    }

    /// Lets time pass, timer by timer.
    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(due) = self.agent.next_timer().filter(|due| *due <= end) {
            assert!(due >= self.now || due.is_zero(), "a timer in the past");
            self.now = due.max(self.now);
            self.step();
            let moves = self.agent.next_timer().is_none_or(|next| next > self.now);
            assert!(moves, "a timer that does not move");
        }
        self.now = end;
    }

    pub(crate) fn stats(&self) -> Stats {
        self.agent.stats()
    }
}

pub(crate) fn ready() -> Vec<u8> {
    let mut buf = [0; 64];
    let len = Ready { id: 0 }.encode(&mut buf).unwrap();
    buf[..len].to_vec()
}

pub(crate) fn create(flow: u32, cong_alg: &str) -> Vec<u8> {
    let mut buf = [0; 128];
    let create = Create {
        flow: FlowId(flow),
        init_cwnd: 14_480,
        mss: 1_448,
        src_ip: 1,
        src_port: 2,
        dst_ip: 3,
        dst_port: 4,
        cong_alg,
    };
    let len = create.encode(&mut buf).unwrap();
    buf[..len].to_vec()
}

pub(crate) fn measure(flow: u32, program_uid: u32, fields: &[u64]) -> Vec<u8> {
    let mut buf = [0; 1024];
    let measure = MeasureRepr { flow: FlowId(flow), program_uid: ProgramUid(program_uid), fields };
    let len = measure.encode(&mut buf).unwrap();
    buf[..len].to_vec()
}

/// The messages of one kind each datagram holds exactly one of, in a readable form.
pub(crate) fn said(datagrams: &[Vec<u8>]) -> Vec<String> {
    let one = |datagram: &Vec<u8>| {
        let mut messages = Messages::new(datagram);
        let message = messages.next().unwrap().unwrap();
        assert!(messages.next().is_none(), "libccp sees only the first message of a datagram");
        match message {
            Message::Install(m) => format!("install {}", m.program_uid),
            Message::ChangeProg(m) => {
                let fields: Vec<_> = m.fields.iter().map(|f| f.value).collect();
                format!("flow {} change {} {fields:?}", m.flow, m.program_uid)
            }
            Message::UpdateFields(m) => {
                let fields: Vec<_> = m.fields.iter().map(|f| (f.class, f.index, f.value)).collect();
                format!("flow {} update {fields:?}", m.flow)
            }
            Message::Alive(m) => format!("alive {}", m.interval_ms),
            other => panic!("an agent says {other:?}"),
        }
    };
    datagrams.iter().map(one).collect()
}

/// A program that reports `acked` and lets the agent set `gain`.
pub(crate) const PROGRAM: &str = "
    (def (Report (volatile acked 0)) (gain 1))
    (when true
        (:= Report.acked (+ Report.acked (* gain Ack.bytes_acked)))
        (report)
    )";

/// Another one.
pub(crate) const OTHER: &str = "
    (def (Report (volatile rtt +infinity)))
    (when true
        (:= Report.rtt (min Report.rtt Flow.rtt_sample_us))
        (report)
    )";

/// Writes down what happens. Runs its program `main`, and answers each report with a window of
/// twice what was acknowledged.
pub(crate) struct Noting {
    pub(crate) log: Log,
    pub(crate) programs: Vec<(&'static str, String)>,
    /// The callback that is to panic.
    pub(crate) panics_in: &'static str,
}

impl Noting {
    pub(crate) fn new(log: &Log) -> Self {
        let programs = vec![("main", PROGRAM.to_owned())];
        Self { log: Rc::clone(log), programs, panics_in: "" }
    }
}

pub(crate) struct NotingFlow {
    log: Log,
    pub(crate) control: Datapath<Net>,
    pub(crate) scope: Scope,
    panics_in: &'static str,
}

impl CongAlg<Net> for Noting {
    type Flow = NotingFlow;

    fn name() -> &'static str {
        "noting"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        self.programs.iter().cloned().collect()
    }

    fn new_flow(&self, mut control: Datapath<Net>, info: DatapathInfo) -> NotingFlow {
        self.log.borrow_mut().push(format!("new {}", info.flow));
        assert_ne!(self.panics_in, "new_flow", "as asked");
        let scope = match control.set_program("main", None) {
            Ok(scope) => scope,
            Err(error) => {
                self.log.borrow_mut().push(error.to_string());
                Scope::default()
            }
        };
        NotingFlow { log: Rc::clone(&self.log), control, scope, panics_in: self.panics_in }
    }
}

impl Flow for NotingFlow {
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        assert_ne!(self.panics_in, "on_report", "as asked");
        let note = match report.get_field("Report.acked", &self.scope) {
            Ok(acked) => {
                if let Err(error) =
                    self.control.update_field(&self.scope, &[("Cwnd", acked.saturating_mul(2))])
                {
                    self.log.borrow_mut().push(error.to_string());
                }
                format!("report {flow} {acked}")
            }
            Err(error) => error.to_string(),
        };
        self.log.borrow_mut().push(note);
    }

    fn close(&mut self) {
        self.log.borrow_mut().push(format!("close {}", self.control.flow_id()));
        assert_ne!(self.panics_in, "close", "as asked");
    }
}

impl Drop for NotingFlow {
    fn drop(&mut self) {
        // While unwinding, a second panic would abort.
        if self.panics_in == "drop" {
            panic!("as asked");
        }
    }
}
