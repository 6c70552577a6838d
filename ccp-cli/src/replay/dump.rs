//! `ccp replay --dump`: each datagram of a recording on a line.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use ccp_ipc::record::{Ending, Outcome, Record, Replay};
use ccp_runtime::{ProgramUid, Scope};
use ccp_wire::{FlowId, Message, Messages};
use serde_json::json;

use super::flow::micros;
use super::message::{Scopes, decode, flow_of, line};
use super::{Recording, ReplayAgent, open, start, unreadable};
use crate::Failure;
use crate::plan::AgentPlan;

/// Prints each datagram with its record, time, direction and datapath.
pub(super) fn dump(
    path: &Path,
    mut recording: Recording,
    plan: Option<&AgentPlan>,
    as_json: bool,
) -> Result<(), Failure> {
    // Variables have the names that they have today.
    let specs = plan.and_then(|plan| plan.specs().ok());
    let agent = match specs {
        Some(specs) => start(Replay::new(open(path)?).end(), &specs).ok(),
        None => None,
    };
    let names = Names(agent);
    // A datagram's time is that of its step, which is written behind it: somebody has to read ahead.
    let mut ahead = open(path)?;
    let mut now = next_step(&mut ahead);
    let (mut peers, mut out) = (Vec::new(), BufWriter::new(std::io::stdout().lock()));
    let mut running = Running::default();
    let error = loop {
        let number = recording.records() + 1;
        let record = match recording.read() {
            Ok(Some(record)) => record,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        let (peer, direction, outcome, datagram) = match record {
            Record::Peer { name, .. } => {
                peers.push(name.escape_debug().to_string());
                continue;
            }
            Record::Step { .. } => {
                now = next_step(&mut ahead);
                continue;
            }
            Record::Received { peer, datagram } => (peer, "in", None, datagram),
            Record::Sent { peer, outcome, datagram } => (peer, "out", Some(outcome), datagram),
            _ => continue,
        };
        let program = running.of(peer, datagram);
        let peer = peers.get(peer as usize).map_or("?", String::as_str);
        let messages = decode(datagram, &names, program);
        let outcome = outcome.filter(|outcome| *outcome != Outcome::Sent).map(not_sent);
        if as_json {
            let line = json!({
                "record": number, "time_us": now.map(micros), "direction": direction,
                "datapath": peer, "not_sent": outcome, "messages": messages,
            });
            writeln!(out, "{line}")?;
        } else {
            let time =
                now.map_or_else(|| "?".to_owned(), |now| format!("{:.6}", now.as_secs_f64()));
            let outcome = outcome.map_or_else(String::new, |why| format!(" ({why})"));
            writeln!(out, "{number} {time} {direction} {peer}: {}{outcome}", line(&messages))?;
        }
    };
    out.flush()?;
    match (error, recording.ending()) {
        (Some(error), _) => Err(unreadable(path, &error)),
        (None, Some(Ending::Cut { .. })) => {
            let (file, record) = (path.display(), recording.records());
            eprintln!("ccp: {file} is cut off after record {record}");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Which program each flow runs.
#[derive(Default)]
struct Running(HashMap<(u32, FlowId), ProgramUid>);

impl Running {
    /// The program of the flow that a datagram to or from a peer is about.
    fn of(&mut self, peer: u32, datagram: &[u8]) -> Option<ProgramUid> {
        for message in Messages::new(datagram).flatten() {
            if let Message::ChangeProg(change) = message {
                // Beyond that, variables have no names.
                if self.0.len() < MOST_FLOWS {
                    self.0.insert((peer, change.flow), change.program_uid);
                }
            }
        }
        self.0.get(&(peer, flow_of(datagram)?)).copied()
    }
}

/// The time of the step that comes next, if one does.
fn next_step(ahead: &mut Recording) -> Option<Duration> {
    loop {
        match ahead.read() {
            Ok(Some(Record::Step { now })) => return Some(now),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}

fn not_sent(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sent => "sent",
        Outcome::Full => "its queue was full",
        Outcome::Gone => "it was gone",
        Outcome::TooLong => "too long for the transport",
        Outcome::Closed => "the socket was closed",
        Outcome::Refused => "the system refused",
    }
}

/// What the agent of today calls the variables of its programs.
struct Names(Option<ReplayAgent>);

impl Scopes for Names {
    fn scope(&self, program: ProgramUid) -> Option<&Scope> {
        self.0.as_ref().and_then(|agent| agent.scope(program))
    }
}

/// Flows whose program is remembered.
const MOST_FLOWS: usize = 1 << 16;
