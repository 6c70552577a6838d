//! Messages that are well made, from few bytes, and raw ones.

use arbitrary::{Result, Unstructured};
use ccp_lang::{Class, Code};
use ccp_wire::{
    Address, Alive, ChangeProgRepr, Create, EncodeError, Family, FieldUpdate, FlowId, Hello,
    HelloFlags, Install, MAX_MESSAGE_LEN, MeasureRepr, ProgramUid, Ready, UpdateFieldsRepr,
};

use crate::programs::{self, value};

/// What `encode` writes.
pub(crate) fn encoded(
    encode: impl FnOnce(&mut [u8]) -> core::result::Result<usize, EncodeError>,
) -> Vec<u8> {
    let mut buf = vec![0; MAX_MESSAGE_LEN];
    let len = encode(&mut buf).unwrap_or(0);
    buf.truncate(len);
    buf.shrink_to_fit();
    buf
}

/// Raw bytes, at most `most`.
pub(crate) fn raw(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<u8>> {
    let len = usize::from(u.arbitrary::<u8>()?).min(most).min(u.len());
    Ok(u.bytes(len)?.to_vec())
}

/// Mostly a flow that may exist.
pub(crate) fn flow(u: &mut Unstructured<'_>) -> Result<FlowId> {
    Ok(FlowId(match u.arbitrary::<u8>()? {
        byte @ 0..240 => u32::from(byte % 8) + 1,
        240.. => u.arbitrary()?,
    }))
}

/// Mostly a program that may exist.
pub(crate) fn uid(u: &mut Unstructured<'_>) -> Result<ProgramUid> {
    Ok(ProgramUid(match u.arbitrary::<u8>()? {
        byte @ 0..250 => u32::from(byte % 8),
        250.. => u.arbitrary()?,
    }))
}

/// Mostly registers that may be set.
pub(crate) fn updates(u: &mut Unstructured<'_>) -> Result<Vec<FieldUpdate>> {
    let count = u.arbitrary::<u8>()? % 6;
    (0..count)
        .map(|_| {
            let (class, index) = match u.arbitrary::<u8>()? {
                byte @ 0..64 => (Class::Control.code(), u32::from(byte % 8)),
                byte @ 64..96 => (Class::VolatileControl.code(), u32::from(byte % 8)),
                byte @ 96..224 => (Class::Implicit.code(), 4 + u32::from(byte % 2)),
                224.. => (u.arbitrary()?, u.arbitrary::<u16>()?.into()),
            };
            Ok(FieldUpdate { class, index, value: value(u)? })
        })
        .collect()
}

/// A program's message.
pub(crate) fn install(program_uid: ProgramUid, code: &Code) -> Vec<u8> {
    let records = code.to_records();
    let install = Install { program_uid, events: &records.events, instrs: &records.instrs };
    encoded(|buf| install.encode(buf))
}

/// One message of an agent.
pub(crate) fn of_agent(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    Ok(match u.arbitrary::<u8>()? % 8 {
        0 | 1 => install(uid(u)?, &programs::code(u)?),
        2 | 3 => {
            let (flow, program_uid, fields) = (flow(u)?, uid(u)?, updates(u)?);
            encoded(|buf| ChangeProgRepr { flow, program_uid, fields: &fields }.encode(buf))
        }
        4 | 5 => {
            let (flow, fields) = (flow(u)?, updates(u)?);
            encoded(|buf| UpdateFieldsRepr { flow, fields: &fields }.encode(buf))
        }
        6 => {
            let interval_ms = value(u)? as u32;
            encoded(|buf| Alive { interval_ms }.encode(buf))
        }
        _ => return raw(u, 200),
    })
}

/// One message of a datapath whose programs' reports are `report_lens` long.
pub(crate) fn of_datapath(
    u: &mut Unstructured<'_>,
    names: &[&str],
    report_len: impl Fn(ProgramUid) -> Option<usize>,
) -> Result<Vec<u8>> {
    let kind: u8 = u.arbitrary()?;
    Ok(match kind % 16 {
        0 => {
            let id = u.arbitrary()?;
            encoded(|buf| Ready { id }.encode(buf))
        }
        1 => {
            let hello = Hello {
                flags: HelloFlags(u.arbitrary::<u8>()?.into()),
                primitives: if kind < 128 { u64::MAX } else { u.arbitrary()? },
                max_programs: u.arbitrary::<u8>()?.into(),
                max_instrs: value(u)? as u32,
            };
            encoded(|buf| hello.encode(buf))
        }
        2..5 => {
            let (flow, which) = (flow(u)?, usize::from(u.arbitrary::<u8>()?));
            let (init_cwnd, mss) = (value(u)? as u32, value(u)? as u32);
            let create = Create {
                flow,
                init_cwnd,
                mss,
                src_ip: 1,
                src_port: 2,
                dst_ip: 3,
                dst_port: 4,
                cong_alg: names[which % names.len()],
            };
            encoded(|buf| create.encode(buf))
        }
        5 => {
            let family = if u.arbitrary()? { Family::V4 } else { Family::V6 };
            let address = Address { flow: flow(u)?, family, src: [1; 16], dst: [2; 16] };
            encoded(|buf| address.encode(buf))
        }
        6 => {
            let flow = flow(u)?;
            encoded(|buf| MeasureRepr::close(flow).encode(buf))
        }
        7..15 => {
            let (flow, program_uid) = (flow(u)?, uid(u)?);
            let given = u.arbitrary::<u8>()?;
            // Mostly as many as the program has.
            let len = match report_len(program_uid) {
                Some(len) if given < 240 => len,
                _ => usize::from(given % 111),
            };
            let fields: Vec<u64> = (0..len).map(|_| value(u)).collect::<Result<_>>()?;
            encoded(|buf| MeasureRepr { flow, program_uid, fields: &fields }.encode(buf))
        }
        _ => return raw(u, 200),
    })
}
