//! A program as its instructions: the wire's 16-byte records and the printed form.
//!
//! Nothing here is checked beyond what a record can hold:
//! [`Program::verify`](crate::Program::verify) decides whether a program may run.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use thiserror::Error;

use crate::op::Op;
use crate::reg::{Class, Reg};

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instr {
    /// What is done.
    pub op: Op,
    /// Where the result goes.
    pub result: Reg,
    /// The first operand.
    pub left: Reg,
    /// The second operand.
    pub right: Reg,
}

impl Instr {
    /// `op result ← left, right`.
    #[must_use]
    pub const fn new(op: Op, result: Reg, left: Reg, right: Reg) -> Self {
        Self { op, result, left, right }
    }

    /// `result ← right`, with the left register that the wire wants.
    #[must_use]
    pub const fn bind(result: Reg, right: Reg) -> Self {
        Self::new(Op::Bind, result, result, right)
    }

    /// Declares `variable` with an initial value.
    #[must_use]
    pub const fn def(variable: Reg, initial: u32) -> Self {
        Self::new(Op::Def, variable, variable, Reg::immediate(initial))
    }

    /// The wire's record.
    #[must_use]
    pub fn to_record(self) -> Record {
        let mut record = [0; RECORD_LEN];
        record[0] = self.op.opcode();
        for (at, reg) in [(1, self.result), (6, self.left), (11, self.right)] {
            record[at] = reg.class.code();
            record[at + 1..at + 5].copy_from_slice(&reg.index.to_le_bytes());
        }
        record
    }

    /// Reads a record, which is instruction `at` of its program.
    ///
    /// # Errors
    /// An opcode or a register class that does not exist.
    pub fn from_record(record: &Record, at: u32) -> Result<Self, RecordError> {
        let &[opcode, c0, r0, r1, r2, r3, c1, l0, l1, l2, l3, c2, s0, s1, s2, s3] = record;
        let reg = |operand, class, index| match Class::from_code(class) {
            Some(class) => Ok(Reg::new(class, u32::from_le_bytes(index))),
            None => Err(RecordError::UnknownClass { at, operand, class }),
        };
        let op = Op::from_opcode(opcode).ok_or(RecordError::UnknownOpcode { at, opcode })?;
        Ok(Self {
            op,
            result: reg(Operand::Result, c0, [r0, r1, r2, r3])?,
            left: reg(Operand::Left, c1, [l0, l1, l2, l3])?,
            right: reg(Operand::Right, c2, [s0, s1, s2, s3])?,
        })
    }
}

/// `ADD     tmp.0, vreport.0, Ack.bytes_acked`. A left operand that the operation ignores is left
/// out when it equals the result, as compilers emit it.
impl fmt::Display for Instr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<7} {}, ", self.op, self.result)?;
        if self.op.operands().reads_left || self.left != self.result {
            write!(f, "{}, ", self.left)?;
        }
        write!(f, "{}", self.right)
    }
}

/// One event: ranges in the program's instructions, declarations counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The first instruction of the condition.
    pub flag_idx: u32,
    /// How many instructions the condition has.
    pub num_flag_instrs: u32,
    /// The first instruction of the body.
    pub body_idx: u32,
    /// How many instructions the body has.
    pub num_body_instrs: u32,
}

impl Event {
    /// The condition's instructions. Ends are saturated; an unverified range may lie anywhere.
    #[must_use]
    pub const fn flag(&self) -> Range<u32> {
        self.flag_idx..self.flag_idx.saturating_add(self.num_flag_instrs)
    }

    /// The body's instructions. Ends are saturated; an unverified range may lie anywhere.
    #[must_use]
    pub const fn body(&self) -> Range<u32> {
        self.body_idx..self.body_idx.saturating_add(self.num_body_instrs)
    }

    /// The wire's record.
    #[must_use]
    pub fn to_record(self) -> Record {
        let mut record = [0; RECORD_LEN];
        let words = [self.flag_idx, self.num_flag_instrs, self.body_idx, self.num_body_instrs];
        for (to, word) in record.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        record
    }

    /// Reads a record; every record is an event.
    #[must_use]
    pub fn from_record(record: &Record) -> Self {
        let &[a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3] = record;
        Self {
            flag_idx: u32::from_le_bytes([a0, a1, a2, a3]),
            num_flag_instrs: u32::from_le_bytes([b0, b1, b2, b3]),
            body_idx: u32::from_le_bytes([c0, c1, c2, c3]),
            num_body_instrs: u32::from_le_bytes([d0, d1, d2, d3]),
        }
    }
}

/// A program that has not been verified.
///
/// Its `Display` is the printed form: each instruction with its index, and each event as a line
/// with its two ranges before the first instruction of its condition. Parsing reads it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Code {
    /// The events, in the order of their evaluation.
    pub events: Vec<Event>,
    /// All declarations, then what the events run.
    pub instrs: Vec<Instr>,
}

