//! The stages of the compiler one by one, and its settings.
#![cfg(feature = "compiler")]

use std::fmt::Write as _;

use ccp_lang::syntax::{self, ExprKind, Literal, Operator};
use ccp_lang::{
    Compiler, DiagCode, Diagnostics, Kind, Level, Limits, Lint, Op, Opt, Severity, Type, compile,
};

const PROGRAM: &str = "(def (x 5ms) (Report (volatile acked 0)))
(when (> Micros x)
    (:= Report.acked (+ Report.acked Ack.bytes_acked 1))
    (report))
";

fn codes(diagnostics: &Diagnostics) -> Vec<&'static str> {
    diagnostics.iter().map(|d| d.code.as_str()).collect()
}

fn refused(program: &str) -> Vec<&'static str> {
    codes(&plain().compile(program).unwrap_err())
}

/// Limits are told of programs as they are written.
fn plain() -> Compiler {
    Compiler::new().opt(Opt::None)
}

#[test]
fn the_tree_has_a_span_for_every_part() {
    let (tree, mistakes) = syntax::parse(PROGRAM);
    assert!(mistakes.is_empty());
    let text = |span: ccp_lang::Span| &PROGRAM[span.range()];

    let [x, acked] = tree.decls() else { panic!("two declarations") };
    assert_eq!((tree.name(x.name), text(x.name_span), text(x.value_span)), ("x", "x", "5ms"));
    assert_eq!(x.value, Literal::Num(5_000));
    assert_eq!((tree.name(acked.name), text(acked.span)), ("Report.acked", "(volatile acked 0)"));
    assert!(acked.volatile && acked.in_report && !x.in_report);

    let [event] = tree.events() else { panic!("one event") };
    let condition = tree.condition(event).unwrap();
    assert_eq!(condition.kind(), ExprKind::Apply(Operator::Gt));
    assert_eq!((text(condition.span()), text(condition.head())), ("(> Micros x)", ">"));
    let body: Vec<_> = tree.body(event).collect();
    assert_eq!(
        body.iter().map(|expr| text(expr.span())).collect::<Vec<_>>(),
        ["(:= Report.acked (+ Report.acked Ack.bytes_acked 1))", "(report)",]
    );
    let sum = body[0].operands().nth(1).unwrap();
    let operands: Vec<_> = sum.operands().map(|expr| text(expr.span())).collect();
    assert_eq!(operands, ["Report.acked", "Ack.bytes_acked", "1"]);
}

#[test]
fn a_printed_tree_is_the_same_program() {
    let (tree, _) = syntax::parse(PROGRAM);
    let printed = tree.to_string();
    let (again, mistakes) = syntax::parse(&printed);
    assert!(mistakes.is_empty());
    assert_eq!(again.to_string(), printed);
    assert_eq!(compile(&printed).unwrap().program.code(), compile(PROGRAM).unwrap().program.code());
}

#[test]
fn a_tree_is_made_of_any_text() {
    let (tree, mistakes) = syntax::parse("(def (x)) (when (foo 1) (+ 1)) junk");
    assert_eq!(codes(&mistakes), ["E0108", "E0109", "E0111", "E0106"]);
    assert_eq!(tree.events().len(), 1);
    assert_eq!(tree.to_string(), "(def\n    (x 0))\n(when (<error> 1)\n    (+ 1))\n");
}

#[test]
fn the_checked_program_shows_its_steps() {
    let ir = Compiler::new().check(PROGRAM).unwrap();
    assert_eq!(
        ir.to_string(),
        "vreport.0 = #0
control.0 = #5000
when
    eventFlag ← GT Micros, control.0
do
    %1 ← ADD vreport.0, Ack.bytes_acked
    %2 ← ADD %1, #1
    vreport.0 ← BIND %2
    shouldReport ← BIND #1
"
    );
}

