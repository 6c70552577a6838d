//! What compiled programs do when the machine runs them.
#![cfg(feature = "compiler")]

use ccp_lang::{
    Abilities, Call, Compiler, INFINITY, Library, Micros, Misfit, Primitive, Primitives, Registers,
    Staged, Trap, compile,
};

/// What one invocation of a program does, begun with a window of 100 and a rate of 7.
struct Ran {
    report: Option<Vec<u64>>,
    cwnd: u64,
    trap: Option<Trap>,
}

fn run(program: &str, primitives: &Primitives) -> Ran {
    run_times(program, primitives, 1)
}

fn run_times(program: &str, primitives: &Primitives, times: u64) -> Ran {
    let compiled = compile(program).unwrap_or_else(|diagnostics| panic!("{diagnostics:#}"));
    let mut regs = Registers::new(Micros(0));
    let mut staged = Staged::new();
    let mut ran = Ran { report: None, cwnd: 100, trap: None };
    for now in 1..=times {
        ran.report = None;
        let call = Call {
            now: Micros(now),
            primitives,
            cwnd: ran.cwnd,
            rate: 7,
            switched: now == 1,
            staged: &mut staged,
        };
        let outcome =
            compiled.program.invoke(&mut regs, call, |fields| ran.report = Some(fields.to_vec()));
        ran.cwnd = outcome.cwnd.unwrap_or(ran.cwnd);
        ran.trap = outcome.trap;
    }
    ran
}

/// The value of an expression, with a = 6, b = 3, t = true and f = false.
fn value(expr: &str) -> u64 {
    let program = format!(
        "(def (a 6) (b 3) (t true) (f false) (Report (r 0)))
         (when true (:= Report.r {expr}) (:= Cwnd (+ a b)) (:= Cwnd (if (|| t f) 1)) (report))"
    );
    let ran = run(&program, &Primitives::new());
    assert_eq!(ran.trap, None, "{expr}");
    ran.report.and_then(|fields| fields.first().copied()).unwrap()
}

#[test]
fn every_operator_has_its_value() {
    for (expr, expected) in [
        ("(+ a b)", 9),
        ("(- a b)", 3),
        ("(* a b)", 18),
        ("(/ a 4)", 1),
        ("(min a b)", 3),
        ("(max a b)", 6),
        ("(wrapped_max a 4294967290)", 6),
        ("(> a b)", 1),
        ("(> a a)", 0),
        ("(< a b)", 0),
        ("(>= a a)", 1),
        ("(>= b a)", 0),
        ("(<= a a)", 1),
        ("(<= a b)", 0),
        ("(== a a)", 1),
        ("(!= a a)", 0),
        ("(!= a b)", 1),
        ("(== t f)", 0),
        ("(!= t f)", 1),
        ("(&& t t f)", 0),
        ("(&& t t t)", 1),
        ("(|| t t)", 1),
        ("(|| f f t)", 1),
        ("(! f)", 1),
        ("(not t)", 0),
        ("(+ 1 2 3 4)", 10),
        ("(* 2 3 4)", 24),
        ("(min 5 4 a b)", 3),
        ("(max 5 4 a b)", 6),
        ("+infinity", INFINITY),
        ("18446744073709551615", INFINITY),
        ("(* 2 +infinity)", 2 * INFINITY),
        ("2s", 2_000_000),
        ("3ms", 3_000),
    ] {
        assert_eq!(value(expr), expected, "{expr}");
    }
}

#[test]
fn a_bind_as_an_operand_is_read_when_the_operator_runs() {
    assert_eq!(value("(+ a (:= a 5))"), 10);
    assert_eq!(value("(+ (:= a 1) (:= a 2))"), 4);
    assert_eq!(value("(:= a (:= b 9))"), 9);
    assert_eq!(value("(+ 1 (:= a (if f 100)))"), 7);
    assert_eq!(value("(+ 1 (:= a (!if f 100)))"), 101);
}

