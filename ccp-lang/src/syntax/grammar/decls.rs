//! Declarations, and the constants that programs and declarations write.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::form::FormKind;
use super::super::operator::Operator;
use super::super::token::{Number, number};
use super::super::tree::{Decl, Literal};
use super::Parser;
use crate::diag::{DiagCode, Span};

impl Parser<'_, '_> {
    pub(super) fn def(&mut self, at: u32) {
        self.decls(at + 2, self.forms.get(at).end);
    }

    /// Reads the forms from `next` to `end` as declarations.
    pub(super) fn decls(&mut self, mut next: u32, end: u32) {
        let mut report: Option<u32> = None;
        let (mut is_garbled, mut after_atom) = (false, false);
        while next < end {
            let child = next;
            next = self.forms.get(child).end;
            let is_struct = self.head(child) == Some("Report")
                && (next == child + 2 || self.forms.is_list(child + 2));
            is_garbled |= self.forms.get(child).kind == FormKind::Unknown;
            if !is_struct {
                // What stands between strange characters was hardly meant as it reads.
                let is_atom = !self.forms.is_list(child);
                self.tree.is_garbled |= is_atom;
                // A run of words is one mistake.
                if !is_atom || !(is_garbled || after_atom) {
                    self.decl(child, false);
                }
                after_atom = is_atom;
                continue;
            }
            if report.is_some() {
                self.error(
                    DiagCode::DuplicateReport,
                    self.span(child + 1),
                    "a second `(Report …)`",
                    "a program has one; move these declarations into it",
                );
            }
            if next == child + 2 {
                self.error(
                    DiagCode::BadDeclaration,
                    self.span(child),
                    "`(Report)` declares nothing",
                    "remove it, or declare what should be reported: `(Report (volatile acked 0))`",
                );
            }
            report = Some(child);
            let mut field = child + 2;
            while field < next {
                self.decl(field, true);
                field = self.forms.get(field).end;
            }
        }
    }

    /// `(name value)` or `(volatile name value)`.
    fn decl(&mut self, at: u32, in_report: bool) {
        let span = self.span(at);
        let children: Vec<u32> = if self.forms.is_list(at) {
            self.forms.children(at).take(5).collect()
        } else {
            Vec::new()
        };
        let is_volatile = children.first().is_some_and(|&first| {
            self.forms.get(first).kind == FormKind::Word && self.forms.word(first) == "volatile"
        });
        let parts = children.get(usize::from(is_volatile)..).unwrap_or_default();
        let Some((&name_at, values)) = parts.split_first() else {
            if self.forms.get(at).kind != FormKind::Unknown {
                let message = format!("`{}` is no declaration", self.quote(at));
                self.error(
                    DiagCode::BadDeclaration,
                    span,
                    message,
                    "declare a variable as `(name value)` or `(volatile name value)`",
                );
            }
            return;
        };
        if self.forms.get(name_at).kind != FormKind::Word {
            if self.forms.get(name_at).kind != FormKind::Unknown {
                let message = format!("`{}` is no name", self.quote(name_at));
                self.error(DiagCode::BadDeclaration, self.span(name_at), message, "declare a variable as `(name value)`; names are made of letters, digits, `_` and `.`");
            }
            return;
        }
        let word = self.forms.word(name_at);
        let name_span = self.span(name_at);
        if let Some(rest) = word.strip_prefix("volatile").filter(|rest| !rest.is_empty()) {
            // Elsewhere this declares `rest` as volatile; a program must not mean two things.
            let message = format!("`{word}` begins with `volatile`");
            let help = format!("write `volatile {rest}`, or choose another name");
            self.error(DiagCode::RunTogether, name_span, message, help);
        }
        let (value, value_span) = self.initial_value(span, name_at, values);
        let names = &mut self.tree.names;
        let name = if in_report { names.intern_field(word) } else { names.intern(word) };
        self.tree.decls.push(Decl {
            name,
            name_span,
            volatile: is_volatile,
            in_report,
            value,
            value_span,
            span,
        });
    }

