//! BBR's program by hand: for a transport that does not say when it repairs losses, with a report each round.

use ccp_lang::{INFINITY, Primitive, Primitives, TrapKind};

use super::{ByHand, Clock, Done, add, div, mul, rtt_sample};

/// One flow under BBR.
pub struct Bbr {
    round: bool,
    rate: u64,
    peak: u64,
    held: bool,
    delivered: u64,
    lost: u64,
    min_rtt: u64,
    excess: u64,
    timeout: bool,
    idle: bool,
    done: bool,
    now: u64,
    mode_seen: u64,

    mss: u64,
    pair: u64,
    least: u64,
    keep: u64,
    first: u64,
    mode: u64,
    phase: u64,
    bandwidth: u64,
    most: u64,
    rtprop: u64,
    pacing_gain: u64,
    cwnd_gain: u64,
    full: bool,
    slack: u64,
    bursts: u64,

    limit: u64,
    gone: u64,
    repairing: bool,
    conserve: bool,
    prior: u64,
    win: u64,
    empty: bool,
    aggregated_since: u64,
    aggregated: u64,
    bdp: u64,
    clock: Clock,
}

impl Default for Bbr {
    fn default() -> Self {
        Self {
            round: false,
            rate: 0,
            peak: 0,
            held: false,
            delivered: 0,
            lost: 0,
            min_rtt: INFINITY,
            excess: 0,
            timeout: false,
            idle: false,
            done: false,
            now: 0,
            mode_seen: 0,
            mss: 1448,
            pair: 2896,
            least: 5792,
            keep: 99,
            first: 2_857_851,
            mode: STARTUP,
            phase: 9,
            bandwidth: 0,
            most: 4_000_000_000,
            rtprop: 33_554_431,
            pacing_gain: 739,
            cwnd_gain: 739,
            full: false,
            slack: 0,
            bursts: 0,
            limit: 0,
            gone: 0,
            repairing: false,
            conserve: false,
            prior: 0,
            win: 0,
            empty: false,
            aggregated_since: 0,
            aggregated: 0,
            bdp: 0,
            clock: Clock::default(),
        }
    }
}

const STARTUP: u64 = 0;
const DRAIN: u64 = 1;
const PROBE_BW: u64 = 2;
const PROBE_RTT: u64 = 3;

/// What one ACK says, in bytes.
struct Ack {
    news: u64,
    in_flight: u64,
    packets_in_flight: u64,
    rtt: u64,
    timeout: bool,
    now: u64,
    micros: u64,
}

impl Ack {
    fn acts(&self) -> bool {
        self.news > 0
    }
}

/// How recovery changed.
struct Recovery {
    /// It begins.
    shut: bool,
    /// It ends.
    open: bool,
}

impl Bbr {
    #[inline]
    fn handle(
        &mut self,
        ack: &Primitives,
        now: u64,
        cwnd: &mut u64,
        rate: &mut u64,
    ) -> Result<bool, TrapKind> {
        let packets =
            add(ack.get(Primitive::AckPacketsAcked), ack.get(Primitive::AckPacketsMisordered))?;
        let news = mul(packets, self.mss)?;
        let micros = self.clock.read(now);
        self.lost = mul(ack.get(Primitive::AckLostPktsSample), self.mss)?;
        let pending = ack.get(Primitive::FlowBytesPending);
        let rates = (ack.get(Primitive::FlowRateIncoming), ack.get(Primitive::FlowRateOutgoing));
        let ack = Ack {
            news,
            in_flight: ack.get(Primitive::FlowBytesInFlight),
            packets_in_flight: ack.get(Primitive::FlowPacketsInFlight),
            rtt: rtt_sample(ack),
            timeout: ack.get(Primitive::FlowWasTimeout) != 0,
            now,
            micros,
        };
        self.gone = add(self.gone, add(news, self.lost)?)?;
        self.round = self.gone > self.limit;
        let app_limited = pending == ack.in_flight && ack.in_flight < *cwnd;
        self.measure(&ack, rates.0.min(rates.1), app_limited)?;
        let recovery = self.recover(&ack, *cwnd);
        let (gain, goal) = self.pulse(&ack)?;
        self.pace(&ack, gain, *cwnd, rate)?;
        self.aggregate(&ack, *cwnd)?;
        self.limit_window(&ack, &recovery, cwnd)?;
        self.delivered = add(self.delivered, news)?;
        self.min_rtt = self.min_rtt.min(ack.rtt);
        self.timeout = ack.timeout;
        self.now = now;
        self.mode_seen = self.mode;
        let goal = add(goal, 1)?;
        if self.mode == DRAIN {
            self.done = ack.in_flight < goal;
        }
        if self.mode == PROBE_RTT {
            self.done = ack.packets_in_flight < 5;
        }
        self.empty = ack.in_flight == 0;
        Ok(self.lost > 0 || self.timeout || self.round || self.done)
    }