impl Code {
    /// The wire's records of this program.
    #[must_use]
    pub fn to_records(&self) -> Records {
        Records {
            events: self.events.iter().map(|e| e.to_record()).collect(),
            instrs: self.instrs.iter().map(|i| i.to_record()).collect(),
        }
    }

    /// Reads a program from the records of an Install.
    ///
    /// # Errors
    /// A record with an opcode or a register class that does not exist.
    pub fn from_records(events: &[Record], instrs: &[Record]) -> Result<Self, RecordError> {
        let instrs = (0..)
            .zip(instrs)
            .map(|(at, record)| Instr::from_record(record, at))
            .collect::<Result<_, _>>()?;
        Ok(Self { events: events.iter().map(Event::from_record).collect(), instrs })
    }

    /// One block of bytes: the number of events and of instructions (u32, little-endian each), then
    /// the records. It is what follows the program's number in an Install message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A program too large for its counts cannot be read back; the verifier takes none.
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
        let records = self.events.len() + self.instrs.len();
        let mut bytes = Vec::with_capacity(8 + RECORD_LEN * records);
        bytes.extend_from_slice(&count(self.events.len()));
        bytes.extend_from_slice(&count(self.instrs.len()));
        for event in &self.events {
            bytes.extend_from_slice(&event.to_record());
        }
        for instr in &self.instrs {
            bytes.extend_from_slice(&instr.to_record());
        }
        bytes
    }

    /// Reads what [`Code::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes whose length is not the one their counts ask for, or a bad record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let wrong = |want| RecordError::Length { want, have: bytes.len() };
        let Some((&[e0, e1, e2, e3, i0, i1, i2, i3], body)) = bytes.split_first_chunk::<8>() else {
            return Err(wrong(8));
        };
        let events = u64::from(u32::from_le_bytes([e0, e1, e2, e3]));
        let instrs = u64::from(u32::from_le_bytes([i0, i1, i2, i3]));
        let want = 8 + RECORD_LEN as u64 * (events + instrs);
        let (records, rest) = body.as_chunks::<RECORD_LEN>();
        let split = usize::try_from(events).unwrap_or(usize::MAX);
        match records.split_at_checked(split) {
            Some((events, rest_records))
                if rest.is_empty() && rest_records.len() as u64 == instrs =>
            {
                Self::from_records(events, rest_records)
            }
            _ => Err(wrong(want)),
        }
    }

    /// How many declarations the program begins with.
    #[must_use]
    pub fn defs(&self) -> usize {
        self.instrs.iter().take_while(|i| i.op == Op::Def).count()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut events = self.events.iter().enumerate().peekable();
        for (at, instr) in (0_u32..).zip(&self.instrs) {
            while let Some((number, event)) = events.next_if(|(_, e)| e.flag_idx <= at) {
                write_event(f, number, event)?;
            }
            writeln!(f, "{at:>4}  {instr}")?;
        }
        events.try_for_each(|(number, event)| write_event(f, number, event))
    }
}

fn write_event(f: &mut fmt::Formatter<'_>, number: usize, event: &Event) -> fmt::Result {
    let Event { flag_idx, num_flag_instrs, body_idx, num_body_instrs } = *event;
    // An unverified range may end where no index reaches; it is printed as it is all the same.
    let end = |start: u32, len: u32| u64::from(start) + u64::from(len);
    writeln!(
        f,
        "event {number}: flag {flag_idx}..{}, body {body_idx}..{}",
        end(flag_idx, num_flag_instrs),
        end(body_idx, num_body_instrs)
    )
}

/// One event or instruction on the wire.
pub type Record = [u8; RECORD_LEN];

/// How long a record is, in bytes.
pub const RECORD_LEN: usize = 16;

/// A program as the records of an Install.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The events.
    pub events: Vec<Record>,
    /// The instructions.
    pub instrs: Vec<Record>,
}

/// One of an instruction's three operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// Where the result goes.
    Result,
    /// The first operand.
    Left,
    /// The second operand.
    Right,
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Result => "result",
            Self::Left => "left",
            Self::Right => "right",
        })
    }
}

/// Why records are no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// An opcode that does not exist.
    #[error("instruction {at}: unknown opcode {opcode}")]
    UnknownOpcode {
        /// Which instruction.
        at: u32,
        /// The opcode found.
        opcode: u8,
    },
    /// A register class that does not exist.
    #[error("instruction {at}: unknown register class {class} of the {operand} operand")]
    UnknownClass {
        /// Which instruction.
        at: u32,
        /// Which of its operands.
        operand: Operand,
        /// The class found.
        class: u8,
    },
    /// A block of bytes that is not as long as its counts say.
    #[error("a program of {want} bytes cannot be in {have}")]
    Length {
        /// How long the counts (or their own 8 bytes) ask it to be.
        want: u64,
        /// How long it is.
        have: usize,
    },
}
