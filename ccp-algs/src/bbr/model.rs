//! The per-round half: the path model, the states, and what the datapath is told.

use core::time::Duration;

use super::UNIT;
use super::aggregation::Excess;
use super::config::Config;
use super::filter::{MaxOverRounds, MinOverTime};
use super::policer::{Interval, Policer, Verdict};
use crate::window::Start;

/// What the sender is doing. The number is what the datapath program calls it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Doubles each round until the pipe is full.
    #[default]
    Startup = 0,
    /// Lets the queue go that STARTUP made.
    Drain = 1,
    /// Cruises, and probes for more bandwidth once a cycle.
    ProbeBw = 2,
    /// Empties the path to see its true round-trip time.
    ProbeRtt = 3,
}

/// What the datapath saw since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The datapath's time at the report, microseconds.
    pub now_us: u64,
    /// Whether a packet-timed round ended with it.
    pub round: bool,
    /// The largest delivery rate sample, bytes per second, of packets that the application did not hold back; 0: none.
    pub rate: u64,
    /// The same of those that it did.
    pub limited_rate: u64,
    /// Whether any sample was of those that it did.
    pub limited: bool,
    /// Bytes delivered, each once, and lost.
    pub delivered: u64,
    /// See `delivered`.
    pub lost: u64,
    /// The least RTT sample, microseconds; `None` without a sample.
    pub min_rtt_us: Option<u64>,
    /// Bytes acknowledged beyond what the bandwidth explains, at most.
    pub excess: u64,
    /// Whether a retransmission timeout fired.
    pub timeout: bool,
    /// Whether the last reduction was found to be for nothing.
    pub undone: bool,
    /// Whether the sender had been idle before it sent what was answered.
    pub idle: bool,
    /// Whether in flight is as little as the mode waits for: in DRAIN what the path holds, in PROBE_RTT four packets.
    pub done: bool,
    /// The mode that the datapath was in.
    pub mode: Mode,
}

/// What the datapath is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// The mode to be in.
    pub mode: Mode,
    /// Bytes per second: the largest sample of the last rounds.
    pub bandwidth: u64,
    /// Bytes per second to use instead, whatever comes; 0: none.
    pub policed: u64,
    /// Microseconds; `None` before the first sample.
    pub rtprop_us: Option<u64>,
    /// Gains in 1/256. In PROBE_BW the datapath pulses around the pacing gain.
    pub pacing_gain: u64,
    /// See `pacing_gain`.
    pub cwnd_gain: u64,
    /// Whether the pipe was found full: then rate and window may fall.
    pub full: bool,
    /// Bytes on top of the window's target: for bursts, and for ACK aggregation.
    pub bursts: u64,
    /// See `bursts`.
    pub aggregation: u64,
    /// The phase at which PROBE_BW begins, when it does now.
    pub phase: Option<u8>,
}

/// One flow's path model and state: a plain state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bbr {
    config: Config,
    mss: u64,
    /// State of the generator of phases.
    random: u64,
    mode: Mode,
    /// Rounds so far.
    rounds: u64,
    bandwidth: MaxOverRounds,
    rtprop: MinOverTime,
    /// The search for the full pipe: the bandwidth to grow from, rounds without growth, and its end.
    full_bandwidth: u64,
    full_rounds: u32,
    full: bool,
    policer: Policer,
    excess: Excess,
    /// PROBE_RTT: once in flight has come down.
    settled: Option<Settled>,
    /// Rounds to end until no sample is of PROBE_RTT's own making any more.
    emptied: u32,
    /// The phase at which PROBE_BW has just begun.
    phase: Option<u8>,
}

/// PROBE_RTT since in flight came down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settled {
    /// When it had, microseconds.
    since_us: u64,
    /// Bytes delivered or lost since: more than four segments are a round.
    gone: u64,
}

impl Bbr {
    /// Begins in STARTUP. The same seed gives the same phases.
    pub fn new(config: Config, start: Start) -> Self {
        Self {
            config,
            mss: start.mss,
            random: config.seed,
            mode: Mode::Startup,
            rounds: 0,
            bandwidth: MaxOverRounds::default(),
            rtprop: MinOverTime::default(),
            full_bandwidth: 0,
            full_rounds: 0,
            full: false,
            policer: Policer::default(),
            excess: Excess::default(),
            settled: None,
            emptied: 0,
            phase: None,
        }
    }

