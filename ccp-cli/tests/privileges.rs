//! What an agent of this kernel's TCP may do: what it wants, what it keeps, what it says when it lacks
//! something.
#![cfg(all(target_os = "linux", feature = "ebpf"))]

mod common;

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use common::kernel::{Agent, choose, connection, may_take_the_names, registered};
use common::text;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpCongestion;

#[test]
fn a_running_agent_keeps_only_the_capabilities_that_it_needs() {
    let Some(_lock) = may_take_the_names("a_running_agent_keeps_only") else { return };
    in_namespace(|| {
        for (option, most) in [(None, BPF | PERFMON), (Some("--set-default"), ALL_THREE)] {
            // Outside the first network namespace a default must be open to all.
            let args = ["run", "reno", "--ipc", "ebpf", "--unprivileged"];
            let args: Vec<&str> = args.into_iter().chain(option).collect();
            let mut agent = Agent::start(&args);
            agent.wait_for("the agent runs");
            let mut threads = 0;
            for thread in std::fs::read_dir(format!("/proc/{}/task", agent.child.id())).unwrap() {
                let status = std::fs::read_to_string(thread.unwrap().path().join("status"));
                let status = status.unwrap();
                for set in ["CapPrm", "CapEff"] {
                    assert_eq!(capabilities(&status, set), most, "{option:?}: {set}");
                }
                for set in ["CapInh", "CapAmb"] {
                    assert_eq!(capabilities(&status, set), 0, "{option:?}: {set}");
                }
                threads += 1;
            }
            assert!(threads >= 2, "the one for signals is looked at, too");
            agent.end();
        }
    });
}

#[test]
fn an_agent_without_what_it_needs_names_it_and_what_helps() {
    let Some(_lock) = may_take_the_names("an_agent_without_what_it_needs") else { return };
    let nobody = Nobody::new();
    let ebpf = ["run", "reno", "--ipc", "ebpf"];
    for (held, option, says, not) in [
        (
            "",
            None,
            &["cap-bpf: not held", "cap-perfmon: not held", "setcap", "root"][..],
            "net-admin",
        ),
        ("+bpf", None, &["cap-perfmon: not held", "run as root"], "cap-bpf: not held"),
        (
            "+perfmon",
            None,
            &["cap-bpf: not held", "setcap", "AmbientCapabilities="],
            "cap-perfmon:",
        ),
        ("+bpf,+perfmon", Some("--set-default"), &["CAP_NET_ADMIN"], "missing here"),
    ] {
        let run = nobody.command(held).args(ebpf).args(option).output().unwrap();
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(3), "{held}: {said}");
        for says in says {
            assert!(said.contains(says), "{held}: {says}: {said}");
        }
        assert!(!said.contains(not), "{held}: {not}: {said}");
        assert!(!registered().iter().any(|name| name.starts_with("ccp")), "{held}");
    }
}

#[test]
fn two_capabilities_suffice_and_a_dead_agents_flow_is_taken_over_with_them() {
    let Some(_lock) = may_take_the_names("two_capabilities_suffice") else { return };
    let nobody = Nobody::new();
    let start = || {
        let args = ["run", "reno", "--ipc", "ebpf", "--unprivileged"];
        let mut agent = Agent::spawn(nobody.command("+bpf,+perfmon").args(args));
        agent.wait_for("the agent runs");
        agent
    };
    let mut agent = start();
    // The other end stays under the kernel's own.
    let (near, _far) = connection();
    choose(&near, "ccp_reno");
    agent.wait_for("asked_for=\"reno\"");
    agent.child.kill().unwrap();
    agent.child.wait().unwrap();
    let mut second = start();
    second.wait_for("asked_for=\"reno\"");
    second.end();
}

