//! Running sockets are moved to another algorithm, in every network namespace.
#![cfg(target_os = "linux")]

use std::fs::OpenOptions;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use ccp_ebpf::adopt::{AdoptError, Adopter, Pick};
use ccp_ebpf::btf::Btf;
use ccp_ebpf::{EbpfSocket, Name, Options, sys};

/// One test at a time: one of them walks over all namespaces.
static TURN: Mutex<()> = Mutex::new(());

/// In a network namespace of this test's own, so that it moves nobody else's sockets.
fn alone(test: impl FnOnce(&Btf) + Send + 'static) {
    // SAFETY: takes an integer; moves this thread alone into a new namespace.
    let run = move || match unsafe { libc::unshare(libc::CLONE_NEWNET) } {
        0 => {
            let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
            assert!(up.expect("ip").success());
            let btf = sys::kernel_btf().expect("BTF");
            test(&Btf::parse(btf).expect("BTF"));
        }
        _ => skip("adopting running flows needs root"),
    };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::spawn(run).join().expect("the test");
}

fn pair() -> (TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    set(&listener, "cubic");
    let near =
        TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    set(&near, "cubic");
    let (far, _) = listener.accept().expect("a connection");
    (listener, near, far)
}

#[test]
fn sockets_of_one_algorithm_are_moved_and_no_others() {
    alone(|btf| {
        let (listener, near, far) = pair();
        set(&far, "bbr");
        let adopter = Adopter::new(btf, Pick::Named("cubic"), "reno").expect("a program");
        let adopted = adopter.here().expect("a walk");
        assert_eq!((adopted.moved, adopted.refused), (2, 0));
        assert_eq!([get(&listener), get(&near), get(&far)], ["reno", "reno", "bbr"]);
        assert_eq!(adopter.here().expect("a walk").moved, 0, "there are none left");
    });
}

#[test]
fn sockets_of_all_algorithms_but_some_are_moved() {
    alone(|btf| {
        let (listener, near, far) = pair();
        set(&far, "bbr");
        let adopter = Adopter::new(btf, Pick::NotBeginning("cub"), "reno").expect("a program");
        assert_eq!(adopter.here().expect("a walk").moved, 1);
        assert_eq!([get(&listener), get(&near), get(&far)], ["cubic", "cubic", "reno"]);
    });
}

#[test]
fn a_name_that_only_begins_alike_is_another() {
    alone(|btf| {
        let (_listener, near, _far) = pair();
        let adopter = Adopter::new(btf, Pick::Named("cub"), "reno").expect("a program");
        assert_eq!(adopter.here().expect("a walk").moved, 0);
        assert_eq!(get(&near), "cubic");
    });
}

#[test]
fn other_network_namespaces_are_walked_too() {
    alone(|btf| {
        // An algorithm that only this test uses: sockets of others stay as they are.
        let mut options = Options::default();
        let name = format!("t{}_adopt", std::process::id());
        options.names = vec![Name { name: name.clone(), wish: String::new() }];
        options.take_over = false;
        let _agent = EbpfSocket::start(options).expect("an algorithm");
        let (listener, near, far) = pair();
        set(&listener, &name);
        set(&near, &name);
        set(&far, &name);
        // Another thread is in this namespace while the one that walks is elsewhere.
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let keeper = std::thread::spawn(move || _ = wait.recv());
        // SAFETY: as above.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0);
        let adopter = Adopter::new(btf, Pick::Named(&name), "bbr").expect("a program");
        let adopted = adopter.everywhere();
        drop(done);
        keeper.join().expect("the thread");
        let adopted = adopted.expect("walks");
        assert!(adopted.namespaces >= 2 && adopted.moved >= 3, "{adopted:?}");
        assert_eq!([get(&listener), get(&near), get(&far)], ["bbr"; 3]);
    });
}

#[test]
fn an_algorithm_that_does_not_exist_is_refused_for_each_socket() {
    alone(|btf| {
        let (_listener, near, _far) = pair();
        let adopter = Adopter::new(btf, Pick::Named("cubic"), "no_such").expect("a program");
        let adopted = adopter.here().expect("a walk");
        assert_eq!((adopted.moved, adopted.refused), (0, 3));
        assert_eq!(get(&near), "cubic");
    });
}

#[test]
fn a_name_that_no_algorithm_can_have_is_refused_before_anything_is_loaded() {
    alone(|btf| {
        for (pick, to) in [("cubic", "sixteen_bytes_xx"), ("sixteen_bytes_xx", "cubic")] {
            let refused = Adopter::new(btf, Pick::Named(pick), to);
            assert!(matches!(refused, Err(AdoptError::Name { longest: 15, .. })));
        }
    });
}

fn set(socket: &impl AsRawFd, name: &str) {
    // SAFETY: the name is readable for the length given and outlives the call.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_CONGESTION,
            name.as_ptr().cast(),
            name.len() as libc::socklen_t,
        )
    };
    assert_eq!(done, 0, "{name}: {}", std::io::Error::last_os_error());
}

fn get(socket: &impl AsRawFd) -> String {
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

/// Tells `cargo xtask test` that this was left out, and how to get it.
fn skip(why: &str) {
    eprintln!("skipped: {why}");
    if let Some(list) = std::env::var_os("CCP_TEST_SKIPS") {
        let list = OpenOptions::new().append(true).create(true).open(list);
        writeln!(list.expect("the list of skipped tests"), "{why}").expect("the list");
    }
}
