//! The formatter: how programs look, and that nothing else changes.
#![cfg(feature = "compiler")]

use ccp_lang::{Compiler, fmt, syntax};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What `source` becomes, which must be its own formatted form.
fn formatted(source: &str) -> String {
    let out = fmt::format(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let again = fmt::format(&out).unwrap_or_else(|error| panic!("{error}\n{out}"));
    assert_eq!(again, out, "not stable, from:\n{source}");
    out
}

fn is(source: &str, expected: &str) {
    let out = formatted(source);
    assert_eq!(out, expected, "\n{out}");
}

#[test]
fn what_was_on_one_line_stays_there_if_it_fits() {
    is(
        "(def(Report(volatile a 0)(b   true))( x +infinity ))(when(> Micros 1s)(report)(reset))",
        "(def (Report (volatile a 0) (b true)) (x +infinity))\n\
         (when (> Micros 1s) (report) (reset))\n",
    );
    is("(def\n)\n(when\ntrue\n)", "(def)\n(when true)\n");
}

#[test]
fn the_parts_of_a_block_have_lines_of_their_own() {
    is(
        "(def (Report (volatile a 0)
(b 1)) (x 2) (Report 3))
(when true (:= x 1)
  (report))",
        "\
(def
    (Report
        (volatile a 0)
        (b 1)
    )
    (x 2)
    (Report 3)
)
(when true
    (:= x 1)
    (report)
)
",
    );
}

#[test]
fn long_expressions_break_by_nesting() {
    let name = "a_rather_long_name";
    is(
        &format!(
            "(def ({name} 0))(when (&& (> {name} 1) (|| (< {name} 2) (== {name} 3) (> {name} 4) (< {name} 5)))
            (:= {name} (if (> {name} 6) (+ (* {name} {name}) (* {name} 7)))))"
        ),
        "\
(def (a_rather_long_name 0))
(when (&& (> a_rather_long_name 1)
          (|| (< a_rather_long_name 2)
              (== a_rather_long_name 3)
              (> a_rather_long_name 4)
              (< a_rather_long_name 5)))
    (:= a_rather_long_name
        (if (> a_rather_long_name 6)
            (+ (* a_rather_long_name a_rather_long_name) (* a_rather_long_name 7))))
)
",
    );
}

#[test]
fn single_blank_lines_between_parts_are_kept() {
    is(
        "

# first


(def

    (x 0)


    (y 1)

)


(when

    true

    (report)

    # last

)


",
        "\
# first

(def
    (x 0)

    (y 1)
)

(when true
    (report)

    # last
)
",
    );
}

#[test]
fn comments_behind_neighbouring_lines_are_in_one_column() {
    is(
        "(def # all
    (x 0) # one   \t
    (longer 1) # two
           # on two lines
    (y 2)
    (z 3)     # three
              # and more

    (apart 4) # four
    # alone
    (b 5) # five
) # end
(when true) # no body",
        "\
(def  # all
    (x 0)       # one
    (longer 1)  # two
    # on two lines
    (y 2)
    (z 3)  # three
           # and more

    (apart 4)  # four
    # alone
    (b 5)  # five
)            # end
(when true)  # no body
",
    );
}

#[test]
fn a_comment_may_stand_anywhere() {
    is(
        "(# 1
def(x# 2
0# 3
)
# 4
)(# 5
when# 6
(# 7
># 8
x
# 9
0)# 10
(:= x (+ x # 11
# 12
1)) (report
# 13
))
# 14",
        "\
(  # 1
    def
    (x  # 2
        0  # 3
    )
    # 4
)
(  # 5
    when  # 6
        (  # 7
            >  # 8
            x
            # 9
            0)  # 10
    (:= x
        (+ x  # 11
            # 12
            1))
    (report
        # 13
    )
)
# 14
",
    );
}

#[test]
fn mistakes_of_syntax_are_refused_and_others_are_not() {
    for wrong in ["", "(def", "(def))", "(def) (when (a > b))", "(def) (when true (:= x))"] {
        let error = fmt::format(wrong).unwrap_err();
        assert!(error.has_errors(), "{wrong}");
    }
    is("(def (x 1)(x  2))(when nothing)", "(def (x 1) (x 2))\n(when nothing)\n");
    let error = fmt::format(b"(def) # \xFF\n(when true)").unwrap_err();
    assert!(error.to_string().starts_with("1:9: error[E0002]"), "{error}");
}

#[test]
fn depth_costs_neither_stack_nor_much_text() {
    let depth = 30_000;
    let source =
        format!("(def (x 0)) (when true (:= x {}x{}))", "(+ 1 ".repeat(depth), ")".repeat(depth));
    let out = formatted(&source);
    assert!(out.len() < 80 * source.len());
    let wide = format!("(def (x 0)) (when true (:= x (+ {})))", "x ".repeat(depth));
    formatted(&wide);
}

#[test]
fn ends_of_lines_and_letters_of_all_scripts() {
    is("(def (größe 0))\r\n# ≤\r\n(when true)\r\n", "(def (größe 0))\n# ≤\n(when true)\n");
}

/// White space and comments that separate words.
fn gap() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        " ",
        " ",
        " ",
        " ",
        "\n",
        "\n",
        "\n",
        "\n\n",
        "\t\r\n   ",
        "#\n",
        "# why\n",
        "#(é)\n",
        "  # ) (def # \t\n",
        "# a comment that is longer than any of the lines around it will ever be, and says nothing\n",
    ]);
    vec(pieces, 1..4).prop_map(|pieces| pieces.concat())
}

/// The same, or nothing, where a parenthesis separates too.
fn space() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just(String::new()), 1 => gap()]
}

