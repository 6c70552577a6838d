//! The inner loop, and the form of a program that it runs: steps whose registers are single bytes, so that no access
//! needs a check or a mask, two of them in one where programs often have them together.

use alloc::vec;
use alloc::vec::Vec;
use core::slice;

use super::exec::{Act, Step, ewma, max_wrap};
use super::file::{EVENT_FLAG, FIRST_FAR, File, MICROS, NOW, SCRATCH, SHOULD_CONTINUE, Slot, ZERO};
use super::outcome::Trap;

/// One or two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Op {
    act: Fast,
    result: u8,
    left: u8,
    right: u8,
    /// A second place for the result.
    also: u8,
    /// Of the second step, as `also` is then.
    result2: u8,
    left2: u8,
    right2: u8,
    constant: u32,
    /// The instruction in the program's code, for traps.
    at: u16,
    /// The same of the second step, or where a jump goes, or a far register.
    to: u16,
}

// Four to a cache line.
const _: () = assert!(size_of::<Op>() == 16);

/// The value of a step, or the end with a trap.
macro_rules! value {
    (AddRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        match $l.checked_add($r) {
            Some(sum) => sum,
            None => return Some(Trap::AddOverflow { at: $at.into() }),
        }
    };
    (AddRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        value!(AddRr, $l, $c, $c, $old, $at)
    };
    (SubRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        match $l.checked_sub($r) {
            Some(difference) => difference,
            None => return Some(Trap::SubUnderflow { at: $at.into() }),
        }
    };
    (SubRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        value!(SubRr, $l, $c, $c, $old, $at)
    };
    (SubIr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        value!(SubRr, $c, $r, $c, $old, $at)
    };
    (MulRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        match $l.checked_mul($r) {
            Some(product) => product,
            None => return Some(Trap::MulOverflow { at: $at.into() }),
        }
    };
    (MulRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        value!(MulRr, $l, $c, $c, $old, $at)
    };
    (DivRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        match $l.checked_div($r) {
            Some(quotient) => quotient,
            None => return Some(Trap::DivByZero { at: $at.into() }),
        }
    };
    (DivRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        value!(DivRr, $l, $c, $c, $old, $at)
    };
    (DivIr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        value!(DivRr, $c, $r, $c, $old, $at)
    };
    (EquivRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        u64::from($l == $r)
    };
    (EquivRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        u64::from($l == $c)
    };
    (GtRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        u64::from($l > $r)
    };
    (GtRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        u64::from($l > $c)
    };
    (LtRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        u64::from($l < $c)
    };
    (MaxRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        $l.max($r)
    };
    (MaxRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        $l.max($c)
    };
    (MinRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        $l.min($r)
    };
    (MinRi, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        $l.min($c)
    };
    (MaxWrapRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        max_wrap($l, $r)
    };
    (EwmaRr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        ewma($l, $old, $r)
    };
    (EwmaIr, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        ewma($c, $old, $r)
    };
    (BindR, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        $r
    };
    (BindI, $l:expr, $r:expr, $c:expr, $old:expr, $at:expr) => {
        $c
    };
}

/// A whole step: where its result goes, its operands, its constant, the instruction, where it jumps.
macro_rules! step {
    (UnlessFlag, $file:ident, $next:ident, $places:expr, $l:expr, $r:expr, $c:expr, $at:expr) => {
        if $file.near(EVENT_FLAG as u8) == 0 {
            $next.jump($at);
        }
    };
    (IfRr, $file:ident, $next:ident, $places:expr, $l:expr, $r:expr, $c:expr, $at:expr) => {
        if $file.near($l) != 0 {
            $file.put($places.0, $file.near($r));
        }
    };
    (IfRi, $file:ident, $next:ident, $places:expr, $l:expr, $r:expr, $c:expr, $at:expr) => {
        if $file.near($l) != 0 {
            $file.put($places.0, u64::from($c));
        }
    };
    (NotIfRr, $file:ident, $next:ident, $places:expr, $l:expr, $r:expr, $c:expr, $at:expr) => {
        if $file.near($l) == 0 {
            $file.put($places.0, $file.near($r));
        }
    };
    (NotIfRi, $file:ident, $next:ident, $places:expr, $l:expr, $r:expr, $c:expr, $at:expr) => {
        if $file.near($l) == 0 {
            $file.put($places.0, u64::from($c));
        }
    };
    ($act:ident, $file:ident, $next:ident, $places:expr, $l:expr, $r:expr, $c:expr, $at:expr) => {
        let value =
            value!($act, $file.near($l), $file.near($r), u64::from($c), $file.near($places.0), $at);
        $file.put($places.0, value);
        $file.put($places.1, value);
    };
}