    /// Bandwidth and RTprop.
    #[inline]
    fn measure(&mut self, ack: &Ack, rate: u64, app_limited: bool) -> Result<(), TrapKind> {
        let sample = if ack.acts() { rate } else { 0 };
        if app_limited {
            self.held = true;
        } else {
            self.rate = self.rate.max(sample);
        }
        self.peak = self.peak.max(sample);
        self.bandwidth = self.bandwidth.max(sample).min(self.most);
        self.rtprop = self.rtprop.min(ack.rtt);
        self.bdp = mul(self.bandwidth, self.rtprop)? / 1_000_000;
        self.idle = self.empty && !self.repairing;
        Ok(())
    }

    /// Begins or ends recovery, and keeps the window to come back to.
    #[inline]
    fn recover(&mut self, ack: &Ack, cwnd: u64) -> Recovery {
        if !self.repairing && self.mode_seen <= PROBE_BW {
            self.prior = 0;
        }
        let lossy = ack.timeout || ack.acts() && self.lost > 0;
        let repairing = lossy || self.repairing && !self.round;
        let shut = repairing && !self.repairing;
        let open = self.repairing && !repairing;
        self.repairing = repairing;
        if shut || self.mode > self.mode_seen.max(PROBE_BW) {
            self.prior = self.prior.max(self.win.max(cwnd));
        }
        if shut || self.round {
            self.limit = ack.in_flight;
            self.gone = 0;
        }
        // After a timeout, until as much has been delivered as the window held.
        if ack.timeout {
            self.limit = self.prior;
        }
        let shut = shut && !ack.timeout;
        if open || self.round {
            self.conserve = false;
        }
        if shut {
            self.conserve = true;
        }
        Recovery { shut, open }
    }

    /// The pulse of PROBE_BW: gives the gain to pace with, and the data in flight that it is to come to.
    #[inline]
    fn pulse(&mut self, ack: &Ack) -> Result<(u64, u64), TrapKind> {
        let (up, down) = (self.phase == 0, self.phase == 1);
        let gain = match self.phase {
            0 => 320,
            1 => 192,
            _ => self.pacing_gain,
        };
        let pairs = div(add(mul(self.bdp, gain.max(256))? / 256, self.bursts)?, self.pair)?;
        let one_more = add(pairs, 1)?;
        let goal = mul(if up { one_more } else { pairs }, self.pair)?;
        let was_in_flight = add(ack.in_flight, add(ack.news, self.lost)?)?;
        let more_than_goal = add(goal, 1)?;
        let mut next = ack.micros > self.rtprop;
        if up && self.lost == 0 && was_in_flight < goal {
            next = false;
        }
        if down && more_than_goal > was_in_flight {
            next = true;
        }
        let phase = add(self.phase, 1)?;
        if next {
            self.phase = phase;
        }
        if self.phase == 8 {
            self.phase = 0;
        }
        if next || self.mode > self.mode_seen {
            self.clock.restart();
        }
        Ok((if ack.in_flight == 0 { 256 } else { gain }, goal))
    }

    /// The rate. Before the pipe is full it only rises.
    #[inline]
    fn pace(&self, ack: &Ack, gain: u64, cwnd: u64, rate: &mut u64) -> Result<(), TrapKind> {
        let first = div(mul(cwnd, self.first)?, self.rtprop)?;
        if ack.acts() && self.win == 0 {
            *rate = first;
        }
        let paced = mul(mul(self.bandwidth, gain)?, self.keep)? / 25_600;
        if paced > *rate || self.full {
            *rate = paced;
        }
        Ok(())
    }

