//! Everything that is loaded into the kernel, and ends with it: maps, programs, registered
//! algorithms.

use core::mem::offset_of;
use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ccp_lang::ebpf::AsmError;
use thiserror::Error;

use crate::btf::{Btf, BtfError, BtfMaker};
use crate::fixed::{Fixed, FixedProgram, MapFds};
use crate::life::Adopt;
use crate::offsets::{Kernel, OffsetError};
use crate::page::{AgentWords, FlowWords, LAYOUT, PAGE};
use crate::pin::{self, Owner, PinError};
use crate::rules::Rules;
use crate::stage::Stage;
use crate::sys::{self, LoadError, MapKind, MapSpec, Mapping, SysError};

/// What can be set about the datapath. Starts from [`Options::default`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The algorithms to register: at least one.
    pub names: Vec<Name>,
    /// Flows at a time that get a page; further ones run under the fallback. 4,096 by default.
    pub max_flows: u32,
    /// Programs at a time, those included that only running flows still use. 1,024 by default.
    pub max_programs: u32,
    /// Bytes of the ring for messages to the agent: a power of two, and of pages. 4 MiB by default.
    pub ring_bytes: u32,
    /// Whether sockets of users without CAP_NET_ADMIN may choose the algorithms. Not by default.
    pub unprivileged: bool,
    /// How long the agent may show no life before the fallback governs. 200 ms by default.
    pub fallback_after: Duration,
    /// How long a receive looks for messages again and again before it sleeps. Not by default: it
    /// keeps a processor busy.
    pub spin: Duration,
    /// How often the kernel wakes the agent at most, in the long run: what is reported more often is
    /// heard together. Once in a millisecond by default; zero: for each report.
    pub wake_every: Duration,
    /// What flows ask the agent for whose socket chose an algorithm without a wish of its own.
    pub rules: Rules,
    /// Whether flows of the same names whose agent has died come under this one. They do by default.
    pub take_over: bool,
    /// Running flows of other algorithms that come under this agent, as flows of the first name.
    pub adopt: Vec<Adopt>,
    /// Whether the first name becomes the default algorithm of this network namespace, until the end.
    pub set_default: bool,
    /// A folder of a BPF file system in which the registrations are pinned: the algorithms then stay
    /// when the agent ends or dies, with the fallback governing, and the next agent takes their place.
    pub pin: Option<PathBuf>,
}

/// One algorithm as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What sockets choose it by; 15 bytes at most.
    pub name: String,
    /// What its flows ask the agent for; empty: for nothing.
    pub wish: String,
}

impl Name {
    /// `ccp`, whose flows ask for nothing, and for each algorithm of an agent `ccp_` before its
    /// name, whose flows ask for it. What a name may not have in the kernel becomes a dot:
    /// `ccp_cubic.linux` is for `cubic:linux`.
    ///
    /// # Errors
    /// [`StartError::Name`]: with `ccp_` the name is too long, or no name for the kernel.
    pub fn for_algorithms(algorithms: &[&str]) -> Result<Vec<Self>, StartError> {
        let plain = Self { name: "ccp".to_owned(), wish: String::new() };
        let own =
            algorithms.iter().map(|&wish| Self { name: kernel_name(wish), wish: wish.to_owned() });
        let names: Vec<_> = std::iter::once(plain).chain(own).collect();
        names.iter().try_for_each(Self::check)?;
        Ok(names)
    }

    fn check(&self) -> Result<(), StartError> {
        let name = &self.name;
        if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(may_name) {
            return Err(StartError::Name { name: name.clone() });
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            names: vec![Name { name: "ccp".to_owned(), wish: String::new() }],
            max_flows: 4096,
            max_programs: 1024,
            ring_bytes: 4 << 20,
            unprivileged: false,
            fallback_after: Duration::from_millis(200),
            spin: Duration::ZERO,
            wake_every: Duration::from_millis(1),
            rules: Rules::default(),
            take_over: true,
            adopt: Vec::new(),
            set_default: false,
            pin: None,
        }
    }
}

/// The datapath in the kernel. Dropping it takes the algorithms away from new sockets; sockets that
/// have one keep the code, and so its fallback.
#[derive(Debug)]
pub struct Engine {
    kernel: Kernel,
    maps: Maps,
    agent: Mapping,
    flows: Mapping,
    algorithms: Vec<Algorithm>,
    slot_bits: u32,
    epoch_us: u64,
    options: Options,
    /// While it lives no other agent uses the folder of the pins.
    _owner: Option<Owner>,
}

