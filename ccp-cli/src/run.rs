//! `ccp run` and `ccp list`.

use std::io::Write;
use std::thread::JoinHandle;

use anyhow::Context;
use ccp_algs::{Spec, Specs, registry};
use ccp_ipc::unix::{BindError, Socket};
use ccp_runtime::{BackendBuilder, Blocking, RunBuilder, StatsHandle, StopHandle};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals};
use tracing::info;
use tracing_subscriber::EnvFilter;

use crate::Failure;
use crate::args::{Run, Transport};

/// Prints the algorithms, and with `long` what can be set about each.
pub(crate) fn list(long: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for algorithm in registry::ALL {
        writeln!(out, "{}\t{} ({})", algorithm.name, algorithm.summary, algorithm.reference)?;
        for parameter in algorithm.parameters.iter().filter(|_| long) {
            writeln!(
                out,
                "  {}={}\t{}; {}",
                parameter.key, parameter.default, parameter.doc, parameter.values
            )?;
        }
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
    let ended = builder.default_alg(choice.algs.report(args.report)).run();
    signals.end();
    log_counters(&stats);
    ended.context("the agent ended")?;
    info!("agent ended");
    Ok(())
}

/// Which algorithms run, and which of them governs flows that ask for none.
#[derive(Debug)]
struct Choice {
    names: Vec<&'static str>,
    default: &'static str,
    algs: Specs,
}

impl Choice {
    fn of(asked: &[String], default: Option<&str>) -> Result<Self, String> {
        let parse = |text: &str| text.parse::<Spec>().map_err(|error| error.to_string());
        let all = registry::ALL.iter().map(|info| info.name.to_owned());
        let wanted: Vec<String> = if asked.is_empty() { all.collect() } else { asked.to_vec() };
        let mut specs: Vec<Spec> = Vec::new();
        let place = |specs: &[Spec], name| specs.iter().position(|spec| spec.name() == name);
        for text in &wanted {
            let spec = parse(text)?;
            if place(&specs, spec.name()).is_some() {
                return Err(format!("{} is named twice", spec.name()));
            }
            specs.push(spec);
        }
        let default = match default {
            Some(text) => {
                let spec = parse(text)?;
                match place(&specs, spec.name()) {
                    Some(place) if text == spec.name() => place,
                    Some(_) => {
                        let name = spec.name();
                        return Err(format!(
                            "--default: give {name} its parameters where it is named"
                        ));
                    }
                    None => {
                        specs.push(spec);
                        specs.len() - 1
                    }
                }
            }
            None if asked.is_empty() => place(&specs, PREFERRED).unwrap_or(0),
            None => 0,
        };
        let names: Vec<&str> = specs.iter().map(Spec::name).collect();
        let default = specs.get(default).ok_or("there is no algorithm")?;
        let algs = specs
            .iter()
            .fold(Specs::new(default.clone()), |algs, spec| algs.with(spec.name(), spec.clone()));
        Ok(Self { names, default: default.name(), algs })
    }
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
        assert_eq!((choice.names, choice.default), (vec!["reno"], "reno"));
    }

    #[test]
    fn without_names_all_run() {
        let choice = Choice::of(&[], None).unwrap();
        assert_eq!(choice.names.len(), registry::ALL.len());
        assert_eq!(choice.default, "cubic");
    }

    #[test]
    fn an_algorithm_is_named_once() {
        let twice = ["cubic,beta=0.8".to_owned(), "cubic".to_owned()];
        assert!(Choice::of(&twice, None).unwrap_err().contains("twice"));
        let both = ["cubic:linux".to_owned(), "cubic".to_owned()];
        assert_eq!(Choice::of(&both, None).unwrap().default, "cubic:linux");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = Choice::of(&["rino".to_owned()], None).unwrap_err();
        assert!(error.contains("'rino'") && error.contains("reno"), "{error}");
        assert!(Choice::of(&[], Some("rino")).is_err());
    }
}
