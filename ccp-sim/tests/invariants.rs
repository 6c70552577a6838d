//! Whatever the scenario: packets are conserved after every event, and nothing depends on anything but the scenario.

mod common;

use std::time::Duration;

use ccp_runtime::RunBuilder;
use ccp_sim::{
    Aqm, Change, Cross, Flow, Link, Loss, Pacing, QueueLimit, Rate, Scenario, Sim, Source, Trace,
};
use common::FixedWindow;
use proptest::prelude::*;

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Unlimited),
        (0u64..200_000).prop_map(Source::Bytes),
        (100_000u64..50_000_000).prop_map(|bits| Source::Steady(Rate::bits(bits))),
        (0u64..100_000, 0u64..300).prop_map(|(bytes, every)| {
            let every = Duration::from_millis(every);
            Source::Chunks { bytes, every }
        }),
        (0u64..200, 0u64..300).prop_map(|(on, off)| {
            let (on, off) = (Duration::from_millis(on), Duration::from_millis(off));
            Source::OnOff { on, off }
        }),
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
        ecn: bool,
        paced: bool,
    ) -> Flow {
        let mut flow = Flow::default().source(source).start(Duration::from_millis(start)).init_cwnd(init_cwnd);
        flow.mss = mss;
        flow.stop = stop.map(Duration::from_millis);
        flow.receive_window = receive_window.unwrap_or(u64::MAX);
        flow.extra_rtt = Duration::from_millis(extra_rtt);
        flow.ecn = ecn;
        flow.pacing = if paced { Pacing::Window } else { Pacing::Off };
        flow
    }
}

fn limit() -> impl Strategy<Value = QueueLimit> {
    prop_oneof![
        (0usize..50).prop_map(QueueLimit::Packets),
        (0u64..100_000).prop_map(QueueLimit::Bytes),
        (0.0..3.0).prop_map(QueueLimit::Bdp),
        Just(QueueLimit::Unlimited),
    ]
}

fn aqm() -> impl Strategy<Value = Aqm> {
    prop_oneof![Just(Aqm::DropTail), Just(Aqm::codel()), limit().prop_map(Aqm::Threshold),]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::None),
        (0.0..0.2).prop_map(Loss::Random),
        Just(Loss::Random(1.0)),
        (0.0..0.2, 1.0..10.0).prop_map(|(part, length)| Loss::burst(part, length)),
        (0u64..100).prop_map(Loss::Every),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let rate = proptest::option::of(100_000u64..100_000_000);
    let rtt = proptest::option::of(0u64..100);
    (0u64..1000, rate, rtt, proptest::option::of(loss())).prop_map(|(at, rate, rtt, loss)| {
        let mut change = Change::at(Duration::from_millis(at));
        change.rate = rate.map(Rate::bits);
        change.rtt = rtt.map(Duration::from_millis);
        change.loss = loss;
        change
    })
}

fn cross() -> impl Strategy<Value = Cross> {
    (100_000u64..50_000_000, 1u32..3000, 0u64..100, 0u64..100).prop_map(
        |(bits, packet, on, off)| {
            let (on, off) = (Duration::from_millis(on), Duration::from_millis(off));
            Cross::new(Rate::bits(bits)).packet(packet).on_off(on, off)
        },
    )
}

prop_compose! {
    fn network()(
        rate in 100_000u64..100_000_000,
        trace in proptest::option::of(proptest::collection::vec(1u32..50, 1..20)),
        rtt in 0u64..100,
        queue in limit(),
        aqm in aqm(),
        loss in loss(),
        jitter in prop_oneof![Just(0), 0u64..30],
        reordering in proptest::option::of((0.0..0.3, 0u64..30)),
        changes in proptest::collection::vec(change(), 0..3),
    ) -> Link {
        let rtt = Duration::from_millis(rtt);
        let mut link = match trace {
            Some(mut times) => {
                times.sort_unstable();
                let lines: String = times.iter().map(|ms| format!("{ms}\n")).collect();
                Link::with_trace(Trace::parse("random", &lines).unwrap(), rtt)
            }
            None => Link::new(Rate::bits(rate), rtt),
        };
        link = link.queue(queue).aqm(aqm).losing(loss).jitter(Duration::from_millis(jitter));
        if let Some((probability, delay)) = reordering {
            link = link.reordering(probability, Duration::from_millis(delay));
        }
        link.changes = changes;
        if link.trace.is_some() {
            link.changes.iter_mut().for_each(|change| change.rate = None);
        }
        link
    }
}

prop_compose! {
    fn scenario()(
        link in network(),
        flows in proptest::collection::vec(flow(), 1..4),
        cross in proptest::collection::vec(cross(), 0..2),
        seed: u64,
        ipc_us in 0u64..100_000,
        ipc_loss in prop_oneof![Just(0.0), 0.0..1.0],
    ) -> Scenario {
        let mut scenario = Scenario::new(link)
            .flows(flows)
            .seed(seed)
            .time(Duration::from_secs(1))
            .ipc_delay(Duration::from_micros(ipc_us))
            .ipc_loss(ipc_loss);
        scenario.cross = cross;
        scenario
    }
}

fn run(scenario: &Scenario, window: u64) -> Result<Sim, TestCaseError> {
    let mut sim = Sim::new(scenario).map_err(|error| TestCaseError::fail(error.to_string()))?;
    sim.start_agent(|backend| RunBuilder::new(backend).default_alg(FixedWindow(window)).build())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    // In a build with assertions it checks after every event by itself.
    sim.run_until(scenario.time).map_err(|error| TestCaseError::fail(error.to_string()))?;
    Ok(sim)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packets_are_conserved_and_the_same_scenario_gives_the_same_results(scenario in scenario(), window in 1u64..200) {
        let sim = run(&scenario, window)?;
        prop_assert!(sim.conserves_packets());
        let results = sim.results();
        // A packet being sent when the rate falls leaves later than it then could.
        prop_assert!(results.utilisation <= 1.0 + 1e-9 || !scenario.link.changes.is_empty());
        let (flows, cross) = (&results.flows, &results.cross);
        let lost = flows.iter().map(|flow| flow.lost).chain(cross.iter().map(|cross| cross.lost));
        prop_assert_eq!(results.link.lost, lost.sum::<u64>());
        let dropped = flows.iter().map(|flow| flow.dropped).chain(cross.iter().map(|cross| cross.dropped));
        prop_assert_eq!(results.link.dropped, dropped.sum::<u64>());
        for flow in flows {
            prop_assert!(flow.spurious <= flow.losses && flow.undone <= flow.spurious);
        }
        prop_assert_eq!(&results, &run(&scenario, window)?.results());
    }
}
