#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod acks;
#[cfg(target_os = "linux")]
pub mod netlab;
