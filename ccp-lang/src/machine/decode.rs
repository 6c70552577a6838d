//! Decodes a verified program into steps.

use alloc::vec::Vec;

use super::exec::{Act, Step, max_wrap};
use super::file::{self, EVENT_FLAG, MICROS, SCRATCH, Slot};
use crate::code::{Code, Instr};
use crate::op::Op;
use crate::reg::{Class, DEF_INFINITY, INFINITY, Reg};

/// A program as the inner loop wants it.
#[derive(Clone, Debug)]
pub(super) struct Decoded {
    pub(super) steps: Vec<Step>,
    /// Every declared register with its initial value.
    pub(super) initial: Vec<(Slot, u32)>,
    /// Those that a report sets back.
    pub(super) volatile: Vec<(Slot, u32)>,
    pub(super) report_len: usize,
    /// The primitives read, by bit.
    pub(super) primitives: u64,
    /// One of them is in the upper half.
    pub(super) reads_upper: bool,
}

pub(super) fn decode(code: &Code) -> Decoded {
    let (defs, rest) = code.instrs.split_at(code.defs());
    let initial = |def: &Instr| (place(def.result), initial_value(def.right.index));
    let primitives = rest.iter().fold(0, |mask, instr| mask | reads(instr));
    Decoded {
        steps: steps(code),
        initial: defs.iter().map(initial).collect(),
        volatile: defs
            .iter()
            .filter(|d| d.result.is_volatile())
            .map(initial)
            .collect(),
        report_len: defs.iter().filter(|d| d.result.is_report()).count(),
        primitives,
        reads_upper: primitives >> 16 != 0,
    }
}

/// The steps of all events, one behind the other: condition, jump past the body, body, end.
fn steps(code: &Code) -> Vec<Step> {
    let mut steps = Steps::default();
    for event in &code.events {
        for at in event.flag() {
            steps.instr(code, at);
        }
        let jump = steps.control(Act::UnlessFlag);
        for at in event.body() {
            steps.instr(code, at);
        }
        steps.control(Act::Stop);
        let after = steps.0.len() as u32;
        if let Some(step) = steps.0.get_mut(jump) {
            step.constant = after;
        }
    }
    steps.0
}

/// An operand as a step takes it.
#[derive(Clone, Copy)]
enum Source {
    Slot(Slot),
    Constant(u32),
}

impl Source {
    fn of(reg: Reg) -> Self {
        match reg.class {
            Class::Immediate => Self::Constant(reg.index),
            _ => Self::Slot(place(reg)),
        }
    }
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    /// Adds the steps of instruction `at`.
    fn instr(&mut self, code: &Code, at: u32) {
        let Some(instr) = code.instrs.get(at as usize) else {
            return;
        };
        let (left, right) = (Source::of(instr.left), Source::of(instr.right));
        let step = self.step(instr.op, left, right);
        let Some((act, left, right, constant)) = step else {
            return;
        };
        let result = place(instr.result);
        self.0.push(Step {
            act,
            result,
            left,
            right,
            constant,
            at,
        });
        if result == MICROS {
            self.control(Act::MoveZero);
        }
    }

