//! What only the in-process transports have: ends that end, and rings that wrap.

use std::collections::VecDeque;
use std::time::Duration;

use ccp_ipc::{Blocking, Ipc, Liveness, Received, RecvError, SendError, chan};
use proptest::prelude::*;

/// What is there, if anything. Never waits.
fn receive(end: &chan::Socket) -> Result<Option<Vec<u8>>, RecvError> {
    let mut buf = [0; 64];
    Ok(match end.recv(&mut buf, Some(Duration::ZERO))? {
        Received::Datagram { len, .. } => Some(buf[..len].to_vec()),
        Received::TimedOut | Received::Woken => None,
    })
}

#[test]
fn what_was_sent_before_the_end_still_arrives() {
    let (a, b) = chan::pair(4);
    let (tx, rx) = crossbeam_channel::unbounded();
    let (tx2, rx2) = crossbeam_channel::unbounded();
    let (c, d) = (chan::Socket::<Blocking>::new(tx, rx2), chan::Socket::<Blocking>::new(tx2, rx));
    for (sender, receiver) in [(a, b), (c, d)] {
        sender.try_send(b"one", &()).unwrap();
        sender.try_send(b"two", &()).unwrap();
        drop(sender);
        assert_eq!(receive(&receiver).unwrap().unwrap(), b"one");
        assert_eq!(receive(&receiver).unwrap().unwrap(), b"two");
        assert!(matches!(receive(&receiver), Err(RecvError::Disconnected)));
        assert!(matches!(receiver.try_send(b"x", &()), Err(SendError::Gone)));
    }
}

#[test]
fn the_end_of_the_other_side_ends_a_wait() {
    let (a, b) = chan::pair(1);
    let (tx, rx) = crossbeam_channel::unbounded();
    let (tx2, rx2) = crossbeam_channel::unbounded();
    let (c, d) = (chan::Socket::<Blocking>::new(tx, rx2), chan::Socket::<Blocking>::new(tx2, rx));
    for (going, waiting) in [(a, b), (c, d)] {
        let waiting = std::thread::spawn(move || waiting.recv(&mut [0; 8], None));
        std::thread::sleep(Duration::from_millis(20));
        drop(going);
        assert!(matches!(waiting.join().unwrap(), Err(RecvError::Disconnected)));
    }
}

#[test]
fn what_is_sent_at_the_last_moment_arrives_before_the_end() {
    for round in 0..2_000u32 {
        let (a, b) = chan::pair(2);
        std::thread::scope(|scope| {
            scope.spawn(move || a.try_send(&round.to_le_bytes(), &()).unwrap());
            // Looks as often as it can, to hit the moment, but lets the other thread run.
            let got = (1u64..)
                .map(|look| {
                    if look % 1_000 == 0 {
                        std::thread::yield_now();
                    }
                    b.recv(&mut [0; 4], Some(Duration::ZERO)).unwrap()
                })
                .find(|got| *got != Received::TimedOut);
            assert_eq!(got, Some(Received::Datagram { len: 4, from: () }));
        });
    }
}

#[test]
fn a_question_and_its_answer_never_miss_who_falls_asleep() {
    let (a, b) = chan::pair(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut buf = [0; 4];
            while let Ok(Received::Datagram { len, .. }) = b.recv(&mut buf, None) {
                b.try_send(&buf[..len], &()).unwrap();
            }
        });
        let mut buf = [0; 4];
        for round in 0..5_000u32 {
            a.try_send(&round.to_le_bytes(), &()).unwrap();
            let got = a.recv(&mut buf, Some(Duration::from_secs(10))).unwrap();
            assert_eq!(got, Received::Datagram { len: 4, from: () });
            assert_eq!(u32::from_le_bytes(buf), round);
        }
        drop(a);
    });
}

#[test]
fn a_capacity_of_nothing_is_one() {
    let (a, b) = chan::pair(0);
    a.try_send(b"x", &()).unwrap();
    assert!(matches!(a.try_send(b"y", &()), Err(SendError::Full)));
    assert_eq!(receive(&b).unwrap().unwrap(), b"x");
}

#[test]
fn a_crossbeam_channel_without_a_buffer_hands_over_to_who_waits() {
    let (tx, rx) = crossbeam_channel::bounded(0);
    let (tx2, rx2) = crossbeam_channel::bounded(0);
    let (a, b) = (chan::Socket::<Blocking>::new(tx, rx2), chan::Socket::<Blocking>::new(tx2, rx));
    assert!(matches!(a.try_send(b"x", &()), Err(SendError::Full)));
    assert_eq!(a.probe(&()), Liveness::Unknown);
    let waiting = std::thread::spawn(move || b.recv(&mut [0; 8], None));
    while a.try_send(b"x", &()).is_err() {
        std::thread::yield_now();
    }
    assert_eq!(waiting.join().unwrap().unwrap(), Received::Datagram { len: 1, from: () });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// `true` sends the next number, `false` receives.
    #[test]
    fn a_pair_is_a_queue(capacity in 1..6usize, steps in prop::collection::vec(any::<bool>(), 0..200)) {
        let (a, b) = chan::pair(capacity);
        let mut model = VecDeque::new();
        for (number, send) in steps.into_iter().enumerate() {
            // Of different lengths, so that a buffer's earlier content would show.
            let msg = vec![number as u8; number % 7];
            if send {
                match a.try_send(&msg, &()) {
                    Ok(()) => model.push_back(msg),
                    Err(e) => prop_assert!(matches!(e, SendError::Full) && model.len() == capacity),
                }
                prop_assert!(model.len() <= capacity);
            } else {
                prop_assert_eq!(receive(&b).unwrap(), model.pop_front());
            }
        }
    }
}
