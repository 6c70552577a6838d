//! How runs end, and transports of one's own.

extern crate ccp_portus as portus;

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use portus::ipc::{BackendBuilder, Ipc};
use portus::{CCPHandle, Error, RunBuilder};

fn spawned() -> (CCPHandle, Peer) {
    let (backend, peer) = channel_socket();
    let builder = RunBuilder::new(backend).default_alg(echo().0);
    (builder.spawn_thread().run().unwrap(), peer)
}

/// Ends a run with `stop` and checks that this takes no longer than it may.
fn ends_in_time(handle: CCPHandle, stop: impl FnOnce(&CCPHandle)) {
    // Long enough for the agent to be asleep.
    thread::sleep(Duration::from_millis(30));
    let start = Instant::now();
    stop(&handle);
    handle.wait().unwrap();
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
}

#[test]
fn kill_ends_an_idle_agent_in_time() {
    let (handle, _peer) = spawned();
    ends_in_time(handle, CCPHandle::kill);
}

#[test]
fn storing_false_to_the_handles_flag_ends_an_idle_agent_in_time() {
    let (handle, _peer) = spawned();
    ends_in_time(handle, |handle| {
        handle.continue_listening.store(false, Ordering::SeqCst);
    });
}

#[test]
fn a_handle_can_be_waited_for_by_its_thread() {
    let (handle, _peer) = spawned();
    handle.kill();
    assert!(!handle.continue_listening.load(Ordering::SeqCst));
    handle.join_handle.join().unwrap().unwrap();
}

#[test]
fn a_flag_of_ones_own_ends_a_run_in_place_and_in_a_thread() {
    for spawn in [false, true] {
        let (backend, _peer) = channel_socket();
        let flag = Arc::new(AtomicBool::new(true));
        let builder =
            RunBuilder::new(backend).default_alg(echo().0).with_stop_handle(Arc::clone(&flag));
        let run = thread::spawn(move || match spawn {
            true => builder.spawn_thread().run().unwrap().wait(),
            false => builder.run(),
        });
        thread::sleep(Duration::from_millis(30));
        let start = Instant::now();
        flag.store(false, Ordering::SeqCst);
        run.join().unwrap().unwrap();
        assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    }
}

#[test]
fn kill_lowers_the_flag_that_was_given() {
    let (backend, _peer) = channel_socket();
    let flag = Arc::new(AtomicBool::new(true));
    let builder =
        RunBuilder::new(backend).with_stop_handle(Arc::clone(&flag)).default_alg(echo().0);
    let handle = builder.spawn_thread().run().unwrap();
    assert!(Arc::ptr_eq(&flag, &handle.continue_listening));
    handle.kill();
    assert!(!flag.load(Ordering::SeqCst));
    handle.wait().unwrap();
}

#[test]
fn a_raw_flag_is_taken_over() {
    let (backend, _peer) = channel_socket();
    let flag = Arc::new(AtomicBool::new(true));
    let raw = Arc::into_raw(Arc::clone(&flag));
    // SAFETY: from `into_raw` just above, and used only here.
    let builder = unsafe { RunBuilder::new(backend).with_raw_stop_handle(raw) };
    let handle = builder.default_alg(echo().0).spawn_thread().run().unwrap();
    ends_in_time(handle, |_| flag.store(false, Ordering::SeqCst));
    assert_eq!(Arc::strong_count(&flag), 1, "the raw count is given up");
}

#[test]
fn a_null_flag_is_an_error_of_run() {
    let null = std::ptr::null();
    let (backend, _peer) = channel_socket();
    // SAFETY: null is allowed.
    let builder = unsafe { RunBuilder::new(backend).with_raw_stop_handle(null) };
    let error = builder.default_alg(echo().0).run().unwrap_err();
    assert!(error.0.contains("null"), "{}", error.0);

    let (backend, _peer) = channel_socket();
    // SAFETY: null is allowed.
    let builder = unsafe { RunBuilder::new(backend).with_raw_stop_handle(null) };
    let builder = builder.default_alg(echo().0).spawn_thread();
    assert!(builder.run().is_err());
}

/// A transport of one's own, over the channels of std. Its peers have numbers.
struct Own {
    to_datapath: Sender<(u16, Vec<u8>)>,
    from_datapath: Receiver<(u16, Vec<u8>)>,
    closed: Arc<Mutex<u32>>,
}

impl Ipc for Own {
    type Addr = u16;

    fn name() -> String {
        String::from("own")
    }

    fn send(&self, msg: &[u8], to: &u16) -> portus::Result<()> {
        // Any error becomes one of portus's.
        Ok(self.to_datapath.send((*to, msg.to_vec()))?)
    }

    fn recv(&self, msg: &mut [u8]) -> portus::Result<(usize, u16)> {
        let (from, datagram) = self.from_datapath.recv_timeout(Duration::from_millis(5))?;
        let room = msg.get_mut(..datagram.len()).ok_or_else(|| Error("too long".into()))?;
        room.copy_from_slice(&datagram);
        Ok((datagram.len(), from))
    }

    fn close(&mut self) -> portus::Result<()> {
        *self.closed.lock().unwrap() += 1;
        Ok(())
    }
}

#[test]
fn a_transport_of_ones_own_works_and_is_closed_once() {
    let (to_agent, from_datapath) = channel();
    let (to_datapath, from_agent) = channel();
    let closed = Arc::new(Mutex::new(0));
    let sock = Own { to_datapath, from_datapath, closed: Arc::clone(&closed) };
    let (alg, told) = echo();
    let handle =
        RunBuilder::new(BackendBuilder { sock }).default_alg(alg).spawn_thread().run().unwrap();
    let expect = |peer: u16, kind: u16| {
        let (to, message) = from_agent.recv_timeout(SOON).unwrap();
        assert_eq!((to, &message[..2]), (peer, &kind.to_le_bytes()[..]));
        message
    };
    for peer in [40, 41] {
        to_agent.send((peer, create(1, ""))).unwrap();
        expect(peer, INSTALL);
        expect(peer, CHANGE_PROG);
        // Empty datagrams are none.
        to_agent.send((peer, vec![])).unwrap();
        to_agent.send((peer, measure(1, 1, &[77]))).unwrap();
        let update = expect(peer, UPDATE_FIELDS);
        assert_eq!(fields(&update, 12), [(2, 4, 77)]);
        let from = peer.to_string();
        let report = told.iter().nth(1).unwrap();
        assert_eq!(report, Event::Report { acked: 77, from });
    }
    ends_in_time(handle, CCPHandle::kill);
    assert_eq!(*closed.lock().unwrap(), 1);
    let rest: Vec<_> = told.iter().collect();
    assert_eq!(rest, [Event::Closed, Event::Closed], "the flows are closed too");
}

/// A transport that breaks.
struct Breaking;

impl Ipc for Breaking {
    type Addr = ();

    fn name() -> String {
        String::from("breaking")
    }

    fn send(&self, _: &[u8], (): &()) -> portus::Result<()> {
        Ok(())
    }

    fn recv(&self, _: &mut [u8]) -> portus::Result<(usize, ())> {
        panic!("out of paper")
    }

    fn close(&mut self) -> portus::Result<()> {
        Err(Error("broken".into()))
    }
}

#[test]
fn a_panic_of_the_loop_comes_out_of_wait() {
    let builder = RunBuilder::new(BackendBuilder { sock: Breaking }).default_alg(echo().0);
    let error = builder.spawn_thread().run().unwrap().wait().unwrap_err();
    assert!(error.0.contains("out of paper"), "{}", error.0);
}
