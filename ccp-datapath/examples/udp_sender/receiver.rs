//! The receiver: acknowledges every packet at once, in ranges of packet numbers.

use std::io;
use std::net::UdpSocket;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::packet::{Ack, Data, MAX_RANGES, PACKET_LEN};

/// Answers packets until `stop`. The socket needs a read timeout.
pub(crate) fn run(socket: &UdpSocket, stop: &AtomicBool) -> io::Result<()> {
    let mut received = Received::default();
    let mut buf = [0; PACKET_LEN + 1];
    while !stop.load(Ordering::Relaxed) {
        let (len, from) = match socket.recv_from(&mut buf) {
            Ok(datagram) => datagram,
            Err(e) if is_timeout(&e) => continue,
            Err(e) => return Err(e),
        };
        if let Some(data) = Data::read(&buf[..len]) {
            let ack = received.take(data);
            let _ = socket.send_to(&ack.write(), from);
        }
    }
    Ok(())
}

/// The read timeout of a socket ran out, or a signal came in.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    // Linux tells a UDP socket that an earlier datagram found nobody; that is a loss, not an error.
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted | ConnectionRefused)
}

/// What has arrived.
#[derive(Default)]
struct Received {
    /// Disjoint, the newest first; the oldest are forgotten.
    ranges: Vec<Range<u64>>,
    ce_packets: u64,
}

impl Received {
    fn take(&mut self, data: Data) -> Ack {
        self.ce_packets += u64::from(data.ce);
        self.add(data.number);
        Ack { echo_us: data.sent_us, ce_packets: self.ce_packets, ranges: self.ranges.clone() }
    }

    fn add(&mut self, number: u64) {
        let at = self.ranges.iter().position(|range| range.start <= number + 1);
        let at = at.unwrap_or(self.ranges.len());
        match self.ranges.get_mut(at) {
            Some(range) if range.contains(&number) => {}
            Some(range) if range.end == number => range.end += 1,
            Some(range) if range.start == number + 1 => range.start = number,
            _ => self.ranges.insert(at, number..number + 1),
        }
        // A packet between two ranges joins them.
        if at > 0 && self.ranges.get(at).is_some_and(|r| r.end == self.ranges[at - 1].start) {
            let upper = self.ranges.remove(at - 1);
            self.ranges[at - 1].end = upper.end;
        } else if self.ranges.get(at + 1).is_some_and(|r| r.end == self.ranges[at].start) {
            let lower = self.ranges.remove(at + 1);
            self.ranges[at].start = lower.start;
        }
        self.ranges.truncate(MAX_RANGES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_in_any_order_join_into_ranges() {
        let mut received = Received::default();
        for number in [0, 1, 3, 7, 5, 4, 8, 3] {
            received.add(number);
        }
        assert_eq!(received.ranges, [7..9, 3..6, 0..2]);
        received.add(6);
        received.add(2);
        assert_eq!(received.ranges, [0..9]);
    }

    #[test]
    fn old_ranges_are_forgotten() {
        let mut received = Received::default();
        for number in 0..1000 {
            received.add(number * 2);
        }
        assert_eq!(received.ranges.len(), MAX_RANGES);
        assert_eq!(received.ranges[0], 1998..1999);
    }
}
