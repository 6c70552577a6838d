//! The receiving end of one flow: acknowledges every packet, cumulatively and by itself.

use std::collections::VecDeque;

use crate::packet::{Ack, Packet};

#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// All segments below this one have arrived.
    expected: u64,
    /// Whether segment `expected + i` has arrived. Its first element is never true.
    beyond: VecDeque<bool>,
    /// Packets that carried what was there already.
    duplicates: u64,
}

impl Receiver {
    pub(crate) fn on_packet(&mut self, packet: &Packet) -> Ack {
        let new = match packet.segment.checked_sub(self.expected) {
            None => false,
            Some(ahead) => {
                let ahead = ahead as usize;
                if self.beyond.len() <= ahead {
                    self.beyond.resize(ahead + 1, false);
                }
                !core::mem::replace(&mut self.beyond[ahead], true)
            }
        };
        self.duplicates += u64::from(!new);
        while self.beyond.front() == Some(&true) {
            self.beyond.pop_front();
            self.expected += 1;
        }
        Ack {
            cumulative: self.expected,
            segment: packet.segment,
            transmission: packet.transmission,
            sent_at: packet.sent_at,
            marked: packet.marked,
        }
    }

    /// Packets that were sent again for nothing.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn cumulative(receiver: &mut Receiver, segment: u64) -> u64 {
        let packet = Packet {
            flow: 0,
            segment,
            transmission: segment,
            wire_len: 1500,
            sent_at: Time::ZERO,
            ecn: false,
            marked: false,
        };
        receiver.on_packet(&packet).cumulative
    }

    #[test]
    fn a_filled_hole_acknowledges_all_beyond_it() {
        let mut receiver = Receiver::default();
        let acks: Vec<_> =
            [0, 2, 3, 5, 1, 4].map(|segment| cumulative(&mut receiver, segment)).into();
        assert_eq!(acks, [1, 1, 1, 1, 4, 6]);
    }

    #[test]
    fn duplicates_are_counted_and_acknowledged_again() {
        let mut receiver = Receiver::default();
        for segment in [0, 0, 2, 2] {
            cumulative(&mut receiver, segment);
        }
        assert_eq!(receiver.duplicates(), 2);
    }
}
