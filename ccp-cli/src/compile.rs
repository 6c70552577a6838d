//! `ccp compile` and `ccp check`.

use std::io::Write;

use anyhow::Context;
use ccp_lang::ir::Ir;
use ccp_lang::{
    Bounds, Class, Code, Compiled, Compiler, DiagCode, Kind, Limits, Pass, Primitive, PrimitiveDef,
    PrimitiveTable, Program, Reg, Scope, Severity, ebpf, syntax,
};
use ccp_wire::{FlowId, Install, MeasureRepr, ProgramUid};
use serde_json::{Value, json};

use crate::Failure;
use crate::args::{Check, Compile, Emit, Format, From, LimitsOf};
use crate::source::{Source, compiler, table};

/// Compiles or assembles one program and prints it in the form asked for.
pub(crate) fn compile(args: &Compile, color: bool) -> Result<(), Failure> {
    let source = Source::read(&args.file)?;
    let is_asm = args.file.extension().is_some_and(|extension| extension == "ccpasm");
    if args.from.map_or(is_asm, |from| from == From::Asm) {
        return assemble(args, &source);
    }
    let compiler = compiler(&args.allow, &[], args.primitives.as_deref())?.opt(args.opt.into());
    let compiled = source.compile(&compiler, Severity::Warning, color);
    let mut out = std::io::stdout().lock();
    if args.passes {
        let mut text = String::new();
        let add = |pass: Pass, ir: &Ir| text.push_str(&format!("# {pass}: {}\n{ir}\n", pass.doc()));
        // What compiles has no errors.
        let _ = compiler.passes(source.bytes(), add);
        out.write_all(text.as_bytes())?;
        out.flush()?;
        return compiled.map(drop);
    }
    match (args.emit, &compiled) {
        // What could be understood of a wrong program is shown too.
        (Emit::Ast, _) => write!(out, "{}", syntax::parse(source.bytes()).0)?,
        (Emit::Ir, Ok(_)) => match compiler.check(source.bytes()) {
            Ok(ir) => write!(out, "{ir}")?,
            Err(_) => return Err(Failure::Said),
        },
        (emit, Ok(compiled)) => print(&mut out, emit, &compiled.program, &compiled.scope)?,
        (_, Err(_)) => {}
    }
    out.flush()?;
    compiled.map(drop)
}

/// Reads a program in its printed form.
fn assemble(args: &Compile, source: &Source) -> Result<(), Failure> {
    if matches!(args.emit, Emit::Ast | Emit::Ir) {
        let form = if args.emit == Emit::Ast { "ast" } else { "ir" };
        let message =
            format!("--emit {form} needs a program in the language, not its instructions");
        return Err(Failure::Usage(message));
    }
    let name = source.name();
    let text = std::str::from_utf8(source.bytes()).with_context(|| format!("{name} is no text"))?;
    let code = text.parse::<Code>().map_err(|error| {
        eprintln!("{name}:{error}");
        Failure::Said
    })?;
    let program = Program::verify(code, &Limits::default())
        .with_context(|| format!("{name} is no program that may run"))?;
    let mut out = std::io::stdout().lock();
    print(&mut out, args.emit, &program, &Scope::default())?;
    out.flush()?;
    Ok(())
}

/// Prints a program in a form that its instructions are enough for.
fn print(out: &mut impl Write, emit: Emit, program: &Program, scope: &Scope) -> anyhow::Result<()> {
    match emit {
        Emit::Json => writeln!(out, "{}", describe(program, scope))?,
        Emit::Ebpf => write!(out, "{}", ebpf::outline(program)?)?,
        Emit::Wire => out.write_all(&install(program)?)?,
        Emit::Ast | Emit::Ir | Emit::Asm => write!(out, "{}", program.code())?,
    }
    Ok(())
}

/// Checks every program, shows all that is wrong with each and the bounds of each good one, and fails
/// if one is wrong.
pub(crate) fn check(args: &Check, color: bool) -> Result<(), Failure> {
    let mut check = Checking::new(args, color)?;
    if args.embedded {
        crate::embedded::check(&args.files, &mut check)?;
    } else {
        for file in &args.files {
            check.read(Source::read(file))?;
        }
    }
    check.end()
}

/// Programs being checked, one after the other.
pub(crate) struct Checking {
    compiler: Compiler,
    primitives: PrimitiveTable,
    format: Format,
    color: bool,
    out: std::io::StdoutLock<'static>,
    wrong: bool,
}

impl Checking {
    fn new(args: &Check, color: bool) -> Result<Self, Failure> {
        let compiler = compiler(&args.allow, &args.deny, args.primitives.as_deref())?;
        let limits = match args.limits {
            LimitsOf::Libccp => None,
            LimitsOf::Machine => Some(Limits::MACHINE),
        };
        let compiler = match limits {
            Some(limits) => compiler.limits(limits),
            None => compiler,
        };
        Ok(Self {
            compiler: compiler.opt(args.opt.into()),
            primitives: table(args.primitives.as_deref())?,
            format: args.format,
            color,
            out: std::io::stdout().lock(),
            wrong: false,
        })
    }

    /// One unreadable file does not hide what is wrong with the others.
    pub(crate) fn read(&mut self, source: anyhow::Result<Source>) -> anyhow::Result<bool> {
        match source {
            Ok(source) => self.check(&source),
            Err(error) => {
                self.complain(&crate::whole(&error));
                Ok(false)
            }
        }
    }

    pub(crate) fn complain(&mut self, what: &str) {
        eprintln!("ccp: {what}");
        self.wrong = true;
    }

