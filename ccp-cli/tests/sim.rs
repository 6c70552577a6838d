//! `ccp sim`: what it prints and writes, what it refuses, and what the algorithms do in it.

mod common;

use std::collections::HashMap;
use std::process::{Command, Stdio};

use common::{ccp, text, write};
use serde_json::Value;

/// What it prints, of a run that succeeds without a word on standard error.
fn sim(args: &[&str]) -> String {
    let output = ccp(&[&["sim", "--quiet"], args].concat(), "");
    assert_eq!(text(&output.stderr), "", "{args:?}");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    text(&output.stdout)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Its objects, one for each flow.
fn flows(args: &[&str]) -> Vec<Value> {
    lines(&sim(&[args, &["--json"]].concat()))
}

fn number(flow: &Value, name: &str) -> f64 {
    flow[name].as_f64().unwrap_or_else(|| panic!("{name} of {flow}"))
}

/// Exit code and standard error of a run that is to fail and prints nothing.
fn refused(args: &[&str]) -> (Option<i32>, String) {
    let output = ccp(&[&["sim"], args].concat(), "");
    assert_eq!(text(&output.stdout), "", "{args:?}");
    (output.status.code(), text(&output.stderr))
}

#[test]
fn on_the_fixed_link_reno_and_cubic_fill_it_and_bbr_nearly_with_half_their_queue() {
    let of = |alg| flows(&[alg, "--link", "48mbit,20ms", "--queue", "1bdp"]).remove(0);
    let (reno, cubic, bbr) = (of("reno"), of("cubic"), of("bbr"));
    assert!(number(&reno, "utilisation") > 0.95, "{reno}");
    assert!(number(&cubic, "utilisation") > 0.95, "{cubic}");
    assert!(number(&bbr, "utilisation") > 0.92, "{bbr}");
    let queue = |flow| number(flow, "queue_mean_ms");
    assert!(queue(&bbr) < queue(&reno).min(queue(&cubic)) / 2.0, "{bbr}");
}

#[test]
fn on_one_percent_of_loss_bbr_still_uses_the_link() {
    let bbr = flows(&["bbr", "--loss", "1%"]).remove(0);
    assert!(number(&bbr, "utilisation") > 0.85, "{bbr}");
    assert!(number(&bbr, "lost") > 500.0, "{bbr}");
}

#[test]
fn json_and_csv_have_the_same_values_for_each_flow() {
    let args = ["cubic", "cubic:linux", "--time", "3s"];
    let objects = flows(&args);
    let csv = sim(&[&args[..], &["--csv"]].concat());
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let names = rows.headers().unwrap().clone();
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!((objects.len(), rows.len()), (2, 2));
    for (object, row) in objects.iter().zip(&rows) {
        let keys: Vec<_> = object.as_object().unwrap().keys().collect();
        assert!(keys.iter().copied().eq(&names), "{keys:?} {names:?}");
        for (name, value) in names.iter().zip(row) {
            let expected = match &object[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            assert_eq!(value, expected, "{name}");
        }
        for wanted in ["utilisation", "queue_mean_ms", "queue_p95_ms", "losses", "retransmits"] {
            assert!(object[wanted].is_number(), "{wanted} of {object}");
        }
    }
    assert_eq!((&objects[0]["alg"], &objects[1]["alg"]), (&"cubic".into(), &"cubic:linux".into()));
    assert!(number(&objects[0], "utilisation") + number(&objects[1], "utilisation") > 0.9);
}

#[test]
fn the_table_has_a_row_for_each_flow_and_one_for_the_link() {
    let table = sim(&["reno", "bbr", "--time", "2s"]);
    let starts = |with: &str| table.lines().filter(|line| line.starts_with(with)).count();
    assert!(table.starts_with("link 48 Mbit/s | round trip 20ms | queue 1 BDP, 80 packets"));
    assert_eq!((starts("flow "), starts("reno "), starts("bbr ")), (1, 1, 1), "{table}");
    assert_eq!(starts("link "), 2, "{table}");
    assert_eq!(starts("Jain's index "), 1, "{table}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_others() {
    let folder = tempfile::tempdir().unwrap();
    let run = |seed: &str, name: &str| {
        let path = write(&folder, name, "longer than nothing");
        let args = ["bbr", "cubic", "--loss", "0.001", "--time", "3s", "--seed", seed];
        let printed = sim(&[&args[..], &["--json", "--series", &path]].concat());
        (printed, std::fs::read_to_string(path).unwrap())
    };
    let (one, again, other) = (run("7", "a"), run("7", "b"), run("8", "c"));
    assert!(one == again, "the same seed gave something else");
    assert!(one.0 != other.0 && one.1 != other.1, "another seed gave the same");
}

#[test]
fn different_parameters_of_one_algorithm_run_side_by_side() {
    let mild = "cubic,beta=0.9,beta_ecn=0.9,c=0.4,fast_convergence=on,friendly=on,hystart=rfc9406";
    let both = flows(&[mild, "cubic,beta=0.5", "--measure-from", "5s"]);
    assert_eq!(both[0]["alg"], mild);
    let (mild, hard) = (number(&both[0], "utilisation"), number(&both[1], "utilisation"));
    assert!(mild > 1.5 * hard, "{mild} {hard}");
}

#[test]
fn flows_have_their_number_times_and_way() {
    let five = flows(&["--flows", "cubic,hystart=off*2,bbr@1s-2s,reno+30ms", "--time", "4s"]);
    let algs: Vec<_> = five.iter().map(|flow| flow["alg"].as_str().unwrap()).collect();
    assert_eq!(algs, ["cubic,hystart=off", "cubic,hystart=off", "bbr", "reno"]);
    let turns = flows(&["reno", "bbr", "--flows", "3", "--time", "1s"]);
    let algs: Vec<_> = turns.iter().map(|flow| flow["alg"].as_str().unwrap()).collect();
    assert_eq!(algs, ["reno", "bbr", "reno"]);
}

#[test]
fn with_ecn_packets_are_marked_and_none_is_dropped() {
    let reno = flows(&["reno", "--ecn", "--queue", "unlimited", "--time", "10s"]).remove(0);
    assert!(number(&reno, "marked") > 0.0, "{reno}");
    assert_eq!(number(&reno, "dropped"), 0.0, "{reno}");
    let step = flows(&["reno", "--ecn", "--aqm", "20p", "--time", "10s"]).remove(0);
    assert!(number(&step, "marked") > 0.0, "{step}");
    assert!(number(&step, "queue_p95_ms") < number(&reno, "queue_p95_ms"), "{step}");
}

#[test]
fn a_trace_takes_the_place_of_the_rate() {
    let folder = tempfile::tempdir().unwrap();
    // Two packets of 1500 bytes a millisecond: 24 Mbit/s.
    let trace = write(&folder, "even.up", "1\n1\n");
    let cubic = flows(&["cubic", "--trace", &trace, "--link", "10ms", "--time", "5s"]).remove(0);
    let mbit = number(&cubic, "throughput_mbit");
    assert!((22.0..=24.0).contains(&mbit), "{cubic}");
}

#[test]
fn a_scenario_file_says_it_all_and_flags_change_its_time() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "even.up", "1\n1\n");
    let path = write(
        &folder,
        "two.toml",
        r#"
        time = "1h"
        [link]
        trace = "even.up"
        rtt = "20ms"

        [[flow]]
        alg = "cubic,hystart=off"
        count = 2

        [[flow]]
        source = { bytes = "30kB" }
        "#
        .replace("1h", "3600s")
        .as_str(),
    );
    let three = flows(&["bbr", "--scenario", &path, "--time", "3s"]);
    let algs: Vec<_> = three.iter().map(|flow| flow["alg"].as_str().unwrap()).collect();
    assert_eq!(algs, ["cubic,hystart=off", "cubic,hystart=off", "bbr"]);
    assert!(three[2]["completed_ms"].is_number() && three[0]["completed_ms"].is_null());

    let (code, error) = refused(&["--scenario", &path]);
    assert_eq!(code, Some(1));
    assert!(error.contains("two.toml: flow 2 names no algorithm"), "{error}");
    let (code, error) = refused(&["bbr", "reno", "--scenario", &path]);
    assert!(code == Some(2) && error.contains("one ALG is named at most"), "{error}");
}

#[test]
fn a_broken_scenario_file_is_named_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let link = "[link]\nrate = \"48mbit\"\nrtt = \"20ms\"\n";
    for (name, content, says) in [
        ("unit.toml", "[link]\nrate = \"48\"\nrtt = \"20ms\"".to_owned(), "line 2"),
        ("key.toml", format!("{link}speed = 3"), "line 4"),
        ("syntax.toml", format!("{link}[[flow]"), "line 4"),
        ("alg.toml", format!("{link}[[flow]]\nalg = \"reno\"\n[[flow]]\nalg = \"rino\""), ":7: "),
        ("both.toml", "\n[link]\nrtt = \"20ms\"".to_owned(), ":2: "),
        ("trace.toml", "[link]\ntrace = \"no\"\nrtt = \"20ms\"".to_owned(), "the trace no"),
        ("none.toml", link.replace("rtt", "# rtt"), "rtt"),
        ("loss.toml", format!("{link}loss = 2.0"), "probability"),
    ] {
        let path = write(&folder, name, &content);
        let (code, error) = refused(&["reno", "--scenario", &path]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(name) && error.contains(says), "{name}: {error}");
    }
    let (code, error) = refused(&["reno", "--scenario", "no-such-file.toml"]);
    assert!(code == Some(1) && error.contains("--scenario: cannot read no-such-file.toml"));
}