/// The kinds of steps: those of one step, and those of two.
macro_rules! machine {
    (one: $($one:ident)+; two: $($two:ident = $first:ident $second:ident;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Fast {
            $( $one, )+
            $( $two, )+
            UnlessFlag,
            BindTwo,
            MoveZero,
            UnlessEquivRr,
            UnlessEquivRi,
            UnlessGtRr,
            UnlessGtRi,
            UnlessLtRi,
            Stop,
            StopUnlessContinue,
            End,
            /// A near register gets the value of a far one.
            Fetch,
            /// A far register gets the value of a near one.
            Store,
        }

        impl Fast {
            const fn of(act: Act) -> Self {
                match act {
                    $( Act::$one => Self::$one, )+
                    Act::UnlessFlag => Self::UnlessFlag,
                    Act::BindTwo => Self::BindTwo,
                    Act::Spill => Self::BindI,
                    Act::MoveZero => Self::MoveZero,
                    Act::UnlessEquivRr => Self::UnlessEquivRr,
                    Act::UnlessEquivRi => Self::UnlessEquivRi,
                    Act::UnlessGtRr => Self::UnlessGtRr,
                    Act::UnlessGtRi => Self::UnlessGtRi,
                    Act::UnlessLtRi => Self::UnlessLtRi,
                    Act::Stop => Self::Stop,
                    Act::StopUnlessContinue => Self::StopUnlessContinue,
                    Act::End => Self::End,
                }
            }

            const fn both(first: Act, second: Act) -> Option<Self> {
                match (first, second) {
                    $( (Act::$first, Act::$second) => Some(Self::$two), )+
                    _ => None,
                }
            }
        }

        /// Runs a program; a trap ends it.
        #[inline]
        pub(super) fn run(ops: &[Op], file: &mut File) -> Option<Trap> {
            let mut next = Next { all: ops, rest: ops.iter() };
            while let Some(op) = next.rest.next() {
                match op.act {
                    $( Fast::$one => {
                        step!($one, file, next, (op.result, op.also), op.left, op.right, op.constant, op.at);
                    } )+
                    $( Fast::$two => {
                        step!($first, file, next, (op.result, op.result), op.left, op.right, op.constant, op.at);
                        step!($second, file, next, (op.result2, op.also), op.left2, op.right2, op.constant, op.to);
                    } )+
                    Fast::UnlessFlag => {
                        step!(UnlessFlag, file, next, (0, 0), 0, 0, 0, op.to);
                    }
                    Fast::BindTwo => {
                        let (first, second) = (file.near(op.right), file.near(op.left));
                        file.put(op.result, first);
                        file.put(op.also, second);
                    }
                    Fast::MoveZero => {
                        file.set(ZERO, file.get(NOW).wrapping_sub(file.get(MICROS)));
                    }
                    Fast::UnlessEquivRr => {
                        decide(file.near(op.left) == file.near(op.right), op, file, &mut next);
                    }
                    Fast::UnlessEquivRi => {
                        decide(file.near(op.left) == u64::from(op.constant), op, file, &mut next);
                    }
                    Fast::UnlessGtRr => {
                        decide(file.near(op.left) > file.near(op.right), op, file, &mut next);
                    }
                    Fast::UnlessGtRi => {
                        decide(file.near(op.left) > u64::from(op.constant), op, file, &mut next);
                    }
                    Fast::UnlessLtRi => {
                        decide(file.near(op.left) < u64::from(op.constant), op, file, &mut next);
                    }
                    Fast::Stop => {
                        if file.get(EVENT_FLAG) != 0 && file.get(SHOULD_CONTINUE) == 0 {
                            return None;
                        }
                    }
                    Fast::StopUnlessContinue => {
                        if file.get(SHOULD_CONTINUE) == 0 {
                            return None;
                        }
                    }
                    Fast::End => return None,
                    Fast::Fetch => file.put(op.result, file.get(op.to)),
                    Fast::Store => file.set(op.to, file.near(op.right)),
                }
            }
            None
        }
    };
}

machine! {
    one:
        AddRr AddRi SubRr SubRi SubIr MulRr MulRi DivRr DivRi DivIr EquivRr EquivRi GtRr GtRi LtRi
        MaxRr MaxRi MinRr MinRi MaxWrapRr EwmaRr EwmaIr IfRr IfRi NotIfRr NotIfRi BindR BindI;
    // What the programs of Reno, CUBIC and BBR have most often at each ACK.
    two:
        AddUnless = AddRr UnlessFlag;
        MulUnless = MulRr UnlessFlag;
        MaxUnless = MaxRr UnlessFlag;
        MaxConstantUnless = MaxRi UnlessFlag;
        BindUnless = BindR UnlessFlag;
        EquivMul = EquivRi MulRr;
        GtMul = GtRr MulRr;
        GtConstantMul = GtRi MulRr;
        GtMax = GtRr MaxRr;
        GtConstantMax = GtRi MaxRr;
        GtEquiv = GtRr EquivRi;
        GtIfConstant = GtRr IfRi;
        GtNotIfConstant = GtRr NotIfRi;
        EquivIf = EquivRi IfRr;
        LtIf = LtRi IfRr;
        AddConstantIf = AddRi IfRr;
        MaxIf = MaxRr IfRr;
        MaxIfConstant = MaxRr IfRi;
        MulIfConstant = MulRr IfRi;
        AddIf = AddRr IfRr;
        SubIf = SubRr IfRr;
        MinIf = MinRr IfRr;
        IfIfConstant = IfRr IfRi;
        IfEquiv = IfRr EquivRi;
        IfMul = IfRr MulRr;
        MaxMax = MaxRr MaxRr;
        MinMax = MinRr MaxRr;
        MaxSub = MaxRr SubRr;
        MinSub = MinRr SubRr;
        SubMin = SubRr MinRr;
        SubMax = SubRr MaxRr;
        MulAdd = MulRr AddRr;
        MulDivConstant = MulRr DivRi;
        AddDiv = AddRr DivRr;
        AddMul = AddRr MulRr;
        AddAdd = AddRr AddRr;
        AddMax = AddRr MaxRr;
        AddMin = AddRr MinRr;
        AddGt = AddRr GtRr;
        MinAdd = MinRr AddRr;
}

/// Where the program goes on.
struct Next<'a> {
    all: &'a [Op],
    rest: slice::Iter<'a, Op>,
}

