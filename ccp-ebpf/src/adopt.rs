//! Moves TCP sockets that already run from one congestion control algorithm to another.
//!
//! The kernel walks over the sockets of a network namespace (its iterator of TCP sockets) and a
//! program of ours sets the algorithm of those that are meant, as `setsockopt(TCP_CONGESTION)`
//! would. Two uses: an agent that starts again takes the flows of the dead one over, whose sockets
//! hold an algorithm of the same name that is no longer registered; and `--adopt` brings flows of
//! another algorithm under the agent. Listening sockets are moved as well, so that what they accept
//! from now on is governed too.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::thread;

use ccp_lang::ebpf::{Asm, AsmError, Assembled, Cond, Gpr, Size};
use thiserror::Error;

use crate::btf::{Btf, Kind, TypeId};
use crate::sys::{self, LoadError, SysError};

/// Which sockets are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick<'a> {
    /// Those whose algorithm has this name.
    Named(&'a str),
    /// Those whose algorithm's name does not begin so.
    NotBeginning(&'a str),
}

/// What a walk has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Sockets that run the other algorithm now.
    pub moved: u64,
    /// Sockets that the kernel did not move.
    pub refused: u64,
    /// Network namespaces that were walked.
    pub namespaces: u64,
    /// Network namespaces that could not be entered.
    pub closed: u64,
}

impl Adopted {
    fn add(&mut self, other: Self) {
        self.moved += other.moved;
        self.refused += other.refused;
        self.namespaces += other.namespaces;
        self.closed += other.closed;
    }
}

/// A loaded program that moves sockets, as often as it is asked to.
#[derive(Debug)]
pub struct Adopter {
    link: OwnedFd,
}

impl Adopter {
    /// Generates and loads the program; `to` is the name of a registered algorithm.
    ///
    /// # Errors
    /// A name that is too long, a kernel without what is needed, or what it refuses.
    pub fn new(btf: &Btf, pick: Pick<'_>, to: &str) -> Result<Self, AdoptError> {
        let kernel = Kernel::read(btf)?;
        let code = program(&kernel, pick, to)?;
        let program = sys::iter_prog_load("ccp_adopt", &code, kernel.walk)?;
        Ok(Self { link: sys::iter_link(program.as_fd())? })
    }

    /// Moves the sockets of this thread's network namespace.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn here(&self) -> Result<Adopted, AdoptError> {
        let mut walk = sys::iter_begin(self.link.as_fd())?;
        let mut adopted = Adopted { namespaces: 1, ..Adopted::default() };
        let mut said = [0; 4096];
        loop {
            match walk.read(&mut said) {
                Ok(0) => return Ok(adopted),
                Ok(len) => {
                    let moved = said.iter().take(len).filter(|&&byte| byte == MOVED).count();
                    adopted.moved += moved as u64;
                    adopted.refused += (len - moved) as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(SysError { call: "read of an iterator", source }.into()),
            }
        }
    }

