//! The operators and commands as a program writes them, as two tables.

use core::fmt;

macro_rules! operators {
    ($( $name:ident $symbol:literal $word:literal $min:literal $max:tt $doc:literal )+) => {
        /// An operator of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Operator {
            $( #[doc = concat!("`", $symbol, "`: ", $doc)] $name, )+
        }

        impl Operator {
            /// Every operator.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// How it is usually written.
            #[must_use]
            pub const fn symbol(self) -> &'static str {
                match self {
                    $( Self::$name => $symbol, )+
                }
            }

            /// How it is written in letters; the symbol again where there is no word for it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $( Self::$name => $word, )+
                }
            }

            /// What it does, in one line.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $( Self::$name => $doc, )+
                }
            }

            /// The least and the most operands it takes.
            #[must_use]
            pub const fn arity(self) -> (u32, u32) {
                match self {
                    $( Self::$name => ($min, operators!(@ $max)), )+
                }
            }

            /// The operator that a word in front of operands means.
            pub(crate) fn from_word(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$name), )+
                    _ => None,
                }
            }
        }
    };
    (@ n) => { u32::MAX };
    (@ $max:literal) => { $max };
}

operators! {
    Add        "+"    "add"         2 n "the sum; traps when it does not fit"
    Sub        "-"    "sub"         2 2 "the difference; traps below 0"
    Mul        "*"    "mul"         2 n "the product; traps when it does not fit"
    Div        "/"    "div"         2 2 "the quotient, rounded down; traps on 0"
    Min        "min"  "min"         2 n "the smallest"
    Max        "max"  "max"         2 n "the largest"
    WrappedMax "wrapped_max" "wrapped_max" 2 2 "the later of two 32-bit counters that wrap"
    Gt         ">"    "gt"          2 2 "whether the left is larger"
    Lt         "<"    "lt"          2 2 "whether the left is smaller"
    Ge         ">="   ">="          2 2 "whether the left is not smaller"
    Le         "<="   "<="          2 2 "whether the left is not larger"
    Eq         "=="   "eq"          2 2 "whether both are equal"
    Ne         "!="   "!="          2 2 "whether both differ"
    And        "&&"   "and"         2 n "whether all are true; all are evaluated"
    Or         "||"   "or"          2 n "whether one is true; all are evaluated"
    Not        "!"    "not"         1 1 "whether the operand is false"
    Bind       ":="   "bind"        2 2 "assigns the right to the left; as a value, the left variable"
    If         "if"   "if"          2 2 "bound to a variable: assigns the right if the left is true"
    NotIf      "!if"  "!if"         2 2 "bound to a variable: assigns the right if the left is false"
    Ewma       "ewma" "ewma"        2 2 "bound to x: x ← (left·x + (10 − left)·right) / 10"
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.symbol())
    }
}

/// A command: a form without operands that does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Command {
    /// `(report)`: the invocation ends with a report.
    Report,
    /// `(fallthrough)`: the events behind this one are evaluated too.
    Fallthrough,
    /// `(reset)`: Micros to 0 and volatile variables to their initial values.
    Reset,
}

impl Command {
    /// Every command.
    pub const ALL: &'static [Self] = &[Self::Report, Self::Fallthrough, Self::Reset];

    /// The word between the parentheses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Fallthrough => "fallthrough",
            Self::Reset => "reset",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "report" => Some(Self::Report),
            "fallthrough" => Some(Self::Fallthrough),
            "reset" => Some(Self::Reset),
            _ => None,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_map_back_to_their_operators() {
        for &operator in Operator::ALL {
            assert_eq!(Operator::from_word(operator.word()), Some(operator));
        }
        for &command in Command::ALL {
            assert_eq!(Command::from_word(command.word()), Some(command));
        }
    }
}
