//! A program's code without a datapath around it, to be read.

use super::asm::{Asm, AsmError, Assembled, Gpr};
use super::emit::{PrimitiveBounds, Target, emit};
use super::host::{Ending, Host};
use super::layout::Layout;
use crate::machine::Program;
use crate::reg::{Class, Reg};

/// The code of a program in a page of its own, with remarks where a datapath would put its parts.
///
/// # Errors
/// None that a verified program could cause.
pub fn outline(program: &Program) -> Result<Assembled, AsmError> {
    let mut asm = Asm::new();
    if let Some(layout) = Layout::packed(0) {
        let target =
            Target { layout, program: 1, bounds: PrimitiveBounds::ANY, keep_temporaries: false };
        emit(program, &target, &mut Outline, &mut asm);
    }
    asm.finish()
}

/// Says where its code would be.
struct Outline;

impl Host for Outline {
    fn load(&mut self, asm: &mut Asm, mask: u64) {
        asm.comment("(the window in use, the rate, the time)");
        for index in (0..u64::BITS).filter(|&index| mask >> index & 1 == 1) {
            asm.comment(format_args!("({})", Reg::new(Class::Primitive, index)));
        }
    }

    fn set_cwnd(&mut self, asm: &mut Asm, _: Gpr) {
        asm.comment("(the transport gets the window in r1)");
    }

    fn set_rate(&mut self, asm: &mut Asm, _: Gpr) {
        asm.comment("(the transport gets the rate in r1)");
    }

    fn report(&mut self, asm: &mut Asm, len: usize) {
        asm.comment(format_args!("(a report of {len} fields)"));
    }

    fn finish(&mut self, asm: &mut Asm, ending: Ending) {
        asm.mov(Gpr::R0, ending as i32);
        asm.exit();
    }
}
