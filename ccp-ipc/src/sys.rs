//! The system calls that std does not offer in the form needed here; the only unsafe code of the
//! crate.
//!
//! Nothing in here decides anything: arguments in, result or `errno` out.

use std::fs::File;
use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// A unix socket's address, laid out as the system wants it. All zero (apart from the family): no
/// address.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct SockAddr {
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    len: u8,
    family: libc::sa_family_t,
    path: [u8; PATH_ROOM],
    /// How many bytes of `path` the name has; for the system's eyes it lies behind the address.
    name_len: u8,
}

/// Bytes in the name of a socket, a closing NUL included: 108 on Linux, 104 on macOS.
pub(crate) const PATH_ROOM: usize =
    size_of::<libc::sockaddr_un>() - offset_of!(libc::sockaddr_un, sun_path);

const _: () = {
    assert!(
        offset_of!(SockAddr, path) == offset_of!(libc::sockaddr_un, sun_path),
        "the address is an ABI"
    );
    assert!(
        offset_of!(SockAddr, family) == offset_of!(libc::sockaddr_un, sun_family),
        "the address is an ABI"
    );
    assert!(
        offset_of!(SockAddr, name_len) == size_of::<libc::sockaddr_un>(),
        "the address is an ABI"
    );
    assert!(PATH_ROOM < u8::MAX as usize, "lengths of names fit a byte");
};

impl SockAddr {
    /// The address with this name; `None` when it is too long for one.
    pub(crate) fn new(name: &[u8]) -> Option<Self> {
        let mut addr = Self::unnamed();
        addr.path.get_mut(..name.len())?.copy_from_slice(name);
        addr.name_len = u8::try_from(name.len()).ok()?;
        Some(addr)
    }

    pub(crate) const fn unnamed() -> Self {
        Self {
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            len: 0,
            family: libc::AF_UNIX as libc::sa_family_t,
            path: [0; PATH_ROOM],
            name_len: 0,
        }
    }

    /// The name: a path without NUL, or a NUL and an abstract name; empty for no name.
    pub(crate) fn name(&self) -> &[u8] {
        self.path.get(..usize::from(self.name_len)).unwrap_or_default()
    }

    /// Works out the name's length from that of the whole address as the system reported it.
    fn set_len(&mut self, addr_len: usize) {
        let room = addr_len.saturating_sub(offset_of!(Self, path)).min(PATH_ROOM);
        let bytes = self.path.get(..room).unwrap_or_default();
        let len = match bytes.first() {
            None => 0,
            // An abstract name goes to the end of the address. Systems without such names return
            // zeros for none.
            Some(0) if ABSTRACT_NAMES => room,
            Some(0) => 0,
            Some(_) => bytes.iter().position(|&b| b == 0).unwrap_or(room),
        };
        self.name_len = len as u8;
    }

    fn addr_len(&self) -> libc::socklen_t {
        let name = usize::from(self.name_len);
        // The closing NUL of a path counts if there is room for it; after an abstract name a NUL
        // would belong to it.
        let nul = usize::from(name > 0 && name < PATH_ROOM && self.path[0] != 0);
        (offset_of!(Self, path) + name + nul) as libc::socklen_t
    }
}

/// Receives one datagram. Gives its length, which is more than `buf` holds if it was cut (where the
/// system does not tell by how much: one more), and the sender's address.
pub(crate) fn recv_from(
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    wait: bool,
) -> io::Result<(usize, SockAddr)> {
    let flags = if wait { 0 } else { libc::MSG_DONTWAIT };
    let mut from = SockAddr::unnamed();
    let (len, addr_len) = imp::recv_from(fd, buf, flags, &mut from)?;
    from.set_len(addr_len);
    Ok((len, from))
}

