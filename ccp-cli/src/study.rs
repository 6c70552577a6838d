//! `ccp study`: all algorithms compared on a few links, as one table and one page.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context;
use ccp_algs::registry;
use ccp_sim::{Flow, Link, QueueLimit, Scenario, Trace, traces};

use crate::args::Study;
use crate::sim::file::OutFile;
use crate::sim::flows::NamedFlow;
use crate::sim::plan::{Plan, RATE, RTT, TIME};
use crate::sim::progress::Progress;
use crate::sim::series::{Row, Run};
use crate::{Failure, page};

/// Runs it and prints the table.
pub(crate) fn study(args: &Study) -> Result<(), Failure> {
    let html = args.html.as_deref().map(|path| OutFile::open("--html", path)).transpose()?;
    let groups = groups()?;
    let of: usize = groups.iter().map(|group| group.flows.len()).sum();
    let mut table = Vec::new();
    let mut progress = Progress::new(args.quiet);
    let mut runs = Vec::new();
    for group in groups {
        write_head(&mut table, &group.title)?;
        for algs in group.flows {
            progress.show(format_args!("study: run {} of {of}", runs.len() + 1));
            let mut scenario = group.scenario.clone().seed(args.seed);
            scenario.sample_every = if html.is_some() { SAMPLE_EVERY } else { Duration::ZERO };
            let flow = |alg: &str| NamedFlow { alg: alg.to_owned(), flow: Flow::default() };
            let plan = Plan::new(scenario, algs.iter().copied().map(flow).collect())
                .map_err(Failure::Usage)?;
            let results = plan.run(|_| ()).context("a simulation failed")?;
            let run = Run { group: group.title.clone(), ..Run::new(&plan, &results) };
            write_run(&mut table, &run)?;
            runs.push(run);
        }
    }
    drop(progress);
    // The page first: whoever reads the table may stop early.
    if let Some(html) = html {
        html.write(|out| out.write_all(page::render(&runs).as_bytes()))?;
    }
    Ok(io::stdout().write_all(&table).context("cannot write to standard output")?)
}

/// Runs that differ in their algorithms alone.
struct Group {
    title: String,
    scenario: Scenario,
    /// The algorithms of each run's flows.
    flows: Vec<Vec<&'static str>>,
}

fn groups() -> Result<Vec<Group>, Failure> {
    let fixed = Link::new(RATE, RTT);
    let trace = Trace::parse("a recorded LTE link", traces::CELLULAR_DOWN)
        .context("the recorded link is broken")?;
    let cellular = Link::with_trace(trace, RTT).queue(QueueLimit::Packets(CELLULAR_QUEUE));
    let all = || registry::ALL.iter().map(|info| info.name);
    let alone = || all().map(|alg| vec![alg]).collect();
    let pairs = || all().map(|alg| vec![alg, alg]).collect();
    let rivals = |times: f64| Group {
        title: format!("CUBIC against BBR, 48 Mbit/s, 20 ms, {times} BDP, from 20 s to 60 s"),
        scenario: shared(fixed.clone().queue(QueueLimit::Bdp(times))),
        flows: vec![vec!["cubic", "bbr"]],
    };
    Ok(vec![
        Group {
            title: "Alone, 48 Mbit/s, 20 ms, 1 BDP, 30 s".to_owned(),
            scenario: Scenario::new(fixed.clone()).time(TIME),
            flows: alone(),
        },
        Group {
            title: "Alone, a recorded LTE link, 20 ms, 100 packets, 60 s".to_owned(),
            scenario: Scenario::new(cellular).time(2 * TIME),
            flows: alone(),
        },
        Group {
            title: "Two of a kind, 48 Mbit/s, 20 ms, 1 BDP, from 20 s to 60 s".to_owned(),
            scenario: shared(fixed.clone()),
            flows: pairs(),
        },
        rivals(SHALLOW),
        rivals(DEEP),
    ])
}

/// Flows that share a link are looked at once they have found their places.
fn shared(link: Link) -> Scenario {
    Scenario::new(link).time(2 * TIME).measure_from(SETTLED)
}

fn write_head(out: &mut impl Write, title: &str) -> io::Result<()> {
    writeln!(
        out,
        "== {title}\n{:<14} {:>11} {:>8} {:>6} {:>6} {:>11} {:>5} {:>7} {:>7}",
        "",
        "utilisation",
        "queue ms",
        "p95 ms",
        "losses",
        "retransmits",
        "Jain",
        "reports",
        "updates"
    )
}

/// A row for all flows together; where there are several, a row for each below it.
fn write_run(out: &mut impl Write, run: &Run) -> io::Result<()> {
    write_row(out, &run.title, &run.total, run.rows.len() > 1)?;
    if run.rows.len() > 1 {
        for row in &run.rows {
            write_row(out, &format!("  {}", row.alg), row, false)?;
        }
    }
    Ok(())
}

fn write_row(out: &mut impl Write, name: &str, row: &Row, shared: bool) -> io::Result<()> {
    let jain = row.jain.filter(|_| shared).map_or(String::new(), |jain| format!("{jain:.3}"));
    let updates = row.updates.map_or(String::new(), |updates| updates.to_string());
    let line = format!(
        "{name:<14} {:>11.3} {:>8.2} {:>6.2} {:>6} {:>11} {jain:>5} {:>7} {updates:>7}",
        row.utilisation,
        row.queue_mean_ms,
        row.queue_p95_ms,
        row.losses,
        row.retransmits,
        row.reports,
    );
    writeln!(out, "{}", line.trim_end())
}

/// The queue in the evaluation of the paper on CCP, over this recording.
const CELLULAR_QUEUE: usize = 100;

/// Queues in bandwidth-delay products.
const SHALLOW: f64 = 0.5;
const DEEP: f64 = 8.0;

/// By then two flows of a kind have found their shares.
const SETTLED: Duration = Duration::from_secs(20);

/// Fine enough for the plots of a minute.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);
