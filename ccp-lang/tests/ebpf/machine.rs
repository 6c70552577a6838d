//! A flow whose program runs in a user-space eBPF machine.

use ccp_lang::ebpf::{
    Asm, Assembled, Ending, Gpr, Host, Insn, Layout, PrimitiveBounds, Size, Target, emit,
};
use ccp_lang::{Class, Primitive, Primitives, Program, Reg, Trap, TrapKind};

/// What an invocation did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) cwnd: Option<u64>,
    pub(crate) rate: Option<u64>,
    pub(crate) report: Option<Vec<u64>>,
    pub(crate) trap: Option<Trap>,
}

/// A transport that puts what it is given into words of the page.
pub(crate) struct ToPage;

impl Host for ToPage {
    fn load(&mut self, _: &mut Asm, _: u64) {}

    fn set_cwnd(&mut self, asm: &mut Asm, value: Gpr) {
        asm.store(Size::Dw, Gpr::R9, CWND, value);
        clobber(asm);
    }

    fn set_rate(&mut self, asm: &mut Asm, value: Gpr) {
        asm.store(Size::Dw, Gpr::R9, RATE, value);
        clobber(asm);
    }

    fn report(&mut self, asm: &mut Asm, len: usize) {
        asm.store(Size::Dw, Gpr::R9, REPORTED, len as i32 + 1);
        for field in 0..len as i16 {
            asm.load(Size::Dw, Gpr::R1, Gpr::R9, layout().reports() + 8 * field);
            asm.store(Size::Dw, Gpr::R9, REPORT + 8 * field, Gpr::R1);
        }
        clobber(asm);
    }

    fn finish(&mut self, asm: &mut Asm, ending: Ending) {
        asm.mov(Gpr::R0, ending as i32);
        asm.exit();
    }
}

/// Nothing may rest in these registers while the host works.
fn clobber(asm: &mut Asm) {
    for reg in [Gpr::R0, Gpr::R1, Gpr::R2, Gpr::R3, Gpr::R4, Gpr::R5] {
        asm.mov(reg, 0x5555);
    }
}

/// A program as the eBPF machine takes it.
pub(crate) struct Loaded {
    code: Assembled,
    bytes: Vec<u8>,
}

impl Loaded {
    pub(crate) fn new(program: &Program, number: u64, bounds: PrimitiveBounds) -> Self {
        Self::with(program, number, bounds, true)
    }

    /// The same, but what temporaries hold need not last.
    pub(crate) fn forgetful(program: &Program, number: u64, bounds: PrimitiveBounds) -> Self {
        Self::with(program, number, bounds, false)
    }

    fn with(
        program: &Program,
        number: u64,
        bounds: PrimitiveBounds,
        keep_temporaries: bool,
    ) -> Self {
        Self::of(|asm| {
            let target = Target { layout: layout(), program: number, bounds, keep_temporaries };
            emit(program, &target, &mut ToPage, asm);
        })
    }

    pub(crate) fn of(emit: impl FnOnce(&mut Asm)) -> Self {
        let mut asm = Asm::new();
        asm.mov(Gpr::R9, Gpr::R1);
        emit(&mut asm);
        let code = asm.finish().expect("good code");
        let bytes = code.insns().iter().flat_map(|&insn| known(insn).to_bytes()).collect();
        Self { code, bytes }
    }

    /// The same, but while it takes what is staged, the agent begins its next writing.
    pub(crate) fn disturbed(self, sequence: i32) -> Self {
        let mut bytes = self.bytes;
        let mut barriers = self.code.insns().iter().enumerate().filter(|(_, i)| i.code == ATOMIC);
        let (at, _) = barriers.nth(2).expect("a barrier before the second look");
        let off = layout().sequence();
        let store = Insn { code: STORE_CONSTANT, dst: 9, src: 0, off, imm: sequence };
        bytes[8 * at..8 * at + 8].copy_from_slice(&store.to_bytes());
        Self { bytes, ..self }
    }

    /// The result in R0.
    pub(crate) fn run(&self, page: &mut [u8]) -> u64 {
        let machine = rbpf::EbpfVmRaw::new(Some(&self.bytes)).expect("code that may be loaded");
        machine.execute_program(page).expect("no access beside the page")
    }
}

/// The machine knows no atomic operations. They are barriers here, alone on the page.
fn known(insn: Insn) -> Insn {
    match insn.code {
        ATOMIC => Insn { code: STORE, imm: 0, ..insn },
        _ => insn,
    }
}

