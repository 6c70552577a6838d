//! Recordings: what is written is read back, what is damaged is noticed, what is played is compared.

use std::io::{self, Read, Write};
use std::time::Duration;

use ccp_ipc::record::{
    Ending, Next, Outcome, ReadError, Reader, Record, RecordError, Recorded, Recorder, Replay,
    Replayed, WhenFull, Writer, recorder,
};
use ccp_ipc::{CloseError, Ipc, Liveness, Received, RecvError, SendError, Waker, chan};
use proptest::prelude::*;

/// A transport of several peers: what is received is told beforehand, and peer 9 has no room.
#[derive(Default)]
struct Scripted(std::sync::Mutex<std::collections::VecDeque<(u32, Vec<u8>)>>);

impl Scripted {
    fn of(datagrams: &[(u32, &[u8])]) -> Self {
        let datagrams = datagrams.iter().map(|(from, datagram)| (*from, datagram.to_vec()));
        Self(std::sync::Mutex::new(datagrams.collect()))
    }
}

impl Ipc for Scripted {
    type Addr = u32;

    fn name() -> &'static str {
        "scripted"
    }

    fn try_send(&self, _: &[u8], to: &u32) -> Result<(), SendError> {
        if *to == 9 { Err(SendError::Full) } else { Ok(()) }
    }

    fn recv(&self, buf: &mut [u8], _: Option<Duration>) -> Result<Received<u32>, RecvError> {
        let Some((from, datagram)) = self.0.lock().unwrap().pop_front() else {
            return Ok(Received::TimedOut);
        };
        buf[..datagram.len()].copy_from_slice(&datagram);
        Ok(Received::Datagram { len: datagram.len(), from })
    }

    fn waker(&self) -> Waker {
        Waker::noop()
    }

    fn probe(&self, _: &u32) -> Liveness {
        Liveness::Gone
    }

    fn close(&mut self) -> Result<(), CloseError> {
        Ok(())
    }
}

fn name(peer: &u32) -> String {
    format!("peer {peer}")
}

/// Sends each datagram back, in this order of peers, and asks whether who sent nothing is there.
fn echo<I: Ipc>(end: &I, now: Duration, sort: impl Fn(&mut Vec<(Vec<u8>, I::Addr)>)) {
    let (mut buf, mut got) = ([0; 2048], Vec::new());
    while let Received::Datagram { len, from } = end.recv(&mut buf, Some(Duration::ZERO)).unwrap() {
        got.push((buf[..len].to_vec(), from));
    }
    sort(&mut got);
    for (datagram, from) in got {
        if datagram.is_empty() {
            end.probe(&from);
        } else {
            let _ = end.try_send(&datagram, &from);
        }
    }
    end.stepped(now);
}

fn written(recorder: Recorder, writer: Writer) -> Vec<u8> {
    drop(recorder);
    let mut file = Vec::new();
    let summary = writer.run(&mut file).unwrap();
    assert_eq!(summary.bytes, file.len() as u64);
    file
}

/// Two peers that say something in two steps, and one that is looked for.
fn a_recording() -> Vec<u8> {
    let (recorder, writer) = recorder("about it", WhenFull::GiveUp).unwrap();
    let end = Scripted::of(&[(1, b"one"), (9, b"two"), (1, b"more"), (2, b"")]);
    let end = Recorded::new(end, &recorder, name);
    echo(&end, Duration::from_micros(5), |_| {});
    echo(&end, Duration::from_micros(6), |_| {});
    drop(end);
    written(recorder, writer)
}

/// All records as text, and how it ends.
fn read(file: impl Read) -> Result<(Vec<String>, Option<Ending>), ReadError> {
    let mut reader = Reader::new(file)?;
    let mut records = Vec::new();
    while let Some(record) = reader.read()? {
        records.push(format!("{record:?}"));
    }
    assert_eq!(reader.records(), records.len() as u64);
    Ok((records, reader.ending()))
}

