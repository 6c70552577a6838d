//! The page as a document: what it holds, that it is well formed, and that it stays small.

use super::*;
use crate::sim::series::{FlowPoint, FlowSeries, LinkPoint, Row, ScenarioSummary};

/// A run with samples each 10 ms.
fn run(flows: usize, seconds: u64) -> Run {
    let times = || (0..=seconds * 100).map(|at| at * 10_000);
    // Noise of a kind that no thinning makes small.
    let noise = |at: u64| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 100_000;
    let flow = |place: usize| FlowSeries {
        label: format!("cubic {}", place + 1),
        points: times()
            .map(|at| FlowPoint {
                at_us: at,
                flow: place,
                cwnd: 100_000 + noise(at),
                ssthresh: (at > 1_000_000).then_some(100_000 + noise(at + 1)),
                pacing_rate: Some(48_000_000 + noise(at + 2) * 100),
                delivery_rate: (at > 20_000).then_some(40_000_000 + noise(at + 3) * 100),
                rtt_us: (at > 20_000).then_some(20_000 + noise(at + 4)),
                srtt_us: (at > 20_000).then_some(20_000 + noise(at + 5)),
                in_flight: 90_000 + noise(at + 6),
                acked: at * 6,
                losses: noise(at) / 1_000 + at / 1_000,
                retransmits: at / 1_000,
                recovery: if noise(at) > 90_000 { "repairing" } else { "open" },
                governor: if at < 20_000 { "datapath" } else { "agent" },
                state: Some(if noise(at) > 50_000 { "avoidance" } else { "slow-start" }),
            })
            .collect(),
    };
    let row = |flow: Option<usize>| Row {
        flow,
        alg: "cubic".to_owned(),
        throughput: 47.1e6,
        utilisation: 0.981,
        queue_mean_ms: 12.34,
        queue_p95_ms: 19.9,
        losses: 1_234,
        retransmits: 1_234,
        dropped: 1_234,
        reports: 1_000,
        jain: flow.is_none().then_some(0.993),
        ..Row::default()
    };
    Run {
        group: String::new(),
        title: "cubic, 48 Mbit/s, 20 ms".to_owned(),
        scenario: ScenarioSummary {
            facts: vec![
                ("link", "48 Mbit/s, 20 ms".to_owned()),
                ("queue", "80 packets".to_owned()),
            ],
            time_us: seconds * 1_000_000,
            sample_every_us: 10_000,
            rate: 48_000_000,
            rate_is_fixed: true,
            rtt_us: 20_000,
            queue_packets: Some(80),
            ..ScenarioSummary::default()
        },
        rows: (0..flows).map(|place| row(Some(place))).collect(),
        total: row(None),
        flows: (0..flows).map(flow).collect(),
        link: times()
            .map(|at| LinkPoint {
                at_us: at,
                queue_packets: noise(at) % 81,
                queue_bytes: 0,
                sent: at * 6,
                drops: at / 1_000,
                lost: noise(at) / 1_000 + at / 1_000,
                marks: 0,
            })
            .collect(),
    }
}

/// The parsed page. Its markup is XML but for the name of the document type.
fn parse(page: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(page, options).unwrap()
}

fn classed<'a>(
    document: &'a roxmltree::Document<'a>,
    class: &'a str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'a>> {
    document.descendants().filter(move |node| {
        node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    })
}

fn text(node: roxmltree::Node<'_, '_>) -> String {
    node.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect()
}

#[test]
fn a_run_has_all_its_plots() {
    let page = render(&[run(2, 5)]);
    let document = parse(&page);
    let ids: Vec<&str> =
        classed(&document, "plot").filter_map(|node| node.attribute("id")).collect();
    let of_link =
        ["rate", "queue", "goodput", "windows", "losses"].map(|plot| format!("run-1-{plot}"));
    let of_flows = ["1", "2"].into_iter().flat_map(|flow| {
        ["window", "rates", "rtt", "states"].map(|plot| format!("run-1-flow-{flow}-{plot}"))
    });
    let wanted: Vec<String> = of_link.into_iter().chain(of_flows).collect();
    assert_eq!(ids, wanted);
    for name in [
        "window",
        "ssthresh",
        "in flight",
        "pacing",
        "delivery",
        "measured",
        "smoothed",
        "waiting",
        "sent",
        "slow-start",
        "avoidance",
        "repairing losses",
        "taken to be lost",
        "sent again",
        "dropped by the queue",
        "lost before the queue",
        "left to the datapath",
    ] {
        assert!(page.contains(name), "{name} is not plotted");
    }
}

