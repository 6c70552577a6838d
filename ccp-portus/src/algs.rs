//! Helpers for the binaries of algorithms.

use crate::ipc::{BackendBuilder, Mode, unix};
use crate::{CongAlg, Error, Result, RunBuilder};

/// Whether a command line's word names a transport. Only `unix` can be started so far.
///
/// # Errors
/// A message for the user that lists the names.
pub fn ipc_valid(v: String) -> std::result::Result<(), String> {
    if NAMES.contains(&v.as_str()) {
        return Ok(());
    }
    Err(format!("{v:?} is no ipc: choose one of {}", NAMES.join(", ")))
}

/// Runs one algorithm until the process ends; what [`start!`](crate::start) comes down to.
#[doc(hidden)]
pub fn __start<M: Mode, A>(ipc: &str, alg: A, bind_to: &str) -> Result<()>
where
    A: CongAlg<unix::Socket<M>>,
{
    match ipc {
        "unix" => {
            let sock = unix::Socket::<M>::new(bind_to)?;
            RunBuilder::new(BackendBuilder { sock }).default_alg(alg).run()
        }
        other => {
            ipc_valid(other.into()).map_err(Error)?;
            Err(Error(format!("the transport {other:?} does not exist yet; use \"unix\"")))
        }
    }
}

/// Runs one algorithm until the process ends.
///
/// The arguments are the transport as a `&str` (`"unix"`), the algorithm, then optionally
/// [`Blocking`](crate::ipc::Blocking), the default, or [`Nonblocking`](crate::ipc::Nonblocking),
/// and after that the name of the agent's socket, `"portus"` by default. The value is a
/// [`Result`]: an error when the socket cannot be had, a program does not compile,
/// or the transport is another one.
///
/// ```no_run
/// # use std::collections::HashMap;
/// # use ccp_portus::{CongAlg, Datapath, DatapathInfo, Flow, Report, ipc::Ipc};
/// # struct Alg;
/// # impl<I: Ipc> CongAlg<I> for Alg {
/// #     type Flow = Self;
/// #     fn name() -> &'static str { "alg" }
/// #     fn datapath_programs(&self) -> HashMap<&'static str, String> { HashMap::new() }
/// #     fn new_flow(&self, _: Datapath<I>, _: DatapathInfo) -> Self { Alg }
/// # }
/// # impl Flow for Alg { fn on_report(&mut self, _: u32, _: Report) {} }
/// use ccp_portus::ipc::Nonblocking;
/// ccp_portus::start!("unix", Alg)?;
/// ccp_portus::start!("unix", Alg, Nonblocking)?;
/// ccp_portus::start!("unix", Alg, Nonblocking, "portus-2")?;
/// # Ok::<(), ccp_portus::Error>(())
/// ```
#[macro_export]
macro_rules! start {
    ($ipc:expr, $alg:expr) => {
        $crate::start!($ipc, $alg, $crate::ipc::Blocking)
    };
    ($ipc:expr, $alg:expr, $blk:ty) => {
        $crate::start!($ipc, $alg, $blk, "portus")
    };
    ($ipc:expr, $alg:expr, $blk:ty, $bindaddr:expr) => {
        $crate::algs::__start::<$blk, _>($ipc, $alg, $bindaddr)
    };
}

#[cfg(target_os = "linux")]
const NAMES: &[&str] = &["unix", "netlink", "char"];
#[cfg(not(target_os = "linux"))]
const NAMES: &[&str] = &["unix"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_transports_are_valid() {
        assert_eq!(ipc_valid("unix".into()), Ok(()));
        assert_eq!(ipc_valid("netlink".into()).is_ok(), cfg!(target_os = "linux"));
        assert!(ipc_valid("tcp".into()).unwrap_err().contains("unix"));
    }
}
