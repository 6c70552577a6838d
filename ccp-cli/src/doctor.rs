//! `ccp doctor`: what this machine can do for an agent.

use std::io::{self, Write};

use ccp_ebpf::doctor::{Verdict, examine};
use ccp_ipc::unix::Options;

use crate::Failure;

/// Prints what was looked at, a line each, or one JSON object each. Fails when something is missing
/// that `ccp run --ipc ebpf` needs.
pub(crate) fn doctor(json: bool) -> Result<(), Failure> {
    let mut checks: Vec<Check> = examine().into_iter().map(Check::from).collect();
    checks.push(ipc_folder());
    let mut out = io::stdout().lock();
    for check in &checks {
        if json { print_json(&mut out, check) } else { print_text(&mut out, check) }?;
    }
    out.flush()?;
    match checks.iter().filter(|check| check.verdict == Verdict::Missing).count() {
        0 => Ok(()),
        missing => {
            let what = "needed for Linux TCP (`ccp run --ipc ebpf`) missing; agents over unix \
                        sockets and simulations run without";
            Err(Failure::Machine(anyhow::anyhow!("{missing} of the things {what}")))
        }
    }
}

/// One line.
struct Check {
    name: &'static str,
    verdict: Verdict,
    seen: String,
    remedy: String,
}

impl From<ccp_ebpf::doctor::Check> for Check {
    fn from(check: ccp_ebpf::doctor::Check) -> Self {
        let ccp_ebpf::doctor::Check { name, verdict, seen, remedy, .. } = check;
        let remedy = if verdict == Verdict::Good { "" } else { remedy };
        Self { name, verdict, seen, remedy: remedy.into() }
    }
}

/// The folder of the unix sockets, which Linux TCP does without.
fn ipc_folder() -> Check {
    let (verdict, seen, remedy) = match Options::new().examine_folder() {
        Ok((path, true)) => (Verdict::Good, format!("{} can be used", path.display()), None),
        Ok((path, false)) => (Verdict::Good, format!("{} will be made", path.display()), None),
        Err(error) => {
            let remedy = "set CCP_IPC_DIR to a folder of yours, or mend this one";
            (Verdict::Limited, error.to_string(), Some(remedy))
        }
    };
    let remedy = remedy.unwrap_or_default().to_owned();
    Check { name: "ipc-folder", verdict, seen, remedy }
}

fn print_text(out: &mut impl Write, check: &Check) -> io::Result<()> {
    writeln!(out, "{:<8}{:<22}{}", check.verdict.word(), check.name, check.seen)?;
    if !check.remedy.is_empty() {
        writeln!(out, "{:<8}{:<22}-> {}", "", "", check.remedy)?;
    }
    Ok(())
}

fn print_json(out: &mut impl Write, check: &Check) -> io::Result<()> {
    let object = serde_json::json!({
        "name": check.name,
        "verdict": check.verdict.word(),
        "seen": check.seen,
        "remedy": check.remedy,
    });
    writeln!(out, "{object}")
}
