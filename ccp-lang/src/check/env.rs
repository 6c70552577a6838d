//! The variables of a program: declarations, locals and their types.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::diag::{Candidates, DiagCode, Diagnostic, Sink, Span};
use crate::ir::Def;
use crate::limits::Limits;
use crate::lint::Lint;
use crate::primitive::Type;
use crate::reg::{Class, DEF_INFINITY, INFINITY, Reg};
use crate::scope::{self, Kind, Scope, Variable};
use crate::syntax::{Command, Decl, ExprKind, Literal, Name, Operator, Tree};
use crate::table::PrimitiveTable;

/// A variable and how the program uses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Var {
    pub(crate) name: Name,
    pub(crate) reg: Reg,
    /// Unknown for a local that nothing binds.
    pub(crate) ty: Option<Type>,
    /// As the wire has it.
    pub(crate) initial: Option<u32>,
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    pub(crate) read: bool,
    pub(crate) written: bool,
    /// Whether a bind names it on its left, wherever in the program.
    pub(crate) bound: bool,
    /// The node of the value that a local is first bound to.
    first_bind: Option<u32>,
}

/// A name that no program declares.
struct Builtin {
    reg: Reg,
    ty: Type,
    kind: Kind,
}

/// All variables that a program names.
pub(crate) struct Env {
    /// Reports, controls, then locals and built-in ones as they are met.
    pub(crate) vars: Vec<Var>,
    /// By [`Name`]: the index of the variable plus one, or 0.
    by_name: Vec<u32>,
    pub(crate) reports: u32,
    controls: u32,
    locals: u32,
    primitives: PrimitiveTable,
}

impl Env {
    pub(crate) fn new(
        tree: &Tree<'_>,
        primitives: &PrimitiveTable,
        limits: &Limits,
        sink: &mut Sink,
    ) -> Self {
        let mut env = Self {
            primitives: primitives.clone(),
            vars: Vec::with_capacity(tree.names.len()),
            by_name: vec![0; tree.names.len()],
            reports: 0,
            controls: 0,
            locals: 0,
        };
        let is_report = |decl: &Decl| decl.in_report || tree.name(decl.name).starts_with("Report.");
        for decl in tree.decls.iter().filter(|decl| decl.in_report) {
            env.declare(tree, decl, true, limits, sink);
        }
        for decl in tree.decls.iter().filter(|decl| !decl.in_report && is_report(decl)) {
            env.declare(tree, decl, true, limits, sink);
        }
        for decl in tree.decls.iter().filter(|decl| !is_report(decl)) {
            env.declare(tree, decl, false, limits, sink);
        }
        env.find_names(tree, sink);
        env.count_locals(tree, limits, sink);
        for at in 0..env.vars.len() {
            let var = env.vars[at];
            if let (Kind::Local, Some(value)) = (var.kind, var.first_bind) {
                env.vars[at].ty = env.type_of(tree, value);
            }
        }
        env
    }

    /// The index of the variable that a name stands for.
    pub(crate) fn lookup(&self, name: Name) -> Option<usize> {
        let slot = self.by_name.get(name.index()).copied()?;
        (slot as usize).checked_sub(1)
    }

    fn declare(
        &mut self,
        tree: &Tree<'_>,
        decl: &Decl,
        is_report: bool,
        limits: &Limits,
        sink: &mut Sink,
    ) {
        let text = tree.name(decl.name);
        self.check_name(tree, decl, sink);
        let initial = match decl.value {
            Literal::Num(DEF_INFINITY) => {
                let message =
                    format!("datapaths take an initial value of {DEF_INFINITY} for infinity");
                let help = "write `+infinity`, or a number beside it";
                sink.push(
                    Diagnostic::error(DiagCode::InitialValue, decl.value_span, message).help(help),
                );
                DEF_INFINITY
            }
            Literal::Num(value) => value,
            Literal::Bool(value) => u32::from(value),
            Literal::Infinity => u32::MAX,
        };
        if let Some(other) = self.lookup(decl.name) {
            let other = self.vars[other].span;
            let (first, second) = (other.min(decl.name_span), other.max(decl.name_span));
            sink.push(
                Diagnostic::lint(
                    Lint::DuplicateName,
                    second,
                    format!("`{text}` is declared twice"),
                )
                .label(first, "the other declaration")
                .help("remove or rename one of them"),
            );
        }
        let (count, limit) = if is_report {
            (&mut self.reports, limits.reports)
        } else {
            (&mut self.controls, limits.controls)
        };
        let index = *count;
        *count += 1;
        if index == limit {
            let what = if is_report { "report variables" } else { "control variables" };
            let message = format!("more than {limit} {what}");
            let help =
                "a name that the agent need not see can be a local: bind it without declaring it";
            sink.push(Diagnostic::error(DiagCode::TooManyVariables, decl.span, message).help(help));
        }
        let reg = match (is_report, decl.volatile) {
            (true, true) => Reg::volatile_report(index),
            (true, false) => Reg::report(index),
            (false, true) => Reg::volatile_control(index),
            (false, false) => Reg::control(index),
        };
        let ty = match decl.value {
            Literal::Bool(_) => Type::Bool,
            Literal::Num(_) | Literal::Infinity => Type::Num,
        };
        self.add(Var {
            name: decl.name,
            reg,
            ty: Some(ty),
            initial: Some(initial),
            kind: if is_report { Kind::Report } else { Kind::Control },
            span: decl.name_span,
            read: false,
            written: false,
            bound: false,
            first_bind: None,
        });
    }

