//! Whatever the input: no panic, no stack overflow; and what compiles computes what was written.
#![cfg(feature = "compiler")]

use std::fmt::Write as _;

use ccp_lang::{
    Call, Compiler, Diagnostics, Limits, Micros, Primitives, Program, Registers, Staged, compile,
    syntax,
};
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Pieces of programs, wrong ones among them.
const PIECES: &[&str] = &[
    "(",
    "(",
    "(",
    "(",
    ")",
    ")",
    ")",
    ")",
    "(def ",
    "(def (x 0)) ",
    "(when ",
    "(when true ",
    "(Report ",
    "(volatile ",
    "volatile",
    "def",
    "when",
    "Report",
    "Report.x",
    "x",
    "y",
    "__z",
    "Cwnd",
    "Micros",
    "Flow.rtt_sample_us",
    "Flow.app_limited",
    "Ack.now",
    "Ack.nope",
    "(report)",
    "(fallthrough)",
    "(reset)",
    "report",
    ":=",
    "(:= ",
    "(:= x ",
    "bind",
    "if",
    "!if",
    "(if ",
    "(ewma ",
    "ewma",
    "+",
    "-",
    "*",
    "/",
    "min",
    "max",
    "wrapped_max",
    ">",
    "<",
    "==",
    ">=",
    "<=",
    "!=",
    "&&",
    "||",
    "!",
    "(! ",
    "true",
    "false",
    "truefoo",
    "+infinity",
    "0",
    "1",
    "42ms",
    "2s",
    "5min",
    "4294967295",
    "18446744073709551615",
    "1073741823",
    "# comment\n",
    "#",
    "\n",
    "\t",
    ";",
    "\"",
    "=",
    "é",
    "→",
    "\u{FFFD}",
];

fn shows(diagnostics: &Diagnostics) {
    let plain = diagnostics.to_string();
    let full = format!("{diagnostics:#}");
    assert!(plain.len() <= full.len() + 200 || diagnostics.is_empty());
}

