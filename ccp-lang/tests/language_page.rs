//! `docs/language.md` says what is true: its programs compile, its values are those of the machine, and no operator,
//! primitive, limit or lint is missing from it.
//!
//! - A block ```` ```ccp ```` is a program that compiles, with notes at most.
//! - A block ```` ```ccp,values ```` has lines `EXPRESSION → RESULT`. A first line `with NAME = VALUE, …` declares what
//!   they read; names that are built in are set. A result is a number, `true`, `false`, `trap: TEXT` or `error CODE`.
#![cfg(feature = "compiler")]

use std::collections::BTreeSet;

use ccp_lang::syntax::{self, ExprKind, Operator};
use ccp_lang::{
    Call, Compiled, Level, Limits, Lint, Micros, Primitive, Primitives, Registers, Severity,
    Staged, compile,
};

const PAGE: &str = include_str!("../../docs/language.md");

#[test]
fn every_program_of_the_page_compiles() {
    let programs = blocks("ccp");
    assert!(programs.len() >= 5, "{}", programs.len());
    for program in programs {
        let compiled = compile(&program).unwrap_or_else(|wrong| panic!("{program}\n{wrong:#}"));
        let odd = compiled.warnings.iter().find(|one| one.severity > Severity::Note);
        assert!(odd.is_none(), "{program}\n{:#}", compiled.warnings);
    }
}

#[test]
fn every_value_of_the_page_is_the_machines() {
    let mut count = 0;
    for block in blocks("ccp,values") {
        let (inputs, examples) = examples(&block);
        for (expr, expected) in examples {
            assert_eq!(result(&inputs, expr, expected), expected, "{expr} with {inputs:?}");
            count += 1;
        }
    }
    assert!(count >= 60, "{count} examples");
}

#[test]
fn every_operator_has_an_example_with_a_value() {
    let mut shown = BTreeSet::new();
    for block in blocks("ccp,values") {
        for (expr, expected) in examples(&block).1 {
            if !expected.starts_with("error") {
                shown.extend(operators(expr));
            }
        }
    }
    for operator in Operator::ALL {
        assert!(shown.contains(operator), "docs/language.md has no example of `{operator}`");
    }
}

#[test]
fn every_operator_stands_in_the_table_as_it_is() {
    for operator in Operator::ALL {
        let symbol = operator.symbol().replace('|', "\\|");
        let word = match operator.word() {
            word if word == operator.symbol() => String::new(),
            word => format!("`{word}` "),
        };
        let begin = format!("| `{symbol}` | {word}|");
        let row = PAGE.lines().find(|line| line.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("docs/language.md has no row `{begin}`"));
        assert!(row.ends_with(&format!("| {} |", operator.doc())), "{row}");
        let operands = match operator.arity() {
            (least, u32::MAX) => format!("{least} or more"),
            // A bind takes a variable, and the others of that kind different types.
            (_, _) if matches!(operator, Operator::Bind | Operator::If | Operator::NotIf) => {
                continue;
            }
            (most, _) => most.to_string(),
        };
        assert!(row.contains(&format!("| {operands} ")), "{row}");
    }
}

#[test]
fn every_primitive_and_lint_stands_in_its_table_as_it_is() {
    for &primitive in Primitive::ALL {
        let stand_in = primitive.stand_in().map_or(String::new(), |source| format!("`{source}` "));
        let row = format!(
            "| {} | `{}` | {} | {} | {stand_in}|",
            primitive.index(),
            primitive.name(),
            primitive.ty(),
            primitive.doc(),
        );
        assert!(PAGE.lines().any(|line| line == row), "docs/language.md lacks\n{row}");
    }
    for &lint in Lint::ALL {
        let level = match lint.default_level() {
            Level::Deny => "error",
            Level::Warn => "warning",
            Level::Off => "off",
        };
        let row = format!("| `{}` | {level} | {} |", lint.name(), lint.doc());
        assert!(PAGE.lines().any(|line| line == row), "docs/language.md lacks\n{row}");
    }
}

#[test]
fn the_limits_are_those_that_the_compiler_keeps() {
    let Limits { max_instrs, max_events, controls, reports, locals, temps, .. } = Limits::LIBCCP;
    for (what, most) in [
        ("instructions", max_instrs),
        ("events", max_events),
        ("report variables", reports),
        ("control variables", controls),
        ("locals", locals),
        ("temporaries", temps),
    ] {
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| {what}")));
        assert!(row.unwrap().ends_with(&format!("| {most} |")), "{row:?}");
    }
}

