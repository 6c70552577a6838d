//! The form of a file test: its lines, its directives, and what an engine has to do for its rows.
//!
//! Knows no engine: the tests beside the peers read the same files.

use std::fmt;
use std::path::{Path, PathBuf};

use ccp_lang::{Compiler, Lint, Opt, Primitive, Primitives, Reg, Scope, TrapKind};

/// A place in a file and what is wrong there.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// A file, cut into lines.
pub(crate) struct File<'a> {
    pub(crate) lines: Vec<Line<'a>>,
}

/// What a line is.
pub(crate) enum Line<'a> {
    /// The program's, comments that concern nobody here among them.
    Source(&'a [u8]),
    /// `#@ …`.
    Directive(&'a [u8], Directive),
    /// `#~ …`, `#| …` or `#= …`: written by the tests.
    Expectation,
}

/// What a file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    Test(Test),
    Setting(Setting),
    /// Another program begins.
    Program,
    /// An engine that cannot do what the rows say, and why.
    Not(Engines),
    Row(Row),
}

/// What is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// What the compiler says of it, which every test looks at too.
    Check,
    Ast,
    Ir,
    Asm(Opt),
    /// A flow that begins with this window.
    Run {
        cwnd: u64,
    },
}

/// Something that the compiler is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    Allow(Lint),
    AllowAll,
    Deny(Lint),
    /// The datapath has only the first fifteen primitives.
    Base,
    Lacks(Primitive),
    MaxEvents(u32),
}

/// Engines of which a file may say that they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engines {
    Libccp,
}

/// One thing that happens to a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Messages set variables.
    Set(Vec<(String, u64)>),
    /// A program begins, by its number in the file, with fields set.
    Switch(usize, Vec<(String, u64)>),
    Ack(Ack),
}

/// One invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ack {
    /// Microseconds; as before when not given.
    pub(crate) now: Option<u64>,
    /// What the transport uses now; what it was given last when not given.
    pub(crate) cwnd: Option<u64>,
    pub(crate) primitives: Vec<(Primitive, u64)>,
}

/// What an invocation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) cwnd: Option<u64>,
    pub(crate) rate: Option<u64>,
    pub(crate) report: Option<Vec<u64>>,
    pub(crate) trap: Option<TrapKind>,
}

/// As it is written behind `#=`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str(" nothing");
        }
        if let Some(cwnd) = self.cwnd {
            write!(f, " cwnd={cwnd}")?;
        }
        if let Some(rate) = self.rate {
            write!(f, " rate={rate}")?;
        }
        if let Some(report) = &self.report {
            write!(f, " report={report:?}")?;
        }
        if let Some(trap) = self.trap {
            write!(f, " trap={trap:?}")?;
        }
        Ok(())
    }
}

/// One flow on one engine.
pub(crate) trait Flow {
    /// Begins a program by its number, with fields set; what was set before is forgotten.
    fn switch(&mut self, program: usize, fields: &[(Reg, u64)]);
    fn set(&mut self, fields: &[(Reg, u64)]);
    fn ack(&mut self, now: u64, primitives: &Primitives, cwnd: Option<u64>) -> Step;
}

/// A `#@ test run` with the rows behind it.
pub(crate) struct Run<'a> {
    pub(crate) cwnd: u64,
    /// The line of each.
    rows: Vec<(usize, &'a Row)>,
}

impl Run<'_> {
    /// Plays the rows to a flow, which begins with the first program. Gives what each ACK did, by
    /// its line.
    pub(crate) fn play(
        &self,
        scopes: &[Scope],
        flow: &mut dyn Flow,
    ) -> Result<Vec<(usize, Step)>, Wrong> {
        let mut steps = Vec::new();
        let (mut now, mut program) = (0, 0);
        if !matches!(self.rows.first(), Some((_, Row::Switch(..)))) {
            flow.switch(0, &[]);
        }
        for &(line, row) in &self.rows {
            let registers = |fields: &[(String, u64)], program: usize| {
                let scope = scopes.get(program).ok_or_else(|| Wrong {
                    line,
                    message: format!("there is no program {program}"),
                })?;
                let register = |(name, value): &(String, u64)| match scope.settable(name) {
                    Ok(reg) => Ok((reg, *value)),
                    Err(error) => Err(Wrong { line, message: error.to_string() }),
                };
                fields.iter().map(register).collect::<Result<Vec<_>, _>>()
            };
            match row {
                Row::Set(fields) => flow.set(&registers(fields, program)?),
                Row::Switch(to, fields) => {
                    program = *to;
                    flow.switch(program, &registers(fields, program)?);
                }
                Row::Ack(ack) => {
                    now = ack.now.unwrap_or(now);
                    let mut primitives = Primitives::new();
                    for &(primitive, value) in &ack.primitives {
                        primitives.set(primitive, value);
                    }
                    steps.push((line, flow.ack(now, &primitives, ack.cwnd)));
                }
            }
        }
        Ok(steps)
    }
}

