//! Rules choose what a flow asks the agent for, by every kind of condition.
#![cfg(target_os = "linux")]

mod support;

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use ccp_ebpf::rules::Rules;
use ccp_ebpf::{EbpfSocket, Options};
use ccp_ipc::{Ipc, Received};
use ccp_wire::{Message, Messages};
use support::*;

/// What the next flow asks for.
fn wish(agent: &EbpfSocket) -> String {
    let mut buf = vec![0; 1 << 16];
    loop {
        let received = agent.recv(&mut buf, Some(Duration::from_secs(10))).unwrap();
        let Received::Datagram { len, .. } = received else { panic!("{received:?}") };
        for message in Messages::new(&buf[..len]) {
            if let Ok(Message::Create(create)) = message {
                return create.cong_alg.to_owned();
            }
        }
    }
}

fn start(rules: &str) -> (EbpfSocket, String) {
    let mut options: Options = options("");
    options.rules = Rules::default();
    options.rules.push_lines(rules).unwrap();
    let name = options.names[0].name.clone();
    (EbpfSocket::start(options).unwrap(), name)
}

#[test]
fn ports_and_addresses_choose_of_either_family() {
    if !possible("ports_and_addresses_choose_of_either_family") {
        return;
    }
    in_namespace(|| {
        let listeners = ["127.0.0.1", "127.0.0.2", "::1"]
            .map(|address| TcpListener::bind((address, 0)).unwrap());
        let port = |at: usize| listeners[at].local_addr().unwrap().port();
        let rules = format!(
            "dport={} -> by-dport\nsport={} -> by-sport\ndst=127.0.0.2 -> by-dst\n\
             addr=::1/128 -> by-addr\n",
            port(0),
            port(1)
        );
        let (agent, name) = start(&rules);
        let connect = |at: usize| {
            let socket = TcpStream::connect(listeners[at].local_addr().unwrap()).unwrap();
            set_algorithm(&socket, &name).unwrap();
            (socket, listeners[at].accept().unwrap().0)
        };
        let _first = connect(0);
        assert_eq!(wish(&agent), "by-dport");
        let (_near, far) = connect(1);
        assert_eq!(wish(&agent), "by-dst");
        // The other end of that connection: its own port is the one of the second rule.
        set_algorithm(&far, &name).unwrap();
        assert_eq!(wish(&agent), "by-sport");
        let _last = connect(2);
        assert_eq!(wish(&agent), "by-addr");
    });
}

#[test]
fn marks_users_and_namespaces_choose() {
    if !possible("marks_users_and_namespaces_choose") {
        return;
    }
    in_namespace(|| {
        let netns = std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
        let rules = format!(
            "mark=0x70/0xf0 -> by-mark\nuid=65534 -> by-uid\nnetns=/proc/thread-self/ns/net uid=0 \
             -> by-netns\nnetns={} -> nobody\n",
            netns + 1
        );
        let (agent, name) = start(&rules);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect(address).unwrap();

        let marked = connect();
        let mark = 0x1074_u32;
        // SAFETY: the value is readable for the length given and outlives the call.
        let done = unsafe {
            libc::setsockopt(
                marked.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_MARK,
                std::ptr::from_ref(&mark).cast(),
                4,
            )
        };
        assert_eq!(done, 0);
        set_algorithm(&marked, &name).unwrap();
        assert_eq!(wish(&agent), "by-mark");

        let owned = connect();
        set_algorithm(&owned, &name).unwrap();
        assert_eq!(wish(&agent), "by-netns");

        let given = connect();
        // SAFETY: takes integers only.
        assert_eq!(unsafe { libc::fchown(given.as_raw_fd(), 65534, 65534) }, 0);
        set_algorithm(&given, &name).unwrap();
        assert_eq!(wish(&agent), "by-uid");
    });
}

#[test]
fn a_cgroup_chooses_for_the_sockets_that_were_made_in_it() {
    if let Ok(address) = std::env::var(CHILD) {
        return child(&address);
    }
    let test = "a_cgroup_chooses_for_the_sockets_that_were_made_in_it";
    if !possible(test) {
        return;
    }
    in_namespace(move || {
        let group = Cgroup::new();
        let (agent, name) = start(&format!("cgroup=/{} -> by-cgroup\n-> other\n", group.name));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let other = TcpStream::connect(address).unwrap();
        set_algorithm(&other, &name).unwrap();
        assert_eq!(wish(&agent), "other");
        // A thread cannot change its cgroup alone: this test once more, as a process of its own.
        let procs = group.path.join("cgroup.procs");
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", test]).env(CHILD, format!("{address} {name}"));
        let procs = std::ffi::CString::new(procs.to_str().unwrap()).unwrap();
        // SAFETY: writing a file is all that happens between fork and exec; no memory is allocated
        // that the parent's other threads could hold a lock of, as the path is made before.
        unsafe {
            again.pre_exec(move || {
                let fd = libc::open(procs.as_ptr(), libc::O_WRONLY);
                let written = libc::write(fd, b"0".as_ptr().cast(), 1);
                if written == 1 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
            })
        };
        assert!(again.status().unwrap().success());
        assert_eq!(wish(&agent), "by-cgroup");
    });
}

/// A connection from within the cgroup.
fn child(address: &str) {
    let (address, name) = address.split_once(' ').unwrap();
    let socket = TcpStream::connect(address).unwrap();
    set_algorithm(&socket, name).unwrap();
}

const CHILD: &str = "CCP_TEST_CGROUP_CHILD";

/// A cgroup of this test's own.
struct Cgroup {
    name: String,
    path: std::path::PathBuf,
}

impl Cgroup {
    fn new() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let find = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[2] == "cgroup2").then(|| words[1].to_owned())
        };
        let top = mounts.lines().find_map(find).expect("cgroups of version 2 are mounted");
        let name = format!("ccp-test-{}", std::process::id());
        let path = std::path::Path::new(&top).join(&name);
        std::fs::create_dir(&path).unwrap();
        Self { name, path }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.path);
    }
}
