//! What an ACK costs: dispatch and program, as the kernel counts it.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use ccp_ebpf::sys;

use crate::agent::{Agent, SPINS};
use crate::hand::{BBR, CUBIC, Hand, RENO};
use crate::hosts::Hosts;
use crate::{Outcome, median};

/// One flow on a loopback with Ethernet's segments. An agent spins while its program is measured: what
/// waking it costs is not the program's. Round trips are short here, so reports are many; how many is
/// told beside.
pub(crate) fn run(quick: bool) -> Outcome<()> {
    let (rounds, time) = if quick { (1, 200) } else { (9, 400) };
    let hosts = Hosts::loopback(1500)?;
    let by_hand = [
        Hand::register("reno", &RENO)?,
        Hand::register("cubic", &CUBIC)?,
        Hand::register("bbr", &BBR)?,
    ];
    let _counting = sys::enable_stats()?;
    let mut by_hand_costs: [Vec<f64>; 3] = Default::default();
    let mut ours: [Vec<f64>; 5] = Default::default();
    let mut reports: [Vec<f64>; 5] = Default::default();
    for _ in 0..rounds {
        for (costs, hand) in by_hand_costs.iter_mut().zip(&by_hand) {
            let ran = cost(&hosts, &hand.name, hand.cong_control.as_fd(), time, || 0)?;
            costs.extend(ran.map(|(nanos, _)| nanos));
        }
        for (at, (costs, reports)) in ours.iter_mut().zip(&mut reports).enumerate() {
            let agent = match at {
                0 => Agent::of("reno", "10ms", SPINS)?,
                1 => Agent::of("cubic:linux", "10ms", SPINS)?,
                2 => Agent::of("bbr", "10ms", SPINS)?,
                3 => Agent::per_ack()?,
                _ => Agent::bare()?,
            };
            let count = || agent.reports();
            let ran = cost(&hosts, &agent.name, agent.cong_control.as_fd(), time, count)?;
            costs.extend(ran.map(|(nanos, _)| nanos));
            reports.extend(ran.map(|(_, reports)| reports));
        }
    }
    println!("| cost of an ACK, ns, counting included | by hand | ours | ratio | reports an ACK |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let by_hand = by_hand_costs.into_iter().map(|costs| Some(median(costs))).chain([None, None]);
    let names =
        ["reno", "cubic", "bbr", "six fields reported on each ACK", "a program of one line"];
    for (name, (by_hand, (ours, reports))) in
        names.into_iter().zip(by_hand.zip(ours.into_iter().zip(reports)))
    {
        let (ours, reports) = (median(ours), median(reports));
        match by_hand {
            Some(hand) => {
                println!("| {name} | {hand:.0} | {ours:.0} | {:.2} | {reports:.3} |", ours / hand);
            }
            None => println!("| {name} | | {ours:.0} | | {reports:.3} |"),
        }
    }
    Ok(())
}

/// Mean nanoseconds of a run of the program during a transfer, and how many reports came of a run;
/// nothing if it never ran.
fn cost(
    hosts: &Hosts,
    name: &str,
    program: BorrowedFd<'_>,
    time: u64,
    reports: impl Fn() -> u64,
) -> Outcome<Option<(f64, f64)>> {
    let mut seen = Vec::new();
    let look = || seen.push((sys::prog_stats(program), reports()));
    hosts.bulk(name, 1, Duration::from_millis(100), Duration::from_millis(time), look)?;
    let [(first, reports), (last, reports_then)] =
        <[_; 2]>::try_from(seen).map_err(|_| "looked twice")?;
    let (first, last) = (first?, last?);
    let runs = last.runs - first.runs;
    let nanos = last.run_time_ns - first.run_time_ns;
    let of_a_run = |count: u64| count as f64 / runs as f64;
    Ok((runs > 0).then(|| (of_a_run(nanos), of_a_run(reports_then - reports))))
}