#[test]
fn each_plot_is_described_and_each_reference_leads_somewhere() {
    let page = render(&[run(2, 5), run(1, 5)]);
    let document = parse(&page);
    let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "an id is given twice");
    let areas: Vec<_> = classed(&document, "area").collect();
    assert_eq!(areas.len(), 5 + 8 + 3 + 4);
    for area in areas {
        assert_eq!(area.attribute("role"), Some("img"));
        for (attribute, tag) in [("aria-labelledby", "title"), ("aria-describedby", "desc")] {
            let target = area.attribute(attribute).unwrap();
            let found = area.children().find(|node| node.attribute("id") == Some(target)).unwrap();
            assert_eq!(found.tag_name().name(), tag);
            assert!(text(found).len() > 5);
        }
    }
    let links = document.descendants().filter_map(|node| node.attribute("href"));
    for link in links.filter_map(|link| link.strip_prefix('#')) {
        assert!(ids.contains(&link), "{link} leads nowhere");
    }
}

#[test]
fn several_runs_have_contents_and_one_has_none() {
    let mut runs = [run(1, 1), run(2, 1), run(1, 1)];
    runs[1].group = "Side by side".to_owned();
    runs[2].group = "Side by side".to_owned();
    let page = render(&runs);
    let document = parse(&page);
    let nav = document
        .descendants()
        .find(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", "nav")));
    let targets: Vec<&str> =
        nav.unwrap().descendants().filter_map(|node| node.attribute("href")).collect();
    assert_eq!(targets, ["#run-1", "#run-2", "#run-3"]);
    let lines: Vec<String> = nav
        .unwrap()
        .descendants()
        .filter(|node| node.tag_name().name() == "li")
        .map(text)
        .collect();
    let title = "cubic, 48 Mbit/s, 20 ms";
    assert_eq!(lines, [title.to_owned(), format!("Side by side: {title}, {title}")]);
    // In the table the second run has a row for each flow besides its own.
    let heads = document.descendants().filter(|node| node.attribute("scope") == Some("row"));
    assert_eq!(heads.map(text).collect::<Vec<_>>(), [title, title, "cubic 1", "cubic 2", title]);
    let groups = document.descendants().filter(|node| node.attribute("scope") == Some("rowgroup"));
    assert_eq!(groups.map(text).collect::<Vec<_>>(), ["Side by side"]);
    assert_eq!(classed(&document, "run").count(), 3);
    assert!(!render(&[run(1, 1)]).contains("<nav"));
}

#[test]
fn the_table_has_the_figures_with_their_units() {
    let page = render(&[run(2, 1)]);
    let document = parse(&page);
    let rows: Vec<String> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "tr")
        .map(|row| row.children().map(text).collect::<Vec<_>>().join("|"))
        .collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(
        rows[0],
        "flow|throughput|utilisation|mean queueing|95th percentile|losses|sent again|dropped|reports|Jain index"
    );
    assert_eq!(
        rows[2].replace(['\u{a0}', '\u{202f}'], " "),
        "cubic 2|47.1 Mbit/s|98.1 %|12.3 ms|19.9 ms|1 234|1 234|1 234|1 000|–"
    );
    assert!(rows[3].ends_with("|0.993"));
}

