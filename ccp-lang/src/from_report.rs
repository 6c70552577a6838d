//! A report's values as a Rust value: names are looked up once, and reading a report looks up nothing.

use alloc::format;
use core::fmt::Debug;

use crate::primitive::Type;
use crate::scope::{NameError, Scope};

/// What can be read from a report: `u64`, `bool`, an `Option` of either for a variable that not every program has, and
/// the structs that [`report!`](crate::report) declares.
pub trait FromReport: Sized {
    /// Where its values are in a report.
    type Places: Copy + Debug + Eq;

    /// Looks up the report variable `name`; for a struct, its fields as those of `name`.
    ///
    /// # Errors
    /// For the first name that the program does not report, or not as the type that is wanted.
    fn places(scope: &Scope, name: &str) -> Result<Self::Places, NameError>;

    /// Reads it from a report, of which `value` gives the value at an index.
    ///
    /// # Errors
    /// The first error of `value`.
    fn read<E>(places: Self::Places, value: &impl Fn(usize) -> Result<u64, E>) -> Result<Self, E>;
}

impl FromReport for u64 {
    type Places = usize;

    fn places(scope: &Scope, name: &str) -> Result<usize, NameError> {
        scope.report_index(name)
    }

    #[inline]
    fn read<E>(place: usize, value: &impl Fn(usize) -> Result<Self, E>) -> Result<Self, E> {
        value(place)
    }
}

impl FromReport for bool {
    type Places = usize;

    fn places(scope: &Scope, name: &str) -> Result<usize, NameError> {
        let place = scope.report_index(name)?;
        match scope.get(name) {
            Some(found) if found.ty == Type::Num => Err(NameError::NotBool(name.into())),
            _ => Ok(place),
        }
    }

    #[inline]
    fn read<E>(place: usize, value: &impl Fn(usize) -> Result<u64, E>) -> Result<Self, E> {
        Ok(value(place)? != 0)
    }
}

impl<T: FromReport> FromReport for Option<T> {
    type Places = Option<T::Places>;

    fn places(scope: &Scope, name: &str) -> Result<Self::Places, NameError> {
        match T::places(scope, name) {
            Err(NameError::Unknown(_)) => Ok(None),
            found => found.map(Some),
        }
    }

    #[inline]
    fn read<E>(places: Self::Places, value: &impl Fn(usize) -> Result<u64, E>) -> Result<Self, E> {
        places.map(|places| T::read(places, value)).transpose()
    }
}

/// Declares a struct that is made of a report's values.
///
/// A field has the name of its report variable, without `Report.`, or says it after `as`. Its type is `u64`, `bool`, or
/// an `Option` of either: `None` where the program does not report it. The struct is `Copy`, `Debug`, `PartialEq` and
/// `Eq` without saying so.
///
/// ```
/// ccp_lang::report! {
///     /// What the program saw in a round trip.
///     pub struct Round {
///         /// Bytes.
///         pub acked: u64,
///         /// Microseconds.
///         pub min_rtt: u64 as "minrtt",
///         pub timeout: bool,
///         pub marked: Option<u64>,
///     }
/// }
/// use ccp_lang::FromReport;
///
/// let program = "
///     (def (Report (volatile minrtt +infinity) (volatile acked 0) (volatile timeout false)))
///     (when true
///         (:= Report.acked (+ Report.acked Ack.bytes_acked))
///         (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us))
///         (:= Report.timeout Flow.was_timeout)
///         (report))";
/// let places = Round::places(&ccp_lang::compile(program)?.scope, "Report")?;
///
/// let report = [20_000, 1448, 0];
/// let round = Round::read(places, &|at| report.get(at).copied().ok_or("it is too short"))?;
/// assert_eq!(round, Round { acked: 1448, min_rtt: 20_000, timeout: false, marked: None });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! report {
    (
        $(#[$about:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$doc:meta])* $field_vis:vis $field:ident: $ty:ty $(as $as:literal)? ),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis struct $name { $( $(#[$doc])* $field_vis $field: $ty, )* }

        const _: () = {
            #[allow(unreachable_pub, reason = "it is named in a public trait only")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct __Places { $( $field: <$ty as $crate::FromReport>::Places, )* }

            impl $crate::FromReport for $name {
                type Places = __Places;

                fn places(scope: &$crate::Scope, of: &str) -> Result<__Places, $crate::NameError> {
                    Ok(__Places { $(
                        $field: $crate::__place::<$ty>(scope, of, $crate::__named!($field $($as)?))?,
                    )* })
                }

                #[inline]
                fn read<E>(
                    places: __Places,
                    value: &impl Fn(usize) -> Result<u64, E>,
                ) -> Result<Self, E> {
                    Ok(Self { $( $field: <$ty as $crate::FromReport>::read(places.$field, value)?, )* })
                }
            }
        };
    };
}