impl<'a> File<'a> {
    /// Reads a file. Everything that begins like a directive must be one.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Wrong> {
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let mut lines = Vec::new();
        let mut is_run = false;
        for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
            let wrong = |message: String| Wrong { line: number, message };
            let read = match line {
                [b'#', b'@', rest @ ..] => {
                    let text = str::from_utf8(rest).map_err(|e| wrong(e.to_string()))?;
                    let directive = directive(text).map_err(wrong)?;
                    match directive {
                        Directive::Test(test) => is_run = matches!(test, Test::Run { .. }),
                        Directive::Row(_) if !is_run => {
                            return Err(wrong("a row stands behind `#@ test run`".into()));
                        }
                        Directive::Setting(_) | Directive::Program | Directive::Not(_)
                            if is_run =>
                        {
                            return Err(wrong("this stands before `#@ test run`".into()));
                        }
                        _ => {}
                    }
                    Line::Directive(line, directive)
                }
                [b'#', b'~' | b'|' | b'=', ..] => Line::Expectation,
                _ if starts_late(line) => {
                    return Err(wrong("directives and expectations begin their lines".into()));
                }
                _ => Line::Source(line),
            };
            lines.push(read);
        }
        let file = Self { lines };
        if !file.directives().any(|(_, d)| matches!(d, Directive::Test(_))) {
            return Err(Wrong { line: 1, message: "the file has no `#@ test`".into() });
        }
        file.check_runs()?;
        Ok(file)
    }

    /// The directives with their lines, from 1.
    pub(crate) fn directives(&self) -> impl Iterator<Item = (usize, &Directive)> {
        (1..).zip(&self.lines).filter_map(|(number, line)| match line {
            Line::Directive(_, directive) => Some((number, directive)),
            _ => None,
        })
    }

    /// The programs: each as long as the file up to its end, all other lines empty.
    pub(crate) fn programs(&self) -> Vec<Vec<u8>> {
        let mut programs = vec![(0, Vec::new())];
        for (number, line) in (0..).zip(&self.lines) {
            match line {
                Line::Directive(_, Directive::Program) => programs.push((0, Vec::new())),
                Line::Source(line) => {
                    let (end, text) = programs.last_mut().expect("at least one");
                    text.extend(std::iter::repeat_n(b'\n', number - *end));
                    text.extend_from_slice(line);
                    *end = number;
                }
                _ => {}
            }
        }
        programs.into_iter().map(|(_, text)| text).collect()
    }

    /// What the compiler is told.
    pub(crate) fn settings(&self) -> Vec<(usize, Setting)> {
        let setting = |(line, directive): (usize, &Directive)| match directive {
            Directive::Setting(setting) => Some((line, *setting)),
            _ => None,
        };
        self.directives().filter_map(setting).collect()
    }

    /// The line that says why an engine is left out.
    pub(crate) fn is_not(&self, engine: Engines) -> Option<usize> {
        let found = self.directives().find(|(_, d)| **d == Directive::Not(engine));
        found.map(|(line, _)| line)
    }

    pub(crate) fn runs(&self) -> Vec<Run<'_>> {
        let mut runs: Vec<Run<'_>> = Vec::new();
        for (line, directive) in self.directives() {
            match (directive, runs.last_mut()) {
                (Directive::Test(Test::Run { cwnd }), _) => {
                    runs.push(Run { cwnd: *cwnd, rows: Vec::new() });
                }
                (Directive::Row(row), Some(run)) => run.rows.push((line, row)),
                _ => {}
            }
        }
        runs
    }

    fn check_runs(&self) -> Result<(), Wrong> {
        let mut last = None;
        for (line, directive) in self.directives() {
            if matches!(directive, Directive::Test(Test::Run { .. })) || last.is_some() {
                last = Some((line, directive));
            }
        }
        match last {
            Some((line, directive)) if !matches!(directive, Directive::Row(Row::Ack(_))) => {
                Err(Wrong { line, message: "no `#@ ack` shows what comes of this".into() })
            }
            _ if self.is_not(Engines::Libccp).is_some() && last.is_none() => {
                let line = self.is_not(Engines::Libccp).unwrap_or(1);
                Err(Wrong { line, message: "nothing runs in this file".into() })
            }
            _ => Ok(()),
        }
    }
}

