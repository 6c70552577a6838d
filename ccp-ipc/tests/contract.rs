//! What every transport promises, checked on each of them.

use std::any::Any;
use std::time::{Duration, Instant};

use ccp_ipc::{
    Blocking, Ipc, Liveness, Mode, Nonblocking, Outbox, Received, RecvError, SendError, StopHandle,
    chan, unix,
};

/// Two ends that can talk, and what has to outlive them.
struct Pair<I: Ipc> {
    a: I,
    b: I,
    /// `a`'s address as `b` knows it, and the other way round.
    at_a: I::Addr,
    at_b: I::Addr,
    /// Whether a queue is bounded.
    bounded: bool,
    /// Whether a datagram to an end that has been dropped is refused, and probing tells.
    probes: bool,
    _guard: Box<dyn Any>,
}

impl<I: Ipc> Pair<I> {
    #[track_caller]
    fn a_to_b(&self, msg: &[u8]) {
        self.a.try_send(msg, &self.at_b).unwrap();
    }

    #[track_caller]
    fn b_gets(&self, msg: &[u8]) {
        assert_eq!(receive(&self.b), Some((msg.to_vec(), self.at_a.clone())));
    }
}

/// What is there, if anything. Never waits.
#[track_caller]
fn receive<I: Ipc>(end: &I) -> Option<(Vec<u8>, I::Addr)> {
    let mut buf = [0; 2048];
    match end.recv(&mut buf, Some(Duration::ZERO)).unwrap() {
        Received::Datagram { len, from } => Some((buf[..len].to_vec(), from)),
        Received::TimedOut => None,
        Received::Woken => panic!("nobody woke"),
    }
}

/// How long things that happen at once may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How long to wait for what must not happen.
const A_WHILE: Duration = Duration::from_millis(30);
/// Longer than any test runs: a receive that comes back did so for another reason.
const NEVER: Duration = Duration::from_secs(60);

fn datagrams_arrive_whole_and_in_order<I: Ipc>(pair: Pair<I>) {
    for msg in [&b"one"[..], b"", b"three is longer"] {
        pair.a_to_b(msg);
    }
    pair.b_gets(b"one");
    pair.b_gets(b"");
    pair.b_gets(b"three is longer");
    assert_eq!(receive(&pair.b), None);
    assert_eq!(pair.b.ignored(), 0);
}

fn an_answer_goes_to_where_the_question_came_from<I: Ipc>(pair: Pair<I>) {
    pair.a_to_b(b"question");
    let (_, from) = receive(&pair.b).unwrap();
    assert_eq!(from, pair.at_a);
    pair.b.try_send(b"answer", &from).unwrap();
    assert_eq!(receive(&pair.a), Some((b"answer".to_vec(), pair.at_b.clone())));
}

fn a_datagram_larger_than_the_buffer_is_an_error_and_dropped_whole<I: Ipc>(pair: Pair<I>) {
    pair.a_to_b(&[7; 100]);
    pair.a_to_b(b"next");
    let mut small = [0; 10];
    match pair.b.recv(&mut small, Some(Duration::ZERO)) {
        Err(RecvError::Truncated { len, room: 10 }) => assert!(len == 100 || len == 11, "{len}"),
        other => panic!("{other:?}"),
    }
    pair.b_gets(b"next");
}

fn a_datagram_may_fill_the_buffer_exactly<I: Ipc>(pair: Pair<I>) {
    pair.a_to_b(b"exact");
    let mut buf = [0; 5];
    assert_eq!(
        pair.b.recv(&mut buf, Some(Duration::ZERO)).unwrap(),
        Received::Datagram { len: 5, from: pair.at_a }
    );
    assert_eq!(&buf, b"exact");
}

fn a_full_queue_refuses_at_once_and_loses_nothing<I: Ipc>(pair: Pair<I>) {
    if !pair.bounded {
        return;
    }
    let mut sent = 0u32;
    let refusal = loop {
        match pair.a.try_send(&sent.to_le_bytes(), &pair.at_b) {
            Ok(()) => sent += 1,
            Err(e) => break e,
        }
        assert!(sent < 100_000, "a queue without end");
    };
    assert!(matches!(refusal, SendError::Full), "{refusal:?}");
    assert!(sent > 0);
    for expected in 0..sent {
        pair.b_gets(&expected.to_le_bytes());
    }
    assert_eq!(receive(&pair.b), None);
    pair.a_to_b(b"room again");
    pair.b_gets(b"room again");
}

