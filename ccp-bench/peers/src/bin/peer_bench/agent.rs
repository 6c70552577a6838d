//! Reports that an agent handles from an in-process channel, fed by a second thread.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::Context;
use ccp_ipc::{Ipc, SendError};
use ccp_wire::{Create, FlowId, MeasureRepr, Message, Messages, ProgramUid};
use crossbeam::channel::{bounded, unbounded};

use crate::algs::{Count, native, on_facade, on_portus};
use crate::harness::{Row, median};

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let sides: [fn() -> anyhow::Result<f64>; 4] = [portus, facade, crossbeam_ends, pair];
    let mut rates: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (side, rates) in sides.iter().zip(&mut rates) {
            rates.push(side()? / 1e6);
        }
    }
    let [peer, facade, ends, pair] = rates.map(|mut r| median(&mut r));
    let row = |what: &str, ours, note: &str| Row {
        what: format!("reports handled from a channel: {what}"),
        unit: "million/s",
        peer,
        ours,
        more_is_better: true,
        note: note.into(),
    };
    Ok(vec![
        row(
            "the facade",
            facade,
            "the same algorithm, and the same crossbeam channel",
        ),
        row(
            "own API, crossbeam ends",
            ends,
            "the sender allocates each message, as for portus",
        ),
        row("own API, `chan::pair`", pair, "buffers are reused"),
    ])
}

fn portus() -> anyhow::Result<f64> {
    use portus::ipc::{BackendBuilder, Blocking, chan::Socket};
    let (to_agent, from_datapath) = bounded(QUEUE);
    let (to_datapath, from_agent) = unbounded::<Vec<u8>>();
    let sock = Socket::<Blocking>::new(to_datapath, from_datapath);
    let (count, done) = counting();
    let agent =
        portus::RunBuilder::new(BackendBuilder { sock }).default_alg(on_portus::Counter(count));
    let handle = agent
        .spawn_thread()
        .run()
        .map_err(|e| anyhow::anyhow!("{e:?}"))?;
    to_agent.send(create())?;
    let report = report(program_uid(|| Ok(from_agent.recv_timeout(PATIENCE)?))?);
    let rate = feed(&done, || Ok(to_agent.send(report.clone())?))?;
    handle.kill();
    // portus looks at the flag when something comes.
    let _ = to_agent.send(report);
    let _ = handle.wait();
    Ok(rate)
}

fn facade() -> anyhow::Result<f64> {
    use ccp_portus::ipc::{BackendBuilder, Blocking, chan::Socket};
    let (to_agent, from_datapath) = bounded(QUEUE);
    let (to_datapath, from_agent) = unbounded::<Vec<u8>>();
    let sock = Socket::<Blocking>::new(to_datapath, from_datapath);
    let (count, done) = counting();
    let agent =
        ccp_portus::RunBuilder::new(BackendBuilder { sock }).default_alg(on_facade::Counter(count));
    let handle = agent
        .spawn_thread()
        .run()
        .map_err(|e| anyhow::anyhow!("{e:?}"))?;
    to_agent.send(create())?;
    let report = report(program_uid(|| Ok(from_agent.recv_timeout(PATIENCE)?))?);
    let rate = feed(&done, || Ok(to_agent.send(report.clone())?))?;
    handle.kill();
    let _ = handle.wait();
    Ok(rate)
}

fn crossbeam_ends() -> anyhow::Result<f64> {
    use ccp_ipc::{BackendBuilder, Blocking, chan::Socket};
    let (to_agent, from_datapath) = bounded(QUEUE);
    let (to_datapath, from_agent) = unbounded::<Vec<u8>>();
    let sock = Socket::<Blocking>::new(to_datapath, from_datapath);
    let (count, done) = counting();
    let agent =
        ccp_runtime::RunBuilder::new(BackendBuilder { sock }).default_alg(native::Counter(count));
    let handle = agent.spawn_thread().run()?;
    to_agent.send(create())?;
    let report = report(program_uid(|| Ok(from_agent.recv_timeout(PATIENCE)?))?);
    let rate = feed(&done, || Ok(to_agent.send(report.clone())?))?;
    handle.kill();
    let _ = handle.wait();
    Ok(rate)
}

fn pair() -> anyhow::Result<f64> {
    use ccp_ipc::{BackendBuilder, Received, chan};
    let (sock, datapath) = chan::pair(QUEUE);
    let (count, done) = counting();
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
    let rate = feed(&done, || {
        loop {
            match datapath.try_send(&report, &()) {
                Err(SendError::Full) => std::thread::yield_now(),
                sent => return Ok(sent?),
            }
        }
    })?;
    handle.kill();
    let _ = handle.wait();
    Ok(rate)
}

fn counting() -> (Count, Receiver<Instant>) {
    let (done, finished) = mpsc::channel();
    (
        Count {
            reports: REPORTS,
            done,
        },
        finished,
    )
}

/// Sends all reports; returns how many a second the agent handled.
fn feed(
    done: &Receiver<Instant>,
    mut send: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let start = Instant::now();
    for _ in 0..REPORTS {
        send()?;
    }
    let end = done
        .recv_timeout(PATIENCE)
        .context("the agent has not seen all reports")?;
    Ok(REPORTS as f64 / (end - start).as_secs_f64())
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
    let report = MeasureRepr {
        flow: FlowId(1),
        program_uid,
        fields,
    };
    let len = report.encode(&mut bytes).expect("it fits");
    bytes.truncate(len);
    bytes
}

const REPORTS: u64 = 300_000;
const ROUNDS: usize = 7;
/// Messages that wait at most, so that memory stays in the caches.
const QUEUE: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(20);
