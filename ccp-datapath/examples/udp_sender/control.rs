//! Window and pacing: what is in use, whoever governs.

use std::time::{Duration, Instant};

use ccp_datapath::fallback::Reno;
use ccp_datapath::{Decision, Governor};
use ccp_lang::Primitives;

use crate::packet::PACKET_LEN;

/// What limits the sender now.
pub(crate) struct Control {
    /// Bytes that may be under way.
    pub(crate) cwnd: u64,
    /// Bytes per second that the agent has asked for, if it has.
    rate: Option<u64>,
    pub(crate) governor: Governor,
    /// Our own rule, for as long as no agent's program runs.
    reno: Reno,
    lost_before: bool,
    /// When the next packet may leave.
    next_send: Instant,
    /// How often the agent changed window or rate.
    pub(crate) decisions: u64,
    /// How often an agent took over.
    pub(crate) takeovers: u64,
}

impl Control {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            cwnd: INITIAL_WINDOW,
            rate: None,
            governor: Governor::Transport,
            reno: Reno::new(PACKET_LEN as u32, INITIAL_WINDOW),
            lost_before: false,
            next_send: now,
            decisions: 0,
            takeovers: 0,
        }
    }

    /// Does what came out of an ACK that was described by `primitives`.
    pub(crate) fn apply(&mut self, decision: &Decision, primitives: &Primitives, lost: bool) {
        self.lost_before |= lost;
        let before = std::mem::replace(&mut self.governor, decision.governor);
        if decision.governor == Governor::Agent {
            self.takeovers += u64::from(before != Governor::Agent);
            // No news means no change: a program that does not mention the window leaves it to the agent's messages.
            let changed = decision.cwnd.is_some_and(|cwnd| cwnd != self.cwnd)
                || decision.rate.is_some_and(|rate| Some(rate) != self.rate);
            self.decisions += u64::from(changed);
            self.cwnd = decision.cwnd.unwrap_or(self.cwnd);
            self.rate = decision.rate.or(self.rate);
            return;
        }
        // Our own rule goes on from the window the agent has left, or set without a program.
        if before == Governor::Agent || decision.cwnd.is_some() {
            self.reno.take_over(decision.cwnd.unwrap_or(self.cwnd));
        }
        self.rate = decision.rate;
        self.cwnd = self.reno.on_ack(primitives).min(MOST_WINDOW);
    }

    /// Whether the window lets one more packet out. An agent may ask for less than one packet: we send one by one then.
    pub(crate) fn window_open(&self, in_flight: u64) -> bool {
        in_flight + PACKET_LEN as u64 <= self.cwnd.max(PACKET_LEN as u64)
    }

    /// When the next packet may leave.
    pub(crate) fn next_send(&self) -> Instant {
        self.next_send
    }

    /// One packet leaves.
    pub(crate) fn sent(&mut self, now: Instant, smoothed_rtt: Option<Duration>) {
        let gap = self.pacing_rate(smoothed_rtt).map_or(Duration::ZERO, |rate| {
            Duration::from_nanos(PACKET_LEN as u64 * 1_000_000_000 / rate.max(1))
        });
        // A thread that woke late catches up, but only so much: the rest of its credit is lost.
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        self.next_send = self.next_send.max(earliest) + gap.min(MOST_GAP);
    }

    /// Pacing. A rate set by the agent is kept exactly. For algorithms that set only a window, pacing is the transport's:
    /// a little faster than a window per round trip, so that the window stays the limit; twice as fast in the first slow
    /// start, where it doubles in each round.
    fn pacing_rate(&self, smoothed_rtt: Option<Duration>) -> Option<u64> {
        if self.rate.is_some() {
            return self.rate;
        }
        let rtt_us = smoothed_rtt?.as_micros().max(1) as u64;
        let percent = if self.lost_before { 120 } else { 200 };
        Some(self.cwnd.saturating_mul(10_000) / rtt_us * percent)
    }
}

/// Ten packets (RFC 6928).
pub(crate) const INITIAL_WINDOW: u64 = 10 * PACKET_LEN as u64;

/// What our books and buffers can hold.
pub(crate) const MOST_WINDOW: u64 = 64 << 20;

/// Sleeping is not exact; so much may be made up for in one burst.
const CATCH_UP: Duration = Duration::from_millis(1);

/// However low the rate: a better one is noticed in time.
const MOST_GAP: Duration = Duration::from_secs(1);
