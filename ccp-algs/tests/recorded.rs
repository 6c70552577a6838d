//! Recorded runs: on the same reports each algorithm decides as it did when its run was recorded, to the last byte.
//!
//! `ccp replay ccp-algs/tests/recorded/FILE` shows a difference with the flow's state. When a change is meant to change
//! decisions or programs, `CCP_RECORD=1 cargo test -p ccp-algs --test recorded` records the runs anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ccp_algs::{Spec, Specs, registry};
use ccp_ipc::record::{Ending, Next, Reader, Recorded, Replay, WhenFull, recorder};
use ccp_runtime::{BackendBuilder, RunBuilder};
use ccp_sim::{Change, Flow, Link, Rate, Scenario, Source};

#[test]
fn each_algorithm_decides_as_when_its_run_was_recorded() {
    for info in registry::ALL {
        let file = file(info.name);
        if std::env::var_os("CCP_RECORD").is_some() {
            std::fs::write(&file, record(info.name)).unwrap();
        }
        let bytes = std::fs::read(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; CCP_RECORD=1 records it", file.display()));
        replay(&file, &bytes, info.name);
    }
}

#[test]
fn another_algorithm_decides_otherwise() {
    let bytes = std::fs::read(file("cubic")).unwrap();
    let gentle = std::panic::catch_unwind(|| replay(Path::new(""), &bytes, "cubic,beta=0.71"));
    assert!(gentle.is_err());
}

fn file(name: &str) -> PathBuf {
    let name = name.replace(':', "-");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(name + ".ccprec")
}

/// What the agent hears and says while the link is halved, packets are lost at random, and another flow comes and goes.
/// Long enough for BBR to look for the shortest round trip; few round trips, for a small file.
fn record(name: &str) -> Vec<u8> {
    let link = Link::new(Rate::mbit(2), Duration::from_millis(100)).loss(0.002);
    let halved = Change::at(Duration::from_secs(7)).rate(Rate::mbit(1));
    let other = Flow::default().start(Duration::from_secs(2)).ecn();
    let flows = [Flow::default(), other.source(Source::Bytes(50_000))];
    let scenario = Scenario::new(link.change(halved)).flows(flows).time(Duration::from_secs(12));

    let (recorder, writer) = recorder(&about(name), WhenFull::GiveUp).unwrap();
    let results = scenario
        .run_with(|BackendBuilder { sock }| {
            let sock = Recorded::new(sock, &recorder, |()| "sim".to_owned());
            RunBuilder::new(BackendBuilder { sock }).default_alg(specs(name)).build()
        })
        .unwrap();
    assert!(results.utilisation > 0.5, "{name}: {}", results.utilisation);
    drop(recorder);
    let mut file = Vec::new();
    writer.run(&mut file).unwrap();
    file
}

/// What `ccp replay` reads to know which agent was recorded.
fn about(name: &str) -> String {
    let by = format!("ccp-algs {}", env!("CARGO_PKG_VERSION"));
    format!(
        r#"{{"by":"{by}","agent":{{"default":"{name}","named":[["{name}","{name}"]],"report":"rtt"}}}}"#
    )
}

fn specs(text: &str) -> Specs {
    let spec: Spec = text.parse().unwrap();
    Specs::new(spec.clone()).with(spec.name(), spec)
}

fn replay(file: &Path, bytes: &[u8], text: &str) {
    let agent = |sock| RunBuilder::new(BackendBuilder { sock }).default_alg(specs(text)).build();
    let mut replay = Replay::new(Reader::new(bytes).unwrap());
    let mut running = None;
    while let Some(next) = replay.advance().unwrap() {
        match (next, &mut running) {
            (Next::Start, _) => running = Some(agent(replay.end()).unwrap()),
            (Next::Step { now }, Some(agent)) => drop(agent.step(now).unwrap()),
            (Next::Step { .. }, None) => panic!("{}: nothing was started", file.display()),
        }
        if let Some(difference) = replay.difference() {
            panic!(
                "{text} decides otherwise at record {} and {:?}; `cargo run -p ccp-cli -- replay {}` tells more, \
                 CCP_RECORD=1 records it anew if that is intended",
                difference.record,
                difference.now,
                file.display()
            );
        }
    }
    assert_eq!(replay.reader().ending(), Some(Ending::Whole));
    // Not an empty file, nor one of an agent that nobody spoke to.
    let counts = replay.counts();
    assert!(counts.received > 40 && counts.sent > 20, "{counts:?}");
}
