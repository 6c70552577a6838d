//! `cargo xtask ci` and its single steps: what CI runs besides the tests.

use anyhow::{Result, bail};

use crate::process::{Scratch, cargo, root, run as run_command, target_dir};
use crate::{demo, fuzz, graph, test, tidy};

/// Everything that CI checks, cheapest first.
pub(crate) fn run() -> Result<()> {
    run_command(cargo().args(["fmt", "--all", "--check"]))?;
    tidy::run()?;
    run_command(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    run_command(
        cargo()
            .args(["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    package()?;
    deny()?;
    book()?;
    demo::run()?;
    // Criterion's benchmarks run each once, so that they keep compiling and working.
    run_command(cargo().args(["test", "-p", "ccp-bench", "--benches", "--locked"]))?;
    fuzz::run(&["--seconds", "10"])?;
    test::run(test::Scope::All)
}

/// Runs the benchmarks of this workspace.
pub(crate) fn bench() -> Result<()> {
    run_command(cargo().args(["bench", "-p", "ccp-bench"]))
}

/// Runs this machine's TCP under the agent and under the kernel's algorithms, or these parts of it.
pub(crate) fn bench_kernel(parts: &[&str]) -> Result<()> {
    let parts = if parts.is_empty() { &["all"] } else { parts };
    run_command(cargo().args(["bench", "-p", "ccp-bench", "--bench", "kernel", "--"]).args(parts))
}

/// Runs the same work on portus, libccp, ns-3 and ours, or these parts of it.
pub(crate) fn bench_beside_peers(parts: &[&str]) -> Result<()> {
    let arguments = ["run", "--release", "--bin", "peer_bench", "--"];
    let [ns3, compiler] = test::NS3;
    test::peers(&[&arguments, parts].concat(), &[test::LIBCLANG, ns3, compiler])
}

/// Builds a program without std that links the crates which promise to need none. It brings its own
/// panic handler, so that a std pulled in anywhere is a duplicate and fails the build.
pub(crate) fn no_std() -> Result<()> {
    run_command(
        cargo()
            .current_dir(root().join("xtask/no-std-probe"))
            .args(["check", "--locked"])
            .env("CARGO_TARGET_DIR", target_dir().join("no-std")),
    )
}

/// Packages every published crate and builds it from its package.
pub(crate) fn package() -> Result<()> {
    let members = graph::members()?;
    // A folder of its own each time: cargo keeps what it unpacks of the packages by folder and
    // version, and would build an older state of the same version against a newer one.
    let scratch = Scratch::new("ccp-package")?;
    let mut command = cargo();
    command.env("CARGO_TARGET_DIR", scratch.path());
    command.args(["package", "--locked", "--allow-dirty"]);
    for member in members.iter().filter(|member| member.published) {
        command.args(["--package", &member.name]);
    }
    run_command(&mut command)
}

/// Makes the book of `docs/`. What stands in it is tested by `ccp-cli/tests/book.rs`.
pub(crate) fn book() -> Result<()> {
    let mut version = std::process::Command::new("mdbook");
    let is_installed =
        version.arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_installed {
        bail!("mdbook is missing: `cargo install mdbook --locked --no-default-features`");
    }
    run_command(std::process::Command::new("mdbook").arg("build").current_dir(root()))
}

/// Licences, duplicates and sources of all dependencies, after `deny.toml`.
fn deny() -> Result<()> {
    let installed = cargo()
        .args(["deny", "--version"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        bail!("cargo-deny is missing: `cargo install cargo-deny --locked`");
    }
    run_command(cargo().args(["deny", "check", "licenses", "bans", "sources"]))
}
