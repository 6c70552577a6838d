//! Updates of several registers while ACKs come in: taken whole, and every last one taken.
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ccp_ebpf::page::FlowWords;
use support::agent::{Agent, Heard};
use support::*;

/// The agent sets `a` to `e` to the same number each time; any two that differ are an update torn.
const WHOLE: &str = "
    (def (Report (torn 0) (seen 0) (volatile new 0)) (a 0) (b 0) (c 0) (d 0) (e 0))
    (when (!= a Report.seen) (:= Report.seen a) (:= Report.new 1) (fallthrough))
    (when (|| (|| (!= a b) (!= b c)) (|| (!= c d) (!= d e)))
        (:= Report.torn (+ Report.torn 1)) (fallthrough))
    (when (== Report.new 1) (report))";

#[test]
fn updates_of_several_registers_are_never_seen_torn() {
    if !possible("updates_of_several_registers_are_never_seen_torn") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let scope = agent.install(1, WHOLE);
        let (mut sender, mut receiver) = connect("127.0.0.1", &agent.name);
        sender.set_nodelay(true).unwrap();
        let flow = agent.create();
        agent.change(flow, 1, &scope, &[]);
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let reader = std::thread::spawn(move || {
            let mut buf = [0; 1 << 12];
            while receiver.read(&mut buf).unwrap() > 0 {}
        });
        let writer = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                sender.write_all(&[1; 1448]).unwrap();
            }
            sender
        });
        let (mut seen, mut last) = (BTreeSet::new(), 0);
        let mut value = 0;
        wait_until("many updates are seen", || {
            for _ in 0..500 {
                value += 1;
                let fields = ["a", "b", "c", "d", "e"].map(|name| (name, value));
                agent.update(flow, &scope, &fields);
                if let [Heard::Report(_, _, fields)] = &agent.listen(Duration::ZERO)[..] {
                    assert_eq!(fields[0], 0, "torn");
                    assert!(fields[1] >= last, "an older update after a newer one");
                    last = fields[1];
                    seen.insert(last);
                }
            }
            seen.len() > 1_000
        });
        // The last one comes into force as well.
        wait_until("the last update is seen", || {
            for heard in agent.listen(Duration::from_millis(1)) {
                if let Heard::Report(_, _, fields) = heard {
                    last = fields[1];
                }
            }
            last == value
        });
        over.store(true, Ordering::Relaxed);
        drop(writer.join().unwrap());
        reader.join().unwrap();
        assert!(agent.flow_word(flow, offset_of!(FlowWords, runs)) > 1_000);
    });
}
