//! What is outstanding, and what an acknowledgement says about it.
//!
//! Segments are numbered by their data, transmissions by their order of leaving. A transmission is lost once three that
//! left after it have arrived (RFC 6675's threshold, applied to transmissions as in RFC 9002 §6.1.1, so that a lost
//! retransmission is found as well).

use std::collections::VecDeque;

use crate::packet::Ack;
use crate::time::Time;

/// What is remembered of a transmission for the delivery-rate sample it may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) sent_at: Time,
    /// When the flight it belongs to began.
    pub(crate) first_sent_at: Time,
    /// Bytes delivered when it left, and when the last of them were.
    pub(crate) delivered: u64,
    pub(crate) delivered_at: Time,
    pub(crate) app_limited: bool,
}

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
    pub(crate) packets_lost: u64,
    /// Of the transmissions that arrived, the one sent last.
    pub(crate) newest: Option<Sent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InFlight,
    Lost,
    Delivered,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    len: u32,
    state: State,
    /// Its last transmission.
    transmission: u64,
    sent: Sent,
}

#[derive(Debug, Default)]
pub(crate) struct Scoreboard {
    /// Segments not yet acknowledged in order; the first is number `left_edge`.
    segments: VecDeque<Segment>,
    left_edge: u64,
    /// Transmissions in order of leaving, with their segments; only those whose fate may still be open.
    flying: VecDeque<(u64, u64)>,
    next_transmission: u64,
    /// One more than the highest transmission that has arrived.
    arrived: u64,
    /// Segments found lost, in that order; those delivered after all are skipped.
    lost: VecDeque<u64>,
    bytes_in_flight: u64,
    packets_in_flight: u64,
    bytes_outstanding: u64,
}

impl Scoreboard {
    /// Enters a transmission and returns its number. `segment` is the next one or one that was lost.
    pub(crate) fn on_sent(&mut self, segment: u64, len: u32, sent: Sent) -> u64 {
        let transmission = self.next_transmission;
        self.next_transmission += 1;
        let entry = Segment {
            len,
            state: State::InFlight,
            transmission,
            sent,
        };
        let index = (segment - self.left_edge) as usize;
        match self.segments.get_mut(index) {
            Some(known) => {
                debug_assert_eq!(known.state, State::Lost, "only what was lost is sent again");
                *known = entry;
                self.lost.pop_front();
                self.skip_delivered();
            }
            None => {
                self.segments.push_back(entry);
                self.bytes_outstanding += u64::from(len);
            }
        }
        self.flying.push_back((transmission, segment));
        self.bytes_in_flight += u64::from(len);
        self.packets_in_flight += 1;
        transmission
    }

    pub(crate) fn on_ack(&mut self, ack: &Ack) -> Found {
        let mut found = Found::default();
        self.arrived = self.arrived.max(ack.transmission + 1);
        if ack.segment >= ack.cumulative && self.deliver(ack.segment, &mut found) {
            found.packets_sacked = found.packets_delivered;
            found.bytes_sacked = found.bytes_delivered;
        }
        while self.left_edge < ack.cumulative && !self.segments.is_empty() {
            self.deliver(self.left_edge, &mut found);
            if let Some(segment) = self.segments.pop_front() {
                found.bytes_acked += u64::from(segment.len);
                self.bytes_outstanding -= u64::from(segment.len);
            }
            self.left_edge += 1;
        }
        found.packets_lost = self.find_lost();
        self.skip_delivered();
        found
    }

    /// Everything in flight counts as lost, and is sent again from the left edge on. Returns how many packets were not
    /// known to be lost before.
    pub(crate) fn on_timeout(&mut self) -> u64 {
        let newly = self.packets_in_flight;
        self.lost.clear();
        self.flying.clear();
        for (index, segment) in self.segments.iter_mut().enumerate() {
            if segment.state != State::Delivered {
                segment.state = State::Lost;
                self.lost.push_back(self.left_edge + index as u64);
            }
        }
        self.bytes_in_flight = 0;
        self.packets_in_flight = 0;
        newly
    }

    /// The segment to send again first, with its length.
    pub(crate) fn next_lost(&self) -> Option<(u64, u32)> {
        let segment = *self.lost.front()?;
        let index = segment.checked_sub(self.left_edge)? as usize;
        Some((segment, self.segments.get(index)?.len))
    }

