//! A primitive that a transport adds, from the algorithm that wants it to the report that has it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ccp_datapath::{Config, Control, Datapath as Engine, FlowInfo, Micros, Primitives};
use ccp_ipc::{Ipc, Received, chan};
use ccp_runtime::{
    BackendBuilder, Compiler, CongAlg, Datapath, DatapathInfo, Flow, FlowId, PrimitiveDef,
    PrimitiveTable, Report, RunBuilder, Scope,
};

const MIN_RTT: u32 = 31;

type Log = Rc<RefCell<Vec<String>>>;

/// Has every ACK report the smallest RTT, which its transport measures.
struct MinRtt(Log);

struct MinRttFlow(Log, Option<Scope>);

impl<I: Ipc> CongAlg<I> for MinRtt {
    type Flow = MinRttFlow;

    fn name() -> &'static str {
        "min_rtt"
    }

    fn compiler(&self) -> Compiler {
        let mut table = PrimitiveTable::standard();
        table.add(PrimitiveDef::num("Flow.min_rtt", MIN_RTT)).unwrap();
        Compiler::new().primitives(table)
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        let program = "(def (Report (min 0))) (when true (:= Report.min Flow.min_rtt) (report))";
        HashMap::from([("main", program.to_owned())])
    }

    fn new_flow(&self, mut control: Datapath<I>, _: DatapathInfo) -> MinRttFlow {
        let scope = control.set_program("main", None);
        if let Err(error) = &scope {
            self.0.borrow_mut().push(error.to_string());
        }
        MinRttFlow(Rc::clone(&self.0), scope.ok())
    }
}

impl Flow for MinRttFlow {
    fn on_report(&mut self, _: FlowId, report: Report<'_>) {
        let value = report.get_field("Report.min", self.1.as_ref().unwrap()).unwrap();
        self.0.borrow_mut().push(format!("min {value}"));
    }
}

/// What the algorithm sees of a transport that fills these primitives and has one ACK.
fn seen_through(primitives: u64) -> Vec<String> {
    let log = Log::default();
    let (agent_end, ours) = chan::pair(64);
    let mut agent = RunBuilder::new(BackendBuilder { sock: agent_end })
        .default_alg(MinRtt(Rc::clone(&log)))
        .build()
        .unwrap();
    let mut config = Config::default();
    config.primitives = primitives;
    let mut engine = Engine::new(config, Micros(0));
    let mut send = |datagram: &[u8]| {
        ours.try_send(datagram, &()).unwrap();
        Ok(())
    };
    engine.handle_timeout(Micros(0), &mut send);
    let flow = engine.open(FlowInfo::new(14_480, 1_448), Micros(0), &mut send).unwrap();
    for now in 1..=2 {
        agent.step(Duration::from_micros(now)).unwrap();
        let mut buf = [0; 65_535];
        while let Ok(Received::Datagram { len, .. }) = ours.recv(&mut buf, Some(Duration::ZERO)) {
            engine.handle_datagram(&buf[..len], Micros(now), &mut send).unwrap();
        }
        let mut ack = Primitives::new();
        ack.set_index(MIN_RTT, 20_000 + now);
        let control = Control { cwnd: 14_480 };
        engine.on_ack(flow, &ack, control, Micros(now), &mut send).unwrap();
    }
    agent.step(Duration::from_micros(3)).unwrap();
    log.take()
}

#[test]
fn the_algorithm_is_told_what_its_transport_measures() {
    let seen = seen_through(Config::default().primitives | 1 << MIN_RTT);
    assert_eq!(seen, ["min 20001", "min 20002"]);
}

#[test]
fn where_the_transport_does_not_measure_it_the_agent_says_what_is_missing() {
    let seen = seen_through(Config::default().primitives);
    assert_eq!(seen, ["program `main` is not installed: the datapath lacks Flow.min_rtt"]);
}
