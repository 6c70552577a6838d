//! Reno on one link in virtual time: what `cargo xtask demo` shows beside its real transfer.
//!
//! `cargo run -p ccp-algs --example virtual_link -- --rate 24mbit --rtt 20ms --queue 40p --time 5s`
//!
//! The table is the same in every run and on every machine.

use std::process::ExitCode;
use std::time::Duration;

use ccp_algs::RenoAlg;
use ccp_sim::{Link, QueueLimit, Rate, Results, Scenario};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scenario = match scenario(&arguments) {
        Ok(scenario) => scenario,
        Err(message) => {
            eprintln!("virtual_link: {message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match scenario.run(RenoAlg::default()) {
        Ok(results) => {
            print(&results);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("virtual_link: {error}");
            ExitCode::FAILURE
        }
    }
}

fn scenario(arguments: &[String]) -> Result<Scenario, String> {
    let (mut rate, mut rtt, mut queue, mut time) = (24, 20, 40, 5);
    for pair in arguments.chunks(2) {
        let [flag, value] = pair else {
            return Err(format!("{} needs a value", pair[0]));
        };
        match flag.as_str() {
            "--rate" => rate = number(value, "mbit", 100_000)?,
            "--rtt" => rtt = number(value, "ms", 60_000)?,
            "--queue" => queue = number(value, "p", 1_000_000)?,
            "--time" => time = number(value, "s", 3_600)?,
            _ => return Err(format!("there is no {flag}")),
        }
    }
    let packets = usize::try_from(queue).map_err(|_| "--queue is too large".to_owned())?;
    let link = Link::new(Rate::mbit(rate), Duration::from_millis(rtt));
    let link = link.queue(QueueLimit::Packets(packets));
    Ok(Scenario::new(link).time(Duration::from_secs(time)))
}

/// A whole number from 1 to `most` with its unit, such as `24mbit`.
fn number(text: &str, unit: &str, most: u64) -> Result<u64, String> {
    text.strip_suffix(unit)
        .and_then(|number| number.parse().ok())
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("'{text}' is no whole number from 1 to {most} with the unit {unit}"))
}

fn print(results: &Results) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let flow = &results.flows[0];
    let mean = flow.mean_cwnd(results.time / 5);
    println!("{:<26}{:>10}", "Reno in virtual time", "");
    println!("{:<26}{:>10.3}", "utilisation", results.utilisation);
    println!("{:<26}{:>10.2}", "queueing delay, mean, ms", ms(results.queue_mean));
    println!("{:<26}{:>10.2}", "queueing delay, p95, ms", ms(results.queue_p95));
    println!("{:<26}{:>10.0}", "window, mean, bytes", mean);
    println!("{:<26}{:>10}", "packets dropped", results.link.dropped);
    println!("{:<26}{:>10}", "retransmissions", flow.retransmits);
    println!("{:<26}{:>10}", "reports to the agent", results.agent.reports);
}

const USAGE: &str = "usage: virtual_link [--rate 24mbit] [--rtt 20ms] [--queue 40p] [--time 5s]";
