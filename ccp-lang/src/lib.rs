#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod asm;
mod bounds;
#[cfg(feature = "compiler")]
mod check;
mod code;
#[cfg(feature = "compiler")]
mod compile;
#[cfg(feature = "compiler")]
mod diag;
#[cfg(feature = "ebpf")]
pub mod ebpf;
#[cfg(feature = "compiler")]
pub mod fmt;
#[cfg(feature = "compiler")]
mod from_report;
#[cfg(feature = "compiler")]
pub mod ir;
mod limits;
#[cfg(feature = "compiler")]
mod lint;
#[cfg(feature = "compiler")]
mod lower;
mod machine;
mod micros;
mod op;
#[cfg(feature = "compiler")]
mod opt;
#[cfg(feature = "compiler")]
mod portable;
mod primitive;
#[cfg(any(feature = "compiler", feature = "ebpf"))]
mod range;
mod reg;
#[cfg(feature = "compiler")]
mod scope;
#[cfg(feature = "compiler")]
pub mod syntax;
mod table;
pub mod verify;

pub use asm::{AsmError, AsmMistake};
pub use bounds::Bounds;
pub use code::{Code, Event, Instr, Operand, RECORD_LEN, Record, RecordError, Records};
#[cfg(feature = "compiler")]
pub use compile::{Compiled, Compiler, compile};
#[cfg(feature = "compiler")]
pub use diag::{
    DiagCode, Diagnostic, Diagnostics, Example, Label, LineIndex, Position, Severity, Span,
};
#[cfg(feature = "compiler")]
pub use from_report::{__place, FromReport};
pub use limits::Limits;
#[cfg(feature = "compiler")]
pub use lint::{Level, Lint, UnknownLint};
pub use machine::{
    Call, NotSettable, Observed, Outcome, Program, ProgramError, Registers, Staged, Trap, TrapKind,
};
pub use micros::Micros;
pub use op::{Op, Operands};
#[cfg(feature = "compiler")]
pub use opt::{Opt, Pass};
#[cfg(feature = "compiler")]
pub use portable::{Abilities, Forms, Library, Misfit, Portable};
pub use primitive::{Primitive, Primitives, Type};
pub use reg::{Class, DEF_INFINITY, INFINITY, Reg};
#[cfg(feature = "compiler")]
pub use scope::{Kind, NameError, Scope, Variable};
pub use table::{PrimitiveDef, PrimitiveSet, PrimitiveTable, TableError};
pub use verify::{EventPart, VerifyError};
