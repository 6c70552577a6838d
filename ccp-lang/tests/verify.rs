//! The verifier: one test per rule, and what is allowed on purpose.

use ccp_lang::{
    Call, Class, Code, Event, EventPart, Instr, Limits, Micros, Op, Operand, Primitives, Program,
    Reg, Registers, Staged, VerifyError,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const REPORT: Reg = Reg::volatile_report(0);

fn event(flag: core::ops::Range<u32>, body: core::ops::Range<u32>) -> Event {
    Event {
        flag_idx: flag.start,
        num_flag_instrs: flag.end - flag.start,
        body_idx: body.start,
        num_body_instrs: body.end - body.start,
    }
}

/// Two declarations and an event of three instructions.
fn good() -> Code {
    Code {
        events: vec![event(2..3, 3..5)],
        instrs: vec![
            Instr::def(REPORT, 0),
            Instr::def(Reg::control(0), 9),
            Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1)),
            Instr::bind(REPORT, Reg::control(0)),
            Instr::bind(Reg::SHOULD_REPORT, Reg::immediate(1)),
        ],
    }
}

fn refusal(change: impl FnOnce(&mut Code)) -> VerifyError {
    let mut code = good();
    change(&mut code);
    Program::verify(code, &Limits::default()).expect_err("a program that breaks a rule")
}

#[test]
fn a_good_program_passes_and_is_described() {
    let program = Program::verify(good(), &Limits::LIBCCP).expect("a good program");
    assert_eq!(program.report_len(), 1);
    assert_eq!(program.primitives(), 0);
    assert_eq!(program.code(), &good());
    assert_eq!(program.to_string(), good().to_string());
}

#[test]
fn the_empty_program_passes() {
    let program = Program::verify(Code::default(), &Limits::LIBCCP).expect("nothing is wrong");
    assert_eq!(program.report_len(), 0);
}

#[test]
fn too_many_instructions_or_events_are_refused() {
    let long = refusal(|code| code.instrs.resize(256, code.instrs[4]));
    let (have, max) = (256, 255);
    assert_eq!(long, VerifyError::TooManyInstrs { have, max });
    let many = refusal(|code| code.events.resize(257, event(5..5, 5..5)));
    let (have, max) = (257, 256);
    assert_eq!(many, VerifyError::TooManyEvents { have, max });
}

#[test]
fn limits_above_the_machines_count_as_its_own() {
    let all = Limits {
        max_instrs: u32::MAX,
        max_events: u32::MAX,
        controls: u32::MAX,
        reports: u32::MAX,
        locals: u32::MAX,
        temps: u32::MAX,
        primitives: u32::MAX,
    };
    let mut code = good();
    code.instrs[3].result = Reg::temp(32);
    let (at, operand, reg, max) = (3, Operand::Result, Reg::temp(32), 32);
    let error = VerifyError::NoSuchRegister { at, operand, reg, max };
    assert_eq!(Program::verify(code, &all), Err(error));
    let mut code = good();
    code.instrs.resize(4096, code.instrs[4]);
    assert!(Program::verify(code.clone(), &all).is_ok());
    code.instrs.push(code.instrs[4]);
    assert!(Program::verify(code, &all).is_err());
}

#[test]
fn a_register_that_does_not_exist_is_refused_in_every_place() {
    let beyond = [
        (Reg::new(Class::Implicit, 6), 6),
        (Reg::control(110), 110),
        (Reg::volatile_control(110), 110),
        (Reg::report(110), 110),
        (Reg::volatile_report(u32::MAX), 110),
        (Reg::local(32), 32),
        (Reg::temp(32), 32),
        (Reg::new(Class::Primitive, 32), 32),
    ];
    for (reg, max) in beyond {
        for operand in [Operand::Result, Operand::Left, Operand::Right] {
            let error = refusal(|code| {
                let instr = &mut code.instrs[3];
                match operand {
                    Operand::Result => instr.result = reg,
                    Operand::Left => instr.left = reg,
                    Operand::Right => instr.right = reg,
                }
            });
            let at = 3;
            assert_eq!(error, VerifyError::NoSuchRegister { at, operand, reg, max });
        }
    }
}

