//! `ccp replay`: a recording is played to the agent of today.

mod dump;
mod flow;
mod message;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;
use std::time::Duration;

use ccp_algs::Specs;
use ccp_ipc::record::{Counts, Difference, Ending, Next, ReadError, Reader, Replayed};
use ccp_runtime::{Agent, BackendBuilder, DefaultAlg, ProgramUid, RunBuilder, RunError, Scope};
use serde_json::{Value, json};

use crate::Failure;
use crate::args::Replay;
use crate::plan::AgentPlan;
use crate::record::About;
use flow::{Flow, micros};
use message::{Scopes, decode, flow_of, is_install, line, programs_differ};

type Recording = Reader<BufReader<File>>;
type Replaying = ccp_ipc::record::Replay<BufReader<File>>;
type ReplayAgent = Agent<Replayed, DefaultAlg<Specs>>;

/// Plays a recording, and says whether the agent of today decides the same.
pub(crate) fn replay(args: &Replay, color: bool) -> Result<(), Failure> {
    // What an agent logs is of little interest, unless asked for.
    if std::env::var_os("RUST_LOG").is_some() {
        crate::run::start_log(color);
    }
    let path = &args.file;
    let recording = open(path)?;
    let recorded = plan_of(&recording);
    if args.dump {
        return dump::dump(path, recording, recorded.as_ref(), args.json);
    }
    let plan = match (recorded, args.algorithms.as_slice()) {
        (Some(plan), []) if args.default.is_none() => plan,
        (recorded, asked) => {
            if recorded.is_none() && asked.is_empty() && args.default.is_none() {
                return Err(Failure::Usage(format!(
                    "{} does not say which algorithms ran: name them after it",
                    path.display()
                )));
            }
            let plan = AgentPlan::of(asked, args.default.as_deref()).map_err(Failure::Usage)?;
            match recorded {
                Some(recorded) => recorded.replaced_by(plan),
                None => plan,
            }
        }
    };
    let specs = plan.specs().map_err(|error| {
        let file = path.display();
        let error = printable(&error);
        Failure::Usage(format!("{file}: {error}; name algorithms of today after the file"))
    })?;
    let played = play(ccp_ipc::record::Replay::new(recording), &specs)?;
    played.show(path, args.json)
}

/// What came of a replay.
struct Played {
    counts: Counts,
    until: Duration,
    records: u64,
    end: End,
    /// For the names of its variables.
    agent: Option<ReplayAgent>,
}

enum End {
    /// All of it was the same.
    Same(Ending),
    Different(Difference),
    /// It was the same until there.
    Damaged(ReadError),
}

fn play(mut replay: Replaying, specs: &Specs) -> Result<Played, Failure> {
    let mut agent: Option<ReplayAgent> = None;
    let mut until = Duration::ZERO;
    let end = loop {
        match replay.advance() {
            Ok(Some(Next::Start)) => agent = Some(start(replay.end(), specs)?),
            Ok(Some(Next::Step { now })) => {
                if let Some(agent) = &mut agent {
                    agent.step(now)?;
                }
                until = now;
            }
            Ok(None) => {
                let ending = replay.reader().ending();
                break End::Same(ending.unwrap_or(Ending::Cut { left: 0 }));
            }
            Err(error) => break End::Damaged(error),
        }
        if let Some(difference) = replay.difference() {
            break End::Different(difference);
        }
    };
    let (counts, records) = (replay.counts(), replay.reader().records());
    Ok(Played { counts, until, records, end, agent })
}

fn start(end: Replayed, specs: &Specs) -> Result<ReplayAgent, RunError> {
    RunBuilder::new(BackendBuilder { sock: end }).default_alg(specs.clone()).build()
}

