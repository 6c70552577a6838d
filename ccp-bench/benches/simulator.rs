//! How fast a second of virtual time passes: packets through the bottleneck, by number of flows.
//!
//! Each flow has the same load whatever their number: 4.8 Mbit/s of the link and 16 packets of its queue.
#![allow(missing_docs, reason = "the macros of criterion make functions without any")]

use std::time::Duration;

use ccp_algs::CubicAlg;
use ccp_sim::{Flow, Link, QueueLimit, Rate, Scenario};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn flows(c: &mut Criterion) {
    let mut group = c.benchmark_group("simulator");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    for flows in [1, 10, 100, 1000] {
        for agent in [true, false] {
            let scenario = scenario(flows);
            let run = || {
                if agent {
                    scenario.run(CubicAlg::default()).unwrap()
                } else {
                    scenario.run_without_agent().unwrap()
                }
            };
            group.throughput(Throughput::Elements(run().link.sent));
            let name = if agent { "cubic" } else { "no_agent" };
            group.bench_function(BenchmarkId::new(name, flows), |b| b.iter(run));
        }
    }
    group.finish();
}

/// Long enough for a few hundred thousand packets at most, and for start-up to matter little.
fn scenario(flows: usize) -> Scenario {
    let seconds = if flows == 1000 { 2 } else { 10 };
    let each = 4_800_000 * flows as u64;
    let link = Link::new(Rate::bits(each), Duration::from_millis(20))
        .queue(QueueLimit::Packets(16 * flows));
    Scenario::new(link)
        .flows(vec![Flow::default(); flows])
        .time(Duration::from_secs(seconds))
        .sample_every(Duration::ZERO)
}

criterion_group!(benches, flows);
criterion_main!(benches);
