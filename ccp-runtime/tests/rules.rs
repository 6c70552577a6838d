//! Every rule of the agent, one test each, in virtual time.

mod common;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ccp_runtime::{
    CongAlg, Datapath, DatapathInfo, Fields, Flow, FlowId, Report, RunError, SetProgramError,
    Settings,
};
use ccp_wire::{Message, Messages};
use common::{
    Log, Net, Noting, NotingFlow, OTHER, PROGRAM, Rig, builder, create, measure, ready, said,
};

fn noting() -> (Log, Rig<impl ccp_runtime::AlgSet<Net>>) {
    let log = Log::default();
    let alg = Noting::new(&log);
    (log, Rig::new(|builder| builder.default_alg(alg)))
}

fn take(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.borrow_mut())
}

/// An algorithm under another name.
struct Named<const N: usize>(Noting);

const NAMES: [&str; 3] = ["zero", "one", "two"];

impl<const N: usize> CongAlg<Net> for Named<N> {
    type Flow = NotingFlow;

    fn name() -> &'static str {
        NAMES[N]
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        self.0.datapath_programs()
    }

    fn new_flow(&self, control: Datapath<Net>, info: DatapathInfo) -> NotingFlow {
        self.0.log.borrow_mut().push(NAMES[N].to_owned());
        self.0.new_flow(control, info)
    }
}

fn named<const N: usize>(log: &Log, programs: &[(&'static str, &str)]) -> Named<N> {
    let programs = programs.iter().map(|&(name, source)| (name, source.to_owned())).collect();
    Named(Noting { programs, ..Noting::new(log) })
}

#[test]
fn a_report_reaches_its_flow_and_the_answer_goes_back() {
    let (log, mut rig) = noting();
    assert_eq!(said(&rig.send(1, &ready())), ["install 1"]);
    assert_eq!(said(&rig.send(1, &create(7, ""))), ["flow 7 change 1 []"]);
    assert_eq!(said(&rig.send(1, &measure(7, 1, &[1448]))), ["flow 7 update [(2, 4, 2896)]"]);
    assert_eq!(take(&log), ["new 7", "report 7 1448"]);
    let stats = rig.stats();
    assert_eq!((stats.datapaths, stats.flows, stats.reports, stats.readies), (1, 1, 1, 1));
}

#[test]
fn the_info_is_what_create_said() {
    struct Asserting;
    struct Silent;
    impl CongAlg<Net> for Asserting {
        type Flow = Silent;
        fn name() -> &'static str {
            "asserting"
        }
        fn datapath_programs(&self) -> HashMap<&'static str, String> {
            HashMap::new()
        }
        fn new_flow(&self, control: Datapath<Net>, info: DatapathInfo) -> Silent {
            assert_eq!((control.flow_id(), info.flow), (FlowId(9), FlowId(9)));
            assert_eq!((info.init_cwnd, info.mss), (14_480, 1_448));
            assert_eq!((info.src_ip, info.src_port, info.dst_ip, info.dst_port), (1, 2, 3, 4));
            assert!(info.address.is_none());
            Silent
        }
    }
    impl Flow for Silent {
        fn on_report(&mut self, _: FlowId, _: Report<'_>) {}
    }
    let mut rig = Rig::new(|builder| builder.default_alg(Asserting));
    rig.send(1, &create(9, ""));
    assert_eq!((rig.stats().flows, rig.stats().flow_panics), (1, 0));
}

#[test]
fn a_program_that_does_not_compile_is_named_with_its_algorithm_and_the_place() {
    let log = Log::default();
    let net = Net::default();
    let wrong = "(def (Report (acked 0)))\n(when true (:= Report.acked oops) (report))";
    let outcome = builder(&net)
        .default_alg(named::<0>(&log, &[("main", PROGRAM)]))
        .additional_alg(named::<1>(&log, &[("main", PROGRAM), ("second", wrong)]))
        .build();
    let error = outcome.err().unwrap();
    assert!(matches!(error, RunError::Compile("one", "second", _)));
    let text = error.to_string();
    assert!(text.contains("`second`") && text.contains("`one`") && text.contains("2:"), "{text}");
    assert!(net.take(1).is_empty());
}

#[test]
fn programs_are_numbered_in_one_order_and_identical_ones_are_installed_once() {
    for _ in 0..8 {
        let log = Log::default();
        let mut rig = Rig::new(|builder| {
            builder
                .default_alg(named::<0>(&log, &[("b", OTHER), ("main", PROGRAM)]))
                .additional_alg(named::<1>(&log, &[("main", OTHER), ("twin", PROGRAM)]))
        });
        assert_eq!(said(&rig.send(1, &ready())), ["install 1", "install 2"]);
        assert_eq!(said(&rig.send(1, &create(1, "zero"))), ["flow 1 change 2 []"]);
    }
}

#[test]
fn program_names_belong_to_their_algorithm() {
    let log = Log::default();
    let mut rig = Rig::new(|builder| {
        builder
            .default_alg(named::<0>(&log, &[("main", PROGRAM)]))
            .additional_alg(named::<1>(&log, &[("main", OTHER)]))
            .additional_alg(named::<2>(&log, &[("only", OTHER)]))
    });
    rig.send(1, &ready());
    assert_eq!(said(&rig.send(1, &create(1, "zero"))), ["flow 1 change 1 []"]);
    assert_eq!(said(&rig.send(1, &create(2, "one"))), ["flow 2 change 2 []"]);
    assert!(rig.send(1, &create(3, "two")).is_empty());
    assert!(log.borrow().contains(&"algorithm `two` has no program `main`".to_owned()));
}

#[test]
fn ten_programs_are_installed_one_per_datagram() {
    let log = Log::default();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "main"];
    let sources: Vec<_> =
        (0..10).map(|i| PROGRAM.replace("(gain 1)", &format!("(gain {i})"))).collect();
    let programs: Vec<_> = names.into_iter().zip(sources.iter().map(String::as_str)).collect();
    let mut rig = Rig::new(|builder| builder.default_alg(named::<0>(&log, &programs)));
    let installs = said(&rig.send(1, &ready()));
    assert_eq!(installs, (1..=10).map(|uid| format!("install {uid}")).collect::<Vec<_>>());
    assert_eq!(rig.stats().installs, 10);
}