    /// Chooses the form of an operation, so that a constant needs no slot. What has no form for
    /// its constants gets one of them from the scratch slot.
    fn step(&mut self, op: Op, left: Source, right: Source) -> Option<(Act, Slot, Slot, u32)> {
        use Source::{Constant, Slot};
        let rr = |act, l, r| Some((act, l, r, 0));
        // Left in the file, right a constant; and the other way round.
        let ri = |act, l, constant| Some((act, l, 0, constant));
        let ir = |act, constant, r| Some((act, 0, r, constant));
        match (op, left, right) {
            (Op::Def, ..) => None,
            (Op::Bind, _, Slot(r)) => rr(Act::BindR, 0, r),
            (Op::Bind, _, Constant(c)) => ri(Act::BindI, 0, c),
            (Op::Ewma, _, Constant(c)) => {
                let spilled = self.spill(c);
                self.step(op, left, spilled)
            }
            (Op::Ewma, Constant(c), Slot(r)) => ir(Act::EwmaIr, c, r),
            (Op::Ewma, Slot(l), Slot(r)) => rr(Act::EwmaRr, l, r),
            (Op::MaxWrap, Slot(l), Slot(r)) => rr(Act::MaxWrapRr, l, r),
            (Op::MaxWrap, Slot(_), Constant(c)) => {
                let spilled = self.spill(c);
                self.step(op, left, spilled)
            }
            // The winner of two 32-bit numbers is one too.
            (Op::MaxWrap, Constant(l), Constant(r)) => {
                ri(Act::BindI, 0, max_wrap(l.into(), r.into()) as u32)
            }
            // Of two counters the order does not matter.
            (Op::MaxWrap, Constant(_), Slot(_)) => self.step(op, right, left),
            (_, Constant(c), Constant(_)) => {
                let spilled = self.spill(c);
                self.step(op, spilled, right)
            }
            (Op::Add, Slot(l), Slot(r)) => rr(Act::AddRr, l, r),
            (Op::Add, Slot(x), Constant(c)) | (Op::Add, Constant(c), Slot(x)) => {
                ri(Act::AddRi, x, c)
            }
            (Op::Mul, Slot(l), Slot(r)) => rr(Act::MulRr, l, r),
            (Op::Mul, Slot(x), Constant(c)) | (Op::Mul, Constant(c), Slot(x)) => {
                ri(Act::MulRi, x, c)
            }
            (Op::Equiv, Slot(l), Slot(r)) => rr(Act::EquivRr, l, r),
            (Op::Equiv, Slot(x), Constant(c)) | (Op::Equiv, Constant(c), Slot(x)) => {
                ri(Act::EquivRi, x, c)
            }
            (Op::Max, Slot(l), Slot(r)) => rr(Act::MaxRr, l, r),
            (Op::Max, Slot(x), Constant(c)) | (Op::Max, Constant(c), Slot(x)) => {
                ri(Act::MaxRi, x, c)
            }
            (Op::Min, Slot(l), Slot(r)) => rr(Act::MinRr, l, r),
            (Op::Min, Slot(x), Constant(c)) | (Op::Min, Constant(c), Slot(x)) => {
                ri(Act::MinRi, x, c)
            }
            (Op::Sub, Slot(l), Slot(r)) => rr(Act::SubRr, l, r),
            (Op::Sub, Slot(l), Constant(c)) => ri(Act::SubRi, l, c),
            (Op::Sub, Constant(c), Slot(r)) => ir(Act::SubIr, c, r),
            (Op::Div, Slot(l), Slot(r)) => rr(Act::DivRr, l, r),
            (Op::Div, Slot(l), Constant(c)) => ri(Act::DivRi, l, c),
            (Op::Div, Constant(c), Slot(r)) => ir(Act::DivIr, c, r),
            // a < b is b > a.
            (Op::Gt, Slot(l), Slot(r)) | (Op::Lt, Slot(r), Slot(l)) => rr(Act::GtRr, l, r),
            (Op::Gt, Slot(x), Constant(c)) | (Op::Lt, Constant(c), Slot(x)) => ri(Act::GtRi, x, c),
            (Op::Lt, Slot(x), Constant(c)) | (Op::Gt, Constant(c), Slot(x)) => ri(Act::LtRi, x, c),
            (Op::If | Op::NotIf, Constant(c), Slot(_)) => {
                let spilled = self.spill(c);
                self.step(op, spilled, right)
            }
            (Op::If, Slot(l), Slot(r)) => rr(Act::IfRr, l, r),
            (Op::If, Slot(l), Constant(c)) => ri(Act::IfRi, l, c),
            (Op::NotIf, Slot(l), Slot(r)) => rr(Act::NotIfRr, l, r),
            (Op::NotIf, Slot(l), Constant(c)) => ri(Act::NotIfRi, l, c),
        }
    }

    fn spill(&mut self, constant: u32) -> Source {
        let at = self.control(Act::Spill);
        if let Some(step) = self.0.get_mut(at) {
            step.constant = constant;
        }
        Source::Slot(SCRATCH)
    }

    /// Adds a step that is no instruction, and says where.
    fn control(&mut self, act: Act) -> usize {
        let step = Step {
            act,
            result: SCRATCH,
            left: EVENT_FLAG,
            right: EVENT_FLAG,
            constant: 0,
            at: 0,
        };
        self.0.push(step);
        self.0.len() - 1
    }
}

/// The slot of a register of a verified program. All of them have one.
fn place(reg: Reg) -> Slot {
    file::slot(reg).unwrap_or(SCRATCH)
}

/// What a declaration's constant stands for.
fn initial_value(constant: u32) -> u32 {
    match constant {
        DEF_INFINITY => INFINITY as u32,
        value => value,
    }
}

/// The primitives that an instruction reads, by bit.
fn reads(instr: &Instr) -> u64 {
    let operands = instr.op.operands();
    let bit = |used: bool, reg: Reg| match reg.class {
        Class::Primitive if used => 1_u64.checked_shl(reg.index).unwrap_or(0),
        _ => 0,
    };
    bit(operands.reads_left, instr.left) | bit(operands.reads_right, instr.right)
}
