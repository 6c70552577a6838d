//! Starting programs, ending them, and reading the line of JSON they end with.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// A running program; killed if the test fails before its end.
pub(crate) struct Program {
    child: Child,
    /// Reads what it logs, so that it never waits for a reader.
    log: Option<JoinHandle<String>>,
}

impl Program {
    /// Starts it.
    pub(crate) fn start(path: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(path);
        command.args(arguments);
        Self::spawn(command)
    }

    /// Starts it with these variables in its environment.
    pub(crate) fn start_with(path: &str, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(path);
        command.args(arguments).envs(env.iter().copied());
        Self::spawn(command)
    }

    /// Asks it to end, as a service manager does; returns its status and what it logged.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }

    fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, log: Some(log) }
    }

    /// Waits for its end, and reads what it printed.
    pub(crate) fn summary(self) -> Value {
        self.summary_and_log().0
    }

    /// The same, with what it logged.
    pub(crate) fn summary_and_log(mut self) -> (Value, String) {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(status.success(), "a program failed ({status}): {log}");
        let summary =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("not a summary ({e}): {text}"));
        (summary, log)
    }
}

/// A program of the workspace, which is another one than these tests', so that cargo cannot hand it to
/// them: builds it, with `target` its name in cargo's arguments, and returns its path.
pub(crate) fn of_workspace(package: &str, target: [&str; 2]) -> String {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _guard = BUILDING.lock();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    cargo.args(["build", "--quiet", "--message-format=json", "-p", package]).args(target);
    if let Some(folder) = std::env::var_os("CCP_WORKSPACE_TARGET") {
        cargo.env("CARGO_TARGET_DIR", folder);
    }
    let output = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{package} does not build");
    let text = String::from_utf8(output.stdout).unwrap();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executables = messages.filter(|m| m["target"]["name"] == target[1]);
    let mut paths = executables.filter_map(|m| m["executable"].as_str().map(str::to_owned));
    paths.next_back().unwrap_or_else(|| panic!("no {target:?} among what cargo built"))
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A socket's name that no other run uses, since portus always binds in /tmp/ccp.
pub(crate) fn name(role: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("peers-{}-{}-{role}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