    /// Something that is worth knowing, but no mistake.
    pub(crate) fn note(&mut self, place: &str, what: &str) -> anyhow::Result<()> {
        match self.format {
            Format::Human => eprintln!("{place}: note: {what}"),
            Format::Json => {
                let note =
                    json!({ "schema": 1, "file": place, "severity": "note", "message": what });
                writeln!(self.out, "{note}")?;
            }
        }
        Ok(())
    }

    /// Says whether it is right.
    pub(crate) fn check(&mut self, source: &Source) -> anyhow::Result<bool> {
        let (checked, said) = match self.format {
            Format::Human => {
                (source.compile(&self.compiler, Severity::Note, self.color), Vec::new())
            }
            Format::Json => source.compile_for_tools(&self.compiler),
        };
        said.iter().try_for_each(|object| writeln!(self.out, "{object}"))?;
        match checked {
            Ok(compiled) => {
                let bounds = bounds(&source.place(), &compiled, &self.primitives, self.format)?;
                writeln!(self.out, "{bounds}")?;
                Ok(true)
            }
            Err(_) => {
                self.wrong = true;
                Ok(false)
            }
        }
    }

    /// Whether a program has declarations and nothing else, and these are right.
    pub(crate) fn is_only_declarations(&self, program: &[u8]) -> bool {
        let Err(errors) = self.compiler.compile(program) else { return false };
        errors.errors().all(|error| error.code == DiagCode::MissingEvent)
    }

    fn end(mut self) -> Result<(), Failure> {
        self.out.flush()?;
        if self.wrong { Err(Failure::Said) } else { Ok(()) }
    }
}

/// What a program costs at most.
fn bounds(
    name: &str,
    compiled: &Compiled,
    primitives: &PrimitiveTable,
    format: Format,
) -> anyhow::Result<String> {
    let reads = compiled.program.primitives();
    let Bounds { instrs, instrs_per_ack, events, reports, controls, locals, temps, .. } =
        Bounds::of(&compiled.program);
    let install_bytes = install(&compiled.program)?.len();
    let values = vec![0; compiled.program.report_len()];
    let report = MeasureRepr { flow: FlowId(0), program_uid: ProgramUid(1), fields: &values };
    let report_bytes = report.encoded_len();
    Ok(match format {
        Format::Human => format!(
            "{name}: at most {instrs_per_ack} of {instrs} instructions an ACK, {events} events; \
             {controls} control, {reports} report, {locals} local, {temps} temporary registers; \
             Install {install_bytes} bytes, report {report_bytes} bytes{}",
            needs(primitives, reads)
        ),
        Format::Json => json!({
            "schema": 1,
            "file": name,
            "bounds": {
                "instructions": instrs,
                "instructions_per_ack": instrs_per_ack,
                "events": events,
                "control_registers": controls,
                "report_registers": reports,
                "locals": locals,
                "temporaries": temps,
                "install_bytes": install_bytes,
                "report_bytes": report_bytes,
            },
            "primitives": read_by(primitives, reads).map(|primitive| json!({
                "name": primitive.name(),
                "index": primitive.index(),
                "stand_in": primitive.stand_in(),
            })).collect::<Vec<_>>(),
        })
        .to_string(),
    })
}

/// What a program reads beyond what every datapath fills: those without which it is refused, and those
/// that something stands in for.
fn needs(table: &PrimitiveTable, reads: u64) -> String {
    let names = |has_stand_in: bool| {
        let beyond = read_by(table, reads & !Primitive::BASE_MASK);
        let names = beyond.filter(|primitive| primitive.stand_in().is_some() == has_stand_in);
        names.map(PrimitiveDef::name).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    for (what, names) in [("needs", names(false)), ("reads, or their stand-ins,", names(true))] {
        if !names.is_empty() {
            text.push_str(&format!("; {what} {names}"));
        }
    }
    text
}

fn read_by(table: &PrimitiveTable, reads: u64) -> impl Iterator<Item = &PrimitiveDef> {
    table.iter().filter(move |primitive| reads & primitive.mask() != 0)
}

/// The bytes of the program's Install message.
fn install(program: &Program) -> anyhow::Result<Vec<u8>> {
    let records = program.code().to_records();
    let message =
        Install { program_uid: ProgramUid(1), events: &records.events, instrs: &records.instrs };
    let mut bytes = vec![0; message.encoded_len()];
    let length = message.encode(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The program and its variables as data.
fn describe(program: &Program, scope: &Scope) -> Value {
    let code = program.code();
    let bounds = Bounds::of(program);
    let register = |reg: Reg| reg.to_string();
    json!({
        "schema": 1,
        "report_fields": program.report_len(),
        "instructions_per_ack": bounds.instrs_per_ack,
        "primitives": (0..u64::BITS).filter(|i| program.primitives() & (1 << i) != 0)
            .map(|i| register(Reg::new(Class::Primitive, i))).collect::<Vec<_>>(),
        "variables": scope.variables().iter().map(|variable| json!({
            "name": variable.name,
            "kind": kind(variable.kind),
            "bytes": [variable.span.start, variable.span.end],
            "register": register(variable.reg),
            "type": variable.ty.to_string(),
            "initial": variable.initial,
            "volatile": variable.volatile,
        })).collect::<Vec<_>>(),
        "events": code.events.iter().map(|event| json!({
            "flag": [event.flag_idx, event.num_flag_instrs],
            "body": [event.body_idx, event.num_body_instrs],
        })).collect::<Vec<_>>(),
        "instructions": code.instrs.iter().map(|instr| json!({
            "op": instr.op.to_string(),
            "result": register(instr.result),
            "left": register(instr.left),
            "right": register(instr.right),
        })).collect::<Vec<_>>(),
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Report => "report",
        Kind::Control => "control",
        Kind::Local => "local",
        // Built-in ones are no variables of a program.
        _ => "built-in",
    }
}
