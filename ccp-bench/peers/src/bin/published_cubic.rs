//! The registry's Cubic for portus 0.7, unchanged, on our agent: `generic_cong_avoid`'s own arguments and
//! its way to start.

use generic_cong_avoid::{Alg, cubic::Cubic, make_args};

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let (alg, ipc): (Alg<Cubic>, String) = make_args("CCP Cubic")?;
    portus_0_7::start!(ipc.as_str(), alg).map_err(|e| anyhow::anyhow!("{e:?}"))
}
