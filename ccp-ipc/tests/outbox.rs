//! The outbox against a model that does the same in the plainest way.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ccp_ipc::{
    CloseError, Ipc, Liveness, Outbox, OutboxError, OutboxLimits, Received, RecvError, SendError,
    Waker,
};
use proptest::prelude::*;

type Peer = u8;

/// A transport in which the test decides who has room, and which remembers what was sent.
#[derive(Default)]
struct Fake {
    room: RefCell<HashMap<Peer, usize>>,
    gone: RefCell<HashSet<Peer>>,
    sent: RefCell<Vec<(Peer, Vec<u8>)>>,
}

/// First byte of a datagram that this transport will not take.
const UNSENDABLE: u8 = 255;

impl Ipc for Fake {
    type Addr = Peer;

    fn name() -> &'static str {
        "fake"
    }

    fn try_send(&self, msg: &[u8], to: &Peer) -> Result<(), SendError> {
        if self.gone.borrow().contains(to) {
            return Err(SendError::Gone);
        }
        if msg.first() == Some(&UNSENDABLE) {
            return Err(SendError::TooLong { len: msg.len() });
        }
        let mut room = self.room.borrow_mut();
        let room = room.entry(*to).or_default();
        *room = room.checked_sub(1).ok_or(SendError::Full)?;
        self.sent.borrow_mut().push((*to, msg.to_vec()));
        Ok(())
    }

    fn recv(&self, _: &mut [u8], _: Option<Duration>) -> Result<Received<Peer>, RecvError> {
        Ok(Received::TimedOut)
    }

    fn waker(&self) -> Waker {
        Waker::noop()
    }

    fn probe(&self, _: &Peer) -> Liveness {
        Liveness::Unknown
    }

    fn close(&mut self) -> Result<(), CloseError> {
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send { to: Peer, msg: Vec<u8> },
    SendKeyed { to: Peer, key: u64, msg: Vec<u8> },
    RemoveKey { to: Peer, key: u64 },
    Room { to: Peer, datagrams: usize },
    Flush,
    Forget { to: Peer },
    Die { to: Peer },
    Return { to: Peer },
}

fn step() -> impl Strategy<Value = Step> {
    let to = 0..3u8;
    let msg = || {
        prop_oneof![
            20 => prop::collection::vec(0..255u8, 0..8),
            1 => prop::collection::vec(0..=255u8, 0..3).prop_map(|mut m| { m.insert(0, UNSENDABLE); m }),
        ]
    };
    prop_oneof![
        6 => (to.clone(), msg()).prop_map(|(to, msg)| Step::Send { to, msg }),
        8 => (to.clone(), 0..4u64, msg()).prop_map(|(to, key, msg)| Step::SendKeyed { to, key, msg }),
        3 => (to.clone(), 0..4u64).prop_map(|(to, key)| Step::RemoveKey { to, key }),
        3 => (to.clone(), 1..4usize).prop_map(|(to, datagrams)| Step::Room { to, datagrams }),
        4 => Just(Step::Flush),
        1 => to.clone().prop_map(|to| Step::Forget { to }),
        1 => to.clone().prop_map(|to| Step::Die { to }),
        1 => to.prop_map(|to| Step::Return { to }),
    ]
}

/// Merging appends, so that the result shows every datagram that went into it and in which order.
fn merge(waiting: &mut Vec<u8>, new: &[u8]) {
    waiting.extend_from_slice(new);
}

/// What each step came to, in words that both sides can be compared by.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Removed(bool),
    Forgot(usize),
    Full(usize, usize),
    Gone,
    Refused,
    Failed(Vec<(Peer, &'static str)>),
}

fn outcome(result: Result<(), OutboxError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(OutboxError::QueueFull { messages, bytes }) => Outcome::Full(messages, bytes),
        Err(OutboxError::PeerGone) => Outcome::Gone,
        Err(_) => Outcome::Refused,
    }
}

/// A datagram's key, and the datagram.
type Waiting = (Option<u64>, Vec<u8>);

/// One list for each peer, gone through from the front each time.
struct Model {
    limits: OutboxLimits,
    waiting: HashMap<Peer, Vec<Waiting>>,
}

