//! Decodes a verified program into steps.
//!
//! Beside choosing the form of each operation for its constants, three things are settled here
//! once instead of at every ACK: an operation and the BIND of its result become one step, a
//! condition that is a constant or one comparison needs no test of its own, and where eventFlag
//! and shouldContinue are known at the end of a body, the test there falls away. What registers
//! hold afterwards, traps included, is the same, but for eventFlag and shouldContinue themselves,
//! which begin each invocation as 0.

use alloc::vec::Vec;
use core::ops::Range;

use super::exec::{Act, Step, max_wrap};
use super::file::{self, EVENT_FLAG, MICROS, SCRATCH, Slot};
use crate::code::{Code, Instr};
use crate::op::Op;
use crate::reg::{Class, DEF_INFINITY, INFINITY, Reg};

/// A program as the inner loop wants it.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    pub(crate) steps: Vec<Step>,
    /// Every declared register with its initial value.
    pub(crate) initial: Vec<(Slot, u32)>,
    /// Those that a report sets back.
    pub(crate) volatile: Vec<(Slot, u32)>,
    pub(crate) report_len: usize,
    /// The primitives read, by bit.
    pub(crate) primitives: u64,
    /// The same as a list of indices.
    pub(super) loads: Vec<Slot>,
}

pub(super) fn decode(code: &Code) -> Decoded {
    let (defs, rest) = code.instrs.split_at(code.defs());
    let initial = |def: &Instr| (place(def.result), initial_value(def.right.index));
    let primitives = rest.iter().fold(0, |mask, instr| mask | reads(instr));
    Decoded {
        steps: steps(code),
        initial: defs.iter().map(initial).collect(),
        volatile: defs.iter().filter(|d| d.result.is_volatile()).map(initial).collect(),
        report_len: defs.iter().filter(|d| d.result.is_report()).count(),
        primitives,
        loads: (0..64).filter(|i| primitives & (1 << i) != 0).collect(),
    }
}

/// The steps of all events, one behind the other: condition, jump past the body, body, end.
fn steps(code: &Code) -> Vec<Step> {
    let steps = Decoder::new(code, false).events();
    if steps.tests_continue || is_read(code, Reg::SHOULD_CONTINUE) {
        return steps.steps;
    }
    // Nothing looks at shouldContinue: setting it needs no steps.
    Decoder::new(code, true).events().steps
}

struct Decoder<'a> {
    code: &'a Code,
    steps: Vec<Step>,
    flag_is_read: bool,
    drops_continue: bool,
    /// Some step tests shouldContinue.
    tests_continue: bool,
}

/// What is known about shouldContinue at some point of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Zero,
    Set,
    Unknown,
}

impl Known {
    fn of(constant: u32) -> Self {
        if constant == 0 { Self::Zero } else { Self::Set }
    }

    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Unknown }
    }
}

impl<'a> Decoder<'a> {
    fn new(code: &'a Code, drops_continue: bool) -> Self {
        Self {
            code,
            steps: Vec::new(),
            flag_is_read: is_read(code, Reg::EVENT_FLAG) || outlives_its_event(code),
            drops_continue,
            tests_continue: false,
        }
    }

    fn events(mut self) -> Self {
        // Cleared when an invocation begins.
        let mut known = Known::Zero;
        for event in &self.code.events {
            let (flag, body) = (event.flag(), event.body());
            // eventFlag may change after the condition has decided, which only the end must test.
            let steady = !self.writes(body.clone(), Reg::EVENT_FLAG);
            let skipped = self.after(flag.clone(), known);
            let jump = match self.constant_flag(&flag) {
                Some(value) => {
                    let kept = self.flag_is_read || !steady;
                    let end = flag.end - u32::from(!kept);
                    self.block(flag.start..end);
                    if value == 0 {
                        known = skipped;
                        continue;
                    }
                    None
                }
                None => {
                    let first = self.steps.len();
                    self.block(flag);
                    Some(self.jump(first))
                }
            };
            self.block(body.clone());
            let ran = self.after(body, skipped);
            let passed = if steady { self.stop(ran) } else { self.test(ran) };
            known = match (jump, passed) {
                (Some(_), Some(passed)) => skipped.or(passed),
                (Some(_), None) => skipped,
                (None, Some(passed)) => passed,
                // The program always ends here.
                (None, None) => return self,
            };
            if let Some(jump) = jump {
                self.land(jump);
            }
        }
        self
    }

