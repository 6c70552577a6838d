//! Report, decision and update back at the datapath, over unix sockets, both sides blocking.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use ccp_datapath::{Config, Control, Datapath, FlowHandle, FlowInfo, SinkError};
use ccp_lang::{Micros, Primitives};
use ccp_peers::inprocess::primitives;
use libccp::{CongestionOps, Connection, DatapathBuilder, DatapathOps};

use crate::algs::{native, on_facade, on_portus};
use crate::harness::{Row, median, quantile};

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let name = |role: &str| format!("peer-bench-{}-{role}", std::process::id());
    let portus = portus_agent(&name("portus"))?;
    let own = our_agent(folder.path(), "native")?;
    let facade = facade_agent(&name("facade"))?;
    let shared = Path::new("/tmp/ccp");
    let ours = ccp_peers::drive::our_folder();
    let mut sides: [Box<dyn Side>; 3] = [
        Box::new(Libccp::new(connect(shared, &name("a"), &name("portus"))?)?),
        Box::new(Ours::new(connect(folder.path(), "b", "native")?)?),
        Box::new(Ours::new(connect(&ours, &name("c"), &name("facade"))?)?),
    ];
    let mut latency: [Vec<f64>; 3] = Default::default();
    let mut answers: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (side, (latency, answers)) in sides.iter_mut().zip(latency.iter_mut().zip(&mut answers))
        {
            for _ in 0..PER_ROUND {
                let start = Instant::now();
                side.report()?;
                side.answer()?;
                latency.push(start.elapsed().as_nanos() as f64 / 1e3);
            }
            answers.push(pipelined(&mut **side)?);
        }
    }
    for name in [name("a"), name("portus")] {
        let _ = std::fs::remove_file(shared.join(name));
    }
    let _ = std::fs::remove_file(ours.join(name("c")));
    portus();
    own();
    facade();
    let p99: Vec<f64> = latency.iter_mut().map(|l| quantile(l, 0.99)).collect();
    let p50: Vec<f64> = latency.iter_mut().map(|l| median(l)).collect();
    let rate: Vec<f64> = answers.iter_mut().map(|a| median(a) / 1e3).collect();
    let mut rows = Vec::new();
    for (side, what) in (1..).zip(OURS) {
        rows.push(Row {
            what: format!("report, decision, update back: {what}, our datapath"),
            unit: "µs",
            peer: p50[0],
            ours: p50[side],
            by_hand: None,
            more_is_better: false,
            note: format!("p99 {:.0} and {:.0}; peer: portus's agent, libccp", p99[0], p99[side]),
        });
        rows.push(Row {
            what: format!("answers, {IN_FLIGHT} reports in flight: {what}, our datapath"),
            unit: "1000/s",
            peer: rate[0],
            ours: rate[side],
            by_hand: None,
            more_is_better: true,
            note: "as above".into(),
        });
    }
    Ok(rows)
}

/// portus's agent and libccp, for others to compare with.
pub(crate) struct Beside {
    side: Libccp,
    stop: Stop,
    files: [std::path::PathBuf; 2],
}

impl Beside {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let name = |role: &str| format!("peer-bench-{}-{role}", std::process::id());
        let shared = Path::new("/tmp/ccp");
        let stop = portus_agent(&name("beside"))?;
        let side = Libccp::new(connect(shared, &name("d"), &name("beside"))?)?;
        Ok(Self { side, stop, files: ["d", "beside"].map(|role| shared.join(name(role))) })
    }

    /// The microseconds from a report to its answer.
    pub(crate) fn round(&mut self) -> anyhow::Result<f64> {
        // As rare as the other side's, so that both sides' agents are asleep.
        std::thread::sleep(Duration::from_micros(1200));
        let start = Instant::now();
        self.side.report()?;
        self.side.answer()?;
        Ok(start.elapsed().as_nanos() as f64 / 1e3)
    }

    pub(crate) fn stop(self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        (self.stop)();
    }
}

