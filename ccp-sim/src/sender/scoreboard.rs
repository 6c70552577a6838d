//! What is outstanding, and what an acknowledgement says about it.
//!
//! Segments are numbered by their data, transmissions by their order of leaving. An acknowledgement names the
//! transmission that it answers, so a retransmission is never confused with what it repeats.

use std::collections::VecDeque;

use super::delivery::Sent;
use super::rack::Rack;
use crate::packet::Ack;
use crate::time::Time;

/// What an acknowledgement said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// By how much the left edge moved.
    pub(crate) bytes_acked: u64,
    /// What arrived beyond the left edge.
    pub(crate) bytes_sacked: u64,
    pub(crate) packets_sacked: u64,
    /// What arrived at all, each segment once.
    pub(crate) bytes_delivered: u64,
    pub(crate) packets_delivered: u64,
    /// The transmission that arrived, if it is the one that delivered its segment.
    pub(crate) newest: Option<Sent>,
    /// The transmission that arrived was no longer expected: taken to be lost, or its segment was there already.
    pub(crate) late: bool,
    /// It was expected, but one that left later had arrived before.
    pub(crate) reordered: bool,
}

/// The last segment of data sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) segment: u64,
    pub(crate) len: u32,
    pub(crate) transmission: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InFlight,
    Lost,
    Delivered,
}

/// One cache line: with many flows, fetching it is most of what an acknowledgement costs.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Segment {
    /// Its last transmission.
    transmission: u64,
    sent: Sent,
    len: u32,
    state: State,
    retransmitted: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Scoreboard {
    /// Segments not yet acknowledged in order; the first is number `left_edge`.
    segments: VecDeque<Segment>,
    left_edge: u64,
    /// Transmissions in order of leaving, with their segments; only those whose fate may still be open.
    flying: VecDeque<(u64, u64)>,
    next_transmission: u64,
    /// Segments found lost, in that order; those delivered after all are skipped.
    lost: VecDeque<u64>,
    /// Segments that arrived beyond the left edge.
    sacked: u64,
    bytes_in_flight: u64,
    packets_in_flight: u64,
    bytes_outstanding: u64,
}

impl Scoreboard {
    /// Enters a transmission and returns its number. `segment` is the next one or the first of the lost.
    pub(crate) fn on_sent(&mut self, segment: u64, len: u32, sent: Sent) -> u64 {
        let transmission = self.take_number(segment);
        let index = (segment - self.left_edge) as usize;
        let retransmitted = index < self.segments.len();
        let entry = Segment { transmission, sent, len, state: State::InFlight, retransmitted };
        if retransmitted {
            debug_assert_eq!(
                self.segments[index].state,
                State::Lost,
                "only what was lost is sent again"
            );
            self.segments[index] = entry;
            self.lost.pop_front();
            self.skip_delivered();
        } else {
            self.segments.push_back(entry);
            self.bytes_outstanding += u64::from(len);
        }
        self.bytes_in_flight += u64::from(len);
        self.packets_in_flight += 1;
        transmission
    }

    /// Enters a second transmission of a segment that is in flight already, and still counts once.
    pub(crate) fn on_probe(&mut self, segment: u64, sent: Sent) -> u64 {
        let transmission = self.take_number(segment);
        if let Some(entry) = self.entry_mut(segment) {
            entry.transmission = transmission;
            entry.sent = sent;
            entry.retransmitted = true;
        }
        transmission
    }

    pub(crate) fn on_ack(&mut self, ack: &Ack, rack: &Rack) -> Found {
        let mut found = Found { late: true, ..Found::default() };
        let overtaken = rack.is_overtaken(ack.transmission);
        if let Some(entry) = self.entry_mut(ack.segment)
            && entry.transmission == ack.transmission
            && entry.state == State::InFlight
        {
            found.late = false;
            found.reordered = overtaken && !entry.retransmitted;
            found.newest = Some(entry.sent);
        }
        self.deliver(ack.segment, &mut found);
        if ack.segment >= ack.cumulative {
            found.packets_sacked = found.packets_delivered;
            found.bytes_sacked = found.bytes_delivered;
        }
        while self.left_edge < ack.cumulative && !self.segments.is_empty() {
            self.deliver(self.left_edge, &mut found);
            if let Some(segment) = self.segments.pop_front() {
                found.bytes_acked += u64::from(segment.len);
                self.bytes_outstanding -= u64::from(segment.len);
                self.sacked -= 1;
            }
            self.left_edge += 1;
        }
        self.skip_delivered();
        found
    }

