//! The checked program between tree and instructions: resolved, typed, in order of evaluation.
//!
//! An expression is a run of steps. Each step is one instruction to be, whose result goes to a
//! variable or is used by exactly one later step of the same expression; which temporary holds it is
//! not decided here.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::diag::Span;
use crate::op::Op;
use crate::reg::Reg;

/// An operand of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A register, read when the step runs.
    Reg(Reg),
    /// The result of an earlier step, by its index in [`Ir::steps`].
    Step(u32),
}

/// One instruction to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub op: Op,
    /// Where the result goes; `None` for a later step of the expression, or for nobody.
    pub dest: Option<Reg>,
    /// The first operand.
    pub left: Value,
    /// The second operand.
    pub right: Value,
    /// The source it comes from.
    pub span: Span,
}

/// A declared variable with its initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Def {
    /// The variable.
    pub reg: Reg,
    /// As the wire has it: `u32::MAX` for infinity.
    pub initial: u32,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IrEvent {
    /// The steps of the condition. The last one writes the event flag.
    pub condition: Range<u32>,
    /// Its expressions, a range of [`Ir::exprs`].
    pub body: Range<u32>,
    /// The source it comes from.
    pub span: Span,
}

/// A checked program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ir {
    /// The declarations, by full name.
    pub defs: Vec<Def>,
    /// The events, in order.
    pub events: Vec<IrEvent>,
    /// The expressions of all bodies: ranges of [`Ir::steps`].
    pub exprs: Vec<Range<u32>>,
    /// The steps of all conditions and expressions.
    pub steps: Vec<Step>,
}

impl Ir {
    /// The steps of a range, empty if it is none of this program's.
    pub(crate) fn steps_of(&self, range: &Range<u32>) -> &[Step] {
        self.steps.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// The expressions of an event's body.
    pub(crate) fn body(&self, event: &IrEvent) -> &[Range<u32>] {
        self.exprs.get(event.body.start as usize..event.body.end as usize).unwrap_or_default()
    }

    fn write_steps(&self, f: &mut fmt::Formatter<'_>, range: &Range<u32>) -> fmt::Result {
        for (at, step) in (range.start..).zip(self.steps_of(range)) {
            match step.dest {
                Some(reg) => write!(f, "    {reg} ← ")?,
                None => write!(f, "    %{at} ← ")?,
            }
            if step.op.operands().reads_left {
                writeln!(f, "{} {}, {}", step.op, step.left, step.right)?;
            } else {
                writeln!(f, "{} {}", step.op, step.right)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reg(reg) => write!(f, "{reg}"),
            Self::Step(at) => write!(f, "%{at}"),
        }
    }
}

/// Declarations, then the steps of each event under `when` and `do`.
impl fmt::Display for Ir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for def in &self.defs {
            writeln!(f, "{} = {}", def.reg, Reg::immediate(def.initial))?;
        }
        for event in &self.events {
            writeln!(f, "when")?;
            self.write_steps(f, &event.condition)?;
            writeln!(f, "do")?;
            for expr in self.body(event) {
                self.write_steps(f, expr)?;
            }
        }
        Ok(())
    }
}