/// The texts of the page's blocks that begin with exactly this.
fn blocks(info: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut inside, mut wanted) = (false, false);
    for line in PAGE.lines() {
        if let Some(rest) = line.strip_prefix("```") {
            inside = !inside;
            wanted = inside && rest == info;
            found.extend(wanted.then(String::new));
        } else if let Some(text) = found.last_mut().filter(|_| wanted) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

type Inputs<'t> = Vec<(&'t str, &'t str)>;

/// What a block's examples read, and the examples.
fn examples(block: &str) -> (Inputs<'_>, Vec<(&str, &str)>) {
    let mut inputs = Vec::new();
    let mut examples = Vec::new();
    for line in block.lines() {
        if let Some(given) = line.strip_prefix("with ") {
            inputs.extend(given.split(',').map(|input| halves(input, "=")));
        } else {
            examples.push(halves(line, "→"));
        }
    }
    (inputs, examples)
}

fn halves<'t>(text: &'t str, at: &str) -> (&'t str, &'t str) {
    let (left, right) = text.rsplit_once(at).unwrap_or_else(|| panic!("no `{at}` in `{text}`"));
    (left.trim(), right.trim())
}

fn operators(expr: &str) -> Vec<Operator> {
    let program = format!("(def) (when true {expr})");
    let (tree, _) = syntax::parse(&program);
    let mut open: Vec<_> = tree.events().iter().flat_map(|event| tree.body(event)).collect();
    let mut found = Vec::new();
    while let Some(expr) = open.pop() {
        if let ExprKind::Apply(operator) = expr.kind() {
            found.push(operator);
        }
        open.extend(expr.operands());
    }
    found
}

/// What an expression comes to, in the words of the page.
fn result(inputs: &Inputs<'_>, expr: &str, expected: &str) -> String {
    let declared: String = inputs
        .iter()
        .filter(|(name, _)| Primitive::from_name(name).is_none() && *name != "Cwnd")
        .map(|(name, value)| format!("({name} {value})"))
        .collect();
    let is_bool = matches!(expected, "true" | "false");
    let initial = if is_bool { "false" } else { "0" };
    let program = if expected == "error E0502" {
        // As a whole expression: what is bound to a variable would be right.
        format!("(def {declared}) (when true {expr})")
    } else {
        format!("(def (Report (r {initial})) {declared}) (when true (:= Report.r {expr}) (report))")
    };
    let compiled = match compile(&program) {
        Ok(compiled) => compiled,
        Err(wrong) => {
            let codes: Vec<&str> = wrong
                .iter()
                .filter(|one| one.severity == Severity::Error)
                .map(|one| one.code.as_str())
                .collect();
            return format!("error {}", codes.join(", "));
        }
    };
    let changes = |one: &ccp_lang::Diagnostic| one.lint == Some(Lint::TypeChange);
    let result = run(&compiled, inputs, is_bool);
    let other_type = compiled.warnings.iter().any(changes);
    assert!(!other_type || result.starts_with("trap"), "{expr} has another type");
    result
}

fn run(compiled: &Compiled, inputs: &Inputs<'_>, is_bool: bool) -> String {
    let mut primitives = Primitives::new();
    let mut cwnd = 14_480;
    for (name, value) in inputs {
        if let Some(primitive) = Primitive::from_name(name) {
            primitives.set(primitive, value.parse().unwrap());
        } else if *name == "Cwnd" {
            cwnd = value.parse().unwrap();
        }
    }
    let mut report = None;
    let outcome = compiled.program.invoke(
        &mut Registers::new(Micros(0)),
        Call {
            now: Micros(1),
            primitives: &primitives,
            cwnd,
            rate: 0,
            switched: true,
            staged: &mut Staged::new(),
        },
        |fields| report = Some(fields[0]),
    );
    match (outcome.trap, report) {
        (Some(trap), None) => {
            let said = trap.to_string();
            format!("trap: {}", said.split_once(": ").unwrap().1)
        }
        (None, Some(value)) if is_bool => (value == 1).to_string(),
        (None, Some(value)) => value.to_string(),
        other => panic!("{other:?}"),
    }
}