#[test]
fn conditional_binds_write_every_kind_of_variable() {
    let program = "(def (Report (local 0) (micros 0)))
        (when true
            (:= x 5) (:= x (if (> Cwnd 99) 6)) (:= x (if (> Cwnd 100) 7))
            (:= Cwnd (if (== x 6) 55)) (:= Rate (!if (== x 6) 66))
            (:= Micros (if true 0))
            (:= Report.local x) (:= Report.micros Micros) (report))";
    let ran = run(program, &Primitives::new());
    assert_eq!((ran.report, ran.cwnd), (Some(vec![6, 0]), 55));
}

#[test]
fn ewma_weighs_by_tenths_and_starts_with_the_value() {
    let program =
        "(def (Report (avg 0))) (when true (:= Report.avg (ewma 8 Ack.bytes_acked)) (report))";
    let acked = Primitives::new().with(Primitive::AckBytesAcked, 100);
    assert_eq!(run(program, &acked).report, Some(vec![100]));
    let program =
        "(def (Report (avg 50))) (when true (:= Report.avg (ewma 8 Ack.bytes_acked)) (report))";
    assert_eq!(run(program, &acked).report, Some(vec![60]));
}

#[test]
fn reset_without_report_resets_all_that_is_volatile() {
    let program = "(def (Report (volatile a 1) (b 2)) (volatile c 3))
        (when (== Ack.now 1) (:= Report.a 10) (:= Report.b c) (:= c 30) (reset))
        (when true (:= Report.b (+ Report.b c)) (report))";
    let ran = run_times(program, &Primitives::new(), 2);
    assert_eq!(ran.report, Some(vec![1, 6]));
}

#[test]
fn reset_with_report_leaves_the_report_its_values() {
    let program = "(def (Report (volatile a 1))) (when true (:= Report.a 10) (reset) (report))";
    assert_eq!(run(program, &Primitives::new()).report, Some(vec![10]));
    // The next one begins anew.
    let program =
        "(def (Report (volatile a 1))) (when true (:= Report.a (+ Report.a 1)) (report) (reset))";
    assert_eq!(run_times(program, &Primitives::new(), 3).report, Some(vec![2]));
}

#[test]
fn both_sides_of_a_logical_operator_are_evaluated() {
    let program = "(def (Report (r 0))) (when true (:= x (|| true (> (:= y 4) 3))) (:= Report.r (+ y 1)) (:= Report.r (if x y)) (report))";
    assert_eq!(run(program, &Primitives::new()).report, Some(vec![4]));
}

#[test]
fn a_stand_in_is_what_the_datapath_would_have_said() {
    let program = "(def (Report (limited false) (state 9)))
        (when true (:= Report.limited Flow.app_limited) (:= Report.state Flow.recovery) (report))";
    let compiled = Compiler::new().available(Primitive::BASE_MASK).compile(program).unwrap();
    assert_eq!(compiled.program.primitives() & !Primitive::BASE_MASK, 0);
    for (pending, in_flight, limited) in [(50, 50, 1), (51, 50, 0), (100, 100, 0)] {
        let primitives = Primitives::new()
            .with(Primitive::FlowBytesPending, pending)
            .with(Primitive::FlowBytesInFlight, in_flight);
        let mut report = None;
        let call = Call {
            now: Micros(1),
            primitives: &primitives,
            cwnd: 100,
            rate: 0,
            switched: true,
            staged: &mut Staged::new(),
        };
        compiled
            .program
            .invoke(&mut Registers::new(Micros(0)), call, |fields| report = Some(fields.to_vec()));
        assert_eq!(report, Some(vec![limited, 0]));
    }
}

#[test]
fn scopes_are_the_same_with_and_without_stand_ins() {
    let program = "(def (Report (limited false) (state 9)) (x 1))
        (when Flow.app_limited (:= Report.limited Flow.undone) (:= y Flow.idle_us) (:= Report.state (+ x y)) (report))";
    let (all, base) = (
        compile(program).unwrap(),
        Compiler::new().available(Primitive::BASE_MASK).compile(program).unwrap(),
    );
    assert_eq!(all.scope.variables(), base.scope.variables());
    assert_ne!(all.program.code(), base.program.code());
}

