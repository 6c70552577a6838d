//! The agent on real sockets, against datapaths made of bare ones.
#![cfg(unix)]

use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ccp_ipc::unix;
use ccp_runtime::{
    BackendBuilder, Blocking, CCPHandle, CongAlg, ControlField, Datapath, DatapathInfo, Flow,
    FlowId, Ipc, Report, RunBuilder,
};
use ccp_wire::{Create, MeasureRepr, Message, Messages, ProgramUid, Ready};

/// Sets the window to the first reported value. Its programs do not fit a socket's queue at once.
struct Echo;

struct EchoFlow<I: Ipc>(Datapath<I>);

impl<I: Ipc> CongAlg<I> for Echo {
    type Flow = EchoFlow<I>;

    fn name() -> &'static str {
        "echo"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        const NAMES: [&str; 20] = [
            "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q",
            "r", "s", "t",
        ];
        let source = |n| format!("(def (Report (v {n}))) (when true (:= Report.v {n}) (report))");
        NAMES.iter().enumerate().map(|(n, name)| (*name, source(n))).collect()
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> EchoFlow<I> {
        control.set_program("t", None).unwrap();
        EchoFlow(control)
    }
}

impl<I: Ipc> Flow for EchoFlow<I> {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        let window = report.fields().next().unwrap_or_default();
        // Ours may be gone; what matters here is that the agent is not.
        let _ = self.0.update(&[(ControlField::CWND, window)]);
    }
}

/// Not connected, as those of libccp: the system then keeps its queue short.
struct DatapathEnd(UnixDatagram, PathBuf);

impl DatapathEnd {
    fn new(dir: &Path, name: &str) -> Self {
        let socket = UnixDatagram::bind(dir.join(name)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(socket, dir.join("agent"))
    }

    fn ready(&self) {
        let mut buf = [0; 16];
        let len = Ready { id: 1 }.encode(&mut buf).unwrap();
        self.0.send_to(&buf[..len], &self.1).unwrap();
    }

    fn create(&self, flow: u32) {
        let mut buf = [0; 96];
        Create { flow: FlowId(flow), ..Create::default() }.encode(&mut buf).unwrap();
        self.0.send_to(&buf, &self.1).unwrap();
    }

    fn report(&self, flow: u32, value: u64) {
        let mut buf = [0; 64];
        let fields = &[value];
        let report = MeasureRepr { flow: FlowId(flow), program_uid: ProgramUid(20), fields };
        let len = report.encode(&mut buf).unwrap();
        self.0.send_to(&buf[..len], &self.1).unwrap();
    }

    /// The next message, as its type and the number in it that matters.
    fn next(&self) -> (char, u64) {
        let mut buf = [0; 8192];
        let len = self.0.recv(&mut buf).unwrap();
        match Messages::new(&buf[..len]).next().unwrap().unwrap() {
            Message::Install(m) => ('i', m.program_uid.0.into()),
            Message::ChangeProg(m) => ('c', m.program_uid.0.into()),
            Message::UpdateFields(m) => ('u', m.fields.get(0).unwrap().value),
            other => panic!("{other:?}"),
        }
    }
}

fn spawn(dir: &Path) -> CCPHandle {
    spawn_on(unix::Options::new().folder(dir))
}

fn spawn_on(options: unix::Options) -> CCPHandle {
    let sock = options.bind::<Blocking>("agent").unwrap();
    RunBuilder::new(BackendBuilder { sock }).default_alg(Echo).spawn_thread().run().unwrap()
}

#[test]
fn more_programs_than_a_queue_holds_all_arrive_and_a_flow_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let agent = spawn(dir.path());
    let datapath = DatapathEnd::new(dir.path(), "datapath");
    datapath.ready();
    // By now the queue is full, and the rest waits in the agent.
    std::thread::sleep(Duration::from_millis(20));
    for uid in 1..=20 {
        assert_eq!(datapath.next(), ('i', uid));
    }
    datapath.create(5);
    assert_eq!(datapath.next(), ('c', 20));
    for window in 1..100 {
        datapath.report(5, window);
        assert_eq!(datapath.next(), ('u', window));
    }
    agent.kill();
    agent.wait().unwrap();
}

