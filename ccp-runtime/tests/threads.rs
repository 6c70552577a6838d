//! The agent in real threads: stopping, waiting, and what ends it otherwise.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ccp_ipc::{CloseError, Liveness, Received, RecvError, SendError, Waker, chan};
use ccp_runtime::{
    BackendBuilder, Blocking, CCPHandle, CongAlg, Datapath, DatapathInfo, Flow, FlowId, Ipc,
    NoSpawn, Report, RunBuilder, RunError, Settings, StatsHandle, StopHandle,
};
use ccp_wire::{Create, Ready};

/// Counts what begins and ends.
#[derive(Clone, Default)]
struct Counting(Arc<(AtomicU32, AtomicU32)>);

/// Not `Send`, as a flow need not be.
struct CountingFlow(std::rc::Rc<Counting>);

impl<I: Ipc> CongAlg<I> for Counting {
    type Flow = CountingFlow;

    fn name() -> &'static str {
        "counting"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([(
            "main",
            "(def (Report (a 0))) (when true (:= Report.a 1) (report))".into(),
        )])
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> CountingFlow {
        control.set_program("main", None).unwrap();
        self.0.0.fetch_add(1, Ordering::SeqCst);
        CountingFlow(self.clone().into())
    }
}

impl Flow for CountingFlow {
    fn on_report(&mut self, _: FlowId, _: Report<'_>) {}

    fn close(&mut self) {
        self.0.0.1.fetch_add(1, Ordering::SeqCst);
    }
}

type End = chan::Socket<Blocking>;

fn agent() -> (RunBuilder<End, (), NoSpawn>, End) {
    let (agent, datapath) = chan::pair(64);
    (RunBuilder::new(BackendBuilder { sock: agent }), datapath)
}

fn spawn() -> (CCPHandle, End, Counting) {
    let (builder, datapath) = agent();
    let alg = Counting::default();
    (builder.default_alg(alg.clone()).spawn_thread().run().unwrap(), datapath, alg)
}

fn create(datapath: &End) {
    let mut buf = [0; 128];
    let len = Create::default().encode(&mut buf).unwrap();
    datapath.try_send(&buf[..len], &()).unwrap();
    for expected in ["an Install", "a ChangeProg"] {
        let answer = datapath.recv(&mut buf, Some(Duration::from_secs(10))).unwrap();
        assert!(matches!(answer, Received::Datagram { .. }), "no {expected}");
    }
}

/// The agent counts a flow only after the algorithm has answered.
fn until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never holds");
        std::thread::yield_now();
    }
}

/// Ends a run with `stop` and gives how long that took.
fn time_to_end(handle: CCPHandle, stop: impl FnOnce(&CCPHandle)) -> Duration {
    // Long enough for the agent to be asleep.
    std::thread::sleep(Duration::from_millis(30));
    let start = Instant::now();
    stop(&handle);
    handle.wait().unwrap();
    start.elapsed()
}

const LIMIT: Duration = Duration::from_millis(50);

