//! A network namespace, sockets under a chosen algorithm, and when such tests are left out.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod agent;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use ccp_ebpf::engine::{Engine, Name, Options};
use ccp_ebpf::page::PAGE;

/// Whether the kernel can be used from here. If not the test is noted as skipped.
pub(crate) fn possible(test: &str) -> bool {
    // SAFETY: takes no arguments, touches no memory.
    let reason = if unsafe { libc::geteuid() } != 0 {
        "needs root"
    } else if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        "needs a kernel with BTF"
    } else {
        return true;
    };
    eprintln!("{test} is skipped: {reason}");
    if let Some(file) = std::env::var_os("CCP_TEST_SKIPS") {
        let line = format!("ccp-ebpf {test}: {reason}\n");
        let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
    false
}

/// Runs a test in a thread with a network namespace of its own, in which the loopback is up. The
/// namespace ends with the thread.
pub(crate) fn in_namespace<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(|| {
        // SAFETY: concerns this thread's namespace only.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0, "unshare");
        // Segments as on Ethernet: those of the loopback vary in size.
        run("ip link set lo mtu 1500 up");
        test()
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs a command here; it must succeed.
pub(crate) fn run(command: &str) {
    let mut words = command.split_whitespace();
    let status = std::process::Command::new(words.next().unwrap()).args(words).status().unwrap();
    assert!(status.success(), "{command}");
}

/// Options with a name that no other test uses.
pub(crate) fn options(wish: &str) -> Options {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut options = Options::default();
    options.names = vec![Name { name, wish: wish.to_owned() }];
    options.max_flows = 64;
    // Tests play the agent, and are slow on a loaded machine.
    options.fallback_after = std::time::Duration::from_secs(60);
    options
}

/// Chooses a socket's algorithm.
pub(crate) fn set_algorithm(socket: &impl AsRawFd, name: &str) -> std::io::Result<()> {
    // SAFETY: `name` is valid for reads of its length and outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_CONGESTION,
            name.as_ptr().cast(),
            name.len() as libc::socklen_t,
        )
    };
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// The name of a socket's algorithm.
pub(crate) fn algorithm(socket: &impl AsRawFd) -> String {
    let mut name = [0_u8; 16];
    let mut len = name.len() as libc::socklen_t;
    // SAFETY: the buffer is writable for the length given; both outlive the call.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_CONGESTION,
            name.as_mut_ptr().cast(),
            &mut len,
        )
    };
    assert_eq!(done, 0);
    String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned()
}

/// Whether the kernel knows an algorithm of that name. One that has ended may still be known for a
/// moment: a command that another test has just started has its descriptors until it begins.
pub(crate) fn is_registered(name: &str) -> bool {
    let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    known.unwrap().split_whitespace().any(|known| known == name)
}

/// A connection to an address of this namespace whose sender is under the algorithm `name`.
pub(crate) fn connect(listen: &str, name: &str) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((listen, 0)).unwrap();
    let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    set_algorithm(&sender, name).unwrap();
    (sender, listener.accept().unwrap().0)
}

/// Sends so many bytes of a known pattern and checks what arrives.
/// Gives the sender back.
pub(crate) fn transfer(sender: TcpStream, mut receiver: TcpStream, bytes: usize) -> TcpStream {
    let writer = thread::spawn(move || send(sender, bytes));
    let mut buf = vec![0; 1 << 16];
    let mut at = 0;
    loop {
        let len = receiver.read(&mut buf).unwrap();
        if len == 0 {
            break;
        }
        for (offset, &byte) in buf[..len].iter().enumerate() {
            assert_eq!(byte, pattern(at + offset), "byte {}", at + offset);
        }
        at += len;
    }
    assert_eq!(at, bytes);
    writer.join().unwrap()
}

/// Sends so many bytes of the pattern, and says that no more will come.
pub(crate) fn send(mut sender: TcpStream, bytes: usize) -> TcpStream {
    let data: Vec<u8> = (0..bytes).map(pattern).collect();
    sender.write_all(&data).unwrap();
    sender.shutdown(std::net::Shutdown::Write).unwrap();
    sender
}

fn pattern(at: usize) -> u8 {
    (at * 31 / 7) as u8
}

/// What the kernel says of a TCP socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tcp {
    /// The congestion window, in packets.
    pub(crate) cwnd: u32,
    /// Segments sent more than once.
    pub(crate) retransmitted: u32,
    /// In bytes per second.
    pub(crate) pacing_rate: u64,
}

impl Tcp {
    pub(crate) fn of(socket: &impl AsRawFd) -> Self {
        let mut info = [0_u8; 128];
        let mut len = info.len() as libc::socklen_t;
        // SAFETY: `info` is valid for writes of `len` bytes, its size, and both outlive the call.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                info.as_mut_ptr().cast(),
                &mut len,
            )
        };
        assert!(result == 0 && len as usize == info.len(), "TCP_INFO");
        // Places in `struct tcp_info` (linux/tcp.h), of which the C library has an older form.
        let word = |at: usize| u32::from_ne_bytes(info[at..at + 4].try_into().unwrap());
        Self {
            cwnd: word(80),
            retransmitted: word(100),
            pacing_rate: u64::from_ne_bytes(info[104..112].try_into().unwrap()),
        }
    }
}

/// A word of a flow's page by slot.
pub(crate) fn word(engine: &Engine, slot: usize, at: usize) -> u64 {
    engine.flow_pages().u64_at(slot * PAGE + at).unwrap().load(Ordering::Relaxed)
}

/// A word of the agent's page.
pub(crate) fn agent_word(engine: &Engine, at: usize) -> u64 {
    engine.agent_page().u64_at(at).unwrap().load(Ordering::Relaxed)
}

/// Waits until something holds; a test fails that waits for long.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if holds() {
            return;
        }
        thread::sleep(std::time::Duration::from_millis(2));
    }
    panic!("waited in vain: {what}");
}
