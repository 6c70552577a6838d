//! A program of ten lines, from text to the records of an Install.

use std::hint::black_box;

use crate::harness::{Row, nanoseconds};

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let (peer, ours) = nanoseconds(
        || {
            portus::lang::compile_and_serialize(black_box(PROGRAM.as_bytes()), &[])
                .map(|(b, _)| b.len())
        },
        || ccp_lang::compile(black_box(PROGRAM)).map(|c| c.program.to_bytes().len()),
    );
    Ok(vec![Row {
        what: "compile a program of 10 lines".into(),
        unit: "µs",
        peer: peer / 1e3,
        ours: ours / 1e3,
        by_hand: None,
        more_is_better: false,
        note: "to the bytes of an Install; ours with its checks, warnings and verifier".into(),
    }])
}

const PROGRAM: &str =
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