    /// The value of a declaration. A wrong one counts as 0, so that the name is known all the same.
    fn initial_value(&mut self, span: Span, name: u32, values: &[u32]) -> (Literal, Span) {
        let nothing = (Literal::Num(0), span);
        let Some((&value, more)) = values.split_first() else {
            let message = format!("`{}` is declared without a value", self.quote(name));
            let help = format!("write `({} 0)`", self.quote(name));
            self.error(DiagCode::MissingValue, span, message, help);
            return nothing;
        };
        let value_span = self.span(value);
        if let (FormKind::Symbol(Operator::Sub), [_]) = (self.forms.get(value).kind, more) {
            let help =
                "values are never below 0; keep an offset, or subtract where the value is used";
            self.error(
                DiagCode::MissingValue,
                value_span.to(self.span(more[0])),
                "a negative initial value",
                help,
            );
            return nothing;
        }
        let is_garbled = values.iter().any(|&at| self.forms.get(at).kind == FormKind::Unknown);
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let is_constant = self.forms.get(value).kind == FormKind::Infinity
            || matches!(self.forms.text(value), b"true" | b"false")
            || self.forms.text(value).first().is_some_and(is_digit);
        // What is no constant is said below, once.
        if let Some(&extra) = more.first().filter(|_| !is_garbled && is_constant) {
            let message = format!("`{}` is too much in a declaration", self.quote(extra));
            self.error(
                DiagCode::BadDeclaration,
                self.span(extra),
                message,
                "a declaration has one name and one value",
            );
        }
        match self.forms.get(value).kind {
            FormKind::Infinity => (Literal::Infinity, value_span),
            FormKind::Unknown => nothing,
            FormKind::Word => {
                let word = self.forms.word(value);
                match self.literal(word, value_span) {
                    Some(Ok(literal)) => (literal, value_span),
                    Some(Err(())) => nothing,
                    None => {
                        let message = format!(
                            "the initial value of `{}` is not a constant",
                            self.quote(name)
                        );
                        let help = if word == "infinity" {
                            "write `+infinity`"
                        } else {
                            "write a number, a time, `true`, `false` or `+infinity`"
                        };
                        self.error(DiagCode::MissingValue, value_span, message, help);
                        nothing
                    }
                }
            }
            FormKind::List | FormKind::Symbol(_) => {
                let message =
                    format!("the initial value of `{}` is not a constant", self.quote(name));
                self.error(DiagCode::MissingValue, value_span, message, "write a number, a time, `true`, `false` or `+infinity`; an event can compute a value");
                nothing
            }
        }
    }

    /// The constant that a word is; `Some(Err)` after saying what is wrong with it, `None` for names.
    pub(super) fn literal(&mut self, word: &str, span: Span) -> Option<Result<Literal, ()>> {
        match word.as_bytes() {
            b"true" => return Some(Ok(Literal::Bool(true))),
            b"false" => return Some(Ok(Literal::Bool(false))),
            [b'0'..=b'9', ..] => {}
            _ => return None,
        }
        Some(match number(word.as_bytes()) {
            Number::Value(value) => Ok(Literal::Num(value)),
            Number::Infinity => Ok(Literal::Infinity),
            Number::TooLarge => {
                let message = format!("`{word}` is too large");
                let help = if word == "4294967295" {
                    "write `+infinity`, which is this value"
                } else {
                    "constants are below 4294967295; build larger values with `*`, or write `+infinity`"
                };
                self.error(DiagCode::NumberTooLarge, span, message, help);
                Err(())
            }
            Number::Malformed => {
                let digits = word.bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = word.split_at(digits);
                let message = format!("`{word}` is neither a number nor a name");
                let help = match rest.as_bytes() {
                    [b'.', ..] => String::from(
                        "numbers are whole; multiply first and divide then: `(/ (* x 15) 10)` for 1.5",
                    ),
                    [b'_', ..] => String::from("write the digits without `_`"),
                    [b'x' | b'X', ..] => String::from("numbers are decimal"),
                    [b'e' | b'E', b'0'..=b'9', ..] => String::from("write all zeros"),
                    _ if matches!(rest, "sec" | "secs" | "S") => {
                        format!("write `{number}s`; the units are `us`, `ms` and `s`")
                    }
                    _ if matches!(rest, "min" | "m" | "h" | "ns" | "µs" | "usec" | "msec") => {
                        String::from("the units are `us`, `ms` and `s`")
                    }
                    _ => format!(
                        "put a space behind `{number}`; times have the units `us`, `ms` and `s`"
                    ),
                };
                self.error(DiagCode::BadNumber, span, message, help);
                Err(())
            }
        })
    }
}