#[test]
fn text_from_outside_stays_text() {
    let evil = "<script>alert(1)</script>\"'><b>&amp;";
    let mut run = run(2, 1);
    run.title = evil.to_owned();
    run.scenario.facts[0].1 = evil.to_owned();
    run.rows[0].alg = evil.to_owned();
    run.flows[0].label = evil.to_owned();
    for runs in [vec![run.clone()], vec![run.clone(), run]] {
        let page = render(&runs);
        let document = parse(&page);
        let scripts = document.descendants().filter(|node| node.tag_name().name() == "script");
        assert_eq!(scripts.count(), 1);
        let named = document
            .descendants()
            .filter(|node| node.text().is_some_and(|text| text.contains(evil)));
        assert!(named.count() >= 8);
    }
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = render(&[run(2, 1)]);
    let document = parse(&page);
    for node in document.descendants() {
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if ["href", "src", "action", "data", "poster", "srcset"].contains(&name) {
                assert!(value.starts_with('#') || value == "data:,", "{name}={value}");
            }
        }
    }
    for text in ["url(", "@import", "fetch(", "XMLHttp", "import("] {
        assert!(!page.contains(text), "{text}");
    }
}

#[test]
fn a_minute_of_noise_stays_small() {
    let size = render(&[run(1, 60)]).len();
    assert!(size < 250_000, "one flow: {size}");
    let size = render(&[run(2, 60)]).len();
    assert!(size < 400_000, "two flows: {size}");
    let size = render(&[run(8, 60)]).len();
    assert!(size < 1_000_000, "eight flows: {size}");
}

#[test]
fn a_hundred_flows_make_a_page_that_opens() {
    let page = render(&[run(100, 30)]);
    assert!(page.len() < 1_000_000, "{}", page.len());
    let document = parse(&page);
    assert_eq!(classed(&document, "flow").count(), MOST_FLOWS);
    assert!(page.contains("those of the other 76 would make"));
    assert_eq!(document.descendants().filter(|node| node.tag_name().name() == "tr").count(), 102);
}

#[test]
fn a_study_of_many_runs_is_bounded() {
    let one = run(2, 10);
    let runs: Vec<Run> = std::iter::repeat_n(one, 20).collect();
    let size = render(&runs).len();
    assert!(size < 6_000_000, "{size}");
}

#[test]
fn what_is_missing_is_said() {
    parse(&render(&[]));
    assert!(render(&[]).contains("Nothing was simulated."));
    let page = render(&[Run::default()]);
    parse(&page);
    assert!(page.contains("no samples"));
    let mut empty = run(2, 1);
    empty.flows.iter_mut().for_each(|flow| flow.points.clear());
    empty.link.clear();
    let page = render(&[empty]);
    parse(&page);
    assert!(page.matches("no samples").count() >= 8);
}

#[test]
fn a_single_sample_is_drawn() {
    let mut single = run(1, 10);
    single.flows[0].points.truncate(1);
    single.link.truncate(1);
    let page = render(&[single]);
    parse(&page);
    assert!(page.contains("l0 0"));
}

#[test]
fn values_beyond_all_bounds_are_drawn_within_the_plot() {
    let mut wild = run(1, 2);
    let points = &mut wild.flows[0].points;
    points[3].ssthresh = Some(u64::MAX);
    points[4].cwnd = u64::MAX;
    points[5].rtt_us = Some(u64::MAX);
    points[6].at_us = u64::MAX;
    // A counter that falls is not believed.
    points[7].losses = u64::MAX;
    wild.rows[0].throughput = f64::INFINITY;
    wild.rows[0].queue_mean_ms = f64::NAN;
    wild.rows[0].utilisation = f64::NEG_INFINITY;
    wild.total.jain = Some(f64::NAN);
    wild.scenario.rate = u64::MAX;
    let page = render(&[wild]);
    let document = parse(&page);
    for node in document.descendants() {
        if let Some(top) = node.attribute("data-top") {
            let top: f64 = top.parse().unwrap();
            assert!(top > 0.0 && top.is_finite());
        }
        if let Some(path) = node.attribute("d") {
            assert!(
                !path.contains("NaN") && !path.contains("inf") && !path.contains('e'),
                "{path}"
            );
        }
    }
}
