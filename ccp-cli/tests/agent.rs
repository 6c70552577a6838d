//! `ccp run` and `ccp list`, as a user calls them.

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{ccp, text};

/// Long enough for a loaded machine; no test waits that long unless it fails.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn the_list_names_every_algorithm() {
    let run = ccp(&["list"], "");
    assert_eq!(run.status.code(), Some(0));
    assert!(text(&run.stdout).lines().any(|line| line.starts_with("reno\t")));
}

#[test]
fn the_long_list_tells_what_can_be_set() {
    let run = ccp(&["list", "--long"], "");
    assert_eq!(run.status.code(), Some(0));
    let listed = text(&run.stdout);
    for line in ["cubic:linux\t", "  hystart=rfc9406\t", "  beta=717/1024\t"] {
        assert!(listed.lines().any(|found| found.starts_with(line)), "{listed}");
    }
}

#[test]
fn wrong_names_and_units_are_wrong_usage() {
    for (args, says) in [
        (["run", "rino"].as_slice(), "there are: bbr, cubic, cubic:linux, reno"),
        (&["run", "--default", "rino"], "there are: bbr, cubic, cubic:linux, reno"),
        (&["run", "cubic,beta=2"], "0.001 to 0.999"),
        (&["run", "reno,c=1"], "reno has no parameter 'c'; it has: beta,"),
        (&["run", "--report", "10"], "10ms"),
        (&["run", "--bind", "a/b"], "--bind"),
        (&["run", "--ipc", "pigeon"], "unix"),
        (&["fly"], "subcommand"),
    ] {
        let run = ccp(args, "");
        assert_eq!(run.status.code(), Some(2), "{args:?}: {}", text(&run.stderr));
        assert!(text(&run.stderr).contains(says), "{args:?}: {}", text(&run.stderr));
    }
}

#[test]
fn a_folder_open_to_others_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let run = ccp(&["run", "--ipc-dir", folder.path().to_str().unwrap()], "");
    assert_eq!(run.status.code(), Some(3));
    assert!(text(&run.stderr).contains("chmod"), "{}", text(&run.stderr));
}

#[test]
fn each_signal_does_its_part_and_nothing_is_left_behind() {
    for last in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut agent = start(folder.path());
        signal(&agent, "-USR1");
        // A second agent of the same name is refused while the first lives.
        let second = ccp(&["run", "reno", "--ipc-dir", folder.path().to_str().unwrap()], "");
        assert_eq!(second.status.code(), Some(3), "{}", text(&second.stderr));
        signal(&agent, last);
        let end = Instant::now() + LIMIT;
        while agent.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "the agent did not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let done = agent.wait_with_output().unwrap();
        assert_eq!(done.status.code(), Some(0));
        let said = text(&done.stderr);
        assert!(said.matches("counters").count() >= 2, "{said}");
        assert!(done.stdout.is_empty());
        assert!(!folder.path().join("portus").exists());
    }
}

fn start(folder: &Path) -> Child {
    let agent = Command::new(env!("CARGO_BIN_EXE_ccp"))
        .args(["run", "reno", "--ipc-dir"])
        .arg(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let end = Instant::now() + LIMIT;
    while !folder.join("portus").exists() {
        assert!(Instant::now() < end, "the agent did not open its socket");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The socket stands before the thread for signals; a signal in between would end the process.
    std::thread::sleep(Duration::from_millis(200));
    agent
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
