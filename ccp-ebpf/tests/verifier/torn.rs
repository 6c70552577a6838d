//! An agent that writes all the time, against a program that takes what it writes: never a part.

use std::mem::offset_of;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ccp_ebpf::page::{FlowWords, LAYOUT, PAGE};
use ccp_ebpf::stage::Stage;
use ccp_ebpf::sys::Mapping;
use ccp_lang::ebpf::{Asm, Ending, Gpr, Host};
use ccp_lang::{Code, Event, Instr, Limits, Program, Reg};
use ccp_wire::FlowId;

use crate::jit::{Filter, array_map};
use crate::support::possible;

/// Registers of one writing, the first and the last that there are among them.
const REGISTERS: [u32; 12] = [0, 1, 7, 8, 31, 32, 63, 64, 65, 90, 108, 109];

#[test]
fn what_an_agent_writes_is_never_taken_in_part() {
    if !possible("what_an_agent_writes_is_never_taken_in_part") {
        return;
    }
    let map = array_map(PAGE as u32);
    let page = Mapping::new(map.as_fd(), 0, PAGE).unwrap();
    let word = |at: usize| page.u64_at(at).unwrap();
    word(offset_of!(FlowWords, open)).store(1, Ordering::SeqCst);
    let filter = Filter::new(&declares_one(), LAYOUT, &map, &mut Nothing);
    let stage = Stage::new(&page, 0);
    let (flow, begins) = (FlowId(0), Some(1));
    let write = |program, value| {
        let fields = REGISTERS.map(|index| (Reg::control(index), value));
        stage.write(flow, program, fields).unwrap();
    };
    let register = |index| {
        let at = LAYOUT.register(Reg::control(index)).unwrap();
        word(at as usize).load(Ordering::SeqCst)
    };
    write(begins, 1);
    assert_eq!(filter.run(), Ending::Done as u32);

    let (written, last) = (AtomicBool::new(false), 400_000);

    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 2..=last {
                // Now and then a program begins anew, with its declarations.
                write(begins.filter(|_| value % 5 == 0), value);
                // The program takes what it finds between two writings.
                (0..value % 40).for_each(|_| std::hint::spin_loop());
            }
            written.store(true, Ordering::SeqCst);
        });
        let mut before = 1;
        loop {
            let quiet = written.load(Ordering::SeqCst);
            if filter.run() == Ending::Done as u32 {
                let first = register(0);
                let others = REGISTERS.map(register);
                assert!(others.iter().all(|&other| other == first), "torn: {others:?}");
                assert!(first >= before, "{first} after {before}");
                before = first;
            }
            if quiet {
                break;
            }
        }
    });
    assert_eq!(REGISTERS.map(register), [last; REGISTERS.len()], "the last writing is in force");
}

/// A program with a declaration that what is staged must follow.
fn declares_one() -> Program {
    let code = Code {
        events: vec![Event { flag_idx: 1, num_flag_instrs: 1, body_idx: 2, num_body_instrs: 0 }],
        instrs: vec![
            Instr::def(Reg::control(64), 0),
            Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1)),
        ],
    };
    Program::verify(code, &Limits::default()).unwrap()
}

/// No transport at all.
struct Nothing;

impl Host for Nothing {
    fn load(&mut self, _: &mut Asm, _: u64) {}

    fn set_cwnd(&mut self, _: &mut Asm, _: Gpr) {}

    fn set_rate(&mut self, _: &mut Asm, _: Gpr) {}

    fn report(&mut self, _: &mut Asm, _: usize) {}

    fn finish(&mut self, asm: &mut Asm, ending: Ending) {
        asm.mov(Gpr::R0, ending as i32);
        asm.exit();
    }
}
