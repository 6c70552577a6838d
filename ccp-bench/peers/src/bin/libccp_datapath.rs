//! libccp as a datapath in a process of its own: bulk flows over emulated links, in real time,
//! governed by an agent on the unix transport. Ends by itself and prints one line of JSON.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use ccp_peers::drive::{self, Governed, Options};
use ccp_peers::inprocess::primitives;
use ccp_peers::link::{MSS, Sender};
use clap::Parser;
use libccp::{CongestionOps, Connection, DatapathBuilder, DatapathOps, FlowInfo};
use serde_json::json;

/// Runs flows on libccp, governed by an agent on unix sockets.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
}

fn main() -> anyhow::Result<()> {
    let options = Args::parse().options;
    let socket = options.connect()?;
    let sent = Arc::new(Counts::default());
    let ops = Agent { socket: socket.try_clone()?, counts: Arc::clone(&sent) };
    let datapath = DatapathBuilder::default().with_id(1).with_ops(ops).init();
    let datapath =
        Box::leak(Box::new(datapath.map_err(|e| anyhow!("libccp does not start: {e:?}"))?));
    let init_cwnd = 10 * MSS as u32;
    let mut connections = Vec::new();
    for port in 0..options.flows as u32 {
        let info = FlowInfo::default()
            .with_init_cwnd(init_cwnd)
            .with_mss(MSS as u32)
            .with_four_tuple(0x7f00_0001, 5000 + port, 0x7f00_0001, 80)
            .with_cong_alg(&options.alg)
            .map_err(|e| anyhow!("not an algorithm's name: {e:?}"))?;
        let connection = Connection::start(&*datapath, Transport::default(), info);
        connections.push(connection.map_err(|e| anyhow!("no flow: {e:?}"))?);
    }
    let mut libccp = Libccp { datapath, connections };
    let mut summary = drive::run(&options, &socket, u64::from(init_cwnd), &mut libccp)?;
    drop(libccp.connections);
    summary["datapath"] = json!("libccp");
    summary["sent"] = json!(sent.sent.load(Ordering::Relaxed));
    summary["send_failed"] = json!(sent.failed.load(Ordering::Relaxed));
    println!("{summary}");
    let _ = std::fs::remove_file(options.dir.join(&options.name));
    Ok(())
}

struct Libccp {
    datapath: &'static libccp::Datapath,
    connections: Vec<Connection<'static, Transport>>,
}

impl Governed for Libccp {
    fn message(&mut self, datagram: &mut [u8], _now_us: u64) -> Result<(), String> {
        self.datapath.recv_msg(datagram).map_err(|e| format!("{e:?}"))
    }

    fn ack(
        &mut self,
        flow: usize,
        p: &[u64; 15],
        sender: &mut Sender,
        _now_us: u64,
    ) -> Result<(), String> {
        let connection = &mut self.connections[flow];
        let rate = connection.rate.unwrap_or(0);
        connection.load_primitives(primitives(p, sender.cwnd() as u32, u64::from(rate)));
        let invoked = connection.invoke();
        if let Some(cwnd) = connection.cwnd.take() {
            sender.set_cwnd(u64::from(cwnd));
        }
        sender.set_rate(u64::from(connection.rate.unwrap_or(0)));
        invoked.map_err(|e| format!("{e:?}"))
    }
}

#[derive(Default)]
struct Transport {
    cwnd: Option<u32>,
    rate: Option<u32>,
}

impl CongestionOps for Transport {
    fn set_cwnd(&mut self, cwnd: u32) {
        self.cwnd = Some(cwnd);
    }

    fn set_rate_abs(&mut self, rate: u32) {
        self.rate = Some(rate);
    }
}

/// libccp's way to the agent.
struct Agent {
    socket: UnixDatagram,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    failed: AtomicU64,
}

impl DatapathOps for Agent {
    fn send_msg(&mut self, msg: &[u8]) {
        let count =
            if self.socket.send(msg).is_ok() { &self.counts.sent } else { &self.counts.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
