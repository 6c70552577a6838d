//! Everything of the language has a file: what is added without one fails here.

use std::collections::BTreeSet;
use std::fs;

use ccp_lang::syntax::{Command, Operator};
use ccp_lang::{DiagCode, Lint, Op, Primitive, TrapKind};

use crate::format::{self, File, Line};

/// What all files together show.
#[derive(Default)]
struct Shown {
    /// The words behind `(` in programs that run.
    heads: BTreeSet<String>,
    /// The other words in programs that run.
    words: BTreeSet<String>,
    /// What stands in `[…]` of diagnostics.
    codes: BTreeSet<String>,
    /// Traps in rows.
    traps: BTreeSet<String>,
    /// Operations in printed programs.
    ops: BTreeSet<String>,
}

impl Shown {
    fn all() -> Self {
        let mut shown = Self::default();
        for path in format::walk(&crate::folder()) {
            let bytes = fs::read(&path).expect("a file");
            if let Ok(file) = File::parse(&bytes) {
                shown.add(&file, &String::from_utf8_lossy(&bytes));
            }
        }
        shown
    }

    fn add(&mut self, file: &File<'_>, text: &str) {
        for line in text.lines() {
            if let Some((_, rest)) = line.strip_prefix("#~").and_then(|l| l.split_once('[')) {
                self.codes.extend(rest.split(']').next().map(str::to_owned));
            }
            if let Some((_, trap)) = line.strip_prefix("#=").and_then(|l| l.split_once("trap=")) {
                self.traps.insert(trap.to_owned());
            }
            if let Some(printed) = line.strip_prefix("#|") {
                self.ops.extend(printed.split_whitespace().nth(1).map(str::to_owned));
            }
        }
        if file.runs().is_empty() {
            return;
        }
        for line in &file.lines {
            let Line::Source(line) = line else { continue };
            let line = String::from_utf8_lossy(line);
            let code = line.split('#').next().unwrap_or_default();
            for word in code.replace('(', " (").replace(')', " ) ").split_whitespace() {
                match word.strip_prefix('(') {
                    Some(head) => self.heads.insert(head.to_owned()),
                    None => self.words.insert(word.to_owned()),
                };
            }
        }
    }
}

#[test]
fn every_diagnostic_has_a_file() {
    let shown = Shown::all();
    for code in DiagCode::ALL {
        let why_not = WITHOUT_FILE.iter().find(|(without, _)| without == code);
        let is_shown = shown.codes.contains(code.as_str());
        assert!(is_shown != why_not.is_some(), "{code} ({}): {why_not:?}", code.title());
    }
    for lint in Lint::ALL {
        assert!(shown.codes.contains(lint.code().as_str()), "no file shows the lint {lint}");
    }
}

#[test]
fn every_operator_and_command_runs_in_a_file_in_both_spellings() {
    let shown = Shown::all();
    for operator in Operator::ALL {
        for spelling in [operator.symbol(), operator.word()] {
            assert!(shown.heads.contains(spelling), "no file runs `({spelling} …)`");
        }
    }
    for command in Command::ALL {
        assert!(shown.heads.contains(command.word()), "no file runs {command}");
    }
}

#[test]
fn every_primitive_is_read_in_a_file() {
    let shown = Shown::all();
    for primitive in Primitive::ALL {
        assert!(shown.words.contains(primitive.name()), "no file reads {primitive}");
    }
}

#[test]
fn every_trap_happens_in_a_file() {
    let shown = Shown::all();
    for trap in TrapKind::ALL {
        assert!(shown.traps.contains(&format!("{trap:?}")), "no file shows {trap:?}");
    }
}

#[test]
fn every_operation_is_printed_in_a_file() {
    let shown = Shown::all();
    for op in Op::ALL {
        assert!(shown.ops.contains(op.mnemonic()), "no file prints {op}");
    }
}

/// Codes that no file can show, and why.
const WITHOUT_FILE: &[(DiagCode, &str)] = &[
    (DiagCode::SourceTooLong, "16 MiB are too much for a file; a test of the stages makes one"),
    (DiagCode::Internal, "a mistake of the compiler, which none is known to provoke"),
];
