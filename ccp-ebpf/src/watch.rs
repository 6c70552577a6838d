//! Looking at the live flows of agents in other processes, from the memory they share with the
//! kernel. Nothing is asked of the agent: it may be busy, frozen or dead.

use core::mem::offset_of;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::atomic::{Ordering, fence};

use ccp_lang::TrapKind;

use crate::engine::{AGENT_MAP, FLOWS_MAP};
use crate::page::{AgentWords, FlowWords, Governor, LAYOUT, PAGE};
use crate::sys::{self, MapInfo, MapKind, Mapping, SysError};

/// The flows of one agent.
#[derive(Debug)]
pub struct View {
    pages: Mapping,
    slots: usize,
    slot_bits: u32,
}

/// A flow as it was at its last ACK.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowState {
    /// Its number, as messages carry it.
    pub flow: u32,
    /// This end.
    pub local: SocketAddr,
    /// The far end.
    pub peer: SocketAddr,
    /// What it asked the agent for; empty: for nothing, so that the agent's default governs.
    pub asked: String,
    /// Who governs; nothing when the page says what it cannot.
    pub governor: Option<Governor>,
    /// The congestion window, in packets.
    pub cwnd: u64,
    /// The slow start threshold, in packets; nothing while it is unlimited.
    pub ssthresh: Option<u64>,
    /// Bytes in a packet.
    pub mss: u64,
    /// In bytes per second; 0 before the first ACK.
    pub pacing_rate: u64,
    /// The smoothed round-trip time, in microseconds.
    pub srtt_us: u64,
    /// Packets delivered.
    pub delivered: u64,
    /// Packets thought lost.
    pub lost: u64,
    /// Invocations that an arithmetic error ended.
    pub traps: u64,
    /// Reports sent.
    pub reports: u64,
    /// Reports for which the ring had no room.
    pub reports_lost: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Whose socket it is.
    pub uid: u64,
    /// The inode of its network namespace.
    pub netns: u64,
    /// How long it has lived, in microseconds.
    pub age_us: u64,
}

/// What can be said of a view's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentState {
    /// How long ago it showed that it lives, in microseconds; nothing if never.
    pub silent_us: Option<u64>,
    /// Flows for which there was no slot.
    pub no_slot: u64,
}

impl View {
    /// The flows of every agent on this machine, with what is known of the agent. Needs
    /// CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn all() -> Result<Vec<(Self, Option<AgentState>)>, SysError> {
        let mut found: Vec<(Self, Option<AgentState>)> = Vec::new();
        let mut id = 0;
        while let Some(next) = sys::next_map(id)? {
            id = next;
            // It may have gone meanwhile, or be of a kind that nobody may open.
            let Ok(map) = sys::open_map(id) else { continue };
            let Ok(info) = sys::map_info(map.as_fd()) else { continue };
            if is(&info, FLOWS_MAP) {
                let len = PAGE.saturating_mul(info.max_entries as usize);
                let Ok(pages) = Mapping::read_only(map.as_fd(), 0, len) else { continue };
                found.push((Self::new(pages, info.max_entries), None));
            } else if is(&info, AGENT_MAP)
                // An agent makes its own page right after those of its flows.
                && let Some((_, agent @ None)) = found.last_mut()
                && let Ok(page) = Mapping::read_only(map.as_fd(), 0, PAGE)
            {
                *agent = Some(agent_state(&page));
            }
        }
        Ok(found)
    }

    fn new(pages: Mapping, slots: u32) -> Self {
        let slot_bits = u32::BITS - slots.saturating_sub(1).leading_zeros();
        Self { pages, slots: slots as usize, slot_bits }
    }

    /// The flows that live now, by slot.
    #[must_use]
    pub fn flows(&self) -> Vec<FlowState> {
        let now = sys::monotonic_us();
        (0..self.slots).filter_map(|slot| self.flow(slot, now)).collect()
    }

    /// One flow; nothing when there is none, or when the slot changes hands while we look.
    fn flow(&self, slot: usize, now: u64) -> Option<FlowState> {
        let base = slot * PAGE;
        let word = |at: usize| Some(self.pages.u64_at(base + at)?.load(Ordering::Relaxed));
        let count = |at: i16| word(usize::try_from(at).ok()?);
        macro_rules! read {
            ($field:ident) => {
                word(offset_of!(FlowWords, $field))?
            };
        }
        let is_open = || Some((read!(open), read!(generation)));
        let (1, generation) = is_open()? else { return None };
        fence(Ordering::Acquire);
        let ports = read!(src_port);
        let end = |at: usize, port: u64| {
            let address: Ipv6Addr = text(word(at)?, word(at + 8)?).into();
            Some(SocketAddr::new(canonical(address), u16::from_be(port as u16)))
        };
        let asked = offset_of!(FlowWords, asked);
        let asked = text(word(asked)?, word(asked + 8)?);
        let asked: Vec<u8> = asked.into_iter().take_while(|&byte| byte != 0).collect();
        let traps =
            (0..TrapKind::ALL.len() as i16).map(|kind| count(LAYOUT.trap_counts() + kind * 8));
        let state = FlowState {
            flow: ((generation << self.slot_bits) as u32) | slot as u32,
            local: end(offset_of!(FlowWords, src), ports)?,
            peer: end(offset_of!(FlowWords, dst), ports >> 32)?,
            asked: String::from_utf8_lossy(&asked).into_owned(),
            governor: Governor::of(read!(governor)),
            cwnd: read!(cwnd),
            ssthresh: Some(read!(ssthresh)).filter(|&packets| packets < UNLIMITED),
            mss: read!(mss),
            pacing_rate: read!(pacing_rate),
            srtt_us: read!(srtt_us8) / 8,
            delivered: read!(delivered),
            lost: read!(lost),
            traps: traps.sum::<Option<u64>>()?,
            reports: read!(reports),
            reports_lost: read!(reports_lost),
            timeouts: read!(timeouts),
            uid: read!(uid),
            netns: read!(netns),
            age_us: now.saturating_sub(read!(opened_at)),
        };
        fence(Ordering::Acquire);
        (is_open()? == (1, generation)).then_some(state)
    }
}

fn is(info: &MapInfo, name: &str) -> bool {
    info.kind == MapKind::Array as u32 && info.name == name && info.value_size as usize == PAGE
}

fn agent_state(page: &Mapping) -> AgentState {
    let word = |at| page.u64_at(at).map_or(0, |word| word.load(Ordering::Relaxed));
    let heartbeat = word(offset_of!(AgentWords, heartbeat));
    let silent = sys::monotonic_us().saturating_sub(heartbeat);
    AgentState {
        silent_us: (heartbeat != 0).then_some(silent),
        no_slot: word(offset_of!(AgentWords, no_slot)),
    }
}

/// IPv4 addresses are kept as ::ffff:a.b.c.d.
fn canonical(address: Ipv6Addr) -> IpAddr {
    address.to_canonical()
}

/// Sixteen bytes from two words.
fn text(first: u64, second: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    let words = [first, second].map(u64::to_ne_bytes);
    for (to, from) in bytes.iter_mut().zip(words.as_flattened()) {
        *to = *from;
    }
    bytes
}

/// A threshold that was never set (`TCP_INFINITE_SSTHRESH`).
const UNLIMITED: u64 = 0x7FFF_FFFF;
