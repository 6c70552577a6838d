//! The eBPF back end against the machine: random programs, ACKs and staged values, in a user-space
//! eBPF machine.
#![cfg(feature = "ebpf")]

#[path = "../generate/mod.rs"]
mod generate;
mod machine;
mod shape;
mod staged;

use ccp_lang::ebpf::PrimitiveBounds;
use ccp_lang::{
    Call, Class, Code, Event, Instr, Micros, Op, Primitive, Primitives, Program, Reg, Registers,
    Staged, Type,
};
use generate::{Ack, ack, code};
use machine::{Flow, Loaded, Ran};
use proptest::collection::vec;
use proptest::prelude::*;

/// Programs per run; more with `CCP_EBPF_CASES`.
fn config(share: u32) -> ProptestConfig {
    let cases = std::env::var("CCP_EBPF_CASES").ok().and_then(|text| text.parse().ok());
    let cases: u32 = cases.unwrap_or(200);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases / share) }
}

/// What a transport that counts in 32 bits can say.
fn narrow() -> PrimitiveBounds {
    let all = Primitive::ALL.iter().filter(|p| **p != Primitive::AckNow);
    all.fold(PrimitiveBounds::ANY, |bounds, &primitive| {
        bounds.with(primitive, if primitive.ty() == Type::Bool { 1 } else { NARROW })
    })
}

const NARROW: u64 = 0xFFFF_FFFF;

/// The same program, too large for the usual code: with much that never runs.
fn large(mut code: Code) -> Code {
    let start = code.instrs.len() as u32;
    code.instrs.push(Instr::new(Op::Gt, Reg::EVENT_FLAG, Reg::local(31), Reg::local(31)));
    let body =
        (0..1500).map(|i| Instr::new(Op::Max, Reg::temp(0), Reg::temp(1), Reg::immediate(i)));
    code.instrs.extend(body);
    code.events.push(Event {
        flag_idx: start,
        num_flag_instrs: 1,
        body_idx: start + 1,
        num_body_instrs: 1500,
    });
    code
}

/// The same program, which now writes each temporary before it reads it.
fn settled(mut code: Code) -> Code {
    let defs = code.instrs.iter().take_while(|instr| instr.op == Op::Def).count();
    let temps = [0, 1, 2, 31].map(|i| Instr::bind(Reg::temp(i), Reg::control(i % 3)));
    let none = Instr::bind(Reg::EVENT_FLAG, Reg::immediate(0));
    for event in &mut code.events {
        event.flag_idx += 5;
        event.body_idx += 5;
    }
    let (flag_idx, body_idx) = (defs as u32, defs as u32 + 5);
    let first = Event { flag_idx, num_flag_instrs: 5, body_idx, num_body_instrs: 0 };
    code.events.insert(0, first);
    code.instrs.splice(defs..defs, temps.into_iter().chain([none]));
    code
}

/// What the code is made for.
#[derive(Clone, Copy)]
enum For {
    /// Any primitives; temporaries are kept.
    Anything,
    /// Primitives within bounds.
    Narrow,
    /// A datapath to which temporaries mean nothing between invocations.
    Forgetful,
}

/// All registers that both machines have, primitives that the program reads included.
fn lasting(program: &Program) -> impl Iterator<Item = Reg> {
    let mask = program.primitives();
    let primitives = (0..32).filter(move |i| mask & (1 << i) != 0);
    let primitives = primitives.map(|i| Reg::new(Class::Primitive, i));
    let few = (0..32).flat_map(|i| [Reg::temp(i), Reg::local(i)]);
    let many = (0..110).flat_map(|i| [Reg::control(i), Reg::report(i)]);
    let own = [Reg::SHOULD_REPORT, Reg::MICROS, Reg::CWND, Reg::RATE];
    primitives.chain(few).chain(many).chain(own)
}

fn check(codes: &[Code; 2], acks: &[Ack], made_for: For) -> Result<(), TestCaseError> {
    let programs = codes.clone().map(|code| {
        Program::verify(code, &ccp_lang::ebpf::LIMITS)
            .expect("the strategy makes only good programs")
    });
    let loaded = [0, 1].map(|i| {
        let (program, number) = (&programs[i], i as u64 + 1);
        match made_for {
            For::Anything => Loaded::new(program, number, PrimitiveBounds::ANY),
            For::Narrow => Loaded::new(program, number, narrow()),
            For::Forgetful => Loaded::forgetful(program, number, PrimitiveBounds::ANY),
        }
    });
    let mut flow = Flow::new();
    let mut regs = Registers::new(Micros(0));
    let mut staged = Staged::new();
    let (mut now, mut running) = (0_u64, 0);
    let (mut cwnd, mut rate) = (10_000, 0);
    for (number, ack) in acks.iter().enumerate() {
        now = now.saturating_add_signed(ack.elapsed);
        let mut primitives = Primitives::new();
        for &(primitive, value) in &ack.primitives {
            let value = match (made_for, primitive.ty()) {
                (For::Narrow, Type::Bool) => value & 1,
                (For::Narrow, Type::Num) => value & NARROW,
                _ => value,
            };
            primitives.set(primitive, value);
        }
        for &(reg, value) in &ack.staged {
            staged.set(reg, value).expect("only settable ones");
        }
        let switched = ack.switch.is_some() || number == 0;
        running = ack.switch.map_or(running, usize::from);
        let program = &programs[running];
        flow.stage(switched.then_some(running as u64 + 1), &ack.staged);
        let found = flow.run(&loaded[running], now, &primitives, cwnd, rate);

        let mut report = None;
        let call = Call {
            now: Micros(now),
            primitives: &primitives,
            cwnd,
            rate,
            switched,
            staged: &mut staged,
        };
        let outcome = program.invoke(&mut regs, call, |fields| report = Some(fields.to_vec()));
        let expected = Ran { cwnd: outcome.cwnd, rate: outcome.rate, report, trap: outcome.trap };
        prop_assert_eq!(&found, &Some(expected), "ack {} of\n{}", number, program);
        let meaningless =
            |reg: &Reg| matches!(made_for, For::Forgetful) && reg.class == Class::Temp;
        for reg in lasting(program).filter(|reg| !meaningless(reg)) {
            let (found, expected) = (flow.get(reg), regs.get(reg));
            prop_assert_eq!(found, expected, "{} after ack {} of\n{}", reg, number, program);
        }
        cwnd = outcome.cwnd.unwrap_or(cwnd);
        rate = outcome.rate.unwrap_or(rate);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn the_code_does_what_the_machine_does(
        one in code(),
        other in code(),
        acks in vec(ack(), 1..12),
    ) {
        check(&[one, other], &acks, For::Anything)?;
    }

    #[test]
    fn what_bounds_let_it_leave_out_is_not_missed(
        one in code(),
        other in code(),
        acks in vec(ack(), 1..12),
    ) {
        check(&[one, other], &acks, For::Narrow)?;
    }
}

proptest! {
    #![proptest_config(config(2))]

    #[test]
    fn forgotten_temporaries_change_nothing_else(
        one in code(),
        other in code(),
        acks in vec(ack(), 1..12),
    ) {
        check(&[settled(one), settled(other)], &acks, For::Forgetful)?;
    }

    #[test]
    fn a_program_that_reads_a_temporary_first_finds_its_own(
        code in code(),
        acks in vec(ack(), 1..12),
    ) {
        check(&[code.clone(), code], &acks, For::Forgetful)?;
    }
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn the_code_of_large_programs_does_so_too(code in code(), acks in vec(ack(), 1..12)) {
        check(&[large(code.clone()), code], &acks, For::Anything)?;
    }
}
