//! Starting programs, ending them, and reading the line of JSON they end with.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

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

    fn spawn(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            child,
            log: Some(log),
        }
    }

    /// Waits for its end, and reads what it printed.
    pub(crate) fn summary(self) -> Value {
        self.summary_and_log().0
    }

    /// The same, with what it logged.
    pub(crate) fn summary_and_log(mut self) -> (Value, String) {
        let mut text = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(status.success(), "a program failed ({status}): {log}");
        let summary =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("not a summary ({e}): {text}"));
        (summary, log)
    }
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
    format!(
        "peers-{}-{}-{role}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
