//! What only the unix transport has: peers that come and go, nameless senders, signals.
#![cfg(target_os = "linux")]

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::thread::JoinHandleExt;
use std::time::{Duration, Instant};

use ccp_ipc::unix::{Addr, Options, Socket};
use ccp_ipc::{Ipc, Liveness, Outbox, OutboxError, OutboxLimits, Received, RecvError, SendError};
use tempfile::TempDir;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn bind(dir: &TempDir, name: &str) -> Socket {
    Options::new().folder(dir.path()).bind(name).unwrap()
}

/// What is there, if anything. Never waits.
fn receive(socket: &Socket) -> Option<(Vec<u8>, Addr)> {
    let mut buf = [0; 2048];
    match socket.recv(&mut buf, Some(Duration::ZERO)).unwrap() {
        Received::Datagram { len, from } => Some((buf[..len].to_vec(), from)),
        _ => None,
    }
}

const NEVER: Duration = Duration::from_secs(60);

#[test]
fn a_peer_that_dies_is_gone_and_comes_back_under_its_name() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let at_peer = agent.peer("peer").unwrap();
    assert_eq!(agent.probe(&at_peer), Liveness::Gone);
    assert!(matches!(agent.try_send(b"x", &at_peer), Err(SendError::Gone)));

    // Killed: the file stays, and nobody is behind it.
    drop(UnixDatagram::bind(dir.path().join("peer")).unwrap());
    assert_eq!(agent.probe(&at_peer), Liveness::Gone);
    assert!(matches!(agent.try_send(b"x", &at_peer), Err(SendError::Gone)));

    let peer = bind(&dir, "peer");
    assert_eq!(agent.probe(&at_peer), Liveness::Alive);
    agent.try_send(b"welcome back", &at_peer).unwrap();
    assert_eq!(receive(&peer), Some((b"welcome back".to_vec(), *agent.local_addr())));
}

#[test]
fn a_peer_that_never_reads_costs_a_bounded_queue_and_nobody_else() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let (stuck, good) = (bind(&dir, "stuck"), bind(&dir, "good"));
    let mut outbox = Outbox::new(OutboxLimits::new(50, 10_000));
    let mut refused = 0;
    for i in 0..1000u32 {
        match outbox.send(&agent, &[0; 100], stuck.local_addr()) {
            Ok(()) => {}
            Err(OutboxError::QueueFull { messages: 50, bytes: 5000 }) => refused += 1,
            Err(e) => panic!("{e}"),
        }
        outbox.send(&agent, &i.to_le_bytes(), good.local_addr()).unwrap();
        outbox.flush(&agent, |_, error| panic!("{error}"));
        assert_eq!(receive(&good).unwrap().0, i.to_le_bytes());
    }
    assert!(refused > 900, "{refused}");
    assert_eq!(outbox.stats().refused, refused);
    assert_eq!(outbox.stats().queued, 50);
    assert_eq!(outbox.waiting(stuck.local_addr()), 50);
    assert_eq!(outbox.waiting(good.local_addr()), 0);
    assert_eq!(agent.probe(stuck.local_addr()), Liveness::Alive);
}

/// Sends until the peer takes no more.
fn fill(agent: &Socket, peer: &Addr) -> usize {
    let mut sent = 0;
    loop {
        match agent.try_send(&[0; 100], peer) {
            Ok(()) => sent += 1,
            Err(SendError::Full) => return sent,
            Err(e) => panic!("{e:?}"),
        }
        assert!(sent < 1_000_000, "a queue without end");
    }
}

#[test]
fn a_connected_peer_that_never_reads_does_not_stop_sends_to_others() {
    let dir = dir();
    let agent: Socket =
        Options::new().folder(dir.path()).send_buffer(32 << 10).bind("agent").unwrap();
    // The system puts no limit on the queue of such a peer but our own send buffer.
    let deaf = UnixDatagram::bind(dir.path().join("deaf")).unwrap();
    deaf.connect(dir.path().join("agent")).unwrap();
    let at_deaf = agent.peer("deaf").unwrap();
    assert!(fill(&agent, &at_deaf) > 20);
    let good = bind(&dir, "good");
    for i in 0..1000u32 {
        assert!(matches!(agent.try_send(b"x", &at_deaf), Err(SendError::Full)));
        agent.try_send(&i.to_le_bytes(), good.local_addr()).unwrap();
        // From the agent's address, as ever.
        let got = (i.to_le_bytes().to_vec(), *agent.local_addr());
        assert_eq!(receive(&good), Some(got));
    }
    // A full queue and a peer that has gone are still told apart.
    assert!(fill(&agent, good.local_addr()) < 1000);
    drop(good);
    let at_good = agent.peer("good").unwrap();
    assert!(matches!(agent.try_send(b"x", &at_good), Err(SendError::Gone)));

    deaf.set_nonblocking(true).unwrap();
    let mut waiting = 0;
    while deaf.recv(&mut [0; 128]).is_ok() {
        waiting += 1;
    }
    assert!(waiting > 20);
    agent.try_send(b"room again", &at_deaf).unwrap();
}

