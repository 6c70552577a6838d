//! Lints: what a program may do but hardly ever means to.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::diag::DiagCode;

macro_rules! lints {
    ($( $name:ident $text:literal $level:ident $doc:literal )+) => {
        /// A mistake that the compiler can be told to let pass.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Lint {
            $( #[doc = concat!("`", $text, "`: ", $doc, ".")] $name, )+
        }

        impl Lint {
            /// Every lint; those that deny come first.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The name, such as `unbound-read`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$name => $text, )+
                }
            }

            /// What the lint is about.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $( Self::$name => $doc, )+
                }
            }

            /// The code of its diagnostics.
            #[must_use]
            pub const fn code(self) -> DiagCode {
                match self {
                    $( Self::$name => DiagCode::$name, )+
                }
            }

            /// How it is treated unless told otherwise.
            #[must_use]
            pub const fn default_level(self) -> Level {
                match self {
                    $( Self::$name => Level::$level, )+
                }
            }
        }
    };
}

lints! {
    DuplicateName    "duplicate-name"    Deny "a name declared twice"
    UnboundRead      "unbound-read"      Deny "a read of a name that nothing binds"
    UnknownField     "unknown-field"     Deny "a bind to an unknown `Report.`, `Ack.` or `Flow.` name"
    EmptyReport      "empty-report"      Deny "`(report)` in a program without report variables"
    OperandType      "operand-type"      Deny "an operand of the wrong type for `if`, `!if` or `ewma`"
    NeverRead        "never-read"        Warn "a variable that is never read"
    NeverWritten     "never-written"     Warn "a variable that is never written"
    NeverUpdated     "never-updated"     Warn "a report variable that is never updated"
    NeverRuns        "never-runs"        Warn "an event that can never run"
    FallthroughReach "fallthrough-reach" Warn "a fallthrough that changes what a later event's stop means"
    TypeChange       "type-change"       Warn "a Bool bound to a number, or a number to a Bool"
    UnknownLint      "unknown-lint"      Warn "a comment that allows or denies a lint that does not exist"
    LibccpLimit      "libccp-limit"      Warn "more than libccp has, within larger limits"
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Lint {
    type Err = UnknownLint;

    /// Takes the name or the code of a lint.
    fn from_str(text: &str) -> Result<Self, UnknownLint> {
        let is_meant = |lint: &Self| lint.name() == text || lint.code().as_str() == text;
        Self::ALL.iter().copied().find(is_meant).ok_or(UnknownLint)
    }
}

/// A text that is the name of no lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no such lint")]
pub struct UnknownLint;

/// What happens where a lint applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Off,
    /// A warning.
    Warn,
    /// An error.
    Deny,
}

/// The levels of all lints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels([Level; Lint::ALL.len()]);

impl Levels {
    pub(crate) const DEFAULT: Self = {
        let mut levels = [Level::Warn; Lint::ALL.len()];
        let mut at = 0;
        while at < levels.len() {
            levels[at] = Lint::ALL[at].default_level();
            at += 1;
        }
        Self(levels)
    };

    pub(crate) const fn level(&self, lint: Lint) -> Level {
        self.0[lint as usize]
    }

    pub(crate) const fn set(&mut self, lint: Lint, level: Level) {
        self.0[lint as usize] = level;
    }

    /// A denied lint becomes a warning, one that warns falls silent.
    pub(crate) const fn allow(&mut self, lint: Lint) {
        self.set(lint, lint.allowed_level());
    }
}

impl Lint {
    /// How it is treated where it is allowed.
    pub(crate) const fn allowed_level(self) -> Level {
        match self.default_level() {
            Level::Deny => Level::Warn,
            Level::Warn | Level::Off => Level::Off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_found_by_name_and_by_code() {
        for &lint in Lint::ALL {
            assert_eq!(lint.name().parse(), Ok(lint));
            assert_eq!(lint.code().as_str().parse(), Ok(lint));
            assert!(lint.code().explain().contains(lint.name()));
        }
        assert_eq!("no-such".parse::<Lint>(), Err(UnknownLint));
    }

    #[test]
    fn an_allowed_lint_goes_one_level_down() {
        let mut levels = Levels::DEFAULT;
        levels.allow(Lint::UnboundRead);
        levels.allow(Lint::NeverRead);
        assert_eq!(levels.level(Lint::UnboundRead), Level::Warn);
        assert_eq!(levels.level(Lint::NeverRead), Level::Off);
        assert_eq!(levels.level(Lint::EmptyReport), Level::Deny);
    }
}
