//! `ccp run --ipc ebpf`: this kernel's TCP under an agent, seen from outside.
#![cfg(all(target_os = "linux", feature = "ebpf"))]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use common::kernel::{Agent, choose, connection, may_take_the_names, registered};
use common::{ccp, text};
use nix::sched::{CloneFlags, unshare};

#[test]
fn an_agent_governs_flows_that_choose_it_and_leaves_no_name_behind() {
    let Some(_lock) = may_take_the_names("an_agent_governs_flows_that_choose_it") else { return };
    let mut agent = Agent::start(&["run", "--ipc", "ebpf", "--max-flows", "16"]);
    agent.wait_for("the agent runs");
    for name in ["ccp", "ccp_bbr", "ccp_cubic", "ccp_cubic.linux", "ccp_reno"] {
        assert!(registered().contains(&name.to_owned()), "{name}");
    }

    // Only one agent can have the names.
    let second = ccp(&["run", "reno", "--ipc", "ebpf"], "");
    assert_eq!(second.status.code(), Some(3));
    let complaint = text(&second.stderr);
    assert!(complaint.contains("ccp is not registered"), "{complaint}");
    assert!(complaint.contains("another agent"), "{complaint}");

    let (mut sender, mut receiver) = connection();
    choose(&sender, "ccp_reno");
    agent.wait_for("asked_for=\"reno\"");
    let bytes = 2_000_000;
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        receiver.read_to_end(&mut all).unwrap();
        all.len()
    });
    sender.write_all(&vec![7; bytes]).unwrap();
    drop(sender);
    assert_eq!(reader.join().unwrap(), bytes);
    agent.wait_for("ends");

    agent.end();
    assert!(!registered().iter().any(|name| name.starts_with("ccp")), "{:?}", registered());
}

#[test]
fn rules_choose_for_flows_of_plain_ccp_and_the_default_is_put_back() {
    let Some(_lock) = may_take_the_names("rules_choose_for_flows_of_plain_ccp") else { return };
    // In a network namespace of its own, whose default is nobody else's.
    thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
        assert!(up.success());
        rules_choose();
    })
    .join()
    .unwrap();
}

fn rules_choose() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules");
    std::fs::write(&file, "# the rest\n-> cubic\n").unwrap();
    let rule = format!("dport={port} -> reno");
    let args = ["run", "bbr", "reno", "cubic", "--ipc", "ebpf", "--rule", &rule, "--rules"];
    let before = default();
    let mut agent = Agent::start(
        &[&args[..], &[file.to_str().unwrap(), "--set-default", "--unprivileged"]].concat(),
    );
    agent.wait_for("the agent runs");
    // No need to choose: it is the default.
    assert_eq!(default(), "ccp");
    let _near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    agent.wait_for("asked_for=\"reno\"");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let _other = TcpStream::connect(other.local_addr().unwrap()).unwrap();
    agent.wait_for("asked_for=\"cubic\"");
    agent.end();
    assert_eq!(default(), before);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_registered() {
    let Some(_lock) = may_take_the_names("what_cannot_be_is_refused") else { return };
    for (args, code, says) in [
        (&["--rule", "port=x -> reno"][..], 2, "'x' is no port"),
        (&["--rule=-> vegas"], 2, "'vegas', which does not run here; there are reno, bbr"),
        (&["--rules", "/no/such/file"], 1, "cannot read /no/such/file"),
        (&["--pin", "/proc"], 3, "mount -t bpf"),
        (&["--adopt", "sixteen_bytes_xx"], 2, "no algorithm's name"),
        (&["--max-flows", "0"], 2, "1 to 65536"),
    ] {
        let run = ccp(&[&["run", "reno", "bbr", "--ipc", "ebpf"], args].concat(), "");
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
        assert!(!registered().iter().any(|name| name.starts_with("ccp")), "{args:?}");
    }
}

fn default() -> String {
    let name = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control");
    name.unwrap().trim().to_owned()
}
