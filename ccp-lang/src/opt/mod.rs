//! The optimiser: the same program in fewer steps.

/// How much a program is optimised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opt {
    /// Not at all: the plain translation, one operator one instruction, in the order of the source.
    None,
    /// As far as possible. What a program does, traps included, stays the same.
    #[default]
    Full,
}
