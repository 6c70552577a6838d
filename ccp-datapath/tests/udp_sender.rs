//! The example `udp_sender` in a process of its own, with this test as its agent: governed, left alone, taken over.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ccp_ipc::unix::{Addr, Options, Socket};
use ccp_ipc::{Blocking, Ipc, Received};
use ccp_lang::{Compiled, Reg, compile};
use ccp_wire::{
    ChangeProgRepr, FieldUpdate, FlowId, Install, Message, Messages, ProgramUid, UpdateFieldsRepr,
};

const PROGRAM: &str = "
    (def (Report (volatile acked 0) (volatile lost 0) (rtt +infinity)))
    (when true
        (:= Report.acked (+ Report.acked Ack.bytes_acked))
        (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))
        (:= Report.rtt (min Report.rtt Flow.rtt_sample_us))
        (fallthrough))
    (when (> Micros 20000)
        (:= Micros 0)
        (report))
";

/// A window of twice the path's 40 packets fills the path and its queue, and loses nothing.
const WINDOW: u64 = 70 * 1472;

/// Ends the sender, however the test ends.
struct Sender {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Sender {
    fn start(dir: &Path, flags: &[&str]) -> Self {
        let mut child = Command::new(example())
            .args([
                "--rate",
                "24mbit",
                "--rtt",
                "20ms",
                "--queue",
                "40p",
                "--json",
                "--name",
                "under-test",
            ])
            .arg("--ipc-dir")
            .arg(dir)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("{line}");
                let _ = to.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits for a progress line that contains `text`.
    fn wait_for(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            if line.contains(text) {
                return;
            }
        }
        panic!("no line with {text:?}");
    }

    /// Asks it to end, and returns its result line.
    fn terminate(mut self) -> String {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(asked.success());
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("our child") {
                assert!(status.success(), "{status}");
                let mut out = String::new();
                let mut stdout = self.child.stdout.take().expect("a pipe");
                stdout.read_to_string(&mut out).expect("text");
                return out;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not end");
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo builds the examples along with the tests, unless only this test was asked for.
fn example() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let built = this.parent().and_then(Path::parent).expect("the profile's folder");
    let example = built.join("examples/udp_sender");
    if !example.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--package", "ccp-datapath", "--example", "udp_sender"]);
        let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(status.is_ok_and(|status| status.success()), "cargo builds the example");
    }
    example
}

/// An agent that sets one window and listens.
struct Agent {
    socket: Socket<Blocking>,
    compiled: Compiled,
    datapath: Addr,
    flow: Option<FlowId>,
    reports: Vec<Vec<u64>>,
}

impl Agent {
    fn start(dir: &Path) -> Self {
        Self {
            socket: Options::new().folder(dir).bind("portus").expect("our own folder"),
            compiled: compile(PROGRAM).expect("a good program"),
            datapath: Addr::default(),
            flow: None,
            reports: Vec::new(),
        }
    }

    /// Serves until `done`.
    fn serve_until(&mut self, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        let mut buf = [0; 1024];
        while !done(self) {
            assert!(Instant::now() < end, "the sender says too little");
            let received = self.socket.recv(&mut buf, Some(Duration::from_millis(100)));
            if let Received::Datagram { len, from } = received.expect("no larger datagrams") {
                self.datapath = from;
                for message in Messages::new(&buf[..len]) {
                    self.handle(&message.expect("good messages"));
                }
            }
        }
    }

