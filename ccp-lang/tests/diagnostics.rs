//! Diagnostics as a user meets them: each code, several mistakes at once, lints named in comments.
#![cfg(feature = "compiler")]

use ccp_lang::{Compiler, DiagCode, Diagnostics, Limits, Lint, Opt, Severity, compile};

fn codes(source: &str) -> Vec<&'static str> {
    let said = match compile(source) {
        Ok(compiled) => compiled.warnings,
        Err(errors) => errors,
    };
    said.iter().filter(|d| d.severity >= Severity::Warning).map(|d| d.code.as_str()).collect()
}

#[test]
fn the_example_of_each_code_gets_it_and_its_right_form_gets_nothing() {
    let mut without = Vec::new();
    for &code in DiagCode::ALL {
        let Some(example) = code.example() else {
            without.push(code);
            continue;
        };
        let said = match example.compiler.compile(&example.wrong) {
            Ok(compiled) => compiled.warnings,
            Err(errors) => errors,
        };
        assert!(said.iter().any(|d| d.code == code), "{code}:\n{said:#}");
        let others = said.iter().filter(|d| d.code != code && d.severity >= Severity::Warning);
        assert_eq!(others.count(), 0, "{code} has others in its wake:\n{said:#}");
        for one in &said {
            assert!(one.help.is_some(), "{code} does not help:\n{one:#}");
            assert_eq!(one.lint.map(Lint::code).unwrap_or(one.code), one.code);
        }
        let right = example.compiler.compile(example.right);
        let right = right.unwrap_or_else(|errors| panic!("{code}, right form:\n{errors:#}"));
        let said = right.warnings.iter().filter(|d| d.severity >= Severity::Warning);
        assert_eq!(said.count(), 0, "{code}, right form:\n{:#}", right.warnings);
    }
    assert_eq!(without, [DiagCode::SourceTooLong, DiagCode::Internal]);
}

#[test]
fn independent_mistakes_are_all_reported_and_none_besides() {
    let source = "(def (Report (volatile acked 0)) (wait 5min) (x))
        (when (> Micros wait) (:= Report.aked 1) (report))
        (when Ack.bytes_acked (:= Cwnd (foo 1 2)))
        (when true (:= Cwnd (+ 1)) (:= 5 6) (:= Cwnd = 7))
        (when (&& true 3) (if true 5))
        (when (> x 0) (fallthru))
        (when true (:= Flow.was_timeout 1) (:= Report.acked Ack.nothing))";
    let expected = [
        "E0112", "E0108", "L0103", "E0402", "E0109", "E0111", "E0301", "E0101", "E0401", "E0502",
        "E0109", "E0301", "L0102",
    ];
    assert_eq!(codes(source), expected, "{:#}", compile(source).unwrap_err());
}

#[test]
fn one_token_too_few_makes_few_errors() {
    let good = "(def (Report (volatile acked 0)) (wait 5ms))
        (when true (:= Report.acked (+ Report.acked Ack.bytes_acked)) (fallthrough))
        (when (> Micros wait) (:= Cwnd (max (* 2 1448) Report.acked)) (report) (:= Micros 0))";
    compile(good).unwrap();
    let mut worst = (0, String::new());
    for (at, _) in good.match_indices(|c: char| !c.is_whitespace()) {
        let mut source = good.to_owned();
        source.remove(at);
        if let Err(errors) = compile(&source) {
            let count = errors.errors().count();
            if count > worst.0 {
                worst = (count, format!("{source}\n{errors}"));
            }
        }
    }
    assert!((1..=4).contains(&worst.0), "{}: {}", worst.0, worst.1);
}

#[test]
fn declarations_behind_bare_words_are_read_once() {
    let source = "def (aa 0) ".repeat(50);
    let (tree, _) = ccp_lang::syntax::parse(&source);
    let shown = tree.to_string();
    assert_eq!(shown.matches("aa").count(), 50, "{shown}");
}

#[test]
fn a_hundred_are_kept_and_the_others_counted() {
    let binds = "(:= Cwnd (foo 1 2)) ".repeat(130);
    let errors = compile(format!("(def) (when true {binds})")).unwrap_err();
    assert_eq!((errors.len(), errors.omitted()), (Diagnostics::MAX, 30));
    assert!(errors.to_string().ends_with("\nand 30 more"));
}

#[test]
fn a_comment_before_the_first_form_holds_for_all_of_it() {
    let unused = "(def (a 0) (b 0))\n(when true (:= Cwnd 1))";
    assert_eq!(codes(unused), ["L0201", "L0201"]);
    assert_eq!(codes(&format!("# allow(never-read)\n{unused}")), [""; 0]);
    assert_eq!(codes(&format!("# Words.\n#allow( type-change, L0201 ): why\n\n{unused}")), [""; 0]);
    let errors = compile(format!("# deny(never-read)\n{unused}")).unwrap_err();
    assert_eq!(errors.errors().count(), 2);
    // Of two the later counts.
    compile(format!("# deny(never-read)\n# allow(never-read)\n{unused}")).unwrap();
}

