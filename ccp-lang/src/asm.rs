//! Reads the printed form of a program: the assembler to the printer in [`code`](crate::Code).
//!
//! One line is one event or one instruction:
//!
//! ```text
//! event 0: flag 1..2, body 2..3      ; ranges of instructions, the end not included
//!    1  BIND    eventFlag, #1        ; the number may be left out
//! ```
//!
//! A `;` begins a comment. Where an event's line stands among the instructions means nothing; the
//! printer puts it before the first instruction of its condition. Nothing is judged beyond what an
//! instruction can hold: [`Program::verify`](crate::Program::verify) decides whether it may run.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::code::{Code, Event, Instr, Operand};
use crate::op::Op;
use crate::primitive::Primitive;
use crate::reg::{Class, IMPLICIT_NAMES, Reg};

/// Why a text is not the printed form of a program, and where.
///
/// Its `Display` is `LINE:COLUMN: error: what is wrong` and, on a line of its own, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub struct AsmError {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub mistake: AsmMistake,
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, mistake } = self;
        write!(f, "{line}:{column}: error: {mistake}\n  help: {}", mistake.help())
    }
}

/// What is wrong with a line of a printed program. What it quotes is cut after 40 characters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AsmMistake {
    /// A word where an operation should stand.
    #[error("`{found}` is no operation")]
    UnknownOp {
        /// The word.
        found: String,
    },
    /// A word where a register should stand.
    #[error("the {operand} operand `{found}` is no register")]
    UnknownRegister {
        /// Which operand it should be.
        operand: Operand,
        /// The word.
        found: String,
    },
    /// A number that does not fit 32 bits.
    #[error("`{found}` does not fit 32 bits")]
    TooLarge {
        /// The number.
        found: String,
    },
    /// An operation without all of its operands.
    #[error("{op} has {} operands, here are {found}", wanted(*op))]
    OperandCount {
        /// The operation.
        op: Op,
        /// How many operands it has here.
        found: u32,
    },
    /// A number in front of an instruction or an event that is not its place.
    #[error("number {found} stands at place {place}")]
    WrongNumber {
        /// The number.
        found: u32,
        /// Its place among the instructions or among the events, from 0.
        place: u32,
    },
    /// Something else than the next part of a line.
    #[error("{found} where {want} should stand")]
    Unexpected {
        /// What should stand here.
        want: &'static str,
        /// What does: a quoted word, or `the end of the line`.
        found: String,
    },
    /// A range that ends before it begins, or that is longer than 32 bits can count.
    #[error("the range {found} ends before it begins, or is too long")]
    BadRange {
        /// The range.
        found: String,
    },
}

impl AsmMistake {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::UnknownOp { .. } => {
                let mut help = String::from("the operations are");
                for (at, op) in Op::ALL.iter().enumerate() {
                    help += if at > 0 { ", " } else { " " };
                    help += op.mnemonic();
                }
                help
            }
            Self::UnknownRegister { .. } => {
                "write `#5`, `#inf`, `Cwnd`, the name of a primitive, or a class and its index such \
                 as `tmp.0`, `local.0`, `control.0`, `vcontrol.0`, `report.0`, `vreport.0`"
                    .into()
            }
            Self::TooLarge { .. } => {
                format!("indices and constants are at most {}, which as a constant is infinity", u32::MAX)
            }
            Self::OperandCount { op, .. } if op.operands().reads_left => {
                format!("write `{op} result, left, right`")
            }
            Self::OperandCount { op, .. } => {
                format!("write `{op} result, right`; a left operand may stand between the two")
            }
            Self::WrongNumber { place, .. } => {
                format!("write {place}; numbers count from 0, those of instructions can be left out")
            }
            Self::Unexpected { .. } => {
                "a line is `event 0: flag 1..2, body 2..3` or `1  ADD result, left, right`; `;` begins \
                 a comment"
                    .into()
            }
            Self::BadRange { .. } => "a range is `begin..end`, the end not included".into(),
        }
    }
}

