//! Memory shared with programs in the kernel.
//!
//! Two rules hold for memory that another party writes at any time: there is never a reference to
//! plain data in it, and all access is atomic. So a [`Mapping`] gives out atomics only.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::SysError;

/// A piece of a map's memory, mapped until this is dropped.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
    /// Stores into a mapping made for reading end the process: none are offered through one.
    writable: bool,
}

// SAFETY: the mapping belongs to the process and not to a thread, and what is given out of it are
// atomics, which may be shared.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes from `offset` for reading and writing.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn new(fd: BorrowedFd<'_>, offset: usize, len: usize) -> Result<Self, SysError> {
        Self::map(fd, offset, len, true)
    }

    /// Maps `len` bytes from `offset` for reading only.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn read_only(fd: BorrowedFd<'_>, offset: usize, len: usize) -> Result<Self, SysError> {
        Self::map(fd, offset, len, false)
    }

    fn map(
        fd: BorrowedFd<'_>,
        offset: usize,
        len: usize,
        writable: bool,
    ) -> Result<Self, SysError> {
        let protection = libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 };
        // SAFETY: a new mapping at an address of the system's choice touches no memory in use.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                protection,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                offset as libc::off_t,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(SysError::last("mmap"));
        }
        let base = NonNull::new(base.cast::<u8>()).ok_or_else(|| SysError::last("mmap"))?;
        Ok(Self { base, len, writable })
    }

    /// How many bytes are mapped.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none are.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether stores are possible.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.writable
    }

    /// The eight bytes at an offset; nothing beyond the end or across an alignment of eight. Only a
    /// writable mapping may be stored to.
    #[must_use]
    #[inline]
    pub fn u64_at(&self, at: usize) -> Option<&AtomicU64> {
        let fits = at.is_multiple_of(8) && at.checked_add(8).is_some_and(|end| end <= self.len);
        // SAFETY: the eight bytes at `at` are within the mapping, which lives as long as `self`;
        // `base` is aligned to a page and `at` to eight. Everybody who may write there, the kernel
        // included, does so by accesses of machine words, and this process has no reference to it
        // but atomics.
        fits.then(|| unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(at).cast()) })
    }

    /// The four bytes at an offset; nothing beyond the end or across an alignment of four. Only a
    /// writable mapping may be stored to.
    #[must_use]
    #[inline]
    pub fn u32_at(&self, at: usize) -> Option<&AtomicU32> {
        let fits = at.is_multiple_of(4) && at.checked_add(4).is_some_and(|end| end <= self.len);
        // SAFETY: as in `u64_at`, with four bytes.
        fits.then(|| unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(at).cast()) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `base` and `len` are of a mapping that `new` made and nobody else unmaps; no
        // reference into it outlives `self`.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
