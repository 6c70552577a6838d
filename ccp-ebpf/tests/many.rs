//! Many flows: at once, and one after another.
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::mem::offset_of;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ccp_ebpf::page::{AgentWords, FlowWords, Governor};
use ccp_wire::FlowId;
use support::agent::{Agent, Heard};
use support::*;

fn shared(agent: &Agent, at: usize) -> u64 {
    agent.socket.with_engine(|engine| agent_word(engine, at)).unwrap()
}

/// How many slots are in use.
fn open_slots(agent: &Agent) -> u64 {
    let count = |engine: &ccp_ebpf::engine::Engine| {
        let slots = 0..engine.options().max_flows as usize;
        slots.map(|slot| word(engine, slot, offset_of!(FlowWords, open))).sum()
    };
    agent.socket.with_engine(count).unwrap()
}

#[test]
fn a_thousand_flows_at_once_are_governed_each_by_its_own_and_ten_more_by_the_fallback() {
    if !possible("a_thousand_flows_at_once_are_governed_each_by_its_own") {
        return;
    }
    in_namespace(|| {
        allow_files(4096);
        let flows = 1_000;
        let mut options = options("");
        options.max_flows = flows;
        let mut agent = Agent::with(options);
        let scope =
            agent.install(1, "(def (Report (x 0)) (window 20000)) (when true (:= Cwnd window))");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |agent: &Agent| {
            let near = TcpStream::connect(address).unwrap();
            set_algorithm(&near, &agent.name).unwrap();
            (near, listener.accept().unwrap().0)
        };
        let mut all = Vec::new();
        for number in 0..u64::from(flows) {
            let pair = connect(&agent);
            let flow = agent.create();
            agent.change(flow, 1, &scope, &[("window", window(number))]);
            all.push((pair, flow));
        }
        assert_eq!(shared(&agent, offset_of!(AgentWords, no_slot)), 0);
        let beyond: Vec<_> = (0..10).map(|_| connect(&agent)).collect();
        assert_eq!(shared(&agent, offset_of!(AgentWords, no_slot)), 10);
        assert_eq!(open_slots(&agent), flows.into());

        let (data, mut buf) = (vec![5; 20_000], vec![0; 20_000]);
        let mut pass = |(near, far): &mut (TcpStream, TcpStream)| {
            near.write_all(&data).unwrap();
            buf.fill(0);
            far.read_exact(&mut buf).unwrap();
            assert_eq!(buf, data);
        };
        all.iter_mut().for_each(|(pair, _)| pass(pair));
        beyond.into_iter().for_each(|mut pair| pass(&mut pair));
        for (number, (_, flow)) in (0..).zip(&all) {
            let word = |at| agent.flow_word(*flow, at);
            // The ACKs may be on their way.
            wait_until("the flow obeys", || {
                word(offset_of!(FlowWords, cwnd))
                    == window(number) / word(offset_of!(FlowWords, mss))
            });
            assert_eq!(word(offset_of!(FlowWords, governor)), Governor::Agent as u64);
        }
        let mut left: BTreeSet<FlowId> = all.iter().map(|(_, flow)| *flow).collect();
        assert_eq!(left.len(), flows as usize, "numbers are different");
        drop(all);
        while !left.is_empty() {
            for heard in agent.hear() {
                let Heard::Close(flow) = heard else { panic!("{heard:?}") };
                assert!(left.remove(&flow), "{flow} closed twice");
            }
        }
        assert_eq!(open_slots(&agent), 0);
        // A slot is free again: the next flow is heard of.
        let _next = connect(&agent);
        agent.create();
    });
}

#[test]
fn hundreds_of_flows_of_a_dead_agent_are_taken_over_at_once() {
    if !possible("hundreds_of_flows_of_a_dead_agent_are_taken_over_at_once") {
        return;
    }
    in_namespace(|| {
        allow_files(4096);
        let flows = 300;
        let mut options = options("");
        options.max_flows = flows;
        let name = options.names[0].name.clone();
        let first = Agent::with(options.clone());
        let mut all: Vec<_> = (0..flows).map(|_| connect("127.0.0.1", &name)).collect();
        drop(first);
        let mut next = Agent::with(options);
        let scope = next.install(1, "(def (Report (x 0))) (when true (:= Cwnd 70000))");
        let created: BTreeSet<FlowId> = all.iter().map(|_| next.create()).collect();
        assert_eq!(created.len(), flows as usize);
        for &flow in &created {
            next.change(flow, 1, &scope, &[]);
        }
        let mut buf = [1; 1_000];
        for (near, far) in &mut all {
            near.write_all(&buf).unwrap();
            far.read_exact(&mut buf).unwrap();
        }
        for &flow in &created {
            wait_until("the flow obeys", || {
                let mss = next.flow_word(flow, offset_of!(FlowWords, mss));
                next.flow_word(flow, offset_of!(FlowWords, cwnd)) == 70_000 / mss
            });
        }
        assert_eq!(shared(&next, offset_of!(AgentWords, no_slot)), 0);
    });
}

/// The window of one of the flows.
fn window(number: u64) -> u64 {
    20_000 + number % 97 * 1_500
}

