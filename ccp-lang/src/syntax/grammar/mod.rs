//! From balanced forms to the tree: which forms are declarations, events and expressions.

mod decls;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::comment::Place;
use super::form::{FormKind, Forms};
use super::names::Names;
use super::operator::{Command, Operator};
use super::tree::{Event, ExprKind, Literal, Node, Tree};
use crate::diag::{DiagCode, Diagnostic, Sink, Span, closest};

/// Parses a whole program.
pub(crate) fn parse_into<'s>(src: &'s [u8], sink: &mut Sink) -> Tree<'s> {
    let mut parser = Parser::new(src, sink);
    parser.program();
    parser.tree
}

/// Parses a lone expression, such as the stand-in of a primitive.
pub(crate) fn parse_expr<'s>(src: &'s [u8], sink: &mut Sink) -> Tree<'s> {
    let mut parser = Parser::new(src, sink);
    parser.exprs(0..parser.forms.len());
    parser.tree
}

struct Parser<'s, 'd> {
    forms: Forms<'s>,
    tree: Tree<'s>,
    /// Expressions whose operands are being read: the node, the form's end, and how many operands.
    open: Vec<OpenExpr>,
    sink: &'d mut Sink,
}

struct OpenExpr {
    node: u32,
    form_end: u32,
    operands: u32,
    /// Whether something about its operands was complained about, so that their number means nothing.
    is_wrong: bool,
    /// Whether its operator stands between its operands, which was complained about.
    is_infix: bool,
}

impl<'s, 'd> Parser<'s, 'd> {
    fn new(src: &'s [u8], sink: &'d mut Sink) -> Self {
        // Spans are 32 bits wide, and nobody means a program of this size.
        let src = if src.len() > MAX_SOURCE {
            let message = format!("the source has {} bytes", src.len());
            let help = format!("a program has at most {MAX_SOURCE}");
            sink.push(
                Diagnostic::error(DiagCode::SourceTooLong, Span::default(), message).help(help),
            );
            &[]
        } else {
            src
        };
        let mut forms = Forms::read(src, sink);
        let mut lint_comments = core::mem::take(&mut forms.lint_comments);
        for comment in &mut lint_comments {
            if let Place::Form(next) = comment.place {
                comment.place = Place::Within(forms.get(next).span);
            }
        }
        let tree = Tree {
            names: Names::new(),
            decls: Vec::with_capacity(16),
            events: Vec::with_capacity(8),
            nodes: Vec::with_capacity(forms.len() as usize),
            lint_comments,
            is_garbled: false,
        };
        Self { forms, tree, open: Vec::with_capacity(8), sink }
    }

    fn error(
        &mut self,
        code: DiagCode,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.sink.push(Diagnostic::error(code, span, message).help(help));
    }

    fn span(&self, at: u32) -> Span {
        self.forms.get(at).span
    }

    /// A form's text for a message, cut to a readable length.
    fn quote(&self, at: u32) -> String {
        let text = self.forms.text(at);
        // No more than the longest characters could need is looked at: forms nest.
        let begin = text.get(..4 * MAX_QUOTE).unwrap_or(text);
        let begin = String::from_utf8_lossy(begin);
        let printable = |c: char| if c.is_whitespace() { ' ' } else { c };
        let mut short: String = begin.chars().take(MAX_QUOTE).map(printable).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        short
    }

