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

use crate::{Failure, page};
use file::OutFile;
use plan::Plan;
use progress::Progress;
use series::Run;

/// Runs it and prints what came out.
pub(crate) fn sim(args: &args::Sim) -> Result<(), Failure> {
    let mut plan = Plan::of(args)?;
    if args.html.is_some() && args.html == args.series {
        return Err(Failure::Usage("--html and --series name the same file".to_owned()));
    }
    let html = args.html.as_deref().map(|path| OutFile::open("--html", path)).transpose()?;
    let series = args.series.as_deref().map(|path| OutFile::open("--series", path)).transpose()?;
    if html.is_none() && series.is_none() {
        plan.scenario.sample_every = Duration::ZERO;
    }
    let mut progress = Progress::new(args.quiet);
    let whole = plan.scenario.time.as_secs_f64();
    let results = plan
        .run(|sim| {
            let now = sim.now().as_secs_f64();
            progress.show(format_args!("{now:.1} s of {whole:.1} s"));
        })
        .with_context(|| match &args.scenario {
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
    Ok(())
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