/// One flow's page.
pub(crate) struct Flow {
    pub(crate) page: Vec<u8>,
}

impl Flow {
    pub(crate) fn new() -> Self {
        Self { page: vec![0; PAGE] }
    }

    pub(crate) fn word(&self, off: i16) -> u64 {
        let off = off as usize;
        u64::from_ne_bytes(self.page[off..off + 8].try_into().expect("eight bytes"))
    }

    pub(crate) fn set_word(&mut self, off: i16, value: u64) {
        let off = off as usize;
        self.page[off..off + 8].copy_from_slice(&value.to_ne_bytes());
    }

    /// A register of the language.
    pub(crate) fn get(&self, reg: Reg) -> Option<u64> {
        layout().register(reg).map(|off| self.word(off))
    }

    /// What an agent does for one message: begin a program, or set registers.
    pub(crate) fn stage(&mut self, program: Option<u64>, fields: &[(Reg, u64)]) {
        if program.is_none() && fields.is_empty() {
            return;
        }
        let layout = layout();
        if program.is_some() || self.word(layout.taken()) == self.word(layout.sequence()) {
            self.set_word(layout.program(), program.unwrap_or(0));
            self.set_word(layout.dirty(), 0);
            self.set_word(layout.dirty() + 8, 0);
        }
        for &(reg, value) in fields {
            let at = Layout::position(reg).expect("settable");
            self.set_word(layout.values() + 8 * at as i16, value);
            let dirty = layout.dirty() + 8 * (at / 64) as i16;
            self.set_word(dirty, self.word(dirty) | 1 << (at % 64));
        }
        self.set_word(layout.sequence(), self.word(layout.sequence()) + 2);
    }

    /// One ACK; nothing when it was skipped.
    pub(crate) fn run(
        &mut self,
        program: &Loaded,
        now: u64,
        primitives: &Primitives,
        cwnd: u64,
        rate: u64,
    ) -> Option<Ran> {
        let layout = layout();
        for index in 0..32 {
            let reg = Reg::new(Class::Primitive, index);
            let value = Primitive::from_index(index).map_or(0, |p| primitives.get(p));
            self.set_word(layout.register(reg).expect("a primitive"), value);
        }
        self.set_word(layout.primitive(Primitive::AckNow), now);
        self.set_word(layout.cwnd(), cwnd);
        self.set_word(layout.rate(), rate);
        for word in [CWND, RATE, REPORTED] {
            self.set_word(word, 0);
        }
        let counts = self.traps();
        let ending = program.run(&mut self.page);
        let traps = self.traps() - counts;
        assert_eq!(traps, u64::from(ending == Ending::Trapped as u64), "each trap is counted");
        if ending == Ending::Skipped as u64 {
            return None;
        }
        let fields = |len: i16| (0..len).map(|field| self.word(REPORT + 8 * field)).collect();
        Some(Ran {
            cwnd: Some(self.word(CWND)).filter(|&v| v != 0),
            rate: Some(self.word(RATE)).filter(|&v| v != 0),
            report: self.word(REPORTED).checked_sub(1).map(|len| fields(len as i16)),
            trap: (ending == Ending::Trapped as u64).then(|| self.trap()),
        })
    }

    fn traps(&self) -> u64 {
        (0..4).map(|kind| self.word(layout().trap_counts() + 8 * kind)).sum()
    }

    fn trap(&self) -> Trap {
        let last = self.word(layout().last_trap());
        let at = last as u32;
        match TrapKind::ALL[(last >> 32) as usize] {
            TrapKind::AddOverflow => Trap::AddOverflow { at },
            TrapKind::SubUnderflow => Trap::SubUnderflow { at },
            TrapKind::MulOverflow => Trap::MulOverflow { at },
            TrapKind::DivByZero => Trap::DivByZero { at },
        }
    }
}

pub(crate) fn layout() -> Layout {
    Layout::packed(64).expect("fits")
}

const STORE: u8 = 0x7B;
const STORE_CONSTANT: u8 = 0x7A;
const ATOMIC: u8 = 0xDB;

// The transport's words.
const CWND: i16 = 0;
const RATE: i16 = 8;
const REPORTED: i16 = 16;
const REPORT: i16 = 4096;
const PAGE: usize = 4096 + 8 * 110;
