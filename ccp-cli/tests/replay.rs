//! `ccp run --record`, `ccp sim --record` and `ccp replay`, as a user calls them.
#![cfg(target_os = "linux")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ccp_ipc::{Ipc, Received, SendError, unix};
use ccp_wire::{Create, FlowId, MeasureRepr, Message, Messages, Ready};
use common::{Process, ccp, signal, text, udp_sender};
use serde_json::Value;

/// Far longer than each step takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_live_run_decides_the_same_when_it_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.ccprec");
    let agent = start_agent(folder.path(), &["reno", "cubic"], &file);
    let sender = Command::new(udp_sender())
        .args(["--rate", "24mbit", "--rtt", "20ms", "--queue", "40p", "--time", "2s"])
        .args(["--alg", "cubic", "--ipc-dir"])
        .arg(folder.path().join("ipc"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(sender.unwrap().success());
    let said = end(agent, 0);
    assert!(said.contains("recorded"), "{said}");

    let (code, same) = replay(&file, &[]);
    assert_eq!(
        (code, &same["same"], &same["ending"]),
        (0, &true.into(), &"whole".into()),
        "{same}"
    );
    assert!(same["datagrams_in"].as_u64() > Some(20), "{same}");
    assert!(same["datagrams_out"].as_u64() > Some(5), "{same}");

    // Reno instead: the same programs are there, so the first thing that is otherwise is a decision.
    let (code, other) = replay(&file, &["reno"]);
    assert_eq!((code, &other["same"]), (1, &false.into()), "{other}");
    let difference = &other["difference"];
    assert_eq!(difference["recorded"][0]["message"], "ChangeProg", "{difference}");
    assert_eq!(difference["flow"]["asked_for"], "cubic");
}

#[test]
fn what_was_recorded_until_the_agent_was_killed_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.ccprec");
    let mut agent = start_agent(folder.path(), &["reno"], &file);
    let datapath = Datapath::start(folder.path(), "one");
    datapath.wants_programs();
    datapath.begins_a_flow();
    // All that happened is in the file a moment later.
    let end = Instant::now() + PATIENCE;
    while !text(&ccp(&["replay", file.to_str().unwrap()], "").stdout).starts_with("same: 3 ") {
        assert!(Instant::now() < end, "the file is not written while the agent runs");
        std::thread::sleep(Duration::from_millis(20));
    }
    agent.0.kill().unwrap();
    agent.0.wait().unwrap();

    let run = ccp(&["replay", file.to_str().unwrap()], "");
    assert_eq!(run.status.code(), Some(0));
    assert!(text(&run.stdout).starts_with("same: 3 datagrams in, "), "{}", text(&run.stdout));
    assert!(text(&run.stderr).contains("cut off after record"), "{}", text(&run.stderr));
}

#[test]
fn what_a_datapath_had_no_room_for_is_sent_as_late_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.ccprec");
    let agent = start_quietly(folder.path(), &["reno"], &file, "warn");
    let datapath = Datapath::start(folder.path(), "slow");
    datapath.wants_programs();
    // More answers than its queue holds, whatever the system's limit is, before it reads the first.
    let flows = 1_200;
    for flow in 1..=flows {
        datapath.creates(FlowId(flow));
    }
    for _ in 1..=flows {
        datapath.hears(|message| matches!(message, Message::ChangeProg(_)).then_some(()));
    }
    end(agent, 0);
    let (code, same) = replay(&file, &[]);
    assert_eq!((code, &same["ending"]), (0, &"whole".into()), "{same}");
    let dump = ccp(&["replay", "--dump", file.to_str().unwrap()], "");
    assert!(text(&dump.stdout).contains("(its queue was full)"));
}

