//! What differs from datapath to datapath: abilities, keep-alives, slow readers, those that go.

mod common;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ccp_runtime::{
    AlgSet, CongAlg, Datapath, DatapathInfo, Flow, FlowId, OutboxLimits, Report, Scope,
    SetProgramError, Settings, UpdateError,
};
use ccp_wire::{Hello, HelloFlags, Message, Messages};
use common::{Log, Net, Noting, OTHER, PROGRAM, Rig, create, measure, ready, said};

/// Reads a primitive of ours that older datapaths lack, but that has a stand-in.
const EXTENDED: &str = "
    (def (Report (volatile acked 0) (volatile limited false)))
    (when true
        (:= Report.acked (+ Report.acked Ack.bytes_acked))
        (:= Report.limited Flow.app_limited)
        (report)
    )";

const ALL: u64 = u64::MAX;
const BASE: u64 = 0x7FFF;

fn rig(programs: &[(&'static str, &str)]) -> (Log, Rig<impl AlgSet<Net>>) {
    let log = Log::default();
    let programs = programs.iter().map(|&(name, source)| (name, source.to_owned())).collect();
    let alg = Noting { programs, ..Noting::new(&log) };
    (log, Rig::new(|builder| builder.default_alg(alg)))
}

fn limited(outbox: OutboxLimits) -> (Log, Rig<impl AlgSet<Net>>) {
    let log = Log::default();
    let alg = Noting::new(&log);
    let mut settings = Settings::default();
    settings.outbox = outbox;
    (log, Rig::new(|builder| builder.default_alg(alg).with_settings(settings)))
}

fn hello(primitives: u64) -> Hello {
    Hello { flags: HelloFlags::default(), primitives, max_programs: 100, max_instrs: 255 }
}

fn bytes(hello: Hello) -> Vec<u8> {
    let mut buf = vec![0; hello.encoded_len()];
    hello.encode(&mut buf).unwrap();
    buf
}

/// Which primitives the installed programs read, in order.
fn installed(datagrams: &[Vec<u8>]) -> Vec<u64> {
    let messages = datagrams.iter().flat_map(|datagram| Messages::new(datagram));
    messages
        .filter_map(|message| match message.unwrap() {
            Message::Install(m) => {
                let code = ccp_lang::Code::from_records(m.events, m.instrs).unwrap();
                Some(ccp_lang::Program::verify(code, &Default::default()).unwrap().primitives())
            }
            _ => None,
        })
        .collect()
}

#[test]
fn without_hello_a_program_is_installed_with_its_stand_ins() {
    let (_, mut rig) = rig(&[("main", EXTENDED)]);
    let masks = installed(&rig.send(1, &ready()));
    assert_eq!(masks.len(), 1);
    assert_eq!(masks[0] & !BASE, 0);
    assert_eq!(said(&rig.send(1, &create(1, ""))), ["flow 1 change 1 []"]);
}

#[test]
fn a_hello_beside_the_ready_gets_the_real_form_at_once() {
    let (_, mut rig) = rig(&[("main", EXTENDED)]);
    let sent = rig.send(1, &[ready(), bytes(hello(ALL))].concat());
    assert_eq!(said(&sent), ["alive 200", "install 1"]);
    assert_ne!(installed(&sent)[0] & !BASE, 0);
}

#[test]
fn a_later_hello_has_all_programs_sent_anew_if_a_form_changes() {
    let (_, mut rig) = rig(&[("also", OTHER), ("main", EXTENDED)]);
    rig.send(1, &ready());
    assert_eq!(said(&rig.send(1, &bytes(hello(ALL)))), ["alive 200", "install 1", "install 2"]);
    assert_eq!(said(&rig.send(1, &bytes(hello(ALL)))), ["alive 200"]);
    // Whoever is behind the address now has not said Hello.
    let masks = installed(&rig.send(1, &ready()));
    assert_eq!(masks[1] & !BASE, 0);
}

#[test]
fn a_hello_that_changes_no_form_has_nothing_sent_anew() {
    let (_, mut rig) = rig(&[("main", PROGRAM)]);
    rig.send(1, &ready());
    assert_eq!(said(&rig.send(1, &bytes(hello(ALL)))), ["alive 200"]);
}

#[test]
fn a_program_that_reads_what_the_datapath_lacks_is_refused_by_name() {
    let (log, mut rig) = rig(&[("main", PROGRAM)]);
    let sent = rig.send(1, &[ready(), bytes(hello(ALL & !1)), create(1, "")].concat());
    assert_eq!(said(&sent), ["alive 200"]);
    let expected = "program `main` is not installed: the datapath lacks Ack.bytes_acked";
    assert_eq!(*log.borrow(), ["new 1", expected]);
    assert_eq!(rig.stats().programs_refused, 1);
}

#[test]
fn a_program_too_many_or_too_long_for_the_datapath_is_refused() {
    for (hello, expected) in [
        (
            Hello { max_programs: 1, ..hello(ALL) },
            "program `main` is not installed: it is program 2, the datapath takes 1",
        ),
        (Hello { max_instrs: 2, ..hello(ALL) }, "program `main` is not installed: the program has"),
    ] {
        let (log, mut rig) = rig(&[("first", OTHER), ("main", PROGRAM)]);
        rig.send(1, &[ready(), bytes(hello), create(1, "")].concat());
        assert!(log.borrow()[1].starts_with(expected), "{}", log.borrow()[1]);
    }
}

#[test]
fn keep_alives_go_to_those_who_want_them_when_nothing_else_does() {
    let (_, mut rig) = rig(&[("main", PROGRAM)]);
    let wanted = Hello { flags: HelloFlags::WANTS_KEEPALIVE, ..hello(ALL) };
    rig.send(1, &[ready(), bytes(wanted), create(1, "")].concat());
    rig.send(2, &[ready(), bytes(hello(ALL))].concat());
    rig.send(3, &ready());
    rig.advance(Duration::from_millis(999));
    assert_eq!(said(&rig.net.take(1)), ["alive 200"; 4]);
    rig.advance(Duration::from_millis(101));
    rig.net.take(1);
    rig.send(1, &measure(1, 1, &[5]));
    rig.advance(Duration::from_millis(199));
    assert!(rig.net.take(1).is_empty());
    rig.advance(Duration::from_millis(1));
    assert_eq!(said(&rig.net.take(1)), ["alive 200"]);
    assert!(rig.net.take(2).is_empty());
    assert!(rig.net.take(3).is_empty());
}

#[test]
fn a_hello_or_report_of_an_unknown_datapath_is_ignored() {
    let (_, mut rig) = rig(&[("main", PROGRAM)]);
    assert!(rig.send(1, &bytes(hello(ALL))).is_empty());
    assert_eq!(rig.stats().unknown_datapath, 1);
}

#[test]
fn what_a_slow_reader_has_no_room_for_comes_later_in_order_with_updates_joined() {
    let (log, mut rig) = rig(&[("main", PROGRAM)]);
    rig.net.set_full(1, true);
    rig.send(1, &ready());
    rig.send(1, &create(1, ""));
    rig.send(1, &create(2, ""));
    for acked in 1..=100 {
        rig.send(1, &measure(1, 1, &[acked]));
        rig.send(1, &measure(2, 1, &[acked]));
    }
    rig.net.set_full(1, false);
    assert!(rig.net.take(1).is_empty());
    rig.advance(Duration::from_millis(5));
    assert_eq!(
        said(&rig.net.take(1)),
        [
            "install 1",
            "flow 1 change 1 []",
            "flow 2 change 1 []",
            "flow 1 update [(2, 4, 200)]",
            "flow 2 update [(2, 4, 200)]",
        ]
    );
    assert_eq!(log.borrow().len(), 202);
    assert_eq!(rig.agent.next_timer(), Some(Duration::from_secs(60)));
}

#[test]
fn waiting_updates_of_a_flow_end_with_it() {
    let (_, mut rig) = rig(&[("main", PROGRAM)]);
    rig.send(1, &create(1, ""));
    rig.net.set_full(1, true);
    rig.send(1, &measure(1, 1, &[5]));
    rig.send(1, &measure(1, 0, &[]));
    rig.net.set_full(1, false);
    rig.advance(Duration::from_millis(5));
    assert!(rig.net.take(1).is_empty());
}

#[test]
fn a_ready_drops_what_waits() {
    let (_, mut rig) = rig(&[("main", PROGRAM)]);
    rig.send(1, &create(1, ""));
    rig.net.set_full(1, true);
    rig.send(1, &create(2, ""));
    rig.send(1, &ready());
    rig.net.set_full(1, false);
    rig.advance(Duration::from_millis(5));
    assert_eq!(said(&rig.net.take(1)), ["install 1"]);
}

#[test]
fn a_datapath_that_never_reads_costs_bounded_room_and_harms_no_other() {
    let (log, mut rig) = limited(OutboxLimits::new(50, 4_000));
    rig.send(2, &create(1, ""));
    rig.send(1, &ready());
    rig.net.set_full(1, true);
    for flow in 1..=1_000 {
        rig.send(1, &create(flow, ""));
        rig.send(1, &measure(flow, 1, &[5]));
    }
    assert!(rig.stats().send_queue_full > 900);
    assert!(log.borrow().iter().any(|note| note == "cannot send to the datapath"));
    assert_eq!(said(&rig.send(2, &measure(1, 1, &[5]))), ["flow 1 update [(2, 4, 10)]"]);
    rig.net.set_full(1, false);
    rig.advance(Duration::from_millis(1));
    assert!(rig.net.take(1).len() <= 50);
}

#[test]
fn a_datapath_found_gone_while_sending_loses_its_flows_and_nobody_else_does() {
    let (log, mut rig) = rig(&[("main", PROGRAM)]);
    rig.send(1, &create(1, ""));
    rig.send(1, &create(2, ""));
    rig.send(2, &create(1, ""));
    rig.net.set_gone(1);
    log.borrow_mut().clear();
    rig.send(1, &measure(1, 1, &[5]));
    assert_eq!(*log.borrow(), ["cannot send to the datapath", "report 1 5", "close 1", "close 2"]);
    let stats = rig.stats();
    assert_eq!((stats.datapaths, stats.flows, stats.datapaths_gone), (1, 1, 1));
    assert_eq!(said(&rig.send(2, &measure(1, 1, &[5]))), ["flow 1 update [(2, 4, 10)]"]);
}

#[test]
fn a_datapath_found_gone_while_something_waits_loses_its_flows() {
    let (log, mut rig) = rig(&[("main", PROGRAM)]);
    rig.send(1, &create(1, ""));
    rig.net.set_full(1, true);
    rig.send(1, &measure(1, 1, &[5]));
    rig.net.set_gone(1);
    rig.advance(Duration::from_millis(1));
    assert_eq!(log.borrow().last().unwrap(), "close 1");
    assert_eq!((rig.stats().datapaths, rig.agent.next_timer()), (0, None));
}

#[test]
fn a_silent_datapath_is_probed_each_minute_without_being_sent_anything() {
    let (log, mut rig) = rig(&[("main", PROGRAM)]);
    rig.send(1, &create(1, ""));
    rig.send(2, &create(1, ""));
    rig.advance(Duration::from_secs(59));
    assert!(rig.net.probed().is_empty());
    rig.send(2, &measure(1, 1, &[5]));
    rig.advance(Duration::from_secs(1));
    assert_eq!(rig.net.probed(), [1]);
    rig.advance(Duration::from_secs(180));
    let probed = rig.net.probed();
    assert_eq!(probed.iter().filter(|datapath| **datapath == 1).count(), 3);
    assert!(rig.net.take(1).is_empty());
    log.borrow_mut().clear();
    rig.net.set_gone(1);
    rig.advance(Duration::from_secs(60));
    assert_eq!(*log.borrow(), ["close 1"]);
    assert_eq!(rig.stats().datapaths, 1);
}

#[test]
fn flows_that_come_and_go_leave_nothing_behind() {
    let (log, mut rig) = rig(&[("main", PROGRAM)]);
    let strong = Rc::strong_count(&log);
    for round in 0..1_000 {
        rig.send(1, &create(round, ""));
        rig.send(1, &measure(round, 1, &[5]));
        rig.send(1, &measure(round, 0, &[]));
        log.borrow_mut().clear();
    }
    assert_eq!(Rc::strong_count(&log), strong);
    assert_eq!((rig.stats().flows, rig.stats().flows_created), (0, 1_000));
}

/// Leaves the handles of its flows with the test.
struct Keeping(Kept);

type Kept = Rc<RefCell<Vec<(Datapath<Net>, Scope)>>>;

struct Silent;

impl CongAlg<Net> for Keeping {
    type Flow = Silent;

    fn name() -> &'static str {
        "keeping"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([("main", PROGRAM.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<Net>, _: DatapathInfo) -> Silent {
        let scope = control.set_program("main", None).unwrap();
        self.0.borrow_mut().push((control, scope));
        Silent
    }
}

impl Flow for Silent {
    fn on_report(&mut self, _: FlowId, _: Report<'_>) {}
}

/// A flow whose datapath does not read for now.
fn kept() -> (Rig<impl AlgSet<Net>>, Datapath<Net>, Scope) {
    let handles = Kept::default();
    let mut rig = Rig::new(|builder| builder.default_alg(Keeping(Rc::clone(&handles))));
    rig.send(1, &create(1, ""));
    rig.net.set_full(1, true);
    let (control, scope) = handles.borrow_mut().remove(0);
    (rig, control, scope)
}

fn read(rig: &mut Rig<impl AlgSet<Net>>) -> Vec<String> {
    rig.net.set_full(1, false);
    rig.advance(Duration::from_millis(20));
    said(&rig.net.take(1))
}

#[test]
fn waiting_updates_are_joined_register_by_register_and_the_later_value_counts() {
    let (mut rig, control, scope) = kept();
    control.update_field(&scope, &[("Cwnd", 1), ("gain", 2)]).unwrap();
    control.update_field(&scope, &[("Rate", 3), ("Cwnd", 4)]).unwrap();
    control.update(&[]).unwrap();
    assert_eq!(read(&mut rig), ["flow 1 update [(0, 0, 2), (2, 5, 3), (2, 4, 4)]"]);
}

#[test]
fn a_change_of_program_drops_the_updates_that_wait() {
    let (mut rig, mut control, scope) = kept();
    control.update_field(&scope, &[("Cwnd", 1)]).unwrap();
    control.set_program("main", Some(&[("Cwnd", 2)])).unwrap();
    control.update_field(&scope, &[("Rate", 3)]).unwrap();
    assert_eq!(read(&mut rig), ["flow 1 change 1 [2]", "flow 1 update [(2, 5, 3)]"]);
}

#[test]
fn what_cannot_be_set_is_an_error_by_name_and_nothing_is_sent() {
    let (mut rig, mut control, scope) = kept();
    for (name, expected) in [
        ("gian", "the program has no variable `gian`"),
        ("Report.acked", "`Report.acked` cannot be set from outside the program"),
        ("Micros", "`Micros` cannot be set from outside the program"),
        ("Ack.now", "`Ack.now` cannot be set from outside the program"),
    ] {
        let fields = [("Cwnd", 1), (name, 1)];
        let error = control.update_field(&scope, &fields).unwrap_err();
        assert_eq!(error.to_string(), expected);
        let error = control.set_program("main", Some(&fields)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert!(read(&mut rig).is_empty());
}

#[test]
fn one_message_carries_127_updates_or_222_with_a_change() {
    let (mut rig, mut control, scope) = kept();
    let cwnd = scope.control("Cwnd").unwrap();
    control.update(&vec![(cwnd, 1); 127]).unwrap();
    let error = control.update(&vec![(cwnd, 1); 128]).unwrap_err();
    assert!(matches!(error, UpdateError::TooMany(_)), "{error}");
    control.set_program("main", Some(&vec![("Cwnd", 1); 222])).unwrap();
    let error = control.set_program("main", Some(&vec![("Cwnd", 1); 223])).unwrap_err();
    assert!(matches!(error, SetProgramError::Update(UpdateError::TooMany(_))), "{error}");
    assert_eq!(read(&mut rig).len(), 1);
}
