//! bpf(2) and the few other system calls; the only unsafe code of the crate, with [`Mapping`].
//!
//! Nothing in here decides anything: arguments in, descriptor or [`SysError`] out.

mod error;
mod find;
mod iter;
mod mapping;
mod pin;

pub use error::{LoadError, SysError};
pub use find::{MapInfo, map_info, next_map, open_map};
pub use iter::{enter_net, iter_begin, iter_link, iter_prog_load};
pub use mapping::Mapping;
pub use pin::{link_update, object_get, object_pin};

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use ccp_lang::ebpf::Assembled;

use crate::btf::TypeId;

/// A kind of map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[expect(missing_docs, reason = "they are the kernel's kinds")]
pub enum MapKind {
    Array = 2,
    ProgArray = 3,
    Stack = 23,
    StructOps = 26,
    RingBuf = 27,
}

/// How a map is made.
#[derive(Clone, Copy, Debug)]
pub struct MapSpec<'a> {
    /// Its kind.
    pub kind: MapKind,
    /// At most 15 bytes of it are shown.
    pub name: &'a str,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Entries; bytes of a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub flags: u32,
}

/// Memory of an array map can be mapped.
pub const MMAPABLE: u32 = 1 << 10;

/// A struct_ops map takes effect by a link.
pub const BY_LINK: u32 = 1 << 13;

/// Makes a map.
///
/// # Errors
/// What the kernel refuses.
pub fn map_create(spec: &MapSpec<'_>) -> Result<OwnedFd, SysError> {
    create(spec, None)
}

/// Makes the map that holds an algorithm; `btf` is any loaded BTF, and `value` the type of the
/// map's value in the kernel's own.
///
/// # Errors
/// What the kernel refuses.
pub fn struct_ops_map_create(
    name: &str,
    value_size: u32,
    value: TypeId,
    btf: BorrowedFd<'_>,
) -> Result<OwnedFd, SysError> {
    let kind = MapKind::StructOps;
    let spec = MapSpec { kind, name, key_size: 4, value_size, max_entries: 1, flags: BY_LINK };
    create(&spec, Some((btf, value)))
}

