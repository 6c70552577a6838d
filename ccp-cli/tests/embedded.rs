//! `ccp check --embedded`, as a user calls it.

mod common;

use std::fs;

use common::{ccp, text};

const GOOD: &str = "(def) (when true (:= Cwnd 1448))";

#[test]
fn programs_in_rust_files_are_checked_at_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("src/deep")).unwrap();
    fs::write(root.join("src/good.ccp"), GOOD).unwrap();
    let rust = "fn main() {\n    let a = \"\\\n        (def)\\n(when true (:= Cwnd b\\u{61}d))\";\n    \
                let b = r#\"(def)\n  (when (> Flow.rtt 3) (:= Cwnd 1448))\"#;\n    \
                let c = format!(\"(def) (when true (:= Cwnd {}))\", 5);\n    \
                let d = \"(def (x 0))\";\n}\n";
    fs::write(root.join("src/deep/main.rs"), rust).unwrap();
    let run = ccp(&["check", "--embedded", &root.display().to_string()], "");
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    for part in [
        "main.rs:3:36",
        "nothing binds `bad`",
        "main.rs:5:12",
        "did you mean `Flow.rtt_sample_us`?",
        "main.rs:6:22: note: a template is not checked",
        "main.rs:7:14: note: declarations without an event",
        "ccp: 3 programs, 2 of them wrong; 2 not checked; 0 files or folders not read",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    assert!(text(&run.stdout).contains("good.ccp: at most"), "{}", text(&run.stdout));

    let file = root.join("src/deep/main.rs").display().to_string();
    let run = ccp(&["check", "--embedded", "--format", "json", &file], "");
    let said = text(&run.stdout);
    let errors = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let error = errors.filter(|e| e["severity"] == "error").nth(1).unwrap();
    assert_eq!((&error["at"]["line"], &error["at"]["column"]), (&5.into(), &12.into()));
    let bytes = (&error["at"]["bytes"][0], &error["at"]["bytes"][1]);
    let range = bytes.0.as_u64().unwrap() as usize..bytes.1.as_u64().unwrap() as usize;
    assert_eq!(&rust[range], "Flow.rtt");
}

#[test]
fn a_good_tree_passes_and_what_is_built_or_no_source_is_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for skipped in ["target", ".git", "a/target"] {
        fs::create_dir_all(root.join(skipped)).unwrap();
        fs::write(root.join(skipped).join("wrong.ccp"), "(").unwrap();
    }
    fs::write(root.join("a/one.ccp"), GOOD).unwrap();
    fs::write(root.join("a/words.txt"), "(def) (").unwrap();
    let root = root.display().to_string();
    // The same tree twice is checked once.
    let run = ccp(&["check", "--embedded", &root, &root], "");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("ccp: 1 programs, 0 of them wrong"));
}

#[cfg(unix)]
#[test]
fn links_that_go_round_end_and_unreadable_files_are_told_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("a")).unwrap();
    std::os::unix::fs::symlink("..", root.join("a/up")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("gone.rs")).unwrap();
    nix::unistd::mkfifo(&root.join("pipe.ccp"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(root.join("bytes.rs"), b"\xff").unwrap();
    fs::write(root.join("open.rs"), "fn f() { \"").unwrap();
    fs::write(root.join("a/one.ccp"), GOOD).unwrap();
    let run = ccp(&["check", "--embedded", &root.display().to_string()], "");
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    for part in [
        "cannot look at ",
        "cannot read ",
        "open.rs is no Rust: line 1, column 10",
        "ccp: 1 programs, 0 of them wrong; 0 not checked; 3 files or folders not read",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
}
