//! The emulated path does to the kernel's own TCP what its figures say.
#![cfg(target_os = "linux")]

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ccp_bench::netlab::{Host, Lab, Path};

#[test]
fn a_transfer_takes_what_the_path_allows() {
    let lab = match Lab::new(Path::default()) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return skip("netlab: needs root and /dev/net/tun");
        }
        made => made.expect("two hosts"),
    };
    let listener = lab
        .on(Host::Receiver, || TcpListener::bind((Host::Receiver.v4(), 5001)).expect("a port"))
        .expect("a host");
    let total = 3_000_000_usize;
    let reader = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("data");
        bytes.len()
    });
    let connect = || TcpStream::connect((Host::Receiver.v4(), 5001)).expect("a connection");
    let begin = Instant::now();
    let mut stream = lab.on(Host::Sender, connect).expect("a host");
    let handshake = begin.elapsed();
    stream.write_all(&vec![7; total]).expect("data");
    drop(stream);
    assert_eq!(reader.join().expect("a reader"), total);
    let taken = begin.elapsed();
    let counted = lab.finish();
    // 3 MB at 48 Mbit/s are 0.5 s; the handshake one round trip.
    assert!(handshake >= Duration::from_millis(20), "{handshake:?}");
    assert!(taken >= Duration::from_millis(500), "{taken:?}");
    assert!(counted.bytes >= total as u64, "{counted:?}");
}

/// Tells `cargo xtask test` that this was left out, and how to get it.
fn skip(why: &str) {
    eprintln!("skipped: {why}");
    if let Some(list) = std::env::var_os("CCP_TEST_SKIPS") {
        let list = OpenOptions::new().append(true).create(true).open(list);
        writeln!(list.expect("the list of skipped tests"), "{why}").expect("the list");
    }
}
