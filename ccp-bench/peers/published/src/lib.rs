//! portus as published crates know it, standing on ours.
//!
//! `ccp-portus` has portus 0.9's public shapes under its own name. A crate that a registry already
//! holds cannot be told that name, so this package has the name and version that such a crate asks
//! for; a Cargo patch puts it in place.

pub use ccp_portus::*;
