//! The kernel's TCP as a transport of `ccp run`.

use anyhow::Context;
use ccp_ebpf::adopt::AdoptError;
use ccp_ebpf::doctor::{Verdict, examine};
use ccp_ebpf::engine::StartError;
use ccp_ebpf::rules::Rules;
use ccp_ebpf::{Adopt, EbpfSocket, LifeError, Name, OpenError, Options, caps};
use tracing::info;

use crate::args::Kernel;
use crate::{Failure, whole};

/// Loads the datapath, and registers `ccp` and one name for each algorithm. Then gives up, for this
/// thread and all that it starts, the capabilities that are not needed any more.
pub(crate) fn open(args: &Kernel, algorithms: &[&str]) -> Result<EbpfSocket, Failure> {
    let mut options = Options::default();
    options.names = Name::for_algorithms(algorithms).map_err(|e| Failure::Usage(e.to_string()))?;
    options.max_flows = args.max_flows;
    options.unprivileged = args.unprivileged;
    options.fallback_after = args.fallback_after;
    options.spin = args.spin;
    options.wake_every = args.wake_every;
    options.rules = rules(args, algorithms)?;
    options.set_default = args.set_default;
    options.adopt = args.adopt.iter().map(|name| adopt(name)).collect();
    options.pin = args.pin.clone();
    let names: Vec<String> = options.names.iter().map(|name| name.name.clone()).collect();
    let socket = EbpfSocket::start(options).map_err(refused)?;
    let kept = caps::give_up(args.set_default).context("capabilities cannot be given up")?;
    let who = if args.unprivileged {
        "every user (--unprivileged)"
    } else {
        "those with CAP_NET_ADMIN; --unprivileged lets every user"
    };
    info!(names = %names.join(","), who, "sockets may choose these algorithms");
    info!(%kept, "all other capabilities are given up");
    Ok(socket)
}

/// Says beside the kernel's word what `ccp doctor` finds missing.
fn refused(error: OpenError) -> Failure {
    match &error {
        OpenError::Start(
            StartError::Setting { .. } | StartError::RingSize { .. } | StartError::Name { .. },
        )
        | OpenError::Life(LifeError::Adopt(AdoptError::Name { .. })) => {
            return Failure::Usage(whole(&error.into()));
        }
        _ => {}
    }
    let mut said = whole(&anyhow::Error::new(error).context("cannot govern this kernel's TCP"));
    for check in examine().into_iter().filter(|check| check.verdict == Verdict::Missing) {
        said.push_str(&format!("\nmissing here: {}: {}; {}", check.name, check.seen, check.remedy));
    }
    Failure::Machine(anyhow::Error::msg(said))
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
