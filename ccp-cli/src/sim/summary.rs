//! What came out of a simulation, in the form that is printed, written and drawn.

use std::time::Duration;

use ccp_algs::spec;
use ccp_sim::{
    Aqm, FlowResults, FlowSample, Governor, Link, LinkSample, Loss, Phase, QueueLimit, Rate,
    Results, Scenario, units,
};

use super::plan::{Plan, queue_packets};
use super::series::{FlowPoint, FlowSeries, LinkPoint, Row, Run, ScenarioSummary};

impl Run {
    /// A plan and what came of it.
    pub(crate) fn new(plan: &Plan, results: &Results) -> Self {
        let labels = labels(&plan.algs);
        let flows = || results.flows.iter().zip(&plan.algs).enumerate();
        Self {
            group: String::new(),
            title: together(&plan.algs),
            scenario: scenario(&plan.scenario),
            rows: flows().map(|(place, (flow, alg))| row(place, alg, flow)).collect(),
            total: total(results),
            flows: flows()
                .zip(labels)
                .map(|((place, (flow, _)), label)| FlowSeries {
                    label,
                    points: points(place, flow),
                })
                .collect(),
            link: results.samples.iter().map(link_point).collect(),
        }
    }
}

/// All algorithms in a few words: `cubic + 2 bbr`.
pub(crate) fn together(algs: &[String]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for alg in algs {
        match counts.iter_mut().find(|(known, _)| known == alg) {
            Some((_, count)) => *count += 1,
            None => counts.push((alg, 1)),
        }
    }
    let name = |&(alg, count): &(&str, usize)| match count {
        1 => alg.to_owned(),
        count => format!("{count} {alg}"),
    };
    counts.iter().map(name).collect::<Vec<_>>().join(" + ")
}

/// Each algorithm's name, numbered where there are several of it.
fn labels(algs: &[String]) -> Vec<String> {
    let number = |place: usize, alg: &String| {
        let of = |algs: &[String]| algs.iter().filter(|other| *other == alg).count();
        if of(algs) > 1 { format!("{alg} {}", of(&algs[..=place])) } else { alg.clone() }
    };
    algs.iter().enumerate().map(|(place, alg)| number(place, alg)).collect()
}

fn scenario(scenario: &Scenario) -> ScenarioSummary {
    let link = &scenario.link;
    let mut facts = vec![("link", link_text(link))];
    facts.push(("round trip", units::duration_text(link.rtt)));
    facts.push(("queue", queue_text(link)));
    match link.aqm {
        Aqm::DropTail => {}
        Aqm::Threshold(limit) => facts.push(("marks from", limit.to_text())),
        Aqm::Codel { .. } => facts.push(("early drops or marks", "CoDel".to_owned())),
        _ => {}
    }
    match link.loss {
        Loss::None => {}
        Loss::Random(part) => facts.push(("random loss", per_cent(part))),
        Loss::Burst { enter, leave } => facts.push((
            "bursts of loss",
            format!("{} of packets begin one, {} end it", per_cent(enter), per_cent(leave)),
        )),
        Loss::Every(every) => facts.push(("loss", format!("each {every}th packet"))),
        _ => {}
    }
    if !link.jitter.is_zero() {
        facts.push(("jitter", units::duration_text(link.jitter)));
    }
    if let Some(late) = link.reordering {
        let (part, delay) = (per_cent(late.probability), units::duration_text(late.delay));
        facts.push(("reordering", format!("{part} of packets are {delay} late")));
    }
    if !link.changes.is_empty() {
        facts.push(("changes of the link", link.changes.len().to_string()));
    }
    if !scenario.cross.is_empty() {
        facts.push(("cross traffic", scenario.cross.len().to_string()));
    }
    if !scenario.outages.is_empty() {
        facts.push(("outages of the agent", scenario.outages.len().to_string()));
    }
    if scenario.ipc_loss > 0.0 {
        facts.push(("loss of messages", per_cent(scenario.ipc_loss)));
    }
    facts.push(("time", units::duration_text(scenario.time)));
    if !scenario.measure_from.is_zero() {
        facts.push(("counted from", units::duration_text(scenario.measure_from)));
    }
    facts.push(("seed", scenario.seed.to_string()));
    let is_retimed = link.changes.iter().any(|change| change.rate.is_some());
    ScenarioSummary {
        facts,
        time_us: us(scenario.time),
        measure_from_us: us(scenario.measure_from),
        sample_every_us: us(scenario.sample_every),
        rate: link.rate.as_bits(),
        rate_is_fixed: link.trace.is_none() && !is_retimed,
        rtt_us: us(link.rtt),
        queue_packets: queue_packets(link),
    }
}

fn link_text(link: &Link) -> String {
    let mbit = rate_text(link.rate);
    match &link.trace {
        Some(trace) => format!("{}, {mbit} on average", trace.name()),
        None => mbit,
    }
}

fn rate_text(rate: Rate) -> String {
    let mbit = rate.as_bits() as f64 / 1e6;
    // Two places, but of a slow link all: it must not look as if it stood still.
    let mbit = if mbit < 1.0 { mbit } else { (mbit * 1e2).round() / 1e2 };
    format!("{mbit} Mbit/s")
}

fn queue_text(link: &Link) -> String {
    match (link.queue, queue_packets(link)) {
        (QueueLimit::Bdp(times), Some(packets)) => format!("{times} BDP, {packets} packets"),
        (_, Some(packets)) => format!("{packets} packets"),
        (limit, None) => limit.to_text(),
    }
}

