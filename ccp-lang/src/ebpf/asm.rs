//! Builds eBPF code: typed registers, labels, comments.
//!
//! Knows the instruction set and nothing of kernels, maps or the language. Jumps take the short
//! form where it surely reaches and the long one (`gotol`) elsewhere.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use super::insn::{self, Insn};

/// A register of the eBPF machine. R0 is a result, R1 to R5 are arguments and lost in calls, R6 to
/// R9 outlive calls, R10 is the end of the stack and read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Gpr {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// The second operand of most instructions: a register, or a constant that is extended by its
/// sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Src {
    /// What a register holds.
    Reg(Gpr),
    /// A constant.
    Imm(i32),
}

impl From<Gpr> for Src {
    fn from(reg: Gpr) -> Self {
        Self::Reg(reg)
    }
}

impl From<i32> for Src {
    fn from(imm: i32) -> Self {
        Self::Imm(imm)
    }
}

/// How much a memory access moves. Loads extend by zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Size {
    /// One byte.
    B = insn::B,
    /// Two bytes.
    H = insn::H,
    /// Four bytes.
    W = insn::W,
    /// Eight bytes.
    Dw = insn::DW,
}

impl Size {
    /// The size of so many bytes, if there is one.
    #[must_use]
    pub const fn of(bytes: usize) -> Option<Self> {
        match bytes {
            1 => Some(Self::B),
            2 => Some(Self::H),
            4 => Some(Self::W),
            8 => Some(Self::Dw),
            _ => None,
        }
    }
}

/// An arithmetic operation. `Div` by zero gives 0 and `Mod` by zero changes nothing; both are
/// unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Alu {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    Lsh = 0x60,
    Rsh = 0x70,
    Mod = 0x90,
    Xor = 0xA0,
    Mov = 0xB0,
    /// Shifts the sign in.
    Arsh = 0xC0,
}

/// A condition of a jump; those with an S compare signed numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Cond {
    Eq = 0x10,
    Gt = 0x20,
    Ge = 0x30,
    /// A bit is set in both.
    Set = 0x40,
    Ne = 0x50,
    SGt = 0x60,
    SGe = 0x70,
    Lt = 0xA0,
    Le = 0xB0,
    SLt = 0xC0,
    SLe = 0xD0,
}

impl Cond {
    /// The opposite, where one instruction can express it: not for [`Cond::Set`].
    #[must_use]
    pub const fn inverse(self) -> Option<Self> {
        Some(match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Gt => Self::Le,
            Self::Le => Self::Gt,
            Self::Ge => Self::Lt,
            Self::Lt => Self::Ge,
            Self::SGt => Self::SLe,
            Self::SLe => Self::SGt,
            Self::SGe => Self::SLt,
            Self::SLt => Self::SGe,
            Self::Set => return None,
        })
    }
}

/// An operation on memory that other processors see whole, of 4 or 8 bytes. Those that give
/// something back are full barriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomic {
    /// Adds the register.
    Add,
    /// Adds the register, which gets the old value.
    FetchAdd,
    /// Sets the bits of the register.
    Or,
    /// Sets the bits of the register, which gets the old value.
    FetchOr,
    /// Keeps only the bits of the register.
    And,
    /// Keeps only the bits of the register, which gets the old value.
    FetchAnd,
    /// Swaps memory and register.
    Xchg,
    /// Stores the register if memory holds what R0 holds; R0 gets the old value.
    CmpXchg,
}

impl Atomic {
    const fn imm(self) -> i32 {
        match self {
            Self::Add => Alu::Add as i32,
            Self::FetchAdd => Alu::Add as i32 | insn::FETCH,
            Self::Or => Alu::Or as i32,
            Self::FetchOr => Alu::Or as i32 | insn::FETCH,
            Self::And => Alu::And as i32,
            Self::FetchAnd => Alu::And as i32 | insn::FETCH,
            Self::Xchg => insn::XCHG,
            Self::CmpXchg => insn::CMPXCHG,
        }
    }
}

/// A place in the code that jumps can name before it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(usize);

