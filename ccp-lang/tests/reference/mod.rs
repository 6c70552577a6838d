//! A second machine, written from the description of an invocation and nothing else: slow, without
//! decoding, one `match` per access. The fast one must never differ from it.

use std::collections::BTreeMap;

use ccp_lang::{Class, Code, INFINITY, Instr, Op, Primitive, Primitives, Reg};

/// What one invocation did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) cwnd: Option<u64>,
    pub(crate) rate: Option<u64>,
    pub(crate) report: Option<Vec<u64>>,
    pub(crate) trap: Option<(&'static str, u32)>,
}

/// What an invocation gets.
pub(crate) struct Input<'a> {
    pub(crate) now: u64,
    pub(crate) primitives: &'a Primitives,
    pub(crate) cwnd: u64,
    pub(crate) rate: u64,
    pub(crate) switched: bool,
    pub(crate) staged: &'a [(Reg, u64)],
}

/// One flow.
#[derive(Default)]
pub(crate) struct Machine {
    /// Each by the name that both of its classes share.
    registers: BTreeMap<(&'static str, u32), u64>,
    /// When Micros was 0; before the start of time when a program set it high.
    zero: i128,
    now: u64,
}

impl Machine {
    pub(crate) fn invoke(&mut self, code: &Code, input: &Input<'_>) -> Done {
        let mut done = Done { cwnd: None, rate: None, report: None, trap: None };
        self.now = self.now.max(input.now);
        // 3.
        self.write(Reg::CWND, input.cwnd);
        self.write(Reg::RATE, input.rate);
        // 4.
        if input.switched {
            for def in defs(code) {
                self.write(def.result, initial(def));
            }
            self.zero = i128::from(self.now);
        }
        // 5.
        for &(reg, value) in input.staged {
            self.write(reg, value);
            match reg {
                Reg::CWND => done.cwnd = non_zero(value),
                Reg::RATE => done.rate = non_zero(value),
                _ => {}
            }
        }
        // 6.
        self.write(Reg::EVENT_FLAG, 0);
        self.write(Reg::SHOULD_CONTINUE, 0);
        self.write(Reg::SHOULD_REPORT, 0);
        let micros = i128::from(self.now) - self.zero;
        self.registers.insert(key(Reg::MICROS), micros as u64);
        // 7.
        if let Err(trap) = self.events(code, input) {
            done.trap = Some(trap);
            return done;
        }
        // 8.
        done.cwnd = non_zero(self.read(Reg::CWND, input)).or(done.cwnd);
        done.rate = non_zero(self.read(Reg::RATE, input)).or(done.rate);
        // 9.
        if self.read(Reg::SHOULD_REPORT, input) != 0 {
            let len = defs(code).filter(|d| d.result.is_report()).count() as u32;
            let fields = (0..len).map(|i| self.read(Reg::report(i), input));
            done.report = Some(fields.collect());
            for def in defs(code).filter(|d| d.result.is_volatile()) {
                self.write(def.result, initial(def));
            }
        }
        done
    }

    /// What a register holds; a primitive reads as 0.
    pub(crate) fn get(&self, reg: Reg) -> u64 {
        self.registers.get(&key(reg)).copied().unwrap_or(0)
    }

    fn events(&mut self, code: &Code, input: &Input<'_>) -> Result<(), (&'static str, u32)> {
        for event in &code.events {
            for at in event.flag() {
                self.instruction(code.instrs[at as usize], at, input)?;
            }
            if self.read(Reg::EVENT_FLAG, input) != 0 {
                for at in event.body() {
                    self.instruction(code.instrs[at as usize], at, input)?;
                }
            }
            if self.read(Reg::EVENT_FLAG, input) != 0 && self.read(Reg::SHOULD_CONTINUE, input) == 0
            {
                break;
            }
        }
        Ok(())
    }

    fn instruction(
        &mut self,
        instr: Instr,
        at: u32,
        input: &Input<'_>,
    ) -> Result<(), (&'static str, u32)> {
        let left = self.read(instr.left, input);
        let right = self.read(instr.right, input);
        let old = self.read(instr.result, input);
        let (wide_left, wide_right) = (u128::from(left), u128::from(right));
        let value = match instr.op {
            Op::Add => u64::try_from(wide_left + wide_right).map_err(|_| ("add", at))?,
            Op::Mul => u64::try_from(wide_left * wide_right).map_err(|_| ("mul", at))?,
            Op::Sub if left < right => return Err(("sub", at)),
            Op::Sub => left - right,
            Op::Div if right == 0 => return Err(("div", at)),
            Op::Div => left / right,
            Op::Bind => right,
            Op::Def => return Ok(()),
            Op::Equiv => u64::from(left == right),
            Op::Gt => u64::from(left > right),
            Op::Lt => u64::from(left < right),
            Op::Max => left.max(right),
            Op::Min => left.min(right),
            Op::Ewma if old == 0 => right,
            Op::Ewma => {
                let ten_less = 10_u64.wrapping_sub(left);
                let sum = left.wrapping_mul(old).wrapping_add(ten_less.wrapping_mul(right));
                sum / 10
            }
            Op::MaxWrap if left == 0 => right,
            Op::MaxWrap if right == 0 => left,
            Op::MaxWrap => {
                let turn = 1_i128 << 32;
                let ahead = (i128::from(left) - i128::from(right)).rem_euclid(turn);
                let (left, right) = (left % (1 << 32), right % (1 << 32));
                if (1..=0x7FFF_FFFF).contains(&ahead) {
                    left
                } else if ahead == 0x8000_0000 {
                    left.min(right)
                } else {
                    right
                }
            }
            Op::If if left == 0 => return Ok(()),
            Op::NotIf if left != 0 => return Ok(()),
            Op::If | Op::NotIf => right,
            other => panic!("the reference does not know {other}"),
        };
        self.write(instr.result, value);
        Ok(())
    }

    fn read(&self, reg: Reg, input: &Input<'_>) -> u64 {
        match reg.class {
            Class::Immediate => u64::from(reg.index),
            Class::Primitive => match Primitive::from_index(reg.index) {
                Some(Primitive::AckNow) => input.now,
                Some(primitive) => match input.primitives.get(primitive) {
                    0 if primitive == Primitive::FlowRttSampleUs => INFINITY,
                    value => value,
                },
                None => 0,
            },
            _ => self.get(reg),
        }
    }

    fn write(&mut self, reg: Reg, value: u64) {
        if reg == Reg::MICROS {
            self.zero = i128::from(self.now) - i128::from(value);
        }
        self.registers.insert(key(reg), value);
    }
}

fn defs(code: &Code) -> impl Iterator<Item = Instr> {
    let defs = code.instrs.iter().copied();
    defs.take_while(|instr| instr.op == Op::Def)
}

fn initial(def: Instr) -> u64 {
    match def.right.index {
        0x3FFF_FFFF | 0xFFFF_FFFF => INFINITY,
        value => u64::from(value),
    }
}

fn non_zero(value: u64) -> Option<u64> {
    (value != 0).then_some(value)
}

fn key(reg: Reg) -> (&'static str, u32) {
    let class = match reg.class {
        Class::Control | Class::VolatileControl => "control",
        Class::Report | Class::VolatileReport => "report",
        Class::Implicit => "implicit",
        Class::Local => "local",
        Class::Temp => "temp",
        other => panic!("{other:?} is no place to write to"),
    };
    (class, reg.index)
}
