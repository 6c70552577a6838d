//! Any bytes to the compiler: no panic, every error with a place and a remedy, and what compiles is a good program.

use ccp_lang::{
    Code, Compiled, Compiler, Diagnostics, Limits, Opt, Primitive, Program, fmt, syntax,
};

use crate::acks::Derived;
use crate::machines;

pub(crate) fn run(source: &[u8]) {
    let (tree, mistakes) = syntax::parse(source);
    let _ = tree.to_string();
    shows(&mistakes, source);
    printed_form(source);
    formatted(source);
    checked(&Compiler::new().compile(source), source);
    let all = Compiler::new().allow_all();
    if let Some([plain, short]) = forms(&all, source) {
        machines::like_the_reference(&plain.program, &Derived::from(source).acks(8));
        machines::like_the_reference(&short.program, &Derived::from(source).acks(8));
    }
    forms(&all.available(Primitive::BASE_MASK), source);
}

/// Both forms of a program, which do the same.
fn forms(compiler: &Compiler, source: &[u8]) -> Option<[Compiled; 2]> {
    let forms = [Opt::None, Opt::Full].map(|opt| compiler.clone().opt(opt).compile(source));
    forms.iter().for_each(|form| checked(form, source));
    match forms {
        [Ok(plain), Ok(short)] => {
            assert_eq!(plain.scope.variables(), short.scope.variables(), "names mean the same");
            let [long, brief] = [&plain, &short].map(|c| c.program.code().instrs.len());
            assert!(brief <= long, "{brief} instructions of {long}");
            machines::alike(&plain.program, &short.program, &Derived::from(source).acks(16));
            Some([plain, short])
        }
        [Ok(_), Err(errors)] => panic!("only without optimiser: {errors}"),
        _ => None,
    }
}

fn checked(compiled: &Result<Compiled, Diagnostics>, source: &[u8]) {
    match compiled {
        Ok(compiled) => good(compiled, source),
        Err(diagnostics) => {
            assert!(diagnostics.has_errors());
            shows(diagnostics, source);
        }
    }
}

/// Nothing that is wrong is told without a place and what to do.
fn shows(diagnostics: &Diagnostics, source: &[u8]) {
    let (plain, full) = (diagnostics.to_string(), format!("{diagnostics:#}"));
    assert!(diagnostics.is_empty() || !plain.is_empty() && !full.is_empty());
    for diagnostic in diagnostics {
        assert!(diagnostic.help.is_some(), "what is to be done? {diagnostic}");
        assert!(diagnostic.span.start <= diagnostic.span.end);
        assert!(diagnostic.span.end as usize <= source.len());
        assert!(diagnostic.position.line >= 1 && diagnostic.position.column >= 1);
    }
}

/// The same text to the assembler.
fn printed_form(source: &[u8]) {
    let Ok(text) = core::str::from_utf8(source) else { return };
    match text.parse::<Code>() {
        Ok(code) => assert_eq!(code.to_string().parse(), Ok(code)),
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1);
            assert!(!error.to_string().is_empty());
        }
    }
}

/// What is formatted stays as it is when it is formatted again, and means what it meant.
fn formatted(source: &[u8]) {
    let text = match fmt::format(source) {
        Ok(text) => text,
        Err(diagnostics) => return shows(&diagnostics, source),
    };
    assert_eq!(fmt::format(&text).as_ref(), Ok(&text), "formatted again");
    let trees = [source, text.as_bytes()].map(|source| syntax::parse(source).0.to_string());
    assert_eq!(trees[0], trees[1], "another program");
    let compiler = Compiler::new().allow_all().opt(Opt::None);
    let compiled = [source, text.as_bytes()].map(|source| compiler.compile(source).ok());
    let codes = compiled.each_ref().map(|compiled| compiled.as_ref().map(|c| c.program.code()));
    assert_eq!(codes[0], codes[1], "another program");
}

fn good(compiled: &Compiled, source: &[u8]) {
    shows(&compiled.warnings, source);
    assert!(!compiled.warnings.has_errors());
    let program = &compiled.program;
    let code = program.code();
    let limits = Limits { primitives: 32, ..Limits::LIBCCP };
    assert_eq!(Program::verify(code.clone(), &limits).as_ref(), Ok(program));
    let records = code.to_records();
    assert_eq!(Code::from_records(&records.events, &records.instrs).as_ref(), Ok(code));
    assert_eq!(Code::from_bytes(&code.to_bytes()).as_ref(), Ok(code));
    assert_eq!(code.to_string().parse().as_ref(), Ok(code));
}
