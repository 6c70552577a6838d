//! BBR version 1, as the Linux kernel runs it.
//!
//! The per-round half is a plain state machine, [`Bbr`]: it is fed with what the datapath saw ([`Seen`]) and answers with
//! [`Orders`]. The per-ACK half is the datapath program `bbr.ccp`: the pulse of PROBE_BW, the window's growth toward
//! its target, packet conservation, the rounds, and the wait in PROBE_RTT. [`BbrAlg`] joins the two.
//!
//! | rule | name in `tcp_bbr.c` | value |
//! | --- | --- | --- |
//! | gain of STARTUP | `bbr_high_gain` | 739/256 |
//! | pacing gain of DRAIN | `bbr_drain_gain` | 88/256 |
//! | window's gain in PROBE_BW | `bbr_cwnd_gain` | 2 |
//! | pulse of PROBE_BW | `bbr_pacing_gain` | 5/4, 3/4, six times 1 |
//! | start of the cycle | `bbr_cycle_rand` | any phase but 3/4 |
//! | bandwidth filter | `bbr_bw_rtts` | 10 rounds |
//! | RTprop filter | `bbr_min_rtt_win_sec` | 10 s |
//! | time in PROBE_RTT | `bbr_probe_rtt_mode_ms` | 200 ms |
//! | full pipe | `bbr_full_bw_thresh`, `bbr_full_bw_cnt` | growth under 25 % in 3 rounds |
//! | pacing margin | `bbr_pacing_margin_percent` | 1 % |
//! | least window | `bbr_cwnd_min_target` | 4 segments |
//! | policer | `bbr_lt_*` | `policer.rs` |
//! | ACK aggregation | `bbr_extra_acked_*` | `aggregation.rs` |
//!
//! [`Config`] holds what can be set of it.
//!
//! All arithmetic is on integers. Where it differs from the kernel: the maximum over rounds is exact instead of three
//! samples of it; a sample counts for the round that its report ends; a round with any sample that the application
//! held back does not count toward the full pipe, nor for the policer; an ACK that a receiver held back is not told
//! from others when the RTprop filter is renewed. What was sent in PROBE_RTT and just after it is told
//! apart by rounds, not by packets. A phase that an ACK ends is paced by from the next ACK on; what is in
//! flight is taken as it is, not as it will be when the next packet may leave.
//!
//! A datapath that has only the first fifteen primitives never says that it repairs losses. There the program infers
//! it: a loss begins a repair, which ends when what was in flight then has been delivered or lost, and goes on while
//! more is lost; a timeout, when as much has been delivered as the window held. The transport's own word may come later,
//! since a retransmission may still be under way: the window from before then comes back a little sooner. Rates there
//! stay below what 32 bits hold.

mod agent;
mod aggregation;
mod config;
mod filter;
mod model;
mod policer;
mod program;

pub use agent::{BbrAlg, BbrFlow};
pub use aggregation::Excess;
pub use config::{Config, Gain, Margin, ParseValueError, StartPhase};
pub(crate) use config::{GAINS, MARGINS, PHASES};
pub use filter::{MaxOverRounds, MinOverTime};
pub use model::{Bbr, Mode, Orders, Seen};
pub use policer::{Interval, Policer, Verdict};
#[cfg(test)]
pub(crate) use program::PROGRAM;

/// Gains are in 1/256 (`BBR_UNIT`).
pub const UNIT: u64 = 256;

#[cfg(test)]
mod tests;