    /// Takes in what the datapath saw. Reports come in order; their time never goes back.
    pub fn on_report(&mut self, seen: &Seen) {
        self.phase = None;
        let mut seen = *seen;
        if seen.mode == Mode::ProbeRtt {
            // The window there says nothing of the path: as if the application held back (`tp->app_limited`), until what
            // was sent then is answered.
            self.emptied = ROUNDS_AFTER_PROBE_RTT;
        }
        if self.emptied > 0 {
            seen.limited_rate = seen.limited_rate.max(seen.rate);
            seen.rate = 0;
            // The search for the full pipe looks at the packet that begins a round: soon that is none of these.
            seen.limited |= self.emptied == ROUNDS_AFTER_PROBE_RTT;
            self.emptied -= u32::from(seen.round && seen.mode != Mode::ProbeRtt);
        }
        if seen.undone {
            self.undo(seen.now_us);
        }
        if seen.timeout {
            // `bbr_set_state`: the search for the full pipe begins again, if it has not ended. For the policer a round
            // ends as well; for all else the next ACK ends it.
            self.full_bandwidth = 0;
            seen.round = false;
        }
        self.update_bandwidth(&seen);
        if self.config.aggregation {
            self.excess.on_report(seen.excess, seen.round);
        }
        self.check_full(&seen);
        self.check_drain(&seen);
        self.update_rtprop(&seen);
    }

    /// What the datapath is to do until the next report.
    pub fn orders(&self) -> Orders {
        let policed = self.policer.bandwidth();
        let bandwidth = self.bandwidth.max();
        let high = self.config.startup_gain.units();
        let (pacing_gain, cwnd_gain) = match self.mode {
            Mode::Startup => (high, high),
            // `bbr_drain_gain`: what undoes STARTUP.
            Mode::Drain => (UNIT * UNIT / high, high),
            Mode::ProbeBw => (UNIT, self.config.cwnd_gain.units()),
            Mode::ProbeRtt => (UNIT, UNIT),
        };
        let used = policed.unwrap_or(bandwidth);
        Orders {
            mode: self.mode,
            bandwidth,
            policed: policed.unwrap_or(0),
            rtprop_us: self.rtprop.value_us(),
            pacing_gain,
            cwnd_gain,
            full: self.full,
            bursts: BURSTS * self.burst(self.config.pacing_rate(used, pacing_gain)),
            aggregation: if self.full { self.excess.bytes(used) } else { 0 },
            phase: self.phase,
        }
    }

    /// The estimate of the bottleneck's bandwidth, bytes per second.
    pub fn bandwidth(&self) -> u64 {
        self.bandwidth.max()
    }

    /// The estimate of the round-trip time without a queue, microseconds.
    pub fn rtprop_us(&self) -> Option<u64> {
        self.rtprop.value_us()
    }

