//! Reports, owned by whoever gets them.

use crate::lang::Scope;
use crate::{
    FieldNotFoundError, InvalidRegTypeError, InvalidReportError, Result, StaleProgramError,
};

/// One report of a flow's program.
#[derive(Debug)]
pub struct Report {
    /// The program that sent it.
    pub program_uid: u32,
    /// The address of the datapath, in print.
    pub from: String,
    pub(crate) fields: Vec<u64>,
}

impl Report {
    /// The value of the report variable `field`, such as `Report.acked`.
    ///
    /// # Errors
    /// In this order: [`StaleProgramError`] when the scope is that of another program,
    /// [`FieldNotFoundError`] or [`InvalidRegTypeError`] when it has no such variable or reports do
    /// not carry it, [`InvalidReportError`] when this report is too short.
    pub fn get_field(&self, field: &str, sc: &Scope) -> Result<u64> {
        if sc.program_uid != self.program_uid {
            return Err(StaleProgramError.into());
        }
        let Some(reg) = sc.register(field) else {
            return Err(FieldNotFoundError.into());
        };
        if !reg.is_report() {
            return Err(InvalidRegTypeError.into());
        }
        let value = self.fields.get(reg.index as usize).copied();
        value.ok_or_else(|| InvalidReportError.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_name_or_the_reason_why_not_is_told() {
        let source = b"(def (Report (volatile acked 0) (rtt 0)) (limit 0)) (when true (report))";
        let (_, mut scope) = crate::lang::compile(source, &[]).unwrap();
        let report = Report { program_uid: 4, from: "\"/tmp/ccp/0\"".into(), fields: vec![1448] };
        let said = |name, scope: &Scope| report.get_field(name, scope).map_err(|error| error.0);
        assert_eq!(said("Report.acked", &scope), Err(StaleProgramError.to_string()));
        scope.program_uid = 4;
        assert_eq!(said("Report.acked", &scope), Ok(1448));
        assert_eq!(said("Report.rtt", &scope), Err(InvalidReportError.to_string()));
        assert_eq!(said("limit", &scope), Err(InvalidRegTypeError.to_string()));
        assert_eq!(said("acked", &scope), Err(FieldNotFoundError.to_string()));
    }
}