#[test]
fn the_last_register_of_each_class_passes() {
    let last = [
        Reg::RATE,
        Reg::control(109),
        Reg::local(31),
        Reg::temp(31),
        Reg::new(Class::Primitive, 31),
        Reg::immediate(u32::MAX),
    ];
    for reg in last {
        let mut code = good();
        code.instrs[3].right = reg;
        assert!(Program::verify(code, &Limits::default()).is_ok(), "{reg}");
    }
}

#[test]
fn libccp_has_fewer_temporaries_locals_and_primitives() {
    for reg in [Reg::local(8), Reg::temp(8), Reg::new(Class::Primitive, 15)] {
        let mut code = good();
        code.instrs[3].right = reg;
        assert!(Program::verify(code.clone(), &Limits::default()).is_ok(), "{reg}");
        assert!(Program::verify(code, &Limits::LIBCCP).is_err(), "{reg}");
    }
}

#[test]
fn a_constant_or_primitive_is_no_result() {
    for reg in [Reg::immediate(3), Reg::new(Class::Primitive, 0)] {
        let error = refusal(|code| code.instrs[3].result = reg);
        assert_eq!(error, VerifyError::NotWritable { at: 3, reg });
    }
}

#[test]
fn a_declaration_behind_another_operation_is_refused() {
    for at in 3..=5 {
        let late = Instr::def(Reg::control(1), 0);
        let error = refusal(|code| code.instrs.insert(at as usize, late));
        assert_eq!(error, VerifyError::LateDef { at });
    }
}

#[test]
fn only_control_and_report_registers_are_declared() {
    for reg in [Reg::CWND, Reg::local(0), Reg::temp(0), Reg::immediate(1)] {
        let error = refusal(|code| code.instrs[1] = Instr::def(reg, 0));
        assert_eq!(error, VerifyError::DefTarget { at: 1, reg });
    }
}

#[test]
fn a_declaration_names_one_register_and_a_constant() {
    let (at, reg, left) = (1, Reg::control(0), Reg::control(1));
    let error = refusal(|code| code.instrs[1].left = left);
    assert_eq!(error, VerifyError::DefMismatch { at, reg, left });
    let right = Reg::control(1);
    let error = refusal(|code| code.instrs[1].right = right);
    assert_eq!(error, VerifyError::DefValue { at, right });
}

#[test]
fn a_register_is_declared_once_whatever_its_class() {
    for reg in [REPORT, Reg::report(0)] {
        let error = refusal(|code| code.instrs[1] = Instr::def(reg, 0));
        assert_eq!(error, VerifyError::DuplicateDef { at: 1, reg });
    }
    let reg = Reg::volatile_control(0);
    let error = refusal(|code| {
        code.instrs[0] = Instr::def(Reg::control(0), 0);
        code.instrs[1] = Instr::def(reg, 0);
    });
    assert_eq!(error, VerifyError::DuplicateDef { at: 1, reg });
}

#[test]
fn a_report_register_without_a_declaration_is_refused() {
    for reg in [Reg::report(1), Reg::volatile_report(1)] {
        let error = refusal(|code| code.instrs[3].result = reg);
        let (at, operand) = (3, Operand::Result);
        assert_eq!(error, VerifyError::UndeclaredReport { at, operand, reg });
    }
}

#[test]
fn an_event_outside_the_program_is_refused() {
    let part = EventPart::Body;
    let (event, range, instrs) = (0, 3..6, 5);
    let error = refusal(|code| code.events[0].num_body_instrs = 3);
    assert_eq!(error, VerifyError::EventOutside { event, part, range, instrs });
    let part = EventPart::Flag;
    let range = u32::MAX..u32::MAX;
    let error = refusal(|code| code.events[0].flag_idx = u32::MAX);
    assert_eq!(error, VerifyError::EventOutside { event, part, range, instrs });
}

#[test]
fn an_event_in_the_declarations_or_out_of_order_is_refused() {
    let (number, part, range, after) = (0, EventPart::Flag, 1..3, 2);
    let error = refusal(|code| code.events[0] = event(1..3, 3..5));
    let expected = VerifyError::EventOverlap { event: number, part, range, after };
    assert_eq!(error, expected);

    // The body before its condition.
    let (part, range, after) = (EventPart::Body, 2..4, 5);
    let error = refusal(|code| code.events[0] = event(4..5, 2..4));
    let expected = VerifyError::EventOverlap { event: number, part, range, after };
    assert_eq!(error, expected);

    // An instruction that would run twice.
    let (number, part, range, after) = (1, EventPart::Flag, 4..5, 5);
    let error = refusal(|code| code.events.push(event(4..5, 5..5)));
    let expected = VerifyError::EventOverlap { event: number, part, range, after };
    assert_eq!(error, expected);
}

