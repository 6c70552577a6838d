//! A verified program and one invocation of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use super::decode::{self, Decoded};
use super::dense::{self, Op};
use super::file::{self, Registers};
use super::outcome::{Call, Outcome};
use crate::code::{Code, Record, RecordError};
use crate::limits::Limits;
use crate::reg::Reg;
use crate::verify::{self, VerifyError};

/// A verified program, ready to run. Its `Display` is the printed form of its code.
#[derive(Clone, Debug)]
pub struct Program {
    code: Code,
    decoded: Box<Decoded>,
    ops: Box<[Op]>,
}

impl Program {
    /// Verifies a program and decodes it.
    ///
    /// # Errors
    /// The first breach of the [rules](crate::verify).
    pub fn verify(code: Code, limits: &Limits) -> Result<Self, VerifyError> {
        verify::verify(&code, &limits.min(Limits::MACHINE))?;
        let mut decoded = Box::new(decode::decode(&code));
        // The back end makes them again, the machine needs them no more.
        let steps = core::mem::take(&mut decoded.steps);
        let ops = dense::dense(&steps).into_boxed_slice();
        Ok(Self { code, decoded, ops })
    }

    /// Reads and verifies a program from the records of an Install.
    ///
    /// # Errors
    /// Records that are no instructions, or a program that breaks a rule.
    pub fn from_records(
        events: &[Record],
        instrs: &[Record],
        limits: &Limits,
    ) -> Result<Self, ProgramError> {
        Ok(Self::verify(Code::from_records(events, instrs)?, limits)?)
    }

    /// Reads and verifies what [`Program::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes that are no program, or a program that breaks a rule.
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self, ProgramError> {
        Ok(Self::verify(Code::from_bytes(bytes)?, limits)?)
    }

    /// The program as one block of bytes; see [`Code::to_bytes`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.code.to_bytes()
    }

    /// The instructions and events.
    #[must_use]
    pub const fn code(&self) -> &Code {
        &self.code
    }

    /// How many registers a report has.
    #[must_use]
    pub fn report_len(&self) -> usize {
        self.decoded.report_len
    }

    /// The primitives that the program reads, as a mask of bits by index.
    #[must_use]
    pub fn primitives(&self) -> u64 {
        self.decoded.primitives
    }

    /// The program as its steps.
    #[cfg(feature = "ebpf")]
    pub(crate) fn decoded(&self) -> Decoded {
        decode::decode(&self.code)
    }

    /// Whether a message can set a register: control registers, Cwnd and Rate.
    #[must_use]
    pub fn is_settable(reg: Reg) -> bool {
        reg.is_settable()
    }

    /// Runs the program once.
    ///
    /// In this order: the window and rate in use are loaded; if `call.switched`, every declared
    /// register gets its initial value and Micros is 0; staged values are taken, a window or rate
    /// among them goes to the transport at once where it is not 0; eventFlag, shouldContinue and
    /// shouldReport are cleared and Micros is fixed; the events run; Cwnd and Rate go to the
    /// transport where they are not 0; if shouldReport is set, `report` is called with all report
    /// registers, and after that the volatile ones get their initial values.
    ///
    /// A trap ends the program at once: neither the program's window and rate nor its report
    /// leave it, all else that it wrote stays.
    pub fn invoke(
        &self,
        regs: &mut Registers,
        call: Call<'_>,
        report: impl FnOnce(&[u64]),
    ) -> Outcome {
        self.begin(regs, &call);
        let outcome = self.prepare(regs, call);
        if let Some(trap) = dense::run(&self.ops, &mut regs.file) {
            return Outcome { trap: Some(trap), ..outcome };
        }
        self.finish(regs, outcome, report)
    }

    /// What comes before the staged values.
    #[inline(always)]
    pub(super) fn begin(&self, regs: &mut Registers, call: &Call<'_>) {
        // Should time go back, it stands still, so that Micros never wraps.
        let now = call.now.0.max(regs.file.get(file::NOW));
        regs.file.set(file::NOW, now);
        regs.file.set(file::CWND, call.cwnd);
        regs.file.set(file::RATE, call.rate);
        if call.switched {
            for &(slot, value) in &self.decoded.initial {
                regs.file.set(slot, u64::from(value));
            }
            regs.file.set(file::ZERO, now);
        }
    }

    /// From the staged values to the first event.
    #[inline(always)]
    pub(super) fn prepare(&self, regs: &mut Registers, call: Call<'_>) -> Outcome {
        let outcome =
            if call.staged.is_empty() { Outcome::default() } else { call.staged.apply(regs) };

        let file = &mut regs.file;
        file.set(file::EVENT_FLAG, 0);
        file.set(file::SHOULD_CONTINUE, 0);
        file.set(file::SHOULD_REPORT, 0);
        // Wrapping: a program may have set Micros to more than the time that has passed.
        file.set(file::MICROS, file.get(file::NOW).wrapping_sub(file.get(file::ZERO)));
        file.load(call.primitives, &self.decoded.loads, call.now);
        outcome
    }

    /// What comes after the last event.
    #[inline(always)]
    pub(super) fn finish(
        &self,
        regs: &mut Registers,
        mut outcome: Outcome,
        report: impl FnOnce(&[u64]),
    ) -> Outcome {
        let file = &mut regs.file;
        let (cwnd, rate) = (file.get(file::CWND), file.get(file::RATE));
        if cwnd != 0 {
            outcome.cwnd = Some(cwnd);
        }
        if rate != 0 {
            outcome.rate = Some(rate);
        }
        if file.get(file::SHOULD_REPORT) != 0 {
            outcome.reported = true;
            report(file.reports(self.decoded.report_len));
            for &(slot, value) in &self.decoded.volatile {
                file.set(slot, u64::from(value));
            }
        }
        outcome
    }
}

/// Programs are equal when their code is.
impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Program {}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

/// Why bytes or records are no program that may run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// They are no instructions.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The program breaks a rule.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}
