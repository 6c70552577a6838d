//! This kernel's TCP under an agent, on an emulated path: nothing is lost or changed whatever
//! happens to the packets, and flows go on whatever happens to the agent.
#![cfg(target_os = "linux")]

mod fallback;
mod integrity;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ccp_bench::netlab::{Lab, Path};
use ccp_ebpf::{Name, Options};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpCongestion;

/// A path, if the kernel can be used from here. If not the test is noted as skipped.
fn lab(test: &str, path: Path) -> Option<Lab> {
    let reason = if std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        match Lab::new(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => "needs root",
            made => return Some(made.expect("two hosts")),
        }
    } else {
        "needs a kernel with BTF"
    };
    eprintln!("{test} is skipped: {reason}");
    if let Some(list) = std::env::var_os("CCP_TEST_SKIPS") {
        let list = OpenOptions::new().append(true).create(true).open(list);
        writeln!(list.expect("the list"), "ccp-bench {test}: {reason}").expect("the list");
    }
    None
}

/// Names that no other test uses, one for each wish.
fn options(wishes: &[&str]) -> Options {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut options = Options::default();
    let name = |wish: &&str| {
        let name = format!("b{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Name { name, wish: (*wish).to_owned() }
    };
    options.names = wishes.iter().map(name).collect();
    options.max_flows = 256;
    options
}

/// Sets TCP_CONGESTION.
fn choose(socket: &impl std::os::fd::AsFd, name: &str) {
    setsockopt(socket, TcpCongestion, &name.into()).expect("the algorithm is registered");
}

/// Whether new sockets can choose an algorithm of that name.
fn is_registered(name: &str) -> bool {
    let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    known.expect("a list").split_whitespace().any(|known| known == name)
}

/// Waits until something holds; a test fails that waits for long.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes that are different in each stream and at each place.
struct Pattern {
    seed: u64,
    at: u64,
}

impl Pattern {
    const fn new(seed: u64) -> Self {
        Self { seed, at: 0 }
    }

    /// The next bytes.
    fn fill(&mut self, buf: &mut [u8]) {
        for byte in buf {
            *byte = (word(self.seed ^ (self.at / 8)) >> (self.at % 8 * 8)) as u8;
            self.at += 1;
        }
    }

    fn send(&mut self, mut to: &TcpStream, mut len: usize) -> std::io::Result<()> {
        let mut buf = [0; 16_384];
        while len > 0 {
            let part = &mut buf[..len.min(16_384)];
            self.fill(part);
            to.write_all(part)?;
            len -= part.len();
        }
        Ok(())
    }

    /// Reads some, which must be the next bytes. 0 at the end.
    fn receive(&mut self, mut from: &TcpStream, most: usize) -> usize {
        let (mut buf, mut wanted) = ([0; 16_384], [0; 16_384]);
        let len = from.read(&mut buf[..most.min(16_384)]).expect("data");
        let at = self.at;
        self.fill(&mut wanted[..len]);
        assert!(buf[..len] == wanted[..len], "stream {:x} differs behind byte {at}", self.seed);
        len
    }
}

/// One step of `splitmix64`.
const fn word(state: u64) -> u64 {
    let mut z = state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
