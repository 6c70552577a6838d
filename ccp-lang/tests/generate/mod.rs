//! Random programs and random ACKs.

use ccp_lang::{Class, Code, Event, Instr, Op, Primitive, Reg};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What happens between two ACKs and at the second.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    /// May go back now and then.
    pub(crate) elapsed: i64,
    pub(crate) primitives: Vec<(Primitive, u64)>,
    /// Begin with one of the two programs, or begin it anew.
    pub(crate) switch: Option<bool>,
    pub(crate) staged: Vec<(Reg, u64)>,
}

pub(crate) fn value() -> impl Strategy<Value = u64> {
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

pub(crate) fn code() -> impl Strategy<Value = Code> {
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

pub(crate) fn ack() -> impl Strategy<Value = Ack> {
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
