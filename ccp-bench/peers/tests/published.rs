//! Programs that others have published compile here.
//!
//! They are read from the registry's folder, where Cargo keeps the sources of what this package
//! depends on.

mod registry;

use std::fs;

use ccp_lang::Compiler;
use registry::{WITH_PROGRAMS, programs, sources};

#[test]
fn programs_of_published_algorithms_compile_as_they_are() {
    each_program(WITH_PROGRAMS[0], 4, &Compiler::new());
}

#[test]
fn samples_in_the_documentation_and_tests_of_portus_compile() {
    each_program(WITH_PROGRAMS[1], 3, &Compiler::new().allow_all());
    each_program(WITH_PROGRAMS[2], 6, &Compiler::new().allow_all());
}

fn each_program((package, files): (&str, &[&str]), at_least: usize, compiler: &Compiler) {
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
