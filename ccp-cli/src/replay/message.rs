//! Messages for people and programs: what a datagram says, with the names of variables where they are known.

use ccp_lang::{Code, Reg};
use ccp_runtime::{ProgramUid, Scope};
use ccp_wire::{FlowId, Message, Messages, Updates};
use serde_json::{Map, Value, json};

/// Where the variables of programs are looked up.
pub(super) trait Scopes {
    /// Those of the program with this number.
    fn scope(&self, program: ProgramUid) -> Option<&Scope>;
}

/// What the messages of a datagram say, one object each.
pub(super) fn decode(
    datagram: &[u8],
    scopes: &dyn Scopes,
    running: Option<ProgramUid>,
) -> Vec<Map<String, Value>> {
    let messages = Messages::new(datagram).map(|message| {
        let value = match message {
            Ok(message) => one(&message, scopes, running),
            Err(error) => json!({ "message": "malformed", "error": error.to_string() }),
        };
        match value {
            Value::Object(object) => object,
            other => Map::from_iter([("message".to_owned(), other)]),
        }
    });
    messages.collect()
}

/// The flow that a datagram is about: the first that it names.
pub(super) fn flow_of(datagram: &[u8]) -> Option<FlowId> {
    Messages::new(datagram).flatten().find_map(|message| match message {
        Message::Create(create) => Some(create.flow),
        Message::Measure(measure) => Some(measure.flow),
        Message::UpdateFields(update) => Some(update.flow),
        Message::ChangeProg(change) => Some(change.flow),
        _ => None,
    })
}

/// The same on one line.
pub(super) fn line(messages: &[Map<String, Value>]) -> String {
    let words = |message: &Map<String, Value>| {
        let mut words = Vec::new();
        for (key, value) in message {
            match (key.as_str(), value) {
                ("message", Value::String(name)) => words.push(name.clone()),
                (_, Value::Object(values)) => {
                    words.extend(values.iter().map(|(name, value)| format!("{name}={value}")));
                }
                (_, value) => words.push(format!("{key}={value}")),
            }
        }
        words.join(" ")
    };
    let lines: Vec<String> = messages.iter().map(words).collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") }
}

/// The values of a report by name; by place if the program has another number of them.
pub(super) fn report(scope: Option<&Scope>, values: &[u64]) -> Map<String, Value> {
    let names = scope.map(|scope| scope.variables().reports().map(|v| &*v.name));
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let known = names.len() == values.len();
    let name = |at: usize| match names.get(at) {
        Some(name) if known => name.strip_prefix("Report.").unwrap_or(name).to_owned(),
        _ => at.to_string(),
    };
    values.iter().enumerate().map(|(at, &value)| (name(at), value.into())).collect()
}

fn one(message: &Message<'_>, scopes: &dyn Scopes, running: Option<ProgramUid>) -> Value {
    let set = |fields: &Updates<'_>, program: Option<ProgramUid>| -> Map<String, Value> {
        let scope = program.and_then(|program| scopes.scope(program));
        let name = |class, index| register(scope, class, index);
        fields.iter().map(|set| (name(set.class, set.index), set.value.into())).collect()
    };
    match message {
        Message::Create(create) => json!({
            "message": "Create", "flow": create.flow.0, "init_cwnd": create.init_cwnd, "mss": create.mss,
            "src_port": create.src_port, "dst_port": create.dst_port, "asks_for": create.cong_alg,
        }),
        Message::Measure(measure) if measure.is_close() => {
            json!({ "message": "Close", "flow": measure.flow.0 })
        }
        Message::Measure(measure) => {
            let values: Vec<u64> = measure.fields.iter().collect();
            json!({
                "message": "Measure", "flow": measure.flow.0, "program": measure.program_uid.0,
                "values": report(scopes.scope(measure.program_uid), &values),
            })
        }
        Message::Install(install) => json!({
            "message": "Install", "program": install.program_uid.0,
            "events": install.events.len(), "instructions": install.instrs.len(),
        }),
        Message::UpdateFields(update) => json!({
            "message": "UpdateFields", "flow": update.flow.0, "values": set(&update.fields, running),
        }),
        Message::ChangeProg(change) => json!({
            "message": "ChangeProg", "flow": change.flow.0, "program": change.program_uid.0,
            "values": set(&change.fields, Some(change.program_uid)),
        }),
        Message::Ready(ready) => json!({ "message": "Ready", "id": ready.id }),
        Message::Hello(hello) => json!({
            "message": "Hello", "flags": hello.flags.0, "primitives": format!("{:#x}", hello.primitives),
            "max_programs": hello.max_programs, "max_instrs": hello.max_instrs,
        }),
        Message::Alive(alive) => json!({ "message": "Alive", "interval_ms": alive.interval_ms }),
        Message::Address(address) => json!({
            "message": "Address", "flow": address.flow.0,
            "src": address.src_ip().to_string(), "dst": address.dst_ip().to_string(),
        }),
        Message::Unknown(unknown) => json!({
            "message": format!("type {}", unknown.kind), "flow": unknown.flow.0, "bytes": unknown.body.len(),
        }),
        _ => json!({ "message": "a message of another version" }),
    }
}

pub(super) fn register(scope: Option<&Scope>, class: u8, index: u32) -> String {
    let is_it = |reg: Reg| reg.class.code() == class && reg.index == index;
    let variables = scope.map_or(&[][..], |scope| scope.variables().variables());
    let variable = variables.iter().find(|variable| is_it(variable.reg));
    match variable {
        _ if is_it(Reg::CWND) => "Cwnd".to_owned(),
        _ if is_it(Reg::RATE) => "Rate".to_owned(),
        Some(variable) => variable.name.to_string(),
        None => format!("register({class},{index})"),
    }
}

/// Whether a datagram brings a program.
pub(super) fn is_install(datagram: &[u8]) -> bool {
    Messages::new(datagram).flatten().any(|message| matches!(message, Message::Install(_)))
}

/// Where two programs of one number differ.
pub(super) fn programs_differ(recorded: &[u8], now: &[u8]) -> Option<String> {
    let code = |datagram| {
        Messages::new(datagram).flatten().find_map(|message| match message {
            Message::Install(install) => {
                let code = Code::from_records(install.events, install.instrs).ok();
                code.map(|code| (install.program_uid, code))
            }
            _ => None,
        })
    };
    let ((old_uid, old), (new_uid, new)) = (code(recorded)?, code(now)?);
    if old_uid != new_uid {
        return None;
    }
    let (lines, new_lines) = (old.to_string(), new.to_string());
    let (mut lines, mut new_lines) = (lines.lines(), new_lines.lines());
    loop {
        match (lines.next(), new_lines.next()) {
            (Some(line), Some(new_line)) if line == new_line => {}
            (None, None) => return None,
            (line, new_line) => {
                let shown = |line: Option<&str>| line.unwrap_or("(its end)").trim().to_owned();
                return Some(format!("{}, now {}", shown(line), shown(new_line)));
            }
        }
    }
}
