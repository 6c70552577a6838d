//! The kernel's verifier takes the code of every program that may be installed.
#![cfg(target_os = "linux")]

mod jit;
#[path = "../support/mod.rs"]
mod support;
mod torn;

use ccp_ebpf::engine::Engine;
use ccp_ebpf::sys::{LoadError, struct_ops_prog_load};
use ccp_lang::ebpf::LIMITS;
use ccp_lang::{Class, Code, Event, Instr, Limits, Op, Primitive, Program, Reg};
use ccp_wire::ProgramUid;
use support::{in_namespace, options, possible};

/// What instructions may read: small and large constants, and registers of each class.
const OPERANDS: [Reg; 14] = [
    Reg::immediate(0),
    Reg::immediate(1),
    Reg::immediate(10),
    Reg::immediate(0x7FFF_FFFF),
    Reg::immediate(0xFFFF_FFFF),
    Reg::primitive(Primitive::FlowRttSampleUs),
    Reg::primitive(Primitive::AckNow),
    Reg::primitive(Primitive::FlowWasTimeout),
    Reg::temp(0),
    Reg::local(31),
    Reg::report(0),
    Reg::control(109),
    Reg::CWND,
    Reg::MICROS,
];

/// What they may write.
const RESULTS: [Reg; 8] = [
    Reg::temp(0),
    Reg::local(31),
    Reg::report(0),
    Reg::control(109),
    Reg::CWND,
    Reg::MICROS,
    Reg::SHOULD_REPORT,
    Reg::SHOULD_CONTINUE,
];

/// Loads the code of programs as the datapath would.
struct Verifier {
    engine: Engine,
}

impl Verifier {
    fn new() -> Self {
        Self { engine: Engine::start(options("")).unwrap() }
    }

    fn check(&self, what: &str, code: Code, limits: &Limits) {
        let program = Program::verify(code, limits).unwrap();
        let fixed = self.engine.fixed();
        let code = fixed.leaf(&program, 1, ProgramUid(1)).unwrap();
        let ops = &fixed.kernel.ops;
        let member = ops.callback("cong_control").unwrap().index;
        match struct_ops_prog_load("ccp_shape", &code, ops.id, member) {
            Ok(_) => {}
            Err(LoadError::Rejected { log, .. }) => panic!("{what} is rejected: {log}\n{program}"),
            Err(error) => panic!("{what} is not loaded: {error}\n{program}"),
        }
    }
}

/// One event with a condition that is always true, after so many reports.
fn always(reports: u32, body: Vec<Instr>) -> Code {
    let mut instrs: Vec<Instr> =
        (0..reports).map(|i| Instr::def(Reg::volatile_report(i), 0x3FFF_FFFF)).collect();
    instrs.push(Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1)));
    let event = Event {
        flag_idx: reports,
        num_flag_instrs: 1,
        body_idx: reports + 1,
        num_body_instrs: body.len() as u32,
    };
    instrs.extend(body);
    Code { events: vec![event], instrs }
}

#[test]
fn every_operation_on_every_kind_of_operand_is_accepted() {
    if !possible("every_operation_on_every_kind_of_operand_is_accepted") {
        return;
    }
    in_namespace(|| {
        let verifier = Verifier::new();
        for &op in Op::ALL.iter().filter(|&&op| op != Op::Def) {
            let pairs = OPERANDS.iter().flat_map(|l| OPERANDS.iter().map(move |r| (*l, *r)));
            let body = pairs
                .zip(RESULTS.into_iter().cycle())
                .map(|((left, right), result)| Instr::new(op, result, left, right));
            verifier.check(op.mnemonic(), always(1, body.collect()), &Limits::default());
        }
    });
}

#[test]
fn the_largest_programs_are_accepted() {
    if !possible("the_largest_programs_are_accepted") {
        return;
    }
    in_namespace(|| {
        let verifier = Verifier::new();
        let body = |op, len: u32| {
            let instr = |i| {
                let (left, right) = (Reg::control(i % 110), Reg::control((7 * i + 1) % 110));
                Instr::new(op, Reg::temp(i % 32), left, right)
            };
            (0..len).map(instr).collect()
        };
        // 110 reports and a condition beside them. Products have the most code, and the later of
        // two counters the longest.
        for (op, most) in [(Op::Mul, 144), (Op::MaxWrap, 144), (Op::Ewma, 144), (Op::Div, 144)] {
            verifier.check(op.mnemonic(), always(110, body(op, most)), &Limits::default());
        }
        let most = LIMITS.max_instrs - 111;
        verifier.check("MULs", always(110, body(Op::Mul, most)), &LIMITS);
        verifier.check("MAXWRAPs", always(110, body(Op::MaxWrap, most)), &LIMITS);
        // A jump for each condition, and one more to each end.
        let half = LIMITS.max_instrs / 2;
        let deep = Code {
            events: (0..half)
                .map(|i| Event {
                    flag_idx: 2 * i,
                    num_flag_instrs: 1,
                    body_idx: 2 * i + 1,
                    num_body_instrs: 1,
                })
                .collect(),
            instrs: (0..half)
                .flat_map(|i| {
                    let other = Reg::control(i % 110);
                    let flag = Instr::new(Op::Max, Reg::EVENT_FLAG, Reg::local(i % 32), other);
                    let last = Instr::new(Op::If, Reg::SHOULD_CONTINUE, Reg::local(i % 31), other);
                    [flag, last]
                })
                .collect(),
        };
        verifier.check("events", deep, &LIMITS);
    });
}

#[test]
fn programs_without_any_order_are_accepted() {
    if !possible("programs_without_any_order_are_accepted") {
        return;
    }
    in_namespace(|| {
        let verifier = Verifier::new();
        let mut dice = Dice(1);
        for round in 0..60 {
            let code = any_program(&mut dice, 12);
            verifier.check(&format!("program {round}"), code, &Limits::default());
        }
    });
}

/// Fewer than `events` events with conditions and bodies of any instructions.
fn any_program(dice: &mut Dice, events: u32) -> Code {
    let mut code = Code { events: Vec::new(), instrs: vec![Instr::def(Reg::report(0), 7)] };
    for _ in 0..dice.below(events) {
        let flag_idx = code.instrs.len() as u32;
        for _ in 0..dice.below(3) {
            let instr = any_instr(dice);
            code.instrs.push(instr);
        }
        let flag = Instr { result: Reg::EVENT_FLAG, ..any_instr(dice) };
        code.instrs.push(flag);
        let body_idx = code.instrs.len() as u32;
        for _ in 0..dice.below(12) {
            let instr = any_instr(dice);
            code.instrs.push(instr);
        }
        let end = code.instrs.len() as u32;
        code.events.push(Event {
            flag_idx,
            num_flag_instrs: body_idx - flag_idx,
            body_idx,
            num_body_instrs: end - body_idx,
        });
    }
    code
}

fn any_instr(dice: &mut Dice) -> Instr {
    let op = match dice.pick(Op::ALL) {
        Op::Def => Op::Bind,
        op => op,
    };
    let result = match dice.below(8) {
        0 => Reg::EVENT_FLAG,
        1 => Reg::new(Class::Temp, dice.below(8)),
        _ => dice.pick(&RESULTS),
    };
    Instr::new(op, result, dice.pick(&OPERANDS), dice.pick(&OPERANDS))
}

/// Chance that is the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(end)) as u32
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}
