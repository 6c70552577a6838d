//! Running a test again in a process of its own: as another user, or with other environment
//! variables.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A user nobody logs in as, and who owns nothing.
pub(crate) const NOBODY: u32 = 65_534;

/// Whether this process runs as root, and so can play other users.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Whether this is the process that [`again`] started.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test `name` of this file once more, in a process that `change` has prepared, and fails
/// if it fails.
#[track_caller]
pub(crate) fn again(name: &str, change: impl FnOnce(&mut Command)) {
    // Another user may not be allowed into the folder where the test was built.
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = dir.path().join("test");
    // By another process: a file that this one had open for writing could not be run while a thread
    // forks.
    assert!(
        Command::new("cp")
            .arg(std::env::current_exe().unwrap())
            .arg(&copy)
            .status()
            .unwrap()
            .success()
    );
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&copy);
    command.args(["--exact", name, "--nocapture"]).env(CHILD, "1").current_dir("/");
    change(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Makes the process a user's who is not root.
pub(crate) fn as_nobody(command: &mut Command) {
    command.uid(NOBODY).gid(NOBODY);
}

/// Makes a folder with that mode, owner and group.
pub(crate) fn folder(path: &Path, mode: u32, owner: Option<u32>, group: Option<u32>) -> PathBuf {
    fs::create_dir(path).unwrap();
    chown(path, owner, group).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_owned()
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

const CHILD: &str = "CCP_IPC_TEST_CHILD";
