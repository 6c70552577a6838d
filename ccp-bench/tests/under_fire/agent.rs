//! The agent's side: peers of all bad kinds at once, beside a good one.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use ccp_datapath::Config;
use ccp_runtime::{CCPHandle, Stats};
use ccp_wire::{Create, FlowId, Hello, HelloFlags, MeasureRepr, ProgramUid, Ready};

use crate::garbage::{Contents, Garbage};
use crate::good::Good;
use crate::memory::Watch;
use crate::random::Random;
use crate::{MAX_DATAPATHS, MAX_FLOWS, MAX_WAITING_BYTES, alone, duration, spawn_agent};

#[test]
fn garbage_from_many_peers_is_refused_and_counted() {
    let stats = siege(&[garbage, garbage]);
    for (reason, count) in [
        ("malformed", stats.malformed),
        ("truncated", stats.truncated),
        ("unknown type", stats.unknown_type),
        ("agent only", stats.agent_only),
        ("nameless", stats.nameless),
        ("unknown flow", stats.unknown_flow),
    ] {
        assert!(count > 0, "nothing was refused as {reason}");
    }
}

#[test]
fn floods_of_readies_and_creates_from_peers_that_vanish_meet_the_limits() {
    let stats = siege(&[flood]);
    assert!(stats.flows_capped > 0 && stats.datapaths_capped > 0, "{stats:?}");
    assert!(stats.datapaths_gone > 0, "{stats:?}");
}

#[test]
fn peers_that_never_read_fill_their_own_queues_only() {
    let stats = siege(&[deaf]);
    assert!(stats.send_queue_full > 0, "{stats:?}");
}

#[test]
fn all_of_them_at_once() {
    siege(&[garbage, flood, deaf]);
}