fn a_peer_that_is_gone_is_told_from_a_full_one<I: Ipc>(pair: Pair<I>) {
    while pair.bounded && pair.a.try_send(b"x", &pair.at_b).is_ok() {}
    if pair.probes {
        assert_eq!(pair.a.probe(&pair.at_b), Liveness::Alive);
    }
    drop(pair.b);
    assert!(matches!(pair.a.try_send(b"x", &pair.at_b), Err(SendError::Gone)));
    if pair.probes {
        assert_eq!(pair.a.probe(&pair.at_b), Liveness::Gone);
    }
}

fn probing_sends_nothing<I: Ipc>(pair: Pair<I>) {
    for _ in 0..100 {
        assert_ne!(pair.a.probe(&pair.at_b), Liveness::Gone);
    }
    assert_eq!(receive(&pair.b), None);
    assert_eq!(pair.b.ignored(), 0);
}

fn a_receive_without_data_ends_in_time<I: Ipc>(pair: Pair<I>) {
    for timeout in [
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_millis(5),
        Duration::from_millis(4),
    ] {
        let start = Instant::now();
        assert_eq!(pair.a.recv(&mut [0; 8], Some(timeout)).unwrap(), Received::TimedOut);
        let took = start.elapsed();
        assert!(took >= timeout && took < timeout + AT_ONCE, "{took:?} for {timeout:?}");
    }
}

fn a_waiting_receive_gets_what_arrives_meanwhile<I: Ipc>(pair: Pair<I>) {
    let Pair { a, b, at_a, at_b, .. } = pair;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let mut buf = [0; 8];
            let got = b.recv(&mut buf, Some(NEVER));
            (got, buf, b)
        });
        std::thread::sleep(A_WHILE);
        a.try_send(b"12345678", &at_b).unwrap();
        let (got, buf, _b) = waiting.join().unwrap();
        assert_eq!(got.unwrap(), Received::Datagram { len: 8, from: at_a });
        assert_eq!(&buf, b"12345678");
    });
}

fn a_wake_ends_a_waiting_receive_at_once<I: Ipc>(pair: Pair<I>) {
    for timeout in [None, Some(NEVER)] {
        let waker = pair.a.waker();
        std::thread::scope(|scope| {
            let woke = scope.spawn(move || {
                std::thread::sleep(A_WHILE);
                let at = Instant::now();
                waker.wake();
                at
            });
            assert_eq!(pair.a.recv(&mut [0; 8], timeout).unwrap(), Received::Woken);
            let back = Instant::now();
            assert!(back - woke.join().unwrap() < AT_ONCE);
        });
    }
    assert_eq!(receive(&pair.a), None);
}

fn wakes_before_a_receive_count_once_and_go_before_datagrams<I: Ipc>(pair: Pair<I>) {
    pair.a_to_b(b"later");
    let waker = pair.b.waker();
    for _ in 0..1000 {
        waker.wake();
    }
    assert_eq!(pair.b.recv(&mut [0; 8], None).unwrap(), Received::Woken);
    pair.b_gets(b"later");
    assert_eq!(receive(&pair.b), None);
    assert_eq!(pair.b.ignored(), 0);
}

fn wakes_take_no_room_from_peers<I: Ipc>(pair: Pair<I>) {
    let waker = pair.b.waker();
    for _ in 0..1000 {
        waker.wake();
        assert_eq!(pair.b.recv(&mut [0; 8], Some(NEVER)).unwrap(), Received::Woken);
    }
    pair.a_to_b(b"still room");
    pair.b_gets(b"still room");
}

fn a_wake_comes_through_a_full_queue<I: Ipc>(pair: Pair<I>) {
    let mut sent = 0;
    while pair.bounded && pair.a.try_send(b"x", &pair.at_b).is_ok() {
        sent += 1;
    }
    pair.b.waker().wake();
    assert_eq!(pair.b.recv(&mut [0; 8], Some(NEVER)).unwrap(), Received::Woken);
    for _ in 0..sent {
        pair.b_gets(b"x");
    }
}