/// Code in the making.
///
/// Methods add one instruction each unless they say otherwise. What cannot be right is found by
/// [`Asm::finish`].
#[derive(Clone, Debug, Default)]
pub struct Asm {
    items: Vec<Item>,
    /// The item behind each label, once bound.
    labels: Vec<Option<usize>>,
    /// Comments, each before an item.
    notes: Vec<(usize, String)>,
    bound_twice: Option<Label>,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Plain(Insn),
    Wide(Insn, Insn),
    /// `ja`, or a conditional jump with its condition.
    Jump(Insn, Option<Cond>, Label),
}

impl Asm {
    /// No code yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A comment before the next instruction, for the disassembly and for [`Assembled::note`].
    pub fn comment(&mut self, text: impl fmt::Display) {
        self.notes.push((self.items.len(), alloc::format!("{text}")));
    }

    /// A label that is still to be bound.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Puts a label before the next instruction.
    pub fn bind(&mut self, label: Label) {
        let here = self.items.len();
        if let Some(place) = self.labels.get_mut(label.0)
            && place.replace(here).is_some()
        {
            self.bound_twice = self.bound_twice.or(Some(label));
        }
    }

    /// A label before the next instruction.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// `dst = *(base + off)`.
    pub fn load(&mut self, size: Size, dst: Gpr, base: Gpr, off: i16) {
        let code = insn::LDX | insn::MEM | size as u8;
        self.plain(Insn { code, dst: dst as u8, src: base as u8, off, imm: 0 });
    }

    /// `*(base + off) = src`.
    pub fn store(&mut self, size: Size, base: Gpr, off: i16, src: impl Into<Src>) {
        let (code, src, imm) = match src.into() {
            Src::Reg(reg) => (insn::STX, reg as u8, 0),
            Src::Imm(imm) => (insn::ST, 0, imm),
        };
        self.plain(Insn { code: code | insn::MEM | size as u8, dst: base as u8, src, off, imm });
    }

    /// An atomic operation on `*(base + off)`; `size` is [`Size::W`] or [`Size::Dw`].
    pub fn atomic(&mut self, op: Atomic, size: Size, base: Gpr, off: i16, src: Gpr) {
        let code = insn::STX | insn::ATOMIC | size as u8;
        self.plain(Insn { code, dst: base as u8, src: src as u8, off, imm: op.imm() });
    }

    /// `dst = dst op src`, 64 bits.
    pub fn alu(&mut self, op: Alu, dst: Gpr, src: impl Into<Src>) {
        self.arithmetic(insn::ALU64 | op as u8, dst, src.into());
    }

    /// `dst = dst op src`, the lower 32 bits; the upper ones become 0.
    pub fn alu32(&mut self, op: Alu, dst: Gpr, src: impl Into<Src>) {
        self.arithmetic(insn::ALU | op as u8, dst, src.into());
    }

    /// `dst = src`; a constant is extended by its sign.
    pub fn mov(&mut self, dst: Gpr, src: impl Into<Src>) {
        self.alu(Alu::Mov, dst, src);
    }

    /// `dst += src`.
    pub fn add(&mut self, dst: Gpr, src: impl Into<Src>) {
        self.alu(Alu::Add, dst, src);
    }

    /// `dst -= src`.
    pub fn sub(&mut self, dst: Gpr, src: impl Into<Src>) {
        self.alu(Alu::Sub, dst, src);
    }

    /// `dst = -dst`.
    pub fn neg(&mut self, dst: Gpr) {
        self.plain(Insn { code: insn::ALU64 | insn::NEG, dst: dst as u8, ..Insn::default() });
    }

    /// Turns the lower `size` from the machine's byte order to that of the network; what is above
    /// becomes 0. [`Size::B`] has no order: it is refused by the kernel.
    pub fn to_be(&mut self, dst: Gpr, size: Size) {
        let imm = match size {
            Size::B => 8,
            Size::H => 16,
            Size::W => 32,
            Size::Dw => 64,
        };
        let code = insn::ALU | insn::END | insn::REG;
        self.plain(Insn { code, dst: dst as u8, src: 0, off: 0, imm });
    }

