//! Printed programs are read back as they were, whatever they hold; other text never harms.

#[allow(dead_code, reason = "its ACKs are for the tests that run programs")]
mod generate;

use ccp_lang::{Class, Code, Event, Instr, Op, Reg};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Numbers that matter, and all others.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..40_u32, 1 => select(vec![u32::MAX, u32::MAX - 1]), 1 => any::<u32>()]
}

/// Any code that records can hold, mostly one that no verifier takes.
fn any_code() -> impl Strategy<Value = Code> {
    let reg = || (select(Class::ALL), word()).prop_map(|(class, index)| Reg::new(class, index));
    let instr = (select(Op::ALL), reg(), reg(), reg(), any::<bool>()).prop_map(
        |(op, to, left, right, own)| Instr::new(op, to, if own { to } else { left }, right),
    );
    let event = (word(), word(), word(), word()).prop_map(|(flag_idx, flags, body_idx, bodies)| {
        Event { flag_idx, num_flag_instrs: flags, body_idx, num_body_instrs: bodies }
    });
    (vec(event, 0..6), vec(instr, 0..12)).prop_map(|(events, instrs)| Code { events, instrs })
}

/// Text of the parts that a printed program has, in no order.
fn parts() -> impl Strategy<Value = String> {
    let part = select(vec![
        "event",
        "0",
        "1",
        ":",
        " flag ",
        " body ",
        "0..1",
        "1..0",
        "..",
        ",",
        ", ",
        "\n",
        ";",
        "#",
        "#5",
        "#inf",
        "tmp.0",
        "tmp.",
        ".",
        "Cwnd",
        "Ack.now",
        "ADD ",
        "BIND ",
        "DEF ",
        "4294967296",
        "ü",
        "\t",
        "\r\n",
        "\0",
        "event 0: flag 0..1, body 1..2\n",
        "BIND eventFlag, #1\n",
        "ADD Cwnd, Cwnd, #1\n",
    ]);
    vec(part, 0..16).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn programs_go_to_text_and_back(code in prop_oneof![generate::code(), any_code()]) {
        let text = code.to_string();
        let back: Code = text.parse().map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(&back, &code);
        prop_assert_eq!(back.to_string(), text);
    }

    #[test]
    fn text_that_is_read_prints_as_the_same_program(text in prop_oneof![parts(), any::<String>()]) {
        match text.parse::<Code>() {
            Ok(code) => prop_assert_eq!(code.to_string().parse(), Ok(code)),
            Err(error) => {
                let line = text.split('\n').nth(error.line as usize - 1);
                let columns = line.expect("a line of the text").chars().count();
                prop_assert!(error.column as usize <= columns + 1);
            }
        }
    }
}
