//! Any bytes at all, from anybody: no panic, no growth, and a good flow is served meanwhile.

mod common;

use std::time::Duration;

use ccp_runtime::{OutboxLimits, Settings};
use common::{Log, Noting, Rig, create, measure, ready, said};
use proptest::prelude::*;

/// Bytes of every degree of nonsense, up to a correct message.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    let message = prop_oneof![
        Just(ready()),
        (0..20_u32, "[a-z]{0,63}").prop_map(|(flow, name)| create(flow, &name)),
        (0..20_u32, 0..4_u32, prop::collection::vec(any::<u64>(), 0..10))
            .prop_map(|(flow, uid, fields)| measure(flow, uid, &fields)),
        (any::<u32>(), any::<u64>(), any::<[u32; 2]>()).prop_map(|(flags, primitives, max)| {
            let hello = ccp_wire::Hello {
                flags: ccp_wire::HelloFlags(flags),
                primitives,
                max_programs: max[0] % 4,
                max_instrs: max[1] % 64,
            };
            let mut buf = vec![0; hello.encoded_len()];
            hello.encode(&mut buf).unwrap();
            buf
        }),
        // A header of any type whose length may or may not lie.
        (0..24_u16, 0..80_u16, prop::collection::vec(any::<u8>(), 0..80)).prop_map(
            |(kind, len, body)| { [&kind.to_le_bytes()[..], &len.to_le_bytes(), &body].concat() }
        ),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    let messages = prop::collection::vec(message, 1..4).prop_map(|messages| messages.concat());
    (messages, any::<prop::sample::Index>(), any::<u8>(), 0..4_u8).prop_map(
        |(mut bytes, at, value, damage)| {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                match damage {
                    0 => bytes.truncate(at),
                    1 => bytes[at] = value,
                    _ => {}
                }
            }
            bytes
        },
    )
}

#[derive(Clone, Debug)]
enum Act {
    Send(u8, Vec<u8>),
    Stall(u8, bool),
    Go(u8),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        10 => (0..5_u8, datagram()).prop_map(|(from, bytes)| Act::Send(from, bytes)),
        1 => (0..5_u8, any::<bool>()).prop_map(|(to, full)| Act::Stall(to, full)),
        1 => (0..5_u8).prop_map(Act::Go),
        1 => (0..300_u64).prop_map(Act::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_of_any_kind_does_not_disturb_a_good_flow(
        acts in prop::collection::vec(act(), 1..150)
    ) {
        const GOOD: u8 = 200;
        let log = Log::default();
        let alg = Noting::new(&log);
        let mut settings = Settings::default();
        settings.probe_after = Duration::from_millis(500);
        settings.max_flows = 8;
        settings.max_datapaths = 4;
        settings.outbox = OutboxLimits::new(16, 2_000);
        let mut rig = Rig::new(|builder| builder.default_alg(alg).with_settings(settings));
        rig.send(GOOD, &create(3, ""));
        for (round, act) in (1..).zip(acts) {
            match act {
                Act::Send(from, bytes) => rig.queue(from, &bytes),
                Act::Stall(to, full) => rig.net.set_full(to, full),
                Act::Go(datapath) => rig.net.set_gone(datapath),
                Act::Pass(ms) => rig.advance(Duration::from_millis(ms)),
            }
            let answer = said(&rig.send(GOOD, &measure(3, 1, &[round])));
            let expected = format!("flow 3 update [(2, 4, {})]", 2 * round);
            prop_assert_eq!(answer, [expected]);
            let stats = rig.stats();
            prop_assert!(stats.datapaths <= 4 && stats.flows <= 32);
            prop_assert_eq!(stats.flows, stats.flows_created - stats.flows_closed);
        }
        prop_assert_eq!(rig.stats().flow_panics, 0);
    }
}