fn anything_goes(source: &[u8]) {
    let (tree, mistakes) = syntax::parse(source);
    let _ = tree.to_string();
    shows(&mistakes);
    for compiler in [Compiler::new(), Compiler::new().allow_all().available(0x7FFF)] {
        match compiler.compile(source) {
            Ok(compiled) => shows(&compiled.warnings),
            Err(diagnostics) => {
                assert!(diagnostics.has_errors());
                for diagnostic in &diagnostics {
                    assert!(diagnostic.help.is_some(), "what is to be done? {diagnostic}");
                    assert!(diagnostic.span.start <= diagnostic.span.end);
                    assert!(diagnostic.span.end as usize <= source.len());
                    assert!(diagnostic.position.line >= 1 && diagnostic.position.column >= 1);
                }
                shows(&diagnostics);
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_taken(source in prop::collection::vec(any::<u8>(), 0..200)) {
        anything_goes(&source);
    }

    #[test]
    fn any_pieces_are_taken(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
        spaced in any::<bool>(),
    ) {
        anything_goes(pieces.join(if spaced { " " } else { "" }).as_bytes());
    }

    #[test]
    fn a_program_with_a_piece_too_many_is_taken(
        piece in prop::sample::select(PIECES),
        at in 0..=RIGHT.len(),
        cut in 0..8_usize,
    ) {
        let mut source = RIGHT.as_bytes().to_vec();
        let end = (at + cut).min(source.len());
        source.splice(at..end, piece.bytes());
        anything_goes(&source);
    }

    #[test]
    fn expressions_compute_what_they_say(expr in expr(), cwnd in 1..1_000_u64) {
        let mut text = String::new();
        expr.write(&mut text);
        let program = format!("(def (Report (r 0))) (when true (:= Report.r {text}) (report))");
        let compiled = match compile(&program) {
            Ok(compiled) => compiled,
            Err(diagnostics) => {
                // The size of a program is the only thing that may be wrong with these.
                let codes: Vec<_> = diagnostics.iter().map(|d| d.code.as_str()).collect();
                prop_assert_eq!(codes, vec!["E0601"]);
                return Ok(());
            }
        };
        let code = compiled.program.code().clone();
        prop_assert!(Program::verify(code, &Limits::LIBCCP).is_ok());
        prop_assert_eq!(first_field(&compiled.program, cwnd), expr.value(cwnd), "{}", program);

        // With few temporaries the order changes, but not the value.
        let few = Limits { temps: 3, ..Limits::LIBCCP };
        if let Ok(compiled) = Compiler::new().limits(few).compile(&program) {
            prop_assert_eq!(first_field(&compiled.program, cwnd), expr.value(cwnd), "{}", program);
        }
    }
}

/// The first field that the program reports on its first invocation.
fn first_field(program: &Program, cwnd: u64) -> Option<u64> {
    let mut first = None;
    let call = Call {
        now: Micros(1),
        primitives: &Primitives::new(),
        cwnd,
        rate: 0,
        switched: true,
        staged: &mut Staged::new(),
    };
    program.invoke(&mut Registers::new(Micros(0)), call, |fields| first = fields.first().copied());
    first
}

/// A program with a bit of everything.
const RIGHT: &str = "(def (Report (volatile acked 0) (t false)) (x 5ms) (volatile y +infinity))
# what happens
(when (&& (> Micros x) Flow.was_timeout) (:= Report.acked (+ Report.acked Ack.bytes_acked)) (fallthrough))
(when (|| Report.t (>= y 3)) (:= y (if Report.t (ewma 8 y))) (:= z (min y 3 4)) (:= Cwnd (* z 2)) (report) (reset))
";

/// An arithmetic expression with its meaning.
#[derive(Clone, Debug)]
enum Expr {
    Num(u32),
    Cwnd,
    Op(&'static str, Vec<Self>),
}

impl Expr {
    fn write(&self, text: &mut String) {
        match self {
            Self::Num(value) => write!(text, "{value}").unwrap(),
            Self::Cwnd => text.push_str("Cwnd"),
            Self::Op(op, operands) => {
                write!(text, "({op}").unwrap();
                for operand in operands {
                    text.push(' ');
                    operand.write(text);
                }
                text.push(')');
            }
        }
    }

    /// `None` where it traps.
    fn value(&self, cwnd: u64) -> Option<u64> {
        match self {
            Self::Num(value) => Some(u64::from(*value)),
            Self::Cwnd => Some(cwnd),
            Self::Op(op, operands) => {
                let values: Option<Vec<u64>> =
                    operands.iter().map(|operand| operand.value(cwnd)).collect();
                values?.into_iter().map(Some).reduce(|a, b| apply(op, a?, b?)).flatten()
            }
        }
    }
}

fn apply(op: &str, a: u64, b: u64) -> Option<u64> {
    match op {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => a.checked_div(b),
        "min" => Some(a.min(b)),
        _ => Some(a.max(b)),
    }
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![(0..100_u32).prop_map(Expr::Num), Just(Expr::Cwnd)];
    leaf.prop_recursive(24, 160, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            3 => (prop::sample::select(&["+", "*", "min", "max"][..]), several).prop_map(|(op, v)| Expr::Op(op, v)),
            1 => (prop::sample::select(&["-", "/"][..]), inner.clone(), inner).prop_map(|(op, a, b)| Expr::Op(op, vec![a, b])),
        ]
    })
}

#[test]
fn no_depth_of_nesting_overflows_the_stack() {
    for (open, inner, close) in [
        ("(+ 1 ", "1", ")"),
        ("(", "", ")"),
        ("(:= x ", "1", ")"),
        ("(+ (if ", "1", ")"),
        ("(when ", "", ""),
    ] {
        let (opens, closes) = (open.repeat(20_000), close.repeat(20_000));
        anything_goes(opens.as_bytes());
        anything_goes(closes.as_bytes());
        anything_goes(
            format!("(def (Report (r 0)) (x 0)) (when true (:= Report.r {opens}{inner}{closes}))")
                .as_bytes(),
        );
    }
}

#[test]
fn the_work_grows_with_the_source_and_no_faster() {
    // Quadratic look-ups would take minutes for these.
    let mut names = String::from("(def (Report (r 0)))\n(when true\n");
    for n in 0..20_000 {
        writeln!(names, "(:= Report.r (+ name{n} Report.name{n}))").unwrap();
    }
    anything_goes(names.as_bytes());
    let decls: String = (0..20_000).map(|n| format!("(v{n} {n})\n")).collect();
    anything_goes(format!("(def {decls}) (when true (:= v1 v2))").as_bytes());
    anything_goes("(when true (x".repeat(20_000).as_bytes());
    anything_goes(")(".repeat(20_000).as_bytes());
    anything_goes("; = \" é".repeat(20_000).as_bytes());
}
