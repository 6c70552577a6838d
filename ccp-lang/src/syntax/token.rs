//! Tokens: the smallest pieces of a program, cut by nom.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::digit1;
use nom::combinator::{eof, map, value};
use nom::sequence::{pair, preceded, terminated};
use nom::{IResult, Parser};

use super::operator::Operator;

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Token {
    /// `(`
    Open,
    /// `)`
    Close,
    /// An operator written in signs, or `!if`.
    Symbol(Operator),
    /// `+infinity`
    Infinity,
    /// A name, a number, `true`, or an operator written in letters: what it is depends on where.
    Word,
    /// Text that is no token; it has at least one byte.
    Unknown,
}

/// What a word of digits says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// A constant below infinity, times in microseconds.
    Value(u32),
    Infinity,
    TooLarge,
    /// It begins with a digit, but is no number.
    Malformed,
}

/// No error is ever shown: what no parser takes becomes [`Token::Unknown`].
type Parsed<'s, T> = IResult<&'s [u8], T, ()>;

/// Cuts the next token, white space and comments before it skipped. Gives its length and the rest;
/// `None` at the end.
pub(crate) fn next_token(input: &[u8]) -> Option<(Token, usize, &[u8])> {
    let input = skip_trivia(input);
    if input.is_empty() {
        return None;
    }
    let (rest, token) = token(input).unwrap_or_else(|_| {
        let len = unknown_len(input);
        (input.get(len..).unwrap_or_default(), Token::Unknown)
    });
    Some((token, input.len() - rest.len(), rest))
}

/// White space and comments.
fn skip_trivia(mut input: &[u8]) -> &[u8] {
    loop {
        let space: Parsed<'_, _> = take_while(is_space)(input);
        input = space.map_or(input, |(rest, _)| rest);
        let comment: Parsed<'_, _> =
            preceded(tag("#"), take_while(|byte| byte != b'\n')).parse(input);
        match comment {
            Ok((rest, _)) => input = rest,
            Err(_) => return input,
        }
    }
}

fn token(input: &[u8]) -> Parsed<'_, Token> {
    alt((
        value(Token::Open, tag("(")),
        value(Token::Close, tag(")")),
        word,
        infinity,
        map(symbol, Token::Symbol),
    ))
    .parse(input)
}

fn word(input: &[u8]) -> Parsed<'_, Token> {
    let (rest, word): (_, &[u8]) = take_while1(is_word)(input)?;
    let is_name =
        |word| core::str::from_utf8(word).is_ok_and(|word| word.chars().all(is_name_char));
    let token = if word.is_ascii() || is_name(word) { Token::Word } else { Token::Unknown };
    Ok((rest, token))
}

/// `+infinity`, but not the beginning of a longer word.
fn infinity(input: &[u8]) -> Parsed<'_, Token> {
    let (rest, (_, word)): (_, (_, &[u8])) = pair(tag("+"), take_while1(is_word)).parse(input)?;
    match word {
        b"infinity" => Ok((rest, Token::Infinity)),
        _ => Err(nom::Err::Error(())),
    }
}

fn symbol(input: &[u8]) -> Parsed<'_, Operator> {
    if let Ok((rest, _)) = not_if(input) {
        return Ok((rest, Operator::NotIf));
    }
    // Longer signs first.
    alt((
        value(Operator::Bind, tag(":=")),
        value(Operator::Ge, tag(">=")),
        value(Operator::Le, tag("<=")),
        value(Operator::Eq, tag("==")),
        value(Operator::Ne, tag("!=")),
        value(Operator::And, tag("&&")),
        value(Operator::Or, tag("||")),
        value(Operator::Add, tag("+")),
        value(Operator::Sub, tag("-")),
        value(Operator::Mul, tag("*")),
        value(Operator::Div, tag("/")),
        value(Operator::Gt, tag(">")),
        value(Operator::Lt, tag("<")),
        value(Operator::Not, tag("!")),
    ))
    .parse(input)
}

fn not_if(input: &[u8]) -> Parsed<'_, ()> {
    let (rest, (_, word)): (_, (_, &[u8])) = pair(tag("!"), take_while1(is_word)).parse(input)?;
    if word == b"if" { Ok((rest, ())) } else { Err(nom::Err::Error(())) }
}

