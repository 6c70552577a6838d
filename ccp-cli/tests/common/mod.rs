//! Calling the command.

#[cfg(all(target_os = "linux", feature = "ebpf"))]
pub(crate) mod kernel;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

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

/// A process that does not outlive the test.
#[allow(dead_code, reason = "each test file uses what it needs of this module")]
pub(crate) struct Process(pub(crate) Child);

#[allow(dead_code, reason = "each test file uses what it needs of this module")]
impl Process {
    /// Asks it to end, and waits until it has, with success.
    pub(crate) fn end(&mut self) {
        signal(&self.0, "-TERM");
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return assert!(status.success(), "{status}");
            }
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the example of another package, into the folder that this test was built into.
#[allow(dead_code, reason = "each test file uses what it needs of this module")]
pub(crate) fn udp_sender() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_ccp")).parent().unwrap();
    let profile = match built.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "ccp-datapath"])
        .args(["--example", "udp_sender", "--profile", profile, "--target-dir"])
        .arg(built.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(build.unwrap().success(), "cargo builds the example");
    built.join("examples").join("udp_sender")
}

/// Sends a signal to a process.
#[allow(dead_code, reason = "each test file uses what it needs of this module")]
pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args([name, &pid]).status();
    assert!(status.unwrap().success());
}

/// Long enough for a loaded machine; no test waits that long unless it fails.
#[allow(dead_code, reason = "each test file uses what it needs of this module")]
const LIMIT: Duration = Duration::from_secs(20);
