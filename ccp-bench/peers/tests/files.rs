//! The file tests of `ccp-lang` on libccp: each row gives there what its file says, unless the file says
//! why not.

#[allow(dead_code, reason = "the tests that write expectations use the rest")]
#[path = "../../../ccp-lang/tests/files/format.rs"]
mod format;

use std::path::{Path, PathBuf};

use ccp_lang::{Code, Opt, Primitives, Reg, TrapKind};
use ccp_peers::inprocess::{self, Machine, Trap};
use ccp_wire::{ChangeProgRepr, FieldUpdate, FlowId, Install, ProgramUid, UpdateFieldsRepr};
use format::{Engines, File, Flow, Setting, Step, Wrong};

#[test]
fn files_say_what_libccp_does() {
    let mut machine = Machine::new();
    let (mut played, mut wrong) = (0, Vec::new());
    for path in format::walk(&folder()) {
        match check(&path, &mut machine) {
            Ok(rows) => played += rows,
            Err(Wrong { line, message }) => {
                wrong.push(format!("{}:{line}: {message}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} files are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(played > 0);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ccp-lang/tests/files")
}

/// Gives the number of rows that were the same.
fn check(path: &Path, machine: &mut Machine) -> Result<usize, Wrong> {
    let bytes = std::fs::read(path).expect("a file");
    let file = File::parse(&bytes)?;
    let not = file.is_not(Engines::Libccp);
    let (mut same, mut difference) = (0, None);
    for run in file.runs() {
        for opt in [Opt::None, Opt::Full] {
            let (codes, scopes): (Vec<_>, Vec<_>) = compile(&file, opt)?.into_iter().unzip();
            let flow = &mut OnLibccp::new(machine, &codes, run.cwnd);
            for (line, found) in run.play(&scopes, flow)? {
                let expected = bytes.split(|&byte| byte == b'\n').nth(line).unwrap_or_default();
                let found = format!("#={found}");
                if found.as_bytes() == expected {
                    same += 1;
                } else if difference.is_none() {
                    let expected = String::from_utf8_lossy(expected);
                    let message = format!(
                        "libccp ({opt:?}) differs\n    expected: {expected}\n       found: {found}"
                    );
                    difference = Some(Wrong { line, message });
                }
            }
        }
    }
    match (not, difference) {
        (None, Some(difference)) => Err(difference),
        (Some(line), None) => {
            Err(Wrong { line, message: "libccp does the same as the others".into() })
        }
        _ => Ok(same),
    }
}

fn compile(file: &File<'_>, opt: Opt) -> Result<Vec<(Code, ccp_lang::Scope)>, Wrong> {
    let settings = file.settings().into_iter().map(|(_, setting)| setting);
    // libccp has nothing beyond, and does not look whether a program reads it.
    let compiler = format::compiler(settings.chain([Setting::Base])).opt(opt);
    let compile = |source| match compiler.compile(source) {
        Ok(compiled) => Ok((compiled.program.code().clone(), compiled.scope)),
        Err(said) => Err(Wrong { line: 1, message: said.to_string() }),
    };
    file.programs().iter().map(compile).collect()
}

/// A flow on libccp.
struct OnLibccp<'m>(inprocess::Flow<'m>);

impl<'m> OnLibccp<'m> {
    fn new(machine: &'m mut Machine, codes: &[Code], cwnd: u64) -> Self {
        for (uid, code) in (1..).zip(codes) {
            let records = code.to_records();
            let (events, instrs) = (&records.events, &records.instrs);
            let install = Install { program_uid: ProgramUid(uid), events, instrs };
            let mut bytes = vec![0; install.encoded_len()];
            install.encode(&mut bytes).expect("room");
            machine.message(&bytes).expect("libccp takes it");
        }
        Self(machine.open(narrow(cwnd), 1448))
    }

    fn id(&self) -> FlowId {
        FlowId(self.0.sid())
    }
}

impl Flow for OnLibccp<'_> {
    fn switch(&mut self, program: usize, fields: &[(Reg, u64)]) {
        let fields = &updates(fields);
        let program_uid = ProgramUid(program as u32 + 1);
        let change = ChangeProgRepr { flow: self.id(), program_uid, fields };
        let mut bytes = vec![0; change.encoded_len()];
        change.encode(&mut bytes).expect("room");
        self.0.message(&bytes).expect("libccp takes it");
    }

    fn set(&mut self, fields: &[(Reg, u64)]) {
        let update = UpdateFieldsRepr { flow: self.id(), fields: &updates(fields) };
        let mut bytes = vec![0; update.encoded_len()];
        update.encode(&mut bytes).expect("room");
        self.0.message(&bytes).expect("libccp takes it");
    }

    fn ack(&mut self, now: u64, primitives: &Primitives, cwnd: Option<u64>) -> Step {
        if let Some(cwnd) = cwnd {
            self.0.use_cwnd(narrow(cwnd));
        }
        let mut ack = inprocess::Ack { now_us: now, ..inprocess::Ack::default() };
        for (index, value) in (0..).zip(&mut ack.primitives) {
            let primitive = ccp_lang::Primitive::from_index(index).expect("one of the first");
            *value = primitives.get(primitive);
        }
        let step = self.0.ack(&ack);
        Step {
            cwnd: step.cwnd.map(u64::from),
            rate: step.rate.map(u64::from),
            report: step.report,
            trap: step.trap.map(|trap| match trap {
                Trap::Add => TrapKind::AddOverflow,
                Trap::Sub => TrapKind::SubUnderflow,
                Trap::Mul => TrapKind::MulOverflow,
                Trap::Div => TrapKind::DivByZero,
            }),
        }
    }
}

fn updates(fields: &[(Reg, u64)]) -> Vec<FieldUpdate> {
    let update = |&(reg, value): &(Reg, u64)| FieldUpdate {
        class: reg.class.code(),
        index: reg.index,
        value,
    };
    fields.iter().map(update).collect()
}

fn narrow(cwnd: u64) -> u32 {
    u32::try_from(cwnd).expect("windows of 32 bits in what runs on libccp")
}
