//! The datapath's side: garbage instead of, and beside, an agent's messages.

use std::time::Instant;

use ccp_datapath::{Config, FlowHandle};
use ccp_lang::Primitives;

use crate::garbage::{Contents, Garbage};
use crate::good::{Good, counted};
use crate::memory::Watch;
use crate::{alone, duration, spawn_agent};

#[test]
fn garbage_toward_a_datapath_changes_nothing_for_a_governed_flow() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let agent = spawn_agent(folder.path());
    let mut config = Config::default();
    config.max_flows = MAX_FLOWS;
    config.max_programs = MAX_PROGRAMS;
    config.max_datagram = 1 << 12;
    let mut good = Good::open(folder.path(), config);
    let mut garbage = Garbage::new(1);
    let mut others: Vec<FlowHandle> = Vec::with_capacity(MAX_FLOWS as usize);
    // Once, so that what stays is there before the bytes are counted.
    good.decide();

    let (begun, lasts) = (Instant::now(), duration());
    let mut watch = Watch::start();
    let (mut datagrams, mut messages) = (0_u64, 0_u64);
    while begun.elapsed() < lasts {
        good.decide();
        for _ in 0..GARBAGE_PER_ROUND {
            garbage.next();
            if garbage.concerns(good.flow.id()) {
                continue;
            }
            let datagram = garbage.last();
            let before = counted(good.engine.stats());
            good.feed(datagram);
            let contents = Contents::of(datagram);
            assert_eq!(
                counted(good.engine.stats()) - before,
                contents.messages,
                "not all of it is counted: {datagram:?}"
            );
            datagrams += 1;
            messages += contents.messages;
        }
        disturb_others(&mut good, &mut others, &mut garbage);
        watch.look(begun.elapsed().div_duration_f64(lasts));
    }

    let stats = *good.engine.stats();
    eprintln!("{datagrams} datagrams with {messages} messages; {stats:#?}");
    eprintln!("{:?}; bytes held more: {:?}", good.service, watch.thirds());
    assert_eq!(stats.fallbacks, 0);
    assert!(good.engine.installed_programs() <= MAX_PROGRAMS as usize);
    let refused = stats.refused;
    for (reason, count) in [
        ("malformed", refused.malformed),
        ("misdirected", refused.misdirected),
        ("invalid program", refused.invalid_program),
        ("missing primitive", refused.missing_primitive),
        ("unknown flow", refused.unknown_flow),
        ("closed flow", refused.closed_flow),
        ("unknown program", refused.unknown_program),
        ("not settable", refused.not_settable),
    ] {
        assert!(count > 0, "nothing was refused as {reason}");
    }
    watch.check(BOUND);
    let stats = agent.stats();
    assert_eq!((stats.flow_panics, stats.malformed, stats.agent_only), (0, 0, 0), "{stats:?}");
    agent.kill();
    agent.wait().unwrap();
}

/// Other flows come, run whatever garbage has given them, and go.
fn disturb_others(good: &mut Good, others: &mut Vec<FlowHandle>, garbage: &mut Garbage) {
    let random = &mut garbage.random;
    if random.one_in(4)
        && let Some(flow) = good.open_another()
    {
        others.push(flow);
        let place = random.below(garbage.flows.len());
        garbage.flows[place] = flow.id();
    }
    // Never to be closed, and all the time in the line of fire.
    garbage.flows[0] = good.flow.id();
    if others.len() > 6 {
        let flow = others.swap_remove(random.below(others.len()));
        good.close_another(flow);
    }
    for &flow in &*others {
        let mut primitives = Primitives::new();
        for index in 0..19 {
            primitives.set_index(index, random.value());
        }
        good.ack_another(flow, &primitives, random.value());
    }
}

const MAX_FLOWS: u32 = 16;
const MAX_PROGRAMS: u32 = 4;
const GARBAGE_PER_ROUND: usize = 100;

/// Flows of 4 KB and programs of some more, and as much again for the agent.
const BOUND: usize = 1 << 20;
