//! Registers and types as portus writes them.

use ccp_lang::{INFINITY, Kind, Variable};

/// A register with what is known of its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reg {
    /// Set by the agent: index, type with initial value, whether it is volatile.
    Control(u8, Type, bool),
    /// A number in the program.
    ImmNum(u64),
    /// A Bool in the program.
    ImmBool(bool),
    /// A register of the machine itself: `Cwnd`, `Rate`, `Micros` and the flags.
    Implicit(u8, Type),
    /// Known to the program only.
    Local(u8, Type),
    /// Measured by the transport.
    Primitive(u8, Type),
    /// Sent with each report: index, type with initial value, whether it is volatile.
    Report(u8, Type, bool),
    /// A temporary.
    Tmp(u8, Type),
    /// No register.
    None,
}

/// A type, with the initial value where one is declared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// True or false.
    Bool(Option<bool>),
    /// Not known yet. Never occurs here: it is portus's while it compiles.
    Name(String),
    /// A number; `u64::MAX` is +infinity.
    Num(Option<u64>),
    /// No type.
    None,
}

impl Reg {
    pub(super) fn of(variable: &Variable) -> Self {
        // Indices end at 110.
        let Ok(index) = u8::try_from(variable.reg.index) else {
            return Self::None;
        };
        let ty = Type::of(variable);
        match variable.kind {
            Kind::Report => Self::Report(index, ty, variable.volatile),
            Kind::Control => Self::Control(index, ty, variable.volatile),
            Kind::Local => Self::Local(index, ty),
            Kind::Implicit => Self::Implicit(index, ty),
            Kind::Primitive => Self::Primitive(index, ty),
            _ => Self::None,
        }
    }
}

impl Type {
    fn of(variable: &Variable) -> Self {
        match variable.ty {
            ccp_lang::Type::Bool => Self::Bool(variable.initial.map(|value| value != 0)),
            ccp_lang::Type::Num => Self::Num(variable.initial.map(number)),
        }
    }
}

/// A value as portus writes it.
pub(super) fn number(value: u64) -> u64 {
    if value == INFINITY { u64::MAX } else { value }
}
