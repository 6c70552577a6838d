//! `ccp compile` and `ccp check`.

use std::io::Write;

use ccp_lang::{Compiled, Severity};
use ccp_wire::{Install, ProgramUid};
use serde_json::{Value, json};

use crate::Failure;
use crate::args::{Check, Compile, Emit};
use crate::source::{Source, compiler};

/// Compiles one program and prints it in the form asked for.
pub(crate) fn compile(args: &Compile, color: bool) -> Result<(), Failure> {
    let source = Source::read(&args.file)?;
    let compiled = source.compile(&compiler(&args.allow)?, Severity::Warning, color)?;
    let mut out = std::io::stdout().lock();
    match args.emit {
        Emit::Asm => write!(out, "{}", compiled.program.code())?,
        Emit::Json => writeln!(out, "{}", describe(&compiled))?,
        Emit::Wire => out.write_all(&install(&compiled)?)?,
    }
    out.flush()?;
    Ok(())
}

/// Checks every program, shows all that is wrong with each, and fails if one is.
pub(crate) fn check(args: &Check, color: bool) -> Result<(), Failure> {
    let compiler = compiler(&args.allow)?;
    let mut wrong = false;
    for file in &args.files {
        // One unreadable file does not hide what is wrong with the others.
        let checked = Source::read(file)
            .map_err(Failure::from)
            .and_then(|source| source.compile(&compiler, Severity::Note, color));
        match checked {
            Ok(_) => {}
            Err(Failure::Failed(error)) => {
                eprintln!("ccp: {error:#}");
                wrong = true;
            }
            Err(_) => wrong = true,
        }
    }
    if wrong { Err(Failure::Said) } else { Ok(()) }
}

/// The bytes of the program's Install message.
fn install(compiled: &Compiled) -> anyhow::Result<Vec<u8>> {
    let records = compiled.program.code().to_records();
    let message =
        Install { program_uid: ProgramUid(1), events: &records.events, instrs: &records.instrs };
    let mut bytes = vec![0; message.encoded_len()];
    let length = message.encode(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The program and its variables as data.
fn describe(compiled: &Compiled) -> Value {
    let code = compiled.program.code();
    let register = |reg: ccp_lang::Reg| reg.to_string();
    json!({
        "schema": 1,
        "variables": compiled.scope.variables().iter().map(|variable| json!({
            "name": variable.name,
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
