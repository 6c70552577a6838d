//! The same seed gives the same numbers, in each build and on every platform: what they were is in a file.
//!
//! `CCP_BLESS=1 cargo test -p ccp-sim --test golden` writes the file anew. A change of it is a change of what everybody's
//! scenarios give: look at the difference, and say in the CHANGELOG what it is.

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use ccp_runtime::RunBuilder;
use ccp_sim::{
    Aqm, Change, Cross, Flow, Link, Loss, Pacing, QueueLimit, Rate, Results, Scenario, Source,
    Trace,
};
use common::{Aimd, FixedRate};

const MS: Duration = Duration::from_millis(1);

#[test]
fn the_results_of_rich_scenarios_are_what_they_were() {
    let mut found = String::new();
    for (name, scenario) in scenarios() {
        let agent = |backend| {
            RunBuilder::new(backend).default_alg(Aimd).additional_alg(FixedRate(500_000)).build()
        };
        write(&mut found, name, &scenario.run_with(agent).unwrap());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/golden.txt");
    if std::env::var_os("CCP_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        found, expected,
        "look at the difference; if it is meant, bless it with CCP_BLESS=1"
    );
}

fn scenarios() -> [(&'static str, Scenario); 3] {
    let sec = Duration::from_secs;
    let changing = Link::new(Rate::mbit(24), 30 * MS)
        .queue(QueueLimit::Bdp(1.5))
        .losing(Loss::burst(0.005, 3.0))
        .jitter(2 * MS)
        .reordering(0.001, 8 * MS)
        .change(Change::at(sec(3)).rate(Rate::mbit(11)))
        .change(Change::at(sec(5)).rtt(70 * MS).loss(Loss::Random(0.002)))
        .change(Change::at(sec(7)).rate(Rate::mbit(30)).rtt(15 * MS));
    let mut odd = Flow::default().pacing(Pacing::Off);
    odd.mss = 536;
    let flows = [
        Flow::default(),
        Flow::default().extra_rtt(25 * MS).start(500 * MS).stop(sec(8)),
        Flow::default().source(Source::Bytes(2_345_678)).start(sec(1)),
        Flow::default().source(Source::Steady(Rate::mbit(2))),
        Flow::default().source(Source::Chunks { bytes: 150_000, every: 700 * MS }),
        Flow::default().source(Source::OnOff { on: 300 * MS, off: 900 * MS }),
        Flow::asking_for("fixed_rate"),
        odd.receive_window(40_000),
    ];
    let mut everything = Scenario::new(changing)
        .flows(flows)
        .cross(Cross::new(Rate::mbit(3)).packet(700).on_off(400 * MS, 600 * MS))
        .ipc_delay(Duration::from_micros(130))
        .ipc_loss(0.01)
        .outage(sec(4), Some(4600 * MS))
        .measure_from(200 * MS)
        .seed(7);
    everything.time = sec(10);

    let marking = Link::new(Rate::mbit(40), 20 * MS).aqm(Aqm::codel());
    let marked = vec![Flow::default().ecn(); 3].into_iter().chain([Flow::default()]);
    let marked = Scenario::new(marking).flows(marked).seed(8);

    let verizon = include_str!("../traces/Verizon-LTE-short.down");
    let trace = Trace::parse("Verizon-LTE-short.down", verizon).unwrap();
    let cellular = Link::with_trace(trace, 40 * MS).queue(QueueLimit::Bytes(150_000));
    let cellular = Scenario::new(cellular).flows(vec![Flow::default(); 2]).seed(9);
    [("everything", everything), ("marking", marked), ("cellular", cellular)]
}

/// Whole numbers in words, and the series as one number.
fn write(text: &mut String, name: &str, results: &Results) {
    let link = &results.link;
    writeln!(
        text,
        "{name}: {} offered, {} lost, {} dropped, {} marked, {} sent; queue {:?} mean, {:?} p95; {} reports, {} updates",
        link.offered,
        link.lost,
        link.dropped,
        link.marked,
        link.sent,
        results.queue_mean,
        results.queue_p95,
        results.agent.reports,
        results.agent.updates,
    )
    .unwrap();
    for (number, flow) in results.flows.iter().enumerate() {
        let mut series = Fnv::default();
        for sample in &flow.samples {
            series.add(sample.at.as_nanos());
            series.add(sample.cwnd.into());
            series.add(sample.pacing.into());
            series.add(sample.delivery_rate.into());
            series.add(sample.in_flight.into());
            series.add(sample.rtt.as_nanos());
            series.add(sample.acked.into());
            series.add(sample.queued as u128);
        }
        writeln!(
            text,
            "  flow {number}: {} bytes, {} losses, {} spurious, {} undone, {} retransmits, {} duplicates, {} timeouts, {} probes; done after {:?}; {} samples, {:016x}",
            flow.wire_bytes,
            flow.losses,
            flow.spurious,
            flow.undone,
            flow.retransmits,
            flow.duplicates,
            flow.timeouts,
            flow.probes,
            flow.completed,
            flow.samples.len(),
            series.0,
        )
        .unwrap();
    }
}

/// FNV-1a over the numbers' bytes: any change changes it.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, number: u128) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
