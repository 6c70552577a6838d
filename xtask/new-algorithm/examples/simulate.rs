//! Twenty seconds on a link of 24 Mbit/s and 20 ms, in virtual time; then the window, twice a second.

use std::time::Duration;

use ccp_sim::{Link, QueueLimit, Rate, Scenario, SimError};

fn main() -> Result<(), SimError> {
    let link = Link::new(Rate::mbit(24), Duration::from_millis(20)).queue(QueueLimit::Packets(40));
    let results = Scenario::new(link).time(Duration::from_secs(20)).run(CRATE::Algorithm)?;
    let flow = &results.flows[0];
    println!("utilisation      {:.3}", results.utilisation);
    println!("mean queue       {:.1} ms", results.queue_mean.as_secs_f64() * 1e3);
    println!("packets dropped  {}", results.link.dropped);
    for sample in flow.samples.iter().step_by(50) {
        println!("{:>5.1} s  {:>6} bytes", sample.at.as_secs_f64(), sample.cwnd);
    }
    Ok(())
}