impl Played {
    fn show(&self, path: &Path, as_json: bool) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let Self { counts, until, records, end, .. } = self;
        let file = path.display();
        let (received, sent, steps) = (counts.received, counts.sent, counts.steps);
        let mut told = json!({
            "same": !matches!(end, End::Different(_)), "ending": end.name(), "records": records,
            "steps": steps, "datagrams_in": received, "datagrams_out": sent, "time_us": micros(*until),
        });
        let same = format!("{received} datagrams in, {sent} out, {:.6} s", until.as_secs_f64());
        match end {
            End::Same(ending) => {
                if as_json {
                    writeln!(out, "{told}")?;
                } else {
                    writeln!(out, "same: {same}")?;
                }
                match ending {
                    Ending::Whole => {}
                    Ending::GaveUp => eprintln!(
                        "ccp: {file} ends with record {records}, before the agent did: the recorder gave up"
                    ),
                    Ending::Cut { left } => eprintln!(
                        "ccp: {file} is cut off after record {records} ({left} more bytes): replayed until there"
                    ),
                }
                Ok(())
            }
            End::Damaged(error) => {
                if as_json {
                    told["error"] = Value::String(error.to_string());
                    writeln!(out, "{told}")?;
                } else {
                    writeln!(out, "same until there: {same}")?;
                }
                Err(unreadable(path, error))
            }
            End::Different(difference) => {
                let (flow, state) = self.flow_of(path, difference);
                let running = state.as_ref().and_then(|state| state.program);
                let shown = |datagram: &Option<Vec<u8>>| {
                    datagram.as_ref().map(|datagram| decode(datagram, self, running))
                };
                let (recorded, now) = (shown(&difference.recorded), shown(&difference.came));
                let programs = match (&difference.recorded, &difference.came) {
                    (Some(recorded), Some(now)) => programs_differ(recorded, now),
                    _ => None,
                };
                if as_json {
                    told["difference"] = json!({
                        "record": difference.record, "time_us": micros(difference.now),
                        "datapath": difference.peer.to_string(), "recorded": recorded, "now": now,
                        "instruction": programs,
                        "flow": flow.zip(state).map(|(flow, state)| state.to_json(flow, self)),
                    });
                    writeln!(out, "{told}")?;
                    return Err(Failure::Said);
                }
                let at = difference.now.as_secs_f64();
                let (record, peer) = (difference.record, &difference.peer);
                writeln!(out, "different at record {record}, {at:.6} s, toward {peer}:")?;
                let shown = |messages: Option<Vec<_>>| {
                    messages.map_or_else(|| "nothing".to_owned(), |messages| line(&messages))
                };
                writeln!(out, "  recorded  {}", shown(recorded))?;
                writeln!(out, "  now       {}", shown(now))?;
                if let Some(programs) = programs {
                    writeln!(out, "  the first instruction that differs: {programs}")?;
                }
                if [&difference.recorded, &difference.came]
                    .into_iter()
                    .flatten()
                    .any(|it| is_install(it))
                {
                    writeln!(
                        out,
                        "  other programs: what the recorded ones reported says nothing of these"
                    )?;
                }
                if let Some((flow, state)) = flow.zip(state) {
                    for line in state.to_lines(flow, self) {
                        writeln!(out, "  {line}")?;
                    }
                }
                writeln!(out, "  up to that step: {same}")?;
                Err(Failure::Said)
            }
        }
    }

    /// The flow that a difference is about, and what the recording says of it.
    fn flow_of(
        &self,
        path: &Path,
        difference: &Difference,
    ) -> (Option<ccp_wire::FlowId>, Option<Flow>) {
        let said = difference.came.as_deref().or(difference.recorded.as_deref());
        let flow = said.and_then(flow_of);
        // It has been read as far as this a moment ago.
        let state = flow.zip(open(path).ok()).and_then(|(flow, recording)| {
            let peer = difference.peer.number();
            Flow::find(recording, difference.record, peer, flow).ok().flatten()
        });
        (flow, state)
    }
}

impl End {
    fn name(&self) -> &'static str {
        match self {
            Self::Same(Ending::Whole) => "whole",
            Self::Same(Ending::GaveUp) => "gave up",
            Self::Same(Ending::Cut { .. }) => "cut",
            Self::Different(_) => "different",
            Self::Damaged(_) => "damaged",
        }
    }
}

impl Scopes for Played {
    fn scope(&self, program: ProgramUid) -> Option<&Scope> {
        self.agent.as_ref().and_then(|agent| agent.scope(program))
    }
}

fn open(path: &Path) -> Result<Recording, Failure> {
    let file = File::open(path).map_err(|error| unreadable(path, &ReadError::from(error)))?;
    Reader::new(BufReader::new(file)).map_err(|error| unreadable(path, &error))
}

/// The algorithms that ran, if the recording says so in the way that `ccp` does.
fn plan_of(recording: &Recording) -> Option<AgentPlan> {
    serde_json::from_str(recording.about()).ok().map(|About { agent, .. }| agent)
}

/// A text that came from elsewhere, unable to do anything to a terminal.
fn printable(text: &str) -> String {
    let harmless = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(harmless).collect()
}

/// What is wrong with a file, where, and what can be done.
fn unreadable(path: &Path, error: &ReadError) -> Failure {
    let file = path.display();
    Failure::Usage(match error {
        ReadError::Io(error) => format!("cannot read {file}: {error}"),
        ReadError::NotARecording => {
            format!("{file} {error}; `ccp run --record FILE` makes a recording")
        }
        ReadError::NoOpening => format!("{file} {error}; record it anew"),
        ReadError::Version { .. } => format!("{file} {error}; replay it with the ccp that made it"),
        error => format!("{file}: {error}; what comes before it has been read, the rest is lost"),
    })
}
