//! The loop of a datapath process: senders on emulated links in real time, an agent on a unix socket.
//!
//! Whatever implements [`Governed`], libccp or our datapath, is driven by the same loop over the same
//! links, so that what differs between two runs is the datapath.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags};
use nix::sys::time::TimeSpec;
use serde_json::{Value, json};

use crate::link::{Link, Sender};

/// What a datapath process is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The folder of the sockets.
    #[arg(long, default_value = "/tmp/ccp")]
    pub dir: PathBuf,
    /// The name of this datapath's socket in it.
    #[arg(long, default_value = "datapath")]
    pub name: String,
    /// The name of the agent's socket in it.
    #[arg(long, default_value = "portus")]
    pub agent: String,
    /// The algorithm that Create asks for.
    #[arg(long, default_value = "")]
    pub alg: String,
    /// How many flows to run, each on a link of its own.
    #[arg(long, default_value_t = 1)]
    pub flows: usize,
    /// How long to run.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// The link's rate in Mbit/s.
    #[arg(long, default_value_t = 12)]
    pub mbit: u64,
    /// The link's round-trip time in milliseconds.
    #[arg(long, default_value_t = 20)]
    pub rtt_ms: u64,
    /// What the link's queue holds, in segments.
    #[arg(long, default_value_t = 20)]
    pub queue: u64,
    /// How long to leave the agent's messages in the socket's queue after Ready, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub deaf_ms: u64,
}

impl Options {
    /// The link each flow runs over.
    #[must_use]
    pub fn link(&self) -> Link {
        Link { rate_bps: self.mbit * 1_000_000, rtt_us: self.rtt_ms * 1000, queue: self.queue }
    }

    /// Waits up to five seconds for the agent's socket, then binds the datapath's and connects it.
    ///
    /// # Errors
    /// When the agent does not come up, or the name cannot be bound.
    pub fn connect(&self) -> anyhow::Result<UnixDatagram> {
        let agent = self.dir.join(&self.agent);
        let deadline = Instant::now() + AGENT_DEADLINE;
        loop {
            match self.bind_and_connect(&agent) {
                Err(_) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                done => return done.with_context(|| format!("no agent at {}", agent.display())),
            }
        }
    }

    fn bind_and_connect(&self, agent: &Path) -> io::Result<UnixDatagram> {
        let own = self.dir.join(&self.name);
        remove_stale(&own)?;
        let socket = UnixDatagram::bind(own)?;
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
        socket.connect(agent)?;
        Ok(socket)
    }
}

/// The folder in which our agents, the facade included, bind when none is given; portus always binds in
/// `/tmp/ccp`.
#[must_use]
pub fn our_folder() -> PathBuf {
    std::env::var_os("CCP_IPC_DIR").map_or_else(|| PathBuf::from("/tmp/ccp"), PathBuf::from)
}

/// A datapath as the loop sees it.
pub trait Governed {
    /// Takes one datagram of the agent; an error is counted by its text.
    ///
    /// # Errors
    /// Whatever the datapath does not like about it.
    fn message(&mut self, datagram: &mut [u8], now_us: u64) -> Result<(), String>;

    /// Runs flow number `flow` on the primitives, and gives the sender what comes out.
    ///
    /// # Errors
    /// Why the flow's program did not run, or not to its end.
    fn ack(
        &mut self,
        flow: usize,
        primitives: &[u64; 15],
        sender: &mut Sender,
        now_us: u64,
    ) -> Result<(), String>;

    /// Does what is due without an ACK.
    fn tick(&mut self, now_us: u64) {
        let _ = now_us;
    }
}