#[test]
fn a_ready_closes_the_flows_of_its_address_and_installs_again() {
    let (log, mut rig) = noting();
    rig.send(1, &create(2, ""));
    rig.send(1, &create(1, ""));
    rig.send(2, &create(1, ""));
    take(&log);
    assert_eq!(said(&rig.send(1, &ready())), ["install 1"]);
    assert_eq!(take(&log), ["close 1", "close 2"]);
    assert_eq!(rig.stats().flows, 1);
    assert!(rig.send(1, &measure(1, 1, &[5])).is_empty());
    assert_eq!(rig.stats().unknown_flow, 1);
}

#[test]
fn a_create_from_an_unknown_address_gets_the_programs_first() {
    let (_, mut rig) = noting();
    assert_eq!(said(&rig.send(1, &create(1, ""))), ["install 1", "flow 1 change 1 []"]);
    assert_eq!(said(&rig.send(1, &create(2, ""))), ["flow 2 change 1 []"]);
}

#[test]
fn a_create_of_a_known_flow_closes_and_replaces_it() {
    let (log, mut rig) = noting();
    rig.send(1, &create(1, ""));
    assert_eq!(said(&rig.send(1, &create(1, ""))), ["flow 1 change 1 []"]);
    assert_eq!(take(&log), ["new 1", "close 1", "new 1"]);
    assert_eq!((rig.stats().flows, rig.stats().flows_created, rig.stats().flows_closed), (1, 2, 1));
}

