//! What a kernel does to the window of an algorithm that sets no rate when the application does not use it.
//!
//! RFC 2861 as Linux has it: the window halves for each retransmission timeout that the connection was idle
//! (`tcp_cwnd_restart`), and moves half-way to what is used when that was less for as long as a timeout
//! (`tcp_cwnd_application_limited`). The slow start threshold keeps three quarters of the window, so that what was
//! known of the path is soon regained.

use core::time::Duration;

use crate::time::Time;

#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowUse {
    /// The window to begin with, and the least that is left, bytes.
    initial: u64,
    /// When the window was last used in full, or cut.
    stamp: Time,
    /// The most that was in flight since, bytes.
    used: u64,
}

/// A window and a threshold in the place of those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) cwnd: u64,
    pub(crate) ssthresh: u64,
}

impl WindowUse {
    pub(crate) fn new(initial: u64, now: Time) -> Self {
        Self { initial, stamp: now, used: 0 }
    }

    /// The window kept a packet back.
    pub(crate) fn on_window_limited(&mut self, now: Time) {
        self.stamp = now;
        self.used = 0;
    }

    /// Sending ended for want of data, with so much in flight. After a timeout's time of that there is a cut.
    pub(crate) fn on_out_of_data(
        &mut self,
        in_flight: u64,
        cwnd: u64,
        ssthresh: u64,
        rto: Duration,
        now: Time,
    ) -> Option<Cut> {
        if in_flight >= cwnd || (cwnd < ssthresh && in_flight > cwnd / 2) {
            // `tcp_is_cwnd_limited`: in slow start half of the window is use enough.
            self.on_window_limited(now);
            return None;
        }
        self.used = self.used.max(in_flight);
        if now < self.stamp + rto {
            return None;
        }
        let used = self.used.max(self.initial);
        self.on_window_limited(now);
        (used < cwnd).then(|| Cut { cwnd: cwnd.midpoint(used), ssthresh: kept(cwnd, ssthresh) })
    }

    /// Sending begins again after `idle` without a packet.
    pub(crate) fn on_restart(
        &mut self,
        idle: Duration,
        cwnd: u64,
        ssthresh: u64,
        rto: Duration,
        now: Time,
    ) -> Option<Cut> {
        if idle <= rto || rto.is_zero() {
            return None;
        }
        self.on_window_limited(now);
        let least = self.initial.min(cwnd);
        let halvings = u32::try_from((idle.as_nanos() - 1) / rto.as_nanos()).unwrap_or(u32::MAX);
        let halved = cwnd.checked_shr(halvings).unwrap_or(0);
        Some(Cut { cwnd: halved.max(least), ssthresh: kept(cwnd, ssthresh) })
    }
}

/// `tcp_current_ssthresh`.
fn kept(cwnd: u64, ssthresh: u64) -> u64 {
    ssthresh.max(cwnd / 4 * 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTO: Duration = Duration::from_millis(200);

    fn ms(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn the_window_halves_for_each_timeout_of_idleness_down_to_the_initial_one() {
        let restart = |idle, cwnd| {
            WindowUse::new(10, Time::ZERO).on_restart(
                Duration::from_millis(idle),
                cwnd,
                50,
                RTO,
                ms(1000),
            )
        };
        assert_eq!(restart(200, 80), None);
        assert_eq!(restart(201, 80), Some(Cut { cwnd: 40, ssthresh: 60 }));
        assert_eq!(restart(400, 80), Some(Cut { cwnd: 40, ssthresh: 60 }));
        assert_eq!(restart(599, 80), Some(Cut { cwnd: 20, ssthresh: 60 }));
        assert_eq!(restart(86_400_000, 80), Some(Cut { cwnd: 10, ssthresh: 60 }));
        assert_eq!(restart(86_400_000, 4), Some(Cut { cwnd: 4, ssthresh: 50 }));
    }

    #[test]
    fn a_window_unused_for_a_timeout_moves_half_way_to_what_is_used() {
        let mut usage = WindowUse::new(10, Time::ZERO);
        let mut out = |in_flight, at| usage.on_out_of_data(in_flight, 100, 50, RTO, ms(at));
        assert_eq!(out(20, 100), None);
        assert_eq!(out(30, 199), None);
        assert_eq!(out(1, 200), Some(Cut { cwnd: 65, ssthresh: 75 }));
        assert_eq!(out(1, 399), None);
        assert_eq!(
            out(1, 400),
            Some(Cut { cwnd: 55, ssthresh: 75 }),
            "the initial window at least"
        );
    }

    #[test]
    fn a_window_in_use_is_left_alone() {
        let mut usage = WindowUse::new(10, Time::ZERO);
        for at in 0..100 {
            assert_eq!(usage.on_out_of_data(51, 100, u64::MAX, RTO, ms(100 * at)), None);
            usage.on_window_limited(ms(100 * at + 50));
        }
        assert_eq!(usage.on_out_of_data(1, 5, 0, Duration::ZERO, ms(99_999)), None);
    }
}
