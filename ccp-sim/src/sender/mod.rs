//! The sending transport of one flow: scoreboard, loss detection, timeouts, pacing, delivery-rate samples.
//!
//! It decides when a packet may leave and what an acknowledgement means, never how large the window is: that is told
//! to it. The one thing it does to its own window is TCP's: a timeout leaves one segment of it. It is stepped by calls
//! that pass the time: [`Sender::poll_packet`] until it has none, then [`Sender::next_send`] and
//! [`Sender::timeout_at`] say when to come back.

mod rtt;
mod scoreboard;
mod source;

use core::time::Duration;

use crate::packet::{Ack, Packet};
use crate::time::Time;

use rtt::RttEstimator;
use scoreboard::{Scoreboard, Sent};

pub use source::Source;

/// What an acknowledgement or a timeout told the sender: the primitives of a datapath, in their units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) bytes_acked: u64,
    pub(crate) bytes_misordered: u64,
    pub(crate) packets_acked: u64,
    pub(crate) packets_misordered: u64,
    pub(crate) lost_packets: u64,
    pub(crate) bytes_in_flight: u64,
    pub(crate) packets_in_flight: u64,
    pub(crate) bytes_pending: u64,
    /// Bytes per second; the last valid sample, 0 before the first.
    pub(crate) rate_incoming: u64,
    pub(crate) rate_outgoing: u64,
    /// Microseconds; 0: no sample.
    pub(crate) rtt_us: u64,
    pub(crate) timeout: bool,
    pub(crate) app_limited: bool,
}

/// What a sender has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SenderCounters {
    /// Packets sent, retransmissions included.
    pub(crate) packets: u64,
    pub(crate) retransmits: u64,
    /// Packets thought lost.
    pub(crate) losses: u64,
    pub(crate) timeouts: u64,
    /// Bytes acknowledged in order.
    pub(crate) acked_bytes: u64,
}

/// What a sender is made of.
#[derive(Clone, Debug)]
pub(crate) struct SenderConfig {
    pub(crate) flow: usize,
    /// Bytes of data in a full segment.
    pub(crate) mss: u32,
    /// Bytes that a packet has on the link beside its data.
    pub(crate) overhead: u32,
    /// Bytes.
    pub(crate) init_cwnd: u64,
    /// The most that may be in flight whatever the congestion window, bytes.
    pub(crate) receive_window: u64,
    pub(crate) source: Source,
    pub(crate) start: Time,
    /// What opening the connection measured; `None`: nothing.
    pub(crate) handshake_rtt: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct Sender {
    config: SenderConfig,
    board: Scoreboard,
    rtt: RttEstimator,
    /// Congestion window, bytes.
    cwnd: u64,
    /// Pacing rate, bytes per second; 0: ACKs alone clock the sender.
    rate: u64,
    /// When the next packet may leave if paced.
    paced_until: Time,
    /// Bytes handed to the network for the first time.
    sent_bytes: u64,
    /// When the retransmission timer fires.
    rto_at: Time,
    delivery: Delivery,
    stopped: bool,
    counters: SenderCounters,
}

impl Sender {
    pub(crate) fn new(config: SenderConfig) -> Self {
        let mut rtt = RttEstimator::default();
        if let Some(handshake) = config.handshake_rtt {
            rtt.on_sample(u64::try_from(handshake.as_nanos()).unwrap_or(u64::MAX));
        }
        Self {
            board: Scoreboard::default(),
            rtt,
            cwnd: config.init_cwnd.max(u64::from(config.mss)),
            rate: 0,
            paced_until: Time::ZERO,
            sent_bytes: 0,
            rto_at: Time::NEVER,
            delivery: Delivery::default(),
            stopped: false,
            counters: SenderCounters::default(),
            config,
        }
    }

