//! `ccp fmt`, `man` and `completions`, as a user calls them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{ccp, text, write};

const UGLY: &str = "(def (x 0))\n(when true # why\n(report)\n\n\n  (:= x   1))\n";
const NEAT: &str = "(def (x 0))\n(when true  # why\n    (report)\n\n    (:= x 1)\n)\n";

#[test]
fn files_are_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "p.ccp", UGLY);
    let neat = write(&folder, "q.ccp", NEAT);
    let run = ccp(&["fmt", &file, &neat], "");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), NEAT);
    assert_eq!(fs::read_to_string(&neat).unwrap(), NEAT);
    // Nothing else is left in the folder.
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn links_and_rights_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "p.ccp", UGLY);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.ccp");
    symlink(&file, &link).unwrap();
    assert_eq!(ccp(&["fmt", link.to_str().unwrap()], "").status.code(), Some(0));
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), NEAT);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn check_writes_nothing_and_shows_what_would_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "p.ccp", UGLY);
    let run = ccp(&["fmt", "--check", &file], "");
    assert_eq!(run.status.code(), Some(1));
    let out = text(&run.stdout);
    assert!(out.starts_with(&format!("--- {file}\n+++ formatted\n")), "{out}");
    assert!(out.contains("-  (:= x   1))\n+    (:= x 1)\n+)\n"), "{out}");
    assert_eq!(fs::read_to_string(&file).unwrap(), UGLY);
    let run = ccp(&["fmt", "--check", "-"], NEAT);
    assert_eq!((run.status.code(), text(&run.stdout).as_ref()), (Some(0), ""));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let run = ccp(&["fmt", "-"], UGLY);
    assert_eq!((run.status.code(), text(&run.stdout).as_ref()), (Some(0), NEAT));
}

#[test]
fn a_wrong_program_is_left_alone_and_the_others_are_formatted() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = write(&folder, "wrong.ccp", "(def\n(when   true");
    let file = write(&folder, "p.ccp", UGLY);
    let run = ccp(&["fmt", &wrong, "nowhere.ccp", &file], "");
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    assert!(said.contains("E0102") && said.contains("cannot open nowhere.ccp"), "{said}");
    assert_eq!(fs::read_to_string(&wrong).unwrap(), "(def\n(when   true");
    assert_eq!(fs::read_to_string(&file).unwrap(), NEAT);
}

#[test]
fn our_own_programs_are_right_and_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // A crate from a registry stands alone.
    if !root.join("docs/first.ccp").exists() {
        return;
    }
    let mut files = Vec::new();
    let mut open = vec![root];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_program = path.extension().is_some_and(|extension| extension == "ccp");
            if path.is_dir() && !matches!(name.as_str(), "target" | "tests" | ".git") {
                open.push(path);
            } else if is_program {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(!files.is_empty());
    for command in [&["fmt", "--check"][..], &["check"]] {
        let args: Vec<&str> =
            command.iter().copied().chain(files.iter().map(String::as_str)).collect();
        let run = ccp(&args, "");
        assert!(run.status.success(), "{}{}", text(&run.stdout), text(&run.stderr));
    }
}

#[test]
fn every_command_has_a_page_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    let run = ccp(&["man", pages.to_str().unwrap()], "");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    let mut commands = 0;
    for line in
        text(&ccp(&["--help"], "").stdout).lines().skip_while(|line| *line != "Commands:").skip(1)
    {
        // A command's name stands two columns in, what it does beside or below.
        let Some(name) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else {
            if line.is_empty() {
                break;
            } else {
                continue;
            };
        };
        let name = name.split(' ').next().unwrap();
        if name != "help" {
            assert!(page(&format!("ccp-{name}.1")).contains("Examples:"), "{name}");
            commands += 1;
        }
    }
    assert!(commands > 10, "{commands}");
    assert!(page("ccp.1").contains("Exit codes"));
    let files: Vec<PathBuf> =
        fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().all(|file| file.extension().is_some_and(|extension| extension == "1")));
    assert_eq!(text(&ccp(&["man"], "").stdout), page("ccp.1"));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = ccp(&["completions", shell], "");
        assert_eq!(run.status.code(), Some(0), "{shell}");
        let script = text(&run.stdout);
        for word in ["replay", "fmt", "check", "emit"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
