//! How a program takes what the agent has staged: all of one writing or nothing.

use super::machine::{Flow, Loaded, Ran, ToPage, layout};
use ccp_lang::ebpf::{PrimitiveBounds, choose, emit_bare};
use ccp_lang::{Code, Event, Instr, Limits, Op, Primitives, Program, Reg};

/// `(when true (:= Rate (+ control.0 control.1)))`, with `control.2` declared as 7.
fn sum() -> Program {
    let code = Code {
        events: vec![Event { flag_idx: 1, num_flag_instrs: 1, body_idx: 2, num_body_instrs: 1 }],
        instrs: vec![
            Instr::def(Reg::control(2), 7),
            Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1)),
            Instr::new(Op::Add, Reg::RATE, Reg::control(0), Reg::control(1)),
        ],
    };
    Program::verify(code, &Limits::default()).expect("a good program")
}

fn loaded(number: u64) -> Loaded {
    Loaded::new(&sum(), number, PrimitiveBounds::ANY)
}

fn ack(flow: &mut Flow, program: &Loaded) -> Option<Ran> {
    flow.run(program, 1_000, &Primitives::new(), 10, 0)
}

fn rate(flow: &mut Flow, program: &Loaded) -> Option<u64> {
    ack(flow, program)?.rate
}

/// The number of the program that the flow's fixed part would run.
fn chosen(flow: &mut Flow) -> u64 {
    let code = Loaded::of(|asm| {
        choose(asm, &layout());
        asm.exit();
    });
    code.run(&mut flow.page)
}

fn both(one: u64, other: u64) -> [(Reg, u64); 2] {
    [(Reg::control(0), one), (Reg::control(1), other)]
}

#[test]
fn a_program_begins_with_what_was_staged_for_it() {
    let mut flow = Flow::new();
    assert_eq!(chosen(&mut flow), 0);
    flow.stage(Some(5), &both(1, 2));
    assert_eq!(chosen(&mut flow), 5);
    assert_eq!(rate(&mut flow, &loaded(5)), Some(3));
    assert_eq!(flow.get(Reg::control(2)), Some(7));
    assert_eq!(chosen(&mut flow), 5);
    // Taken once: a program that changes a register keeps it.
    flow.set_word(layout().register(Reg::control(0)).expect("a register"), 10);
    assert_eq!(rate(&mut flow, &loaded(5)), Some(12));
}

#[test]
fn in_the_middle_of_a_writing_the_program_runs_on_what_it_has() {
    let mut flow = Flow::new();
    flow.stage(Some(5), &both(1, 2));
    assert_eq!(rate(&mut flow, &loaded(5)), Some(3));
    flow.stage(None, &both(10, 20));
    let sequence = flow.word(layout().sequence());
    flow.set_word(layout().sequence(), sequence + 1);
    assert_eq!(rate(&mut flow, &loaded(5)), Some(3));
    assert_eq!(flow.word(layout().reading()), 0);
    flow.set_word(layout().sequence(), sequence + 2);
    assert_eq!(rate(&mut flow, &loaded(5)), Some(30));
}

#[test]
fn a_disturbed_taking_is_skipped_and_made_up_for() {
    let mut flow = Flow::new();
    flow.stage(Some(5), &both(1, 2));
    assert_eq!(rate(&mut flow, &loaded(5)), Some(3));
    flow.stage(None, &both(10, 20));
    // The agent begins to write while the values are copied.
    assert_eq!(ack(&mut flow, &loaded(5).disturbed(5)), None);
    assert_eq!(flow.word(layout().torn()), 1);
    assert_eq!(flow.word(layout().reading()), 0);
    // Until it has written, registers may hold a part of it.
    assert_eq!(ack(&mut flow, &loaded(5)), None);
    flow.set_word(layout().sequence(), 6);
    assert_eq!(rate(&mut flow, &loaded(5)), Some(30));
    assert_eq!(flow.word(layout().torn()), 0);
    assert_eq!(flow.word(layout().taken()), 6);
}

#[test]
fn a_program_that_was_overtaken_skips_its_ack() {
    let mut flow = Flow::new();
    flow.stage(Some(5), &both(1, 2));
    assert_eq!(rate(&mut flow, &loaded(5)), Some(3));
    // Chosen before the agent staged another one.
    flow.stage(Some(6), &both(10, 20));
    assert_eq!(ack(&mut flow, &loaded(5)), None);
    assert_eq!(flow.word(layout().running()), 5);
    assert_eq!(chosen(&mut flow), 6);
    // Chosen for a writing that another one has replaced.
    flow.stage(Some(8), &both(100, 200));
    assert_eq!(ack(&mut flow, &loaded(6)), None);
    // Chosen before the agent writes again: the flow does not begin without what it wrote.
    flow.set_word(layout().sequence(), flow.word(layout().sequence()) + 1);
    assert_eq!(ack(&mut flow, &loaded(8)), None);
    assert_eq!(chosen(&mut flow), 5);
    flow.set_word(layout().sequence(), flow.word(layout().sequence()) + 1);
    assert_eq!(rate(&mut flow, &loaded(8)), Some(300));
    assert_eq!(flow.word(layout().running()), 8);
}

#[test]
fn a_flow_without_a_program_takes_window_and_rate() {
    let bare = Loaded::of(|asm| emit_bare(&layout(), &mut ToPage, asm));
    let mut flow = Flow::new();
    let nothing = Ran { cwnd: None, rate: None, report: None, trap: None };
    assert_eq!(ack(&mut flow, &bare), Some(nothing));
    flow.stage(None, &[(Reg::CWND, 30), (Reg::RATE, 0), (Reg::control(109), 4)]);
    let window = Ran { cwnd: Some(30), rate: None, report: None, trap: None };
    assert_eq!(ack(&mut flow, &bare), Some(window));
    assert_eq!(flow.get(Reg::control(109)), Some(4));
    // A program that begins is not its business.
    flow.stage(Some(5), &[]);
    assert_eq!(ack(&mut flow, &bare), None);
    assert_eq!(chosen(&mut flow), 5);
}
