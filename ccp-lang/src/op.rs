//! The operations of the instruction set, as one table.
//!
//! The table below feeds the enum, its opcodes, the mnemonics of the printed form, which operands
//! an operation touches, and the documentation. Adding an operation starts here; the compiler then
//! names every place that has to learn about it.

use core::fmt;

/// Which of its three operands an operation touches.
///
/// The wire gives every instruction three registers. What an operation does not touch is still
/// checked by the verifier, and left out by the printer when it equals the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operands {
    /// The old value of the result is an input.
    pub reads_result: bool,
    /// The left register is an input.
    pub reads_left: bool,
    /// The right register is an input.
    pub reads_right: bool,
    /// The result may stay as it is.
    pub conditional: bool,
}

macro_rules! ops {
    ($( $code:literal $name:ident $mnemonic:literal [$($operand:ident)*] $doc:literal )+) => {
        /// An operation; the discriminant is its opcode on the wire.
        ///
        /// All arithmetic is on `u64`. An operation that traps ends the invocation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Op {
            $( #[doc = $doc] $name = $code, )+
        }

        impl Op {
            /// Every operation, in the order of the opcodes.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The operation of an opcode.
            #[must_use]
            pub const fn from_opcode(opcode: u8) -> Option<Self> {
                match opcode {
                    $( $code => Some(Self::$name), )+
                    _ => None,
                }
            }

            /// How the operation is written in the printed form of a program.
            #[must_use]
            pub const fn mnemonic(self) -> &'static str {
                match self {
                    $( Self::$name => $mnemonic, )+
                }
            }

            /// What the operation does, in one line.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $( Self::$name => $doc.trim_ascii(), )+
                }
            }

            /// Which operands the operation touches.
            #[must_use]
            pub const fn operands(self) -> Operands {
                match self {
                    $( Self::$name => const { operands(&[$( stringify!($operand), )*]) }, )+
                }
            }
        }
    };
}

ops! {
    0  Add     "ADD"     [left right]             "result ← left + right; traps when the sum does not fit."
    1  Bind    "BIND"    [right]                  "result ← right."
    2  Def     "DEF"     [right]                  "Declares result (= left) with the initial value right; does nothing when run."
    3  Div     "DIV"     [left right]             "result ← left / right, rounded down; traps when right is 0."
    4  Equiv   "EQUIV"   [left right]             "result ← 1 if left = right, else 0."
    5  Ewma    "EWMA"    [result left right]      "result ← (left·result + (10 − left)·right) / 10, wrapping; right while result is 0."
    6  Gt      "GT"      [left right]             "result ← 1 if left > right, else 0."
    7  If      "IF"      [left right conditional] "result ← right if left is not 0."
    8  Lt      "LT"      [left right]             "result ← 1 if left < right, else 0."
    9  Max     "MAX"     [left right]             "result ← the larger one."
    10 MaxWrap "MAXWRAP" [left right]             "result ← the later of two 32-bit counters that wrap; a 0 loses."
    11 Min     "MIN"     [left right]             "result ← the smaller one."
    12 Mul     "MUL"     [left right]             "result ← left · right; traps when the product does not fit."
    13 NotIf   "NOTIF"   [left right conditional] "result ← right if left is 0."
    14 Sub     "SUB"     [left right]             "result ← left − right; traps when right is larger."
}

impl Op {
    /// The opcode on the wire.
    #[must_use]
    pub const fn opcode(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.mnemonic())
    }
}

/// Reads a row of the table. Runs at compile time only: a name it does not know is no program.
const fn operands(names: &[&str]) -> Operands {
    let mut found =
        Operands { reads_result: false, reads_left: false, reads_right: false, conditional: false };
    let mut at = 0;
    while at < names.len() {
        match names[at].as_bytes() {
            b"result" => found.reads_result = true,
            b"left" => found.reads_left = true,
            b"right" => found.reads_right = true,
            b"conditional" => found.conditional = true,
            _ => panic!("no such operand"),
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_are_those_of_the_wire_and_map_back() {
        for (opcode, &op) in Op::ALL.iter().enumerate() {
            assert_eq!(usize::from(op.opcode()), opcode);
            assert_eq!(Op::from_opcode(op.opcode()), Some(op));
        }
        assert_eq!(Op::ALL.len(), 15);
        assert_eq!(Op::from_opcode(15), None);
    }

    #[test]
    fn the_operands_of_the_odd_ones_are_right() {
        assert!(!Op::Bind.operands().reads_left && Op::Bind.operands().reads_right);
        assert!(Op::Ewma.operands().reads_result && !Op::Add.operands().reads_result);
        assert!(Op::NotIf.operands().conditional && Op::If.operands().conditional);
    }
}
