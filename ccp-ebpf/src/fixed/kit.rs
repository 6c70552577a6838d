//! The builder with what all generated parts share: members by name, words of pages, helpers.

use core::mem::offset_of;
use std::ops::{Deref, DerefMut};

use ccp_lang::ebpf::Gpr::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
use ccp_lang::ebpf::{Alu, Asm, Atomic, Cond, Gpr, Label, Size, Src};

use super::Fixed;
use crate::offsets::{Field, Way};
use crate::page::{AgentWords, FlowWords, Private};

/// An [`Asm`] that knows the kernel and the maps.
pub(crate) struct Kit<'a> {
    asm: &'a mut Asm,
    pub(crate) fixed: Fixed<'a>,
}

impl<'a> Kit<'a> {
    pub(crate) fn new(fixed: Fixed<'a>, asm: &'a mut Asm) -> Self {
        Self { asm, fixed }
    }

    /// R6 = the socket, R7 = the context.
    pub(crate) fn enter(&mut self) {
        self.mov(R7, R1);
        self.load(Size::Dw, R6, R7, 0);
    }

    /// `dst` = argument `at`.
    pub(crate) fn argument(&mut self, dst: Gpr, at: u8) {
        self.load(Size::Dw, dst, R7, i16::from(at) * 8);
    }

    /// `dst` = a member of the socket.
    pub(crate) fn get(&mut self, dst: Gpr, field: Field) {
        self.load(field.size, dst, R6, field.offset);
        if let Some((shift, len)) = field.bits {
            self.alu(Alu::Rsh, dst, i32::from(shift));
            self.alu(Alu::And, dst, (1 << len) - 1);
        }
    }

    /// `dst` = a number that tells whose the socket is; 0 where the kernel has none.
    pub(crate) fn owner(&mut self, dst: Gpr, way: Option<&Way>) {
        let Some(Way { pointers, offset, size }) = way else {
            return self.mov(dst, 0);
        };
        let mut base = R6;
        for &pointer in pointers {
            self.load(Size::Dw, dst, base, pointer);
            base = dst;
        }
        self.load(*size, dst, base, *offset);
    }

    /// A member of the socket = `src`.
    pub(crate) fn put(&mut self, field: Field, src: impl Into<Src>) {
        self.store(field.size, R6, field.offset, src);
    }

    /// `dst` = a member of the rate sample.
    pub(crate) fn sample(&mut self, dst: Gpr, field: Field) {
        self.load(field.size, dst, R8, field.offset);
    }

    /// `dst` = a word of the socket's private part.
    pub(crate) fn private(&mut self, dst: Gpr, word: Word) {
        let at = self.private_at(word);
        self.load(word.size, dst, R6, at);
    }

    /// A word of the socket's private part = `src`.
    pub(crate) fn set_private(&mut self, word: Word, src: impl Into<Src>) {
        let at = self.private_at(word);
        self.store(word.size, R6, at, src);
    }

    fn private_at(&self, word: Word) -> i16 {
        self.fixed.kernel.sock.icsk_ca_priv.offset + word.at
    }

    /// `dst` = a word of the flow's page.
    pub(crate) fn word(&mut self, dst: Gpr, word: Word) {
        self.load(word.size, dst, R9, word.at);
    }

    /// A word of the flow's page = `src`.
    pub(crate) fn set_word(&mut self, word: Word, src: impl Into<Src>) {
        self.store(word.size, R9, word.at, src);
    }

    /// Adds 1 to a word of the flow's page. R1 is lost. Plain: it has one writer.
    pub(crate) fn count(&mut self, word: Word) {
        self.word(R1, word);
        self.add(R1, 1);
        self.set_word(word, R1);
    }

    /// Adds 1 to a word of the agent's page, which all flows write. R1 and R2 are lost.
    pub(crate) fn count_for_all(&mut self, word: Word) {
        let fd = self.fixed.maps.agent;
        self.map_value(R1, fd, 0);
        self.mov(R2, 1);
        self.atomic(Atomic::Add, Size::Dw, R1, word.at, R2);
    }

