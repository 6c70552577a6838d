//! What an agent does to a machine beyond registering: takes over the flows of one that died, adopts
//! those of other algorithms, makes itself the default. What it changed it changes back.

use std::fs;
use std::io;

use thiserror::Error;
use tracing::{info, warn};

use crate::adopt::{AdoptError, Adopted, Adopter, Pick};
use crate::btf::{Btf, BtfError};
use crate::engine::Options;
use crate::sys::{self, SysError};

/// Whose running flows are moved under the agent when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopt {
    /// Those of the algorithm of this name.
    Named(String),
    /// All that run under another algorithm than ours.
    All,
}

/// What is changed back at the end.
#[derive(Debug, Default)]
pub(crate) struct Life {
    _default: Option<AsDefault>,
}

impl Life {
    /// Does what the options ask for, once the algorithms are registered and somebody listens: each
    /// flow that is moved announces itself.
    pub(crate) fn begin(options: &Options) -> Result<Self, LifeError> {
        let mut moves = Vec::new();
        if options.take_over {
            let own = options.names.iter().map(|name| name.name.as_str());
            moves.extend(own.map(|name| (Pick::Named(name), name)));
        }
        if let Some(first) = options.names.first() {
            moves.extend(options.adopt.iter().map(|adopt| match adopt {
                Adopt::Named(name) => (Pick::Named(name), first.name.as_str()),
                Adopt::All => (Pick::NotBeginning(OURS), first.name.as_str()),
            }));
        }
        if !moves.is_empty() {
            let btf = Btf::parse(sys::kernel_btf()?)?;
            for (pick, to) in moves {
                tell(pick, to, Adopter::new(&btf, pick, to)?.everywhere()?);
            }
        }
        // After the flows: a default that still names a dead agent's algorithm is looked up anew when
        // it is written.
        let name = options.names.first().filter(|_| options.set_default);
        let default = name.map(|name| AsDefault::set(&name.name)).transpose()?;
        Ok(Self { _default: default })
    }
}

fn tell(pick: Pick<'_>, to: &str, adopted: Adopted) {
    let Adopted { moved, refused, namespaces, closed } = adopted;
    if moved + refused > 0 {
        info!(?pick, to, moved, refused, namespaces, "running flows are moved");
    }
    if closed > 0 {
        warn!(closed, "network namespaces cannot be entered; flows there are not moved");
    }
}

/// The default algorithm of this network namespace, ours until this is dropped.
#[derive(Debug)]
struct AsDefault {
    ours: String,
    before: String,
}

impl AsDefault {
    fn set(ours: &str) -> Result<Self, LifeError> {
        let found = read(DEFAULT)?;
        // One that died has left its name there; what was before it nobody knows.
        let before = if found.starts_with(OURS) || found == ours {
            let others = read(AVAILABLE)?;
            let others = || others.split_whitespace().filter(|name| !name.starts_with(OURS));
            let kept = others().find(|&name| name == "cubic").or_else(|| others().next());
            kept.unwrap_or("reno").to_owned()
        } else {
            found
        };
        write(ours)?;
        Ok(Self { ours: ours.to_owned(), before })
    }
}

impl Drop for AsDefault {
    fn drop(&mut self) {
        // What somebody else has set meanwhile stays.
        match read(DEFAULT) {
            Ok(now) if now == self.ours => {
                if let Err(error) = write(&self.before) {
                    warn!(%error, before = self.before, "the default algorithm is not set back");
                }
            }
            _ => {}
        }
    }
}

fn read(path: &'static str) -> Result<String, LifeError> {
    let text = fs::read_to_string(path).map_err(|source| LifeError::Sysctl { path, source })?;
    Ok(text.trim().to_owned())
}

fn write(name: &str) -> Result<(), LifeError> {
    fs::write(DEFAULT, name).map_err(|source| LifeError::Sysctl { path: DEFAULT, source })
}

/// Why an agent cannot do what it was asked for beyond registering.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LifeError {
    /// Flows cannot be moved.
    #[error("running flows cannot be moved")]
    Adopt(#[from] AdoptError),
    /// The kernel's types cannot be read.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] SysError),
    /// The default algorithm cannot be read or set.
    #[error(
        "{path}: setting the default algorithm needs CAP_NET_ADMIN, and outside the first network \
         namespace sockets of every user must be allowed to choose it (--unprivileged)"
    )]
    Sysctl {
        /// Which setting.
        path: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// How the names of the algorithms begin that agents register.
const OURS: &str = "ccp";

const DEFAULT: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
const AVAILABLE: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";
