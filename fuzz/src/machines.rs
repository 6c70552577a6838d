//! One program and the same ACKs on every machine there is.

use ccp_lang::ebpf::PrimitiveBounds;
use ccp_lang::{
    Call, Class, Code, Micros, Primitive, Primitives, Program, Reg, Registers, Staged, Type,
};

use crate::acks::Ack;

#[allow(dead_code, unreachable_pub, reason = "shared with the tests of ccp-lang")]
#[path = "../../ccp-lang/tests/reference/mod.rs"]
mod reference;

#[allow(dead_code, unreachable_pub, reason = "shared with the tests of ccp-lang")]
#[path = "../../ccp-lang/tests/ebpf/machine.rs"]
mod ebpf;

use ebpf::{Flow, Loaded, Ran};
use reference::{Done, Input, Machine};

/// A flow on the machine that agents' programs run on.
struct Own {
    regs: Registers,
    staged: Staged,
    now: u64,
    cwnd: u64,
    rate: u64,
}

impl Own {
    fn new() -> Self {
        Self {
            regs: Registers::new(Micros(0)),
            staged: Staged::new(),
            now: 0,
            cwnd: 10_000,
            rate: 0,
        }
    }

    fn ack(
        &mut self,
        program: &Program,
        ack: &Ack,
        primitives: &Primitives,
        switched: bool,
    ) -> Ran {
        self.now = self.now.saturating_add_signed(ack.elapsed);
        for &(reg, value) in &ack.staged {
            self.staged.set(reg, value).expect("only settable ones");
        }
        let mut report = None;
        let call = Call {
            now: Micros(self.now),
            primitives,
            cwnd: self.cwnd,
            rate: self.rate,
            switched,
            staged: &mut self.staged,
        };
        let outcome = program.invoke(&mut self.regs, call, |fields| report = Some(fields.to_vec()));
        assert_eq!(outcome.reported, report.is_some());
        assert!(outcome.trap.is_none() || report.is_none(), "a report of a program that trapped");
        assert_ne!(outcome.cwnd, Some(0));
        assert_ne!(outcome.rate, Some(0));
        assert!(self.staged.is_empty(), "what is staged is taken");
        Ran { cwnd: outcome.cwnd, rate: outcome.rate, report, trap: outcome.trap }
    }

    fn obey(&mut self, ran: &Ran) {
        self.cwnd = ran.cwnd.unwrap_or(self.cwnd);
        self.rate = ran.rate.unwrap_or(self.rate);
    }
}

fn primitives(ack: &Ack, bound: impl Fn(Primitive, u64) -> u64) -> Primitives {
    let mut primitives = Primitives::new();
    for &(primitive, value) in &ack.primitives {
        primitives.set(primitive, bound(primitive, value));
    }
    primitives
}

fn name(program: &Program) -> String {
    format!("\n{}", program.code())
}

/// The machine against the reference.
pub(crate) fn like_the_reference(program: &Program, acks: &[Ack]) {
    let code: &Code = program.code();
    let (mut own, mut plain) = (Own::new(), Machine::default());
    for (number, ack) in acks.iter().enumerate() {
        let switched = number == 0 || ack.switch.is_some();
        let primitives = primitives(ack, |_, value| value);
        let (cwnd, rate) = (own.cwnd, own.rate);
        let ran = own.ack(program, ack, &primitives, switched);
        let input = Input {
            now: own.now,
            primitives: &primitives,
            cwnd,
            rate,
            switched,
            staged: &ack.staged,
        };
        let done = plain.invoke(code, &input);
        let found = Done {
            cwnd: ran.cwnd,
            rate: ran.rate,
            report: ran.report.clone(),
            trap: ran.trap.map(|trap| (short(trap.kind()), trap.at())),
        };
        assert_eq!(found, done, "ack {number} of{}", name(program));
        for reg in kept().filter(|_| looks(number, acks)) {
            let (found, expected) = (own.regs.get(reg), Some(plain.get(reg)));
            assert_eq!(found, expected, "{reg} after ack {number} of{}", name(program));
        }
        own.obey(&ran);
    }
}

fn short(kind: ccp_lang::TrapKind) -> &'static str {
    match kind {
        ccp_lang::TrapKind::AddOverflow => "add",
        ccp_lang::TrapKind::SubUnderflow => "sub",
        ccp_lang::TrapKind::MulOverflow => "mul",
        ccp_lang::TrapKind::DivByZero => "div",
    }
}

