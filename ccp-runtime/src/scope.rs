//! The names of one installed program, and where its variables are.

use std::sync::Arc;

use ccp_lang::{FromReport, NameError, Reg};
use ccp_wire::{FieldUpdate, ProgramUid};

use crate::{Fields, ReportField, datapath::Update};

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

    /// Looks up the fields of a struct that [`report!`](crate::report!) declares, for
    /// [`Report::get`](crate::Report::get).
    ///
    /// # Errors
    /// For the first that the program does not report, or not as the type that is wanted.
    pub fn fields<T: FromReport>(&self) -> Result<Fields<T>, NameError> {
        self.report_fields("Report")
    }

    /// Looks up one report variable, such as `Report.acked`, for
    /// [`Report::get`](crate::Report::get).
    ///
    /// # Errors
    /// When the program reports no variable of this name.
    pub fn field(&self, name: &str) -> Result<ReportField, NameError> {
        self.report_fields(name)
    }

    /// Looks up what an agent may set, a control variable or `Cwnd` (bytes) or `Rate` (bytes/s),
    /// for [`Datapath::update`](crate::Datapath::update).
    ///
    /// # Errors
    /// When the program has no variable of this name, or not one that can be set from outside.
    pub fn control(&self, name: &str) -> Result<ControlField, NameError> {
        self.variables.settable(name).map(ControlField)
    }

    fn report_fields<T: FromReport>(&self, name: &str) -> Result<Fields<T>, NameError> {
        let places = T::places(&self.variables, name)?;
        Ok(Fields { program_uid: self.program_uid, places })
    }

    /// What sets these variables, or why one cannot be set.
    pub(crate) fn updates(&self, fields: &[(&str, u64)]) -> impl ExactSizeIterator<Item = Update> {
        fields.iter().map(|&(name, value)| Ok(self.control(name)?.set_to(value)))
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