impl Next<'_> {
    #[inline(always)]
    fn jump(&mut self, to: u16) {
        self.rest = self.all.get(usize::from(to)..).unwrap_or(&[]).iter();
    }
}

/// What a condition that is one comparison does.
#[inline(always)]
fn decide(holds: bool, op: &Op, file: &mut File, next: &mut Next<'_>) {
    file.set(EVENT_FLAG, u64::from(holds));
    if !holds {
        next.jump(op.to);
    }
}

/// Makes the dense form of steps.
pub(super) fn dense(steps: &[Step]) -> Vec<Op> {
    let mut is_target = vec![false; steps.len() + 1];
    for step in steps.iter().filter(|step| step.act.jumps()) {
        if let Some(target) = is_target.get_mut(usize::from(step.also)) {
            *target = true;
        }
    }
    // Where each step begins among the operations, and behind the last one.
    let mut places = vec![0; steps.len() + 1];
    let mut ops = Vec::with_capacity(steps.len());
    let mut at = 0;
    while let Some(step) = steps.get(at) {
        // Fits: see the number of operations below.
        places[at] = ops.len() as u16;
        at += 1;
        let second = steps.get(at).filter(|_| !is_target[at]);
        if let Some(op) = second.and_then(|second| both(step, second)) {
            ops.push(op);
            at += 1;
        } else {
            one(step, &mut ops);
        }
    }
    places[steps.len()] = ops.len() as u16;
    for op in ops.iter_mut().filter(|op| op.act.jumps()) {
        op.to = places.get(usize::from(op.to)).copied().unwrap_or(u16::MAX);
    }
    ops.shrink_to_fit();
    ops
}