#[test]
fn what_passes_a_recorded_end_is_in_the_file() {
    let file = a_recording();
    let mut reader = Reader::new(&*file).unwrap();
    assert_eq!(reader.about(), "about it");
    let (now, sent) = (Duration::from_micros(5), Outcome::Sent);
    for expected in [
        Record::Start,
        Record::Peer { peer: 0, name: "peer 1" },
        Record::Received { peer: 0, datagram: b"one" },
        Record::Peer { peer: 1, name: "peer 9" },
        Record::Received { peer: 1, datagram: b"two" },
        Record::Received { peer: 0, datagram: b"more" },
        Record::Peer { peer: 2, name: "peer 2" },
        Record::Received { peer: 2, datagram: b"" },
        Record::Sent { peer: 0, outcome: sent, datagram: b"one" },
        Record::Sent { peer: 1, outcome: Outcome::Full, datagram: b"two" },
        Record::Sent { peer: 0, outcome: sent, datagram: b"more" },
        Record::Probed { peer: 2, found: Liveness::Gone },
        Record::Step { now },
        Record::Step { now: Duration::from_micros(6) },
        Record::End { whole: true },
    ] {
        assert_eq!(reader.read().unwrap(), Some(expected));
    }
    assert_eq!(reader.read().unwrap(), None);
    assert_eq!(reader.ending(), Some(Ending::Whole));
}

#[test]
fn a_file_cut_off_anywhere_is_read_to_the_last_whole_record() {
    let file = a_recording();
    let (whole, _) = read(&*file).unwrap();
    let mut counts = Vec::new();
    for len in 0..file.len() {
        match read(&file[..len]) {
            Ok((records, Some(Ending::Cut { left }))) => {
                assert_eq!(records, whole[..records.len()]);
                assert!(left < 64 && left <= len as u64);
                counts.push(records.len());
            }
            Ok(other) => panic!("cut at {len}: {other:?}"),
            Err(ReadError::NotARecording | ReadError::NoOpening) => assert!(counts.is_empty()),
            Err(error) => panic!("cut at {len}: {error}"),
        }
    }
    // Each number of records but all of them occurs, in order.
    counts.dedup();
    assert!(counts.into_iter().eq(0..whole.len()));
}

#[test]
fn each_flipped_bit_is_noticed_and_what_was_before_is_right() {
    let file = a_recording();
    let (whole, _) = read(&*file).unwrap();
    for bit in 0..8 * file.len() {
        let mut file = file.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        let Ok(mut reader) = Reader::new(&*file) else { continue };
        let mut intact = whole.iter();
        let error = loop {
            match reader.read() {
                Ok(Some(record)) => assert_eq!(Some(&format!("{record:?}")), intact.next()),
                Ok(None) => panic!("bit {bit}: ends with {:?}", reader.ending()),
                Err(error) => break error,
            }
        };
        let ReadError::Damaged { record, at } = error else { panic!("bit {bit}: {error}") };
        assert_eq!(record, reader.records() + 1);
        assert!(at <= bit as u64 / 8);
    }
}

#[test]
fn records_that_are_missing_doubled_or_moved_are_noticed() {
    let file = a_recording();
    // The last three before the end: two steps of 28 bytes, an end of 16.
    let steps = file.len() - 16 - 2 * 28;
    let (before, rest) = file.split_at(steps);
    let (first, rest) = rest.split_at(28);
    let (second, end) = rest.split_at(28);
    assert!(read(&*[before, first, second, end].concat()).is_ok());
    for wrong in [
        [before, second, end].concat(),
        [before, second, first, end].concat(),
        [before, first, first, second, end].concat(),
        [before, first, second, end, b"\0"].concat(),
    ] {
        assert!(matches!(read(&*wrong), Err(ReadError::Damaged { .. })));
    }
}

#[test]
fn other_files_are_refused_for_what_they_are() {
    assert!(matches!(read(&b""[..]), Err(ReadError::NotARecording)));
    assert!(matches!(read(&b"[package]\nname = \"ccp\"\n"[..]), Err(ReadError::NotARecording)));
    let mut newer = a_recording();
    newer[8] = 2;
    assert!(matches!(read(&*newer), Err(ReadError::Version { found: 2, known: 1 })));
}

/// The record of a difference, what was sent and what is.
type Told = (u64, Option<Vec<u8>>, Option<Vec<u8>>);