fn stopping_wakes_the_loop_that_registered<I: Ipc>(pair: Pair<I>) {
    let stop = StopHandle::new();
    stop.register(pair.a.waker());
    std::thread::scope(|scope| {
        let remote = stop.clone();
        scope.spawn(move || {
            std::thread::sleep(A_WHILE);
            remote.stop();
        });
        while !stop.is_stopped() {
            assert_eq!(pair.a.recv(&mut [0; 8], None).unwrap(), Received::Woken);
        }
    });
}

fn a_waker_outlives_its_end<I: Ipc>(pair: Pair<I>) {
    let waker = pair.a.waker();
    drop(pair.a);
    waker.wake();
}

fn a_closed_end_says_so_and_closing_again_is_fine<I: Ipc>(mut pair: Pair<I>) {
    pair.a.close().unwrap();
    pair.a.close().unwrap();
    assert!(matches!(pair.a.try_send(b"x", &pair.at_b), Err(SendError::Closed)));
    assert!(matches!(pair.a.recv(&mut [0; 8], None), Err(RecvError::Closed)));
    pair.a.waker().wake();
    assert!(matches!(pair.b.try_send(b"x", &pair.at_a), Err(SendError::Gone)));
}

fn an_outbox_brings_everything_to_a_slow_reader_in_order<I: Ipc>(pair: Pair<I>) {
    let mut outbox = Outbox::default();
    for i in 0..5000u32 {
        outbox.send(&pair.a, &i.to_le_bytes(), &pair.at_b).unwrap();
    }
    assert_eq!(outbox.is_empty(), !pair.bounded);
    let mut failed = Vec::new();
    for i in 0..5000u32 {
        pair.b_gets(&i.to_le_bytes());
        outbox.flush(&pair.a, |to, error| failed.push((to.clone(), error)));
    }
    assert!(outbox.is_empty());
    assert_eq!(receive(&pair.b), None);
    assert!(failed.is_empty());
    assert_eq!(outbox.stats().sent, 5000);
}

fn a_peer_that_dies_takes_its_queue_with_it<I: Ipc>(pair: Pair<I>) {
    if !pair.bounded {
        return;
    }
    let mut outbox = Outbox::default();
    for _ in 0..5000 {
        outbox.send(&pair.a, b"x", &pair.at_b).unwrap();
    }
    let waiting = outbox.waiting(&pair.at_b);
    assert!(waiting > 0);
    drop(pair.b);
    let mut gone = Vec::new();
    outbox.flush(&pair.a, |to, error| gone.push((to.clone(), error.to_string())));
    assert_eq!(gone, [(pair.at_b, "the peer is gone".to_owned())]);
    assert!(outbox.is_empty());
    assert_eq!(outbox.stats().dropped, waiting as u64);
}

fn many_threads_wake_and_send_without_a_hang<I: Ipc>(pair: Pair<I>) {
    const ROUNDS: u32 = 2000;
    let Pair { a, b, at_b, .. } = pair;
    let waker = b.waker();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for i in 0..ROUNDS {
                while let Err(e) = a.try_send(&i.to_le_bytes(), &at_b) {
                    assert!(matches!(e, SendError::Full), "{e:?}");
                    std::thread::yield_now();
                }
                if i % 7 == 0 {
                    std::thread::yield_now();
                }
            }
            // Kept until the reader has everything, since its going would end the receive.
            a
        });
        scope.spawn(move || {
            for _ in 0..ROUNDS {
                waker.wake();
            }
        });
        let mut expected = 0;
        let mut buf = [0; 8];
        while expected < ROUNDS {
            match b.recv(&mut buf, Some(NEVER)).unwrap() {
                Received::Datagram { len: 4, .. } => {
                    assert_eq!(u32::from_le_bytes(buf[..4].try_into().unwrap()), expected);
                    expected += 1;
                }
                Received::Woken => {}
                other => panic!("{other:?}"),
            }
        }
    });
}

fn spinning_never_waits<I: Ipc>(pair: Pair<I>) {
    let start = Instant::now();
    assert_eq!(pair.b.recv(&mut [0; 8], None).unwrap(), Received::TimedOut);
    assert_eq!(pair.b.recv(&mut [0; 8], Some(NEVER)).unwrap(), Received::TimedOut);
    assert!(start.elapsed() < AT_ONCE);
    pair.b.waker().wake();
    assert_eq!(pair.b.recv(&mut [0; 8], None).unwrap(), Received::Woken);
    pair.a_to_b(b"data");
    pair.b_gets(b"data");
}

