//! `ccp sim`: algorithms over a link in virtual time.

pub(crate) mod args;
pub(crate) mod file;
pub(crate) mod flows;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod series;
mod summary;
pub(crate) mod table;

use std::io::{BufWriter, Write};
use std::time::Duration;

use anyhow::Context;
use ccp_ipc::record::WhenFull;
use ccp_sim::{Scenario, units};

use crate::record::Recording;
use crate::{Failure, page};
use file::OutFile;
use plan::Plan;
use progress::Progress;
use series::Run;

/// Runs it and prints what came out.
pub(crate) fn sim(args: &args::Sim) -> Result<(), Failure> {
    check_files(args)?;
    let mut plan = Plan::of(args)?;
    let html = args.html.as_deref().map(|path| OutFile::open("--html", path)).transpose()?;
    let series = args.series.as_deref().map(|path| OutFile::open("--series", path)).transpose()?;
    if html.is_none() && series.is_none() {
        plan.scenario.sample_every = Duration::ZERO;
    }
    check_points(&plan.scenario)?;
    for note in plan.notes() {
        eprintln!("ccp: {note}");
    }
    let recording = args.record.as_deref();
    // Its time stands still while the file is slow.
    let start = |path| Recording::start(Recording::open(path)?, "sim", &plan.agent, WhenFull::Wait);
    let recording = recording.map(start).transpose()?;
    let mut progress = Progress::new(args.quiet);
    let whole = plan.scenario.time.as_secs_f64();
    let see = |sim: &ccp_sim::Sim| {
        let now = sim.now().as_secs_f64();
        progress.show(format_args!("{now:.1} s of {whole:.1} s"));
    };
    let results = match &recording {
        Some(recording) => plan.run_recorded(&recording.recorder, see),
        None => plan.run(see),
    };
    let results = results.with_context(|| match &args.scenario {
        Some(path) => path.display().to_string(),
        None => "the simulation failed".to_owned(),
    })?;
    drop(progress);
    let run = Run::new(&plan, &results);

    if let Some(series) = series {
        series.write(|out| run.write_lines(out))?;
    }
    if let Some(html) = html {
        let page = page::render(std::slice::from_ref(&run));
        html.write(|out| out.write_all(page.as_bytes()))?;
    }
    print(args, &run).context("cannot write to standard output")?;
    recording.map_or(Ok(()), Recording::end)
}

/// Refuses to write two things to one file, or over what is read.
fn check_files(args: &args::Sim) -> Result<(), Failure> {
    let files = [
        ("--scenario", &args.scenario),
        ("--trace", &args.trace),
        ("--html", &args.html),
        ("--series", &args.series),
        ("--record", &args.record),
    ];
    let files =
        files.iter().filter_map(|(flag, path)| Some((*flag, file::whole(path.as_deref()?))));
    let files: Vec<_> = files.collect();
    for (place, (flag, path)) in files.iter().enumerate() {
        if let Some((other, _)) = files[..place].iter().find(|(_, other)| other == path) {
            return Err(Failure::Usage(format!("{other} and {flag} name the same file")));
        }
    }
    Ok(())
}

/// Refuses points so near to each other that memory ends before the simulation does.
fn check_points(scenario: &Scenario) -> Result<(), Failure> {
    let every = scenario.sample_every;
    let lines = scenario.flows.len() as u128 + 1;
    let points = scenario.time.as_nanos().checked_div(every.as_nanos()).unwrap_or(0) * lines;
    if points <= MOST_POINTS {
        return Ok(());
    }
    let (every, flows) = (units::duration_text(every), scenario.flows.len());
    Err(Failure::Usage(format!(
        "--sample-every: one each {every} of {flows} flows and the link makes {points} points, at most {MOST_POINTS} are kept; take a longer time"
    )))
}

fn print(args: &args::Sim, run: &Run) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.json {
        table::write_json(&mut out, run)?;
    } else if args.csv {
        table::write_csv(&mut out, run)?;
    } else {
        table::write_table(&mut out, run)?;
    }
    Ok(out.flush()?)
}

/// What fits the memory of a small machine; a thousand flows for half a minute, each 10 ms, are 3 million.
const MOST_POINTS: u128 = 10_000_000;
