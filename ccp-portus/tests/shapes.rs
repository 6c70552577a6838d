//! Code as it is written for portus builds here: names, types, bounds and what may be left out.

extern crate ccp_portus as portus;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use portus::ipc::{BackendBuilder, Blocking, Ipc};
#[allow(unused_imports, reason = "published code imports it without need")]
use portus::lang::Bin;
use portus::lang::Scope;
use portus::{
    CCPHandle, CongAlg, Datapath, DatapathInfo, DatapathTrait, Flow, NoSpawn, Report, RunBuilder,
    Spawn,
};

/// Prints the smallest round trip of each 42 ms.
#[derive(Clone, Default)]
struct SmallestRtt(Scope);

impl<I: Ipc> CongAlg<I> for SmallestRtt {
    type Flow = Self;

    fn name() -> &'static str {
        "smallest rtt"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let mut programs = HashMap::default();
        programs.insert(
            "Fold",
            "
            (def (Report (volatile smallest +infinity)))
            (when true
                (:= Report.smallest (min Report.smallest Flow.rtt_sample_us))
                (fallthrough))
            (when (> Micros 42000)
                (report)
                (reset))
            "
            .to_owned(),
        );
        programs
    }

    fn new_flow(&self, mut control: Datapath<I>, _info: DatapathInfo) -> Self::Flow {
        let scope = control.set_program("Fold", None).unwrap();
        Self(scope)
    }
}

impl Flow for SmallestRtt {
    fn on_report(&mut self, sock_id: u32, m: Report) {
        let smallest = m.get_field(&String::from("Report.smallest"), &self.0).unwrap();
        println!("flow {sock_id}, program {}, {}: {smallest}", m.program_uid, m.from);
    }
}

/// An algorithm may be generic over what governs its flows, and over the transport.
struct Generic<A>(A);

struct GenericFlow<I: Ipc, A> {
    control: Datapath<I>,
    scope: Option<Scope>,
    inner: A,
}

impl<I: Ipc, A: Clone> CongAlg<I> for Generic<A> {
    type Flow = GenericFlow<I, A>;

    fn name() -> &'static str {
        "generic"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::default()
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        let DatapathInfo {
            sock_id,
            init_cwnd: _,
            mss: _,
            src_ip: _,
            src_port: _,
            dst_ip: _,
            dst_port: _,
        } = info.clone();
        assert_eq!(sock_id, info.sock_id);
        GenericFlow { control, scope: Default::default(), inner: self.0.clone() }
    }
}

impl<I: Ipc, A> Flow for GenericFlow<I, A> {
    fn on_report(&mut self, _: u32, m: Report) {
        fn window<D: DatapathTrait>(control: &D, scope: &Scope, cwnd: u32) -> portus::Result<()> {
            control.update_field(scope, &[("Cwnd", cwnd)])
        }
        let _ = &self.inner;
        if let Some(scope) = &self.scope
            && let Err(portus::Error(said)) = window(&self.control, scope, m.program_uid)
        {
            println!("{said}");
        }
    }
}

/// What a program that takes any transport is likely to hold.
fn run_anywhere<I: Ipc, A: CongAlg<I> + Send + 'static>(sock: I, alg: A) -> portus::Result<()> {
    let builder = RunBuilder::new(BackendBuilder { sock }).default_alg(alg);
    let handle: CCPHandle = builder.spawn_thread().run()?;
    let flag: Arc<AtomicBool> = Arc::clone(&handle.continue_listening);
    flag.store(false, std::sync::atomic::Ordering::SeqCst);
    let thread: JoinHandle<portus::Result<()>> = handle.join_handle;
    thread.join().map_err(|_| portus::Error("panicked".into()))?
}

#[test]
fn any_transport_runs_any_algorithm() {
    let (tx, _keep) = crossbeam_channel::unbounded();
    let (_keep2, rx) = crossbeam_channel::unbounded();
    let sock = portus::ipc::chan::Socket::<Blocking>::new(tx, rx);
    run_anywhere(sock, Generic(5_u8)).unwrap();
}

#[test]
fn the_steps_of_a_builder_may_come_in_any_order() {
    let (tx, _keep) = crossbeam_channel::unbounded();
    let (_keep2, rx) = crossbeam_channel::unbounded();
    let sock = portus::ipc::chan::Socket::<Blocking>::new(tx, rx);
    let start: RunBuilder<_, (), NoSpawn> = RunBuilder::new(BackendBuilder { sock });
    let spawning: RunBuilder<_, (), Spawn> =
        start.spawn_thread().with_stop_handle(Arc::new(AtomicBool::new(false)));
    let handle = spawning
        .default_alg(SmallestRtt::default())
        .additional_alg(Generic(()))
        .additional_alg::<SmallestRtt, _>(None)
        .try_additional_alg::<SmallestRtt>(None)
        .run()
        .unwrap();
    handle.wait().unwrap();
}

#[test]
fn scopes_cross_threads_as_algorithms_that_hold_them_must() {
    fn crosses<T: Send + Sync + Clone>() {}
    crosses::<Scope>();
    fn debugs<T: std::fmt::Debug>() {}
    debugs::<(CCPHandle, Scope, DatapathInfo, portus::Error)>();
}

#[test]
fn every_error_becomes_one_of_portuss() {
    fn fails() -> portus::Result<u32> {
        portus::lang::compile(b"(", &[])?;
        Ok("7".parse::<u32>()?)
    }
    assert!(!fails().unwrap_err().0.is_empty());
    for error in [
        portus::Error::from(portus::StaleProgramError),
        portus::InvalidRegTypeError.into(),
        portus::InvalidReportError.into(),
        portus::FieldNotFoundError.into(),
    ] {
        assert!(!error.clone().0.is_empty());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn transports_still_to_come_can_be_named_and_give_an_error() {
    use portus::ipc::{Nonblocking, kp, netlink};
    let error =
        netlink::Socket::<Nonblocking>::new().map(|sock| BackendBuilder { sock }).unwrap_err();
    assert!(error.0.contains("netlink"), "{}", error.0);
    assert!(kp::Socket::<Blocking>::new().is_err());
}

#[test]
fn words_of_a_command_line_are_checked() {
    let check: fn(String) -> Result<(), String> = portus::algs::ipc_valid;
    assert_eq!(check("unix".into()), Ok(()));
    assert!(check("smoke".into()).is_err());
}
