//! What an agent sets comes into force at the next ACK, whole.
#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::mem::offset_of;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ccp_ebpf::page::{FlowWords, Governor, LAYOUT};
use ccp_ebpf::sys::monotonic_us;
use ccp_lang::TrapKind;
use support::agent::{Agent, Heard};
use support::*;

/// Gives back what it receives, until nothing comes any more.
fn echo(mut far: TcpStream) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        far.set_nodelay(true).unwrap();
        let mut buf = [0; 4096];
        while let Ok(len @ 1..) = far.read(&mut buf) {
            far.write_all(&buf[..len]).unwrap();
        }
    })
}

/// A little there and back: what comes back carries an ACK.
fn exchange(near: &mut TcpStream) {
    let mut buf = [7; 100];
    near.write_all(&buf).unwrap();
    near.read_exact(&mut buf).unwrap();
}

#[test]
fn windows_rates_and_programs_are_in_force_after_one_ack() {
    if !possible("windows_rates_and_programs_are_in_force_after_one_ack") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let source = "(def (Report (x 0)) (window 20000) (pace 1000000))
            (when true (:= Cwnd window) (:= Rate pace))";
        let first = agent.install(1, source);
        // Sets nothing itself.
        let second = agent.install(2, "(def (Report (x 0))) (when false (report))");
        let (mut near, far) = connect("127.0.0.1", &agent.name);
        near.set_nodelay(true).unwrap();
        let far = echo(far);
        let flow = agent.create();
        for round in 0..400_u64 {
            let (packets, rate) = (10 + round * 7 % 900, 1_000_000 + round * 12_345);
            let mss = agent.flow_word(flow, offset_of!(FlowWords, mss));
            let window = packets * mss + round % mss;
            match round % 4 {
                0 => agent.change(flow, 1, &first, &[("window", window), ("pace", rate)]),
                1 => agent.update(flow, &first, &[("window", window), ("pace", rate)]),
                2 => agent.change(flow, 2, &second, &[("Cwnd", window), ("Rate", rate)]),
                _ => agent.update(flow, &second, &[("Cwnd", window), ("Rate", rate)]),
            }
            exchange(&mut near);
            let seen = Tcp::of(&near);
            assert_eq!((u64::from(seen.cwnd), seen.pacing_rate), (packets, rate), "round {round}");
            assert_eq!(
                agent.flow_word(flow, offset_of!(FlowWords, governor)),
                Governor::Agent as u64
            );
        }
        drop(near);
        far.join().unwrap();
    });
}

#[test]
fn no_ack_after_an_update_is_answered_without_it_and_no_window_is_overrun() {
    if !possible("no_ack_after_an_update_is_answered_without_it_and_no_window_is_overrun") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let source = "
            (def (Report (epoch 0) (now 0) (before 0) (flight 0)) (epoch 0) (window 60000))
            (when true
                (:= Report.epoch epoch)
                (:= Report.now Ack.now)
                (:= Report.before Cwnd)
                (:= Report.flight Flow.packets_in_flight)
                (:= Cwnd window)
                (report))";
        let scope = agent.install(1, source);
        let (near, far) = connect("127.0.0.1", &agent.name);
        let flow = agent.create();
        let zero = agent.socket.with_engine(|engine| engine.fixed().epoch_us).unwrap();
        let mss = agent.flow_word(flow, offset_of!(FlowWords, mss));
        agent.change(flow, 1, &scope, &[("epoch", 1), ("window", 60_000)]);

        let writer = thread::spawn(move || drop(transfer(near, far, 8_000_000)));
        // When each epoch had been written, and its window.
        let mut epochs = vec![(0, 0), (monotonic_us(), 60_000)];
        let (mut reports, mut last_epoch, mut last_flight) = (0_u64, 0, u64::MAX);
        loop {
            match agent.hear()[..] {
                [Heard::Report(_, 1, ref fields)] => {
                    let [epoch, now, before, flight] = fields[..] else { panic!("{fields:?}") };
                    let due = epochs.iter().rposition(|&(written, _)| written < zero + now);
                    assert!(epoch as usize >= due.unwrap(), "epoch {epoch}, due {due:?}");
                    let window = epochs[last_epoch as usize].1;
                    if epoch == last_epoch {
                        assert_eq!(before, window, "epoch {epoch}");
                    }
                    // A window that has become smaller is waited for.
                    assert!(last_epoch == 0 || flight <= last_flight.max(window / mss));
                    (last_epoch, last_flight) = (epoch, flight);
                    reports += 1;
                    if reports.is_multiple_of(5) {
                        let (epoch, window) =
                            (epochs.len() as u64, 20_000 + reports * 997 % 200_000);
                        agent.update(flow, &scope, &[("epoch", epoch), ("window", window)]);
                        epochs.push((monotonic_us(), window));
                    }
                }
                [Heard::Close(_)] => break,
                ref other => panic!("{other:?}"),
            }
        }
        writer.join().unwrap();
        assert!(last_epoch > 10, "{last_epoch} updates came into force");
    });
}

