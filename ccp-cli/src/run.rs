//! `ccp run` and `ccp list`.

use std::io::Write;
use std::thread::JoinHandle;

use anyhow::Context;
use ccp_algs::{CubicAlg, CubicLinuxAlg, RenoAlg, registry};
use ccp_ipc::unix::{BindError, Socket};
use ccp_runtime::{BackendBuilder, Blocking, RunBuilder, StatsHandle, StopHandle};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals};
use tracing::info;
use tracing_subscriber::EnvFilter;

use crate::Failure;
use crate::args::{Run, Transport};

/// Prints the algorithms.
pub(crate) fn list() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for algorithm in registry::ALL {
        writeln!(out, "{}\t{} ({})", algorithm.name, algorithm.summary, algorithm.reference)?;
    }
    Ok(())
}

/// Runs the agent until a signal ends it.
pub(crate) fn run(args: &Run, color: bool) -> Result<(), Failure> {
    let choice = Choice::of(&args.algorithms, args.default.as_deref()).map_err(Failure::Usage)?;
    start_log(color);

    let Transport::Unix = args.ipc;
    let mut options = Socket::<Blocking>::options().shared(args.shared_ipc);
    if let Some(folder) = &args.ipc_dir {
        options = options.folder(folder);
    }
    let socket: Socket<Blocking> = options.bind(&args.bind).map_err(cannot_bind)?;
    info!(socket = %socket.local_addr(), algorithms = %choice.names.join(","), default = choice.default, "agent starts");

    let (stop, stats) = (StopHandle::new(), StatsHandle::new());
    let signals = SignalThread::start(stop.clone(), stats.clone())?;
    let builder =
        RunBuilder::new(BackendBuilder { sock: socket }).with_stop(stop).with_stats(stats.clone());
    let reno = || RenoAlg::default().report(args.report);
    let cubic = || CubicAlg::default().report(args.report);
    let linux = || CubicLinuxAlg::default().report(args.report);
    // One line for each algorithm, and an arm for what it looks like as the default.
    let ended = match choice.default {
        "reno" => builder
            .default_alg(reno())
            .try_additional_alg(choice.runs("cubic").then(cubic))
            .try_additional_alg(choice.runs("cubic:linux").then(linux))
            .run(),
        "cubic:linux" => builder
            .default_alg(linux())
            .try_additional_alg(choice.runs("cubic").then(cubic))
            .try_additional_alg(choice.runs("reno").then(reno))
            .run(),
        _ => builder
            .default_alg(cubic())
            .try_additional_alg(choice.runs("reno").then(reno))
            .try_additional_alg(choice.runs("cubic:linux").then(linux))
            .run(),
    };
    signals.end();
    log_counters(&stats);
    ended.context("the agent ended")?;
    info!("agent ended");
    Ok(())
}

/// Which algorithms run, and which of them governs flows that ask for none.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    names: Vec<&'static str>,
    default: &'static str,
}

impl Choice {
    fn runs(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    fn of(asked: &[String], default: Option<&str>) -> Result<Self, String> {
        let mut names = Vec::new();
        for name in asked {
            let name = known(name)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names.extend(registry::ALL.iter().map(|info| info.name));
        }
        let default = match default {
            Some(name) => known(name)?,
            None if asked.is_empty() && names.contains(&PREFERRED) => PREFERRED,
            None => names.first().copied().ok_or("there is no algorithm")?,
        };
        if !names.contains(&default) {
            names.push(default);
        }
        Ok(Self { names, default })
    }
}

fn known(name: &str) -> Result<&'static str, String> {
    registry::find(name).map(|info| info.name).ok_or_else(|| {
        let names: Vec<&str> = registry::ALL.iter().map(|info| info.name).collect();
        format!("there is no algorithm '{name}'; there are: {}", names.join(", "))
    })
}

fn cannot_bind(error: BindError) -> Failure {
    match error {
        BindError::Name(error) => Failure::Usage(format!("--bind: {error}")),
        error => {
            Failure::Machine(anyhow::Error::new(error).context("cannot open the agent's socket"))
        }
    }
}

fn start_log(color: bool) {
    let filter = EnvFilter::try_from_default_env();
    let unreadable = std::env::var_os("RUST_LOG").is_some() && filter.is_err();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .with_ansi(color)
        .init();
    if unreadable {
        tracing::warn!("RUST_LOG is not understood and ignored; the level is info");
    }
}

/// All counters that are not 0, at the level of the agent's life cycle.
fn log_counters(stats: &StatsHandle) {
    let counted: Vec<String> = stats
        .snapshot()
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    info!(counters = %counted.join(" "), "counters");
}

/// Turns signals into what the agent understands. A thread, since a handler proper may do neither.
struct SignalThread {
    handle: Handle,
    thread: JoinHandle<()>,
}

impl SignalThread {
    fn start(stop: StopHandle, stats: StatsHandle) -> anyhow::Result<Self> {
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGUSR1]).context("cannot listen for signals")?;
        let handle = signals.handle();
        let thread = std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    match signal {
                        SIGUSR1 => log_counters(&stats),
                        _ => stop.stop(),
                    }
                }
            })
            .context("cannot start the thread for signals")?;
        Ok(Self { handle, thread })
    }

    fn end(self) {
        self.handle.close();
        // It ends once closed; a panic in it has said so on standard error.
        let _ = self.thread.join();
    }
}

/// What governs flows by default when nobody chose.
const PREFERRED: &str = "cubic";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_algorithm_named_is_the_default() {
        let choice = Choice::of(&["reno".to_owned()], None).unwrap();
        assert_eq!(choice, Choice { names: vec!["reno"], default: "reno" });
    }

    #[test]
    fn without_names_all_run() {
        let choice = Choice::of(&[], None).unwrap();
        assert_eq!(choice.names.len(), registry::ALL.len());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = Choice::of(&["rino".to_owned()], None).unwrap_err();
        assert!(error.contains("'rino'") && error.contains("reno"), "{error}");
        assert!(Choice::of(&[], Some("rino")).is_err());
    }
}
