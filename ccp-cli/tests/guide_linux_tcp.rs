//! The commands of `docs/linux-tcp.md` run as they stand there, in namespaces of their own.
#![cfg(all(target_os = "linux", feature = "ebpf"))]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use common::kernel::{Agent, choose, connection, may_take_the_names, registered};
use common::{Process, text};
use nix::sched::{CloneFlags, unshare};

#[test]
fn the_commands_of_the_guide_to_linux_tcp_run() {
    let Some(_lock) = may_take_the_names("the_commands_of_the_guide_to_linux_tcp_run") else {
        return;
    };
    thread::spawn(|| {
        // What is mounted and set here ends with this thread.
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
        for command in ["mount --make-rprivate /", "ip link set lo up"] {
            let status = Command::new("sh").args(["-c", command]).status().unwrap();
            assert!(status.success(), "{command}");
        }
        follow(include_str!("../../docs/linux-tcp.md"));
    })
    .join()
    .unwrap();
    assert!(!registered().iter().any(|name| name.starts_with("ccp")), "{:?}", registered());
}

fn follow(guide: &str) {
    let folder = tempfile::tempdir().unwrap();
    let command = folder.path().join("ccp");
    fs::copy(env!("CARGO_BIN_EXE_ccp"), &command).unwrap();
    for path in [folder.path(), &command] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(folder.path().join("ccp.rules"), block(guide, "rules").concat()).unwrap();
    let _server = iperf3_server();

    let default = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap();
    let default = format!("={}", default.trim());
    let folder = folder.path();
    let mut reader = Reader { folder, agent: None, flow: None, killed: false, default };
    let lines: Vec<String> = block(guide, "sh");
    assert!(lines.len() >= 15, "{lines:?}");
    for line in &lines {
        reader.obey(line.trim());
    }
    reader.end_agent();
}

/// Whoever follows the guide.
struct Reader<'a> {
    /// Where the command is, and all files are.
    folder: &'a Path,
    agent: Option<Agent>,
    /// A connection that outlives its agent.
    flow: Option<(TcpStream, TcpStream)>,
    killed: bool,
    /// `=` and the default algorithm.
    default: String,
}

impl Reader<'_> {
    fn obey(&mut self, line: &str) {
        let (root, words) = match line.strip_prefix("sudo ") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        match words.split_whitespace().next().unwrap() {
            "ccp" if words.starts_with("ccp run") => self.start_agent(root, words),
            "ccp" => {
                let said = text(&self.succeed(root, words).stdout);
                let expected = match (words, self.killed) {
                    ("ccp flows", true) => "fallback",
                    ("ccp flows", false) => " flows",
                    _ => "kernel",
                };
                assert!(said.contains(expected), "{line}: {said}");
            }
            "iperf3" => {
                self.succeed(root, words);
                let wish = if words.contains("ccp_bbr") { "bbr" } else { "" };
                self.agent().wait_for(&format!("asked_for=\"{wish}\""));
            }
            "kill" if words.contains("-9") => {
                let mut flow = connection();
                choose(&flow.0, "ccp_cubic");
                self.agent().wait_for("asked_for=\"cubic\"");
                self.succeed(root, words);
                let mut agent = self.agent.take().unwrap();
                agent.child.wait().unwrap();
                self.killed = true;
                // Past the time after which the fallback governs for sure.
                thread::sleep(Duration::from_millis(300));
                let mut data = [7; 20_000];
                flow.0.write_all(&data).unwrap();
                flow.1.read_exact(&mut data).unwrap();
                self.flow = Some(flow);
            }
            "kill" => {
                self.succeed(root, words);
                let mut agent = self.agent.take().unwrap();
                assert!(agent.child.wait().unwrap().success());
                assert!(registered().contains(&"ccp".to_owned()), "it is pinned");
            }
            // The kernel may keep cubic from namespaces other than the first; then another one was the default.
            "sysctl" => drop(self.succeed(root, &words.replace("=cubic", &self.default))),
            _ => drop(self.succeed(root, words)),
        }
    }

    fn start_agent(&mut self, root: bool, words: &str) {
        self.end_agent();
        // The flows of this machine that are no business of this test are in other namespaces.
        let stay =
            if words.contains("--adopt") { "setpriv --bounding-set=-sys_admin " } else { "" };
        let mut agent = Agent::spawn(&mut self.shell(root, &format!("exec {stay}{words}")));
        agent.wait_for("the agent runs");
        if std::mem::take(&mut self.killed) {
            // The dead one's flow.
            agent.wait_for("asked_for=\"cubic\"");
        }
        self.agent = Some(agent);
    }

    fn end_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.end();
        }
    }

    fn agent(&mut self) -> &mut Agent {
        self.agent.as_mut().unwrap()
    }

    fn succeed(&mut self, root: bool, words: &str) -> Output {
        let output = self.shell(root, words).output().unwrap();
        assert!(output.status.success(), "{words}: {}", text(&output.stderr));
        output
    }

    /// A shell that finds the command, with the reader's own rights or those of root.
    fn shell(&mut self, root: bool, words: &str) -> Command {
        let folder = self.folder.display().to_string();
        let pid = self.agent.as_ref().map_or(0, |agent| agent.child.id()).to_string();
        let words = words.replace("HOST", "127.0.0.1").replace("PID", &pid);
        let words = words.replace("ccp.rules", &format!("{folder}/ccp.rules"));
        let words = words.replace("/usr/local/bin/ccp", &format!("{folder}/ccp"));
        let mut shell = if root { Command::new("sh") } else { Command::new("setpriv") };
        if !root {
            shell.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh"]);
        }
        let path = std::env::var("PATH").unwrap();
        shell.args(["-c", &words]).current_dir("/").env("PATH", format!("{folder}:{path}"));
        shell
    }
}

fn iperf3_server() -> Process {
    let server = Command::new("iperf3").args(["-s", "--forceflush"]).stdout(Stdio::piped()).spawn();
    let mut server = Process(server.unwrap());
    let mut said = BufReader::new(server.0.stdout.take().unwrap()).lines();
    assert!(said.by_ref().flatten().any(|line| line.contains("listening")));
    // Read on, so that it is not held up.
    thread::spawn(move || said.map_while(Result::ok).for_each(drop));
    server
}

/// The lines of all blocks of a kind.
fn block(guide: &str, kind: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in guide.lines() {
        match line.strip_prefix("```") {
            Some(language) => inside = language == kind,
            None if inside => lines.push(format!("{line}\n")),
            None => {}
        }
    }
    lines
}
