//! Algorithms written for portus, run against a datapath made of bytes.

extern crate ccp_portus as portus;

mod common;

use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use common::*;
use portus::ipc::{BackendBuilder, Blocking, Ipc, Nonblocking, unix};
use portus::lang::Scope;
use portus::{CongAlg, Datapath, DatapathInfo, DatapathTrait, Flow, Report, RunBuilder};

#[test]
fn a_flow_is_governed_from_create_to_close() {
    let (backend, peer) = channel_socket();
    let (alg, told) = echo();
    let handle = RunBuilder::new(backend).default_alg(alg).spawn_thread().run().unwrap();

    peer.send(ready());
    let install = peer.expect(INSTALL);
    assert_eq!(u32_at(&install, 8), 1, "the first program's number");

    peer.send(create(7, ""));
    let change = peer.expect(CHANGE_PROG);
    assert_eq!((u32_at(&change, 4), u32_at(&change, 8)), (7, 1));
    assert_eq!(fields(&change, 16), [(0, 0, 250)], "control register 0");
    let new = Event::New { sock_id: 7, mss: 1_448 };
    assert_eq!(told.recv_timeout(SOON), Ok(new));

    for acked in [1_448, u64::from(u32::MAX)] {
        peer.send(measure(7, 1, &[acked]));
        let update = peer.expect(UPDATE_FIELDS);
        assert_eq!(u32_at(&update, 4), 7);
        assert_eq!(fields(&update, 12), [(2, 4, acked)], "Cwnd");
        let from = "()".to_owned();
        assert_eq!(told.recv_timeout(SOON), Ok(Event::Report { acked, from }));
    }

    peer.send(measure(7, 0, &[]));
    assert_eq!(told.recv_timeout(SOON), Ok(Event::Closed));
    handle.kill();
    handle.wait().unwrap();
}

/// Tells the name of its program whenever it gets a flow.
struct Named<const WHICH: usize>(mpsc::Sender<usize>);
struct NoFlow;

impl Flow for NoFlow {
    fn on_report(&mut self, _: u32, _: Report) {}
}

impl<I: Ipc, const WHICH: usize> CongAlg<I> for Named<WHICH> {
    type Flow = Box<dyn Flow>;

    fn name() -> &'static str {
        ["zero", "one", "two", "one"][WHICH]
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let program =
            format!("(def (Report (n {WHICH}))) (when true (:= Report.n {WHICH}) (report))");
        HashMap::from([("main", program)])
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> Self::Flow {
        control.set_program("main", None).unwrap();
        self.0.send(WHICH).unwrap();
        Box::new(NoFlow)
    }
}

#[test]
fn a_flow_gets_the_algorithm_it_asks_for_and_that_ones_program() {
    let (backend, peer) = channel_socket();
    let (tell, told) = mpsc::channel();
    let handle = RunBuilder::new(backend)
        .default_alg(Named::<0>(tell.clone()))
        .additional_alg(Named::<1>(tell.clone()))
        .additional_alg::<Named<2>, _>(None)
        .try_additional_alg(Some(Named::<3>(tell)))
        .spawn_thread()
        .run()
        .unwrap();
    peer.send(ready());
    for uid in 1..=3 {
        assert_eq!(u32_at(&peer.expect(INSTALL), 8), uid);
    }
    // The later of two with one name; the default for what was left out, or is unknown.
    for (asked, gets, program) in [("zero", 0, 1), ("one", 3, 3), ("two", 0, 1), ("x", 0, 1)] {
        peer.send(create(1, asked));
        assert_eq!(told.recv_timeout(SOON), Ok(gets), "{asked}");
        assert_eq!(u32_at(&peer.expect(CHANGE_PROG), 8), program, "{asked}");
    }
    handle.kill();
    handle.wait().unwrap();
}

/// Tries everything that must fail, then tells how it went.
struct Wrong(mpsc::Sender<Vec<String>>);

impl<I: Ipc> CongAlg<I> for Wrong {
    type Flow = NoFlow;

    fn name() -> &'static str {
        "wrong"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([("main", "(def (Report (a 0))) (when true (report))".into())])
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> NoFlow {
        let mut said = vec![];
        said.push(control.set_program("other", None).unwrap_err().0);
        said.push(control.set_program("main", Some(&[("b", 1)])).unwrap_err().0);
        let scope = control.set_program("main", None).unwrap();
        for name in ["Report.a", "Ack.now", "nothing", "__shouldReport"] {
            said.push(control.update_field(&scope, &[(name, 1)]).unwrap_err().0);
        }
        control.clone().update_field(&Scope::new(), &[("Rate", 5)]).unwrap();
        self.0.send(said).unwrap();
        NoFlow
    }
}

#[test]
fn what_cannot_be_set_is_an_error_that_names_it() {
    let (backend, peer) = channel_socket();
    let (tell, told) = mpsc::channel();
    let alg = Wrong(tell);
    std::thread::scope(|threads| {
        let flag = Arc::new(AtomicBool::new(true));
        let builder = RunBuilder::new(backend)
            // A borrowed algorithm will do when running in place.
            .default_alg(&alg)
            .with_stop_handle(Arc::clone(&flag));
        let run = threads.spawn(move || builder.run());
        peer.send(create(3, ""));
        peer.expect(INSTALL);
        peer.expect(CHANGE_PROG);
        assert_eq!(fields(&peer.expect(UPDATE_FIELDS), 12), [(2, 5, 5)], "Rate");
        let said = told.recv_timeout(SOON).unwrap();
        let names = ["other", "b", "Report.a", "Ack.now", "nothing", "__shouldReport"];
        assert_eq!(said.len(), names.len());
        for (said, name) in said.iter().zip(names) {
            assert!(said.contains(&format!("`{name}`")), "{said}");
        }
        flag.store(false, Ordering::SeqCst);
        run.join().unwrap().unwrap();
    });
}