#[test]
fn wrong_flags_are_told_by_name_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let no_trace = write(&folder, "no.up", "1\nx\n");
    for (args, code, says) in [
        (&[][..], 2, "name an algorithm"),
        (&["rino"], 2, "there is no algorithm 'rino'"),
        (&["cubic,beta=2"], 2, "cubic does not take beta=2"),
        (&["reno", "--link", "48,20ms"], 2, "'--link <RATE,RTT>': '48' is no rate"),
        (&["reno", "--link", "48mbit"], 2, "the round-trip time is missing: 48mbit,20ms"),
        (&["reno", "--link", "20ms"], 2, "--link: write rate and round-trip time"),
        (&["reno", "--queue", "80"], 2, "'--queue <SIZE>': '80' is no queue"),
        (&["reno", "--loss", "1.5"], 2, "'--loss <P>': '1.5' is no probability"),
        (&["reno", "--time", "30"], 2, "'--time <TIME>': '30' is no time"),
        (&["reno", "--time", "0s"], 2, "'--time <TIME>'"),
        (&["reno", "--measure-from", "30s"], 2, "measured from 30s on (--measure-from)"),
        (&["reno", "--sample-every", "1us", "--series", "x"], 2, "makes 60000000 points"),
        (&["reno", "--html", "x", "--series", "./x"], 2, "--html and --series name the same file"),
        (&["--scenario", "x", "--record", "../ccp-cli/x"], 2, "--scenario and --record name the"),
        (&["reno", "--seed=-1"], 2, "'--seed"),
        (&["reno", "--flows", "reno*2"], 2, "--flows"),
        (&["--flows", "reno*0"], 2, "'--flows <FLOWS|COUNT>': '0' is no number of flows"),
        (&["--flows", "3"], 2, "name an algorithm"),
        (&["reno", "--aqm", "red"], 2, "'--aqm"),
        (&["reno", "--json", "--csv"], 2, "--csv"),
        (&["reno", "--scenario", "x", "--queue", "80p"], 2, "--queue"),
        (&["reno", "--trace", "no-such-file"], 1, "--trace: cannot read no-such-file"),
        (&["reno", "--trace", &no_trace], 1, "line 2 of the trace is 'x'"),
    ] {
        let (found, error) = refused(args);
        assert_eq!(found, Some(code), "{args:?}: {error}");
        assert!(error.contains(says), "{args:?}: {error}");
    }
}