#[test]
fn kill_ends_an_idle_agent_within_50_ms_and_closes_all_flows() {
    let (handle, datapath, alg) = spawn();
    create(&datapath);
    until(|| handle.stats().flows == 1);
    let took = time_to_end(handle, CCPHandle::kill);
    assert!(took < LIMIT, "{took:?}");
    assert_eq!((alg.0.0.load(Ordering::SeqCst), alg.0.1.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn kill_before_the_thread_has_begun_is_not_lost() {
    for _ in 0..50 {
        let (handle, _datapath, _) = spawn();
        handle.kill();
        handle.wait().unwrap();
    }
}

#[test]
fn a_lowered_flag_ends_the_agent_within_50_ms() {
    let flag = Arc::new(AtomicBool::new(true));
    let (builder, _datapath) = agent();
    let builder = builder.default_alg(Counting::default()).with_stop_handle(Arc::clone(&flag));
    let handle = builder.spawn_thread().run().unwrap();
    let took = time_to_end(handle, |_| flag.store(false, Ordering::SeqCst));
    assert!(took < LIMIT, "{took:?}");
}

#[test]
fn kill_lowers_the_flag_it_was_given() {
    let flag = Arc::new(AtomicBool::new(true));
    let (builder, _datapath) = agent();
    let builder = builder.default_alg(Counting::default()).with_stop_handle(Arc::clone(&flag));
    let handle = builder.spawn_thread().run().unwrap();
    handle.kill();
    handle.wait().unwrap();
    assert!(!flag.load(Ordering::SeqCst));
}

#[test]
fn a_raw_flag_is_taken_over_with_its_count() {
    let flag = Arc::new(AtomicBool::new(true));
    let (builder, _datapath) = agent();
    let raw = Arc::into_raw(Arc::clone(&flag));
    let builder = builder.default_alg(Counting::default());
    // SAFETY: the pointer comes from `Arc::into_raw` and is not used again.
    let builder = unsafe { builder.with_raw_stop_handle(raw) };
    let handle = builder.spawn_thread().run().unwrap();
    flag.store(false, Ordering::SeqCst);
    handle.wait().unwrap();
    assert_eq!(Arc::strong_count(&flag), 1);
}

#[test]
fn a_null_flag_is_an_error_both_ways_of_running() {
    let (builder, _datapath) = agent();
    let builder = builder.default_alg(Counting::default());
    // SAFETY: null is allowed.
    let outcome = unsafe { builder.with_raw_stop_handle(std::ptr::null()) }.run();
    assert!(matches!(outcome, Err(RunError::NullStopHandle)));
    let (builder, _datapath) = agent();
    let builder = builder.default_alg(Counting::default()).spawn_thread();
    // SAFETY: null is allowed.
    let outcome = unsafe { builder.with_raw_stop_handle(std::ptr::null()) }.run();
    assert!(matches!(outcome, Err(RunError::NullStopHandle)));
}

#[test]
fn a_stop_handle_ends_a_run_in_place_and_its_counters_stay_readable() {
    let (stop, stats) = (StopHandle::new(), StatsHandle::new());
    let (builder, datapath) = agent();
    let (stop_there, stats_there) = (stop.clone(), stats.clone());
    let run = std::thread::spawn(move || {
        let builder = builder.default_alg(Counting::default());
        builder.with_stop(stop_there).with_stats(stats_there).run()
    });
    create(&datapath);
    until(|| stats.snapshot().flows == 1);
    let start = Instant::now();
    stop.stop();
    run.join().unwrap().unwrap();
    assert!(start.elapsed() < LIMIT);
    let stats = stats.snapshot();
    assert_eq!((stats.flows, stats.flows_closed), (0, 1));
    assert!(stats.iter().any(|(name, value)| (name, value) == ("flows_created", 1)));
}

#[test]
fn a_channel_that_closes_by_itself_is_an_error() {
    let (handle, datapath, alg) = spawn();
    create(&datapath);
    drop(datapath);
    assert!(matches!(handle.wait(), Err(RunError::ChannelClosed)));
    assert_eq!(alg.0.1.load(Ordering::SeqCst), 1);
}

#[test]
fn a_program_that_does_not_compile_ends_a_spawned_run_at_once() {
    struct Wrong;
    impl<I: Ipc> CongAlg<I> for Wrong {
        type Flow = CountingFlow;
        fn name() -> &'static str {
            "wrong"
        }
        fn datapath_programs(&self) -> HashMap<&'static str, String> {
            HashMap::from([("main", "(when".into())])
        }
        fn new_flow(&self, _: Datapath<I>, _: DatapathInfo) -> CountingFlow {
            unreachable!("its program does not compile")
        }
    }
    let (builder, _datapath) = agent();
    let outcome = builder.default_alg(Wrong).spawn_thread().run();
    assert!(matches!(outcome, Err(RunError::Compile("wrong", "main", _))));
}

/// A transport that fails in a way of its choice.
struct Broken(fn() -> Result<Received<()>, RecvError>);

impl Ipc for Broken {
    type Addr = ();

    fn name() -> &'static str {
        "broken"
    }

    fn try_send(&self, _: &[u8], (): &()) -> Result<(), SendError> {
        Ok(())
    }

    fn recv(&self, _: &mut [u8], _: Option<Duration>) -> Result<Received<()>, RecvError> {
        self.0()
    }

    fn waker(&self) -> Waker {
        Waker::noop()
    }

    fn probe(&self, (): &()) -> Liveness {
        Liveness::Unknown
    }

    fn close(&mut self) -> Result<(), CloseError> {
        Ok(())
    }
}

#[test]
fn a_panic_of_the_loop_comes_out_of_wait_with_its_message() {
    let builder = RunBuilder::new(BackendBuilder { sock: Broken(|| panic!("number {}", 5)) });
    let handle = builder.default_alg(Counting::default()).spawn_thread().run().unwrap();
    let error = handle.wait().unwrap_err();
    assert!(matches!(&error, RunError::Panicked(message) if message == "number 5"), "{error}");
}

#[test]
fn a_transport_that_cannot_receive_is_an_error_with_its_cause() {
    let failing = || {
        let source = std::io::Error::from_raw_os_error(5);
        Err(RecvError::Os { call: "recvfrom", source })
    };
    let builder = RunBuilder::new(BackendBuilder { sock: Broken(failing) });
    let outcome = builder.default_alg(Counting::default()).run();
    assert!(matches!(outcome, Err(RunError::Receive(RecvError::Os { .. }))));
}

#[test]
fn keep_alives_come_in_real_time_while_nothing_arrives() {
    let (builder, datapath) = agent();
    let mut settings = Settings::default();
    settings.keep_alive = Duration::from_millis(20);
    let builder = builder.default_alg(Counting::default()).with_settings(settings);
    let handle = builder.spawn_thread().run().unwrap();
    let mut buf = [0; 256];
    let hello = ccp_wire::Hello {
        flags: ccp_wire::HelloFlags::WANTS_KEEPALIVE,
        primitives: u64::MAX,
        max_programs: 100,
        max_instrs: 255,
    };
    let ready = Ready { id: 0 }.encode(&mut buf).unwrap();
    let len = ready + hello.encode(&mut buf[ready..]).unwrap();
    datapath.try_send(&buf[..len], &()).unwrap();
    // An answer, an Install, and two of those nobody has asked for.
    for _ in 0..4 {
        let received = datapath.recv(&mut buf, Some(Duration::from_secs(10))).unwrap();
        assert!(matches!(received, Received::Datagram { .. }));
    }
    handle.kill();
    handle.wait().unwrap();
}