#[test]
fn every_instruction_has_its_place_in_the_source() {
    let deep = (0..12).fold("1".to_owned(), |inner, _| format!("(+ (- Cwnd 1) (* 2 {inner}))"));
    let deep = format!("(def) (when (> Cwnd 3) (:= Rate {deep}) (:= Cwnd (max Cwnd 5)))");
    for opt in [Opt::None, Opt::Full] {
        for source in [PROGRAM, &deep] {
            let compiled = Compiler::new().opt(opt).compile(source).unwrap();
            let code = compiled.program.code();
            assert_eq!(compiled.spans.len(), code.instrs.len());
            for (instr, span) in code.instrs.iter().zip(&compiled.spans) {
                let text = &source[span.range()];
                let has = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
                let is_right = match instr.op {
                    Op::Def => has(&["x", "acked"]),
                    Op::Sub => has(&["(- "]),
                    Op::Gt => has(&["(> "]),
                    Op::Max => has(&["(max ", "(:= Cwnd"]),
                    // With the optimiser, an operator may become a cheaper one.
                    _ => text.starts_with('('),
                };
                assert!(is_right, "{instr} comes from {text}");
            }
        }
    }
}

#[test]
fn the_scope_knows_declared_local_and_built_in_names() {
    let program = "(def (flag true) (Report (volatile b +infinity) (a 1)) (zzz 7))
        (when flag (:= loc (> zzz Report.b)) (:= flag loc) (:= Report.a 1) (report))";
    let scope = compile(program).unwrap().scope;
    let names: Vec<_> = scope.variables().iter().map(|v| (&*v.name, v.kind, v.reg.index)).collect();
    assert_eq!(
        names,
        [
            ("Report.b", Kind::Report, 0),
            ("Report.a", Kind::Report, 1),
            ("flag", Kind::Control, 0),
            ("zzz", Kind::Control, 1),
            ("loc", Kind::Local, 0),
        ]
    );
    let b = scope.get("Report.b").unwrap();
    assert_eq!((b.initial, b.volatile, b.ty), (Some(ccp_lang::INFINITY), true, Type::Num));
    assert_eq!(scope.get("loc").map(|v| (v.ty, v.initial)), Some((Type::Bool, None)));
    assert_eq!(scope.get("Flow.was_timeout").map(|v| v.kind), Some(Kind::Primitive));
    assert!(scope.get("nothing").is_none());
    assert_eq!(scope.controls().count(), 2);
}

#[test]
fn of_two_declarations_the_later_one_has_the_name() {
    let scope = Compiler::new().allow(Lint::DuplicateName).compile(
        "(def (x 1) (Report (r 1)) (x 2) (Report.r 3)) (when (> x 0) (:= Report.r x) (:= x 1) (report))",
    );
    let scope = scope.unwrap().scope;
    assert_eq!(scope.get("x").and_then(|v| v.initial), Some(2));
    assert_eq!(scope.get("Report.r").and_then(|v| v.initial), Some(3));
    assert_eq!(scope.variables().len(), 4);
}

#[test]
fn all_mistakes_come_at_once_and_in_order() {
    let program = "(def (x)) (when (+ 1 2) (:= Ack.now y)) (when true (foo)) )";
    assert_eq!(refused(program), ["E0108", "E0402", "E0301", "L0102", "E0109", "E0103"]);
}

#[test]
fn no_more_than_a_hundred_are_kept_but_all_are_counted() {
    let mut program = String::from("(def) (when true\n");
    for _ in 0..150 {
        program.push_str("(:= Cwnd nothing)\n");
    }
    program.push(')');
    let diagnostics = compile(&program).unwrap_err();
    assert_eq!((diagnostics.len(), diagnostics.omitted()), (Diagnostics::MAX, 50));
    assert!(diagnostics.to_string().ends_with("\nand 50 more"));
}

#[test]
fn an_error_is_not_lost_behind_a_hundred_warnings() {
    let mut program = String::from("(def (t true)) (when t\n");
    for _ in 0..150 {
        program.push_str("(:= t 5)\n");
    }
    program.push_str("(:= Ack.now 5))");
    let diagnostics = compile(&program).unwrap_err();
    assert_eq!(diagnostics.errors().map(|d| d.code).collect::<Vec<_>>(), [DiagCode::NotAssignable]);
}

