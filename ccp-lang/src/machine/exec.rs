//! Decoded steps, which the machine makes denser before it runs them and the eBPF back end translates.

use super::file::{SCRATCH, Slot};

/// One decoded instruction, or two where the second is a BIND.
///
/// `Rr` steps read both operands from the file, `Ri` steps have the right one in `constant`, `Ir`
/// steps the left one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// A constant operand.
    pub(crate) constant: u32,
    pub(crate) result: Slot,
    /// A second place for the result, or the step that a jump goes to.
    pub(crate) also: Slot,
    pub(crate) left: Slot,
    pub(crate) right: Slot,
    /// The instruction in the program's code, for traps.
    pub(crate) at: u16,
    pub(crate) act: Act,
}

impl Step {
    /// A step whose operands and results are nowhere.
    pub(super) const fn new(act: Act) -> Self {
        Self {
            constant: 0,
            result: SCRATCH,
            also: SCRATCH,
            left: SCRATCH,
            right: SCRATCH,
            at: 0,
            act,
        }
    }
}

// Four to a cache line.
const _: () = assert!(size_of::<Step>() == 16);

/// What a step does. Comparisons and commutative operations have their constant on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    AddRr,
    AddRi,
    SubRr,
    SubRi,
    SubIr,
    MulRr,
    MulRi,
    DivRr,
    DivRi,
    DivIr,
    EquivRr,
    EquivRi,
    GtRr,
    GtRi,
    LtRi,
    MaxRr,
    MaxRi,
    MinRr,
    MinRi,
    MaxWrapRr,
    EwmaRr,
    EwmaIr,
    IfRr,
    IfRi,
    NotIfRr,
    NotIfRi,
    BindR,
    BindI,
    /// Two BINDs: result ← right, then also ← left.
    BindTwo,
    /// Puts a constant into the scratch slot, for the step after it.
    Spill,
    /// Micros may have been written: moves its zero to match. Without a write it moves nothing.
    MoveZero,
    // Comparisons into eventFlag that go on at `also` unless they hold.
    UnlessEquivRr,
    UnlessEquivRi,
    UnlessGtRr,
    UnlessGtRi,
    UnlessLtRi,
    /// Goes on at `also` unless eventFlag is set.
    UnlessFlag,
    /// Ends the program if eventFlag is set and shouldContinue is not.
    Stop,
    /// Ends the program unless shouldContinue is set.
    StopUnlessContinue,
    End,
}

impl Act {
    /// The comparison that also jumps unless it holds.
    pub(super) const fn and_jump(self) -> Option<Self> {
        match self {
            Self::EquivRr => Some(Self::UnlessEquivRr),
            Self::EquivRi => Some(Self::UnlessEquivRi),
            Self::GtRr => Some(Self::UnlessGtRr),
            Self::GtRi => Some(Self::UnlessGtRi),
            Self::LtRi => Some(Self::UnlessLtRi),
            _ => None,
        }
    }

    /// Whether `also` is where to go on.
    pub(super) const fn jumps(self) -> bool {
        matches!(
            self,
            Self::UnlessFlag
                | Self::UnlessEquivRr
                | Self::UnlessEquivRi
                | Self::UnlessGtRr
                | Self::UnlessGtRi
                | Self::UnlessLtRi
        )
    }

    /// Whether the step uses its constant.
    pub(super) const fn has_constant(self) -> bool {
        matches!(
            self,
            Self::AddRi
                | Self::SubRi
                | Self::SubIr
                | Self::MulRi
                | Self::DivRi
                | Self::DivIr
                | Self::EquivRi
                | Self::GtRi
                | Self::LtRi
                | Self::MaxRi
                | Self::MinRi
                | Self::EwmaIr
                | Self::IfRi
                | Self::NotIfRi
                | Self::BindI
                | Self::Spill
                | Self::UnlessEquivRi
                | Self::UnlessGtRi
                | Self::UnlessLtRi
        )
    }
}

/// The weighted mean of old and new, a tenth at a time; the first value is taken whole.
#[inline(always)]
pub(crate) fn ewma(weight: u64, old: u64, new: u64) -> u64 {
    if old == 0 {
        return new;
    }
    let kept = weight.wrapping_mul(old);
    let added = 10_u64.wrapping_sub(weight).wrapping_mul(new);
    kept.wrapping_add(added) / 10
}

