//! `ccp ebpf dump`: the code that the kernel would get, readable.

use std::io::Write;

use anyhow::Context;
use ccp_ebpf::btf::Btf;
use ccp_ebpf::fixed::{Fixed, MapFds};
use ccp_ebpf::offsets::{CALLBACKS, Kernel};
use ccp_ebpf::sys;

use crate::Failure;

/// Generates the fixed part for this kernel and prints all of it, or one of its functions. Nothing is
/// loaded: maps are named by the descriptors 1 to 5.
pub(crate) fn dump(function: Option<&str>) -> Result<(), Failure> {
    if let Some(name) = function.filter(|name| !CALLBACKS.contains(name)) {
        let known = CALLBACKS.join(", ");
        return Err(Failure::Usage(format!("there is no function '{name}'; there are {known}")));
    }
    let kernel = read_kernel().map_err(Failure::Machine)?;
    let fixed = Fixed {
        kernel: &kernel,
        maps: MapFds { flows: 1, agent: 2, slots: 3, programs: 4, ring: 5 },
        slot_bits: 12,
        epoch_us: 0,
    };
    let mut out = std::io::stdout().lock();
    for program in fixed.programs("")? {
        if function.is_none_or(|name| name == program.callback) {
            writeln!(out, "{}:\n{}", program.callback, program.code)?;
        }
    }
    Ok(out.flush()?)
}

fn read_kernel() -> anyhow::Result<Kernel> {
    let btf = Btf::parse(sys::kernel_btf()?).context("/sys/kernel/btf/vmlinux")?;
    Kernel::read(&btf).context("this kernel cannot be served")
}