    /// `dst` = the monotonic clock in microseconds, as of this ACK.
    pub(crate) fn clock(&mut self, dst: Gpr) {
        self.get(dst, self.fixed.kernel.sock.tcp_mstamp);
    }

    /// R9 = the flow's page; goes to `none` if it has none. The slot stays at the stack's
    /// [`SLOT`].
    pub(crate) fn find_page(&mut self, none: Label) {
        self.private(R1, SLOT_PLUS_1);
        self.jump_if(Cond::Eq, R1, 0, none);
        self.sub(R1, 1);
        self.store(Size::W, R10, SLOT, R1);
        self.page_of_slot(none);
    }

    /// R9 = the page of the slot at the stack's [`SLOT`].
    pub(crate) fn page_of_slot(&mut self, none: Label) {
        let fd = self.fixed.maps.flows;
        self.map(R1, fd);
        self.mov(R2, R10);
        self.add(R2, i32::from(SLOT));
        self.call(helper::MAP_LOOKUP);
        self.jump_if(Cond::Eq, R0, 0, none);
        self.mov(R9, R0);
    }

    /// `dst` = packets in flight. `scratch` is lost.
    pub(crate) fn in_flight(&mut self, dst: Gpr, scratch: Gpr) {
        let sock = self.fixed.kernel.sock;
        self.get(dst, sock.packets_out);
        for (op, field) in
            [(Alu::Sub, sock.sacked_out), (Alu::Sub, sock.lost_out), (Alu::Add, sock.retrans_out)]
        {
            self.get(scratch, field);
            self.alu32(op, dst, scratch);
        }
    }

    /// `dst` = the flow's number: generation and slot. `scratch` is lost.
    pub(crate) fn flow_id(&mut self, dst: Gpr, scratch: Gpr) {
        let bits = self.fixed.slot_bits as i32;
        self.word(dst, flow::GENERATION);
        self.alu(Alu::Lsh, dst, bits);
        self.load(Size::W, scratch, R10, SLOT);
        self.alu(Alu::Or, dst, scratch);
    }

    /// `dst = min(dst, limit)`, unsigned.
    pub(crate) fn at_most(&mut self, dst: Gpr, limit: impl Into<Src>) {
        let (fits, limit) = (self.label(), limit.into());
        self.jump_if(Cond::Le, dst, limit, fits);
        self.mov(dst, limit);
        self.bind(fits);
    }

    /// `dst = max(dst, limit)`, unsigned.
    pub(crate) fn at_least(&mut self, dst: Gpr, limit: impl Into<Src>) {
        let (fits, limit) = (self.label(), limit.into());
        self.jump_if(Cond::Ge, dst, limit, fits);
        self.mov(dst, limit);
        self.bind(fits);
    }

    /// R0 = room for a message of so many bytes in the ring, or 0.
    pub(crate) fn reserve(&mut self, len: usize) {
        let fd = self.fixed.maps.ring;
        self.map(R1, fd);
        self.mov(R2, len as i32);
        self.mov(R3, 0);
        self.call(helper::RINGBUF_RESERVE);
    }

    /// Sends the message in `message`, and wakes the agent if it sleeps. Adding to the counter is
    /// the barrier between the reservation and the look at who sleeps; the agent has its own.
    pub(crate) fn submit(&mut self, message: Gpr) {
        let fd = self.fixed.maps.agent;
        let asleep = self.label();
        self.map_value(R1, fd, 0);
        self.mov(R2, 1);
        self.atomic(Atomic::FetchAdd, Size::Dw, R1, agent::SENT.at, R2);
        self.load(Size::Dw, R3, R1, agent::SLEEPING.at);
        self.mov(R2, NO_WAKEUP);
        self.jump_if(Cond::Eq, R3, 0, asleep);
        // Only one of those who see it asleep wakes it.
        self.mov(R3, 0);
        self.atomic(Atomic::Xchg, Size::Dw, R1, agent::SLEEPING.at, R3);
        self.jump_if(Cond::Eq, R3, 0, asleep);
        self.mov(R2, FORCE_WAKEUP);
        self.bind(asleep);
        self.mov(R1, message);
        self.call(helper::RINGBUF_SUBMIT);
    }

