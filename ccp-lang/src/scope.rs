//! What the names of a compiled program stand for.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use crate::diag::Span;
use crate::primitive::{Primitive, Type};
use crate::reg::{Class, Reg};
use crate::table::PrimitiveDef;

/// What a variable is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Sent with each report.
    Report,
    /// Set by the agent.
    Control,
    /// Known to the program only.
    Local,
    /// `Cwnd`, `Rate` or `Micros`.
    Implicit,
    /// Measured by the transport.
    Primitive,
}

/// A variable of a program, or a built-in one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// The full name: `Report.acked`, `reportTime`, `Cwnd`.
    pub name: Cow<'static, str>,
    /// The register that holds it.
    pub reg: Reg,
    /// Its type.
    pub ty: Type,
    /// The declared initial value; `None` for what is not declared.
    pub initial: Option<u64>,
    /// Whether it goes back to its initial value after each report.
    pub volatile: bool,
    /// What it is for.
    pub kind: Kind,
    /// Where the program first names it: its declaration, or its first use for a local. Empty for
    /// built-in ones.
    pub span: Span,
}

/// The variables of a compiled program.
///
/// ```
/// let program = "(def (Report (volatile acked 0)) (target 10ms)) (when (> Micros target) (report))";
/// let scope = ccp_lang::compile(program)?.scope;
/// assert_eq!(scope.get("target").and_then(|v| v.initial), Some(10_000));
/// assert_eq!(scope.get("Cwnd").map(|v| v.reg), Some(ccp_lang::Reg::CWND));
/// assert_eq!(scope.reports().count(), 1);
/// # Ok::<(), ccp_lang::Diagnostics>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Reports, controls, locals; each in order of their registers.
    variables: Vec<Variable>,
    /// Indices into `variables` by name; of those with one name the later comes first.
    by_name: Vec<u32>,
    /// Primitives beyond the standard ones.
    added: Vec<Variable>,
}

impl Scope {
    /// `by_name` must order `variables` by name.
    pub(crate) fn new(variables: Vec<Variable>, by_name: Vec<u32>, added: Vec<Variable>) -> Self {
        Self { variables, by_name, added }
    }

    /// The variable of a full name, built-in ones included.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Variable> {
        let variable = |&at: &u32| self.variables.get(at as usize);
        let first =
            self.by_name.partition_point(|at| variable(at).is_some_and(|v| *v.name < *name));
        self.by_name
            .get(first)
            .and_then(variable)
            .filter(|v| v.name == name)
            .or_else(|| builtin(name))
            .or_else(|| self.added.iter().find(|v| v.name == name))
    }

    /// The variable that a register holds, built-in ones included.
    #[must_use]
    pub fn variable(&self, reg: Reg) -> Option<&Variable> {
        let is_it = |v: &&Variable| {
            let both = |is: fn(Reg) -> bool| is(v.reg) && is(reg) && v.reg.index == reg.index;
            // Volatile ones share their numbers with the others.
            v.reg == reg || both(Reg::is_control) || both(Reg::is_report)
        };
        self.variables.iter().chain(builtins()).chain(&self.added).find(is_it)
    }

    /// The register of what an agent may set: a control variable, `Cwnd` or `Rate`.
    ///
    /// # Errors
    /// [`NameError::Unknown`], [`NameError::NotSettable`].
    pub fn settable(&self, name: &str) -> Result<Reg, NameError> {
        match self.get(name) {
            Some(found) if found.reg.is_settable() => Ok(found.reg),
            Some(_) => Err(NameError::NotSettable(name.into())),
            None => Err(NameError::Unknown(name.into())),
        }
    }

    /// Where in a report a variable is.
    ///
    /// # Errors
    /// [`NameError::Unknown`], [`NameError::NotReported`].
    pub fn report_index(&self, name: &str) -> Result<usize, NameError> {
        match self.get(name) {
            Some(found) if found.reg.is_report() => Ok(found.reg.index as usize),
            Some(_) => Err(NameError::NotReported(name.into())),
            None => Err(NameError::Unknown(name.into())),
        }
    }

    /// The variables of the program: reports, controls, then locals, each in the order of their
    /// registers, which is that of their declaration.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The report variables in the order in which a report carries them.
    pub fn reports(&self) -> impl Iterator<Item = &Variable> {
        self.variables.iter().filter(|v| v.kind == Kind::Report)
    }

    /// The variables that the agent can set, built-in ones left out.
    pub fn controls(&self) -> impl Iterator<Item = &Variable> {
        self.variables.iter().filter(|v| v.kind == Kind::Control)
    }
}