/// The compiler as settings want it.
pub(crate) fn compiler(settings: impl IntoIterator<Item = Setting>) -> Compiler {
    let mut compiler = Compiler::new();
    let mut available = u64::MAX;
    for setting in settings {
        compiler = match setting {
            Setting::Allow(lint) => compiler.allow(lint),
            Setting::AllowAll => compiler.allow_all(),
            Setting::Deny(lint) => compiler.deny(lint),
            Setting::Base => {
                available &= Primitive::BASE_MASK;
                compiler
            }
            Setting::Lacks(primitive) => {
                available &= !primitive.mask();
                compiler
            }
            Setting::MaxEvents(max_events) => {
                let limits = ccp_lang::Limits { max_events, ..ccp_lang::Limits::MACHINE };
                compiler.limits(limits)
            }
        };
    }
    compiler.available(available)
}

/// All files under a folder that end in `.ccp`, by name.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else if path.extension().is_some_and(|extension| extension == "ccp") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A marker behind something else, which nobody would look at.
fn starts_late(line: &[u8]) -> bool {
    let mut pairs = line.windows(3);
    pairs.any(|three| matches!(three, [b'#', b'@' | b'~' | b'|' | b'=', b' ']))
}

fn directive(text: &str) -> Result<Directive, String> {
    if let Some(why) = text.trim_start().strip_prefix("not libccp:") {
        let message = "say why, behind `not libccp:`";
        return if why.trim().is_empty() {
            Err(message.into())
        } else {
            Ok(Directive::Not(Engines::Libccp))
        };
    }
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let unknown = || format!("there is no directive `{}`", text.trim());
    let (&first, rest) = words.split_first().ok_or_else(unknown)?;
    let lint = |name: &str| name.parse::<Lint>().map_err(|e| e.to_string());
    let setting = |setting| Ok(Directive::Setting(setting));
    match (first, rest) {
        ("test", ["check"]) => Ok(Directive::Test(Test::Check)),
        ("test", ["ast"]) => Ok(Directive::Test(Test::Ast)),
        ("test", ["ir"]) => Ok(Directive::Test(Test::Ir)),
        ("test", ["asm"]) => Ok(Directive::Test(Test::Asm(Opt::None))),
        ("test", ["asm", "full"]) => Ok(Directive::Test(Test::Asm(Opt::Full))),
        ("test", ["run"]) => Ok(Directive::Test(Test::Run { cwnd: INIT_CWND })),
        ("test", ["run", cwnd]) => match pair(cwnd)? {
            ("cwnd", cwnd) => Ok(Directive::Test(Test::Run { cwnd })),
            _ => Err(unknown()),
        },
        ("allow", ["all"]) => setting(Setting::AllowAll),
        ("allow", [name]) => setting(Setting::Allow(lint(name)?)),
        ("deny", [name]) => setting(Setting::Deny(lint(name)?)),
        ("base", []) => setting(Setting::Base),
        ("lacks", [name]) => match Primitive::from_name(name) {
            Some(primitive) => setting(Setting::Lacks(primitive)),
            None => Err(format!("there is no primitive `{name}`")),
        },
        ("limit", [limit]) => match pair(limit)? {
            ("events", max) => setting(Setting::MaxEvents(max as u32)),
            _ => Err(unknown()),
        },
        ("program", []) => Ok(Directive::Program),
        ("set", fields @ [_, ..]) => Ok(Directive::Row(Row::Set(named(fields)?))),
        ("switch", [program, fields @ ..]) => {
            let number = program.parse().map_err(|_| unknown())?;
            Ok(Directive::Row(Row::Switch(number, named(fields)?)))
        }
        ("ack", fields) => Ok(Directive::Row(Row::Ack(ack(fields)?))),
        _ => Err(unknown()),
    }
}

fn named(fields: &[&str]) -> Result<Vec<(String, u64)>, String> {
    let own = |field: &&str| pair(field).map(|(name, value)| (name.to_owned(), value));
    fields.iter().map(own).collect()
}

fn ack(fields: &[&str]) -> Result<Ack, String> {
    let mut ack = Ack::default();
    for field in fields {
        match pair(field)? {
            ("now", value) => ack.now = Some(value),
            ("cwnd", value) => ack.cwnd = Some(value),
            (name, value) => {
                let is_meant =
                    |p: &Primitive| p.name().split_once('.').is_some_and(|n| n.1 == name);
                let primitive = Primitive::ALL.iter().copied().find(is_meant);
                let primitive =
                    primitive.ok_or_else(|| format!("there is no primitive `{name}`"))?;
                ack.primitives.push((primitive, value));
            }
        }
    }
    Ok(ack)
}

fn pair(field: &str) -> Result<(&str, u64), String> {
    let (name, value) = field.split_once('=').ok_or_else(|| format!("`{field}` has no `=`"))?;
    let value = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    Ok((name, value))
}

/// The window with which a flow begins unless the file says another.
const INIT_CWND: u64 = 14_480;
