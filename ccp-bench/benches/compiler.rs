//! From text to a verified program.
#![allow(missing_docs, reason = "the macros of criterion make functions without any")]

use std::hint::black_box;

use ccp_algs::RenoAlg;
use ccp_ipc::chan;
use ccp_lang::compile;
use ccp_runtime::{Blocking, CongAlg};
use criterion::{Criterion, criterion_group, criterion_main};

const TEN_LINES: &str =
    "(def (Report (volatile acked 0) (volatile loss 0) (volatile timeout false) (rtt +infinity))
    (reportTime 0))
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.loss (+ Report.loss Ack.lost_pkts_sample))
    (:= Report.timeout Flow.was_timeout)
    (:= Report.rtt (min Report.rtt Flow.rtt_sample_us))
    (fallthrough))
(when (|| Report.timeout (> Report.loss 0)) (report) (:= Micros 0))
(when (> Micros reportTime) (report) (:= Micros 0))";

fn compiler(c: &mut Criterion) {
    let mut group = c.benchmark_group("compile");
    let mut sources = CongAlg::<chan::Socket<Blocking>>::datapath_programs(&RenoAlg::default());
    let reno = sources.remove("window").unwrap();
    for (name, source) in [("10 lines", TEN_LINES), ("Reno's program", &*reno)] {
        group.bench_function(name, |b| b.iter(|| compile(black_box(source)).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, compiler);
criterion_main!(benches);