    /// `dst = value`, in one or two slots.
    pub fn constant(&mut self, dst: Gpr, value: u64) {
        if let Ok(imm) = i32::try_from(value.cast_signed()) {
            self.mov(dst, imm);
        } else if let Ok(low) = u32::try_from(value) {
            // The upper half becomes 0.
            self.alu32(Alu::Mov, dst, low.cast_signed());
        } else {
            self.wide(dst, 0, value as u32, (value >> 32) as u32);
        }
    }

    /// `dst = the map behind a file descriptor`, for calls.
    pub fn map(&mut self, dst: Gpr, fd: i32) {
        self.wide(dst, insn::PSEUDO_MAP_FD, fd.cast_unsigned(), 0);
    }

    /// `dst = the address of a byte of an array map's first value`.
    pub fn map_value(&mut self, dst: Gpr, fd: i32, off: u32) {
        self.wide(dst, insn::PSEUDO_MAP_VALUE, fd.cast_unsigned(), off);
    }

    /// `dst = the address of a kernel variable`, by its BTF id.
    pub fn btf_variable(&mut self, dst: Gpr, id: u32) {
        self.wide(dst, insn::PSEUDO_BTF_ID, id, 0);
    }

    /// Goes on at a label.
    pub fn jump(&mut self, to: Label) {
        let insn = Insn { code: insn::JMP | insn::JA, ..Insn::default() };
        self.items.push(Item::Jump(insn, None, to));
    }

    /// Goes on at a label if the condition holds for 64 bits.
    pub fn jump_if(&mut self, cond: Cond, left: Gpr, right: impl Into<Src>, to: Label) {
        self.branch(insn::JMP, cond, left, right.into(), to);
    }

    /// Goes on at a label if the condition holds for the lower 32 bits.
    pub fn jump_if32(&mut self, cond: Cond, left: Gpr, right: impl Into<Src>, to: Label) {
        self.branch(insn::JMP32, cond, left, right.into(), to);
    }

    /// Calls a helper by its number. R1 to R5 are lost.
    pub fn call(&mut self, helper: i32) {
        let code = insn::JMP | insn::CALL;
        self.plain(Insn { code, imm: helper, ..Insn::default() });
    }

    /// Calls a kernel function by the id of its FUNC in the kernel's BTF. R1 to R5 are lost.
    pub fn call_kfunc(&mut self, id: u32) {
        let code = insn::JMP | insn::CALL;
        let imm = id.cast_signed();
        self.plain(Insn { code, src: insn::PSEUDO_KFUNC, imm, ..Insn::default() });
    }

    /// Ends the program; R0 is its result.
    pub fn exit(&mut self) {
        self.plain(Insn { code: insn::JMP | insn::EXIT, ..Insn::default() });
    }

    /// Settles every jump.
    ///
    /// # Errors
    /// A label that is named but bound nowhere, or bound twice; code of more than 2³¹ slots.
    pub fn finish(self) -> Result<Assembled, AsmError> {
        if let Some(label) = self.bound_twice {
            return Err(AsmError::BoundTwice { label: label.0 });
        }
        let mut lengths: Vec<i64> = self.items.iter().map(Item::short_len).collect();
        let mut starts = starts(&lengths);
        // A jump that grows may push others out of reach: until none grows.
        loop {
            let mut grown = false;
            for (at, item) in self.items.iter().enumerate() {
                let (Some(len), Some(far)) = (lengths.get_mut(at), item.long_len()) else {
                    continue;
                };
                let distance = self.distance(item, &starts, at, 1)?;
                if !is_near(distance) && *len != far {
                    *len = far;
                    grown = true;
                }
            }
            if !grown {
                break;
            }
            starts = self::starts(&lengths);
        }
        let mut insns = Vec::new();
        for (at, (item, &len)) in self.items.iter().zip(&lengths).enumerate() {
            match *item {
                Item::Plain(insn) => insns.push(insn),
                Item::Wide(first, second) => insns.extend([first, second]),
                Item::Jump(insn, cond, _) => {
                    let distance = self.distance(item, &starts, at, len)?;
                    write_jump(&mut insns, insn, cond, distance, len == 1)?;
                }
            }
        }
        let place = |(at, text)| (starts.get(at).map_or(0, |&start| start as usize), text);
        Ok(Assembled { insns, notes: self.notes.into_iter().map(place).collect() })
    }

