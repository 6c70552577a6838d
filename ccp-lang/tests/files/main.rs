//! Programs that carry their own expectations; `README.md` beside this file says how to write one.
#![cfg(feature = "compiler")]

mod cover;
mod engines;
mod format;
#[cfg(feature = "ebpf")]
#[allow(dead_code, reason = "parts of it are for the tests that look into the page")]
#[path = "../ebpf/machine.rs"]
mod machine;

use std::fs;
use std::path::Path;

use ccp_lang::{Code, Compiled, Compiler, Diagnostic, Diagnostics, Opt, Scope, syntax};

use format::{Directive, File, Flow, Line, Run, Setting, Step, Test, Wrong};

#[test]
fn programs_do_what_their_files_say() {
    let is_bless = std::env::var_os("CCP_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in format::walk(&folder()) {
        let found = if is_bless { bless(&path) } else { check(&path) };
        if let Err(Wrong { line, message }) = found {
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&path);
            wrong.push(format!("{}:{line}: {message}", name.display()));
        }
    }
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} files are wrong:\n{}", wrong.join("\n"));
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn check(path: &Path) -> Result<(), Wrong> {
    let bytes = fs::read(path).expect("a file");
    let found = rewritten(&bytes)?;
    if found == bytes {
        return Ok(());
    }
    let (mut in_file, mut found) = (bytes.split(is_newline), found.split(is_newline));
    for line in 1.. {
        let (expected, found) = (in_file.next(), found.next());
        if expected != found {
            let show = |line: Option<&[u8]>| match line {
                Some(line) => String::from_utf8_lossy(line).into_owned(),
                None => "the end of the file".into(),
            };
            let (expected, found) = (show(expected), show(found));
            let message = format!(
                "not as expected; CCP_BLESS=1 rewrites the file\n    expected: {expected}\n       found: {found}"
            );
            return Err(Wrong { line, message });
        }
    }
    Ok(())
}

fn is_newline(byte: &u8) -> bool {
    *byte == b'\n'
}

/// Lines that diagnostics name move when others are written, hence again until nothing moves.
fn bless(path: &Path) -> Result<(), Wrong> {
    for _ in 0..4 {
        let bytes = fs::read(path).expect("a file");
        let found = rewritten(&bytes)?;
        if found == bytes {
            return Ok(());
        }
        fs::write(path, found).expect("a file that can be written");
    }
    Err(Wrong { line: 1, message: "each rewriting changes it again".into() })
}

/// The file with the expectations that are true.
fn rewritten(bytes: &[u8]) -> Result<Vec<u8>, Wrong> {
    let file = File::parse(bytes)?;
    let settings = file.settings();
    let programs = file.programs();
    check_settings(&settings, &programs)?;
    let compiler = format::compiler(settings.iter().map(|(_, setting)| *setting)).opt(Opt::None);
    let compiled: Vec<_> = programs.iter().map(|source| compiler.compile(source)).collect();
    for (source, plain) in programs.iter().zip(&compiled) {
        check_levels(&compiler, source, plain)?;
    }
    let said: Vec<&Diagnostics> = compiled.iter().map(said).collect();
    let steps = run_all(&file, &compiler, &programs)?;
    let mut writer = Writer { out: Vec::new(), said: Vec::new() };
    for diagnostics in &said {
        writer.said.extend(diagnostics.iter());
    }
    let mut at = 0;
    for (number, line) in (1..).zip(&file.lines) {
        // What the compiler says of a line that is not the program's belongs to the one before.
        let next = file.lines.iter().skip(number).position(|l| !matches!(l, Line::Expectation));
        let end = next.map_or(usize::MAX, |more| number + more);
        match line {
            Line::Expectation => continue,
            Line::Source(text) => writer.line(text),
            Line::Directive(text, directive) => {
                writer.line(text);
                if *directive == Directive::Program {
                    at += 1;
                }
                if let Directive::Test(test) = directive {
                    writer.print(number, *test, &compiler, &programs[at])?;
                }
            }
        }
        writer.diagnostics(end);
        for (_, step) in steps.iter().filter(|(line, _)| *line == number) {
            writer.line(format!("#={step}").as_bytes());
        }
    }
    for diagnostics in said.iter().filter(|d| d.omitted() > 0) {
        writer.line(format!("#~ and {} more", diagnostics.omitted()).as_bytes());
    }
    Ok(writer.out)
}

struct Writer<'a> {
    out: Vec<u8>,
    /// What is not written yet.
    said: Vec<&'a Diagnostic>,
}