/// One datapath and the agent behind its socket.
trait Side {
    /// Takes in an ACK, which sends a report.
    fn report(&mut self) -> anyhow::Result<()>;
    /// Waits for the answer to a report, and takes it in.
    fn answer(&mut self) -> anyhow::Result<()>;
}

/// Answers per second with several reports on their way at a time.
fn pipelined(side: &mut dyn Side) -> anyhow::Result<f64> {
    for _ in 0..IN_FLIGHT {
        side.report()?;
    }
    let start = Instant::now();
    for _ in 0..PER_ROUND {
        side.answer()?;
        side.report()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    for _ in 0..IN_FLIGHT {
        side.answer()?;
    }
    Ok(PER_ROUND as f64 / seconds)
}

struct Libccp {
    socket: UnixDatagram,
    datapath: &'static libccp::Datapath,
    connection: Connection<'static, Window>,
    buffer: Vec<u8>,
}

impl Libccp {
    fn new(socket: UnixDatagram) -> anyhow::Result<Self> {
        let ops = Sender(socket.try_clone()?);
        let datapath = DatapathBuilder::default().with_ops(ops).init();
        let datapath = &*Box::leak(Box::new(datapath.map_err(|e| anyhow::anyhow!("{e:?}"))?));
        let info = libccp::FlowInfo::default().with_init_cwnd(14_480).with_mss(1448);
        let connection = Connection::start(datapath, Window(14_480), info);
        let connection = connection.map_err(|e| anyhow::anyhow!("{e:?}"))?;
        let mut side = Self { socket, datapath, connection, buffer: vec![0; 32_768] };
        while side.receive()? != CHANGE_PROG {}
        Ok(side)
    }

    fn receive(&mut self) -> anyhow::Result<u8> {
        let len = self.socket.recv(&mut self.buffer)?;
        let message = &mut self.buffer[..len];
        self.datapath.recv_msg(message).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        Ok(self.buffer[0])
    }
}

impl Side for Libccp {
    fn report(&mut self) -> anyhow::Result<()> {
        let cwnd = self.connection.0;
        self.connection.load_primitives(primitives(&ACK, cwnd, 0));
        self.connection.invoke().map_err(|e| anyhow::anyhow!("{e:?}"))
    }

    fn answer(&mut self) -> anyhow::Result<()> {
        while self.receive()? != UPDATE_FIELDS {}
        Ok(())
    }
}

struct Window(u32);

impl CongestionOps for Window {
    fn set_cwnd(&mut self, cwnd: u32) {
        self.0 = cwnd;
    }

    fn set_rate_abs(&mut self, _rate: u32) {}
}

struct Sender(UnixDatagram);

impl DatapathOps for Sender {
    fn send_msg(&mut self, msg: &[u8]) {
        let _ = self.0.send(msg);
    }
}

struct Ours {
    socket: UnixDatagram,
    datapath: Datapath,
    flow: FlowHandle,
    start: Instant,
    cwnd: u64,
    buffer: Vec<u8>,
}

impl Ours {
    fn new(socket: UnixDatagram) -> anyhow::Result<Self> {
        let mut config = Config::default();
        // Nothing but answers shall come.
        config.keep_alive = false;
        let start = Instant::now();
        let mut datapath = Datapath::new(config, Micros::ZERO);
        let mut sink = |bytes: &[u8]| send(&socket, bytes);
        datapath.handle_timeout(Micros::ZERO, &mut sink);
        let flow = datapath.open(FlowInfo::new(14_480, 1448), Micros::ZERO, &mut sink)?;
        let mut side =
            Self { socket, datapath, flow, start, cwnd: 14_480, buffer: vec![0; 65_535] };
        while side.receive()? != CHANGE_PROG {}
        Ok(side)
    }

    fn now(&self) -> Micros {
        Micros(self.start.elapsed().as_micros() as u64)
    }

    fn receive(&mut self) -> anyhow::Result<u8> {
        let len = self.socket.recv(&mut self.buffer)?;
        let now = self.now();
        let socket = &self.socket;
        let mut sink = |bytes: &[u8]| send(socket, bytes);
        self.datapath.handle_datagram(&self.buffer[..len], now, &mut sink)?;
        Ok(self.buffer[0])
    }
}

impl Side for Ours {
    fn report(&mut self) -> anyhow::Result<()> {
        let mut primitives = Primitives::new();
        for (i, value) in (0..).zip(ACK) {
            primitives.set_index(i, value);
        }
        let (now, control) = (self.now(), Control { cwnd: self.cwnd });
        let socket = &self.socket;
        let mut sink = |bytes: &[u8]| send(socket, bytes);
        let decision = self.datapath.on_ack(self.flow, &primitives, control, now, &mut sink)?;
        self.cwnd = decision.cwnd.unwrap_or(self.cwnd);
        Ok(())
    }

    fn answer(&mut self) -> anyhow::Result<()> {
        while self.receive()? != UPDATE_FIELDS {}
        Ok(())
    }
}

fn send(socket: &UnixDatagram, bytes: &[u8]) -> Result<(), SinkError> {
    socket.send(bytes).map(|_| ()).map_err(|_| SinkError::Gone)
}

fn connect(folder: &Path, name: &str, agent: &str) -> anyhow::Result<UnixDatagram> {
    let own = folder.join(name);
    let _ = std::fs::remove_file(&own);
    let socket = UnixDatagram::bind(own)?;
    socket.connect(folder.join(agent))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok(socket)
}

/// Ends an agent.
type Stop = Box<dyn FnOnce()>;

fn portus_agent(name: &str) -> anyhow::Result<Stop> {
    use portus::ipc::{BackendBuilder, Blocking, unix::Socket};
    let sock = Socket::<Blocking>::new(name).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let agent = portus::RunBuilder::new(BackendBuilder { sock }).default_alg(on_portus::Answer);
    let handle = agent.spawn_thread().run().map_err(|e| anyhow::anyhow!("{e:?}"))?;
    Ok(Box::new(move || {
        handle.kill();
        let _ = handle.wait();
    }))
}

fn facade_agent(name: &str) -> anyhow::Result<Stop> {
    use ccp_portus::ipc::{BackendBuilder, Blocking, unix::Socket};
    let sock = Socket::<Blocking>::new(name).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let agent = ccp_portus::RunBuilder::new(BackendBuilder { sock }).default_alg(on_facade::Answer);
    let handle = agent.spawn_thread().run().map_err(|e| anyhow::anyhow!("{e:?}"))?;
    Ok(Box::new(move || {
        handle.kill();
        let _ = handle.wait();
    }))
}

fn our_agent(folder: &Path, name: &str) -> anyhow::Result<Stop> {
    use ccp_ipc::{BackendBuilder, Blocking, unix::Socket};
    let sock: Socket<Blocking> = Socket::<Blocking>::options().folder(folder).bind(name)?;
    let agent = ccp_runtime::RunBuilder::new(BackendBuilder { sock }).default_alg(native::Answer);
    let handle = agent.spawn_thread().run()?;
    Ok(Box::new(move || {
        handle.kill();
        let _ = handle.wait();
    }))
}

/// The agents in front of our datapath.
const OURS: [&str; 2] = ["our agent", "the facade"];
const UPDATE_FIELDS: u8 = 3;
const CHANGE_PROG: u8 = 4;
const ROUNDS: usize = 20;
const PER_ROUND: usize = 1000;
/// Below what a unix socket's queue holds by default.
const IN_FLIGHT: usize = 4;
const ACK: [u64; 15] =
    [1448, 0, 0, 0, 0, 0, 1, 0, 57_920, 1 << 20, 40, 3_000_000, 3_000_000, 20_000, 0];