/// The maps' descriptors.
#[derive(Debug)]
pub struct Maps {
    /// One page for each flow.
    pub flows: OwnedFd,
    /// The agent's page.
    pub agent: OwnedFd,
    /// Free slots.
    pub slots: OwnedFd,
    /// Programs by number.
    pub programs: OwnedFd,
    /// Messages to the agent.
    pub ring: OwnedFd,
}

/// One registered algorithm. Fields end in this order: the registration first.
#[derive(Debug)]
struct Algorithm {
    _link: OwnedFd,
    _map: OwnedFd,
    programs: Vec<(&'static str, OwnedFd)>,
}

impl Engine {
    /// Loads everything and registers the algorithms. Flows run under the fallback until the agent
    /// shows that it lives.
    ///
    /// # Errors
    /// What this kernel lacks or refuses. Nothing stays behind.
    pub fn start(options: Options) -> Result<Self, StartError> {
        check(&options)?;
        let owner = options.pin.as_deref().map(Owner::of).transpose()?;
        let btf = Btf::parse(sys::kernel_btf()?)?;
        let kernel = Kernel::read(&btf)?;
        drop(btf);
        let maps = Maps::create(&options)?;
        let agent = Mapping::new(maps.agent.as_fd(), 0, PAGE)?;
        let flows = Mapping::new(maps.flows.as_fd(), 0, PAGE * options.max_flows as usize)?;
        if let Some(word) = agent.u64_at(offset_of!(AgentWords, patience)) {
            let us = u64::try_from(options.fallback_after.as_micros()).unwrap_or(u64::MAX >> 1);
            word.store(us, Ordering::Relaxed);
        }
        let mut engine = Self {
            slot_bits: u32::BITS - (options.max_flows - 1).leading_zeros(),
            epoch_us: sys::monotonic_us(),
            kernel,
            maps,
            agent,
            flows,
            algorithms: Vec::new(),
            options,
            _owner: owner,
        };
        // The kernel wants some BTF beside the map, and looks at none of it.
        let mut some = BtfMaker::new();
        some.int("int", 4);
        let some = sys::btf_load(&some.finish())?;
        for name in engine.options.names.clone() {
            let algorithm = engine.register(&name, &some)?;
            engine.algorithms.push(algorithm);
        }
        Ok(engine)
    }

    /// What the fixed part is generated from; the flows' programs are, too.
    #[must_use]
    pub fn fixed(&self) -> Fixed<'_> {
        let number = |fd| sys::number(fd);
        Fixed {
            kernel: &self.kernel,
            maps: MapFds {
                flows: number(&self.maps.flows),
                agent: number(&self.maps.agent),
                slots: number(&self.maps.slots),
                programs: number(&self.maps.programs),
                ring: number(&self.maps.ring),
            },
            slot_bits: self.slot_bits,
            epoch_us: self.epoch_us,
        }
    }

    /// What it was started with.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The maps.
    #[must_use]
    pub const fn maps(&self) -> &Maps {
        &self.maps
    }

    /// The agent's page.
    #[must_use]
    pub const fn agent_page(&self) -> &Mapping {
        &self.agent
    }

    /// All flows' pages, one behind the other by slot.
    #[must_use]
    pub const fn flow_pages(&self) -> &Mapping {
        &self.flows
    }

