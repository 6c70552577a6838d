//! Reno against the oracles of its RFCs, and the cases that a textbook leaves out. Windows in segments.

use proptest::prelude::*;

use super::*;
use crate::window::{Event, Governed, Observed, UNLIMITED, WindowRule};

const MSS: u64 = 1448;

fn start(segments: u64) -> Reno {
    Reno::new(Start { mss: MSS, cwnd: segments * MSS })
}

/// In congestion avoidance at this window.
fn avoiding(segments: u64) -> Reno {
    Reno { ssthresh: segments * MSS, ..start(segments) }
}

/// All of `segments` arrived in order, sent by a sender that its window limited.
fn acked(reno: &Reno, segments: u64) -> Observed {
    Observed {
        acked: segments * MSS,
        delivered: segments * MSS,
        flight: reno.cwnd(),
        min_rtt_us: Some(20_000),
        ..Observed::default()
    }
}

/// One ACK that shows `lost` packets lost.
fn loss(reno: &Reno, lost: u64) -> Observed {
    Observed { lost, delivered: MSS, flight: reno.cwnd() - lost * MSS, ..Observed::default() }
}

fn timeout(reno: &Reno) -> Observed {
    Observed { timeout: true, lost: reno.cwnd() / MSS, ..Observed::default() }
}

fn ack(reno: &mut Reno, segments: u64) {
    reno.on_report(&acked(reno, segments));
}

fn segments(reno: &Reno) -> f64 {
    reno.cwnd() as f64 / MSS as f64
}

#[test]
fn slow_start_doubles_each_round_10_20_40_80() {
    let mut reno = start(10);
    let mut windows = vec![segments(&reno)];
    for _ in 0..3 {
        let round = reno.cwnd() / MSS;
        ack(&mut reno, round);
        windows.push(segments(&reno));
    }
    assert_eq!(windows, [10.0, 20.0, 40.0, 80.0]);
}

#[test]
fn slow_start_up_to_ssthresh_32_and_the_other_28_count_for_avoidance() {
    let mut reno = Reno { ssthresh: 32 * MSS, ..start(20) };
    ack(&mut reno, 40);
    assert_eq!((segments(&reno), reno.carried()), (32.0, 28 * MSS));
    assert!(!reno.in_slow_start());
}

#[test]
fn avoidance_at_100_with_250_acked_makes_102_and_carries_49() {
    let mut reno = avoiding(100);
    ack(&mut reno, 250);
    assert_eq!((segments(&reno), reno.carried()), (102.0, 49 * MSS));
}

#[test]
fn a_loss_at_100_makes_50() {
    let mut reno = avoiding(100);
    reno.on_report(&loss(&reno, 1));
    assert_eq!((segments(&reno), reno.ssthresh()), (50.0, 50 * MSS));
    assert!(reno.in_recovery());
}

#[test]
fn one_reduction_a_round_counted_by_delivery() {
    let mut reno = avoiding(100);
    reno.on_report(&loss(&reno, 1));
    // 99 in flight at the reduction, one lost, and three deliveries that would show the last of the 99 lost: losses
    // until then are the same event.
    for delivered in 1..103 {
        reno.on_report(&Observed { lost: 1, delivered: MSS, ..acked(&reno, 0) });
        assert_eq!(segments(&reno), 50.0, "after {delivered}");
    }
    ack(&mut reno, 1);
    assert!(!reno.in_recovery());
    reno.on_report(&loss(&reno, 1));
    assert_eq!(segments(&reno), 25.0);
}

#[test]
fn losses_of_one_report_are_one_event_however_many() {
    let mut reno = avoiding(100);
    reno.on_report(&loss(&reno, 40));
    assert_eq!(segments(&reno), 50.0);
}

#[test]
fn an_ecn_mark_counts_as_a_loss() {
    let mut reno = avoiding(100);
    reno.on_report(&Observed { marked: 1, ..acked(&reno, 1) });
    assert_eq!(segments(&reno), 50.0);
    reno.on_report(&Observed { marked: 3, ..acked(&reno, 1) });
    assert_eq!(segments(&reno), 50.0);
}

#[test]
fn what_is_acknowledged_in_recovery_does_not_grow_the_window_and_what_follows_does() {
    let mut reno = avoiding(100);
    reno.on_report(&loss(&reno, 1));
    ack(&mut reno, 102);
    assert_eq!((segments(&reno), reno.carried()), (50.0, 0));
    // One delivery ends the recovery, sixty come after it.
    ack(&mut reno, 61);
    assert_eq!((segments(&reno), reno.carried()), (51.0, 10 * MSS));
}

