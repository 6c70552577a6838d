//! The agent is a process of its own: stopped, killed and started again while a transfer runs.

use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ccp_algs::RenoAlg;
use ccp_bench::netlab::{Host, Lab, Path};
use ccp_ebpf::page::Governor;
use ccp_ebpf::watch::View;
use ccp_ebpf::{EbpfSocket, Name, sys};
use ccp_runtime::{BackendBuilder, RunBuilder};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Pattern, choose, is_registered, lab, options, wait_until};

/// Where the name is told to the process that is the agent.
const NAME: &str = "CCP_TEST_AGENT_NAME";

#[test]
fn a_transfer_goes_on_while_its_agent_is_stopped_killed_and_started_again() {
    let test = "a_transfer_goes_on_while_its_agent_is_stopped_killed_and_started_again";
    let path = Path { rate: 24_000_000, queue: 50, loss: 0.001, ..Path::default() };
    let Some(ours) = lab(test, path) else { return };
    // The same at the same time under the kernel's own Reno: whatever else the machine does, it does
    // to both.
    let theirs = Lab::new(path).expect("two more hosts");
    // A namespace is found by the processes in it.
    let inhabit = || Command::new("sleep").arg("600").stdin(Stdio::null()).spawn();
    let inhabitant = ours.on(Host::Sender, inhabit).expect("a host").expect("sleep");
    let _inhabitant = Process(inhabitant);
    let name = options(&[""]).names.remove(0).name;
    let agent = Agent::start(&name);
    let reno = Transfer::start(&theirs, "reno");
    let flow = Transfer::start(&ours, &name);
    wait_until("the agent governs", || flow.governor() == Some(Governor::Agent));
    flow.wait_for(500_000);

    agent.signal(Signal::SIGSTOP);
    wait_until("a stopped agent is missed", || flow.governor() == Some(Governor::Fallback));
    keeps_up(&flow, &reno, "stopped");
    assert_eq!(flow.governor(), Some(Governor::Fallback));
    // One that begins now is heard of later.
    let late = Transfer::start(&ours, &name);
    late.wait_for(100_000);
    assert_eq!(late.governor(), Some(Governor::Fallback));
    agent.signal(Signal::SIGCONT);
    for flow in [&flow, &late] {
        wait_until("the agent governs again", || flow.governor() == Some(Governor::Agent));
        flow.wait_for(100_000);
    }
    late.end();
    // It has the path for itself again.
    flow.wait_for(1_000_000);

    agent.signal(Signal::SIGKILL);
    drop(agent);
    wait_until("a dead agent leaves no name", || !is_registered(&name));
    wait_until("a dead agent is missed", || flow.governor() == Some(Governor::Fallback));
    keeps_up(&flow, &reno, "killed");
    assert_eq!(flow.governor(), Some(Governor::Fallback));

    let agent = Agent::start(&name);
    wait_until("the next agent takes over", || flow.governor() == Some(Governor::Agent));
    flow.wait_for(500_000);
    drop(agent);
    flow.end();
    reno.end();
    wait_until("the kernel has forgotten all of it", || !has_map(&name));
}

/// In the same time at least 80 % of what the other one gets through. Time enough is given for
/// luck to even out.
fn keeps_up(flow: &Transfer, reno: &Transfer, what: &str) {
    let before = [flow.arrived(), reno.arrived()];
    for _ in 0..8 {
        flow.wait_for(1_000_000);
        let [ours, theirs] = [flow.arrived() - before[0], reno.arrived() - before[1]];
        eprintln!("{what}: {ours} bytes against Reno's {theirs}");
        if ours * 100 >= theirs * 80 && ours >= 2_000_000 {
            return;
        }
    }
    panic!("{what}: less than Reno gets through");
}

