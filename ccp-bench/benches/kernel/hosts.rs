//! Network namespaces without names, and bulk flows between them.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns, unshare};
use socket2::{Domain, Socket, Type};

use crate::Outcome;

/// Where flows run from and to.
pub(crate) struct Hosts {
    sender: File,
    receiver: File,
    /// The receiver's.
    address: &'static str,
}

/// What a run came to.
pub(crate) struct Ran {
    /// Bits of data per second that arrived.
    pub(crate) rate: f64,
    /// Segments sent more than once.
    pub(crate) again: u64,
    /// How long was measured.
    pub(crate) time: Duration,
}

impl Hosts {
    /// One namespace's loopback.
    pub(crate) fn loopback(mtu: u32) -> Outcome<Self> {
        let sender = in_new_namespace(|| {
            ip(&format!("link set lo mtu {mtu} up"))?;
            Ok(File::open(OWN)?)
        })?;
        Ok(Self { receiver: sender.try_clone()?, sender, address: "127.0.0.1" })
    }

    /// Two namespaces joined by a pair of virtual cards.
    pub(crate) fn veth() -> Outcome<Self> {
        let (sender, receiver) = in_new_namespace(|| {
            let sender = File::open(OWN)?;
            let back = sender.try_clone()?;
            unshare(CloneFlags::CLONE_NEWNET)?;
            let receiver = File::open(OWN)?;
            let thread = fs::read_link("/proc/thread-self")?;
            let thread = thread.file_name().ok_or("no thread")?.to_string_lossy().into_owned();
            // Made over there with its other end here: a thread's number names its namespace.
            thread::scope(|scope| {
                let made = scope.spawn(|| {
                    setns(&back, CloneFlags::CLONE_NEWNET)?;
                    ip(&format!("link add v0 type veth peer name v1 netns {thread}"))?;
                    ip("addr add 10.78.0.1/24 dev v0")?;
                    ip("link set v0 up")
                });
                made.join().map_err(|_| "a thread panicked")?
            })?;
            ip("addr add 10.78.0.2/24 dev v1")?;
            ip("link set v1 up")?;
            Ok((sender, receiver))
        })?;
        Ok(Self { sender, receiver, address: "10.78.0.2" })
    }

    /// Those of an emulated path.
    pub(crate) fn lab(lab: &ccp_bench::netlab::Lab) -> Outcome<Self> {
        use ccp_bench::netlab::Host;
        let [sender, receiver] =
            [Host::Sender, Host::Receiver].map(|host| lab.namespace(host).try_clone());
        Ok(Self { sender: sender?, receiver: receiver?, address: Host::Receiver.v4() })
    }

    /// So many bulk flows under an algorithm, measured for `time` after `warm`. `around` is called at
    /// the measured time's beginning and end.
    pub(crate) fn bulk(
        &self,
        algorithm: &str,
        flows: usize,
        warm: Duration,
        time: Duration,
        mut around: impl FnMut(),
    ) -> Outcome<Ran> {
        let listener = on(&self.receiver, || Ok(TcpListener::bind((self.address, 0))?))?;
        let address = listener.local_addr()?;
        let (arrived, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut threads = Vec::new();
        let mut streams = Vec::new();
        for _ in 0..flows {
            let sender = on(&self.sender, || connect(address, algorithm))?;
            let (receiver, _) = listener.accept()?;
            streams.extend([sender.try_clone()?, receiver.try_clone()?]);
            let (arrived, stopped) = (Arc::clone(&arrived), Arc::clone(&ends));
            threads.push(thread::spawn(move || write(sender, &stopped)));
            threads.push(thread::spawn(move || read(receiver, &arrived)));
        }
        let retransmitted = || on(&self.sender, retransmitted);
        let before = retransmitted()?;
        thread::sleep(warm);
        around();
        let (start, first) = (Instant::now(), arrived.load(Ordering::Relaxed));
        thread::sleep(time);
        let (time, last) = (start.elapsed(), arrived.load(Ordering::Relaxed));
        around();
        let again = retransmitted()?.saturating_sub(before);
        ends.store(true, Ordering::Relaxed);
        for stream in &streams {
            // One that has ended already has ended.
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in threads {
            let _ = thread.join();
        }
        Ok(Ran { rate: (last - first) as f64 * 8.0 / time.as_secs_f64(), again, time })
    }
}

fn connect(address: SocketAddr, algorithm: &str) -> Outcome<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_congestion(algorithm.as_bytes())?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

fn write(mut stream: TcpStream, ends: &AtomicBool) {
    let data = vec![7; CHUNK];
    while !ends.load(Ordering::Relaxed) && stream.write(&data).is_ok_and(|len| len > 0) {}
}

fn read(mut stream: TcpStream, arrived: &AtomicU64) {
    let mut data = vec![0; CHUNK];
    while let Ok(len) = stream.read(&mut data) {
        if len == 0 {
            break;
        }
        arrived.fetch_add(len as u64, Ordering::Relaxed);
    }
}

/// Segments that this namespace has sent more than once.
fn retransmitted() -> Outcome<u64> {
    let text = fs::read_to_string("/proc/thread-self/net/snmp")?;
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let names = lines.next().ok_or("no names")?.split_whitespace();
    let values = lines.next().ok_or("no values")?.split_whitespace();
    let found = names.zip(values).find(|(name, _)| *name == "RetransSegs");
    Ok(found.ok_or("no RetransSegs")?.1.parse()?)
}

fn on<T: Send>(namespace: &File, run: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
    thread::scope(|scope| {
        let entered = scope.spawn(|| {
            setns(namespace, CloneFlags::CLONE_NEWNET)?;
            run()
        });
        entered.join().map_err(|_| "a thread panicked")?
    })
}

fn in_new_namespace<T: Send>(run: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
    thread::scope(|scope| {
        let made = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            run()
        });
        made.join().map_err(|_| "a thread panicked")?
    })
}

/// Runs `ip` in the namespace of this thread.
fn ip(args: &str) -> Outcome<()> {
    let output = Command::new("ip").args(args.split_whitespace()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {args}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

const OWN: &str = "/proc/thread-self/ns/net";
const CHUNK: usize = 128 << 10;
