//! Which plots a run has: of the link, of the flows side by side, and of each flow.

use super::plot::{Chart, Frame, LOOKS, Lane, Lanes, Line, Look, Shown};
use super::scale::Quantity;
use super::thin::{self, Point, Spans};
use crate::sim::series::{FlowPoint, FlowSeries, LinkPoint, Run};

/// How many flows have their own line in a plot of all; of more, the range is drawn.
const MOST_LINES: usize = LOOKS;

/// How many parts a run is cut into where rates are taken from counts.
const PARTS: u64 = 400;

/// What the link carried.
pub(super) fn link_rate<'a>(run: &Run, id: &str) -> Chart<'a> {
    let sent: Vec<(u64, u64)> = run.link.iter().map(|point| (point.at_us, point.sent)).collect();
    let mut lines = Vec::new();
    if run.scenario.rate_is_fixed {
        let rate = run.scenario.rate as f64;
        lines.push(reference("the link's rate", rate, run));
    }
    let points = rates(&sent, part_us(run));
    lines.push(Line { name: "sent", points, look: Look::Nth(0) });
    let quantity = Quantity::BitRate;
    Chart { id: format!("{id}-rate"), title: "Rate", of: "the link", quantity, lines }
}

/// What waited at the link.
pub(super) fn queue<'a>(run: &Run, id: &str) -> Chart<'a> {
    let points = over(&run.link, |point| point.at_us, |point| Some(point.queue_packets));
    let mut lines = vec![Line { name: "waiting", points, look: Look::Nth(0) }];
    if let Some(room) = run.scenario.queue_packets {
        lines.insert(0, reference("room", room as f64, run));
    }
    let quantity = Quantity::Packets;
    Chart { id: format!("{id}-queue"), title: "Queue", of: "the link", quantity, lines }
}

/// What became of packets at the link.
pub(super) fn link_losses<'a>(run: &Run, id: &str) -> Lanes<'a> {
    let end = seconds(run.scenario.time_us);
    let lane = |name: &str, count: fn(&LinkPoint) -> u64| {
        let readings: Vec<(f64, u64)> =
            run.link.iter().map(|point| (seconds(point.at_us), count(point))).collect();
        Lane { name: name.to_owned(), what: Shown::Bars(thin::bars(&readings, end)) }
    };
    let mut lanes = vec![lane("dropped by the queue", |point| point.drops)];
    let last = run.link.last();
    if last.is_some_and(|point| point.lost > 0) {
        lanes.push(lane("lost before the queue", |point| point.lost));
    }
    if last.is_some_and(|point| point.marks > 0) {
        lanes.push(lane("marked (ECN)", |point| point.marks));
    }
    Lanes { id: format!("{id}-losses"), title: "Losses", of: "the link", lanes }
}

/// What reached each flow's receiver.
pub(super) fn goodputs<'a>(run: &'a Run, id: &str) -> Chart<'a> {
    let part = part_us(run);
    let goodput = |flow: &FlowSeries| {
        let acked: Vec<(u64, u64)> =
            flow.points.iter().map(|point| (point.at_us, point.acked)).collect();
        rates(&acked, part)
    };
    let lines = side_by_side(run, goodput);
    let quantity = Quantity::BitRate;
    Chart { id: format!("{id}-goodput"), title: "Goodput", of: "the flows", quantity, lines }
}

/// Each flow's window.
pub(super) fn windows<'a>(run: &'a Run, id: &str) -> Chart<'a> {
    let lines = side_by_side(run, |flow| values(flow, |point| Some(point.cwnd)));
    let quantity = Quantity::Bytes;
    Chart { id: format!("{id}-windows"), title: "Windows", of: "the flows", quantity, lines }
}

/// One flow's window, and what is limited by it.
pub(super) fn window<'a>(flow: &'a FlowSeries, id: &str) -> Chart<'a> {
    let lines = vec![
        Line {
            name: "in flight",
            points: values(flow, |point| Some(point.in_flight)),
            look: Look::Area,
        },
        Line {
            name: "ssthresh",
            points: values(flow, |point| point.ssthresh),
            look: Look::Loose(1),
        },
        Line { name: "window", points: values(flow, |point| Some(point.cwnd)), look: Look::Nth(0) },
    ];
    let quantity = Quantity::Bytes;
    Chart { id: format!("{id}-window"), title: "Window", of: &flow.label, quantity, lines }
}

/// One flow's rates.
pub(super) fn flow_rates<'a>(run: &Run, flow: &'a FlowSeries, id: &str) -> Chart<'a> {
    let rate = |value: fn(&FlowPoint) -> Option<u64>| values(flow, value);
    let mut lines = vec![
        Line { name: "pacing", points: rate(|point| point.pacing_rate), look: Look::Loose(1) },
        Line { name: "delivery", points: rate(|point| point.delivery_rate), look: Look::Nth(0) },
    ];
    if run.scenario.rate_is_fixed {
        lines.insert(0, reference("the link's rate", run.scenario.rate as f64, run));
    }
    let quantity = Quantity::BitRate;
    Chart { id: format!("{id}-rates"), title: "Rates", of: &flow.label, quantity, lines }
}

