//! The demo's part on Linux TCP: a flow of this kernel under an agent that is killed, and its successor.
//!
//! It needs rights that root has; without them a line says what is missing, and the demo goes on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{Interrupt, Process};

/// Runs it; everything is printed on standard error.
pub(crate) fn run(built: &Path, interrupt: &Interrupt) -> Result<()> {
    eprintln!("\n== Linux TCP: `ccp run reno --ipc ebpf` governs a flow over loopback for 4 s ==");
    if let Some(reason) = impossible(built)? {
        eprintln!("left out: {reason}");
        return Ok(());
    }
    let mut agent = agent(built, interrupt)?;
    let mut flow = Process::start(
        "the flow",
        Command::new(built.join("examples/governed_flow"))
            .args([ALGORITHM, "4"])
            .stdin(Stdio::null())
            .stdout(Stdio::from(std::io::stderr())),
    )?;
    interrupt.sleep(Duration::from_millis(1300))?;
    eprintln!("-- kill -9: the agent is gone, the flow goes on --");
    agent.kill()?;
    interrupt.sleep(Duration::from_millis(1200))?;
    eprintln!("-- another agent takes over --");
    let mut agent = self::agent(built, interrupt)?;
    flow.wait(Duration::from_secs(20), interrupt)?;
    agent.terminate(Duration::from_secs(5)).context("the agent did not end cleanly")
}

/// Starts an agent, and waits until sockets can choose its algorithm.
fn agent(built: &Path, interrupt: &Interrupt) -> Result<Process> {
    let mut agent = Process::start(
        "the agent",
        Command::new(built.join("ccp"))
            .args(["run", "reno", "--ipc", "ebpf"])
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    )?;
    let end = Instant::now() + Duration::from_secs(20);
    while !registered().iter().any(|name| name == ALGORITHM) {
        if !agent.is_running()? || Instant::now() > end {
            bail!("the agent does not start; run `ccp run reno --ipc ebpf` by hand to see why");
        }
        interrupt.sleep(Duration::from_millis(10))?;
    }
    Ok(agent)
}

/// Why it cannot run here.
fn impossible(built: &Path) -> Result<Option<String>> {
    if std::env::consts::OS != "linux" {
        return Ok(Some("it needs Linux".to_owned()));
    }
    let doctor = Command::new(built.join("ccp")).args(["doctor", "--json"]).output();
    let doctor = doctor.context("cannot run ccp doctor")?;
    for line in String::from_utf8_lossy(&doctor.stdout).lines() {
        let check: serde_json::Value =
            serde_json::from_str(line).context("ccp doctor --json prints something else")?;
        let word = |key: &str| check[key].as_str().unwrap_or_default();
        // The flow's side wants more than an agent does: to choose the algorithm, and to look at the flow.
        let wanted = matches!(word("name"), "cap-net-admin" | "cap-sys-admin");
        if word("verdict") == "missing" || wanted && word("verdict") != "good" {
            let (name, seen) = (word("name"), word("seen"));
            return Ok(Some(format!(
                "{name}: {seen} (`ccp doctor` tells more; root has all rights)"
            )));
        }
    }
    let taken = registered().into_iter().find(|name| name == "ccp" || name == ALGORITHM);
    Ok(taken.map(|name| format!("the name {name} is taken: an agent runs already")))
}

/// The algorithms that sockets can choose.
fn registered() -> Vec<String> {
    let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    known.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// What the flow's socket chooses.
const ALGORITHM: &str = "ccp_reno";
