//! Compiled programs.

use ccp_lang::{Code, DEF_INFINITY, Event, Instr, Op, RECORD_LEN};

use super::{Error, Result};

/// A compiled program: its events and instructions are those of `ccp-lang`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// The events, in the order of their evaluation.
    pub events: Vec<Event>,
    /// All declarations, then what the events run.
    pub instrs: Vec<Instr>,
}

impl Bin {
    /// The records of an Install message: the events, then the instructions, 16 bytes each.
    ///
    /// # Errors
    /// None: the shape is portus's.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(RECORD_LEN * (self.events.len() + self.instrs.len()));
        for event in &self.events {
            bytes.extend_from_slice(&event.to_record());
        }
        for instr in &self.instrs {
            bytes.extend_from_slice(&instr.to_record());
        }
        Ok(bytes)
    }

    /// Replaces the initial value of a declared variable.
    pub(super) fn start_with(&mut self, variable: ccp_lang::Reg, value: u32) -> Result<()> {
        if value == DEF_INFINITY {
            return Err(Error(format!(
                "{value} cannot be an initial value: datapaths take it for infinity"
            )));
        }
        let is_declaration = |instr: &&mut Instr| instr.op == Op::Def && instr.result == variable;
        if let Some(declaration) = self.instrs.iter_mut().find(is_declaration) {
            *declaration = Instr::def(variable, value);
        }
        Ok(())
    }
}

impl From<Code> for Bin {
    fn from(code: Code) -> Self {
        let Code { events, instrs } = code;
        Self { events, instrs }
    }
}

impl IntoIterator for Bin {
    type Item = Instr;
    type IntoIter = std::vec::IntoIter<Instr>;

    fn into_iter(self) -> Self::IntoIter {
        self.instrs.into_iter()
    }
}
