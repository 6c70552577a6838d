//! Starting programs and reading the line of JSON they end with.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A program that ends by itself; killed if the test fails before.
pub(crate) struct Program(Option<Child>);

impl Program {
    /// Starts it.
    pub(crate) fn start(path: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(path);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        Self(Some(
            command
                .spawn()
                .unwrap_or_else(|e| panic!("cannot start {path}: {e}")),
        ))
    }

    /// Waits for its end, and reads what it printed.
    pub(crate) fn summary(mut self) -> Value {
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "a program failed: {}",
            output.status
        );
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("not a summary ({e}): {text}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A socket's name that no other run uses, since portus always binds in /tmp/ccp.
pub(crate) fn name(role: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "peers-{}-{}-{role}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
