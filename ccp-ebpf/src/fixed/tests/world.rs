//! A kernel that was never built, in a user-space eBPF machine: one socket, one page, one ACK at a
//! time.

use std::cell::Cell;

use ccp_lang::ebpf::{Assembled, Insn, Size};

use super::super::kit::Word;
use super::super::{Fixed, MapFds};
use crate::offsets::{Field, Kernel};

/// All memory there is.
pub(super) struct World {
    pub(super) kernel: Kernel,
    memory: Vec<u8>,
}

impl World {
    /// A socket that has slot 0 and nothing else.
    pub(super) fn new() -> Self {
        let mut world = Self { kernel: Kernel::made_up(), memory: vec![0; END] };
        let base = world.memory.as_ptr() as u64;
        world.put(CONTEXT, base + SOCK as u64);
        world.put(CONTEXT + 24, base + SAMPLE as u64);
        PAGE_AT.set(base + PAGE as u64);
        for word in [&GROWN, &TAILED, &JIFFIES, &RING, &SENT] {
            word.set(0);
        }
        world.set_private(super::super::kit::private::SLOT_PLUS_1, 1);
        let socket = world.kernel.sock.sk_socket;
        world.set(socket, base + SOCKET as u64);
        world
    }

    pub(super) fn fixed(&self) -> Fixed<'_> {
        let maps = MapFds { agent: AGENT_FD, ..MapFds::default() };
        Fixed { kernel: &self.kernel, maps, slot_bits: 4, epoch_us: EPOCH }
    }

    /// A member of the socket.
    pub(super) fn set(&mut self, field: Field, value: u64) {
        self.put_bytes(SOCK + field.offset as usize, value, field.bytes);
    }

    pub(super) fn get(&self, field: Field) -> u64 {
        self.bytes(SOCK + field.offset as usize, field.bytes)
    }

    pub(super) fn set_sample(&mut self, field: Field, value: u64) {
        self.put_bytes(SAMPLE + field.offset as usize, value, field.bytes);
    }

    pub(super) fn set_socket(&mut self, field: Field, value: u64) {
        self.put_bytes(SOCKET + field.offset as usize, value, field.bytes);
    }

    pub(super) fn private(&self, word: Word) -> u64 {
        self.bytes(self.private_at(word), len(word))
    }

    pub(super) fn set_private(&mut self, word: Word, value: u64) {
        self.put_bytes(self.private_at(word), value, len(word));
    }

    fn private_at(&self, word: Word) -> usize {
        SOCK + (self.kernel.sock.icsk_ca_priv.offset + word.at) as usize
    }

    pub(super) fn page(&self, at: i16) -> u64 {
        self.bytes(PAGE + at as usize, 8)
    }

    pub(super) fn set_page(&mut self, at: i16, value: u64) {
        self.put(PAGE + at as usize, value);
    }

    pub(super) fn set_agent(&mut self, word: Word, value: u64) {
        self.put(AGENT + word.at as usize, value);
    }

    /// An argument after the socket.
    pub(super) fn argument(&mut self, at: usize, value: u64) {
        self.put(CONTEXT + 8 * at, value);
    }

    /// From now on the ring has room.
    pub(super) fn open_ring(&mut self) {
        RING.set(self.memory.as_ptr() as u64 + OUT as u64);
    }

    /// The message that was sent.
    pub(super) fn sent(&self) -> Option<&[u8]> {
        (SENT.get() > 0).then(|| &self.memory[OUT..END])
    }

    /// Runs one of the kernel side's programs; its result.
    pub(super) fn run(&mut self, code: &Assembled) -> u64 {
        let agent = self.memory.as_ptr() as u64 + AGENT as u64;
        let start = Insn { code: ADD, dst: 1, src: 0, off: 0, imm: CONTEXT as i32 };
        let mut insns = vec![start];
        let mut high = None;
        for &insn in code.insns() {
            insns.push(match insn {
                // The second half of an address.
                _ if high.is_some() => Insn { imm: high.take().unwrap_or(0), ..insn },
                Insn { code: LOAD_IMM, src: MAP_VALUE, .. } => {
                    high = Some((agent >> 32) as i32);
                    Insn { src: 0, imm: agent as i32, ..insn }
                }
                Insn { code: LOAD_IMM, .. } => Insn { src: 0, ..insn },
                Insn { code: CALL, .. } => Insn { src: 0, ..insn },
                // The machine knows no atomic operations; nothing here looks at their results.
                Insn { code: ATOMIC, .. } => Insn { code: STORE, imm: 0, ..insn },
                insn => insn,
            });
        }
        let bytes: Vec<u8> = insns.iter().flat_map(|insn| insn.to_bytes()).collect();
        let mut machine = rbpf::EbpfVmRaw::new(Some(&bytes)).expect("code that may be loaded");
        let helpers: [(u32, rbpf::ebpf::Helper); 10] = [
            (1, |_, _, _, _, _| PAGE_AT.get()),
            (12, |_, _, number, _, _| {
                TAILED.set(number + 1);
                0
            }),
            (87, |_, _, _, _, _| 0),
            (88, |_, _, _, _, _| 0),
            (118, |_, _, _, _, _| JIFFIES.get()),
            (131, |_, _, _, _, _| RING.get()),
            (132, |_, _, _, _, _| {
                SENT.set(1);
                0
            }),
            (1001, |_, _, _, _, _| 7777),
            (1002, |_, _, acked, _, _| {
                GROWN.set(acked + 1);
                0
            }),
            (1003, |_, _, _, _, _| 8888),
        ];
        for (number, helper) in helpers {
            machine.register_helper(number, helper).expect("a helper");
        }
        machine.execute_program(&mut self.memory).expect("no access beside the memory")
    }

    fn put(&mut self, at: usize, value: u64) {
        self.put_bytes(at, value, 8);
    }

    fn put_bytes(&mut self, at: usize, value: u64, len: u32) {
        let len = len as usize;
        self.memory[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
    }

    fn bytes(&self, at: usize, len: u32) -> u64 {
        let mut bytes = [0; 8];
        bytes[..len as usize].copy_from_slice(&self.memory[at..at + len as usize]);
        u64::from_le_bytes(bytes)
    }
}

