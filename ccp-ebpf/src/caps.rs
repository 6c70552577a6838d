//! Gives up the capabilities that an agent no longer needs once its datapath is started.

use std::fmt;
use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

/// What this thread, and those that it starts from now on, may still do to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept(CapabilitySet);

/// Gives up all capabilities of this thread but those of a running agent: CAP_BPF and CAP_PERFMON, with
/// which it installs programs, and CAP_NET_ADMIN where the default algorithm is set back at the end.
/// What is not held now is not held afterwards. Nothing that is executed later gets any back.
///
/// Capabilities are a thread's own: this must be called while there is one thread.
///
/// # Errors
/// What the system refuses.
pub fn give_up(set_default: bool) -> io::Result<Kept> {
    let mut needed = CapabilitySet::BPF | CapabilitySet::PERFMON;
    if set_default {
        needed |= CapabilitySet::NET_ADMIN;
    }
    set_no_new_privs(true)?;
    let held = capabilities(None)?;
    let kept = held.effective & needed;
    // The ambient set follows: it is never more than both of these.
    let sets = CapabilitySets {
        effective: kept,
        permitted: held.permitted & needed,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets)?;
    Ok(Kept(kept))
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, _)) in self.0.iter_names().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}CAP_{name}")?;
        }
        if self.0.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_is_gone_and_nothing_is_gained() {
        // A thread of its own, whose end is the end of it.
        std::thread::spawn(|| {
            let before = capabilities(None).unwrap();
            let kept = give_up(false).unwrap();
            let after = capabilities(None).unwrap();
            let most = CapabilitySet::BPF | CapabilitySet::PERFMON;
            assert_eq!(after.effective, before.effective & most);
            assert_eq!(after.permitted, before.permitted & most);
            assert!(after.inheritable.is_empty());
            assert_eq!(kept, Kept(after.effective));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn what_is_kept_is_told_by_name() {
        let kept = |set| Kept(set).to_string();
        assert_eq!(kept(CapabilitySet::BPF | CapabilitySet::NET_ADMIN), "CAP_NET_ADMIN,CAP_BPF");
        assert_eq!(kept(CapabilitySet::empty()), "none");
    }
}
