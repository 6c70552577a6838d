//! From a report to its answer nothing is allocated, on `chan::pair`, whichever way its fields are read.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use ccp_ipc::chan;
use ccp_runtime::{
    BackendBuilder, Blocking, CongAlg, ControlField, Datapath, DatapathInfo, Fields, Flow, FlowId,
    Ipc, Report, ReportField, RunBuilder, Scope,
};
use ccp_wire::{Create, MeasureRepr, ProgramUid};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is left to the system's allocator; counting touches no memory of its callers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above; what is freed here came from `alloc`, so from `System`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How an algorithm reads a report.
#[derive(Clone, Copy)]
enum Way {
    Struct,
    Field,
    Name,
}

ccp_runtime::report! {
    struct Seen {
        rtt: u64,
        acked: u64,
        lost: Option<u64>,
        marked: Option<u64>,
    }
}

/// Answers each report with a window.
struct Answering {
    way: Way,
}

struct AnsweringFlow<I: Ipc> {
    control: Datapath<I>,
    scope: Scope,
    seen: Fields<Seen>,
    acked: ReportField,
    gain: ControlField,
    way: Way,
}

impl<I: Ipc> CongAlg<I> for Answering {
    type Flow = AnsweringFlow<I>;

    fn name() -> &'static str {
        "answering"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let source = "
            (def (Report (volatile acked 0) (volatile rtt +infinity) (lost 0)) (gain 1))
            (when true
                (:= Report.acked (+ Report.acked (* gain Ack.bytes_acked)))
                (:= Report.rtt (min Report.rtt Flow.rtt_sample_us))
                (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))
                (report)
            )";
        HashMap::from([("main", source.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> AnsweringFlow<I> {
        let scope = control.set_program("main", None).unwrap();
        AnsweringFlow {
            control,
            seen: scope.fields().unwrap(),
            acked: scope.field("Report.acked").unwrap(),
            gain: scope.control("gain").unwrap(),
            scope,
            way: self.way,
        }
    }
}

impl<I: Ipc> Flow for AnsweringFlow<I> {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        let acked = match self.way {
            Way::Struct => {
                let seen = report.get(self.seen).unwrap();
                assert_eq!(seen, Seen { rtt: 20_000, acked: 1448, lost: Some(0), marked: None });
                seen.acked
            }
            Way::Field => report.get(self.acked).unwrap(),
            Way::Name => report.get_field("Report.acked", &self.scope).unwrap(),
        };
        if let Way::Name = self.way {
            self.control.update_field(&self.scope, &[("Cwnd", acked), ("gain", 2)]).unwrap();
        } else {
            self.control.update(&[(ControlField::CWND, acked), (self.gain, 2)]).unwrap();
        }
    }
}

const FLOWS: u32 = 64;

/// Serves `rounds` of one report for each flow, and gives the allocations and the time per report.
fn serve(way: Way, rounds: u32) -> (u64, Duration) {
    let (end, datapath) = chan::pair(FLOWS as usize * 2);
    let backend = BackendBuilder::<chan::Socket<Blocking>> { sock: end };
    let mut agent = RunBuilder::new(backend).default_alg(Answering { way }).build().unwrap();
    let mut buf = [0; 4096];
    for flow in 1..=FLOWS {
        let create = Create { flow: FlowId(flow), ..Create::default() };
        let len = create.encode(&mut buf).unwrap();
        datapath.try_send(&buf[..len], &()).unwrap();
        agent.step(Duration::ZERO).unwrap();
        while let Ok(ccp_ipc::Received::Datagram { .. }) =
            datapath.recv(&mut buf, Some(Duration::ZERO))
        {}
    }
    let mut serve = |rounds| {
        let (allocations, mut time) = (ALLOCATIONS.get(), Duration::ZERO);
        for _ in 0..rounds {
            for flow in 1..=FLOWS {
                let fields = &[1448, 20_000, 0];
                let report = MeasureRepr { flow: FlowId(flow), program_uid: ProgramUid(1), fields };
                let len = report.encode(&mut buf).unwrap();
                datapath.try_send(&buf[..len], &()).unwrap();
            }
            let start = Instant::now();
            assert_eq!(agent.step(Duration::ZERO).unwrap(), FLOWS as usize);
            time += start.elapsed();
            for _ in 1..=FLOWS {
                let received = datapath.recv(&mut buf, Some(Duration::ZERO)).unwrap();
                assert_eq!(received, ccp_ipc::Received::Datagram { len: 12 + 2 * 13, from: () });
            }
        }
        (ALLOCATIONS.get() - allocations, time / (rounds * FLOWS))
    };
    // Each buffer of the channel gets its size once.
    serve(8);
    serve(rounds)
}

#[test]
fn a_report_and_its_answer_allocate_nothing() {
    assert_eq!(serve(Way::Field, 100).0, 0);
}

#[test]
fn a_report_made_a_struct_allocates_nothing() {
    assert_eq!(serve(Way::Struct, 100).0, 0);
}

#[test]
fn looking_fields_up_by_name_allocates_nothing_either() {
    assert_eq!(serve(Way::Name, 100).0, 0);
}
