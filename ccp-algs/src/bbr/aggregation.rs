//! How much more is acknowledged at once than the bandwidth explains: what ACK aggregation makes of a path.
//!
//! The datapath measures it with each ACK; here the largest of the last five to ten rounds is kept
//! (`bbr_update_ack_aggregation` of `tcp_bbr.c`).

/// The largest excess of the last rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// Bytes, of the window of rounds before and of the present one.
    before: u64,
    present: u64,
    rounds: u32,
}

impl Excess {
    /// Takes in a report: the largest excess in it, bytes, and whether it ended a round.
    pub fn on_report(&mut self, excess: u64, round: bool) {
        self.present = self.present.max(excess);
        self.rounds += u32::from(round);
        if self.rounds >= WINDOW_ROUNDS {
            *self = Self { before: self.present, ..Self::default() };
        }
    }

    /// Bytes, at most what `bandwidth` (bytes per second) delivers in 100 ms.
    pub fn bytes(&self, bandwidth: u64) -> u64 {
        self.before.max(self.present).min(bandwidth / MAX_PART_OF_SECOND)
    }
}

/// Rounds after which the window of before is forgotten (`bbr_extra_acked_win_rtts`).
const WINDOW_ROUNDS: u32 = 5;

/// 100 ms (`bbr_extra_acked_max_us`).
const MAX_PART_OF_SECOND: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excess_counts_for_five_to_ten_rounds() {
        for begun in 0..5 {
            let mut excess = Excess::default();
            for _ in 0..begun {
                excess.on_report(0, true);
            }
            excess.on_report(9_000, false);
            let mut rounds = 0;
            while excess.bytes(u64::MAX) > 0 {
                excess.on_report(0, true);
                rounds += 1;
            }
            assert_eq!(rounds, 10 - begun);
        }
    }

    #[test]
    fn it_is_at_most_a_hundred_milliseconds_of_bandwidth() {
        let mut excess = Excess::default();
        excess.on_report(9_000, false);
        assert_eq!(excess.bytes(1_000_000), 9_000);
        assert_eq!(excess.bytes(50_000), 5_000);
    }
}