/// Runs the suite over a transport: `$make` gives a [`Pair`].
macro_rules! transport_contract {
    ($name:ident, $make:expr) => {
        transport_contract!($name, $make, [
            datagrams_arrive_whole_and_in_order,
            an_answer_goes_to_where_the_question_came_from,
            a_datagram_larger_than_the_buffer_is_an_error_and_dropped_whole,
            a_datagram_may_fill_the_buffer_exactly,
            a_full_queue_refuses_at_once_and_loses_nothing,
            a_peer_that_is_gone_is_told_from_a_full_one,
            probing_sends_nothing,
            a_receive_without_data_ends_in_time,
            a_waiting_receive_gets_what_arrives_meanwhile,
            a_wake_ends_a_waiting_receive_at_once,
            wakes_before_a_receive_count_once_and_go_before_datagrams,
            wakes_take_no_room_from_peers,
            a_wake_comes_through_a_full_queue,
            stopping_wakes_the_loop_that_registered,
            a_waker_outlives_its_end,
            a_closed_end_says_so_and_closing_again_is_fine,
            an_outbox_brings_everything_to_a_slow_reader_in_order,
            a_peer_that_dies_takes_its_queue_with_it,
            many_threads_wake_and_send_without_a_hang,
        ]);
    };
    ($name:ident, $make:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test(($make)());
                }
            )*
        }
    };
}

transport_contract!(unix_datagram, super::unix_pair::<super::Blocking>);
transport_contract!(
    unix_spinning,
    super::unix_pair::<super::Nonblocking>,
    [
        datagrams_arrive_whole_and_in_order,
        a_datagram_larger_than_the_buffer_is_an_error_and_dropped_whole,
        a_full_queue_refuses_at_once_and_loses_nothing,
        a_closed_end_says_so_and_closing_again_is_fine,
        spinning_never_waits,
    ]
);
transport_contract!(chan_pair, || super::chan_pair(7));
transport_contract!(chan_pair_of_three, || super::chan_pair(3));
transport_contract!(
    chan_pair_spinning,
    super::chan_pair_spinning,
    [datagrams_arrive_whole_and_in_order, spinning_never_waits,]
);
transport_contract!(crossbeam_bounded, || super::crossbeam_pair(
    || crossbeam_channel::bounded(7),
    true
));
transport_contract!(crossbeam_unbounded, || super::crossbeam_pair(
    crossbeam_channel::unbounded,
    false
));

fn unix_pair<M: Mode>() -> Pair<unix::Socket<M>> {
    let dir = tempfile::tempdir().unwrap();
    let bind = |name| unix::Options::new().folder(dir.path().join("ccp")).bind::<M>(name).unwrap();
    let (a, b) = (bind("a"), bind("b"));
    let (at_a, at_b) = (*a.local_addr(), *b.local_addr());
    Pair { a, b, at_a, at_b, bounded: true, probes: true, _guard: Box::new(dir) }
}

fn chan_pair(capacity: usize) -> Pair<chan::Socket> {
    let (a, b) = chan::pair(capacity);
    Pair { a, b, at_a: (), at_b: (), bounded: true, probes: true, _guard: Box::new(()) }
}

fn chan_pair_spinning() -> Pair<chan::Socket<Nonblocking>> {
    let (a, b) = chan::pair(7);
    Pair {
        a: a.nonblocking(),
        b: b.nonblocking(),
        at_a: (),
        at_b: (),
        bounded: true,
        probes: true,
        _guard: Box::new(()),
    }
}

fn crossbeam_pair(
    channel: impl Fn() -> (crossbeam_channel::Sender<Vec<u8>>, crossbeam_channel::Receiver<Vec<u8>>),
    bounded: bool,
) -> Pair<chan::Socket> {
    let (a_tx, b_rx) = channel();
    let (b_tx, a_rx) = channel();
    let (a, b) = (chan::Socket::<Blocking>::new(a_tx, a_rx), chan::Socket::new(b_tx, b_rx));
    Pair { a, b, at_a: (), at_b: (), bounded, probes: false, _guard: Box::new(()) }
}
