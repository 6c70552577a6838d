//! Two hosts joined by a slow link, on one Linux machine: real kernels' TCP on an emulated path.
//!
//! Each host is a network namespace of its own with one TUN device. A thread between them does what
//! a bottleneck does: it passes each packet on at the link's rate, drops what finds the queue full,
//! loses some at random and keeps all for the time they travel. Kernels without netem can do this
//! too. Needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN).
//!
//! The namespaces have no names: they end with the last process in them, also after a crash, and
//! leave nothing behind.
//!
//! When a packet leaves is computed, not waited for: the thread wakes late by some tens of
//! microseconds, but the next departure is counted from the last one, so rate and queue are exact.

mod relay;
#[allow(unsafe_code, reason = "one ioctl that no safe wrapper without a pile of dependencies has")]
mod tun;

use std::fs::File;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};

pub use relay::Counted;

/// What the path between the two hosts is like. The way back has the same delay and no limit.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// Bits per second that leave the queue; 0 for no limit.
    pub rate: u64,
    /// One way, without queueing.
    pub delay: Duration,
    /// Packets that the queue holds.
    pub queue: usize,
    /// The probability that a packet is lost before the queue.
    pub loss: f64,
    /// What the losses are drawn from.
    pub seed: u64,
}

impl Default for Path {
    /// 48 Mbit/s and 20 ms of round trip with a queue of one BDP.
    fn default() -> Self {
        Self { rate: 48_000_000, delay: Duration::from_millis(10), queue: 80, loss: 0.0, seed: 1 }
    }
}

/// One of the two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Its packets pass the slow link.
    Sender,
    /// The other one.
    Receiver,
}

impl Host {
    /// Its IPv4 address.
    pub const fn v4(self) -> &'static str {
        match self {
            Self::Sender => "10.77.0.1",
            Self::Receiver => "10.77.0.2",
        }
    }

    /// Its IPv6 address.
    pub const fn v6(self) -> &'static str {
        match self {
            Self::Sender => "fd00:77::1",
            Self::Receiver => "fd00:77::2",
        }
    }
}

/// Two hosts and the path between them, for as long as this lives.
#[derive(Debug)]
pub struct Lab {
    namespaces: [File; 2],
    ends: Arc<AtomicBool>,
    relay: Option<JoinHandle<Counted>>,
}

impl Lab {
    /// Makes hosts and path.
    ///
    /// # Errors
    /// What the system refuses: most often for lack of root or of `/dev/net/tun`.
    pub fn new(path: Path) -> io::Result<Self> {
        let (sender, sender_device) = host(Host::Sender)?;
        let (receiver, receiver_device) = host(Host::Receiver)?;
        let ends = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&ends);
        let relay = thread::Builder::new()
            .name("netlab".into())
            .spawn(move || relay::run(&sender_device, &receiver_device, path, &ended))?;
        Ok(Self { namespaces: [sender, receiver], ends, relay: Some(relay) })
    }

    /// Runs something on one of the hosts, in a thread of its own, and waits for it. Sockets opened
    /// there stay there.
    ///
    /// # Errors
    /// The thread cannot be made or cannot enter the host.
    ///
    /// # Panics
    /// With what it panics with.
    pub fn on<T: Send>(&self, host: Host, run: impl FnOnce() -> T + Send) -> io::Result<T> {
        let namespace = &self.namespaces[host as usize];
        thread::scope(|scope| {
            let entered =
                scope.spawn(|| setns(namespace, CloneFlags::CLONE_NEWNET).map(|()| run()));
            match entered.join() {
                Ok(result) => result.map_err(io::Error::from),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// The host's network namespace, for `setns` or its inode.
    pub fn namespace(&self, host: Host) -> &File {
        &self.namespaces[host as usize]
    }

    /// Ends the path and gives what passed it.
    pub fn finish(mut self) -> Counted {
        self.stop()
    }

    fn stop(&mut self) -> Counted {
        self.ends.store(true, Ordering::Relaxed);
        let relay = self.relay.take().map(JoinHandle::join);
        relay.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a namespace with a device that has the host's addresses.
fn host(host: Host) -> io::Result<(File, File)> {
    let made = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET)?;
        let device = tun::open("lab0")?;
        ip(&["link", "set", "lo", "up"])?;
        ip(&["addr", "add", &format!("{}/24", host.v4()), "dev", "lab0"])?;
        // Without `nodad` the address cannot be used for its first second or two.
        ip(&["-6", "addr", "add", &format!("{}/64", host.v6()), "dev", "lab0", "nodad"])?;
        ip(&["link", "set", "lab0", "mtu", "1500", "txqueuelen", "10000", "up"])?;
        Ok((File::open("/proc/thread-self/ns/net")?, device))
    });
    made.join().unwrap_or_else(|_| Err(io::Error::other("the thread that makes a host panicked")))
}

/// Runs `ip` in the namespace of this thread.
fn ip(args: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(args).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ip {}: {}", args.join(" "), said.trim())))
}
