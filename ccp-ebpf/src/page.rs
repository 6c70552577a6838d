//! What the kernel's side and the agent's side share: one page for each flow, and one for the agent.
//!
//! The one definition of both. The generated code uses the offsets, the agent's side the same ones
//! through [`Mapping`](crate::sys::Mapping). All words are 8 bytes in the machine's order unless
//! said otherwise, and each has one writer.

use core::mem::{offset_of, size_of};

use ccp_lang::Reg;
use ccp_lang::ebpf::Layout;

/// How long a page is, in bytes: what one entry of the flows' map takes.
pub const PAGE: usize = 4096;

/// The words before the program's own part of a flow's page. Written by the kernel's side, but for
/// `staged_for`, `announced` and `asked`.
///
/// In lines of 64 bytes, of which an ACK under a program touches the first two: what governs it, and
/// what is told of the socket as it was at the last ACK.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FlowWords {
    /// Which flow of this slot this is; part of its number. From 1.
    pub generation: u64,
    /// The generation that the staged values are for. Written by the agent, between an odd and an
    /// even sequence; what is staged for a flow that has gone is never looked at.
    pub staged_for: u64,
    /// 1 while a socket has the slot.
    pub open: u64,
    /// Who governed at the last ACK: a [`Governor`].
    pub governor: u64,
    /// The rate last set through CCP, in bytes per second, or 0.
    pub rate: u64,
    /// The window last set through CCP, in bytes: what it has beyond whole packets is not lost.
    pub exact_cwnd: u64,
    /// Invocations of programs.
    pub runs: u64,
    /// Reports sent.
    pub reports: u64,

    /// The window, in packets.
    pub cwnd: u64,
    /// The slow start threshold, in packets.
    pub ssthresh: u64,
    /// The pacing rate, in bytes per second.
    pub pacing_rate: u64,
    /// The smoothed RTT, in microseconds times 8.
    pub srtt_us8: u64,
    /// Packets delivered.
    pub delivered: u64,
    /// Packets thought lost.
    pub lost: u64,
    /// In bytes.
    pub mss: u64,
    /// Reports for which the ring had no room.
    pub reports_lost: u64,

    /// ACKs that the fallback answered.
    pub fallback_acks: u64,
    /// 1 when Create has been sent. The agent may write 0: the next ACK sends it again.
    pub announced: u64,
    /// When sending Create was last tried, in microseconds of the monotonic clock.
    pub announced_at: u64,
    /// When the flow began, in microseconds of the monotonic clock.
    pub opened_at: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Reductions found spurious.
    pub undone: u64,
    /// The window at the beginning, in bytes.
    pub init_cwnd: u64,

    /// The local address; IPv4 as ::ffff:a.b.c.d.
    pub src: [u64; 2],
    /// The peer's address.
    pub dst: [u64; 2],
    /// The local port, in network order.
    pub src_port: u32,
    /// The peer's port, in network order.
    pub dst_port: u32,
    /// 4 or 6.
    pub family: u64,
    /// The socket's mark when the flow began.
    pub mark: u64,
    /// The user whom the socket belongs to.
    pub uid: u64,
    /// The inode of its cgroup, or 0.
    pub cgroup: u64,
    /// The inode of its network namespace, or 0.
    pub netns: u64,
    /// What the flow asked the agent for, filled up with NUL or cut, for people to see. Written by the
    /// agent when it has heard of the flow.
    pub asked: [u64; 2],
}

/// Who decides about a flow's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Governor {
    /// The kernel's side by itself: there is no program for the flow yet.
    Transport = 0,
    /// The flow's program, and so the agent.
    Agent = 1,
    /// The kernel's side by itself: the agent does not answer.
    Fallback = 2,
}

impl Governor {
    /// The governor of a number.
    #[must_use]
    pub const fn of(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Transport),
            1 => Some(Self::Agent),
            2 => Some(Self::Fallback),
            _ => None,
        }
    }
}

