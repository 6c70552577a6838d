//! What a simulation showed over time, as plain values: what `--series` writes and the page draws.
//!
//! Times are whole microseconds since the simulation's start, data is bytes, rates are bits per second. Counts only grow.

use std::io::{self, Write};

use serde::Serialize;

/// One simulation: what it was, what came out, and how it got there.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Run {
    /// What it has in common with those it is compared with; empty: it stands alone.
    pub(crate) group: String,
    /// What it is called on a page that shows several: `cubic and bbr, queue of 1 BDP`.
    pub(crate) title: String,
    /// What was simulated.
    pub(crate) scenario: ScenarioSummary,
    /// A row for each flow, in the order of `flows`.
    pub(crate) rows: Vec<Row>,
    /// The row of the link: all flows together.
    pub(crate) total: Row,
    /// Each flow over time.
    pub(crate) flows: Vec<FlowSeries>,
    /// The link over time.
    pub(crate) link: Vec<LinkPoint>,
}

/// What was simulated.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ScenarioSummary {
    /// What people want to know of it, in order: `("link", "48 Mbit/s")`, `("queue", "80 packets")`.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// How long it ran.
    pub(crate) time_us: u64,
    /// From when on the rows count.
    pub(crate) measure_from_us: u64,
    /// How far apart the points are.
    pub(crate) sample_every_us: u64,
    /// The link's rate: at the start, or a trace's mean. Bits per second.
    pub(crate) rate: u64,
    /// Whether that rate holds throughout: neither a trace nor a change of rate.
    pub(crate) rate_is_fixed: bool,
    /// The round trip of the empty path.
    pub(crate) rtt_us: u64,
    /// What the queue holds, packets; `None`: it is not counted in packets, or has no limit.
    pub(crate) queue_packets: Option<u64>,
}

/// A row of the table: a flow, or the link.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Row {
    /// The flow's place, from 0; `None`: the link.
    pub(crate) flow: Option<usize>,
    /// The algorithm as it was named; `link` for the link.
    pub(crate) alg: String,
    /// Bits per second through the link, headers included.
    pub(crate) throughput: f64,
    /// The part of what the link could carry that is, 0 to 1.
    pub(crate) utilisation: f64,
    /// How long packets waited at the link: mean and 95th percentile, milliseconds.
    pub(crate) queue_mean_ms: f64,
    /// See `queue_mean_ms`.
    pub(crate) queue_p95_ms: f64,
    /// Packets that the sender took to be lost.
    pub(crate) losses: u64,
    /// Of these, packets that arrived after all.
    pub(crate) spurious: u64,
    /// Packets sent again.
    pub(crate) retransmits: u64,
    /// Retransmission timeouts.
    pub(crate) timeouts: u64,
    /// Packets that the queue dropped, and that were lost on the way to it.
    pub(crate) dropped: u64,
    /// See `dropped`.
    pub(crate) lost: u64,
    /// Packets with an ECN mark.
    pub(crate) marked: u64,
    /// Reports to the agent.
    pub(crate) reports: u64,
    /// Updates from the agent; known for all flows together alone.
    pub(crate) updates: Option<u64>,
    /// Jain's index of the flows' throughput; the link's row alone has it.
    pub(crate) jain: Option<f64>,
    /// When all of a finite source was acknowledged, since the flow's start, milliseconds.
    pub(crate) completed_ms: Option<f64>,
}

/// A flow over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct FlowSeries {
    /// What to call it: the algorithm, and a number if there are several of that name.
    pub(crate) label: String,
    /// Its states, from the flow's start to its end.
    pub(crate) points: Vec<FlowPoint>,
}

/// A flow at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct FlowPoint {
    /// When.
    pub(crate) at_us: u64,
    /// The flow's place, from 0.
    pub(crate) flow: usize,
    /// Congestion window.
    pub(crate) cwnd: u64,
    /// Slow start threshold; `None`: there is none (yet).
    pub(crate) ssthresh: Option<u64>,
    /// The rate at which packets are spaced; `None`: they are not.
    pub(crate) pacing_rate: Option<u64>,
    /// The last delivery rate measured; `None` before the first.
    pub(crate) delivery_rate: Option<u64>,
    /// The last round-trip time measured, and the smoothed one; `None` before the first.
    pub(crate) rtt_us: Option<u64>,
    /// See `rtt_us`.
    pub(crate) srtt_us: Option<u64>,
    /// Bytes in flight.
    pub(crate) in_flight: u64,
    /// Data acknowledged so far.
    pub(crate) acked: u64,
    /// Packets taken to be lost so far.
    pub(crate) losses: u64,
    /// Packets sent again so far.
    pub(crate) retransmits: u64,
    /// What the sender repairs: `open` (nothing), `reducing` (after a mark), `repairing` or `restarting` (after a timeout).
    pub(crate) recovery: &'static str,
    /// Who governs the window: `agent` or `datapath`.
    pub(crate) governor: &'static str,
    /// The algorithm's own state, such as `slow start`, `avoidance`, `probe-bw up`; `None`: not known.
    pub(crate) state: Option<&'static str>,
}

/// The link at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct LinkPoint {
    /// When.
    pub(crate) at_us: u64,
    /// Packets waiting, the one being sent included, and their bytes.
    pub(crate) queue_packets: u64,
    /// See `queue_packets`.
    pub(crate) queue_bytes: u64,
    /// Bytes sent so far.
    pub(crate) sent: u64,
    /// Packets that the queue dropped so far.
    pub(crate) drops: u64,
    /// Packets lost on the way to the queue so far.
    pub(crate) lost: u64,
    /// Packets marked so far.
    pub(crate) marks: u64,
}

impl Run {
    /// Writes it as JSON Lines: the scenario, the flows, then all points in the order of time. `docs/simulate.md` says
    /// what is in a line.
    pub(crate) fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = |line: &Line<'_>| {
            serde_json::to_writer(&mut *out, line)?;
            writeln!(out)
        };
        line(&Line::Scenario { title: &self.title, scenario: &self.scenario })?;
        for (row, FlowSeries { label, .. }) in self.rows.iter().zip(&self.flows) {
            line(&Line::Flow { flow: row.flow, alg: &row.alg, label })?;
        }
        let points = self.flows.iter().flat_map(|flow| &flow.points);
        let points = points.map(|point| (point.at_us, Line::FlowPoint(point)));
        let link = self.link.iter().map(|point| (point.at_us, Line::LinkPoint(point)));
        let mut points: Vec<_> = points.chain(link).collect();
        points.sort_by_key(|(at, _)| *at);
        points.iter().try_for_each(|(_, point)| line(point))
    }
}

/// A line of `--series`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line<'a> {
    Scenario {
        title: &'a str,
        #[serde(flatten)]
        scenario: &'a ScenarioSummary,
    },
    Flow {
        flow: Option<usize>,
        alg: &'a str,
        label: &'a str,
    },
    FlowPoint(&'a FlowPoint),
    LinkPoint(&'a LinkPoint),
}
