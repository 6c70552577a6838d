//! What an ACK costs: dispatch and program, as the kernel counts it.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use ccp_bench::netlab::{Lab, Path};
use ccp_ebpf::sys;

use crate::agent::{Agent, SPINS};
use crate::hand::{BBR, CUBIC, Hand, RENO};
use crate::hosts::Hosts;
use crate::{Outcome, median};

/// One flow on a loopback with Ethernet's segments, and on a path of 2 ms. An agent spins while its
/// program is measured: what waking it costs is not the program's. On the loopback round trips are
/// short, so reports are many; how many is told beside.
pub(crate) fn run(quick: bool) -> Outcome<()> {
    let by_hand = [
        Hand::register("reno", &RENO)?,
        Hand::register("cubic", &CUBIC)?,
        Hand::register("bbr", &BBR)?,
    ];
    let _counting = sys::enable_stats()?;
    let (rounds, time) = if quick { (1, 200) } else { (9, 400) };
    table("loopback", &by_hand, &Hosts::loopback(1500)?, rounds, time)?;
    let path = Path { rate: 200_000_000, delay: Duration::from_millis(1), ..Path::default() };
    let lab = Lab::new(path)?;
    let (rounds, time) = if quick { (1, 500) } else { (5, 1500) };
    table("200 Mbit/s, 2 ms", &by_hand, &Hosts::lab(&lab)?, rounds, time)
}

fn table(place: &str, by_hand: &[Hand; 3], hosts: &Hosts, rounds: u32, time: u64) -> Outcome<()> {
    let mut by_hand_costs: [Vec<f64>; 3] = Default::default();
    let mut ours: [Vec<f64>; 6] = Default::default();
    let mut reports: [Vec<f64>; 6] = Default::default();
    for _ in 0..rounds {
        for (costs, hand) in by_hand_costs.iter_mut().zip(by_hand) {
            let ran = cost(hosts, &hand.name, hand.cong_control.as_fd(), time, || 0)?;
            costs.extend(ran.map(|(nanos, _)| nanos));
        }
        for (at, (costs, reports)) in ours.iter_mut().zip(&mut reports).enumerate() {
            let agent = match at {
                0 => Agent::of("reno", "10ms", SPINS)?,
                1 => Agent::of("cubic:linux", "10ms", SPINS)?,
                2 => Agent::of("bbr", "10ms", SPINS)?,
                3 => Agent::per_ack()?,
                4 => Agent::bare()?,
                _ => Agent::without_program()?,
            };
            let count = || agent.reports();
            let ran = cost(hosts, &agent.name, agent.cong_control.as_fd(), time, count)?;
            costs.extend(ran.map(|(nanos, _)| nanos));
            reports.extend(ran.map(|(_, reports)| reports));
        }
    }
    println!(
        "| an ACK on {place}, ns, counting included | by hand | ours | ratio | reports an ACK |"
    );
    println!("| --- | ---: | ---: | ---: | ---: |");
    let by_hand = by_hand_costs.into_iter().map(|costs| Some(median(costs))).chain([None; 3]);
    let names = [
        "reno",
        "cubic",
        "bbr",
        "six fields reported on each ACK",
        "a program of one line",
        "the fallback: reno, PRR, pacing",
    ];
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
