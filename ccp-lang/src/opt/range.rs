//! Between which numbers a register lies at first, and what an operation makes of that.

use crate::op::Op;
use crate::primitive::{Primitive, Type};
pub(super) use crate::range::Range;
use crate::reg::{Class, Reg};

impl Range {
    /// What a register holds when an invocation begins.
    pub(super) fn at_start(reg: Reg) -> Self {
        match reg.class {
            Class::Immediate => Self::one(u64::from(reg.index)),
            Class::Implicit if reg.index <= Reg::SHOULD_REPORT.index => Self::one(0),
            Class::Primitive => match Primitive::from_index(reg.index) {
                // A missing sample reads as infinity.
                Some(Primitive::FlowRttSampleUs) => Self { lo: 1, hi: u64::MAX },
                Some(primitive) if primitive.ty() == Type::Bool => Self::BOOL,
                _ => Self::ANY,
            },
            _ => Self::ANY,
        }
    }

    /// The only value there is.
    pub(super) const fn constant(self) -> Option<u64> {
        if self.lo == self.hi { Some(self.lo) } else { None }
    }

    pub(super) const fn is_never_zero(self) -> bool {
        self.lo > 0
    }

    pub(super) const fn is_zero(self) -> bool {
        self.hi == 0
    }

    fn truth(sure: bool, never: bool) -> Self {
        match (sure, never) {
            (true, _) => Self::one(1),
            (_, true) => Self::one(0),
            _ => Self::BOOL,
        }
    }
}

/// Whether an operation may end the invocation.
pub(super) const fn may_trap(op: Op, left: Range, right: Range) -> bool {
    match op {
        Op::Add => left.hi.checked_add(right.hi).is_none(),
        Op::Sub => left.lo < right.hi,
        Op::Mul => left.hi.checked_mul(right.hi).is_none(),
        Op::Div => right.lo == 0,
        Op::Bind
        | Op::Def
        | Op::Equiv
        | Op::Ewma
        | Op::Gt
        | Op::If
        | Op::Lt
        | Op::Max
        | Op::MaxWrap
        | Op::Min
        | Op::NotIf => false,
    }
}

/// What comes out of an operation that does not trap. `old` is what its result held.
pub(super) fn result(op: Op, left: Range, right: Range, old: Range) -> Range {
    let (lo, hi) = match op {
        Op::Add => (left.lo.saturating_add(right.lo), left.hi.saturating_add(right.hi)),
        Op::Sub => (left.lo.saturating_sub(right.hi), left.hi.saturating_sub(right.lo)),
        Op::Mul => (left.lo.saturating_mul(right.lo), left.hi.saturating_mul(right.hi)),
        Op::Div => (left.lo / right.hi.max(1), left.hi / right.lo.max(1)),
        Op::Bind => return right,
        Op::Def => return old,
        Op::Equiv => {
            let apart = left.hi < right.lo || right.hi < left.lo;
            let equal = left.constant().is_some() && left == right;
            return Range::truth(equal, apart);
        }
        Op::Gt => return Range::truth(left.lo > right.hi, left.hi <= right.lo),
        Op::Lt => return Range::truth(left.hi < right.lo, left.lo >= right.hi),
        Op::Max => (left.lo.max(right.lo), left.hi.max(right.hi)),
        Op::Min => (left.lo.min(right.lo), left.hi.min(right.hi)),
        // The winner is cut to 32 bits, unless the other is 0.
        Op::MaxWrap => (0, left.hi.max(right.hi)),
        Op::Ewma => {
            let both = old.or(right);
            // Neither of the products nor their sum wraps: the mean lies between the two.
            let is_mean = left.hi <= 10 && both.hi <= u64::MAX / 10;
            return if is_mean { both } else { Range::ANY };
        }
        Op::If | Op::NotIf => {
            let (always, never) = (left.is_never_zero(), left.is_zero());
            let (writes, keeps) = if op == Op::If { (always, never) } else { (never, always) };
            return match (writes, keeps) {
                (true, _) => right,
                (_, true) => old,
                _ => old.or(right),
            };
        }
    };
    Range { lo, hi }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [u64; 9] = [0, 1, 2, 9, 10, 0xFFFF_FFFF, 0x1_0000_0000, u64::MAX / 10, u64::MAX];

    fn ranges() -> impl Iterator<Item = Range> + Clone {
        let pairs = EDGES.iter().flat_map(|&lo| EDGES.iter().map(move |&hi| Range { lo, hi }));
        pairs.filter(|range| range.lo <= range.hi)
    }

    fn inside(range: Range) -> impl Iterator<Item = u64> {
        EDGES.into_iter().filter(move |&v| range.lo <= v && v <= range.hi)
    }

    /// `None` for a trap.
    fn run(op: Op, left: u64, right: u64, old: u64) -> Option<u64> {
        Some(match op {
            Op::Add => left.checked_add(right)?,
            Op::Sub => left.checked_sub(right)?,
            Op::Mul => left.checked_mul(right)?,
            Op::Div => left.checked_div(right)?,
            Op::Equiv => u64::from(left == right),
            Op::Gt => u64::from(left > right),
            Op::Lt => u64::from(left < right),
            Op::Max => left.max(right),
            Op::Min => left.min(right),
            Op::MaxWrap => crate::machine::exec::max_wrap(left, right),
            Op::Ewma => crate::machine::exec::ewma(left, old, right),
            Op::If => [old, right][usize::from(left != 0)],
            Op::NotIf => [right, old][usize::from(left != 0)],
            Op::Bind => right,
            Op::Def => old,
        })
    }

    #[test]
    fn every_result_lies_in_the_range_that_was_told() {
        for &op in Op::ALL {
            for left in ranges() {
                for right in ranges() {
                    let olds = if op.operands().reads_result || op.operands().conditional {
                        ranges().collect()
                    } else {
                        alloc::vec![Range::ANY]
                    };
                    for old in olds {
                        let told = result(op, left, right, old);
                        for l in inside(left) {
                            for r in inside(right) {
                                for o in inside(old).take(3) {
                                    match run(op, l, r, o) {
                                        Some(v) => assert!(
                                            told.lo <= v && v <= told.hi,
                                            "{op} {l} {r} {o}: {v} {told:?}"
                                        ),
                                        None => assert!(may_trap(op, left, right), "{op} {l} {r}"),
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_transport_says_has_its_range() {
        let at_start = |primitive| Range::at_start(Reg::primitive(primitive));
        assert_eq!(at_start(Primitive::FlowRttSampleUs).lo, 1);
        assert_eq!(at_start(Primitive::FlowWasTimeout), Range::BOOL);
        assert_eq!(at_start(Primitive::AckBytesAcked), Range::ANY);
        assert_eq!(Range::at_start(Reg::new(Class::Primitive, 31)), Range::ANY);
    }
}