/// What a field of [`report!`](crate::report) is called in the program.
#[doc(hidden)]
#[macro_export]
macro_rules! __named {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $as:literal) => {
        $as
    };
}

/// Looks up a field of a struct that [`report!`](crate::report) declares.
#[doc(hidden)]
pub fn __place<T: FromReport>(scope: &Scope, of: &str, name: &str) -> Result<T::Places, NameError> {
    T::places(scope, &format!("{of}.{name}"))
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    report! {
        struct Seen {
            acked: u64,
            timeout: bool,
            undone: Option<bool>,
        }
    }

    fn scope(reported: &str) -> Scope {
        let program = format!("(def (Report {reported}) (gain 1)) (when true (report))");
        crate::compile(program).unwrap().scope
    }

    fn read(scope: &Scope, report: &[u64]) -> Result<Seen, usize> {
        let places = Seen::places(scope, "Report").unwrap();
        Seen::read(places, &|at| report.get(at).copied().ok_or(at))
    }

    #[test]
    fn values_are_found_wherever_the_program_has_them() {
        let first = scope("(acked 0) (timeout false)");
        let seen = Seen { acked: 7, timeout: true, undone: None };
        assert_eq!(read(&first, &[7, 1]), Ok(seen));
        let later = scope("(x 0) (undone false) (timeout false) (y 0) (acked 0)");
        let seen = Seen { acked: 7, timeout: false, undone: Some(true) };
        assert_eq!(read(&later, &[1, 2, 0, 3, 7]), Ok(seen));
    }

    #[test]
    fn a_report_that_is_too_short_says_where() {
        let scope = scope("(timeout false) (acked 0) (undone false)");
        assert_eq!(read(&scope, &[0, 1]), Err(2));
        assert_eq!(read(&scope, &[0]), Err(1));
    }

    #[test]
    fn a_name_that_the_program_does_not_report_is_named() {
        let refused = |reported| Seen::places(&scope(reported), "Report").unwrap_err();
        let unknown = NameError::Unknown("Report.acked".into());
        assert_eq!(refused("(akced 0) (timeout false)"), unknown);
        assert_eq!(unknown.to_string(), "the program has no variable `Report.acked`");
        let number = NameError::NotBool("Report.timeout".into());
        assert_eq!(refused("(acked 0) (timeout 0)"), number);
        // Left out is one thing, something else another.
        let number = NameError::NotBool("Report.undone".into());
        assert_eq!(refused("(acked 0) (timeout false) (undone 0)"), number);
    }

    #[test]
    fn what_is_not_reported_is_no_field() {
        let scope = scope("(acked 0)");
        assert_eq!(u64::places(&scope, "gain"), Err(NameError::NotReported("gain".into())));
        assert_eq!(bool::places(&scope, "Ack.now"), Err(NameError::NotReported("Ack.now".into())));
        assert_eq!(u64::places(&scope, "Report.acked"), Ok(0));
    }
}