/// Serves a good flow while each of `attacks` runs in a thread of its own, and checks the agent
/// afterwards.
fn siege(attacks: &[fn(&Besieged<'_>, u64)]) -> Stats {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut watch = Watch::start();
    let agent = spawn_agent(folder.path());
    let mut good = Good::open(folder.path(), Config::default());
    let besieged =
        Besieged { folder: folder.path(), over: AtomicBool::new(false), sent: Sent::default() };

    let (begun, lasts) = (Instant::now(), duration());
    let stats = thread::scope(|scope| {
        // Also when an assertion of this thread fails.
        let _over = Over(&besieged.over);
        for (&attack, seed) in attacks.iter().zip(1..) {
            let besieged = &besieged;
            scope.spawn(move || attack(besieged, seed));
        }
        while begun.elapsed() < lasts {
            good.decide();
            watch.look(begun.elapsed().div_duration_f64(lasts));
        }
        besieged.over.store(true, Relaxed);
        besieged.all_handled(&agent, &good)
    });

    eprintln!(
        "{:?}\n{stats:#?}\n{:?}; bytes held: {:?}",
        besieged.sent,
        good.service,
        watch.thirds()
    );
    assert_eq!(stats.flow_panics, 0);
    assert_eq!(good.engine.stats().fallbacks, 0);
    besieged.check(&stats, &good);
    watch.check(BOUND);
    agent.kill();
    agent.wait().unwrap();
    drop(good);
    watch.check_end();
    stats
}

/// What attackers need to know, and what they have done.
struct Besieged<'a> {
    folder: &'a Path,
    over: AtomicBool,
    sent: Sent,
}

#[derive(Debug, Default)]
struct Sent {
    datagrams: AtomicU64,
    messages: AtomicU64,
    /// See [`Contents::uncounted`].
    uncounted: AtomicU64,
    /// Datagrams from sockets without a name.
    nameless: AtomicU64,
    /// Datagrams for which the agent's queue had no room.
    crowded_out: AtomicU64,
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Besieged<'_> {
    fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    /// Sends if there is room, and tells whether there was.
    fn send(&self, from: &UnixDatagram, datagram: &[u8]) -> bool {
        match from.send_to(datagram, self.folder.join("portus")) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.sent.crowded_out.fetch_add(1, Relaxed);
                thread::sleep(Duration::from_micros(50));
                return false;
            }
            Err(error) => panic!("{} bytes: {error}", datagram.len()),
        }
        let contents = Contents::of(datagram);
        self.sent.datagrams.fetch_add(1, Relaxed);
        // What does not fit the agent's buffer is refused whole.
        if datagram.len() <= AGENT_BUFFER {
            self.sent.messages.fetch_add(contents.messages, Relaxed);
            self.sent.uncounted.fetch_add(contents.uncounted, Relaxed);
        }
        true
    }

    /// A socket of that name; what an earlier one has left is replaced.
    fn bind(&self, name: &str) -> UnixDatagram {
        let path = self.path(name);
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Waits until the agent has handled whatever was sent to it.
    fn all_handled(&self, agent: &CCPHandle, good: &Good) -> Stats {
        let end = Instant::now() + Duration::from_secs(10);
        let mut last = agent.stats();
        loop {
            thread::sleep(Duration::from_millis(20));
            let now = agent.stats();
            let of_good = good.engine.stats();
            let sent = self.sent.datagrams.load(Relaxed)
                + of_good.readies
                + of_good.creates
                + of_good.reports;
            let nameless = self.sent.nameless.load(Relaxed);
            if now == last && now.datagrams + now.truncated == sent && now.nameless == nameless {
                return now;
            }
            assert!(Instant::now() < end, "{sent} datagrams sent, but {now:?}");
            last = now;
        }
    }

    /// Every message is counted, as followed or as refused for a reason.
    fn check(&self, stats: &Stats, good: &Good) {
        let of_good = good.engine.stats();
        // A Ready goes out together with a Hello.
        let sent = self.sent.messages.load(Relaxed)
            + 2 * of_good.readies
            + of_good.creates
            + of_good.reports;
        let counted = [
            stats.reports,
            stats.flows_created,
            stats.readies,
            stats.hellos,
            stats.malformed,
            stats.unknown_type,
            stats.agent_only,
            stats.unknown_datapath,
            stats.unknown_flow,
            stats.flows_capped,
            stats.datapaths_capped,
        ];
        let counted = counted.iter().sum::<u64>();
        let uncounted = self.sent.uncounted.load(Relaxed);
        assert!(
            (sent - uncounted..=sent).contains(&counted),
            "of {sent} messages {counted} are counted, and {uncounted} need not be"
        );
    }
}

/// Sends garbage from several addresses; some listen, some do not, some start over at times.
fn garbage(besieged: &Besieged<'_>, seed: u64) {
    let mut garbage = Garbage::new(seed);
    let names: Vec<String> = (0..8).map(|n| format!("garbage-{seed}-{n}")).collect();
    let mut sockets: Vec<UnixDatagram> = names.iter().map(|name| besieged.bind(name)).collect();
    let mut buf = vec![0; 1 << 16];
    while !besieged.is_over() {
        let at = garbage.random.below(sockets.len());
        for _ in 0..BURST {
            let datagram = garbage.next();
            besieged.send(&sockets[at], datagram);
        }
        if at.is_multiple_of(2) {
            while sockets[at].recv(&mut buf).is_ok() {}
        }
        if garbage.random.one_in(500) {
            sockets[at] = besieged.bind(&names[at]);
        }
        // What comes from a socket without a name is dropped before anybody looks at it.
        let unnamed = UnixDatagram::unbound().unwrap();
        unnamed.set_nonblocking(true).unwrap();
        if unnamed.send_to(garbage.last(), besieged.path("portus")).is_ok() {
            besieged.sent.nameless.fetch_add(1, Relaxed);
        }
        thread::sleep(PAUSE);
    }
}