/// The later of two 32-bit counters that wrap. Half a turn apart the smaller one wins; a 0 never
/// does, and what wins against it stays whole.
#[inline(always)]
pub(crate) fn max_wrap(a: u64, b: u64) -> u64 {
    if a == 0 {
        return b;
    }
    if b == 0 {
        return a;
    }
    let (a, b) = (a as u32, b as u32);
    let winner = match a.wrapping_sub(b) {
        1..=0x7FFF_FFFF => a,
        0x8000_0000 => a.min(b),
        _ => b,
    };
    u64::from(winner)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use crate::{
        Call, Code, Event, Instr, Limits, Micros, Op, Primitives, Program, Reg, Registers, Staged,
        Trap,
    };

    /// Runs `op` on an old result and two operands, in every form that the values allow: each
    /// operand in a register or as a constant, the result alone or with a BIND behind it.
    fn op(op: Op, old: u64, left: u64, right: u64) -> Result<u64, Trap> {
        let mut found = None;
        let in_register = |value: u64, index| (Reg::control(index), Some((index, value)));
        let constant = |value: u64| Some((Reg::immediate(u32::try_from(value).ok()?), None));
        for l in [Some(in_register(left, 1)), constant(left)] {
            for r in [Some(in_register(right, 2)), constant(right)] {
                let (Some((l, l_value)), Some((r, r_value))) = (l, r) else {
                    continue;
                };
                for bind in [Reg::control(0), Reg::local(0)] {
                    let code = Code {
                        events: vec![Event {
                            flag_idx: 0,
                            num_flag_instrs: 2,
                            body_idx: 2,
                            num_body_instrs: 0,
                        }],
                        instrs: vec![
                            Instr::new(op, Reg::control(0), l, r),
                            Instr::bind(bind, Reg::control(0)),
                        ],
                    };
                    let value = once(code, [Some((0, old)), l_value, r_value], bind);
                    assert_eq!(*found.get_or_insert(value), value, "{op} {l}, {r}");
                }
            }
        }
        found.expect("registers take any value")
    }

    fn once(code: Code, values: [Option<(u32, u64)>; 3], result: Reg) -> Result<u64, Trap> {
        let program = Program::verify(code, &Limits::default()).expect("a good program");
        let mut staged = Staged::new();
        for (index, value) in values.into_iter().flatten() {
            staged.set(Reg::control(index), value).expect("settable");
        }
        let mut regs = Registers::new(Micros(0));
        let call = Call {
            now: Micros(0),
            primitives: &Primitives::new(),
            cwnd: 0,
            rate: 0,
            switched: true,
            staged: &mut staged,
        };
        match program.invoke(&mut regs, call, |_| {}).trap {
            Some(trap) => Err(trap),
            None => Ok(regs.get(result).expect("a register")),
        }
    }

    #[test]
    fn add_traps_when_the_sum_does_not_fit() {
        assert_eq!(op(Op::Add, 9, 2, 3), Ok(5));
        assert_eq!(op(Op::Add, 9, u64::MAX - 1, 1), Ok(u64::MAX));
        let trap = Trap::AddOverflow { at: 0 };
        assert_eq!(op(Op::Add, 9, u64::MAX, 1), Err(trap));
        assert_eq!(op(Op::Add, 9, 1, u64::MAX), Err(trap));
    }

    #[test]
    fn sub_traps_below_zero() {
        assert_eq!(op(Op::Sub, 9, 3, 2), Ok(1));
        assert_eq!(op(Op::Sub, 9, 2, 2), Ok(0));
        assert_eq!(op(Op::Sub, 9, 2, 3), Err(Trap::SubUnderflow { at: 0 }));
        assert_eq!(op(Op::Sub, 9, 0, u64::MAX), Err(Trap::SubUnderflow { at: 0 }));
    }

    #[test]
    fn mul_traps_on_every_product_that_does_not_fit() {
        assert_eq!(op(Op::Mul, 9, 6, 7), Ok(42));
        assert_eq!(op(Op::Mul, 9, 0, u64::MAX), Ok(0));
        assert_eq!(op(Op::Mul, 9, u64::MAX, 1), Ok(u64::MAX));
        assert_eq!(op(Op::Mul, 9, 0xFFFF_FFFF, 0x1_0000_0001), Ok(u64::MAX));
        let trap = Trap::MulOverflow { at: 0 };
        assert_eq!(op(Op::Mul, 9, 2, 1 << 63), Err(trap));
        // The wrapped product is larger than the left operand here, which libccp lets pass.
        assert_eq!(op(Op::Mul, 9, 3, u64::MAX / 2), Err(trap));
    }

    #[test]
    fn div_rounds_down_and_traps_on_zero() {
        assert_eq!(op(Op::Div, 9, 7, 2), Ok(3));
        assert_eq!(op(Op::Div, 9, 0, 2), Ok(0));
        assert_eq!(op(Op::Div, 9, u64::MAX, u64::MAX), Ok(1));
        assert_eq!(op(Op::Div, 9, 7, 0), Err(Trap::DivByZero { at: 0 }));
        assert_eq!(op(Op::Div, 9, 0, 0), Err(Trap::DivByZero { at: 0 }));
    }

    #[test]
    fn comparisons_give_one_or_zero() {
        for (left, right) in [(1, 2), (2, 1), (2, 2), (0, u64::MAX), (u64::MAX, 0)] {
            assert_eq!(op(Op::Gt, 9, left, right), Ok(u64::from(left > right)));
            assert_eq!(op(Op::Lt, 9, left, right), Ok(u64::from(left < right)));
            assert_eq!(op(Op::Equiv, 9, left, right), Ok(u64::from(left == right)));
        }
    }

    #[test]
    fn max_and_min_are_unsigned() {
        for (left, right) in [(1, 2), (2, 1), (2, 2), (0, u64::MAX), (1 << 63, 1)] {
            assert_eq!(op(Op::Max, 9, left, right), Ok(left.max(right)));
            assert_eq!(op(Op::Min, 9, left, right), Ok(left.min(right)));
        }
    }

    #[test]
    fn bind_copies_its_right_operand() {
        assert_eq!(op(Op::Bind, 9, 1, 2), Ok(2));
        assert_eq!(op(Op::Bind, 9, 1, u64::MAX), Ok(u64::MAX));
        assert_eq!(op(Op::Bind, 9, 1, 0xFFFF_FFFF), Ok(crate::INFINITY));
    }

    #[test]
    fn if_and_not_if_write_only_when_they_hold() {
        assert_eq!(op(Op::If, 9, 1, 2), Ok(2));
        assert_eq!(op(Op::If, 9, u64::MAX, 2), Ok(2));
        assert_eq!(op(Op::If, 9, 0, 2), Ok(9));
        assert_eq!(op(Op::NotIf, 9, 0, 2), Ok(2));
        assert_eq!(op(Op::NotIf, 9, 1, 2), Ok(9));
    }

    #[test]
    fn ewma_weighs_in_tenths_and_rounds_down() {
        assert_eq!(op(Op::Ewma, 100, 9, 200), Ok(110));
        assert_eq!(op(Op::Ewma, 100, 10, 200), Ok(100));
        assert_eq!(op(Op::Ewma, 100, 0, 200), Ok(200));
        assert_eq!(op(Op::Ewma, 1, 5, 2), Ok(1));
        // The first value is taken whole.
        assert_eq!(op(Op::Ewma, 0, 9, 200), Ok(200));
    }

    #[test]
    fn ewma_wraps() {
        // 11 tenths of the old, less one tenth of the new.
        assert_eq!(op(Op::Ewma, 100, 11, 200), Ok(90));
        assert_eq!(op(Op::Ewma, 100, 11, 1200), Ok((u64::MAX - 99) / 10));
        let sum = (u64::MAX / 2).wrapping_mul(5).wrapping_add(5 * 7);
        assert_eq!(op(Op::Ewma, u64::MAX / 2, 5, 7), Ok(sum / 10));
    }

    #[test]
    fn max_wrap_takes_the_later_counter() {
        assert_eq!(op(Op::MaxWrap, 9, 5, 7), Ok(7));
        assert_eq!(op(Op::MaxWrap, 9, 7, 5), Ok(7));
        assert_eq!(op(Op::MaxWrap, 9, 7, 7), Ok(7));
        // 5 is shortly after the wrap.
        assert_eq!(op(Op::MaxWrap, 9, 0xFFFF_FFF0, 5), Ok(5));
        assert_eq!(op(Op::MaxWrap, 9, 5, 0xFFFF_FFF0), Ok(5));
        assert_eq!(op(Op::MaxWrap, 9, 1, 0x8000_0000), Ok(0x8000_0000));
    }

    #[test]
    fn max_wrap_half_a_turn_apart_takes_the_smaller() {
        assert_eq!(op(Op::MaxWrap, 9, 1, 0x8000_0001), Ok(1));
        assert_eq!(op(Op::MaxWrap, 9, 0x8000_0001, 1), Ok(1));
    }

    #[test]
    fn max_wrap_cuts_the_winner_except_against_zero() {
        assert_eq!(op(Op::MaxWrap, 9, 0x1_0000_0007, 5), Ok(7));
        assert_eq!(op(Op::MaxWrap, 9, 0x1_0000_0007, 0), Ok(0x1_0000_0007));
        assert_eq!(op(Op::MaxWrap, 9, 0, 0x1_0000_0007), Ok(0x1_0000_0007));
        assert_eq!(op(Op::MaxWrap, 9, 0, 0), Ok(0));
        // Not zero, but its low half is.
        assert_eq!(op(Op::MaxWrap, 9, 0x1_0000_0000, 5), Ok(5));
    }
}
