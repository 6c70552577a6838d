//! Throughput and the agent's processor time, with 1 to 64 bulk flows.

use std::time::Duration;

use crate::agent::Agent;
use crate::hosts::Hosts;
use crate::{Outcome, median};

/// `cubic:linux` beside the kernel's cubic, with a report a round trip.
pub(crate) fn run(quick: bool) -> Outcome<()> {
    let (rounds, time, flows): (_, _, &[usize]) =
        if quick { (1, 300, &[1, 64]) } else { (9, 700, &[1, 2, 4, 16, 64]) };
    let agent = Agent::of("cubic:linux", "rtt", Duration::ZERO)?;
    println!("| bulk | flows | kernel's cubic, Gbit/s | ours | ratio | agent, % of a core |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (place, hosts) in [("loopback", Hosts::loopback(65_536)?), ("veth", Hosts::veth()?)] {
        for &flows in flows {
            let mut rates: [Vec<f64>; 2] = Default::default();
            let mut busy = Vec::new();
            for _ in 0..rounds {
                for (rates, name) in rates.iter_mut().zip(["cubic", &agent.name]) {
                    let mut seen = Vec::new();
                    let look = || seen.push(agent.busy());
                    let warm = Duration::from_millis(300);
                    let ran = hosts.bulk(name, flows, warm, Duration::from_millis(time), look)?;
                    rates.push(ran.rate / 1e9);
                    if let (true, [Ok(first), Ok(last)]) = (name != "cubic", &seen[..]) {
                        let busy_for = last.saturating_sub(*first);
                        busy.push(100.0 * busy_for.as_secs_f64() / ran.time.as_secs_f64());
                    }
                }
            }
            let ratio = median(rates[1].iter().zip(&rates[0]).map(|(ours, theirs)| ours / theirs));
            let [theirs, ours] = rates.map(median);
            let busy = median(busy);
            println!("| {place} | {flows} | {theirs:.1} | {ours:.1} | {ratio:.2} | {busy:.1} |");
        }
    }
    Ok(())
}
