//! The machine against the reference: random programs, random ACKs, random messages between them.

mod reference;

use ccp_lang::{
    Call, Class, Code, Event, Instr, Limits, Micros, Op, Primitive, Primitives, Program, Reg,
    Registers, Staged, Trap,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What happens between two ACKs and at the second.
#[derive(Clone, Debug)]
struct Ack {
    /// May go back now and then.
    elapsed: i64,
    primitives: Vec<(Primitive, u64)>,
    /// Begin with one of the two programs, or begin it anew.
    switch: Option<bool>,
    staged: Vec<(Reg, u64)>,
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..4_u64,
        4 => 0..100_000_u64,
        1 => select(vec![
            0x7FFF_FFFF,
            0x8000_0000,
            0xFFFF_FFFF,
            0x1_0000_0000,
            u64::MAX / 2,
            u64::MAX,
        ]),
        1 => any::<u64>(),
    ]
}

fn constant() -> impl Strategy<Value = Reg> {
    prop_oneof![
        4 => 0..4_u32,
        2 => 0..50_000_u32,
        1 => select(vec![10, 0x3FFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]),
    ]
    .prop_map(Reg::immediate)
}

/// Few registers of each class, so that instructions meet in them.
fn writable(reports: u32) -> impl Strategy<Value = Reg> {
    let classes = prop_oneof![
        4 => Just(Class::Temp),
        2 => Just(Class::Local),
        2 => Just(Class::Control),
        1 => Just(Class::VolatileControl),
        2 => Just(Class::VolatileReport),
        1 => Just(Class::Report),
        4 => Just(Class::Implicit),
    ];
    (classes, 0..6_u32).prop_map(move |(class, index)| match class {
        Class::Implicit => Reg::new(class, index),
        Class::Report | Class::VolatileReport if reports == 0 => Reg::temp(0),
        Class::Report | Class::VolatileReport => Reg::new(class, index % reports),
        // The last one of each class too.
        Class::Temp | Class::Local if index == 5 => Reg::new(class, 31),
        Class::Control | Class::VolatileControl if index == 5 => Reg::new(class, 109),
        _ => Reg::new(class, index % 3),
    })
}

fn readable(reports: u32) -> impl Strategy<Value = Reg> {
    prop_oneof![
        3 => writable(reports),
        2 => constant(),
        2 => select(Primitive::ALL).prop_map(Reg::primitive),
    ]
}

fn instr(reports: u32) -> impl Strategy<Value = Instr> {
    let any = (select(Op::ALL), writable(reports), readable(reports), readable(reports)).prop_map(
        |(op, result, left, right)| match op {
            Op::Def => Instr::bind(result, right),
            _ => Instr::new(op, result, left, right),
        },
    );
    prop_oneof![
        6 => any,
        2 => (writable(reports), readable(reports)).prop_map(|(to, from)| Instr::bind(to, from)),
        1 => select(vec![
            Instr::bind(Reg::SHOULD_CONTINUE, Reg::immediate(1)),
            Instr::bind(Reg::SHOULD_REPORT, Reg::immediate(1)),
            Instr::bind(Reg::MICROS, Reg::immediate(0)),
        ]),
    ]
}

/// Mostly single instructions; now and then two that the decoder may join.
fn block(reports: u32, len: usize) -> impl Strategy<Value = Vec<Instr>> {
    let joined = (instr(reports), writable(reports)).prop_map(|(first, to)| {
        let second = Instr::bind(to, first.result);
        vec![first, second]
    });
    let flag = (select(vec![Op::If, Op::NotIf]), readable(reports), 0..2_u32)
        .prop_map(|(op, on, to)| vec![Instr::new(op, Reg::EVENT_FLAG, on, Reg::immediate(to))]);
    let part = prop_oneof![
        8 => instr(reports).prop_map(|instr| vec![instr]),
        2 => joined,
        1 => flag,
    ];
    vec(part, 0..len).prop_map(|parts| parts.concat())
}

fn flag(reports: u32) -> impl Strategy<Value = Vec<Instr>> {
    let compare = select(vec![Op::Gt, Op::Lt, Op::Equiv, Op::Mul, Op::Add, Op::Max]);
    let end = prop_oneof![
        2 => Just(Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1))),
        1 => readable(reports).prop_map(|from| Instr::bind(Reg::EVENT_FLAG, from)),
        3 => (compare, readable(reports), readable(reports))
            .prop_map(|(op, l, r)| Instr::new(op, Reg::EVENT_FLAG, l, r)),
    ];
    // Mostly as compilers emit it; now and then without any order.
    prop_oneof![
        5 => (block(reports, 3), end).prop_map(|(mut flag, end)| {
            flag.push(end);
            flag
        }),
        1 => block(reports, 4),
    ]
}

fn defs(reports: u32) -> impl Strategy<Value = Vec<Instr>> {
    let report = vec((any::<bool>(), constant()), reports as usize);
    let control = vec((any::<bool>(), constant()), 0..3);
    (report, control).prop_map(|(reports, controls)| {
        let def = |reg: Reg, initial: Reg| Instr::new(Op::Def, reg, reg, initial);
        let reports = (0..).zip(reports).map(|(i, (volatile, initial))| {
            let class = [Class::Report, Class::VolatileReport][usize::from(volatile)];
            def(Reg::new(class, i), initial)
        });
        let controls = (0..).zip(controls).map(|(i, (volatile, initial))| {
            let class = [Class::Control, Class::VolatileControl][usize::from(volatile)];
            def(Reg::new(class, i), initial)
        });
        reports.chain(controls).collect()
    })
}

fn code() -> impl Strategy<Value = Code> {
    (0..4_u32).prop_flat_map(|reports| {
        let event = (flag(reports), block(reports, 6));
        (defs(reports), vec(event, 0..5)).prop_map(|(defs, events)| {
            let mut code = Code { events: Vec::new(), instrs: defs };
            for (flag, body) in events {
                let flag_idx = code.instrs.len() as u32;
                code.events.push(Event {
                    flag_idx,
                    num_flag_instrs: flag.len() as u32,
                    body_idx: flag_idx + flag.len() as u32,
                    num_body_instrs: body.len() as u32,
                });
                code.instrs.extend(flag);
                code.instrs.extend(body);
            }
            code
        })
    })
}

fn ack() -> impl Strategy<Value = Ack> {
    let elapsed = prop_oneof![1 => Just(0), 8 => 0..5_000_i64, 1 => -2_000..0_i64];
    let settable = select(vec![
        Reg::control(0),
        Reg::volatile_control(1),
        Reg::control(109),
        Reg::CWND,
        Reg::RATE,
    ]);
    (
        elapsed,
        vec((select(Primitive::ALL), value()), 0..6),
        prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)],
        prop_oneof![3 => Just(Vec::new()), 1 => vec((settable, value()), 0..4)],
    )
        .prop_map(|(elapsed, primitives, switch, staged)| Ack {
            elapsed,
            primitives,
            switch,
            staged,
        })
}

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

fn check(codes: &[Code; 2], acks: &[Ack]) -> Result<(), TestCaseError> {
    let programs = codes.clone().map(|code| {
        Program::verify(code, &Limits::default()).expect("the strategy makes only good programs")
    });
    let mut regs = Registers::new(Micros(0));
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

        let mut report = None;
        let call = Call {
            now: Micros(now),
            primitives: &primitives,
            cwnd,
            rate,
            switched,
            staged: &mut staged,
        };
        let program = &programs[usize::from(running)];
        let outcome = program.invoke(&mut regs, call, |fields| report = Some(fields.to_vec()));

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
