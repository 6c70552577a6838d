//! Scenarios as files.

#![cfg(feature = "toml")]

use std::error::Error as _;
use std::time::Duration;

use ccp_sim::{
    Aqm, Change, Cross, Flow, Link, Loss, Pacing, QueueLimit, Rate, Scenario, Source, Trace,
};

const MS: Duration = Duration::from_millis(1);

fn read(text: &str) -> Result<Scenario, String> {
    let load = |name: &str| match name {
        "two.up" => Ok("1\n1\n"),
        "bad.up" => Ok("x"),
        _ => Err("there is no such file"),
    };
    Scenario::from_toml(text, |name| load(name).map(str::to_owned)).map_err(|error| {
        let source = error.source().map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    })
}

#[test]
fn the_least_is_a_link() {
    let scenario = read("[link]\nrate = \"48mbit\"\nrtt = \"20ms\"").unwrap();
    assert_eq!(scenario, Scenario::new(Link::new(Rate::mbit(48), 20 * MS)));
}

#[test]
fn everything_has_its_place() {
    let scenario = read(
        r#"
        time = "30s"
        measure-from = "5s"
        seed = 7
        sample-every = "0"
        watch = ["phase"]
        ipc-delay = "1ms"
        ipc-loss = 0.01
        libccp = true

        [link]
        trace = "two.up"
        rtt = "20ms"
        queue = "120kB"
        aqm = { threshold = "20p" }
        loss = { part = 0.01, mean-length = 5 }
        jitter = "2ms"
        reordering = { probability = 0.1, delay = "3ms" }

        [[link.change]]
        at = "10s"
        rtt = "40ms"
        loss = 0.0

        [[flow]]
        alg = "cubic"
        count = 2

        [[flow]]
        start = "1s"
        stop = "20s"
        mss = 1400
        overhead = 40
        init-cwnd = 4
        receive-window = "1MB"
        extra-rtt = "10ms"
        pacing = "window"
        ecn = true
        source = { chunks = { bytes = "250kB", every = "500ms" } }

        [[cross]]
        rate = "5mbit"
        packet = 200
        on-off = ["1s", "2s"]

        [[outage]]
        from = "8s"
        until = "9s"
        "#,
    )
    .unwrap();
    let link = Link::with_trace(Trace::parse("two.up", "1\n1\n").unwrap(), 20 * MS)
        .queue(QueueLimit::Bytes(120_000))
        .aqm(Aqm::Threshold(QueueLimit::Packets(20)))
        .losing(Loss::burst(0.01, 5.0))
        .jitter(2 * MS)
        .reordering(0.1, 3 * MS)
        .change(Change::at(10_000 * MS).rtt(40 * MS).loss(Loss::Random(0.0)));
    let mut other = Flow::default()
        .source(Source::Chunks { bytes: 250_000, every: 500 * MS })
        .start(1000 * MS)
        .stop(20_000 * MS)
        .init_cwnd(4)
        .receive_window(1_000_000)
        .extra_rtt(10 * MS)
        .pacing(Pacing::Window)
        .ecn();
    (other.mss, other.overhead) = (1400, 40);
    let cross = Cross::new(Rate::mbit(5)).packet(200).on_off(1000 * MS, 2000 * MS);
    let expected = Scenario::new(link)
        .flows([Flow::asking_for("cubic"), Flow::asking_for("cubic"), other])
        .time(30_000 * MS)
        .measure_from(5000 * MS)
        .seed(7)
        .sample_every(Duration::ZERO)
        .watch(["phase"])
        .ipc_delay(MS)
        .ipc_loss(0.01)
        .libccp()
        .cross(cross)
        .outage(8000 * MS, Some(9000 * MS));
    assert_eq!(scenario, expected);
    let text = expected.to_toml().unwrap();
    assert_eq!(read(&text).unwrap(), expected, "{text}");
}

#[test]
fn what_is_written_is_read_the_same() {
    let link = |link: Link| Scenario::new(link);
    let plain = || Link::new(Rate::bits(12_345), 20 * MS);
    let flow = |source| link(plain()).flows([Flow::default().source(source)]);
    let (on, off) = (MS, 2 * MS);
    for scenario in [
        link(plain().aqm(Aqm::codel()).queue(QueueLimit::Unlimited)),
        link(plain().loss(0.1).queue(QueueLimit::Bdp(0.25))),
        link(plain().losing(Loss::Every(7)).change(Change::at(MS).loss(Loss::Every(3)))),
        link(plain().losing(Loss::burst(0.1, 3.0)).change(Change::at(MS).rate(Rate::mbit(1)))),
        link(plain()).outage(MS, None),
        flow(Source::Bytes(123)),
        flow(Source::Steady(Rate::mbit(4))),
        flow(Source::OnOff { on, off }),
    ] {
        let text = scenario.to_toml().unwrap();
        assert_eq!(read(&text).unwrap(), scenario, "{text}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let link = "[link]\nrate = \"48mbit\"\nrtt = ";
    let error = |rest: &str| read(&format!("{link}{rest}")).unwrap_err();
    let unit = error("\"20\"");
    assert!(unit.contains("line 3"), "{unit}");
    assert!(unit.contains("'20' is no time; one is written like 10ms, 1.5s or 25us"), "{unit}");
    let number = error("20");
    assert!(number.contains("a time in quotes, with its unit"), "{number}");
    let unknown = error("\"20ms\"\nspeed = 3");
    assert!(unknown.contains("line 4") && unknown.contains("unknown field `speed`"), "{unknown}");
    let aqm = error("\"20ms\"\naqm = \"red\"");
    assert!(aqm.contains("\"codel\""), "{aqm}");
    let both = error("\"20ms\"\ntrace = \"two.up\"");
    assert!(both.starts_with("a link has either a rate or a trace"), "{both}");
    let trace =
        |name: &str| read(&format!("[link]\nrtt = \"1ms\"\ntrace = \"{name}\"")).unwrap_err();
    assert_eq!(trace("no.up"), "the trace no.up cannot be loaded: there is no such file");
    assert_eq!(
        trace("bad.up"),
        "bad.up is no trace: line 1 of the trace is 'x', no number of milliseconds"
    );
}
