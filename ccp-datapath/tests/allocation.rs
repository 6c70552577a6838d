//! An ACK allocates nothing, whatever it does: runs, reports, announces, switches, traps, falls back.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ccp_datapath::{Control, Datapath, Decision, FlowHandle, Governor, SinkError};
use ccp_lang::{Micros, Primitive, Primitives, Reg};
use common::{Bench, CWND, MS, field, reporting, steering};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches a thread's own cell, which is const and
// has no destructor, so that it allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `alloc` above, that is from the system's allocator, with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    f();
    ALLOCATIONS.with(Cell::get) - before
}

fn ack(
    datapath: &mut Datapath,
    flow: FlowHandle,
    now: u64,
    link: Result<(), SinkError>,
) -> Decision {
    let ack = Primitives::new().with(Primitive::AckBytesAcked, 1000);
    let mut sink = |_: &[u8]| link;
    datapath
        .on_ack(flow, &ack, Control { cwnd: CWND }, Micros(now), &mut sink)
        .expect("an open flow")
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn acks_and_reports_allocate_nothing() {
    let (mut bench, flow) = Bench::running(&reporting());
    let count = allocations(|| {
        for now in 0..10_000 {
            assert!(ack(&mut bench.datapath, flow, now, Ok(())).reported);
        }
    });
    assert_eq!(count, 0);
    assert_eq!(bench.datapath.stats().reports, 10_000);
}

#[test]
fn switches_and_updates_take_effect_without_allocation() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.install(2, &steering(1000)).expect("room");
    for uid in [2, 1, 2, 1] {
        bench.change(flow, uid, &[field(Reg::CWND, 5)]).expect("installed");
        assert_eq!(allocations(|| assert!(ack(&mut bench.datapath, flow, 0, Ok(())).reported)), 0);
    }
}

#[test]
fn losing_and_finding_the_agent_allocates_nothing_per_ack() {
    let (mut bench, flow) = Bench::running(&reporting());
    let datapath = &mut bench.datapath;
    let count = allocations(|| {
        for t in 0..1000 {
            ack(datapath, flow, t * MS, Err(SinkError::Gone));
        }
        assert_eq!(ack(datapath, flow, 1000 * MS, Ok(())).governor, Governor::Fallback);
    });
    assert_eq!(count, 0);
    bench.at(1001 * MS).alive(10);
    let datapath = &mut bench.datapath;
    let count = allocations(|| {
        for t in 1002..1030 {
            assert_eq!(ack(datapath, flow, t * MS, Ok(())).governor, Governor::Agent);
        }
    });
    assert_eq!(count, 0);
}