/// Reads a word that begins with a digit.
pub(crate) fn number(word: &[u8]) -> Number {
    let parsed: Parsed<'_, (&[u8], u64)> = terminated(pair(digit1, unit), eof).parse(word);
    let Ok((_, (digits, factor))) = parsed else {
        return Number::Malformed;
    };
    let whole = digits
        .iter()
        .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    match whole.and_then(|whole| whole.checked_mul(factor)) {
        // Other compilers keep infinity as the largest u64, and their users write it so.
        Some(u64::MAX) if factor == 1 => Number::Infinity,
        // u32::MAX itself would mean infinity on the wire.
        Some(value) if value < u64::from(u32::MAX) => Number::Value(value as u32),
        _ => Number::TooLarge,
    }
}

/// The unit behind the digits as microseconds; 1 when there is none.
fn unit(input: &[u8]) -> Parsed<'_, u64> {
    alt((value(1, tag("us")), value(1_000, tag("ms")), value(1_000_000, tag("s")), value(1, eof)))
        .parse(input)
}

/// How much to take as one unknown token: what other languages would take as a comment or string, one
/// character, or a run of bytes that are none.
fn unknown_len(input: &[u8]) -> usize {
    let line = input.split(|&byte| byte == b'\n').next().unwrap_or_default();
    match line {
        [b';', ..] => return line.len(),
        [b'"', text @ ..] => {
            if let Some(end) = text.iter().position(|&byte| byte == b'"') {
                return end + 2;
            }
        }
        _ => {}
    }
    let chunk = input.utf8_chunks().next();
    let len = chunk.map_or(1, |chunk| match chunk.valid().chars().next() {
        Some(c) => c.len_utf8(),
        None => chunk.invalid().len(),
    });
    len.clamp(1, input.len())
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// What a word is made of. Bytes above ASCII are looked at more closely once the word is cut.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..)
}

/// Letters and digits of any script, `_` and `.`.
fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn tokens(src: &str) -> Vec<(Token, &str)> {
        let mut rest = src.as_bytes();
        let mut found = Vec::new();
        while let Some((token, len, next)) = next_token(rest) {
            let end = src.len() - next.len();
            found.push((token, &src[end - len..end]));
            rest = next;
        }
        found
    }

    #[test]
    fn signs_and_words_are_told_apart() {
        use Token::{Close, Infinity, Open, Symbol, Word};
        assert_eq!(
            tokens("(:=x (!if a +infinity)) # (comment\n(>=a(!b))"),
            vec![
                (Open, "("),
                (Symbol(Operator::Bind), ":="),
                (Word, "x"),
                (Open, "("),
                (Symbol(Operator::NotIf), "!if"),
                (Word, "a"),
                (Infinity, "+infinity"),
                (Close, ")"),
                (Close, ")"),
                (Open, "("),
                (Symbol(Operator::Ge), ">="),
                (Word, "a"),
                (Open, "("),
                (Symbol(Operator::Not), "!"),
                (Word, "b"),
                (Close, ")"),
                (Close, ")"),
            ]
        );
    }

    #[test]
    fn what_is_no_token_is_as_short_as_can_be() {
        assert_eq!(
            tokens("a → = \"a b\" \" ; c)\nd"),
            vec![
                (Token::Word, "a"),
                (Token::Unknown, "→"),
                (Token::Unknown, "="),
                (Token::Unknown, "\"a b\""),
                (Token::Unknown, "\""),
                (Token::Unknown, "; c)"),
                (Token::Word, "d"),
            ]
        );
        let (token, len, rest) = next_token(b"\xFF\xFF(").unwrap();
        assert_eq!((token, len, rest), (Token::Unknown, 2, &b"("[..]));
    }

    #[test]
    fn numbers_have_units_and_limits() {
        for (word, number) in [
            ("42", Number::Value(42)),
            ("007", Number::Value(7)),
            ("42ms", Number::Value(42_000)),
            ("250us", Number::Value(250)),
            ("2s", Number::Value(2_000_000)),
            ("4294967294", Number::Value(u32::MAX - 1)),
            ("4294967295", Number::TooLarge),
            ("4295s", Number::TooLarge),
            ("18446744073709551615", Number::Infinity),
            ("18446744073709551616", Number::TooLarge),
            ("1.5", Number::Malformed),
            ("5min", Number::Malformed),
            ("5ms2", Number::Malformed),
            ("5_000", Number::Malformed),
        ] {
            assert_eq!(super::number(word.as_bytes()), number, "{word}");
        }
    }
}