#[test]
fn each_kind_of_trap_is_counted_for_itself_and_ends_no_flow() {
    if !possible("each_kind_of_trap_is_counted_for_itself_and_ends_no_flow") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let source = "
            (def (Report (x 0)) (kind 0) (zero 0) (big 0))
            (when (== kind 1) (:= Report.x (+ big big)))
            (when (== kind 2) (:= Report.x (- zero big)))
            (when (== kind 3) (:= Report.x (* big big)))
            (when (== kind 4) (:= Report.x (/ big zero)))
            (when true (:= Cwnd 50000))";
        let scope = agent.install(1, source);
        let (mut near, far) = connect("127.0.0.1", &agent.name);
        near.set_nodelay(true).unwrap();
        let far = echo(far);
        let flow = agent.create();
        let counts = |agent: &Agent| {
            let first = LAYOUT.trap_counts() as usize;
            TrapKind::ALL.map(|kind| agent.flow_word(flow, first + 8 * kind as usize))
        };
        agent.change(flow, 1, &scope, &[("big", u64::MAX)]);
        let kinds = [
            TrapKind::AddOverflow,
            TrapKind::SubUnderflow,
            TrapKind::MulOverflow,
            TrapKind::DivByZero,
        ];
        let mut wanted = counts(&agent);
        for (number, kind) in (1..).zip(kinds) {
            agent.update(flow, &scope, &[("kind", number)]);
            let runs = agent.flow_word(flow, offset_of!(FlowWords, runs));
            (0..5).for_each(|_| exchange(&mut near));
            wanted[kind as usize] += agent.flow_word(flow, offset_of!(FlowWords, runs)) - runs;
            assert_eq!(counts(&agent), wanted, "{kind:?}");
            assert!(wanted[kind as usize] >= 5);
        }
        agent.update(flow, &scope, &[("kind", 0)]);
        exchange(&mut near);
        assert_eq!(counts(&agent), wanted);
        let mss = agent.flow_word(flow, offset_of!(FlowWords, mss));
        assert_eq!(u64::from(Tcp::of(&near).cwnd), 50_000 / mss);
        drop(near);
        far.join().unwrap();
    });
}

/// This thread, and those that it starts, run there alone.
fn on_processor(number: usize) {
    // SAFETY: a bit set, for which zeros are valid.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is valid for reads and writes; the number is far below its size.
    let result = unsafe {
        libc::CPU_SET(number, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set)
    };
    if result < 0 {
        eprintln!("no processor {number}");
    }
}

/// How many values belong together.
const VALUES: u64 = 60;

/// A program that reports at each ACK whether its values belong together: each must be its place
/// times the first one, and their sum times `factor` the one beside them.
fn suspicious(factor: u64) -> String {
    let mut source = String::from("(def (Report (volatile bad 0) (base 0)) (sum 0)");
    for place in 1..=VALUES {
        write!(source, " (v{place} 0)").unwrap();
    }
    write!(source, ")\n(when (!= sum (* {factor} (+").unwrap();
    for place in 1..=VALUES {
        write!(source, " v{place}").unwrap();
    }
    source.push_str("))) (:= Report.bad 1) (fallthrough))\n");
    for place in [2, VALUES / 2, VALUES] {
        let wrong = format!("(!= v{place} (* v1 {place}))");
        writeln!(source, "(when {wrong} (:= Report.bad {place}) (fallthrough))").unwrap();
    }
    source.push_str("(when true (:= Report.base v1) (report))");
    source
}

