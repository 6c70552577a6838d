#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(target_os = "linux")]
pub mod adopt;
pub mod btf;
#[cfg(target_os = "linux")]
pub mod doctor;
#[cfg(target_os = "linux")]
pub mod engine;
pub mod fixed;
pub mod offsets;
pub mod page;
#[cfg(target_os = "linux")]
pub mod rules;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "bpf(2) and memory shared with the kernel")]
pub mod sys;
