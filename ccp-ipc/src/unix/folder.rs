//! The folder all sockets are in, and who else may have a hand in it.
//!
//! Whoever can write into the folder can pose as an agent or a datapath. So it has to belong to
//! root or to the caller, and others may write only where that is visibly meant: sticky, so that
//! nobody can take another's place, or setgid with a named group, for an agent and datapaths of
//! several users (`/run/ccp`, root:ccp, 2770).

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::sys;

/// Where the sockets are unless somebody says otherwise: where libccp and portus have theirs, who
/// know no other place.
pub const DEFAULT_FOLDER: &str = "/tmp/ccp";

/// The environment variable that names another folder.
pub const FOLDER_VARIABLE: &str = "CCP_IPC_DIR";

/// Why a folder is not used. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// It is a symbolic link: whoever owns that could send us anywhere.
    #[error("{path:?} is a symbolic link; to mend it: {mend}")]
    Link {
        /// The folder's path.
        path: PathBuf,
        /// The command that mends it.
        mend: String,
    },
    /// It is something else.
    #[error("{path:?} is not a folder; to mend it: {mend}")]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// The command that mends it.
        mend: String,
    },
    /// It belongs to another user, who could read and forge everything.
    #[error("{path:?} belongs to user {owner}, not to root or user {caller}; to mend it: {mend}")]
    Foreign {
        /// The folder's path.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who wanted to use it.
        caller: u32,
        /// The command that mends it.
        mend: String,
    },
    /// Others may replace what is in it.
    #[error(
        "{path:?} has mode {mode:04o}: others may write there, but it is neither sticky nor setgid with a named group; \
         to mend it: {mend}"
    )]
    Writable {
        /// The folder's path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The command that mends it.
        mend: String,
    },
    /// It shall be shared with everybody, but is root's, and only root can do that.
    #[error(
        "{path:?} has mode {mode:04o} and is root's, so it cannot be shared with everybody; to mend it: {mend}"
    )]
    NotShared {
        /// The folder's path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The command that mends it.
        mend: String,
    },
    /// It does not exist, and neither does the folder it would be made in.
    #[error("{path:?} cannot be made, the folder above it does not exist; to mend it: {mend}")]
    NoParent {
        /// The folder's path.
        path: PathBuf,
        /// The command that mends it.
        mend: String,
    },
    /// The system refused.
    #[error("{call} of {path:?} failed")]
    Os {
        /// The system call.
        call: &'static str,
        /// The folder's path.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A folder that has been found to be safe.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// The group its sockets are given.
    pub(super) gid: u32,
}

/// The folder to use: the one asked for, or that of the environment, or the default; absolute and
/// without a slash at its end, through which the system would follow a link. To share a folder is
/// for peers that know only the default, so it never opens that of the environment.
pub(super) fn choose(asked: Option<PathBuf>, shared: bool) -> Result<PathBuf, FolderError> {
    let of_environment = || std::env::var_os(FOLDER_VARIABLE).filter(|_| !shared);
    let named =
        asked.or_else(|| of_environment().map(PathBuf::from)).filter(|p| !p.as_os_str().is_empty());
    let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FOLDER));
    match std::path::absolute(&path) {
        Ok(absolute) => Ok(absolute.components().collect()),
        Err(source) => Err(FolderError::Os { call: "getcwd", path, source }),
    }
}

/// Looks at the folder without making or changing anything. Whether it exists.
pub(super) fn examine(path: &Path) -> Result<bool, FolderError> {
    match stat(path) {
        Err(FolderError::Os { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(false)
        }
        found => {
            let found = found?;
            check_kind_and_owner(path, &found)?;
            check_writers(path, &found).map(|()| true)
        }
    }
}

impl Folder {
    /// Looks at the folder and makes it if it does not exist: 0700, or 1777 if `shared`.
    pub(super) fn prepare(path: PathBuf, shared: bool) -> Result<Self, FolderError> {
        make(&path)?;
        // Also when it has just been made: what counts is what is there now.
        let found = stat(&path)?;
        check_kind_and_owner(&path, &found)?;
        let found = if shared { share(&path, found)? } else { found };
        check_writers(&path, &found)?;
        Ok(Self { gid: found.gid(), path })
    }

    /// Keeps others of us from binding in this folder while the result lives. Best effort: it
    /// guards against two agents that start at the same moment, not against anybody who means harm,
    /// and so nobody can hold us up with it.
    pub(super) fn lock(&self) -> Option<File> {
        let folder = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
            .open(&self.path)
            .ok()?;
        for _ in 0..LOCK_TRIES {
            match sys::try_lock(&folder) {
                Ok(()) => return Some(folder),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => thread::sleep(LOCK_PAUSE),
                Err(_) => break,
            }
        }
        tracing::debug!(folder = ?self.path, "binding without the folder's lock");
        None
    }
}

/// Makes the folder unless there is something of that name.
fn make(path: &Path) -> Result<(), FolderError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().unwrap_or(path);
            Err(FolderError::NoParent {
                mend: format!("mkdir -p {}", quoted(parent)),
                path: path.to_owned(),
            })
        }
        // Where nothing may be made, what exists may do.
        Err(_) if fs::symlink_metadata(path).is_ok() => Ok(()),
        Err(source) => Err(FolderError::Os { call: "mkdir", path: path.to_owned(), source }),
    }
}

