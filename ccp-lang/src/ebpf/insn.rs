//! One eBPF instruction: its eight bytes, and its line of a disassembly.

use core::fmt;

/// An instruction as the kernel takes it. [`Wide`](Insn::is_wide) ones are followed by a second
/// slot with the upper half of their constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Class, operation and the kind of the operands.
    pub code: u8,
    /// The register written, or the base of a store; 4 bits.
    pub dst: u8,
    /// The register read, or a pseudo source; 4 bits.
    pub src: u8,
    /// The offset of a memory access in bytes, or of a jump in slots.
    pub off: i16,
    /// A constant.
    pub imm: i32,
}

impl Insn {
    /// The instruction in the byte order of little-endian machines, the only ones served.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        let [off0, off1] = self.off.to_le_bytes();
        let [imm0, imm1, imm2, imm3] = self.imm.to_le_bytes();
        [self.code, (self.src << 4) | (self.dst & 0xF), off0, off1, imm0, imm1, imm2, imm3]
    }

    /// Reads what [`Insn::to_bytes`] wrote.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        let [code, regs, off0, off1, imm0, imm1, imm2, imm3] = bytes;
        Self {
            code,
            dst: regs & 0xF,
            src: regs >> 4,
            off: i16::from_le_bytes([off0, off1]),
            imm: i32::from_le_bytes([imm0, imm1, imm2, imm3]),
        }
    }

    /// Whether this is the first of two slots that load a constant of 64 bits.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        self.code == LD_IMM64
    }

    /// Writes the line of a disassembly; `high` is the constant of the second slot, if there is
    /// one.
    pub(super) fn write(self, f: &mut fmt::Formatter<'_>, high: Option<i32>) -> fmt::Result {
        let Self { code, dst, src, off, imm } = self;
        match code & CLASS {
            LD if self.is_wide() => write_wide(f, self, high),
            LDX => write!(f, "r{dst} = *({} *)(r{src} {off:+})", size(code)),
            ST => write!(f, "*({} *)(r{dst} {off:+}) = {imm}", size(code)),
            STX if code & MODE == MEM => {
                write!(f, "*({} *)(r{dst} {off:+}) = r{src}", size(code))
            }
            STX if code & MODE == ATOMIC => write_atomic(f, self),
            ALU | ALU64 => write_alu(f, self),
            JMP | JMP32 => write_jump(f, self),
            _ => write!(f, "unknown {code:#04x}"),
        }
    }
}

/// The line of a disassembly. A wide constant shows its lower half only: the upper one is in the
/// next slot.
impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, None)
    }
}

fn write_wide(f: &mut fmt::Formatter<'_>, insn: Insn, high: Option<i32>) -> fmt::Result {
    let Insn { dst, src, imm, .. } = insn;
    let value = u64::from(imm as u32) | u64::from(high.unwrap_or(0) as u32) << 32;
    match src {
        0 => write!(f, "r{dst} = {value:#x} ll"),
        PSEUDO_MAP_FD => write!(f, "r{dst} = map[fd:{imm}]"),
        PSEUDO_MAP_VALUE => write!(f, "r{dst} = map[fd:{imm}][0]+{}", high.unwrap_or(0)),
        PSEUDO_BTF_ID => write!(f, "r{dst} = &btf[{imm}]"),
        _ => write!(f, "r{dst} = pseudo#{src} {value:#x} ll"),
    }
}

fn write_atomic(f: &mut fmt::Formatter<'_>, insn: Insn) -> fmt::Result {
    let Insn { code, dst, src, off, imm } = insn;
    let size = size(code);
    match imm {
        XCHG => return write!(f, "r{src} = xchg(*({size} *)(r{dst} {off:+}), r{src})"),
        CMPXCHG => return write!(f, "r0 = cmpxchg(*({size} *)(r{dst} {off:+}), r0, r{src})"),
        _ => {}
    }
    let op = (imm & !FETCH) as u8;
    if imm & FETCH == 0 {
        return write!(f, "lock *({size} *)(r{dst} {off:+}) {} r{src}", alu_sign(op));
    }
    write!(f, "r{src} = fetch(*({size} *)(r{dst} {off:+}) {} r{src})", alu_sign(op))
}