#[test]
fn slots_come_back_whatever_becomes_of_a_connection() {
    if !possible("slots_come_back_whatever_becomes_of_a_connection") {
        return;
    }
    in_namespace(|| {
        let wanted = std::env::var("CCP_TEST_CONNECTIONS").ok();
        let wanted: u64 = wanted.map_or(3_000, |wanted| wanted.parse().unwrap());
        let (agents, slots) = (4, 64);
        let mut agent = Agent::start("");
        let scope = agent.install(1, "(def (Report (x 0))) (when true (:= Cwnd 50000))");
        let name = agent.name.clone();
        let before = memory();
        let done = AtomicBool::new(false);
        let (mut created, mut open) = (0, BTreeSet::new());
        thread::scope(|scope_of_threads| {
            let workers: Vec<_> = (1..=agents)
                .map(|worker| {
                    let name = &name;
                    scope_of_threads.spawn(move || connections(worker, wanted / agents, name))
                })
                .collect();
            let done = &done;
            scope_of_threads.spawn(move || {
                let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
                done.store(true, Ordering::Release);
                ended.into_iter().for_each(|worker| worker.unwrap());
            });
            loop {
                // Looked at first: what was said before is heard after.
                let last = done.load(Ordering::Acquire) && open_slots(&agent) == 0;
                let heard = agent.listen(Duration::from_millis(20));
                if heard.is_empty() && last {
                    break;
                }
                for heard in heard {
                    match heard {
                        Heard::Create(flow, ..) => {
                            created += 1;
                            assert!(open.insert(flow), "{flow} was open already");
                            agent.change(flow, 1, &scope, &[]);
                        }
                        Heard::Close(flow) => assert!(open.remove(&flow), "{flow} was not open"),
                        other => panic!("{other:?}"),
                    }
                }
            }
        });
        let count = |at| shared(&agent, at);
        let opened = count(offset_of!(AgentWords, opened));
        eprintln!("{opened} flows, {created} heard of");
        assert!(opened >= wanted);
        assert_eq!(count(offset_of!(AgentWords, closed)), opened);
        assert_eq!(created, opened, "every flow was heard of");
        assert!(open.is_empty(), "every close was heard of: {open:?}");
        assert_eq!(count(offset_of!(AgentWords, no_slot)), 0);
        let grown = memory().saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes more are in use");

        // They can all be had again.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let all: Vec<_> = (0..=slots)
            .map(|_| {
                let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                set_algorithm(&near, &name).unwrap();
                near
            })
            .collect();
        assert_eq!(count(offset_of!(AgentWords, no_slot)), 1, "all but one of {}", all.len());
        assert_eq!(open_slots(&agent), slots);
    });
}

/// So many connections, of all kinds, to a listener of this worker's own.
fn connections(worker: u64, count: u64, name: &str) {
    let listener = TcpListener::bind((format!("127.0.0.{worker}"), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut buf = [0; 3_000];
    for number in 0..count {
        let near = TcpStream::connect(address).unwrap();
        set_algorithm(&near, name).unwrap();
        let (mut near, mut far) = (near, listener.accept().unwrap().0);
        // A socket that is reset leaves its port at once.
        reset_at_close(&near);
        match number % 8 {
            // Nothing is sent.
            0 => {}
            // Both ends are governed.
            1 => set_algorithm(&far, name).unwrap(),
            // Away, and back again.
            2 => {
                near.write_all(&buf).unwrap();
                set_algorithm(&near, "reno").unwrap();
                far.read_exact(&mut buf).unwrap();
                set_algorithm(&near, name).unwrap();
            }
            // It is closed before all has arrived.
            3 => near.write_all(&buf).unwrap(),
            // The same socket's second connection.
            4 => disconnect(&near),
            // The other end goes first.
            5 => {
                near.write_all(&buf[..100]).unwrap();
                far.read_exact(&mut buf[..100]).unwrap();
                drop(far);
                let _ = near.write_all(&buf[..100]);
            }
            _ => {
                near.write_all(&buf).unwrap();
                far.read_exact(&mut buf).unwrap();
                far.write_all(&buf[..10]).unwrap();
                near.read_exact(&mut buf[..10]).unwrap();
            }
        }
    }
}

fn reset_at_close(socket: &TcpStream) {
    let now = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: `now` is valid for reads of its size and outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            std::ptr::from_ref(&now).cast(),
            size_of_val(&now) as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "SO_LINGER");
}

/// Ends the connection of a socket that goes on to live.
fn disconnect(socket: &TcpStream) {
    // SAFETY: integers, for which zeros are valid.
    let mut nowhere: libc::sockaddr = unsafe { std::mem::zeroed() };
    nowhere.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    let len = size_of_val(&nowhere) as libc::socklen_t;
    // SAFETY: `nowhere` is valid for reads of its size and outlives the call.
    let result = unsafe { libc::connect(socket.as_raw_fd(), &nowhere, len) };
    assert_eq!(result, 0, "disconnect: {}", std::io::Error::last_os_error());
}

/// At least so many files may be open; not more than the system allows.
fn allow_files(wanted: libc::rlim_t) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writes and reads and outlives the calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_cur.max(wanted.min(limit.rlim_max));
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
}

/// Bytes of this process in memory.
fn memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
