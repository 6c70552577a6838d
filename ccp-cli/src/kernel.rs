//! The kernel's TCP as a transport of `ccp run`.

use anyhow::Context;
use ccp_ebpf::rules::Rules;
use ccp_ebpf::{Adopt, EbpfSocket, Name, Options};
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
    options.rules = rules(args, algorithms)?;
    options.set_default = args.set_default;
    options.adopt = args.adopt.iter().map(|name| adopt(name)).collect();
    options.pin = args.pin.clone();
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

/// The rules of the command line and then those of the file; each must name an algorithm that runs.
fn rules(args: &Kernel, algorithms: &[&str]) -> Result<Rules, Failure> {
    let mut rules = Rules::default();
    for rule in &args.rule {
        rules.push(rule).map_err(|error| Failure::Usage(format!("--rule: {error}")))?;
    }
    if let Some(path) = &args.rules {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--rules: cannot read {shown}"))?;
        rules
            .push_lines(&text)
            .map_err(|error| Failure::Usage(format!("--rules: {shown}: {error}")))?;
    }
    let unknown = rules.iter().map(|rule| rule.algorithm()).find(|name| !algorithms.contains(name));
    if let Some(name) = unknown {
        let known = algorithms.join(", ");
        return Err(Failure::Usage(format!(
            "a rule chooses '{name}', which does not run here; there are {known}"
        )));
    }
    Ok(rules)
}

fn adopt(name: &str) -> Adopt {
    if name == "all" { Adopt::All } else { Adopt::Named(name.to_owned()) }
}
