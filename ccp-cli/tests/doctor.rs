//! What `ccp doctor` says of this machine.
#![cfg(all(target_os = "linux", feature = "ebpf"))]

mod common;

use common::{ccp, text};
use serde_json::Value;

#[test]
fn doctor_looks_at_everything_and_its_exit_code_tells_whether_linux_tcp_works() {
    let output = ccp(&["doctor", "--json"], "");
    let lines = text(&output.stdout);
    let checks: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in ["kernel", "btf", "cap-bpf", "cap-perfmon", "jit", "bpffs", "ipc-folder"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for check in &checks {
        assert!(!check["seen"].as_str().unwrap().is_empty(), "{check}");
        // What is wrong has a remedy, what is right needs none.
        let is_good = check["verdict"] == "good";
        assert_eq!(is_good, check["remedy"].as_str().unwrap().is_empty(), "{check}");
    }
    let missing = checks.iter().any(|check| check["verdict"] == "missing");
    assert_eq!(output.status.code(), Some(if missing { 3 } else { 0 }));
}

#[test]
fn doctor_for_people_has_a_line_for_each_check() {
    let output = ccp(&["doctor"], "");
    let lines = text(&output.stdout);
    assert!(lines.lines().any(|line| line.contains("kernel") && line.contains("Linux ")));
    assert!(lines.lines().any(|line| line.contains("ipc-folder")));
}

#[test]
fn flows_says_when_there_are_none_and_refuses_a_hasty_watch() {
    let output = ccp(&["flows", "--json"], "");
    // Whoever may not look gets the exit code of what this machine cannot do.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    let hasty = ccp(&["flows", "--watch=1ms"], "");
    assert_eq!(hasty.status.code(), Some(2));
    assert!(text(&hasty.stderr).contains("at least 10ms"));
}

#[test]
fn ebpf_dump_prints_the_code_that_this_kernel_would_get() {
    let output = ccp(&["ebpf", "dump", "cong_control"], "");
    if output.status.code() == Some(3) {
        // A kernel that cannot be served is named as such.
        return assert!(!output.stderr.is_empty());
    }
    let code = text(&output.stdout);
    assert!(code.starts_with("cong_control:\n"), "{code}");
    assert!(code.lines().any(|line| line.contains("call")) && code.contains("exit"), "{code}");
    let all = text(&ccp(&["ebpf", "dump"], "").stdout);
    assert!(all.contains(&code) && all.contains("\nrelease:\n"));
    let unknown = ccp(&["ebpf", "dump", "nothing"], "");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("set_state"));
}
