//! Finding the maps of other processes.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::{ObjInfo, SysError, bpf, descriptor};

/// What a map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// A [`MapKind`](super::MapKind), as the kernel numbers it.
    pub kind: u32,
    /// The kernel's number for it.
    pub id: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Entries.
    pub max_entries: u32,
    /// At most 15 bytes.
    pub name: String,
}

/// The number of the next map after `id`; nothing after the last. Needs CAP_SYS_ADMIN.
///
/// # Errors
/// What the kernel refuses.
pub fn next_map(id: u32) -> Result<Option<u32>, SysError> {
    let mut attr = [id, 0, 0];
    let pointer = std::ptr::from_mut(&mut attr);
    // SAFETY: three words are the kernel's attributes of this command, which it writes the second
    // of; they are borrowed exclusively and outlive the call.
    let done = unsafe { libc::syscall(libc::SYS_bpf, NEXT_MAP, pointer, size_of_val(&attr)) };
    let error = (done < 0).then(|| SysError::last("bpf(BPF_MAP_GET_NEXT_ID)"));
    match error {
        None => Ok(attr.get(1).copied()),
        Some(error) if error.errno() == Some(libc::ENOENT) => Ok(None),
        Some(error) => Err(error),
    }
}

/// Opens a map by its number. Needs CAP_SYS_ADMIN.
///
/// # Errors
/// What the kernel refuses; `ENOENT` when it has gone.
pub fn open_map(id: u32) -> Result<OwnedFd, SysError> {
    // Not for reading only: the memory of such a descriptor cannot be mapped, not even to read.
    let attr = [id, 0, 0];
    // SAFETY: three words are the kernel's attributes of this command, without pointers.
    descriptor(unsafe { bpf("bpf(BPF_MAP_GET_FD_BY_ID)", 14, &attr) }?)
}

/// What a map is.
///
/// # Errors
/// What the kernel refuses.
pub fn map_info(map: BorrowedFd<'_>) -> Result<MapInfo, SysError> {
    // type, id, key_size, value_size, max_entries, map_flags, then 16 bytes of name.
    let mut info = [0_u32; 10];
    let attr = ObjInfo {
        bpf_fd: map.as_raw_fd() as u32,
        info_len: size_of_val(&info) as u32,
        info: info.as_mut_ptr() as u64,
    };
    // SAFETY: a prefix of the kernel's attributes of this command; `info` points to `info_len`
    // writable bytes, exclusively borrowed, that outlive the call, and there are no pointers in
    // this part of what the kernel fills in.
    unsafe { bpf("bpf(BPF_OBJ_GET_INFO_BY_FD)", 15, &attr) }?;
    let [kind, id, _, value_size, max_entries, _, name @ ..] = info;
    let name = name.map(u32::to_ne_bytes);
    let name: Vec<u8> = name.as_flattened().iter().copied().take_while(|&b| b != 0).collect();
    let name = String::from_utf8_lossy(&name).into_owned();
    Ok(MapInfo { kind, id, value_size, max_entries, name })
}

const NEXT_MAP: libc::c_int = 12;