#[test]
fn create_chooses_by_name_the_last_added_among_equals_and_else_the_default() {
    let log = Log::default();
    let other = [("main", OTHER)];
    let mut rig = Rig::new(|builder| {
        builder
            .default_alg(named::<0>(&log, &[("main", PROGRAM)]))
            .additional_alg(named::<1>(&log, &[("main", PROGRAM)]))
            .additional_alg(named::<1>(&log, &other))
            .try_additional_alg::<Named<2>>(None)
            .additional_alg::<Named<1>, _>(None)
    });
    rig.send(1, &ready());
    assert_eq!(said(&rig.send(1, &create(1, "one"))), ["flow 1 change 2 []"]);
    for (flow, asked) in [(2, ""), (3, "reno"), (4, "zero"), (5, "two")] {
        let expected = format!("flow {flow} change 1 []");
        assert_eq!(said(&rig.send(1, &create(flow, asked))), [expected], "{asked}");
    }
}

#[test]
fn a_measure_without_fields_closes_its_flow_once() {
    let (log, mut rig) = noting();
    rig.send(1, &create(1, ""));
    rig.send(1, &measure(1, 0, &[]));
    rig.send(1, &measure(1, 0, &[]));
    assert_eq!(take(&log), ["new 1", "close 1"]);
    assert_eq!((rig.stats().flows, rig.stats().unknown_flow), (0, 1));
}

#[test]
fn what_an_agent_cannot_use_is_counted_by_reason_and_harms_nobody() {
    let (log, mut rig) = noting();
    rig.send(1, &create(1, ""));
    let from_agent = {
        let (_, mut other) = noting();
        let mut all = other.send(9, &create(1, ""));
        all.extend(other.send(9, &measure(1, 1, &[1])));
        all.concat()
    };
    let mut alive = [0; 16];
    ccp_wire::Alive { interval_ms: 5 }.encode(&mut alive).unwrap();
    rig.send(1, &from_agent);
    rig.send(1, &alive);
    assert_eq!(rig.stats().agent_only, 4);
    rig.send(1, &[200, 1, 8, 0, 0, 0, 0, 0]);
    assert_eq!(rig.stats().unknown_type, 1);
    rig.send(7, &measure(1, 1, &[5]));
    assert_eq!(rig.stats().unknown_datapath, 1);
    rig.send(1, &measure(3, 1, &[5]));
    assert_eq!(rig.stats().unknown_flow, 1);
    let mut lying = measure(1, 1, &[5]);
    lying[12] = 9;
    let mut nameless = create(1, "");
    nameless[32..].fill(b'x');
    let malformed = [vec![1], vec![1, 0, 3, 0, 0, 0, 0, 0], lying, nameless];
    for datagram in &malformed {
        rig.send(1, datagram);
    }
    assert_eq!(rig.stats().malformed, 4);
    rig.send(1, &vec![0; 100_000]);
    assert_eq!(rig.stats().truncated, 1);
    rig.send(1, &[]);
    assert_eq!(rig.stats().datapaths, 1);
    assert_eq!(said(&rig.send(1, &measure(1, 1, &[5]))), ["flow 1 update [(2, 4, 10)]"]);
    assert_eq!(take(&log), ["new 1", "report 1 5"]);
}

#[test]
fn several_messages_in_a_datagram_are_handled_in_order_past_a_wrong_one() {
    let (log, mut rig) = noting();
    let mut wrong = create(5, "");
    wrong[32..].fill(0xFF);
    let datagram = [ready(), wrong, create(1, ""), measure(1, 1, &[5]), measure(1, 0, &[])];
    let sent = rig.send(1, &datagram.concat());
    assert_eq!(said(&sent), ["install 1", "flow 1 change 1 []", "flow 1 update [(2, 4, 10)]"]);
    assert_eq!(take(&log), ["new 1", "report 1 5", "close 1"]);
}