#[test]
fn a_peer_that_never_reads_does_not_slow_a_good_one() {
    let dir = tempfile::tempdir().unwrap();
    let agent = spawn(dir.path());
    let deaf = DatapathEnd::new(dir.path(), "deaf");
    deaf.create(1);
    let good = DatapathEnd::new(dir.path(), "good");
    good.create(1);
    for _ in 0..21 {
        good.next();
    }
    for window in 1..1_000 {
        deaf.report(1, window);
        good.report(1, window);
        assert_eq!(good.next(), ('u', window));
    }
    assert_eq!(agent.stats().send_queue_full, 0);
    // What it finds when it reads at last: its programs, and the newest window.
    for uid in 1..=20 {
        assert_eq!(deaf.next(), ('i', uid));
    }
    assert_eq!(deaf.next(), ('c', 20));
    assert_eq!(deaf.next(), ('u', 999));
    agent.kill();
    agent.wait().unwrap();
}

#[test]
fn a_connected_peer_that_never_reads_does_not_slow_a_good_one() {
    let dir = tempfile::tempdir().unwrap();
    let agent = spawn_on(unix::Options::new().folder(dir.path()).send_buffer(32 << 10));
    let deaf = DatapathEnd::new(dir.path(), "deaf");
    // The system exempts it from the limit of its queue, and it can fill the agent's send buffer.
    deaf.0.connect(&deaf.1).unwrap();
    deaf.create(1);
    let good = DatapathEnd::new(dir.path(), "good");
    good.create(1);
    for _ in 0..21 {
        good.next();
    }
    for window in 1..1_000 {
        deaf.report(1, window);
        good.report(1, window);
        assert_eq!(good.next(), ('u', window));
    }
    assert_eq!((agent.stats().send_queue_full, agent.stats().send_failed), (0, 0));
    // What it finds when it reads: what was sent before the buffer was full, and the newest.
    for uid in 1..=20 {
        assert_eq!(deaf.next(), ('i', uid));
    }
    assert_eq!(deaf.next(), ('c', 20));
    let mut window = 0;
    while window < 999 {
        let (kind, next) = deaf.next();
        assert!(kind == 'u' && next > window, "{next} after {window}");
        window = next;
    }
    agent.kill();
    agent.wait().unwrap();
}

#[test]
fn a_datapath_that_dies_takes_only_its_own_flows_along() {
    let dir = tempfile::tempdir().unwrap();
    let agent = spawn(dir.path());
    let good = DatapathEnd::new(dir.path(), "good");
    good.create(1);
    let dying = DatapathEnd::new(dir.path(), "dying");
    dying.create(1);
    for _ in 0..21 {
        dying.next();
        good.next();
    }
    // More answers than its queue holds: one waits in the agent, which goes on trying.
    for window in 1..100 {
        dying.report(1, window);
    }
    drop(dying);
    let start = Instant::now();
    while agent.stats().datapaths_gone == 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", agent.stats());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!((agent.stats().datapaths, agent.stats().flows), (1, 1));
    good.report(1, 9);
    assert_eq!(good.next(), ('u', 9));
    agent.kill();
    agent.wait().unwrap();
}

#[test]
fn kill_ends_an_agent_asleep_on_a_socket_within_50_ms() {
    let dir = tempfile::tempdir().unwrap();
    let agent = spawn(dir.path());
    std::thread::sleep(Duration::from_millis(30));
    let start = Instant::now();
    agent.kill();
    agent.wait().unwrap();
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
}

#[test]
fn what_comes_from_a_sender_without_a_name_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let agent = spawn(dir.path());
    let nameless = UnixDatagram::unbound().unwrap();
    for _ in 0..5 {
        nameless.send_to(b"whoever", dir.path().join("agent")).unwrap();
    }
    let datapath = DatapathEnd::new(dir.path(), "datapath");
    datapath.ready();
    datapath.next();
    assert_eq!((agent.stats().nameless, agent.stats().datagrams), (5, 1));
    agent.kill();
    agent.wait().unwrap();
}
