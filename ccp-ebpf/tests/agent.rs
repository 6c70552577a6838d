//! Flows in the kernel under an agent that is played by hand: what it hears, and that what it says
//! comes into force.
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Write};
use std::mem::offset_of;
use std::time::Duration;

use ccp_ebpf::page::{FlowWords, Governor, LAYOUT};
use ccp_ipc::{Ipc, Received};
use ccp_lang::TrapKind;
use support::agent::{Agent, Heard};
use support::*;

const COUNT_BYTES: &str = "
    (def (Report (volatile acked 0) (volatile now 0) (mss 0)) (window 100000))
    (when true
        (:= Report.acked (+ Report.acked Ack.bytes_acked))
        (:= Report.now Ack.now)
        (:= Cwnd window)
        (report))";

#[test]
fn a_flow_is_announced_reports_obeys_and_is_closed() {
    if !possible("a_flow_is_announced_reports_obeys_and_is_closed") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("cubic");
        let scope = agent.install(1, COUNT_BYTES);
        let (sender, receiver) = connect("127.0.0.1", &agent.name);
        let port = receiver.local_addr().unwrap().port();
        let heard = agent.hear();
        let [Heard::Create(flow, ip, wire_port, wish)] = &heard[..] else { panic!("{heard:?}") };
        let flow = *flow;
        assert_eq!(ip.to_le_bytes(), [127, 0, 0, 1]);
        assert_eq!(*wire_port, u32::from(u16::from_le_bytes(port.to_be_bytes())));
        assert_eq!(wish, "cubic");

        agent.change(flow, 1, &scope, &[("window", 700_000)]);
        let bytes = 4_000_000;
        let writer = std::thread::spawn(move || drop(transfer(sender, receiver, bytes)));
        let (mut acked, mut last, mut windows) = (0, 0, std::collections::BTreeSet::new());
        loop {
            match &agent.hear()[..] {
                [Heard::Report(from, 1, fields)] => {
                    assert_eq!((*from, fields.len()), (flow, 3));
                    assert!(fields[1] >= last, "time goes on");
                    (acked, last) = (acked + fields[0], fields[1]);
                    windows.insert(agent.flow_word(flow, offset_of!(FlowWords, cwnd)));
                    if acked > 2_000_000 && windows.len() == 1 {
                        agent.update(flow, &scope, &[("window", 350_000)]);
                    }
                }
                [Heard::Close(closed)] => {
                    assert_eq!(*closed, flow);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        writer.join().unwrap();
        let mss = agent.flow_word(flow, offset_of!(FlowWords, mss));
        // The FIN counts as a byte.
        assert!((bytes as u64..=bytes as u64 + 1).contains(&acked), "{acked} bytes acked");
        assert_eq!(agent.flow_word(flow, offset_of!(FlowWords, cwnd)), 350_000 / mss);
        assert!(windows.contains(&(700_000 / mss)), "{windows:?}");
        assert_eq!(agent.flow_word(flow, offset_of!(FlowWords, governor)), Governor::Agent as u64);
    });
}

#[test]
fn an_ipv6_flow_comes_with_its_address_and_a_rate_is_obeyed() {
    if !possible("an_ipv6_flow_comes_with_its_address_and_a_rate_is_obeyed") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let scope = agent.install(1, "(def (Report (acked 0))) (when true (:= Cwnd 5000000))");
        let (sender, receiver) = connect("::1", &agent.name);
        let heard = agent.hear();
        let [Heard::Address(dst), Heard::Create(flow, 0, _, wish)] = &heard[..] else {
            panic!("{heard:?}")
        };
        assert_eq!(*dst, std::net::Ipv6Addr::LOCALHOST.octets());
        assert_eq!(wish, "");
        agent.change(*flow, 1, &scope, &[("Rate", 50_000_000)]);
        transfer(sender, receiver, 3_000_000);
        assert_eq!(agent.flow_word(*flow, offset_of!(FlowWords, pacing_rate)), 50_000_000);
        assert_eq!(agent.flow_word(*flow, offset_of!(FlowWords, rate)), 50_000_000);
        assert!(agent.flow_word(*flow, offset_of!(FlowWords, runs)) > 0);
    });
}

#[test]
fn traps_are_counted_and_the_window_stays() {
    if !possible("traps_are_counted_and_the_window_stays") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let source =
            "(def (Report (x 0)) (zero 0)) (when true (:= Cwnd 3) (:= Report.x (/ 1 zero)))";
        let scope = agent.install(1, source);
        let (sender, receiver) = connect("127.0.0.1", &agent.name);
        let flow = agent.create();
        agent.change(flow, 1, &scope, &[("Cwnd", 600_000)]);
        transfer(sender, receiver, 1_000_000);
        let mss = agent.flow_word(flow, offset_of!(FlowWords, mss));
        assert_eq!(agent.flow_word(flow, offset_of!(FlowWords, cwnd)), 600_000 / mss);
        let traps = (LAYOUT.trap_counts() + 8 * TrapKind::DivByZero as i16) as usize;
        let runs = agent.flow_word(flow, offset_of!(FlowWords, runs));
        assert!(runs > 0 && agent.flow_word(flow, traps) == runs);
    });
}

#[test]
fn a_window_never_falls_below_two_packets() {
    if !possible("a_window_never_falls_below_two_packets") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let scope = agent.install(1, "(def (Report (x 0))) (when true (:= Cwnd 1))");
        let (sender, receiver) = connect("127.0.0.1", &agent.name);
        let flow = agent.create();
        agent.change(flow, 1, &scope, &[]);
        transfer(sender, receiver, 500_000);
        assert_eq!(agent.flow_word(flow, offset_of!(FlowWords, cwnd)), 2);
    });
}

