//! The sender by itself: packets are taken from it and acknowledged by hand.

use super::*;
use crate::Rate;

const MSS: u32 = 1000;
const RTT: u64 = 10_000_000;

fn config() -> SenderConfig {
    SenderConfig {
        flow: 0,
        mss: MSS,
        overhead: 0,
        init_cwnd: 10 * u64::from(MSS),
        receive_window: u64::MAX,
        source: Source::Unlimited,
        start: Time::ZERO,
        handshake_rtt: None,
        pacing: Pacing::Off,
        ecn: false,
    }
}

fn at(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

fn drain(sender: &mut Sender, now: Time) -> Vec<Packet> {
    core::iter::from_fn(|| sender.poll_packet(now)).collect()
}

/// The acknowledgement of a packet when everything before it has arrived.
fn in_order(packet: &Packet) -> Ack {
    Ack {
        cumulative: packet.segment + 1,
        segment: packet.segment,
        transmission: packet.transmission,
        sent_at: packet.sent_at,
        marked: packet.marked,
    }
}

#[test]
fn it_sends_a_window_and_then_as_much_as_is_acknowledged() {
    let mut sender = Sender::new(config());
    let first = drain(&mut sender, at(0));
    assert_eq!(first.len(), 10);
    let sample = sender.handle_ack(&in_order(&first[0]), at(RTT));
    assert_eq!((sample.bytes_acked, sample.packets_acked, sample.packets_misordered), (1000, 1, 0));
    assert_eq!((sample.bytes_in_flight, sample.packets_in_flight), (9000, 9));
    assert_eq!(sample.rtt_us, 10_000);
    assert_eq!(drain(&mut sender, at(RTT)).len(), 1);
}

#[test]
fn the_receive_window_bounds_what_is_in_flight() {
    let mut sender = Sender::new(SenderConfig { receive_window: 3000, ..config() });
    assert_eq!(drain(&mut sender, at(0)).len(), 3);
}

#[test]
fn the_receive_window_ends_where_the_first_hole_is() {
    let mut sender = Sender::new(SenderConfig { receive_window: 10_000, ..config() });
    let packets = drain(&mut sender, at(0));
    let mut sent = Vec::new();
    for packet in &packets[1..] {
        sender.handle_ack(&Ack { cumulative: 0, ..in_order(packet) }, at(RTT));
        sent.extend(drain(&mut sender, at(RTT)));
    }
    // The receiver keeps nine segments until the first arrives: it has room for that one alone.
    assert_eq!(sent.iter().map(|packet| packet.segment).collect::<Vec<_>>(), [0]);
    sender.handle_ack(&Ack { cumulative: 10, ..in_order(&sent[0]) }, at(2 * RTT));
    assert_eq!(drain(&mut sender, at(2 * RTT)).len(), 10);
}

#[test]
fn a_paced_sender_leaves_the_gaps_of_its_rate() {
    let mut sender = Sender::new(config());
    sender.set_rate(1_000_000);
    // In bursts of two at least.
    assert_eq!(drain(&mut sender, at(0)).len(), 2);
    let next = sender.next_send(at(0)).unwrap();
    assert_eq!(next, at(2_000_000));
    assert_eq!(drain(&mut sender, next).len(), 2);
}

#[test]
fn a_lost_packet_is_sent_again_before_anything_new() {
    let mut sender = Sender::new(config());
    let packets = drain(&mut sender, at(0));
    let mut lost = 0;
    for packet in &packets[1..] {
        let sack = Ack { cumulative: 0, ..in_order(packet) };
        let sample = sender.handle_ack(&sack, at(RTT));
        assert_eq!((sample.bytes_acked, sample.bytes_misordered), (0, 1000));
        assert_eq!((sample.packets_acked, sample.packets_misordered), (0, 1));
        lost += sample.lost_packets;
    }
    assert_eq!(lost, 1);
    let again = sender.poll_packet(at(RTT)).unwrap();
    assert_eq!((again.segment, again.transmission), (0, 10));
    // It fills the hole: the left edge moves by ten, of which nine were counted before.
    let sample = sender.handle_ack(&Ack { cumulative: 10, ..in_order(&again) }, at(2 * RTT));
    assert_eq!((sample.bytes_acked, sample.packets_acked), (10_000, 1));
    let counters = sender.counters();
    assert_eq!((counters.retransmits, counters.losses, counters.acked_bytes), (1, 1, 10_000));
}

#[test]
fn a_timeout_leaves_one_segment_of_window_and_doubles_the_next() {
    let mut sender = Sender::new(config());
    drain(&mut sender, at(0));
    assert_eq!(sender.timeout_at(), at(1_000_000_000));
    assert_eq!(sender.handle_timeout(at(999_999_999)), None);
    let sample = sender.handle_timeout(at(1_000_000_000)).unwrap();
    assert!(sample.timeout);
    assert_eq!((sample.lost_packets, sample.bytes_in_flight), (10, 0));
    assert_eq!(sender.cwnd(), 1000);
    assert_eq!(sender.timeout_at(), at(3_000_000_000));
    let again = drain(&mut sender, at(1_000_000_000));
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].segment, 0);
}