#[test]
fn an_allowed_lint_warns_and_a_denied_one_refuses() {
    let unbound = "(def) (when true (:= Cwnd nothing))";
    assert_eq!(refused(unbound), ["L0102"]);
    let warnings = Compiler::new().allow(Lint::UnboundRead).compile(unbound).unwrap().warnings;
    assert_eq!(codes(&warnings), ["L0102"]);
    assert_eq!(warnings[0].severity, Severity::Warning);
    assert_eq!(warnings[0].lint, Some(Lint::UnboundRead));
    let compiled = Compiler::new().allow_all().compile(unbound).unwrap();
    assert_eq!(compiled.warnings, warnings);

    let unused = "(def (x 1)) (when true (:= Cwnd 5))";
    assert_eq!(codes(&compile(unused).unwrap().warnings), ["L0201"]);
    assert!(Compiler::new().allow(Lint::NeverRead).compile(unused).unwrap().warnings.is_empty());
    assert!(Compiler::new().deny(Lint::NeverRead).compile(unused).is_err());
    for &lint in Lint::ALL.iter().filter(|lint| lint.default_level() == Level::Deny) {
        assert!(Compiler::new().allow(lint).compile(PROGRAM).is_ok());
    }
}

#[test]
fn a_parameter_is_noted_but_a_lost_one_is_warned_of() {
    let severity = |program| compile(program).unwrap().warnings[0].severity;
    assert_eq!(severity("(def (x 1)) (when true (:= Cwnd x))"), Severity::Note);
    assert_eq!(severity("(def (volatile x 1)) (when true (:= Cwnd x))"), Severity::Warning);
}

#[test]
fn a_program_that_is_too_large_is_refused_where_it_passes_the_limit() {
    let binds = "(:= Cwnd 1)\n".repeat(254);
    assert!(plain().compile(format!("(def) (when true {binds})")).is_ok());
    assert_eq!(refused(&format!("(def) (when true {binds} (:= Cwnd 1))")), ["E0601"]);
    let events = "(when (> Cwnd 5))\n".repeat(255);
    assert!(plain().compile(format!("(def) {events}")).is_ok());

    let mut decls = String::new();
    for n in 0..111 {
        write!(decls, "(v{n} 0)").unwrap();
    }
    let of_code = |program: &str, code| refused(program).into_iter().filter(|&c| c == code).count();
    assert_eq!(of_code(&format!("(def {decls}) (when true)"), "E0602"), 1);
    assert_eq!(of_code(&format!("(def (Report {decls})) (when true)"), "E0602"), 1);
}

#[test]
fn many_resets_of_many_variables_make_no_step_for_each_pair() {
    let volatile: String = (0..100).map(|n| format!("(volatile v{n} 0)")).collect();
    let resets = "(reset)".repeat(20_000);
    let program = format!("(def {volatile}) (when true {resets})");
    assert!(plain().compile(&program).is_err(), "too long in any case");
    let ir = Compiler::new().check(&program).unwrap();
    assert!(ir.steps.len() < 30_000, "{}", ir.steps.len());
}

#[test]
fn an_event_that_never_runs_stops_nothing_that_a_fallthrough_lets_go_on() {
    let program = |middle: &str| {
        format!(
            "(def (Report (r 0)))
             (when (> Cwnd 1) (:= Report.r 1) (fallthrough))
             (when {middle} (:= Report.r 2))
             (when true (:= Report.r 3))"
        )
    };
    let reaches = |middle| {
        let warnings = compile(program(middle)).unwrap().warnings;
        warnings.iter().any(|d| d.lint == Some(Lint::FallthroughReach))
    };
    assert!(reaches("(> Cwnd 2)"));
    assert!(!reaches("false"));
}

#[test]
fn a_conditional_bind_has_the_type_of_its_value() {
    let types = |program: &str| {
        let compiled = compile(program).unwrap();
        let is_change = |d: &&ccp_lang::Diagnostic| d.lint == Some(Lint::TypeChange);
        let changes = compiled.warnings.iter().filter(is_change).count();
        (changes, compiled.scope.get("x").map(|x| x.ty))
    };
    let with = |value: &str| {
        format!(
            "(def (Report (t true))) (when true (:= x (if Report.t {value})) (:= Report.t (!if x {value})) (report))"
        )
    };
    assert_eq!(types(&with("false")), (0, Some(Type::Bool)));
    let declared = "(def (Report (t true))) (when true (:= Report.t (if Report.t 5)) (report))";
    assert_eq!(types(declared), (1, None));
}

