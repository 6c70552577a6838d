//! The thread between two devices.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::Path;

/// What passed the slow link, from sender to receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Packets that left the queue.
    pub packets: u64,
    /// Their bytes, with IP headers.
    pub bytes: u64,
    /// Packets that found the queue full.
    pub dropped: u64,
    /// Packets lost before the queue.
    pub lost: u64,
    /// How long all packets together waited in the queue.
    pub waited: Duration,
}

impl Counted {
    /// How long a packet waited on average.
    pub fn mean_wait(&self) -> Duration {
        self.waited / u32::try_from(self.packets.max(1)).unwrap_or(u32::MAX)
    }
}

/// One direction: what travels, oldest first, with when it arrives.
struct Line {
    travelling: VecDeque<(Instant, Vec<u8>)>,
    /// Buffers to use again.
    spare: Vec<Vec<u8>>,
}

/// Passes packets on until `ends`.
pub(super) fn run(
    mut sender: &File,
    mut receiver: &File,
    path: Path,
    ends: &AtomicBool,
) -> Counted {
    let mut counted = Counted::default();
    let mut out = Line::new();
    let mut back = Line::new();
    // When each packet that is in the queue will have left it.
    let mut departures = VecDeque::new();
    let mut last_departure = Instant::now();
    let mut random = Random(path.seed);
    let mut buf = vec![0; 1 << 16];
    while !ends.load(Ordering::Relaxed) {
        let now = Instant::now();
        for _ in 0..BATCH {
            let Ok(len) = sender.read(&mut buf) else { break };
            while departures.front().is_some_and(|&left| left <= now) {
                departures.pop_front();
            }
            if path.loss > 0.0 && random.next() < path.loss {
                counted.lost += 1;
                continue;
            }
            let leaves = if path.rate == 0 {
                now
            } else if departures.len() >= path.queue {
                counted.dropped += 1;
                continue;
            } else {
                let nanos = len as u64 * 8 * 1_000_000_000 / path.rate;
                last_departure.max(now) + Duration::from_nanos(nanos)
            };
            last_departure = leaves;
            departures.push_back(leaves);
            counted.packets += 1;
            counted.bytes += len as u64;
            counted.waited += leaves - now;
            out.push(leaves + path.delay, &buf[..len]);
        }
        for _ in 0..BATCH {
            let Ok(len) = receiver.read(&mut buf) else { break };
            back.push(now + path.delay, &buf[..len]);
        }
        out.deliver(now, receiver);
        back.deliver(now, sender);
        let due = out.next().into_iter().chain(back.next()).min();
        wait(sender, receiver, due);
    }
    counted
}

impl Line {
    fn new() -> Self {
        Self { travelling: VecDeque::new(), spare: Vec::new() }
    }

    fn push(&mut self, arrives: Instant, packet: &[u8]) {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(packet);
        self.travelling.push_back((arrives, copy));
    }

    fn next(&self) -> Option<Instant> {
        self.travelling.front().map(|&(arrives, _)| arrives)
    }

    /// Hands over what has arrived. A device that takes nothing more loses it, as a network card
    /// would.
    fn deliver(&mut self, now: Instant, mut to: &File) {
        while self.next().is_some_and(|arrives| arrives <= now) {
            if let Some((_, packet)) = self.travelling.pop_front() {
                let _ = to.write(&packet);
                self.spare.push(packet);
            }
        }
    }
}

/// Waits for a packet or until `due`, at most a little while.
fn wait(sender: &File, receiver: &File, due: Option<Instant>) {
    let left =
        due.map_or(LONGEST, |due| due.saturating_duration_since(Instant::now()).min(LONGEST));
    let mut fds = [sender.as_fd(), receiver.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    // Interrupted or not: the caller looks at everything again.
    let _ = ppoll(&mut fds, Some(TimeSpec::from_duration(left)), None);
}

/// Packets read from one side before the other has its turn.
const BATCH: usize = 64;

/// How long the end may go unnoticed.
const LONGEST: Duration = Duration::from_millis(20);

/// `splitmix64`, for losses that are the same in every run.
struct Random(u64);

impl Random {
    /// From 0 to below 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