    /// How far a jump at item `at` has to go, from behind its `len` slots.
    fn distance(&self, item: &Item, starts: &[i64], at: usize, len: i64) -> Result<i64, AsmError> {
        let Item::Jump(_, _, label) = item else {
            return Ok(0);
        };
        let bound = self.labels.get(label.0).copied().flatten();
        let target = bound.and_then(|item| starts.get(item));
        let target = target.ok_or(AsmError::Unbound { label: label.0 })?;
        Ok(target - starts.get(at).copied().unwrap_or(0) - len)
    }

    fn plain(&mut self, insn: Insn) {
        self.items.push(Item::Plain(insn));
    }

    fn wide(&mut self, dst: Gpr, src: u8, low: u32, high: u32) {
        let code = insn::LD_IMM64;
        let first = Insn { code, dst: dst as u8, src, off: 0, imm: low.cast_signed() };
        self.items.push(Item::Wide(first, Insn { imm: high.cast_signed(), ..Insn::default() }));
    }

    fn arithmetic(&mut self, code: u8, dst: Gpr, src: Src) {
        let (reg, src, imm) = src.parts();
        self.plain(Insn { code: code | reg, dst: dst as u8, src, off: 0, imm });
    }

    fn branch(&mut self, class: u8, cond: Cond, left: Gpr, right: Src, to: Label) {
        let (reg, src, imm) = right.parts();
        let insn = Insn { code: class | cond as u8 | reg, dst: left as u8, src, off: 0, imm };
        self.items.push(Item::Jump(insn, Some(cond), to));
    }
}

impl Src {
    /// The bit of the code, the source field and the constant.
    const fn parts(self) -> (u8, u8, i32) {
        match self {
            Self::Reg(reg) => (insn::REG, reg as u8, 0),
            Self::Imm(imm) => (0, 0, imm),
        }
    }
}

impl Item {
    const fn short_len(&self) -> i64 {
        match self {
            Self::Plain(_) | Self::Jump(..) => 1,
            Self::Wide(..) => 2,
        }
    }

    /// The length of a jump that reaches everything.
    const fn long_len(&self) -> Option<i64> {
        match self {
            Self::Jump(_, None, _) => Some(1),
            Self::Jump(_, Some(Cond::Set), _) => Some(3),
            Self::Jump(_, Some(_), _) => Some(2),
            _ => None,
        }
    }
}

/// Where each item starts, and where the last one ends.
fn starts(lengths: &[i64]) -> Vec<i64> {
    let mut next = 0;
    let mut starts: Vec<i64> = lengths
        .iter()
        .map(|len| {
            let start = next;
            next += len;
            start
        })
        .collect();
    starts.push(next);
    starts
}

/// Adds a jump over `distance` slots, counted from its own end. `short` says that it has one slot.
fn write_jump(
    insns: &mut Vec<Insn>,
    insn: Insn,
    cond: Option<Cond>,
    distance: i64,
    short: bool,
) -> Result<(), AsmError> {
    if short
        && is_near(distance)
        && let Ok(off) = i16::try_from(distance)
    {
        insns.push(Insn { off, ..insn });
        return Ok(());
    }
    let imm = i32::try_from(distance).map_err(|_| AsmError::TooFar { distance })?;
    match cond {
        None => {}
        Some(cond) => match cond.inverse() {
            Some(inverse) => {
                let code = insn.code & !(cond as u8) | inverse as u8;
                insns.push(Insn { code, off: 1, ..insn });
            }
            None => {
                insns.push(Insn { off: 1, ..insn });
                insns.push(Insn { code: insn::JMP | insn::JA, off: 1, ..Insn::default() });
            }
        },
    }
    insns.push(Insn { code: insn::JMP32 | insn::JA, imm, ..Insn::default() });
    Ok(())
}

/// Whether a jump may take the short form, whose 16 bits must still do when the kernel has put up
/// to four instructions in the place of one (a division, an access to a context) on its way.
const fn is_near(distance: i64) -> bool {
    distance.unsigned_abs() <= i16::MAX as u64 / 4
}

/// Finished code. Its `Display` is the disassembly, with the comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    insns: Vec<Insn>,
    notes: Vec<(usize, String)>,
}