/// Plays a recording to the echo, and says what is different.
fn play(file: &[u8], step: impl Fn(&Replayed, Duration)) -> Option<Told> {
    let mut replay = Replay::new(Reader::new(file).unwrap());
    let mut end = None;
    while let Some(next) = replay.advance().unwrap() {
        match next {
            Next::Start => end = Some(replay.end()),
            Next::Step { now } => step(end.as_ref().unwrap(), now),
        }
        if let Some(difference) = replay.difference() {
            return Some((difference.record, difference.recorded, difference.came));
        }
    }
    let counts = replay.counts();
    assert_eq!((counts.steps, counts.received, counts.sent), (2, 4, 3));
    None
}

#[test]
fn a_loop_that_does_the_same_is_the_same_whomever_it_turns_to_first() {
    assert_eq!(play(&a_recording(), |end, now| echo(end, now, |_| {})), None);
    assert_eq!(
        play(&a_recording(), |end, now| echo(end, now, |got| {
            got.sort_by_key(|(_, from)| std::cmp::Reverse(from.number()));
        })),
        None
    );
}

#[test]
fn the_first_datagram_that_differs_is_told_with_both_its_forms() {
    let backwards = |end: &Replayed, now| echo(end, now, |got| got.reverse());
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(play(&a_recording(), backwards), Some((9, bytes("one"), bytes("more"))));
    let silent = |end: &Replayed, now| echo(end, now, |got| got.truncate(1));
    assert_eq!(play(&a_recording(), silent), Some((10, bytes("two"), None)));
    let twice = |end: &Replayed, now| {
        echo(end, now, |got| {
            got.extend(
                got.iter().filter(|(datagram, _)| datagram == b"two").cloned().collect::<Vec<_>>(),
            );
        });
    };
    assert_eq!(play(&a_recording(), twice), Some((13, None, bytes("two"))));
}

#[test]
fn what_came_of_sending_and_probing_comes_of_it_again() {
    let file = a_recording();
    let mut replay = Replay::new(Reader::new(&*file).unwrap());
    assert_eq!(replay.advance().unwrap(), Some(Next::Start));
    let mut end = replay.end();
    replay.advance().unwrap();
    let mut peers = Vec::new();
    let mut buf = [0; 100];
    while let Ok(Received::Datagram { from, .. }) = end.recv(&mut buf, None) {
        peers.push(from);
    }
    assert_eq!(format!("{} and {:?}", peers[0], peers[1]), "peer 1 and Peer(peer 9)");
    assert!(end.try_send(b"one", &peers[0]).is_ok());
    assert!(matches!(end.try_send(b"two", &peers[1]), Err(SendError::Full)));
    assert_eq!(end.probe(&peers[3]), Liveness::Gone);
    // Nobody looked then.
    assert_eq!(end.probe(&peers[0]), Liveness::Unknown);
    end.close().unwrap();
    assert!(matches!(end.recv(&mut buf, None), Err(RecvError::Closed)));
}

#[test]
fn a_step_that_was_cut_off_is_not_played() {
    let file = a_recording();
    // The end, and a byte of the second step.
    let mut replay = Replay::new(Reader::new(&file[..file.len() - 17]).unwrap());
    let mut nexts = Vec::new();
    while let Some(next) = replay.advance().unwrap() {
        nexts.push(next);
    }
    assert_eq!(nexts, [Next::Start, Next::Step { now: Duration::from_micros(5) }]);
    assert_eq!(replay.reader().ending(), Some(Ending::Cut { left: 27 }));
    assert_eq!(replay.counts().steps, 1);
}

#[test]
fn a_loop_that_starts_again_is_started_again() {
    let (recorder, writer) = recorder("", WhenFull::GiveUp).unwrap();
    for now in [7, 3] {
        let end = Recorded::new(Scripted::of(&[(1, b"x")]), &recorder, name);
        echo(&end, Duration::from_secs(now), |_| {});
    }
    let file = written(recorder, writer);
    let mut replay = Replay::new(Reader::new(&*file).unwrap());
    let nexts: Vec<_> = std::iter::from_fn(|| replay.advance().unwrap()).collect();
    let step = |now| Next::Step { now: Duration::from_secs(now) };
    assert_eq!(nexts, [Next::Start, step(7), Next::Start, step(3)]);
}

