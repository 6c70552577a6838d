//! A program optimised does what it does as it was written; and it is never longer.
#![cfg(feature = "compiler")]

#[path = "generate/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use ccp_lang::{
    Call, Code, Compiled, Compiler, Event, Instr, Limits, Micros, Opt, Outcome, Primitive,
    Primitives, Program, Reg, Registers, Staged, TrapKind, Type,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use source::{Choices, SETTABLE, program};

/// Pairs of a program and a sequence of ACKs; more with `CCP_OPT_CASES`.
fn config() -> ProptestConfig {
    let cases = std::env::var("CCP_OPT_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(cases.unwrap_or(3000))
    }
}

/// What happens between two ACKs and at the second.
#[derive(Clone, Debug)]
struct Ack {
    elapsed: u64,
    primitives: Vec<(Primitive, u64)>,
    /// Begin with one of the two programs, or begin it anew.
    switch: Option<bool>,
    staged: Vec<(&'static str, u64)>,
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..4_u64,
        3 => 0..5_000_u64,
        1 => select(vec![10, 0xFFFF_FFFF, 0x1_0000_0000, u64::MAX / 10, u64::MAX]),
    ]
}

fn ack() -> impl Strategy<Value = Ack> {
    let switch = prop_oneof![5 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let primitives = vec((select(Primitive::ALL), value()), 0..5);
    let staged = prop_oneof![3 => Just(Vec::new()), 1 => vec((select(SETTABLE), value()), 0..4)];
    (0..3_000_u64, primitives, switch, staged).prop_map(|(elapsed, primitives, switch, staged)| {
        Ack { elapsed, primitives, switch, staged }
    })
}

/// A flow that runs one of two programs.
struct Flow {
    programs: [Compiled; 2],
    regs: Registers,
    running: usize,
    cwnd: u64,
    rate: u64,
}

/// What an invocation did, as far as anybody can tell: registers that outlive it included.
type Seen = (Option<u64>, Option<u64>, Option<Vec<u64>>, Option<TrapKind>, Vec<Option<u64>>);

impl Flow {
    fn new(programs: [Compiled; 2]) -> Self {
        Self { programs, regs: Registers::new(Micros(0)), running: 0, cwnd: 10_000, rate: 0 }
    }

    fn ack(&mut self, number: usize, now: u64, ack: &Ack) -> Seen {
        let switched = ack.switch.is_some() || number == 0;
        if switched {
            // A program's locals are its own.
            self.invoke(&forget(), now, &Primitives::new(), true, &mut Staged::new());
        }
        self.running = ack.switch.map_or(self.running, usize::from);
        let mut primitives = Primitives::new();
        for &(primitive, value) in &ack.primitives {
            let is_bool = primitive.ty() == Type::Bool;
            primitives.set(primitive, if is_bool { value & 1 } else { value });
        }
        let mut staged = Staged::new();
        let compiled = self.programs[self.running].clone();
        for &(name, value) in &ack.staged {
            staged.set(compiled.scope.settable(name).unwrap(), value).unwrap();
        }
        let (outcome, report) =
            self.invoke(&compiled.program, now, &primitives, switched, &mut staged);
        self.cwnd = outcome.cwnd.unwrap_or(self.cwnd);
        self.rate = outcome.rate.unwrap_or(self.rate);
        let many = (0..5).flat_map(|i| [Reg::control(i), Reg::report(i)]);
        let own = [Reg::MICROS, Reg::CWND, Reg::RATE];
        let lasting = many.chain(own).map(|reg| self.regs.get(reg)).collect();
        (outcome.cwnd, outcome.rate, report, outcome.trap.map(|trap| trap.kind()), lasting)
    }

    fn invoke(
        &mut self,
        program: &Program,
        now: u64,
        primitives: &Primitives,
        switched: bool,
        staged: &mut Staged,
    ) -> (Outcome, Option<Vec<u64>>) {
        let (cwnd, rate) = (self.cwnd, self.rate);
        let call = Call { now: Micros(now), primitives, cwnd, rate, switched, staged };
        let mut report = None;
        let outcome = program.invoke(&mut self.regs, call, |fields| report = Some(fields.to_vec()));
        (outcome, report)
    }
}

/// A program that sets all locals to 0.
fn forget() -> Program {
    let flag = Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1));
    let locals = (0..8).map(|i| Instr::bind(Reg::local(i), Reg::immediate(0)));
    let events = vec![Event { flag_idx: 0, num_flag_instrs: 1, body_idx: 1, num_body_instrs: 8 }];
    let instrs = std::iter::once(flag).chain(locals).collect();
    Program::verify(Code { events, instrs }, &Limits::default()).unwrap()
}

