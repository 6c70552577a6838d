#![doc = include_str!("../README.md")]

#[global_allocator]
static METER: meter::Meter = meter::Meter;

mod acks;
mod agent;
mod datapath;
mod ebpf;
mod lang;
mod machines;
mod messages;
mod meter;
mod programs;
mod verify;
mod wire;

/// A target: it panics when an input breaks a promise.
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Longer inputs are cut.
    pub max_len: usize,
    /// The most bytes that may be allocated at any time while it runs.
    max_memory: usize,
    run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "agent", max_len: 4096, max_memory: 32 << 20, run: agent::run },
    Target { name: "datapath", max_len: 4096, max_memory: 8 << 20, run: datapath::run },
    Target { name: "ebpf", max_len: 2048, max_memory: 32 << 20, run: ebpf::run },
    Target { name: "lang", max_len: 4096, max_memory: 16 << 20, run: lang::run },
    Target { name: "verify", max_len: 4096, max_memory: 8 << 20, run: verify::run },
    Target { name: "wire", max_len: 2048, max_memory: 1 << 20, run: wire::run },
];

/// Runs a target on an input.
///
/// # Panics
/// When there is no such target, and when a promise is broken: that is a finding.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let bytes = &bytes[..bytes.len().min(target.max_len)];
    let most = meter::most_during(|| (target.run)(bytes));
    assert!(most <= target.max_memory, "{most} bytes of memory for {} of input", bytes.len());
}