/// Announces datapaths and flows without end, from more addresses than the agent takes, which are
/// soon nobody's.
fn flood(besieged: &Besieged<'_>, seed: u64) {
    let mut random = Random::new(seed);
    let mut held = VecDeque::new();
    while !besieged.is_over() {
        let name = format!("flood-{seed}-{}", random.below(4 * MAX_DATAPATHS));
        let socket = besieged.bind(&name);
        for _ in 0..1 + random.below(4) {
            announce(besieged, &socket, &mut random);
            let flows = if random.one_in(4) { 2 * MAX_FLOWS } else { 4 };
            for flow in 0..flows {
                let create = Create { flow: FlowId(flow as u32), mss: 1_448, ..Create::default() };
                send(besieged, &socket, |buf| create.encode(buf).unwrap());
                if flow % BURST == 0 {
                    thread::sleep(PAUSE);
                }
            }
        }
        held.push_back((name, socket));
        let most = if random.one_in(64) { 0 } else { MAX_DATAPATHS + 4 };
        while held.len() > most {
            let Some((name, _gone)) = held.pop_front() else {
                break;
            };
            // Some take the trace of themselves away.
            if random.one_in(2) {
                let _ = std::fs::remove_file(besieged.path(&name));
            }
        }
    }
}

/// Has flows that ask for many decisions, from addresses that never read one.
fn deaf(besieged: &Besieged<'_>, seed: u64) {
    let mut random = Random::new(seed);
    let sockets: Vec<_> = (0..DEAF).map(|n| besieged.bind(&format!("deaf-{seed}-{n}"))).collect();
    while !besieged.is_over() {
        let socket = &sockets[random.below(sockets.len())];
        if random.one_in(2_000) {
            announce(besieged, socket, &mut random);
        }
        for _ in 0..BURST {
            let flow = FlowId(random.below(MAX_FLOWS) as u32);
            if random.one_in(4) {
                let create = Create { flow, mss: 1_448, init_cwnd: 1_000_000, ..Create::default() };
                send(besieged, socket, |buf| create.encode(buf).unwrap());
            } else {
                // Something is always lost, or the window grows.
                let fields: [u64; 10] = std::array::from_fn(|_| random.number() % 1_000_000);
                let report = MeasureRepr { flow, program_uid: ProgramUid(1), fields: &fields };
                send(besieged, socket, |buf| report.encode(buf).unwrap());
            }
        }
        thread::sleep(PAUSE);
    }
}

fn announce(besieged: &Besieged<'_>, socket: &UnixDatagram, random: &mut Random) {
    send(besieged, socket, |buf| Ready { id: 1 }.encode(buf).unwrap());
    let hello = Hello {
        flags: HelloFlags::WANTS_KEEPALIVE,
        primitives: random.number() | 0x7fff,
        max_programs: 10,
        max_instrs: 255,
    };
    send(besieged, socket, |buf| hello.encode(buf).unwrap());
}

fn send(besieged: &Besieged<'_>, socket: &UnixDatagram, encode: impl FnOnce(&mut [u8]) -> usize) {
    let mut buf = [0; 256];
    let len = encode(&mut buf);
    besieged.send(socket, &buf[..len]);
}

/// The attackers take turns with the good flow at a queue of about eleven datagrams; who fills it
/// without a pause only shows whose thread the system favours.
const PAUSE: Duration = Duration::from_micros(100);
const BURST: usize = 16;
const DEAF: usize = 48;

/// The length of the longest message rounded up, which is what the agent receives into.
const AGENT_BUFFER: usize = 1 << 16;

/// All datapaths with all their flows, each of some hundred bytes, and full queues, whose buffers
/// may be twice as large as what is in them.
const BOUND: usize = 3 * ATTACKER + MAX_DATAPATHS * (MAX_FLOWS * 1024 + 2 * MAX_WAITING_BYTES);

/// What an attacker holds itself.
const ATTACKER: usize = 3 << 19;
