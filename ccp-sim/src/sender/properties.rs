//! Whatever a network does to packets and acknowledgements, the sender's books are right and the data arrives.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::receiver::Receiver;

const MSS: u32 = 1000;

/// What happens to a packet: lost on its way (a probability of so many in 16), or back after so many milliseconds.
#[derive(Clone, Copy, Debug)]
struct Fate {
    dice: u8,
    delay_ms: u64,
    marked: bool,
}

fn fate() -> impl Strategy<Value = Fate> {
    (0u8..16, 1u64..400, any::<bool>()).prop_map(|(dice, delay_ms, marked)| Fate {
        dice,
        delay_ms,
        marked,
    })
}

/// Steps through a transfer of `bytes`, each packet with the next of `fates`, over and over; returns the counters.
fn transfer(
    bytes: u64,
    fates: &[Fate],
    lost_below: u8,
    windows: &[u64],
) -> Result<SenderCounters, TestCaseError> {
    let mut sender = Sender::new(SenderConfig {
        flow: 0,
        mss: MSS,
        overhead: 0,
        init_cwnd: 10 * u64::from(MSS),
        receive_window: 40 * u64::from(MSS),
        source: Source::Bytes(bytes),
        start: Time::ZERO,
        handshake_rtt: Some(Duration::from_millis(50)),
        pacing: Pacing::Off,
        ecn: true,
    });
    let mut receiver = Receiver::default();
    let mut under_way: BTreeMap<(Time, u64), Packet> = BTreeMap::new();
    let mut arrived = BTreeSet::new();
    let (mut now, mut sent) = (Time::ZERO, 0usize);
    let mut delivered = (0, 0);
    for step in 0.. {
        prop_assert!(step < 100_000, "no end in sight: {:?}", sender.counters());
        while let Some(packet) = sender.poll_packet(now) {
            let fate = fates[sent % fates.len()];
            sent += 1;
            // The last chances get through, so that the transfer ends.
            if fate.dice >= lost_below || sent > 2000 {
                let packet = Packet { marked: fate.marked, ..packet };
                let at = now + Duration::from_millis(fate.delay_ms);
                under_way.insert((at, packet.transmission), packet);
            }
        }
        sender.check_books();
        if sender.is_done() {
            break;
        }
        let timer = sender.timeout_at();
        let next = under_way.first_key_value().map(|((at, _), _)| *at);
        let due = next.map_or(timer, |at| at.min(timer));
        prop_assert!(due != Time::NEVER, "stuck: {:?}", sender.counters());
        now = due.max(now);
        if next == Some(due) {
            let Some((_, packet)) = under_way.pop_first() else { continue };
            arrived.insert(packet.segment);
            let sample = sender.handle_ack(&receiver.on_packet(&packet), now);
            delivered.0 += sample.bytes_acked;
            delivered.1 += sample.packets_acked + sample.packets_misordered;
        } else {
            sender.handle_timeout(now);
        }
        sender.set_cwnd(windows[step % windows.len()] * u64::from(MSS));
        sender.check_books();
    }
    // Each byte is acknowledged once, and each packet delivered once, whatever was sent again.
    prop_assert_eq!(delivered, (bytes, bytes.div_ceil(u64::from(MSS))));
    prop_assert_eq!(arrived.len() as u64, delivered.1);
    let counters = sender.counters();
    prop_assert_eq!(counters.packets, delivered.1 + counters.retransmits);
    prop_assert!(counters.spurious <= counters.losses && counters.undone <= counters.spurious);
    Ok(counters)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_arrives_and_is_counted_once(
        bytes in 1u64..150_000,
        fates in proptest::collection::vec(fate(), 1..60),
        lost_below in 0u8..14,
        windows in proptest::collection::vec(0u64..60, 1..8),
    ) {
        transfer(bytes, &fates, lost_below, &windows)?;
    }

    #[test]
    fn a_path_that_only_delays_evenly_is_never_thought_to_lose(
        bytes in 1u64..150_000,
        delay_ms in 1u64..90,
        windows in proptest::collection::vec(0u64..60, 1..8),
    ) {
        let counters = transfer(bytes, &[Fate { dice: 15, delay_ms, marked: false }], 1, &windows)?;
        prop_assert_eq!((counters.losses, counters.retransmits, counters.timeouts), (0, 0, 0));
    }
}