    fn check_name(&self, tree: &Tree<'_>, decl: &Decl, sink: &mut Sink) {
        let text = tree.name(decl.name);
        let own = if decl.in_report { text.strip_prefix("Report.").unwrap_or(text) } else { text };
        if own.starts_with("__") {
            reserved(own, decl.name_span, sink);
        }
        if let Some(builtin) = self.builtin(text) {
            let message = format!("`{text}` is built in and cannot be declared");
            let help = match builtin.kind {
                Kind::Primitive => "remove the declaration; every program can read it",
                _ => "remove the declaration; every program can read and bind it",
            };
            sink.push(
                Diagnostic::error(DiagCode::ShadowsBuiltin, decl.name_span, message).help(help),
            );
        }
    }

    /// What every program can name without declaring it.
    fn builtin(&self, name: &str) -> Option<Builtin> {
        if let Some(&Variable { reg, ty, kind, .. }) = scope::builtin(name) {
            return Some(Builtin { reg, ty, kind });
        }
        let added = self.primitives.added().iter().find(|added| added.name() == name)?;
        let reg = Reg::new(Class::Primitive, added.index());
        Some(Builtin { reg, ty: added.ty(), kind: Kind::Primitive })
    }

    fn add(&mut self, var: Var) -> usize {
        let index = self.vars.len();
        if let Some(slot) = self.by_name.get_mut(var.name.index()) {
            *slot = index as u32 + 1;
        }
        self.vars.push(var);
        index
    }