#[test]
fn what_may_be_a_slip_is_told_and_runs() {
    for (args, says) in [
        (&["reno", "--aqm", "20p"][..], "ccp: the link marks, but no flow takes marks (--ecn)"),
        (&["reno", "bbr@1s"], "ccp: 1 of 2 flows start only after the end, at 1s"),
        (&["reno", "--aqm", "20p", "--ecn"], ""),
    ] {
        let output = ccp(&[&["sim", "--quiet", "--time", "1s"], args].concat(), "");
        let error = text(&output.stderr);
        assert!(output.status.success(), "{args:?}: {error}");
        assert!(
            error.starts_with(says) && error.is_empty() == says.is_empty(),
            "{args:?}: {error}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_written_fails_before_the_run_and_one_that_could_stays_as_it_was() {
    // It would take hours.
    let long = ["reno", "--time", "1000000s"];
    let (code, error) = refused(&[&long[..], &["--series", "no/such/folder/x.jsonl"]].concat());
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("--series: cannot write no/such/folder/x.jsonl"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("fresh.jsonl");
    let kept = write(&folder, "kept.jsonl", "kept");
    let scenario = write(&folder, "lost.toml", "[link]\nrate=\"1mbit\"\nrtt=\"1ms\"\nloss=2.0");
    for path in [fresh.to_str().unwrap(), &kept] {
        let (code, _) = refused(&["reno", "--scenario", &scenario, "--series", path]);
        assert_eq!(code, Some(1));
    }
    assert!(!fresh.exists());
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "kept");
}

#[test]
fn the_page_is_written_beside_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let args = ["cubic", "bbr", "--time", "2s"];
    let shown = sim(&[&args[..], &["--html", page.to_str().unwrap()]].concat());
    assert_eq!(shown, sim(&args));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("cubic") && page.contains("<svg"), "{} bytes", page.len());
    let (code, error) = refused(&["reno", "--html", "x", "--series", "x"]);
    assert!(code == Some(2) && error.contains("same file"), "{error}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for form in ["--json", "--csv"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ccp"))
            .args(["sim", "--quiet", "reno*2000", "--time", "10ms", form])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    }
}

