//! An algorithm crate as published for portus 0.7, unchanged, on our agent through the facade.

use std::time::{Duration, Instant};

use generic_cong_avoid::{
    Alg, DEFAULT_SS_THRESH, GenericCongAvoidAlg, GenericCongAvoidConfigReport,
    GenericCongAvoidConfigSS, cubic::Cubic, reno::Reno,
};
use portus_0_7::ipc::{BackendBuilder, Blocking, unix::Socket};
use portus_0_7::{CCPHandle, RunBuilder};
use serde_json::Value;

use crate::program::{Program, name};

#[test]
fn generic_cong_avoid_s_reno_controls_libccp() {
    controls_libccp(env!("CARGO_BIN_EXE_published_reno"), &[]);
}

#[test]
fn generic_cong_avoid_s_cubic_controls_libccp() {
    controls_libccp(env!("CARGO_BIN_EXE_published_cubic"), &["--ss_in_fold"]);
}

#[test]
fn generic_cong_avoid_s_reno_controls_our_datapath_with_a_report_per_ack() {
    let flow = run(
        env!("CARGO_BIN_EXE_published_reno"),
        &["--per_ack"],
        env!("CARGO_BIN_EXE_our_datapath"),
    );
    assert!(flow["mbit_per_s"].as_f64() > Some(6.0), "{flow}");
}

#[test]
fn generic_cong_avoid_stops_within_fifty_milliseconds() {
    stops_in_time(Reno::default);
    stops_in_time(Cubic::default);
}

fn controls_libccp(agent: &str, arguments: &[&str]) {
    let flow = run(agent, arguments, env!("CARGO_BIN_EXE_libccp_datapath"));
    // Both fill the link, lose, and cut the window; Reno then waits until it has made up for all
    // that its slow start lost.
    assert!(flow["mbit_per_s"].as_f64() > Some(6.0), "{flow}");
    assert!(flow["cwnd_raised"].as_u64() > Some(2), "{flow}");
    assert!(flow["cwnd_lowered"].as_u64() > Some(0), "{flow}");
}

/// Runs a published agent as its own program does, and a datapath; returns what its flow did.
fn run(agent: &str, arguments: &[&str], datapath: &str) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let _agent = Program::start_with(agent, arguments, &[("CCP_IPC_DIR", folder)]);
    let datapath = Program::start(datapath, &["--dir", folder, "--seconds", "4"]);
    datapath.summary()["flows"][0].clone()
}

fn stops_in_time<A: GenericCongAvoidAlg + Send + 'static>(alg: fn() -> A) {
    // Once with nothing arriving that could wake it, and once at work.
    let idle = start(&name("published"), alg_with(alg()));
    std::thread::sleep(Duration::from_millis(200));
    assert_stops(idle);
    let (agent, own) = (name("published"), name("datapath"));
    let busy = start(&agent, alg_with(alg()));
    let folder = ccp_peers::drive::our_folder();
    let folder = folder.to_str().unwrap();
    let _datapath = Program::start(
        env!("CARGO_BIN_EXE_libccp_datapath"),
        &["--dir", folder, "--name", &own, "--agent", &agent, "--seconds", "2"],
    );
    std::thread::sleep(Duration::from_millis(1000));
    assert_stops(busy);
}

fn alg_with<A: GenericCongAvoidAlg>(alg: A) -> Alg<A> {
    Alg {
        deficit_timeout: 0,
        init_cwnd: 0,
        report_option: GenericCongAvoidConfigReport::Rtt,
        ss: GenericCongAvoidConfigSS::Ccp,
        ss_thresh: DEFAULT_SS_THRESH,
        use_compensation: false,
        alg,
    }
}

fn start<A: GenericCongAvoidAlg + Send + 'static>(name: &str, alg: Alg<A>) -> CCPHandle {
    let sock = Socket::<Blocking>::new(name).unwrap();
    let agent = RunBuilder::new(BackendBuilder { sock }).default_alg(alg);
    agent.spawn_thread().run().unwrap()
}

fn assert_stops(handle: CCPHandle) {
    let start = Instant::now();
    handle.kill();
    handle.wait().unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_millis(50), "{took:?}");
}
