//! The program of Reno and CUBIC by hand, in its three variants.

use std::marker::PhantomData;

use ccp_lang::{INFINITY, Primitive, Primitives, TrapKind};

use super::{ByHand, Clock, Done, add, div, ewma, mul, rtt_sample};

/// How slow start ends by itself, as types, so that each variant is code of its own.
pub trait HyStart {
    /// HyStart++ (RFC 9406).
    const RFC9406: bool = false;
    /// The kernel's HyStart.
    const LINUX: bool = false;
}

/// One flow under a window rule.
pub struct Window<H> {
    event: u64,
    acked: u64,
    min_rtt: u64,
    flight: u64,
    srtt: u64,
    last_cwnd: u64,
    prior: u64,
    credit: u64,
    now: u64,

    mss: u64,
    every: u64,
    floor: u64,
    beta_loss: u64,
    beta_mark: u64,
    per: u64,
    most: u64,
    ssthresh: u64,
    before: u64,
    left: u64,
    prr: bool,
    beta: u64,
    prr_delivered: u64,
    prr_base: u64,

    // Both HyStarts.
    round_left: u64,
    // RFC 9406.
    round_min: u64,
    last_min: u64,
    samples: u64,
    baseline: u64,
    css_rounds: u64,
    per_ack: u64,
    // The kernel's.
    least: u64,
    wait: u64,
    round_start: u64,
    last_near: u64,
    trains: u64,

    clock: Clock,
    hystart: PhantomData<H>,
}

impl<H> Default for Window<H> {
    fn default() -> Self {
        Self {
            event: 0,
            acked: 0,
            min_rtt: INFINITY,
            flight: 0,
            srtt: 0,
            last_cwnd: 0,
            prior: 0,
            credit: 0,
            now: 0,
            mss: 1448,
            every: INFINITY,
            floor: 0,
            beta_loss: 64_000,
            beta_mark: 64_000,
            per: 0,
            most: INFINITY,
            ssthresh: INFINITY,
            before: 0,
            left: 0,
            prr: false,
            beta: 64_000,
            prr_delivered: 0,
            prr_base: 0,
            round_left: 0,
            round_min: INFINITY,
            last_min: INFINITY,
            samples: 0,
            baseline: INFINITY,
            css_rounds: 0,
            per_ack: INFINITY,
            least: INFINITY,
            wait: 9,
            round_start: 0,
            last_near: 0,
            trains: 1,
            clock: Clock::default(),
            hystart: PhantomData,
        }
    }
}

/// What one ACK says, in the units of the rule.
struct Ack {
    arrived: u64,
    lost: u64,
    bytes_acked: u64,
    marks: u64,
    in_flight: u64,
    rtt: u64,
    timeout: bool,
    now: u64,
}

impl<H: HyStart> Window<H> {
    #[inline]
    fn handle(
        &mut self,
        ack: &Primitives,
        now: u64,
        micros: u64,
        cwnd: &mut u64,
    ) -> Result<bool, TrapKind> {
        let packets =
            add(ack.get(Primitive::AckPacketsAcked), ack.get(Primitive::AckPacketsMisordered))?;
        let ack = Ack {
            arrived: mul(packets, self.mss)?,
            lost: mul(ack.get(Primitive::AckLostPktsSample), self.mss)?,
            bytes_acked: ack.get(Primitive::AckBytesAcked),
            marks: ack.get(Primitive::AckEcnPackets),
            in_flight: ack.get(Primitive::FlowBytesInFlight),
            rtt: rtt_sample(ack),
            timeout: ack.get(Primitive::FlowWasTimeout) != 0,
            now,
        };
        self.note(&ack)?;
        // The transport took the window down by itself.
        if add(*cwnd, self.mss)? < self.last_cwnd && !ack.timeout {
            self.ssthresh = self.ssthresh.max(self.last_cwnd - self.last_cwnd / 4);
        }
        // It has given it back.
        if self.last_cwnd < self.prior && *cwnd >= self.prior {
            *cwnd = self.prior.max(*cwnd);
            self.ssthresh = self.ssthresh.max(self.before);
            self.left = 0;
            self.prr = false;
            self.event = 4;
        }
        // A reduction is done.
        if self.prr && self.left == 0 {
            *cwnd = self.ssthresh;
            self.prr = false;
            self.event = 5;
        }
        let news = add(ack.lost, ack.marks)? > 0;
        if self.left == 0 && (ack.timeout || news) {
            self.reduce(&ack, *cwnd)?;
        }
        if ack.timeout {
            self.event = 3;
            *cwnd = add(ack.in_flight, self.mss)?;
            self.left = self.left.max(self.prior);
            self.prr = false;
            if H::LINUX {
                self.round_left = 0;
                self.least = INFINITY;
            }
        }
        if self.prr {
            *cwnd = self.repair(&ack)?;
        }
        if H::RFC9406 && self.ssthresh > INFINITY - 1 {
            self.hystart_rfc9406(&ack, *cwnd)?;
        }
        if H::LINUX {
            self.hystart_linux(&ack, *cwnd)?;
        }
        if !self.prr && ack.bytes_acked > 0 {
            self.grow(&ack, cwnd)?;
        }
        self.last_cwnd = *cwnd;
        if H::LINUX {
            self.round_left = self.round_left.saturating_sub(ack.arrived);
        }
        Ok(self.event > 0 || micros >= self.floor.max(self.every.min(ack.rtt)))
    }

