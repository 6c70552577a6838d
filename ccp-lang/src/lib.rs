#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod code;
mod limits;
mod machine;
mod micros;
mod op;
mod primitive;
mod reg;
mod verify;

pub use code::{Code, Event, Instr, Operand, RECORD_LEN, Record, RecordError, Records};
pub use limits::Limits;
pub use machine::{
    Call, NotSettable, Outcome, Program, ProgramError, Registers, Staged, Trap, TrapKind,
};
pub use micros::Micros;
pub use op::{Op, Operands};
pub use primitive::{Primitive, Primitives, Type};
pub use reg::{Class, DEF_INFINITY, INFINITY, Reg};
pub use verify::{EventPart, VerifyError};
