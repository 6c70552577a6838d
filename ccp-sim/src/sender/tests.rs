//! The sender by itself: packets are taken from it and acknowledged by hand.

use super::*;
use crate::link::Rate;

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
    }
}

#[test]
fn it_sends_a_window_and_then_as_much_as_is_acknowledged() {
    let mut sender = Sender::new(config());
    let first = drain(&mut sender, at(0));
    assert_eq!(first.len(), 10);
    let sample = sender.handle_ack(&in_order(&first[0]), at(RTT));
    assert_eq!(
        (
            sample.bytes_acked,
            sample.packets_acked,
            sample.packets_misordered
        ),
        (1000, 1, 0)
    );
    assert_eq!(
        (sample.bytes_in_flight, sample.packets_in_flight),
        (9000, 9)
    );
    assert_eq!(sample.rtt_us, 10_000);
    assert_eq!(drain(&mut sender, at(RTT)).len(), 1);
}

#[test]
fn the_receive_window_bounds_what_is_in_flight() {
    let mut sender = Sender::new(SenderConfig {
        receive_window: 3000,
        ..config()
    });
    assert_eq!(drain(&mut sender, at(0)).len(), 3);
}

#[test]
fn a_paced_sender_leaves_the_gaps_of_its_rate() {
    let mut sender = Sender::new(config());
    sender.set_rate(1_000_000);
    assert_eq!(drain(&mut sender, at(0)).len(), 1);
    let next = sender.next_send(at(0)).unwrap();
    assert_eq!(next, at(1_000_000));
    assert_eq!(drain(&mut sender, next).len(), 1);
}

#[test]
fn a_lost_packet_is_sent_again_before_anything_new() {
    let mut sender = Sender::new(config());
    let packets = drain(&mut sender, at(0));
    let mut lost = 0;
    for packet in &packets[1..] {
        let sack = Ack {
            cumulative: 0,
            ..in_order(packet)
        };
        let sample = sender.handle_ack(&sack, at(RTT));
        assert_eq!((sample.bytes_acked, sample.bytes_misordered), (0, 1000));
        assert_eq!((sample.packets_acked, sample.packets_misordered), (0, 1));
        lost += sample.lost_packets;
    }
    assert_eq!(lost, 1);
    let again = sender.poll_packet(at(RTT)).unwrap();
    assert_eq!((again.segment, again.transmission), (0, 10));
    // It fills the hole: the left edge moves by ten, of which nine were counted before.
    let sample = sender.handle_ack(
        &Ack {
            cumulative: 10,
            ..in_order(&again)
        },
        at(2 * RTT),
    );
    assert_eq!((sample.bytes_acked, sample.packets_acked), (10_000, 1));
    let counters = sender.counters();
    assert_eq!(
        (counters.retransmits, counters.losses, counters.acked_bytes),
        (1, 1, 10_000)
    );
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
    let mut sender = Sender::new(SenderConfig {
        handshake_rtt,
        ..config()
    });
    drain(&mut sender, at(0));
    assert_eq!(sender.timeout_at(), at(6_000_000_000));
}

#[test]
fn nothing_outstanding_means_no_timer() {
    let mut sender = Sender::new(SenderConfig {
        source: Source::Bytes(1500),
        ..config()
    });
    let packets = drain(&mut sender, at(0));
    assert_eq!(
        packets
            .iter()
            .map(|packet| packet.wire_len)
            .collect::<Vec<_>>(),
        [1000, 500]
    );
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
    assert!(sender.handle_timeout(due).is_some());
    let again = drain(&mut sender, due);
    assert_eq!(again.len(), 1);
    sender.handle_ack(&in_order(&again[0]), due + Duration::from_millis(10));
    assert!(sender.is_done());
}
