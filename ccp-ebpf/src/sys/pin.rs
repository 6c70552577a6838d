//! Objects in a BPF file system, and links that get another map.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{SysError, bpf, descriptor};

/// Gives an object a name in a BPF file system: it stays when the last descriptor is closed.
///
/// # Errors
/// What the kernel refuses; `EEXIST` when there is something of that name.
pub fn object_pin(object: &impl AsFd, path: &Path) -> Result<(), SysError> {
    const CALL: &str = "bpf(BPF_OBJ_PIN)";
    let path = c_path(CALL, path)?;
    let attr =
        ObjPath { path: path.as_ptr() as u64, fd: object.as_fd().as_raw_fd() as u32, flags: 0 };
    // SAFETY: a prefix of the kernel's attributes of this command; `path` points to a string that
    // ends with NUL and outlives the call.
    unsafe { bpf(CALL, 6, &attr) }.map(drop)
}

/// Opens the object of that name.
///
/// # Errors
/// What the kernel refuses; `ENOENT` when there is none.
pub fn object_get(path: &Path) -> Result<OwnedFd, SysError> {
    const CALL: &str = "bpf(BPF_OBJ_GET)";
    let path = c_path(CALL, path)?;
    let attr = ObjPath { path: path.as_ptr() as u64, fd: 0, flags: 0 };
    // SAFETY: as in `object_pin`.
    descriptor(unsafe { bpf(CALL, 7, &attr) }?)
}

/// Has a struct_ops link register what another map holds, which must carry the same name.
///
/// # Errors
/// What the kernel refuses.
pub fn link_update(link: &impl AsFd, map: BorrowedFd<'_>) -> Result<(), SysError> {
    let (link, map) = (link.as_fd().as_raw_fd() as u32, map.as_raw_fd() as u32);
    let attr = LinkUpdate { link, map, flags: 0, old: 0 };
    // SAFETY: all of the kernel's attributes of this command, without pointers.
    unsafe { bpf("bpf(BPF_LINK_UPDATE)", 29, &attr) }.map(drop)
}

fn c_path(call: &'static str, path: &Path) -> Result<CString, SysError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|error| SysError { call, source: io::Error::other(error) })
}

#[repr(C)]
struct ObjPath {
    path: u64,
    fd: u32,
    flags: u32,
}

#[repr(C)]
struct LinkUpdate {
    link: u32,
    map: u32,
    flags: u32,
    old: u32,
}
