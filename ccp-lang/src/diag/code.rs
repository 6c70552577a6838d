//! The codes of all diagnostics, as one table.

use core::fmt;

macro_rules! codes {
    ($( $name:ident $code:literal $title:literal $explain:literal )+) => {
        /// What kind of mistake a diagnostic is about. The written codes are stable.
        ///
        /// `E` codes are errors; `L` codes belong to the [lint](crate::Lint) of the same meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DiagCode {
            $( #[doc = concat!("`", $code, "`: ", $title, ".")] $name, )+
        }

        impl DiagCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The code as it is written, such as `E0107`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$name => $code, )+
                }
            }

            /// What is wrong, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $( Self::$name => $title, )+
                }
            }

            /// The rule behind the code and how to obey it.
            #[must_use]
            pub const fn explain(self) -> &'static str {
                match self {
                    $( Self::$name => $explain, )+
                }
            }
        }
    };
}

codes! {
    SourceTooLong "E0001" "the source is too long"
        "A source has at most 16 MiB. No program that a datapath takes comes near that."
    NotText "E0002" "bytes that are not UTF-8"
        "Outside comments a source is UTF-8 text. Save the file as UTF-8."
    UnexpectedCharacter "E0101" "a character that means nothing here"
        "Outside comments, which begin with `#`, a program has only parentheses, names, numbers and the operators of the language."
    UnclosedForm "E0102" "a parenthesis that is never closed"
        "Each `(` needs its `)`. The compiler takes the next `(when` as the place where one is missing."
    UnexpectedClose "E0103" "a parenthesis that closes nothing"
        "There are more `)` than `(` before this place. Remove it, or look for a `)` too many in the form before."
    MissingDef "E0104" "the program does not begin with its declarations"
        "A program begins with one `(def …)`, which may be empty: `(def)`. Events follow."
    MissingEvent "E0105" "the program has no event"
        "After `(def …)` a program needs at least one `(when condition …)`; without, it never does anything."
    UnexpectedForm "E0106" "something that cannot stand here"
        "At the top level there is one `(def …)` and then events, `(when …)`. Everything that is done stands inside an event."
    BadDeclaration "E0107" "a malformed declaration"
        "A declaration is `(name value)` or `(volatile name value)`; those to be reported stand in one `(Report …)`."
    MissingValue "E0108" "a declaration without a value"
        "Every variable needs its initial value: a number, a time, `true`, `false` or `+infinity`. Another variable cannot be one."
    UnknownOperator "E0109" "an operator that does not exist"
        "After `(` stands an operator or a command. Variables and constants are written without parentheses."
    RunTogether "E0110" "tokens run together"
        "Names, numbers and words are separated by white space or parentheses: `(min x y)`, not `(minx y)`."
    OperandCount "E0111" "the wrong number of operands"
        "`+ * && || min max` take two or more operands, `!` one, commands none, all others two."
    BadNumber "E0112" "a malformed number"
        "Numbers are decimal and whole, without sign, fraction or separators. Times carry `us`, `ms` or `s`."
    NumberTooLarge "E0113" "a number that is too large"
        "Constants are below 4294967295, since the wire carries them in 32 bits and that value means `+infinity`. Build larger values with `*`."
    EmptyForm "E0114" "empty parentheses"
        "`()` means nothing. Remove it or write what should happen."
    ReservedName "E0201" "a reserved name"
        "Names that begin with `__` belong to the compiler."
    ShadowsBuiltin "E0202" "a declaration of a built-in name"
        "`Cwnd`, `Rate`, `Micros` and the primitives `Ack.…` and `Flow.…` always exist and cannot be declared."
    InitialValue "E0203" "an initial value that datapaths misread"
        "libccp takes an initial value of 1073741823 for infinity. Write `+infinity` or another number."
    DuplicateReport "E0204" "a second `(Report …)`"
        "All reported variables stand in one `(Report …)`, or are declared by their full names: `(Report.x 0)`."
    NotAssignable "E0301" "something that cannot be bound"
        "`:=` assigns to variables: declared ones, locals, `Cwnd`, `Rate` and `Micros`. Primitives and constants are only read."
    BindToExpression "E0302" "a bind to an expression"
        "The left side of `:=` is the name of a variable."
    PrimitiveMissing "E0303" "a primitive that this datapath does not have"
        "The datapath said which primitives it fills; this one is not among them, and nothing can stand in for it."
    TypeMismatch "E0401" "an operand of the wrong type"
        "Arithmetic and comparisons take numbers, `&&`, `||` and `!` take Bools. `(> x 0)` makes a Bool of a number."
    ConditionType "E0402" "a condition that is not a Bool"
        "The condition of an event is a Bool: a comparison, a Bool variable, `true`. `(> x 0)` makes a Bool of a number."
    NoValue "E0403" "an operand that has no value"
        "`(reset)` does something but has no value; it stands alone in the body of an event."
    EffectInCondition "E0501" "a bind or command in a condition"
        "Conditions only look. Binds and commands stand in the body of an event."
    OutsideBind "E0502" "`if`, `!if` or `ewma` outside a bind"
        "These write the variable they are bound to: `(:= x (if c v))`, `(:= x (ewma 8 v))`. They have no value of their own."
    TooManyInstructions "E0601" "a program with too many instructions"
        "Datapaths walk a program with an 8-bit index: 255 instructions, one for each declaration and each operator."
    TooManyVariables "E0602" "too many declared variables"
        "A datapath has 110 registers for reported and 110 for other declared variables."
    TooManyLocals "E0603" "too many locals"
        "A datapath has 8 registers for names that are not declared. Declare some of them in `(def …)`."
    TooManyTemporaries "E0604" "an expression that needs too many temporaries"
        "A datapath has 8 temporaries for the values of one expression. Bind a part of it to a name of its own first."
    TooManyEvents "E0605" "too many events"
        "A datapath takes 256 events."
    Internal "E0901" "the compiler made a program that does not verify"
        "This is a mistake of the compiler. Please report it with the program."
    DuplicateName "L0101" "a name declared twice"
        "Lint `duplicate-name`. Where it is allowed the later declaration wins and the earlier keeps its register."
    UnboundRead "L0102" "a read of a name that nothing binds"
        "Lint `unbound-read`. Where it is allowed the name is a local that is always 0."
    UnknownField "L0103" "a bind to an unknown `Report.`, `Ack.` or `Flow.` name"
        "Lint `unknown-field`. Where it is allowed the name is a local: it is never reported."
    EmptyReport "L0104" "`(report)` in a program without report variables"
        "Lint `empty-report`. An empty report tells the agent that the flow has closed. Declare what should be reported in `(Report …)`."
    OperandType "L0105" "an operand of the wrong type for `if`, `!if` or `ewma`"
        "Lint `operand-type`. The condition of `if` is a Bool; `ewma` takes two numbers. Where it is allowed the value is used as it is."
    NeverRead "L0201" "a variable that is never read"
        "Lint `never-read`. Nothing depends on the variable; reported ones are read by the agent and not meant."
    NeverWritten "L0202" "a variable that is never written"
        "Lint `never-written`. The variable keeps its initial value unless the agent sets it."
    NeverUpdated "L0203" "a report variable that is never updated"
        "Lint `never-updated`. Every report carries the initial value."
    NeverRuns "L0204" "an event that can never run"
        "Lint `never-runs`. An earlier event is always true and always stops, or the condition is never true."
    FallthroughReach "L0205" "a `(fallthrough)` that reaches past a later event"
        "Lint `fallthrough-reach`. A fallthrough holds for the rest of the invocation, so that later events no longer stop the ones behind them."
    TypeChange "L0206" "a Bool bound to a number, or a number to a Bool"
        "Lint `type-change`. The variable keeps its declared type; true is 1 and false is 0."
    UnknownLint "L0207" "a comment names a lint that does not exist"
        "Lint `unknown-lint`. `# allow(NAME)` and `# deny(NAME)` set the level of a lint: before the first form for the whole program, on a line of their own for the form that begins next, behind code for that line."
    LibccpLimit "L0208" "more than libccp has"
        "Lint `libccp-limit`. libccp has 255 instructions, 256 events, 8 locals and 8 temporaries, and checks none of it. Other datapaths may take more; unless larger limits are asked for, this is an error."
}

impl fmt::Display for DiagCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_codes_are_distinct_and_in_order() {
        for pair in DiagCode::ALL.windows(2) {
            assert!(pair[0].as_str() < pair[1].as_str(), "{pair:?}");
        }
    }
}