fn stat(path: &Path) -> Result<Metadata, FolderError> {
    fs::symlink_metadata(path).map_err(|source| FolderError::Os {
        call: "lstat",
        path: path.to_owned(),
        source,
    })
}

fn check_kind_and_owner(path: &Path, found: &Metadata) -> Result<(), FolderError> {
    let caller = sys::effective_uid();
    if found.is_symlink() {
        let mend = format!("{}rm {}", sudo(found, caller), quoted(path));
        return Err(FolderError::Link { path: path.to_owned(), mend });
    }
    if !found.is_dir() {
        let mend = format!("{}rm {}", sudo(found, caller), quoted(path));
        return Err(FolderError::NotAFolder { path: path.to_owned(), mend });
    }
    let owner = found.uid();
    if owner != ROOT && owner != caller {
        let sudo = sudo(found, caller);
        let mend = format!("{sudo}chown {caller} {0} && {sudo}chmod 0700 {0}", quoted(path));
        return Err(FolderError::Foreign { path: path.to_owned(), owner, caller, mend });
    }
    Ok(())
}

fn check_writers(path: &Path, found: &Metadata) -> Result<(), FolderError> {
    let mode = found.mode() & MODE_BITS;
    let sticky = mode & 0o1000 != 0;
    let setgid = mode & 0o2000 != 0;
    let group_is_meant = || sticky || (setgid && sys::group_has_name(found.gid()));
    if (mode & 0o002 != 0 && !sticky) || (mode & 0o020 != 0 && !group_is_meant()) {
        let mend = format!("{}chmod go-w {}", sudo(found, sys::effective_uid()), quoted(path));
        return Err(FolderError::Writable { path: path.to_owned(), mode, mend });
    }
    Ok(())
}

/// Lets everybody use the folder, each only touching what is his own.
fn share(path: &Path, found: Metadata) -> Result<Metadata, FolderError> {
    let mode = found.mode() & MODE_BITS;
    if mode & 0o1777 == 0o1777 {
        return Ok(found);
    }
    let caller = sys::effective_uid();
    if found.uid() != caller && caller != ROOT {
        let mend = format!("sudo chmod 1777 {}", quoted(path));
        return Err(FolderError::NotShared { path: path.to_owned(), mode, mend });
    }
    fs::set_permissions(path, Permissions::from_mode(mode | 0o1777))
        .map_err(|source| FolderError::Os { call: "chmod", path: path.to_owned(), source })?;
    stat(path)
}

/// What goes before a command about something that is not the caller's.
fn sudo(found: &Metadata, caller: u32) -> &'static str {
    if caller == ROOT || caller == found.uid() { "" } else { "sudo " }
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

const ROOT: u32 = 0;

/// Of a mode: permissions, sticky, setgid and setuid.
const MODE_BITS: u32 = 0o7777;

/// Binding takes well under a millisecond, so whoever holds the lock longer is not one of us.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn one_binds_at_a_time_and_nobody_is_held_up_for_long() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(dir.path().to_owned(), false).unwrap();
        let first = folder.lock();
        assert!(first.is_some());
        let start = Instant::now();
        assert!(folder.lock().is_none());
        let waited = start.elapsed();
        assert!(waited >= LOCK_PAUSE * LOCK_TRIES && waited < Duration::from_secs(10));
        drop(first);
        assert!(folder.lock().is_some());
    }
}
