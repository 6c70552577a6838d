//! Reading programs, and showing what the compiler says of them.

use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anyhow::{Context, bail};
use ccp_lang::{
    Compiled, Compiler, Diagnostic, Diagnostics, LineIndex, Lint, Position, PrimitiveTable,
    Severity, Span,
};
use serde_json::{Value, json};

use crate::Failure;

/// A program's text and what to call it.
pub(crate) struct Source {
    name: String,
    bytes: Vec<u8>,
    /// Nothing for a file that is a program.
    host: Option<Host>,
}

/// The Rust file that a program stands in.
struct Host {
    text: Rc<str>,
    /// For each byte of the program the byte of the file that it stands at, and then the end.
    at: Vec<u32>,
}

impl Source {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Self::take(std::io::stdin(), "<stdin>".to_owned());
        }
        let name = path.display().to_string();
        let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
        Self::take(file, name)
    }

    fn take(from: impl Read, name: String) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        from.take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {name}"))?;
        if bytes.len() as u64 > MOST_BYTES {
            bail!("{name} is larger than {MOST_BYTES} bytes, which no datapath program is");
        }
        Ok(Self { name, bytes, host: None })
    }

    /// A program in a Rust file. `at` has the place of each of its bytes there, and then the end.
    pub(crate) fn embedded(name: String, text: Rc<str>, bytes: Vec<u8>, at: Vec<u32>) -> Self {
        Self { name, bytes, host: Some(Host { text, at }) }
    }

    /// The file, and for a program inside a file the line and column.
    pub(crate) fn place(&self) -> String {
        let Some(host) = &self.host else { return self.name.clone() };
        let start = host.at.first().copied().unwrap_or_default();
        format!("{}:{}", self.name, LineIndex::new(&*host.text).position(start))
    }

    /// Where in the file a place of the program is.
    fn within(&self, span: Span) -> Span {
        let Some(Host { at, .. }) = &self.host else { return span };
        let place =
            |byte: u32| at.get(byte as usize).or_else(|| at.last()).copied().unwrap_or_default();
        let start = place(span.start);
        Span::new(start, place(span.end).max(start))
    }

    /// Compiles it and shows what the compiler says from `least` on.
    pub(crate) fn compile(
        &self,
        compiler: &Compiler,
        least: Severity,
        color: bool,
    ) -> Result<Compiled, Failure> {
        match compiler.compile(&self.bytes) {
            Ok(compiled) => {
                self.show(&compiled.warnings, least, color);
                Ok(compiled)
            }
            Err(diagnostics) => {
                self.show(&diagnostics, least, color);
                Err(Failure::Said)
            }
        }
    }

    /// Compiles it; what the compiler says comes as objects for tools.
    pub(crate) fn compile_for_tools(
        &self,
        compiler: &Compiler,
    ) -> (Result<Compiled, Failure>, Vec<Value>) {
        let result = compiler.compile(&self.bytes);
        let (Ok(Compiled { warnings: said, .. }) | Err(said)) = &result;
        let said = said.iter().map(|diagnostic| self.describe(diagnostic)).collect();
        (result.map_err(|_| Failure::Said), said)
    }

    /// Formats it, or shows what is wrong with its syntax.
    pub(crate) fn format(&self, color: bool) -> Result<String, Failure> {
        ccp_lang::fmt::format(&self.bytes).map_err(|diagnostics| {
            self.show(&diagnostics, Severity::Error, color);
            Failure::Said
        })
    }

    /// The program's text, which need not be UTF-8.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the program is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Lines and columns count from 1, columns in characters; bytes from 0.
    fn describe(&self, diagnostic: &Diagnostic) -> Value {
        let lines = self.host.as_ref().map(|host| LineIndex::new(&*host.text));
        let place = |span: Span, position: Position| {
            let span = self.within(span);
            let position = lines.as_ref().map_or(position, |lines| lines.position(span.start));
            json!({
                "line": position.line,
                "column": position.column,
                "bytes": [span.start, span.end],
            })
        };
        json!({
            "schema": 1,
            "file": self.name,
            "code": diagnostic.code.as_str(),
            "severity": diagnostic.severity.to_string(),
            "message": diagnostic.message,
            "at": place(diagnostic.span, diagnostic.position),
            "help": diagnostic.help,
            "lint": diagnostic.lint.map(Lint::name),
            "labels": diagnostic.labels.iter().map(|label| json!({
                "at": place(label.span, label.position),
                "message": label.message,
            })).collect::<Vec<_>>(),
        })
    }

    fn show(&self, diagnostics: &Diagnostics, least: Severity, color: bool) {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let text = self.host.as_ref().map(|host| Ok(&*host.text));
        match text.unwrap_or_else(|| std::str::from_utf8(&self.bytes)) {
            Ok(text) => {
                for diagnostic in diagnostics.iter().filter(|one| one.severity >= least) {
                    eprintln!("{}\n", renderer.render(&self.report(text, diagnostic)));
                }
                if diagnostics.omitted() > 0 {
                    eprintln!("{}: {} more", self.name, diagnostics.omitted());
                }
            }
            // Excerpts need text; the places and messages do not.
            Err(_) => eprintln!("{}:\n{diagnostics}", self.name),
        }
    }

    fn report<'a>(&'a self, text: &'a str, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Note => Level::NOTE,
            _ => Level::WARNING,
        };
        let mut snippet = Snippet::source(text)
            .path(self.name.as_str())
            .annotation(AnnotationKind::Primary.span(range(self.within(diagnostic.span))));
        for label in &diagnostic.labels {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(range(self.within(label.span)))
                    .label(label.message.as_str()),
            );
        }
        let mut group = level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code.as_str())
            .element(snippet);
        if let Some(lint) = diagnostic.lint {
            group = group.element(Level::NOTE.message(format!("this is the lint `{lint}`")));
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        vec![group]
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

/// A compiler that lets the lints of the first names pass, and takes those of the others for errors.
/// It knows the primitives of a file, too.
pub(crate) fn compiler(
    allow: &[String],
    deny: &[String],
    primitives: Option<&Path>,
) -> Result<Compiler, Failure> {
    let mut compiler = Compiler::new().primitives(table(primitives)?);
    for name in allow {
        compiler = compiler.allow(lint(name)?);
    }
    for name in deny {
        compiler = compiler.deny(lint(name)?);
    }
    Ok(compiler)
}

/// The standard primitives, and those of a file.
pub(crate) fn table(primitives: Option<&Path>) -> anyhow::Result<PrimitiveTable> {
    primitives.map_or_else(|| Ok(PrimitiveTable::standard()), crate::primitives::read)
}

fn lint(name: &str) -> Result<Lint, Failure> {
    name.parse().map_err(|_| {
        let known: Vec<&str> = Lint::ALL.iter().map(|lint| lint.name()).collect();
        Failure::Usage(format!("there is no lint '{name}'; there are {}", known.join(", ")))
    })
}

/// More than any program that fits an Install message could take.
const MOST_BYTES: u64 = 1 << 20;
