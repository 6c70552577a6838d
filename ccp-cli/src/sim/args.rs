//! The flags of `ccp sim`.

use std::path::PathBuf;
use std::time::Duration;

use ccp_sim::{Aqm, QueueLimit, Rate, units};

use super::flows::{FlowList, FlowsFlag};

#[derive(Debug, clap::Args)]
pub(crate) struct Sim {
    /// The flows that share the link, by their algorithms; each may be written as in --flows:
    /// `cubic,hystart=off`, `bbr*2@5s`. With --scenario one ALG at most: for flows that name none.
    #[arg(value_name = "ALG")]
    pub(crate) algorithms: Vec<FlowList>,
    /// Rate and round-trip time of the link, such as 96mbit,20ms. With --trace the time
    /// alone will do: 20ms.
    /// [default: 48mbit,20ms]
    #[arg(long, value_name = "RATE,RTT", value_parser = parse_link)]
    pub(crate) link: Option<LinkFlag>,
    /// What the link's queue holds: packets (80p), bytes (120kB), bandwidth-delay products (1bdp)
    /// or `unlimited`. [default: 1bdp]
    #[arg(long, value_name = "SIZE")]
    pub(crate) queue: Option<QueueLimit>,
    /// A recorded link in mahimahi's format in place of the rate.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// The part of the packets that is lost at random: 0.01 or 1%.
    #[arg(long, value_name = "P", value_parser = parse_probability)]
    pub(crate) loss: Option<f64>,
    /// Mark packets instead of dropping them early. The link marks as --aqm says, by CoDel unless
    /// that is given.
    #[arg(long)]
    pub(crate) ecn: bool,
    /// What the link does before its queue is full: `codel`, or mark from so much on (`20p`, `30kB`).
    #[arg(long, value_name = "codel|SIZE", value_parser = parse_aqm)]
    pub(crate) aqm: Option<Aqm>,
    /// How long it runs, in its own time. [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) time: Option<Duration>,
    /// From when on the table counts. [default: 0]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub(crate) measure_from: Option<Duration>,
    /// What everything random is drawn from: the same seed, the same results. [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The flows, in place of ALG: `ALG[*COUNT][@START[-STOP]][+EXTRA_RTT],...`, such as
    /// `cubic*2,bbr@5s-20s,reno,beta=0.7+30ms`; or how many there are, which take the ALGs in turn.
    #[arg(long, value_name = "FLOWS|COUNT")]
    pub(crate) flows: Option<FlowsFlag>,
    /// A scenario file (TOML) in place of the flags for link and flows.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["link", "queue", "trace", "loss", "ecn", "aqm", "flows"]
    )]
    pub(crate) scenario: Option<PathBuf>,
    /// Print a JSON object for each flow instead of the table.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print the flows as CSV instead of the table.
    #[arg(long)]
    pub(crate) csv: bool,
    /// Write a page with tables and plots: one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write flows and link over time, as JSON Lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) series: Option<PathBuf>,
    /// Record every datagram between agent and datapath with its time, for `ccp replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// How far apart the points of --series and --html are. [default: 10ms]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) sample_every: Option<Duration>,
    /// Say nothing of the progress.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `--link`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkFlag {
    /// `None`: a trace gives it.
    pub(crate) rate: Option<Rate>,
    pub(crate) rtt: Duration,
}

fn parse_link(text: &str) -> Result<LinkFlag, String> {
    let (rate, rtt) = match text.split_once(',') {
        Some((rate, rtt)) => (Some(rate.parse::<Rate>().map_err(|e| e.to_string())?), rtt),
        None if text.parse::<Rate>().is_ok() => {
            return Err(format!("the round-trip time is missing: {text},20ms"));
        }
        None => (None, text),
    };
    let rtt = units::duration(rtt).map_err(|e| e.to_string())?;
    if rtt > LONGEST {
        return Err(format!("a round trip takes at most {}", units::duration_text(LONGEST)));
    }
    Ok(LinkFlag { rate, rtt })
}

fn parse_probability(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let probability = number.parse::<f64>().map(|number| number / scale).ok();
    probability
        .filter(|probability| (0.0..=1.0).contains(probability))
        .ok_or_else(|| format!("'{text}' is no probability; one is written like 0.01 or 1%"))
}

fn parse_aqm(text: &str) -> Result<Aqm, String> {
    match text {
        "codel" => Ok(Aqm::codel()),
        _ => text.parse().map(Aqm::Threshold).map_err(|_| {
            format!("'{text}' is neither codel nor a size; one is written like 20p, 30kB or 0.5bdp")
        }),
    }
}

/// A time that is not 0.
fn parse_time(text: &str) -> Result<Duration, String> {
    let time = units::duration(text).map_err(|e| e.to_string())?;
    if time.is_zero() { Err("a time longer than 0 is needed".to_owned()) } else { Ok(time) }
}

/// A round trip longer than this is a slip of the unit.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_rate_and_a_time_or_the_time_alone() {
        let link = |rate, ms| Ok(LinkFlag { rate, rtt: Duration::from_millis(ms) });
        assert_eq!(parse_link("96mbit,20ms"), link(Some(Rate::mbit(96)), 20));
        assert_eq!(parse_link("20ms"), link(None, 20));
        assert!(parse_link("96,20ms").unwrap_err().contains("'96' is no rate"));
        assert!(parse_link("96mbit").unwrap_err().contains("missing: 96mbit,20ms"));
        assert!(parse_link("96").unwrap_err().contains("'96' is no time"));
        assert!(parse_link("96mbit,20m").unwrap_err().contains("at most 60s"));
    }

    #[test]
    fn a_probability_is_a_part_or_per_cent() {
        assert_eq!(parse_probability("0.01"), Ok(0.01));
        assert_eq!(parse_probability("1%"), Ok(0.01));
        for wrong in ["", "1.5", "-1%", "nan", "x", "101%"] {
            assert!(parse_probability(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_queue_marks_by_codel_or_from_a_size_on() {
        assert_eq!(parse_aqm("codel"), Ok(Aqm::codel()));
        assert_eq!(parse_aqm("20p"), Ok(Aqm::Threshold(QueueLimit::Packets(20))));
        assert!(parse_aqm("red").is_err());
    }
}
