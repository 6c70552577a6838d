//! The wire's records and the printed form.

use ccp_lang::{
    Class, Code, Event, Instr, Limits, Op, Operand, Primitive, Program, ProgramError, Record,
    RecordError, Reg,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// `(def (Report (volatile acked 0)) (limit 100)) (when (> Micros limit) …)`, by hand.
fn sample() -> Code {
    let acked = Reg::volatile_report(0);
    let limit = Reg::control(0);
    Code {
        events: vec![Event { flag_idx: 2, num_flag_instrs: 1, body_idx: 3, num_body_instrs: 4 }],
        instrs: vec![
            Instr::def(acked, 0),
            Instr::def(limit, 100),
            Instr::new(Op::Gt, Reg::EVENT_FLAG, Reg::MICROS, limit),
            Instr::new(Op::Add, Reg::temp(0), acked, Reg::primitive(Primitive::AckBytesAcked)),
            Instr::bind(acked, Reg::temp(0)),
            Instr::new(Op::If, Reg::CWND, Reg::local(2), Reg::immediate(u32::MAX)),
            Instr::bind(Reg::SHOULD_REPORT, Reg::immediate(1)),
        ],
    }
}

#[rustfmt::skip]
const EVENT: Record = [2, 0, 0, 0,  1, 0, 0, 0,  3, 0, 0, 0,  4, 0, 0, 0];

#[rustfmt::skip]
const INSTRS: [Record; 7] = [
    [2,   5, 0, 0, 0, 0,   5, 0, 0, 0, 0,   1, 0, 0, 0, 0],
    [2,   0, 0, 0, 0, 0,   0, 0, 0, 0, 0,   1, 100, 0, 0, 0],
    [6,   2, 0, 0, 0, 0,   2, 3, 0, 0, 0,   0, 0, 0, 0, 0],
    [0,   7, 0, 0, 0, 0,   5, 0, 0, 0, 0,   4, 0, 0, 0, 0],
    [1,   5, 0, 0, 0, 0,   5, 0, 0, 0, 0,   7, 0, 0, 0, 0],
    [7,   2, 4, 0, 0, 0,   3, 2, 0, 0, 0,   1, 255, 255, 255, 255],
    [1,   2, 2, 0, 0, 0,   2, 2, 0, 0, 0,   1, 1, 0, 0, 0],
];

#[test]
fn records_are_those_of_the_wire() {
    let records = sample().to_records();
    assert_eq!(records.events, [EVENT]);
    assert_eq!(records.instrs, INSTRS);
    assert_eq!(Code::from_records(&[EVENT], &INSTRS), Ok(sample()));
}

#[test]
fn bytes_are_the_counts_and_the_records() {
    let bytes = sample().to_bytes();
    assert_eq!(bytes[..8], [1, 0, 0, 0, 7, 0, 0, 0]);
    assert_eq!(bytes[8..24], EVENT);
    assert_eq!(bytes[24..], *INSTRS.as_flattened());
    assert_eq!(Code::from_bytes(&bytes), Ok(sample()));
}

#[test]
fn every_other_length_of_the_bytes_is_refused() {
    let mut bytes = sample().to_bytes();
    for len in 0..bytes.len() {
        let want = if len < 8 { 8 } else { bytes.len() as u64 };
        let error = RecordError::Length { want, have: len };
        assert_eq!(Code::from_bytes(&bytes[..len]), Err(error));
    }
    bytes.push(0);
    assert!(Code::from_bytes(&bytes).is_err());
}

#[test]
fn counts_that_no_memory_could_hold_are_refused() {
    let bytes = [0xFF; 24];
    let want = 8 + 16 * 2 * u64::from(u32::MAX);
    let error = RecordError::Length { want, have: 24 };
    assert_eq!(Code::from_bytes(&bytes), Err(error));
}

#[test]
fn a_bad_record_is_named_with_place_and_value() {
    let mut instrs = INSTRS;
    instrs[4][0] = 15;
    let error = RecordError::UnknownOpcode { at: 4, opcode: 15 };
    assert_eq!(Code::from_records(&[EVENT], &instrs), Err(error));
    assert_eq!(error.to_string(), "instruction 4: unknown opcode 15");

    for (byte, operand) in [(1, Operand::Result), (6, Operand::Left), (11, Operand::Right)] {
        let mut instrs = INSTRS;
        instrs[2][byte] = 9;
        let error = RecordError::UnknownClass { at: 2, operand, class: 9 };
        assert_eq!(Code::from_records(&[], &instrs), Err(error));
    }
    let error = Program::from_records(&[EVENT], &instrs, &Limits::default());
    assert!(matches!(error, Err(ProgramError::Record(_))));
}

#[test]
fn a_program_prints_with_names_and_ranges() {
    let expected = "
   0  DEF     vreport.0, #0
   1  DEF     control.0, #100
event 0: flag 2..3, body 3..7
   2  GT      eventFlag, Micros, control.0
   3  ADD     tmp.0, vreport.0, Ack.bytes_acked
   4  BIND    vreport.0, tmp.0
   5  IF      Cwnd, local.2, #inf
   6  BIND    shouldReport, #1
";
    assert_eq!(format!("\n{}", sample()), expected);
}

#[test]
fn an_event_outside_the_program_still_prints() {
    let mut code = sample();
    code.events[0].flag_idx = u32::MAX;
    let text = code.to_string();
    assert!(text.ends_with("event 0: flag 4294967295..4294967296, body 3..7\n"));
}

fn any_reg() -> impl Strategy<Value = Reg> {
    (select(Class::ALL), any::<u32>()).prop_map(|(class, index)| Reg::new(class, index))
}

fn any_instr() -> impl Strategy<Value = Instr> {
    (select(Op::ALL), any_reg(), any_reg(), any_reg())
        .prop_map(|(op, result, left, right)| Instr::new(op, result, left, right))
}

fn any_event() -> impl Strategy<Value = Event> {
    any::<[u32; 4]>().prop_map(|[flag_idx, num_flag_instrs, body_idx, num_body_instrs]| Event {
        flag_idx,
        num_flag_instrs,
        body_idx,
        num_body_instrs,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_code_survives_its_records_and_bytes(
        events in vec(any_event(), 0..20),
        instrs in vec(any_instr(), 0..60),
    ) {
        let code = Code { events, instrs };
        let records = code.to_records();
        prop_assert_eq!(
            Code::from_records(&records.events, &records.instrs),
            Ok(code.clone())
        );
        prop_assert_eq!(Code::from_bytes(&code.to_bytes()), Ok(code.clone()));
        // Printing and verifying take anything.
        prop_assert!(!code.to_string().is_empty() || code == Code::default());
        let _ = Program::verify(code, &Limits::default());
    }

    #[test]
    fn any_record_is_read_or_refused(record in any::<Record>()) {
        if let Ok(instr) = Instr::from_record(&record, 0) {
            prop_assert_eq!(instr.to_record(), record);
        }
        prop_assert_eq!(Event::from_record(&record).to_record(), record);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(code) = Code::from_bytes(&bytes) {
            prop_assert_eq!(code.to_bytes(), bytes);
        }
    }
}
