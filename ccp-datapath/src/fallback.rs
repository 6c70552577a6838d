//! Reno per ACK, for transports that have no congestion control of their own to fall back to.
//!
//! RFC 5681 with appropriate byte counting (RFC 3465): slow start, congestion avoidance, one reduction a round, timeout.
//! It is fed with the same [`Primitives`] as the engine, and is meant to be conservative: the window falls to its target
//! in one step, and grows only while it is what limits the sender.

use ccp_lang::{Primitive, Primitives};

/// One flow's Reno. All sizes in bytes.
#[derive(Clone, Debug)]
pub struct Reno {
    mss: u64,
    cwnd: u64,
    ssthresh: u64,
    /// Acknowledged in congestion avoidance, and not yet turned into growth.
    carried: u64,
    event: Option<Event>,
    /// Window and threshold before the last reduction, for when it proves to have been wrong.
    before: Option<(u64, u64)>,
}

/// A congestion event that is not over.
#[derive(Clone, Copy, Debug)]
struct Event {
    /// Until so much more has been delivered, further losses and marks belong to this event.
    remaining: u64,
    /// A timeout starts over in slow start; after a loss the window stays until the event is over.
    timeout: bool,
}

impl Reno {
    /// Starts a new connection with this window, in slow start.
    pub fn new(mss: u32, init_cwnd: u64) -> Self {
        let mss = u64::from(mss.max(1));
        Self {
            mss,
            cwnd: init_cwnd.max(mss),
            ssthresh: u64::MAX,
            carried: 0,
            event: None,
            before: None,
        }
    }

    /// Takes over a running connection at the window it uses now: in congestion avoidance, since whoever governed it
    /// until now had found that window.
    pub fn take_over(&mut self, cwnd: u64) {
        self.cwnd = cwnd.max(LEAST_SEGMENTS * self.mss);
        self.ssthresh = self.cwnd;
        self.carried = 0;
        self.event = None;
        self.before = None;
    }

    /// Takes in one ACK or timeout and returns the window to use.
    ///
    /// Reads `Ack.bytes_acked`, both packet counts, `Ack.ecn_packets`, `Ack.lost_pkts_sample`, `Flow.bytes_in_flight`
    /// (after this ACK), `Flow.was_timeout` and `Flow.undone`.
    pub fn on_ack(&mut self, primitives: &Primitives) -> u64 {
        let read = |primitive| primitives.get(primitive);
        let acked = read(Primitive::AckBytesAcked);
        let packets =
            read(Primitive::AckPacketsAcked).saturating_add(read(Primitive::AckPacketsMisordered));
        let lost = read(Primitive::AckLostPktsSample);
        let in_flight = read(Primitive::FlowBytesInFlight);

        if read(Primitive::FlowUndone) != 0 {
            self.undo();
        }
        let in_recovery = self.on_delivered(packets.saturating_mul(self.mss));
        if read(Primitive::FlowWasTimeout) != 0 {
            self.on_timeout(lost, in_flight);
        } else if lost != 0 || read(Primitive::AckEcnPackets) != 0 {
            self.on_congestion(lost, in_flight);
        } else if !in_recovery {
            self.grow(acked, in_flight);
        }
        self.cwnd
    }

    /// The window, in bytes.
    pub fn cwnd(&self) -> u64 {
        self.cwnd
    }

    /// The slow start threshold, in bytes; `u64::MAX` before the first reduction.
    pub fn ssthresh(&self) -> u64 {
        self.ssthresh
    }

    /// Counts what was delivered against the event. Returns whether the window must stay as it is.
    fn on_delivered(&mut self, bytes: u64) -> bool {
        let Some(event) = &mut self.event else {
            return false;
        };
        let held = !event.timeout;
        event.remaining = event.remaining.saturating_sub(bytes);
        if event.remaining == 0 {
            self.event = None;
        }
        held
    }

    fn on_congestion(&mut self, lost: u64, in_flight: u64) {
        if self.event.is_some() {
            return;
        }
        self.reduce();
        self.cwnd = self.ssthresh;
        self.begin(lost, in_flight, false);
    }

    fn on_timeout(&mut self, lost: u64, in_flight: u64) {
        // RFC 5681, section 3.1: data that timed out before, or was in recovery, has already cut the threshold.
        if self.event.is_none() {
            self.reduce();
        }
        self.cwnd = self.mss;
        self.carried = 0;
        self.begin(lost, in_flight, true);
    }