    /// The program's end, for functions whose result nobody reads.
    pub(crate) fn leave(&mut self) {
        self.mov(R0, 0);
        self.exit();
    }
}

impl Deref for Kit<'_> {
    type Target = Asm;

    fn deref(&self) -> &Asm {
        self.asm
    }
}

impl DerefMut for Kit<'_> {
    fn deref_mut(&mut self) -> &mut Asm {
        self.asm
    }
}

/// A word of a page or of the private part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) at: i16,
    pub(crate) size: Size,
}

macro_rules! words {
    ($within:ident: $( $name:ident $field:ident $size:ident, )+) => {
        $( pub(crate) const $name: super::Word = super::Word {
            at: super::offset_of!(super::$within, $field) as i16,
            size: super::Size::$size,
        }; )+
    };
}

/// Words of a flow's page.
pub(crate) mod flow {
    words! { FlowWords:
        GENERATION generation Dw,
        STAGED_FOR staged_for Dw,
        OPEN open Dw,
        GOVERNOR governor Dw,
        ANNOUNCED announced Dw,
        ANNOUNCED_AT announced_at Dw,
        RATE rate Dw,
        OPENED_AT opened_at Dw,
        SRC src Dw,
        DST dst Dw,
        SRC_PORT src_port W,
        DST_PORT dst_port W,
        FAMILY family Dw,
        MSS mss Dw,
        INIT_CWND init_cwnd Dw,
        CWND cwnd Dw,
        SSTHRESH ssthresh Dw,
        PACING_RATE pacing_rate Dw,
        SRTT srtt_us8 Dw,
        DELIVERED delivered Dw,
        LOST lost Dw,
        RUNS runs Dw,
        FALLBACK_ACKS fallback_acks Dw,
        REPORTS reports Dw,
        REPORTS_LOST reports_lost Dw,
        TIMEOUTS timeouts Dw,
        UNDONE undone Dw,
        EXACT_CWND exact_cwnd Dw,
        MARK mark Dw,
        UID uid Dw,
        CGROUP cgroup Dw,
        NETNS netns Dw,
        ASKED asked Dw,
    }
}

/// Words of the agent's page.
pub(crate) mod agent {
    words! { AgentWords:
        HEARTBEAT heartbeat Dw,
        PATIENCE patience Dw,
        SLEEPING sleeping Dw,
        SENT sent Dw,
        NO_SLOT no_slot Dw,
        CREATES_LOST creates_lost Dw,
        CLOSES_LOST closes_lost Dw,
        OPENED opened Dw,
        CLOSED closed Dw,
    }
}

/// Words of a socket's private part.
pub(crate) mod private {
    words! { Private:
        SLOT_PLUS_1 slot W,
        GOVERNED governed W,
        PRR_DELIVERED prr_delivered W,
        RATE_SET rate_set W,
        LAST_ACK last_ack Dw,
        BYTES_ACKED bytes_acked Dw,
        SACKED_OUT sacked_out W,
        LOST lost W,
        DELIVERED delivered W,
        DELIVERED_CE delivered_ce W,
        IDLE_US idle_us W,
        TIMEOUT timeout W,
        UNDONE undone W,
        ENDED ended W,
        CWND_SET cwnd_set W,
        LOOKED looked W,
    }
}

use private::SLOT_PLUS_1;

/// Helpers by their numbers.
pub(crate) mod helper {
    pub(crate) const MAP_LOOKUP: i32 = 1;
    pub(crate) const TAIL_CALL: i32 = 12;
    pub(crate) const MAP_PUSH: i32 = 87;
    pub(crate) const MAP_POP: i32 = 88;
    pub(crate) const JIFFIES: i32 = 118;
    pub(crate) const RINGBUF_RESERVE: i32 = 131;
    pub(crate) const RINGBUF_SUBMIT: i32 = 132;
}

/// Where on the stack the slot is.
pub(crate) const SLOT: i16 = -8;

const NO_WAKEUP: i32 = 1;
const FORCE_WAKEUP: i32 = 2;
