//! What a datapath adds around a program.

use super::asm::{Asm, Gpr};

/// The datapath's part of an invocation, as code that the back end puts in the right places.
///
/// R9 holds the address of the flow's page throughout, and R6 to R8 are the host's own. R0 to R5
/// are free in all of its code and keep nothing from one piece to the next; the back end never
/// touches the stack.
pub trait Host {
    /// The beginning: puts the window in use into Cwnd, the rate last set through CCP (or 0) into
    /// Rate, the time in microseconds into Ack.now, and the primitives of `mask` (bits by index)
    /// into theirs. A missing RTT sample is 0. What was put there before needs no code.
    fn load(&mut self, asm: &mut Asm, mask: u64);

    /// Gives the window in `value`, in bytes, to the transport, clamped to what it can hold. Never
    /// run with 0. Used more than once.
    fn set_cwnd(&mut self, asm: &mut Asm, value: Gpr);

    /// Gives the rate in `value`, in bytes per second, to the transport, clamped to what it can
    /// hold. Never run with 0. Used more than once.
    fn set_rate(&mut self, asm: &mut Asm, value: Gpr);

    /// Sends the first `len` report registers.
    fn report(&mut self, asm: &mut Asm, len: usize);

    /// The end of an invocation: code that leaves. Used once for each ending.
    fn finish(&mut self, asm: &mut Asm, ending: Ending);
}

/// How an invocation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The program ran to its end, or there is none.
    Done,
    /// A trap ended it. It has been counted in the page.
    Trapped,
    /// It did not run: staged values could not be taken whole, or they begin another program.
    /// Nothing was given to the transport.
    Skipped,
}
