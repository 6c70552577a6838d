//! Random programs as text, right ones, with everything that the language has.
//!
//! Drawn from a string of bytes in which zeros mean the plainest choice, so that shrinking the bytes
//! shrinks the program. Few names, few constants and repeated expressions, so that there is much to
//! find for an optimiser.

use std::fmt::Write as _;

/// Where choices come from; when the bytes run out, all further ones are 0.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl Choices<'_> {
    fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % n
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

const NUMS: &[&str] = &[
    "a",
    "b",
    "v",
    "Report.n",
    "Report.p",
    "Cwnd",
    "Rate",
    "Micros",
    "l",
    "m",
    "Ack.bytes_acked",
    "Ack.lost_pkts_sample",
    "Flow.rtt_sample_us",
    "Ack.now",
];
const BOOLS: &[&str] = &["t", "Report.t", "k", "Flow.was_timeout", "Flow.app_limited"];
const NUMBERS: &[&str] = &["0", "1", "2", "10", "3", "1000", "4294967294", "+infinity"];
const NUM_TARGETS: &[&str] = &["a", "b", "v", "Report.n", "Report.p", "Cwnd", "Rate", "l", "m"];
const BOOL_TARGETS: &[&str] = &["t", "Report.t", "k"];

/// What programs of these may set from outside.
pub(crate) const SETTABLE: &[&str] = &["a", "b", "v", "t", "Cwnd", "Rate"];

/// A program.
pub(crate) fn program(choices: &mut Choices<'_>) -> String {
    let mut text = String::from("(def");
    let mut initial = || NUMBERS[choices.below(NUMBERS.len())];
    let (n, p, a, b, v) = (initial(), initial(), initial(), initial(), initial());
    writeln!(
        text,
        " (Report (volatile n {n}) (p {p}) (volatile t false)) (a {a}) (b {b}) (volatile v {v}) (t true))"
    )
    .unwrap();
    let mut writer = Writer { choices, text, said: Vec::new(), depth: 0, binds: false };
    for _ in 0..=writer.choices.below(5) {
        writer.event();
    }
    writer.text
}

struct Writer<'c, 'b> {
    choices: &'c mut Choices<'b>,
    text: String,
    /// Expressions written before, which may come again; with whether they are Bools.
    said: Vec<(bool, String)>,
    depth: usize,
    /// Whether binds may stand here.
    binds: bool,
}

impl Writer<'_, '_> {
    fn event(&mut self) {
        self.text.push_str("(when ");
        self.binds = false;
        self.depth = 3;
        match self.choices.below(8) {
            6 => self.text.push_str("true"),
            7 => self.text.push_str("false"),
            _ => self.bool(),
        }
        for _ in 0..self.choices.below(7) {
            self.text.push_str("\n    ");
            self.statement();
        }
        self.text.push_str(")\n");
    }

    fn statement(&mut self) {
        self.binds = true;
        self.depth = 4;
        match self.choices.below(16) {
            0 => self.text.push_str("(report)"),
            1 => self.text.push_str("(fallthrough)"),
            2 => self.text.push_str("(reset)"),
            3 => self.text.push_str("(:= Micros 0)"),
            4 => self.num(),
            5 => {
                let target = self.choices.pick(NUM_TARGETS);
                let _ = write!(self.text, "(:= {target} (ewma ");
                self.num();
                self.text.push(' ');
                self.num();
                self.text.push_str("))");
            }
            6..=8 => {
                let (target, is_bool) = self.target();
                let op = self.choices.pick(&["if", "!if"]);
                let _ = write!(self.text, "(:= {target} ({op} ");
                self.bool();
                self.text.push(' ');
                if is_bool {
                    self.bool()
                } else {
                    self.num()
                }
                self.text.push_str("))");
            }
            // What a program should not do, but may.
            9 => {
                let target = self.choices.pick(BOOL_TARGETS);
                let _ = write!(self.text, "(:= {target} ");
                self.num();
                self.text.push(')');
            }
            _ => {
                let (target, is_bool) = self.target();
                self.bind(target, is_bool);
            }
        }
    }

    fn target(&mut self) -> (&'static str, bool) {
        if self.choices.below(3) == 2 {
            (self.choices.pick(BOOL_TARGETS), true)
        } else {
            (self.choices.pick(NUM_TARGETS), false)
        }
    }

    fn bind(&mut self, target: &str, is_bool: bool) {
        let _ = write!(self.text, "(:= {target} ");
        if is_bool {
            self.bool()
        } else {
            self.num()
        }
        self.text.push(')');
    }

    /// Writes an expression, or one that has been written before.
    fn expression(&mut self, is_bool: bool, write: fn(&mut Self)) {
        let known: Vec<usize> =
            (0..self.said.len()).filter(|&i| self.said[i].0 == is_bool).collect();
        if !known.is_empty() && self.choices.below(4) == 3 {
            let at = known[self.choices.below(known.len())];
            let text = self.said[at].1.clone();
            return self.text.push_str(&text);
        }
        let start = self.text.len();
        self.depth -= 1;
        write(self);
        self.depth += 1;
        let text = self.text[start..].to_owned();
        // Binds are not for conditions, and what doubles would grow without end.
        if !text.contains(":=") && text.len() < 60 {
            self.said.push((is_bool, text));
        }
    }

    fn num(&mut self) {
        if self.depth == 0 || self.choices.below(3) == 0 {
            return match self.choices.below(3) {
                0 => self.push(NUMBERS),
                _ => self.push(NUMS),
            };
        }
        if self.binds && self.choices.below(12) == 11 {
            let target = self.choices.pick(NUM_TARGETS);
            return self.bind(target, false);
        }
        self.expression(false, |w| {
            let op = w.choices.pick(&["+", "min", "max", "-", "*", "/", "wrapped_max", "max-"]);
            if op == "max-" {
                // Never less than 0.
                w.text.push_str("(- (max ");
                let less = w.choices.pick(NUMS);
                w.num();
                let _ = write!(w.text, " {less}) {less})");
                return;
            }
            w.apply(op, Self::num, 3);
        });
    }

    fn bool(&mut self) {
        if self.depth == 0 {
            return self.push(BOOLS);
        }
        match self.choices.below(10) {
            0 => self.push(BOOLS),
            1 => self.push(&["true", "false"]),
            2..=5 => self.expression(true, |w| {
                let op = w.choices.pick(&[">", "<", "==", ">=", "<=", "!="]);
                w.apply(op, Self::num, 2);
            }),
            6 => self.expression(true, |w| w.apply("!", Self::bool, 1)),
            7 => self.expression(true, |w| {
                let op = w.choices.pick(&["==", "!="]);
                w.apply(op, Self::bool, 2);
            }),
            _ => self.expression(true, |w| {
                let op = w.choices.pick(&["&&", "||"]);
                w.apply(op, Self::bool, 3);
            }),
        }
    }

    fn apply(&mut self, op: &str, operand: fn(&mut Self), most: usize) {
        let several = matches!(op, "+" | "min" | "max" | "*" | "&&" | "||");
        let count = if several && self.choices.below(4) == 3 { most } else { most.min(2) };
        let _ = write!(self.text, "({op}");
        for _ in 0..count {
            self.text.push(' ');
            operand(self);
        }
        self.text.push(')');
    }

    fn push(&mut self, of: &[&str]) {
        let text = self.choices.pick(of);
        self.text.push_str(text);
    }
}
