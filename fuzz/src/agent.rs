//! Datagrams and time to an agent with the algorithms of this repository: no algorithm panics, flows end with their
//! datapaths, timers move, and what it sends is well made.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use ccp_algs::{Spec, Specs};
use ccp_ipc::{
    BackendBuilder, CloseError, Ipc, Liveness, Nonblocking, Received, RecvError, SendError, Waker,
    chan,
};
use ccp_lang::{Limits, Program};
use ccp_runtime::{Agent, DefaultAlg, OutboxLimits, ProgramUid, RunBuilder, Settings, StatsHandle};
use ccp_wire::{Kind, Message, Messages, Sender};

use crate::{messages, meter};

thread_local! {
    /// Compiling the programs takes a hundred times as long as an input. An input begins with an agent that has
    /// forgotten everything, which [`World::end`] makes sure of.
    static WORLDS: RefCell<BTreeMap<u8, World>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn run(bytes: &[u8]) {
    let Some((&flags, rest)) = bytes.split_first() else { return };
    let flags = flags % 16;
    WORLDS.with_borrow_mut(|worlds| {
        let world = worlds.entry(flags).or_insert_with(|| World::new(flags));
        let before = meter::live();
        let mut u = Unstructured::new(rest);
        for _ in 0..MOST_STEPS {
            if u.is_empty() || world.step(&mut u).is_err() {
                break;
            }
            world.check();
            assert!(meter::live() - before < MOST_MEMORY, "{} bytes", meter::live() - before);
        }
        world.end();
    });
}

/// The agent's end: a channel to each datapath.
#[derive(Clone, Default)]
struct Net(Arc<Mutex<BTreeMap<u8, End>>>);

type End = chan::Socket<Nonblocking>;

impl Ipc for Net {
    type Addr = u8;

    fn name() -> &'static str {
        "channels"
    }

    fn try_send(&self, msg: &[u8], to: &u8) -> core::result::Result<(), SendError> {
        self.0.lock().unwrap().get(to).map_or(Err(SendError::Gone), |end| end.try_send(msg, &()))
    }

    fn recv(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> core::result::Result<Received<u8>, RecvError> {
        for (&from, end) in &*self.0.lock().unwrap() {
            match end.recv(buf, timeout) {
                Ok(Received::Datagram { len, .. }) => return Ok(Received::Datagram { len, from }),
                Ok(_) | Err(RecvError::Disconnected) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Received::TimedOut)
    }

    fn waker(&self) -> Waker {
        Waker::noop()
    }

    fn probe(&self, peer: &u8) -> Liveness {
        self.0.lock().unwrap().get(peer).map_or(Liveness::Gone, |end| end.probe(&()))
    }

    fn close(&mut self) -> core::result::Result<(), CloseError> {
        self.0.lock().unwrap().clear();
        Ok(())
    }
}

struct World {
    net: Net,
    agent: Agent<Net, DefaultAlg<Specs>>,
    stats: StatsHandle,
    settings: Settings,
    now: Duration,
    /// The datapaths' ends.
    datapaths: BTreeMap<u8, End>,
    /// How long the reports of the programs are that the agent has sent.
    report_lens: RefCell<BTreeMap<u32, usize>>,
    buf: Vec<u8>,
}

impl World {
    fn new(flags: u8) -> Self {
        let spec = |name: &str| name.parse::<Spec>().expect("an algorithm");
        let names = [NAMES[1], NAMES[2], NAMES[3], NAMES[4]];
        let mut specs = Specs::new(spec(names[usize::from(flags % 4)]));
        if flags & 8 == 0 {
            specs = names.into_iter().fold(specs, |specs, name| specs.with(name, spec(name)));
        }
        if flags & 4 != 0 {
            specs = specs.report("ack".parse().expect("a wish"));
        }
        let mut settings = Settings::default();
        settings.max_flows = 4;
        settings.max_datapaths = 3;
        settings.probe_after = Duration::from_secs(2);
        settings.outbox = OutboxLimits::default();
        settings.outbox.max_messages = 16;
        let (net, stats) = (Net::default(), StatsHandle::default());
        let agent = RunBuilder::new(BackendBuilder { sock: net.clone() })
            .with_settings(settings)
            .with_stats(stats.clone())
            .default_alg(specs)
            .build()
            .expect("good programs");
        Self {
            net,
            agent,
            stats,
            settings,
            now: Duration::ZERO,
            datapaths: BTreeMap::new(),
            report_lens: RefCell::default(),
            buf: vec![0; 1 << 16],
        }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let byte: u8 = u.arbitrary()?;
        let from = byte >> 6;
        match byte % 16 {
            0..12 => {
                let lens = self.report_lens.borrow();
                let len = |uid: ProgramUid| lens.get(&uid.0).copied();
                let mut datagram = messages::of_datapath(u, &NAMES, len)?;
                if byte & 16 != 0 {
                    datagram.extend(messages::of_datapath(u, &NAMES, len)?);
                }
                drop(lens);
                self.connect(from);
                // A datapath that finds no room drops what it has to say.
                let _ = self.datapaths[&from].try_send(&datagram, &());
                self.handle();
            }
            12 => self.read(from),
            13 => {
                self.datapaths.remove(&from);
                self.handle();
            }
            14 => self.pass(Duration::from_micros(u.arbitrary::<u16>()?.into())),
            _ => self.pass(Duration::from_millis(u.arbitrary::<u16>()?.into())),
        }
        Ok(())
    }

    /// Gives a datapath its channel if it has none.
    fn connect(&mut self, datapath: u8) {
        if !self.datapaths.contains_key(&datapath) {
            let (ours, theirs) = chan::pair(8);
            self.net.0.lock().unwrap().insert(datapath, ours.nonblocking());
            self.datapaths.insert(datapath, theirs.nonblocking());
        }
    }

    fn handle(&mut self) {
        self.agent.step(self.now).expect("channels do not fail");
    }

    /// Lets time pass, timer by timer.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.agent.next_timer().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.handle();
            let next = self.agent.next_timer();
            assert!(next.is_none_or(|next| next > self.now), "a timer that does not move");
        }
        self.now = end;
    }

    /// A datapath reads all that was sent to it.
    fn read(&mut self, datapath: u8) {
        let Some(end) = self.datapaths.get(&datapath) else { return };
        while let Ok(Received::Datagram { len, .. }) = end.recv(&mut self.buf, None) {
            let mut messages = Messages::new(&self.buf[..len]);
            let message = messages.next().expect("something").expect("a message");
            assert!(messages.next().is_none(), "libccp sees only the first message of a datagram");
            assert_eq!(message.kind().map(Kind::sender), Some(Sender::Agent));
            match message {
                Message::Install(m) => {
                    let limits = Limits { max_instrs: 4096, ..Limits::default() };
                    let program = Program::from_records(m.events, m.instrs, &limits)
                        .expect("agents send good programs");
                    self.report_lens.get_mut().insert(m.program_uid.0, program.report_len());
                }
                Message::UpdateFields(m) => assert!(!m.fields.is_empty()),
                _ => {}
            }
        }
    }

    fn check(&self) {
        let stats = self.stats.snapshot();
        assert_eq!(stats.flow_panics, 0, "an algorithm panicked");
        assert_eq!(stats.flows_created - stats.flows_closed, stats.flows);
        assert!(stats.datapaths as usize <= self.settings.max_datapaths);
        assert!(stats.flows as usize <= self.settings.max_flows * stats.datapaths as usize);
        assert_eq!(stats.send_failed, 0);
    }

    /// All datapaths go, and the agent notices by itself.
    fn end(&mut self) {
        self.handle();
        self.datapaths.clear();
        self.pass(2 * self.settings.probe_after);
        self.check();
        let stats = self.stats.snapshot();
        assert_eq!((stats.datapaths, stats.flows), (0, 0), "what is gone is forgotten");
        assert_eq!(self.agent.next_timer(), None, "nothing is left to do");
        self.net.0.lock().unwrap().clear();
        self.report_lens.get_mut().clear();
    }
}

/// Names that flows ask for.
const NAMES: [&str; 6] = ["", "reno", "cubic", "cubic:linux", "bbr", "nobody"];

/// What an agent may keep for a few datapaths that do not read.
const MOST_MEMORY: isize = 16 << 20;

const MOST_STEPS: usize = 400;
