//! `ccp explain`: the rule behind a diagnostic's code.

use std::io::Write;

use ccp_lang::{DiagCode, Lint};

use crate::Failure;

/// Explains one code, or lists all.
pub(crate) fn explain(wanted: Option<&str>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let Some(wanted) = wanted else {
        for code in DiagCode::ALL {
            writeln!(out, "{}\t{}", code.as_str(), code.title())?;
        }
        return Ok(out.flush()?);
    };
    let by_code = |code: &&DiagCode| code.as_str().eq_ignore_ascii_case(wanted);
    let code = DiagCode::ALL.iter().find(by_code).copied();
    let lint: Option<Lint> = wanted.parse().ok();
    let Some(code) = code.or_else(|| lint.map(Lint::code)) else {
        return Err(Failure::Usage(format!(
            "there is no code or lint '{wanted}'; `ccp explain` lists all"
        )));
    };
    writeln!(out, "{}: {}\n\n{}", code.as_str(), code.title(), code.explain())?;
    Ok(out.flush()?)
}