    /// Gives every undeclared name in the events its variable. Locals are numbered in the order in
    /// which the source first names them.
    fn find_names(&mut self, tree: &Tree<'_>, sink: &mut Sink) {
        for (at, node) in (0_u32..).zip(&tree.nodes) {
            match node.kind {
                ExprKind::Name(name) => {
                    self.meet(tree, name, node.span, sink);
                }
                ExprKind::Apply(Operator::Bind) | ExprKind::Error(Some(Operator::Bind)) => {
                    let target = tree.node(at + 1);
                    if let (ExprKind::Name(name), true) = (target.kind, at + 1 < node.end) {
                        let var = self.meet(tree, name, target.span, sink);
                        let var = &mut self.vars[var];
                        var.bound = true;
                        if target.end < node.end {
                            var.first_bind.get_or_insert(target.end);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn meet(&mut self, tree: &Tree<'_>, name: Name, span: Span, sink: &mut Sink) -> usize {
        if let Some(known) = self.lookup(name) {
            return known;
        }
        let text = tree.name(name);
        let var = Var {
            name,
            reg: Reg::local(self.locals),
            ty: None,
            initial: None,
            kind: Kind::Local,
            span,
            read: false,
            written: false,
            bound: false,
            first_bind: None,
        };
        if let Some(Builtin { reg, ty, kind }) = self.builtin(text) {
            return self.add(Var { reg, ty: Some(ty), kind, ..var });
        }
        let is_reserved = text.starts_with("__");
        if is_reserved {
            reserved(text, span, sink);
        }
        self.locals += 1;
        // A reserved name is not complained about twice.
        self.add(Var { bound: is_reserved, ..var })
    }

    fn count_locals(&self, tree: &Tree<'_>, limits: &Limits, sink: &mut Sink) {
        // Names that nothing binds are mistakes of their own, unless they are allowed.
        let counts = |var: &&Var| {
            var.kind == Kind::Local && (var.bound || !sink.denies(Lint::UnboundRead, var.span))
        };
        let Some(var) = self.vars.iter().filter(counts).nth(limits.locals as usize) else {
            return;
        };
        let message =
            format!("`{}` is one local too many: there are {}", tree.name(var.name), limits.locals);
        let help = "declare some of them in `(def …)`";
        sink.push(Diagnostic::error(DiagCode::TooManyLocals, var.span, message).help(help));
    }

    /// The type of an expression, without checking it.
    fn type_of(&self, tree: &Tree<'_>, mut at: u32) -> Option<Type> {
        // Follows locals that are bound to each other; there are few, and they may form a ring.
        for _ in 0..MAX_CHASE {
            let node = tree.node(at);
            match node.kind {
                ExprKind::Literal(Literal::Bool(_)) => return Some(Type::Bool),
                ExprKind::Literal(_) => return Some(Type::Num),
                ExprKind::Name(name) => {
                    let var = self.vars[self.lookup(name)?];
                    if var.ty.is_some() {
                        return var.ty;
                    }
                    at = var.first_bind?;
                }
                ExprKind::Apply(Operator::Bind) => at += 1,
                ExprKind::Apply(Operator::If | Operator::NotIf) => at = tree.node(at + 1).end,
                ExprKind::Apply(operator) => return Some(result_type(operator)),
                ExprKind::Command(Command::Reset) | ExprKind::Error(_) => return None,
                ExprKind::Command(_) => return Some(Type::Bool),
            }
        }
        None
    }

    /// The declared or bound name, or the built-in one, that an unknown name may have meant.
    pub(crate) fn suggestion(&self, tree: &Tree<'_>, name: Name, sink: &Sink) -> Option<String> {
        if !sink.has_room() {
            return None;
        }
        let mut candidates = Candidates::new(tree.name(name));
        let known = |var: &&Var| var.kind != Kind::Local || var.bound;
        for var in self.vars.iter().filter(known).filter(|var| var.name != name) {
            candidates.consider(tree.name(var.name));
        }
        for builtin in scope::builtins() {
            candidates.consider(&builtin.name);
        }
        for added in self.primitives.added() {
            candidates.consider(added.name());
        }
        Some(format!("did you mean `{}`?", candidates.best()?))
    }

    /// The scope of the program and its declarations in the order of the wire: by full name, of
    /// equal ones the later first.
    pub(crate) fn into_scope(self, tree: &Tree<'_>) -> (Scope, Vec<Def>) {
        let is_own = |var: &Var| !matches!(var.kind, Kind::Implicit | Kind::Primitive);
        let own: Vec<&Var> = self.vars.iter().filter(|var| is_own(var)).collect();
        let mut by_name: Vec<u32> = (0..own.len() as u32).collect();
        let text = |at: u32| tree.name(own[at as usize].name);
        by_name.sort_unstable_by(|&a, &b| text(a).cmp(text(b)).then(b.cmp(&a)));
        let def = |&at: &u32| {
            let var = own[at as usize];
            Some(Def { reg: var.reg, initial: var.initial? })
        };
        let defs = by_name.iter().filter_map(def).collect();
        let variable = |var: &&Var| Variable {
            name: Cow::Owned(String::from(tree.name(var.name))),
            reg: var.reg,
            ty: var.ty.unwrap_or(Type::Num),
            initial: var
                .initial
                .map(|value| if value == u32::MAX { INFINITY } else { u64::from(value) }),
            volatile: var.reg.is_volatile(),
            kind: var.kind,
            span: var.span,
        };
        let variables = own.iter().map(variable).collect();
        let added = self.primitives.added().iter().map(scope::primitive).collect();
        (Scope::new(variables, by_name, added), defs)
    }
}

/// What an operator other than the binding ones results in.
pub(crate) const fn result_type(operator: Operator) -> Type {
    match operator {
        Operator::Gt
        | Operator::Lt
        | Operator::Ge
        | Operator::Le
        | Operator::Eq
        | Operator::Ne
        | Operator::And
        | Operator::Or
        | Operator::Not => Type::Bool,
        _ => Type::Num,
    }
}

fn reserved(text: &str, span: Span, sink: &mut Sink) {
    let message = format!("`{text}` is a reserved name");
    let help = "names that begin with `__` belong to the compiler; choose another";
    sink.push(Diagnostic::error(DiagCode::ReservedName, span, message).help(help));
}

/// More than twice the number of locals that any limits allow.
const MAX_CHASE: usize = 128;
