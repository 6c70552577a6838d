//! Agents that follow one another: what they take over, what they leave, what they put back.
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use ccp_ebpf::{Adopt, EbpfSocket, OpenError};
use ccp_ipc::{Ipc, Received};
use ccp_wire::{FlowId, Message, Messages};
use support::*;

/// The flows that announce themselves, as long as something comes.
fn created(agent: &EbpfSocket) -> Vec<(FlowId, u16)> {
    let mut buf = vec![0; 1 << 16];
    let mut flows = Vec::new();
    while let Received::Datagram { len, .. } =
        agent.recv(&mut buf, Some(Duration::from_millis(100))).unwrap()
    {
        for message in Messages::new(&buf[..len]) {
            if let Ok(Message::Create(create)) = message {
                flows.push((create.flow, u16::from_be(create.dst_port as u16)));
            }
        }
    }
    flows
}

/// A few bytes each way.
fn exchange(near: &mut TcpStream, far: &mut TcpStream) {
    let mut buf = [0; 100_000];
    near.write_all(&buf).unwrap();
    far.read_exact(&mut buf).unwrap();
}

#[test]
fn a_new_agent_takes_over_the_flows_of_a_dead_one() {
    if !possible("a_new_agent_takes_over_the_flows_of_a_dead_one") {
        return;
    }
    in_namespace(|| {
        let options = options("");
        let name = options.names[0].name.clone();
        let first = EbpfSocket::start(options.clone()).unwrap();
        let (mut near, mut far) = connect("127.0.0.1", &name);
        let port = near.peer_addr().unwrap().port();
        assert_eq!(created(&first).len(), 1);
        drop(first);
        // Nobody is there: the flow goes on.
        exchange(&mut near, &mut far);
        let second = EbpfSocket::start(options.clone()).unwrap();
        let flows = created(&second);
        assert!(matches!(flows[..], [(_, p)] if p == port), "{flows:?}");
        exchange(&mut near, &mut far);
        drop(second);
        let mut alone = options;
        alone.take_over = false;
        let third = EbpfSocket::start(alone).unwrap();
        assert_eq!(created(&third), [], "who does not take over hears of nothing");
        exchange(&mut near, &mut far);
    });
}

#[test]
fn flows_of_another_algorithm_are_adopted() {
    if !possible("flows_of_another_algorithm_are_adopted") {
        return;
    }
    in_namespace(|| {
        // Another algorithm that only this test uses.
        let other = options("");
        let other_name = other.names[0].name.clone();
        let _other = EbpfSocket::start(other).unwrap();
        let (mut near, mut far) = connect("127.0.0.1", &other_name);
        let mut options = options("");
        options.adopt = vec![Adopt::Named(other_name)];
        let name = options.names[0].name.clone();
        let agent = EbpfSocket::start(options).unwrap();
        assert_eq!(created(&agent).len(), 1);
        assert_eq!(algorithm(&near), name);
        exchange(&mut near, &mut far);
    });
}

#[test]
fn the_default_is_ours_while_the_agent_runs_and_then_as_before() {
    if !possible("the_default_is_ours_while_the_agent_runs_and_then_as_before") {
        return;
    }
    in_namespace(|| {
        let before = default();
        let mut options = options("");
        options.unprivileged = true;
        options.set_default = true;
        let name = options.names[0].name.clone();
        let agent = EbpfSocket::start(options.clone()).unwrap();
        assert_eq!(default(), name);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(algorithm(&near), name);
        drop(agent);
        assert_eq!(default(), before);

        // What somebody else sets meanwhile stays.
        let agent = EbpfSocket::start(options).unwrap();
        std::fs::write(DEFAULT, "reno").unwrap();
        drop(agent);
        assert_eq!(default(), "reno");
    });
}

#[test]
fn a_default_that_may_not_be_set_is_refused_and_nothing_stays() {
    if !possible("a_default_that_may_not_be_set_is_refused_and_nothing_stays") {
        return;
    }
    in_namespace(|| {
        let before = default();
        let mut options = options("");
        options.set_default = true;
        let name = options.names[0].name.clone();
        // Outside the first network namespace only what every user may choose can be the default.
        let refused = EbpfSocket::start(options);
        assert!(matches!(refused, Err(OpenError::Life(_))), "{refused:?}");
        assert_eq!(default(), before);
        wait_until("it is gone", || !is_registered(&name));
    });
}

#[test]
fn a_pinned_algorithm_outlives_its_agent_and_is_taken_by_the_next() {
    if !possible("a_pinned_algorithm_outlives_its_agent_and_is_taken_by_the_next") {
        return;
    }
    in_namespace(|| {
        let folder = bpf_folder();
        let mut options = options("");
        options.pin = Some(folder.path.clone());
        let name = options.names[0].name.clone();
        let first = EbpfSocket::start(options.clone()).unwrap();
        let (mut near, mut far) = connect("127.0.0.1", &name);
        assert_eq!(created(&first).len(), 1);
        let second = EbpfSocket::start(options.clone());
        let Err(OpenError::Start(refused)) = second else { panic!("two agents on one folder") };
        assert!(refused.to_string().contains("another agent"), "{refused}");
        drop(first);
        assert!(is_registered(&name));
        exchange(&mut near, &mut far);
        // New sockets can choose it while nobody is there.
        let (mut new, mut new_far) = connect("127.0.0.1", &name);
        exchange(&mut new, &mut new_far);

        let next = EbpfSocket::start(options).unwrap();
        assert_eq!(created(&next).len(), 2, "both flows come under the next agent");
        exchange(&mut near, &mut far);
        drop(next);
        std::fs::remove_file(folder.path.join(&name)).unwrap();
        wait_until("the name is free", || !is_registered(&name));
    });
}

#[test]
fn a_folder_that_cannot_hold_pins_is_refused() {
    if !possible("a_folder_that_cannot_hold_pins_is_refused") {
        return;
    }
    let plain = tempfile::tempdir().unwrap();
    for folder in [plain.path().to_owned(), plain.path().join("none")] {
        let mut options = options("");
        options.pin = Some(folder);
        let name = options.names[0].name.clone();
        let refused = EbpfSocket::start(options);
        let Err(OpenError::Start(error)) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains("pin"), "{error}");
        wait_until("it is gone", || !is_registered(&name));
    }
}

/// A BPF file system that only this thread sees; it ends with the thread.
struct BpfFolder {
    path: PathBuf,
    _below: tempfile::TempDir,
}

fn bpf_folder() -> BpfFolder {
    let below = tempfile::tempdir().unwrap();
    // SAFETY: concerns this thread's view of mounts only.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNS) }, 0);
    run("mount --make-rprivate /");
    run(&format!("mount -t bpf bpf {}", below.path().display()));
    BpfFolder { path: below.path().to_owned(), _below: below }
}

fn default() -> String {
    std::fs::read_to_string(DEFAULT).unwrap().trim().to_owned()
}

const DEFAULT: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
