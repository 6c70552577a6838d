//! Programs that walk over all TCP sockets of a network namespace, and entering one.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use ccp_lang::ebpf::Assembled;

use super::{LinkCreate, LoadError, SysError, bpf, descriptor, load_program};
use crate::btf::TypeId;

/// Loads a program for the iterator whose kernel function has this type.
///
/// # Errors
/// What the verifier rejects, with the end of its log; what the kernel refuses before.
pub fn iter_prog_load(
    name: &str,
    code: &Assembled,
    function: TypeId,
) -> Result<OwnedFd, LoadError> {
    load_program(name, code, TRACING_PROGRAM, ITER_ATTACH, function)
}

/// Binds a program to the walk that it was loaded for.
///
/// # Errors
/// What the kernel refuses.
pub fn iter_link(program: BorrowedFd<'_>) -> Result<OwnedFd, SysError> {
    let attr = LinkCreate {
        target: program.as_raw_fd() as u32,
        attach_type: ITER_ATTACH,
        ..LinkCreate::default()
    };
    // SAFETY: a prefix of the kernel's attributes of this command, without pointers.
    descriptor(unsafe { bpf("bpf(BPF_LINK_CREATE)", 28, &attr) }?)
}

/// Begins a walk in the network namespace of this thread. Reading the file to its end walks; what is
/// read is what the program has written.
///
/// # Errors
/// What the kernel refuses.
pub fn iter_begin(link: BorrowedFd<'_>) -> Result<File, SysError> {
    let attr = IterCreate { link_fd: link.as_raw_fd() as u32, flags: 0 };
    // SAFETY: all of the kernel's attributes of this command, without pointers.
    descriptor(unsafe { bpf("bpf(BPF_ITER_CREATE)", 33, &attr) }?).map(File::from)
}

/// Moves this thread into a network namespace.
///
/// # Errors
/// What the kernel refuses: `EPERM` without CAP_SYS_ADMIN there.
pub fn enter_net(namespace: &impl AsFd) -> Result<(), SysError> {
    let fd = namespace.as_fd().as_raw_fd();
    // SAFETY: takes integers only; it moves this thread alone, as a network namespace may be.
    let done = unsafe { libc::setns(fd, libc::CLONE_NEWNET) };
    if done < 0 { Err(SysError::last("setns")) } else { Ok(()) }
}

#[repr(C)]
struct IterCreate {
    link_fd: u32,
    flags: u32,
}

const TRACING_PROGRAM: u32 = 26;
const ITER_ATTACH: u32 = 28;
