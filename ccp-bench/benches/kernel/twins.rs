//! Each algorithm beside the kernel's of the same name, on one link.

use std::time::Duration;

use ccp_bench::netlab::{Lab, Path};

use crate::agent::Agent;
use crate::hosts::Hosts;
use crate::{Outcome, median};

/// 48 Mbit/s, 20 ms, drop-tail with one BDP; each run on a path of its own.
pub(crate) fn run(quick: bool) -> Outcome<()> {
    let (rounds, seconds) = if quick { (1, 2) } else { (3, 15) };
    println!("| twins | throughput, Mbit/s | | mean queue, ms | | sent again | |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    println!("| | kernel | ours | kernel | ours | kernel | ours |");
    for (theirs, ours) in [("reno", "reno"), ("cubic", "cubic:linux"), ("bbr", "bbr")] {
        let agent = Agent::of(ours, "rtt", Duration::ZERO)?;
        let mut seen: [[Vec<f64>; 3]; 2] = Default::default();
        for _ in 0..rounds {
            for (seen, name) in seen.iter_mut().zip([theirs, &agent.name]) {
                let lab = Lab::new(Path::default())?;
                let hosts = Hosts::lab(&lab)?;
                let time = Duration::from_secs(seconds);
                let ran = hosts.bulk(name, 1, Duration::ZERO, time, || {})?;
                let wait = lab.finish().mean_wait().as_secs_f64() * 1e3;
                let values = [ran.rate / 1e6, wait, ran.again as f64];
                for (seen, value) in seen.iter_mut().zip(values) {
                    seen.push(value);
                }
            }
        }
        let [theirs_seen, ours_seen] = seen.map(|seen| seen.map(median));
        print!("| {theirs} |");
        for (theirs, ours) in theirs_seen.into_iter().zip(ours_seen) {
            print!(" {theirs:.1} | {ours:.1} |");
        }
        println!();
    }
    Ok(())
}