/// The words of the agent's page, in lines of 64 bytes: what each ACK reads, what each message writes,
/// and the rest. A word that is written costs all processors their copy of its line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct AgentWords {
    /// When the agent last showed that it lives, in microseconds of the monotonic clock. The agent's.
    pub heartbeat: u64,
    /// How old the heartbeat may be, in microseconds. The agent's.
    pub patience: u64,
    /// Nothing.
    pub(crate) rest_of_heartbeat: [u64; 6],
    /// 1 while the agent sleeps and wants to be woken. Both write.
    pub sleeping: u64,
    /// Messages sent into the ring.
    pub sent: u64,
    /// Nothing.
    pub(crate) rest_of_sent: [u64; 6],
    /// Flows for which there was no slot.
    pub no_slot: u64,
    /// Creates for which the ring had no room; they are tried again.
    pub creates_lost: u64,
    /// Closes for which the ring had no room: the agent has to look at the pages.
    pub closes_lost: u64,
    /// Flows that got a slot.
    pub opened: u64,
    /// Flows that gave it back.
    pub closed: u64,
}

/// What each socket has for an algorithm's own use: zeros before `init` and after `release`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Private {
    /// The flow's slot plus 1; 0: it has none.
    pub(crate) slot: u32,
    /// 1 while a program governs.
    pub(crate) governed: u32,
    /// Packets delivered in this recovery.
    pub(crate) prr_delivered: u32,
    /// 1 when a rate was set through CCP.
    pub(crate) rate_set: u32,
    /// When the last ACK came, in microseconds.
    pub(crate) last_ack: u64,
    /// What the socket's counters were at the last ACK.
    pub(crate) bytes_acked: u64,
    pub(crate) sacked_out: u32,
    pub(crate) lost: u32,
    pub(crate) delivered: u32,
    pub(crate) delivered_ce: u32,
    /// How long the sender was idle before it began to send again, in microseconds.
    pub(crate) idle_us: u32,
    /// 1 when a retransmission timeout fired since the last ACK.
    pub(crate) timeout: u32,
    /// 1 when a reduction was found spurious since the last ACK.
    pub(crate) undone: u32,
    /// 1 when a reduction, or what followed a timeout, ended since the last ACK.
    pub(crate) ended: u32,
    /// The window last set through CCP, in packets; 0: none.
    pub(crate) cwnd_set: u32,
    /// When it was last looked whether the application fills the window, in the kernel's jiffies.
    pub(crate) looked: u32,
}

/// The program's part of a flow's page.
///
/// The registers begin a line of 64 bytes, so that those which each ACK touches are in few.
pub const LAYOUT: Layout = match Layout::new(REGISTERS, PROGRAM_PART, TRAPS) {
    Some(layout) => layout,
    None => panic!("the program's part does not fit a page"),
};

/// The words of the program's part that are 0 when a flow begins: registers, traps, and what tells
/// which program runs. The agent's words stay: what they say is for the flow before.
pub(crate) fn fresh() -> impl Iterator<Item = i16> {
    let part = |start: i16, len: usize| (start..start + len as i16).step_by(8);
    let registers = LAYOUT.register(Reg::EVENT_FLAG).unwrap_or(LAYOUT.cwnd());
    part(registers, Layout::REGISTERS_LEN)
        .chain(part(LAYOUT.last_trap(), Layout::TRAPS_LEN))
        .chain([LAYOUT.reading(), LAYOUT.torn(), LAYOUT.running()])
}

/// Where the program's part begins.
const PROGRAM_PART: usize = 384;
const REGISTERS: usize = (PROGRAM_PART + Layout::STAGED_LEN).next_multiple_of(LINE);
const TRAPS: usize = REGISTERS + Layout::REGISTERS_LEN;

/// Of the processor's cache.
const LINE: usize = 64;

const _: () = {
    assert!(size_of::<FlowWords>() <= PROGRAM_PART, "both sides compute with these offsets");
    assert!(TRAPS + Layout::TRAPS_LEN <= PAGE, "a flow's page is one page");
    assert!(PROGRAM_PART.is_multiple_of(LINE), "the sequence and what goes with it are one line");
    assert!(offset_of!(FlowWords, cwnd) == LINE, "what governs an ACK is one line");
    assert!(offset_of!(FlowWords, fallback_acks) == 2 * LINE, "what it tells is one line");
    assert!(offset_of!(AgentWords, sleeping) == LINE, "what each ACK reads is one line");
    assert!(offset_of!(AgentWords, no_slot) == 2 * LINE, "what each message writes is one line");
    assert!(size_of::<AgentWords>() <= PAGE, "the agent's page is one page");
    assert!(size_of::<Private>() <= 104, "what a socket has for an algorithm");
    assert!(offset_of!(FlowWords, dst_port) == offset_of!(FlowWords, src_port) + 4, "no padding");
};