    fn program(&mut self) {
        let errors_before = self.sink.has_errors();
        let mut def = None;
        let mut misplaced = false;
        let mut after_atom = false;
        let (mut unopened, mut after_expr) = (false, false);
        for at in self.top_level() {
            let head = self.head(at);
            if !self.forms.is_list(at) && self.opens_nothing(at) {
                (misplaced, unopened) = (true, true);
                after_atom = true;
                continue;
            }
            unopened &= !matches!(head, Some("def" | "when"));
            // What follows an event that was closed too early is one mistake.
            let is_expr = self.is_expr(at);
            if is_expr && after_expr {
                continue;
            }
            after_expr = is_expr;
            // It belongs to the word before it, about which there is an error already.
            if unopened {
                continue;
            }
            // A run of words, such as a comment without its `#`, is one mistake.
            let is_atom = !self.forms.is_list(at);
            if is_atom && after_atom {
                continue;
            }
            after_atom = is_atom;
            match head {
                Some("def") if def.is_none() && self.tree.events.is_empty() => {
                    def = Some(at);
                    self.def(at);
                }
                Some("def") => {
                    misplaced = true;
                    let span = self.span(at + 1);
                    let (message, help) = match def {
                        Some(_) => (
                            "a second `(def …)`",
                            "a program has one; move these declarations into it",
                        ),
                        None => {
                            ("`(def …)` behind an event", "a program begins with its `(def …)`")
                        }
                    };
                    self.error(DiagCode::UnexpectedForm, span, message, help);
                    // Its names are known all the same, so that no further errors follow from it.
                    self.def(at);
                }
                Some("when") => self.event(at),
                _ => {
                    misplaced |= self.stray_form(at);
                }
            }
        }
        self.tree.is_garbled |= misplaced;
        let place = Span::new(0, 0);
        let nothing_else = !misplaced && self.sink.has_errors() == errors_before;
        if def.is_none() && !misplaced {
            let place = self
                .top_level()
                .first()
                .map_or(place, |&at| Span::new(self.span(at).start, self.span(at).start + 1));
            let message = match self.forms.len() {
                0 => "the program is empty",
                _ => "the program does not begin with `(def …)`",
            };
            self.error(
                DiagCode::MissingDef,
                place,
                message,
                "write `(def)` when nothing is declared",
            );
        } else if self.tree.events.is_empty() && nothing_else {
            let place = def.map_or(place, |def| self.span(def));
            let message = "the program has no event";
            let help = "add one behind the declarations, such as `(when true …)`";
            self.error(
                DiagCode::MissingEvent,
                Span::new(place.end.saturating_sub(1), place.end),
                message,
                help,
            );
        }
    }

    /// Complains about a `def` or `when` without its parenthesis. What such a `def` declares is known
    /// all the same.
    fn opens_nothing(&mut self, at: u32) -> bool {
        if !self.begins_part(at) {
            return false;
        }
        let (form, word) = (self.forms.get(at), self.forms.word(at));
        let message = format!("`{word}` without a parenthesis before it");
        let help = format!("write `({word} …)`");
        self.error(DiagCode::UnexpectedForm, form.span, message, help);
        if word == "def" {
            let rest = self.forms.siblings(at + 1..self.forms.len());
            // Up to the next of these words, bare or not: no declaration is read twice.
            let next = rest.take_while(|&at| !self.begins_part(at)).last();
            let end = next.map_or(at + 1, |last| self.forms.get(last).end);
            self.decls(at + 1, end);
        }
        true
    }

    /// Whether a form is one of `def` or `when`, or the bare word.
    fn begins_part(&self, at: u32) -> bool {
        let is_word = self.forms.get(at).kind == FormKind::Word;
        let word = if is_word { Some(self.forms.word(at)) } else { self.head(at) };
        matches!(word, Some("def" | "when"))
    }

    fn top_level(&self) -> Vec<u32> {
        self.forms.siblings(0..self.forms.len()).collect()
    }

