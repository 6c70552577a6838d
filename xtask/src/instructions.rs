//! `bench --instructions`: what an ACK costs, in instructions, which other work on the machine does not change.

use anyhow::{Context, Result};

use crate::process::target_dir;
use crate::process::{cargo, output, run as run_command};
use crate::test;

/// Counts two runs of different length for each side of each case; what is common to both falls out.
pub(crate) fn run() -> Result<()> {
    test::install(&[VALGRIND])?;
    run_command(cargo().args([
        "build",
        "--release",
        "-p",
        "ccp-bench",
        "--bin",
        "acks",
        "--locked",
    ]))?;
    let cases = output(&mut acks())?;
    println!("| instructions per ACK | machine | by hand in Rust | ratio |");
    println!("| --- | ---: | ---: | ---: |");
    for line in cases.lines() {
        let (key, name) = line.split_once('\t').context("a case without a name")?;
        let (machine, by_hand) = (per_ack("machine", key)?, per_ack("hand", key)?);
        println!("| {name} | {machine:.0} | {by_hand:.0} | {:.2} |", machine / by_hand);
    }
    Ok(())
}

fn acks() -> std::process::Command {
    std::process::Command::new(target_dir().join("release/acks"))
}

fn per_ack(side: &str, case: &str) -> Result<f64> {
    let count = |rounds: u32| -> Result<f64> {
        let mut valgrind = std::process::Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        valgrind.arg(acks().get_program()).args([side, case, &rounds.to_string()]);
        let done = valgrind.output().context("cannot run valgrind")?;
        let text = String::from_utf8_lossy(&done.stderr);
        let number = text.lines().find_map(|line| line.split_once("Collected :"));
        let number = number.with_context(|| format!("valgrind counted nothing:\n{text}"))?.1;
        Ok(number.trim().parse()?)
    };
    let acks = f64::from(ROUNDS * ACKS_PER_ROUND);
    Ok((count(2 * ROUNDS)? - count(ROUNDS)?) / acks)
}

const VALGRIND: &str = "valgrind";
const ROUNDS: u32 = 20;
/// As many as the stream of ACKs has.
const ACKS_PER_ROUND: u32 = 256;
