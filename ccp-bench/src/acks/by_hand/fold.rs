//! [`FOLD`](crate::acks::FOLD) by hand.

use ccp_lang::{Primitive, Primitives, TrapKind};

use super::{ByHand, Clock, Done, add, ewma, rtt_sample};

/// Sums, a mean and last values, reported each 20 ms.
#[derive(Default)]
pub struct Fold {
    acked: u64,
    sacked: u64,
    loss: u64,
    timeout: u64,
    rtt: u64,
    in_flight: u64,
    clock: Clock,
}

impl Fold {
    #[inline]
    fn sums(&mut self, ack: &Primitives) -> Result<(), TrapKind> {
        self.acked = add(self.acked, ack.get(Primitive::AckBytesAcked))?;
        self.sacked = add(self.sacked, ack.get(Primitive::AckPacketsMisordered))?;
        self.loss = add(self.loss, ack.get(Primitive::AckLostPktsSample))?;
        self.timeout = ack.get(Primitive::FlowWasTimeout);
        self.rtt = ewma(2, self.rtt, rtt_sample(ack));
        self.in_flight = ack.get(Primitive::FlowPacketsInFlight);
        Ok(())
    }
}

impl ByHand for Fold {
    fn set(&mut self, _name: &str, _value: u64) -> bool {
        false
    }

    fn begin(&mut self, now: u64) {
        self.clock = Clock::begin(now);
    }

    #[inline]
    fn on_ack(
        &mut self,
        ack: &Primitives,
        now: u64,
        cwnd: u64,
        rate: u64,
        report: impl FnOnce(&[u64]),
    ) -> Done {
        let micros = self.clock.read(now);
        if let Err(trap) = self.sums(ack) {
            return trap.into();
        }
        let reported = micros > 20_000;
        if reported {
            let Self { acked, sacked, loss, timeout, rtt, in_flight, .. } = *self;
            report(&[acked, sacked, loss, timeout, rtt, in_flight]);
            self.clock.restart();
            *self = Self { clock: self.clock, ..Self::default() };
        }
        Done::new(cwnd, rate, reported)
    }
}