#[test]
fn time_that_goes_back_is_refused() {
    let (recorder, writer) = recorder("", WhenFull::GiveUp).unwrap();
    let end = Recorded::new(Scripted::default(), &recorder, name);
    end.stepped(Duration::from_secs(2));
    end.stepped(Duration::from_secs(1));
    drop(end);
    let file = written(recorder, writer);
    let mut replay = Replay::new(Reader::new(&*file).unwrap());
    replay.advance().unwrap();
    replay.advance().unwrap();
    assert!(matches!(replay.advance(), Err(ReadError::TimeGoesBack { record: 3 })));
}

/// Takes so many bytes, and then no more.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let len = bytes.len().min(self.0);
        self.0 -= len;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_loop() {
    let (recorder, writer) = recorder("", WhenFull::Wait).unwrap();
    let end = Recorded::new(Scripted::default(), &recorder, name);
    end.try_send(&[7; 2000], &1).unwrap();
    let error = writer.run(Disk(1000)).unwrap_err();
    assert!(matches!(error, RecordError::Write { .. }), "{error}");
    // Far more than may wait: nothing is kept any more, and nobody waits.
    for _ in 0..20_000 {
        end.try_send(&[7; 2000], &1).unwrap();
    }
}

#[test]
fn a_writer_too_far_behind_ends_the_recording_which_can_be_read_until_then() {
    let (recorder, writer) = recorder("", WhenFull::GiveUp).unwrap();
    let end = Recorded::new(Scripted::default(), &recorder, name);
    for second in 0..1000 {
        end.try_send(&[7; 60_000], &1).unwrap();
        end.stepped(Duration::from_secs(second));
    }
    let mut file = Vec::new();
    let error = writer.run(&mut file).unwrap_err();
    assert!(matches!(error, RecordError::TooSlow { .. }), "{error}");
    let (records, ending) = read(&*file).unwrap();
    assert_eq!(ending, Some(Ending::GaveUp));
    // 16 MiB of 60,052 bytes a step.
    assert_eq!(records.len(), 2 + 2 * 279 + 1);
}

#[test]
fn a_loop_that_may_wait_loses_nothing() {
    let (recorder, writer) = recorder("", WhenFull::Wait).unwrap();
    let end = Recorded::new(Scripted::default(), &recorder, name);
    drop(recorder);
    let loops = std::thread::spawn(move || {
        for _ in 0..400 {
            end.try_send(&[7; 60_000], &1).unwrap();
        }
    });
    let mut file = Vec::new();
    assert_eq!(writer.run(&mut file).unwrap().records, 2 + 400 + 1);
    loops.join().unwrap();
}

#[test]
fn more_peers_than_can_be_told_apart_end_the_recording() {
    let (recorder, writer) = recorder("", WhenFull::GiveUp).unwrap();
    let end = Recorded::new(Scripted::default(), &recorder, name);
    for peer in 0..16_386 {
        let _ = end.try_send(b"x", &(10 + peer));
    }
    let mut file = Vec::new();
    let error = writer.run(&mut file).unwrap_err();
    assert!(matches!(error, RecordError::TooManyPeers { max: 16_384 }), "{error}");
    assert_eq!(read(&*file).unwrap().1, Some(Ending::GaveUp));
}

#[test]
fn what_is_too_long_to_be_kept_is_said() {
    let about = "x".repeat(65_537);
    let error = recorder(&about, WhenFull::GiveUp).unwrap_err();
    assert!(matches!(error, RecordError::AboutTooLong { len: 65_537, .. }), "{error}");
    let (recorder, writer) = recorder("", WhenFull::GiveUp).unwrap();
    let end = Recorded::new(Scripted::default(), &recorder, |_| "ü".repeat(200));
    end.try_send(b"x", &1).unwrap();
    end.try_send(&vec![0; 131_073], &1).unwrap();
    let mut file = Vec::new();
    let error = writer.run(&mut file).unwrap_err();
    assert!(matches!(error, RecordError::TooLong { len: 131_073, .. }), "{error}");
    let name = "ü".repeat(128);
    let mut reader = Reader::new(&*file).unwrap();
    reader.read().unwrap();
    assert_eq!(reader.read().unwrap(), Some(Record::Peer { peer: 0, name: &name }));
}

