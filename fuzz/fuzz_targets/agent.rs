//! libFuzzer's end of the target `agent`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ccp_fuzz::run("agent", bytes));
