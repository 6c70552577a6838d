//! Programs in the string literals of a Rust file.

use std::ops::Range;

use anyhow::anyhow;
use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// A literal that begins as a program does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What it stands for.
    pub(super) bytes: Vec<u8>,
    /// For each byte where it stands in the file, and then the end.
    pub(super) at: Vec<u32>,
    /// Whether it is one of several that are joined.
    pub(super) is_piece: bool,
}

/// Finds them in the order of the file.
pub(super) fn programs(text: &str) -> anyhow::Result<Vec<Found>> {
    let begin = code_start(text);
    let code = text.get(begin..).unwrap_or_default();
    let stream: TokenStream = code.parse().map_err(|error: LexError| {
        let start = error.span().start();
        anyhow!("line {}, column {}: {error}", start.line, start.column + 1)
    })?;
    let mut found = Vec::new();
    // Streams within streams, the innermost last, and whether a `concat!` joins what is in it.
    let mut open = vec![(stream.into_iter(), Seen::Nothing, false)];
    while let Some((stream, seen, joins)) = open.last_mut() {
        let Some(token) = stream.next() else {
            open.pop();
            continue;
        };
        let before = *seen;
        *seen = match &token {
            TokenTree::Ident(name) if name == "concat" => Seen::Concat,
            TokenTree::Punct(sign) if sign.as_char() == '!' && before == Seen::Concat => Seen::Bang,
            _ => Seen::Nothing,
        };
        match token {
            TokenTree::Group(group) => {
                let is_concat = before == Seen::Bang && group.delimiter() != Delimiter::None;
                let stream = group.stream();
                let joins = is_concat && stream.clone().into_iter().nth(1).is_some();
                open.push((stream.into_iter(), Seen::Nothing, joins));
            }
            TokenTree::Literal(literal) => {
                let is_piece = *joins;
                let range = literal.span().byte_range();
                let range = range.start + begin..range.end + begin;
                if let Some((bytes, at)) = content(text, range).filter(|(b, _)| is_program(b)) {
                    found.push(Found { bytes, at, is_piece });
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    // The places are kept by thread until somebody says that they are done with.
    proc_macro2::extra::invalidate_current_thread_spans();
    Ok(found)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Concat,
    Bang,
}

/// Where a program has a brace outside its comments, which only a template has.
pub(super) fn hole(program: &[u8]) -> Option<usize> {
    let mut is_comment = false;
    program.iter().position(|&byte| {
        is_comment = (is_comment || byte == b'#') && byte != b'\n';
        !is_comment && matches!(byte, b'{' | b'}')
    })
}

/// Behind a byte order mark and a `#!` line.
fn code_start(text: &str) -> usize {
    let code = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mark = text.len() - code.len();
    let line = code.find('\n').unwrap_or(code.len());
    let is_attribute = code.get(2..).is_some_and(|rest| rest.trim_start().starts_with('['));
    if code.starts_with("#!") && !is_attribute { mark + line } else { mark }
}

/// Whether the first form is `(def`.
fn is_program(bytes: &[u8]) -> bool {
    let Some(list) = skip_trivia(bytes).strip_prefix(b"(") else { return false };
    let Some(rest) = skip_trivia(list).strip_prefix(b"def") else { return false };
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..);
    !rest.first().is_some_and(goes_on)
}

fn skip_trivia(mut bytes: &[u8]) -> &[u8] {
    loop {
        bytes = bytes.trim_ascii_start();
        if bytes.first() != Some(&b'#') {
            return bytes;
        }
        let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
        bytes = bytes.get(end..).unwrap_or_default();
    }
}

/// What a string literal stands for, and where each byte of that is written. Nothing for other
/// literals, and for documentation, which lexes as one.
fn content(text: &str, range: Range<usize>) -> Option<(Vec<u8>, Vec<u32>)> {
    let literal = text.get(range.clone())?;
    let prefix = literal.find(['"', '\'', '#'])?;
    let is_raw = match literal.get(..prefix)? {
        "" | "b" | "c" => false,
        "r" | "br" | "cr" => true,
        _ => return None,
    };
    let hashes = literal.get(prefix..)?.bytes().take_while(|&byte| byte == b'#').count();
    let open = prefix + hashes;
    let inside = literal.get(open..)?.strip_prefix('"')?;
    // A suffix behind it is for macros only.
    let inside = inside.get(..inside.rfind('"')?)?;
    let start = range.start + open + 1;
    let (mut bytes, mut at) = (Vec::new(), Vec::new());
    let mut rest = inside;
    while let Some(c) = rest.chars().next() {
        let place = start + (inside.len() - rest.len());
        let len = match c {
            '\\' if !is_raw => escape(rest, &mut bytes)?,
            _ => {
                bytes.extend_from_slice(rest.get(..c.len_utf8())?.as_bytes());
                c.len_utf8()
            }
        };
        at.resize(bytes.len(), u32::try_from(place).ok()?);
        rest = rest.get(len..)?;
    }
    at.push(u32::try_from(start + inside.len()).ok()?);
    Some((bytes, at))
}

/// Reads an escape, and says how long it is.
fn escape(text: &str, bytes: &mut Vec<u8>) -> Option<usize> {
    let plain = match text.as_bytes().get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => 0,
        byte @ (b'\\' | b'\'' | b'"') => *byte,
        b'x' => {
            bytes.push(u8::from_str_radix(text.get(2..4)?, 16).ok()?);
            return Some(4);
        }
        b'u' => {
            let end = text.find('}')?;
            let digits = text.get(3..end)?.replace('_', "");
            let c = char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(end + 1);
        }
        b'\n' | b'\r' => {
            let after = text.get(1..)?.trim_start_matches([' ', '\n', '\t', '\r']);
            return Some(text.len() - after.len());
        }
        _ => return None,
    };
    bytes.push(plain);
    Some(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each program found, and what of the file stands at the word `x` of it.
    fn found(text: &str) -> Vec<(String, String)> {
        let shown = |found: &Found| {
            let program = String::from_utf8_lossy(&found.bytes).into_owned();
            let x = program.find('x').map_or(0, |x| found.at[x] as usize);
            (program, text[x..].chars().take(2).collect())
        };
        programs(text).unwrap().iter().map(shown).collect()
    }

    #[test]
    fn every_kind_of_string_literal_is_read() {
        for literal in [
            r#""(def (x 0))""#,
            r#"b"(def (x 0))""#,
            r#"c"(def (x 0))""#,
            r##"r"(def (x 0))""##,
            r###"br##"(def (x 0))"##"###,
        ] {
            let text = format!("// \"(def)\n/* \"(def) */ const ä: &str = {literal};");
            assert_eq!(found(&text), [("(def (x 0))".to_owned(), "x ".to_owned())], "{literal}");
        }
    }

    #[test]
    fn escapes_stand_for_what_they_mean_and_are_found_where_they_are() {
        let text = "let p = \"# \\u{e4}\\x41\\\"\\n\\\n   (def\\t(\\x78 0))\";";
        assert_eq!(found(text), [("# äA\"\n(def\t(x 0))".to_owned(), "\\x".to_owned())]);
    }

    #[test]
    fn other_literals_and_documentation_are_none() {
        let text = "/// (def (x 0))\n#[doc = \"no (def)\"]\nfn f<'a>() { 'x'; b'x'; 1.5; \"(define x)\"; \"(def.x)\"; }";
        assert_eq!(found(text), []);
    }

    #[test]
    fn a_mark_and_a_first_line_for_the_shell_are_passed_over() {
        let text = "\u{FEFF}#!/usr/bin/env rust \" '\nfn f() { \"(def (x 0))\"; }";
        assert_eq!(found(text), [("(def (x 0))".to_owned(), "x ".to_owned())]);
        let text = "#![allow(unused)]\nfn f() { \"(def (x 0))\"; }";
        assert_eq!(found(text).len(), 1);
    }

    #[test]
    fn pieces_are_told_from_a_whole() {
        let text =
            "concat!(\"(def (x 0))\", \"(when\"); concat!(\"(def (x 0))\"); m!((\"(def (x 0))\"))";
        let pieces: Vec<bool> = programs(text).unwrap().iter().map(|it| it.is_piece).collect();
        assert_eq!(pieces, [true, false, false]);
    }

    #[test]
    fn a_hole_is_a_brace_outside_of_comments() {
        assert_eq!(hole(b"(def) # {x}\n(when true)"), None);
        assert_eq!(hole(b"(def) # a\n(when {x})"), Some(16));
    }

    #[test]
    fn what_does_not_lex_is_refused_with_its_place() {
        let error = programs("fn f() {\n  \"open").unwrap_err().to_string();
        assert!(error.starts_with("line 2, column 3"), "{error}");
        // No depth of nesting exhausts the stack.
        let deep = "(".repeat(100_000) + "\"(def (x 0))\"" + &")".repeat(100_000);
        assert_eq!(programs(&deep).map(|found| found.len()).unwrap_or(1), 1);
    }
}