#[test]
fn an_agent_whose_recording_finds_the_disk_full_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let agent = start_agent(folder.path(), &["reno"], Path::new("/dev/full"));
    Datapath::start(folder.path(), "one").wants_programs();
    // Longer than anything waits to be written.
    std::thread::sleep(Duration::from_millis(300));
    let other = Datapath::start(folder.path(), "another");
    other.wants_programs();
    other.begins_a_flow();
    let said = end(agent, 1);
    assert_eq!(said.matches("the recording ends here; the agent goes on").count(), 1, "{said}");
    assert!(said.contains("No space left on device") && said.contains("not whole"), "{said}");
}

#[test]
fn a_place_that_cannot_be_recorded_to_is_said_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let ipc = folder.path().join("ipc");
    let args = ["run", "--record", "/no/such/folder/x", "--ipc-dir", ipc.to_str().unwrap()];
    let run = ccp(&args, "");
    assert_eq!(run.status.code(), Some(3));
    assert!(text(&run.stderr).contains("/no/such/folder/x"), "{}", text(&run.stderr));
    assert!(!ipc.join("portus").exists());
}

#[test]
fn the_recorded_run_of_each_algorithm_replays_by_command() {
    for file in recorded() {
        let (code, same) = replay(&file, &[]);
        assert_eq!((code, &same["ending"]), (0, &"whole".into()), "{}: {same}", file.display());
    }
}

#[test]
fn a_simulation_is_recorded_with_all_lives_of_its_agent() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "time = \"2s\"\n[link]\nrate = \"6mbit\"\nrtt = \"20ms\"\n[[flow]]\nalg = \"cubic,beta=0.8\"\n\
                    [[flow]]\nalg = \"bbr\"\n[[outage]]\nfrom = \"800ms\"\nuntil = \"1s\"\n";
    let scenario = common::write(&folder, "scenario.toml", scenario);
    let files = ["a.ccprec", "b.ccprec"].map(|name| folder.path().join(name));
    for file in &files {
        let file = file.to_str().unwrap();
        let run = ccp(&["sim", "--scenario", &scenario, "-q", "--record", file], "");
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        let read = std::fs::read(file).unwrap();
        assert_eq!(read, std::fs::read(&files[0]).unwrap(), "the same run, the same file");
    }
    let (code, same) = replay(&files[0], &[]);
    assert_eq!((code, &same["ending"]), (0, &"whole".into()), "{same}");
    let dump = ccp(&["replay", "--dump", files[0].to_str().unwrap()], "");
    // Two flows, told to two agents.
    assert_eq!(text(&dump.stdout).matches(" in sim: Create ").count(), 4);
}

#[test]
fn the_first_difference_comes_with_both_messages_and_the_state_of_the_flow() {
    let file = recorded_of("cubic");
    let (code, other) = replay(&file, &["cubic,c=0.41"]);
    assert_eq!(code, 1);
    let difference = &other["difference"];
    let [recorded, now] =
        ["recorded", "now"].map(|side| difference[side][0]["values"]["per"].as_u64().unwrap());
    assert!(recorded > now, "it grows faster: {difference}");
    let flow = &difference["flow"];
    assert_eq!((&flow["mss"], &flow["program"]), (&1448.into(), &1.into()), "{flow}");
    assert!(flow["controls"]["betaLoss"].is_u64(), "{flow}");
    assert!(flow["last_report"]["values"]["cwnd"].as_u64() > Some(14_480), "{flow}");
    assert_eq!(flow["last_report"]["time_us"], difference["time_us"]);

    let run = ccp(&["replay", file.to_str().unwrap(), "cubic,c=0.41"], "");
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stdout);
    let record = difference["record"].as_u64().unwrap();
    assert!(said.starts_with(&format!("different at record {record}, ")), "{said}");
    for part in [
        &format!("recorded  UpdateFields flow=1 per={recorded}"),
        &format!("now       UpdateFields flow=1 per={now}"),
        "flow 1: window",
        "its report ",
        " cwnd=",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn other_programs_differ_where_they_are_installed() {
    let (code, other) = replay(&recorded_of("reno"), &["bbr"]);
    assert_eq!(code, 1);
    assert_eq!(other["difference"]["now"][0]["message"], "Install", "{other}");
}

#[test]
fn a_dump_has_a_line_for_each_datagram_with_names() {
    let file = recorded_of("reno");
    let (_, same) = replay(&file, &[]);
    let dump = ccp(&["replay", "--dump", file.to_str().unwrap()], "");
    assert_eq!(dump.status.code(), Some(0));
    let said = text(&dump.stdout);
    let all = same["datagrams_in"].as_u64().unwrap() + same["datagrams_out"].as_u64().unwrap();
    assert_eq!(said.lines().count() as u64, all);
    assert!(said.lines().any(|line| line.contains(" in sim: Create flow=1 ")), "{said}");
    assert!(said.lines().any(|line| line.contains("Measure flow=1 ") && line.contains("srtt=")));
    let dump = ccp(&["replay", "--dump", "--json", file.to_str().unwrap()], "");
    for line in text(&dump.stdout).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["time_us"].is_u64() && line["messages"][0]["message"].is_string(), "{line}");
    }
}