    /// Moves the sockets of every network namespace that is to be found: those of all threads and
    /// those with a name where `ip netns` and Docker keep them. What cannot be entered is counted.
    ///
    /// # Errors
    /// What the kernel refuses in a namespace that could be entered.
    pub fn everywhere(&self) -> Result<Adopted, AdoptError> {
        // Walked without entering it, which needs more rights than walking.
        let mut all = self.here()?;
        for namespace in other_namespaces() {
            let enter_and_walk = || match sys::enter_net(&namespace) {
                Ok(()) => self.here(),
                Err(_) => Ok(Adopted { closed: 1, ..Adopted::default() }),
            };
            // In a thread of its own, which ends there.
            let walked = thread::scope(|scope| scope.spawn(enter_and_walk).join());
            all.add(walked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    }
}

/// Each network namespace once, but not this thread's own.
fn other_namespaces() -> impl Iterator<Item = File> {
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let named = NAMED.iter().flat_map(move |folder| entries(PathBuf::from(folder)));
    let is_process = |name: &[u8]| name.iter().all(u8::is_ascii_digit);
    let processes = entries(PathBuf::from("/proc"))
        .filter(move |entry| is_process(entry.file_name().as_encoded_bytes()));
    // A thread may be elsewhere than its process.
    let threads = processes.flat_map(move |entry| entries(entry.path().join("task")));
    let paths =
        named.map(|entry| entry.path()).chain(threads.map(|entry| entry.path().join("ns/net")));
    let own = fs::metadata("/proc/thread-self/ns/net");
    let mut seen: HashSet<_> = own.iter().map(|own| (own.dev(), own.ino())).collect();
    // What is gone by now, or not ours to see, is not there.
    paths.filter_map(move |path| {
        // Before opening: a host has thousands of processes and few namespaces.
        let found = fs::metadata(&path).ok()?;
        if !seen.insert((found.dev(), found.ino())) {
            return None;
        }
        File::open(path).ok()
    })
}

/// What of one kernel the program needs.
struct Kernel {
    /// The function that stands for the walk.
    walk: TypeId,
    /// In the walk's context.
    meta: i16,
    socket: i16,
    /// In the context's `meta`.
    output: i16,
    /// In a TCP socket.
    algorithm: i16,
    /// In the algorithm, and how long.
    name: i16,
    name_len: u32,
}

impl Kernel {
    fn read(btf: &Btf) -> Result<Self, AdoptError> {
        let structure =
            |name| btf.find(Kind::Struct, name).ok_or(AdoptError::Kernel { lacks: "struct", name });
        let member = |id, name| {
            let found = btf.member(id, name).filter(|found| found.bit_offset.is_multiple_of(8));
            let offset = found.and_then(|found| i16::try_from(found.bit_offset / 8).ok());
            let lacks = AdoptError::Kernel { lacks: "member", name };
            offset.zip(found).ok_or(lacks)
        };
        let walk = btf.find(Kind::Function, "bpf_iter_tcp");
        let walk = walk.ok_or(AdoptError::Kernel { lacks: "function", name: "bpf_iter_tcp" })?;
        let context = structure("bpf_iter__tcp")?;
        let (base, connection) = member(structure("tcp_sock")?, "inet_conn")?;
        let (within, _) = member(btf.resolve(connection.ty), "icsk_ca_ops")?;
        let (name, name_member) = member(structure("tcp_congestion_ops")?, "name")?;
        Ok(Self {
            walk,
            meta: member(context, "meta")?.0,
            socket: member(context, "sk_common")?.0,
            output: member(structure("bpf_iter_meta")?, "seq")?.0,
            algorithm: base
                .checked_add(within)
                .ok_or(AdoptError::Kernel { lacks: "member", name: "icsk_ca_ops" })?,
            name,
            name_len: btf.size_of(name_member.ty).unwrap_or(0),
        })
    }
}

/// The program: one run a socket.
fn program(kernel: &Kernel, pick: Pick<'_>, to: &str) -> Result<Assembled, AdoptError> {
    use Gpr::{R0, R1, R2, R3, R4, R5, R6, R7, R10};
    let longest = kernel.name_len.saturating_sub(1) as usize;
    let check = |name: &str| {
        let fits = name.len() <= longest && !name.contains('\0');
        if fits { Ok(()) } else { Err(AdoptError::Name { name: name.to_owned(), longest }) }
    };
    check(to)?;
    let mut asm = Asm::new();
    let done = asm.label();
    asm.comment("which socket");
    asm.mov(R6, R1);
    asm.load(Size::Dw, R1, R6, kernel.socket);
    asm.jump_if(Cond::Eq, R1, 0, done);
    asm.call(SKC_TO_TCP_SOCK);
    asm.jump_if(Cond::Eq, R0, 0, done);
    asm.mov(R7, R0);
    asm.comment("is it meant");
    asm.load(Size::Dw, R1, R7, kernel.algorithm);
    asm.jump_if(Cond::Eq, R1, 0, done);
    let meant = asm.label();
    let (text, all) = match pick {
        // With the NUL behind it.
        Pick::Named(name) => (name, true),
        Pick::NotBeginning(name) => (name, false),
    };
    check(text)?;
    for (at, byte) in (0..).zip(text.bytes().chain(all.then_some(0))) {
        asm.load(Size::B, R2, R1, kernel.name + at);
        asm.jump_if(Cond::Ne, R2, i32::from(byte), if all { done } else { meant });
    }
    if !all {
        asm.jump(done);
    }
    asm.bind(meant);
    asm.comment("move it");
    let mut words = [0_u8; NAME_ROOM];
    for (to, from) in words.iter_mut().zip(to.bytes()) {
        *to = from;
    }
    for (at, word) in (0..).zip(words.chunks_exact(8)) {
        let word = word.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        asm.constant(R1, word);
        asm.store(Size::Dw, R10, STACK + at * 8, R1);
    }
    asm.mov(R1, R7);
    asm.mov(R2, IPPROTO_TCP);
    asm.mov(R3, TCP_CONGESTION);
    asm.mov(R4, R10);
    asm.add(R4, i32::from(STACK));
    asm.mov(R5, to.len() as i32);
    asm.call(SETSOCKOPT);
    asm.comment("tell what became of it");
    let tell = asm.label();
    asm.mov(R1, i32::from(MOVED));
    asm.jump_if(Cond::Eq, R0, 0, tell);
    asm.mov(R1, i32::from(REFUSED));
    asm.bind(tell);
    asm.store(Size::B, R10, STACK, R1);
    asm.load(Size::Dw, R1, R6, kernel.meta);
    asm.load(Size::Dw, R1, R1, kernel.output);
    asm.mov(R2, R10);
    asm.add(R2, i32::from(STACK));
    asm.mov(R3, 1);
    asm.call(SEQ_WRITE);
    asm.bind(done);
    asm.mov(R0, 0);
    asm.exit();
    Ok(asm.finish()?)
}

/// Why sockets are not moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// A name that no algorithm can have.
    #[error("'{name}' is no algorithm's name: those have at most {longest} bytes, and no NUL")]
    Name {
        /// The name.
        name: String,
        /// How long one may be on this kernel.
        longest: usize,
    },
    /// A kernel on which sockets cannot be walked over.
    #[error("this kernel has no {lacks} {name}, which moving running flows needs")]
    Kernel {
        /// What kind of thing.
        lacks: &'static str,
        /// Which one.
        name: &'static str,
    },
    /// The code does not come out.
    #[error(transparent)]
    Asm(#[from] AsmError),
    /// The program is not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A call failed.
    #[error(transparent)]
    Sys(#[from] SysError),
}

/// Where namespaces have names.
const NAMED: [&str; 2] = ["/run/netns", "/run/docker/netns"];

/// One byte in the walk's output for each socket that was meant.
const MOVED: u8 = b'+';
const REFUSED: u8 = b'-';

/// Room for a name (`TCP_CA_NAME_MAX`), at the end of the stack.
const NAME_ROOM: usize = 16;
const STACK: i16 = -(NAME_ROOM as i16);

// linux/bpf.h, linux/in.h, linux/tcp.h
const SKC_TO_TCP_SOCK: i32 = 137;
const SEQ_WRITE: i32 = 127;
const SETSOCKOPT: i32 = 49;
const IPPROTO_TCP: i32 = 6;
const TCP_CONGESTION: i32 = 13;