    /// Ends a body that leaves eventFlag set. Says what is known behind it, if the program gets
    /// there.
    fn stop(&mut self, ran: Known) -> Option<Known> {
        match ran {
            Known::Set => return Some(Known::Set),
            Known::Zero => {
                self.control(Act::End);
                return None;
            }
            Known::Unknown => self.control(Act::StopUnlessContinue),
        };
        self.tests_continue = true;
        Some(Known::Set)
    }

    /// Ends a body that may have changed eventFlag.
    fn test(&mut self, ran: Known) -> Option<Known> {
        self.control(Act::Stop);
        self.tests_continue = true;
        Some(ran)
    }

    /// Jumps unless eventFlag is set. A comparison right before, if it belongs to the condition
    /// that begins at step `first`, does it along the way.
    fn jump(&mut self, first: usize) -> usize {
        if let Some(last) = self.steps.get_mut(first..).and_then(<[_]>::last_mut)
            && last.result == EVENT_FLAG
            && last.also == EVENT_FLAG
            && let Some(act) = last.act.and_jump()
        {
            last.act = act;
            return self.steps.len() - 1;
        }
        self.control(Act::UnlessFlag)
    }

    /// Lets a jump go on behind what has been added since.
    fn land(&mut self, jump: usize) {
        // Fits: see the number of steps below.
        let target = self.steps.len() as Slot;
        if let Some(step) = self.steps.get_mut(jump) {
            step.also = target;
        }
    }

    /// The constant that a condition ends with.
    fn constant_flag(&self, flag: &Range<u32>) -> Option<u32> {
        let last = self.instr(flag.end.checked_sub(1)?)?;
        let binds = !flag.is_empty() && last.op == Op::Bind && last.result == Reg::EVENT_FLAG;
        (binds && last.right.class == Class::Immediate).then_some(last.right.index)
    }

