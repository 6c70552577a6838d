//! Verified programs, written out or compiled, as eBPF code against the machine.
//!
//! The first byte chooses: source text with derived ACKs, or two programs and their ACKs.

use arbitrary::{Result, Unstructured};
use ccp_lang::{Compiler, Opt, Program, ebpf};

use crate::acks::Derived;
use crate::machines::{self, For};
use crate::programs;

pub(crate) fn run(bytes: &[u8]) {
    let Some((&mode, rest)) = bytes.split_first() else { return };
    let made_for = [For::Anything, For::Narrow, For::Forgetful][usize::from(mode >> 4) % 3];
    if mode % 4 == 0 {
        source(rest, made_for);
    } else {
        // Too few bytes are no program.
        let _ = written_out(&mut Unstructured::new(rest), made_for);
    }
}

fn source(text: &[u8], made_for: For) {
    let compiler = Compiler::new().allow_all();
    let forms = [Opt::None, Opt::Full].map(|opt| compiler.clone().opt(opt).compile(text));
    let acks = Derived::from(text).acks(12);
    for compiled in forms.iter().flatten() {
        let program = limited(&compiled.program);
        machines::as_ebpf([&program, &program], &acks, made_for);
    }
}

fn written_out(u: &mut Unstructured<'_>, made_for: For) -> Result<()> {
    let codes = [programs::code(u)?, programs::code(u)?];
    let acks = programs::acks(u, 16)?;
    let verified = codes.map(|code| Program::verify(code, &ebpf::LIMITS));
    let mut good: Vec<_> = verified.iter().flatten().collect();
    if made_for == For::Forgetful {
        // A change to another program must find temporaries that it has not set itself.
        good.truncate(1);
    }
    if let (Some(first), Some(last)) = (good.first(), good.last()) {
        machines::as_ebpf([first, last], &acks, made_for);
        machines::like_the_reference(first, &acks);
    }
    Ok(())
}

/// The same program, as the kernel's verifier may see it.
fn limited(program: &Program) -> Program {
    Program::verify(program.code().clone(), &ebpf::LIMITS).expect("compilers stay below that")
}
