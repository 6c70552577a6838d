//! What this machine can do for the agent, each thing with what to do where it cannot.
//!
//! Everything is read from `/proc` and `/sys`; nothing is loaded, made or changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::rules::mount_point;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// A stable name, in kebab case.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do about it; empty where nothing is to be done.
    pub remedy: &'static str,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// The agent runs, but something that it may be asked for does not.
    Limited,
    /// `ccp run --ipc ebpf` will be refused.
    Missing,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Limited => "limited",
            Self::Missing => "missing",
        }
    }
}

/// Looks at this machine.
#[must_use]
pub fn examine() -> Vec<Check> {
    Machine { root: PathBuf::from("/") }.examine()
}

/// A machine's `/proc` and `/sys`, or made-up ones below another folder.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn examine(&self) -> Vec<Check> {
        let mut checks = vec![self.kernel(), self.btf()];
        checks.extend(self.capabilities());
        checks.extend([
            self.jit(),
            self.tcp(),
            self.bpffs(),
            self.cgroups(),
            self.default_algorithm(),
            self.allowed(),
        ]);
        checks
    }

    fn kernel(&self) -> Check {
        let release = self.read("proc/sys/kernel/osrelease");
        let seen = release.as_deref().unwrap_or("unknown");
        let verdict = match version(seen) {
            Some(version) if version >= OLDEST_KERNEL => Verdict::Good,
            Some(_) => Verdict::Missing,
            // Where the kernel does not tell, loading will.
            None => Verdict::Limited,
        };
        Check {
            name: "kernel",
            verdict,
            seen: format!("Linux {seen}"),
            remedy: "Linux 6.4 is the first that takes TCP algorithms by a link; boot a newer kernel",
        }
    }

    fn btf(&self) -> Check {
        let found = fs::File::open(self.path("sys/kernel/btf/vmlinux"));
        Check {
            name: "btf",
            verdict: if found.is_ok() { Verdict::Good } else { Verdict::Missing },
            seen: match found {
                Ok(_) => "/sys/kernel/btf/vmlinux can be read".into(),
                Err(error) => format!("/sys/kernel/btf/vmlinux: {error}"),
            },
            remedy: "the kernel's types are needed: use a kernel built with CONFIG_DEBUG_INFO_BTF=y, \
                     as those of the large distributions are",
        }
    }

    /// One check each: all that is needed, and what some options want beside it.
    fn capabilities(&self) -> Vec<Check> {
        let status = self.read("proc/self/status").unwrap_or_default();
        let held = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let held = held.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        let check = |&(name, bit, lack, remedy): &(&'static str, u32, Verdict, &'static str)| {
            let has = held.map(|held| held & (1 << bit) != 0);
            Check {
                name,
                verdict: if has == Some(true) { Verdict::Good } else { lack },
                seen: match has {
                    Some(true) => "held".into(),
                    Some(false) => "not held".into(),
                    None => "/proc/self/status does not tell".into(),
                },
                remedy,
            }
        };
        CAPABILITIES.iter().map(check).collect()
    }

    fn jit(&self) -> Check {
        let setting = self.read("proc/sys/net/core/bpf_jit_enable");
        let verdict = match setting.as_deref() {
            Some("0") => Verdict::Limited,
            _ => Verdict::Good,
        };
        Check {
            name: "jit",
            verdict,
            seen: match setting {
                Some(setting) => format!("net.core.bpf_jit_enable = {setting}"),
                None => "always on".into(),
            },
            remedy: "programs are interpreted, several times slower: sysctl -w net.core.bpf_jit_enable=1",
        }
    }

    fn tcp(&self) -> Check {
        let available = self.read("proc/sys/net/ipv4/tcp_available_congestion_control");
        let has_reno =
            available.iter().flat_map(|names| names.split_whitespace()).any(|n| n == "reno");
        Check {
            name: "tcp",
            verdict: if has_reno { Verdict::Good } else { Verdict::Missing },
            seen: match available {
                Some(names) => format!("there are: {names}"),
                None => "no net.ipv4.tcp_available_congestion_control".into(),
            },
            remedy: "the fallback stands on the kernel's reno: use a kernel with IPv4 and TCP",
        }
    }

    fn bpffs(&self) -> Check {
        let mounts = self.read("proc/self/mounts").unwrap_or_default();
        let mounted = mount_point(&mounts, "bpf");
        Check {
            name: "bpffs",
            verdict: if mounted.is_some() { Verdict::Good } else { Verdict::Limited },
            seen: mounted.map_or_else(|| "not mounted".into(), |at| format!("mounted at {at}")),
            remedy: "only --pin wants it: mount -t bpf bpf /sys/fs/bpf",
        }
    }

    fn cgroups(&self) -> Check {
        let mounts = self.read("proc/self/mounts").unwrap_or_default();
        let mounted = mount_point(&mounts, "cgroup2");
        Check {
            name: "cgroups",
            verdict: if mounted.is_some() { Verdict::Good } else { Verdict::Limited },
            seen: mounted.map_or_else(
                || "version 2 is not mounted".into(),
                |at| format!("version 2 at {at}"),
            ),
            remedy: "only rules by cgroup want it: mount -t cgroup2 cgroup2 /sys/fs/cgroup",
        }
    }

    fn default_algorithm(&self) -> Check {
        let default = self.read("proc/sys/net/ipv4/tcp_congestion_control");
        Check {
            name: "default-algorithm",
            verdict: Verdict::Good,
            seen: match default {
                Some(name) => format!("net.ipv4.tcp_congestion_control = {name}"),
                None => "net.ipv4.tcp_congestion_control is not there".into(),
            },
            remedy: "",
        }
    }

    fn allowed(&self) -> Check {
        let allowed = self.read("proc/sys/net/ipv4/tcp_allowed_congestion_control");
        Check {
            name: "unprivileged-sockets",
            verdict: Verdict::Good,
            seen: match allowed {
                Some(names) => format!("sockets without CAP_NET_ADMIN may choose: {names}"),
                None => "net.ipv4.tcp_allowed_congestion_control is not there".into(),
            },
            remedy: "",
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The text of a file without the space around it; nothing where it cannot be read. At most
    /// [`MOST`] bytes of it.
    fn read(&self, path: &str) -> Option<String> {
        read_start(&self.path(path)).ok()
    }
}

fn read_start(path: &Path) -> io::Result<String> {
    use io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// The first two numbers of a kernel's release, such as `6.18.44-generic`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// `BPF_F_LINK` for struct_ops maps came with it.
const OLDEST_KERNEL: (u32, u32) = (6, 4);

/// A mount table of a busy host may be long; nothing that is looked for is behind this.
const MOST: u64 = 4 << 20;

/// Name, number (`linux/capability.h`), how bad it is to lack it, what to do.
const CAPABILITIES: [(&str, u32, Verdict, &str); 4] = [
    (
        "cap-bpf",
        39,
        Verdict::Missing,
        "needed to load programs: run as root, or give it with `setcap cap_bpf,cap_perfmon+ep` on \
         the binary or AmbientCapabilities= in its unit",
    ),
    (
        "cap-perfmon",
        38,
        Verdict::Missing,
        "needed to load programs that read sockets: run as root, or give it as cap-bpf",
    ),
    (
        "cap-net-admin",
        12,
        Verdict::Limited,
        "only --set-default, and sockets that choose ccp without --unprivileged, want it",
    ),
    (
        "cap-sys-admin",
        21,
        Verdict::Limited,
        "only what ACKs cost (BPF_ENABLE_STATS) and --adopt in other network namespaces want it",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<Check>) {
        let dir = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let checks = Machine { root: dir.path().to_owned() }.examine();
        (dir, checks)
    }

    fn verdict(checks: &[Check], name: &str) -> Verdict {
        checks.iter().find(|check| check.name == name).expect("a check").verdict
    }

    const FIT: &[(&str, &str)] = &[
        ("proc/sys/kernel/osrelease", "6.4.0-generic\n"),
        ("sys/kernel/btf/vmlinux", "x"),
        ("proc/self/status", "Name:\tccp\nCapEff:\t000001ffffffffff\n"),
        ("proc/sys/net/core/bpf_jit_enable", "1\n"),
        ("proc/sys/net/ipv4/tcp_available_congestion_control", "reno cubic\n"),
        (
            "proc/self/mounts",
            "proc /proc proc rw 0 0\nbpf /sys/fs/bpf bpf rw 0 0\ncg /c cgroup2 rw 0 0\n",
        ),
    ];

    #[test]
    fn a_machine_that_has_everything_is_good() {
        let (_dir, checks) = machine(FIT);
        let bad: Vec<_> = checks.iter().filter(|check| check.verdict != Verdict::Good).collect();
        assert!(bad.is_empty(), "{bad:?}");
    }

    #[test]
    fn an_empty_machine_lacks_what_is_needed_and_says_what_to_do() {
        let (_dir, checks) = machine(&[]);
        for name in ["btf", "cap-bpf", "cap-perfmon", "tcp"] {
            assert_eq!(verdict(&checks, name), Verdict::Missing, "{name}");
        }
        for check in checks.iter().filter(|check| check.verdict != Verdict::Good) {
            assert!(!check.remedy.is_empty(), "{check:?}");
        }
    }

    #[test]
    fn kernels_before_6_4_are_too_old() {
        for (release, expected) in [
            ("6.3.9", Verdict::Missing),
            ("5.15.0-91-generic", Verdict::Missing),
            ("6.10.1", Verdict::Good),
            ("10.0.0-rc1", Verdict::Good),
            ("custom", Verdict::Limited),
        ] {
            let (_dir, checks) = machine(&[("proc/sys/kernel/osrelease", release)]);
            assert_eq!(verdict(&checks, "kernel"), expected, "{release}");
        }
    }

    #[test]
    fn capabilities_are_told_apart() {
        let status = format!("CapEff:\t{:016x}\n", (1_u64 << 39) | (1 << 38));
        let (_dir, checks) = machine(&[("proc/self/status", &status)]);
        assert_eq!(verdict(&checks, "cap-bpf"), Verdict::Good);
        assert_eq!(verdict(&checks, "cap-perfmon"), Verdict::Good);
        assert_eq!(verdict(&checks, "cap-net-admin"), Verdict::Limited);
        assert_eq!(verdict(&checks, "cap-sys-admin"), Verdict::Limited);
    }

    #[test]
    fn an_interpreter_instead_of_the_jit_is_told() {
        let (_dir, checks) = machine(&[("proc/sys/net/core/bpf_jit_enable", "0\n")]);
        assert_eq!(verdict(&checks, "jit"), Verdict::Limited);
    }
}
