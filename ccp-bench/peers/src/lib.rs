//! What the programs and tests against the real peers share.
//!
//! The peers are the registry's `portus` 0.9 (agent, compiler, codec) and `libccp` 1.2 (datapath, in
//! C), exactly as published. This package is outside the workspace because they need a C compiler and
//! libclang; nothing in the workspace depends on it.

pub mod drive;
pub mod inprocess;
pub mod link;
pub mod reno;
