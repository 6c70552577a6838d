//! When the next packet may leave: never faster than a rate, in bursts of a millisecond's worth.

use core::time::Duration;

use crate::time::Time;

/// Spaces packets. Time in which nothing was sent builds up no credit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pacer {
    /// When the next burst may leave.
    until: Time,
    /// The burst under way: when it began, and how much it holds.
    began: Time,
    gap_ns: u64,
    packets: u32,
    bytes: u64,
    /// Whether the burst may go on.
    open: bool,
}

impl Pacer {
    /// Whether a packet may leave now.
    pub(crate) fn may_send(&self, now: Time) -> bool {
        self.until <= now || (self.open && self.began == now)
    }

    /// When the next one may leave, if not now.
    pub(crate) fn until(&self) -> Time {
        self.until
    }

    /// A packet of `bytes` left now, which takes `gap_ns` at the rate.
    pub(crate) fn on_sent(&mut self, bytes: u32, gap_ns: u64, now: Time) {
        if self.until <= now {
            self.until = now;
            self.began = now;
            (self.gap_ns, self.packets, self.bytes) = (0, 0, 0);
        }
        self.until = self.until + Duration::from_nanos(gap_ns);
        self.gap_ns = self.gap_ns.saturating_add(gap_ns);
        self.packets += 1;
        self.bytes += u64::from(bytes);
        // What a packet like this one would make of the burst.
        let fast = gap_ns.saturating_mul(SLOW) < u64::from(bytes) * 1_000_000_000;
        let least = if fast { 2 } else { 1 };
        let fits = self.gap_ns.saturating_add(gap_ns) <= BURST_NS
            && self.bytes + u64::from(bytes) <= BURST_BYTES
            && self.packets < BURST_PACKETS;
        self.open = fits || self.packets < least;
    }
}

/// What one packet of `bytes` takes at `rate` bytes per second, nanoseconds.
pub(crate) fn gap_at_rate(bytes: u32, rate: u64) -> u64 {
    (u64::from(bytes) * 1_000_000_000).checked_div(rate).unwrap_or(0)
}

/// What one packet of `bytes` takes at Linux's pacing rate for algorithms that set none: 200 % of the window each
/// smoothed RTT while the window is below half of the slow start threshold, else 120 % (`tcp_update_pacing_rate`).
pub(crate) fn gap_of_window(bytes: u32, cwnd: u64, ssthresh: u64, srtt_ns: u64) -> u64 {
    let percent = if cwnd < ssthresh / 2 { SLOW_START_PERCENT } else { AVOIDANCE_PERCENT };
    let hundredfold = u128::from(bytes) * u128::from(srtt_ns) * 100;
    let gap = hundredfold / (u128::from(cwnd.max(1)) * u128::from(percent));
    u64::try_from(gap).unwrap_or(u64::MAX)
}

/// Linux's `tcp_pacing_ss_ratio` and `tcp_pacing_ca_ratio`.
const SLOW_START_PERCENT: u64 = 200;
const AVOIDANCE_PERCENT: u64 = 120;

/// A burst is what the rate sends in 1/1024 s (`sk_pacing_shift`) …
const BURST_NS: u64 = 1_000_000_000 / 1024;

/// … at most 64 KB and 127 packets (BBR's bound on a burst), at least two packets.
const BURST_BYTES: u64 = 65_536;
const BURST_PACKETS: u32 = 127;

/// Bytes per second (1.2 Mbit/s) below which a burst is one packet (`bbr_min_tso_rate`).
const SLOW: u64 = 150_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(bytes: u32, gap_ns: u64) -> usize {
        let mut pacer = Pacer::default();
        let now = Time::from_nanos(77);
        let mut sent = 0;
        while pacer.may_send(now) {
            pacer.on_sent(bytes, gap_ns, now);
            sent += 1;
        }
        assert_eq!(pacer.until(), Time::from_nanos(77 + sent * gap_ns));
        sent as usize
    }

    #[test]
    fn a_burst_is_a_millisecond_of_the_rate_within_bounds() {
        for (rate, packets) in [
            (100_000, 1),
            (149_999, 1),
            (150_001, 2),
            (6_000_000, 4),
            (12_000_000, 8),
            (1_000_000_000, 45),
        ] {
            assert_eq!(burst(1448, gap_at_rate(1448, rate)), packets, "{rate}");
        }
        assert_eq!(burst(100, gap_at_rate(100, 1_000_000_000)), 127);
    }

    #[test]
    fn time_without_packets_is_no_credit() {
        let mut pacer = Pacer::default();
        pacer.on_sent(1000, 5_000_000, Time::from_nanos(0));
        pacer.on_sent(1000, 5_000_000, Time::from_nanos(50_000_000));
        pacer.on_sent(1000, 5_000_000, Time::from_nanos(50_000_000));
        assert!(!pacer.may_send(Time::from_nanos(59_999_999)));
        assert!(pacer.may_send(Time::from_nanos(60_000_000)));
    }

    #[test]
    fn a_window_is_paced_at_twice_its_rate_far_below_the_threshold_and_a_fifth_above_it_else() {
        let srtt = 20_000_000;
        assert_eq!(gap_of_window(1000, 10_000, u64::MAX, srtt), 1_000_000);
        assert_eq!(gap_of_window(1000, 10_000, 20_002, srtt), 1_000_000);
        assert_eq!(gap_of_window(1000, 12_000, 20_000, srtt), 1_388_888);
        assert_eq!(gap_of_window(u32::MAX, u64::MAX, 0, u64::MAX), 3_579_139_412);
    }
}