fn create(
    spec: &MapSpec<'_>,
    kernel_type: Option<(BorrowedFd<'_>, TypeId)>,
) -> Result<OwnedFd, SysError> {
    let (btf_fd, value_type) = kernel_type.map_or((0, 0), |(fd, id)| (fd.as_raw_fd(), id.0));
    let attr = MapCreate {
        map_type: spec.kind as u32,
        key_size: spec.key_size,
        value_size: spec.value_size,
        max_entries: spec.max_entries,
        map_flags: spec.flags,
        map_name: short_name(spec.name),
        btf_fd,
        btf_vmlinux_value_type_id: value_type,
        ..MapCreate::default()
    };
    // SAFETY: `MapCreate` is a prefix of the kernel's attributes of this command, without pointers.
    descriptor(unsafe { bpf("bpf(BPF_MAP_CREATE)", 0, &attr) }?)
}

/// Puts a value into a map. The lengths must be those of the map's keys and values.
///
/// # Errors
/// What the kernel refuses.
pub fn map_update(map: BorrowedFd<'_>, key: &[u8], value: &[u8]) -> Result<(), SysError> {
    let attr = MapElem {
        map_fd: map.as_raw_fd() as u32,
        // A stack has no keys, and the kernel insists on there being none.
        key: if key.is_empty() { 0 } else { key.as_ptr() as u64 },
        value: value.as_ptr() as u64,
        ..MapElem::default()
    };
    // SAFETY: a prefix of the kernel's attributes of this command. The kernel reads as many bytes
    // from `key` and `value` as the map was made with; callers in this crate pass slices of exactly
    // these lengths, which outlive the call.
    unsafe { bpf("bpf(BPF_MAP_UPDATE_ELEM)", 2, &attr) }.map(drop)
}

/// Takes an entry out of a map.
///
/// # Errors
/// What the kernel refuses; `ENOENT` when there is none.
pub fn map_delete(map: BorrowedFd<'_>, key: &[u8]) -> Result<(), SysError> {
    let attr =
        MapElem { map_fd: map.as_raw_fd() as u32, key: key.as_ptr() as u64, ..MapElem::default() };
    // SAFETY: as in `map_update`, with the key alone.
    unsafe { bpf("bpf(BPF_MAP_DELETE_ELEM)", 3, &attr) }.map(drop)
}

/// Loads BTF bytes.
///
/// # Errors
/// What the kernel refuses.
pub fn btf_load(bytes: &[u8]) -> Result<OwnedFd, SysError> {
    let attr =
        BtfLoad { btf: bytes.as_ptr() as u64, btf_size: bytes.len() as u32, ..BtfLoad::default() };
    // SAFETY: a prefix of the kernel's attributes of this command; `btf` points to `btf_size`
    // readable bytes that outlive the call.
    descriptor(unsafe { bpf("bpf(BPF_BTF_LOAD)", 18, &attr) }?)
}

/// Loads a program for the function `member` of the ops struct `ops`.
///
/// # Errors
/// What the verifier rejects, with the end of its log; what the kernel refuses before.
pub fn struct_ops_prog_load(
    name: &str,
    code: &Assembled,
    ops: TypeId,
    member: u32,
) -> Result<OwnedFd, LoadError> {
    load_program(name, code, STRUCT_OPS_PROGRAM, member, ops)
}

fn load_program(
    name: &str,
    code: &Assembled,
    kind: u32,
    attach_type: u32,
    attach_to: TypeId,
) -> Result<OwnedFd, LoadError> {
    let insns = code.to_bytes();
    let load = |log: &mut [u8]| {
        let attr = ProgLoad {
            prog_type: kind,
            insn_cnt: (insns.len() / 8) as u32,
            insns: insns.as_ptr() as u64,
            license: LICENSE.as_ptr() as u64,
            log_level: u32::from(!log.is_empty()),
            log_size: log.len() as u32,
            log_buf: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
            prog_name: short_name(name),
            expected_attach_type: attach_type,
            attach_btf_id: attach_to.0,
            ..ProgLoad::default()
        };
        // SAFETY: a prefix of the kernel's attributes of this command. `insns` points to `insn_cnt`
        // instructions of 8 bytes, `license` to a string that ends with NUL, `log_buf` to
        // `log_size` writable bytes that are borrowed exclusively; all outlive the call.
        descriptor(unsafe { bpf("bpf(BPF_PROG_LOAD)", 5, &attr) }?)
    };
    // Without a log first: it costs, and is of use only after a rejection.
    let source = match load(&mut []) {
        Ok(fd) => return Ok(fd),
        Err(source) => source,
    };
    if !matches!(source.errno(), Some(libc::EACCES | libc::EINVAL | libc::E2BIG)) {
        return Err(failed(name, source));
    }
    let mut log = vec![0; LOG_LEN];
    // A log that is too small makes the call fail as well, with its end kept.
    let source = match load(&mut log) {
        Ok(fd) => return Ok(fd),
        Err(source) => source,
    };
    let log = log_tail(&log, code);
    if log.is_empty() {
        return Err(failed(name, source));
    }
    Err(LoadError::Rejected { program: name.to_owned(), log, source })
}

fn failed(name: &str, source: SysError) -> LoadError {
    LoadError::Sys { program: name.to_owned(), source }
}

/// The last lines of the verifier's log, and what the generator was about where it stopped.
fn log_tail(log: &[u8], code: &Assembled) -> String {
    let text = CStr::from_bytes_until_nul(log).map(CStr::to_string_lossy).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
    let slot = tail.iter().rev().find_map(|line| line.split_once(": (")?.0.trim().parse().ok());
    let mut tail = tail.join("\n");
    if let Some(note) = slot.and_then(|slot: usize| code.note(slot)) {
        tail.push_str(&format!("\n(in: {note})"));
    }
    tail
}

/// Registers what a struct_ops map holds; it ends with the descriptor.
///
/// # Errors
/// What the kernel refuses; `EEXIST` when the name is taken.
pub fn struct_ops_link(map: BorrowedFd<'_>) -> Result<OwnedFd, SysError> {
    let attr = LinkCreate {
        target: map.as_raw_fd() as u32,
        attach_type: STRUCT_OPS_ATTACH,
        ..LinkCreate::default()
    };
    // SAFETY: a prefix of the kernel's attributes of this command, without pointers.
    descriptor(unsafe { bpf("bpf(BPF_LINK_CREATE)", 28, &attr) }?)
}

/// Has the kernel count runs and run time of programs while the descriptor is open.
///
/// # Errors
/// What the kernel refuses.
pub fn enable_stats() -> Result<OwnedFd, SysError> {
    let attr = 0_u32;
    // SAFETY: the command's only attribute is the kind of statistics, 0 being run time.
    descriptor(unsafe { bpf("bpf(BPF_ENABLE_STATS)", 32, &attr) }?)
}

/// How often a program ran, and how long altogether.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Runs.
    pub runs: u64,
    /// Nanoseconds.
    pub run_time_ns: u64,
}