    /// The first segment never sent.
    pub(crate) fn next_segment(&self) -> u64 {
        self.left_edge + self.segments.len() as u64
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

    /// Marks a segment as arrived; false if it was known already.
    fn deliver(&mut self, segment: u64, found: &mut Found) -> bool {
        let Some(index) = segment.checked_sub(self.left_edge) else {
            return false;
        };
        let Some(entry) = self.segments.get_mut(index as usize) else {
            return false;
        };
        if entry.state == State::Delivered {
            return false;
        }
        let len = u64::from(entry.len);
        if entry.state == State::InFlight {
            self.bytes_in_flight -= len;
            self.packets_in_flight -= 1;
        }
        entry.state = State::Delivered;
        found.bytes_delivered += len;
        found.packets_delivered += 1;
        // Of two sent at one time the one with more delivered before it left later.
        let order = |sent: &Sent| (sent.delivered, sent.sent_at);
        if found
            .newest
            .as_ref()
            .is_none_or(|newest| order(newest) <= order(&entry.sent))
        {
            found.newest = Some(entry.sent);
        }
        true
    }

    fn find_lost(&mut self) -> u64 {
        let mut newly = 0;
        while let Some(&(transmission, segment)) = self.flying.front() {
            if transmission + REORDERING_THRESHOLD >= self.arrived {
                break;
            }
            self.flying.pop_front();
            let Some(index) = segment.checked_sub(self.left_edge) else {
                continue;
            };
            let Some(entry) = self.segments.get_mut(index as usize) else {
                continue;
            };
            if entry.transmission == transmission && entry.state == State::InFlight {
                entry.state = State::Lost;
                self.lost.push_back(segment);
                self.bytes_in_flight -= u64::from(entry.len);
                self.packets_in_flight -= 1;
                newly += 1;
            }
        }
        newly
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

/// So many later transmissions must have arrived before one counts as lost (RFC 6675 §3, DupThresh; RFC 9002 §6.1.1).
const REORDERING_THRESHOLD: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: u32 = 1000;

    fn sent() -> Sent {
        Sent {
            sent_at: Time::ZERO,
            first_sent_at: Time::ZERO,
            delivered: 0,
            delivered_at: Time::ZERO,
            app_limited: false,
        }
    }

    fn board(segments: u64) -> Scoreboard {
        let mut board = Scoreboard::default();
        for segment in 0..segments {
            board.on_sent(segment, LEN, sent());
        }
        board
    }

    fn ack(cumulative: u64, segment: u64, transmission: u64) -> Ack {
        Ack {
            cumulative,
            segment,
            transmission,
            sent_at: Time::ZERO,
        }
    }

    #[test]
    fn each_segment_is_delivered_once_whether_sacked_before_or_not() {
        let mut board = board(4);
        let found = board.on_ack(&ack(0, 1, 1));
        assert_eq!(
            (
                found.packets_sacked,
                found.bytes_acked,
                found.packets_delivered
            ),
            (1, 0, 1)
        );
        let found = board.on_ack(&ack(2, 0, 0));
        assert_eq!(
            (
                found.packets_sacked,
                found.bytes_acked,
                found.packets_delivered
            ),
            (0, 2000, 1)
        );
        assert_eq!(
            (board.packets_in_flight(), board.bytes_outstanding()),
            (2, 2000)
        );
        let found = board.on_ack(&ack(2, 0, 0));
        assert_eq!(found, Found::default(), "a duplicate says nothing");
    }

    #[test]
    fn a_transmission_is_lost_when_three_later_ones_have_arrived() {
        let mut board = board(5);
        assert_eq!(board.on_ack(&ack(0, 1, 1)).packets_lost, 0);
        assert_eq!(board.on_ack(&ack(0, 2, 2)).packets_lost, 0);
        assert_eq!(board.on_ack(&ack(0, 3, 3)).packets_lost, 1);
        assert_eq!(board.next_lost(), Some((0, LEN)));
        assert_eq!(
            (board.packets_in_flight(), board.bytes_in_flight()),
            (1, 1000)
        );
    }

    #[test]
    fn a_lost_retransmission_is_found_too() {
        let mut board = board(8);
        for n in 1..4 {
            board.on_ack(&ack(0, n, n));
        }
        assert_eq!(board.on_sent(0, LEN, sent()), 8);
        assert_eq!(board.next_lost(), None);
        for n in 4..8 {
            assert_eq!(board.on_ack(&ack(0, n, n)).packets_lost, 0);
        }
        for n in 9..12 {
            board.on_sent(n - 1, LEN, sent());
        }
        let lost: u64 = (9..12)
            .map(|n| board.on_ack(&ack(0, n - 1, n)).packets_lost)
            .sum();
        assert_eq!(lost, 1);
        assert_eq!(board.next_lost(), Some((0, LEN)));
    }

    #[test]
    fn what_arrives_after_it_was_thought_lost_is_not_sent_again() {
        let mut board = board(6);
        for n in 2..6 {
            board.on_ack(&ack(0, n, n));
        }
        assert_eq!(board.next_lost(), Some((0, LEN)));
        board.on_ack(&ack(1, 0, 0));
        assert_eq!(board.next_lost(), Some((1, LEN)));
        board.on_ack(&ack(6, 1, 1));
        assert_eq!(board.next_lost(), None);
        assert!(board.is_empty());
        assert_eq!((board.packets_in_flight(), board.bytes_in_flight()), (0, 0));
    }

    #[test]
    fn a_timeout_sends_all_again_that_did_not_arrive() {
        let mut board = board(5);
        board.on_ack(&ack(0, 2, 2));
        assert_eq!(board.on_timeout(), 4);
        assert_eq!(board.packets_in_flight(), 0);
        let mut again = Vec::new();
        while let Some((segment, len)) = board.next_lost() {
            again.push(segment);
            board.on_sent(segment, len, sent());
        }
        assert_eq!(again, [0, 1, 3, 4]);
        assert_eq!(board.next_segment(), 5);
    }
}
