//! Programs on the kernel's own eBPF machine: what they do there is what ours does.
//!
//! A user-space machine has compared far more programs (`ccp-lang`'s tests), but it knows neither
//! far jumps nor atomic operations.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::Ordering;

use ccp_ebpf::sys::{self, MapKind, MapSpec, Mapping};
use ccp_lang::ebpf::{
    Asm, Assembled, Ending, Gpr, Host, LIMITS, Layout, PrimitiveBounds, Size, Target, emit,
};
use ccp_lang::{Call, Micros, Primitive, Primitives, Program, Reg, Registers, Staged, TrapKind};

use super::{Dice, any_program};
use crate::support::possible;

#[test]
fn the_kernels_machine_does_what_ours_does() {
    if !possible("the_kernels_machine_does_what_ours_does") {
        return;
    }
    let mut dice = Dice(7);
    let mut trapped = 0;
    for round in 0..60 {
        // Now and then so large that jumps take the long form.
        let events = if round % 20 == 0 { 250 } else { 12 };
        let program = Program::verify(any_program(&mut dice, events), &LIMITS).unwrap();
        trapped += compare(&program, &mut dice);
    }
    assert!(trapped > 20, "{trapped} of 480 ACKs trapped");
}

/// Runs a program on eight ACKs; says how many trapped.
fn compare(program: &Program, dice: &mut Dice) -> usize {
    let flow = Flow::new(program);
    let mut regs = Registers::new(Micros(0));
    let mut now = 0;
    let mut trapped = 0;
    for ack in 0..8 {
        now += u64::from(dice.below(5_000));
        let mut primitives = Primitives::new();
        for &primitive in Primitive::ALL {
            primitives.set(primitive, value(dice));
        }
        let mut staged = Staged::new();
        for reg in [Reg::control(109), Reg::control(dice.below(110)), Reg::RATE] {
            let value = value(dice);
            if dice.below(2) == 0 {
                staged.set(reg, value).unwrap();
            }
        }
        flow.stage(ack == 0, &staged);
        let (cwnd, rate) = (value(dice), value(dice));
        let ending = flow.run(now, &primitives, cwnd, rate);

        let mut report = None;
        let call = Call {
            now: Micros(now),
            primitives: &primitives,
            cwnd,
            rate,
            switched: ack == 0,
            staged: &mut staged,
        };
        let outcome = program.invoke(&mut regs, call, |fields| report = Some(fields.to_vec()));
        let expected = if outcome.trap.is_some() { Ending::Trapped } else { Ending::Done };
        assert_eq!(ending, expected as u32, "ACK {ack} of\n{program}");
        let given = [flow.word(CWND), flow.word(RATE), flow.word(REPORTED)];
        let reported = u64::from(report.is_some());
        let expected = [outcome.cwnd.unwrap_or(0), outcome.rate.unwrap_or(0), reported];
        assert_eq!(given, expected, "ACK {ack} of\n{program}");
        if let Some(trap) = outcome.trap {
            trapped += 1;
            let last = u64::from(trap.at()) | (trap.kind() as u64) << 32;
            assert_eq!(flow.word(LAYOUT.last_trap()), last, "ACK {ack} of\n{program}");
        }
        for reg in all() {
            let found = LAYOUT.register(reg).map(|at| flow.word(at));
            assert_eq!(found, regs.get(reg), "{reg} after ACK {ack} of\n{program}");
        }
    }
    let counts = TrapKind::ALL.map(|kind| flow.word(LAYOUT.trap_counts() + 8 * kind as i16));
    assert_eq!(counts.iter().sum::<u64>(), trapped as u64);
    trapped
}

fn value(dice: &mut Dice) -> u64 {
    let some = u64::from(dice.below(100_000));
    dice.pick(&[0, 1, 2, some, some, some, some << 20, 0xFFFF_FFFF, u64::MAX / 2, u64::MAX])
}

fn all() -> impl Iterator<Item = Reg> {
    let few = (0..32).flat_map(|i| [Reg::temp(i), Reg::local(i)]);
    let many = (0..110).flat_map(|i| [Reg::control(i), Reg::report(i)]);
    few.chain(many).chain([Reg::SHOULD_REPORT, Reg::MICROS, Reg::CWND, Reg::RATE])
}

/// An array map of one value that can be mapped.
pub(crate) fn array_map(value_size: u32) -> OwnedFd {
    sys::map_create(&MapSpec {
        kind: MapKind::Array,
        name: "ccp_test",
        key_size: 4,
        value_size,
        max_entries: 1,
        flags: sys::MMAPABLE,
    })
    .unwrap()
}

/// A program that is loaded as a socket filter, which the kernel runs on demand.
pub(crate) struct Filter {
    program: OwnedFd,
}

impl Filter {
    /// `map` holds the page. The program's number is 1.
    pub(crate) fn new(
        program: &Program,
        layout: Layout,
        map: &OwnedFd,
        host: &mut impl Host,
    ) -> Self {
        let mut asm = Asm::new();
        asm.map_value(Gpr::R9, map.as_raw_fd(), 0);
        let bounds = PrimitiveBounds::ANY;
        let target = Target { layout, program: 1, bounds, keep_temporaries: true };
        emit(program, &target, host, &mut asm);
        Self { program: load(&asm.finish().unwrap()) }
    }