#[test]
fn what_was_acknowledged_before_the_loss_of_the_same_report_counts() {
    let mut reno = avoiding(100);
    reno.on_report(&Observed { lost: 1, ..acked(&reno, 100) });
    assert_eq!(reno.ssthresh(), 101 * MSS / 2);
}

#[test]
fn a_timeout_leaves_one_segment_and_half_the_window_as_threshold() {
    let mut reno = avoiding(100);
    reno.on_report(&timeout(&reno));
    assert_eq!((segments(&reno), reno.ssthresh()), (1.0, 50 * MSS));
    assert!(reno.in_slow_start());
}

#[test]
fn after_a_timeout_slow_start_goes_on_at_once() {
    let mut reno = avoiding(100);
    reno.on_report(&timeout(&reno));
    for round in 0..5 {
        assert_eq!(segments(&reno), f64::from(1 << round));
        ack(&mut reno, 1 << round);
    }
    assert_eq!(segments(&reno), 32.0);
}

#[test]
fn a_second_timeout_of_the_same_data_leaves_the_threshold() {
    let mut reno = avoiding(100);
    reno.on_report(&timeout(&reno));
    reno.on_report(&timeout(&reno));
    assert_eq!((segments(&reno), reno.ssthresh()), (1.0, 50 * MSS));
    ack(&mut reno, 1);
    reno.on_report(&timeout(&reno));
    assert_eq!((segments(&reno), reno.ssthresh()), (1.0, 50 * MSS));
}

#[test]
fn a_timeout_of_new_data_cuts_the_threshold_again() {
    let mut reno = avoiding(100);
    reno.on_report(&timeout(&reno));
    for _ in 0..7 {
        let round = reno.cwnd() / MSS;
        ack(&mut reno, round);
    }
    assert!(!reno.in_recovery());
    let before = reno.cwnd();
    reno.on_report(&timeout(&reno));
    assert_eq!((segments(&reno), reno.ssthresh()), (1.0, before / 2));
}

#[test]
fn a_timeout_in_recovery_leaves_the_threshold() {
    let mut reno = avoiding(100);
    reno.on_report(&loss(&reno, 1));
    reno.on_report(&timeout(&reno));
    assert_eq!((segments(&reno), reno.ssthresh()), (1.0, 50 * MSS));
}

#[test]
fn a_loss_of_what_a_timeout_sent_again_is_the_same_event() {
    let mut reno = avoiding(100);
    reno.on_report(&timeout(&reno));
    ack(&mut reno, 1);
    let window = reno.cwnd();
    reno.on_report(&Observed { lost: 1, ..acked(&reno, 0) });
    assert_eq!((reno.cwnd(), reno.ssthresh()), (window, 50 * MSS));
}

#[test]
fn the_threshold_is_never_below_two_segments() {
    let mut reno = avoiding(2);
    for _ in 0..5 {
        reno.on_report(&loss(&reno, 1));
        let round = 10 * reno.cwnd() / MSS;
        reno.on_report(&Observed { acked: 0, ..acked(&reno, round) });
    }
    assert_eq!((segments(&reno), reno.ssthresh()), (2.0, 2 * MSS));
}

#[test]
fn an_application_limited_sender_does_not_grow_in_slow_start() {
    let mut reno = start(10);
    for _ in 0..100 {
        reno.on_report(&Observed { flight: 5 * MSS, ..acked(&reno, 5) });
    }
    assert_eq!(segments(&reno), 10.0);
    reno.on_report(&Observed { flight: 5 * MSS + 1, ..acked(&reno, 5) });
    assert_eq!(segments(&reno), 15.0);
}

#[test]
fn an_application_limited_sender_does_not_grow_in_avoidance() {
    let mut reno = avoiding(100);
    for _ in 0..100 {
        reno.on_report(&Observed { flight: 97 * MSS, ..acked(&reno, 97) });
    }
    assert_eq!((segments(&reno), reno.carried()), (100.0, 0));
    reno.on_report(&Observed { flight: 98 * MSS, ..acked(&reno, 100) });
    assert_eq!(segments(&reno), 101.0);
}