impl Model {
    fn send(&mut self, fake: &Fake, key: Option<u64>, msg: &[u8], to: Peer) -> Outcome {
        let queue = self.waiting.entry(to).or_default();
        if queue.is_empty() {
            match fake.try_send(msg, &to) {
                Ok(()) => return Outcome::Done,
                Err(SendError::Full) => {}
                Err(SendError::Gone) => return Outcome::Gone,
                Err(_) => return Outcome::Refused,
            }
        }
        let bytes: usize = queue.iter().map(|(_, msg)| msg.len()).sum();
        let full = Outcome::Full(queue.len(), bytes);
        let fits = bytes + msg.len() <= self.limits.max_bytes;
        let place = queue.len() < self.limits.max_messages;
        match queue.iter_mut().find(|(k, _)| key.is_some() && *k == key) {
            Some((_, old)) if fits => merge(old, msg),
            None if fits && place => queue.push((key, msg.to_vec())),
            _ => return full,
        }
        Outcome::Done
    }

    fn remove(&mut self, to: Peer, key: u64) -> Outcome {
        let queue = self.waiting.entry(to).or_default();
        let at = queue.iter().position(|(k, _)| *k == Some(key));
        Outcome::Removed(at.map(|at| queue.remove(at)).is_some())
    }

    fn flush(&mut self, fake: &Fake) -> Outcome {
        let mut failed = Vec::new();
        for (&to, queue) in &mut self.waiting {
            while let Some((_, msg)) = queue.first() {
                match fake.try_send(msg, &to) {
                    Ok(()) => {}
                    Err(SendError::Full) => break,
                    Err(SendError::Gone) => {
                        failed.push((to, "gone"));
                        queue.clear();
                        break;
                    }
                    Err(_) => failed.push((to, "refused")),
                }
                queue.remove(0);
            }
        }
        failed.sort_unstable();
        Outcome::Failed(failed)
    }
}

fn per_peer(fake: &Fake) -> HashMap<Peer, Vec<Vec<u8>>> {
    let mut sent: HashMap<_, Vec<_>> = HashMap::new();
    for (to, msg) in fake.sent.borrow().iter() {
        sent.entry(*to).or_default().push(msg.clone());
    }
    sent
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_outbox_does_what_the_model_does(
        steps in prop::collection::vec(step(), 0..120),
        max_messages in 0..12usize,
        max_bytes in 0..60usize,
    ) {
        let limits = OutboxLimits::new(max_messages, max_bytes);
        let (real, ideal) = (Fake::default(), Fake::default());
        let mut outbox = Outbox::<Fake>::new(limits);
        let mut model = Model { limits, waiting: HashMap::new() };
        let mut refused = 0;
        for step in steps {
            let (got, expected) = match &step {
                Step::Send { to, msg } => {
                    (outcome(outbox.send(&real, msg, to)), model.send(&ideal, None, msg, *to))
                }
                Step::SendKeyed { to, key, msg } => {
                    (outcome(outbox.send_keyed(&real, *key, msg, to, merge)), model.send(&ideal, Some(*key), msg, *to))
                }
                Step::RemoveKey { to, key } => {
                    (Outcome::Removed(outbox.remove_key(to, *key)), model.remove(*to, *key))
                }
                Step::Flush => {
                    let mut failed = Vec::new();
                    outbox.flush(&real, |to, error| {
                        failed.push((*to, if matches!(error, OutboxError::PeerGone) { "gone" } else { "refused" }));
                    });
                    failed.sort_unstable();
                    (Outcome::Failed(failed), model.flush(&ideal))
                }
                Step::Forget { to } => {
                    let waited = model.waiting.remove(to).map_or(0, |queue| queue.len());
                    (Outcome::Forgot(outbox.forget(to)), Outcome::Forgot(waited))
                }
                Step::Room { .. } | Step::Die { .. } | Step::Return { .. } => {
                    for fake in [&real, &ideal] {
                        match &step {
                            Step::Room { to, datagrams } => { fake.room.borrow_mut().insert(*to, *datagrams); }
                            Step::Die { to } => { fake.gone.borrow_mut().insert(*to); }
                            Step::Return { to } => { fake.gone.borrow_mut().remove(to); }
                            _ => {}
                        }
                    }
                    (Outcome::Done, Outcome::Done)
                }
            };
            refused += u64::from(matches!(got, Outcome::Full(..)));
            prop_assert_eq!(got, expected, "{:?}", step);
            for to in 0..3 {
                let queue = model.waiting.get(&to).map_or(&[][..], Vec::as_slice);
                prop_assert_eq!(outbox.waiting(&to), queue.len());
                prop_assert!(queue.len() <= max_messages);
                prop_assert!(queue.iter().map(|(_, msg)| msg.len()).sum::<usize>() <= max_bytes);
            }
            prop_assert_eq!(outbox.is_empty(), model.waiting.values().all(Vec::is_empty));
        }
        prop_assert_eq!(per_peer(&real), per_peer(&ideal));
        prop_assert_eq!(outbox.stats().refused, refused);
        prop_assert_eq!(outbox.stats().sent, real.sent.borrow().len() as u64);
    }
}

