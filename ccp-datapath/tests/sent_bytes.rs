//! What goes out, byte for byte, and what must never go out to the agents in use.

mod common;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use ccp_datapath::{Config, Datapath, FlowInfo, OpenError, SinkError};
use ccp_lang::{Limits, Micros, Reg};
use common::{Bench, MS, field, reporting, steering};

fn sent_by(
    f: impl FnOnce(&mut Datapath, &mut dyn FnMut(&[u8]) -> Result<(), SinkError>),
) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    let mut config = Config::default();
    config.id = 0x0102_0304;
    config.max_programs = 9;
    let mut datapath = Datapath::new(config, Micros(0));
    f(&mut datapath, &mut |datagram: &[u8]| {
        sent.push(datagram.to_vec());
        Ok(())
    });
    sent
}

#[test]
fn ready_and_hello_share_a_datagram() {
    let sent = sent_by(|d, mut sink| d.handle_timeout(Micros(0), &mut sink));
    #[rustfmt::skip]
    let expected = [
        5, 0, 12, 0, 0, 0, 0, 0, // Ready
        4, 3, 2, 1,
        16, 0, 32, 0, 0, 0, 0, 0, // Hello
        1, 0, 0, 0, // version
        1, 0, 0, 0, // wants keep-alives
        0xFF, 0x7F, 0, 0, 0, 0, 0, 0, // the fifteen primitives
        9, 0, 0, 0, // programs
        255, 0, 0, 0, // instructions
    ];
    assert_eq!(sent, [expected.to_vec()]);
}

#[test]
fn hello_tells_the_settings() {
    let mut config = Config::default();
    config.keep_alive = false;
    config.limits = Limits { max_instrs: u32::MAX, ..Limits::MACHINE };
    config.primitives = u64::MAX;
    let mut bench = Bench::with(config);
    bench.timeout();
    let hello = &bench.sent[0][12..];
    assert_eq!(hello[12..16], [0; 4], "no keep-alives");
    assert_eq!(hello[16..24], [0xFF; 8]);
    assert_eq!(hello[28..32], Limits::MACHINE.max_instrs.to_le_bytes(), "what the machine takes");
}

#[test]
fn create_carries_what_the_flow_says_of_itself() {
    let ends = |port| SocketAddr::from((Ipv4Addr::new(127, 0, 0, 1), port));
    let sent = sent_by(|d, mut sink| {
        let info =
            FlowInfo::new(14_600, 1_460).with_addrs(ends(0x1234), ends(443)).with_alg("reno");
        d.open(info, Micros(0), &mut sink).expect("room");
    });
    #[rustfmt::skip]
    let mut expected = vec![
        0, 0, 96, 0, 1, 0, 0, 0,
        0x08, 0x39, 0, 0, // init_cwnd
        0xB4, 0x05, 0, 0, // mss
        127, 0, 0, 1, 0x12, 0x34, 0, 0, // from, in network order
        127, 0, 0, 1, 0x01, 0xBB, 0, 0, // to
        b'r', b'e', b'n', b'o',
    ];
    expected.resize(96, 0);
    assert_eq!(sent[1], expected, "after Ready");
}

#[test]
fn an_ipv6_flow_tells_its_addresses_right_before_its_create() {
    let ends = |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let sent = sent_by(|d, mut sink| {
        let mut info = FlowInfo::new(1, 1).with_addrs(ends(1), ends(2));
        (info.src_ip, info.dst_ip) = (7, 7);
        d.open(info, Micros(0), &mut sink).expect("room");
    });
    let (address, create) = sent[1].split_at(44);
    #[rustfmt::skip]
    assert_eq!(address, [
        18, 0, 44, 0, 1, 0, 0, 0,
        6, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    ]);
    #[rustfmt::skip]
    assert_eq!(create[..32], [
        0, 0, 96, 0, 1, 0, 0, 0,
        1, 0, 0, 0, 1, 0, 0, 0,
        0, 0, 0, 0, 0, 1, 0, 0,
        0, 0, 0, 0, 0, 2, 0, 0,
    ]);
    assert_eq!(create.len(), 96);
}

#[test]
fn a_report_and_a_close_are_measures() {
    let (mut bench, flow) = Bench::running(&reporting());
    bench.ack(flow);
    bench.close(flow);
    #[rustfmt::skip]
    assert_eq!(bench.sent, [
        vec![
            1, 0, 24, 0, 1, 0, 0, 0,
            1, 0, 0, 0, 1, 0, 0, 0,
            0xE8, 3, 0, 0, 0, 0, 0, 0,
        ],
        vec![
            1, 0, 16, 0, 1, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0,
        ],
    ]);
}

#[test]
fn a_name_that_no_agent_could_read_is_refused() {
    let mut datapath = Datapath::new(Config::default(), Micros(0));
    let mut sink = |_: &[u8]| Ok(());
    for name in ["x".repeat(64), "re\0no".into()] {
        let info = FlowInfo::new(1, 1).with_alg(&name);
        let refused = datapath.open(info, Micros(0), &mut sink);
        assert!(matches!(refused, Err(OpenError::Create(_))), "{refused:?}");
    }
    assert_eq!(datapath.open_flows(), 0);
    let longest = "x".repeat(63);
    assert!(datapath.open(FlowInfo::new(1, 1).with_alg(&longest), Micros(0), &mut sink).is_ok());
}

/// An agent keeps the low byte of a type and knows 0 to 5; Install and UpdateFields end it; it reads 1,024 bytes.
#[test]
fn nothing_goes_out_that_harms_an_agent_in_use() {
    let (mut bench, flow) = Bench::running(&steering(1));
    let mut kinds = Vec::new();
    let mut look = |bench: &mut Bench| {
        for datagram in bench.sent.drain(..) {
            assert!(datagram.len() <= 1024);
            let mut at = 0;
            while at < datagram.len() {
                kinds.push(u16::from_le_bytes([datagram[at], datagram[at + 1]]));
                at += usize::from(u16::from_le_bytes([datagram[at + 2], datagram[at + 3]]));
            }
            assert_eq!(at, datagram.len(), "whole messages");
        }
    };
    let late = bench.open();
    bench.update(flow, &[field(Reg::RATE, 5)]).expect("settable");
    bench.ack(flow);
    bench.link = Err(SinkError::Gone);
    bench.ack(flow);
    bench.link = Ok(());
    bench.at(300 * MS).timeout();
    bench.at(301 * MS).alive(10);
    for _ in 0..3 {
        bench.ack(flow);
        bench.ack(late);
    }
    bench.close(flow);
    bench.close(late);
    look(&mut bench);
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, [0, 1, 5, 16]);
}