#[test]
fn the_handshake_is_the_first_rtt_sample() {
    let handshake_rtt = Some(Duration::from_secs(2));
    let mut sender = Sender::new(SenderConfig { handshake_rtt, ..config() });
    drain(&mut sender, at(0));
    // A probe after twice that, and then the timeout of three times that.
    assert_eq!(sender.timeout_at(), at(4_000_000_000));
    assert_eq!(sender.handle_timeout(at(4_000_000_000)), None);
    assert_eq!(sender.timeout_at(), at(10_000_000_000));
}

#[test]
fn nothing_outstanding_means_no_timer() {
    let mut sender = Sender::new(SenderConfig { source: Source::Bytes(1500), ..config() });
    let packets = drain(&mut sender, at(0));
    assert_eq!(packets.iter().map(|packet| packet.wire_len).collect::<Vec<_>>(), [1000, 500]);
    for packet in &packets {
        assert!(!sender.is_done());
        sender.handle_ack(&in_order(packet), at(RTT));
    }
    assert!(sender.is_done());
    assert_eq!(sender.timeout_at(), Time::NEVER);
}

#[test]
fn the_delivery_rate_is_that_of_the_path_not_of_the_burst() {
    // Ten packets leave at once and come back a millisecond apart: a megabyte a second.
    let mut sender = Sender::new(config());
    let mut flying: std::collections::VecDeque<_> = drain(&mut sender, at(0)).into();
    let mut sample = Sample::default();
    for n in 0..50 {
        let now = at(RTT + n * 1_000_000);
        let packet = flying.pop_front().unwrap();
        sample = sender.handle_ack(&in_order(&packet), now);
        flying.extend(drain(&mut sender, now));
    }
    assert_eq!(sample.rate_incoming, 1_000_000);
    assert_eq!(sample.rate_outgoing, 1_000_000);
    assert!(!sample.app_limited);
}

#[test]
fn what_was_sent_while_the_application_was_the_limit_is_marked() {
    let source = Source::Steady(Rate::mbit(8));
    let mut sender = Sender::new(SenderConfig { source, ..config() });
    assert_eq!(drain(&mut sender, at(0)).len(), 0);
    assert_eq!(sender.next_send(at(0)), Some(at(1_000_000)));
    let mut flying = std::collections::VecDeque::new();
    let mut marked = 0;
    for ms in 1..40 {
        let now = at(ms * 1_000_000);
        flying.extend(drain(&mut sender, now));
        if ms > 5 {
            let packet: Packet = flying.pop_front().unwrap();
            marked += u64::from(sender.handle_ack(&in_order(&packet), now).app_limited);
        }
    }
    assert!(marked > 30, "{marked} of 34 marked");
}

#[test]
fn a_stopped_sender_repairs_what_it_sent_and_is_done() {
    let mut sender = Sender::new(config());
    let packets = drain(&mut sender, at(0));
    sender.stop();
    for packet in &packets[..9] {
        sender.handle_ack(&in_order(packet), at(RTT));
    }
    assert_eq!(drain(&mut sender, at(RTT)).len(), 0);
    assert!(!sender.is_done());
    let due = sender.timeout_at();
    assert!(due < at(RTT) + Duration::from_secs(1));
    // Not even a tail loss probe sends new data.
    assert_eq!(sender.handle_timeout(due), None);
    let again = drain(&mut sender, due);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].segment, 9);
    sender.handle_ack(&in_order(&again[0]), due + Duration::from_millis(10));
    assert!(sender.is_done());
}

fn sack(packet: &Packet, cumulative: u64) -> Ack {
    Ack { cumulative, ..in_order(packet) }
}

/// A sender that knows the path, with ten packets in flight since time 0.
fn with_ten_in_flight(config: SenderConfig) -> (Sender, Vec<Packet>) {
    let handshake_rtt = Some(Duration::from_nanos(RTT));
    let mut sender = Sender::new(SenderConfig { handshake_rtt, ..config });
    let packets = drain(&mut sender, at(0));
    assert_eq!(packets.len(), 10);
    (sender, packets)
}