#[test]
fn datagrams_without_a_sender_are_dropped_and_counted() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let path = dir.path().join("agent");
    let nameless = UnixDatagram::unbound().unwrap();
    nameless.send_to(b"who am I", &path).unwrap();
    nameless.send_to(b"", &path).unwrap();
    bind(&dir, "peer").try_send(b"named", agent.local_addr()).unwrap();
    assert_eq!(receive(&agent).unwrap().0, b"named");
    assert_eq!(agent.ignored(), 2);
}

#[test]
fn a_flood_without_a_sender_delays_neither_the_end_of_a_wait_nor_a_wake() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let path = dir.path().join("agent");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let nameless = UnixDatagram::unbound().unwrap();
            nameless.set_nonblocking(true).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = nameless.send_to(b"noise", &path);
            }
        });
        let start = Instant::now();
        assert_eq!(
            agent.recv(&mut [0; 64], Some(Duration::from_millis(30))).unwrap(),
            Received::TimedOut
        );
        assert!(start.elapsed() >= Duration::from_millis(30));
        let waker = agent.waker();
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            waker.wake();
        });
        assert_eq!(agent.recv(&mut [0; 64], Some(NEVER)).unwrap(), Received::Woken);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(agent.ignored() > 0);
}

#[test]
fn a_flood_without_a_sender_does_not_keep_a_receive_that_must_not_wait() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let path = dir.path().join("agent");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let nameless = UnixDatagram::unbound().unwrap();
            nameless.set_nonblocking(true).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = nameless.send_to(b"noise", &path);
            }
        });
        let mut most = 0;
        while agent.ignored() < 20_000 {
            let before = agent.ignored();
            assert_eq!(receive(&agent), None);
            most = most.max(agent.ignored() - before);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(most <= 16, "{most}");
    });
}

#[test]
fn a_socket_of_another_kind_is_no_peer() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let _stream = std::os::unix::net::UnixListener::bind(dir.path().join("peer")).unwrap();
    let at_peer = agent.peer("peer").unwrap();
    assert_eq!(agent.probe(&at_peer), Liveness::Gone);
    assert!(matches!(agent.try_send(b"x", &at_peer), Err(SendError::Gone)));
}

#[test]
fn a_peer_that_will_not_read_again_is_gone() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let peer = UnixDatagram::bind(dir.path().join("peer")).unwrap();
    peer.shutdown(std::net::Shutdown::Read).unwrap();
    assert!(matches!(agent.try_send(b"x", &agent.peer("peer").unwrap()), Err(SendError::Gone)));
}

#[test]
fn a_peer_with_an_abstract_name_is_known_by_that_name() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    let name = format!("ccp-ipc-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let peer = UnixDatagram::bind_addr(&address).unwrap();
    peer.send_to(b"hello", dir.path().join("agent")).unwrap();
    let (msg, from) = receive(&agent).unwrap();
    assert_eq!((msg.as_slice(), from.path()), (&b"hello"[..], None));
    assert_eq!(from.to_string(), format!("@{name}"));
    agent.try_send(b"answer", &from).unwrap();
    let mut buf = [0; 16];
    assert_eq!(peer.recv(&mut buf).unwrap(), 6);
    assert_eq!(agent.probe(&from), Liveness::Alive);
    drop(peer);
    assert_eq!(agent.probe(&from), Liveness::Gone);
    assert!(matches!(agent.try_send(b"x", &from), Err(SendError::Gone)));
}

#[test]
fn the_default_address_is_nobodys() {
    let dir = dir();
    let agent = bind(&dir, "agent");
    assert!(matches!(agent.try_send(b"x", &Addr::default()), Err(SendError::Gone)));
    assert_eq!(agent.probe(&Addr::default()), Liveness::Gone);
}

