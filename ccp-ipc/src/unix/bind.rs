//! Binding a socket to its name: what was there before, who may write to it, and taking it away
//! again.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use super::Socket;
use super::addr::{Addr, NameError};
use super::folder::{Folder, FolderError, choose, examine};
use super::spares::Spares;
use super::wake::WakeSocket;
use crate::error::CloseError;
use crate::ipc::Mode;
use crate::sys::{self, Buffer};

/// Settings of a [`Socket`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    folder: Option<PathBuf>,
    shared: bool,
    send_buffer: Option<usize>,
    receive_buffer: Option<usize>,
}

/// Why a socket was not bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The name cannot be a socket's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A running process has a socket of that name.
    #[error("{path:?} is in use: its owner is still running")]
    InUse {
        /// The socket's path.
        path: PathBuf,
    },
    /// Something of that name exists that is no socket, and is left alone.
    #[error("{path:?} exists and is not a socket")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{call} of {path:?} failed")]
    Os {
        /// The system call.
        call: &'static str,
        /// The path it was about.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl Options {
    /// The settings of [`Socket::new`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The folder to bind in, instead of that of `$CCP_IPC_DIR` or `/tmp/ccp`. Made 0700 if it does
    /// not exist; the folder above it has to.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Lets processes of every user take part: the folder becomes 1777 and the socket 0666. For
    /// peers that cannot be told another folder and run as other users, so `$CCP_IPC_DIR` does not
    /// count then: the folder is `/tmp/ccp` unless [`folder`](Self::folder) names another.
    pub fn shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// Room for what has been sent and not yet read, in bytes (`SO_SNDBUF`). It also limits a
    /// single datagram. On Linux 4 MiB unless set, or as much as the system allows.
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// Room for what has been received, in bytes (`SO_RCVBUF`); Linux counts it at the sender
    /// instead.
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// The folder that [`bind`](Self::bind) would use, and whether it exists, without making or
    /// changing anything.
    ///
    /// # Errors
    /// Binding there would be refused for this reason.
    pub fn examine_folder(&self) -> Result<(PathBuf, bool), FolderError> {
        let path = choose(self.folder.clone(), self.shared)?;
        examine(&path).map(|exists| (path, exists))
    }

    /// Binds a socket to `name`. What an ended process has left there is replaced.
    ///
    /// # Errors
    /// When the name or folder cannot be used, a running process has that name, or the system
    /// refuses.
    pub fn bind<M: Mode>(self, name: &str) -> Result<Socket<M>, BindError> {
        let folder = choose(self.folder, self.shared)?;
        // Before anything is made for a name that cannot be.
        let addr = Addr::in_folder(&folder, name)?;
        let path = folder.join(name);
        let folder = Folder::prepare(folder, self.shared)?;

        let lock = folder.lock();
        clear_stale(&addr, &path)?;
        let send_buffer = self.send_buffer.or(SEND_BUFFER);
        let spares = Spares::new(&addr, &path, send_buffer);
        let bound = Bound::new(&addr, path, folder.gid, self.shared)?;
        drop(lock);

        for (which, bytes) in [(Buffer::Send, send_buffer), (Buffer::Receive, self.receive_buffer)]
        {
            if let Some(bytes) = bytes {
                sys::set_buffer(bound.socket.as_fd(), which, bytes)
                    .map_err(|e| bound.os("setsockopt", e))?;
            }
        }
        let wake = WakeSocket::new(&addr).map_err(|e| bound.os("connect", e))?;
        tracing::debug!(path = ?bound.path, "bound");
        Ok(Socket::with(addr, bound, spares, wake))
    }
}

/// Whether somebody has a datagram socket bound to that address. Sends nothing.
///
/// # Errors
/// When the system will not say.
pub(super) fn is_alive(addr: &Addr) -> io::Result<bool> {
    let spare = UnixDatagram::unbound()?;
    match sys::connect(spare.as_fd(), &addr.0) {
        Ok(()) => Ok(true),
        Err(e) => match e.raw_os_error() {
            Some(libc::ECONNREFUSED | libc::ENOENT | libc::ENOTDIR) => Ok(false),
            // Found, but connected to somebody else and so not to be connected to.
            Some(libc::EPERM) => Ok(true),
            _ => Err(e),
        },
    }
}

/// Sets a socket's own mode. On Linux the file it is bound to gets that.
pub(super) fn set_mode(socket: &UnixDatagram, mode: u32) -> io::Result<()> {
    let copy = File::from(OwnedFd::from(socket.try_clone()?));
    copy.set_permissions(Permissions::from_mode(mode))
}