impl Assembled {
    /// The instructions, one per slot.
    #[must_use]
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The instructions as the kernel takes them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.insns.iter().flat_map(|insn| insn.to_bytes()).collect()
    }

    /// The last comment at or before a slot: what a complaint about that slot is about.
    #[must_use]
    pub fn note(&self, slot: usize) -> Option<&str> {
        let behind = self.notes.partition_point(|&(at, _)| at <= slot);
        self.notes.get(behind.checked_sub(1)?).map(|(_, text)| text.as_str())
    }
}

impl fmt::Display for Assembled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut notes = self.notes.iter().peekable();
        let mut slots = self.insns.iter().enumerate();
        while let Some((at, insn)) = slots.next() {
            while let Some((_, text)) = notes.next_if(|&&(before, _)| before <= at) {
                writeln!(f, "; {text}")?;
            }
            write!(f, "{at:5}: ")?;
            let high = if insn.is_wide() { slots.next().map(|(_, next)| next.imm) } else { None };
            insn.write(f, high)?;
            writeln!(f)?;
        }
        notes.try_for_each(|(_, text)| writeln!(f, "; {text}"))
    }
}

/// Code that cannot be finished: a mistake of its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AsmError {
    /// A jump goes to a label that is nowhere.
    #[error("label {label} is bound nowhere")]
    Unbound {
        /// Which one, in the order of their making.
        label: usize,
    },
    /// A label is in two places.
    #[error("label {label} is bound twice")]
    BoundTwice {
        /// Which one, in the order of their making.
        label: usize,
    },
    /// A jump goes further than any instruction can.
    #[error("a jump over {distance} slots is out of reach")]
    TooFar {
        /// In slots.
        distance: i64,
    },
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::Gpr::*;
    use super::*;

    fn lines(asm: Asm) -> Vec<String> {
        let text = asm.finish().expect("good code").to_string();
        text.lines().map(|line| line.trim_start().to_string()).collect()
    }

    #[test]
    fn the_disassembly_says_what_was_built() {
        let mut asm = Asm::new();
        let end = asm.label();
        asm.comment("all forms");
        asm.load(Size::Dw, R1, R9, 8);
        asm.load(Size::B, R1, R9, -1);
        asm.store(Size::W, R9, 16, R1);
        asm.store(Size::H, R9, 2, 7);
        asm.atomic(Atomic::Add, Size::Dw, R9, 0, R1);
        asm.atomic(Atomic::FetchAdd, Size::Dw, R9, 0, R1);
        asm.atomic(Atomic::Xchg, Size::W, R9, 0, R1);
        asm.atomic(Atomic::CmpXchg, Size::Dw, R9, 0, R1);
        asm.add(R1, 5);
        asm.alu32(Alu::Xor, R1, R2);
        asm.alu(Alu::Arsh, R1, 3);
        asm.neg(R1);
        asm.to_be(R1, Size::H);
        asm.constant(R1, u64::MAX);
        asm.constant(R1, 0xFFFF_FFFF);
        asm.constant(R1, 0x1_0000_0002);
        asm.map(R1, 4);
        asm.map_value(R1, 4, 16);
        asm.btf_variable(R1, 99);
        asm.jump_if(Cond::SLe, R1, R2, end);
        asm.jump_if32(Cond::Set, R1, 3, end);
        asm.call(12);
        asm.call_kfunc(1234);
        asm.jump(end);
        asm.bind(end);
        asm.exit();
        assert_eq!(
            lines(asm),
            [
                "; all forms",
                "0: r1 = *(u64 *)(r9 +8)",
                "1: r1 = *(u8 *)(r9 -1)",
                "2: *(u32 *)(r9 +16) = r1",
                "3: *(u16 *)(r9 +2) = 7",
                "4: lock *(u64 *)(r9 +0) += r1",
                "5: r1 = fetch(*(u64 *)(r9 +0) += r1)",
                "6: r1 = xchg(*(u32 *)(r9 +0), r1)",
                "7: r0 = cmpxchg(*(u64 *)(r9 +0), r0, r1)",
                "8: r1 += 5",
                "9: w1 ^= w2",
                "10: r1 s>>= 3",
                "11: r1 = -r1",
                "12: r1 = be16 r1",
                "13: r1 = -1",
                "14: w1 = -1",
                "15: r1 = 0x100000002 ll",
                "17: r1 = map[fd:4]",
                "19: r1 = map[fd:4][0]+16",
                "21: r1 = &btf[99]",
                "23: if r1 s<= r2 goto +4",
                "24: if w1 & 3 goto +3",
                "25: call #12",
                "26: call kfunc#1234",
                "27: goto +0",
                "28: exit",
            ]
        );
    }

    #[test]
    fn codes_are_those_of_the_instruction_set() {
        let mut asm = Asm::new();
        asm.mov(R1, R2);
        asm.mov(R1, 5);
        asm.load(Size::W, R1, R2, 4);
        asm.store(Size::Dw, R10, -8, R1);
        asm.atomic(Atomic::FetchOr, Size::Dw, R1, 0, R2);
        asm.call_kfunc(7);
        asm.exit();
        let code = asm.finish().expect("good code");
        let words: Vec<u64> =
            code.insns().iter().map(|insn| u64::from_le_bytes(insn.to_bytes())).collect();
        assert_eq!(
            words,
            vec![
                0x0000_0000_0000_21BF,
                0x0000_0005_0000_01B7,
                0x0000_0000_0004_2161,
                0x0000_0000_FFF8_1A7B,
                0x0000_0041_0000_21DB,
                0x0000_0007_0000_2085,
                0x0000_0000_0000_0095,
            ]
        );
    }

    #[test]
    fn far_jumps_take_the_long_form() {
        let mut asm = Asm::new();
        let (start, end) = (asm.here(), asm.label());
        asm.jump_if(Cond::Eq, R1, 0, end);
        asm.jump_if(Cond::Set, R1, 1, end);
        asm.jump(end);
        for _ in 0..40_000 {
            asm.mov(R0, 0);
        }
        asm.jump_if(Cond::Lt, R1, R2, start);
        asm.bind(end);
        asm.exit();
        let lines = lines(asm);
        assert_eq!(
            lines[..7],
            [
                "0: if r1 != 0 goto +1",
                "1: gotol +40006",
                "2: if r1 & 1 goto +1",
                "3: goto +1",
                "4: gotol +40003",
                "5: gotol +40002",
                "6: r0 = 0",
            ]
        );
        assert_eq!(
            lines[40_006..],
            ["40006: if r1 >= r2 goto +1", "40007: gotol -40008", "40008: exit"]
        );
    }

    #[test]
    fn a_jump_that_grows_pushes_others_out_of_reach() {
        let mut asm = Asm::new();
        let end = asm.label();
        // The first just reaches its label, until the second takes two slots.
        asm.jump_if(Cond::Eq, R1, 0, end);
        let far = asm.label();
        asm.jump_if(Cond::Eq, R1, 0, far);
        for _ in 0..8_190 {
            asm.mov(R0, 0);
        }
        asm.bind(end);
        for _ in 0..10 {
            asm.mov(R0, 0);
        }
        asm.bind(far);
        asm.exit();
        let lines = lines(asm);
        assert_eq!(lines[0], "0: if r1 != 0 goto +1");
        assert_eq!(lines[1], "1: gotol +8192");
    }

    #[test]
    fn a_label_is_bound_once() {
        let mut asm = Asm::new();
        let label = asm.label();
        asm.jump(label);
        assert_eq!(asm.clone().finish(), Err(AsmError::Unbound { label: 0 }));
        asm.bind(label);
        asm.bind(label);
        assert_eq!(asm.finish(), Err(AsmError::BoundTwice { label: 0 }));
    }

    #[test]
    fn a_slot_is_known_by_the_comment_before_it() {
        let mut asm = Asm::new();
        asm.exit();
        asm.comment("one");
        asm.constant(R1, 1 << 40);
        asm.comment("two");
        asm.exit();
        let code = asm.finish().expect("good code");
        let notes: Vec<_> = (0..4).map(|slot| code.note(slot)).collect();
        assert_eq!(notes, [None, Some("one"), Some("one"), Some("two")]);
    }
}