#[test]
fn a_primitive_without_stand_in_must_be_there() {
    let diagnostics = Compiler::new()
        .available(Primitive::BASE_MASK & !Primitive::FlowRttSampleUs.mask())
        .compile("(def) (when (> Flow.rtt_sample_us 5) (:= Cwnd 9))")
        .unwrap_err();
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics.to_string().contains("Flow.rtt_sample_us"), "{diagnostics}");
}

#[test]
fn a_portable_program_has_a_form_for_each_datapath_that_can_run_it() {
    let program = "(def (Report (limited false)))
        (when true (:= Report.limited Flow.app_limited) (report))";
    let compiler = Compiler::new();
    let portable = compiler.compile_portable(program).unwrap();
    let all = compiler.compile(program).unwrap();
    let base = compiler.available(Primitive::BASE_MASK);
    let plain = base.compile(program).unwrap().program.code().to_records();
    let full = all.program.code().to_records();
    assert_eq!(portable.scope.variables(), all.scope.variables());

    let forms = portable.forms;
    assert_eq!(forms.fit(filling(u64::MAX)), Ok(&full));
    // One that has what the program reads, and little else.
    let limited = Primitive::FlowAppLimited.mask();
    assert_eq!(forms.fit(filling(limited)), Ok(&full));
    assert_eq!(forms.fit(Abilities::LIBCCP), Ok(&plain));
    let lacking = forms.fit(filling(0)).unwrap_err().to_string();
    assert!(lacking.starts_with("the datapath lacks ") && lacking.contains("Flow.bytes_in_flight"));
    let max_instrs = 1;
    let short = Abilities { max_instrs, ..Abilities::LIBCCP };
    let instrs = plain.instrs.len();
    assert_eq!(forms.fit(short), Err(Misfit::TooLong { instrs, max: max_instrs }));
}

#[test]
fn what_nothing_can_stand_in_for_leaves_the_full_form_alone() {
    // What older datapaths lack has a stand-in each, so one of theirs is taken away.
    let rtt = Primitive::FlowRttSampleUs;
    let forms = compile_portable("(def) (when (> Flow.rtt_sample_us 5) (:= Cwnd 9))");
    assert!(forms.fit(filling(u64::MAX)).is_ok());
    let misfit = forms.fit(filling(!rtt.mask())).unwrap_err();
    let Misfit::Lacks(lacking) = &misfit else { panic!("{misfit}") };
    assert_eq!(lacking.mask(), rtt.mask());
    assert_eq!(misfit.to_string(), "the datapath lacks Flow.rtt_sample_us");
}

#[test]
fn a_library_numbers_programs_from_1_and_identical_ones_once() {
    let program = |cwnd| compile_portable(&format!("(def) (when true (:= Cwnd {cwnd}))"));
    let mut library = Library::default();
    assert!(library.is_empty());
    let numbers = [7, 8, 7, 9, 8].map(|cwnd| library.add(program(cwnd)));
    assert_eq!(numbers, [1, 2, 1, 3, 2]);
    assert_eq!(library.len(), 3);

    let two = Abilities { max_programs: 2, ..Abilities::LIBCCP };
    let full = Misfit::TableFull { number: 3, max: 2 };
    let fitting: Vec<_> = library.fitting(two).collect();
    assert_eq!(fitting[1], (2, library.fit(2, Abilities::LIBCCP)));
    assert_eq!(fitting[2..], [(3, Err(full))]);
    assert!(library.fit(3, Abilities::LIBCCP).is_ok());
    for number in [0, 4] {
        let unknown = Err(Misfit::Unknown(number));
        assert_eq!(library.fit(number, Abilities::LIBCCP), unknown);
    }
}

fn filling(primitives: u64) -> Abilities {
    Abilities { primitives, ..Abilities::LIBCCP }
}

fn compile_portable(program: &str) -> ccp_lang::Forms {
    Compiler::new().compile_portable(program).unwrap().forms
}