/// Removes the socket file that an ended process has left behind.
fn clear_stale(addr: &Addr, path: &Path) -> Result<(), BindError> {
    let os = |call, source| BindError::Os { call, path: path.to_owned(), source };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(os("lstat", e)),
    };
    // The system tells such files and abandoned sockets apart only here: connecting to either is
    // refused.
    if !found.file_type().is_socket() {
        return Err(BindError::NotASocket { path: path.to_owned() });
    }
    match is_alive(addr) {
        Ok(true) => Err(BindError::InUse { path: path.to_owned() }),
        // A stream socket is somebody's as well.
        Err(e) if e.raw_os_error() == Some(libc::EPROTOTYPE) => {
            Err(BindError::InUse { path: path.to_owned() })
        }
        Err(e) => Err(os("connect", e)),
        Ok(false) => match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(os("unlink", e)),
            _ => {
                tracing::debug!(?path, "replacing a socket whose owner has ended");
                Ok(())
            }
        },
    }
}

/// A socket and the file it is bound to.
pub(super) struct Bound {
    socket: UnixDatagram,
    path: PathBuf,
    /// Device and inode of the file. As long as the socket is open no other file can get that
    /// number.
    identity: Option<(u64, u64)>,
}

impl Bound {
    fn new(addr: &Addr, path: PathBuf, gid: u32, shared: bool) -> Result<Self, BindError> {
        let socket = match UnixDatagram::unbound() {
            Ok(socket) => socket,
            Err(source) => {
                return Err(BindError::Os { call: "socket", path, source });
            }
        };
        // So that there is no moment in which others may write to it. Elsewhere this does nothing.
        let _ = set_mode(&socket, 0o600);
        if let Err(source) = sys::bind(socket.as_fd(), &addr.0) {
            return Err(match source.raw_os_error() {
                Some(libc::EADDRINUSE) => BindError::InUse { path },
                _ => BindError::Os { call: "bind", path, source },
            });
        }
        let mut bound = Self { socket, path, identity: None };
        bound.admit(gid, if shared { 0o666 } else { 0o660 })?;
        Ok(bound)
    }

    pub(super) fn socket(&self) -> &UnixDatagram {
        &self.socket
    }

    /// Removes the file if it is still ours, and closes the socket.
    pub(super) fn close(mut self) -> Result<(), CloseError> {
        self.remove().map_err(|source| CloseError::Os { call: "unlink", source })
    }

    /// Notes which file is ours and gives it group and mode.
    fn admit(&mut self, gid: u32, mode: u32) -> Result<(), BindError> {
        let file = Pinned::open(&self.path).map_err(|e| self.os("open", e))?;
        let found = file.metadata().map_err(|e| self.os("stat", e))?;
        // In a folder of a group, a member may have put something else here meanwhile.
        if !found.file_type().is_socket() || found.uid() != sys::effective_uid() {
            return Err(BindError::NotASocket { path: self.path.clone() });
        }
        self.identity = Some((found.dev(), found.ino()));
        if found.gid() != gid
            && let Err(error) = std::os::unix::fs::chown(file.path(), None, Some(gid))
        {
            // Who is not in that group cannot give it away; the socket then is the caller's own
            // group's.
            tracing::debug!(path = ?self.path, gid, %error, "the socket keeps its group");
        }
        fs::set_permissions(file.path(), Permissions::from_mode(mode))
            .map_err(|e| self.os("chmod", e))
    }

    fn remove(&mut self) -> io::Result<()> {
        let Some(identity) = self.identity.take() else {
            return Ok(());
        };
        match fs::symlink_metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == identity => {
                match fs::remove_file(&self.path) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                    _ => Ok(()),
                }
            }
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            // Somebody else's by now, or gone.
            _ => Ok(()),
        }
    }

    fn os(&self, call: &'static str, source: io::Error) -> BindError {
        BindError::Os { call, path: self.path.clone(), source }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::debug!(path = ?self.path, %error, "leaving a socket file behind");
        }
    }
}

/// A file that stays the same file whatever happens to its path.
#[cfg(any(target_os = "linux", target_os = "android"))]
struct Pinned {
    file: File,
    path: PathBuf,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Pinned {
    fn open(path: &Path) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::OpenOptionsExt;

        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_NOFOLLOW)
            .open(path)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Ok(Self { file, path })
    }

    fn metadata(&self) -> io::Result<fs::Metadata> {
        self.file.metadata()
    }

    /// A path by which the file can be changed. A link of the system's, so it has to be followed.
    fn path(&self) -> &Path {
        &self.path
    }
}

/// Without a handle on a socket's file there is only its path, between whose uses somebody may
/// change it; a folder in which only the caller and root can write is not open to that.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
struct Pinned {
    path: PathBuf,
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Pinned {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned() })
    }

    fn metadata(&self) -> io::Result<fs::Metadata> {
        fs::symlink_metadata(&self.path)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// On Linux what peers have not read counts here; elsewhere it counts at the receiver.
const SEND_BUFFER: Option<usize> =
    if cfg!(any(target_os = "linux", target_os = "android")) { Some(4 << 20) } else { None };