fn form(parts: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = String> {
    (space(), parts, vec(gap(), 3), space()).prop_map(|(first, parts, gaps, last)| {
        let mut out = format!("({first}");
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                out.push_str(&gaps[at % gaps.len()]);
            }
            out.push_str(part);
        }
        // A comment ends at the end of its line.
        out + &last + ")"
    })
}

fn words(words: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    select(words.to_vec()).prop_map(str::to_owned)
}

fn operand() -> impl Strategy<Value = String> {
    let leaf = words(&[
        "a",
        "b",
        "Report.r",
        "Cwnd",
        "Flow.rtt_sample_us",
        "7",
        "10ms",
        "+infinity",
        "a_name_of_quite_some_length_to_make_lines_long",
    ]);
    leaf.prop_recursive(6, 40, 4, |inner| {
        let many = (words(&["+", "*", "min", "max"]), vec(inner.clone(), 2..5));
        let two = (words(&["-", "/", "wrapped_max"]), vec(inner, 2));
        let parts = prop_oneof![
            many.prop_map(|(op, parts)| [vec![op], parts].concat()),
            two.prop_map(|(op, parts)| [vec![op], parts].concat()),
        ];
        form(parts)
    })
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = (words(&[">", "<", "==", ">=", "!="]), operand(), operand());
    let leaf = form(leaf.prop_map(|(op, left, right)| vec![op, left, right]));
    prop_oneof![1 => Just("true".to_owned()), 4 => leaf].prop_recursive(3, 8, 2, |inner| {
        let two = (words(&["&&", "||"]), inner.clone(), inner.clone());
        prop_oneof![
            form(two.prop_map(|(op, left, right)| vec![op, left, right])),
            form(inner.prop_map(|inner| vec!["!".to_owned(), inner])),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let target =
        words(&["a", "b", "Report.r", "Cwnd", "a_name_of_quite_some_length_to_make_lines_long"]);
    let value = prop_oneof![
        operand(),
        form((condition(), operand()).prop_map(|(c, v)| vec!["if".to_owned(), c, v])),
        form(operand().prop_map(|v| vec!["ewma".to_owned(), "3".to_owned(), v])),
    ];
    prop_oneof![
        4 => form((target, value).prop_map(|(t, v)| vec![":=".to_owned(), t, v])),
        1 => form(words(&["report", "fallthrough", "reset"]).prop_map(|word| vec![word])),
    ]
}

fn program() -> impl Strategy<Value = String> {
    let decl = |name: &'static str| {
        form(any::<bool>().prop_map(move |volatile| {
            let word = volatile.then(|| "volatile".to_owned());
            word.into_iter().chain([name.to_owned(), "1".to_owned()]).collect()
        }))
    };
    let report = form(decl("r").prop_map(|r| vec!["Report".to_owned(), r]));
    let long = decl("a_name_of_quite_some_length_to_make_lines_long");
    let def = form(
        (report, decl("a"), decl("b"), long)
            .prop_map(|(r, a, b, long)| vec!["def".to_owned(), r, a, b, long]),
    );
    let event = (condition(), vec(statement(), 0..5))
        .prop_map(|(condition, body)| [vec!["when".to_owned(), condition], body].concat());
    (space(), def, vec((space(), form(event)), 1..4), space()).prop_map(
        |(begin, def, events, end)| {
            let events: String =
                events.iter().map(|(space, event)| space.clone() + event).collect();
            begin + &def + &events + &end
        },
    )
}

/// A source without its white space, each comment on a line of its own.
fn bare(source: &str) -> String {
    let mut out = String::new();
    for line in source.lines() {
        let (code, comment) = line.split_at(line.find('#').unwrap_or(line.len()));
        out.extend(code.chars().filter(|c| !c.is_whitespace()));
        if !comment.is_empty() {
            out += &format!("\n{}\n", comment.trim_end());
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn only_white_space_changes(source in program()) {
        let out = formatted(&source);
        prop_assert_eq!(bare(&out), bare(&source));
        let tree = |source: &str| syntax::parse(source).0.to_string();
        prop_assert_eq!(tree(&out), tree(&source));
        let code = |source: &str| {
            let compiled = Compiler::new().allow_all().compile(source);
            compiled.map(|c| c.program.code().clone()).map_err(|e| e.len())
        };
        prop_assert_eq!(code(&out), code(&source));
    }

    #[test]
    fn comments_stay_before_and_behind_what_they_were(source in program()) {
        let places = |source: &str| -> Vec<bool> {
            let comments = source.lines().filter_map(|line| line.find('#').map(|at| &line[..at]));
            comments.map(|before| before.trim().is_empty()).collect()
        };
        prop_assert_eq!(places(&formatted(&source)), places(&source));
    }

    #[test]
    fn any_text_is_formatted_or_refused(pieces in vec(select(PIECES), 0..40)) {
        let source = pieces.concat();
        if let Ok(out) = fmt::format(&source) {
            prop_assert_eq!(bare(&out), bare(&source));
            prop_assert_eq!(fmt::format(&out), Ok(out));
        }
    }

    #[test]
    fn any_bytes_are_formatted_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = fmt::format(bytes);
    }
}

const PIECES: &[&str] = &[
    "(def)",
    "(def ",
    "(when true ",
    "(when (",
    "(Report ",
    "(x 0)",
    "(Report 1)",
    ")",
    ")",
    ")",
    "(",
    "(report)",
    "(:= x ",
    "(+ 1 2)",
    "x ",
    "1 ",
    "!",
    "if ",
    "\n",
    "\n\n",
    "# c\n",
    "  # d\n",
    "#",
    "\t",
    "\r\n",
    "é",
];
