//! Random programs that portus 0.9 compiles as they are meant, and random ACK sequences for them.
//!
//! Everything is drawn from a string of bytes, in which zeros mean the plainest choice, so that
//! proptest's shrinking of the bytes shrinks the program. Left out is what portus itself gets wrong: more
//! than 8 operators in an expression, conditional binds to anything but declared variables, comments
//! inside an event, a Bool that may be 2 used as a number.

use ccp_peers::inprocess::Ack;

/// Where choices come from.
pub(crate) struct Choices<'a> {
    bytes: &'a [u8],
}

/// A generated program.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its text.
    pub(crate) text: String,
    /// Whether each field of its report is a Bool, in the order of the report.
    pub(crate) report_is_bool: Vec<bool>,
    /// The names an agent may set, `Cwnd` and `Rate` included.
    pub(crate) settable: Vec<String>,
}

/// What happens to a flow, in order.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// ChangeProg to the program of this index, with values by index into its `settable`.
    Change(usize, Vec<(usize, u64)>),
    /// UpdateFields, by index into the `settable` of the program changed to last.
    Update(Vec<(usize, u64)>),
    /// An ACK.
    Ack(Ack),
}

impl<'a> Choices<'a> {
    /// Choices drawn from `bytes`; when they run out, all further ones are 0.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    /// A number below `n`, which is at most 256.
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A number of at most `bits` bits, often small, often at an edge.
    fn number(&mut self, bits: u32) -> u64 {
        let max = u64::MAX >> (64 - bits);
        let value = match self.below(8) {
            0 => return u64::from(self.byte()) & max,
            1..=3 => u64::from(u16::from_le_bytes([self.byte(), self.byte()])),
            4 => max - u64::from(self.byte() & 3),
            5 => 1 << self.below(bits as usize),
            _ => u64::from_le_bytes(std::array::from_fn(|_| self.byte())) >> self.below(64),
        };
        value & max
    }
}

/// A sequence of events for flows that run `sources`.
pub(crate) fn events(c: &mut Choices<'_>, sources: &[Source]) -> Vec<Event> {
    let mut current = 0;
    let mut now_us = 0;
    let mut events = vec![Event::Change(0, updates(c, &sources[0]))];
    for _ in 0..2 + c.below(14) {
        match c.below(12) {
            10 => {
                current = c.below(sources.len());
                events.push(Event::Change(current, updates(c, &sources[current])));
            }
            11 => events.push(Event::Update(updates(c, &sources[current]))),
            _ => {}
        }
        now_us += c.number(13);
        let mut primitives = [0; 15];
        for (i, p) in primitives.iter_mut().enumerate() {
            *p = match i {
                // Programs bind it to Bools.
                4 => c.number(10),
                5 => 0,
                11..=13 => c.number(40),
                14 => u64::from(c.one_in(3)),
                _ => c.number(32),
            };
        }
        events.push(Event::Ack(Ack { now_us, primitives }));
    }
    events
}

fn updates(c: &mut Choices<'_>, source: &Source) -> Vec<(usize, u64)> {
    let count = c.below(3);
    (0..count).map(|_| (c.below(source.settable.len()), c.number(40))).collect()
}

/// Which programs to write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// What portus compiles and libccp then runs right.
    Portus,
    /// The same with more operators in an expression than libccp has temporaries.
    Long,
    /// Long, and with what only our language has.
    Ours,
}

