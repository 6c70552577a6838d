//! Expressions: what each operator takes, does and results in.

use alloc::format;
use alloc::string::String;
use core::ops::Range;

use super::Checker;
use crate::diag::{DiagCode, Diagnostic, Sink, Span};
use crate::ir::{Step, Value};
use crate::limits::Limits;
use crate::lint::{Levels, Lint};
use crate::op::Op;
use crate::primitive::Type;
use crate::reg::{Class, Reg};
use crate::scope::{self, Kind};
use crate::syntax::{self, Command, ExprKind, Literal, Name, Node, Operator, Tree};
use crate::table::PrimitiveDef;

/// An expression whose operands are being evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    node: Node,
    /// Where its operands begin.
    first: usize,
}

/// An evaluated operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    what: What,
    /// `None` fits every type.
    ty: Option<Type>,
    pub(super) span: Span,
    /// The value, where it is known.
    constant: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// A value that steps can use.
    Value(Value),
    /// The value of a bind: a variable, read by whoever uses it.
    Bound(usize),
    /// A name on the left of a bind.
    Target(usize),
    /// An `if`, `!if` or `ewma`, which the bind around it completes.
    Pending { op: Op, left: Value, right: Value },
    /// `(reset)`.
    Nothing,
    /// Something about which there is an error already.
    Wrong,
}

impl Operand {
    const fn wrong(span: Span) -> Self {
        Self { what: What::Wrong, ty: None, span, constant: None }
    }

    const fn value(value: Value, ty: Option<Type>, span: Span) -> Self {
        Self { what: What::Value(value), ty, span, constant: None }
    }
}