    fn handle(&mut self, message: &Message<'_>) {
        let mut buf = [0; 8192];
        let program_uid = ProgramUid(1);
        match message {
            Message::Ready(_) => {
                self.flow = None;
                let records = self.compiled.program.code().to_records();
                let install =
                    Install { program_uid, events: &records.events, instrs: &records.instrs };
                let len = install.encode(&mut buf).expect("room");
                self.send(&buf[..len]);
            }
            Message::Create(create) => {
                assert_eq!((create.cong_alg, create.mss), ("reno", 1472));
                self.flow = Some(create.flow);
                let fields = &[field(Reg::CWND, WINDOW)];
                let change = ChangeProgRepr { flow: create.flow, program_uid, fields };
                let len = change.encode(&mut buf).expect("room");
                self.send(&buf[..len]);
            }
            Message::Measure(measure) if measure.is_close() => self.flow = None,
            Message::Measure(measure) => {
                assert_eq!(Some(measure.flow), self.flow, "of the flow announced to this agent");
                self.reports.push(measure.fields.iter().collect());
            }
            _ => {}
        }
    }

    fn update(&self, reg: Reg, value: u64) {
        let mut buf = [0; 64];
        let update =
            UpdateFieldsRepr { flow: self.flow.expect("a flow"), fields: &[field(reg, value)] };
        let len = update.encode(&mut buf).expect("room");
        self.send(&buf[..len]);
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.try_send(datagram, &self.datapath).expect("the sender reads");
    }
}

fn field(reg: Reg, value: u64) -> FieldUpdate {
    FieldUpdate { class: reg.class.code(), index: reg.index, value }
}

fn number(json: &str, name: &str) -> f64 {
    let (_, rest) = json.split_once(&format!("\"{name}\":")).expect(name);
    let end = rest.find([',', '}']).expect("an end");
    rest[..end].parse().expect("a number")
}

#[test]
fn an_agent_governs_goes_and_takes_over_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("ccp");
    let mut agent = Agent::start(&folder);
    let sender = Sender::start(&folder, &["--alg", "reno"]);

    agent.serve_until(|agent| agent.reports.len() >= 40);
    // 70 packets over a path of 40: the queue never empties, and 30 packets in it are 15 ms.
    let late = &agent.reports[20..];
    let rtt = late.iter().map(|report| report[2]).min().expect("reports");
    assert!((20_000..50_000).contains(&rtt), "{rtt}");
    assert_eq!(late.iter().map(|report| report[1]).sum::<u64>(), 0, "no losses");
    sender.wait_for("cwnd   70 packets  lost   0  agent governs");

    // A rate beats the window: 3 of 24 Mbit/s, and the queue is empty.
    agent.update(Reg::RATE, 375_000);
    agent.reports.clear();
    agent.serve_until(|agent| agent.reports.len() >= 30);
    let acked: u64 = agent.reports[10..].iter().map(|report| report[0]).sum();
    assert!((100_000..200_000).contains(&acked), "20 reports of 20 ms: {acked} bytes");

    drop(agent);
    sender.wait_for("fallback governs");

    let mut agent = Agent::start(&folder);
    agent.serve_until(|agent| agent.reports.len() >= 20);
    sender.wait_for("agent governs");
    assert!(folder.join("under-test").exists());

    let result = sender.terminate();
    agent.serve_until(|agent| agent.flow.is_none());
    assert!(!folder.join("under-test").exists(), "no socket file is left");
    assert_eq!(number(&result, "takeovers"), 2.0, "{result}");
    assert_eq!(number(&result, "fallbacks"), 1.0, "{result}");
    assert_eq!(number(&result, "refused"), 0.0, "{result}");
    assert!(result.contains("\"governor\":\"agent\""), "{result}");
    assert_eq!(result.lines().count(), 1, "{result}");
}

#[test]
fn without_an_agent_its_own_rule_fills_the_link() {
    let dir = tempfile::tempdir().expect("a folder");
    let sender = Sender::start(&dir.path().join("ccp"), &["--loss=0"]);
    std::thread::sleep(Duration::from_millis(1500));
    let result = sender.terminate();
    let throughput = number(&result, "throughput_mbit");
    // The link's 24 Mbit/s are 23.55 without headers. A busy machine may take a part of them.
    assert!((12.0..23.6).contains(&throughput), "{result}");
    assert_eq!(number(&result, "takeovers"), 0.0, "{result}");
    assert!(result.contains("\"governor\":\"fallback\""), "{result}");
}

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
