//! The fixed part in the kernel, without an agent: it governs by itself and leaves nothing behind.
#![cfg(target_os = "linux")]

mod support;

use std::mem::offset_of;

use ccp_ebpf::engine::{Engine, Name, StartError};
use ccp_ebpf::page::{AgentWords, FlowWords};
use support::*;

#[test]
fn flows_without_an_agent_run_under_the_fallback() {
    if !possible("flows_without_an_agent_run_under_the_fallback") {
        return;
    }
    in_namespace(|| {
        let mut options = options("");
        options.fallback_after = std::time::Duration::from_millis(1);
        let engine = Engine::start(options).unwrap();
        let name = engine.options().names[0].name.clone();
        assert!(is_registered(&name));
        for (host, family) in [("127.0.0.1", 4), ("::1", 6)] {
            let (sender, receiver) = connect(host, &name);
            let sender = transfer(sender, receiver, 3_000_000);
            // The slot that was free first is that of the last one, given back.
            assert_eq!(word(&engine, 0, offset_of!(FlowWords, family)), family);
            assert!(word(&engine, 0, offset_of!(FlowWords, fallback_acks)) > 0, "frozen agent");
            drop(sender);
            let closed = || word(&engine, 0, offset_of!(FlowWords, open)) == 0;
            wait_until("the flow gives its slot back", closed);
        }
        assert_eq!(agent_word(&engine, offset_of!(AgentWords, opened)), 2);
        assert_eq!(agent_word(&engine, offset_of!(AgentWords, closed)), 2);
        assert_eq!(agent_word(&engine, offset_of!(AgentWords, sent)), 4, "Create and close each");
        drop(engine);
        wait_until("it is gone", || !is_registered(&name));
    });
}

#[test]
fn the_fallback_reduces_its_window_as_the_kernels_reno_does() {
    if !possible("the_fallback_reduces_its_window_as_the_kernels_reno_does") {
        return;
    }
    in_namespace(|| {
        run("tc qdisc add dev lo root tbf rate 200mbit burst 20kb limit 60kb");
        let engine = Engine::start(options("")).unwrap();
        let own_name = engine.options().names[0].name.as_str();
        let (mut own, mut reno) = (0, 0);
        // By turns, since a loaded machine treats neither alike all the time.
        for _ in 0..3 {
            for (name, sum) in [(own_name, &mut own), ("reno", &mut reno)] {
                let (sender, receiver) = connect("127.0.0.1", name);
                *sum += Tcp::of(&transfer(sender, receiver, 4_000_000)).retransmitted;
            }
        }
        // The queue is short, so both lose again and again. Growth alone would lose fifty times as
        // much.
        assert!(own > 0 && reno > 0 && own < 10 * reno, "{own} against reno's {reno}");
    });
}

#[test]
fn flows_without_a_slot_are_counted_and_run() {
    if !possible("flows_without_a_slot_are_counted_and_run") {
        return;
    }
    in_namespace(|| {
        let mut options = options("");
        options.max_flows = 1;
        let engine = Engine::start(options).unwrap();
        let name = engine.options().names[0].name.clone();
        let first = connect("127.0.0.1", &name);
        let (sender, receiver) = connect("127.0.0.1", &name);
        transfer(sender, receiver, 1_000_000);
        assert_eq!(agent_word(&engine, offset_of!(AgentWords, no_slot)), 1);
        transfer(first.0, first.1, 1_000_000);
        assert_eq!(agent_word(&engine, offset_of!(AgentWords, opened)), 1);
    });
}

#[test]
fn a_name_that_is_taken_is_refused() {
    if !possible("a_name_that_is_taken_is_refused") {
        return;
    }
    let engine = Engine::start(options("")).unwrap();
    let mut second = options("");
    second.names.push(engine.options().names[0].clone());
    let own = second.names[0].name.clone();
    let error = Engine::start(second).unwrap_err();
    assert!(matches!(&error, StartError::Register { name, .. } if *name != own), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("another agent"), "{source}");
    // What had been registered before the refusal is gone as well.
    wait_until("it is gone", || !is_registered(&own));
}

#[test]
fn a_name_that_cannot_be_is_refused_before_anything_is_loaded() {
    for name in ["", "longer_than_fifteen", "with space", "with:colon", "with-dash"] {
        let mut options = options("");
        options.names = vec![Name { name: name.to_owned(), wish: String::new() }];
        assert!(matches!(Engine::start(options), Err(StartError::Name { .. })));
    }
}