    fn reduce(&mut self) {
        self.before = Some((self.cwnd, self.ssthresh));
        self.ssthresh = (self.cwnd / 2).max(LEAST_SEGMENTS * self.mss);
        self.carried = 0;
    }

    /// The event lasts until what is out now has been delivered. What was reported delivered out of order before the
    /// loss was noticed is no longer in flight; three segments stand for it. At least one byte: a second timeout
    /// without any delivery is the same event.
    fn begin(&mut self, lost: u64, in_flight: u64, timeout: bool) {
        let unseen = lost.saturating_add(DUP_ACKS).saturating_mul(self.mss);
        self.event = Some(Event { remaining: in_flight.saturating_add(unseen), timeout });
    }

    fn undo(&mut self) {
        if let Some((cwnd, ssthresh)) = self.before.take() {
            self.cwnd = self.cwnd.max(cwnd);
            self.ssthresh = ssthresh;
            self.event = None;
        }
    }

    fn grow(&mut self, acked: u64, in_flight: u64) {
        let used = in_flight.saturating_add(acked);
        let mut left = acked;
        if self.cwnd < self.ssthresh {
            // RFC 7661: a window that was not used says nothing of the path.
            if used.saturating_mul(2) <= self.cwnd {
                return;
            }
            let room = self.ssthresh - self.cwnd;
            self.cwnd += left.min(room);
            left = left.saturating_sub(room);
        }
        if left == 0 || used.saturating_add(BURST_SEGMENTS * self.mss) < self.cwnd {
            return;
        }
        // Each full window acknowledged adds one segment. Whole windows at once, so that one ACK for very much costs
        // no more than one for little; the window it grows by is the one it began with.
        self.carried = self.carried.saturating_add(left);
        if self.carried >= self.cwnd {
            let windows = self.carried / self.cwnd;
            self.carried -= windows * self.cwnd;
            self.cwnd = self.cwnd.saturating_add(windows.saturating_mul(self.mss));
        }
    }
}

/// Neither window nor threshold falls below two segments, but for the one segment after a timeout (RFC 5681, 3.1).
const LEAST_SEGMENTS: u64 = 2;

/// The ACKs after which a packet counts as lost (RFC 5681, 3.2).
const DUP_ACKS: u64 = 3;

