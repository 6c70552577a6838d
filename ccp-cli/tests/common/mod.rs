//! Calling the command.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs `ccp` with text on its standard input.
#[allow(dead_code, reason = "each test file uses what it needs of this module")]
pub(crate) fn ccp(args: &[&str], input: &str) -> Output {
    ccp_bytes(args, input.as_bytes())
}

/// Runs `ccp` with bytes on its standard input.
pub(crate) fn ccp_bytes(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ccp"))
        .args(args)
        .env_remove("CLICOLOR_FORCE")
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without having read, as on wrong usage.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// What was printed.
#[allow(dead_code, reason = "each test file uses what it needs of this module")]
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes a file and returns its path.
#[allow(dead_code, reason = "each test file uses what it needs of this module")]
pub(crate) fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
