//! The command `ccp`: flags and glue.
//!
//! What it does lives in the libraries; here are the command line, files, the rendering of
//! diagnostics and the signals. Data goes to standard output, everything else to standard error.

mod args;
mod compile;
#[cfg(all(target_os = "linux", feature = "ebpf"))]
mod doctor;
#[cfg(all(target_os = "linux", feature = "ebpf"))]
mod dump;
mod embedded;
mod examples;
mod explain;
#[cfg(all(target_os = "linux", feature = "ebpf"))]
mod flows;
mod fmt;
#[cfg(all(target_os = "linux", feature = "ebpf"))]
mod kernel;
mod man;
mod page;
mod plan;
mod primitives;
mod record;
mod replay;
mod run;
mod sim;
mod source;
mod study;
mod trace;
mod units;

use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Args, Color, Command};

fn main() -> ExitCode {
    let matches = examples::command().get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let color = color(args.color);
    let result = match args.command {
        Command::Run(run) => run::run(&run, color),
        Command::List { long } => run::list(long),
        Command::Replay(replay) => replay::replay(&replay, color),
        Command::Compile(compile) => compile::compile(&compile, color),
        Command::Check(check) => compile::check(&check, color),
        Command::Fmt(fmt) => fmt::fmt(&fmt, color),
        Command::Explain { code } => explain::explain(code.as_deref()),
        Command::Trace(trace) => trace::trace(&trace, color),
        Command::Sim(args) => sim::sim(&args),
        #[cfg(all(target_os = "linux", feature = "ebpf"))]
        Command::Ebpf(args::Ebpf::Dump { function }) => dump::dump(function.as_deref()),
        #[cfg(all(target_os = "linux", feature = "ebpf"))]
        Command::Flows(args) => flows::flows(&args),
        #[cfg(all(target_os = "linux", feature = "ebpf"))]
        Command::Doctor { json } => doctor::doctor(json),
        Command::Study(args) => study::study(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut examples::command(), "ccp", &mut std::io::stdout());
            Ok(())
        }
        Command::Man { folder } => man::man(folder.as_deref()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Why a command failed, which decides the exit code.
pub(crate) enum Failure {
    /// Said already, on standard error.
    Said,
    /// The work failed.
    Failed(anyhow::Error),
    /// The command line asks for something that does not exist.
    Usage(String),
    /// This machine cannot do it.
    Machine(anyhow::Error),
}

impl Failure {
    fn report(self) -> ExitCode {
        match self {
            Self::Said => ExitCode::from(1),
            // Whoever reads our output has seen enough, as in `ccp trace ... | head`.
            Self::Failed(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
            Self::Failed(error) => {
                eprintln!("ccp: {}", whole(&error));
                ExitCode::from(1)
            }
            Self::Usage(message) => {
                eprintln!("ccp: {message}");
                ExitCode::from(2)
            }
            Self::Machine(error) => {
                eprintln!("ccp: {}", whole(&error));
                ExitCode::from(3)
            }
        }
    }
}

/// What an error and its causes say, each once: some say themselves what caused them.
pub(crate) fn whole(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
    }
    said
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// Whether standard error gets colours.
fn color(choice: Color) -> bool {
    use std::io::IsTerminal;
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match choice {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org and https://bixense.com/clicolors: an empty NO_COLOR does not count.
        Color::Auto if set("CLICOLOR_FORCE") => true,
        Color::Auto => {
            std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::io::stderr().is_terminal()
        }
    }
}
