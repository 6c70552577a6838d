//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/`.
//!
//! Plain cargo and stable Rust: coverage feedback is a pass of LLVM that rustc can be asked for, and the package
//! `libfuzzer-sys` brings the fuzzer, which takes a C++ compiler to build.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output, root, run as run_command, target_dir};
use crate::test;

/// Fuzzes the named targets, or all, each for so many seconds: `[TARGET...] [--seconds N]`.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (targets, seconds) = parse(arguments)?;
    let programs = build()?;
    for target in targets {
        fuzz(&programs, target, seconds)?;
    }
    Ok(())
}

/// Replaces the committed inputs by the fewest that reach what all inputs kept here reach, the longest of those.
pub(crate) fn minimise(arguments: &[&str]) -> Result<()> {
    let (targets, _) = parse(arguments)?;
    let programs = build()?;
    for target in targets {
        let (committed, small) = (corpus(target), work(target).join("small"));
        let _ = std::fs::remove_dir_all(&small);
        let all = found(target)?;
        std::fs::create_dir_all(&small).context("cannot make a folder")?;
        // Counts of how often a place was reached would ask for thousands of inputs.
        run_command(
            Command::new(programs.join(target))
                .args(["-set_cover_merge=1", "-use_counters=0"])
                .args([&small, &committed, &all]),
        )?;
        std::fs::remove_dir_all(&committed).context("cannot replace the corpus")?;
        std::fs::create_dir_all(&committed).context("cannot replace the corpus")?;
        let mut inputs = Vec::new();
        for input in std::fs::read_dir(&small).context("cannot list the corpus")? {
            let input = input.context("cannot list the corpus")?;
            let len = input.metadata().context("cannot list the corpus")?.len();
            inputs.push((std::cmp::Reverse(len), input.file_name()));
        }
        inputs.sort();
        for (_, name) in inputs.iter().take(MOST_INPUTS) {
            std::fs::copy(small.join(name), committed.join(name))
                .context("cannot replace the corpus")?;
        }
    }
    Ok(())
}

/// Runs every committed input once, without a fuzzer and without C++.
pub(crate) fn replay() -> Result<()> {
    run_command(
        cargo()
            .current_dir(folder())
            .args(["test", "--locked"])
            .env("CARGO_TARGET_DIR", target_dir().join("fuzz-replay")),
    )
}

fn parse<'a>(arguments: &[&'a str]) -> Result<(Vec<&'a str>, u32)> {
    let (names, seconds) = match arguments {
        [names @ .., "--seconds", number] => {
            (names, number.parse().with_context(|| format!("--seconds {number}"))?)
        }
        names => (names, SECONDS),
    };
    if seconds == 0 {
        bail!("--seconds 0 would never end");
    }
    if let Some(wrong) = names.iter().find(|name| !TARGETS.contains(name)) {
        bail!("no target `{wrong}`; there are {}", TARGETS.join(", "));
    }
    Ok((if names.is_empty() { TARGETS.to_vec() } else { names.to_vec() }, seconds))
}

/// Builds the targets and returns where they are.
fn build() -> Result<PathBuf> {
    let found = Command::new("c++").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        test::install(&["g++"]).context("libFuzzer is C++, and there is no `c++`")?;
    }
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say what it runs on")?;
    let target = target_dir().join("fuzz");
    run_command(
        cargo()
            .current_dir(folder())
            // With a target named, build scripts and macros are left as they are.
            .args(["build", "--locked", "--features", "libfuzzer", "--bins", "--target", host])
            .env("CARGO_TARGET_DIR", &target)
            .env("RUSTFLAGS", COVERAGE.join(" ")),
    )?;
    Ok(target.join(host).join("debug"))
}

fn fuzz(programs: &Path, target: &str, seconds: u32) -> Result<()> {
    let (program, log) = (programs.join(target), work(target).join("log"));
    let findings = work(target).join("findings");
    std::fs::create_dir_all(&findings).context("cannot make a folder")?;
    let mut command = Command::new(&program);
    command.arg(found(target)?).arg(corpus(target));
    command.args([
        format!("-max_total_time={seconds}"),
        format!("-artifact_prefix={}/", findings.display()),
        // Seconds for one input; a machine under load is slow.
        "-timeout=60".to_owned(),
        "-rss_limit_mb=1024".to_owned(),
        // Longer inputs sooner than libFuzzer would by itself.
        "-len_control=20".to_owned(),
    ]);
    if WORDS.contains(&target) {
        command.arg(format!("-dict={}", folder().join("dict/lang.dict").display()));
    }
    // It says a line for each input that it keeps.
    command.stderr(std::fs::File::create(&log).context("cannot write the log")?);
    let ran = run_command(&mut command);
    let said = std::fs::read(&log).context("cannot read the log")?;
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<_> = said.lines().collect();
    if ran.is_err() {
        let last = lines.len().saturating_sub(MOST_SHOWN);
        eprintln!("{}", lines.get(last..).unwrap_or_default().join("\n"));
        return ran.with_context(|| {
            format!(
                "{target}: if this is a finding, its input is in {}; `{} FILE` shows it again, and fuzz/README.md \
                 tells what to do",
                findings.display(),
                program.display(),
            )
        });
    }
    let line = |has: &str| lines.iter().rev().find(|line| line.contains(has)).copied();
    let reached = line("DONE").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    eprintln!("{target}: {} ({reached})", line("Done").unwrap_or_default());
    Ok(())
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

/// The committed inputs.
fn corpus(target: &str) -> PathBuf {
    folder().join("corpus").join(target)
}

/// What runs on this machine leave behind.
fn work(target: &str) -> PathBuf {
    target_dir().join("fuzz/work").join(target)
}

/// Inputs that runs on this machine found worth keeping.
fn found(target: &str) -> Result<PathBuf> {
    let folder = work(target).join("corpus");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

/// As in `fuzz/src/lib.rs`.
const TARGETS: &[&str] = &["agent", "datapath", "ebpf", "lang", "verify", "wire"];

/// Those whose inputs are text.
const WORDS: &[&str] = &["ebpf", "lang"];

/// For each target, if nothing else is asked for.
const SECONDS: u32 = 60;

/// Committed for each target.
const MOST_INPUTS: usize = 40;

/// Lines of the fuzzer's, after a finding.
const MOST_SHOWN: usize = 60;

/// Has the compiler count what is reached and show comparisons to the fuzzer.
const COVERAGE: &[&str] = &[
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
