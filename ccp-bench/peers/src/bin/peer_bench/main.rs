//! The same work on the peers and on ours, in one run: `cargo xtask bench --peers`.
//!
//! Both sides take turns in short batches, and medians are compared, so that what else the machine
//! does hits both. Prints one table; the figures are those of the machine it runs on. Arguments choose
//! parts by the words in their names.

mod ack;
mod agent;
mod algs;
mod codec;
mod compile;
mod dumbbell;
mod harness;
mod kernel;
mod loopback;

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some((dumbbell::OURS, arguments)) = wanted.split_first().map(|(a, b)| (a.as_str(), b)) {
        return dumbbell::simulate(arguments);
    }
    time::follow_system();
    let mut rows = Vec::new();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w));
    for (name, part) in PARTS.iter().filter(|(name, _)| is_wanted(name)) {
        eprintln!("peer_bench: {name}");
        rows.extend(part()?);
    }
    harness::print(&rows);
    Ok(())
}

type Part = fn() -> anyhow::Result<Vec<harness::Row>>;

const PARTS: [(&str, Part); 7] = [
    ("codec", codec::rows),
    ("machine", ack::rows),
    ("compiler", compile::rows),
    ("agent over unix sockets", loopback::rows),
    ("agent over channels", agent::rows),
    ("kernel", kernel::rows),
    ("simulator", dumbbell::rows),
];
