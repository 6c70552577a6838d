//! What the agent writes into pages and reads out of a ring, without a kernel: both are plain memory.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::mem::offset_of;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use ccp_ebpf::page::{FlowWords, LAYOUT, PAGE};
use ccp_ebpf::ring::{Next, Ring};
use ccp_ebpf::stage::{NotStaged, Stage};
use ccp_ebpf::sys::{Mapping, page_size};
use ccp_lang::Reg;
use ccp_wire::FlowId;

/// The third flow of slot 0.
const FLOW: FlowId = FlowId(3 << 1);

fn file(len: usize) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(len as u64).unwrap();
    file
}

/// A page of [`FLOW`] with control 0 and the beginning of program 7 staged.
fn staged(staged_for: u64, sequence: u64, taken: u64) -> Mapping {
    let pages = Mapping::new(file(PAGE).as_fd(), 0, PAGE).unwrap();
    for (at, value) in [
        (offset_of!(FlowWords, open), 1),
        (offset_of!(FlowWords, generation), 3),
        (offset_of!(FlowWords, staged_for), staged_for),
        (LAYOUT.sequence() as usize, sequence),
        (LAYOUT.taken() as usize, taken),
        (LAYOUT.program() as usize, 7),
        (LAYOUT.dirty() as usize, 1),
    ] {
        pages.u64_at(at).unwrap().store(value, Ordering::Relaxed);
    }
    pages
}

/// What is staged after Cwnd was set as well: the sequence, for whom, the program, which values.
fn after(pages: &Mapping, program: Option<u64>) -> [u64; 5] {
    assert_eq!(Stage::new(pages, 1).write(FLOW, program, [(Reg::CWND, 5)]), Ok(()));
    let position = ccp_lang::ebpf::Layout::position(Reg::CWND).unwrap();
    let value = LAYOUT.values() as usize + 8 * position;
    assert_eq!(pages.u64_at(value).unwrap().load(Ordering::Relaxed), 5);
    [
        LAYOUT.sequence() as usize,
        offset_of!(FlowWords, staged_for),
        LAYOUT.program() as usize,
        LAYOUT.dirty() as usize,
        LAYOUT.dirty() as usize + 8,
    ]
    .map(|at| pages.u64_at(at).unwrap().load(Ordering::Relaxed))
}

const CWND_BIT: u64 = 1 << (110 - 64);

#[test]
fn what_was_not_taken_stays_staged() {
    assert_eq!(after(&staged(3, 4, 2), None), [6, 3, 7, 1, CWND_BIT]);
}

#[test]
fn what_was_taken_is_not_staged_again() {
    assert_eq!(after(&staged(3, 4, 4), None), [6, 3, 0, 0, CWND_BIT]);
}

#[test]
fn a_program_that_begins_drops_what_was_staged() {
    assert_eq!(after(&staged(3, 4, 2), Some(8)), [6, 3, 8, 0, CWND_BIT]);
}

#[test]
fn what_was_staged_for_the_slots_flow_before_is_dropped() {
    assert_eq!(after(&staged(2, 4, 2), None), [6, 3, 0, 0, CWND_BIT]);
}

#[test]
fn nothing_is_written_for_flows_that_have_gone() {
    let pages = staged(3, 4, 2);
    let stage = Stage::new(&pages, 1);
    // An older flow of the slot, and a slot that does not exist.
    for flow in [FlowId(2 << 1), FlowId((3 << 1) + 1)] {
        assert_eq!(stage.write(flow, None, [(Reg::CWND, 5)]), Err(NotStaged::Gone));
    }
    pages.u64_at(offset_of!(FlowWords, open)).unwrap().store(0, Ordering::Relaxed);
    assert_eq!(stage.write(FLOW, None, [(Reg::CWND, 5)]), Err(NotStaged::Gone));
    assert_eq!(pages.u64_at(LAYOUT.sequence() as usize).unwrap().load(Ordering::Relaxed), 4);
}

#[test]
fn messages_come_in_order_without_those_that_were_given_up() {
    const BUSY: u32 = 1 << 31;
    const DISCARDED: u32 = 1 << 30;
    let page = page_size();
    let kernel = file(2 * page + 2 * page);
    let mut ring = Ring::new(kernel.as_fd(), page as u32).unwrap();
    let mut produced = 0;
    let mut message = |header: u32, bytes: &[u8]| {
        let at = 2 * page as u64 + produced;
        kernel.write_all_at(&(bytes.len() as u32 | header).to_le_bytes(), at).unwrap();
        kernel.write_all_at(bytes, at + 8).unwrap();
        produced += (8 + bytes.len() as u64).next_multiple_of(8);
        kernel.write_all_at(&produced.to_le_bytes(), page as u64).unwrap();
        at
    };
    let mut buf = [0; 12];
    assert_eq!(ring.next(&mut buf), Next::Nothing);
    message(0, &[1; 12]);
    message(DISCARDED, &[2; 4]);
    message(0, &[3; 13]);
    message(0, &[4; 3]);
    assert_eq!((ring.next(&mut buf), buf), (Next::Message(12), [1; 12]));
    assert_eq!(ring.next(&mut buf), Next::TooLong(13));
    assert_eq!((ring.next(&mut buf), &buf[..3]), (Next::Message(3), &[4; 3][..]));
    assert!(!ring.has_more());
    let busy = message(BUSY, &[5; 5]);
    assert!(ring.has_more());
    assert_eq!(ring.next(&mut buf), Next::Nothing);
    kernel.write_all_at(&5_u32.to_le_bytes(), busy).unwrap();
    assert_eq!((ring.next(&mut buf), &buf[..5]), (Next::Message(5), &[5; 5][..]));
    // A length that no ring can have: nothing is read beside it.
    message(0, &[]);
    kernel.write_all_at(&(DISCARDED - 1).to_le_bytes(), busy + 16).unwrap();
    assert_eq!(ring.next(&mut buf), Next::TooLong(DISCARDED as usize - 1));
    assert_eq!(ring.next(&mut buf), Next::Nothing);
}