#[test]
fn a_program_is_told_what_is_being_repaired_until_it_is() {
    let (mut sender, packets) = with_ten_in_flight(config());
    let states: Vec<_> = packets[1..]
        .iter()
        .map(|packet| sender.handle_ack(&sack(packet, 0), at(RTT)).recovery)
        .collect();
    assert_eq!(states, [0, 0, 2, 2, 2, 2, 2, 2, 2]);
    let more = drain(&mut sender, at(RTT));
    assert_eq!(more[0].segment, 0);
    let sample = sender.handle_ack(&sack(&more[0], 10), at(2 * RTT));
    assert_eq!((sample.recovery, sample.undone), (0, false));
    // The window is left to the program.
    assert_eq!(sender.cwnd(), 10_000);
}

#[test]
fn too_few_to_be_sure_are_followed_by_time() {
    let (mut sender, packets) =
        with_ten_in_flight(SenderConfig { source: Source::Bytes(10_000), ..config() });
    for packet in &packets[..8] {
        sender.handle_ack(&in_order(packet), at(RTT));
    }
    let sample = sender.handle_ack(&sack(&packets[9], 8), at(RTT));
    assert_eq!(sample.lost_packets, 0);
    let due = at(RTT + RTT / 4);
    assert_eq!(sender.timeout_at(), due);
    let sample = sender.handle_timeout(due).unwrap();
    assert_eq!((sample.lost_packets, sample.recovery), (1, 2));
    assert!(!sample.timeout);
    assert_eq!(drain(&mut sender, due)[0].segment, 8);
}

#[test]
fn a_reduction_for_what_was_only_late_is_undone() {
    let (mut sender, packets) = with_ten_in_flight(config());
    for packet in &packets[1..4] {
        sender.handle_ack(&sack(packet, 0), at(RTT));
    }
    // The program reduces; the first packet arrives after all, before its repetition does.
    sender.set_cwnd(5_000);
    let again = drain(&mut sender, at(RTT));
    assert_eq!(again.len(), 0, "six are in flight");
    let sample = sender.handle_ack(&sack(&packets[0], 4), at(RTT + 100));
    assert!(sample.undone);
    assert_eq!((sample.recovery, sample.lost_packets), (0, 0));
    assert_eq!(sender.cwnd(), 10_000);
    assert_eq!(sender.counters().spurious, 1);
    assert!(drain(&mut sender, at(RTT + 100))[0].segment >= 10);
    // From now on this path is given time.
    for packet in &packets[5..] {
        let sample = sender.handle_ack(&sack(packet, 4), at(RTT + 200));
        assert_eq!(sample.lost_packets, 0);
    }
}

#[test]
fn a_timeout_that_was_only_a_delay_is_undone_with_the_first_that_arrives() {
    let (mut sender, packets) = with_ten_in_flight(config());
    let probe = sender.timeout_at();
    assert_eq!(sender.handle_timeout(probe), None);
    drain(&mut sender, probe);
    let due = sender.timeout_at();
    let sample = sender.handle_timeout(due).unwrap();
    assert_eq!((sample.timeout, sample.recovery), (true, 3));
    assert_eq!(sender.cwnd(), 1_000 + sample.bytes_in_flight);
    assert_eq!(drain(&mut sender, due)[0].segment, 0);
    let sample = sender.handle_ack(&in_order(&packets[0]), due + Duration::from_millis(1));
    assert!(sample.undone);
    assert_eq!(sample.recovery, 0);
    assert!(sender.cwnd() >= 10_000);
    // All the others are on their way still.
    assert_eq!(sample.packets_in_flight, 10);
    for packet in &packets[1..] {
        let sample = sender.handle_ack(&in_order(packet), due + Duration::from_millis(1));
        assert_eq!(sample.lost_packets, 0);
    }
}

#[test]
fn the_loss_of_the_tail_is_found_by_a_probe() {
    let (mut sender, packets) =
        with_ten_in_flight(SenderConfig { source: Source::Bytes(10_000), ..config() });
    for packet in &packets[..8] {
        sender.handle_ack(&in_order(packet), at(RTT));
    }
    let due = sender.timeout_at();
    assert_eq!(due, at(3 * RTT), "two round trips after the last word");
    assert_eq!(sender.handle_timeout(due), None);
    let probe = drain(&mut sender, due);
    assert_eq!((probe.len(), probe[0].segment), (1, 9));
    let sample = sender.handle_ack(&sack(&probe[0], 8), at(4 * RTT));
    // Both: the one that it repeated, and the one before that.
    assert_eq!((sample.lost_packets, sample.recovery), (2, 2));
    let rest = drain(&mut sender, at(4 * RTT));
    assert_eq!((rest.len(), rest[0].segment), (1, 8));
    sender.handle_ack(&sack(&rest[0], 10), at(5 * RTT));
    assert!(sender.is_done());
    let counters = sender.counters();
    assert_eq!((counters.timeouts, counters.probes, counters.retransmits), (0, 1, 2));
}

