//! `ccp-datapath` in a process of its own, over the same links and in the same loop as libccp in
//! `libccp_datapath`. Ends by itself and prints one line of JSON.

use std::io;
use std::os::unix::net::UnixDatagram;

use anyhow::Context;
use ccp_datapath::{
    Config, Control, Datapath, FlowHandle, FlowInfo, Governor, Sink, SinkError, fallback,
};
use ccp_lang::{Micros, Primitives};
use ccp_peers::drive::{self, Governed, Options};
use ccp_peers::link::{MSS, Sender};
use clap::Parser;
use serde_json::json;

/// Runs flows on ccp-datapath, governed by an agent on unix sockets.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
}

fn main() -> anyhow::Result<()> {
    let options = Args::parse().options;
    let socket = options.connect()?;
    let mut sink = Agent(socket.try_clone()?);
    let init_cwnd = 10 * MSS as u32;
    let mut datapath = Datapath::new(Config::default(), Micros::ZERO);
    datapath.handle_timeout(Micros::ZERO, &mut sink);
    let mut flows = Vec::new();
    for _ in 0..options.flows {
        let info = FlowInfo::new(init_cwnd, MSS as u32).with_alg(&options.alg);
        let handle = datapath.open(info, Micros::ZERO, &mut sink).context("cannot open a flow")?;
        flows.push((handle, fallback::Reno::new(MSS as u32, u64::from(init_cwnd))));
    }
    let mut ours = Ours { datapath, sink, flows, by_agent: 0, by_others: 0 };
    let mut summary = drive::run(&options, &socket, u64::from(init_cwnd), &mut ours)?;
    let end = Micros(u64::MAX / 2);
    for (handle, _) in &ours.flows {
        ours.datapath.close(*handle, end, &mut ours.sink).context("cannot close a flow")?;
    }
    summary["datapath"] = json!("ccp-datapath");
    summary["acks_by_agent"] = json!(ours.by_agent);
    summary["acks_by_others"] = json!(ours.by_others);
    summary["stats"] = json!(format!("{:?}", ours.datapath.stats()));
    println!("{summary}");
    let _ = std::fs::remove_file(options.dir.join(&options.name));
    Ok(())
}

struct Ours {
    datapath: Datapath,
    sink: Agent,
    flows: Vec<(FlowHandle, fallback::Reno)>,
    /// ACKs that an agent's program governed, and those it did not.
    by_agent: u64,
    by_others: u64,
}

impl Governed for Ours {
    fn message(&mut self, datagram: &mut [u8], now_us: u64) -> Result<(), String> {
        let handled = self.datapath.handle_datagram(datagram, Micros(now_us), &mut self.sink);
        handled.map(|_| ()).map_err(|e| e.to_string())
    }

    fn ack(
        &mut self,
        flow: usize,
        p: &[u64; 15],
        sender: &mut Sender,
        now_us: u64,
    ) -> Result<(), String> {
        let mut primitives = Primitives::new();
        for (i, value) in (0..).zip(p) {
            primitives.set_index(i, *value);
        }
        let (handle, reno) = &mut self.flows[flow];
        let control = Control { cwnd: sender.cwnd() };
        let now = Micros(now_us);
        let decision = self.datapath.on_ack(*handle, &primitives, control, now, &mut self.sink);
        let decision = decision.map_err(|e| e.to_string())?;
        if decision.governor == Governor::Agent {
            self.by_agent += 1;
            reno.take_over(sender.cwnd());
        } else {
            self.by_others += 1;
            sender.set_cwnd(reno.on_ack(&primitives));
        }
        if let Some(cwnd) = decision.cwnd {
            sender.set_cwnd(cwnd);
        }
        if let Some(rate) = decision.rate {
            sender.set_rate(rate);
        }
        decision.trap.map_or(Ok(()), |trap| Err(trap.to_string()))
    }

    fn tick(&mut self, now_us: u64) {
        if self.datapath.poll_timeout().is_some_and(|at| at.0 <= now_us) {
            self.datapath.handle_timeout(Micros(now_us), &mut self.sink);
        }
    }
}

/// The way to the agent.
struct Agent(UnixDatagram);

impl Sink for Agent {
    fn send(&mut self, datagram: &[u8]) -> Result<(), SinkError> {
        // A sink must not wait. The socket does, for libccp's sake, so this is said for each send.
        match nix::sys::socket::send(
            std::os::fd::AsRawFd::as_raw_fd(&self.0),
            datagram,
            nix::sys::socket::MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(_) => Ok(()),
            Err(e) if io::Error::from(e).kind() == io::ErrorKind::WouldBlock => {
                Err(SinkError::Full)
            }
            Err(_) => Err(SinkError::Gone),
        }
    }
}
