//! For each code a program that gets it, and one that does the same right.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::DiagCode;
use crate::compile::Compiler;
use crate::limits::Limits;
use crate::opt::Opt;
use crate::primitive::Primitive;

/// A wrong program and a right one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Example {
    /// A program that gets the code. It may be no text.
    pub wrong: Vec<u8>,
    /// The program as it should be.
    pub right: &'static str,
    /// Where the wrong program gets the code, if not everywhere.
    pub only: Option<&'static str>,
    /// The settings under which it does.
    pub compiler: Compiler,
}

impl DiagCode {
    /// A wrong program and a right one; nothing for [`SourceTooLong`](Self::SourceTooLong) and
    /// [`Internal`](Self::Internal).
    #[must_use]
    pub fn example(self) -> Option<Example> {
        let (mut only, mut compiler) = (None, Compiler::new());
        match self {
            Self::PrimitiveMissing => {
                only = Some("on a datapath without `Flow.rtt_sample_us`");
                compiler = compiler.available(!Primitive::FlowRttSampleUs.mask());
            }
            Self::LibccpLimit => {
                only = Some("with `--limits machine --opt none`");
                compiler = compiler.limits(Limits::MACHINE).opt(Opt::None);
            }
            Self::TooManyEvents => {
                only = Some("with `--opt none`, where more than 255 instructions are allowed");
                let max_events = Limits::LIBCCP.max_events;
                compiler = compiler.limits(Limits { max_events, ..Limits::MACHINE }).opt(Opt::None);
            }
            // The optimiser would make these small enough.
            Self::TooManyInstructions | Self::TooManyLocals | Self::TooManyTemporaries => {
                only = Some("with `--opt none`");
                compiler = compiler.opt(Opt::None);
            }
            _ => {}
        }
        let (wrong, right) = self.texts()?;
        let wrong = match (self, wrong) {
            (Self::NotText, text) => text.replace('µ', "\u{1}").into_bytes(),
            (_, text) => text.into_bytes(),
        };
        // Latin-1, as an editor set wrongly would write it.
        let latin = |byte| if self == Self::NotText && byte == 1 { 0xB5 } else { byte };
        let wrong = wrong.into_iter().map(latin).collect();
        Some(Example { wrong, right, only, compiler })
    }