#[test]
fn the_same_calls_flush_peers_in_the_same_order() {
    let run = || {
        let fake = Fake::default();
        let mut outbox = Outbox::default();
        for to in 0..200u8 {
            outbox.send(&fake, &[to, 1], &to).unwrap();
        }
        for to in (0..200u8).step_by(3) {
            outbox.forget(&to);
        }
        for to in 0..200u8 {
            fake.room.borrow_mut().insert(to, 10);
        }
        outbox.flush(&fake, |_, _| ());
        assert!(outbox.is_empty());
        fake.sent.into_inner()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_newer_state_takes_the_place_of_the_one_that_waits() {
    let fake = Fake::default();
    let mut outbox = Outbox::default();
    let replace = |waiting: &mut Vec<u8>, new: &[u8]| {
        waiting.clear();
        waiting.extend_from_slice(new);
    };
    outbox.send(&fake, b"first", &1).unwrap();
    outbox.send_keyed(&fake, 7, b"old", &1, replace).unwrap();
    outbox.send(&fake, b"last", &1).unwrap();
    outbox.send_keyed(&fake, 7, b"new", &1, replace).unwrap();
    fake.room.borrow_mut().insert(1, 10);
    outbox.flush(&fake, |_, _| ());
    let sent: Vec<_> = fake.sent.borrow().iter().map(|(_, msg)| msg.clone()).collect();
    assert_eq!(sent, [&b"first"[..], b"new", b"last"]);
    assert_eq!(outbox.stats().merged, 1);
    // What has left is beyond reach: the next one is a datagram of its own.
    outbox.send_keyed(&fake, 7, b"newer", &1, replace).unwrap();
    assert_eq!(fake.sent.borrow().len(), 4);
}

#[test]
fn retries_are_the_rarer_the_longer_nobody_reads() {
    let fake = Fake::default();
    let mut outbox = Outbox::<Fake>::default();
    assert_eq!(outbox.next_retry(), None);
    let mut now = Duration::from_secs(5);
    outbox.send(&fake, b"one", &1).unwrap();
    outbox.send(&fake, b"two", &2).unwrap();
    let mut pauses = Vec::new();
    // The first is due at once: who sent has been busy for a while.
    assert!(outbox.next_retry().unwrap() < now);
    for _ in 0..8 {
        outbox.retry(&fake, now, |_, _| panic!("nobody is gone"));
        let next = outbox.next_retry().unwrap();
        pauses.push((next - now).as_micros());
        now = next;
    }
    assert_eq!(pauses, [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);

    // A loop that turns for other reasons retries as well, but not at each turn.
    now -= Duration::from_micros(9_800);
    fake.room.borrow_mut().insert(1, 1);
    outbox.retry(&fake, now, |_, _| ());
    assert_eq!(outbox.waiting(&1), 1);
    now += Duration::from_micros(300);
    outbox.retry(&fake, now, |_, _| ());
    assert_eq!(outbox.waiting(&1), 0);
    assert_eq!(outbox.next_retry(), Some(now + Duration::from_micros(500)));
    outbox.forget(&2);
    assert_eq!(outbox.next_retry(), None);
}

#[test]
fn each_peer_that_is_gone_is_told_once() {
    let fake = Fake::default();
    let mut outbox = Outbox::<Fake>::default();
    assert_eq!(outbox.pop_gone(), None);
    for peer in 1..=3 {
        outbox.send(&fake, b"waits", &peer).unwrap();
    }
    // One is found by a flush, one by sending, and one the owner finds.
    fake.gone.borrow_mut().insert(1);
    outbox.flush(&fake, |_, _| ());
    fake.gone.borrow_mut().insert(4);
    for _ in 0..2 {
        let sent = outbox.send(&fake, b"new", &4);
        assert!(matches!(sent, Err(OutboxError::PeerGone)));
    }
    outbox.set_gone(&3);
    assert_eq!(outbox.waiting(&3), 0);
    let mut told: Vec<Peer> = std::iter::from_fn(|| outbox.pop_gone()).collect();
    told.sort_unstable();
    assert_eq!(told, [1, 3, 4]);
    assert_eq!(outbox.waiting(&2), 1);
    // Known no more, it can be found again.
    outbox.flush(&fake, |_, _| ());
    assert!(outbox.send(&fake, b"again", &4).is_err());
    assert_eq!(outbox.pop_gone(), Some(4));
}
