//! Whatever the scenario: packets are conserved after every event, and nothing depends on anything but the scenario.

mod common;

use std::time::Duration;

use ccp_runtime::RunBuilder;
use ccp_sim::{Flow, Link, QueueLimit, Rate, Scenario, Sim, Source};
use common::FixedWindow;
use proptest::prelude::*;

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Unlimited),
        (0u64..200_000).prop_map(Source::Bytes),
        (100_000u64..50_000_000).prop_map(|bits| Source::Steady(Rate::bits(bits))),
    ]
}

prop_compose! {
    fn flow()(
        source in source(),
        start in 0u64..500,
        stop in proptest::option::of(0u64..1000),
        mss in 1u32..9000,
        init_cwnd in 0u32..50,
        receive_window in proptest::option::of(0u64..100_000),
        extra_rtt in 0u64..50,
    ) -> Flow {
        let mut flow = Flow::default().source(source).start(Duration::from_millis(start)).init_cwnd(init_cwnd);
        flow.mss = mss;
        flow.stop = stop.map(Duration::from_millis);
        flow.receive_window = receive_window.unwrap_or(u64::MAX);
        flow.extra_rtt = Duration::from_millis(extra_rtt);
        flow
    }
}

prop_compose! {
    fn scenario()(
        rate in 100_000u64..100_000_000,
        rtt in 0u64..100,
        queue in prop_oneof![
            (0usize..50).prop_map(QueueLimit::Packets),
            (0.0..3.0).prop_map(QueueLimit::Bdp),
            Just(QueueLimit::Unlimited),
        ],
        loss in prop_oneof![Just(0.0), 0.0..0.2, Just(1.0)],
        flows in proptest::collection::vec(flow(), 1..4),
        seed: u64,
        ipc_us in 0u64..100_000,
    ) -> Scenario {
        let link = Link::new(Rate::bits(rate), Duration::from_millis(rtt)).queue(queue).loss(loss);
        Scenario::new(link)
            .flows(flows)
            .seed(seed)
            .time(Duration::from_secs(1))
            .ipc_delay(Duration::from_micros(ipc_us))
    }
}

fn run(scenario: &Scenario, window: u64) -> Result<Sim, TestCaseError> {
    let mut sim = Sim::new(scenario).map_err(|error| TestCaseError::fail(error.to_string()))?;
    sim.start_agent(|backend| {
        RunBuilder::new(backend)
            .default_alg(FixedWindow(window))
            .build()
    })
    .map_err(|error| TestCaseError::fail(error.to_string()))?;
    // In a build with assertions it checks after every event by itself.
    sim.run_until(scenario.time)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    Ok(sim)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packets_are_conserved_and_the_same_scenario_gives_the_same_results(scenario in scenario(), window in 1u64..200) {
        let sim = run(&scenario, window)?;
        prop_assert!(sim.conserves_packets());
        let results = sim.results();
        prop_assert!(results.utilisation <= 1.0 + 1e-9);
        prop_assert_eq!(results.link.lost, results.flows.iter().map(|flow| flow.lost).sum::<u64>());
        prop_assert_eq!(results.link.dropped, results.flows.iter().map(|flow| flow.dropped).sum::<u64>());
        prop_assert_eq!(&results, &run(&scenario, window)?.results());
    }
}