    /// The word at the head of a list.
    fn head(&self, at: u32) -> Option<&'s str> {
        let first = at + 1;
        let is_word =
            first < self.forms.get(at).end && self.forms.get(first).kind == FormKind::Word;
        (is_word && self.forms.is_list(at)).then(|| self.forms.word(first))
    }

    /// Whether a form is a list that begins as expressions do.
    fn is_expr(&self, at: u32) -> bool {
        let head = self.head(at).unwrap_or("");
        let is_word = Operator::from_word(head).is_some() || Command::from_word(head).is_some();
        let first = self.forms.children(at).next();
        is_word || first.is_some_and(|at| matches!(self.forms.get(at).kind, FormKind::Symbol(_)))
    }

    /// Complains about a form that is neither declarations nor event. Says whether those may have
    /// been meant, so that their absence is not an error of its own.
    fn stray_form(&mut self, at: u32) -> bool {
        let form = self.forms.get(at);
        if form.kind == FormKind::Unknown {
            return false;
        }
        if !self.forms.is_list(at) {
            let message = format!("`{}` cannot stand outside an event", self.quote(at));
            self.error(
                DiagCode::UnexpectedForm,
                form.span,
                message,
                "at the top level there are only `(def …)` and `(when …)`",
            );
            return false;
        }
        if form.end == at + 1 {
            self.error(DiagCode::EmptyForm, form.span, "empty parentheses", "remove them");
            return false;
        }
        let head_span = self.span(at + 1);
        let head = self.head(at).unwrap_or("");
        for word in ["when", "def"] {
            let rest = head.strip_prefix(word);
            let is_event_glued = rest.is_some_and(|rest| !rest.is_empty());
            if is_event_glued {
                let message = format!("`{head}` is one word");
                let help = format!("put a space behind `{word}`");
                self.error(DiagCode::RunTogether, head_span, message, help);
                return true;
            }
        }
        if self.is_expr(at) {
            let message = format!("`{}` stands outside an event", self.quote(at));
            self.error(
                DiagCode::UnexpectedForm,
                form.span,
                message,
                "put it into the body of an event: `(when true …)`",
            );
            return false;
        }
        let message = format!("expected `(def …)` or `(when …)`, found `{}`", self.quote(at));
        let help = match closest(head, ["when", "def"]) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if head == "Report" => String::from("`(Report …)` stands inside `(def …)`"),
            None => String::from("at the top level there are only `(def …)` and `(when …)`"),
        };
        self.error(DiagCode::UnexpectedForm, head_span, message, help);
        true
    }

    fn event(&mut self, at: u32) {
        let form = self.forms.get(at);
        let head = self.span(at + 1);
        let first = at + 2;
        if first >= form.end {
            self.error(
                DiagCode::OperandCount,
                form.span,
                "the event has no condition",
                "write `(when true …)` for an event that always runs",
            );
            return;
        }
        let body = self.forms.get(first).end;
        let condition = self.exprs(first..body);
        let body = self.exprs(body..form.end);
        self.tree.events.push(Event { span: form.span, head, condition, body });
    }

    /// Reads the forms in `range` as expressions. Iterates; nesting is kept in `self.open`.
    fn exprs(&mut self, range: Range<u32>) -> Range<u32> {
        let start = self.tree.nodes.len() as u32;
        let mut at = range.start;
        while at < range.end {
            let form = self.forms.get(at);
            if let Some(parent) = self.open.last_mut() {
                parent.operands += 1;
                parent.is_wrong |= form.kind == FormKind::Unknown;
            }
            at = match form.kind {
                FormKind::List => self.list(at),
                _ => {
                    let kind = self.atom(at);
                    self.leaf(kind, form.span);
                    at + 1
                }
            };
            while let Some(done) = self.open.pop_if(|open| open.form_end <= at) {
                self.close(&done);
            }
        }
        start..self.tree.nodes.len() as u32
    }

    fn leaf(&mut self, kind: ExprKind, span: Span) {
        let end = self.tree.nodes.len() as u32 + 1;
        self.tree.nodes.push(Node { kind, span, head: span, end });
    }

    fn atom(&mut self, at: u32) -> ExprKind {
        let span = self.span(at);
        match self.forms.get(at).kind {
            FormKind::Infinity => ExprKind::Literal(Literal::Infinity),
            FormKind::Word => {
                let word = self.forms.word(at);
                match self.literal(word, span) {
                    Some(Ok(literal)) => ExprKind::Literal(literal),
                    Some(Err(())) => ExprKind::Error(None),
                    None => ExprKind::Name(self.tree.names.intern(word)),
                }
            }
            FormKind::Symbol(operator) => {
                if let Some(parent) = self.open.last_mut() {
                    parent.is_wrong = true;
                    if parent.is_infix {
                        return ExprKind::Error(None);
                    }
                }
                let message = format!("`{operator}` cannot be an operand");
                let help = match operator {
                    Operator::Sub => {
                        String::from("values are never below 0; subtract with `(- a b)`")
                    }
                    _ => format!("operators stand first: `({operator} …)`"),
                };
                self.error(DiagCode::UnexpectedForm, span, message, help);
                ExprKind::Error(None)
            }
            FormKind::List | FormKind::Unknown => ExprKind::Error(None),
        }
    }

    /// Begins a parenthesised expression; gives the form to go on with.
    fn list(&mut self, at: u32) -> u32 {
        let form = self.forms.get(at);
        let head = at + 1;
        let node = self.tree.nodes.len() as u32;
        if head >= form.end {
            self.error(
                DiagCode::EmptyForm,
                form.span,
                "empty parentheses",
                "remove them, or write an expression",
            );
            self.leaf(ExprKind::Error(None), form.span);
            return form.end;
        }
        let word = self.forms.word(head);
        if form.end > head + 1 && matches!(word, "def" | "Report") {
            let message = format!("`({word} …)` cannot stand inside an event");
            let help = "declarations stand at the beginning of the program";
            self.error(DiagCode::UnexpectedForm, self.span(head), message, help);
            self.leaf(ExprKind::Error(None), form.span);
            return form.end;
        }
        let kind = match self.forms.get(head).kind {
            FormKind::Symbol(operator) => ExprKind::Apply(operator),
            FormKind::Word => match (Operator::from_word(word), Command::from_word(word)) {
                (Some(operator), _) => ExprKind::Apply(operator),
                (_, Some(command)) => ExprKind::Command(command),
                _ => self.unknown_operator(at),
            },
            FormKind::Unknown => ExprKind::Error(None),
            FormKind::List | FormKind::Infinity => self.unknown_operator(at),
        };
        self.tree.nodes.push(Node { kind, span: form.span, head: self.span(head), end: node + 1 });
        self.open.push(OpenExpr {
            node,
            form_end: form.end,
            operands: 0,
            is_wrong: form.is_broken,
            is_infix: kind == ExprKind::Error(None) && self.infix(at).is_some(),
        });
        // A list in the operator's place is read too: it may hold mistakes of its own.
        if self.forms.is_list(head) { head } else { head + 1 }
    }

    /// Ends an expression: sets where it ends and checks the number of its operands.
    fn close(&mut self, open: &OpenExpr) {
        let end = self.tree.nodes.len() as u32;
        let node = self.tree.node(open.node);
        let mut kind = node.kind;
        match kind {
            ExprKind::Apply(operator) if open.is_wrong => kind = ExprKind::Error(Some(operator)),
            ExprKind::Apply(operator) => {
                let (min, max) = operator.arity();
                if open.operands < min || open.operands > max {
                    self.operand_count(operator, open.operands, node);
                    kind = ExprKind::Error(Some(operator));
                }
            }
            ExprKind::Command(command) if open.operands > 0 => {
                let message = format!("`{}` takes no operands", command.word());
                let help = format!("write `{command}`");
                self.error(DiagCode::OperandCount, node.span, message, help);
                kind = ExprKind::Error(None);
            }
            _ => {}
        }
        if let Some(node) = self.tree.nodes.get_mut(open.node as usize) {
            node.end = end;
            node.kind = kind;
        }
    }

    fn operand_count(&mut self, operator: Operator, have: u32, node: Node) {
        let (min, max) = operator.arity();
        let wants = match (min, max) {
            (1, 1) => "one operand",
            (_, u32::MAX) => "two or more operands",
            _ => "two operands",
        };
        let message = format!("`{operator}` takes {wants}, not {have}");
        let help = match operator {
            Operator::Bind => "write `(:= variable value)`",
            Operator::If => "write `(:= variable (if condition value))`",
            Operator::NotIf => "write `(:= variable (!if condition value))`",
            Operator::Ewma => "write `(:= variable (ewma weight value))`",
            Operator::Not => "write `(! condition)`",
            Operator::Sub | Operator::Div if have > max => "nest it: `(- (- a b) c)`",
            _ if have > max => "nest it, or join comparisons with `&&`",
            _ => "",
        };
        let diagnostic = Diagnostic::error(DiagCode::OperandCount, node.span, message);
        let help =
            if help.is_empty() { format!("write `({operator} a b)`") } else { String::from(help) };
        self.sink.push(diagnostic.help(help));
    }

    /// Complains about what stands in an operator's place.
    fn unknown_operator(&mut self, at: u32) -> ExprKind {
        let head = at + 1;
        let span = self.span(head);
        let alone = self.forms.get(at).end == self.forms.get(head).end;
        let quoted = self.quote(head);
        if self.forms.get(head).kind != FormKind::Word {
            let message = if self.forms.is_list(head) {
                "an expression stands in the operator's place"
            } else {
                "`+infinity` stands in the operator's place"
            };
            let help = if alone {
                format!("remove the parentheses around `{quoted}`")
            } else {
                String::from("the operator stands first: `(+ a b)`")
            };
            self.error(DiagCode::UnknownOperator, span, message, help);
            return ExprKind::Error(None);
        }
        let word = self.forms.word(head);
        if let Some((operator, at, right)) = self.infix(at) {
            let span = self.span(at);
            let message = format!("`{operator}` stands between its operands");
            let help =
                format!("operators stand first: `({operator} {word} {})`", self.quote(right));
            self.error(DiagCode::UnknownOperator, span, message, help);
            return ExprKind::Error(None);
        }
        if word == "when" && !alone {
            let message = "`(when …)` cannot stand inside an event";
            self.error(DiagCode::UnexpectedForm, span, message, "close the event before it");
            return ExprKind::Error(None);
        }
        if alone && self.looks_like_operand(word) {
            let message = format!("`{word}` is no operator or command");
            let help =
                format!("write `{word}` without parentheses if it is a variable or constant");
            self.error(DiagCode::UnknownOperator, span, message, help);
            return ExprKind::Error(None);
        }
        let words = || {
            Operator::ALL.iter().map(|op| op.word()).chain(Command::ALL.iter().map(|c| c.word()))
        };
        let is_letters = |known: &&str| {
            known.len() > 1 && known.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
        };
        // The longest one, since `max` begins other words too.
        let glued = words()
            .filter(is_letters)
            .filter(|known| word.starts_with(known))
            .max_by_key(|known| known.len());
        if let Some(known) = glued {
            let rest = word.get(known.len()..).unwrap_or_default();
            let message = format!("there is no operator `{word}`");
            let help = foreign_operator(word).map_or_else(
                || format!("put a space between `{known}` and `{rest}` if two words are meant"),
                String::from,
            );
            self.error(DiagCode::RunTogether, span, message, help);
            return ExprKind::Error(Operator::from_word(known));
        }
        let message = format!("there is no operator `{word}`");
        let help = foreign_operator(word)
            .map(String::from)
            .or_else(|| Some(format!("did you mean `{}`?", closest(word, words())?)))
            .unwrap_or_else(|| String::from("the operator stands first: `(+ a b)`"));
        self.error(DiagCode::UnknownOperator, span, message, help);
        ExprKind::Error(None)
    }

    /// The operator of a form such as `(a > b)`, where it stands, and its right operand.
    fn infix(&self, at: u32) -> Option<(Operator, u32, u32)> {
        let mut children = self.forms.children(at).skip(1);
        let (operator_at, right) = (children.next()?, children.next()?);
        match self.forms.get(operator_at).kind {
            FormKind::Symbol(operator) if children.next().is_none() => {
                Some((operator, operator_at, right))
            }
            _ => None,
        }
    }

    fn looks_like_operand(&self, word: &str) -> bool {
        let is_literal =
            matches!(word, "true" | "false") || word.starts_with(|c: char| c.is_ascii_digit());
        is_literal || closest(word, Command::ALL.iter().map(|c| c.word())).is_none()
    }
}

/// What operators of other languages are called here.
fn foreign_operator(word: &str) -> Option<&'static str> {
    Some(match word {
        "set" | "setq" | "let" | "define" | "assign" => "`(:= variable value)` binds",
        "cond" | "while" | "loop" | "for" => "there are no loops; each event is a branch",
        "mod" | "rem" | "modulo" => "there is no remainder: `(- a (* b (/ a b)))` is one",
        "abs" => "values are never below 0; `(- (max a b) (min a b))` is the distance of two",
        "return" | "break" | "stop" => "an event that was true ends the invocation by itself",
        "continue" => "did you mean `(fallthrough)`?",
        "send" => "did you mean `(report)`?",
        "xor" => "`!=` on two Bools is true when one of them is",
        "ifelse" | "if_else" | "else" => {
            "there is no else: bind once with `(if c v)` and once with `(!if c w)`"
        }
        "ifnot" | "unless" => "did you mean `!if`?",
        _ => return None,
    })
}

/// More than any program needs; offsets stay far below the 32 bits of a span.
const MAX_SOURCE: usize = 16 << 20;
/// How much of a form a message repeats, in characters.
const MAX_QUOTE: usize = 40;
