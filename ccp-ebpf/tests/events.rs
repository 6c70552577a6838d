//! What happens to flows besides ACKs: timeouts, spurious ones, and a ring that nobody empties.
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::mem::offset_of;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use ccp_ebpf::engine::Engine;
use ccp_ebpf::page::{AgentWords, FlowWords};
use support::agent::{Agent, Heard};
use support::*;

/// Reports timeouts, undone reductions and the highest state, as they have been so far.
const EVENTS: &str = "
    (def (Report (timeouts 0) (undone 0) (state 0) (idle 0)))
    (when Flow.was_timeout (:= Report.timeouts (+ Report.timeouts 1)) (fallthrough))
    (when Flow.undone (:= Report.undone (+ Report.undone 1)) (fallthrough))
    (when true
        (:= Report.state (max Report.state Flow.recovery))
        (:= Report.idle (max Report.idle Flow.idle_us))
        (:= Cwnd 500000)
        (report))";

#[test]
fn a_timeout_is_told_to_the_program_once() {
    if !possible("a_timeout_is_told_to_the_program_once") {
        return;
    }
    in_namespace(|| {
        let start = Instant::now();
        let (mut agent, mut sender, mut receiver) = governed();
        deaf(&receiver, true);
        sender.write_all(&[1; 20_000]).unwrap();
        let before = start.elapsed().as_micros();
        wait_until("a timeout", || Tcp::of(&sender).retransmitted > 1);
        deaf(&receiver, false);
        receiver.read_exact(&mut [0; 20_000]).unwrap();
        let told = agent.last_report(&mut sender, &mut receiver);
        assert_eq!((told[0], told[1], told[2]), (1, 0, 3), "timeouts, undone, state");
        // Waiting for an acknowledgement is no idleness.
        assert!(u128::from(told[3]) <= before, "idle for {} us", told[3]);
    });
}

#[test]
fn a_timeout_that_was_none_is_told_as_undone() {
    if !possible("a_timeout_that_was_none_is_told_as_undone") {
        return;
    }
    in_namespace(|| {
        let (mut agent, mut sender, mut receiver) = governed();
        // All arrives, but the sender does not hear of it for a while.
        deaf(&sender, true);
        sender.write_all(&[1; 20_000]).unwrap();
        wait_until("a timeout", || Tcp::of(&sender).retransmitted > 0);
        deaf(&sender, false);
        receiver.read_exact(&mut [0; 20_000]).unwrap();
        let told = agent.last_report(&mut sender, &mut receiver);
        assert_eq!((told[0], told[1]), (1, 1), "timeouts, undone");
        let undone = |engine: &Engine| word(engine, 0, offset_of!(FlowWords, undone));
        assert_eq!(agent.socket.with_engine(undone), Some(1));
    });
}

#[test]
fn an_undone_reduction_gives_the_window_back_with_a_program_and_without() {
    if !possible("an_undone_reduction_gives_the_window_back_with_a_program_and_without") {
        return;
    }
    for with_program in [true, false] {
        in_namespace(move || {
            let mut agent = Agent::start("");
            // Leaves the window alone.
            let scope = agent.install(1, "(def (Report (x 0))) (when false (report))");
            let (mut sender, mut receiver) = connect("127.0.0.1", &agent.name);
            let flow = agent.create();
            let mss = agent.flow_word(flow, offset_of!(FlowWords, mss));
            if with_program {
                agent.change(flow, 1, &scope, &[("Cwnd", 100 * mss)]);
            }
            while Tcp::of(&sender).cwnd < 100 {
                sender.write_all(&[1; 200_000]).unwrap();
                receiver.read_exact(&mut [0; 200_000]).unwrap();
            }
            let before = Tcp::of(&sender).cwnd;
            deaf(&sender, true);
            sender.write_all(&[1; 20_000]).unwrap();
            wait_until("a timeout", || Tcp::of(&sender).cwnd < before / 2);
            deaf(&sender, false);
            receiver.read_exact(&mut [0; 20_000]).unwrap();
            exchange(&mut sender, &mut receiver);
            let undone = || agent.flow_word(flow, offset_of!(FlowWords, undone));
            wait_until("it is found spurious", || undone() == 1);
            wait_until("the window is back", || {
                let now = Tcp::of(&sender).cwnd;
                // An application that does not fill it may have to give back half.
                if with_program { now == before } else { now > before / 2 }
            });
            // The answer comes to a packet that another timeout has sent, perhaps.
            assert!(agent.flow_word(flow, offset_of!(FlowWords, timeouts)) >= 1);
        });
    }
}

#[test]
fn idleness_is_told_by_the_ack_that_ends_it() {
    if !possible("idleness_is_told_by_the_ack_that_ends_it") {
        return;
    }
    in_namespace(|| {
        let (mut agent, mut sender, mut receiver) = governed();
        std::thread::sleep(Duration::from_millis(30));
        let told = agent.last_report(&mut sender, &mut receiver);
        assert!(told[3] >= 30_000, "{} us", told[3]);
    });
}

