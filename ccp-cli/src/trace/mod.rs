//! `ccp trace`: a program over recorded ACKs.

mod tell;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use ccp_lang::{
    Call, Compiled, Micros, Primitive, PrimitiveDef, PrimitiveTable, Primitives, Registers,
    Severity, Staged, Type,
};
use serde_json::{Map, Value, json};

use self::tell::{Teller, Why};
use crate::Failure;
use crate::args::Trace;
use crate::source::{Source, compiler, table};
use crate::units::Setting;

/// Runs the program over each row and prints a JSON object for it, or tells what it does.
pub(crate) fn trace(args: &Trace, color: bool) -> Result<(), Failure> {
    let source = Source::read(&args.file)?;
    let compiled = source.compile(
        &compiler(&args.allow, &[], args.primitives.as_deref())?.opt(args.opt.into()),
        Severity::Warning,
        color,
    )?;
    let mut staged = stage(&compiled, &args.set)?;
    let mut acks = Acks::open(&args.acks, &table(args.primitives.as_deref())?)?;
    let reports: Vec<(String, Type)> = compiled
        .scope
        .reports()
        .map(|variable| {
            let name = variable.name.strip_prefix("Report.").unwrap_or(&variable.name);
            (name.to_owned(), variable.ty)
        })
        .collect();

    let teller = (args.steps || args.why).then(|| Teller::new(source.bytes(), &compiled));
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut cwnd, mut rate) = (args.cwnd, args.rate);
    let mut registers: Option<Registers> = None;
    let mut ack = 0u64;
    while let Some((now, primitives)) = acks.next()? {
        let switched = registers.is_none();
        // The first row is when the datapath of the recording started.
        let registers = registers.get_or_insert_with(|| Registers::new(now));
        let mut report = None;
        let call = Call { now, primitives: &primitives, cwnd, rate, switched, staged: &mut staged };
        let sink = |values: &[u64]| report = Some(named(&reports, values));
        let before = (cwnd, rate);
        let mut told = Vec::new();
        let outcome = match &teller {
            None => compiled.program.invoke(registers, call, sink),
            Some(teller) => {
                let mut why = Why::default();
                let code = compiled.program.code();
                let outcome = compiled.program.invoke_observed(registers, call, sink, |observed| {
                    if args.steps {
                        told.push(teller.step(&observed));
                    }
                    why.take(code, &observed);
                });
                if args.why {
                    told.extend(teller.why(&why, before));
                }
                outcome
            }
        };
        cwnd = outcome.cwnd.unwrap_or(cwnd);
        rate = outcome.rate.unwrap_or(rate);
        if teller.is_some() {
            writeln!(out, "ack {ack} at {} us: cwnd {cwnd}, rate {rate}", now.0)?;
            for line in told {
                writeln!(out, "  {line}")?;
            }
            if let Some(report) = report {
                writeln!(out, "  report {}", Value::Object(report))?;
            }
            ack += 1;
            continue;
        }
        let mut line = json!({ "ack": ack, "now_us": now.0, "cwnd": cwnd, "rate": rate });
        if let Value::Object(line) = &mut line {
            if let Some(report) = report {
                line.insert("report".to_owned(), Value::Object(report));
            }
            if let Some(trap) = outcome.trap {
                line.insert("error".to_owned(), Value::String(trap.to_string()));
            }
        }
        writeln!(out, "{line}")?;
        ack += 1;
    }
    out.flush()?;
    Ok(())
}

fn named(reports: &[(String, Type)], values: &[u64]) -> Map<String, Value> {
    reports
        .iter()
        .zip(values)
        .map(|((name, ty), &value)| {
            let value = match ty {
                Type::Bool => Value::Bool(value != 0),
                _ => Value::from(value),
            };
            (name.clone(), value)
        })
        .collect()
}

fn stage(compiled: &Compiled, settings: &[Setting]) -> Result<Staged, Failure> {
    let mut staged = Staged::default();
    for Setting { name, value } in settings {
        let variable = compiled.scope.get(name).ok_or_else(|| {
            Failure::Usage(format!("--set: the program has no variable '{name}'"))
        })?;
        staged.set(variable.reg, *value).map_err(|_| {
            Failure::Usage(format!(
                "--set: '{name}' cannot be set from outside; control variables, Cwnd and Rate can"
            ))
        })?;
    }
    Ok(staged)
}

/// The rows of a recording.
struct Acks {
    name: String,
    rows: csv::Reader<File>,
    columns: Vec<Column>,
    record: csv::StringRecord,
    /// The time of the row before.
    last: Micros,
}

#[derive(Clone, Copy)]
enum Column {
    Now,
    /// Of this index; of type Bool or a number.
    Primitive(u32, Type),
}

impl Acks {
    fn open(path: &Path, primitives: &PrimitiveTable) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        let mut rows = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let header = rows.headers().with_context(|| format!("cannot read {name}"))?;
        let mut columns = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for title in header {
            if seen.contains(&title) {
                bail!("{name}: the column '{title}' stands twice in the header");
            }
            seen.push(title);
            columns.push(column(title, primitives).ok_or_else(|| {
                anyhow!(
                    "{name}: the column '{title}' is no primitive; there are {}",
                    titles(primitives)
                )
            })?);
        }
        Ok(Self { name, rows, columns, record: csv::StringRecord::new(), last: Micros(0) })
    }

    fn next(&mut self) -> anyhow::Result<Option<(Micros, Primitives)>> {
        let more = self
            .rows
            .read_record(&mut self.record)
            .with_context(|| format!("{}: not a table", self.name))?;
        if !more {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let (mut now, mut primitives) = (Micros(0), Primitives::default());
        for (column, field) in self.columns.iter().zip(&self.record) {
            let value = match field {
                "" => 0,
                "true" => 1,
                "false" => 0,
                _ => field.parse().with_context(|| {
                    format!("{}:{line}: '{field}' is no whole number of 64 bits", self.name)
                })?,
            };
            match column {
                Column::Now => now = Micros(value),
                Column::Primitive(index, ty) => {
                    // Programs rely on it, and a transport sends nothing else.
                    if *ty == Type::Bool && value > 1 {
                        bail!("{}:{line}: '{field}' is neither true (1) nor false (0)", self.name);
                    }
                    primitives.set_index(*index, value);
                }
            }
        }
        if now < self.last {
            bail!("{}:{line}: now_us goes back, from {} to {}", self.name, self.last.0, now.0);
        }
        self.last = now;
        Ok(Some((now, primitives)))
    }
}

fn column(title: &str, table: &PrimitiveTable) -> Option<Column> {
    if title == "now_us" {
        return Some(Column::Now);
    }
    let found = settable(table).find(|primitive| short(primitive) == title)?;
    Some(Column::Primitive(found.index(), found.ty()))
}

fn titles(table: &PrimitiveTable) -> String {
    settable(table).map(short).chain(["now_us"]).collect::<Vec<_>>().join(", ")
}

/// Ack.now is not among them: it is the row's `now_us`.
fn settable(table: &PrimitiveTable) -> impl Iterator<Item = &PrimitiveDef> {
    table.iter().filter(|primitive| primitive.index() != Primitive::AckNow.index())
}

fn short(primitive: &PrimitiveDef) -> &str {
    let name = primitive.name();
    name.split_once('.').map_or(name, |(_, short)| short)
}