    /// Segment size, bytes.
    pub(crate) fn mss(&self) -> u64 {
        self.mss
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Rounds so far.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    fn update_bandwidth(&mut self, seen: &Seen) {
        let interval = Interval {
            now_us: seen.now_us,
            round: seen.round || seen.timeout,
            delivered: seen.delivered,
            lost: seen.lost.max(u64::from(seen.timeout)),
            app_limited: seen.limited,
        };
        if self.config.policer
            && self.policer.on_report(&interval, self.mode == Mode::ProbeBw) == Verdict::Over
        {
            self.begin_probe_bw();
        }
        // A sample that the application held back is a lower bound.
        let limited = Some(seen.limited_rate).filter(|rate| *rate >= self.bandwidth.max());
        let best = seen.rate.max(limited.unwrap_or(0));
        if best > 0 {
            self.bandwidth.push(self.rounds, best);
        }
        self.rounds += u64::from(seen.round);
        // Rounds without such a sample make nothing old (`minmax_running_max`).
        if best > 0 {
            self.bandwidth.expire(self.rounds, BANDWIDTH_ROUNDS);
        }
    }

    fn check_full(&mut self, seen: &Seen) {
        if self.full || !seen.round || seen.limited {
            return;
        }
        let bandwidth = self.bandwidth.max();
        if bandwidth >= scale(self.full_bandwidth, FULL_GROWTH).max(1) {
            self.full_bandwidth = bandwidth;
            self.full_rounds = 0;
            return;
        }
        self.full_rounds += 1;
        self.full = self.full_rounds >= FULL_ROUNDS;
    }

    fn check_drain(&mut self, seen: &Seen) {
        if self.mode == Mode::Startup && self.full {
            self.mode = Mode::Drain;
        } else if self.mode == Mode::Drain && seen.mode == Mode::Drain && seen.done {
            self.begin_probe_bw();
        }
    }

    fn update_rtprop(&mut self, seen: &Seen) {
        let window_us = micros(self.config.rtprop);
        let expired = self.rtprop.is_expired(seen.now_us, window_us);
        if let Some(sample) = seen.min_rtt_us {
            if self.rtprop.value_us().is_none() {
                self.rtprop.confirm(seen.now_us);
            }
            self.rtprop.push(seen.now_us, sample, window_us);
        }
        let known = self.rtprop.value_us().is_some();
        let enabled = !self.config.probe_rtt.is_zero();
        // An idle path has emptied itself.
        if expired
            && enabled
            && known
            && self.rounds > 0
            && !seen.idle
            && self.mode != Mode::ProbeRtt
        {
            self.mode = Mode::ProbeRtt;
            self.phase = None;
            self.settled = None;
        } else if self.mode == Mode::ProbeRtt
            && seen.mode == Mode::ProbeRtt
            && self.has_waited(seen)
        {
            self.rtprop.confirm(seen.now_us);
            if self.full {
                self.begin_probe_bw();
            } else {
                self.mode = Mode::Startup;
            }
        }
    }

    /// Whether the time in PROBE_RTT is over: it counts from when in flight has come down, and a round must pass in it.
    fn has_waited(&mut self, seen: &Seen) -> bool {
        let Some(settled) = &mut self.settled else {
            if seen.done {
                self.settled = Some(Settled { since_us: seen.now_us, gone: 0 });
            }
            return false;
        };
        settled.gone = settled.gone.saturating_add(seen.delivered).saturating_add(seen.lost);
        // With nothing under way any more there is no round to wait for (`bbr_cwnd_event`).
        let round = seen.idle || settled.gone > LEAST_SEGMENTS * self.mss;
        round && seen.now_us > settled.since_us.saturating_add(micros(self.config.probe_rtt))
    }

    fn undo(&mut self, now_us: u64) {
        self.full_bandwidth = 0;
        self.full_rounds = 0;
        self.policer.reset(now_us);
    }

    /// At a random phase, so that flows do not probe together.
    fn begin_probe_bw(&mut self) {
        self.mode = Mode::ProbeBw;
        let random = self.next_random();
        self.phase = Some(self.config.phase.pick(random));
    }

    /// SplitMix64.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// What the sender passes on at once at a pacing rate, bytes (`bbr_tso_segs_goal`).
    fn burst(&self, rate: u64) -> u64 {
        let least = if rate < SLOW { 1 } else { 2 };
        let segments = (rate / BURSTS_PER_SECOND).min(BURST_BYTES) / self.mss.max(1);
        segments.clamp(least, BURST_SEGMENTS) * self.mss
    }
}

pub(super) fn scale(value: u64, gain: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(gain) / u128::from(UNIT);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The least window (`bbr_cwnd_min_target`).
pub(super) const LEAST_SEGMENTS: u64 = 4;

/// `bbr_bw_rtts` is the eight phases of a cycle and two rounds more.
const BANDWIDTH_ROUNDS: u64 = 10;

/// Growth that still counts, and how many rounds without it fill the pipe (`bbr_full_bw_thresh`, `bbr_full_bw_cnt`).
const FULL_GROWTH: u64 = UNIT * 5 / 4;
const FULL_ROUNDS: u32 = 3;

/// Bursts that the window has room for beyond its target (`bbr_quantization_budget`).
const BURSTS: u64 = 3;

/// A burst is what the pacing rate sends in 1/1024 s (`sk_pacing_shift`), at most what one GSO packet holds and 127
/// segments, at least two segments, or one below 1.2 Mbit/s (`bbr_min_tso_rate`).
const BURSTS_PER_SECOND: u64 = 1024;
const BURST_BYTES: u64 = 65_535;
const BURST_SEGMENTS: u64 = 127;
const SLOW: u64 = 1_200_000 / 8;

/// Until what was in flight at the end of PROBE_RTT has been answered, the kernel marks what is sent: that takes the
/// rest of a round at least, and the answers to it two more.
const ROUNDS_AFTER_PROBE_RTT: u32 = 3;
