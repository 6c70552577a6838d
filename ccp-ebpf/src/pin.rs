//! Registrations that outlive their agent: pinned in a BPF file system.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::sys::{self, SysError};

/// Registers what a struct_ops map holds under the name that it carries, by a link that is pinned in
/// `folder`. One that an earlier agent has left there is made to point to the map: new sockets have the
/// new code from then on.
pub(crate) fn register(
    folder: &Path,
    name: &str,
    map: BorrowedFd<'_>,
) -> Result<OwnedFd, PinError> {
    let path = folder.join(name);
    let error = |source| PinError::Sys { path: path.clone(), source };
    match sys::object_get(&path) {
        Ok(link) => {
            sys::link_update(&link, map).map_err(error)?;
            Ok(link)
        }
        Err(source) if source.errno() == Some(libc::ENOENT) => {
            let link = sys::struct_ops_link(map).map_err(error)?;
            sys::object_pin(&link, &path).map_err(error)?;
            Ok(link)
        }
        Err(source) => Err(error(source)),
    }
}

/// Held by the agent that uses a folder: it ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Owner {
    _name: UnixDatagram,
}

impl Owner {
    /// Nobody else's agent may use `folder` at the same time.
    pub(crate) fn of(folder: &Path) -> Result<Self, PinError> {
        let whole = folder.canonicalize();
        let whole = whole.map_err(|source| PinError::Folder { path: folder.into(), source })?;
        let mut name = b"ccp-ebpf:".to_vec();
        name.extend_from_slice(whole.as_os_str().as_encoded_bytes());
        let bound = SocketAddr::from_abstract_name(&name)
            .and_then(|address| UnixDatagram::bind_addr(&address));
        match bound {
            Ok(_name) => Ok(Self { _name }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(PinError::InUse { path: whole })
            }
            Err(source) => Err(PinError::Folder { path: whole, source }),
        }
    }
}

/// Why a registration is not pinned.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PinError {
    /// The folder cannot be used.
    #[error(
        "{} cannot be used for --pin; it must be a folder of a BPF file system: \
         mount -t bpf bpf /sys/fs/bpf && mkdir /sys/fs/bpf/ccp", path.display()
    )]
    Folder {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An agent that lives has pinned there.
    #[error("another agent uses {}; end it, or name another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The kernel refused to register, pin or take over.
    #[error(
        "{} is not pinned; its folder must be one of a BPF file system: \
         mount -t bpf bpf /sys/fs/bpf && mkdir /sys/fs/bpf/ccp", path.display()
    )]
    Sys {
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        source: SysError,
    },
}
