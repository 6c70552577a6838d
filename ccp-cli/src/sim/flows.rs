//! Flows on the command line: `cubic*2,bbr@5s-20s,reno,beta=0.7+30ms`.
//!
//! Flows are apart by commas. A part that has a `=` belongs to the algorithm before it, as its parameter.

use std::str::FromStr;
use std::time::Duration;

use ccp_algs::Spec;
use ccp_sim::{Flow, units};

/// A flow and how its algorithm was named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NamedFlow {
    /// What the user wrote, which is a [`Spec`].
    pub(crate) alg: String,
    /// All else about it.
    pub(crate) flow: Flow,
}

/// Some flows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FlowList(pub(crate) Vec<NamedFlow>);

/// `--flows`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FlowsFlag {
    /// So many, of the algorithms named elsewhere.
    Count(usize),
    /// These.
    List(FlowList),
}

impl FromStr for FlowsFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            true => count(text).map(Self::Count),
            false => text.parse().map(Self::List),
        }
    }
}

impl FromStr for FlowList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut flows = Vec::new();
        for item in items(text) {
            flows.extend(flows_of(&item)?);
            if flows.len() > MOST_FLOWS {
                return Err(format!("there are more than {MOST_FLOWS} flows"));
            }
        }
        Ok(Self(flows))
    }
}

/// The flows' texts: parameters stay with their algorithm.
fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for part in text.split(',') {
        match items.last_mut().filter(|_| part.contains('=')) {
            Some(item) => {
                item.push(',');
                item.push_str(part);
            }
            None => items.push(part.to_owned()),
        }
    }
    items
}

/// `ALG[*COUNT][@START[-STOP]][+EXTRA_RTT]`, what follows ALG in any order.
fn flows_of(text: &str) -> Result<Vec<NamedFlow>, String> {
    let mark = |c| matches!(c, '*' | '@' | '+');
    let (alg, mut rest) = text.split_at(text.find(mark).unwrap_or(text.len()));
    alg.parse::<Spec>().map_err(|error| error.to_string())?;
    let (mut flow, mut number) = (Flow::default(), 1);
    let mut seen = Vec::new();
    while let Some(kind) = rest.chars().next() {
        let (value, further) = rest[1..].split_at(rest[1..].find(mark).unwrap_or(rest.len() - 1));
        if seen.contains(&kind) {
            return Err(format!("'{text}' has two of '{kind}'"));
        }
        seen.push(kind);
        match kind {
            '*' => number = count(value)?,
            '+' => flow = flow.extra_rtt(time(value)?),
            _ => {
                let (start, stop) = match value.split_once('-') {
                    Some((start, stop)) => (start, Some(time(stop)?)),
                    None => (value, None),
                };
                let start = time(start)?;
                if stop.is_some_and(|stop| stop <= start) {
                    return Err(format!("'{text}' stops before it starts"));
                }
                flow = flow.start(start);
                flow.stop = stop;
            }
        }
        rest = further;
    }
    Ok(vec![NamedFlow { alg: alg.to_owned(), flow }; number])
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse::<usize>().ok().filter(|count| (1..=MOST_FLOWS).contains(count));
    count.ok_or_else(|| format!("'{text}' is no number of flows from 1 to {MOST_FLOWS}"))
}

fn time(text: &str) -> Result<Duration, String> {
    units::duration(text).map_err(|error| error.to_string())
}

/// As many as a run ends with in some minutes.
const MOST_FLOWS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<NamedFlow> {
        text.parse::<FlowList>().unwrap().0
    }

    fn named(alg: &str, flow: Flow) -> NamedFlow {
        NamedFlow { alg: alg.to_owned(), flow }
    }

    #[test]
    fn flows_have_a_count_a_time_and_a_longer_way() {
        let secs = Duration::from_secs;
        let expected = [
            named("cubic", Flow::default()),
            named("cubic", Flow::default()),
            named("bbr", Flow::default().start(secs(5)).stop(secs(20))),
            named("reno", Flow::default().start(secs(1)).extra_rtt(secs(2))),
        ];
        assert_eq!(read("cubic*2,bbr@5s-20s,reno+2s@1s"), expected);
    }

    #[test]
    fn parameters_stay_with_their_algorithm() {
        let plain = Flow::default;
        let expected = [
            named("cubic:linux,hystart=off,beta=0.8", plain()),
            named("cubic:linux,hystart=off,beta=0.8", plain()),
            named("reno", plain()),
        ];
        assert_eq!(read("cubic:linux,hystart=off,beta=0.8*2,reno"), expected);
    }

    #[test]
    fn a_number_is_a_number_of_flows() {
        assert_eq!("4".parse(), Ok(FlowsFlag::Count(4)));
        assert!("0".parse::<FlowsFlag>().is_err());
        assert!("reno*2".parse::<FlowsFlag>().is_ok());
    }

    #[test]
    fn what_is_no_flow_is_refused() {
        for (text, says) in [
            ("", "there is no algorithm ''"),
            ("rino", "there is no algorithm 'rino'"),
            ("reno,", "there is no algorithm ''"),
            ("reno*", "'' is no number of flows"),
            ("reno*0", "'0' is no number of flows"),
            ("reno*99999999999", "is no number of flows"),
            ("reno*9000,cubic*9000", "more than 10000"),
            ("reno@5", "'5' is no time"),
            ("reno@5s-5s", "stops before it starts"),
            ("reno*2*2", "two of '*'"),
            ("reno,c=1", "reno has no parameter 'c'"),
            ("reno+é", "'é' is no time"),
        ] {
            let error = text.parse::<FlowList>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