/// A paced sender that is limited by its window still stays a burst short of it at times.
const BURST_SEGMENTS: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u64 = 1000;

    fn acked(segments: u64, in_flight: u64) -> Primitives {
        Primitives::default()
            .with(Primitive::AckBytesAcked, segments * MSS)
            .with(Primitive::AckPacketsAcked, segments)
            .with(Primitive::FlowBytesInFlight, in_flight)
    }

    fn lost(segments: u64, in_flight: u64) -> Primitives {
        Primitives::default()
            .with(Primitive::AckPacketsMisordered, 1)
            .with(Primitive::AckLostPktsSample, segments)
            .with(Primitive::FlowBytesInFlight, in_flight)
    }

    fn timeout() -> Primitives {
        Primitives::default().with(Primitive::FlowWasTimeout, 1)
    }

    fn reno(segments: u64) -> Reno {
        Reno::new(MSS as u32, segments * MSS)
    }

    #[test]
    fn slow_start_doubles_each_round() {
        let mut reno = reno(10);
        for expected in [20, 40, 80] {
            for _ in 0..reno.cwnd() / MSS {
                let in_flight = reno.cwnd() - MSS;
                reno.on_ack(&acked(1, in_flight));
            }
            assert_eq!(reno.cwnd(), expected * MSS);
        }
    }

    #[test]
    fn avoidance_adds_one_segment_a_window() {
        let mut reno = reno(10);
        reno.take_over(100 * MSS);
        for _ in 0..100 {
            reno.on_ack(&acked(1, 99 * MSS));
        }
        assert_eq!(reno.cwnd(), 101 * MSS);
    }

    #[test]
    fn a_loss_halves_the_window_once_a_round() {
        let mut reno = reno(100);
        reno.on_ack(&lost(1, 96 * MSS));
        assert_eq!(reno.cwnd(), 50 * MSS);
        for _ in 0..90 {
            reno.on_ack(&lost(1, 50 * MSS));
        }
        assert_eq!((reno.cwnd(), reno.ssthresh()), (50 * MSS, 50 * MSS));
        for _ in 0..20 {
            reno.on_ack(&acked(1, 49 * MSS));
        }
        reno.on_ack(&lost(1, 49 * MSS));
        assert_eq!(reno.cwnd(), 25 * MSS, "a new round, a new reduction");
    }

    #[test]
    fn the_window_stays_until_what_was_out_at_a_loss_has_arrived() {
        let mut reno = reno(100);
        reno.on_ack(&lost(1, 96 * MSS));
        for _ in 0..99 {
            reno.on_ack(&acked(1, 49 * MSS));
        }
        assert_eq!(reno.cwnd(), 50 * MSS);
        // One more ends the event, the fifty after it are a window of avoidance.
        for _ in 0..51 {
            reno.on_ack(&acked(1, 49 * MSS));
        }
        assert_eq!(reno.cwnd(), 51 * MSS);
    }

    #[test]
    fn an_ecn_mark_counts_as_a_loss() {
        let mut reno = reno(100);
        reno.on_ack(&acked(1, 99 * MSS).with(Primitive::AckEcnPackets, 1));
        assert_eq!(reno.cwnd(), 50 * MSS);
    }

    #[test]
    fn a_timeout_starts_over_from_one_segment() {
        let mut reno = reno(100);
        reno.on_ack(&timeout());
        assert_eq!((reno.cwnd(), reno.ssthresh()), (MSS, 50 * MSS));
        reno.on_ack(&timeout());
        assert_eq!((reno.cwnd(), reno.ssthresh()), (MSS, 50 * MSS), "the same data");
        reno.on_ack(&acked(1, MSS));
        assert_eq!(reno.cwnd(), 2 * MSS, "slow start");
    }

    #[test]
    fn a_timeout_in_recovery_leaves_the_threshold() {
        let mut reno = reno(100);
        reno.on_ack(&lost(1, 96 * MSS));
        reno.on_ack(&timeout());
        assert_eq!((reno.cwnd(), reno.ssthresh()), (MSS, 50 * MSS));
    }

    #[test]
    fn an_unused_window_does_not_grow() {
        let mut start = reno(100);
        start.on_ack(&acked(1, 10 * MSS));
        assert_eq!(start.cwnd(), 100 * MSS);
        let mut avoidance = reno(10);
        avoidance.take_over(100 * MSS);
        for _ in 0..1000 {
            avoidance.on_ack(&acked(1, 50 * MSS));
        }
        assert_eq!(avoidance.cwnd(), 100 * MSS);
    }

    #[test]
    fn reaching_the_threshold_turns_the_rest_into_avoidance() {
        let mut reno = reno(100);
        reno.on_ack(&timeout());
        reno.cwnd = 20 * MSS;
        reno.ssthresh = 32 * MSS;
        reno.event = None;
        reno.on_ack(&acked(40, 0));
        assert_eq!((reno.cwnd(), reno.carried), (32 * MSS, 28 * MSS));
    }

    #[test]
    fn a_reduction_for_nothing_is_taken_back() {
        let mut reno = reno(100);
        reno.on_ack(&lost(1, 96 * MSS));
        reno.on_ack(&acked(1, 50 * MSS).with(Primitive::FlowUndone, 1));
        assert!(reno.cwnd() >= 100 * MSS);
        assert_eq!(reno.ssthresh(), u64::MAX);
    }

    #[test]
    fn extremes_neither_overflow_nor_close_the_window() {
        let all = Primitives::default();
        let all = [
            Primitive::AckBytesAcked,
            Primitive::AckPacketsAcked,
            Primitive::AckPacketsMisordered,
            Primitive::FlowBytesInFlight,
        ]
        .into_iter()
        .fold(all, |all, primitive| all.with(primitive, u64::MAX));
        let mut reno = Reno::new(u32::MAX, u64::MAX);
        for step in 0..20 {
            reno.on_ack(&all);
            if step % 3 == 0 {
                reno.on_ack(&all.clone().with(Primitive::AckLostPktsSample, u64::MAX));
            }
            if step % 7 == 0 {
                reno.on_ack(&all.clone().with(Primitive::FlowWasTimeout, 1));
            }
            assert!(reno.cwnd() >= u64::from(u32::MAX));
        }
        assert_eq!(Reno::new(0, 0).on_ack(&all), u64::MAX);
    }
}
