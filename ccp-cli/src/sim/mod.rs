//! `ccp sim`: algorithms over a link in virtual time.

#![allow(dead_code, reason = "the command follows")]

pub(crate) mod series;
