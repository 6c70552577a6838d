//! The same machine, slower, telling what it does: each instruction of the code by itself.

use super::exec::{ewma, max_wrap};
use super::file::{self, Registers};
use super::outcome::{Call, Outcome, Trap};
use super::program::Program;
use crate::code::Instr;
use crate::op::Op;
use crate::reg::{Class, Reg};

/// What happens in an invocation, in the order in which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observed {
    /// A value that a message set is taken.
    Staged {
        /// Where it goes.
        reg: Reg,
        /// What the register held.
        before: u64,
        /// What it holds now.
        value: u64,
    },
    /// An instruction has run.
    Instr {
        /// Its index in the program's code.
        at: u32,
        /// The value of its left operand; the operation need not read it.
        left: u64,
        /// The value of its right operand.
        right: u64,
        /// What the result held.
        before: u64,
        /// What the result holds now; nothing if the instruction left it alone.
        value: Option<u64>,
    },
    /// An instruction could not be done, which ends the invocation.
    Trap {
        /// Why, and the instruction's index in the program's code.
        trap: Trap,
        /// The value of its left operand.
        left: u64,
        /// The value of its right operand.
        right: u64,
    },
    /// The condition of an event is decided; if it holds, the body comes next.
    Condition {
        /// The event's index in the program's code.
        event: u32,
        /// Whether it holds.
        holds: bool,
    },
    /// No later event is looked at.
    Stopped {
        /// The event whose condition held, by its index in the program's code.
        event: u32,
    },
    /// A condition held, and the later events are looked at too.
    FellThrough {
        /// The event's index in the program's code.
        event: u32,
    },
    /// After the report: a volatile variable has its initial value again.
    Reset {
        /// The variable's register.
        reg: Reg,
        /// Its initial value.
        value: u64,
    },
}

impl Program {
    /// Runs the program once as [`invoke`](Self::invoke) does, and tells what happens.
    ///
    /// For tools that explain a program: every instruction of its [code](Self::code) runs by itself,
    /// and takes several times as long.
    ///
    /// ```
    /// # #[cfg(feature = "compiler")] {
    /// use ccp_lang::{Call, Micros, Observed, Primitives, Registers, Staged, compile};
    /// let compiled = compile("(def) (when (> Ack.bytes_acked 0) (:= Cwnd 9)) (when true (:= Cwnd 5))")?;
    /// let call = Call {
    ///     now: Micros(0),
    ///     primitives: &Primitives::new(),
    ///     cwnd: 1,
    ///     rate: 0,
    ///     switched: true,
    ///     staged: &mut Staged::new(),
    /// };
    /// let mut decided = Vec::new();
    /// let mut regs = Registers::new(Micros(0));
    /// compiled.program.invoke_observed(&mut regs, call, |_| {}, |observed| {
    ///     if let Observed::Condition { event, holds } = observed {
    ///         decided.push((event, holds));
    ///     }
    /// });
    /// assert_eq!(decided, [(0, false), (1, true)]);
    /// # return Ok::<(), ccp_lang::Diagnostics>(());
    /// # }
    /// # #[cfg(not(feature = "compiler"))]
    /// # Ok::<(), ccp_lang::VerifyError>(())
    /// ```
    pub fn invoke_observed(
        &self,
        regs: &mut Registers,
        call: Call<'_>,
        report: impl FnOnce(&[u64]),
        mut observe: impl FnMut(Observed),
    ) -> Outcome {
        self.begin(regs, &call);
        for (reg, value) in call.staged.iter() {
            observe(Observed::Staged { reg, before: read(regs, reg), value });
        }
        let outcome = self.prepare(regs, call);
        if let Some(trap) = self.walk(regs, &mut observe) {
            return Outcome { trap: Some(trap), ..outcome };
        }
        let outcome = self.finish(regs, outcome, report);
        if outcome.reported {
            let defs = self.code().instrs.iter().take(self.code().defs());
            for reg in defs.map(|def| def.result).filter(|reg| reg.is_volatile()) {
                observe(Observed::Reset { reg, value: read(regs, reg) });
            }
        }
        outcome
    }

    /// The events in order.
    fn walk(&self, regs: &mut Registers, observe: &mut impl FnMut(Observed)) -> Option<Trap> {
        for (event, range) in (0..).zip(&self.code().events) {
            let trap = self.block(range.flag(), regs, observe);
            if trap.is_some() {
                return trap;
            }
            let holds = regs.file.get(file::EVENT_FLAG) != 0;
            observe(Observed::Condition { event, holds });
            if !holds {
                continue;
            }
            let trap = self.block(range.body(), regs, observe);
            if trap.is_some() {
                return trap;
            }
            // A body may clear its event's flag.
            let holds = regs.file.get(file::EVENT_FLAG) != 0;
            if holds && regs.file.get(file::SHOULD_CONTINUE) == 0 {
                observe(Observed::Stopped { event });
                return None;
            }
            observe(Observed::FellThrough { event });
        }
        None
    }

    fn block(
        &self,
        range: core::ops::Range<u32>,
        regs: &mut Registers,
        observe: &mut impl FnMut(Observed),
    ) -> Option<Trap> {
        let instrs = self.code().instrs.get(range.start as usize..range.end as usize);
        for (at, instr) in (range.start..).zip(instrs.unwrap_or_default()) {
            let (left, right) = (read(regs, instr.left), read(regs, instr.right));
            let before = read(regs, instr.result);
            match value(instr, at, before, left, right) {
                Ok(value) => {
                    if let (Some(value), Some(slot)) = (value, file::slot(instr.result)) {
                        regs.file.set(slot, value);
                        if slot == file::MICROS {
                            let zero = regs.file.get(file::NOW).wrapping_sub(value);
                            regs.file.set(file::ZERO, zero);
                        }
                    }
                    observe(Observed::Instr { at, left, right, before, value });
                }
                Err(trap) => {
                    observe(Observed::Trap { trap, left, right });
                    return Some(trap);
                }
            }
        }
        None
    }
}

/// What an instruction writes, if it writes.
fn value(instr: &Instr, at: u32, before: u64, left: u64, right: u64) -> Result<Option<u64>, Trap> {
    Ok(Some(match instr.op {
        Op::Add => left.checked_add(right).ok_or(Trap::AddOverflow { at })?,
        Op::Sub => left.checked_sub(right).ok_or(Trap::SubUnderflow { at })?,
        Op::Mul => left.checked_mul(right).ok_or(Trap::MulOverflow { at })?,
        Op::Div => left.checked_div(right).ok_or(Trap::DivByZero { at })?,
        Op::Equiv => u64::from(left == right),
        Op::Gt => u64::from(left > right),
        Op::Lt => u64::from(left < right),
        Op::Max => left.max(right),
        Op::Min => left.min(right),
        Op::MaxWrap => max_wrap(left, right),
        Op::Ewma => ewma(left, before, right),
        Op::Bind => right,
        Op::If => return Ok((left != 0).then_some(right)),
        Op::NotIf => return Ok((left == 0).then_some(right)),
        Op::Def => return Ok(None),
    }))
}

/// What a register holds while the program runs.
fn read(regs: &Registers, reg: Reg) -> u64 {
    match reg.class {
        Class::Immediate => u64::from(reg.index),
        _ => file::slot(reg).map_or(0, |slot| regs.file.get(slot)),
    }
}