    /// Counts what the ACK brought.
    #[inline]
    fn note(&mut self, ack: &Ack) -> Result<(), TrapKind> {
        self.min_rtt = self.min_rtt.min(ack.rtt);
        if H::LINUX {
            self.least = self.least.min(ack.rtt);
        }
        self.flight = self.flight.max(add(ack.in_flight, ack.arrived)?);
        self.now = ack.now;
        let sample = if ack.rtt < INFINITY { ack.rtt } else { self.srtt };
        self.srtt = ewma(9, self.srtt, sample);
        self.left = self.left.saturating_sub(ack.arrived);
        Ok(())
    }

    /// A loss, a mark or a timeout that is news.
    #[inline]
    fn reduce(&mut self, ack: &Ack, cwnd: u64) -> Result<(), TrapKind> {
        let marked = ack.marks > ack.lost;
        self.event = if marked { 2 } else { 1 };
        self.beta = if marked { self.beta_mark } else { self.beta_loss };
        self.before = self.ssthresh;
        self.prior = if ack.timeout { self.last_cwnd } else { cwnd };
        self.ssthresh = mul(2, self.mss)?.max(mul(self.prior, self.beta)? / 128_000);
        self.credit = 0;
        self.baseline = INFINITY;
        self.prr = true;
        self.prr_delivered = 0;
        self.prr_base = add(ack.in_flight, add(ack.arrived, ack.lost)?)?;
        self.left = add(self.prr_base, mul(3, self.mss)?)?;
        Ok(())
    }

    /// Proportional rate reduction (RFC 9937): gives the window.
    #[inline]
    fn repair(&mut self, ack: &Ack) -> Result<u64, TrapKind> {
        self.prr_delivered = add(self.prr_delivered, ack.arrived)?;
        self.prr_base = self.prr_base.saturating_sub(ack.lost);
        let out = add(ack.in_flight, self.prr_delivered)?.saturating_sub(self.prr_base);
        let mut send = ack.arrived.max(self.prr_delivered.saturating_sub(out));
        let one_more = add(send, self.mss)?;
        if ack.bytes_acked > 0 && ack.lost == 0 {
            send = one_more;
        }
        send = send.min(self.ssthresh.saturating_sub(ack.in_flight));
        let part = add(mul(self.prr_delivered, self.beta)? / 128_000, 1)?;
        if ack.in_flight > self.ssthresh {
            send = part.saturating_sub(out);
        }
        if out == 0 {
            send = send.max(self.mss);
        }
        add(ack.in_flight, send)
    }

    /// HyStart++ in the first slow start.
    #[inline]
    fn hystart_rfc9406(&mut self, ack: &Ack, cwnd: u64) -> Result<(), TrapKind> {
        let begins = self.round_left == 0;
        let round = add(ack.in_flight, ack.arrived)?;
        if begins {
            self.round_left = round;
            self.last_min = self.round_min;
            self.round_min = INFINITY;
            self.samples = 0;
        }
        let rounds = add(self.css_rounds, 1)?;
        if begins {
            self.css_rounds = rounds;
        }
        self.round_left = self.round_left.saturating_sub(ack.arrived);
        let samples = add(self.samples, 1)?;
        if ack.rtt < INFINITY {
            self.samples = samples;
        }
        self.round_min = self.round_min.min(ack.rtt);
        let least = if self.samples > 7 { self.round_min } else { INFINITY };
        if least < self.baseline {
            self.baseline = INFINITY;
        }
        if self.baseline >= INFINITY {
            self.css_rounds = 0;
        }
        let risen = add(self.last_min, (self.last_min / 8).clamp(4_000, 16_000))?;
        if least >= risen && self.baseline >= least {
            self.baseline = least;
        }
        if self.css_rounds > 4 {
            self.ssthresh = cwnd;
            self.event = 6;
        }
        Ok(())
    }