    /// Marks as lost what was overtaken and has been under way for `patience_ns`; `lost` is told of each transmission.
    /// Returns when the next of those overtaken will have been.
    pub(crate) fn find_lost(
        &mut self,
        rack: &Rack,
        patience_ns: u64,
        now: Time,
        mut lost: impl FnMut(u64),
    ) -> Time {
        while let Some(&(transmission, segment)) = self.flying.front() {
            if !rack.is_overtaken(transmission) {
                break;
            }
            if let Some(entry) = self.entry_mut(segment)
                && entry.transmission == transmission
                && entry.state == State::InFlight
            {
                let due = entry.sent.sent_at + core::time::Duration::from_nanos(patience_ns);
                if due > now {
                    return due;
                }
                entry.state = State::Lost;
                let len = u64::from(entry.len);
                self.bytes_in_flight -= len;
                self.packets_in_flight -= 1;
                self.lost.push_back(segment);
                lost(transmission);
            }
            self.flying.pop_front();
        }
        Time::NEVER
    }

    /// The retransmission timer has fired: the first segment is lost, and all that have been in flight for a round trip.
    /// What is lost is sent again from the left edge on. `lost` is told of each transmission.
    pub(crate) fn on_timeout(&mut self, rtt_ns: u64, now: Time, mut lost: impl FnMut(u64)) {
        self.lost.clear();
        for (index, segment) in self.segments.iter_mut().enumerate() {
            let late = index == 0 || now.since(segment.sent.sent_at) >= rtt_ns;
            if segment.state == State::InFlight && late {
                segment.state = State::Lost;
                self.bytes_in_flight -= u64::from(segment.len);
                self.packets_in_flight -= 1;
                lost(segment.transmission);
            }
            if segment.state == State::Lost {
                self.lost.push_back(self.left_edge + index as u64);
            }
        }
    }

    /// Nothing was lost: what is marked so and was not sent again is still under way.
    pub(crate) fn restore_lost(&mut self) {
        self.lost.clear();
        for segment in &mut self.segments {
            if segment.state == State::Lost {
                segment.state = State::InFlight;
                self.bytes_in_flight += u64::from(segment.len);
                self.packets_in_flight += 1;
            }
        }
        let flying = self.segments.iter().zip(self.left_edge..);
        let mut flying: Vec<_> = flying
            .filter(|(segment, _)| segment.state == State::InFlight)
            .map(|(segment, number)| (segment.transmission, number))
            .collect();
        flying.sort_unstable();
        self.flying = flying.into();
    }

    /// The segment to send again first, with its length.
    pub(crate) fn next_lost(&self) -> Option<(u64, u32)> {
        let segment = *self.lost.front()?;
        let index = segment.checked_sub(self.left_edge)? as usize;
        Some((segment, self.segments.get(index)?.len))
    }

    /// The last segment of data sent, if it is in flight.
    pub(crate) fn last_in_flight(&self) -> Option<Last> {
        let last = self.segments.back()?;
        (last.state == State::InFlight).then(|| Last {
            segment: self.next_segment() - 1,
            len: last.len,
            transmission: last.transmission,
        })
    }

    /// The first segment never sent.
    pub(crate) fn next_segment(&self) -> u64 {
        self.left_edge + self.segments.len() as u64
    }

    /// The number of the next transmission.
    pub(crate) fn next_transmission(&self) -> u64 {
        self.next_transmission
    }

    /// All segments below this one are acknowledged in order.
    pub(crate) fn left_edge(&self) -> u64 {
        self.left_edge
    }

    /// Segments that have arrived beyond the left edge.
    pub(crate) fn sacked(&self) -> u64 {
        self.sacked
    }

    pub(crate) fn bytes_in_flight(&self) -> u64 {
        self.bytes_in_flight
    }

    pub(crate) fn packets_in_flight(&self) -> u64 {
        self.packets_in_flight
    }

    /// Bytes sent and not acknowledged in order.
    pub(crate) fn bytes_outstanding(&self) -> u64 {
        self.bytes_outstanding
    }