/// One flow's round-trip times.
pub(super) fn round_trips<'a>(run: &Run, flow: &'a FlowSeries, id: &str) -> Chart<'a> {
    let rtt = |value: fn(&FlowPoint) -> Option<u64>| {
        over(&flow.points, |point| point.at_us, value)
            .into_iter()
            .map(|(time, micros)| (time, micros / 1e6))
            .collect()
    };
    let mut lines = vec![
        Line { name: "measured", points: rtt(|point| point.rtt_us), look: Look::Nth(0) },
        Line { name: "smoothed", points: rtt(|point| point.srtt_us), look: Look::Nth(1) },
    ];
    if run.scenario.rtt_us > 0 {
        lines.insert(0, reference("empty path", seconds(run.scenario.rtt_us), run));
    }
    let quantity = Quantity::Seconds;
    Chart { id: format!("{id}-rtt"), title: "Round-trip time", of: &flow.label, quantity, lines }
}

/// What one flow was doing: the algorithm's states, the sender's repairs, losses.
pub(super) fn states<'a>(flow: &'a FlowSeries, id: &str, frame: Frame) -> Lanes<'a> {
    let mut lanes: Vec<Lane> = Vec::new();
    let mut states: Vec<&'static str> = Vec::new();
    for state in flow.points.iter().filter_map(|point| point.state) {
        if !states.contains(&state) && states.len() < MOST_STATES {
            states.push(state);
        }
    }
    let mut span = |name: String, is: &dyn Fn(&FlowPoint) -> bool, always: bool| {
        let spans = spans(flow, frame, is);
        if always || spans.times > 0 {
            lanes.push(Lane { name, what: Shown::Spans(spans) });
        }
    };
    for state in states {
        span(state.to_owned(), &|point| point.state == Some(state), true);
    }
    span("slowed by a mark".to_owned(), &|point| point.recovery == "reducing", false);
    span("repairing losses".to_owned(), &|point| point.recovery == "repairing", true);
    span("after a timeout".to_owned(), &|point| point.recovery == "restarting", false);
    span("left to the datapath".to_owned(), &|point| point.governor == "datapath", false);
    let bars = |count: fn(&FlowPoint) -> u64| {
        let readings: Vec<(f64, u64)> =
            flow.points.iter().map(|point| (seconds(point.at_us), count(point))).collect();
        Shown::Bars(thin::bars(&readings, frame.end))
    };
    lanes.push(Lane { name: "taken to be lost".to_owned(), what: bars(|point| point.losses) });
    lanes.push(Lane { name: "sent again".to_owned(), what: bars(|point| point.retransmits) });
    Lanes { id: format!("{id}-states"), title: "State and losses", of: &flow.label, lanes }
}

/// The lines of all flows, or, of many, their range.
fn side_by_side<'a>(run: &'a Run, points: impl Fn(&FlowSeries) -> Vec<Point>) -> Vec<Line<'a>> {
    if run.flows.len() <= MOST_LINES {
        let lines = run.flows.iter().enumerate().map(|(place, flow)| Line {
            name: &flow.label,
            points: points(flow),
            look: Look::Nth(place),
        });
        return lines.collect();
    }
    // All values of one part of the run: those at equal times, but for flows that are out of step.
    let part = seconds(part_us(run));
    let mut parts: Vec<Vec<f64>> = Vec::new();
    for (time, value) in run.flows.iter().flat_map(points).filter(|(_, value)| value.is_finite()) {
        let place = ((time / part) as usize).min(2 * PARTS as usize);
        if parts.len() <= place {
            parts.resize(place + 1, Vec::new());
        }
        parts[place].push(value);
    }
    parts.iter_mut().for_each(|values| values.sort_by(f64::total_cmp));
    let range = |pick: fn(&[f64]) -> Option<&f64>| {
        let values = parts.iter().enumerate();
        let values = values
            .filter_map(|(place, values)| Some(((place as f64 + 0.5) * part, *pick(values)?)));
        values.collect()
    };
    vec![
        Line { name: "highest", points: range(<[f64]>::last), look: Look::Nth(2) },
        Line { name: "lowest", points: range(<[f64]>::first), look: Look::Nth(1) },
        Line {
            name: "median",
            points: range(|values| values.get(values.len() / 2)),
            look: Look::Nth(0),
        },
    ]
}

/// A line that stays where it is throughout.
fn reference<'a>(name: &'a str, value: f64, run: &Run) -> Line<'a> {
    let points = vec![(0.0, value), (seconds(run.scenario.time_us), value)];
    Line { name, points, look: Look::Reference }
}