/// The packets for which the kernel's Reno was asked to grow the window.
pub(super) fn grown() -> Option<u64> {
    GROWN.get().checked_sub(1)
}

/// The program that an ACK was handed to; it was not there.
pub(super) fn handed_to() -> Option<u64> {
    TAILED.get().checked_sub(1)
}

pub(super) fn set_jiffies(value: u64) {
    JIFFIES.set(value);
}

thread_local! {
    static PAGE_AT: Cell<u64> = const { Cell::new(0) };
    static GROWN: Cell<u64> = const { Cell::new(0) };
    static TAILED: Cell<u64> = const { Cell::new(0) };
    static JIFFIES: Cell<u64> = const { Cell::new(0) };
    static RING: Cell<u64> = const { Cell::new(0) };
    static SENT: Cell<u64> = const { Cell::new(0) };
}

/// Chance that is the same in each run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What `Ack.now` counts from.
pub(super) const EPOCH: u64 = 1_000_000;

const AGENT_FD: i32 = 77;

const SOCK: usize = 0;
const SAMPLE: usize = 1024;
const SOCKET: usize = 1152;
const CONTEXT: usize = 1280;
const AGENT: usize = 1408;
const PAGE: usize = 4096;
const OUT: usize = 8192;
const END: usize = OUT + 1024;

const ADD: u8 = 0x07;
const LOAD_IMM: u8 = 0x18;
const MAP_VALUE: u8 = 2;
const CALL: u8 = 0x85;
const STORE: u8 = 0x7B;
const ATOMIC: u8 = 0xDB;

fn len(word: Word) -> u32 {
    [1, 2, 4, 8].into_iter().find(|&len| Size::of(len) == Some(word.size)).unwrap_or(8) as u32
}
