//! Tables: what came out, a row for each flow and one for the link.

use maud::{Markup, html};

use super::scale::{Quantity, count, percent};
use crate::sim::series::{Row, Run};

/// A column: what it is called, what that means, and its text for a row; none is an empty cell.
struct Column {
    head: &'static str,
    means: &'static str,
    cell: fn(&Row) -> Option<String>,
    /// Whether it is left out if no row has anything to say.
    seldom: Option<fn(&Row) -> bool>,
}

/// The table of one run.
pub(super) fn of(run: &Run) -> Markup {
    let named = |row: Row| Named { label: html! { (label(run, &row)) }, class: class(&row), row };
    table("What came out", &[Group { title: "", rows: rows(run).into_iter().map(named).collect() }])
}

/// The table of several runs; `target` gives each run's place on the page.
pub(super) fn of_all(runs: &[Run], target: fn(usize) -> String) -> Markup {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        let link = html! { a href={ "#" (target(place)) } { (run.title) } };
        let row = Row { jain: run.total.jain.filter(|_| run.rows.len() > 1), ..run.total.clone() };
        let mut rows = vec![Named { label: link, class: None, row }];
        if run.rows.len() > 1 && !is_shortened(run) {
            rows.extend(run.rows.iter().map(|row| Named {
                label: html! { (label(run, row)) },
                class: Some("part-of"),
                row: row.clone(),
            }));
        }
        match groups.last_mut() {
            Some(group) if group.title == run.group => group.rows.extend(rows),
            _ => groups.push(Group { title: &run.group, rows }),
        }
    }
    table("What came out of all runs", &groups)
}

/// Whether the table of several runs has only one row for this one.
pub(super) fn is_shortened(run: &Run) -> bool {
    run.rows.len() > MOST_ROWS
}

/// Rows that belong together.
struct Group<'a> {
    /// What stands above them; empty: nothing.
    title: &'a str,
    rows: Vec<Named>,
}

/// A row with what stands before it.
struct Named {
    label: Markup,
    class: Option<&'static str>,
    row: Row,
}

fn table(caption: &str, groups: &[Group<'_>]) -> Markup {
    let rows = || groups.iter().flat_map(|group| &group.rows).map(|named| &named.row);
    let columns: Vec<&Column> = COLUMNS
        .iter()
        .filter(|column| column.seldom.is_none_or(|worth| rows().any(worth)))
        .collect();
    html! {
        // It may be wider than a phone: whoever has no pointer scrolls it with the keyboard.
        div.wide role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead {
                    tr {
                        th scope="col" { "flow" }
                        @for column in &columns {
                            th.n scope="col" { abbr title=(column.means) { (column.head) } }
                        }
                    }
                }
                @for group in groups {
                    tbody {
                        @if !group.title.is_empty() {
                            tr.title {
                                th scope="rowgroup" colspan=(columns.len() + 1) {
                                    span { (group.title) }
                                }
                            }
                        }
                        @for named in &group.rows {
                            tr class=[named.class] {
                                th scope="row" { (named.label) }
                                @for column in &columns {
                                    td { (text(column, &named.row)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A run's rows. A flow that is alone is all of the link's traffic: that row would only repeat its own.
fn rows(run: &Run) -> Vec<Row> {
    match run.rows.as_slice() {
        [row] => vec![Row { updates: row.updates.or(run.total.updates), ..row.clone() }],
        rows => rows.iter().chain([&run.total]).cloned().collect(),
    }
}

/// A row's name: as the plots call the flow.
fn label<'a>(run: &'a Run, row: &'a Row) -> &'a str {
    let flow = row.flow.and_then(|place| run.flows.get(place));
    match flow {
        Some(flow) => &flow.label,
        None if row.flow.is_none() => "link, all flows",
        None => &row.alg,
    }
}

fn class(row: &Row) -> Option<&'static str> {
    row.flow.is_none().then_some("link")
}

fn text(column: &Column, row: &Row) -> String {
    (column.cell)(row).unwrap_or_else(|| "–".to_owned())
}

fn milliseconds(value: f64) -> Option<String> {
    Some(Quantity::Seconds.show(value / 1e3))
}

/// How many flows of one run have rows in the table of several.
const MOST_ROWS: usize = 4;

const COLUMNS: &[Column] = &[
    Column {
        head: "throughput",
        means: "bits per second through the link, headers included",
        cell: |row| Some(Quantity::BitRate.show(row.throughput)),
        seldom: None,
    },
    Column {
        head: "utilisation",
        means: "the part of what the link could carry",
        cell: |row| Some(percent(row.utilisation)),
        seldom: None,
    },
    Column {
        head: "mean queueing",
        means: "how long packets waited at the link, on average",
        cell: |row| milliseconds(row.queue_mean_ms),
        seldom: None,
    },
    Column {
        head: "95th percentile",
        means: "95 of 100 packets waited no longer at the link",
        cell: |row| milliseconds(row.queue_p95_ms),
        seldom: None,
    },
    Column {
        head: "losses",
        means: "packets that the sender took to be lost",
        cell: |row| Some(count(row.losses)),
        seldom: None,
    },
    Column {
        head: "spurious",
        means: "packets taken to be lost that arrived after all",
        cell: |row| Some(count(row.spurious)),
        seldom: Some(|row| row.spurious > 0),
    },
    Column {
        head: "sent again",
        means: "packets sent again",
        cell: |row| Some(count(row.retransmits)),
        seldom: None,
    },
    Column {
        head: "timeouts",
        means: "retransmission timeouts",
        cell: |row| Some(count(row.timeouts)),
        seldom: Some(|row| row.timeouts > 0),
    },
    Column {
        head: "dropped",
        means: "packets that the queue dropped",
        cell: |row| Some(count(row.dropped)),
        seldom: None,
    },
    Column {
        head: "lost",
        means: "packets lost on the way to the queue",
        cell: |row| Some(count(row.lost)),
        seldom: Some(|row| row.lost > 0),
    },
    Column {
        head: "marked",
        means: "packets with an ECN mark",
        cell: |row| Some(count(row.marked)),
        seldom: Some(|row| row.marked > 0),
    },
    Column {
        head: "reports",
        means: "reports to the agent",
        cell: |row| Some(count(row.reports)),
        seldom: None,
    },
    Column {
        head: "updates",
        means: "updates from the agent",
        cell: |row| row.updates.map(count),
        seldom: Some(|row| row.updates.is_some()),
    },
    Column {
        head: "Jain index",
        means: "how equally the flows share: 1 if all have the same",
        cell: |row| row.jain.map(|jain| format!("{jain:.3}")),
        seldom: Some(|row| row.jain.is_some()),
    },
    Column {
        head: "completed",
        means: "when all was acknowledged, since the flow's start",
        cell: |row| row.completed_ms.and_then(milliseconds),
        seldom: Some(|row| row.completed_ms.is_some()),
    },
];