/// Reads what `Display` prints; see [`AsmError`] for what it says of other text.
///
/// ```
/// use ccp_lang::Code;
/// let code: Code = "
///     ; the window is 20 packets, whatever happens
///     event 0: flag 0..1, body 1..2
///     BIND eventFlag, #1
///     BIND Cwnd, #28960
/// ".parse()?;
/// assert_eq!(code.instrs.len(), 2);
/// assert_eq!(code.to_string().parse::<Code>()?, code);
/// assert_eq!("ADD tmp.0".parse::<Code>().unwrap_err().to_string().lines().next(),
///     Some("1:1: error: ADD has 3 operands, here are 1"));
/// # Ok::<(), ccp_lang::AsmError>(())
/// ```
impl FromStr for Code {
    type Err = AsmError;

    fn from_str(text: &str) -> Result<Self, AsmError> {
        let mut code = Self::default();
        for (number, line) in (1..).zip(text.split('\n')) {
            let mut words = Words { line, at: 0 };
            let read = read_line(&mut words, &mut code);
            read.map_err(|(at, mistake)| {
                let before = line.get(..at).unwrap_or(line);
                let column = before.chars().count() as u32 + 1;
                AsmError { line: number, column, mistake }
            })?;
        }
        Ok(code)
    }
}

/// A mistake and the byte of the line at which it is.
type Wrong = (usize, AsmMistake);

fn read_line(words: &mut Words<'_>, code: &mut Code) -> Result<(), Wrong> {
    let Some((at, first)) = words.next() else {
        return Ok(());
    };
    if first == "event" {
        let place = code.events.len() as u32;
        let (at, number) = words.take("the event's number")?;
        check_number(at, number, place)?;
        words.expect(":")?;
        words.expect("flag")?;
        let (flag_idx, num_flag_instrs) = words.range()?;
        words.expect(",")?;
        words.expect("body")?;
        let (body_idx, num_body_instrs) = words.range()?;
        words.end()?;
        code.events.push(Event { flag_idx, num_flag_instrs, body_idx, num_body_instrs });
        return Ok(());
    }
    let (at, mnemonic) = if first.starts_with(|c: char| c.is_ascii_digit()) {
        check_number(at, first, code.instrs.len() as u32)?;
        words.take("an operation")?
    } else {
        (at, first)
    };
    let Some(&op) = Op::ALL.iter().find(|op| op.mnemonic() == mnemonic) else {
        return Err((at, AsmMistake::UnknownOp { found: excerpt(mnemonic) }));
    };
    code.instrs.push(read_instr(words, at, op)?);
    Ok(())
}

/// The operands of an operation that stands at byte `at`.
fn read_instr(words: &mut Words<'_>, at: usize, op: Op) -> Result<Instr, Wrong> {
    let mut found = [(0, ""); 3];
    let mut count = 0_u32;
    while let Some(word) = words.next() {
        if count > 0 {
            if word.1 != "," {
                return Err(unexpected(Some(word), "`,`"));
            }
            let next = words.take("an operand")?;
            if let Some(slot) = found.get_mut(count as usize) {
                *slot = next;
            }
        } else {
            found[0] = word;
        }
        count = count.saturating_add(1);
    }
    let [first, second, third] = found;
    let result = register(first, Operand::Result);
    match count {
        2 if !op.operands().reads_left => {
            let result = result?;
            Ok(Instr::new(op, result, result, register(second, Operand::Right)?))
        }
        3 => {
            let left = register(second, Operand::Left);
            Ok(Instr::new(op, result?, left?, register(third, Operand::Right)?))
        }
        found => Err((at, AsmMistake::OperandCount { op, found })),
    }
}

