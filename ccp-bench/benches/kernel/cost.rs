//! What an ACK costs: dispatch and program, as the kernel counts it.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use ccp_ebpf::sys;

use crate::agent::Agent;
use crate::hand::{BBR, CUBIC, Hand, RENO};
use crate::hosts::Hosts;
use crate::{Outcome, median};

/// One flow on a loopback with Ethernet's segments, with reports every 10 ms where not said otherwise:
/// nearly every ACK is one without a report.
pub(crate) fn run(quick: bool) -> Outcome<()> {
    let (rounds, time) = if quick { (1, 200) } else { (9, 400) };
    let hosts = Hosts::loopback(1500)?;
    let by_hand = [
        Hand::register("reno", &RENO)?,
        Hand::register("cubic", &CUBIC)?,
        Hand::register("bbr", &BBR)?,
    ];
    let ours =
        [Agent::of("reno", "10ms")?, Agent::of("cubic:linux", "10ms")?, Agent::of("bbr", "10ms")?];
    let _counting = sys::enable_stats()?;
    let mut costs: [[Vec<f64>; 2]; 3] = Default::default();
    let mut per_ack = Vec::new();
    for _ in 0..rounds {
        for (costs, (hand, agent)) in costs.iter_mut().zip(by_hand.iter().zip(&ours)) {
            for (costs, (name, program)) in costs
                .iter_mut()
                .zip([(&hand.name, &hand.cong_control), (&agent.name, &agent.cong_control)])
            {
                costs.extend(cost(&hosts, name, program.as_fd(), time)?);
            }
        }
        // Only while it is measured: it keeps a processor busy.
        let agent = Agent::per_ack()?;
        per_ack.extend(cost(&hosts, &agent.name, agent.cong_control.as_fd(), time)?);
    }
    println!("| cost of an ACK, ns, counting included | by hand | ours | ratio |");
    println!("| --- | ---: | ---: | ---: |");
    for (name, [hand, ours]) in ["reno", "cubic", "bbr"].into_iter().zip(costs) {
        let (hand, ours) = (median(hand), median(ours));
        println!("| {name} | {hand:.0} | {ours:.0} | {:.2} |", ours / hand);
    }
    println!("| a report of 6 fields on each ACK, agent spinning | | {:.0} | |", median(per_ack));
    Ok(())
}

/// Mean nanoseconds of a run of the program during a transfer; nothing if it never ran.
fn cost(hosts: &Hosts, name: &str, program: BorrowedFd<'_>, time: u64) -> Outcome<Option<f64>> {
    let mut seen = Vec::new();
    let look = || seen.push(sys::prog_stats(program));
    hosts.bulk(name, 1, Duration::from_millis(100), Duration::from_millis(time), look)?;
    let [first, last] = <[_; 2]>::try_from(seen).map_err(|_| "looked twice")?;
    let (first, last) = (first?, last?);
    let runs = last.runs - first.runs;
    Ok((runs > 0).then(|| (last.run_time_ns - first.run_time_ns) as f64 / runs as f64))
}
