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

use crate::record::Recording;
use crate::{Failure, page};
use file::OutFile;
use plan::Plan;
use progress::Progress;
use series::Run;

/// Runs it and prints what came out.
pub(crate) fn sim(args: &args::Sim) -> Result<(), Failure> {
    let mut plan = Plan::of(args)?;
    let outs = [("--html", &args.html), ("--series", &args.series), ("--record", &args.record)];
    for (place, (flag, file)) in outs.iter().enumerate() {
        let mut before = outs.iter().take(place);
        if let Some((other, _)) = before.find(|(_, it)| it.is_some() && it == file) {
            return Err(Failure::Usage(format!("{other} and {flag} name the same file")));
        }
    }
    let html = args.html.as_deref().map(|path| OutFile::open("--html", path)).transpose()?;
    let series = args.series.as_deref().map(|path| OutFile::open("--series", path)).transpose()?;
    if html.is_none() && series.is_none() {
        plan.scenario.sample_every = Duration::ZERO;
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
