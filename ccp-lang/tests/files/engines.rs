//! The engines that run the rows of a file: the machine, and eBPF code in a user-space machine.

use ccp_lang::{Call, Micros, Primitives, Program, Reg, Registers, Staged};

use crate::format::{Flow, Step};

/// A flow on the machine.
pub(crate) struct OnMachine<'a> {
    programs: &'a [Program],
    running: usize,
    regs: Registers,
    staged: Staged,
    switched: bool,
    cwnd: u64,
    rate: u64,
}

impl<'a> OnMachine<'a> {
    pub(crate) fn new(programs: &'a [Program], cwnd: u64) -> Self {
        Self {
            programs,
            running: 0,
            regs: Registers::new(Micros(0)),
            staged: Staged::new(),
            switched: false,
            cwnd,
            rate: 0,
        }
    }
}

impl Flow for OnMachine<'_> {
    fn switch(&mut self, program: usize, fields: &[(Reg, u64)]) {
        self.running = program;
        self.switched = true;
        self.staged.clear();
        self.set(fields);
    }

    fn set(&mut self, fields: &[(Reg, u64)]) {
        for &(reg, value) in fields {
            self.staged.set(reg, value).expect("a settable register");
        }
    }

    fn ack(&mut self, now: u64, primitives: &Primitives, cwnd: Option<u64>) -> Step {
        let mut report = None;
        let call = Call {
            now: Micros(now),
            primitives,
            cwnd: cwnd.unwrap_or(self.cwnd),
            rate: self.rate,
            switched: std::mem::take(&mut self.switched),
            staged: &mut self.staged,
        };
        let program = &self.programs[self.running];
        let outcome = program.invoke(&mut self.regs, call, |f| report = Some(f.to_vec()));
        self.cwnd = outcome.cwnd.or(cwnd).unwrap_or(self.cwnd);
        self.rate = outcome.rate.unwrap_or(self.rate);
        let trap = outcome.trap.map(|trap| trap.kind());
        Step { cwnd: outcome.cwnd, rate: outcome.rate, report, trap }
    }
}

/// A flow whose programs are eBPF code.
#[cfg(feature = "ebpf")]
pub(crate) struct OnEbpf {
    programs: Vec<crate::machine::Loaded>,
    running: usize,
    flow: crate::machine::Flow,
    switched: bool,
    staged: Vec<(Reg, u64)>,
    cwnd: u64,
    rate: u64,
}

#[cfg(feature = "ebpf")]
impl OnEbpf {
    pub(crate) fn new(programs: &[Program], cwnd: u64) -> Self {
        let any = ccp_lang::ebpf::PrimitiveBounds::ANY;
        let load = |(number, program)| crate::machine::Loaded::new(program, number, any);
        Self {
            programs: (1..).zip(programs).map(load).collect(),
            running: 0,
            flow: crate::machine::Flow::new(),
            switched: false,
            staged: Vec::new(),
            cwnd,
            rate: 0,
        }
    }
}

#[cfg(feature = "ebpf")]
impl Flow for OnEbpf {
    fn switch(&mut self, program: usize, fields: &[(Reg, u64)]) {
        self.running = program;
        self.switched = true;
        self.staged = fields.to_vec();
    }

    fn set(&mut self, fields: &[(Reg, u64)]) {
        self.staged.extend_from_slice(fields);
    }

    fn ack(&mut self, now: u64, primitives: &Primitives, cwnd: Option<u64>) -> Step {
        let begun = std::mem::take(&mut self.switched).then_some(self.running as u64 + 1);
        self.flow.stage(begun, &std::mem::take(&mut self.staged));
        let cwnd = cwnd.unwrap_or(self.cwnd);
        let program = &self.programs[self.running];
        let ran = self.flow.run(program, now, primitives, cwnd, self.rate);
        let ran = ran.expect("nobody writes while it runs");
        self.cwnd = ran.cwnd.unwrap_or(cwnd);
        self.rate = ran.rate.unwrap_or(self.rate);
        let trap = ran.trap.map(|trap| trap.kind());
        Step { cwnd: ran.cwnd, rate: ran.rate, report: ran.report, trap }
    }
}
