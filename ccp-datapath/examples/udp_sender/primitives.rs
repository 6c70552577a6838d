//! How the events of a transport map to CCP's primitives. For whoever puts CCP into a QUIC stack, this is the file.
//!
//! One call of `Datapath::on_ack` for each ACK frame that arrives, and one for each timeout. What is counted is always
//! what is new since the last call; what is a state ("in flight") is as it stands after the ACK has been worked in, and
//! after its losses have been found: a program decides the window from both together.

use std::time::Duration;

use ccp_lang::{Primitive, Primitives};

use crate::flight::{Flight, News};
use crate::packet::PACKET_LEN;

/// The primitives this transport really fills, for Hello.
///
/// The first fifteen are expected of everybody. Of the others we lack only `Flow.undone`, which would need spurious
/// losses to be traced back to the reduction they caused; agents then use a program that does without.
pub(crate) const FILLED: u64 = Primitive::BASE_MASK
    | Primitive::FlowAppLimited.mask()
    | Primitive::FlowRecovery.mask()
    | Primitive::FlowIdleUs.mask();

/// Describes an ACK or a timeout. `pending` is what lies in the send buffer and has not been acknowledged, in bytes.
pub(crate) fn describe(news: &News, flight: &Flight, pending: u64) -> Primitives {
    let bytes = |packets: u64| packets * PACKET_LEN as u64;
    let mut p = Primitives::new();

    // ACKs. CCP thinks in TCP's terms: a left edge below which all data has arrived, and data beyond it that has
    // arrived out of order ("misordered", SACKed). QUIC has no such edge in packet numbers, since a lost number never
    // arrives. Take it in the order in which data was first sent, as here with chunks: a retransmission then closes
    // the gap of what it repeats. The bytes by which the edge moves count all that it passes, also what had been
    // counted as misordered before; the two packet counts together count each packet once.
    p.set(Primitive::AckBytesAcked, bytes(news.edge_moved));
    p.set(Primitive::AckBytesMisordered, bytes(news.ahead_new));
    p.set(Primitive::AckPacketsAcked, news.delivered.saturating_sub(news.ahead_growth));
    p.set(Primitive::AckPacketsMisordered, news.ahead_growth);

    // Losses: packets found lost with this ACK, by reordering or by time, whether they will be sent again or not. In
    // QUIC: what `OnPacketsLost` gets, packets without congestion-controlled content left out.
    p.set(Primitive::AckLostPktsSample, news.lost);

    // ECN: the growth of the peer's CE count since the last ACK (QUIC: the ECN counts in the ACK frame), never the
    // total. If packets differ in length and the count says only how many, the mean length of what was delivered will
    // do for the bytes.
    p.set(Primitive::AckEcnPackets, news.ce);
    p.set(Primitive::AckEcnBytes, bytes(news.ce));

    // A timeout: TCP's RTO. In QUIC a probe timeout is none: it declares nothing lost. Persistent congestion (RFC 9002,
    // section 7.6) is. Make the call when it happens, not with the next ACK, and say the losses with it.
    p.set(Primitive::FlowWasTimeout, u64::from(news.timeout));

    // RTT: one sample of this ACK, or nothing. Never the smoothed value: programs filter for themselves. Left at 0
    // when there is none (an ACK that covers only old packets, a timeout), which a program reads as infinity.
    p.set(Primitive::FlowRttSampleUs, news.rtt.map_or(0, micros));

    // What is on its way: sent, neither acknowledged nor lost. QUIC's `bytes_in_flight`.
    p.set(Primitive::FlowBytesInFlight, flight.bytes_in_flight());
    p.set(Primitive::FlowPacketsInFlight, flight.packets_in_flight());

    // The application: all it has written and the peer has not acknowledged, sent or not. Programs tell from it
    // whether data or the window was the limit.
    p.set(Primitive::FlowBytesPending, pending);

    // Delivery rate (draft-cheng-iccrg-delivery-rate-estimation): over the round trip of the newest packet acknowledged,
    // what was delivered, by the time it took to send it and by the time it took to arrive. Of the two, an algorithm
    // takes the smaller. 0 is no sample.
    if let Some(rate) = news.rate {
        p.set(Primitive::FlowRateOutgoing, per_second(rate.packets, rate.sending));
        p.set(Primitive::FlowRateIncoming, per_second(rate.packets, rate.arriving));
        // That packet was sent while the application had nothing more to send: the rate may be the application's. A
        // sender knows it at the moment the window is open and the buffer empty, and must remember it per packet.
        p.set(Primitive::FlowAppLimited, u64::from(rate.app_limited));
    }

    // Where recovery stands, by the sender's own books: 0 open, 1 after a mark, 2 after a loss, 3 after a timeout,
    // until all that was out at its begin has arrived. QUIC: whether the packet acknowledged was sent before
    // `congestion_recovery_start_time`.
    p.set(Primitive::FlowRecovery, flight.recovery as u64);

    // How long nothing had been under way when the packet left that this ACK answers; 0 in a running transfer.
    p.set(Primitive::FlowIdleUs, micros(news.idle));

    // `Ack.now` is the engine's: the `now` of the call. It must be the time of the ACK's arrival, by the clock that
    // measures the RTT.
    p
}

fn per_second(packets: u64, interval: Duration) -> u64 {
    let us = micros(interval).max(1);
    packets.saturating_mul(PACKET_LEN as u64).saturating_mul(1_000_000) / us
}

fn micros(interval: Duration) -> u64 {
    interval.as_micros().try_into().unwrap_or(u64::MAX)
}
