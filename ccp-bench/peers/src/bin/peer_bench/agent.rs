//! Reports that an agent handles from an in-process channel.

use std::time::{Duration, Instant};

use anyhow::Context;
use ccp_ipc::{Ipc, SendError};
use ccp_wire::{Create, FlowId, MeasureRepr, Message, Messages, ProgramUid};
use crossbeam::channel::{Receiver, Sender, bounded, unbounded};

use crate::algs::{Count, native, on_facade, on_portus};
use crate::harness::{Row, median};

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let sides: [fn() -> anyhow::Result<Rates>; 4] = [portus, facade, crossbeam_ends, pair];
    let mut bursts: [Vec<f64>; 4] = Default::default();
    let mut streams: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (i, side) in sides.iter().enumerate() {
            let Rates { burst, stream } = side()?;
            bursts[i].push(burst);
            streams[i].push(stream);
        }
    }
    let mut rows = table("reports handled, waiting in a channel", bursts);
    rows.extend(table("reports handled, while a thread sends them", streams));
    Ok(rows)
}

/// Reports per second.
struct Rates {
    /// When all are in the channel already: the agent alone.
    burst: f64,
    /// While another thread sends: the slower of both, and how they wake each other.
    stream: f64,
}

fn table(what: &str, rates: [Vec<f64>; 4]) -> Vec<Row> {
    let [peer, facade, ends, pair] = rates.map(|mut r| median(&mut r) / 1e6);
    let row = |who: &str, ours, note: &str| Row {
        what: format!("{what}: {who}"),
        unit: "million/s",
        peer,
        ours,
        by_hand: None,
        more_is_better: true,
        note: note.into(),
    };
    vec![
        row("the facade", facade, "the same algorithm and crossbeam channel"),
        row("own API, crossbeam ends", ends, "the sender allocates each message, as for portus"),
        row("own API, `chan::pair`", pair, "buffers are reused"),
    ]
}

fn portus() -> anyhow::Result<Rates> {
    use portus::ipc::{BackendBuilder, Blocking, chan::Socket};
    let (to_agent, from_datapath) = bounded(QUEUE);
    let (to_datapath, from_agent) = unbounded::<Vec<u8>>();
    let sock = Socket::<Blocking>::new(to_datapath, from_datapath);
    let (count, gate) = counting();
    let agent =
        portus::RunBuilder::new(BackendBuilder { sock }).default_alg(on_portus::Counter(count));
    let handle = agent.spawn_thread().run().map_err(|e| anyhow::anyhow!("{e:?}"))?;
    to_agent.send(create())?;
    let report = report(program_uid(|| Ok(from_agent.recv_timeout(PATIENCE)?))?);
    let rates = feed(&gate, || Ok(to_agent.send(report.clone())?))?;
    handle.kill();
    // portus looks at the flag when something comes.
    let _ = to_agent.send(report);
    let _ = handle.wait();
    Ok(rates)
}

fn facade() -> anyhow::Result<Rates> {
    use ccp_portus::ipc::{BackendBuilder, Blocking, chan::Socket};
    let (to_agent, from_datapath) = bounded(QUEUE);
    let (to_datapath, from_agent) = unbounded::<Vec<u8>>();
    let sock = Socket::<Blocking>::new(to_datapath, from_datapath);
    let (count, gate) = counting();
    let agent =
        ccp_portus::RunBuilder::new(BackendBuilder { sock }).default_alg(on_facade::Counter(count));
    let handle = agent.spawn_thread().run().map_err(|e| anyhow::anyhow!("{e:?}"))?;
    to_agent.send(create())?;
    let report = report(program_uid(|| Ok(from_agent.recv_timeout(PATIENCE)?))?);
    let rates = feed(&gate, || Ok(to_agent.send(report.clone())?))?;
    handle.kill();
    let _ = handle.wait();
    Ok(rates)
}