/// The system call behind [`recv_from`].
pub(crate) use imp::RECEIVE_CALL;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use super::*;

    pub(crate) const RECEIVE_CALL: &str = "recvfrom";

    pub(super) fn recv_from(
        fd: BorrowedFd<'_>,
        buf: &mut [u8],
        flags: libc::c_int,
        from: &mut SockAddr,
    ) -> io::Result<(usize, usize)> {
        let mut addr_len = size_of::<libc::sockaddr_un>() as libc::socklen_t;
        // SAFETY: `buf` is valid for writes of `buf.len()` bytes. `from` is exclusively borrowed
        // and valid for writes of `addr_len` bytes, the size of `sockaddr_un`: `SockAddr` begins
        // with the same fields at the same offsets (asserted above), consists of integers only, so
        // every bit pattern is fine, and what the system writes ends before `name_len`. The system
        // keeps none of the pointers. `fd` is open while it is borrowed.
        let got = unsafe {
            libc::recvfrom(
                fd.as_raw_fd(),
                buf.as_mut_ptr().cast(),
                buf.len(),
                // Makes the result the datagram's true length.
                flags | libc::MSG_TRUNC,
                std::ptr::from_mut(from).cast(),
                &mut addr_len,
            )
        };
        Ok((usize::try_from(got).map_err(|_| io::Error::last_os_error())?, addr_len as usize))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use super::*;

    pub(crate) const RECEIVE_CALL: &str = "recvmsg";

    pub(super) fn recv_from(
        fd: BorrowedFd<'_>,
        buf: &mut [u8],
        flags: libc::c_int,
        from: &mut SockAddr,
    ) -> io::Result<(usize, usize)> {
        let mut part = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
        // SAFETY: `msghdr` consists of integers and pointers, for which zeros are valid.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_name = std::ptr::from_mut(from).cast();
        header.msg_namelen = size_of::<libc::sockaddr_un>() as libc::socklen_t;
        header.msg_iov = &mut part;
        header.msg_iovlen = 1;
        // SAFETY: `header` names two places: `buf`, valid for writes of `buf.len()` bytes, and
        // `from`, exclusively borrowed and valid for writes of the size of `sockaddr_un`, whose
        // fields `SockAddr` begins with at the same offsets (asserted above); both consist of
        // integers only. No control buffer is given. The system keeps none of the pointers. `fd` is
        // open while it is borrowed.
        let got = unsafe { libc::recvmsg(fd.as_raw_fd(), &mut header, flags) };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        let cut = header.msg_flags & libc::MSG_TRUNC != 0;
        Ok((if cut { buf.len() + 1 } else { got }, header.msg_namelen as usize))
    }
}