#[test]
fn a_panic_in_a_callback_ends_its_flow_alone() {
    for callback in ["new_flow", "on_report", "close", "drop"] {
        let log = Log::default();
        let bad = Noting { panics_in: callback, ..Noting::new(&log) };
        let good = named::<1>(&log, &[("main", PROGRAM)]);
        let mut rig = Rig::new(|builder| builder.default_alg(bad).additional_alg(good));
        rig.send(1, &create(1, "one"));
        rig.send(1, &create(2, "noting"));
        rig.send(1, &measure(2, 1, &[5]));
        rig.send(1, &measure(2, 0, &[]));
        assert_eq!(rig.stats().flow_panics, 1, "{callback}");
        assert_eq!(rig.stats().flows, 1, "{callback}");
        let answer = rig.send(1, &measure(1, 1, &[5]));
        assert_eq!(said(&answer), ["flow 1 update [(2, 4, 10)]"], "{callback}");
        assert_eq!(said(&rig.send(1, &create(3, "one"))), ["flow 3 change 1 []"], "{callback}");
    }
}

#[test]
fn closing_the_agent_closes_all_flows_and_the_transport() {
    let (log, mut rig) = noting();
    rig.send(1, &create(2, ""));
    rig.send(1, &create(1, ""));
    take(&log);
    assert!(!rig.net.is_closed());
    rig.agent.close();
    assert_eq!(take(&log), ["close 1", "close 2"]);
    assert!(rig.net.is_closed());
}

#[test]
fn a_handle_of_a_flow_that_has_ended_reaches_nobody() {
    let kept: Rc<RefCell<Vec<Datapath<Net>>>> = Rc::default();
    struct Keeping(Rc<RefCell<Vec<Datapath<Net>>>>);
    struct Silent;
    impl CongAlg<Net> for Keeping {
        type Flow = Silent;
        fn name() -> &'static str {
            "keeping"
        }
        fn datapath_programs(&self) -> HashMap<&'static str, String> {
            HashMap::from([("main", PROGRAM.to_owned())])
        }
        fn new_flow(&self, control: Datapath<Net>, _: DatapathInfo) -> Silent {
            self.0.borrow_mut().push(control);
            Silent
        }
    }
    impl Flow for Silent {
        fn on_report(&mut self, _: FlowId, _: Report<'_>) {}
    }
    let mut rig = Rig::new(|builder| builder.default_alg(Keeping(Rc::clone(&kept))));
    rig.send(1, &create(1, ""));
    rig.send(1, &create(1, ""));
    let mut old = kept.borrow_mut().remove(0);
    assert_eq!(old.set_program("main", None).unwrap_err().to_string(), "the flow has ended");
    let mut new = kept.borrow_mut().remove(0);
    new.set_program("main", Some(&[("gain", 3), ("Rate", 4)])).unwrap();
    assert_eq!(said(&rig.net.take(1)), ["flow 1 change 1 [3, 4]"]);
}

#[test]
fn a_datapath_more_than_allowed_is_ignored_and_so_are_its_flows() {
    let log = Log::default();
    let mut settings = Settings::default();
    (settings.max_flows, settings.max_datapaths) = (2, 1);
    let alg = Noting::new(&log);
    let mut rig = Rig::new(|builder| builder.default_alg(alg).with_settings(settings));
    for flow in 1..=4 {
        rig.send(1, &create(flow, ""));
    }
    rig.send(1, &create(2, ""));
    assert!(rig.send(2, &ready()).is_empty());
    assert!(rig.send(2, &create(1, "")).is_empty());
    let stats = rig.stats();
    assert_eq!((stats.flows, stats.flows_capped), (2, 2));
    assert_eq!((stats.datapaths, stats.datapaths_capped), (1, 2));
}