    fn texts(self) -> Option<(String, &'static str)> {
        let (wrong, right) = match self {
            Self::SourceTooLong | Self::Internal => return None,
            Self::TooManyInstructions => return Some((many_binds(), FOLDED)),
            Self::TooManyVariables => return Some((many_variables(), FEW)),
            Self::TooManyLocals | Self::LibccpLimit => return Some((many_locals(), DECLARED)),
            Self::TooManyTemporaries => return Some((deep(), SPLIT)),
            Self::TooManyEvents => return Some((many_events(), ONE_EVENT)),
            Self::NotText => (
                "(def (wait 10µs))\n(when (> Micros wait) (:= Cwnd 1448) (:= Micros 0))",
                "(def (wait 10us))\n(when (> Micros wait) (:= Cwnd 1448) (:= Micros 0))",
            ),
            Self::UnexpectedCharacter => ("(def)\n(when true (= Cwnd 1448))", BIND),
            Self::UnclosedForm => ("(def)\n(when true (:= Cwnd 1448)", BIND),
            Self::UnexpectedClose => ("(def)\n(when true (:= Cwnd 1448)))", BIND),
            Self::MissingDef => ("(when true (:= Cwnd 1448))", BIND),
            Self::MissingEvent => ("(def)", BIND),
            Self::UnexpectedForm => {
                ("(def)\n(:= Cwnd 1448)\n(when Flow.was_timeout (:= Cwnd 1448))", BIND)
            }
            Self::BadDeclaration => (
                "(def (wait 10 ms))\n(when (> Micros wait) (:= Cwnd 1448))",
                "(def (wait 10ms))\n(when (> Micros wait) (:= Cwnd 1448))",
            ),
            Self::MissingValue => (
                "(def (wait))\n(when (> Micros wait) (:= Cwnd 1448))",
                "(def (wait 10ms))\n(when (> Micros wait) (:= Cwnd 1448))",
            ),
            Self::UnknownOperator => ("(def)\n(when true (set Cwnd 1448))", BIND),
            Self::RunTogether => (
                "(def)\n(when true (:= Cwnd (minCwnd 1448)))",
                "(def)\n(when true (:= Cwnd (min Cwnd 1448)))",
            ),
            Self::OperandCount => ("(def)\n(when true (:= Cwnd))", BIND),
            Self::BadNumber => (
                "(def)\n(when true (:= Cwnd (* Cwnd 1.5)))",
                "(def)\n(when true (:= Cwnd (/ (* Cwnd 15) 10)))",
            ),
            Self::NumberTooLarge => (
                "(def)\n(when true (:= Rate 5000000000))",
                "(def)\n(when true (:= Rate (* 5 1000000000)))",
            ),
            Self::EmptyForm => ("(def)\n(when true () (:= Cwnd 1448))", BIND),
            Self::ReservedName => (
                "(def (__wait 10ms))\n(when (> Micros __wait) (:= Cwnd 1448))",
                "(def (wait 10ms))\n(when (> Micros wait) (:= Cwnd 1448))",
            ),
            Self::ShadowsBuiltin => ("(def (Cwnd 1448))\n(when true (:= Cwnd 1448))", BIND),
            Self::InitialValue => (
                "(def (most 1073741823))\n(when true (:= Cwnd (min Cwnd most)))",
                "(def (most +infinity))\n(when true (:= Cwnd (min Cwnd most)))",
            ),
            Self::DuplicateReport => (
                "(def (Report (volatile acked 0)) (Report (volatile lost 0)))\n\
                 (when true\n    (:= Report.acked (+ Report.acked Ack.bytes_acked))\n    \
                 (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))\n    (report))",
                "(def (Report (volatile acked 0) (volatile lost 0)))\n\
                 (when true\n    (:= Report.acked (+ Report.acked Ack.bytes_acked))\n    \
                 (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))\n    (report))",
            ),
            Self::NotAssignable => (
                "(def)\n(when true (:= Flow.rtt_sample_us 5))",
                "(def)\n(when (> Flow.rtt_sample_us 5) (:= Cwnd 1448))",
            ),
            Self::BindToExpression => (
                "(def)\n(when true (:= (+ Cwnd 1448) Cwnd))",
                "(def)\n(when true (:= Cwnd (+ Cwnd 1448)))",
            ),
            Self::PrimitiveMissing => (
                "(def)\n(when (> Flow.rtt_sample_us 50ms) (:= Cwnd 1448))",
                "(def)\n(when (> Ack.lost_pkts_sample 0) (:= Cwnd 1448))",
            ),
            Self::TypeMismatch => (
                "(def)\n(when (&& Flow.was_timeout Ack.ecn_packets) (:= Cwnd 1448))",
                "(def)\n(when (&& Flow.was_timeout (> Ack.ecn_packets 0)) (:= Cwnd 1448))",
            ),
            Self::ConditionType => (
                "(def)\n(when Ack.lost_pkts_sample (:= Cwnd 1448))",
                "(def)\n(when (> Ack.lost_pkts_sample 0) (:= Cwnd 1448))",
            ),
            Self::NoValue => (
                "(def)\n(when true (:= Cwnd (reset)))",
                "(def)\n(when true (reset) (:= Cwnd 1448))",
            ),
            Self::EffectInCondition => (
                "(def)\n(when (:= Cwnd 1448) (:= Rate 0))",
                "(def)\n(when (== Cwnd 1448) (:= Rate 0))",
            ),
            Self::OutsideBind => (
                "(def)\n(when true (if Flow.was_timeout 1448))",
                "(def)\n(when true (:= Cwnd (if Flow.was_timeout 1448)))",
            ),
            Self::DuplicateName => (
                "(def (wait 10ms) (wait 20ms))\n(when (> Micros wait) (:= Cwnd 1448))",
                "(def (wait 20ms))\n(when (> Micros wait) (:= Cwnd 1448))",
            ),
            Self::UnboundRead => (
                "(def)\n(when (> Flow.rtt 50ms) (:= Cwnd 1448))",
                "(def)\n(when (> Flow.rtt_sample_us 50ms) (:= Cwnd 1448))",
            ),
            Self::UnknownField => (
                "(def (Report (volatile acked 0)))\n(when true\n    \
                 (:= Report.aked (+ Report.acked Ack.bytes_acked))\n    (report))",
                REPORT,
            ),
            Self::EmptyReport => ("(def)\n(when true (report))", REPORT),
            Self::OperandType => (
                "(def)\n(when true (:= Cwnd (if Ack.lost_pkts_sample 1448)))",
                "(def)\n(when true (:= Cwnd (if (> Ack.lost_pkts_sample 0) 1448)))",
            ),
            Self::NeverRead => (
                "(def)\n(when true (:= half (/ Cwnd 2)) (:= Cwnd (/ Cwnd 2)))",
                "(def)\n(when true (:= half (/ Cwnd 2)) (:= Cwnd half))",
            ),
            Self::NeverWritten => (
                "(def (volatile wait 10ms))\n(when (> Micros wait) (:= Cwnd 1448))",
                "(def (wait 10ms))\n(when (> Micros wait) (:= Cwnd 1448))",
            ),
            Self::NeverUpdated => (
                "(def (Report (volatile acked 0) (volatile lost 0)))\n(when true\n    \
                 (:= Report.acked (+ Report.acked Ack.bytes_acked))\n    (report))",
                REPORT,
            ),
            Self::NeverRuns => (
                "(def)\n(when true (:= Cwnd (+ Cwnd 1448)))\n(when Flow.was_timeout (:= Cwnd 1448))",
                "(def)\n(when true (:= Cwnd (+ Cwnd 1448)) (fallthrough))\n\
                 (when Flow.was_timeout (:= Cwnd 1448))",
            ),
            Self::FallthroughReach => (
                "(def)\n(when (> Ack.ecn_packets 0) (:= Rate 0) (fallthrough))\n\
                 (when Flow.was_timeout (:= Cwnd 1448))\n(when true (:= Cwnd (+ Cwnd 1448)))",
                "(def)\n(when Flow.was_timeout (:= Cwnd 1448))\n\
                 (when (> Ack.ecn_packets 0) (:= Rate 0) (fallthrough))\n\
                 (when true (:= Cwnd (+ Cwnd 1448)))",
            ),
            Self::TypeChange => (
                "(def (late 0))\n(when true (:= late Flow.was_timeout) (:= Cwnd (if (> late 0) 1448)))",
                "(def (late false))\n(when true (:= late Flow.was_timeout) (:= Cwnd (if late 1448)))",
            ),
            Self::UnknownLint => (
                "(def)\n# allow(never-run)\n(when true (:= Cwnd 1448))",
                "(def)\n# allow(never-runs)\n(when true (:= Cwnd 1448))",
            ),
        };
        Some((wrong.into(), right))
    }
}