/// What an eBPF program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Any primitives; temporaries are kept.
    Anything,
    /// Primitives within bounds.
    Narrow,
    /// A datapath to which temporaries mean nothing between invocations.
    Forgetful,
}

/// What a transport that counts in 32 bits can say.
fn narrow() -> PrimitiveBounds {
    let all = Primitive::ALL.iter().filter(|p| **p != Primitive::AckNow);
    all.fold(PrimitiveBounds::ANY, |bounds, &primitive| {
        bounds.with(primitive, if primitive.ty() == Type::Bool { 1 } else { NARROW })
    })
}

const NARROW: u64 = 0xFFFF_FFFF;

/// The eBPF code of two programs against the machine, on a flow that changes between them.
pub(crate) fn as_ebpf(programs: [&Program; 2], acks: &[Ack], made_for: For) {
    let loaded = [0, 1].map(|at| {
        let (program, number) = (programs[at], at as u64 + 1);
        match made_for {
            For::Anything => Loaded::new(program, number, PrimitiveBounds::ANY),
            For::Narrow => Loaded::new(program, number, narrow()),
            For::Forgetful => Loaded::forgetful(program, number, PrimitiveBounds::ANY),
        }
    });
    let mut flow = Flow::new();
    let mut own = Own::new();
    let mut running = 0;
    for (number, ack) in acks.iter().enumerate() {
        let primitives = primitives(ack, |primitive, value| match (made_for, primitive.ty()) {
            (For::Narrow, Type::Bool) => value & 1,
            (For::Narrow, Type::Num) => value & NARROW,
            _ => value,
        });
        let switched = number == 0 || ack.switch.is_some();
        running = ack.switch.map_or(running, usize::from);
        let program = programs[running];
        flow.stage(switched.then_some(running as u64 + 1), &ack.staged);
        let now = own.now.saturating_add_signed(ack.elapsed);
        let found = flow.run(&loaded[running], now, &primitives, own.cwnd, own.rate);
        let expected = own.ack(program, ack, &primitives, switched);
        assert_eq!(found.as_ref(), Some(&expected), "ack {number} of{}", name(program));
        let meaningless = |reg: &Reg| made_for == For::Forgetful && reg.class == Class::Temp;
        let mask = program.primitives();
        let read = (0..32).filter(|i| mask & (1 << i) != 0);
        let read = read.map(|i| Reg::new(Class::Primitive, i));
        let all = kept().chain(read).filter(|reg| !meaningless(reg));
        for reg in all.filter(|_| looks(number, acks)) {
            let (found, expected) = (flow.get(reg), own.regs.get(reg));
            assert_eq!(found, expected, "{reg} after ack {number} of{}", name(program));
        }
        own.obey(&expected);
    }
}

/// Two forms of one source: what can be seen of them from outside must be the same.
pub(crate) fn alike(one: &Program, other: &Program, acks: &[Ack]) {
    assert_eq!(one.report_len(), other.report_len());
    let (mut first, mut second) = (Own::new(), Own::new());
    for (number, ack) in acks.iter().enumerate() {
        let switched = number == 0 || ack.switch.is_some();
        // The optimiser may count on a transport that says 0 or 1 where it is asked yes or no.
        let primitives = primitives(ack, |primitive, value| match primitive.ty() {
            Type::Bool => value & 1,
            Type::Num => value,
        });
        let seen =
            |ran: &Ran| (ran.cwnd, ran.rate, ran.report.clone(), ran.trap.map(|trap| trap.kind()));
        let ran = first.ack(one, ack, &primitives, switched);
        let also = second.ack(other, ack, &primitives, switched);
        assert_eq!(seen(&ran), seen(&also), "ack {number} of{}and{}", name(one), name(other));
        first.obey(&ran);
        second.obey(&also);
    }
}

/// Whether all registers are compared after this ACK. There are hundreds; a wrong one mostly stays wrong.
fn looks(number: usize, acks: &[Ack]) -> bool {
    number % 4 == 3 || number + 1 == acks.len()
}

/// Registers that last from one ACK to the next in both machines.
fn kept() -> impl Iterator<Item = Reg> {
    variables().chain([Reg::SHOULD_REPORT, Reg::MICROS, Reg::CWND, Reg::RATE])
}

fn variables() -> impl Iterator<Item = Reg> {
    let few = (0..32).flat_map(|i| [Reg::temp(i), Reg::local(i)]);
    few.chain((0..110).flat_map(|i| [Reg::control(i), Reg::report(i)]))
}
