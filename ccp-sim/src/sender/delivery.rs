//! Delivery-rate sampling after draft-cheng-iccrg-delivery-rate-estimation.

use crate::time::Time;

/// What is remembered of a transmission for the samples that its arrival may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) sent_at: Time,
    /// When the flight it belongs to began.
    pub(crate) first_sent_at: Time,
    /// Bytes delivered when it left, and when the last of them were.
    pub(crate) delivered: u64,
    pub(crate) delivered_at: Time,
    pub(crate) app_limited: bool,
    /// How long nothing had been under way before it left, microseconds.
    pub(crate) idle_us: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery {
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
    /// Nothing is under way, and a packet leaves: time without it is not the network's (`tcp_rate_skb_sent`).
    pub(crate) fn on_flight_begins(&mut self, now: Time) {
        self.first_sent_at = now;
        self.at = now;
    }

    /// What a packet that leaves now must remember.
    pub(crate) fn stamp(&self, now: Time, idle_us: u32) -> Sent {
        Sent {
            sent_at: now,
            first_sent_at: self.first_sent_at,
            delivered: self.bytes,
            delivered_at: self.at,
            app_limited: self.app_limited_until > 0,
            idle_us,
        }
    }

    /// There is room in the window and nothing to fill it with: what is in flight is application-limited.
    pub(crate) fn on_application_limit(&mut self, in_flight: u64) {
        self.app_limited_until = (self.bytes + in_flight).max(1);
    }

    /// `bytes` have been delivered; `newest` is, of the transmissions that did it, the one sent last.
    pub(crate) fn on_delivered(
        &mut self,
        bytes: u64,
        newest: Option<&Sent>,
        now: Time,
        least_rtt_ns: u64,
    ) {
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
        self.rate_outgoing = if sending > 0 { rate(sending) } else { self.rate_incoming };
    }

    /// When something was delivered last, or a flight began.
    pub(crate) fn last_at(&self) -> Time {
        self.at
    }

    pub(crate) fn rate_incoming(&self) -> u64 {
        self.rate_incoming
    }

    pub(crate) fn rate_outgoing(&self) -> u64 {
        self.rate_outgoing
    }
}