#[test]
fn users_choose_the_algorithms_only_where_the_agent_says_so() {
    let Some(_lock) = may_take_the_names("users_choose_the_algorithms_only") else { return };
    for (option, may) in [(None, false), (Some("--unprivileged"), true)] {
        let args: Vec<&str> = ["run", "reno", "--ipc", "ebpf"].into_iter().chain(option).collect();
        let mut agent = Agent::start(&args);
        // Who may, and the flag.
        agent.wait_for(if may {
            "every user (--unprivileged)"
        } else {
            "CAP_NET_ADMIN; --unprivileged"
        });
        agent.wait_for("the agent runs");
        let (near, _far) = connection();
        assert_eq!(user_chooses(near), may, "{option:?}");
        agent.end();
    }
}

#[test]
fn the_unit_says_nothing_that_systemd_does_not_know() {
    let unit = UNIT.replace("/usr/local/bin/ccp", env!("CARGO_BIN_EXE_ccp"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ccp.service");
    std::fs::write(&path, unit).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output();
    // Where there is no systemd its manual must do.
    if let Ok(verified) = verified {
        assert!(
            verified.status.success() && verified.stderr.is_empty(),
            "{}",
            text(&verified.stderr)
        );
    }
    for line in UNIT.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
        let (key, value) = line.split_once('=').unwrap();
        assert!(DIRECTIVES.contains(&key) && !value.is_empty(), "{line}");
    }
}

#[test]
fn the_rights_of_the_unit_suffice() {
    let Some(_lock) = may_take_the_names("the_rights_of_the_unit_suffice") else { return };
    let value = |key: &str| {
        let line = UNIT.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_start_matches('=').to_owned()
    };
    let held: Vec<String> = value("AmbientCapabilities")
        .split_whitespace()
        .map(|name| format!("+{}", name.trim_start_matches("CAP_").to_lowercase()))
        .collect();
    assert_eq!(value("CapabilityBoundingSet"), value("AmbientCapabilities"));
    let nobody = Nobody::new();
    let mut command = nobody.command(&held.join(","));
    command.args(value("ExecStart").split_whitespace().skip(1));
    let mut agent = Agent::spawn(&mut command);
    agent.wait_for("the agent runs");
    agent.end();
}

/// Whether a thread without CAP_NET_ADMIN can choose the algorithm for its socket.
fn user_chooses(socket: TcpStream) -> bool {
    let thread = thread::spawn(move || {
        ccp_ebpf::caps::give_up(false).unwrap();
        setsockopt(&socket, TcpCongestion, &"ccp_reno".into()).is_ok()
    });
    thread.join().unwrap()
}

/// A user without rights, who can run the command wherever it was built.
struct Nobody {
    _folder: tempfile::TempDir,
    ccp: PathBuf,
}

impl Nobody {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ccp = folder.path().join("ccp");
        std::fs::copy(env!("CARGO_BIN_EXE_ccp"), &ccp).unwrap();
        for path in [folder.path(), &ccp] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { _folder: folder, ccp }
    }

    /// The command, to be run with these capabilities and no others (`+bpf,+perfmon`).
    fn command(&self, held: &str) -> Command {
        let sets = if held.is_empty() { "-all".to_owned() } else { format!("-all,{held}") };
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        for set in ["inh-caps", "ambient-caps", "bounding-set"] {
            command.arg(format!("--{set}={sets}"));
        }
        command.arg(&self.ccp);
        command
    }
}

/// Runs a test in a network namespace of its own, which ends with it.
fn in_namespace(test: fn()) {
    thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        test();
    })
    .join()
    .unwrap();
}

/// A set of a `/proc/PID/status`.
fn capabilities(status: &str, set: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(set)).unwrap();
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
}

const UNIT: &str = include_str!("../../docs/ccp.service");

/// Those of systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.resource-control(5) that the unit
/// uses.
const DIRECTIVES: [&str; 32] = [
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "Description",
    "DynamicUser",
    "ExecStart",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "PrivateDevices",
    "PrivateTmp",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "Restart",
    "RestartPreventExitStatus",
    "RestartSec",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallErrorNumber",
    "SystemCallFilter",
    "Type",
    "UMask",
    "WantedBy",
];

// linux/capability.h
const BPF: u64 = 1 << 39;
const PERFMON: u64 = 1 << 38;
const ALL_THREE: u64 = BPF | PERFMON | (1 << 12);
