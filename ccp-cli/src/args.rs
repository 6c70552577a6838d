//! The command line: every flag with its documentation, and nothing that touches the world.

use std::path::PathBuf;
#[cfg(all(target_os = "linux", feature = "ebpf"))]
use std::time::Duration;

use ccp_algs::ReportEvery;
#[cfg(all(target_os = "linux", feature = "ebpf"))]
use ccp_sim::units::duration;
use clap::{Parser, Subcommand, ValueEnum};

use crate::sim::args as sim;
use crate::units::{Setting, parse_setting};

/// Congestion control algorithms in user space, over any datapath that speaks CCP.
#[derive(Debug, Parser)]
#[command(name = "ccp", version, about, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// When to colour messages on standard error (`NO_COLOR` and `CLICOLOR_FORCE` are honoured).
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the agent until SIGINT or SIGTERM.
    ///
    /// Counters by reason are logged at the end and on SIGUSR1. `RUST_LOG` chooses what is logged
    /// (`info` unless set).
    Run(Run),
    /// List the algorithms that `ccp run` knows, one a line: name, tab, what it is.
    List {
        /// Also what can be set about each: parameter and default, tab, what it does and takes.
        #[arg(long)]
        long: bool,
    },
    /// Play a recording of `ccp run --record` or `ccp sim --record` to the agent of today: it decides the same, or this shows the first
    /// difference.
    Replay(Replay),
    /// Compile a datapath program.
    Compile(Compile),
    /// Check datapath programs: all errors and warnings, with their places.
    Check(Check),
    /// Format datapath programs: one look for all of them.
    ///
    /// Only white space changes; comments stay where they are. A program with mistakes of syntax is
    /// left alone, and what is wrong with it is shown.
    Fmt(Fmt),
    /// Explain the code of an error or warning, such as E0107.
    Explain {
        /// The code, or a lint's name; all of them when none is given.
        #[arg(value_name = "CODE")]
        code: Option<String>,
    },
    /// Run a datapath program over recorded ACKs: one JSON object a row.
    Trace(Trace),
    /// Simulate flows that share a link, in virtual time.
    ///
    /// The same command prints the same on every machine. Packets are 1500 bytes on the link.
    /// Parameters follow an algorithm's name: `cubic,hystart=off` (`ccp list --long`).
    Sim(sim::Sim),
    /// Tell what this machine can do for Linux TCP, each thing with its remedy.
    ///
    /// Nothing is loaded or changed. Exits with 3 when something is missing that `ccp run --ipc
    /// ebpf` needs.
    #[cfg(all(target_os = "linux", feature = "ebpf"))]
    Doctor {
        /// One JSON object a line: name, verdict (good, limited or missing), seen, remedy.
        #[arg(long)]
        json: bool,
    },
    /// Compare all algorithms in virtual time: alone, in pairs, and CUBIC against BBR.
    ///
    /// One table, the same on every machine; with --html a page with everything over time.
    Study(Study),
    /// List the live Linux TCP flows of this machine's agents, from the memory they share with the
    /// kernel. Needs CAP_SYS_ADMIN; asks nothing of the agents.
    #[cfg(all(target_os = "linux", feature = "ebpf"))]
    Flows(Flows),
    /// What `ccp run --ipc ebpf` is made of.
    #[cfg(all(target_os = "linux", feature = "ebpf"))]
    #[command(subcommand)]
    Ebpf(Ebpf),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages: one for `ccp` and one for each command.
    Man {
        /// The folder that the pages go into (`ccp.1`, `ccp-run.1`, ...); it is made if it is not
        /// there. Without it the page of `ccp` goes to standard output.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

#[cfg(all(target_os = "linux", feature = "ebpf"))]
#[derive(Debug, Subcommand)]
pub(crate) enum Ebpf {
    /// Print the code of the fixed part as it is generated for this kernel. Nothing is loaded.
    ///
    /// `ccp compile --emit ebpf` prints the code of a datapath program.
    Dump {
        /// One function of the kernel's, such as cong_control; all of them when none is given.
        #[arg(value_name = "FUNCTION")]
        function: Option<String>,
    },
}

#[cfg(all(target_os = "linux", feature = "ebpf"))]
#[derive(Debug, clap::Args)]
pub(crate) struct Flows {
    /// List them again and again, each second or at an interval such as 200ms, until ended.
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1s",
        value_parser = parse_interval
    )]
    pub(crate) watch: Option<Duration>,
    /// One JSON object a flow.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(all(target_os = "linux", feature = "ebpf"))]
fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text).map_err(|error| error.to_string())?;
    if interval.as_millis() < 10 { Err("at least 10ms".to_owned()) } else { Ok(interval) }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Algorithms that datapaths may ask for by name; all of them when none is named. Parameters
    /// follow a name: `cubic,hystart=off,beta=0.7` (`ccp list --long` tells which there are).
    #[arg(value_name = "ALG")]
    pub(crate) algorithms: Vec<String>,
    /// The algorithm of flows that ask for none, or for one that does not run here. Unless given,
    /// the first ALG named.
    #[arg(long, value_name = "ALG")]
    pub(crate) default: Option<String>,
    /// The transport to the datapaths.
    #[arg(long, value_enum, default_value_t = Transport::Unix)]
    pub(crate) ipc: Transport,
    /// The folder of the sockets; `$CCP_IPC_DIR`, else /tmp/ccp, unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) ipc_dir: Option<PathBuf>,
    /// The name of the agent's socket in that folder.
    #[arg(long, value_name = "NAME", default_value = "portus")]
    pub(crate) bind: String,
    /// Open /tmp/ccp to every user (mode 1777), for libccp datapaths of other users, which cannot
    /// be told another folder.
    #[arg(long, conflicts_with = "ipc_dir")]
    pub(crate) shared_ipc: bool,
    /// How often a flow reports: once a round trip, the same but at most once in a time (`rtt:1ms`), on
    /// every ACK, or at an interval such as 10ms. Losses and timeouts are reported at once in any case,
    /// and by BBR the end of each round. Unless given: rtt; with --ipc ebpf rtt:1ms for algorithms
    /// without a `report` of their own, since waking for each of 20,000 round trips a second costs
    /// more than it brings.
    #[arg(long, value_name = "rtt|rtt:TIME|ack|INTERVAL")]
    pub(crate) report: Option<ReportEvery>,
    /// Record every datagram with its time, for `ccp replay`. What the file held before is lost. The agent never waits
    /// for it: when it takes no more, the recording ends, and the agent goes on.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[cfg(all(target_os = "linux", feature = "ebpf"))]
    #[command(flatten)]
    pub(crate) kernel: Kernel,
}

