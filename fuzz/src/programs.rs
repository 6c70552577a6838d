//! Programs that mostly verify, from few bytes.

use arbitrary::{Result, Unstructured};
use ccp_lang::{Class, Code, Event, Instr, Op, Primitive, Reg};

use crate::acks::{Ack, EDGES, SETTABLE};

/// A number: a byte says of what kind.
pub(crate) fn value(u: &mut Unstructured<'_>) -> Result<u64> {
    let kind: u8 = u.arbitrary()?;
    Ok(match kind {
        0..128 => kind.into(),
        128..192 => u.arbitrary::<u16>()?.into(),
        192..224 => EDGES[usize::from(kind % 8)],
        224..240 => u.arbitrary::<u32>()?.into(),
        240.. => u.arbitrary()?,
    })
}

fn constant(u: &mut Unstructured<'_>) -> Result<Reg> {
    Ok(Reg::immediate(value(u)? as u32))
}

/// Few registers of each class, so that instructions meet in them.
fn writable(byte: u8, reports: u8) -> Reg {
    let index = u32::from(byte >> 3) % 6;
    match byte % 8 {
        2 if index == 5 => Reg::local(31),
        2 => Reg::local(index % 3),
        3 if index == 5 => Reg::control(109),
        3 => Reg::control(index % 3),
        4 => Reg::volatile_control(index % 3),
        5 if reports > 0 => Reg::new(Class::Report, index % u32::from(reports)),
        6 if reports > 0 => Reg::volatile_report(index % u32::from(reports)),
        7 => Reg::new(Class::Implicit, index),
        _ if index == 5 => Reg::temp(31),
        _ => Reg::temp(index % 3),
    }
}

fn readable(u: &mut Unstructured<'_>, reports: u8) -> Result<Reg> {
    Ok(match u.arbitrary::<u8>()? {
        byte @ 0..144 => writable(byte, reports),
        144..192 => constant(u)?,
        byte @ 192.. => Reg::primitive(Primitive::ALL[usize::from(byte) % Primitive::ALL.len()]),
    })
}

fn instr(u: &mut Unstructured<'_>, reports: u8) -> Result<Instr> {
    let byte: u8 = u.arbitrary()?;
    let op = Op::ALL[usize::from(byte) % Op::ALL.len()];
    let result = writable(u.arbitrary()?, reports);
    Ok(match op {
        // Declarations stand before the first event.
        Op::Def | Op::Bind => Instr::bind(result, readable(u, reports)?),
        _ => Instr::new(op, result, readable(u, reports)?, readable(u, reports)?),
    })
}

fn block(u: &mut Unstructured<'_>, reports: u8, most: u8, into: &mut Vec<Instr>) -> Result<u32> {
    let len = u.arbitrary::<u8>()? % most;
    for _ in 0..len {
        into.push(instr(u, reports)?);
    }
    Ok(len.into())
}

/// A program that keeps the verifier's rules.
pub(crate) fn code(u: &mut Unstructured<'_>) -> Result<Code> {
    let byte: u8 = u.arbitrary()?;
    let (reports, controls, events) = (byte % 4, (byte >> 2) % 4, (byte >> 4) % 6);
    let mut code = Code::default();
    for (count, classes) in [
        (reports, [Class::Report, Class::VolatileReport]),
        (controls, [Class::Control, Class::VolatileControl]),
    ] {
        for index in 0..u32::from(count) {
            let class = classes[usize::from(u.arbitrary::<bool>()?)];
            let reg = Reg::new(class, index);
            code.instrs.push(Instr::new(Op::Def, reg, reg, constant(u)?));
        }
    }
    for _ in 0..events {
        let flag_idx = code.instrs.len() as u32;
        let mut num_flag_instrs = block(u, reports, 4, &mut code.instrs)?;
        if u.arbitrary::<u8>()? % 8 != 0 {
            let mut last = instr(u, reports)?;
            last.result = Reg::EVENT_FLAG;
            if last.op == Op::Bind {
                last.left = last.result;
            }
            code.instrs.push(last);
            num_flag_instrs += 1;
        }
        let body_idx = code.instrs.len() as u32;
        let num_body_instrs = block(u, reports, 10, &mut code.instrs)?;
        code.events.push(Event { flag_idx, num_flag_instrs, body_idx, num_body_instrs });
    }
    Ok(code)
}

/// An ACK, with what is staged before it.
pub(crate) fn ack(u: &mut Unstructured<'_>) -> Result<Ack> {
    let byte: u8 = u.arbitrary()?;
    let elapsed = match byte % 8 {
        0 => 0,
        1 => -i64::from(u.arbitrary::<u16>()?),
        2 => u.arbitrary::<u32>()?.into(),
        _ => u.arbitrary::<u16>()?.into(),
    };
    let mut ack = Ack { elapsed, primitives: Vec::new(), switch: None, staged: Vec::new() };
    for _ in 0..(byte >> 3) % 8 {
        let which: u8 = u.arbitrary()?;
        let primitive = Primitive::ALL[usize::from(which) % Primitive::ALL.len()];
        ack.primitives.push((primitive, value(u)?));
    }
    if byte >= 192 {
        let byte: u8 = u.arbitrary()?;
        ack.switch = [None, None, Some(false), Some(true)][usize::from(byte % 4)];
        for _ in 0..(byte >> 2) % 4 {
            let which: u8 = u.arbitrary()?;
            ack.staged.push((SETTABLE[usize::from(which) % SETTABLE.len()], value(u)?));
        }
    }
    Ok(ack)
}

/// As many ACKs as the rest of the input describes, at most `most`.
pub(crate) fn acks(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<Ack>> {
    let mut acks = vec![ack(u)?];
    while !u.is_empty() && acks.len() < most {
        acks.push(ack(u)?);
    }
    Ok(acks)
}
