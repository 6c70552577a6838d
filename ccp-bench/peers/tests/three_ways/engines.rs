//! The engines that are compared: two compilers, two machines.

use std::fmt::Display;

use ccp_lang::{
    Call, Class, Code, Compiler, Limits, Micros, Opt, Outcome, Primitives, Program, Record, Reg,
    Registers, Staged, TrapKind,
};
use ccp_peers::inprocess::{Ack, Machine, Step, Trap};
use ccp_wire::{ChangeProgRepr, FieldUpdate, FlowId, Install, ProgramUid, UpdateFieldsRepr};
use proptest::test_runner::TestCaseError;

use crate::source::{Event, Source};

/// A program as one of the compilers made it.
pub(crate) struct Compiled {
    pub(crate) events: Vec<Record>,
    pub(crate) instrs: Vec<Record>,
    /// The registers of [`Source::settable`].
    settable: Vec<(u8, u32)>,
}

impl Compiled {
    /// Compiles with portus.
    pub(crate) fn by_portus(source: &Source) -> Result<Self, TestCaseError> {
        let (bin, scope) = portus::lang::compile(source.text.as_bytes(), &[])
            .map_err(|e| TestCaseError::fail(format!("portus refuses it: {e}")))?;
        let events = bin.events.len();
        let bytes = bin
            .serialize()
            .map_err(|e| TestCaseError::fail(format!("portus cannot encode it: {e}")))?;
        let (records, rest) = bytes.as_chunks();
        assert!(rest.is_empty(), "records are whole");
        let (events, instrs) = records.split_at(events);
        let register = |name: &String| match scope.get(name) {
            Some(portus::lang::Reg::Control(i, _, false)) => (0, u32::from(*i)),
            Some(portus::lang::Reg::Control(i, _, true)) => (8, u32::from(*i)),
            Some(portus::lang::Reg::Implicit(i, _)) => (2, u32::from(*i)),
            other => panic!("{name} is {other:?}"),
        };
        let settable = source.settable.iter().map(register).collect();
        Ok(Self { events: events.to_vec(), instrs: instrs.to_vec(), settable })
    }

    /// Compiles with ours.
    pub(crate) fn by_ours(source: &Source) -> Result<Self, TestCaseError> {
        let compiled = Compiler::new()
            .opt(Opt::None)
            .compile(&source.text)
            .map_err(|e| TestCaseError::fail(format!("ours refuses it: {e}")))?;
        let records = compiled.program.code().to_records();
        let register = |name: &String| match compiled.scope.get(name) {
            Some(variable) => (variable.reg.class.code(), variable.reg.index),
            None => panic!("ours does not know {name}"),
        };
        let settable = source.settable.iter().map(register).collect();
        Ok(Self { events: records.events, instrs: records.instrs, settable })
    }

    fn fields(&self, updates: &[(usize, u64)]) -> Vec<FieldUpdate> {
        let field = |&(i, value): &(usize, u64)| {
            let (class, index) = self.settable[i];
            FieldUpdate { class, index, value }
        };
        updates.iter().map(field).collect()
    }

    /// How many temporaries it uses.
    pub(crate) fn temporaries(&self) -> u32 {
        let code = Code::from_records(&self.events, &self.instrs).unwrap();
        let temps = code.instrs.iter().filter(|i| i.result.class == Class::Temp);
        temps.map(|i| i.result.index + 1).max().unwrap_or(0)
    }

    /// Its instructions in our printed form.
    pub(crate) fn listing(&self) -> impl Display {
        Code::from_records(&self.events, &self.instrs).unwrap()
    }
}

/// What an engine did at each ACK of a sequence.
pub(crate) struct Run {
    pub(crate) steps: Vec<Step>,
    /// The program in force at each ACK.
    pub(crate) programs: Vec<usize>,
}

