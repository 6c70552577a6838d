//! Our datapath under portus's agent.

use crate::program::{Program, name, of_workspace};

#[test]
fn portus_controls_our_datapath_as_it_controls_libccp() {
    let run = |datapath: &str| {
        let (agent, own) = (name("agent"), name("datapath"));
        let portus = Program::start(
            env!("CARGO_BIN_EXE_portus_agent"),
            &["--name", &agent, "--seconds", "4"],
        );
        let datapath =
            Program::start(datapath, &["--name", &own, "--agent", &agent, "--seconds", "3"]);
        (datapath.summary(), portus.summary())
    };
    let (ours, agent) = run(env!("CARGO_BIN_EXE_our_datapath"));
    let (theirs, _) = run(env!("CARGO_BIN_EXE_libccp_datapath"));
    assert_eq!(ours["errors"], serde_json::json!({}), "{ours}");
    assert_eq!(agent["flows"], 1, "{agent}");
    assert_eq!(agent["closed"], 1, "{agent}");
    assert!(agent["reports"].as_u64() > Some(50), "{agent}");
    assert!(agent["cuts"].as_u64() > Some(0), "{agent}");
    assert!(ours["acks_by_agent"].as_u64() > Some(2000), "{ours}");
    assert!(ours["acks_by_others"].as_u64() < Some(40), "{ours}");
    let (mine, yours) = (&ours["flows"][0], &theirs["flows"][0]);
    // The same algorithm over the same link: real time makes no two runs alike.
    for (field, within) in [("mbit_per_s", 0.2), ("mean_rtt_us", 0.3)] {
        let (a, b) = (mine[field].as_f64().unwrap(), yours[field].as_f64().unwrap());
        assert!((a / b - 1.0).abs() < within, "{field}: {a} and {b}\n{ours}\n{theirs}");
    }
}

#[test]
fn our_datapath_takes_every_program_of_portus_and_serves_several_flows() {
    let (agent, own) = (name("agent"), name("datapath"));
    let portus = Program::start(
        env!("CARGO_BIN_EXE_portus_agent"),
        &["--name", &agent, "--programs", "12", "--seconds", "3"],
    );
    let ours = Program::start(
        env!("CARGO_BIN_EXE_our_datapath"),
        &["--name", &own, "--agent", &agent, "--seconds", "2", "--flows", "3", "--deaf-ms", "200"],
    );
    let (ours, agent) = (ours.summary(), portus.summary());
    assert_eq!(ours["errors"], serde_json::json!({}), "{ours}");
    assert_eq!(ours["messages"]["install"], 12, "{ours}");
    assert_eq!(agent["flows"], 3, "{agent}");
    assert_eq!(agent["closed"], 3, "{agent}");
    let used = agent["reports_by_program"].as_array().unwrap();
    assert!(used.iter().all(|n| n.as_u64() > Some(0)), "{agent}");
}

#[test]
fn portus_controls_the_udp_sender() {
    let sender = of_workspace("ccp-datapath", ["--example", "udp_sender"]);
    let (agent, own) = (name("agent"), name("datapath"));
    let portus =
        Program::start(env!("CARGO_BIN_EXE_portus_agent"), &["--name", &agent, "--seconds", "4"]);
    let sender = Program::start(
        &sender,
        &[
            "--ipc-dir",
            "/tmp/ccp",
            "--agent",
            &agent,
            "--name",
            &own,
            "--time",
            "3s",
            "--rate",
            "12mbit",
            "--rtt",
            "20ms",
            "--queue",
            "20p",
            "--json",
        ],
    );
    let (sender, agent) = (sender.summary(), portus.summary());
    assert!(sender["throughput_mbit"].as_f64() > Some(3.0), "{sender}");
    assert!(sender["agent_share"].as_f64() > Some(0.9), "{sender}");
    assert_eq!(sender["refused"], 0, "{sender}");
    assert_eq!(agent["flows"], 1, "{agent}");
    assert_eq!(agent["closed"], 1, "{agent}");
    assert!(agent["reports"].as_u64() > Some(50), "{agent}");
    assert!(agent["cuts"].as_u64() > Some(0), "{agent}");
}
