//! libFuzzer's end of the target `wire`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ccp_fuzz::run("wire", bytes));