/// What was counted, as rates in bits per second over parts of at least `part_us`.
fn rates(counted: &[(u64, u64)], part_us: u64) -> Vec<Point> {
    let Some(&(mut from, mut before)) = counted.first() else { return Vec::new() };
    let mut points = Vec::new();
    for &(at, bytes) in counted {
        let took = at.saturating_sub(from);
        if took < part_us.max(1) {
            continue;
        }
        let rate = bytes.saturating_sub(before) as f64 * 8.0 / seconds(took);
        points.push((seconds(from) + seconds(took) / 2.0, rate));
        (from, before) = (at, bytes);
    }
    points
}

/// How long a part is over which a rate is taken: at least a round trip, or bursts hide the rate.
fn part_us(run: &Run) -> u64 {
    let scenario = &run.scenario;
    (scenario.time_us / PARTS).max(scenario.sample_every_us).max(scenario.rtt_us).max(1)
}

fn values(flow: &FlowSeries, value: impl Fn(&FlowPoint) -> Option<u64>) -> Vec<Point> {
    over(&flow.points, |point| point.at_us, value)
}

/// A value over time; where there is none is a gap.
fn over<P>(
    points: &[P],
    at_us: impl Fn(&P) -> u64,
    value: impl Fn(&P) -> Option<u64>,
) -> Vec<Point> {
    let value = |point| value(point).map_or(f64::NAN, |value| value as f64);
    points.iter().map(|point| (seconds(at_us(point)), value(point))).collect()
}

/// When something was so, from each point until the next.
fn spans(flow: &FlowSeries, frame: Frame, is: &dyn Fn(&FlowPoint) -> bool) -> Spans {
    let mut times: Vec<(f64, f64)> = Vec::new();
    let mut was = false;
    for point in &flow.points {
        let (at, now) = (seconds(point.at_us), is(point));
        if was && let Some(last) = times.last_mut() {
            last.1 = at;
        }
        if now && !was {
            times.push((at, at));
        }
        was = now;
    }
    let (first, last) = (flow.points.first(), flow.points.last());
    let whole = match (first, last) {
        (Some(first), Some(last)) => seconds(last.at_us.saturating_sub(first.at_us)),
        _ => 0.0,
    };
    thin::spans(&times, frame.end, whole, frame.columns)
}

pub(super) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// No algorithm has more states; whoever writes one that has still gets a page.
const MOST_STATES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame { end: 4.0, columns: 600 };

    fn flow(states: &[&'static str]) -> FlowSeries {
        let points = states.iter().zip(0..).map(|(state, at)| FlowPoint {
            at_us: at * 1_000_000,
            state: Some(state),
            recovery: "open",
            governor: "agent",
            ..FlowPoint::default()
        });
        FlowSeries { label: "x".to_owned(), points: points.collect() }
    }

    #[test]
    fn rates_are_taken_over_whole_parts() {
        let counted =
            [(0, 0), (500_000, 1), (1_000_000, 1_000), (2_000_000, 1_000), (2_100_000, 9)];
        assert_eq!(rates(&counted, 1_000_000), [(0.5, 8_000.0), (1.5, 0.0)]);
        assert_eq!(rates(&[], 1), []);
        assert_eq!(rates(&[(5, 5), (5, 6)], 0), []);
    }

    #[test]
    fn a_state_lasts_until_the_next_sample() {
        let flow = flow(&["a", "a", "b", "a", "a"]);
        let found = spans(&flow, FRAME, &|point| point.state == Some("a"));
        assert_eq!((found.times, found.share), (2, 0.75));
        assert_eq!(found.path, "M0 0h600v20h-600zM900 0h300v20h-300z");
    }

    #[test]
    fn each_state_has_a_lane_in_order_of_appearance() {
        let names: Vec<String> = states(&flow(&["b", "a", "b"]), "p", FRAME)
            .lanes
            .into_iter()
            .map(|lane| lane.name)
            .collect();
        assert_eq!(names, ["b", "a", "repairing losses", "taken to be lost", "sent again"]);
    }

    #[test]
    fn many_flows_are_drawn_as_their_range() {
        let mut run = Run::default();
        run.scenario.time_us = 400_000_000;
        run.flows = (1..=9)
            .map(|window| {
                let points = (0..10).map(|at| FlowPoint {
                    at_us: at * 1_000_000,
                    cwnd: window * 1_000,
                    ..FlowPoint::default()
                });
                FlowSeries { label: window.to_string(), points: points.collect() }
            })
            .collect();
        let lines = windows(&run, "p").lines;
        let found: Vec<(&str, Point)> =
            lines.iter().map(|line| (line.name, line.points[3])).collect();
        assert_eq!(
            found,
            [("highest", (3.5, 9_000.0)), ("lowest", (3.5, 1_000.0)), ("median", (3.5, 5_000.0))]
        );
        run.flows.pop();
        assert_eq!(windows(&run, "p").lines.len(), 8);
    }
}