/// Runs the flows for `options.seconds`, and says what happened.
///
/// # Errors
/// When the socket fails in another way than by having nothing to read.
pub fn run(
    options: &Options,
    socket: &UnixDatagram,
    init_cwnd: u64,
    datapath: &mut dyn Governed,
) -> anyhow::Result<Value> {
    let start = Instant::now();
    let now = || start.elapsed().as_micros() as u64;
    let end = (options.seconds * 1e6) as u64;
    let deaf_until = options.deaf_ms * 1000;
    let mut senders = vec![Sender::new(options.link(), init_cwnd, 0); options.flows];
    let mut log = Log::default();
    let mut windows = vec![Windows::default(); options.flows];
    let mut buffer = vec![0; 65_535];
    senders.iter_mut().for_each(|s| s.send(0));
    while now() < end {
        let next = senders.iter().map(Sender::next_event_us).min().unwrap_or(end).min(end);
        wait(socket, next.saturating_sub(now()), now() >= deaf_until)?;
        if now() >= deaf_until {
            while let Some(len) = receive(socket, &mut buffer)? {
                log.message(&buffer[..len]);
                if let Err(e) = datapath.message(&mut buffer[..len], now()) {
                    log.error(e);
                }
            }
        }
        datapath.tick(now());
        let due = now();
        for (flow, sender) in senders.iter_mut().enumerate() {
            // What is due happens at its own time, however late the machine gets round to it: the
            // link must not depend on what else runs.
            while sender.next_event_us() <= due {
                let at = sender.next_event_us();
                if let Some(primitives) = sender.poll(at) {
                    let before = sender.cwnd();
                    if let Err(e) = datapath.ack(flow, &primitives, sender, at) {
                        log.error(e);
                    }
                    windows[flow].note(before, sender.cwnd());
                }
                sender.send(at);
            }
        }
    }
    let seconds = now() as f64 / 1e6;
    let flows: Vec<Value> =
        senders.iter().zip(&windows).map(|(s, w)| w.summary(s, seconds)).collect();
    Ok(json!({"seconds": seconds, "flows": flows, "messages": log.messages, "errors": log.errors}))
}

/// What came from the agent.
#[derive(Default)]
struct Log {
    messages: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
}

impl Log {
    fn message(&mut self, datagram: &[u8]) {
        let name = match datagram.first_chunk::<2>().map(|t| u16::from_le_bytes(*t)) {
            Some(2) => "install".into(),
            Some(3) => "update_fields".into(),
            Some(4) => "change_prog".into(),
            other => format!("{other:?}"),
        };
        *self.messages.entry(name).or_default() += 1;
    }

    fn error(&mut self, error: String) {
        *self.errors.entry(error).or_default() += 1;
    }
}

/// What a flow's window did.
#[derive(Clone, Default)]
struct Windows {
    raised: u64,
    lowered: u64,
    largest: u64,
}

impl Windows {
    fn note(&mut self, before: u64, after: u64) {
        self.raised += u64::from(after > before);
        self.lowered += u64::from(after < before);
        self.largest = self.largest.max(after);
    }

    fn summary(&self, sender: &Sender, seconds: f64) -> Value {
        let t = sender.totals;
        json!({
            "mbit_per_s": t.delivered as f64 * crate::link::MSS as f64 * 8e-6 / seconds,
            "mean_rtt_us": t.rtt_sum_us / t.delivered.max(1),
            "delivered": t.delivered,
            "lost": t.lost,
            "timeouts": t.timeouts,
            "cwnd": sender.cwnd(),
            "rate": sender.rate(),
            "cwnd_raised": self.raised,
            "cwnd_lowered": self.lowered,
            "cwnd_largest": self.largest,
        })
    }
}

/// Waits until a datagram is there, if `listen`, or `us` microseconds have passed.
fn wait(socket: &UnixDatagram, us: u64, listen: bool) -> anyhow::Result<()> {
    let flags = if listen { PollFlags::POLLIN } else { PollFlags::empty() };
    let mut fds = [PollFd::new(socket.as_fd(), flags)];
    // poll counts in milliseconds, about a segment's time on these links; ppoll in nanoseconds.
    let timeout = TimeSpec::from_duration(Duration::from_micros(us.min(LONGEST_WAIT_US)));
    match nix::poll::ppoll(&mut fds, Some(timeout), None) {
        Ok(_) | Err(nix::Error::EINTR) => Ok(()),
        Err(e) => Err(e).context("cannot wait for the agent's messages"),
    }
}

/// The next datagram's length, without waiting for one.
fn receive(socket: &UnixDatagram, buffer: &mut [u8]) -> anyhow::Result<Option<usize>> {
    // Only receiving must not wait: libccp's sends have nobody to try them again.
    socket.set_nonblocking(true)?;
    let received = socket.recv(buffer);
    socket.set_nonblocking(false)?;
    match received {
        Ok(len) => Ok(Some(len)),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
        // The agent has gone; the flows go on.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(e).context("cannot receive from the agent"),
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// An agent that does not read for this long has lost the message.
const SEND_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an agent may take to come up.
const AGENT_DEADLINE: Duration = Duration::from_secs(5);
/// Staged updates take effect with ACKs, so nothing is urgent between them.
const LONGEST_WAIT_US: u64 = 5_000;
