//! Each algorithm over links of different queues and losses, as a table: a change of behaviour shows as a change of it.
//!
//! `CCP_BLESS=1 cargo test -p ccp-algs --test table` writes the table anew; look at the difference before committing it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use ccp_algs::{CubicAlg, CubicLinuxAlg, RenoAlg};
use ccp_sim::{Link, QueueLimit, Rate, Results, Scenario};

#[test]
fn the_table_of_links_is_as_it_was() {
    let found = table();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/table.txt");
    if std::env::var_os("CCP_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        found, expected,
        "the table has changed: look at it, and if it is meant, bless it with CCP_BLESS=1"
    );
}

/// 24 Mbit/s, 40 ms (80 packets), one unlimited flow for 60 s.
fn table() -> String {
    let mut table = String::from(
        "alg          queue   loss    utilisation  queue mean  queue p95  dropped  lost  retransmits  timeouts  reports\n",
    );
    rows(&mut table, "reno", |scenario| scenario.run(RenoAlg::default()).unwrap());
    rows(&mut table, "cubic", |scenario| scenario.run(CubicAlg::default()).unwrap());
    rows(&mut table, "cubic:linux", |scenario| scenario.run(CubicLinuxAlg::default()).unwrap());
    table
}

fn rows(table: &mut String, alg: &str, run: impl Fn(&Scenario) -> Results) {
    for queue in [0.1, 0.5, 1.0, 4.0] {
        for loss in [0.0, 1e-4, 1e-2] {
            let link = Link::new(Rate::mbit(24), Duration::from_millis(40));
            let scenario = Scenario::new(link.queue(QueueLimit::Bdp(queue)).loss(loss))
                .time(Duration::from_secs(60))
                .sample_every(Duration::ZERO);
            row(table, alg, queue, loss, &run(&scenario));
        }
    }
}

fn row(table: &mut String, alg: &str, queue: f64, loss: f64, results: &Results) {
    let flow = &results.flows[0];
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    writeln!(
        table,
        "{alg:<11} {queue:>4} BDP {loss:<7} {:>11.3} {:>8.2} ms {:>7.2} ms {:>8} {:>5} {:>12} {:>9} {:>8}",
        results.utilisation,
        ms(results.queue_mean),
        ms(results.queue_p95),
        flow.dropped,
        flow.lost,
        flow.retransmits,
        flow.timeouts,
        results.agent.reports,
    )
    .unwrap();
}