/// Waits until a socket has something to receive, or the time is over: to the microsecond where the
/// system can.
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<()> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let result = {
        let limit = libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos() as _,
        };
        // SAFETY: `entry` is one `pollfd`, valid for reads and writes, as the count says; `limit`
        // is valid for reads; no signal mask is given. The system keeps no pointer. `fd` is open
        // while it is borrowed.
        unsafe { libc::ppoll(&mut entry, 1, &limit, std::ptr::null()) }
    };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let result = {
        let limit =
            libc::c_int::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(libc::c_int::MAX);
        // SAFETY: `entry` is one `pollfd`, valid for reads and writes, as the count says. The
        // system keeps no pointer. `fd` is open while it is borrowed.
        unsafe { libc::poll(&mut entry, 1, limit) }
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether a socket's own buffer certainly has room to send from.
pub(crate) fn is_writable(fd: BorrowedFd<'_>) -> bool {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: `entry` is one `pollfd`, valid for reads and writes, as the count says. The system
    // keeps no pointer. `fd` is open while it is borrowed.
    let result = unsafe { libc::poll(&mut entry, 1, 0) };
    result > 0 && entry.revents & libc::POLLOUT != 0
}

/// Binds a socket to an address.
pub(crate) fn bind(fd: BorrowedFd<'_>, addr: &SockAddr) -> io::Result<()> {
    // SAFETY: as in `send_to`: `addr` is valid for reads of `addr_len()` bytes, and only read.
    let result =
        unsafe { libc::bind(fd.as_raw_fd(), std::ptr::from_ref(addr).cast(), addr.addr_len()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Connects a socket to an address.
pub(crate) fn connect(fd: BorrowedFd<'_>, addr: &SockAddr) -> io::Result<()> {
    // SAFETY: as in `send_to`: `addr` is valid for reads of `addr_len()` bytes, and only read.
    let result =
        unsafe { libc::connect(fd.as_raw_fd(), std::ptr::from_ref(addr).cast(), addr.addr_len()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends one datagram without ever waiting.
pub(crate) fn send_to(fd: BorrowedFd<'_>, msg: &[u8], to: &SockAddr) -> io::Result<()> {
    // SAFETY: `msg` is valid for reads of `msg.len()` bytes, and `to` for reads of `addr_len()`
    // bytes, at most the size of `sockaddr_un`, with whose fields `SockAddr` begins at the same
    // offsets (asserted above). The system only reads both and keeps neither pointer. `fd` is open
    // while it is borrowed.
    let sent = unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            msg.as_ptr().cast(),
            msg.len(),
            SEND_FLAGS,
            std::ptr::from_ref(to).cast(),
            to.addr_len(),
        )
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends one datagram to where the socket is connected, without ever waiting.
pub(crate) fn send_connected(fd: BorrowedFd<'_>, msg: &[u8]) -> io::Result<()> {
    // SAFETY: `msg` is valid for reads of `msg.len()` bytes; the system keeps no pointer. `fd` is
    // open while borrowed.
    let sent = unsafe { libc::send(fd.as_raw_fd(), msg.as_ptr().cast(), msg.len(), SEND_FLAGS) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets the size of a socket's buffer in bytes: `SO_SNDBUF` or `SO_RCVBUF`.
pub(crate) fn set_buffer(fd: BorrowedFd<'_>, which: Buffer, bytes: usize) -> io::Result<()> {
    let option = match which {
        Buffer::Send => libc::SO_SNDBUF,
        Buffer::Receive => libc::SO_RCVBUF,
    };
    // What is too much the system cuts to what it allows anyway.
    let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    // SAFETY: `value` is valid for reads of the length given, its own size, and outlives the call.
    // `fd` is open while it is borrowed.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            std::ptr::from_ref(&value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// One of a socket's two buffers.
#[derive(Clone, Copy)]
pub(crate) enum Buffer {
    Send,
    Receive,
}

/// The effective user of this process.
pub(crate) fn effective_uid() -> u32 {
    // SAFETY: takes no arguments, touches no memory and cannot fail.
    unsafe { libc::geteuid() }
}

/// Takes the exclusive lock of an open file, or fails at once with `EWOULDBLOCK`. It ends with the
/// file.
pub(crate) fn try_lock(file: &File) -> io::Result<()> {
    // SAFETY: takes integers only. The descriptor is open while `file` is borrowed.
    let result = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether the system's data base has a name for that group.
pub(crate) fn group_has_name(gid: u32) -> bool {
    let mut strings = [0 as libc::c_char; GROUP_ROOM];
    let mut entry = std::mem::MaybeUninit::<libc::group>::uninit();
    let mut found: *mut libc::group = std::ptr::null_mut();
    // SAFETY: `entry` and `found` are valid for writes of their types and `strings` for writes of
    // its length, which is the one given. All outlive the call, and what it puts into them is not
    // looked at but for `found` being null.
    let result = unsafe {
        libc::getgrgid_r(gid, entry.as_mut_ptr(), strings.as_mut_ptr(), strings.len(), &mut found)
    };
    // ERANGE: there is such a group, with more members than there is room for.
    result == libc::ERANGE || (result == 0 && !found.is_null())
}

/// Bytes for a group's name and members.
const GROUP_ROOM: usize = 4096;

/// A send never waits, and never ends the process.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SEND_FLAGS: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEND_FLAGS: libc::c_int = libc::MSG_DONTWAIT;

/// Whether the system has names outside the file system.
pub(crate) const ABSTRACT_NAMES: bool = cfg!(any(target_os = "linux", target_os = "android"));