/// A program.
pub(crate) fn program(c: &mut Choices<'_>, dialect: Dialect) -> Source {
    let mut w = Writer {
        c,
        dialect,
        vars: builtins(),
        locals: 0,
        text: String::new(),
        in_bool_value: false,
        in_condition: false,
        ops: 0,
    };
    let (report_is_bool, controls) = w.definitions();
    for _ in 0..1 + w.c.below(4) {
        w.event();
    }
    let settable = ["Cwnd", "Rate"].map(String::from).into_iter().chain(controls).collect();
    Source { text: w.text, report_is_bool, settable }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ty {
    Num,
    Bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Report and control variables, which take conditional binds.
    Declared,
    Local,
    /// Cwnd and Rate.
    Implicit,
    ReadOnly,
}

#[derive(Clone)]
struct Var {
    name: String,
    ty: Ty,
    kind: Kind,
}

struct Writer<'c, 'a> {
    c: &'c mut Choices<'a>,
    dialect: Dialect,
    vars: Vec<Var>,
    locals: usize,
    text: String,
    /// Whether what is being written stays in a Bool variable. `||` is a sum and `&&` a product in
    /// portus's code, so a variable computed from itself would grow until one of them overflows.
    in_bool_value: bool,
    /// Whether a condition is being written, in which nothing is bound.
    in_condition: bool,
    /// Operators that the expression being written may still have.
    ops: usize,
}

impl Writer<'_, '_> {
    /// Writes the `def`; returns the types of the report and the names of the controls.
    fn definitions(&mut self) -> (Vec<bool>, Vec<String>) {
        self.text.push_str("(def");
        let (mut inside, mut outside, mut controls) = (Vec::new(), Vec::new(), Vec::new());
        for (place, stem) in ["before", "x", "After"].into_iter().enumerate() {
            if place == 1 {
                self.gap();
                self.text.push_str("(Report");
            }
            let at_least = usize::from(place == 1);
            for i in 0..at_least + self.c.below(4) {
                // Names of different first letters, since DEFs are sorted by name.
                let name = format!("{}{stem}{i}", self.c.pick(&["v", "A", "_", "z.", "R"]));
                let in_report = place == 1 || self.c.one_in(3);
                let full = if in_report { format!("Report.{name}") } else { name.clone() };
                let ty = if self.c.one_in(3) { Ty::Bool } else { Ty::Num };
                self.declaration(if place == 1 { &name } else { &full }, ty);
                match (place, in_report) {
                    (1, _) => inside.push(ty == Ty::Bool),
                    (_, true) => outside.push(ty == Ty::Bool),
                    _ => controls.push(full.clone()),
                }
                self.vars.push(Var { name: full, ty, kind: Kind::Declared });
            }
            if place == 1 {
                self.text.push(')');
            }
        }
        self.text.push_str(")\n");
        inside.append(&mut outside);
        (inside, controls)
    }

    fn declaration(&mut self, name: &str, ty: Ty) {
        self.gap();
        self.text.push('(');
        if self.c.one_in(2) {
            self.text.push_str("volatile ");
        }
        self.text.push_str(name);
        self.text.push(' ');
        match ty {
            Ty::Bool => self.boolean(),
            Ty::Num => self.literal(),
        }
        self.text.push(')');
    }

    fn event(&mut self) {
        if self.c.one_in(6) {
            self.text.push_str("# (when false (report))\n");
        }
        self.text.push_str("(when ");
        self.ops = self.most_operators();
        self.in_condition = true;
        if self.c.one_in(2) {
            self.bool_operator();
        } else {
            self.boolean();
        }
        self.in_condition = false;
        for _ in 0..1 + self.c.below(5) {
            self.text.push_str("\n  ");
            self.ops = self.most_operators();
            self.statement();
        }
        self.text.push_str(")\n");
    }

    fn most_operators(&self) -> usize {
        // libccp's temporaries; the highest that portus encodes.
        if self.dialect == Dialect::Portus { 8 } else { 16 }
    }

    /// Whether to write what only our language has, once in `n` times where it may stand.
    fn ours(&mut self, n: usize) -> bool {
        self.dialect == Dialect::Ours && self.c.one_in(n)
    }

    fn statement(&mut self) {
        if self.ours(10) {
            return self.text.push_str("(reset)");
        }
        match self.c.below(10) {
            0 => self.text.push_str("(report)"),
            1 => self.text.push_str(self.c.pick(&["(fallthrough)", "( fallthrough )"])),
            2 => self.text.push_str("(:= Micros 0)"),
            3 => self.conditional(),
            4 if self.c.one_in(4) => self.num(),
            4 | 5 => self.bind(Ty::Bool),
            _ => self.bind(Ty::Num),
        }
    }

    /// `(:= x (if …))`, `(:= x (!if …))` or `(:= x (ewma …))`, for a declared x.
    fn conditional(&mut self) {
        let any = self.ours(2);
        let is_target = |v: &&Var| v.kind == Kind::Declared || any && v.kind != Kind::ReadOnly;
        let declared: Vec<Var> = self.vars.iter().filter(is_target).cloned().collect();
        let target = &declared[self.c.below(declared.len())];
        self.open_bind(&target.name);
        let op = self.c.pick(&["if", "!if", "ewma"]);
        if op == "ewma" && target.ty == Ty::Num {
            self.text.push_str("(ewma ");
            if self.c.one_in(4) {
                self.num();
            } else {
                let weight = self.c.below(12);
                self.text.push_str(&weight.to_string());
            }
            self.gap();
            self.num();
        } else {
            self.text.push_str(if op == "!if" { "(!if " } else { "(if " });
            self.bool();
            self.gap();
            match target.ty {
                Ty::Num => self.num(),
                Ty::Bool => self.bool_value(),
            }
        }
        self.text.push_str("))");
    }

    fn bind(&mut self, ty: Ty) {
        if self.locals < MAX_LOCALS && self.c.one_in(5) {
            let name = format!("local{}", self.locals);
            self.locals += 1;
            self.open_bind(&name);
            // Its type is that of what it is first bound to.
            match ty {
                Ty::Num => self.num(),
                Ty::Bool => self.bool_value(),
            }
            self.vars.push(Var { name, ty, kind: Kind::Local });
        } else {
            let targets: Vec<Var> = self
                .vars
                .iter()
                .filter(|v| v.ty == ty && v.kind != Kind::ReadOnly)
                .cloned()
                .collect();
            if targets.is_empty() {
                return self.text.push_str("(report)");
            }
            let target = &targets[self.c.below(targets.len())];
            self.open_bind(&target.name);
            self.value(ty);
        }
        self.text.push(')');
    }

    fn open_bind(&mut self, name: &str) {
        self.text.push_str(self.c.pick(&["(:= ", "(bind "]));
        self.text.push_str(name);
        self.gap();
    }

    /// What is bound to a variable of type `ty`. Programs also bind the one type to the other.
    fn value(&mut self, ty: Ty) {
        match ty {
            Ty::Num if self.ops > 0 && self.c.one_in(12) => self.comparison(),
            Ty::Num => self.num(),
            Ty::Bool if self.c.one_in(12) => self.text.push_str("Ack.lost_pkts_sample"),
            Ty::Bool => self.bool_value(),
        }
    }

    fn bool_value(&mut self) {
        self.in_bool_value = self.ops > 0 && self.c.below(4) > 0;
        if !self.in_bool_value {
            // A copy of a variable does not grow.
            self.ops = 0;
        }
        self.bool();
        self.in_bool_value = false;
    }

    fn num(&mut self) {
        if self.ops == 0 || self.c.below(5) < 2 {
            return self.num_leaf();
        }
        if !self.in_condition
            && self.c.one_in(16)
            && self.vars.iter().any(|v| v.ty == Ty::Num && v.kind == Kind::Local)
        {
            return self.inner_bind();
        }
        self.ops -= 1;
        match self.c.below(8) {
            // Without care most programs would end in an underflow at their first subtraction.
            6 if self.ops > 0 => {
                self.ops -= 1;
                let subtrahend = self.leaf_text();
                self.text.push_str("(- (max ");
                self.num();
                self.text.push_str(&format!(" {subtrahend}) {subtrahend})"));
            }
            7 => {
                self.text.push_str(self.c.pick(&["(/ ", "(div "]));
                self.num();
                if self.c.one_in(4) {
                    self.gap();
                    self.num();
                } else {
                    let divisor = 1 + self.c.below(100);
                    self.text.push_str(&format!(" {divisor}"));
                }
                self.text.push(')');
            }
            i => {
                let op = ["+", "add", "min", "max", "*", "wrapped_max", "-", "-"][i];
                self.operator(op, Self::num);
            }
        }
    }

    /// A bind inside an expression, whose value is the variable.
    fn inner_bind(&mut self) {
        let locals = self.vars.iter().filter(|v| v.ty == Ty::Num && v.kind == Kind::Local);
        let locals: Vec<String> = locals.map(|v| v.name.clone()).collect();
        let local = locals[self.c.below(locals.len())].clone();
        self.text.push_str(&format!("(:= {local} "));
        self.num();
        self.text.push(')');
    }

    fn num_leaf(&mut self) {
        let text = self.leaf_text();
        self.text.push_str(&text);
    }

    fn leaf_text(&mut self) -> String {
        if self.ours(16) {
            return format!("{}{}", self.c.below(100), self.c.pick(&["us", "ms", "s"]));
        }
        if self.c.one_in(4) {
            return number(self.c);
        }
        let nums: Vec<&Var> = self.vars.iter().filter(|v| v.ty == Ty::Num).collect();
        nums[self.c.below(nums.len())].name.clone()
    }

    fn literal(&mut self) {
        let text = number(self.c);
        self.text.push_str(&text);
    }

    fn bool(&mut self) {
        if self.ops > 0 && self.c.below(3) > 0 {
            return self.bool_operator();
        }
        let may_read = |v: &&Var| !self.in_bool_value || v.kind == Kind::ReadOnly;
        let bools = self.vars.iter().filter(|v| v.ty == Ty::Bool).filter(may_read);
        let bools: Vec<Var> = bools.cloned().collect();
        if self.c.one_in(3) {
            return self.boolean();
        }
        let name = bools[self.c.below(bools.len())].name.clone();
        self.text.push_str(&name);
    }

    fn bool_operator(&mut self) {
        self.ops -= 1;
        if self.ours(6) {
            self.text.push_str(self.c.pick(&["(! ", "(not "]));
            self.bool();
            return self.text.push(')');
        }
        match self.c.below(6) {
            4 => {
                let op = self.c.pick(&["&&", "and"]);
                self.operator(op, Self::bool);
            }
            5 => {
                let op = self.c.pick(&["||", "or"]);
                self.operator(op, Self::bool);
            }
            _ => {
                self.ops += 1;
                self.comparison();
            }
        }
    }

    fn comparison(&mut self) {
        self.ops -= 1;
        if self.ours(3) {
            let op = self.c.pick(&[">=", "<=", "!="]);
            return self.two(op, Self::num);
        }
        let op = self.c.pick(&[">", "gt", "<", "lt", "==", "eq"]);
        self.two(op, Self::num);
    }

    fn operator(&mut self, op: &str, operand: fn(&mut Self)) {
        let takes_more =
            matches!(op, "+" | "add" | "*" | "&&" | "and" | "||" | "or" | "min" | "max");
        if takes_more && self.ops > 0 && self.ours(4) {
            self.ops -= 1;
            self.text.push_str(&format!("({op} "));
            operand(self);
            self.gap();
            operand(self);
            self.gap();
            operand(self);
            return self.text.push(')');
        }
        self.two(op, operand);
    }

    fn two(&mut self, op: &str, operand: fn(&mut Self)) {
        self.text.push_str(&format!("({op} "));
        operand(self);
        self.gap();
        operand(self);
        self.text.push(')');
    }

    fn boolean(&mut self) {
        self.text.push_str(self.c.pick(&["true", "false"]));
    }

    fn gap(&mut self) {
        self.text.push_str(self.c.pick(&[" ", " ", " ", "  ", "\n\t", "\r\n"]));
    }
}

/// A number as portus takes it: below 2^31, or infinity. 1073741823 as an initial value means infinity
/// to libccp.
fn number(c: &mut Choices<'_>) -> String {
    if c.one_in(12) {
        return "+infinity".into();
    }
    let value = c.number(31);
    if value == 0x3fff_ffff { "1".into() } else { value.to_string() }
}

fn builtins() -> Vec<Var> {
    let read_only = |name: &str, ty| Var { name: name.into(), ty, kind: Kind::ReadOnly };
    let num = [
        "Ack.bytes_acked",
        "Ack.bytes_misordered",
        "Ack.ecn_bytes",
        "Ack.ecn_packets",
        "Ack.lost_pkts_sample",
        "Ack.now",
        "Ack.packets_acked",
        "Ack.packets_misordered",
        "Flow.bytes_in_flight",
        "Flow.bytes_pending",
        "Flow.packets_in_flight",
        "Flow.rate_incoming",
        "Flow.rate_outgoing",
        "Flow.rtt_sample_us",
        "Micros",
    ];
    let implicit = |name: &str| Var { name: name.into(), ty: Ty::Num, kind: Kind::Implicit };
    let mut vars: Vec<Var> = num.iter().map(|name| read_only(name, Ty::Num)).collect();
    vars.push(read_only("Flow.was_timeout", Ty::Bool));
    vars.extend(["Cwnd", "Rate"].map(implicit));
    vars
}

/// What portus encodes.
const MAX_LOCALS: usize = 6;
