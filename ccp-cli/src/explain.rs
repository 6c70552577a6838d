//! `ccp explain`: the rule behind a diagnostic's code.

use std::io::Write;

use ccp_lang::{Compiled, DiagCode, Lint};

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
    if let Some(example) = code.example() {
        let only = example.only.map(|only| format!(", {only}")).unwrap_or_default();
        writeln!(out, "\nWrong{only}:\n")?;
        indent(&mut out, &String::from_utf8_lossy(&example.wrong))?;
        let result = example.compiler.compile(&example.wrong);
        let (Ok(Compiled { warnings: said, .. }) | Err(said)) = &result;
        if let Some(said) = said.iter().find(|said| said.code == code) {
            writeln!(out)?;
            indent(&mut out, &said.to_string())?;
        }
        writeln!(out, "\nRight:\n")?;
        indent(&mut out, example.right)?;
    }
    if let Some(lint) = Lint::ALL.iter().find(|lint| lint.code() == code) {
        let name = lint.name();
        writeln!(
            out,
            "\n`--allow {name}` and `--deny {name}` set what becomes of it, and so do comments: \
             `# allow({name})`\nor `# deny({name})` before the program, on a line of their own for what \
             begins next, or behind\ncode for that line."
        )?;
    }
    Ok(out.flush()?)
}

/// The first lines of a text, and how many there are more.
fn indent(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    let lines = text.lines().count();
    let shown = if lines > MOST_LINES { MOST_LINES - 2 } else { lines };
    for line in text.lines().take(shown) {
        writeln!(out, "    {line}")?;
    }
    if lines > shown {
        writeln!(out, "    … and {} lines more", lines - shown)?;
    }
    Ok(())
}

const MOST_LINES: usize = 12;