    /// Writing into the flows' pages.
    #[must_use]
    pub const fn stage(&self) -> Stage<'_> {
        Stage::new(&self.flows, self.slot_bits)
    }

    /// Shows the kernel's side that the agent lives.
    ///
    /// Each ACK reads the word on its own processor, so it is written only when it has aged by a
    /// small part of what it may: every writing costs the next ACK a miss of the cache.
    #[inline]
    pub fn beat(&self) {
        if let Some(word) = self.agent.u64_at(offset_of!(AgentWords, heartbeat)) {
            let now = sys::monotonic_us();
            let young = self.options.fallback_after.as_micros() / BEATS_PER_PATIENCE;
            if u128::from(now.wrapping_sub(word.load(Ordering::Relaxed))) >= young {
                word.store(now, Ordering::Relaxed);
            }
        }
    }

    /// 1 while the agent sleeps and wants to be woken.
    pub(crate) fn sleeping(&self) -> Option<&AtomicU64> {
        self.agent.u64_at(offset_of!(AgentWords, sleeping))
    }

    /// The programs that some flow runs or is about to.
    pub(crate) fn running_programs(&self) -> BTreeSet<u32> {
        let stage = self.stage();
        let load = |slot, at: usize| stage.word(slot, at).map(|word| word.load(Ordering::Acquire));
        let mut found = BTreeSet::new();
        for slot in 0..self.options.max_flows as usize {
            if load(slot, offset_of!(FlowWords, open)) != Some(1) {
                continue;
            }
            found.extend(load(slot, LAYOUT.running() as usize));
            let staged_for = load(slot, offset_of!(FlowWords, staged_for));
            if staged_for == load(slot, offset_of!(FlowWords, generation)) {
                found.extend(load(slot, LAYOUT.program() as usize));
            }
        }
        found.into_iter().filter_map(|number| u32::try_from(number).ok()).collect()
    }

    /// The programs of the fixed part, with the name of the function each is.
    pub fn programs(&self) -> impl Iterator<Item = (&'static str, &OwnedFd)> {
        self.algorithms.iter().flat_map(|a| a.programs.iter().map(|(name, fd)| (*name, fd)))
    }

    fn register(&self, name: &Name, btf: &OwnedFd) -> Result<Algorithm, StartError> {
        let ops = &self.kernel.ops;
        let mut value = vec![0_u8; ops.value_size as usize];
        let mut put = |at: u32, bytes: &[u8]| {
            let at = at as usize;
            if let Some(place) = value.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        let mut programs = Vec::new();
        for FixedProgram { callback, code } in self.fixed().programs(&name.wish)? {
            let Some(member) = ops.callback(callback) else { continue };
            let label = format!("ccp_{callback}");
            let fd = sys::struct_ops_prog_load(&label, &code, ops.id, member.index)?;
            put(member.value_offset, &u64::from(sys::number(&fd) as u32).to_le_bytes());
            programs.push((callback, fd));
        }
        put(ops.name.offset, name.name.as_bytes());
        let flags = if self.options.unprivileged { NON_RESTRICTED } else { 0 };
        put(ops.flags.offset, &u32::to_le_bytes(flags));
        let map =
            sys::struct_ops_map_create(&name.name, ops.value_size, ops.value_id, btf.as_fd())?;
        sys::map_update(map.as_fd(), &0_u32.to_le_bytes(), &value)?;
        let link = match &self.options.pin {
            None => sys::struct_ops_link(map.as_fd())
                .map_err(|source| StartError::Register { name: name.name.clone(), source })?,
            Some(folder) => pin::register(folder, &name.name, map.as_fd())?,
        };
        Ok(Algorithm { _link: link, _map: map, programs })
    }
}

impl Maps {
    fn create(options: &Options) -> Result<Self, SysError> {
        let make = |kind, name, key_size, value_size: usize, max_entries, flags| {
            let value_size = value_size as u32;
            sys::map_create(&MapSpec { kind, name, key_size, value_size, max_entries, flags })
        };
        let (flows, programs) = (options.max_flows, options.max_programs);
        let maps = Self {
            flows: make(MapKind::Array, FLOWS_MAP, 4, PAGE, flows, sys::MMAPABLE)?,
            agent: make(MapKind::Array, AGENT_MAP, 4, PAGE, 1, sys::MMAPABLE)?,
            slots: make(MapKind::Stack, "ccp_slots", 0, 4, flows, 0)?,
            // Number 0 is none.
            programs: make(MapKind::ProgArray, "ccp_programs", 4, 4, programs + 1, 0)?,
            ring: make(MapKind::RingBuf, "ccp_ring", 0, 0, options.ring_bytes, 0)?,
        };
        // The lowest is taken first.
        for slot in (0..flows).rev() {
            sys::map_update(maps.slots.as_fd(), &[], &slot.to_le_bytes())?;
        }
        Ok(maps)
    }
}

fn kernel_name(wish: &str) -> String {
    let usual = |letter| if may_name(letter) { letter } else { '.' };
    format!("ccp_{}", wish.chars().map(usual).collect::<String>())
}