    /// The next packet, if window, pacing and source let one leave now.
    pub(crate) fn poll_packet(&mut self, now: Time) -> Option<Packet> {
        if self.paced_until > now {
            return None;
        }
        let (segment, len, fresh) = match self.board.next_lost() {
            Some((segment, len)) => (segment, len, false),
            None => (self.board.next_segment(), self.fresh_len(now)?, true),
        };
        if self.board.bytes_in_flight() + u64::from(len) > self.window() {
            return None;
        }
        if self.board.packets_in_flight() == 0 {
            // Nothing is under way: time without it is not the network's (`tcp_rate_skb_sent`).
            self.delivery.first_sent_at = now;
            self.delivery.at = now;
        }
        let sent = Sent {
            sent_at: now,
            first_sent_at: self.delivery.first_sent_at,
            delivered: self.delivery.bytes,
            delivered_at: self.delivery.at,
            app_limited: self.delivery.app_limited_until > 0,
        };
        let transmission = self.board.on_sent(segment, len, sent);
        self.counters.packets += 1;
        if fresh {
            self.sent_bytes += u64::from(len);
        } else {
            self.counters.retransmits += 1;
        }
        if self.rto_at == Time::NEVER {
            self.rto_at = now + self.rtt.timeout();
        }
        let wire_len = len + self.config.overhead;
        if self.rate > 0 {
            let gap = u128::from(wire_len) * 1_000_000_000 / u128::from(self.rate);
            self.paced_until = now + Duration::from_nanos(u64::try_from(gap).unwrap_or(u64::MAX));
        }
        self.note_app_limit(now);
        Some(Packet {
            flow: self.config.flow,
            segment,
            transmission,
            wire_len,
            sent_at: now,
        })
    }

    /// Takes in an acknowledgement.
    pub(crate) fn handle_ack(&mut self, ack: &Ack, now: Time) -> Sample {
        let found = self.board.on_ack(ack);
        let delivered = found.bytes_delivered;
        self.counters.losses += found.packets_lost;
        self.counters.acked_bytes += found.bytes_acked;
        let rtt_ns = now.since(ack.sent_at);
        self.rtt.on_sample(rtt_ns);
        if found.packets_delivered > 0 {
            self.rto_at = if self.board.is_empty() {
                Time::NEVER
            } else {
                now + self.rtt.timeout()
            };
        }
        self.delivery
            .on_delivered(delivered, found.newest.as_ref(), now, self.rtt.least_ns());
        self.note_app_limit(now);
        Sample {
            bytes_acked: found.bytes_acked,
            bytes_misordered: found.bytes_sacked,
            packets_acked: found.packets_delivered - found.packets_sacked,
            packets_misordered: found.packets_sacked,
            lost_packets: found.packets_lost,
            rtt_us: (rtt_ns / 1_000).max(1),
            app_limited: found.newest.is_some_and(|sent| sent.app_limited),
            ..self.sample(now)
        }
    }

    /// Fires the retransmission timer if it is due: everything in flight counts as lost, and one segment of the window
    /// is left (RFC 5681 §3.1, `tcp_enter_loss`).
    pub(crate) fn handle_timeout(&mut self, now: Time) -> Option<Sample> {
        if self.rto_at > now || self.board.is_empty() {
            return None;
        }
        let lost = self.board.on_timeout();
        self.counters.losses += lost;
        self.counters.timeouts += 1;
        self.rtt.back_off();
        self.rto_at = now + self.rtt.timeout();
        self.cwnd = u64::from(self.config.mss);
        Some(Sample {
            lost_packets: lost,
            timeout: true,
            ..self.sample(now)
        })
    }

    /// Sets the window, bytes. A window below one segment is one segment.
    pub(crate) fn set_cwnd(&mut self, cwnd: u64) {
        self.cwnd = cwnd.max(u64::from(self.config.mss));
    }

    /// Sets the pacing rate, bytes per second.
    pub(crate) fn set_rate(&mut self, rate: u64) {
        self.rate = rate;
    }

    /// Sends nothing new from now on.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    /// When a packet may leave, if that is a matter of time alone: pacing, or data still to come.
    pub(crate) fn next_send(&self, now: Time) -> Option<Time> {
        if !self.has_room() {
            return None;
        }
        if self.board.next_lost().is_some() || self.fresh_len(now).is_some() {
            return (self.paced_until > now).then_some(self.paced_until);
        }
        if self.stopped {
            return None;
        }
        let next =
            self.config
                .source
                .ready_at(self.sent_bytes, self.config.mss, self.config.start)?;
        Some(next.max(self.paced_until))
    }