/// The words of one line. Commas and colons are words of their own.
struct Words<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    /// The next word and where it begins; `None` at the end of the line or at a comment.
    fn next(&mut self) -> Option<(usize, &'a str)> {
        let rest = self.line.get(self.at..)?;
        let begin = self.at + (rest.len() - rest.trim_ascii_start().len());
        let rest = self.line.get(begin..)?;
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ':' | ';');
        let len = match rest.chars().next()? {
            ';' => return None,
            ',' | ':' => 1,
            _ => rest.find(ends).unwrap_or(rest.len()),
        };
        self.at = begin + len;
        Some((begin, rest.get(..len)?))
    }

    fn take(&mut self, want: &'static str) -> Result<(usize, &'a str), Wrong> {
        let end = self.line.trim_ascii_end().len();
        self.next().ok_or_else(|| (end, unexpected(None, want).1))
    }

    fn expect(&mut self, want: &'static str) -> Result<(), Wrong> {
        match self.take(want)? {
            (_, word) if word == want => Ok(()),
            word => Err(unexpected(Some(word), want)),
        }
    }

    fn end(&mut self) -> Result<(), Wrong> {
        match self.next() {
            None => Ok(()),
            word => Err(unexpected(word, "the end of the line")),
        }
    }

    /// `begin..end` as a beginning and a length.
    fn range(&mut self) -> Result<(u32, u32), Wrong> {
        const WANT: &str = "a range";
        let word = self.take(WANT)?;
        let (at, text) = word;
        let (begin, end) = text.split_once("..").ok_or_else(|| unexpected(Some(word), WANT))?;
        let begin = number(begin).ok_or_else(|| unexpected(Some(word), WANT))?;
        let end = number(end).ok_or_else(|| unexpected(Some(word), WANT))?;
        let fits = |value: u64| u32::try_from(value).ok();
        let bad = || (at, AsmMistake::BadRange { found: excerpt(text) });
        let len = end.checked_sub(begin).and_then(fits).ok_or_else(bad)?;
        Ok((fits(begin).ok_or_else(bad)?, len))
    }
}

fn unexpected(found: Option<(usize, &str)>, want: &'static str) -> Wrong {
    let (at, found) = match found {
        Some((at, word)) => (at, format!("`{}`", excerpt(word))),
        None => (0, "the end of the line".into()),
    };
    (at, AsmMistake::Unexpected { want, found })
}

fn check_number(at: usize, text: &str, place: u32) -> Result<(), Wrong> {
    let Some(value) = number(text) else {
        return Err(unexpected(Some((at, text)), "a number"));
    };
    match u32::try_from(value) {
        Ok(found) if found == place => Ok(()),
        Ok(found) => Err((at, AsmMistake::WrongNumber { found, place })),
        Err(_) => Err((at, AsmMistake::TooLarge { found: excerpt(text) })),
    }
}

/// A decimal number; too large ones count as the largest.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

fn register((at, word): (usize, &str), operand: Operand) -> Result<Reg, Wrong> {
    let unknown = || (at, AsmMistake::UnknownRegister { operand, found: excerpt(word) });
    if word == "#inf" {
        return Ok(Reg::immediate(u32::MAX));
    }
    if let Some(primitive) = Primitive::from_name(word) {
        return Ok(Reg::primitive(primitive));
    }
    if let Some(index) = IMPLICIT_NAMES.iter().position(|&name| name == word) {
        return Ok(Reg::new(Class::Implicit, index as u32));
    }
    let (class, index) = match word.strip_prefix('#') {
        Some(value) => (Class::Immediate, value),
        None => {
            let (prefix, index) = word.split_once('.').ok_or_else(unknown)?;
            let class = Class::ALL.iter().find(|class| class.prefix() == prefix);
            (*class.ok_or_else(unknown)?, index)
        }
    };
    let index = number(index).ok_or_else(unknown)?;
    let too_large = || (at, AsmMistake::TooLarge { found: excerpt(word) });
    Ok(Reg::new(class, u32::try_from(index).map_err(|_| too_large())?))
}

const fn wanted(op: Op) -> &'static str {
    if op.operands().reads_left { "3" } else { "2 or 3" }
}