#[test]
fn a_datagram_that_the_buffer_can_never_take_is_too_long() {
    let dir = dir();
    let peer = bind(&dir, "peer");
    let agent = Options::new()
        .folder(dir.path())
        .send_buffer(8192)
        .receive_buffer(8192)
        .bind("agent")
        .unwrap();
    let agent: Socket = agent;
    let error = agent.try_send(&[0; 60_000], peer.local_addr()).unwrap_err();
    assert!(matches!(error, SendError::TooLong { len: 60_000 }), "{error:?}");
    agent.try_send(b"small", peer.local_addr()).unwrap();
    assert_eq!(receive(&peer).unwrap().0, b"small");
}

#[test]
fn those_who_do_not_read_leave_room_for_the_others() {
    let dir = dir();
    // A small buffer makes few of them enough: it holds some forty datagrams.
    let agent: Socket =
        Options::new().folder(dir.path()).send_buffer(16 << 10).bind("agent").unwrap();
    let deaf: Vec<Socket> = (0..12).map(|n| bind(&dir, &format!("deaf{n}"))).collect();
    for peer in &deaf {
        // No more than that where queues are longer than usual.
        for _ in 0..12 {
            let _ = agent.try_send(b"unread", peer.local_addr());
        }
    }
    let good = bind(&dir, "good");
    for n in 0..100u8 {
        agent.try_send(&[n], good.local_addr()).unwrap();
        assert_eq!(receive(&good), Some((vec![n], *agent.local_addr())));
    }
    // A full queue is still told from a full buffer, and what waits in it is in order.
    let full = (0..u16::MAX).find(|n| agent.try_send(&n.to_le_bytes(), good.local_addr()).is_err());
    let full = full.expect("a queue has an end");
    for n in 0..full {
        assert_eq!(receive(&good).unwrap().0, n.to_le_bytes());
    }
    // Whoever answers reaches the agent.
    for peer in deaf.iter().chain([&good]) {
        peer.try_send(b"answer", agent.local_addr()).unwrap();
        assert_eq!(receive(&agent), Some((b"answer".to_vec(), *peer.local_addr())));
    }
}

#[test]
fn the_longest_message_of_the_protocol_passes() {
    let dir = dir();
    let (a, b) = (bind(&dir, "a"), bind(&dir, "b"));
    let msg: Vec<u8> = (0..65_535u32).map(|i| (i % 251) as u8).collect();
    a.try_send(&msg, b.local_addr()).unwrap();
    let mut buf = vec![0; 65_535];
    assert_eq!(
        b.recv(&mut buf, None).unwrap(),
        Received::Datagram { len: 65_535, from: *a.local_addr() }
    );
    assert_eq!(buf, msg);
    a.try_send(&msg, b.local_addr()).unwrap();
    let cut = b.recv(&mut buf[1..], None);
    assert!(matches!(cut, Err(RecvError::Truncated { len: 65_535, room: 65_534 })), "{cut:?}");
}

#[test]
fn a_signal_ends_a_wait() {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: zeros are a valid `sigaction` (no flags, so that the call is not taken up again;
    // nothing masked). The handler touches nothing, and no other test of this process uses the
    // signal.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut()), 0);
    }
    let dir = dir();
    for timeout in [None, Some(NEVER)] {
        let agent = bind(&dir, "agent");
        let waiting = std::thread::spawn(move || agent.recv(&mut [0; 8], timeout).unwrap());
        while !waiting.is_finished() {
            // Again and again, since a signal before the wait has no effect.
            std::thread::sleep(Duration::from_millis(5));
            // SAFETY: the thread has not been joined, so its handle is valid.
            unsafe { libc::pthread_kill(waiting.as_pthread_t(), libc::SIGUSR2) };
        }
        assert_eq!(waiting.join().unwrap(), Received::Woken);
    }
}

#[test]
fn a_loop_with_a_deadline_is_on_time_though_each_wait_is_shorter() {
    let dir = dir();
    let (agent, peer) = (bind(&dir, "agent"), bind(&dir, "peer"));
    let deadline = Instant::now() + Duration::from_millis(80);
    let mut got = 0;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left > Duration::from_millis(40) {
            peer.try_send(b"x", agent.local_addr()).unwrap();
        }
        match agent.recv(&mut [0; 8], Some(left)).unwrap() {
            Received::Datagram { .. } => got += 1,
            Received::TimedOut => break,
            Received::Woken => panic!("nobody woke"),
        }
    }
    assert!(got > 0);
    assert!(Instant::now() >= deadline);
    assert!(Instant::now() < deadline + Duration::from_secs(2));
}
