//! Datapath programs written by hand in Rust, as one would write them without a machine: fields of a struct, the
//! conditions as branches, and checked arithmetic where a program's would end it.
//!
//! Each does what its program does for a datapath with the first fifteen primitives, errors of arithmetic included: the
//! tests hold them against the machine.

mod bbr;
mod fold;
mod window;

pub use bbr::Bbr;
use ccp_lang::{INFINITY, Primitive, Primitives, TrapKind};
pub use fold::Fold;
pub use window::{HyStart, Window};

/// A congestion control's part for each ACK.
pub trait ByHand {
    /// What the agent sets. Says whether there is such a value.
    fn set(&mut self, name: &str, value: u64) -> bool;

    /// Begins at a time, before the first ACK.
    fn begin(&mut self, now: u64);

    /// Handles one ACK, with the window and rate in use, and hands over a report when it is time for one.
    fn on_ack(
        &mut self,
        ack: &Primitives,
        now: u64,
        cwnd: u64,
        rate: u64,
        report: impl FnOnce(&[u64]),
    ) -> Done;
}

/// What an ACK led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The window to use, in bytes; none after an error.
    pub cwnd: Option<u64>,
    /// The rate to use, in bytes per second; none after an error.
    pub rate: Option<u64>,
    /// A report was handed over.
    pub reported: bool,
    /// What ended it.
    pub trap: Option<TrapKind>,
}

impl Done {
    fn new(cwnd: u64, rate: u64, reported: bool) -> Self {
        let some = |value: u64| (value != 0).then_some(value);
        Self { cwnd: some(cwnd), rate: some(rate), reported, trap: None }
    }
}

impl From<TrapKind> for Done {
    fn from(trap: TrapKind) -> Self {
        Self { trap: Some(trap), ..Self::default() }
    }
}

/// The time of a flow, which never goes back, and the start of an interval.
#[derive(Clone, Copy, Default)]
struct Clock {
    now: u64,
    zero: u64,
}

impl Clock {
    fn begin(now: u64) -> Self {
        Self { now, zero: now }
    }

    /// Microseconds since the start.
    fn read(&mut self, now: u64) -> u64 {
        self.now = self.now.max(now);
        self.now - self.zero
    }

    fn restart(&mut self) {
        self.zero = self.now;
    }
}

/// Microseconds; [`INFINITY`] when there is no sample.
#[inline(always)]
fn rtt_sample(ack: &Primitives) -> u64 {
    match ack.get(Primitive::FlowRttSampleUs) {
        0 => INFINITY,
        sample => sample,
    }
}

#[inline(always)]
fn add(a: u64, b: u64) -> Result<u64, TrapKind> {
    a.checked_add(b).ok_or(TrapKind::AddOverflow)
}

#[inline(always)]
fn mul(a: u64, b: u64) -> Result<u64, TrapKind> {
    a.checked_mul(b).ok_or(TrapKind::MulOverflow)
}

#[inline(always)]
fn div(a: u64, b: u64) -> Result<u64, TrapKind> {
    a.checked_div(b).ok_or(TrapKind::DivByZero)
}

/// The weighted mean of old and new, a tenth at a time; the first value is taken whole.
#[inline(always)]
fn ewma(tenths: u64, old: u64, new: u64) -> u64 {
    match old {
        0 => new,
        old => tenths.wrapping_mul(old).wrapping_add((10 - tenths).wrapping_mul(new)) / 10,
    }
}
