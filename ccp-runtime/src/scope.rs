//! The names of one installed program, and where its variables are.

use std::sync::Arc;

use ccp_lang::{NameError, Reg};
use ccp_wire::{FieldUpdate, ProgramUid};

use crate::ReportField;

/// The variables of a program, as [`Datapath::set_program`](crate::Datapath::set_program) gives
/// them. Cloning is cheap. The default is the scope of no program: it is empty.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    program_uid: ProgramUid,
    variables: Arc<ccp_lang::Scope>,
}

impl Scope {
    /// The variables of a program that was compiled apart from an agent, under the number it has or
    /// will have; 0 if it has none.
    pub fn new(program_uid: ProgramUid, variables: ccp_lang::Scope) -> Self {
        Self { program_uid, variables: Arc::new(variables) }
    }

    /// The number under which the program is installed; 0 for no program.
    pub fn program_uid(&self) -> ProgramUid {
        self.program_uid
    }

    /// Everything the compiler knows of the program's variables.
    pub fn variables(&self) -> &ccp_lang::Scope {
        &self.variables
    }

    /// Looks up a report variable, such as `Report.acked`, for [`Report::get`](crate::Report::get).
    pub fn field(&self, name: &str) -> Option<ReportField> {
        self.report_field(name).ok()
    }

    /// Looks up what an agent may set, a control variable or `Cwnd` (bytes) or `Rate` (bytes/s),
    /// for [`Datapath::update`](crate::Datapath::update).
    pub fn control(&self, name: &str) -> Option<ControlField> {
        self.variables.settable(name).map(ControlField).ok()
    }

    pub(crate) fn report_field(&self, name: &str) -> Result<ReportField, NameError> {
        let index = self.variables.report_index(name)?;
        Ok(ReportField { program_uid: self.program_uid, index })
    }

    pub(crate) fn set(&self, name: &str, value: u64) -> Result<FieldUpdate, NameError> {
        self.variables.settable(name).map(|reg| ControlField(reg).set_to(value))
    }
}

/// The place of one value that an agent may set, from [`Scope::control`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlField(Reg);

impl ControlField {
    /// The congestion window in bytes, the same in every program.
    pub const CWND: Self = Self(Reg::CWND);
    /// The pacing rate in bytes per second, the same in every program.
    pub const RATE: Self = Self(Reg::RATE);

    pub(crate) fn set_to(self, value: u64) -> FieldUpdate {
        let (class, index) = (self.0.class.code(), self.0.index);
        FieldUpdate { class, index, value }
    }
}