    /// Runs it once; what it returned.
    pub(crate) fn run(&self) -> u32 {
        let packet = [0_u8; 64];
        let mut attr = TestRun {
            prog_fd: self.program.as_raw_fd() as u32,
            retval: 0,
            data_size_in: packet.len() as u32,
            data_size_out: 0,
            data_in: packet.as_ptr() as u64,
            data_out: 0,
            repeat: 1,
            duration: 0,
        };
        // SAFETY: a prefix of the kernel's attributes of BPF_PROG_TEST_RUN, to which it writes its
        // results; `data_in` points to `data_size_in` readable bytes that outlive the call.
        bpf(10, unsafe { as_bytes(&mut attr) }).unwrap();
        attr.retval
    }
}

/// One flow of one program.
struct Flow {
    page: Mapping,
    filter: Filter,
}

impl Flow {
    fn new(program: &Program) -> Self {
        let map = array_map(4096);
        let filter = Filter::new(program, LAYOUT, &map, &mut ToPage);
        Self { page: Mapping::new(map.as_fd(), 0, 4096).unwrap(), filter }
    }

    fn word(&self, at: i16) -> u64 {
        self.page.u64_at(at as usize).unwrap().load(Ordering::SeqCst)
    }

    fn set(&self, at: i16, value: u64) {
        self.page.u64_at(at as usize).unwrap().store(value, Ordering::SeqCst);
    }

    /// Everything staged was taken at the ACK before.
    fn stage(&self, begins: bool, staged: &Staged) {
        let mut dirty = [0, 0];
        for reg in (0..110).map(Reg::control).chain([Reg::RATE]) {
            if let (Some(value), Some(at)) = (staged.get(reg), Layout::position(reg)) {
                dirty[at / 64] |= 1 << (at % 64);
                self.set(LAYOUT.values() + 8 * at as i16, value);
            }
        }
        self.set(LAYOUT.dirty(), dirty[0]);
        self.set(LAYOUT.dirty() + 8, dirty[1]);
        self.set(LAYOUT.program(), u64::from(begins));
        self.set(LAYOUT.sequence(), self.word(LAYOUT.sequence()) + 2);
    }

    /// One ACK; how it ended.
    fn run(&self, now: u64, primitives: &Primitives, cwnd: u64, rate: u64) -> u32 {
        for &primitive in Primitive::ALL {
            self.set(LAYOUT.primitive(primitive), primitives.get(primitive));
        }
        self.set(LAYOUT.primitive(Primitive::AckNow), now);
        self.set(LAYOUT.cwnd(), cwnd);
        self.set(LAYOUT.rate(), rate);
        for word in [CWND, RATE, REPORTED] {
            self.set(word, 0);
        }
        self.filter.run()
    }
}

/// Puts what it is given into words of the page.
struct ToPage;

impl Host for ToPage {
    fn load(&mut self, _: &mut Asm, _: u64) {}

    fn set_cwnd(&mut self, asm: &mut Asm, value: Gpr) {
        asm.store(Size::Dw, Gpr::R9, CWND, value);
    }

    fn set_rate(&mut self, asm: &mut Asm, value: Gpr) {
        asm.store(Size::Dw, Gpr::R9, RATE, value);
    }

    fn report(&mut self, asm: &mut Asm, _: usize) {
        asm.store(Size::Dw, Gpr::R9, REPORTED, 1);
    }

    fn finish(&mut self, asm: &mut Asm, ending: Ending) {
        asm.mov(Gpr::R0, ending as i32);
        asm.exit();
    }
}

fn load(code: &Assembled) -> OwnedFd {
    let insns = code.to_bytes();
    let mut attr = ProgLoad {
        // BPF_PROG_TYPE_SOCKET_FILTER
        prog_type: 1,
        insn_cnt: (insns.len() / 8) as u32,
        insns: insns.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
    };
    // SAFETY: a prefix of the kernel's attributes of BPF_PROG_LOAD; `insns` points to `insn_cnt`
    // instructions of 8 bytes, `license` to a string that ends with NUL; both outlive the call.
    let fd = bpf(5, unsafe { as_bytes(&mut attr) }).unwrap();
    // SAFETY: a new descriptor that nothing else owns.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The bytes of attributes.
///
/// # Safety
/// `T` is plain integers without padding.
unsafe fn as_bytes<T>(attr: &mut T) -> &mut [u8] {
    // SAFETY: valid for reads and writes of its size, borrowed exclusively; any bytes are integers.
    unsafe { std::slice::from_raw_parts_mut(std::ptr::from_mut(attr).cast(), size_of::<T>()) }
}

fn bpf(command: libc::c_int, attr: &mut [u8]) -> std::io::Result<i32> {
    // SAFETY: `attr` is valid for reads and writes of its length; what it points to is the caller's.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr.as_mut_ptr(), attr.len()) };
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result as i32) }
}

#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
}

#[repr(C)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
}

const LAYOUT: Layout = match Layout::packed(64) {
    Some(layout) => layout,
    None => panic!("a page is large enough"),
};

// The transport's words.
const CWND: i16 = 0;
const RATE: i16 = 8;
const REPORTED: i16 = 16;
