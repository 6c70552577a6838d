//! The real agent under the real UDP sender: killed and started again, frozen and thawed. The
//! sender falls back, goes on, and is taken over.
#![cfg(target_os = "linux")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::{Process, signal, udp_sender};

/// Far longer than each step takes: 200 ms until an agent is missed, 600 ms until its silence is,
/// half a second until the sender's next line.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn an_agent_that_is_killed_and_started_again_takes_the_sender_over_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start_agent(folder.path());
    let sender = Sender::start(folder.path());
    sender.wait_until_governed_by("agent");

    agent.0.kill().unwrap();
    agent.0.wait().unwrap();
    sender.wait_until_governed_by("fallback");
    // Not only what was in flight: a second line says so.
    sender.wait_until_governed_by("fallback");

    let mut agent = start_agent(folder.path());
    sender.wait_until_governed_by("agent");
    let result = sender.end();
    assert_eq!(result["governor"], "agent");
    assert_eq!(result["fallbacks"], 1);
    assert_eq!(result["refused"], 0);
    assert!(result["takeovers"].as_u64() >= Some(2), "{result}");
    agent.end();
    nothing_is_left_in(folder.path());
}

#[test]
fn an_agent_that_freezes_is_missed_and_takes_over_again_when_it_thaws() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start_agent(folder.path());
    let sender = Sender::start(folder.path());
    sender.wait_until_governed_by("agent");

    signal(&agent.0, "-STOP");
    sender.wait_until_governed_by("fallback");
    signal(&agent.0, "-CONT");
    sender.wait_until_governed_by("agent");
    let result = sender.end();
    assert_eq!(result["governor"], "agent");
    assert!(result["fallbacks"].as_u64() >= Some(1), "{result}");
    agent.end();
    nothing_is_left_in(folder.path());
}

/// Starts the agent. Its socket need not be there yet.
fn start_agent(folder: &Path) -> Process {
    let agent = Command::new(env!("CARGO_BIN_EXE_ccp"))
        .args(["run", "reno", "--ipc-dir"])
        .arg(folder)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .spawn();
    Process(agent.unwrap())
}

/// The sender, and what it says.
struct Sender {
    process: Process,
    lines: mpsc::Receiver<String>,
}

impl Sender {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(udp_sender())
            .args(["--rate", "24mbit", "--rtt", "20ms", "--queue", "40p"])
            .args(["--json", "--ipc-dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("{line}");
                let _ = to.send(line);
            }
        });
        Self { process: Process(child), lines }
    }

    /// Waits for a line that names this governor, and in whose time bytes flowed. In none may they
    /// not.
    fn wait_until_governed_by(&self, governor: &str) {
        let end = Instant::now() + PATIENCE;
        let governs = format!("{governor} governs");
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no line with '{governs}'"));
            let words: Vec<&str> = line.split_whitespace().collect();
            let mbit: f64 = words[2].parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(mbit > 1.0, "nothing flows: {line}");
            if line.contains(&governs) {
                return;
            }
        }
    }

    /// Ends it, and returns its result.
    fn end(mut self) -> serde_json::Value {
        self.process.end();
        let mut result = String::new();
        let mut stdout = self.process.0.stdout.take().unwrap();
        stdout.read_to_string(&mut result).unwrap();
        serde_json::from_str(&result).unwrap()
    }
}

#[track_caller]
fn nothing_is_left_in(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
