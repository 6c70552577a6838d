//! Rows as a table, as JSON Lines and as CSV.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::series::{Row, Run};

/// A table for people: a row for each flow and one for the link.
pub(crate) fn write_table(out: &mut impl Write, run: &Run) -> io::Result<()> {
    let facts = run.scenario.facts.iter().map(|(name, value)| format!("{name} {value}"));
    writeln!(out, "{}", facts.collect::<Vec<_>>().join(" | "))?;
    let names = run.rows.iter().map(|row| row.alg.chars().count()).max().unwrap_or(0).max(4);
    writeln!(
        out,
        "\n{:<names$} {:>8} {:>11} {:>8} {:>6} {:>6} {:>11} {:>8} {:>6} {:>7}",
        "flow",
        "Mbit/s",
        "utilisation",
        "queue ms",
        "p95 ms",
        "losses",
        "retransmits",
        "timeouts",
        "marked",
        "reports"
    )?;
    for row in run.rows.iter().chain([&run.total]) {
        writeln!(
            out,
            "{:<names$} {:>8.2} {:>11.3} {:>8.2} {:>6.2} {:>6} {:>11} {:>8} {:>6} {:>7}",
            row.alg,
            row.throughput / 1e6,
            row.utilisation,
            row.queue_mean_ms,
            row.queue_p95_ms,
            row.losses,
            row.retransmits,
            row.timeouts,
            row.marked,
            row.reports
        )?;
    }
    if let Some(jain) = run.total.jain.filter(|_| run.rows.len() > 1) {
        writeln!(out, "\nJain's index {jain:.3}")?;
    }
    Ok(())
}

/// One JSON object a line for each flow.
pub(crate) fn write_json(out: &mut impl Write, run: &Run) -> io::Result<()> {
    for row in &run.rows {
        let object: Map<String, Value> =
            COLUMNS.iter().map(|(name, of)| ((*name).to_owned(), of(row, run))).collect();
        serde_json::to_writer(&mut *out, &object)?;
        writeln!(out)?;
    }
    Ok(())
}

/// A header, and a row for each flow.
pub(crate) fn write_csv(out: &mut impl Write, run: &Run) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS.iter().map(|(name, _)| *name)).map_err(io_error)?;
    for row in &run.rows {
        let record = COLUMNS.iter().map(|(_, of)| match of(row, run) {
            Value::Null => String::new(),
            Value::String(text) => text,
            number => number.to_string(),
        });
        writer.write_record(record).map_err(io_error)?;
    }
    writer.flush()
}

/// What the system said; without it nobody could tell a reader that went away.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A number in parts of one over `scale`, so that what is printed does not depend on the last bit.
fn rounded(value: f64, scale: f64) -> Value {
    Value::from((value * scale).round() / scale)
}

/// Takes a column's value from a flow's row, or from what is known of all.
type Column = (&'static str, fn(&Row, &Run) -> Value);

/// What JSON and CSV hold.
const COLUMNS: &[Column] = &[
    ("flow", |row, _| Value::from(row.flow)),
    ("alg", |row, _| Value::from(row.alg.as_str())),
    ("throughput_mbit", |row, _| rounded(row.throughput / 1e6, 1e3)),
    ("utilisation", |row, _| rounded(row.utilisation, 1e4)),
    ("queue_mean_ms", |row, _| rounded(row.queue_mean_ms, 1e3)),
    ("queue_p95_ms", |row, _| rounded(row.queue_p95_ms, 1e3)),
    ("losses", |row, _| Value::from(row.losses)),
    ("spurious", |row, _| Value::from(row.spurious)),
    ("retransmits", |row, _| Value::from(row.retransmits)),
    ("timeouts", |row, _| Value::from(row.timeouts)),
    ("dropped", |row, _| Value::from(row.dropped)),
    ("lost", |row, _| Value::from(row.lost)),
    ("marked", |row, _| Value::from(row.marked)),
    ("reports", |row, _| Value::from(row.reports)),
    ("completed_ms", |row, _| row.completed_ms.map_or(Value::Null, |ms| rounded(ms, 1e3))),
    ("link_utilisation", |_, run| rounded(run.total.utilisation, 1e4)),
    ("link_queue_mean_ms", |_, run| rounded(run.total.queue_mean_ms, 1e3)),
    ("link_queue_p95_ms", |_, run| rounded(run.total.queue_p95_ms, 1e3)),
    ("jain", |_, run| run.total.jain.map_or(Value::Null, |jain| rounded(jain, 1e4))),
    ("updates", |_, run| Value::from(run.total.updates)),
];