#[test]
fn idle_time_does_not_grow_the_window() {
    for mut reno in [start(10), avoiding(100)] {
        let before = (reno.cwnd(), reno.ssthresh(), reno.carried());
        for day in 0..10 {
            let now_us = day * 86_400_000_000;
            reno.on_report(&Observed { now_us, idle_us: 86_400_000_000, ..Observed::default() });
        }
        assert_eq!((reno.cwnd(), reno.ssthresh(), reno.carried()), before);
    }
}

#[test]
fn standing_time_and_a_missing_rtt_change_nothing() {
    let mut with = avoiding(100);
    let mut without = avoiding(100);
    for _ in 0..10 {
        ack(&mut with, 50);
        let seen = Observed { min_rtt_us: None, now_us: 0, ..acked(&without, 50) };
        without.on_report(&seen);
    }
    assert_eq!((with.cwnd(), with.carried()), (without.cwnd(), without.carried()));
}

/// What a datapath that governs by itself says.
fn told(event: Event, cwnd: u64, prior: u64) -> Observed {
    Observed {
        governed: Some(Governed { event, cwnd: cwnd * MSS, prior: prior * MSS, credit: 0 }),
        ..Observed::default()
    }
}

#[test]
fn what_the_datapath_did_by_itself_is_followed() {
    let mut reno = start(10);
    reno.on_report(&told(Event::None, 17, 0));
    assert_eq!(segments(&reno), 17.0);
    assert!(reno.in_slow_start());
    reno.on_report(&told(Event::Loss, 79, 80));
    assert_eq!((reno.ssthresh(), reno.reductions()), (40 * MSS, 1));
    assert!(reno.in_recovery());
    reno.on_report(&told(Event::Repaired, 40, 80));
    assert!(!reno.in_recovery());
    reno.on_report(&told(Event::Undone, 80, 80));
    assert_eq!((segments(&reno), reno.ssthresh()), (80.0, UNLIMITED));
    reno.on_report(&told(Event::SlowStartEnded, 90, 80));
    assert_eq!(reno.ssthresh(), 90 * MSS);
}

#[test]
fn a_reduction_whose_report_was_lost_shows_in_the_next() {
    let mut reno = start(10);
    reno.on_report(&told(Event::None, 45, 80));
    assert_eq!((reno.ssthresh(), reno.reductions()), (40 * MSS, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Growth does not depend on how ACKs were grouped into reports.
    #[test]
    fn one_report_a_round_gives_what_a_report_per_ack_gives(
        window in 2u64..500,
        threshold in 2u64..500,
        reports in proptest::collection::vec(1u64..400, 1..20),
    ) {
        let mut grouped = Reno { ssthresh: threshold * MSS, ..start(window) };
        let mut single = grouped.clone();
        for acks in reports {
            ack(&mut grouped, acks);
            for _ in 0..acks {
                ack(&mut single, 1);
            }
            prop_assert_eq!(&grouped, &single);
        }
    }

    /// However odd the reports, the window stays within its bounds and nothing overflows.
    #[test]
    fn no_report_takes_the_window_out_of_bounds(
        mss in 1u64..=u64::from(u32::MAX),
        cwnd in 1u64..=u64::from(u32::MAX),
        reports in proptest::collection::vec((any::<[u64; 7]>(), any::<bool>(), any::<Option<[u64; 3]>>()), 0..30),
    ) {
        let start = Start { mss, cwnd: cwnd.max(mss) };
        let mut reno = Reno::new(start);
        for ([now_us, acked, delivered, lost, marked, flight, rtt], timeout, governed) in reports {
            let governed = governed.map(|[cwnd, prior, credit]| Governed { event: Event::None, cwnd, prior, credit });
            let (lost, marked) = (lost % 3, marked % 3);
            let min_rtt_us = Some(rtt);
            reno.on_report(&Observed { now_us, acked, delivered, lost, marked, timeout, min_rtt_us, flight, governed, ..Observed::default() });
            prop_assert!(reno.cwnd() >= mss.min(MAX_WINDOW));
            prop_assert!(reno.cwnd() <= MAX_WINDOW.max(2 * mss));
        }
    }

    /// The closed form is the largest number of segments that the bytes pay for.
    #[test]
    fn the_segments_from_bytes_are_those_counted_one_by_one(total in 0u64..10_000_000, cwnd in 1u64..2_000_000, mss in 1u64..10_000) {
        let (mut left, mut window, mut counted) = (total, cwnd, 0);
        while left >= window && counted < 5_000 {
            left -= window;
            window += mss;
            counted += 1;
        }
        prop_assume!(counted < 5_000);
        prop_assert_eq!(segments_from(total, cwnd, mss), counted);
    }
}