#[test]
fn a_probe_for_nothing_is_no_loss() {
    let (mut sender, packets) =
        with_ten_in_flight(SenderConfig { source: Source::Bytes(10_000), ..config() });
    let due = sender.timeout_at();
    sender.handle_timeout(due);
    let probe = drain(&mut sender, due);
    let mut lost = 0;
    for packet in packets.iter().chain(&probe) {
        lost += sender.handle_ack(&in_order(packet), due).lost_packets;
    }
    assert_eq!((lost, sender.counters().undone), (0, 0));
    assert!(sender.is_done());
}

#[test]
fn a_mark_is_told_and_reduces_for_a_round_trip() {
    let (mut sender, packets) = with_ten_in_flight(SenderConfig { ecn: true, ..config() });
    assert!(packets.iter().all(|packet| packet.ecn));
    let marked = Ack { marked: true, ..in_order(&packets[0]) };
    let sample = sender.handle_ack(&marked, at(RTT));
    assert_eq!((sample.ecn_packets, sample.ecn_bytes, sample.recovery), (1, 1000, 1));
    for packet in &packets[1..9] {
        assert_eq!(sender.handle_ack(&in_order(packet), at(RTT)).recovery, 1);
    }
    assert_eq!(sender.handle_ack(&in_order(&packets[9]), at(RTT)).recovery, 0);
    assert_eq!(sender.cwnd(), 10_000, "the window is the program's");
}

#[test]
fn after_idleness_the_window_has_faded_and_a_program_is_told_how_long_it_was() {
    let source = Source::Steady(Rate::bits(16_000));
    let mut sender = Sender::new(SenderConfig {
        source,
        handshake_rtt: Some(Duration::from_nanos(RTT)),
        ..config()
    });
    let half = at(500_000_000);
    let first = drain(&mut sender, half);
    sender.handle_ack(&in_order(&first[0]), half + Duration::from_millis(10));
    sender.set_cwnd(80_000);
    // Half a second later: two timeouts of 210 ms after the last packet.
    let second = drain(&mut sender, at(1_000_000_000));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(sender.cwnd(), 20_000);
    let sample = sender.handle_ack(&in_order(&second[0]), at(1_010_000_000));
    assert_eq!(sample.idle_us, 490_000);
    // Who paces by a rate of its own is left alone.
    sender.set_cwnd(80_000);
    sender.set_rate(1_000_000);
    assert_eq!(drain(&mut sender, at(2_000_000_000)).len(), 2);
    assert_eq!(sender.cwnd(), 80_000);
}

#[test]
fn without_a_rate_a_window_is_spread_over_the_round_trip() {
    let (mut sender, packets) =
        with_ten_in_flight(SenderConfig { pacing: Pacing::Window, ..config() });
    // In slow start: at twice the window each round trip, a packet in a quarter of a millisecond, three in a burst.
    for (n, packet) in (0..).zip(&packets) {
        sender.set_cwnd(20_000);
        sender.handle_ack(&in_order(packet), at(RTT + n));
        assert_eq!(drain(&mut sender, at(RTT + n)).len(), [3, 0][(n > 0) as usize]);
    }
    assert_eq!(sender.next_send(at(RTT + 9)), Some(at(RTT + 750_000)));
}

#[test]
fn the_ack_that_ends_one_reduction_and_begins_the_next_tells_of_the_end() {
    let (mut sender, packets) = with_ten_in_flight(config());
    let marked = |packet: &Packet| Ack { marked: true, ..in_order(packet) };
    let phases = packets.iter().map(|packet| {
        let now = at(RTT + packet.segment);
        let sample = sender.handle_ack(&marked(packet), now);
        drain(&mut sender, now);
        sample.recovery
    });
    assert_eq!(phases.collect::<Vec<_>>(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(sender.phase(), Phase::Reducing, "the last of them began another");
}

#[test]
fn pacing_slows_down_when_a_full_window_no_longer_grows() {
    let paced = |growth: u64| {
        let (mut sender, packets) =
            with_ten_in_flight(SenderConfig { pacing: Pacing::Window, ..config() });
        let mut flying = std::collections::VecDeque::from(packets);
        let mut now = at(0);
        for _ in 0..60 {
            let packet = flying.pop_front().unwrap();
            let arrival = packet.sent_at + Duration::from_nanos(RTT);
            while let Some(due) = sender.next_send(now).filter(|due| *due < arrival) {
                now = due;
                flying.extend(drain(&mut sender, now));
            }
            now = arrival;
            sender.handle_ack(&in_order(&packet), now);
            sender.set_cwnd(sender.cwnd() + growth);
            flying.extend(drain(&mut sender, now));
        }
        sender.pacing_rate() as f64 * RTT as f64 / 1e9 / sender.cwnd() as f64
    };
    assert!((1.9..2.1).contains(&paced(250)), "a quarter a round trip: {}", paced(250));
    assert!((1.1..1.3).contains(&paced(50)), "a twentieth: {}", paced(50));
}