#[test]
fn a_late_update_never_reaches_the_slots_next_flow() {
    if !possible("a_late_update_never_reaches_the_slots_next_flow") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let scope = agent.install(1, COUNT_BYTES);
        let (sender, receiver) = connect("127.0.0.1", &agent.name);
        let first = agent.create();
        agent.change(first, 1, &scope, &[("window", 200_000)]);
        drop((sender, receiver));
        while !agent.hear().contains(&Heard::Close(first)) {}

        let (sender, receiver) = connect("127.0.0.1", &agent.name);
        let second = agent.create();
        assert_eq!(first.0 % 64, second.0 % 64, "the same slot");
        assert_ne!(first, second);
        agent.change(first, 1, &scope, &[("window", 200_000)]);
        agent.update(first, &scope, &[("Cwnd", 200_000)]);
        transfer(sender, receiver, 500_000);
        assert_eq!(agent.flow_word(second, offset_of!(FlowWords, runs)), 0);
        let governor = agent.flow_word(second, offset_of!(FlowWords, governor));
        assert_eq!(governor, Governor::Transport as u64);
        assert_eq!(agent.listen(Duration::from_millis(50)).len(), 1, "its close and no report");
    });
}

#[test]
fn a_silent_agent_is_overruled_until_it_lives_again() {
    if !possible("a_silent_agent_is_overruled_until_it_lives_again") {
        return;
    }
    in_namespace(|| {
        let mut options = options("");
        options.fallback_after = Duration::from_millis(200);
        let mut agent = Agent::with(options);
        let scope = agent.install(1, "(def (Report (x 0))) (when true (:= Cwnd 400000))");
        let (mut sender, mut receiver) = connect("127.0.0.1", &agent.name);
        let flow = agent.create();
        agent.change(flow, 1, &scope, &[("Rate", 40_000_000)]);
        let mut exchange = || {
            sender.write_all(&[1; 1000]).unwrap();
            receiver.read_exact(&mut [0; 1000]).unwrap();
        };
        let rate = |agent: &Agent| agent.flow_word(flow, offset_of!(FlowWords, pacing_rate));
        let governor = |agent: &Agent| agent.flow_word(flow, offset_of!(FlowWords, governor));
        wait_until("the program governs", || {
            exchange();
            governor(&agent) == Governor::Agent as u64
        });
        assert_eq!(rate(&agent), 40_000_000);
        // Nobody calls the agent: it might as well be stopped.
        wait_until("the fallback governs", || {
            exchange();
            governor(&agent) == Governor::Fallback as u64
        });
        assert_ne!(rate(&agent), 40_000_000);
        wait_until("the program governs again", || {
            agent.listen(Duration::ZERO);
            exchange();
            governor(&agent) == Governor::Agent as u64
        });
        assert_eq!(rate(&agent), 40_000_000);
    });
}

#[test]
fn a_flow_outlives_its_agent() {
    if !possible("a_flow_outlives_its_agent") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let scope = agent.install(1, "(def (Report (x 0))) (when true (:= Cwnd 3000))");
        let (mut sender, mut receiver) = connect("127.0.0.1", &agent.name);
        let flow = agent.create();
        agent.change(flow, 1, &scope, &[]);
        wait_until("the program governs", || {
            sender.write_all(&[1; 1000]).unwrap();
            receiver.read_exact(&mut [0; 1000]).unwrap();
            agent.flow_word(flow, offset_of!(FlowWords, runs)) > 0
        });
        let name = agent.name.clone();
        drop(agent);
        wait_until("it is gone", || !is_registered(&name));
        let sender = transfer(sender, receiver, 3_000_000);
        // Two packets were all that the agent allowed.
        assert!(Tcp::of(&sender).cwnd > 2);
    });
}

#[test]
fn a_waker_ends_a_receive_and_a_closed_end_receives_nothing() {
    if !possible("a_waker_ends_a_receive_and_a_closed_end_receives_nothing") {
        return;
    }
    let mut agent = Agent::start("");
    let waker = agent.socket.waker();
    let thread = std::thread::spawn(move || waker.wake());
    assert_eq!(agent.socket.recv(&mut agent.buf, None).unwrap(), Received::Woken);
    thread.join().unwrap();
    assert_eq!(
        agent.socket.recv(&mut agent.buf, Some(Duration::from_millis(1))).unwrap(),
        Received::TimedOut
    );
    agent.socket.close().unwrap();
    wait_until("it is gone", || !is_registered(&agent.name));
    assert!(agent.socket.recv(&mut agent.buf, None).is_err());
    agent.socket.close().unwrap();
}

#[test]
fn programs_follow_each_other_on_a_live_flow_and_free_their_numbers() {
    if !possible("programs_follow_each_other_on_a_live_flow_and_free_their_numbers") {
        return;
    }
    in_namespace(|| {
        let mut options = options("");
        options.max_programs = 3;
        let mut agent = Agent::with(options);
        let (mut sender, mut receiver) = connect("127.0.0.1", &agent.name);
        let flow = agent.create();
        for window in (30..60).map(|packets| packets * 10_000) {
            let scope =
                agent.install(1, &format!("(def (Report (x 0))) (when true (:= Cwnd {window}))"));
            agent.change(flow, 1, &scope, &[]);
            wait_until("the new program runs", || {
                sender.write_all(&[1; 100]).unwrap();
                receiver.read_exact(&mut [0; 100]).unwrap();
                agent.listen(Duration::ZERO);
                let mss = agent.flow_word(flow, offset_of!(FlowWords, mss));
                agent.flow_word(flow, offset_of!(FlowWords, cwnd)) == window / mss
            });
        }
    });
}
