//! The examples print what `docs/tools.md` shows. `CCP_BLESS=1` writes it there.
#![cfg(feature = "compiler")]

use std::fs;
use std::path::Path;

#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../examples/explainer.rs"]
mod explainer;
#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../examples/linter.rs"]
mod linter;
#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../examples/what_if.rs"]
mod what_if;

#[test]
fn each_example_prints_what_the_page_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let page = read("docs/tools.md");
    let begin = "```sh\ncargo run -p ccp-lang --example ";
    let mut parts = page.split(begin);
    let mut written = parts.next().unwrap().to_owned();
    let mut ran = Vec::new();
    for part in parts {
        let (command, rest) = part.split_once("\n```\n\n```text\n").unwrap();
        let (_, rest) = rest.split_once("```\n").unwrap();
        let words: Vec<&str> = command.split(' ').filter(|word| *word != "--").collect();
        let printed = match words[..] {
            ["linter", ref files @ ..] => {
                files.iter().map(|file| linter::lint(file, &read(file))).collect()
            }
            ["explainer", file] => explainer::explain(&read(file)).unwrap(),
            ["what_if", acks, one, other] => {
                what_if::compare(&read(acks), &read(one), &read(other)).unwrap()
            }
            _ => panic!("no such example: {command}"),
        };
        assert!(!printed.is_empty(), "{command}");
        written += &format!("{begin}{command}\n```\n\n```text\n{printed}```\n{rest}");
        ran.push(words[0]);
    }
    assert_eq!(ran, ["linter", "explainer", "what_if"]);
    if std::env::var_os("CCP_BLESS").is_some() {
        fs::write(root.join("docs/tools.md"), &written).unwrap();
    } else {
        assert!(page == written, "CCP_BLESS=1 writes the page as:\n{written}");
    }
}

#[test]
fn a_clock_that_is_reset_by_hand_is_no_finding() {
    let event = |body| format!("(def (Report (x 0))) (when (> Micros 5) {body})");
    for body in ["(report) (reset)", "(report) (:= Micros 0)", "(:= Report.x 1)"] {
        assert_eq!(linter::lint("p", &event(body)), "", "{body}");
    }
    assert!(linter::lint("p", &event("(+ 1 (report))")).starts_with("p:1:"));
}

#[test]
fn a_wrong_recording_is_refused_with_its_line() {
    let program = "(def) (when true (:= Cwnd 5000))";
    for (acks, says) in [
        ("", "empty"),
        ("now_us\nsoon\n", "line 2"),
        ("now_us,bytes_acked\n5\n", "line 2"),
        ("bytes\n5\n", "no primitive bytes"),
    ] {
        let refused = what_if::compare(acks, program, program).unwrap_err();
        assert!(refused.contains(says), "{acks}: {refused}");
    }
}
