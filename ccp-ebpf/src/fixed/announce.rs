//! Create and Address, written straight into the ring.

use ccp_lang::ebpf::Gpr::{R0, R1, R2, R3, R8, R9};
use ccp_lang::ebpf::{Cond, Gpr, Size};
use ccp_wire::{Address, Create, Family, FlowId, MeasureRepr};

use super::kit::{Kit, agent, flow};

/// Sends the flow's Create (after its Address, for IPv6), or notes that it is still to be sent. R8
/// is lost.
pub(super) fn create(kit: &mut Kit<'_>, wish: &str) {
    let (v6, full, done) = (kit.label(), kit.label(), kit.label());
    kit.comment("Create");
    kit.clock(R1);
    kit.set_word(flow::ANNOUNCED_AT, R1);
    kit.word(R1, flow::FAMILY);
    kit.jump_if(Cond::Eq, R1, 6, v6);
    kit.reserve(CREATE_LEN);
    kit.jump_if(Cond::Eq, R0, 0, full);
    kit.mov(R8, R0);
    write_create(kit, 0, wish);
    // The last four bytes of ::ffff:a.b.c.d, in the order they have on the wire.
    for (to, from) in [(SRC_IP, flow::SRC.at), (DST_IP, flow::DST.at)] {
        kit.load(Size::W, R1, R9, from + 12);
        kit.store(Size::W, R8, to, R1);
    }
    kit.submit(R8);
    kit.set_word(flow::ANNOUNCED, 1);
    kit.jump(done);

    kit.bind(v6);
    kit.reserve(ADDRESS_LEN + CREATE_LEN);
    kit.jump_if(Cond::Eq, R0, 0, full);
    kit.mov(R8, R0);
    let address = Address { flow: FlowId(0), family: Family::V6, src: [0; 16], dst: [0; 16] };
    let mut bytes = [0; ADDRESS_LEN];
    // The buffer is as long as the message.
    let _ = address.encode(&mut bytes);
    write(kit, 0, &bytes);
    kit.flow_id(R1, R2);
    kit.store(Size::W, R8, SID, R1);
    for (to, from) in [(ADDRESS_SRC, flow::SRC.at), (ADDRESS_SRC + 16, flow::DST.at)] {
        for half in [0, 4, 8, 12] {
            kit.load(Size::W, R1, R9, from + half);
            kit.store(Size::W, R8, to + half, R1);
        }
    }
    write_create(kit, ADDRESS_LEN as i16, wish);
    kit.submit(R8);
    kit.set_word(flow::ANNOUNCED, 1);
    kit.jump(done);

    kit.bind(full);
    kit.set_word(flow::ANNOUNCED, 0);
    kit.count_for_all(agent::CREATES_LOST);
    kit.bind(done);
}

/// Says that the flow has closed.
pub(super) fn close(kit: &mut Kit<'_>) {
    let (full, done) = (kit.label(), kit.label());
    kit.comment("close");
    kit.reserve(CLOSE_LEN);
    kit.jump_if(Cond::Eq, R0, 0, full);
    kit.mov(R8, R0);
    let mut bytes = [0; CLOSE_LEN];
    // The buffer is as long as the message.
    let _ = MeasureRepr::close(FlowId(0)).encode(&mut bytes);
    write(kit, 0, &bytes);
    kit.flow_id(R1, R2);
    kit.store(Size::W, R8, SID, R1);
    kit.submit(R8);
    kit.jump(done);
    kit.bind(full);
    kit.count_for_all(agent::CLOSES_LOST);
    kit.bind(done);
}

/// A Create with everything but IPv4 addresses, `at` bytes into the message in R8.
fn write_create(kit: &mut Kit<'_>, at: i16, wish: &str) {
    let mut bytes = [0; CREATE_LEN];
    // The buffer is as long as the message; a name too long was refused long before.
    let _ = Create { cong_alg: wish, ..Create::default() }.encode(&mut bytes);
    write(kit, at, &bytes);
    kit.flow_id(R1, R2);
    kit.store(Size::W, R8, at + SID, R1);
    let values: [(i16, Gpr, _); 4] = [
        (INIT_CWND, R1, flow::INIT_CWND),
        (MSS, R2, flow::MSS),
        (SRC_PORT, R3, flow::SRC_PORT),
        (DST_PORT, R1, flow::DST_PORT),
    ];
    for (to, through, word) in values {
        kit.word(through, word);
        kit.store(Size::W, R8, at + to, through);
    }
}

/// Constant bytes into the message in R8; their number is a multiple of 4.
fn write(kit: &mut Kit<'_>, at: i16, bytes: &[u8]) {
    for (offset, word) in (at..).step_by(4).zip(bytes.as_chunks::<4>().0) {
        kit.store(Size::W, R8, offset, i32::from_le_bytes(*word));
    }
}

// Lengths and places within messages, as ccp-wire lays them out.
const CREATE_LEN: usize = 96;
const ADDRESS_LEN: usize = 44;
pub(super) const CLOSE_LEN: usize = 16;
pub(super) const SID: i16 = 4;
const INIT_CWND: i16 = 8;
const MSS: i16 = 12;
const SRC_IP: i16 = 16;
const SRC_PORT: i16 = 20;
const DST_IP: i16 = 24;
const DST_PORT: i16 = 28;
const ADDRESS_SRC: i16 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the four bytes of a value are in a message.
    fn place(message: &[u8], value: u32) -> i16 {
        let at = message.as_chunks::<4>().0.iter().position(|word| *word == value.to_le_bytes());
        at.expect("the value is in the message") as i16 * 4
    }

    #[test]
    fn the_places_are_those_of_the_wire() {
        let mut bytes = [0; 256];
        let create = Create {
            flow: FlowId(11),
            init_cwnd: 12,
            mss: 13,
            src_ip: 14,
            src_port: 15,
            dst_ip: 16,
            dst_port: 17,
            cong_alg: "",
        };
        let len = create.encode(&mut bytes).expect("fits");
        assert_eq!(len, CREATE_LEN);
        let places = [SID, INIT_CWND, MSS, SRC_IP, SRC_PORT, DST_IP, DST_PORT];
        for (value, at) in (11..).zip(places) {
            assert_eq!(place(&bytes[..len], value), at);
        }
        let (src, dst) = ([0xAA; 16], [0xBB; 16]);
        let address = Address { flow: FlowId(11), family: Family::V6, src, dst };
        assert_eq!(address.encode(&mut bytes).expect("fits"), ADDRESS_LEN);
        assert_eq!(place(&bytes, 0xAAAA_AAAA), ADDRESS_SRC);
        assert_eq!(place(&bytes, 0xBBBB_BBBB), ADDRESS_SRC + 16);
        assert_eq!(MeasureRepr::close(FlowId(1)).encoded_len(), CLOSE_LEN);
    }
}