#[test]
fn the_first_bind_of_a_local_decides_its_type() {
    let compiled =
        compile("(def) (when true (:= x true) (:= x 5) (:= Cwnd (+ 1 (:= y 5))))").unwrap();
    assert_eq!(compiled.scope.get("x").map(|x| x.ty), Some(Type::Bool));
    let lints: Vec<_> = compiled.warnings.iter().filter_map(|d| d.lint).collect();
    // `y` is read by what its bind stands in.
    assert_eq!(lints, [Lint::NeverRead, Lint::TypeChange]);
}

#[test]
fn conditions_of_constants_are_known() {
    for (always, never) in [
        ("(< 1 2)", "(< 2 1)"),
        ("(> 2 1)", "(> 2 2)"),
        ("(>= 2 2)", "(>= 1 2)"),
        ("(<= 2 2)", "(<= 2 1)"),
        ("(== 2 2)", "(== 2 1)"),
        ("(!= 2 1)", "(!= 2 2)"),
        ("(&& true true)", "(&& true false)"),
        ("(|| false true)", "(|| false false)"),
        ("(! false)", "(! true)"),
        ("(== (- 3 1) (/ 5 2))", "(== (+ 1 1) (* 1 1))"),
        ("(> (max 1 3) (min 1 3))", "(> (min 1 3) (max 1 3))"),
    ] {
        for condition in [always, never] {
            let program =
                format!("(def) (when {condition} (:= Cwnd 1)) (when (> Cwnd 1) (:= Cwnd 2))");
            let warnings = compile(&program).unwrap().warnings;
            let [warning] = &warnings[..] else { panic!("{condition}: {warnings}") };
            assert_eq!(warning.lint, Some(Lint::NeverRuns));
            let is_second = program[warning.span.range()].starts_with("when");
            assert_eq!(is_second, condition == always, "{condition}");
        }
    }
    // What traps is not known.
    let traps = "(def) (when (> (- 1 2) 0) (:= Cwnd 1)) (when true (:= Cwnd 2))";
    assert!(compile(traps).unwrap().warnings.is_empty());
}

#[test]
fn a_variable_may_be_called_when_also_where_a_parenthesis_lacks() {
    assert_eq!(refused("(def (when 0) (x 0) (when (> when 1) (:= x 1))"), ["E0102"]);
}

#[test]
fn other_limits_can_be_set() {
    let limits = Limits { temps: 2, locals: 1, max_events: 1, ..Limits::LIBCCP };
    let compiler = plain().limits(limits);
    let codes = |program: &str| codes(&compiler.compile(program).unwrap_err());
    // From the right, two are enough for any chain; a balanced tree needs one more with each level.
    let chain =
        "(def) (when true (:= Cwnd (+ (* Cwnd 1) (+ (* Cwnd 2) (+ (* Cwnd 3) (* Cwnd 4))))))";
    assert!(compiler.compile(chain).is_ok());
    let tree =
        "(def) (when true (:= Cwnd (+ (+ (* Cwnd 1) (* Cwnd 2)) (+ (* Cwnd 3) (* Cwnd 4)))))";
    assert_eq!(codes(tree), ["E0604"]);
    assert_eq!(codes("(def) (when true (:= a 1) (:= b a) (:= Cwnd b))"), ["E0603"]);
    assert_eq!(codes("(def) (when (> Cwnd 1)) (when (> Cwnd 2))"), ["E0605"]);
}

#[test]
fn a_diagnostic_shows_its_line_with_a_caret() {
    let diagnostics = compile("(def)\n(when true\n\t(:= Cwnd (+ größe 1)))").unwrap_err();
    assert_eq!(
        format!("{diagnostics:#}"),
        "3:14: error[L0102]: nothing binds `größe`
  |
3 | \t(:= Cwnd (+ größe 1)))
  | \t            ^^^^^
  = help: declare it in `(def …)`, or bind it: `(:= größe …)`
  = lint: unbound-read
"
    );
}

#[test]
fn a_source_longer_than_any_program_is_refused_unread() {
    let refusal = |len| codes(&compile(vec![b'('; len]).unwrap_err());
    assert!(!refusal(200).contains(&"E0001"));
    let unread = refusal((16 << 20) + 1);
    assert!(unread.contains(&"E0001") && !unread.contains(&"E0102"), "{unread:?}");
}