/// Flags of `--ipc ebpf`.
#[cfg(all(target_os = "linux", feature = "ebpf"))]
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --ipc ebpf")]
pub(crate) struct Kernel {
    /// Flows at a time that are governed; further ones run under the kernel's fallback.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub(crate) max_flows: u32,
    /// Let sockets of every user choose the algorithms, not only those with CAP_NET_ADMIN.
    #[arg(long)]
    pub(crate) unprivileged: bool,
    /// How long the agent may stand still before the kernel's fallback governs.
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = duration)]
    pub(crate) fallback_after: Duration,
    /// How long to look for reports again and again before sleeping. Reports are then answered
    /// within a microsecond, and a processor is busy.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = duration)]
    pub(crate) spin: Duration,
    /// How often reports wake the agent at most, in the long run: those that come more often are
    /// answered together, which saves processor time. 0: for each report.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration)]
    pub(crate) wake_every: Duration,
    /// Which algorithm governs flows of plain `ccp`: conditions, an arrow, an ALG (repeatable). The
    /// first rule that holds wins: `--rule 'dport=443 uid=1000 -> bbr'`. Conditions: port, sport,
    /// dport (a number or a range), addr, src, dst (an address or a network), uid, cgroup, mark
    /// (under a mask: 0x10/0xf0), netns.
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Vec<String>,
    /// A file of rules, one a line, behind those of --rule; `#` begins a comment.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// Make `ccp` the default algorithm of this network namespace, until the agent ends.
    #[arg(long)]
    pub(crate) set_default: bool,
    /// Bring running flows of this kernel algorithm, such as cubic, under the agent when it starts, in
    /// every network namespace that it can enter; `all`: those of every algorithm (repeatable).
    #[arg(long, value_name = "NAME|all")]
    pub(crate) adopt: Vec<String>,
    /// A folder of a BPF file system, such as /sys/fs/bpf/ccp, to pin the registrations in: sockets
    /// can then choose the algorithms also while no agent runs.
    #[arg(long, value_name = "DIR")]
    pub(crate) pin: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Algorithms in place of those that ran; the first governs flows that ask for none of them.
    #[arg(value_name = "ALG")]
    pub(crate) algorithms: Vec<String>,
    /// The algorithm of flows that ask for none, or for one that is not named.
    #[arg(long, value_name = "ALG")]
    pub(crate) default: Option<String>,
    /// Print what the recording holds instead: a line for each datagram, with its record, time (seconds), direction and
    /// datapath.
    #[arg(long, conflicts_with_all = ["algorithms", "default"])]
    pub(crate) dump: bool,
    /// Print JSON: one object; with --dump one for each datagram.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// Unix datagram sockets in one folder.
    Unix,
    /// This kernel's TCP: sockets choose `ccp`, or `ccp_NAME` for an algorithm by name (with
    /// a dot for a colon: `ccp_cubic.linux`).
    #[cfg(all(target_os = "linux", feature = "ebpf"))]
    Ebpf,
}

impl Transport {
    /// How often flows report that nobody has said anything about.
    pub(crate) const fn report(self) -> ReportEvery {
        match self {
            Self::Unix => ReportEvery::Rtt,
            #[cfg(all(target_os = "linux", feature = "ebpf"))]
            Self::Ebpf => ReportEvery::RttOr(Duration::from_millis(1)),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Compile {
    /// The program; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What FILE holds; by default instructions if its name ends in `.ccpasm`.
    #[arg(long, value_enum)]
    pub(crate) from: Option<From>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Emit::Asm)]
    pub(crate) emit: Emit,
    /// Print the checked steps after each pass of the optimiser instead.
    #[arg(long, conflicts_with_all = ["emit", "opt"])]
    pub(crate) passes: bool,
    /// Only warn of this lint (repeatable).
    #[arg(long, value_name = "LINT")]
    pub(crate) allow: Vec<String>,
    /// How much to optimise.
    #[arg(long, value_enum, default_value_t = Opt::Full)]
    pub(crate) opt: Opt,
    /// Primitives besides the standard ones, as a TOML file: `[[primitive]]` with name, index, and
    /// if need be type, doc and stand_in.
    #[arg(long, value_name = "FILE")]
    pub(crate) primitives: Option<PathBuf>,
}

/// How much a program is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Opt {
    /// One operator one instruction, in the order of the source.
    None,
    /// As far as possible: the program does the same.
    Full,
}

impl std::convert::From<Opt> for ccp_lang::Opt {
    fn from(opt: Opt) -> Self {
        match opt {
            Opt::None => Self::None,
            Opt::Full => Self::Full,
        }
    }
}

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// A program of the language.
    Ccp,
    /// Instructions, as `--emit asm` prints them; lints and optimisation do not apply.
    Asm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emit {
    /// The syntax tree, as a program: what was understood, of wrong programs too.
    Ast,
    /// The typed steps between tree and instructions.
    Ir,
    /// The instructions, readable.
    Asm,
    /// The bytes of the Install message, program_uid 1.
    Wire,
    /// The instructions that run in a Linux kernel, readable.
    Ebpf,
    /// Instructions and variables as one JSON object.
    Json,
}

