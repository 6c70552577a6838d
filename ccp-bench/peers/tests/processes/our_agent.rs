//! libccp under our agent.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{Program, of_workspace};

#[test]
fn ccp_run_reno_controls_libccp() {
    let dir = folder();
    let ccp = of_workspace("ccp-cli", ["--bin", "ccp"]);
    let ccp = Program::start(&ccp, &["run", "reno", "--ipc-dir", path(&dir)]);
    wait_for(&dir.path().join("portus"));
    let flows = libccp(&dir, &["--seconds", "4", "--flows", "2", "--alg", "reno"]).summary();
    let (ended, log) = ccp.terminate();
    assert!(ended.success(), "{ended}: {log}");
    // Before its first program a flow of libccp's has none to run.
    assert!(only(&flows["errors"], "LibccpProgIsNull"), "{flows}");
    for flow in flows["flows"].as_array().unwrap() {
        assert!(flow["mbit_per_s"].as_f64() > Some(6.0), "{flows}");
        assert!(flow["cwnd_raised"].as_u64() > Some(20), "{flows}");
        assert!(flow["cwnd_lowered"].as_u64() > Some(0), "{flows}");
        assert_eq!(flow["timeouts"], 0, "{flows}");
        // 20 ms, and a queue of 20 segments, which is 20 ms more when full.
        assert!(flow["mean_rtt_us"].as_u64() < Some(41_000), "{flows}");
    }
}

#[test]
fn nine_programs_arrive_through_a_queue_that_is_shorter() {
    let dir = folder();
    let agent = our_agent(&dir, &["--programs", "9", "--seconds", "3.5"]);
    // Nine Installs and a ChangeProg for each flow, while libccp does not read.
    let libccp = libccp(&dir, &["--seconds", "2.5", "--flows", "6", "--deaf-ms", "300"]);
    let (flows, (agent, log)) = (libccp.summary(), agent.summary_and_log());
    assert_eq!(flows["messages"]["install"], 9, "{flows}");
    assert!(only(&flows["errors"], "LibccpProgIsNull"), "{flows}");
    assert_eq!(agent["flows"], 6, "{agent}");
    assert_eq!(agent["closed"], 6, "{agent}");
    let used = agent["reports_by_program"].as_array().unwrap();
    assert!(used.iter().all(|n| n.as_u64() > Some(0)), "{agent}");
    assert!(!log.contains(TOO_MANY), "{log}");
}

#[test]
fn more_programs_than_libccp_s_table_holds_are_warned_of_and_the_others_work() {
    let dir = folder();
    let agent = our_agent(&dir, &["--programs", "12", "--seconds", "3.5"]);
    let libccp = libccp(&dir, &["--seconds", "2.5", "--deaf-ms", "300"]);
    let (flows, (agent, log)) = (libccp.summary(), agent.summary_and_log());
    assert_eq!(flows["messages"]["install"], 12, "{flows}");
    assert_eq!(flows["errors"]["LibccpProgTableFull"], 3, "{flows}");
    assert!(log.contains(TOO_MANY), "the agent says so at its start: {log}");
    // The nine that were taken are those numbered first; which these are is the agent's choice.
    let used = agent["reports_by_program"].as_array().unwrap();
    assert!(used.iter().any(|n| n.as_u64() > Some(0)), "{agent}");
    assert_eq!(agent["closed"], 1, "{agent}");
}

#[test]
fn one_agent_serves_libccp_and_our_datapath_at_once() {
    let dir = folder();
    let agent = our_agent(&dir, &["--seconds", "3.5"]);
    let libccp = libccp(&dir, &["--seconds", "2.5"]);
    let arguments = ["--dir", path(&dir), "--name", "ours", "--seconds", "2.5"];
    let ours = Program::start(env!("CARGO_BIN_EXE_our_datapath"), &arguments);
    for datapath in [libccp.summary(), ours.summary()] {
        let flow = &datapath["flows"][0];
        assert!(flow["mbit_per_s"].as_f64() > Some(6.0), "{datapath}");
        assert!(flow["cwnd_raised"].as_u64() > Some(10), "{datapath}");
    }
    let agent = agent.summary();
    assert_eq!(agent["flows"], 2, "{agent}");
    assert_eq!(agent["closed"], 2, "{agent}");
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn path(dir: &tempfile::TempDir) -> &str {
    dir.path().to_str().unwrap()
}

fn our_agent(dir: &tempfile::TempDir, arguments: &[&str]) -> Program {
    let arguments = [&["--dir", path(dir)], arguments].concat();
    let agent = Program::start(env!("CARGO_BIN_EXE_our_agent"), &arguments);
    wait_for(&dir.path().join("portus"));
    agent
}

fn libccp(dir: &tempfile::TempDir, arguments: &[&str]) -> Program {
    let arguments = [&["--dir", path(dir)], arguments].concat();
    Program::start(env!("CARGO_BIN_EXE_libccp_datapath"), &arguments)
}

fn wait_for(socket: &Path) {
    for _ in 0..500 {
        if socket.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("no socket at {}", socket.display());
}

/// The agent's warning.
const TOO_MANY: &str = "libccp holds 9 and will refuse the rest";

/// Whether `kind` is the only kind of error, if there is any.
fn only(errors: &Value, kind: &str) -> bool {
    errors == &json!({}) || errors.as_object().is_some_and(|e| e.keys().eq([kind]))
}