impl Writer<'_> {
    fn line(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.out.push(b'\n');
    }

    /// Writes what is said of lines up to `end`.
    fn diagnostics(&mut self, end: usize) {
        let is_here = |d: &&Diagnostic| d.position.line as usize <= end;
        let (here, later): (Vec<_>, Vec<_>) = self.said.iter().partition(|d| is_here(d));
        self.said = later;
        for Diagnostic { position, severity, code, message, help, labels, .. } in here {
            let column = position.column;
            self.line(format!("#~ {column}: {severity}[{code}]: {message}").as_bytes());
            for label in labels {
                self.line(format!("#~     {}: {}", label.position, label.message).as_bytes());
            }
            if let Some(help) = help {
                self.line(format!("#~     help: {help}").as_bytes());
            }
        }
    }

    /// Writes what a test of a printed form shows.
    fn print(
        &mut self,
        line: usize,
        test: Test,
        compiler: &Compiler,
        source: &[u8],
    ) -> Result<(), Wrong> {
        let refused =
            |_| Wrong { line, message: "the program does not compile; see its errors".into() };
        let text = match test {
            Test::Check | Test::Run { .. } => return Ok(()),
            Test::Ast => syntax::parse(source).0.to_string(),
            Test::Ir => compiler.check(source).map_err(refused)?.to_string(),
            Test::Asm(opt) => {
                let compiled = compiler.clone().opt(opt).compile(source).map_err(refused)?;
                let text = compiled.program.to_string();
                if text.parse::<Code>().as_ref() != Ok(compiled.program.code()) {
                    let message = "the assembler does not read back what is printed".into();
                    return Err(Wrong { line, message });
                }
                text
            }
        };
        for line in text.lines() {
            self.line(format!("#| {line}").trim_end().as_bytes());
        }
        Ok(())
    }
}

fn said(result: &Result<Compiled, Diagnostics>) -> &Diagnostics {
    match result {
        Ok(compiled) => &compiled.warnings,
        Err(diagnostics) => diagnostics,
    }
}

/// Whatever the level, a program is taken or refused with the same words.
fn check_levels(
    compiler: &Compiler,
    source: &[u8],
    plain: &Result<Compiled, Diagnostics>,
) -> Result<(), Wrong> {
    let full = compiler.clone().opt(Opt::Full).compile(source);
    // What is too large as it is written may fit when it is optimised.
    let is_size = |diagnostic: &Diagnostic| diagnostic.code.as_str().starts_with("E06");
    let may_fit = plain.as_ref().is_err_and(|said| said.errors().all(is_size)) && full.is_ok();
    if may_fit || said(plain) == said(&full) {
        return Ok(());
    }
    let (plain, full) = (said(plain), said(&full));
    let message = format!("unoptimised the compiler says\n{plain}\noptimised it says\n{full}");
    Err(Wrong { line: 1, message })
}

/// A setting without which everything would be the same is stale.
fn check_settings(settings: &[(usize, Setting)], programs: &[Vec<u8>]) -> Result<(), Wrong> {
    let result = |without: Option<usize>| -> Vec<_> {
        let kept = settings.iter().filter(|(line, _)| Some(*line) != without);
        let compiler = format::compiler(kept.map(|(_, setting)| *setting)).opt(Opt::None);
        let compile = |source| match compiler.compile(source) {
            Ok(compiled) => (Some(compiled.program), compiled.warnings),
            Err(diagnostics) => (None, diagnostics),
        };
        programs.iter().map(compile).collect()
    };
    let with = if settings.is_empty() { Vec::new() } else { result(None) };
    for (line, _) in settings {
        if result(Some(*line)) == with {
            let message = "without this everything would be the same".into();
            return Err(Wrong { line: *line, message });
        }
    }
    Ok(())
}

/// What each ACK does, by its line; every engine must say the same.
fn run_all(
    file: &File<'_>,
    compiler: &Compiler,
    sources: &[Vec<u8>],
) -> Result<Vec<(usize, Step)>, Wrong> {
    let mut all = Vec::new();
    let runs = file.runs();
    if runs.is_empty() {
        return Ok(all);
    }
    let compile_at = |opt| -> Result<(Vec<_>, Vec<_>), Wrong> {
        let compiler = compiler.clone().opt(opt);
        let compile = |source| match compiler.compile(source) {
            Ok(compiled) => Ok((compiled.program, compiled.scope)),
            Err(said) => Err(Wrong { line: 1, message: format!("this cannot run:\n{said}") }),
        };
        let compiled: Result<Vec<_>, Wrong> = sources.iter().map(compile).collect();
        Ok(compiled?.into_iter().unzip())
    };
    let (plain, scopes) = compile_at(Opt::None)?;
    let (full, full_scopes) = compile_at(Opt::Full)?;
    for run in &runs {
        let steps = run.play(&scopes, &mut engines::OnMachine::new(&plain, run.cwnd))?;
        let optimised = &mut engines::OnMachine::new(&full, run.cwnd);
        compare("the machine, optimised", &steps, run, &full_scopes, optimised)?;
        #[cfg(feature = "ebpf")]
        for (name, programs, scopes) in
            [("eBPF", &plain, &scopes), ("eBPF, optimised", &full, &full_scopes)]
        {
            let flow = &mut engines::OnEbpf::new(programs, run.cwnd);
            compare(name, &steps, run, scopes, flow)?;
        }
        all.extend(steps);
    }
    Ok(all)
}

fn compare(
    engine: &str,
    steps: &[(usize, Step)],
    run: &Run<'_>,
    scopes: &[Scope],
    flow: &mut dyn Flow,
) -> Result<(), Wrong> {
    let others = run.play(scopes, flow)?;
    for ((line, expected), (_, found)) in steps.iter().zip(&others) {
        if expected != found {
            let message =
                format!("engines differ\n    the machine:{expected}\n    {engine}:{found}");
            return Err(Wrong { line: *line, message });
        }
    }
    Ok(())
}