/// Whose limits a program must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LimitsOf {
    /// Those of libccp, which every datapath has.
    Libccp,
    /// The largest that a datapath of this repository can be given; what passes those of libccp is a
    /// warning.
    Machine,
}

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// With excerpts of the source.
    Human,
    /// One object a line, for editors.
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The programs; `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Each FILE is a source tree or one of its files: checks the `.ccp` files and the programs in
    /// string literals of Rust files, those that begin with `(def`. Folders named target and .git and
    /// links to folders are passed over.
    #[arg(long)]
    pub(crate) embedded: bool,
    /// The limits that a program must keep.
    #[arg(long, value_enum, default_value_t = LimitsOf::Libccp)]
    pub(crate) limits: LimitsOf,
    /// Only warn of this lint (repeatable).
    #[arg(long, value_name = "LINT")]
    pub(crate) allow: Vec<String>,
    /// Make this lint an error (repeatable).
    #[arg(long, value_name = "LINT")]
    pub(crate) deny: Vec<String>,
    /// How to print: for people, what is wrong goes to standard error and the bounds of a good
    /// program to standard output; as JSON, all goes to standard output, one object a line.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// How much to optimise.
    #[arg(long, value_enum, default_value_t = Opt::Full)]
    pub(crate) opt: Opt,
    /// Primitives besides the standard ones, as a TOML file: `[[primitive]]` with name, index, and
    /// if need be type, doc and stand_in.
    #[arg(long, value_name = "FILE")]
    pub(crate) primitives: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fmt {
    /// The programs, which are written anew where they change; `-` formats standard input to
    /// standard output.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Write nothing: show what would change, and exit with 1 if anything would.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    /// The program; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The recorded ACKs: a CSV file whose header names primitives without their prefix
    /// (`bytes_acked`, `rtt_sample_us`, `was_timeout`, ...) and `now_us`; what is missing is 0, and
    /// without `now_us` time stands still.
    #[arg(long, value_name = "ACKS.csv")]
    pub(crate) acks: PathBuf,
    /// The window before the first ACK, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 14_480)]
    pub(crate) cwnd: u64,
    /// The rate before the first ACK, in bytes per second; 0 for none.
    #[arg(long, value_name = "BYTES_PER_S", default_value_t = 0)]
    pub(crate) rate: u64,
    /// Set a control variable, Cwnd or Rate before the first ACK (repeatable).
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub(crate) set: Vec<Setting>,
    /// Print every instruction that runs, with its values and the source it comes from, in place of
    /// the JSON. With `--opt none` the steps are those of the source.
    #[arg(long)]
    pub(crate) steps: bool,
    /// Print what changed Cwnd and Rate and which event decided each ACK, in place of the JSON.
    #[arg(long)]
    pub(crate) why: bool,
    /// Only warn of this lint (repeatable).
    #[arg(long, value_name = "LINT")]
    pub(crate) allow: Vec<String>,
    /// How much to optimise.
    #[arg(long, value_enum, default_value_t = Opt::Full)]
    pub(crate) opt: Opt,
    /// Primitives besides the standard ones, as a TOML file: `[[primitive]]` with name, index, and
    /// if need be type, doc and stand_in.
    #[arg(long, value_name = "FILE")]
    pub(crate) primitives: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Study {
    /// Write a page with tables and plots: one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// What everything random is drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Say nothing of the progress.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed (a wrong program, an agent that could not go on, a replay that differs);
2 wrong usage, or a recording that cannot be read; 3 this machine cannot (a missing folder right, a name that is taken).";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn shared_ipc_and_a_folder_exclude_each_other() {
        let parsed = Args::try_parse_from(["ccp", "run", "--shared-ipc", "--ipc-dir", "x"]);
        assert!(parsed.is_err());
    }

    #[cfg(all(target_os = "linux", feature = "ebpf"))]
    #[test]
    fn the_command_of_the_systemd_unit_is_one() {
        let unit = include_str!("../../docs/ccp.service");
        let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let parsed = Args::try_parse_from(command.split_whitespace()).unwrap();
        let Command::Run(run) = parsed.command else { panic!("{command}") };
        assert_eq!(run.ipc, Transport::Ebpf);
        assert_eq!(run.algorithms, ["cubic", "bbr"]);
    }
}