/// Reads a program's counters, which move while [`enable_stats`] is in force.
///
/// # Errors
/// What the kernel refuses.
pub fn prog_stats(prog: BorrowedFd<'_>) -> Result<RunStats, SysError> {
    // The struct's members before and between are of no interest: `run_time_ns` and `run_cnt` are
    // at bytes 192 and 200 since Linux 5.1.
    let mut info = [0_u64; 28];
    let attr = ObjInfo {
        bpf_fd: prog.as_raw_fd() as u32,
        info_len: size_of_val(&info) as u32,
        info: info.as_mut_ptr() as u64,
    };
    // SAFETY: a prefix of the kernel's attributes of this command; `info` points to `info_len`
    // writable bytes, exclusively borrowed, that outlive the call. They are zeros, so that the
    // kernel takes none of them for pointers of ours to write to.
    unsafe { bpf("bpf(BPF_OBJ_GET_INFO_BY_FD)", 15, &attr) }?;
    Ok(RunStats { run_time_ns: info[24], runs: info[25] })
}

/// The kernel's own types, as bytes.
///
/// # Errors
/// A kernel that does not tell them.
pub fn kernel_btf() -> Result<Vec<u8>, SysError> {
    let wrap = |call| move |source| SysError { call, source };
    let mut file =
        File::open("/sys/kernel/btf/vmlinux").map_err(wrap("open /sys/kernel/btf/vmlinux"))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(wrap("read /sys/kernel/btf/vmlinux"))?;
    Ok(bytes)
}

/// An eventfd that never blocks.
///
/// # Errors
/// What the kernel refuses.
pub fn eventfd() -> Result<OwnedFd, SysError> {
    // SAFETY: takes integers only.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    owned(fd, "eventfd")
}

/// Makes an eventfd readable. A full counter is readable already.
pub fn eventfd_signal(fd: BorrowedFd<'_>) {
    let one = 1_u64;
    // SAFETY: `one` is valid for reads of the 8 bytes given and outlives the call.
    unsafe { libc::write(fd.as_raw_fd(), std::ptr::from_ref(&one).cast(), 8) };
}

/// Makes an eventfd unreadable. Says whether it was readable.
pub fn eventfd_clear(fd: BorrowedFd<'_>) -> bool {
    let mut count = 0_u64;
    // SAFETY: `count` is valid for writes of the 8 bytes given and outlives the call.
    let got = unsafe { libc::read(fd.as_raw_fd(), std::ptr::from_mut(&mut count).cast(), 8) };
    got == 8
}

