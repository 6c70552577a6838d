//! What is known of one flow at some place in a recording. Read from its beginning, so that a replay has to remember
//! nothing of any flow.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use ccp_ipc::record::{Outcome, ReadError, Reader, Record};
use ccp_lang::Reg;
use ccp_runtime::ProgramUid;
use ccp_wire::{FlowId, Message, Messages, Updates};
use serde_json::{Map, Value, json};

use super::message::{Scopes, register, report};
use super::printable;

/// A flow, as its datapath has been told and has told.
#[derive(Debug, Default)]
pub(super) struct Flow {
    asked_for: String,
    init_cwnd: u32,
    mss: u32,
    /// Bytes, as the agent last set it.
    cwnd: Option<u64>,
    /// Bytes per second, as the agent last set it.
    rate: Option<u64>,
    pub(super) program: Option<ProgramUid>,
    /// Control variables of that program that the agent has set, by class and index.
    controls: BTreeMap<(u8, u32), u64>,
    report: Option<Report>,
    reports: u64,
}

#[derive(Debug)]
struct Report {
    program: ProgramUid,
    values: Vec<u64>,
    at: Duration,
}

impl Flow {
    /// What `reader` holds of a flow up to the record of this number, and the step that this is part of: received
    /// datagrams are taken to the end of it, sent ones only before the record.
    pub(super) fn find<R: Read>(
        mut reader: Reader<R>,
        record: u64,
        peer: u32,
        flow: FlowId,
    ) -> Result<Option<Self>, ReadError> {
        let mut found = None;
        loop {
            let number = reader.records() + 1;
            let Some(read) = reader.read()? else { return Ok(found) };
            match read {
                Record::Start => found = None,
                Record::Received { peer: from, datagram } if from == peer => {
                    received(&mut found, flow, datagram);
                }
                Record::Sent { peer: to, outcome: Outcome::Sent, datagram }
                    if to == peer && number < record =>
                {
                    if let Some(found) = &mut found {
                        found.sent(flow, datagram);
                    }
                }
                Record::Step { now } => {
                    if let Some(Self { report: Some(report), .. }) = &mut found {
                        // Of the step that ends only now.
                        report.at = if report.at == NOT_KNOWN { now } else { report.at };
                    }
                    if number >= record {
                        return Ok(found);
                    }
                }
                _ => {}
            }
        }
    }

    fn sent(&mut self, flow: FlowId, datagram: &[u8]) {
        for message in Messages::new(datagram).flatten() {
            match message {
                Message::UpdateFields(update) if update.flow == flow => self.set(&update.fields),
                Message::ChangeProg(change) if change.flow == flow => {
                    self.program = Some(change.program_uid);
                    self.controls.clear();
                    self.set(&change.fields);
                }
                _ => {}
            }
        }
    }

    fn set(&mut self, fields: &Updates<'_>) {
        for set in fields.iter() {
            let is = |reg: Reg| reg.class.code() == set.class && reg.index == set.index;
            if is(Reg::CWND) {
                self.cwnd = Some(set.value);
            } else if is(Reg::RATE) {
                self.rate = Some(set.value);
            } else if self.controls.len() < MOST_CONTROLS {
                self.controls.insert((set.class, set.index), set.value);
            }
        }
    }

    /// What the agent has set of its program, by name.
    fn controls(&self, scopes: &dyn Scopes) -> Map<String, Value> {
        let scope = self.program.and_then(|program| scopes.scope(program));
        let name = |&(class, index): &(u8, u32)| register(scope, class, index);
        self.controls.iter().map(|(reg, &value)| (name(reg), value.into())).collect()
    }

    pub(super) fn to_json(&self, flow: FlowId, scopes: &dyn Scopes) -> Value {
        let last_report = self.report.as_ref().map(|last| {
            json!({
                "time_us": micros(last.at), "program": last.program.0,
                "values": report(scopes.scope(last.program), &last.values),
            })
        });
        json!({
            "flow": flow.0, "asked_for": self.asked_for, "mss": self.mss, "init_cwnd": self.init_cwnd,
            "cwnd": self.cwnd, "rate": self.rate, "program": self.program.map(|program| program.0),
            "controls": self.controls(scopes),
            "reports": self.reports, "last_report": last_report,
        })
    }

    pub(super) fn to_lines(&self, flow: FlowId, scopes: &dyn Scopes) -> Vec<String> {
        let or = |value: Option<u64>, unit: &str| {
            value.map_or_else(|| "not set".to_owned(), |value| format!("{value} {unit}"))
        };
        let program =
            self.program.map_or_else(|| "none".to_owned(), |program| program.0.to_string());
        let mut lines = vec![format!(
            "flow {flow}: window {} (began with {}), rate {}, program {program}, mss {}, asked for {}",
            or(self.cwnd, "bytes"),
            self.init_cwnd,
            or(self.rate, "bytes/s"),
            self.mss,
            if self.asked_for.is_empty() { "none".into() } else { printable(&self.asked_for) },
        )];
        let words = |values: Map<String, Value>| -> String {
            let words: Vec<_> =
                values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            words.join(" ")
        };
        if !self.controls.is_empty() {
            lines.push(format!(
                "its program's variables as last set: {}",
                words(self.controls(scopes))
            ));
        }
        lines.push(match &self.report {
            Some(last) => {
                let values = report(scopes.scope(last.program), &last.values);
                let (n, at) = (self.reports, last.at.as_secs_f64());
                let program = last.program;
                format!("its report {n}, at {at:.6} s, of program {program}: {}", words(values))
            }
            None => "it has not reported".to_owned(),
        });
        lines
    }
}

fn received(found: &mut Option<Flow>, flow: FlowId, datagram: &[u8]) {
    for message in Messages::new(datagram).flatten() {
        match message {
            Message::Ready(_) => *found = None,
            Message::Create(create) if create.flow == flow => {
                *found = Some(Flow {
                    asked_for: create.cong_alg.to_owned(),
                    init_cwnd: create.init_cwnd,
                    mss: create.mss,
                    ..Flow::default()
                });
            }
            Message::Measure(measure) if measure.flow == flow && measure.is_close() => {
                *found = None;
            }
            Message::Measure(measure) if measure.flow == flow => {
                if let Some(found) = found {
                    found.reports += 1;
                    let values = measure.fields.iter().collect();
                    let (program, at) = (measure.program_uid, NOT_KNOWN);
                    found.report = Some(Report { program, values, at });
                }
            }
            _ => {}
        }
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A time that is told by a later record.
const NOT_KNOWN: Duration = Duration::MAX;

/// More than a program may have that can be set.
const MOST_CONTROLS: usize = 256;
