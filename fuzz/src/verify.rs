//! Any bytes as a wire program: what the verifier passes runs on any ACKs, as the reference does.
//!
//! The first byte says how many of the 16-byte records are events; the rest are instructions.

use ccp_lang::{Bounds, Code, Limits, Program, Record};

use crate::acks::Derived;
use crate::machines;

pub(crate) fn run(bytes: &[u8]) {
    // As a block with its counts.
    if let Ok(code) = Code::from_bytes(bytes) {
        assert_eq!(code.to_bytes(), bytes);
    }
    let Some((&events, rest)) = bytes.split_first() else { return };
    let (records, _) = rest.as_chunks::<16>();
    let (events, instrs) = records.split_at(usize::from(events % 16).min(records.len()));
    program(events, instrs, Derived::from(bytes));
}

fn program(events: &[Record], instrs: &[Record], mut derived: Derived) {
    let code = match Code::from_records(events, instrs) {
        Ok(code) => code,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(Program::from_records(events, instrs, &Limits::default()).is_err());
            return;
        }
    };
    let records = code.to_records();
    assert_eq!((&records.events[..], &records.instrs[..]), (events, instrs));
    assert_eq!(code.to_string().parse().as_ref(), Ok(&code), "printed and read back");
    assert_eq!(Code::from_bytes(&code.to_bytes()).as_ref(), Ok(&code));
    let wide = Program::verify(code.clone(), &Limits::MACHINE);
    for limits in [Limits::default(), Limits::LIBCCP] {
        match Program::verify(code.clone(), &limits) {
            Ok(program) => assert_eq!(Ok(program), wide, "what little allows much does too"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let Ok(program) = wide else { return };
    assert_eq!(program.code(), &code);
    let again = Program::from_bytes(&program.to_bytes(), &Limits::MACHINE);
    assert_eq!(again.as_ref(), Ok(&program));
    assert!(!format!("{program} {:?}", Bounds::of(&program)).is_empty());
    machines::like_the_reference(&program, &derived.acks(12));
}