fn per_cent(part: f64) -> String {
    // Enough for any part that people write, and nothing that floating point adds to it.
    format!("{} %", (part * 1e8).round() / 1e6)
}

fn row(place: usize, alg: &str, flow: &FlowResults) -> Row {
    Row {
        flow: Some(place),
        alg: alg.to_owned(),
        throughput: flow.throughput,
        utilisation: flow.utilisation,
        queue_mean_ms: ms(flow.queue_mean),
        queue_p95_ms: ms(flow.queue_p95),
        losses: flow.losses,
        spurious: flow.spurious,
        retransmits: flow.retransmits,
        timeouts: flow.timeouts,
        dropped: flow.dropped,
        lost: flow.lost,
        marked: flow.marked,
        reports: flow.reports,
        updates: None,
        jain: None,
        completed_ms: flow.completed.map(ms),
    }
}

/// The link's row: the sum of its flows where it has no number of its own.
fn total(results: &Results) -> Row {
    let sum = |of: fn(&FlowResults) -> u64| results.flows.iter().map(of).sum();
    let seconds = results.time.as_secs_f64();
    let bits = results.link.sent_bytes as f64 * 8.0;
    Row {
        flow: None,
        alg: "link".to_owned(),
        throughput: if seconds > 0.0 { bits / seconds } else { 0.0 },
        utilisation: results.utilisation,
        queue_mean_ms: ms(results.queue_mean),
        queue_p95_ms: ms(results.queue_p95),
        losses: sum(|flow| flow.losses),
        spurious: sum(|flow| flow.spurious),
        retransmits: sum(|flow| flow.retransmits),
        timeouts: sum(|flow| flow.timeouts),
        dropped: results.link.dropped,
        lost: results.link.lost,
        marked: results.link.marked,
        reports: sum(|flow| flow.reports),
        updates: Some(results.agent.updates),
        jain: Some(results.jain_index()),
        completed_ms: None,
    }
}

fn points(place: usize, flow: &FlowResults) -> Vec<FlowPoint> {
    let samples = flow.samples.iter().enumerate();
    samples.map(|(number, sample)| flow_point(place, sample, flow, number)).collect()
}

fn flow_point(place: usize, sample: &FlowSample, flow: &FlowResults, number: usize) -> FlowPoint {
    let variable = |name: &str| {
        let watched = flow.watched.iter().find(|watched| watched.name == name)?;
        watched.values.get(number).copied().flatten()
    };
    let known = |value: u64| (value > 0).then_some(value);
    let bits = |bytes: u64| known(bytes.saturating_mul(8));
    FlowPoint {
        at_us: us(sample.at),
        flow: place,
        cwnd: sample.cwnd,
        ssthresh: sample.ssthresh,
        pacing_rate: bits(sample.pacing),
        delivery_rate: bits(sample.delivery_rate),
        rtt_us: known(us(sample.rtt)),
        srtt_us: known(us(sample.srtt)),
        in_flight: sample.in_flight,
        acked: sample.acked,
        losses: sample.losses,
        retransmits: sample.retransmits,
        recovery: match sample.phase {
            Phase::Open => "open",
            Phase::Reducing => "reducing",
            Phase::Repairing => "repairing",
            Phase::Restarting => "restarting",
        },
        governor: match sample.governor {
            Governor::Agent => "agent",
            _ => "datapath",
        },
        state: spec::state(sample.cwnd, sample.ssthresh, variable),
    }
}

fn link_point(sample: &LinkSample) -> LinkPoint {
    LinkPoint {
        at_us: us(sample.at),
        queue_packets: sample.queued as u64,
        queue_bytes: sample.queued_bytes,
        sent: sample.sent_bytes,
        drops: sample.dropped,
        lost: sample.lost,
        marks: sample.marked,
    }
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_of_one_algorithm_are_numbered() {
        let algs = ["cubic", "bbr", "cubic"].map(str::to_owned);
        assert_eq!(labels(&algs), ["cubic 1", "bbr", "cubic 2"]);
    }

    #[test]
    fn the_facts_are_as_people_write_them() {
        let link = Link::new(Rate::bits(9_123_456), Duration::from_millis(20)).loss(0.003);
        let facts = scenario(&Scenario::new(link)).facts;
        assert!(facts.contains(&("link", "9.12 Mbit/s".to_owned())), "{facts:?}");
        assert!(facts.contains(&("queue", "1 BDP, 15 packets".to_owned())), "{facts:?}");
        assert!(facts.contains(&("random loss", "0.3 %".to_owned())), "{facts:?}");
        let slow = Link::new(Rate::bits(1500), Duration::ZERO)
            .jitter(Duration::from_millis(3))
            .reordering(0.01, Duration::from_millis(5));
        let agentless = Scenario::new(slow).outage(Duration::ZERO, None).ipc_loss(0.5);
        let facts = scenario(&agentless).facts;
        for fact in [
            ("link", "0.0015 Mbit/s"),
            ("jitter", "3ms"),
            ("reordering", "1 % of packets are 5ms late"),
            ("outages of the agent", "1"),
            ("loss of messages", "50 %"),
        ] {
            assert!(facts.contains(&(fact.0, fact.1.to_owned())), "{fact:?}: {facts:?}");
        }
    }
}