fn write_alu(f: &mut fmt::Formatter<'_>, insn: Insn) -> fmt::Result {
    let Insn { code, dst, src, imm, .. } = insn;
    let r = if code & CLASS == ALU64 { 'r' } else { 'w' };
    match (code & OP, code & REG != 0) {
        (END, be) if r == 'w' => {
            write!(f, "r{dst} = {}{imm} r{dst}", if be { "be" } else { "le" })
        }
        (END, _) => write!(f, "r{dst} = bswap{imm} r{dst}"),
        (NEG, _) => write!(f, "{r}{dst} = -{r}{dst}"),
        (op, true) => write!(f, "{r}{dst} {} {r}{src}", alu_sign(op)),
        (op, false) => write!(f, "{r}{dst} {} {imm}", alu_sign(op)),
    }
}

fn write_jump(f: &mut fmt::Formatter<'_>, insn: Insn) -> fmt::Result {
    let Insn { code, dst, src, off, imm } = insn;
    let r = if code & CLASS == JMP { 'r' } else { 'w' };
    match (code & OP, r) {
        (JA, 'r') => write!(f, "goto {off:+}"),
        (JA, _) => write!(f, "gotol {imm:+}"),
        (CALL, 'r') if src == PSEUDO_KFUNC => write!(f, "call kfunc#{imm}"),
        (CALL, 'r') if src == 0 => write!(f, "call #{imm}"),
        (EXIT, 'r') => f.write_str("exit"),
        (op, _) => {
            let Some(sign) = jump_sign(op) else {
                return write!(f, "unknown {code:#04x}");
            };
            if code & REG != 0 {
                write!(f, "if {r}{dst} {sign} {r}{src} goto {off:+}")
            } else {
                write!(f, "if {r}{dst} {sign} {imm} goto {off:+}")
            }
        }
    }
}

const fn size(code: u8) -> &'static str {
    match code & SIZE {
        B => "u8",
        H => "u16",
        W => "u32",
        _ => "u64",
    }
}

const fn alu_sign(op: u8) -> &'static str {
    match op {
        0x00 => "+=",
        0x10 => "-=",
        0x20 => "*=",
        0x30 => "/=",
        0x40 => "|=",
        0x50 => "&=",
        0x60 => "<<=",
        0x70 => ">>=",
        0x90 => "%=",
        0xA0 => "^=",
        0xB0 => "=",
        0xC0 => "s>>=",
        _ => "?=",
    }
}

const fn jump_sign(op: u8) -> Option<&'static str> {
    Some(match op {
        0x10 => "==",
        0x20 => ">",
        0x30 => ">=",
        0x40 => "&",
        0x50 => "!=",
        0x60 => "s>",
        0x70 => "s>=",
        0xA0 => "<",
        0xB0 => "<=",
        0xC0 => "s<",
        0xD0 => "s<=",
        _ => return None,
    })
}

// The instruction set (RFC 9669): class, then what the other bits of a code mean in it.
const CLASS: u8 = 0x07;
const LD: u8 = 0x00;
pub(super) const LDX: u8 = 0x01;
pub(super) const ST: u8 = 0x02;
pub(super) const STX: u8 = 0x03;
pub(super) const ALU: u8 = 0x04;
pub(super) const JMP: u8 = 0x05;
pub(super) const JMP32: u8 = 0x06;
pub(super) const ALU64: u8 = 0x07;

pub(super) const LD_IMM64: u8 = 0x18;

const SIZE: u8 = 0x18;
pub(super) const W: u8 = 0x00;
pub(super) const H: u8 = 0x08;
pub(super) const B: u8 = 0x10;
pub(super) const DW: u8 = 0x18;

const MODE: u8 = 0xE0;
pub(super) const MEM: u8 = 0x60;
pub(super) const ATOMIC: u8 = 0xC0;
pub(super) const FETCH: i32 = 0x01;
pub(super) const XCHG: i32 = 0xE1;
pub(super) const CMPXCHG: i32 = 0xF1;

const OP: u8 = 0xF0;
/// The second operand is a register, not a constant.
pub(super) const REG: u8 = 0x08;
pub(super) const NEG: u8 = 0x80;
pub(super) const END: u8 = 0xD0;
pub(super) const JA: u8 = 0x00;
pub(super) const CALL: u8 = 0x80;
pub(super) const EXIT: u8 = 0x90;

// What the source field says where it names no register.
pub(super) const PSEUDO_MAP_FD: u8 = 1;
pub(super) const PSEUDO_MAP_VALUE: u8 = 2;
pub(super) const PSEUDO_BTF_ID: u8 = 3;
pub(super) const PSEUDO_KFUNC: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_survives_its_bytes() {
        let insn = Insn { code: 0x7B, dst: 10, src: 9, off: -8, imm: -2 };
        let bytes = insn.to_bytes();
        assert_eq!(bytes, [0x7B, 0x9A, 0xF8, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF]);
        assert_eq!(Insn::from_bytes(bytes), insn);
    }
}
