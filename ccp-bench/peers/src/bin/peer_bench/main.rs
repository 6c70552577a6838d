//! The same work on the peers and on ours, in one run: `cargo xtask bench --peers`.
//!
//! Both sides take turns in short batches, and medians are compared, so that what else the machine
//! does hits both. Prints one table; the figures are those of the machine it runs on.

mod ack;
mod codec;
mod harness;

fn main() {
    time::follow_system();
    let mut rows = codec::rows();
    rows.extend(ack::rows());
    harness::print(&rows);
}
