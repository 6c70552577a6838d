//! Tells in prose what each event of a program does, and what the program costs at most.

use std::fmt::{self, Write};
use std::process::ExitCode;

use ccp_lang::syntax::{Command, ExprKind, Literal, Operator, parse};
use ccp_lang::{Bounds, Compiler, Opt, Span};

fn main() -> ExitCode {
    for file in std::env::args().skip(1) {
        let told = std::fs::read_to_string(&file).map_err(|error| error.to_string());
        match told.and_then(|source| explain(&source)) {
            Ok(text) => print!("{text}"),
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// The prose, or what is wrong with the program.
pub(crate) fn explain(source: &str) -> Result<String, String> {
    // The plain translation: what is counted is what stands there.
    let compiler = Compiler::new().opt(Opt::None);
    let compiled = compiler.compile(source).map_err(|wrong| wrong.to_string())?;
    let mut text = String::new();
    write(&mut text, source, &Bounds::of(&compiled.program)).map_err(|error| error.to_string())?;
    Ok(text)
}

fn write(text: &mut String, source: &str, bounds: &Bounds) -> fmt::Result {
    let (tree, _) = parse(source);
    for decl in tree.decls() {
        let after = if decl.volatile { ", and anew after each report" } else { "" };
        let purpose = if decl.in_report { "reported" } else { "set by the agent or the program" };
        writeln!(text, "`{}`: {purpose}; {} at first{after}.", tree.name(decl.name), decl.value)?;
    }
    for (number, event) in (1..).zip(tree.events()) {
        match tree.condition(event) {
            Some(e) if e.kind() == ExprKind::Literal(Literal::Bool(true)) => {
                writeln!(text, "{number}. On every ACK:")?;
            }
            Some(e) => writeln!(text, "{number}. When {}:", quote(source, e.span()))?,
            None => continue,
        }
        let mut goes_on = false;
        for expr in tree.body(event) {
            let mut operands = expr.operands();
            match (expr.kind(), operands.next(), operands.next()) {
                (ExprKind::Command(Command::Report), ..) => writeln!(text, "   - reports;")?,
                (ExprKind::Command(Command::Reset), ..) => {
                    writeln!(text, "   - starts the clock anew;")?
                }
                (ExprKind::Command(Command::Fallthrough), ..) => goes_on = true,
                (ExprKind::Apply(Operator::Bind), Some(x), Some(value)) => {
                    let (x, value) = (quote(source, x.span()), quote(source, value.span()));
                    writeln!(text, "   - {x} becomes {value};")?;
                }
                _ => writeln!(text, "   - does {};", quote(source, expr.span()))?,
            }
        }
        let end =
            if goes_on { "the later events are looked at too" } else { "nothing else follows" };
        writeln!(text, "   - {end}.")?;
    }
    let Bounds { instrs_per_ack, instrs, reports, .. } = bounds;
    writeln!(
        text,
        "At most {instrs_per_ack} of {instrs} instructions an ACK; a report has {reports} values."
    )
}

fn quote(source: &str, span: Span) -> String {
    let text = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    format!("`{}`", text.split_whitespace().collect::<Vec<_>>().join(" "))
}