#[test]
fn a_file_cut_off_is_replayed_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(recorded_of("reno")).unwrap();
    let cut = folder.path().join("cut.ccprec");
    for len in [whole.len() - 1, whole.len() - 17, whole.len() / 2, whole.len() / 3] {
        std::fs::write(&cut, &whole[..len]).unwrap();
        let run = ccp(&["replay", cut.to_str().unwrap()], "");
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        assert!(text(&run.stderr).contains("cut off after record"), "{}", text(&run.stderr));
        assert_eq!(replay(&cut, &[]).1["ending"], "cut");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_the_place_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut bytes = std::fs::read(recorded_of("reno")).unwrap();
    let short = put("short", &bytes[..20]);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    let damaged = put("damaged", &bytes);
    bytes[8] = 7;
    let newer = put("newer", &bytes);
    let foreign = {
        let (recorder, writer) =
            ccp_ipc::record::recorder("not ours", ccp_ipc::record::WhenFull::Wait).unwrap();
        drop(recorder);
        let mut file = Vec::new();
        writer.run(&mut file).unwrap();
        put("foreign", &file)
    };
    for (file, says) in [
        (folder.path().join("none").to_str().unwrap(), &["none", "No such file"][..]),
        (&put("text", b"[package]"), &["no recording", "ccp run --record"]),
        (&short, &["ends before its first record", "anew"]),
        (&damaged, &["record ", "at byte ", "checksum"]),
        (&newer, &["version 7", "the ccp that made it"]),
        (&foreign, &["does not say which algorithms ran", "name them"]),
    ] {
        for dump in [false, true] {
            if dump && file == foreign {
                continue;
            }
            let args = ["replay", file, "--dump"];
            let run = ccp(&args[..2 + usize::from(dump)], "");
            assert_eq!(run.status.code(), Some(2), "{file}: {}", text(&run.stderr));
            for part in says {
                assert!(text(&run.stderr).contains(part), "{part}: {}", text(&run.stderr));
            }
        }
    }
    // What comes before the damage counts.
    let (code, until) = replay(Path::new(&damaged), &[]);
    assert_eq!((code, &until["same"], &until["ending"]), (2, &true.into(), &"damaged".into()));
    assert!(until["datagrams_in"].as_u64() > Some(10), "{until}");
}

#[test]
fn an_algorithm_that_does_not_exist_is_wrong_usage() {
    let file = recorded_of("reno");
    let run = ccp(&["replay", file.to_str().unwrap(), "rino"], "");
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("'rino'"));
}

/// Starts an agent that records, and waits until its socket is there.
fn start_agent(folder: &Path, algorithms: &[&str], record: &Path) -> Process {
    start_quietly(folder, algorithms, record, "info")
}