#[test]
fn a_recorded_end_is_otherwise_as_the_one_within() {
    let (agent, datapath) = chan::pair(4);
    let (recorder, _writer) = recorder("", WhenFull::GiveUp).unwrap();
    let mut agent = Recorded::new(agent, &recorder, |()| "datapath".to_owned());
    agent.waker().wake();
    let mut buf = [0; 8];
    assert_eq!(agent.recv(&mut buf, None).unwrap(), Received::Woken);
    datapath.try_send(b"more than eight", &()).unwrap();
    assert!(matches!(agent.recv(&mut buf, None), Err(RecvError::Truncated { room: 8, .. })));
    assert_eq!((agent.probe(&()), agent.ignored()), (Liveness::Alive, 0));
    agent.close().unwrap();
    assert!(matches!(agent.try_send(b"x", &()), Err(SendError::Closed)));
    assert!(matches!(datapath.recv(&mut buf, None), Err(RecvError::Disconnected)));
}

/// Reads and plays anything at all to the echo.
fn survive(file: &[u8]) {
    let _ = read(file);
    let Ok(reader) = Reader::new(file) else { return };
    let mut replay = Replay::new(reader);
    let mut end = replay.end();
    while let Ok(Some(next)) = replay.advance() {
        match next {
            Next::Start => end = replay.end(),
            Next::Step { now } => echo(&end, now, |_| {}),
        }
        replay.difference();
    }
}

/// A record with any head and body, whose checksums are right.
fn sealed(crc: &mut u32, head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in [head, body] {
        if !part.is_empty() {
            let mut hasher = crc32fast::Hasher::new_with_initial(*crc);
            hasher.update(part);
            *crc = hasher.finalize();
            out.extend_from_slice(part);
            out.extend_from_slice(&crc.to_le_bytes());
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&bytes);
        survive(&[&a_recording()[..28], &bytes].concat());
    }

    #[test]
    fn any_records_with_right_checksums_are_survived(
        records in prop::collection::vec(
            (0..9u8, 0..7u8, 0..3u32, prop::option::of(any::<u32>()), prop::collection::vec(any::<u8>(), 0..40)),
            0..30,
        ),
    ) {
        let mut file = b"\x89CCPREC\n\x01\0\0\0\0\0\0\0".to_vec();
        let mut crc = crc32fast::hash(&file);
        file.extend_from_slice(&crc.to_le_bytes());
        for (kind, detail, peer, lie, body) in records {
            let len = lie.unwrap_or(body.len() as u32).to_le_bytes();
            let head = [&[kind, detail, 0, 0][..], &peer.to_le_bytes(), &len].concat();
            file.extend(sealed(&mut crc, &head, &body));
        }
        survive(&file);
    }

    #[test]
    fn what_is_recorded_is_the_same_when_it_is_played(
        datagrams in prop::collection::vec((0..12u32, prop::collection::vec(any::<u8>(), 0..50)), 0..40),
        steps in 1..6usize,
    ) {
        let (recorder, writer) = recorder("", WhenFull::GiveUp).unwrap();
        let datagrams: Vec<_> = datagrams.iter().map(|(from, bytes)| (*from, &bytes[..])).collect();
        let end = Recorded::new(Scripted::of(&datagrams), &recorder, name);
        for step in 0..steps {
            echo(&end, Duration::from_millis(step as u64), |_| {});
        }
        drop(end);
        let file = written(recorder, writer);
        let mut replay = Replay::new(Reader::new(&*file).unwrap());
        let mut end = replay.end();
        while let Some(next) = replay.advance().unwrap() {
            match next {
                Next::Start => end = replay.end(),
                Next::Step { now } => echo(&end, now, |_| {}),
            }
            prop_assert_eq!(replay.difference(), None);
        }
        prop_assert_eq!(replay.counts().received, datagrams.len() as u64);
    }
}
