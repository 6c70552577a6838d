//! `docs/wrong-programs.md` shows what `ccp check` prints, and its mended programs compile.
//!
//! `CCP_BLESS=1` writes what is printed today into the page.

mod common;

use std::fs;
use std::path::Path;

use common::{ccp, text};

const PAGE: &str = "../docs/wrong-programs.md";

#[test]
fn each_wrong_program_is_told_as_the_page_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let mut parts = page.split("```ccp,wrong\n");
    let mut written = parts.next().unwrap().to_owned();
    let mut rows = Vec::new();
    for (number, part) in (1..).zip(parts) {
        let (program, rest) = part.split_once("```\n\n```text\n").unwrap();
        let (_, rest) = rest.split_once("```\n").unwrap();
        let said = said(program);
        let first = said.lines().next().unwrap().replace('|', "\\|");
        rows.push(format!("| {number} | {} | ", code(&first)));
        written += &format!("```ccp,wrong\n{program}```\n\n```text\n{said}```\n{rest}");
        // What is mended is right, without a warning.
        let mended = rest.split_once("```ccp\n").unwrap().1.split_once("```").unwrap().0;
        assert_eq!(said_of_good(mended), "", "{mended}");
    }
    assert_eq!(rows.len(), 10);
    let mut rows = rows.into_iter();
    let lines = written.lines().map(|line| match rows.as_slice().first() {
        // The last column is portus's, and another test's.
        Some(row)
            if line.starts_with(row.split_inclusive("| ").take(2).collect::<String>().as_str()) =>
        {
            let row = rows.next().unwrap();
            let theirs = line.rsplit_once(" | ").map_or("|", |(_, theirs)| theirs);
            format!("{row}{theirs}\n")
        }
        _ => format!("{line}\n"),
    });
    let written: String = lines.collect();
    assert_eq!(rows.len(), 0, "the table lacks {:?}", rows.as_slice());
    if std::env::var_os("CCP_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    } else {
        assert!(page == written, "CCP_BLESS=1 writes the page as:\n{written}");
    }
}

/// What is said of a wrong program, without the line of bounds for one that only has a warning.
fn said(program: &str) -> String {
    let checked = ccp(&["check", "--color", "never", "-"], program);
    let said = text(&checked.stderr);
    assert_eq!(checked.status.success(), !said.contains("error["), "{said}");
    assert!(!said.is_empty(), "nothing is wrong with\n{program}");
    let lines: Vec<&str> = said.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

fn said_of_good(program: &str) -> String {
    let checked = ccp(&["check", "-"], program);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    text(&checked.stderr)
}

/// In a table's cell; the text may hold backticks itself.
fn code(text: &str) -> String {
    format!("`` {text} ``")
}
