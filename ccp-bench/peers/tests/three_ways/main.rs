//! Random programs and ACK sequences give the same windows, rates and reports, whoever compiles them
//! and whoever runs them.

mod engines;
mod source;

use std::cell::Cell;

use ccp_peers::inprocess::{Machine, Step, Trap};
use engines::{Compiled, Run, on_libccp, on_ours};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use source::{Choices, Event, Source};

/// A case: one or two programs, and what happens to a flow that runs them.
struct Case {
    sources: Vec<Source>,
    events: Vec<Event>,
}

impl Case {
    fn new(programs: &[Vec<u8>], events: &[u8]) -> Self {
        let sources: Vec<Source> = programs
            .iter()
            .map(|bytes| source::program(&mut Choices::new(bytes)))
            .collect();
        let events = source::events(&mut Choices::new(events), &sources);
        Self { sources, events }
    }

    fn text(&self) -> String {
        self.sources
            .iter()
            .map(|s| s.text.as_str())
            .collect::<Vec<_>>()
            .join("----\n")
    }
}

/// Runs `check` on thousands of random cases.
fn for_all(check: impl Fn(&Case) -> Result<(), TestCaseError>) {
    let bytes = |max| prop::collection::vec(any::<u8>(), 0..max);
    let strategy = (prop::collection::vec(bytes(500), 1..=2), bytes(1500));
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&strategy, |(programs, events)| {
        let case = Case::new(&programs, &events);
        check(&case)
            .map_err(|e| TestCaseError::fail(format!("{e}\n{}\n{:#?}", case.text(), case.events)))
    });
    if let Err(e) = result {
        panic!("{e}");
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
    fn count(&self, steps: &[Step]) {
        let add = |cell: &Cell<usize>, n| cell.set(cell.get() + n);
        add(&self.steps, steps.len());
        add(
            &self.reports,
            steps.iter().filter(|s| s.report.is_some()).count(),
        );
        add(
            &self.windows,
            steps.iter().filter(|s| s.cwnd.is_some()).count(),
        );
        add(
            &self.traps,
            steps.iter().filter(|s| s.trap.is_some()).count(),
        );
    }

    fn check(&self) {
        let [steps, reports, windows, traps, cut] = [
            &self.steps,
            &self.reports,
            &self.windows,
            &self.traps,
            &self.cut,
        ]
        .map(Cell::get);
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
    steps
        .iter()
        .position(|s| s.trap == Some(Trap::Mul))
        .unwrap_or(steps.len())
}

#[test]
fn what_portus_compiles_runs_the_same_on_libccp_and_on_our_machine() {
    let coverage = Coverage::default();
    for_all(|case| {
        let programs: Vec<Compiled> = case.sources.iter().map(Compiled::by_portus).collect();
        let (Run { steps: theirs, .. }, begin) =
            MACHINE.with_borrow_mut(|machine| on_libccp(machine, &programs, &case.events));
        let ours = on_ours(&programs, &case.events, begin);
        let end = before_mul_overflow(&ours);
        if end < ours.len() {
            coverage.cut.set(coverage.cut.get() + 1);
        }
        coverage.count(&ours[..end]);
        prop_assert_eq!(&theirs[..end], &ours[..end]);
        Ok(())
    });
    coverage.check();
}

thread_local! {
    // libccp never frees its flows' memory, so each thread makes do with one.
    static MACHINE: std::cell::RefCell<Machine> = std::cell::RefCell::default();
}

const CASES: u32 = 4000;