/// Waits until one of two descriptors is readable, or the time is over (`None`: without limit).
///
/// # Errors
/// What the kernel refuses; `EINTR` after a signal.
pub fn wait_either(
    fds: [BorrowedFd<'_>; 2],
    timeout: Option<std::time::Duration>,
) -> Result<[bool; 2], SysError> {
    let mut entries =
        fds.map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let limit = timeout.map(|timeout| libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `entries` has as many entries as said, valid for reads and writes; `limit` is null or
    // valid for reads; no signal mask is given. The kernel keeps no pointer; the descriptors are
    // open while they are borrowed.
    let found = unsafe { libc::ppoll(entries.as_mut_ptr(), 2, limit, std::ptr::null()) };
    if found < 0 { Err(SysError::last("ppoll")) } else { Ok(entries.map(|e| e.revents != 0)) }
}

/// Bytes of the kernel's pages.
#[must_use]
pub fn page_size() -> usize {
    // SAFETY: takes an integer only.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// The clock that sockets are stamped with, in microseconds.
#[must_use]
pub fn monotonic_us() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes and outlives the call, which cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000).wrapping_add(time.tv_nsec as u64 / 1_000)
}

/// Calls bpf(2).
///
/// # Safety
/// `attr` must be a prefix of what the kernel reads for that command, without padding, and every
/// address in it valid as the command uses it, until the call returns.
unsafe fn bpf<T>(call: &'static str, command: libc::c_int, attr: &T) -> Result<RawFd, SysError> {
    let attr = std::ptr::from_ref(attr);
    // SAFETY: the caller vouches for the addresses inside; `attr` is readable for the length given,
    // and the kernel only reads from it for the commands used here.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size_of::<T>()) };
    if result < 0 { Err(SysError::last(call)) } else { Ok(result as RawFd) }
}

fn descriptor(fd: RawFd) -> Result<OwnedFd, SysError> {
    owned(fd, "bpf")
}

fn owned(fd: RawFd, call: &'static str) -> Result<OwnedFd, SysError> {
    if fd < 0 {
        return Err(SysError::last(call));
    }
    // SAFETY: the system has just given this descriptor to us, and to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The kernel takes 15 bytes of letters, digits, `_` and `.`.
fn short_name(name: &str) -> [u8; 16] {
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().take(15).zip(name.bytes()) {
        *to = if from.is_ascii_alphanumeric() || from == b'.' { from } else { b'_' };
    }
    short
}

/// A descriptor's number as programs name maps.
#[must_use]
pub fn number(fd: &impl AsFd) -> i32 {
    fd.as_fd().as_raw_fd()
}

#[derive(Default)]
#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    map_name: [u8; 16],
    map_ifindex: u32,
    btf_fd: RawFd,
    btf_key_type_id: u32,
    btf_value_type_id: u32,
    btf_vmlinux_value_type_id: u32,
}

#[derive(Default)]
#[repr(C)]
struct MapElem {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[derive(Default)]
#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
}

#[derive(Default)]
#[repr(C)]
struct BtfLoad {
    btf: u64,
    btf_log_buf: u64,
    btf_size: u32,
    btf_log_size: u32,
}

#[derive(Default)]
#[repr(C)]
struct LinkCreate {
    target: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
}

#[repr(C)]
struct ObjInfo {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

const _: () = {
    assert!(size_of::<MapCreate>() == 64, "attributes are an ABI");
    assert!(size_of::<MapElem>() == 32, "attributes are an ABI");
    assert!(size_of::<ProgLoad>() == 112, "attributes are an ABI");
    assert!(size_of::<BtfLoad>() == 24, "attributes are an ABI");
    assert!(size_of::<LinkCreate>() == 16, "attributes are an ABI");
    assert!(size_of::<ObjInfo>() == 16, "attributes are an ABI");
};

const STRUCT_OPS_PROGRAM: u32 = 27;
const STRUCT_OPS_ATTACH: u32 = 44;

/// Struct_ops programs must be GPL-compatible; what we generate is under the project's own terms.
const LICENSE: &CStr = c"Dual MIT/GPL";

/// The verifier's log: as much of its end as tells what went wrong.
const LOG_LEN: usize = 1 << 20;
const LOG_LINES: usize = 24;