/// Both forms of a program, or nothing if the plain one needs more than there is.
fn both(source: &str) -> Result<Option<[Compiled; 2]>, TestCaseError> {
    let compiler = Compiler::new().allow_all();
    let Ok(plain) = compiler.clone().opt(Opt::None).compile(source) else {
        return Ok(None);
    };
    let full =
        compiler.compile(source).map_err(|e| TestCaseError::fail(format!("{source}\n{e}")))?;
    let (was, is) = (plain.program.code(), full.program.code());
    prop_assert!(is.instrs.len() <= was.instrs.len(), "{}\n{}\n{}", source, was, is);
    let limits = Limits { primitives: 19, ..Limits::LIBCCP };
    prop_assert!(Program::verify(is.clone(), &limits).is_ok());
    prop_assert_eq!(full.scope.variables(), plain.scope.variables());
    prop_assert_eq!(full.program.report_len(), plain.program.report_len());
    prop_assert_eq!(&full.warnings, &plain.warnings);
    Ok(Some([plain, full]))
}

fn same(sources: [&str; 2], acks: &[Ack]) -> Result<(), TestCaseError> {
    let (Some(one), Some(other)) = (both(sources[0])?, both(sources[1])?) else {
        return Ok(());
    };
    let [[one_plain, one_full], [other_plain, other_full]] = [one, other];
    let mut plain = Flow::new([one_plain, other_plain]);
    let mut full = Flow::new([one_full, other_full]);
    let mut now = 0;
    for (number, ack) in acks.iter().enumerate() {
        now += ack.elapsed;
        let expected = plain.ack(number, now, ack);
        let found = full.ack(number, now, ack);
        let at = plain.running;
        prop_assert_eq!(
            found,
            expected,
            "ack {} of\n{}\n{}\n{}",
            number,
            sources[at],
            plain.programs[at].program,
            full.programs[at].program
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_program_optimised_does_the_same(
        one in vec(any::<u8>(), 0..400),
        other in vec(any::<u8>(), 0..400),
        acks in vec(ack(), 1..12),
    ) {
        let (one, other) = (program(&mut Choices(&one)), program(&mut Choices(&other)));
        same([&one, &other], &acks)?;
    }
}

/// The right programs among this crate's file tests.
fn samples() -> Vec<(String, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ccp") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let read = |path: &PathBuf| Some((name(path), fs::read_to_string(path).ok()?));
    paths.iter().filter_map(read).collect()
}

#[test]
fn no_sample_gets_longer_and_all_together_get_shorter() {
    let (mut plain, mut full) = (0, 0);
    for (name, source) in samples() {
        let Some([was, is]) = both(&source).unwrap() else { continue };
        let counts = [was, is].map(|compiled| compiled.program.code().instrs.len());
        println!("{name:>24} {:>4} {:>4}", counts[0], counts[1]);
        plain += counts[0];
        full += counts[1];
    }
    println!("{:>24} {plain:>4} {full:>4}", "all");
    assert!(plain > 500 && full * 100 < plain * 85, "{full} of {plain}");
}

/// The programs of the generator are no use if most are refused, or do nothing.
#[test]
fn random_programs_compile_and_there_is_something_to_find() {
    let mut state = 1_u64;
    let (mut compiled, mut plain, mut full) = (0, 0, 0);
    for _ in 0..300 {
        let bytes: Vec<u8> = (0..300)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        if let Some([was, is]) = both(&program(&mut Choices(&bytes))).unwrap() {
            compiled += 1;
            plain += was.program.code().instrs.len();
            full += is.program.code().instrs.len();
        }
    }
    println!("{compiled} of 300 compile, {plain} instructions become {full}");
    assert!(compiled > 240 && full * 10 < plain * 8, "{compiled}: {full} of {plain}");
}
