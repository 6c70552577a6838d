//! The machine against the reference, and against its own telling form: random programs, random ACKs, random messages
//! between them.

mod generate;
mod reference;

use ccp_lang::{
    Call, Code, Limits, Micros, Observed, Op, Primitives, Program, Reg, Registers, Staged, Trap,
};
use generate::{Ack, ack, code};
use proptest::collection::vec;
use proptest::prelude::*;

/// All registers that outlive an invocation and that both machines have.
fn lasting() -> impl Iterator<Item = Reg> {
    let few = (0..4).chain([31]).flat_map(|i| [Reg::temp(i), Reg::local(i)]);
    let many = (0..4).chain([109]).flat_map(|i| [Reg::control(i), Reg::report(i)]);
    let own = [Reg::SHOULD_REPORT, Reg::MICROS, Reg::CWND, Reg::RATE];
    few.chain(many).chain(own)
}

fn trap(trap: Trap) -> (&'static str, u32) {
    match trap {
        Trap::AddOverflow { at } => ("add", at),
        Trap::SubUnderflow { at } => ("sub", at),
        Trap::MulOverflow { at } => ("mul", at),
        Trap::DivByZero { at } => ("div", at),
        other => panic!("the reference does not know {other}"),
    }
}

/// The window and rate as told, and the trap.
struct Told {
    set: (Option<u64>, Option<u64>),
    trap: Option<Trap>,
}

impl Told {
    fn new((cwnd, rate): (u64, u64)) -> Self {
        Self { set: (Some(cwnd), Some(rate)), trap: None }
    }

    fn take(&mut self, program: &Program, observed: Observed) {
        assert_eq!(self.trap, None, "{observed:?} after a trap");
        let (reg, value) = match observed {
            Observed::Staged { reg, value, .. } => (reg, value),
            Observed::Instr { at, before, value, .. } => {
                let instr = program.code().instrs[at as usize];
                assert_ne!(instr.op, Op::Def);
                assert!(value.is_some() || instr.op.operands().conditional);
                (instr.result, value.unwrap_or(before))
            }
            Observed::Trap { trap, .. } => return self.trap = Some(trap),
            _ => return,
        };
        match reg {
            Reg::CWND => self.set.0 = Some(value),
            Reg::RATE => self.set.1 = Some(value),
            _ => {}
        }
    }
}

fn check(codes: &[Code; 2], acks: &[Ack]) -> Result<(), TestCaseError> {
    let programs = codes.clone().map(|code| {
        Program::verify(code, &Limits::default()).expect("the strategy makes only good programs")
    });
    let mut regs = Registers::new(Micros(0));
    let mut told_regs = regs.clone();
    let mut staged = Staged::new();
    let mut reference = reference::Machine::default();
    let mut now = 0_u64;
    let mut running = false;
    let (mut cwnd, mut rate) = (10_000, 0);
    for (number, ack) in acks.iter().enumerate() {
        now = now.saturating_add_signed(ack.elapsed);
        let mut primitives = Primitives::new();
        for &(primitive, value) in &ack.primitives {
            primitives.set(primitive, value);
        }
        for &(reg, value) in &ack.staged {
            staged.set(reg, value).expect("only settable ones");
        }
        let switched = ack.switch.is_some() || number == 0;
        running = ack.switch.unwrap_or(running);

        let input = reference::Input {
            now,
            primitives: &primitives,
            cwnd,
            rate,
            switched,
            staged: &ack.staged,
        };
        let expected = reference.invoke(&codes[usize::from(running)], &input);

        let program = &programs[usize::from(running)];
        let mut told_staged = staged.clone();
        let mut told = Told::new((cwnd, rate));
        let mut told_report = None;
        let call = Call {
            now: Micros(now),
            primitives: &primitives,
            cwnd,
            rate,
            switched,
            staged: &mut told_staged,
        };
        let told_outcome = program.invoke_observed(
            &mut told_regs,
            call,
            |fields| told_report = Some(fields.to_vec()),
            |observed| told.take(program, observed),
        );

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

        prop_assert_eq!(told_outcome, outcome, "ack {} of\n{}", number, program);
        prop_assert_eq!(&told_report, &report);
        prop_assert!(told_staged.is_empty());
        prop_assert_eq!(told.trap, outcome.trap);
        if outcome.trap.is_none() {
            prop_assert_eq!(told.set, (regs.get(Reg::CWND), regs.get(Reg::RATE)), "{}", program);
        }
        for reg in lasting() {
            let (told, quiet) = (told_regs.get(reg), regs.get(reg));
            prop_assert_eq!(told, quiet, "{} after ack {} of\n{}", reg, number, program);
        }

        let found = reference::Done {
            cwnd: outcome.cwnd,
            rate: outcome.rate,
            report,
            trap: outcome.trap.map(trap),
        };
        prop_assert_eq!(&found, &expected, "ack {} of\n{}", number, program);
        prop_assert_eq!(outcome.reported, found.report.is_some());
        prop_assert!(staged.is_empty());
        for reg in lasting() {
            let (found, expected) = (regs.get(reg), Some(reference.get(reg)));
            prop_assert_eq!(found, expected, "{} after ack {} of\n{}", reg, number, program);
        }
        cwnd = found.cwnd.unwrap_or(cwnd);
        rate = found.rate.unwrap_or(rate);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn the_machine_does_what_the_reference_does(
        one in code(),
        other in code(),
        acks in vec(ack(), 1..12),
    ) {
        check(&[one, other], &acks)?;
    }

    #[test]
    fn a_program_survives_its_bytes(code in code()) {
        let program = Program::verify(code, &Limits::default()).expect("a good program");
        let again = Program::from_bytes(&program.to_bytes(), &Limits::default());
        prop_assert_eq!(again, Ok(program));
    }
}