#[test]
fn a_comment_on_its_own_line_holds_for_the_next_form() {
    let source = "(def\n# allow(never-read)\n(a 0)\n(b 0))\n(when true (:= Cwnd 1))";
    let said = compile(source).unwrap().warnings;
    assert_eq!(said.len(), 1);
    assert!(said[0].message.contains("`b`"));
    let event = "(def)\n(when true (:= Cwnd 1))\n# allow(never-runs)\n(when true (:= Cwnd 2))\n\
                 (when true (:= Cwnd 3))";
    assert_eq!(codes(event), ["L0204"]);
    assert_eq!(compile(event).unwrap().warnings[0].position.line, 5);
    // Also inside a form, and before nothing.
    let unbound = "(def)\n(when true\n# allow(unbound-read)\n(:= Cwnd a)\n# allow(unbound-read)\n)";
    let said = compile(unbound).unwrap().warnings;
    assert_eq!((said.len(), said[0].severity), (1, Severity::Warning));
}

#[test]
fn a_comment_behind_code_holds_for_that_line() {
    let source = "(def (a 0) # allow(never-read)\n(b 0))\n(when true (:= Cwnd 1))";
    assert_eq!(compile(source).unwrap().warnings[0].position.to_string(), "2:2");
    let denied = "(def (a 0) # deny(never-read)\n(b 0))\n(when true (:= Cwnd 1))";
    assert_eq!(compile(denied).unwrap_err().errors().count(), 1);
    // The line counts before the form around it, and a comment before the settings.
    let nested = "(def\n# deny(never-read)\n(a\n0) # allow(never-read)\n(b # allow(never-read)\n0))\n\
                  (when true (:= Cwnd 1))";
    assert_eq!(compile(nested).unwrap_err().errors().count(), 1);
    let strict = Compiler::new().deny(Lint::NeverRead);
    assert!(strict.compile(source).is_err());
    assert!(strict.compile("# allow(never-read)\n(def (a 0)) (when true (:= Cwnd 1))").is_ok());
}

#[test]
fn an_unknown_name_in_a_comment_is_a_warning_with_what_may_be_meant() {
    let source = "# allow(never_read)\n(def)\n(when true (:= Cwnd 1)) # deny(nonsense)";
    let said = compile(source).unwrap().warnings;
    let shown: Vec<String> = said.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown[0],
        "1:9: warning[L0207]: there is no lint `never_read`\n  help: did you mean `never-read`?"
    );
    assert!(shown[1].starts_with("3:32: ") && shown[1].contains("help: there are "), "{shown:?}");
    assert_eq!(codes("# allow(unknown-lint)\n# allow(x)\n(def)\n(when true (:= Cwnd 1))"), [""; 0]);
}

#[test]
fn with_portus_meaning_comments_are_only_comments() {
    let source = "# deny(unbound-read)\n# allow(what-is-this)\n(def)\n(when true (:= Cwnd a))";
    let said = Compiler::new().allow_all().compile(source).unwrap().warnings;
    assert_eq!(said.iter().map(|d| d.code).collect::<Vec<_>>(), [DiagCode::UnboundRead]);
}

#[test]
fn as_many_comments_as_findings_take_no_longer() {
    let comments = "# allow(unbound-read)\n(+ 1 ".repeat(40_000);
    let reads = "(:= Cwnd a)".repeat(40_000);
    let source = format!("(def)\n(when true {comments} a{} {reads})", ")".repeat(40_000));
    assert!(compile(source).is_err());
}

#[test]
fn what_passes_the_limits_of_libccp_is_a_warning_where_more_is_allowed() {
    let larger = Compiler::new().limits(Limits::MACHINE).opt(Opt::None);
    let warned = |source: &str| -> Vec<String> {
        let said = larger.compile(source).unwrap().warnings;
        let said = said.iter().filter(|d| d.lint == Some(Lint::LibccpLimit));
        said.map(|d| format!("{}: {}", d.position, d.message)).collect()
    };
    let locals: String =
        (0..9).map(|n| format!("(:= x{n} (+ Cwnd {n})) (:= Cwnd x{n})\n")).collect();
    assert_eq!(
        warned(&format!("(def)\n(when true {locals})")),
        ["10:5: 9 locals, of which libccp has 8"]
    );
    let binds: String = (1..=256).map(|n| format!("(:= Cwnd (+ (* Cwnd 3) {n}))")).collect();
    let long = warned(&format!("(def)\n(when true {binds})"));
    assert!(
        long[0].starts_with("2:2: ") && long[0].ends_with(" instructions, of which libccp has 255")
    );
    let events: String = (0..257).map(|n| format!("(when (> Cwnd {n}) (:= Cwnd {n}))\n")).collect();
    assert!(
        warned(&format!("(def)\n{events}"))
            .contains(&"258:2: 257 events, of which libccp has 256".into())
    );
    let allowed =
        larger.clone().allow(Lint::LibccpLimit).compile(format!("(def) (when true {locals})"));
    assert!(allowed.unwrap().warnings.is_empty());
    assert!(compile(format!("(def) (when true {locals})")).is_err(), "unless more is allowed");
}
