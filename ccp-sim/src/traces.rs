//! Recorded links that come with the crate, in mahimahi's format: texts for [`Trace::parse`](crate::Trace::parse).
//!
//! Each was recorded by the authors of `ccp-project/eval-scripts` and is under the ISC licence, which stands beside it
//! in `traces/LICENSE`.

/// Towards the phone, on a cellular link (LTE).
pub const CELLULAR_DOWN: &str = include_str!("../traces/Verizon-LTE-short.down");

/// From the phone, on the same link.
pub const CELLULAR_UP: &str = include_str!("../traces/Verizon-LTE-short.up");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trace;

    #[test]
    fn the_recordings_are_traces_of_some_megabits() {
        for text in [CELLULAR_DOWN, CELLULAR_UP] {
            let mbit = Trace::parse("cellular", text).unwrap().mean_rate().as_bits() / 1_000_000;
            assert!((1..50).contains(&mbit), "{mbit} Mbit/s");
        }
    }
}
