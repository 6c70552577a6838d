//! The dumbbell on ns-3 3.37 and on ours: bulk flows over one bottleneck of 20 ms.
//!
//! Each run is a process of its own, so that its memory is its own. ns-3's is `ns3/dumbbell.cc`, compiled here; ours is
//! this program once more, with [`OURS`] as its first argument. Both print one line of JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ccp_algs::{CubicAlg, RenoAlg};
use ccp_sim::{Flow, Link, QueueLimit, Rate, Results, Scenario};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::{Value, json};

use crate::harness::{Row, median};

/// The first argument that makes this program simulate instead of comparing.
pub(crate) const OURS: &str = "our-dumbbell";

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let ns3 = compile()?;
    let ours = std::env::current_exe().context("who am I")?;
    let mut rows = Vec::new();
    for dumbbell in DUMBBELLS {
        let mut runs = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            runs.0.push(run(Command::new(&ns3), dumbbell)?);
            let mut command = Command::new(&ours);
            command.arg(OURS);
            runs.1.push(run(command, dumbbell)?);
        }
        rows.extend(compare(dumbbell, &runs.0, &runs.1)?);
    }
    Ok(rows)
}

/// Simulates, and prints what was found. `arguments` are those of `ns3/dumbbell.cc`.
pub(crate) fn simulate(arguments: &[String]) -> anyhow::Result<()> {
    let [alg, flows, mbit, queue, seconds] = arguments else {
        bail!("usage: peer_bench {OURS} ALG FLOWS MBIT/S QUEUE-PACKETS SECONDS");
    };
    let (mbit, seconds): (u64, u64) = (mbit.parse()?, seconds.parse()?);
    let link = Link::new(Rate::mbit(mbit), Duration::from_millis(20))
        .queue(QueueLimit::Packets(queue.parse()?));
    let mut flow = Flow::default();
    flow.receive_window = 16 << 20;
    let scenario = Scenario::new(link)
        .flows(vec![flow; flows.parse()?])
        .time(Duration::from_secs(seconds))
        .sample_every(Duration::ZERO);
    let (before, _) = usage()?;
    let results = simulate_with(alg, &scenario)?;
    let (after, peak_kb) = usage()?;
    // By Little's law: what waits is what comes in the time that each waits.
    let queue_packets =
        results.queue_mean.as_secs_f64() * results.link.sent as f64 / seconds as f64;
    println!(
        "{}",
        json!({
            "packets": results.link.sent,
            "cpu_s": after - before,
            "utilisation": results.utilisation,
            "queue_packets": queue_packets,
            "peak_kb": peak_kb,
        })
    );
    Ok(())
}

fn simulate_with(alg: &str, scenario: &Scenario) -> anyhow::Result<Results> {
    Ok(match alg {
        "cubic" => scenario.run(CubicAlg::default())?,
        "reno" => scenario.run(RenoAlg::default())?,
        other => bail!("no algorithm {other} here"),
    })
}

/// CPU seconds of this process so far, and the most memory that was ever resident, kB.
fn usage() -> anyhow::Result<(f64, i64)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let cpu = usage.user_time() + usage.system_time();
    Ok((cpu.num_microseconds() as f64 / 1e6, usage.max_rss()))
}

/// Compiles the scenario for ns-3, unless that was done since it was last changed.
fn compile() -> anyhow::Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("ns3/dumbbell.cc");
    let binary = std::env::current_exe().context("who am I")?.with_file_name("ns3_dumbbell");
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    if changed(&binary).is_ok_and(|at| changed(&source).is_ok_and(|source| source < at)) {
        return Ok(binary);
    }
    let status = Command::new("g++")
        .args(["-O2", "-o"])
        .args([&binary, &source])
        .args(NS3_LIBRARIES.map(|library| format!("-lns3-{library}")))
        .status()
        .context("cannot run g++")?;
    ensure!(status.success(), "{} does not compile; it needs libns3-dev", source.display());
    Ok(binary)
}

/// What one run printed.
struct Found {
    packets_per_cpu_second: f64,
    utilisation: f64,
    queue_packets: f64,
    peak_mb: f64,
}

fn run(mut command: Command, dumbbell: &Dumbbell) -> anyhow::Result<Found> {
    let Dumbbell { alg, flows, mbit, queue, seconds } = dumbbell;
    let output = command
        .args([*alg, &flows.to_string(), &mbit.to_string(), &queue.to_string()])
        .arg(seconds.to_string())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    let found: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{command:?} printed no JSON"))?;
    let number =
        |key: &str| found[key].as_f64().with_context(|| format!("{command:?} did not tell {key}"));
    Ok(Found {
        packets_per_cpu_second: number("packets")? / number("cpu_s")?,
        utilisation: number("utilisation")?,
        queue_packets: number("queue_packets")?,
        peak_mb: number("peak_kb")? / 1e3,
    })
}

fn compare(dumbbell: &Dumbbell, ns3: &[Found], ours: &[Found]) -> anyhow::Result<[Row; 2]> {
    let Dumbbell { alg, flows, mbit, queue, seconds } = dumbbell;
    let of = |runs: &[Found], what: fn(&Found) -> f64| {
        median(&mut runs.iter().map(what).collect::<Vec<_>>())
    };
    let both = |what: fn(&Found) -> f64| (of(ns3, what), of(ours, what));
    let (peer, own) = both(|found| found.packets_per_cpu_second / 1e3);
    let (used, queued) = (both(|found| found.utilisation), both(|found| found.queue_packets));
    ensure!(used.0 > 0.9 && used.1 > 0.9, "the link was not filled: {used:?}");
    let speed = Row {
        what: format!("simulator: {flows} × {alg}, packets a CPU second"),
        unit: "thousand",
        peer,
        ours: own,
        by_hand: None,
        more_is_better: true,
        note: format!(
            "{mbit} Mbit/s, 20 ms, {queue} packets, {seconds} s; utilisation {:.3} and {:.3}, mean queue {:.1} and {:.1} packets; peer: ns-3 3.37",
            used.0, used.1, queued.0, queued.1
        ),
    };
    let (peer, own) = both(|found| found.peak_mb);
    let memory = Row {
        what: format!("simulator: {flows} × {alg}, memory"),
        unit: "MB",
        peer,
        ours: own,
        by_hand: None,
        more_is_better: false,
        note: "the most that was ever resident".into(),
    };
    Ok([speed, memory])
}

struct Dumbbell {
    alg: &'static str,
    flows: u32,
    mbit: u32,
    queue: u32,
    seconds: u32,
}

/// Virtual seconds few enough that ns-3 takes some two to eight real ones for each.
const DUMBBELLS: &[Dumbbell] = &[
    Dumbbell { alg: "cubic", flows: 1, mbit: 48, queue: 80, seconds: 15 },
    Dumbbell { alg: "reno", flows: 1, mbit: 48, queue: 80, seconds: 15 },
    Dumbbell { alg: "cubic", flows: 100, mbit: 480, queue: 800, seconds: 2 },
];

const RUNS: usize = 3;

/// The parts of ns-3 that the scenario uses.
const NS3_LIBRARIES: [&str; 5] = ["core", "network", "internet", "point-to-point", "applications"];