#[test]
fn values_set_together_are_never_seen_torn() {
    if !possible("values_set_together_are_never_seen_torn") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let scopes = [1, 2].map(|uid| agent.install(uid, &suspicious(uid.into())));
        let (mut near, far) = connect("127.0.0.1", &agent.name);
        near.set_nodelay(true).unwrap();
        let flow = agent.create();
        // ACKs on one processor, writings on another, if there is another.
        on_processor(1);
        let far = echo(far);
        let enough = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&enough);
        let writer = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                exchange(&mut near);
            }
        });
        on_processor(0);

        let names: Vec<String> = (1..=VALUES).map(|place| format!("v{place}")).collect();
        let (mut uid, mut written) = (1, 0_u64);
        let start = Instant::now();
        let (mut reports, mut bases) = (0, std::collections::BTreeSet::new());
        'hammer: loop {
            written += 1;
            let base = written * 2_654_435_761 % 1_000_003;
            let sum = u64::from(uid) * base * VALUES * (VALUES + 1) / 2;
            // Not in their order, so that a half would show.
            let mut fields = vec![("sum", sum), ("Cwnd", 200_000 + base % 300_000)];
            fields.extend((1..).zip(&names).map(|(place, name)| (name.as_str(), base * place)));
            if written % 7 == 1 {
                uid = 3 - uid;
                let sum = u64::from(uid) * base * VALUES * (VALUES + 1) / 2;
                fields[0] = ("sum", sum);
                agent.change(flow, uid, &scopes[uid as usize - 1], &fields);
            } else {
                agent.update(flow, &scopes[uid as usize - 1], &fields);
            }
            // While another test has the processors there is little to be seen.
            let seen = reports > 1_000 && bases.len() > 100;
            enough.store(seen || start.elapsed() > Duration::from_secs(30), Ordering::Relaxed);
            for heard in agent.listen(Duration::ZERO) {
                match heard {
                    Heard::Report(_, _, fields) => {
                        assert_eq!(fields[0], 0, "values that do not belong together");
                        reports += 1;
                        bases.insert(fields[1]);
                    }
                    Heard::Close(_) => break 'hammer,
                    other => panic!("{other:?}"),
                }
            }
        }
        writer.join().unwrap();
        far.join().unwrap();
        eprintln!("{written} writings, {reports} ACKs answered, {} writings seen", bases.len());
        assert!(reports > 1_000 && bases.len() > 100);
    });
}

#[test]
fn idle_and_limited_applications_are_told_from_busy_ones() {
    if !possible("idle_and_limited_applications_are_told_from_busy_ones") {
        return;
    }
    in_namespace(|| {
        let mut agent = Agent::start("");
        let source = "
            (def (Report (limited 0) (idle 0)))
            (when true
                (:= Report.limited Flow.app_limited)
                (:= Report.idle Flow.idle_us)
                (:= Cwnd 60000)
                (report))";
        let scope = agent.install(1, source);
        let (mut near, far) = connect("127.0.0.1", &agent.name);
        near.set_nodelay(true).unwrap();
        let far = echo(far);
        let flow = agent.create();
        agent.change(flow, 1, &scope, &[]);
        for _ in 0..20 {
            exchange(&mut near);
        }
        let reports = |agent: &mut Agent| -> Vec<(u64, u64)> {
            let mut all = Vec::new();
            loop {
                match agent.listen(Duration::from_millis(10))[..] {
                    [Heard::Report(_, _, ref fields)] => all.push((fields[0], fields[1])),
                    [] => return all,
                    ref other => panic!("{other:?}"),
                }
            }
        };
        let little = reports(&mut agent);
        let limited = little.iter().filter(|report| report.0 == 1).count();
        assert!(limited + 2 >= little.len(), "{little:?}");

        thread::sleep(Duration::from_millis(300));
        exchange(&mut near);
        let after = reports(&mut agent);
        assert!(after[0].1 >= 299_000, "{after:?}");

        // So much that the window is the limit, or the far end.
        let mut writer = near.try_clone().unwrap();
        let bytes = 3_000_000;
        let writer = thread::spawn(move || writer.write_all(&vec![7; bytes]).unwrap());
        near.read_exact(&mut vec![0; bytes]).unwrap();
        writer.join().unwrap();
        let busy = reports(&mut agent);
        let limited = busy.iter().filter(|report| report.0 == 1).count();
        assert!(busy.len() > 10 && limited * 2 < busy.len(), "{limited} of {}", busy.len());
        drop(near);
        far.join().unwrap();
    });
}
