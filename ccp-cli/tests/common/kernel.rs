//! This kernel's TCP in tests: who may use it, agents, sockets.

#![allow(dead_code, reason = "each test file uses what it needs of this module")]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpCongestion;

use super::ccp;

/// A connection over the loopback.
pub(crate) fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (sender, listener.accept().unwrap().0)
}

/// Sets TCP_CONGESTION.
pub(crate) fn choose(socket: &TcpStream, name: &str) {
    setsockopt(socket, TcpCongestion, &name.into()).unwrap();
}

/// The algorithms that sockets can choose.
pub(crate) fn registered() -> Vec<String> {
    let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    known.unwrap().split_whitespace().map(str::to_owned).collect()
}

/// The names are the machine's: one test at a time has them, of whatever process. Nothing when they
/// cannot be had here at all; then the test is noted as skipped.
pub(crate) fn may_take_the_names(test: &str) -> Option<Flock<File>> {
    let doctor = ccp(&["doctor"], "");
    if doctor.status.success() {
        let lock = File::create(std::env::temp_dir().join("ccp-test-names.lock")).unwrap();
        return Some(Flock::lock(lock, FlockArg::LockExclusive).unwrap());
    }
    eprintln!("{test} is skipped: ccp doctor names what is missing");
    if let Some(file) = std::env::var_os("CCP_TEST_SKIPS") {
        let mut file = File::options().append(true).create(true).open(file).unwrap();
        writeln!(file, "ccp-cli {test}: ccp doctor names what is missing").unwrap();
    }
    None
}

/// An agent that ends with the test.
pub(crate) struct Agent {
    pub(crate) child: Child,
    log: BufReader<std::process::ChildStderr>,
}

impl Agent {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_ccp")).args(args))
    }

    /// Starts one by a command that becomes it.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let command = command.env("RUST_LOG", "info").stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads its log up to a line that has this text.
    pub(crate) fn wait_for(&mut self, wanted: &str) {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "it never said {wanted}");
        }
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn end(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.wait_for("agent ended");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Already ended where the test went well.
        let _ = (self.child.kill(), self.child.wait());
    }
}
