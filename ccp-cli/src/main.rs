//! The command `ccp`.
fn main() {}
