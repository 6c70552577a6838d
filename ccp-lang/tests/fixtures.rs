//! Programs with what the compiler makes of them.
//!
//! `fixtures/ok/NAME.ccp` compiles to the instructions in `NAME.asm`, which begins with the program's
//! warnings, one a line. `fixtures/err/NAME.ccp` is refused with the text in `NAME.txt`. A first line
//! `# allow` compiles with every deny-able lint allowed, `# base` for a datapath that has only the
//! first fifteen primitives. `BLESS=1` rewrites what is expected. It is the plain translation.
#![cfg(feature = "compiler")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ccp_lang::{Compiler, Diagnostics, Opt, Primitive};

#[test]
fn right_programs_compile_to_their_instructions() {
    check("ok", "asm", |name, result| match result {
        Ok(text) => text,
        Err(diagnostics) => panic!("{name} is refused:\n{diagnostics:#}"),
    });
}

#[test]
fn wrong_programs_are_refused_with_their_diagnostics() {
    check("err", "txt", |name, result| match result {
        Ok(_) => panic!("{name} compiles"),
        Err(diagnostics) => format!("{diagnostics:#}"),
    });
}

fn check(
    folder: &str,
    extension: &str,
    expect: impl Fn(&str, Result<String, Diagnostics>) -> String,
) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut wrong = Vec::new();
    for program in programs(&folder) {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let source = fs::read(&program).unwrap();
        let have = expect(&name, compile(&source));
        let expected = program.with_extension(extension);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &have).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != have {
            wrong.push(format!("{name}:\n{have}"));
        }
    }
    assert!(wrong.is_empty(), "not as expected; BLESS=1 accepts:\n{}", wrong.join("\n"));
}

fn programs(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|e| e == "ccp")).collect();
    programs.sort();
    assert!(!programs.is_empty());
    programs
}

fn compile(source: &[u8]) -> Result<String, Diagnostics> {
    let first = source.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut compiler = Compiler::new().opt(Opt::None);
    if first == b"# allow" {
        compiler = compiler.allow_all();
    }
    if first == b"# base" {
        compiler = compiler.available(Primitive::BASE_MASK);
    }
    let compiled = compiler.compile(source)?;
    let mut text = String::new();
    for warning in &compiled.warnings {
        let lint = warning.lint.expect("only lints warn");
        writeln!(text, "{}: {} {lint}", warning.position, warning.severity).unwrap();
    }
    write!(text, "{}", compiled.program.code()).unwrap();
    Ok(text)
}
