//! The kernel's TCP as a transport of `ccp run`.

use anyhow::Context;
use ccp_ebpf::{EbpfSocket, Name, Options};
use tracing::info;

use crate::Failure;
use crate::args::Kernel;

/// Loads the datapath, and registers `ccp` and one name for each algorithm.
pub(crate) fn open(args: &Kernel, algorithms: &[&str]) -> Result<EbpfSocket, Failure> {
    let mut options = Options::default();
    options.names = Name::for_algorithms(algorithms).map_err(|e| Failure::Usage(e.to_string()))?;
    options.max_flows = args.max_flows;
    options.unprivileged = args.unprivileged;
    options.fallback_after = args.fallback_after;
    options.spin = args.spin;
    let names: Vec<String> = options.names.iter().map(|name| name.name.clone()).collect();
    let socket = EbpfSocket::start(options).context("cannot govern this kernel's TCP")?;
    let who = if args.unprivileged {
        "every user (--unprivileged)"
    } else {
        "those with CAP_NET_ADMIN; --unprivileged lets every user"
    };
    info!(names = %names.join(","), who, "sockets may choose these algorithms");
    Ok(socket)
}
