//! `cargo xtask demo`: the project's main job, seen on this machine without root.
//!
//! Two processes, the agent and a sender whose datapath it governs, exchange real packets for five
//! seconds; as root, the next agent governs a TCP flow of this kernel, is killed and followed by another;
//! then the same link runs in virtual time, and the study compares the algorithms there.
//! Standard output holds only the virtual-time tables, the same in every run; what depends on the
//! machine goes to standard error. The study's page is all that stays.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::kernel_flow;
use crate::process::{Interrupt, Process, Scratch, cargo, run as run_command, target_dir};

/// Builds and runs it.
pub(crate) fn run() -> Result<()> {
    // In one command, so that what both stand on is built once.
    run_command(cargo().args(["build", "--package", "ccp-cli", "--bin", "ccp"]).args([
        "--package",
        "ccp-ebpf",
        "--example",
        "governed_flow",
    ]))?;
    run_command(cargo().args(["build", "--package", "ccp-datapath", "--example", "udp_sender"]))?;
    run_command(cargo().args(["build", "--package", "ccp-algs", "--example", "virtual_link"]))?;
    let built = target_dir().join("debug");

    let interrupt = Interrupt::listen()?;
    let scratch = Scratch::new("ccp-demo")?;
    eprintln!("\n== In real time: `ccp run reno` governs a UDP sender ({LINK_WORDS}) for 5 s ==");
    let mut agent = Process::start(
        "the agent",
        std::process::Command::new(built.join("ccp"))
            .args(["run", "reno", "--ipc-dir"])
            .arg(scratch.path())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    )?;
    let socket = scratch.path().join("portus");
    let end = Instant::now() + Duration::from_secs(5);
    while !socket.exists() {
        interrupt.check()?;
        if !agent.is_running()? || Instant::now() > end {
            bail!("the agent did not open its socket; run `ccp run reno` by hand to see why");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut sender = Process::start(
        "the sender",
        std::process::Command::new(built.join("examples/udp_sender"))
            .args(LINK)
            .args(["--time", "5s", "--ipc-dir"])
            .arg(scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    )?;
    sender.wait(Duration::from_secs(20), &interrupt)?;
    agent.terminate(Duration::from_secs(2)).context("the agent did not end cleanly")?;
    interrupt.check()?;

    kernel_flow::run(&built, &interrupt)?;

    eprintln!("\n== The same link in virtual time: 5 s ==");
    let mut virtual_link = Process::start(
        "the simulator",
        std::process::Command::new(built.join("examples/virtual_link"))
            .args(LINK)
            .args(["--time", "5s"])
            .stdin(Stdio::null()),
    )?;
    virtual_link.wait(Duration::from_secs(30), &interrupt)?;

    eprintln!("\n== The study: every algorithm in virtual time ==");
    println!();
    let page = target_dir().join("study.html");
    let mut study = Process::start(
        "the study",
        std::process::Command::new(built.join("ccp"))
            .args(["study", "--html"])
            .arg(&page)
            .stdin(Stdio::null()),
    )?;
    study.wait(Duration::from_secs(60), &interrupt)?;
    eprintln!("\nThe study's page, with everything over time: {}", page.display());
    println!("\nNext: cargo run -p ccp-algs --example my_algorithm");
    Ok(())
}

const LINK: [&str; 6] = ["--rate", "24mbit", "--rtt", "20ms", "--queue", "40p"];
const LINK_WORDS: &str = "24 Mbit/s, 20 ms, 40 packets of queue";