/// Two steps as one operation, where there is one for them.
fn both(first: &Step, second: &Step) -> Option<Op> {
    let act = Fast::both(first.act, second.act)?;
    let one_place = first.also == first.result;
    if !one_place || first.act.has_constant() && second.act.has_constant() {
        return None;
    }
    let jumps = second.act.jumps();
    let (also, to) = match jumps {
        true => (SCRATCH, second.also),
        false => (second.also, second.at),
    };
    Some(Op {
        act,
        result: near(first.result)?,
        left: near(first.left)?,
        right: near(first.right)?,
        also: near(also)?,
        result2: near(second.result)?,
        left2: near(second.left)?,
        right2: near(second.right)?,
        constant: if second.act.has_constant() { second.constant } else { first.constant },
        at: first.at,
        to,
    })
}

/// One step, between the moves that its far registers need.
fn one(step: &Step, ops: &mut Vec<Op>) {
    let empty = Op {
        act: Fast::of(step.act),
        result: 0,
        left: 0,
        right: 0,
        also: 0,
        result2: 0,
        left2: 0,
        right2: 0,
        constant: step.constant,
        at: step.at,
        to: 0,
    };
    let mut fetched = |slot: Slot, place: u8| match near(slot) {
        Some(near) => near,
        None => {
            ops.push(Op { act: Fast::Fetch, result: place, to: slot, ..empty });
            place
        }
    };
    let left = fetched(step.left, LEFT);
    let right = fetched(step.right, RIGHT);
    // What keeps its value under some condition, or is an input.
    let result = fetched(step.result, RESULT);
    if step.act.jumps() {
        ops.push(Op { left, right, result, to: step.also, ..empty });
        return;
    }
    let same = step.also == step.result;
    let also = if same { result } else { near(step.also).unwrap_or(ALSO) };
    ops.push(Op { left, right, result, also, ..empty });
    if near(step.result).is_none() {
        ops.push(Op { act: Fast::Store, right: result, to: step.result, ..empty });
    }
    if !same && near(step.also).is_none() {
        ops.push(Op { act: Fast::Store, right: also, to: step.also, ..empty });
    }
}

/// A register that one byte names.
fn near(slot: Slot) -> Option<u8> {
    u8::try_from(slot).ok()
}

impl Fast {
    const fn jumps(self) -> bool {
        matches!(
            self,
            Self::UnlessFlag
                | Self::UnlessEquivRr
                | Self::UnlessEquivRi
                | Self::UnlessGtRr
                | Self::UnlessGtRi
                | Self::UnlessLtRi
                | Self::AddUnless
                | Self::MulUnless
                | Self::MaxUnless
                | Self::MaxConstantUnless
                | Self::BindUnless
        )
    }
}

// Where the values of far registers are while they are used.
const LEFT: u8 = SCRATCH as u8 + 1;
const RIGHT: u8 = LEFT + 1;
const RESULT: u8 = RIGHT + 1;
const ALSO: u8 = RESULT + 1;

const _: () = assert!(FIRST_FAR == 256 && (ALSO as Slot) < super::file::PRIMITIVES);

// An instruction takes at most six operations (three fetches, itself, two stores) beside its spill and what moves
// Micros's zero, an event two more with two fetches each, and jumps are 16 bits wide.
const _: () = {
    let limits = crate::limits::Limits::MACHINE;
    assert!(8 * limits.max_instrs + 4 * limits.max_events <= u16::MAX as u32);
};
