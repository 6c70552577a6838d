//! The peers with each other: shows that these programs do what the other tests rely on.

use crate::program::{Program, name};

#[test]
fn portus_controls_libccp_through_nine_programs() {
    let (agent, datapath) = (name("agent"), name("datapath"));
    let portus = Program::start(
        env!("CARGO_BIN_EXE_portus_agent"),
        &["--name", &agent, "--programs", "9", "--seconds", "3"],
    );
    let libccp = Program::start(
        env!("CARGO_BIN_EXE_libccp_datapath"),
        &["--name", &datapath, "--agent", &agent, "--seconds", "2", "--deaf-ms", "200"],
    );
    let flows = libccp.summary();
    let agent = portus.summary();
    assert_eq!(flows["messages"]["install"], 9, "{flows}");
    assert_eq!(agent["flows"], 1, "{agent}");
    assert_eq!(agent["closed"], 1, "{agent}");
    let used = agent["reports_by_program"].as_array().unwrap();
    assert!(used.iter().all(|n| n.as_u64() > Some(0)), "{agent}");
    let flow = &flows["flows"][0];
    assert!(flow["cwnd_raised"].as_u64() > Some(10), "{flows}");
    assert!(flow["mbit_per_s"].as_f64() > Some(6.0), "{flows}");
}