/// What the kernel takes in the name of an algorithm.
fn may_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.')
}

fn check(options: &Options) -> Result<(), StartError> {
    if !cfg!(all(target_endian = "little", target_pointer_width = "64")) {
        return Err(StartError::Processor);
    }
    let within = |what, value, least, most| {
        if (least..=most).contains(&value) {
            Ok(())
        } else {
            Err(StartError::Setting { what, value, least, most })
        }
    };
    within("flows", options.max_flows, 1, MOST_FLOWS)?;
    within("programs", options.max_programs, 1, MOST_PROGRAMS)?;
    within("bytes of the ring", options.ring_bytes, PAGE as u32, 1 << 30)?;
    if !options.ring_bytes.is_power_of_two() {
        let bytes = options.ring_bytes;
        return Err(StartError::RingSize { bytes });
    }
    let wake_every = u32::try_from(options.wake_every.as_micros()).unwrap_or(u32::MAX);
    within("microseconds between wakes", wake_every, 0, 1_000_000)?;
    options.names.iter().try_for_each(Name::check)
}

/// Why the datapath does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The generated code writes messages and pages as such machines have them.
    #[error("only machines that are little-endian and have 64 bits are served")]
    Processor,
    /// A number that is out of range.
    #[error("{value} {what} are not possible, but {least} to {most} are")]
    Setting {
        /// Of what.
        what: &'static str,
        /// What was asked for.
        value: u32,
        /// The least possible.
        least: u32,
        /// The most possible.
        most: u32,
    },
    /// A ring of a length that the kernel cannot make.
    #[error("a ring of {bytes} bytes is not possible: it must be a power of two")]
    RingSize {
        /// What was asked for.
        bytes: u32,
    },
    /// A name that no algorithm can have.
    #[error("no algorithm can be called '{name}': 1 to {MOST_NAME} letters, digits, '_', '.'")]
    Name {
        /// What was asked for.
        name: String,
    },
    /// The kernel's types are unreadable.
    #[error("the kernel's types cannot be read")]
    Btf(#[from] BtfError),
    /// The kernel lacks something.
    #[error("this kernel cannot be served")]
    Kernel(#[from] OffsetError),
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] SysError),
    /// A program was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The generator made a mistake.
    #[error("a generated program is wrong; report this as a bug")]
    Generator(#[from] AsmError),
    /// An algorithm was not registered and pinned.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// An algorithm was not registered.
    #[error("the algorithm {name} is not registered")]
    Register {
        /// Which one.
        name: String,
        /// What the kernel said.
        source: SysError,
    },
}

/// How often the heart beats at most before the fallback would govern.
const BEATS_PER_PATIENCE: u128 = 32;

/// By these names the maps are found again.
pub(crate) const FLOWS_MAP: &str = "ccp_flows";
pub(crate) const AGENT_MAP: &str = "ccp_agent";

/// Sockets of any user may choose the algorithm.
const NON_RESTRICTED: u32 = 1;

/// What the kernel has room for.
const MOST_NAME: usize = 15;

/// A quarter of a gigabyte of pages.
const MOST_FLOWS: u32 = 1 << 16;

const MOST_PROGRAMS: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_has_a_name_that_the_kernel_takes() {
        let names = Name::for_algorithms(&["reno", "cubic:linux"]).unwrap();
        let pairs: Vec<_> = names.iter().map(|n| (n.name.as_str(), n.wish.as_str())).collect();
        let wanted = [("ccp", ""), ("ccp_reno", "reno"), ("ccp_cubic.linux", "cubic:linux")];
        assert_eq!(pairs, wanted);
        let long = Name::for_algorithms(&["eleven_only", "twelve_bytes"]).unwrap_err();
        assert!(matches!(long, StartError::Name { name } if name == "ccp_twelve_bytes"));
    }

    #[test]
    fn an_agent_that_would_hardly_ever_wake_is_refused() {
        let with = |wake_every| check(&Options { wake_every, ..Options::default() });
        assert!(with(Duration::ZERO).is_ok());
        assert!(with(Duration::from_secs(1)).is_ok());
        for wake_every in [Duration::from_millis(1001), Duration::MAX] {
            let refused = with(wake_every).unwrap_err();
            assert!(matches!(refused, StartError::Setting { most: 1_000_000, .. }), "{refused}");
        }
    }
}
