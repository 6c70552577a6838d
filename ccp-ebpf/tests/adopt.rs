//! Running sockets are moved to another algorithm, in every network namespace.
#![cfg(target_os = "linux")]

mod support;

use std::net::{TcpListener, TcpStream};

use ccp_ebpf::adopt::{AdoptError, Adopter, Pick};
use ccp_ebpf::btf::Btf;
use ccp_ebpf::{EbpfSocket, sys};
use support::*;

/// In a network namespace of this test's own, so that it moves nobody else's sockets.
fn alone(test: impl FnOnce(&Btf) + Send + 'static) {
    if !possible("adopting running flows") {
        return;
    }
    in_namespace(move || {
        let btf = sys::kernel_btf().expect("BTF");
        test(&Btf::parse(btf).expect("BTF"));
    });
}

fn pair() -> (TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    set_algorithm(&listener, "cubic").expect("an algorithm");
    let near =
        TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    set_algorithm(&near, "cubic").expect("an algorithm");
    let (far, _) = listener.accept().expect("a connection");
    (listener, near, far)
}

#[test]
fn sockets_of_one_algorithm_are_moved_and_no_others() {
    alone(|btf| {
        let (listener, near, far) = pair();
        set_algorithm(&far, "bbr").expect("an algorithm");
        let adopter = Adopter::new(btf, Pick::Named("cubic"), "reno").expect("a program");
        let adopted = adopter.here().expect("a walk");
        assert_eq!((adopted.moved, adopted.refused), (2, 0));
        assert_eq!(
            [algorithm(&listener), algorithm(&near), algorithm(&far)],
            ["reno", "reno", "bbr"]
        );
        assert_eq!(adopter.here().expect("a walk").moved, 0, "there are none left");
    });
}

#[test]
fn sockets_of_all_algorithms_but_some_are_moved() {
    alone(|btf| {
        let (listener, near, far) = pair();
        set_algorithm(&far, "bbr").expect("an algorithm");
        let adopter = Adopter::new(btf, Pick::NotBeginning("cub"), "reno").expect("a program");
        assert_eq!(adopter.here().expect("a walk").moved, 1);
        assert_eq!(
            [algorithm(&listener), algorithm(&near), algorithm(&far)],
            ["cubic", "cubic", "reno"]
        );
    });
}

#[test]
fn a_name_that_only_begins_alike_is_another() {
    alone(|btf| {
        let (_listener, near, _far) = pair();
        let adopter = Adopter::new(btf, Pick::Named("cub"), "reno").expect("a program");
        assert_eq!(adopter.here().expect("a walk").moved, 0);
        assert_eq!(algorithm(&near), "cubic");
    });
}

#[test]
fn other_network_namespaces_are_walked_too() {
    alone(|btf| {
        // An algorithm that only this test uses: sockets of others stay as they are.
        let options = options("");
        let name = options.names[0].name.clone();
        let _agent = EbpfSocket::start(options).expect("an algorithm");
        let (listener, near, far) = pair();
        set_algorithm(&listener, &name).expect("an algorithm");
        set_algorithm(&near, &name).expect("an algorithm");
        set_algorithm(&far, &name).expect("an algorithm");
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
        assert_eq!([algorithm(&listener), algorithm(&near), algorithm(&far)], ["bbr"; 3]);
    });
}

#[test]
fn an_algorithm_that_does_not_exist_is_refused_for_each_socket() {
    alone(|btf| {
        let (_listener, near, _far) = pair();
        let adopter = Adopter::new(btf, Pick::Named("cubic"), "no_such").expect("a program");
        let adopted = adopter.here().expect("a walk");
        assert_eq!((adopted.moved, adopted.refused), (0, 3));
        assert_eq!(algorithm(&near), "cubic");
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