fn program(body: impl Iterator<Item = String>) -> String {
    let mut text = String::from("(def)\n(when true\n");
    text.extend(body);
    text.push(')');
    text
}

fn many_binds() -> String {
    program((0..255).map(|n| format!("    (:= Cwnd (+ Cwnd {n}))\n")))
}

fn many_locals() -> String {
    let binds = (0..9).map(|n| format!("    (:= x{n} (+ Cwnd {n}))\n"));
    let sum: String = (0..9).map(|n| format!(" x{n}")).collect();
    program(binds.chain([format!("    (:= Cwnd (max{sum}))\n")]))
}

fn many_variables() -> String {
    let decls: String = (0..111).map(|n| format!("\n    (x{n} {n})")).collect();
    let reads: String = (0..111).map(|n| format!(" x{n}")).collect();
    format!("(def{decls})\n(when true (:= Cwnd (max{reads})))")
}

/// No order of evaluation gets by with fewer than nine at once.
fn deep() -> String {
    let mut expr = String::from("(+ Cwnd 1)");
    for _ in 0..9 {
        expr = format!("(+ {expr} {expr})");
    }
    format!("(def)\n(when true (:= Cwnd {expr}))")
}

fn many_events() -> String {
    let event = |n| format!("(when (== Ack.bytes_acked {n}) (:= Cwnd {n}))\n");
    let mut text = String::from("(def)\n");
    text.extend((0..257).map(event));
    text
}

const BIND: &str = "(def)\n(when true (:= Cwnd 1448))";
const REPORT: &str = "(def (Report (volatile acked 0)))\n(when true\n    \
                      (:= Report.acked (+ Report.acked Ack.bytes_acked))\n    (report))";
const FOLDED: &str = "(def)\n(when true (:= Cwnd (+ Cwnd 32385)))";
const FEW: &str = "(def (x 110))\n(when true (:= Cwnd x))";
const DECLARED: &str = "(def (x0 0))\n(when true\n    (:= x0 (+ Cwnd 0))\n    (:= x1 (+ Cwnd 1))\n    \
                        (:= Cwnd (max x0 x1)))";
const SPLIT: &str = "(def)\n(when true (:= half (* (+ Cwnd 1) 16)) (:= Cwnd (* half 32)))";
const ONE_EVENT: &str = "(def)\n(when (< Ack.bytes_acked 257) (:= Cwnd Ack.bytes_acked))";