#[test]
fn time_goes_on_for_flows_that_were_idle_since_before_the_agent_started() {
    if !possible("time_goes_on_for_flows_that_were_idle_since_before_the_agent_started") {
        return;
    }
    in_namespace(|| {
        let (mut sender, mut receiver) = connect("127.0.0.1", "reno");
        exchange(&mut sender, &mut receiver);
        std::thread::sleep(Duration::from_millis(2));
        let mut agent = Agent::start("");
        let scope = agent.install(
            1,
            "(def (Report (now 0) (micros 0)))
             (when true (:= Report.now Ack.now) (:= Report.micros Micros) (report))",
        );
        set_algorithm(&sender, &agent.name).unwrap();
        let flow = agent.create();
        agent.change(flow, 1, &scope, &[]);
        exchange(&mut sender, &mut receiver);
        std::thread::sleep(Duration::from_millis(2));
        let told = agent.last_report(&mut sender, &mut receiver);
        assert!(told[1] > 0 && told[0] > told[1], "now {}, Micros {}", told[0], told[1]);
    });
}

#[test]
fn closes_for_which_the_ring_had_no_room_are_told_all_the_same() {
    if !possible("closes_for_which_the_ring_had_no_room_are_told_all_the_same") {
        return;
    }
    in_namespace(|| {
        let mut options = options("");
        options.ring_bytes = 4096;
        let mut agent = Agent::with(options);
        // Each Create takes 104 bytes, so there is no room for all of them at once.
        let flows: Vec<_> = (0..30).map(|_| connect("127.0.0.1", &agent.name)).collect();
        let created: BTreeSet<_> = flows.iter().map(|_| agent.create()).collect();
        assert_eq!(created.len(), 30);
        // Nobody reads while these fill the ring.
        let _more: Vec<_> = (0..60).map(|_| connect("127.0.0.1", &agent.name)).collect();
        drop(flows);
        let lost = |engine: &Engine| agent_word(engine, offset_of!(AgentWords, closes_lost));
        wait_until("closes are lost", || agent.socket.with_engine(lost).unwrap() > 0);
        let mut closed = BTreeSet::new();
        wait_until("all closes are told", || {
            for heard in agent.listen(Duration::from_millis(10)) {
                if let Heard::Close(flow) = heard {
                    closed.insert(flow);
                }
            }
            created.is_subset(&closed)
        });
    });
}

/// A flow that runs [`EVENTS`], some of whose bytes have arrived.
fn governed() -> (Agent, TcpStream, TcpStream) {
    let mut agent = Agent::start("");
    let scope = agent.install(1, EVENTS);
    let (mut sender, mut receiver) = connect("127.0.0.1", &agent.name);
    let flow = agent.create();
    agent.change(flow, 1, &scope, &[]);
    for _ in 0..10 {
        exchange(&mut sender, &mut receiver);
    }
    (agent, sender, receiver)
}

fn exchange(sender: &mut TcpStream, receiver: &mut TcpStream) {
    sender.write_all(&[1; 100]).unwrap();
    receiver.read_exact(&mut [0; 100]).unwrap();
}

impl Agent {
    /// What the last report says, after one more byte or so has been acknowledged.
    fn last_report(&mut self, sender: &mut TcpStream, receiver: &mut TcpStream) -> Vec<u64> {
        exchange(sender, receiver);
        let mut last = Vec::new();
        let mut patience = Duration::from_secs(10);
        loop {
            let heard = self.listen(patience);
            match &heard[..] {
                [Heard::Report(_, _, fields)] => last = fields.clone(),
                [] => return last,
                other => panic!("{other:?}"),
            }
            patience = Duration::from_millis(100);
        }
    }
}

/// Makes a socket hear nothing from its peer: a filter drops all that arrives.
fn deaf(socket: &impl AsRawFd, yes: bool) {
    let (option, none) = (if yes { libc::SO_ATTACH_FILTER } else { libc::SO_DETACH_FILTER }, 0_i32);
    // "Keep 0 bytes".
    let mut drop_all = [libc::sock_filter { code: 6, jt: 0, jf: 0, k: 0 }];
    let program = libc::sock_fprog { len: 1, filter: drop_all.as_mut_ptr() };
    let (value, len): (*const libc::c_void, usize) = if yes {
        (std::ptr::from_ref(&program).cast(), size_of_val(&program))
    } else {
        (std::ptr::from_ref(&none).cast(), size_of_val(&none))
    };
    // SAFETY: `value` is valid for reads of `len` bytes, and `program` names as many instructions as
    // it has; all outlive the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            value,
            len as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}