    /// Whether all that was sent is acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Fails if the sums are not those of the segments, or if a lost segment is not waiting to be sent again.
    #[cfg(test)]
    pub(super) fn check_books(&self) {
        let of = |state: State| self.segments.iter().filter(move |segment| segment.state == state);
        let bytes = |segments: &mut dyn Iterator<Item = &Segment>| -> u64 {
            segments.map(|segment| u64::from(segment.len)).sum()
        };
        assert_eq!(self.packets_in_flight, of(State::InFlight).count() as u64);
        assert_eq!(self.bytes_in_flight, bytes(&mut of(State::InFlight)));
        assert_eq!(self.sacked, of(State::Delivered).count() as u64);
        assert_eq!(self.bytes_outstanding, bytes(&mut self.segments.iter()));
        let lost = self.segments.iter().zip(self.left_edge..);
        let mut lost = lost.filter(|(segment, _)| segment.state == State::Lost);
        assert!(lost.all(|(_, number)| self.lost.contains(&number)));
        assert!(self.segments.front().is_none_or(|first| first.state != State::Delivered));
    }

    fn take_number(&mut self, segment: u64) -> u64 {
        let transmission = self.next_transmission;
        self.next_transmission += 1;
        self.flying.push_back((transmission, segment));
        transmission
    }

    fn entry_mut(&mut self, segment: u64) -> Option<&mut Segment> {
        let index = segment.checked_sub(self.left_edge)?;
        self.segments.get_mut(index as usize)
    }

    /// Marks a segment as arrived, unless it is known to have.
    fn deliver(&mut self, segment: u64, found: &mut Found) {
        let Some(entry) = self.entry_mut(segment) else {
            return;
        };
        if entry.state == State::Delivered {
            return;
        }
        let len = u64::from(entry.len);
        let was = core::mem::replace(&mut entry.state, State::Delivered);
        if was == State::InFlight {
            self.bytes_in_flight -= len;
            self.packets_in_flight -= 1;
        }
        self.sacked += 1;
        found.bytes_delivered += len;
        found.packets_delivered += 1;
    }