#[test]
fn rates_in_the_series_are_bits_per_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bbr.jsonl");
    sim(&["bbr", "--link", "48mbit,20ms", "--time", "2s", "--series", path.to_str().unwrap()]);
    let last = lines(&std::fs::read_to_string(path).unwrap());
    let last = last.iter().rfind(|line| line["kind"] == "flow-point").unwrap();
    for rate in ["delivery_rate", "pacing_rate"] {
        assert!((24e6..72e6).contains(&number(last, rate)), "{rate}: {last}");
    }
}

#[test]
fn every_line_of_the_series_is_as_the_guide_describes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.jsonl");
    let path = path.to_str().unwrap();
    sim(&[
        "bbr",
        "cubic",
        "--time",
        "4s",
        "--loss",
        "0.001",
        "--sample-every",
        "2ms",
        "--series",
        path,
    ]);
    let schema = schema(include_str!("../../docs/simulate.md"));
    let mut seen: HashMap<(String, String), bool> = HashMap::new();
    let mut last = 0;
    let lines = lines(&std::fs::read_to_string(path).unwrap());
    for line in &lines {
        let kind = line["kind"].as_str().unwrap();
        let keys = &schema[kind];
        let object = line.as_object().unwrap();
        assert_eq!(object.len(), keys.len() + 1, "{line}");
        for (key, types) in keys {
            let value = &object[key];
            assert!(types.iter().any(|ty| is_of(value, ty)), "{key} of {line} is not {types:?}");
            *seen.entry((kind.to_owned(), key.clone())).or_default() |= !value.is_null();
        }
        if let Some(at) = line.get("at_us") {
            assert!(at.as_u64().unwrap() >= last, "{line}");
            last = at.as_u64().unwrap();
        }
    }
    assert_eq!(lines.iter().filter(|line| line["kind"] == "flow").count(), 2);
    assert_eq!(lines.iter().filter(|line| line["kind"] == "link-point").count(), 2001);
    for ((kind, key), seen) in &seen {
        assert!(*seen, "{key} of {kind} was never there");
    }
    let state = |flow: u64, state: &str| {
        lines.iter().any(|line| line["flow"] == flow && line["state"] == state)
    };
    for (flow, name) in [
        (0, "startup"),
        (0, "drain"),
        (0, "probe-bw up"),
        (0, "probe-bw down"),
        (0, "probe-bw cruise"),
        (1, "slow start"),
        (1, "reduction"),
        (1, "avoidance"),
    ] {
        assert!(state(flow, name), "flow {flow} is never in {name}");
    }
}

/// The tables of the guide: for each kind of line its keys, and what they may be.
fn schema(guide: &str) -> HashMap<String, Vec<(String, Vec<String>)>> {
    let mut kinds: HashMap<String, Vec<(String, Vec<String>)>> = HashMap::new();
    let mut kind = None;
    for line in guide.lines() {
        if let Some(name) = line.strip_prefix("Kind `").and_then(|rest| rest.split('`').next()) {
            kind = Some(name.to_owned());
        } else if line.starts_with("## ") {
            kind = None;
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let (Some(kind), [_, key, types, ..]) = (&kind, &cells[..])
            && let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`'))
        {
            let types = types.split(" or ").map(str::to_owned).collect();
            kinds.entry(kind.clone()).or_default().push((key.to_owned(), types));
        }
    }
    kinds
}

fn is_of(value: &Value, ty: &str) -> bool {
    match ty {
        "count" => value.is_u64(),
        "text" => value.is_string(),
        "bool" => value.is_boolean(),
        "pairs" => value.as_array().is_some_and(|pairs| {
            pairs.iter().all(|pair| {
                pair.as_array()
                    .is_some_and(|pair| pair.len() == 2 && pair.iter().all(Value::is_string))
            })
        }),
        "null" => value.is_null(),
        other => panic!("the guide has the type {other}"),
    }
}
