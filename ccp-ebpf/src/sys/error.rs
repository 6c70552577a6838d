//! What the kernel refuses, with what helps against it.

use std::fmt;
use std::io;

/// A system call that failed.
#[derive(Debug)]
pub struct SysError {
    /// The call, with its command: `bpf(BPF_MAP_CREATE)`.
    pub call: &'static str,
    /// What the system said.
    pub source: io::Error,
}

impl SysError {
    pub(crate) fn last(call: &'static str) -> Self {
        Self { call, source: io::Error::last_os_error() }
    }

    /// What the system said, as a number.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }

    /// What can be done about it, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match (self.call, self.errno()?) {
            ("bpf(BPF_ENABLE_STATS)", libc::EPERM) => Some("it needs CAP_SYS_ADMIN"),
            (call, libc::EPERM) if call.starts_with("bpf(") => {
                Some("it needs CAP_BPF and CAP_PERFMON, which root has")
            }
            (call, libc::ENOSYS) if call.starts_with("bpf(") => {
                Some("this kernel is built without BPF (CONFIG_BPF_SYSCALL)")
            }
            ("bpf(BPF_LINK_CREATE)", libc::EEXIST) => {
                Some("an algorithm of that name is registered, by another agent perhaps: end it")
            }
            ("bpf(BPF_LINK_CREATE)", libc::EINVAL) => {
                Some("registering an algorithm through a link needs Linux 6.4 or later")
            }
            (call, libc::ENOMEM | libc::E2BIG) if call.starts_with("bpf(") => {
                Some("ask for fewer flows (--max-flows), or give the process more memory")
            }
            ("open /sys/kernel/btf/vmlinux", libc::ENOENT) => {
                Some("this kernel tells nothing of its types (CONFIG_DEBUG_INFO_BTF)")
            }
            _ => None,
        }
    }
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.call, self.source)?;
        match self.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SysError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A program that was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The kernel's verifier found something wrong with it: a mistake of the generator, or a kernel
    /// that knows less than those it was tried on.
    #[error("the kernel's verifier rejects program {program}: {source}\n{log}")]
    Rejected {
        /// Which program.
        program: String,
        /// The last lines of what the verifier has to say.
        log: String,
        /// What the call said.
        source: SysError,
    },
    /// The call failed before the program was looked at.
    #[error("program {program} is not loaded")]
    Sys {
        /// Which program.
        program: String,
        /// What the call said.
        source: SysError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_call_reason_and_remedy() {
        let refused = |call, errno| {
            SysError { call, source: io::Error::from_raw_os_error(errno) }.to_string()
        };
        let text = refused("bpf(BPF_MAP_CREATE)", libc::EPERM);
        assert!(text.contains("BPF_MAP_CREATE") && text.contains("CAP_BPF"), "{text}");
        assert!(refused("bpf(BPF_LINK_CREATE)", libc::EEXIST).contains("another agent"));
        assert!(!refused("mmap", libc::EPERM).contains("CAP_BPF"));
    }
}