/// What of a word is quoted.
fn excerpt(word: &str) -> String {
    word.chars().take(MOST_QUOTED).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// No register or operation is as long. An error must not grow with the text.
const MOST_QUOTED: usize = 40;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn wrong(text: &str) -> String {
        text.parse::<Code>().expect_err("no program").to_string()
    }

    #[test]
    fn comments_and_missing_numbers_change_nothing() {
        let printed = "event 0: flag 0..1, body 1..2\n   0  BIND    eventFlag, #1\n   1  ADD     \
                       Cwnd, Cwnd, #inf\n";
        let by_hand = "; why\n\nevent 0 : flag 0..1 ,body 1..2;\r\n\tBIND eventFlag,#1\nADD \
                       Cwnd, Cwnd, #4294967295 ; all";
        let code: Code = printed.parse().expect("a program");
        assert_eq!(by_hand.parse(), Ok(code.clone()));
        assert_eq!(code.to_string(), printed);
    }

    #[test]
    fn an_ignored_left_operand_is_kept() {
        let code: Code = "BIND tmp.0, local.1, #2".parse().expect("a program");
        assert_eq!(code.instrs[0].left, Reg::local(1));
        assert_eq!(code.to_string(), "   0  BIND    tmp.0, local.1, #2\n");
    }

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        for (text, said) in [
            ("BIND tmp.0, #1\n FOO tmp.0, #1", "2:2: error: `FOO` is no operation"),
            ("ADD tmp.0, #1", "1:1: error: ADD has 3 operands, here are 2"),
            ("BIND", "1:1: error: BIND has 2 or 3 operands, here are 0"),
            ("BIND tmp.0, #1,", "1:16: error: the end of the line where an operand should stand"),
            ("BIND tmp.0 #1", "1:12: error: `#1` where `,` should stand"),
            ("BIND tmp.x, #1", "1:6: error: the result operand `tmp.x` is no register"),
            ("BIND ü, #-1", "1:6: error: the result operand `ü` is no register"),
            (
                "MUL tmp.0, Flow.nothing, #1",
                "1:12: error: the left operand `Flow.nothing` is no register",
            ),
            ("BIND tmp.0, #+1", "1:13: error: the right operand `#+1` is no register"),
            ("BIND tmp.0, #4294967296", "1:13: error: `#4294967296` does not fit 32 bits"),
            ("1 BIND tmp.0, #1", "1:1: error: number 1 stands at place 0"),
            ("99999999999 BIND", "1:1: error: `99999999999` does not fit 32 bits"),
            ("7up BIND", "1:1: error: `7up` where a number should stand"),
            ("0", "1:2: error: the end of the line where an operation should stand"),
            ("event 1: flag 0..0, body 0..0", "1:7: error: number 1 stands at place 0"),
            (
                "event 0: flag 2..1, body 0..0",
                "1:15: error: the range 2..1 ends before it begins, or is too long",
            ),
            (
                "event 0: flag 0..9999999999, body 0..0",
                "1:15: error: the range 0..9999999999 ends before it begins, or is too long",
            ),
            ("event 0: body 0..0", "1:10: error: `body` where flag should stand"),
            ("event 0: flag 0.0", "1:15: error: `0.0` where a range should stand"),
            (
                "event 0: flag 0..0, body 0..0 more",
                "1:31: error: `more` where the end of the line should stand",
            ),
        ] {
            let found = wrong(text);
            assert_eq!(found.lines().next(), Some(said), "{text}");
            assert!(found.lines().nth(1).is_some_and(|l| l.starts_with("  help: ")), "{found}");
        }
    }

    #[test]
    fn an_error_does_not_grow_with_the_text() {
        assert!(wrong(&"x".repeat(1_000_000)).len() < 300);
        assert!(wrong(&alloc::format!("BIND {}", "#1, ".repeat(100_000))).len() < 300);
    }
}
