//! Random programs and ACK sequences give the same windows, rates and reports, whoever compiles them
//! and whoever runs them.

mod engines;
mod source;

use std::cell::{Cell, RefCell};

use ccp_lang::Limits;
use ccp_peers::inprocess::{Machine, Step, Trap};
use engines::{Compiled, Run, on_libccp, on_ours};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use source::{Choices, Dialect, Event, Source};

/// A case: one or two programs, and what happens to a flow that runs them.
struct Case {
    sources: Vec<Source>,
    events: Vec<Event>,
}

impl Case {
    fn new(dialect: Dialect, programs: &[Vec<u8>], events: &[u8]) -> Self {
        let sources: Vec<Source> = programs
            .iter()
            .map(|bytes| source::program(&mut Choices::new(bytes), dialect))
            .collect();
        let events = source::events(&mut Choices::new(events), &sources);
        Self { sources, events }
    }

    fn text(&self) -> String {
        self.sources.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join("----\n")
    }
}

/// Runs `check` on thousands of random cases.
fn for_all(dialect: Dialect, check: impl Fn(&Case) -> Result<(), TestCaseError>) {
    let bytes = |max| prop::collection::vec(any::<u8>(), 0..max);
    let strategy = (prop::collection::vec(bytes(500), 1..=2), bytes(1500));
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&strategy, |(programs, events)| {
        let case = Case::new(dialect, &programs, &events);
        check(&case)
            .map_err(|e| TestCaseError::fail(format!("{e}\n{}\n{:?}", case.text(), case.events)))
    });
    match result {
        Ok(()) => {}
        // The bytes that the case was drawn from tell nobody anything.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// How many invocations came to what, to show that the cases are worth running.
#[derive(Default)]
struct Coverage {
    steps: Cell<usize>,
    reports: Cell<usize>,
    windows: Cell<usize>,
    traps: Cell<usize>,
    /// Cases cut short at a product of more than 64 bits, of which libccp notices only some.
    cut: Cell<usize>,
}

impl Coverage {
    /// Counts a case of which the steps before `end` are compared.
    fn count(&self, steps: &[Step], end: usize) {
        let add = |cell: &Cell<usize>, n| cell.set(cell.get() + n);
        add(&self.cut, usize::from(end < steps.len()));
        let steps = &steps[..end];
        add(&self.steps, steps.len());
        add(&self.reports, steps.iter().filter(|s| s.report.is_some()).count());
        add(&self.windows, steps.iter().filter(|s| s.cwnd.is_some()).count());
        add(&self.traps, steps.iter().filter(|s| s.trap.is_some()).count());
    }

    fn check(&self) {
        let [steps, reports, windows, traps, cut] =
            [&self.steps, &self.reports, &self.windows, &self.traps, &self.cut].map(Cell::get);
        println!(
            "{CASES} cases, {cut} cut short at an overflow of MUL; {steps} invocations: \
             {reports} reports, {windows} windows set, {traps} traps"
        );
        assert!(steps > 4 * CASES as usize && reports > steps / 10 && windows > steps / 4);
        assert!(traps > steps / 50 && traps < steps * 3 / 4);
    }
}

/// How many steps come before the first overflow of MUL.
fn before_mul_overflow(steps: &[Step]) -> usize {
    steps.iter().position(|s| s.trap == Some(Trap::Mul)).unwrap_or(steps.len())
}

#[test]
fn what_portus_compiles_runs_the_same_on_libccp_and_on_our_machine() {
    let coverage = Coverage::default();
    for_all(Dialect::Portus, |case| {
        let programs = compile_all(case, Compiled::by_portus)?;
        let (Run { steps: theirs, .. }, begin) =
            MACHINES.with_borrow_mut(|[machine, _]| on_libccp(machine, &programs, &case.events, 0));
        let ours = on_ours(&programs, Limits::LIBCCP, &case.events, begin);
        let end = before_mul_overflow(&ours);
        coverage.count(&ours, end);
        prop_assert_eq!(&theirs[..end], &ours[..end]);
        Ok(())
    });
    coverage.check();
}

#[test]
fn windows_rates_and_reports_are_the_same_three_ways() {
    let coverage = Coverage::default();
    for_all(Dialect::Portus, |case| {
        let by_portus = compile_all(case, Compiled::by_portus)?;
        let by_ours = compile_all(case, Compiled::by_ours)?;
        let (theirs, ours_on_libccp, begin) = MACHINES.with_borrow_mut(|[first, second]| {
            // Programs read the time since the datapath's start, so both flows begin at the same.
            let begin = first.elapsed_us().max(second.elapsed_us());
            let (theirs, begin_us) = on_libccp(first, &by_portus, &case.events, begin);
            let (ours, second_begin_us) = on_libccp(second, &by_ours, &case.events, begin);
            assert_eq!(begin_us, second_begin_us);
            (theirs, ours, begin_us)
        });
        let ours = on_ours(&by_ours, Limits::LIBCCP, &case.events, begin);
        // Only our machine notices every overflow of MUL, so it says where either code has one.
        let end = before_mul_overflow(&ours).min(before_mul_overflow(&on_ours(
            &by_portus,
            Limits::LIBCCP,
            &case.events,
            begin,
        )));
        coverage.count(&ours, end);
        prop_assert_eq!(&ours_on_libccp.steps[..end], &ours[..end]);
        for (at, (a, b)) in theirs.steps.iter().zip(&ours).take(end).enumerate() {
            let is_bool = &case.sources[theirs.programs[at]].report_is_bool;
            // `||` is a sum in portus's code, so its true may be 2.
            prop_assert_eq!(as_booleans(a, is_bool), as_booleans(b, is_bool), "ACK {}", at);
        }
        Ok(())
    });
    coverage.check();
}

#[test]
fn instructions_are_portus_s_byte_by_byte_where_the_translation_is_plain() {
    let plain = Cell::new(0);
    for_all(Dialect::Portus, |case| {
        for source in &case.sources {
            // `||` is MAX here and ADD there.
            if source.text.contains("(|| ") || source.text.contains("(or ") {
                continue;
            }
            let (theirs, ours) = (Compiled::by_portus(source)?, Compiled::by_ours(source)?);
            let same = theirs.events == ours.events && theirs.instrs == ours.instrs;
            prop_assert!(same, "portus:\n{}\nours:\n{}", theirs.listing(), ours.listing());
            plain.set(plain.get() + 1);
        }
        Ok(())
    });
    println!("{} programs are the same byte by byte", plain.get());
    assert!(plain.get() > CASES as usize / 4);
}

#[test]
fn expressions_too_long_for_portus_mean_the_same_on_libccp() {
    let coverage = Coverage::default();
    let (long, too_long) = (Cell::new(0), Cell::new(0));
    for_all(Dialect::Long, |case| {
        let Some(by_ours) = compile_ours(case)? else {
            too_long.set(too_long.get() + 1);
            return Ok(());
        };
        let by_portus = compile_all(case, Compiled::by_portus)?;
        let (on_libccp, begin) =
            MACHINES.with_borrow_mut(|[machine, _]| on_libccp(machine, &by_ours, &case.events, 0));
        let ours = on_ours(&by_ours, Limits::LIBCCP, &case.events, begin);
        // What portus means, on a machine with the temporaries that its code needs.
        let meant = on_ours(&by_portus, Limits::MACHINE, &case.events, begin);
        let end = before_mul_overflow(&ours).min(before_mul_overflow(&meant));
        coverage.count(&ours, end);
        let is_long = by_portus.iter().any(|p| p.temporaries() > LIBCCP_TEMPORARIES);
        long.set(long.get() + usize::from(is_long));
        prop_assert_eq!(&on_libccp.steps[..end], &ours[..end]);
        for (at, (a, b)) in meant.iter().zip(&ours).take(end).enumerate() {
            let is_bool = &case.sources[on_libccp.programs[at]].report_is_bool;
            prop_assert_eq!(as_booleans(a, is_bool), as_booleans(b, is_bool), "ACK {}", at);
        }
        Ok(())
    });
    coverage.check();
    let (long, too_long) = (long.get(), too_long.get());
    println!("{long} cases with more than 8 operators in an expression; {too_long} refused");
    assert!(long > CASES as usize / 4 && too_long < CASES as usize / 20);
}

#[test]
fn what_only_our_language_has_runs_the_same_on_libccp() {
    let coverage = Coverage::default();
    for_all(Dialect::Ours, |case| {
        let Some(by_ours) = compile_ours(case)? else {
            return Ok(());
        };
        let (on_libccp, begin) =
            MACHINES.with_borrow_mut(|[machine, _]| on_libccp(machine, &by_ours, &case.events, 0));
        let ours = on_ours(&by_ours, Limits::LIBCCP, &case.events, begin);
        let end = before_mul_overflow(&ours);
        coverage.count(&ours, end);
        prop_assert_eq!(&on_libccp.steps[..end], &ours[..end]);
        Ok(())
    });
    coverage.check();
}

/// What our compiler makes of the programs; `None` when it says that one needs more temporaries than
/// libccp has.
fn compile_ours(case: &Case) -> Result<Option<Vec<Compiled>>, TestCaseError> {
    let too_long =
        |s: &Source| ccp_lang::compile(&s.text).is_err_and(|e| e.to_string().contains("E0604"));
    if case.sources.iter().any(too_long) {
        return Ok(None);
    }
    compile_all(case, Compiled::by_ours).map(Some)
}

fn compile_all(
    case: &Case,
    compile: fn(&Source) -> Result<Compiled, TestCaseError>,
) -> Result<Vec<Compiled>, TestCaseError> {
    case.sources.iter().map(compile).collect()
}

/// The step with every Bool of its report as 0 or 1.
fn as_booleans(step: &Step, is_bool: &[bool]) -> Step {
    let mut step = step.clone();
    for (value, is_bool) in step.report.iter_mut().flatten().zip(is_bool) {
        if *is_bool {
            *value = u64::from(*value != 0);
        }
    }
    step
}

thread_local! {
    // libccp never frees its flows' memory, so each thread makes do with one for each compiler.
    static MACHINES: RefCell<[Machine; 2]> = RefCell::default();
}

const CASES: u32 = 4000;
const LIBCCP_TEMPORARIES: u32 = 8;
