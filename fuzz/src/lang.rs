//! Any bytes to the compiler: no panic, every error with a place and a remedy, and what compiles is a good program.

use ccp_lang::{Code, Compiled, Compiler, Diagnostics, Limits, Opt, Primitive, Program, syntax};

use crate::acks::Derived;
use crate::machines;

pub(crate) fn run(source: &[u8]) {
    let (tree, mistakes) = syntax::parse(source);
    let _ = tree.to_string();
    shows(&mistakes, source);
    let compilers = [
        Compiler::new(),
        Compiler::new().allow_all(),
        Compiler::new().allow_all().available(Primitive::BASE_MASK),
    ];
    for compiler in compilers {
        let plain = compiler.clone().opt(Opt::None).compile(source);
        let short = compiler.opt(Opt::Full).compile(source);
        for compiled in [&plain, &short] {
            match compiled {
                Ok(compiled) => good(compiled, source),
                Err(diagnostics) => {
                    assert!(diagnostics.has_errors());
                    shows(diagnostics, source);
                }
            }
        }
        match (plain, short) {
            (Ok(plain), Ok(short)) => {
                let names = |c: &Compiled| c.scope.variables().to_vec();
                assert_eq!(names(&plain), names(&short), "names mean the same");
                let [long, brief] = [&plain, &short].map(|c| c.program.code().instrs.len());
                assert!(brief <= long, "{brief} instructions of {long}");
                machines::alike(&plain.program, &short.program, &Derived::from(source).acks(16));
            }
            (Ok(_), Err(errors)) => panic!("only without optimiser: {errors}"),
            _ => {}
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
    assert!(!code.to_string().is_empty());
    machines::like_the_reference(program, &Derived::from(source).acks(8));
}