    /// When the retransmission timer fires; [`Time::NEVER`] while nothing is outstanding.
    pub(crate) fn timeout_at(&self) -> Time {
        self.rto_at
    }

    pub(crate) fn cwnd(&self) -> u64 {
        self.cwnd
    }

    pub(crate) fn rate(&self) -> u64 {
        self.rate
    }

    pub(crate) fn bytes_in_flight(&self) -> u64 {
        self.board.bytes_in_flight()
    }

    pub(crate) fn srtt_us(&self) -> u64 {
        self.rtt.smoothed_ns() / 1_000
    }

    pub(crate) fn counters(&self) -> SenderCounters {
        self.counters
    }

    /// Whether all that there was to send has been acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.board.is_empty() && (self.stopped || self.config.source.is_spent(self.sent_bytes))
    }

    /// What may be in flight: TCP sends at least one segment.
    fn window(&self) -> u64 {
        self.cwnd
            .min(self.config.receive_window)
            .max(u64::from(self.config.mss))
    }

    /// Whether a full segment more may be in flight.
    fn has_room(&self) -> bool {
        self.board.bytes_in_flight() + u64::from(self.config.mss) <= self.window()
    }

    /// Length of the next segment never sent, if the source has it.
    fn fresh_len(&self, now: Time) -> Option<u32> {
        if self.stopped {
            return None;
        }
        self.config
            .source
            .segment_at(self.sent_bytes, self.config.mss, now, self.config.start)
    }

    /// Marks what is in flight as application-limited if the window has room and there is nothing to fill it with
    /// (`tcp_rate_check_app_limited`).
    fn note_app_limit(&mut self, now: Time) {
        if self.has_room() && self.board.next_lost().is_none() && self.fresh_len(now).is_none() {
            self.delivery.app_limited_until =
                (self.delivery.bytes + self.board.bytes_in_flight()).max(1);
        }
    }

    fn sample(&self, now: Time) -> Sample {
        Sample {
            bytes_in_flight: self.board.bytes_in_flight(),
            packets_in_flight: self.board.packets_in_flight(),
            bytes_pending: self.board.bytes_outstanding()
                + self
                    .config
                    .source
                    .waiting(self.sent_bytes, now, self.config.start),
            rate_incoming: self.delivery.rate_incoming,
            rate_outgoing: self.delivery.rate_outgoing,
            ..Sample::default()
        }
    }
}

/// Delivery-rate sampling after draft-cheng-iccrg-delivery-rate-estimation.
#[derive(Clone, Copy, Debug, Default)]
struct Delivery {
    /// Bytes delivered so far, each once.
    bytes: u64,
    /// When the last of them was.
    at: Time,
    /// When the packet was sent that was delivered last, or the first one after nothing was in flight.
    first_sent_at: Time,
    /// Packets sent until this many bytes are delivered are application-limited; 0: none.
    app_limited_until: u64,
    /// Bytes per second.
    rate_incoming: u64,
    rate_outgoing: u64,
}

impl Delivery {
    fn on_delivered(&mut self, bytes: u64, newest: Option<&Sent>, now: Time, least_rtt_ns: u64) {
        if bytes == 0 {
            return;
        }
        self.bytes += bytes;
        self.at = now;
        if self.bytes > self.app_limited_until {
            self.app_limited_until = 0;
        }
        let Some(sent) = newest else { return };
        self.first_sent_at = sent.sent_at;
        let sending = sent.sent_at.since(sent.first_sent_at);
        let arriving = now.since(sent.delivered_at);
        // A shorter interval comes from ACKs bunched up on their way, not from the path (§3.2 of the draft).
        if sending.max(arriving) < least_rtt_ns {
            return;
        }
        let delivered = u128::from(self.bytes - sent.delivered) * 1_000_000_000;
        let rate = |nanos: u64| u64::try_from(delivered / u128::from(nanos)).unwrap_or(u64::MAX);
        if arriving > 0 {
            self.rate_incoming = rate(arriving);
        }
        // A window sent at once took no time: the sending side sets no limit then.
        self.rate_outgoing = if sending > 0 {
            rate(sending)
        } else {
            self.rate_incoming
        };
    }
}

#[cfg(test)]
mod tests;
