//! The loop in one piece: CUBIC, compiler, codec, channel, runtime stepped by hand, datapath, sender, bottleneck.

use std::time::Duration;

use ccp_algs::CubicAlg;
use ccp_runtime::RunBuilder;
use ccp_sim::{Governor, Link, Rate, Scenario, Sim};

#[test]
fn cubic_in_the_agent_governs_a_simulated_sender() {
    let link = Link::new(Rate::mbit(48), Duration::from_millis(20));
    let mut sim = Sim::new(&Scenario::new(link)).unwrap();
    sim.start_agent(|backend| RunBuilder::new(backend).default_alg(CubicAlg::default()).build())
        .unwrap();
    sim.run_until(Duration::from_secs(10)).unwrap();
    assert!(sim.conserves_packets());
    assert_eq!(sim.governor(0), Some(Governor::Agent));

    let results = sim.results();
    let last = results.flows[0].samples.last().unwrap();
    let threshold = last.ssthresh.expect("the program has told of it");
    assert!((10 * 1448..200 * 1448).contains(&threshold), "{last:?}");
    assert!(results.utilisation > 0.9, "{results:?}");
    assert!(results.agent.reports > 100 && results.agent.updates > 100, "{:?}", results.agent);
    assert_eq!((results.agent.refused, results.agent.traps, results.agent.fallbacks), (0, 0, 0));
}