    /// Drops from the head of the lost what arrived after all.
    fn skip_delivered(&mut self) {
        while let Some(&segment) = self.lost.front() {
            let state = segment
                .checked_sub(self.left_edge)
                .and_then(|index| self.segments.get(index as usize))
                .map(|entry| entry.state);
            if state == Some(State::Lost) {
                return;
            }
            self.lost.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rtt::RttEstimator;
    use super::*;

    const LEN: u32 = 1000;
    const RTT: u64 = 10_000_000;

    fn sent() -> Sent {
        Sent {
            sent_at: Time::ZERO,
            first_sent_at: Time::ZERO,
            delivered: 0,
            delivered_at: Time::ZERO,
            app_limited: false,
            idle_us: 0,
        }
    }

    struct Board {
        board: Scoreboard,
        rack: Rack,
        rtt: RttEstimator,
    }

    /// A board on which everything was sent at time 0 and all acknowledgements come after one round trip.
    fn board(segments: u64) -> Board {
        let mut rtt = RttEstimator::default();
        rtt.on_sample(RTT);
        let mut board = Scoreboard::default();
        for segment in 0..segments {
            board.on_sent(segment, LEN, sent());
        }
        let rack = Rack::default();
        Board { board, rack, rtt }
    }

    impl Board {
        /// Takes an acknowledgement in, and returns what it found and how many were lost then.
        fn ack(&mut self, cumulative: u64, segment: u64, transmission: u64) -> (Found, u64) {
            let ack = Ack { cumulative, segment, transmission, sent_at: Time::ZERO, marked: false };
            let found = self.board.on_ack(&ack, &self.rack);
            self.rack.on_arrival(transmission, RTT);
            (found, self.lost(RTT, false))
        }

        fn lost(&mut self, now: u64, repairing: bool) -> u64 {
            let mut lost = 0;
            let patience = self.rack.patience_ns(&self.rtt, self.board.sacked(), repairing);
            let now = Time::from_nanos(now);
            self.board.find_lost(&self.rack, patience, now, |_| lost += 1);
            lost
        }
    }

    #[test]
    fn each_segment_is_delivered_once_whether_sacked_before_or_not() {
        let mut b = board(4);
        let (found, _) = b.ack(0, 1, 1);
        assert_eq!((found.packets_sacked, found.bytes_acked), (1, 0));
        assert_eq!((found.packets_delivered, b.board.sacked()), (1, 1));
        let (found, _) = b.ack(2, 0, 0);
        assert_eq!((found.packets_sacked, found.bytes_acked), (0, 2000));
        assert_eq!((found.packets_delivered, b.board.sacked()), (1, 0));
        assert!(found.reordered && !found.late);
        let b_flight = (b.board.packets_in_flight(), b.board.bytes_outstanding());
        assert_eq!(b_flight, (2, 2000));
        let nothing = Found { late: true, ..Found::default() };
        assert_eq!(b.ack(2, 0, 0).0, nothing, "a duplicate says nothing else");
    }

    #[test]
    fn a_transmission_is_lost_when_three_later_ones_have_arrived() {
        let mut b = board(5);
        assert_eq!(b.ack(0, 1, 1).1, 0);
        assert_eq!(b.ack(0, 2, 2).1, 0);
        assert_eq!(b.ack(0, 3, 3).1, 1);
        assert_eq!(b.board.next_lost(), Some((0, LEN)));
        let in_flight = (b.board.packets_in_flight(), b.board.bytes_in_flight());
        assert_eq!(in_flight, (1, 1000));
    }

    #[test]
    fn or_when_one_has_and_a_quarter_of_a_round_trip_has_passed() {
        let mut b = board(3);
        assert_eq!(b.ack(0, 2, 2).1, 0);
        assert_eq!(b.lost(RTT * 5 / 4 - 1, false), 0);
        assert_eq!(b.lost(RTT * 5 / 4, false), 2);
    }

    #[test]
    fn a_lost_retransmission_is_found_too() {
        let mut b = board(8);
        for n in 1..4 {
            b.ack(0, n, n);
        }
        assert_eq!(b.board.on_sent(0, LEN, sent()), 8);
        assert_eq!(b.board.next_lost(), None);
        for n in 4..8 {
            assert_eq!(b.ack(0, n, n).1, 0);
        }
        b.board.on_sent(8, LEN, sent());
        assert_eq!(b.ack(0, 8, 9).1, 1);
        assert_eq!(b.board.next_lost(), Some((0, LEN)));
    }

    #[test]
    fn what_arrives_after_it_was_thought_lost_is_not_sent_again() {
        let mut b = board(6);
        for n in 2..6 {
            b.ack(0, n, n);
        }
        assert_eq!(b.board.next_lost(), Some((0, LEN)));
        assert!(b.ack(1, 0, 0).0.late);
        assert_eq!(b.board.next_lost(), Some((1, LEN)));
        b.ack(6, 1, 1);
        assert_eq!(b.board.next_lost(), None);
        assert!(b.board.is_empty());
        let in_flight = (b.board.packets_in_flight(), b.board.bytes_in_flight());
        assert_eq!((in_flight, b.board.sacked()), ((0, 0), 0));
    }

    #[test]
    fn a_timeout_sends_all_again_that_had_time_to_arrive() {
        let mut b = board(5);
        let young = Sent { sent_at: Time::from_nanos(95 * RTT / 10), ..sent() };
        b.board.on_sent(5, LEN, young);
        b.ack(0, 2, 2);
        let mut lost = Vec::new();
        b.board.on_timeout(RTT, Time::from_nanos(10 * RTT), |transmission| {
            lost.push(transmission);
        });
        assert_eq!(lost, [0, 1, 3, 4]);
        assert_eq!(b.board.packets_in_flight(), 1);
        let mut again = Vec::new();
        while let Some((segment, len)) = b.board.next_lost() {
            again.push(segment);
            b.board.on_sent(segment, len, sent());
        }
        assert_eq!(again, [0, 1, 3, 4]);
        assert_eq!(b.board.next_segment(), 6);
    }

    #[test]
    fn what_was_not_lost_after_all_is_in_flight_again() {
        let mut b = board(5);
        b.board.on_timeout(0, Time::ZERO, |_| ());
        b.board.on_sent(0, LEN, sent());
        b.board.restore_lost();
        assert_eq!(b.board.next_lost(), None);
        assert_eq!(b.board.packets_in_flight(), 5);
        // In the order in which they left: the first one's second transmission last.
        for n in 1..4 {
            assert_eq!(b.ack(0, n, n).1, 0);
        }
        assert_eq!(b.board.packets_in_flight(), 2);
    }

    #[test]
    fn a_probe_is_a_second_chance_for_the_last_segment() {
        let mut b = board(2);
        let last = Last { segment: 1, len: LEN, transmission: 1 };
        assert_eq!(b.board.last_in_flight(), Some(last));
        assert_eq!(b.board.on_probe(1, sent()), 2);
        assert_eq!(b.board.packets_in_flight(), 2);
        let (found, _) = b.ack(0, 1, 1);
        assert!(found.late && found.packets_delivered == 1);
        assert_eq!(b.board.packets_in_flight(), 1);
    }
}