    /// ACK aggregation: what came beyond the bandwidth since it was last behind.
    #[inline]
    fn aggregate(&mut self, ack: &Ack, cwnd: u64) -> Result<(), TrapKind> {
        let since = ack.now.saturating_sub(self.aggregated_since).min(LONGEST);
        let mut expected = mul(self.bandwidth, since)? / 1_000_000;
        if self.idle || since >= LONGEST || expected > self.aggregated {
            self.aggregated_since = ack.now;
            self.aggregated = 0;
            expected = 0;
        }
        self.aggregated = add(self.aggregated, ack.news)?;
        self.excess = self.excess.max(self.aggregated.saturating_sub(expected).min(cwnd));
        Ok(())
    }

    /// The window.
    #[inline]
    fn limit_window(
        &mut self,
        ack: &Ack,
        recovery: &Recovery,
        window: &mut u64,
    ) -> Result<(), TrapKind> {
        let pairs = div(add(mul(self.bdp, self.cwnd_gain)? / 256, self.slack)?, self.pair)?;
        let one_more = add(pairs, 1)?;
        let target = mul(if self.phase == 0 { one_more } else { pairs }, self.pair)?;
        let mut cwnd = *window;
        let lost = add(self.lost, self.mss)?;
        if ack.acts() {
            cwnd = cwnd.max(lost) - self.lost;
        }
        let after_timeout = add(ack.in_flight, self.mss)?;
        if ack.timeout {
            cwnd = after_timeout;
        }
        if recovery.shut {
            cwnd = 0;
        }
        let conserved = cwnd.max(add(ack.in_flight, ack.news)?);
        if self.conserve {
            cwnd = conserved;
        }
        if recovery.open || self.mode_seen.max(PROBE_BW) > self.mode.max(PROBE_BW) {
            cwnd = cwnd.max(self.prior);
        }
        let may_grow = cwnd < target.max(mul(20, self.mss)?);
        let grown = add(cwnd, ack.news)?;
        if ack.acts() && !self.conserve {
            if self.full {
                cwnd = grown.min(target);
            } else if may_grow {
                cwnd = grown;
            }
            cwnd = cwnd.max(self.least);
        }
        if self.mode == PROBE_RTT {
            cwnd = cwnd.min(self.least);
        }
        *window = cwnd;
        self.win = cwnd;
        Ok(())
    }
}

impl ByHand for Bbr {
    fn set(&mut self, name: &str, value: u64) -> bool {
        let place = match name {
            "mss" => &mut self.mss,
            "pair" => &mut self.pair,
            "least" => &mut self.least,
            "keep" => &mut self.keep,
            "first" => &mut self.first,
            "mode" => &mut self.mode,
            "phase" => &mut self.phase,
            "bw" => &mut self.bandwidth,
            "most" => &mut self.most,
            "rtprop" => &mut self.rtprop,
            "pgain" => &mut self.pacing_gain,
            "cgain" => &mut self.cwnd_gain,
            "slack" => &mut self.slack,
            "bursts" => &mut self.bursts,
            "full" => {
                self.full = value != 0;
                return true;
            }
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
        mut rate: u64,
        report: impl FnOnce(&[u64]),
    ) -> Done {
        let reports = match self.handle(ack, now, &mut cwnd, &mut rate) {
            Ok(reports) => reports,
            Err(trap) => return trap.into(),
        };
        if reports {
            report(&[
                self.round.into(),
                self.rate,
                self.peak,
                self.held.into(),
                self.delivered,
                self.lost,
                self.min_rtt,
                self.excess,
                self.timeout.into(),
                self.idle.into(),
                self.done.into(),
                self.now,
                self.mode_seen,
            ]);
            self.round = false;
            self.rate = 0;
            self.peak = 0;
            self.held = false;
            self.delivered = 0;
            self.lost = 0;
            self.min_rtt = INFINITY;
            self.excess = 0;
            self.timeout = false;
            self.idle = false;
            self.done = false;
        }
        Done::new(cwnd, rate, reports)
    }
}

/// Half a minute, in microseconds.
const LONGEST: u64 = 33_554_431;