#[test]
fn errors_name_place_and_value() {
    let error = refusal(|code| code.instrs[3].right = Reg::temp(40));
    let text = "instruction 3: the right register tmp.40 does not exist, there are 32";
    assert_eq!(error.to_string(), text);
    let error = refusal(|code| code.events[0].num_body_instrs = 9);
    let text = "event 0: its body 3..12 lies outside the 5 instructions";
    assert_eq!(error.to_string(), text);
}

#[test]
fn control_registers_without_a_declaration_pass() {
    let mut code = good();
    code.instrs[3].right = Reg::control(77);
    assert!(Program::verify(code, &Limits::LIBCCP).is_ok());
}

#[test]
fn holes_between_the_reports_pass_and_the_report_is_the_first_registers() {
    let mut code = good();
    code.instrs[1] = Instr::def(Reg::report(5), 9);
    code.instrs[3].right = Reg::immediate(3);
    let program = Program::verify(code, &Limits::LIBCCP).expect("a good program");
    assert_eq!(program.report_len(), 2);
    let mut report: Vec<u64> = Vec::new();
    let call = Call {
        now: Micros(0),
        primitives: &Primitives::new(),
        cwnd: 1,
        rate: 0,
        switched: true,
        staged: &mut Staged::new(),
    };
    program.invoke(&mut Registers::new(Micros(0)), call, |fields| report.extend(fields));
    assert_eq!(report, [3, 0]);
}

#[test]
fn the_primitives_read_are_a_mask() {
    let mut code = good();
    code.instrs[3].right = Reg::new(Class::Primitive, 31);
    // BIND ignores its left operand.
    code.instrs[3].left = Reg::new(Class::Primitive, 3);
    code.instrs[4] = Instr::new(
        Op::Add,
        Reg::CWND,
        Reg::new(Class::Primitive, 0),
        Reg::new(Class::Primitive, 15),
    );
    let program = Program::verify(code, &Limits::default()).expect("a good program");
    assert_eq!(program.primitives(), 1 << 31 | 1 << 15 | 1);
}

/// Registers near the edges of what exists.
fn reg() -> impl Strategy<Value = Reg> {
    let index = prop_oneof![0..8_u32, select(vec![31, 32, 109, 110, u32::MAX])];
    (select(Class::ALL), index).prop_map(|(class, index)| Reg::new(class, index))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_passes_runs_with_any_input(
        defs in vec(reg(), 0..3),
        instrs in vec((select(Op::ALL), reg(), reg(), reg()), 0..6),
        cuts in vec(0..8_u32, 4..=4),
        values in any::<[u64; 8]>(),
    ) {
        let mut code = Code::default();
        code.instrs.extend(defs.iter().map(|&reg| Instr::def(reg, 7)));
        let others = instrs.iter().filter(|(op, ..)| *op != Op::Def);
        code.instrs.extend(others.map(|&(op, to, left, right)| Instr::new(op, to, left, right)));
        if let [a, b, c, d] = cuts[..] {
            let a = a.max(defs.len() as u32);
            code.events.push(event(a..a + b % 4, a + b % 4 + c % 2..a + b % 4 + c % 2 + d % 4));
        }
        let Ok(program) = Program::verify(code, &Limits::default()) else {
            return Ok(());
        };
        let mut primitives = Primitives::new();
        for (index, &value) in (0..).zip(&values) {
            primitives.set_index(index * 4, value);
        }
        let mut regs = Registers::new(Micros(values[0]));
        for (switched, &now) in [true, false, false, true].into_iter().zip(&values) {
            let call = Call {
                now: Micros(now),
                primitives: &primitives,
                cwnd: values[5],
                rate: values[6],
                switched,
                staged: &mut Staged::new(),
            };
            let mut len = 0;
            let outcome = program.invoke(&mut regs, call, |fields| len = fields.len());
            prop_assert!(!outcome.reported || len == program.report_len());
            prop_assert!(outcome.cwnd != Some(0) && outcome.rate != Some(0));
        }
    }
}
