//! How many instructions the same program has in portus's code and in ours.
//!
//! Optimised code is never longer than portus's, whatever program both compilers take.

#[allow(dead_code, reason = "the tests that write expectations use the rest")]
#[path = "../../../ccp-lang/tests/files/format.rs"]
mod format;
mod registry;

use std::fs;
use std::path::{Path, PathBuf};

use ccp_algs::{BbrAlg, RenoAlg, ReportEvery, reno, window};
use ccp_ipc::chan;
use ccp_lang::{Compiler, Opt, RECORD_LEN};
use ccp_runtime::CongAlg;
use format::File;

/// A program, where it is from and what is compiled with.
struct Sample {
    name: String,
    source: String,
    compiler: Compiler,
}

#[test]
fn optimised_code_is_never_longer_than_portus_s_and_shorter_in_all() {
    let groups = [
        ("file tests", 40, file_tests()),
        // They use what portus's language lacks.
        ("algorithms", 0, algorithms()),
        ("documentation", 8, documentation()),
        ("published for portus", 10, published()),
    ];
    // Portus panics at some of the programs.
    std::panic::set_hook(Box::new(|_| {}));
    let sizes = groups.map(|(group, least, samples)| {
        let sizes =
            samples.into_iter().filter_map(|sample| sizes(&sample).map(|sizes| (sample, sizes)));
        (group, least, sizes.collect::<Vec<_>>())
    });
    let _ = std::panic::take_hook();

    println!("{:>48} {:>5} {:>5} {:>6}", "instructions", "none", "full", "portus");
    let mut longer = Vec::new();
    let mut all = [0; 3];
    for (group, least, sizes) in sizes {
        let mut sum = [0; 3];
        let mut taken = 0;
        for (sample, (none, full, portus)) in &sizes {
            let theirs = portus.map_or(String::from("-"), |portus| portus.to_string());
            println!("{:>48} {none:>5} {full:>5} {theirs:>6}", sample.name);
            if full > none {
                longer.push(format!("{}: {full} and {none} as written", sample.name));
            }
            let Some(portus) = *portus else { continue };
            taken += 1;
            for (sum, size) in sum.iter_mut().zip([*none, *full, portus]) {
                *sum += size;
            }
            if *full > portus {
                longer.push(format!("{}: {full} and {portus}", sample.name));
            }
        }
        let name = format!("{group}: {taken} of {} on both", sizes.len());
        println!("{name:>48} {:>5} {:>5} {:>6}", sum[0], sum[1], sum[2]);
        assert!(taken >= least, "{group}: portus took only {taken}");
        all.iter_mut().zip(sum).for_each(|(all, sum)| *all += sum);
    }
    println!("{:>48} {:>5} {:>5} {:>6}", "all on both", all[0], all[1], all[2]);
    assert!(longer.is_empty(), "longer than portus's code:\n{}", longer.join("\n"));
    assert!(all[1] < all[2], "{} in all, portus {}", all[1], all[2]);
}

/// Instructions as they were written, optimised, and from portus if it takes the program. Nothing if
/// ours does not.
fn sizes(sample: &Sample) -> Option<(usize, usize, Option<usize>)> {
    let ours = |opt| {
        let compiled = sample.compiler.clone().opt(opt).compile(&sample.source).ok()?;
        Some(compiled.program.code().instrs.len())
    };
    Some((ours(Opt::None)?, ours(Opt::Full)?, by_portus(&sample.source)))
}

fn by_portus(source: &str) -> Option<usize> {
    // Of its own it has comments too, but not everywhere.
    let lines = source.lines().map(|line| line.split('#').next().unwrap_or_default());
    let bare = lines.collect::<Vec<_>>().join("\n");
    let compiled = std::panic::catch_unwind(|| {
        let (bin, _) = portus::lang::compile(bare.trim().as_bytes(), &[]).ok()?;
        let events = bin.events.len();
        Some(bin.serialize().ok()?.len() / RECORD_LEN - events)
    });
    compiled.ok().flatten()
}

fn file_tests() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ccp-lang/tests/files");
    let mut samples = Vec::new();
    // What stands in for primitives that a datapath lacks is more code, and portus has nothing like it.
    let comparable = |path: &PathBuf| path.file_stem().is_none_or(|stem| stem != "stand_ins");
    for path in format::walk(&folder).into_iter().filter(comparable) {
        let bytes = fs::read(&path).unwrap();
        let file = File::parse(&bytes).unwrap();
        let compiler = format::compiler(file.settings().into_iter().map(|(_, setting)| setting));
        for (number, program) in (1..).zip(file.programs()) {
            let Ok(source) = String::from_utf8(program) else { continue };
            let stem = path.file_stem().unwrap().to_string_lossy();
            let name = if number == 1 { stem.into() } else { format!("{stem} {number}") };
            samples.push(Sample { name, source, compiler: compiler.clone() });
        }
    }
    samples
}

fn algorithms() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |of: &str, programs: Vec<(&str, String)>| {
        for (name, source) in programs {
            let name = format!("{name} {of}");
            samples.push(Sample { name, source, compiler: Compiler::new().allow_all() });
        }
    };
    for hystart in window::HyStart::ALL {
        let mut config = reno::Config::default();
        config.hystart = hystart;
        add("", named(&RenoAlg::new(config)));
    }
    for report in [ReportEvery::Rtt, ReportEvery::Ack] {
        add(&report.to_string(), named(&BbrAlg::default().report(report)));
    }
    samples
}

fn named<A: CongAlg<chan::Socket>>(alg: &A) -> Vec<(&'static str, String)> {
    let mut programs: Vec<_> = alg.datapath_programs().into_iter().collect();
    programs.sort();
    programs
}

/// The whole programs in the documentation, among them those for which it has files.
fn documentation() -> Vec<Sample> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut paths: Vec<_> = fs::read_dir(docs).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let mut samples = Vec::new();
    let mut add = |name: String, source: &str| {
        let compiler = Compiler::new().allow_all();
        samples.push(Sample { name, source: source.into(), compiler });
    };
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".ccp") {
            add(name, &fs::read_to_string(&path).unwrap());
        } else if name.ends_with(".md") {
            let text = fs::read_to_string(&path).unwrap();
            for (number, part) in (1..).zip(text.split("```ccp\n").skip(1)) {
                add(format!("{name} {number}"), part.split("```").next().unwrap());
            }
        }
    }
    samples
}

/// Programs in the sources of portus, and of an algorithm for it.
fn published() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (package, files) in registry::WITH_PROGRAMS {
        let folder = registry::sources(package).expect("Cargo has its sources");
        for file in files {
            let Ok(text) = fs::read_to_string(folder.join(file)) else { continue };
            for (number, source) in (1..).zip(registry::programs(&text)) {
                let name = format!("{package} {file} {number}");
                samples.push(Sample { name, source, compiler: Compiler::new().allow_all() });
            }
        }
    }
    samples
}