    /// The kernel's HyStart: rounds, trains and delays.
    #[inline]
    fn hystart_linux(&mut self, ack: &Ack, cwnd: u64) -> Result<(), TrapKind> {
        if cwnd < self.ssthresh && self.round_left == 0 {
            self.round_left = add(ack.in_flight, ack.arrived)?;
            self.wait = 9;
            self.round_start = ack.now;
            self.last_near = ack.now;
        }
        let segments = mul(15, self.mss)?;
        if self.prr || cwnd >= self.ssthresh || cwnd <= segments {
            return Ok(());
        }
        if ack.rtt < INFINITY {
            self.wait = self.wait.max(1) - 1;
        }
        if ack.rtt < add(self.least, (self.least / 8).clamp(4_000, 16_000))? {
            self.wait = INFINITY;
        }
        let near = ack.now < add(self.last_near, 2_001)?;
        if near {
            self.last_near = ack.now;
        }
        let bursts = div(mul(131_072, self.srtt)?, cwnd)?.min(1_000);
        let train = div(add(self.least, bursts)?, self.trains)?;
        let long = ack.now > add(self.round_start, train)?;
        if self.wait == 0 || near && long {
            self.ssthresh = cwnd;
            self.event = 6;
        }
        Ok(())
    }

    /// Slow start, and avoidance at the agent's price.
    #[inline]
    fn grow(&mut self, ack: &Ack, cwnd: &mut u64) -> Result<(), TrapKind> {
        let mut fresh = ack.arrived.min(ack.bytes_acked);
        let mut send = fresh.min(self.ssthresh.saturating_sub(*cwnd));
        if H::RFC9406 {
            send = send.min(self.per_ack);
            if self.baseline < INFINITY {
                send /= 4;
            }
        }
        if *cwnd >= mul(2, self.flight)? {
            send = 0;
        }
        *cwnd = add(*cwnd, send)?;
        if send > 0 && *cwnd == self.ssthresh {
            self.event = 6;
        }
        fresh -= send;
        if *cwnd < self.ssthresh || *cwnd >= add(self.flight, mul(3, self.mss)?)? {
            fresh = 0;
        }
        self.acked = add(self.acked, fresh)?;
        let price = if self.per == 0 { (*cwnd).max(1) } else { self.per };
        self.credit = add(self.credit.min(price), fresh)?;
        let segments = self.credit / price;
        self.credit -= segments * price;
        *cwnd = self.most.min(add(*cwnd, mul(segments, self.mss)?)?);
        Ok(())
    }
}

impl<H: HyStart> ByHand for Window<H> {
    fn set(&mut self, name: &str, value: u64) -> bool {
        let place = match name {
            "mss" => &mut self.mss,
            "every" => &mut self.every,
            "floor" => &mut self.floor,
            "betaLoss" => &mut self.beta_loss,
            "betaMark" => &mut self.beta_mark,
            "per" => &mut self.per,
            "most" => &mut self.most,
            "ssthresh" => &mut self.ssthresh,
            "left" => &mut self.left,
            "perAck" if H::RFC9406 => &mut self.per_ack,
            "trains" if H::LINUX => &mut self.trains,
            _ => return false,
        };
        *place = value;
        true
    }

    fn begin(&mut self, now: u64) {
        self.clock = Clock::begin(now);
    }

    #[inline]
    fn on_ack(
        &mut self,
        ack: &Primitives,
        now: u64,
        mut cwnd: u64,
        rate: u64,
        report: impl FnOnce(&[u64]),
    ) -> Done {
        let micros = self.clock.read(now);
        let reports = match self.handle(ack, now, micros, &mut cwnd) {
            Ok(reports) => reports,
            Err(trap) => return trap.into(),
        };
        if reports {
            self.clock.restart();
            report(&[
                self.event,
                self.acked,
                self.min_rtt,
                self.flight,
                0,
                self.srtt,
                self.last_cwnd,
                self.prior,
                self.credit,
                self.now,
            ]);
            self.event = 0;
            self.acked = 0;
            self.min_rtt = INFINITY;
            self.flight = 0;
        }
        Done::new(cwnd, rate, reports)
    }
}