/// Why a name cannot be used in a certain way.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// The program has no variable of this name.
    #[error("the program has no variable `{0}`")]
    Unknown(String),
    /// Only the program or the datapath writes the variable of this name.
    #[error("`{0}` cannot be set from outside the program")]
    NotSettable(String),
    /// The variable of this name is not sent in reports.
    #[error("`{0}` is not a report variable")]
    NotReported(String),
    /// The variable of this name is a number where a truth value is wanted.
    #[error("`{0}` is a number, not true or false")]
    NotBool(String),
}

/// The built-in variable of a name.
pub(crate) fn builtin(name: &str) -> Option<&'static Variable> {
    // Most names are not built in, and can be told by their beginning.
    if !matches!(name.as_bytes(), [b'A' | b'F' | b'C' | b'R' | b'M', ..]) {
        return None;
    }
    BUILTINS.iter().find(|v| v.name == name)
}

/// A primitive that was added to the standard ones, as a variable.
pub(crate) fn primitive(def: &PrimitiveDef) -> Variable {
    Variable {
        name: Cow::Owned(def.name().into()),
        reg: Reg::new(Class::Primitive, def.index()),
        ty: def.ty(),
        initial: None,
        volatile: false,
        kind: Kind::Primitive,
        span: Span::new(0, 0),
    }
}

/// All built-in variables.
pub(crate) fn builtins() -> &'static [Variable] {
    &BUILTINS
}

macro_rules! builtins {
    ($( $at:literal )+) => {
        static BUILTINS: [Variable; BUILTIN_COUNT] = [$( built_in($at), )+];
    };
}

builtins! { 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 }

/// The three of the machine, then the primitives.
const BUILTIN_COUNT: usize = 3 + Primitive::ALL.len();

const fn built_in(at: usize) -> Variable {
    let (name, reg, ty, kind) = match at {
        0 => ("Cwnd", Reg::CWND, Type::Num, Kind::Implicit),
        1 => ("Rate", Reg::RATE, Type::Num, Kind::Implicit),
        2 => ("Micros", Reg::MICROS, Type::Num, Kind::Implicit),
        _ => {
            let primitive = Primitive::ALL[at - 3];
            (primitive.name(), Reg::primitive(primitive), primitive.ty(), Kind::Primitive)
        }
    };
    Variable {
        name: Cow::Borrowed(name),
        reg,
        ty,
        initial: None,
        volatile: false,
        kind,
        span: Span::new(0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_names_are_always_known() {
        let scope = Scope::default();
        assert_eq!(scope.get("Micros").map(|v| v.reg), Some(Reg::MICROS));
        for &primitive in Primitive::ALL {
            let found = scope.get(primitive.name()).map(|v| (v.reg, v.ty));
            assert_eq!(found, Some((Reg::primitive(primitive), primitive.ty())));
        }
        assert!(scope.get("Report.x").is_none());
        assert_eq!(scope.variable(Reg::RATE).map(|v| &*v.name), Some("Rate"));
        assert!(scope.variable(Reg::control(0)).is_none());
        assert!(scope.variables().is_empty());
    }

    #[test]
    fn names_are_told_apart_by_what_they_can_be_used_for() {
        let program = "(def (Report (volatile a 0) (b 1)) (gain 1)) (when true (report))";
        let scope = crate::compile(program).unwrap().scope;
        assert_eq!(scope.report_index("Report.b"), Ok(1));
        assert_eq!(scope.settable("Cwnd"), Ok(Reg::CWND));
        assert_eq!(scope.settable("gain").ok(), scope.get("gain").map(|v| v.reg));
        for reg in [Reg::report(0), Reg::volatile_report(0)] {
            assert_eq!(scope.variable(reg).map(|v| &*v.name), Some("Report.a"));
        }
        for name in ["Report.a", "Micros", "Ack.now"] {
            assert_eq!(scope.settable(name), Err(NameError::NotSettable(name.into())));
        }
        for name in ["gain", "Cwnd", "Ack.now"] {
            assert_eq!(scope.report_index(name), Err(NameError::NotReported(name.into())));
        }
        for name in ["gian", "Report.", ""] {
            assert_eq!(scope.settable(name), Err(NameError::Unknown(name.into())));
            assert_eq!(scope.report_index(name), Err(NameError::Unknown(name.into())));
        }
    }
}