    fn instr(&self, at: u32) -> Option<&'a Instr> {
        self.code.instrs.get(at as usize)
    }

    fn instrs(&self, range: Range<u32>) -> &'a [Instr] {
        let range = range.start as usize..range.end as usize;
        self.code.instrs.get(range).unwrap_or(&[])
    }

    fn writes(&self, range: Range<u32>, reg: Reg) -> bool {
        self.instrs(range).iter().any(|i| i.result == reg)
    }

    /// What is known about shouldContinue after these instructions.
    fn after(&self, range: Range<u32>, before: Known) -> Known {
        let mut known = before;
        for instr in self.instrs(range) {
            if instr.result == Reg::SHOULD_CONTINUE {
                known = match (instr.op, instr.right.class) {
                    (Op::Bind, Class::Immediate) => Known::of(instr.right.index),
                    _ => Known::Unknown,
                };
            }
        }
        known
    }

    /// Adds the steps of instructions that run one after the other.
    fn block(&mut self, mut range: Range<u32>) {
        while let Some(at) = range.next() {
            let Some(instr) = self.instr(at) else { return };
            if self.drops_continue && is_constant_bind(instr, Reg::SHOULD_CONTINUE) {
                continue;
            }
            let Some(mut step) = self.step(instr.op, Source::of(instr.left), instr.right.into())
            else {
                continue;
            };
            step.result = place(instr.result);
            step.also = step.result;
            // Fits: a program has no more instructions than one message carries.
            step.at = at as Slot;
            if !range.is_empty()
                && let Some(next) = self.instr(range.start)
                && fuse(&mut step, instr, next)
            {
                range.start += 1;
            }
            self.steps.push(step);
            if step.result == MICROS || step.also == MICROS {
                self.control(Act::MoveZero);
            }
        }
    }

    /// Chooses the form of an operation, so that a constant needs no slot. What has no form for
    /// its constants gets one of them from the scratch slot.
    fn step(&mut self, op: Op, left: Source, right: Source) -> Option<Step> {
        use Source::{Constant, Slot};
        let step =
            |act, left, right, constant| Some(Step { left, right, constant, ..Step::new(act) });
        let rr = |act, l, r| step(act, l, r, 0);
        let ri = |act, l, constant| step(act, l, 0, constant);
        let ir = |act, constant, r| step(act, 0, r, constant);
        match (op, left, right) {
            (Op::Def, ..) => None,
            (Op::Bind, _, Slot(r)) => rr(Act::BindR, 0, r),
            (Op::Bind, _, Constant(c)) => ri(Act::BindI, 0, c),
            (Op::Ewma, Slot(l), Slot(r)) => rr(Act::EwmaRr, l, r),
            (Op::Ewma, Constant(c), Slot(r)) => ir(Act::EwmaIr, c, r),
            (Op::MaxWrap, Slot(l), Slot(r)) => rr(Act::MaxWrapRr, l, r),
            // Of two counters the order does not matter.
            (Op::MaxWrap, Constant(_), Slot(_)) => self.step(op, right, left),
            // The winner of two 32-bit numbers is one too.
            (Op::MaxWrap, Constant(l), Constant(r)) => {
                ri(Act::BindI, 0, max_wrap(l.into(), r.into()) as u32)
            }
            (Op::Ewma, _, Constant(c)) | (Op::MaxWrap, Slot(_), Constant(c)) => {
                let spilled = self.spill(c);
                self.step(op, left, spilled)
            }
            (_, Constant(c), Constant(_)) | (Op::If | Op::NotIf, Constant(c), Slot(_)) => {
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
            (Op::If, Slot(l), Slot(r)) => rr(Act::IfRr, l, r),
            (Op::If, Slot(l), Constant(c)) => ri(Act::IfRi, l, c),
            (Op::NotIf, Slot(l), Slot(r)) => rr(Act::NotIfRr, l, r),
            (Op::NotIf, Slot(l), Constant(c)) => ri(Act::NotIfRi, l, c),
        }
    }

    fn spill(&mut self, constant: u32) -> Source {
        self.steps.push(Step { constant, ..Step::new(Act::Spill) });
        Source::Slot(SCRATCH)
    }

    /// Adds a step that is no instruction, and says where.
    fn control(&mut self, act: Act) -> usize {
        self.steps.push(Step::new(act));
        self.steps.len() - 1
    }
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

impl From<Reg> for Source {
    fn from(reg: Reg) -> Self {
        Self::of(reg)
    }
}

/// Lets a step do the instruction behind it too, and says whether it does: a BIND of its result,
/// or the second of two BINDs.
fn fuse(step: &mut Step, instr: &Instr, next: &Instr) -> bool {
    if next.op != Op::Bind || instr.op.operands().conditional {
        return false;
    }
    let Source::Slot(from) = Source::of(next.right) else {
        return false;
    };
    if from == step.result {
        step.also = place(next.result);
        return true;
    }
    if step.act == Act::BindR {
        step.act = Act::BindTwo;
        step.left = from;
        step.also = place(next.result);
        return true;
    }
    false
}

fn is_constant_bind(instr: &Instr, reg: Reg) -> bool {
    instr.op == Op::Bind && instr.result == reg && instr.right.class == Class::Immediate
}

/// Whether any instruction has a register as its input.
fn is_read(code: &Code, reg: Reg) -> bool {
    code.instrs.iter().any(|instr| {
        let operands = instr.op.operands();
        (operands.reads_result && instr.result == reg)
            || (operands.reads_left && instr.left == reg)
            || (operands.reads_right && instr.right == reg)
    })
}

/// Whether some condition may leave eventFlag as an earlier event left it.
fn outlives_its_event(code: &Code) -> bool {
    code.events.iter().any(|event| {
        let flag = event.flag();
        let flag = code.instrs.get(flag.start as usize..flag.end as usize);
        !flag
            .unwrap_or(&[])
            .iter()
            .any(|instr| instr.result == Reg::EVENT_FLAG && !instr.op.operands().conditional)
    })
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

// Each instruction makes at most three steps (a spill, itself, moving Micros's zero), each event
// two more, and jumps are 16 bits wide.
const _: () = {
    let limits = crate::limits::Limits::MACHINE;
    assert!(3 * limits.max_instrs + 2 * limits.max_events <= Slot::MAX as u32);
};

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::code::Event;

    fn acts(flag: &[Instr], body: &[Instr]) -> Vec<Act> {
        let (flags, all) = (flag.len() as u32, (flag.len() + body.len()) as u32);
        let code = Code {
            events: vec![Event {
                flag_idx: 0,
                num_flag_instrs: flags,
                body_idx: flags,
                num_body_instrs: all - flags,
            }],
            instrs: [flag, body].concat(),
        };
        decode(&code).steps.iter().map(|step| step.act).collect()
    }

    fn always() -> Instr {
        Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1))
    }

    #[test]
    fn the_bind_of_a_result_needs_no_step_of_its_own() {
        let sum = Instr::new(Op::Add, Reg::temp(0), Reg::local(0), Reg::local(1));
        let bind = Instr::bind(Reg::local(0), Reg::temp(0));
        assert_eq!(acts(&[always()], &[sum, bind]), [Act::AddRr, Act::End]);
        // What may leave its result as it is must not take a BIND along.
        let held = Instr::new(Op::If, Reg::temp(0), Reg::local(0), Reg::local(1));
        let steps = [Act::IfRr, Act::BindR, Act::End];
        assert_eq!(acts(&[always()], &[held, bind]), steps);
    }

    #[test]
    fn two_binds_are_one_step_unless_the_second_needs_the_first() {
        let first = Instr::bind(Reg::local(0), Reg::CWND);
        let second = Instr::bind(Reg::local(1), Reg::RATE);
        assert_eq!(acts(&[always()], &[first, second]), [Act::BindTwo, Act::End]);
        let copy = Instr::bind(Reg::local(1), Reg::local(0));
        assert_eq!(acts(&[always()], &[first, copy]), [Act::BindR, Act::End]);
    }

    #[test]
    fn a_condition_that_is_one_comparison_jumps_itself() {
        let flag = Instr::new(Op::Lt, Reg::EVENT_FLAG, Reg::immediate(5), Reg::MICROS);
        let body = Instr::bind(Reg::local(0), Reg::CWND);
        let steps = [Act::UnlessGtRi, Act::BindR, Act::End];
        assert_eq!(acts(&[flag], &[body]), steps);
        let flag = Instr::bind(Reg::EVENT_FLAG, Reg::local(0));
        let steps = [Act::BindR, Act::UnlessFlag, Act::BindR, Act::End];
        assert_eq!(acts(&[flag], &[body]), steps);
    }

    #[test]
    fn a_comparison_that_also_does_a_bind_does_not_jump() {
        let flag = Instr::new(Op::Gt, Reg::EVENT_FLAG, Reg::CWND, Reg::RATE);
        let copy = Instr::bind(Reg::local(0), Reg::EVENT_FLAG);
        let body = Instr::bind(Reg::local(1), Reg::CWND);
        let steps = [Act::GtRr, Act::UnlessFlag, Act::BindR, Act::End];
        assert_eq!(acts(&[flag, copy], &[body]), steps);
    }

    #[test]
    fn an_event_that_always_falls_through_needs_no_end() {
        let fall_through = Instr::bind(Reg::SHOULD_CONTINUE, Reg::immediate(1));
        assert_eq!(acts(&[always()], &[fall_through]), []);
        let perhaps = Instr::bind(Reg::SHOULD_CONTINUE, Reg::local(0));
        let steps = [Act::BindR, Act::StopUnlessContinue];
        assert_eq!(acts(&[always()], &[perhaps]), steps);
    }

    #[test]
    fn a_body_that_may_clear_its_flag_is_tested_at_its_end() {
        let clear = Instr::bind(Reg::EVENT_FLAG, Reg::local(0));
        let steps = [Act::BindI, Act::BindR, Act::Stop];
        assert_eq!(acts(&[always()], &[clear]), steps);
    }

    #[test]
    fn writing_micros_moves_its_zero() {
        let reset = Instr::bind(Reg::MICROS, Reg::immediate(0));
        let steps = [Act::BindI, Act::MoveZero, Act::End];
        assert_eq!(acts(&[always()], &[reset]), steps);
    }

    #[test]
    fn constants_that_find_no_room_are_spilled() {
        let wraps = Instr::new(Op::MaxWrap, Reg::temp(0), Reg::CWND, Reg::immediate(5));
        let steps = [Act::Spill, Act::MaxWrapRr, Act::End];
        assert_eq!(acts(&[always()], &[wraps]), steps);
        let sum = Instr::new(Op::Add, Reg::temp(0), Reg::immediate(1), Reg::immediate(2));
        assert_eq!(acts(&[always()], &[sum]), [Act::Spill, Act::AddRi, Act::End]);
    }
}
