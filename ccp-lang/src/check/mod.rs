//! From the tree to the checked program: names, types and roles.
//!
//! Finds all that is wrong with a program that could be parsed, and what is odd about one that is
//! right. Decides the order of evaluation, but not which temporary holds what.

mod beyond;
mod env;
mod expr;
mod flow;
mod usage;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use beyond::libccp as beyond_libccp;
use env::Env;
use expr::Frame;
use expr::Operand;

use crate::diag::Sink;
use crate::ir::{Ir, IrEvent};
use crate::limits::Limits;
use crate::lint::Levels;
use crate::primitive::{Primitive, Type};
use crate::scope::Scope;
use crate::syntax::{self, Command, ExprKind, Tree};
use crate::table::PrimitiveTable;

/// Checks a program over the primitives of a table, for a datapath that fills those of the mask
/// `available`. What comes out is whole only if the sink has no errors afterwards.
pub(crate) fn check(
    tree: &Tree<'_>,
    primitives: &PrimitiveTable,
    available: u64,
    limits: &Limits,
    sink: &mut Sink,
) -> (Ir, Scope) {
    let env = Env::new(tree, primitives, limits, sink);
    let mut checker = Checker {
        tree,
        env,
        primitives,
        available,
        ir: Ir {
            events: Vec::with_capacity(tree.events.len()),
            exprs: Vec::with_capacity(tree.nodes.len() / 4),
            steps: Vec::with_capacity(tree.nodes.len()),
            ..Ir::default()
        },
        frames: Vec::with_capacity(8),
        operands: Vec::with_capacity(16),
        in_condition: false,
        reporting: false,
        inside: None,
        said_empty_report: false,
        sink,
    };
    let mut flow = Vec::with_capacity(tree.events.len());
    for event in &tree.events {
        flow.push(checker.event(event));
    }
    let Checker { env, mut ir, sink, .. } = checker;
    // What a mistake hides from view would be reported as unused.
    if !sink.has_errors() {
        usage::check(tree, &env, sink);
        flow::check(&flow, sink);
    }
    let (scope, defs) = env.into_scope(tree);
    ir.defs = defs;
    (ir, scope)
}

/// Checks the stand-in of a primitive: one expression of that type, without effect, over what every
/// datapath has.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn stand_in(expr: &str, ty: Type) -> Result<(), String> {
    let mut sink = Sink::new(Levels::DEFAULT);
    let tree = syntax::parse_expr(expr.as_bytes(), &mut sink);
    if let Some(mistake) = sink.finish(expr.as_bytes()).first() {
        return Err(mistake.message.clone());
    }
    match tree.exprs(0..tree.nodes.len() as u32).count() {
        1 => {}
        count => return Err(format!("`{expr}` is {count} expressions, not one")),
    }
    for node in &tree.nodes {
        if let ExprKind::Name(name) = node.kind
            && let name = tree.name(name)
            && Primitive::from_name(name).is_some_and(|it| it.stand_in().is_some())
        {
            return Err(format!("not every datapath fills `{name}`"));
        }
    }
    // In a condition all that is an error which no stand-in may have: effects and other names.
    let program = match ty {
        Type::Bool => format!("(def) (when {expr}\n (:= Cwnd 1))"),
        Type::Num => format!("(def) (when (> {expr}\n 0) (:= Cwnd 1))"),
    };
    match crate::compile(&program) {
        Ok(_) => Ok(()),
        Err(mistakes) => Err(mistakes.first().map(|it| it.message.clone()).unwrap_or_default()),
    }
}

struct Checker<'t, 's, 'd> {
    tree: &'t Tree<'s>,
    env: Env,
    primitives: &'t PrimitiveTable,
    available: u64,
    ir: Ir,
    /// The expressions whose operands are being evaluated, outermost first.
    frames: Vec<Frame>,
    /// The operands evaluated so far of all of them.
    operands: Vec<Operand>,
    in_condition: bool,
    /// Whether the event at hand reports.
    reporting: bool,
    /// The use of a primitive whose stand-in is being evaluated.
    inside: Option<crate::diag::Span>,
    said_empty_report: bool,
    sink: &'d mut Sink,
}

impl Checker<'_, '_, '_> {
    fn event(&mut self, event: &syntax::Event) -> flow::EventFlow {
        let tree = self.tree;
        let start = self.ir.steps.len() as u32;
        // Where a condition ends is a guess if a parenthesis is missing; then anything may seem in it.
        self.in_condition = !matches!(tree.node(event.condition.start).kind, ExprKind::Error(_));
        let condition = self.eval(tree, event.condition.clone());
        self.in_condition = false;
        let always = self.finish_condition(&condition);
        let end = self.ir.steps.len() as u32;

        let commands = |command| {
            let nodes = event.body.clone().map(|at| tree.node(at));
            nodes
                .filter(move |node| node.kind == ExprKind::Command(command))
                .map(|node| node.span)
                .next()
        };
        self.reporting = commands(Command::Report).is_some();
        let fallthrough = commands(Command::Fallthrough);
        let first_expr = self.ir.exprs.len() as u32;
        let mut at = event.body.start;
        while at < event.body.end {
            let next = tree.node(at).end.max(at + 1);
            let first = self.ir.steps.len() as u32;
            self.eval(tree, at..next);
            let last = self.ir.steps.len() as u32;
            if last > first {
                self.ir.exprs.push(first..last);
            }
            at = next;
        }
        self.ir.events.push(IrEvent {
            condition: start..end,
            body: first_expr..self.ir.exprs.len() as u32,
            span: event.span,
        });
        flow::EventFlow { condition: condition.span, head: event.head, always, fallthrough }
    }
}