/// Runs the programs on libccp, for a flow that begins after `not_before_us` on its clock; also tells
/// when it began.
pub(crate) fn on_libccp(
    machine: &mut Machine,
    programs: &[Compiled],
    events: &[Event],
    not_before_us: u64,
) -> (Run, u64) {
    let mut buffer = [0; 65_535];
    for (uid, program) in (1..).zip(programs) {
        let install = Install {
            program_uid: ProgramUid(uid),
            events: &program.events,
            instrs: &program.instrs,
        };
        let len = install.encode(&mut buffer).unwrap();
        machine.message(&buffer[..len]).unwrap_or_else(|e| panic!("libccp refuses it: {e:?}"));
    }
    machine.advance_to(not_before_us);
    let mut flow = machine.open(INIT_CWND, 1448);
    let id = FlowId(flow.sid());
    let mut run = Run { steps: Vec::new(), programs: Vec::new() };
    let mut current = 0;
    for event in events {
        let len = match event {
            Event::Ack(ack) => {
                run.steps.push(flow.ack(ack));
                run.programs.push(current);
                continue;
            }
            Event::Change(index, updates) => {
                current = *index;
                let fields = &programs[current].fields(updates);
                let program_uid = ProgramUid(current as u32 + 1);
                ChangeProgRepr { flow: id, program_uid, fields }.encode(&mut buffer)
            }
            Event::Update(updates) => {
                let fields = &programs[current].fields(updates);
                UpdateFieldsRepr { flow: id, fields }.encode(&mut buffer)
            }
        };
        let len = len.unwrap();
        flow.message(&buffer[..len]).unwrap_or_else(|e| panic!("libccp refuses it: {e:?}"));
    }
    let begin_us = flow.begin_us();
    (run, begin_us)
}

/// Runs the programs, which must keep to `limits`, on our machine for a flow that begins at `begin_us`.
pub(crate) fn on_ours(
    compiled: &[Compiled],
    limits: Limits,
    events: &[Event],
    begin_us: u64,
) -> Vec<Step> {
    let verify = |c: &Compiled| {
        Program::from_records(&c.events, &c.instrs, &limits)
            .unwrap_or_else(|e| panic!("our verifier refuses it: {e}\n{}", c.listing()))
    };
    let programs: Vec<Program> = compiled.iter().map(verify).collect();
    let mut flow = OurFlow {
        // libccp counts Micros from the datapath's start until a flow's first program.
        regs: Registers::new(Micros::ZERO),
        staged: Staged::new(),
        switched: false,
        cwnd: INIT_CWND,
        rate: 0,
    };
    let mut current = 0;
    let mut steps = Vec::new();
    for event in events {
        match event {
            Event::Ack(ack) => steps.push(flow.ack(&programs[current], ack, begin_us)),
            Event::Change(index, updates) => {
                current = *index;
                flow.staged.clear();
                flow.switched = true;
                flow.stage(&compiled[current].fields(updates));
            }
            Event::Update(updates) => flow.stage(&compiled[current].fields(updates)),
        }
    }
    steps
}

struct OurFlow {
    regs: Registers,
    staged: Staged,
    switched: bool,
    /// What the transport uses, as narrow as libccp's.
    cwnd: u32,
    rate: u32,
}

impl OurFlow {
    fn stage(&mut self, fields: &[FieldUpdate]) {
        for field in fields {
            let class = Class::from_code(field.class).unwrap();
            self.staged.set(Reg::new(class, field.index), field.value).unwrap();
        }
    }

    fn ack(&mut self, program: &Program, ack: &Ack, begin_us: u64) -> Step {
        let mut primitives = Primitives::new();
        for (i, value) in (0..).zip(ack.primitives) {
            primitives.set_index(i, value);
        }
        let call = Call {
            now: Micros(begin_us + ack.now_us),
            primitives: &primitives,
            cwnd: u64::from(self.cwnd),
            rate: u64::from(self.rate),
            switched: std::mem::take(&mut self.switched),
            staged: &mut self.staged,
        };
        let mut report = None;
        let outcome = program.invoke(&mut self.regs, call, |fields| report = Some(fields.to_vec()));
        assert_eq!(outcome.reported, report.is_some());
        let Outcome { cwnd, rate, trap, .. } = outcome;
        // libccp's transports take 32 bits, and it cuts what is longer.
        let (cwnd, rate) = (cwnd.map(|v| v as u32), rate.map(|v| v as u32));
        self.cwnd = cwnd.unwrap_or(self.cwnd);
        self.rate = rate.unwrap_or(self.rate);
        let trap = trap.map(|t| match t.kind() {
            TrapKind::AddOverflow => Trap::Add,
            TrapKind::SubUnderflow => Trap::Sub,
            TrapKind::MulOverflow => Trap::Mul,
            TrapKind::DivByZero => Trap::Div,
        });
        Step { cwnd, rate, report, trap }
    }
}

const INIT_CWND: u32 = 14_480;
