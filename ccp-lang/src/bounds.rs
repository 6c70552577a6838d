//! What a program can cost at most, known before it runs: there are no loops.

use crate::code::Instr;
use crate::machine::Program;
use crate::op::Op;
use crate::reg::{Class, Reg};

/// The most that one invocation of a program does, and what it takes to hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// All instructions, declarations included.
    pub instrs: usize,
    /// The most instructions that one invocation runs. Declarations do not run.
    pub instrs_per_ack: usize,
    /// Events.
    pub events: usize,
    /// Report registers: the values of a report.
    pub reports: usize,
    /// Control registers.
    pub controls: usize,
    /// Locals.
    pub locals: usize,
    /// Temporaries.
    pub temps: usize,
}

impl Bounds {
    /// The bounds of a program.
    ///
    /// ```
    /// # #[cfg(feature = "compiler")] {
    /// let source = "(def) (when Flow.was_timeout (:= Cwnd 1)) (when true (:= Cwnd 2))";
    /// let compiled = ccp_lang::compile(source).expect("a program");
    /// let bounds = ccp_lang::Bounds::of(&compiled.program);
    /// // Both conditions, but only one of the bodies.
    /// assert_eq!((bounds.instrs, bounds.instrs_per_ack), (4, 3));
    /// # }
    /// ```
    #[must_use]
    pub fn of(program: &Program) -> Self {
        let code = program.code();
        // Every register that is written or read, once each: at most 110 of a kind.
        let used = |wanted: &[Class]| {
            let regs = code.instrs.iter().flat_map(|i| [i.result, i.left, i.right]);
            let of_kind = regs.filter(|reg| wanted.contains(&reg.class));
            of_kind.map(|reg| reg.index as usize + 1).max().unwrap_or(0)
        };
        Self {
            instrs: code.instrs.len(),
            instrs_per_ack: longest_way(program),
            events: code.events.len(),
            reports: used(&[Class::Report, Class::VolatileReport]),
            controls: used(&[Class::Control, Class::VolatileControl]),
            locals: used(&[Class::Local]),
            temps: used(&[Class::Temp]),
        }
    }
}

/// From the last event back: the most that can still run from there, if evaluation has to stop at
/// the next event that is true, and if something has fallen through already.
fn longest_way(program: &Program) -> usize {
    let code = program.code();
    let (mut stopping, mut falling) = (0, 0);
    for event in code.events.iter().rev() {
        let instrs = |range: core::ops::Range<u32>| {
            code.instrs.iter().skip(range.start as usize).take(range.len())
        };
        let sets_continue = |i: &Instr| i.result == Reg::SHOULD_CONTINUE && may_set(i);
        let condition = event.num_flag_instrs as usize;
        let body = event.num_body_instrs as usize;
        // A body that takes its own flag back lets evaluation go on as well.
        let may_pass = instrs(event.body()).any(|i| i.result == Reg::EVENT_FLAG);
        let not_taken = if instrs(event.flag()).any(sets_continue) { falling } else { stopping };
        let taken = if instrs(event.flag()).chain(instrs(event.body())).any(sets_continue) {
            falling
        } else if may_pass {
            stopping
        } else {
            0
        };
        stopping = condition + not_taken.max(body + taken);
        falling += condition + body;
    }
    stopping
}

/// Whether an instruction may write something other than 0.
fn may_set(instr: &Instr) -> bool {
    instr.op != Op::Bind || instr.right != Reg::immediate(0)
}

#[cfg(all(test, feature = "compiler"))]
mod tests {
    use super::*;

    fn bounds(source: &str) -> Bounds {
        // As it is written.
        let compiler = crate::Compiler::new().opt(crate::Opt::None);
        Bounds::of(&compiler.compile(source).expect("a program").program)
    }

    #[test]
    fn without_fallthrough_only_one_body_runs() {
        let source = "(def (x 0)) (when (> x 1) (:= x 1)) (when (> x 2) (:= x 2) (:= Cwnd x))";
        let bounds = bounds(source);
        // Two conditions and the longer body.
        assert_eq!((bounds.instrs, bounds.instrs_per_ack), (1 + 5, 2 + 2));
    }

    #[test]
    fn a_long_body_early_may_be_the_most() {
        let source =
            "(def (x 0)) (when (> x 1) (:= x 1) (:= x 2) (:= Cwnd x)) (when true (:= x 3))";
        assert_eq!(bounds(source).instrs_per_ack, 1 + 3);
    }

    #[test]
    fn what_falls_through_lets_all_later_events_run() {
        let source = "(def (x 0)) (when true (:= x 1) (fallthrough)) (when (> x 2) (:= x 2)) \
                      (when (> x 3) (:= x 3))";
        // All but the declaration.
        let bounds = bounds(source);
        assert_eq!(bounds.instrs_per_ack, bounds.instrs - 1);
    }

    #[test]
    fn registers_are_counted_by_kind() {
        let source = "(def (Report (volatile a 0) (b 0)) (c 0)) \
                      (when true (:= Report.a (+ (* c 2) (* c 3))) (:= d 1) (:= Report.b d) (report))";
        let bounds = bounds(source);
        assert_eq!((bounds.reports, bounds.controls, bounds.locals), (2, 1, 1));
        assert!(bounds.temps >= 2 && bounds.events == 1);
    }
}
