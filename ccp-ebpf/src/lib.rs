#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(target_os = "linux")]
pub mod adopt;
pub mod btf;
#[cfg(target_os = "linux")]
pub mod caps;
#[cfg(target_os = "linux")]
pub mod doctor;
#[cfg(target_os = "linux")]
pub mod engine;
pub mod fixed;
#[cfg(target_os = "linux")]
mod flows;
#[cfg(target_os = "linux")]
mod ipc;
#[cfg(target_os = "linux")]
mod life;
pub mod offsets;
pub mod page;
#[cfg(target_os = "linux")]
mod pin;
#[cfg(target_os = "linux")]
mod programs;
#[cfg(target_os = "linux")]
pub mod ring;
#[cfg(target_os = "linux")]
pub mod rules;
#[cfg(target_os = "linux")]
pub mod stage;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "bpf(2) and memory shared with the kernel")]
pub mod sys;
#[cfg(target_os = "linux")]
pub mod watch;

#[cfg(target_os = "linux")]
pub use engine::{Name, Options};
#[cfg(target_os = "linux")]
pub use ipc::{EbpfSocket, OpenError};
#[cfg(target_os = "linux")]
pub use life::{Adopt, LifeError};
#[cfg(target_os = "linux")]
pub use pin::PinError;
#[cfg(target_os = "linux")]
pub use programs::InstallError;
