//! Two programs over the same recorded ACKs, and where they decide differently.
//!
//! The recording is a table as `ccp trace` reads it: `now_us` and primitives without their prefix.

use std::fmt::Write;
use std::process::ExitCode;

use ccp_lang::{Call, Compiled, Micros, Primitive, Primitives, Registers, Staged, compile};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [acks, one, other] = &args[..] else {
        eprintln!("usage: what_if ACKS.csv PROGRAM OTHER_PROGRAM");
        return ExitCode::from(2);
    };
    let read =
        |file: &String| std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    let compared = || compare(&read(acks)?, &read(one)?, &read(other)?);
    match compared() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A line for each ACK on which the programs differ, and how many there are.
pub(crate) fn compare(acks: &str, one: &str, other: &str) -> Result<String, String> {
    let acks = table(acks)?;
    let start = acks.first().map_or(Micros(0), |(now, _)| *now);
    let (mut one, mut other) = (Flow::new(one, start)?, Flow::new(other, start)?);
    let mut text = String::new();
    let mut different = 0;
    for (now, primitives) in &acks {
        let (one, other) = (one.ack(*now, primitives), other.ack(*now, primitives));
        if one != other {
            different += 1;
            writeln!(text, "{} us: {one} | {other}", now.0).unwrap_or_default();
        }
    }
    writeln!(text, "{different} of {} ACKs differ", acks.len()).unwrap_or_default();
    Ok(text)
}

/// A flow that follows one program. Its window feeds itself; the ACKs are those of the recording, whatever it does.
struct Flow {
    compiled: Compiled,
    registers: Registers,
    cwnd: u64,
    rate: u64,
    begins: bool,
}

impl Flow {
    fn new(source: &str, start: Micros) -> Result<Self, String> {
        let compiled = compile(source).map_err(|wrong| wrong.to_string())?;
        let registers = Registers::new(start);
        Ok(Self { compiled, registers, cwnd: 14_480, rate: 0, begins: true })
    }

    /// What it decides on one ACK.
    fn ack(&mut self, now: Micros, primitives: &Primitives) -> String {
        let mut staged = Staged::new();
        let call = Call {
            now,
            primitives,
            cwnd: self.cwnd,
            rate: self.rate,
            switched: std::mem::take(&mut self.begins),
            staged: &mut staged,
        };
        let mut report = Vec::new();
        let outcome = self
            .compiled
            .program
            .invoke(&mut self.registers, call, |values| report = values.to_vec());
        self.cwnd = outcome.cwnd.unwrap_or(self.cwnd);
        self.rate = outcome.rate.unwrap_or(self.rate);
        let mut said = format!("cwnd {}, rate {}", self.cwnd, self.rate);
        for (variable, value) in self.compiled.scope.reports().zip(report) {
            write!(said, ", {} {value}", variable.name).unwrap_or_default();
        }
        if let Some(trap) = outcome.trap {
            write!(said, ", {trap}").unwrap_or_default();
        }
        said
    }
}

/// The rows of a recording.
fn table(text: &str) -> Result<Vec<(Micros, Primitives)>, String> {
    let mut lines = (1..).zip(text.lines());
    let (_, header) = lines.next().ok_or("the recording is empty")?;
    let columns: Vec<&str> = header.split(',').map(str::trim).collect();
    let mut rows = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let (mut now, mut primitives) = (Micros(0), Primitives::new());
        if line.split(',').count() != columns.len() {
            return Err(format!("line {number}: {} columns are expected", columns.len()));
        }
        for (column, value) in columns.iter().zip(line.split(',')) {
            let value = value.trim().parse();
            let value = value.map_err(|_| format!("line {number}: {column} is no whole number"))?;
            let is_meant = |p: &&Primitive| p.name().split('.').nth(1) == Some(column);
            match Primitive::ALL.iter().find(is_meant) {
                _ if *column == "now_us" => now = Micros(value),
                Some(&primitive) => primitives.set(primitive, value),
                None => return Err(format!("there is no primitive {column}")),
            }
        }
        rows.push((now, primitives));
    }
    Ok(rows)
}
