//! A primitive that a transport adds: measured, read by programs, and refused where nobody fills it.

mod common;

use ccp_datapath::{Config, InstallError, MessageError};
use ccp_lang::{Code, Compiler, Primitive, PrimitiveDef, PrimitiveTable, Primitives};
use common::{Bench, CWND};

const MIN_RTT: u32 = 31;

fn table() -> PrimitiveTable {
    let mut table = PrimitiveTable::standard();
    table.add(PrimitiveDef::num("Flow.min_rtt", MIN_RTT)).expect("free");
    table
}

fn reading() -> Code {
    let program = "(def (Report (min 0))) (when true (:= Report.min Flow.min_rtt) (report))";
    let compiled = Compiler::new().primitives(table()).compile(program).expect("a program");
    compiled.program.code().clone()
}

fn lacking(config: Config) -> InstallError {
    let mut bench = Bench::with(config);
    let refused = bench.install(1, &reading());
    assert_eq!(bench.datapath.stats().refused.missing_primitive, 1);
    assert_eq!(bench.datapath.installed_programs(), 0);
    match refused {
        Err(MessageError::Install { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_program_gets_what_the_transport_measures_under_its_own_index() {
    let mut config = Config::default();
    config.primitives |= 1 << MIN_RTT;
    let mut bench = Bench::with(config);
    bench.timeout();
    let flow = bench.open();
    bench.install(1, &reading()).expect("filled");
    bench.change(flow, 1, &[]).expect("installed");
    bench.sent.clear();
    let mut ack = Primitives::new();
    assert!(ack.set_index(MIN_RTT, 12_345));
    bench.ack_with(flow, &ack, CWND);
    assert_eq!(bench.lines(), [format!("report {} by 1: [12345]", flow.id())]);
}

#[test]
fn a_datapath_that_lacks_it_refuses_the_program_and_says_what_it_knows_of_it() {
    let by_index = lacking(Config::default()).to_string();
    assert_eq!(by_index, "it reads what this datapath does not fill: primitive 31");
    let mut config = Config::default();
    config.table = table();
    let by_name = lacking(config).to_string();
    assert_eq!(by_name, "it reads what this datapath does not fill: Flow.min_rtt");
}

#[test]
fn a_standard_primitive_that_is_not_filled_is_named_too() {
    let program = "(def) (when Flow.undone (:= Cwnd 5))";
    let code = ccp_lang::compile(program).expect("a program").program.code().clone();
    let mut bench = Bench::new();
    let refused = bench.install(1, &code).expect_err("not among the first fifteen");
    assert!(refused.to_string().ends_with("does not fill: Flow.undone"), "{refused}");
    let mut config = Config::default();
    config.primitives |= Primitive::FlowUndone.mask();
    Bench::with(config).install(1, &code).expect("filled");
}