impl Checker<'_, '_, '_> {
    /// Evaluates one expression, the nodes in `range`, by emitting its steps.
    ///
    /// Operands are evaluated left to right, each operator after its operands; this is the order that
    /// the plain translation keeps.
    pub(super) fn eval(&mut self, tree: &Tree<'_>, range: Range<u32>) -> Operand {
        let frames = self.frames.len();
        let first = self.operands.len();
        for at in range {
            let node = tree.node(at);
            match node.kind {
                ExprKind::Apply(_) | ExprKind::Error(_) => {
                    self.open(node);
                    self.frames.push(Frame { node, first: self.operands.len() });
                }
                ExprKind::Literal(literal) => {
                    let operand = constant(literal, self.place(node.span));
                    self.operands.push(operand);
                }
                ExprKind::Name(name) => {
                    let operand = self.name(tree, name, node.span);
                    self.operands.push(operand);
                }
                ExprKind::Command(command) => {
                    let operand = self.command(command, node.span);
                    self.operands.push(operand);
                }
            }
            while self.frames.len() > frames
                && let Some(frame) = self.frames.pop_if(|frame| frame.node.end <= at + 1)
            {
                let operand = self.close(&frame);
                self.operands.truncate(frame.first);
                self.operands.push(operand);
            }
        }
        let result = self.operands.get(first).copied();
        self.operands.truncate(first);
        result.unwrap_or_else(|| Operand::wrong(Span::default()))
    }

    /// Makes the condition write the event flag. Gives its value where that is known.
    pub(super) fn finish_condition(&mut self, condition: &Operand) -> Option<bool> {
        let value = self.use_value(condition, "the condition")?;
        // A bind there was complained about as such.
        let is_bind = matches!(condition.what, What::Bound(_));
        if condition.ty == Some(Type::Num) && !is_bind {
            self.sink.push(
                Diagnostic::error(
                    DiagCode::ConditionType,
                    condition.span,
                    "the condition is a number, not a Bool",
                )
                .help("compare it: `(> … 0)`"),
            );
        }
        match (value, self.ir.steps.last_mut()) {
            (Value::Step(_), Some(last)) => last.dest = Some(Reg::EVENT_FLAG),
            _ => self.bind_step(Reg::EVENT_FLAG, value, condition.span),
        }
        condition.constant.map(|value| value != 0)
    }

    /// Where a diagnostic or step of the expression at hand belongs: a stand-in has no place of its
    /// own in the source.
    fn place(&self, span: Span) -> Span {
        self.inside.unwrap_or(span)
    }

    fn error(
        &mut self,
        code: DiagCode,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.place(span);
        self.sink.push(Diagnostic::error(code, span, message).help(help));
    }

    /// Checks the role of an expression before its operands are looked at.
    fn open(&mut self, node: Node) {
        let ExprKind::Apply(operator) = node.kind else {
            return;
        };
        match operator {
            Operator::Bind if self.in_condition => {
                self.error(
                    DiagCode::EffectInCondition,
                    node.span,
                    "a bind in a condition",
                    "bind in the body of an event before this one that falls through",
                );
            }
            Operator::If | Operator::NotIf | Operator::Ewma => {
                let is_bound = self.frames.last().is_some_and(|parent| {
                    matches!(parent.node.kind, ExprKind::Apply(Operator::Bind))
                        && self.operands.len() == parent.first + 1
                });
                let in_error = self
                    .frames
                    .last()
                    .is_some_and(|parent| matches!(parent.node.kind, ExprKind::Error(_)));
                if !is_bound && !in_error {
                    let message = format!("`{operator}` stands outside a bind");
                    let help = match operator {
                        Operator::Ewma => String::from(
                            "bind it to the variable that it smooths: `(:= x (ewma a v))`",
                        ),
                        _ => format!(
                            "bind it to the variable that it may change: `(:= x ({operator} c v))`"
                        ),
                    };
                    self.error(DiagCode::OutsideBind, node.span, message, help);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, tree: &Tree<'_>, name: Name, span: Span) -> Operand {
        if self.inside.is_some() {
            return self.stand_in_name(tree.name(name), span);
        }
        let Some(index) = self.env.lookup(name) else {
            return Operand::wrong(span);
        };
        let is_target = self.frames.last().is_some_and(|parent| {
            let is_bind = matches!(
                parent.node.kind,
                ExprKind::Apply(Operator::Bind) | ExprKind::Error(Some(Operator::Bind))
            );
            is_bind && self.operands.len() == parent.first
        });
        if is_target {
            return Operand {
                what: What::Target(index),
                ty: self.env.vars[index].ty,
                span,
                constant: None,
            };
        }
        let var = &mut self.env.vars[index];
        var.read = true;
        let var = *var;
        match var.kind {
            Kind::Primitive => return self.primitive(var.reg, var.ty, tree.name(name), span),
            Kind::Local if !var.bound => self.unbound(name, span),
            _ => {}
        }
        Operand::value(Value::Reg(var.reg), var.ty, span)
    }

    fn unbound(&mut self, name: Name, span: Span) {
        let text = self.tree.name(name);
        let glued = ["true", "false"].into_iter().find(|word| text.starts_with(word));
        if let Some(word) = glued {
            let message = format!("nothing binds `{text}`");
            let help = format!("put a space behind `{word}` if two words are meant");
            self.error(DiagCode::RunTogether, span, message, help);
            return;
        }
        if self.tree.is_garbled || !self.sink.wants(Lint::UnboundRead) {
            return;
        }
        let help = if text == "infinity" {
            String::from("write `+infinity`")
        } else if let Some(command) = Command::from_word(text) {
            format!("the command is `{command}`")
        } else {
            self.env.suggestion(self.tree, name, self.sink).unwrap_or_else(|| {
                match text.split_once('.') {
                    Some(("Report", field)) => format!("declare it: `(Report ({field} 0))`"),
                    Some(("Ack" | "Flow", _)) => String::from("there is no such primitive"),
                    _ => format!("declare it in `(def …)`, or bind it: `(:= {text} …)`"),
                }
            })
        };
        self.sink.push(
            Diagnostic::lint(Lint::UnboundRead, span, format!("nothing binds `{text}`")).help(help),
        );
    }

    /// Reads a primitive, or evaluates what stands in for it.
    fn primitive(&mut self, reg: Reg, ty: Option<Type>, name: &str, span: Span) -> Operand {
        let is_available = self.available.checked_shr(reg.index).is_some_and(|mask| mask & 1 == 1);
        if is_available {
            return Operand::value(Value::Reg(reg), ty, span);
        }
        let Some(expr) = self.primitives.by_index(reg.index).and_then(PrimitiveDef::stand_in)
        else {
            let message = format!("this datapath does not have `{name}`");
            self.error(
                DiagCode::PrimitiveMissing,
                span,
                message,
                "use another primitive, or another datapath",
            );
            return Operand::wrong(span);
        };
        let mut sink = Sink::new(Levels::DEFAULT);
        let tree = syntax::parse_expr(expr.as_bytes(), &mut sink);
        let before = self.inside.replace(span);
        let operand = self.eval(&tree, 0..tree.nodes.len() as u32);
        self.inside = before;
        // That a stand-in is constant says nothing about the program.
        Operand { span, constant: None, ..operand }
    }

    /// A name inside a stand-in: a built-in one that needs no stand-in itself.
    fn stand_in_name(&mut self, name: &str, span: Span) -> Operand {
        let span = self.place(span);
        match scope::builtin(name) {
            Some(found)
                if found.reg.class != Class::Primitive
                    || self
                        .available
                        .checked_shr(found.reg.index)
                        .is_some_and(|mask| mask & 1 == 1) =>
            {
                Operand::value(Value::Reg(found.reg), Some(found.ty), span)
            }
            _ => {
                let message =
                    format!("this datapath does not have `{name}`, which stands in for this");
                self.error(
                    DiagCode::PrimitiveMissing,
                    span,
                    message,
                    "use another primitive, or another datapath",
                );
                Operand::wrong(span)
            }
        }
    }

    fn command(&mut self, command: Command, span: Span) -> Operand {
        if self.in_condition {
            let message = format!("`{command}` stands in a condition");
            self.error(
                DiagCode::EffectInCondition,
                span,
                message,
                "move it into the body of the event",
            );
            return Operand::wrong(span);
        }
        let flag = match command {
            Command::Report => {
                if self.env.reports == 0 && !self.said_empty_report && !self.tree.is_garbled {
                    self.said_empty_report = true;
                    self.sink.push(
                        Diagnostic::lint(
                            Lint::EmptyReport,
                            span,
                            "the report would be empty, which closes the flow",
                        )
                        .help(
                            "declare what should be reported: `(def (Report (volatile acked 0)))`",
                        ),
                    );
                }
                Reg::SHOULD_REPORT
            }
            Command::Fallthrough => Reg::SHOULD_CONTINUE,
            Command::Reset => {
                self.reset(span);
                return Operand { what: What::Nothing, ..Operand::wrong(span) };
            }
        };
        self.bind_step(flag, Value::Reg(Reg::immediate(1)), span);
        Operand::value(Value::Reg(flag), Some(Type::Bool), span)
    }

    fn reset(&mut self, span: Span) {
        self.bind_step(Reg::MICROS, Value::Reg(Reg::immediate(0)), span);
        // In an event that reports, the report resets the others after it was sent; earlier it would
        // carry the initial values.
        // A program of so many steps is refused whatever follows; without this check it would grow with
        // the product of variables and resets.
        let is_too_long = self.ir.steps.len() > Limits::MACHINE.max_instrs as usize;
        if self.reporting || is_too_long {
            return;
        }
        for at in 0..self.env.vars.len() {
            let var = self.env.vars[at];
            if let (true, Some(initial)) = (var.reg.is_volatile(), var.initial) {
                self.bind_step(var.reg, Value::Reg(Reg::immediate(initial)), span);
            }
        }
    }

    /// Evaluates an operator whose operands are evaluated.
    fn close(&mut self, frame: &Frame) -> Operand {
        let span = self.place(frame.node.span);
        let count = self.operands.len() - frame.first;
        let operand = |at: usize| self.operands.get(frame.first + at).copied();
        let (Some(first), ExprKind::Apply(operator)) = (operand(0), frame.node.kind) else {
            return Operand::wrong(span);
        };
        let Some(second) = operand(1) else {
            return self.not(operator, &first, span);
        };
        match operator {
            Operator::Bind => self.bind(&first, &second, span),
            Operator::If | Operator::NotIf | Operator::Ewma => {
                self.pending(operator, &first, &second, span)
            }
            _ if count == 2 => self.binary(operator, &first, &second, frame.node),
            _ => {
                let mut sum = first;
                for at in 1..count {
                    let Some(&next) = self.operands.get(frame.first + at) else {
                        break;
                    };
                    sum = self.binary(operator, &sum, &next, frame.node);
                }
                sum
            }
        }
    }

    fn not(&mut self, operator: Operator, operand: &Operand, span: Span) -> Operand {
        match self.typed_value(operator, operand, Type::Bool) {
            Some(value) => Operand {
                constant: operand.constant.map(|value| u64::from(value == 0)),
                ..self.step(Op::Equiv, value, Value::Reg(Reg::immediate(0)), Type::Bool, span)
            },
            None => Operand::wrong(span),
        }
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &Operand,
        right: &Operand,
        node: Node,
    ) -> Operand {
        let span = self.place(node.span);
        let result = super::env::result_type(operator);
        let wants = match operator {
            Operator::And | Operator::Or => Type::Bool,
            // Two Bools can be compared; a Bool with a number cannot.
            Operator::Eq | Operator::Ne => left.ty.or(right.ty).unwrap_or(Type::Num),
            _ => Type::Num,
        };
        let (left_value, right_value) =
            (self.typed_value(operator, left, wants), self.typed_value(operator, right, wants));
        let (Some(left_value), Some(right_value)) = (left_value, right_value) else {
            return Operand { ty: Some(result), ..Operand::wrong(span) };
        };
        let (op, negated) = match operator {
            Operator::Add => (Op::Add, false),
            Operator::Sub => (Op::Sub, false),
            Operator::Mul | Operator::And => (Op::Mul, false),
            Operator::Div => (Op::Div, false),
            Operator::Min => (Op::Min, false),
            Operator::Max | Operator::Or => (Op::Max, false),
            Operator::WrappedMax => (Op::MaxWrap, false),
            Operator::Gt => (Op::Gt, false),
            Operator::Lt => (Op::Lt, false),
            Operator::Eq => (Op::Equiv, false),
            Operator::Ge => (Op::Lt, true),
            Operator::Le => (Op::Gt, true),
            Operator::Ne => (Op::Equiv, true),
            // The binding ones and `!` never come here.
            Operator::Bind | Operator::If | Operator::NotIf | Operator::Ewma | Operator::Not => {
                return Operand::wrong(span);
            }
        };
        let mut operand = self.step(op, left_value, right_value, result, span);
        if let (true, What::Value(value)) = (negated, operand.what) {
            operand = self.step(Op::Equiv, value, Value::Reg(Reg::immediate(0)), result, span);
        }
        let constants = left.constant.zip(right.constant);
        operand.constant = constants.and_then(|(left, right)| fold(operator, left, right));
        operand
    }

    /// `if`, `!if` and `ewma`: completed by the bind around them.
    fn pending(
        &mut self,
        operator: Operator,
        left: &Operand,
        right: &Operand,
        span: Span,
    ) -> Operand {
        let what = format_args!("an operand of `{operator}`");
        let values = (self.use_value(left, what), self.use_value(right, what));
        let (Some(left_value), Some(right_value)) = values else {
            return Operand::wrong(span);
        };
        let (op, left_wants) = match operator {
            Operator::If => (Op::If, Type::Bool),
            Operator::NotIf => (Op::NotIf, Type::Bool),
            _ => (Op::Ewma, Type::Num),
        };
        self.lint_type(operator, left, left_wants);
        if op == Op::Ewma {
            self.lint_type(operator, right, Type::Num);
        }
        Operand {
            what: What::Pending { op, left: left_value, right: right_value },
            ty: if op == Op::Ewma { Some(Type::Num) } else { right.ty },
            span,
            constant: None,
        }
    }

    fn lint_type(&mut self, operator: Operator, operand: &Operand, wants: Type) {
        let Some(have) = operand.ty.filter(|&have| have != wants) else {
            return;
        };
        let message = match operator {
            Operator::Ewma => format!("`ewma` takes numbers, but this is a {have}"),
            _ => format!("the condition of `{operator}` is a {have}, not a {wants}"),
        };
        let help = match wants {
            Type::Bool => "compare it: `(> … 0)`",
            Type::Num => "a Bool counts as 0 or 1 here",
        };
        self.sink.push(Diagnostic::lint(Lint::OperandType, operand.span, message).help(help));
    }

    fn bind(&mut self, target: &Operand, value: &Operand, span: Span) -> Operand {
        let index = match target.what {
            What::Target(index) => index,
            What::Wrong => return Operand::wrong(span),
            What::Value(Value::Reg(Reg { class: Class::Immediate, .. })) => {
                self.error(
                    DiagCode::NotAssignable,
                    target.span,
                    "a constant cannot be bound",
                    "the variable stands first: `(:= x 5)`",
                );
                return Operand::wrong(span);
            }
            _ => {
                self.error(
                    DiagCode::BindToExpression,
                    target.span,
                    "the left side of `:=` is not a name",
                    "bind to a variable: `(:= x …)`",
                );
                return Operand::wrong(span);
            }
        };
        let var = &mut self.env.vars[index];
        var.written = true;
        let var = *var;
        let text = self.tree.name(var.name);
        match var.kind {
            Kind::Primitive => {
                let message = format!("`{text}` is measured by the datapath and cannot be bound");
                self.error(
                    DiagCode::NotAssignable,
                    target.span,
                    message,
                    "bind to a variable of your own, or to `Cwnd` or `Rate`",
                );
                return Operand::wrong(span);
            }
            Kind::Local => self.check_field(var.name, target.span),
            _ => {}
        }
        let step = match value.what {
            What::Pending { op, left, right } => {
                Step { op, dest: Some(var.reg), left, right, span }
            }
            _ => {
                let Some(right) = self.use_value(value, "the value of a bind") else {
                    return Operand { what: What::Bound(index), ty: var.ty, span, constant: None };
                };
                Step { op: Op::Bind, dest: Some(var.reg), left: Value::Reg(var.reg), right, span }
            }
        };
        self.ir.steps.push(step);
        if let (Some(declared), Some(bound)) = (var.ty, value.ty)
            && declared != bound
        {
            let message = format!("a {bound} is bound to `{text}`, which is a {declared}");
            let help = match bound {
                Type::Bool => format!(
                    "`{text}` becomes 0 or 1; declare it with `true` or `false` if it is meant to be a Bool"
                ),
                Type::Num => {
                    format!("every number but 0 counts as true; compare it: `(:= {text} (> … 0))`")
                }
            };
            self.sink.push(Diagnostic::lint(Lint::TypeChange, value.span, message).help(help));
        }
        Operand { what: What::Bound(index), ty: var.ty, span, constant: None }
    }

    /// A local whose name looks like a report variable or a primitive is hardly meant to be one.
    fn check_field(&mut self, name: Name, span: Span) {
        let text = self.tree.name(name);
        let Some((prefix @ ("Report" | "Ack" | "Flow"), field)) = text.split_once('.') else {
            return;
        };
        if self.tree.is_garbled || !self.sink.wants(Lint::UnknownField) {
            return;
        }
        let message = match prefix {
            "Report" => format!("`{text}` is not declared, so that no report carries it"),
            _ => format!("there is no `{text}`, and primitives cannot be bound"),
        };
        let help = match (self.env.suggestion(self.tree, name, self.sink), prefix) {
            (Some(help), "Report") => help,
            (_, "Report") => format!("declare it: `(Report ({field} 0))`"),
            _ => format!("use a name of your own, such as `{field}`"),
        };
        self.sink.push(Diagnostic::lint(Lint::UnknownField, span, message).help(help));
    }

    /// The value of an operand that must have a type.
    fn typed_value(&mut self, operator: Operator, operand: &Operand, wants: Type) -> Option<Value> {
        let value = self.use_value(operand, format_args!("an operand of `{operator}`"))?;
        let Some(have) = operand.ty.filter(|&have| have != wants) else {
            return Some(value);
        };
        let (message, help) = match (operator, wants) {
            (Operator::Eq | Operator::Ne, _) => (
                format!("`{operator}` compares a {wants} with a {have}"),
                String::from("compare two numbers or two Bools"),
            ),
            (_, Type::Bool) => (
                format!("`{operator}` takes Bools, but this is a number"),
                String::from("compare it: `(> … 0)`"),
            ),
            (_, Type::Num) => (
                format!("`{operator}` takes numbers, but this is a Bool"),
                String::from(
                    "join Bools with `&&` and `||`; `(:= x (if c 1))` makes a number of one",
                ),
            ),
        };
        self.error(DiagCode::TypeMismatch, operand.span, message, help);
        None
    }

    /// The value of an operand. `None` after saying that it has none, or when that was said before.
    fn use_value(&mut self, operand: &Operand, what: impl core::fmt::Display) -> Option<Value> {
        match operand.what {
            What::Value(value) => Some(value),
            What::Bound(index) => {
                let var = &mut self.env.vars[index];
                var.read = true;
                Some(Value::Reg(var.reg))
            }
            What::Nothing => {
                self.error(
                    DiagCode::NoValue,
                    operand.span,
                    format!("`(reset)` has no value to be {what}"),
                    "let it stand alone in the body of the event",
                );
                None
            }
            // `if` and its like outside a bind were complained about when they began.
            What::Target(_) | What::Pending { .. } | What::Wrong => None,
        }
    }

    fn step(&mut self, op: Op, left: Value, right: Value, ty: Type, span: Span) -> Operand {
        let at = self.ir.steps.len() as u32;
        self.ir.steps.push(Step { op, dest: None, left, right, span });
        Operand::value(Value::Step(at), Some(ty), span)
    }

    fn bind_step(&mut self, reg: Reg, right: Value, span: Span) {
        self.ir.steps.push(Step {
            op: Op::Bind,
            dest: Some(reg),
            left: Value::Reg(reg),
            right,
            span,
        });
    }
}

fn constant(literal: Literal, span: Span) -> Operand {
    let (index, ty) = match literal {
        Literal::Num(value) => (value, Type::Num),
        Literal::Bool(value) => (u32::from(value), Type::Bool),
        Literal::Infinity => (u32::MAX, Type::Num),
    };
    Operand {
        constant: Some(u64::from(index)),
        ..Operand::value(Value::Reg(Reg::immediate(index)), Some(ty), span)
    }
}

/// The value of an operator on constants; `None` where it traps or is not worth knowing.
fn fold(operator: Operator, left: u64, right: u64) -> Option<u64> {
    Some(match operator {
        Operator::Add => left.checked_add(right)?,
        Operator::Sub => left.checked_sub(right)?,
        Operator::Mul | Operator::And => left.checked_mul(right)?,
        Operator::Div => left.checked_div(right)?,
        Operator::Min => left.min(right),
        Operator::Max | Operator::Or => left.max(right),
        Operator::Gt => u64::from(left > right),
        Operator::Lt => u64::from(left < right),
        Operator::Ge => u64::from(left >= right),
        Operator::Le => u64::from(left <= right),
        Operator::Eq => u64::from(left == right),
        Operator::Ne => u64::from(left != right),
        _ => return None,
    })
}
