//! `ccp run` and `ccp list`.

use std::io::Write;
use std::thread::JoinHandle;

use anyhow::Context;
use ccp_algs::registry;
use ccp_ipc::record::{Recorded, WhenFull};
use ccp_ipc::unix::{BindError, Socket};
use ccp_runtime::{BackendBuilder, Blocking, Ipc, RunBuilder, StatsHandle, StopHandle};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals};
use tracing::info;
use tracing_subscriber::EnvFilter;

use crate::Failure;
use crate::args::{Run, Transport};
use crate::plan::AgentPlan;
use crate::record::{Recording, Target};

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
    let plan = AgentPlan::of(&args.algorithms, args.default.as_deref()).map_err(Failure::Usage)?;
    let plan = plan.report(args.report.unwrap_or_else(|| args.ipc.report()));
    start_log(color);
    // First of all: a kernel's agent gives the rights up that opening it may need.
    let record = args.record.as_deref().map(Recording::open).transpose()?;

    match args.ipc {
        Transport::Unix => {
            let mut options = Socket::<Blocking>::options().shared(args.shared_ipc);
            if let Some(folder) = &args.ipc_dir {
                options = options.folder(folder);
            }
            let socket: Socket<Blocking> = options.bind(&args.bind).map_err(cannot_bind)?;
            info!(socket = %socket.local_addr(), algorithms = %plan.names(), default = plan.default, "agent starts");
            serve(socket, record, &plan, |addr| addr.to_string())
        }
        #[cfg(all(target_os = "linux", feature = "ebpf"))]
        Transport::Ebpf => {
            let names: Vec<&str> = plan.named.iter().map(|(name, _)| name.as_str()).collect();
            let socket = crate::kernel::open(&args.kernel, &names)?;
            info!(algorithms = %plan.names(), default = plan.default, "agent starts");
            serve(socket, record, &plan, |()| "kernel".to_owned())
        }
    }
}

/// Runs the agent on its end of the transport, recorded if that is asked for.
fn serve<I: Ipc>(
    socket: I,
    record: Option<Target>,
    plan: &AgentPlan,
    name_of: fn(&I::Addr) -> String,
) -> Result<(), Failure> {
    let Some(target) = record else {
        return govern(socket, plan);
    };
    let recording = Recording::start(target, "run", plan, WhenFull::GiveUp)?;
    let ended = govern(Recorded::new(socket, &recording.recorder, name_of), plan);
    let recorded = recording.end();
    ended.and(recorded)
}

/// Runs the agent until a signal ends it.
fn govern<I: Ipc>(sock: I, plan: &AgentPlan) -> Result<(), Failure> {
    let (stop, stats) = (StopHandle::new(), StatsHandle::new());
    let signals = SignalThread::start(stop.clone(), stats.clone())?;
    let builder =
        RunBuilder::new(BackendBuilder { sock }).with_stop(stop).with_stats(stats.clone());
    let ended = builder.default_alg(plan.specs().map_err(Failure::Usage)?).run();
    signals.end();
    log_counters(&stats);
    ended.context("the agent ended")?;
    info!("agent ended");
    Ok(())
}

fn cannot_bind(error: BindError) -> Failure {
    match error {
        BindError::Name(error) => Failure::Usage(format!("--bind: {error}")),
        error => {
            Failure::Machine(anyhow::Error::new(error).context("cannot open the agent's socket"))
        }
    }
}

pub(crate) fn start_log(color: bool) {
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