#[test]
fn an_address_belongs_to_the_create_after_it_in_its_datagram() {
    struct Six(Rc<RefCell<Vec<bool>>>);
    struct Silent;
    impl CongAlg<Net> for Six {
        type Flow = Silent;
        fn name() -> &'static str {
            "six"
        }
        fn datapath_programs(&self) -> HashMap<&'static str, String> {
            HashMap::new()
        }
        fn new_flow(&self, _: Datapath<Net>, info: DatapathInfo) -> Silent {
            self.0.borrow_mut().push(info.address.is_some_and(|a| a.dst[15] == 1));
            Silent
        }
    }
    impl Flow for Silent {
        fn on_report(&mut self, _: FlowId, _: Report<'_>) {}
    }
    let seen = Rc::default();
    let mut rig = Rig::new(|builder| builder.default_alg(Six(Rc::clone(&seen))));
    let mut address = ccp_wire::Address {
        flow: FlowId(1),
        family: ccp_wire::Family::V6,
        src: [0; 16],
        dst: [0; 16],
    };
    address.dst[15] = 1;
    let mut buf = [0; 64];
    let len = address.encode(&mut buf).unwrap();
    let address = &buf[..len];
    rig.send(1, &[address, &create(1, "")].concat());
    rig.send(1, &create(1, ""));
    rig.send(1, &[address, &create(2, ""), &create(1, "")].concat());
    rig.send(1, address);
    rig.send(1, &create(1, ""));
    assert_eq!(*seen.borrow(), [true, false, false, false, false]);
}

#[test]
fn an_install_carries_the_program_that_was_compiled() {
    let (_, mut rig) = noting();
    let sent = rig.send(1, &ready());
    let Some(Ok(Message::Install(install))) = Messages::new(&sent[0]).next() else { panic!() };
    let code = ccp_lang::Code::from_records(install.events, install.instrs).unwrap();
    assert_eq!(code, *ccp_lang::Compiler::new().compile(PROGRAM).unwrap().program.code());
}

#[test]
fn a_stale_or_short_report_is_an_error_for_the_flow_alone() {
    let (log, mut rig) = noting();
    rig.send(1, &create(1, ""));
    rig.send(1, &measure(1, 2, &[5]));
    rig.send(1, &measure(1, 1, &[5]));
    let notes = take(&log);
    assert_eq!(notes[1], "the report is of program 2, the scope of program 1");
    assert_eq!(notes[2], "report 1 5");
    rig.advance(Duration::from_secs(1));
}

ccp_runtime::report! {
    struct Seen {
        acked: u64,
        lost: bool,
    }
}

/// Writes down what it reads, or why it cannot begin.
struct Reading(Log);

struct ReadingFlow {
    log: Log,
    seen: Option<Fields<Seen>>,
}

impl CongAlg<Net> for Reading {
    type Flow = ReadingFlow;

    fn name() -> &'static str {
        "reading"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let first = "(def (Report (acked 0) (lost false))) (when true (report))";
        let second = "(def (Report (lost false) (ackd 0))) (when true (report))";
        HashMap::from([("first", first.to_owned()), ("second", second.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<Net>, info: DatapathInfo) -> ReadingFlow {
        let name = if info.flow.0 == 1 { "first" } else { "second" };
        let mut seen = || Ok(control.set_program(name, None)?.fields()?);
        let seen: Result<_, SetProgramError> = seen();
        if let Err(error) = &seen {
            self.0.borrow_mut().push(error.to_string());
        }
        ReadingFlow { log: Rc::clone(&self.0), seen: seen.ok() }
    }
}

impl Flow for ReadingFlow {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        let read = self.seen.map(|seen| report.get(seen));
        self.log.borrow_mut().push(format!("{read:?}"));
    }
}

#[test]
fn a_report_is_a_struct_of_its_program_only_and_a_field_it_lacks_is_named_at_the_start() {
    let log = Log::default();
    let mut rig = Rig::new(|builder| builder.default_alg(Reading(Rc::clone(&log))));
    rig.send(1, &create(1, ""));
    rig.send(1, &create(2, ""));
    rig.send(1, &measure(1, 1, &[5, 1]));
    rig.send(1, &measure(1, 2, &[5, 1]));
    rig.send(1, &measure(1, 1, &[5]));
    rig.send(1, &measure(2, 2, &[0, 5]));
    assert_eq!(
        take(&log),
        [
            "the program has no variable `Report.acked`",
            "Some(Ok(Seen { acked: 5, lost: true }))",
            "Some(Err(Stale(ProgramUid(2), ProgramUid(1))))",
            "Some(Err(TooShort(1, 1)))",
            "None",
        ]
    );
}