struct Broken;

impl<I: Ipc> CongAlg<I> for Broken {
    type Flow = NoFlow;

    fn name() -> &'static str {
        "broken"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([("main", "(def (Report (a 0)))\n(when true (:= 1 2))".into())])
    }

    fn new_flow(&self, _: Datapath<I>, _: DatapathInfo) -> NoFlow {
        NoFlow
    }
}

#[test]
fn a_program_that_does_not_compile_ends_the_run_with_its_place() {
    let (backend, _peer) = channel_socket();
    let error = RunBuilder::new(backend).default_alg(&Broken).run().unwrap_err();
    for part in ["`main`", "`broken`", "2:"] {
        assert!(error.0.contains(part), "{}", error.0);
    }
    let (backend, _peer) = channel_socket();
    let builder = RunBuilder::new(backend).default_alg(Broken).spawn_thread();
    assert!(builder.run().unwrap().wait().is_err());
}

#[test]
fn a_channel_that_closes_by_itself_is_an_error() {
    let (backend, peer) = channel_socket();
    let builder = RunBuilder::new(backend).default_alg(echo().0);
    drop(peer);
    assert!(builder.run().unwrap_err().0.contains("closed"));
}

/// Only `$CCP_IPC_DIR` leads the sockets away from `/tmp/ccp`, and a process cannot safely change
/// its own: the test runs itself.
fn in_folder_of_its_own(test: &str, body: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return body(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("CCP_IPC_DIR", folder.path())
        .env(INSIDE, folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}

const INSIDE: &str = "CCP_PORTUS_TEST_FOLDER";

#[test]
fn unix_sockets_govern_and_stop_at_once() {
    in_folder_of_its_own("unix_sockets_govern_and_stop_at_once", |folder| {
        govern_over_unix::<Blocking>(folder, "portus", "0");
        govern_over_unix::<Nonblocking>(folder, "portus-spinning", "1");
    });
}

fn govern_over_unix<M: portus::ipc::Mode>(folder: &Path, agent: &str, datapath: &str) {
    let sock = unix::Socket::<M>::new(agent).unwrap();
    let (alg, told) = echo();
    let handle =
        RunBuilder::new(BackendBuilder { sock }).default_alg(alg).spawn_thread().run().unwrap();

    let path = folder.join(datapath);
    let peer = UnixDatagram::bind(&path).unwrap();
    peer.set_read_timeout(Some(SOON)).unwrap();
    peer.connect(folder.join(agent)).unwrap();
    let mut buf = [0; 4096];
    let mut expect = |kind: u16| {
        let len = peer.recv(&mut buf).unwrap();
        assert_eq!(buf[..2], kind.to_le_bytes());
        buf[..len].to_vec()
    };
    peer.send(&create(9, "echo")).unwrap();
    expect(INSTALL);
    expect(CHANGE_PROG);
    peer.send(&measure(9, 1, &[2_896])).unwrap();
    assert_eq!(fields(&expect(UPDATE_FIELDS), 12), [(2, 4, 2_896)]);
    let from = format!("{path:?}");
    let told: Vec<_> = told.iter().take(2).collect();
    assert_eq!(told[1], Event::Report { acked: 2_896, from });

    std::thread::sleep(Duration::from_millis(30));
    let start = Instant::now();
    handle.kill();
    handle.wait().unwrap();
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    assert!(!folder.join(agent).exists(), "the socket's file is left behind");
}

#[test]
fn unix_sockets_can_be_used_by_hand() {
    in_folder_of_its_own("unix_sockets_can_be_used_by_hand", |folder| {
        let mut one = unix::Socket::<Blocking>::new_with_skbuf("one", Some(1 << 16), None).unwrap();
        let two = unix::Socket::<Nonblocking>::new("two").unwrap();
        let mut buf = [0; 16];
        assert!(two.recv(&mut buf).is_err(), "nothing is there, and it does not wait");
        one.send(b"hello", &folder.join("two")).unwrap();
        let (len, from) = two.recv(&mut buf).unwrap();
        assert_eq!((&buf[..len], from), (&b"hello"[..], folder.join("one")));
        two.send(b"back", &folder.join("one")).unwrap();
        assert_eq!(one.recv(&mut buf).unwrap().0, 4);
        assert!(one.send(b"lost", &folder.join("three")).is_err());
        assert!(unix::Socket::<Blocking>::new("one").is_err(), "the name is taken");
        one.close().unwrap();
        unix::Socket::<Blocking>::new("one").unwrap();
        assert_eq!(<unix::Socket<Blocking> as Ipc>::name(), "unix");
    });
}

#[test]
fn an_agent_can_be_started_by_one_macro() {
    in_folder_of_its_own("an_agent_can_be_started_by_one_macro", |_| {
        // Nothing here ends a run that has begun, so each of these must fail before.
        let error = portus::start!("unix", Broken).unwrap_err();
        assert!(error.0.contains("`broken`"), "{}", error.0);
        assert!(portus::start!("unix", Broken, Nonblocking).is_err());
        let named = portus::start!("unix", echo().0, Blocking, "no/name").unwrap_err();
        assert!(named.0.contains("no/name"), "{}", named.0);
        for missing in ["netlink", "char"] {
            let error = portus::start!(missing, echo().0).unwrap_err();
            assert!(error.0.contains("unix"), "{}", error.0);
        }
        let ipc = String::from("pigeon");
        assert!(portus::start!(ipc.as_str(), echo().0).is_err());
    });
}
