//! Short and long connections in great numbers over a path that loses packets.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ccp_algs::{BbrAlg, CubicAlg, RenoAlg};
use ccp_bench::netlab::{Host, Path};
use ccp_ebpf::EbpfSocket;
use ccp_runtime::{BackendBuilder, RunBuilder};

use super::{Pattern, choose, is_registered, lab, options, wait_until, word};

/// Clients at a time.
const CLIENTS: u64 = 24;

#[test]
fn thousands_of_connections_lose_nothing_on_a_path_that_does() {
    let path = Path {
        rate: 200_000_000,
        delay: Duration::from_millis(2),
        queue: 24,
        loss: 0.01,
        ..Path::default()
    };
    let Some(lab) = lab("thousands_of_connections_lose_nothing_on_a_path_that_does", path) else {
        return;
    };
    let wanted = std::env::var("CCP_TEST_CONNECTIONS").ok();
    let wanted: u64 = wanted.map_or(2_000, |wanted| wanted.parse().expect("a number"));

    let mut options = options(&["reno", "cubic", "bbr"]);
    options.fallback_after = Duration::from_secs(2);
    let names: Vec<String> = options.names.iter().map(|name| name.name.clone()).collect();
    let socket = EbpfSocket::start(options).expect("a datapath");
    let agent = RunBuilder::new(BackendBuilder { sock: socket })
        .default_alg(RenoAlg::default())
        .additional_alg(CubicAlg::default())
        .additional_alg(BbrAlg::default())
        .spawn_thread()
        .run()
        .expect("an agent");

    let listen = || TcpListener::bind("[::]:0").expect("a port");
    let listener = lab.on(Host::Receiver, listen).expect("a host");
    // What answers is governed as well.
    choose(&listener, &names[1]);
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { break };
            thread::spawn(move || serve(&stream));
        }
    });

    let next = AtomicU64::new(0);
    let connect = |number: u64| {
        let host = if number.is_multiple_of(2) { Host::Receiver.v4() } else { Host::Receiver.v6() };
        let stream = TcpStream::connect((host, port)).expect("a connection");
        choose(&stream, &names[number as usize % names.len()]);
        stream
    };
    thread::scope(|scope| {
        // A few go on for long beside the others.
        for number in 0..3 {
            let (lab, connect) = (&lab, &connect);
            scope.spawn(move || {
                let ask = || ask(&connect(number), number, 3_000_000, 1_000);
                lab.on(Host::Sender, ask).expect("a host");
            });
        }
        for _ in 0..CLIENTS {
            let (lab, next, connect) = (&lab, &next, &connect);
            scope.spawn(move || {
                let ask_on = || loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= wanted {
                        break;
                    }
                    let sizes = word(number);
                    ask(&connect(number), number + 3, sizes % 12_000, (sizes >> 32) % 6_000);
                };
                lab.on(Host::Sender, ask_on).expect("a host");
            });
        }
    });
    let total = wanted + 3;
    wait_until("all flows have closed", || {
        let stats = agent.stats();
        stats.flows == 0 && stats.flows_created >= total
    });
    let stats = agent.stats();
    agent.kill();
    agent.wait().expect("it ends well");
    assert!(!names.iter().any(|name| is_registered(name)));
    let counted = lab.finish();
    eprintln!("{total} connections, {stats:?}, {counted:?}");
    assert!(counted.lost > 50 && counted.dropped > 50, "{counted:?}");
    assert_eq!((stats.malformed, stats.flow_panics, stats.unknown_flow), (0, 0, 0));
}

/// Sends a request, and checks the answer: as many bytes as asked for.
fn ask(stream: &TcpStream, seed: u64, request: u64, answer: u64) {
    for number in [seed, request, answer] {
        use std::io::Write;
        let mut stream = stream;
        stream.write_all(&number.to_le_bytes()).expect("a peer");
    }
    Pattern::new(seed).send(stream, request as usize).expect("a peer");
    expect(stream, !seed, answer);
    let mut rest = Pattern::new(0);
    assert_eq!(rest.receive(stream, 1), 0, "no more than what was asked for");
}

/// Answers one request.
fn serve(stream: &TcpStream) {
    use std::io::Read;
    let [seed, request, answer] = [(); 3].map(|()| {
        let (mut stream, mut number) = (stream, [0; 8]);
        stream.read_exact(&mut number).expect("a request");
        u64::from_le_bytes(number)
    });
    expect(stream, seed, request);
    Pattern::new(!seed).send(stream, answer as usize).expect("a peer");
}

/// Reads so many bytes of a pattern.
fn expect(stream: &TcpStream, seed: u64, len: u64) {
    let mut pattern = Pattern::new(seed);
    while pattern.at < len {
        let got = pattern.receive(stream, (len - pattern.at) as usize);
        assert_ne!(got, 0, "stream {seed:x} ends at {} of {len}", pattern.at);
    }
}
