//! What a program does on an ACK, in the words of its source.

use std::fmt::{self, Display};

use ccp_lang::{Class, Code, Compiled, Instr, LineIndex, Observed, Op, Reg, Scope, Span, Trap};

/// A program with its source.
pub(super) struct Teller<'s> {
    source: &'s [u8],
    lines: LineIndex<'s>,
    code: &'s Code,
    spans: &'s [Span],
    scope: &'s Scope,
}

/// The last write to the window or the rate.
#[derive(Clone, Copy)]
struct Write {
    value: u64,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    Setting,
    /// The instruction of this index.
    Instr(u32),
}

/// What changed in one invocation, and which events it came to.
#[derive(Default)]
pub(super) struct Why {
    cwnd: Option<Write>,
    rate: Option<Write>,
    /// Events whose conditions held.
    held: Vec<u32>,
    /// No later event was looked at.
    stopped: bool,
    /// With the values of its operands.
    trap: Option<(Trap, u64, u64)>,
}

impl<'s> Teller<'s> {
    pub(super) fn new(source: &'s [u8], compiled: &'s Compiled) -> Self {
        Self {
            source,
            lines: LineIndex::new(source),
            code: compiled.program.code(),
            spans: &compiled.spans,
            scope: &compiled.scope,
        }
    }

    /// One line of `--steps`.
    pub(super) fn step(&self, observed: &Observed) -> String {
        match *observed {
            Observed::Staged { reg, before, value } => {
                format!("set from outside: {} {before} -> {value}", self.name(reg))
            }
            Observed::Instr { at, left, right, value, before } => {
                let instr = self.instr(at);
                let result = self.name(instr.result);
                let done = match value {
                    Some(value) => format!("{result}={value}"),
                    None => format!("{result} stays {before}"),
                };
                format!("{} -> {done}  ; {}", self.operation(instr, left, right), self.at(at))
            }
            Observed::Trap { trap, left, right } => {
                let operation = self.operation(self.instr(trap.at()), left, right);
                format!("{operation} -> {}  ; {}", what(trap), self.at(trap.at()))
            }
            Observed::Condition { event, holds } => {
                let holds = if holds { "holds" } else { "does not hold" };
                format!("{holds}: {}", self.event(event))
            }
            Observed::Stopped { .. } => "stops: no later event is looked at".to_owned(),
            Observed::FellThrough { .. } => "falls through to the next event".to_owned(),
            Observed::Reset { reg, value } => {
                format!("reset after the report: {}={value}", self.name(reg))
            }
            ref other => format!("{other:?}"),
        }
    }

    /// The lines of `--why`; `before` are the window and rate in use when the ACK came.
    pub(super) fn why(&self, why: &Why, before: (u64, u64)) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, before, write) in [("Cwnd", before.0, why.cwnd), ("Rate", before.1, why.rate)] {
            let Some(Write { value, by }) = write else {
                continue;
            };
            let by = match by {
                By::Setting => "from outside".to_owned(),
                By::Instr(at) => format!("by {}", self.at(at)),
            };
            let note = if value == 0 { ", and 0 leaves what is in use" } else { "" };
            lines.push(format!("{name} {before} -> {value} {by}{note}"));
        }
        if lines.is_empty() {
            lines.push("nothing wrote Cwnd or Rate".to_owned());
        }
        if let Some((trap, left, right)) = why.trap {
            lines.extend(why.held.iter().map(|&event| format!("held: {}", self.event(event))));
            let operation = self.operation(self.instr(trap.at()), left, right);
            lines.push(format!("trapped: {}", self.at(trap.at())));
            lines.push(format!(
                "{operation}: {}; the program's Cwnd, Rate and report are lost",
                what(trap)
            ));
            return lines;
        }
        let Some((&last, before)) = why.held.split_last() else {
            lines.push("no condition held".to_owned());
            return lines;
        };
        lines.extend(before.iter().map(|&event| format!("held: {}", self.event(event))));
        let end = if why.stopped { "stopped there" } else { "no later condition held" };
        lines.push(format!("decided: {}; {end}", self.event(last)));
        lines
    }

    fn operation(&self, instr: Instr, left: u64, right: u64) -> String {
        let operands = instr.op.operands();
        let mut text = instr.op.to_string();
        let mut separator = " ";
        for (reads, reg, value) in
            [(operands.reads_left, instr.left, left), (operands.reads_right, instr.right, right)]
        {
            if reads {
                let operand = match reg.class {
                    Class::Immediate => value.to_string(),
                    _ => format!("{}={value}", self.name(reg)),
                };
                text = format!("{text}{separator}{operand}");
                separator = ", ";
            }
        }
        text
    }

    fn instr(&self, at: u32) -> Instr {
        let nothing = Instr::new(Op::Def, Reg::temp(0), Reg::temp(0), Reg::temp(0));
        self.code.instrs.get(at as usize).copied().unwrap_or(nothing)
    }

    /// The place and text that an instruction comes from.
    fn at(&self, at: u32) -> impl Display {
        let span = self.spans.get(at as usize).copied().unwrap_or_default();
        Excerpt { place: self.lines.position(span.start).to_string(), text: self.text(span) }
    }

    /// The condition of an event.
    fn event(&self, event: u32) -> impl Display {
        let event = self.code.events.get(event as usize);
        // The last instruction of the condition is all of it.
        let last = event.and_then(|event| event.flag().last().or_else(|| event.body().next()));
        let span = last.and_then(|at| self.spans.get(at as usize)).copied().unwrap_or_default();
        let text = format!("when {}", self.text(span));
        Excerpt { place: self.lines.position(span.start).to_string(), text }
    }

    /// The text of a span in one line, without comments.
    fn text(&self, span: Span) -> String {
        let text = String::from_utf8_lossy(self.source.get(span.range()).unwrap_or_default());
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        let line = words.join(" ").replace("( ", "(").replace(" )", ")");
        match line.char_indices().nth(MOST_CHARS) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
            None => line,
        }
    }

    fn name(&self, reg: Reg) -> String {
        self.scope.variable(reg).map_or_else(|| reg.to_string(), |found| found.name.to_string())
    }
}

impl Why {
    pub(super) fn take(&mut self, code: &Code, observed: &Observed) {
        match *observed {
            Observed::Staged { reg, value, .. } => self.write(reg, value, By::Setting),
            Observed::Instr { at, value: Some(value), .. } => {
                if let Some(instr) = code.instrs.get(at as usize) {
                    self.write(instr.result, value, By::Instr(at));
                }
            }
            Observed::Trap { trap, left, right } => self.trap = Some((trap, left, right)),
            Observed::Condition { event, holds: true } => self.held.push(event),
            Observed::Stopped { .. } => self.stopped = true,
            _ => {}
        }
    }

    fn write(&mut self, reg: Reg, value: u64, by: By) {
        let write = Some(Write { value, by });
        match reg {
            Reg::CWND => self.cwnd = write,
            Reg::RATE => self.rate = write,
            _ => {}
        }
    }
}

/// A place in the source and what stands there.
struct Excerpt {
    place: String,
    text: String,
}

impl Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.text)
    }
}

/// What went wrong, without the instruction's number.
fn what(trap: Trap) -> String {
    let text = trap.to_string();
    text.split_once(": ").map_or_else(|| text.clone(), |(_, what)| what.to_owned())
}

/// Of an expression's text.
const MOST_CHARS: usize = 100;