/// The same, with a level of its log: nobody reads that while it runs, and a pipe holds little.
fn start_quietly(folder: &Path, algorithms: &[&str], record: &Path, level: &str) -> Process {
    let ipc = folder.join("ipc");
    let agent = Command::new(env!("CARGO_BIN_EXE_ccp"))
        .arg("run")
        .args(algorithms)
        .arg("--ipc-dir")
        .arg(&ipc)
        .arg("--record")
        .arg(record)
        .env("RUST_LOG", level)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let agent = Process(agent.unwrap());
    let end = Instant::now() + PATIENCE;
    while !ipc.join("portus").exists() {
        assert!(Instant::now() < end, "the agent did not open its socket");
        std::thread::sleep(Duration::from_millis(5));
    }
    agent
}

/// Ends an agent. Gives what it said.
#[track_caller]
fn end(mut agent: Process, code: i32) -> String {
    use std::io::Read;
    // The socket stands before the thread for signals; by now an answer has come from behind that.
    signal(&agent.0, "-TERM");
    let mut said = String::new();
    agent.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(agent.0.wait().unwrap().code(), Some(code), "{said}");
    said
}

/// A datapath of few words.
struct Datapath {
    socket: unix::Socket,
    agent: unix::Addr,
}

impl Datapath {
    fn start(folder: &Path, name: &str) -> Self {
        let folder = folder.join("ipc");
        let socket: unix::Socket =
            unix::Socket::<ccp_ipc::Blocking>::options().folder(folder).bind(name).unwrap();
        let agent = socket.peer("portus").unwrap();
        Self { socket, agent }
    }

    /// Says that it is there, and waits for a program.
    fn wants_programs(&self) {
        let mut buf = [0; 12];
        let len = Ready { id: 1 }.encode(&mut buf).unwrap();
        self.socket.try_send(&buf[..len], &self.agent).unwrap();
        self.hears(|message| matches!(message, Message::Install(_)).then_some(()));
    }

    /// Begins a flow, is told its program, and reports something.
    fn begins_a_flow(&self) {
        self.creates(FlowId(3));
        let mut buf = [0; 1024];
        let program_uid = self.hears(|message| match message {
            Message::ChangeProg(change) => Some(change.program_uid),
            _ => None,
        });
        let report = MeasureRepr { flow: FlowId(3), program_uid, fields: &[0; 10] };
        let len = report.encode(&mut buf).unwrap();
        self.socket.try_send(&buf[..len], &self.agent).unwrap();
    }

    fn creates(&self, flow: FlowId) {
        let mut buf = [0; 1024];
        let create = Create { flow, init_cwnd: 14_480, mss: 1448, ..Create::default() };
        let len = create.encode(&mut buf).unwrap();
        let end = Instant::now() + PATIENCE;
        while let Err(error) = self.socket.try_send(&buf[..len], &self.agent) {
            assert!(matches!(error, SendError::Full) && Instant::now() < end, "{error}");
            std::thread::yield_now();
        }
    }

    fn hears<T>(&self, what: impl Fn(&Message<'_>) -> Option<T>) -> T {
        let mut buf = vec![0; 65_536];
        loop {
            let received = self.socket.recv(&mut buf, Some(PATIENCE)).unwrap();
            let Received::Datagram { len, .. } = received else { panic!("{received:?}") };
            let found = Messages::new(&buf[..len]).flatten().find_map(|message| what(&message));
            if let Some(found) = found {
                return found;
            }
        }
    }
}

/// The exit code, and what is said as JSON.
fn replay(file: &Path, algorithms: &[&str]) -> (i32, Value) {
    let file = file.to_str().unwrap();
    let args = [&["replay", "--json", file], algorithms].concat();
    let run = ccp(&args, "");
    let told = serde_json::from_slice(&run.stdout)
        .unwrap_or_else(|_| panic!("{} {}", text(&run.stdout), text(&run.stderr)));
    (run.status.code().unwrap(), told)
}

fn recorded() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ccp-algs/tests/recorded");
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 4, "{files:?}");
    files
}

fn recorded_of(name: &str) -> PathBuf {
    let is_it = |file: &PathBuf| file.file_stem().is_some_and(|stem| stem == name);
    recorded().into_iter().find(is_it).unwrap()
}