/// What the process of an [`Agent`] does; nothing for who runs all tests.
#[test]
fn the_agent_of_other_tests() {
    let Ok(name) = std::env::var(NAME) else { return };
    // It ends with the process that started it, whose end closes the pipe.
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
    let mut options = options(&[]);
    options.names = vec![Name { name, wish: String::new() }];
    let socket = EbpfSocket::start(options).expect("a datapath");
    let agent = RunBuilder::new(BackendBuilder { sock: socket });
    agent.default_alg(RenoAlg::default()).run().expect("an agent");
}

/// A process that is killed when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Dead already where a test killed it.
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// A process with an agent that runs Reno.
struct Agent(Process);

impl Agent {
    fn start(name: &str) -> Self {
        let this = std::env::current_exe().expect("a path");
        let mut command = Command::new(this);
        command.args(["--exact", "fallback::the_agent_of_other_tests"]);
        command.env(NAME, name).stdin(Stdio::piped()).stdout(Stdio::null());
        let agent = Self(Process(command.spawn().expect("a process")));
        wait_until("the agent has registered", || is_registered(name));
        agent
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.0.id().cast_signed()), signal).expect("it runs");
    }
}

/// A transfer without end from one host to the other, checked where it arrives.
struct Transfer {
    local: SocketAddr,
    peer: SocketAddr,
    arrived: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    threads: [JoinHandle<u64>; 2],
}

impl Transfer {
    fn start(lab: &Lab, algorithm: &str) -> Self {
        let listen = || TcpListener::bind((Host::Receiver.v4(), 0)).expect("a port");
        let listener = lab.on(Host::Receiver, listen).expect("a host");
        let peer = listener.local_addr().expect("an address");
        let connect = || TcpStream::connect(peer).expect("a connection");
        let sender = lab.on(Host::Sender, connect).expect("a host");
        let local = sender.local_addr().expect("an address");
        choose(&sender, algorithm);
        let receiver = listener.accept().expect("a connection").0;
        let (arrived, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (Arc::clone(&arrived), Arc::clone(&ends));
        let writer = thread::spawn(move || {
            let mut pattern = Pattern::new(7);
            while !end.load(Ordering::Relaxed) {
                pattern.send(&sender, 10_000).expect("a peer");
            }
            sender.shutdown(Shutdown::Write).expect("a peer");
            pattern.at
        });
        let reader = thread::spawn(move || {
            let mut pattern = Pattern::new(7);
            while pattern.receive(&receiver, usize::MAX) > 0 {
                count.store(pattern.at, Ordering::Relaxed);
            }
            pattern.at
        });
        Self { local, peer, arrived, ends, threads: [writer, reader] }
    }

    fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Waits until so many bytes more have arrived.
    fn wait_for(&self, bytes: u64) {
        let (wanted, start) = (self.arrived() + bytes, Instant::now());
        while self.arrived() < wanted {
            assert!(start.elapsed() < Duration::from_secs(60), "the transfer stands");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Who governs it; nothing while no agent has it.
    fn governor(&self) -> Option<Governor> {
        let views = View::all().expect("maps");
        let mut flows = views.iter().flat_map(|(view, _)| view.flows());
        let this = |flow: &ccp_ebpf::watch::FlowState| (flow.local, flow.peer);
        flows.find(|flow| this(flow) == (self.local, self.peer))?.governor
    }

    /// All that was sent must arrive.
    fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        let [sent, received] = self.threads.map(|thread| thread.join().expect("no panic"));
        assert_eq!(sent, received);
    }
}

/// Whether the kernel has a map of that name: that of a registered algorithm, or one that is left.
fn has_map(name: &str) -> bool {
    let mut id = 0;
    while let Some(next) = sys::next_map(id).expect("maps") {
        id = next;
        let info = sys::open_map(id).and_then(|map| {
            use std::os::fd::AsFd;
            sys::map_info(map.as_fd())
        });
        // It may have gone meanwhile.
        if info.is_ok_and(|info| info.name == name) {
            return true;
        }
    }
    false
}
