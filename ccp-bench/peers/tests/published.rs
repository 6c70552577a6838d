//! Programs that others have published compile here.
//!
//! They are read from the registry's folder, where Cargo keeps the sources of what this package
//! depends on.

use std::fs;
use std::path::PathBuf;

use ccp_lang::Compiler;

#[test]
fn programs_of_published_algorithms_compile_as_they_are() {
    each_program("generic_cong_avoid-0.4.0", &["src/lib.rs"], 4, &Compiler::new());
}

#[test]
fn samples_in_the_documentation_and_tests_of_portus_compile() {
    let files = ["src/lib.rs", "src/algs.rs", "src/run.rs", "src/lang/mod.rs"];
    each_program("portus-0.9.0", &files, 3, &Compiler::new().allow_all());
    let tests = ["basic", "preset", "timing", "twoflow", "update", "volatile"];
    let tests = tests.map(|name| format!("tests/{name}.rs"));
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    each_program("portus-0.9.0", &tests, 6, &Compiler::new().allow_all());
}

fn each_program(package: &str, files: &[&str], at_least: usize, compiler: &Compiler) {
    let folder =
        sources(package).unwrap_or_else(|| panic!("{package} is not in the registry's folder"));
    let mut count = 0;
    for file in files {
        let Ok(text) = fs::read_to_string(folder.join(file)) else {
            continue;
        };
        for program in programs(&text) {
            count += 1;
            if let Err(diagnostics) = compiler.compile(&program) {
                panic!("{package}: {file}:\n{program}\n{diagnostics:#}");
            }
        }
    }
    assert!(count >= at_least, "{package}: found only {count} programs");
}

fn sources(package: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries
        .filter_map(Result::ok)
        .map(|entry| entry.path().join(package))
        .find(|path| path.is_dir())
}

/// The texts from `(def` to the end of their string literal or code block, the signs of comments
/// taken off.
fn programs(text: &str) -> Vec<String> {
    let bare = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")).unwrap_or(line);
        String::from(line)
    };
    let text = text.lines().map(bare).collect::<Vec<_>>().join("\n");
    let begins = text.match_indices("(def").map(|(at, _)| &text[at..]);
    let programs = begins.map(|rest| rest.split(['"', '`', ';']).next().unwrap_or_default());
    programs.filter(|program| program.contains("(when")).map(String::from).collect()
}
