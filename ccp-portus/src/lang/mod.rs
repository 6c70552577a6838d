//! The compiler for datapath programs, in portus's shape.
//!
//! What denies by default in `ccp-lang` only warns here, and a program means what it means to
//! portus. New code is better off with `ccp_lang::compile`, which tells place and cure of every
//! error in a form that tools can use.

mod bin;
mod reg;
mod scope;

use std::num::ParseIntError;
use std::str::Utf8Error;
use std::string::FromUtf8Error;

use ccp_lang::{Compiler, Opt};
use tracing::warn;

pub use bin::Bin;
pub use reg::{Reg, Type};
pub use scope::Scope;

/// What every fallible function of this module returns.
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with a program, as text: one line for each error with its place.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Utf8Error> for Error {
    fn from(error: Utf8Error) -> Self {
        Self(error.to_string())
    }
}

impl From<FromUtf8Error> for Error {
    fn from(error: FromUtf8Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ParseIntError> for Error {
    fn from(error: ParseIntError) -> Self {
        Self(error.to_string())
    }
}

/// Compiles a program, with other initial values for some of its variables.
///
/// A name in `updates` that the program does not declare is passed over with a warning.
///
/// ```
/// let source = b"(def (Report (volatile acked 0)) (target 100))
///                (when (> Micros target) (report))";
/// let (bin, scope) = ccp_portus::lang::compile(source, &[("target", 200)])?;
/// assert_eq!(bin.events.len(), 1);
/// assert!(scope.has("Report.acked"));
/// # Ok::<(), ccp_portus::lang::Error>(())
/// ```
///
/// # Errors
/// All that is wrong with the program; or an initial value that programs cannot carry.
pub fn compile(src: &[u8], updates: &[(&str, u32)]) -> Result<(Bin, Scope)> {
    let compiled = Compiler::new()
        .allow_all()
        .opt(Opt::None)
        .compile(src)
        .map_err(|errors| Error(errors.to_string()))?;
    if !compiled.warnings.is_empty() {
        warn!("{}", compiled.warnings);
    }
    let mut bin = Bin::from(compiled.program.code().clone());
    let mut scope = Scope::from(compiled.scope);
    for &(name, value) in updates {
        match scope.declared(name) {
            Some(reg) => {
                bin.start_with(reg, value)?;
                scope.start_with(name, value);
            }
            None => warn!(name, "the program declares no such variable"),
        }
    }
    Ok((bin, scope))
}

/// As [`compile`], in the form that an Install message carries.
///
/// # Errors
/// As [`compile`].
pub fn compile_and_serialize(src: &[u8], updates: &[(&str, u32)]) -> Result<(Vec<u8>, Scope)> {
    let (bin, scope) = compile(src, updates)?;
    Ok((bin.serialize()?, scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &[u8] = b"
        (def (Report (volatile minrtt +infinity) (lost false)) (limit 7))
        (when (> Micros limit) (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us)) (report))";

    #[test]
    fn names_stand_for_the_registers_portus_gives_them() {
        let (_, scope) = compile(SOURCE, &[]).unwrap();
        let of = |name| scope.get(name).cloned();
        let number = Type::Num(None);
        assert_eq!(of("Report.minrtt"), Some(Reg::Report(0, Type::Num(Some(u64::MAX)), true)));
        assert_eq!(of("Report.lost"), Some(Reg::Report(1, Type::Bool(Some(false)), false)));
        assert_eq!(of("limit"), Some(Reg::Control(0, Type::Num(Some(7)), false)));
        assert_eq!(of("Cwnd"), Some(Reg::Implicit(4, number.clone())));
        assert_eq!(of("__shouldReport"), Some(Reg::Implicit(2, Type::Bool(None))));
        assert_eq!(of("Flow.rtt_sample_us"), Some(Reg::Primitive(13, number)));
        assert_eq!(of("minrtt"), None);
        assert!(!scope.has("minrtt"));
        assert!(Scope::new().has("Rate"));
        assert!(!Scope::default().has("limit"));
    }

    #[test]
    fn initial_values_can_be_replaced() {
        let (plain, _) = compile(SOURCE, &[]).unwrap();
        let (bin, scope) = compile(SOURCE, &[("limit", 9), ("Cwnd", 1), ("nothing", 2)]).unwrap();
        let changed: Vec<_> =
            plain.instrs.iter().zip(&bin.instrs).filter(|(a, b)| a != b).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].1.right.index, 9);
        assert_eq!(scope.get("limit"), Some(&Reg::Control(0, Type::Num(Some(9)), false)));
        // libccp reads this one as infinity.
        assert!(compile(SOURCE, &[("limit", 0x3FFF_FFFF)]).is_err());
    }

    #[test]
    fn a_serialized_program_is_its_records_alone() {
        let (bin, _) = compile(SOURCE, &[]).unwrap();
        let (bytes, _) = compile_and_serialize(SOURCE, &[]).unwrap();
        assert_eq!(bytes.len(), 16 * (bin.events.len() + bin.instrs.len()));
        // The only event's condition comes after the three declarations.
        assert_eq!(bytes[..4], [3, 0, 0, 0]);
    }

    #[test]
    fn what_only_portus_takes_is_taken() {
        let unbound = b"(def (Report (volatile acked 0)))
                        (when true (:= Report.acked bytes) (report))";
        assert!(ccp_lang::compile(unbound).is_err());
        compile(unbound, &[]).unwrap();
    }

    #[test]
    fn an_error_says_where() {
        let error = compile(b"(def (Report (x 0)))\n(when true (:= 1 2))", &[]).unwrap_err();
        assert!(error.to_string().starts_with("2:"), "{error}");
        assert!(compile(b"\xff", &[]).is_err());
    }
}