fn crossbeam_ends() -> anyhow::Result<Rates> {
    use ccp_ipc::{BackendBuilder, Blocking, chan::Socket};
    let (to_agent, from_datapath) = bounded(QUEUE);
    let (to_datapath, from_agent) = unbounded::<Vec<u8>>();
    let sock = Socket::<Blocking>::new(to_datapath, from_datapath);
    let (count, gate) = counting();
    let agent =
        ccp_runtime::RunBuilder::new(BackendBuilder { sock }).default_alg(native::Counter(count));
    let handle = agent.spawn_thread().run()?;
    to_agent.send(create())?;
    let report = report(program_uid(|| Ok(from_agent.recv_timeout(PATIENCE)?))?);
    let rates = feed(&gate, || Ok(to_agent.send(report.clone())?))?;
    handle.kill();
    let _ = handle.wait();
    Ok(rates)
}

fn pair() -> anyhow::Result<Rates> {
    use ccp_ipc::{BackendBuilder, Received, chan};
    let (sock, datapath) = chan::pair(QUEUE);
    let (count, gate) = counting();
    let agent =
        ccp_runtime::RunBuilder::new(BackendBuilder { sock }).default_alg(native::Counter(count));
    let handle = agent.spawn_thread().run()?;
    datapath.try_send(&create(), &())?;
    let mut buffer = vec![0; 65_535];
    let uid = program_uid(|| match datapath.recv(&mut buffer, Some(PATIENCE))? {
        Received::Datagram { len, .. } => Ok(buffer[..len].to_vec()),
        other => anyhow::bail!("the agent sends nothing: {other:?}"),
    })?;
    let report = report(uid);
    let rates = feed(&gate, || {
        loop {
            match datapath.try_send(&report, &()) {
                Err(SendError::Full) => std::thread::yield_now(),
                sent => return Ok(sent?),
            }
        }
    })?;
    handle.kill();
    let _ = handle.wait();
    Ok(rates)
}

/// The sender's side of a [`Count`].
struct Gate {
    go: Sender<()>,
    done: Receiver<Instant>,
}

fn counting() -> (Count, Gate) {
    let (go, begin) = unbounded();
    let (done, finished) = unbounded();
    (Count { go: begin, done }, Gate { go, done: finished })
}

/// Sends all reports; returns how many a second the agent handled.
fn feed(gate: &Gate, mut send: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Rates> {
    let end = || gate.done.recv_timeout(PATIENCE).context("the agent has not seen all reports");
    let mut bursts = Vec::new();
    for _ in 0..Count::BURSTS {
        for _ in 0..Count::BURST {
            send()?;
        }
        let start = Instant::now();
        gate.go.send(())?;
        bursts.push(Count::BURST as f64 / (end()? - start).as_secs_f64());
    }
    let start = Instant::now();
    for _ in 0..Count::STREAM {
        send()?;
    }
    let stream = Count::STREAM as f64 / (end()? - start).as_secs_f64();
    Ok(Rates { burst: median(&mut bursts), stream })
}

/// The program that the agent sets for the flow.
fn program_uid(mut next: impl FnMut() -> anyhow::Result<Vec<u8>>) -> anyhow::Result<ProgramUid> {
    loop {
        let datagram = next()?;
        for message in Messages::new(&datagram) {
            if let Message::ChangeProg(change) = message? {
                return Ok(change.program_uid);
            }
        }
    }
}

fn create() -> Vec<u8> {
    let create = Create {
        flow: FlowId(1),
        init_cwnd: 14_480,
        mss: 1448,
        src_ip: 0,
        src_port: 0,
        dst_ip: 0,
        dst_port: 0,
        cong_alg: "",
    };
    let mut bytes = vec![0; 128];
    let len = create.encode(&mut bytes).expect("it fits");
    bytes.truncate(len);
    bytes
}

fn report(program_uid: ProgramUid) -> Vec<u8> {
    let fields = &[1448, 0, 20_000, 40, 0, 0];
    let mut bytes = vec![0; 128];
    let report = MeasureRepr { flow: FlowId(1), program_uid, fields };
    let len = report.encode(&mut bytes).expect("it fits");
    bytes.truncate(len);
    bytes
}

const ROUNDS: usize = 7;
/// Messages that wait at most: a burst and the report that its flow is waiting in.
const QUEUE: usize = Count::BURST as usize + 8;
const PATIENCE: Duration = Duration::from_secs(20);
