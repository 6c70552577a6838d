//! The datapath program: its variants, and where its variables are.

use ccp_runtime::{ControlField, Fields, NameError, Primitive, Scope};

use super::model::LEAST_SEGMENTS;
use super::{Config, Mode, Orders, Seen};
use crate::variant::Variants;
use crate::window::{ReportEvery, Start};

/// How the program learns that losses are being repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// The transport says so.
    Told,
    /// A loss begins it, and what was in flight then ends it once it is delivered.
    Inferred,
}

impl Recovery {
    pub(super) const ALL: [Self; 2] = [Self::Told, Self::Inferred];

    /// What a datapath that fills these primitives gets.
    pub(super) const fn of(primitives: u64) -> Self {
        if primitives & Primitive::FlowRecovery.mask() == 0 { Self::Inferred } else { Self::Told }
    }

    /// The program's name: each variant has its own.
    pub(super) const fn program(self, report: ReportEvery) -> &'static str {
        match (self, report) {
            (Self::Told, ReportEvery::Rtt | ReportEvery::RttOr(_)) => "bbr",
            (Self::Told, ReportEvery::Ack) => "bbr-ack",
            (Self::Told, ReportEvery::Interval(_)) => "bbr-every",
            (Self::Inferred, ReportEvery::Rtt | ReportEvery::RttOr(_)) => "bbr-inferred",
            (Self::Inferred, ReportEvery::Ack) => "bbr-inferred-ack",
            (Self::Inferred, ReportEvery::Interval(_)) => "bbr-inferred-every",
        }
    }

    /// Its text.
    pub(super) fn source(self, report: ReportEvery) -> String {
        let recovery = match self {
            Self::Told => "#told",
            Self::Inferred => "#inferred",
        };
        let report = match report {
            ReportEvery::Rtt | ReportEvery::RttOr(_) => "#rtt",
            ReportEvery::Ack => "#ack",
            ReportEvery::Interval(_) => "#every",
        };
        PROGRAM.with(&[recovery, report])
    }

    /// The largest bandwidth that counts, bytes per second. libccp keeps rates in 32 bits, and what it would set in the
    /// place of more is anything.
    const fn most(self, config: &Config) -> u64 {
        match self {
            Self::Told => MOST,
            Self::Inferred => u32::MAX as u64 * super::UNIT / config.startup_gain.units(),
        }
    }
}

/// What the program begins with.
pub(super) fn first_fields(
    recovery: Recovery,
    report: ReportEvery,
    config: &Config,
    start: Start,
) -> Vec<(&'static str, u64)> {
    let high = config.startup_gain.units();
    let keep = config.margin.kept();
    let mut fields = vec![
        ("mss", start.mss),
        ("pair", 2 * start.mss),
        ("least", LEAST_SEGMENTS * start.mss),
        ("most", recovery.most(config)),
        ("keep", keep),
        // Windows per second and microsecond of RTprop (`bbr_init_pacing_rate_from_rtt`).
        ("first", 1_000_000 * high * keep / (100 * super::UNIT)),
        ("pgain", high),
        ("cgain", high),
    ];
    if let ReportEvery::Interval(every) = report {
        let us = u64::try_from(every.as_micros()).unwrap_or(u64::MAX);
        // A time is added to it.
        fields.push(("every", us.min(u64::MAX >> 1)));
    }
    fields
}

ccp_runtime::report! {
    /// What `bbr.ccp` reports.
    pub(super) struct Told {
        round: bool,
        rate: u64,
        peak: u64,
        held: bool,
        delivered: u64,
        lost: u64,
        min_rtt: u64 as "minrtt",
        excess: u64,
        timeout: bool,
        /// `None` where the transport does not say.
        undone: Option<bool>,
        idle: bool,
        done: bool,
        now: u64,
        mode: u64,
    }
}

impl From<Told> for Seen {
    fn from(told: Told) -> Self {
        Self {
            now_us: told.now,
            round: told.round,
            rate: told.rate,
            limited_rate: told.peak,
            limited: told.held,
            delivered: told.delivered,
            lost: told.lost,
            min_rtt_us: (told.min_rtt < NO_SAMPLE).then_some(told.min_rtt),
            excess: told.excess,
            timeout: told.timeout,
            undone: told.undone.unwrap_or(false),
            idle: told.idle,
            done: told.done,
            mode: match told.mode {
                1 => Mode::Drain,
                2 => Mode::ProbeBw,
                3 => Mode::ProbeRtt,
                _ => Mode::Startup,
            },
        }
    }
}

/// Where a program's variables are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    /// The largest bandwidth that counts.
    most_bandwidth: u64,
    pub(super) told: Fields<Told>,
    mode: ControlField,
    phase: ControlField,
    bandwidth: ControlField,
    most: ControlField,
    rtprop: ControlField,
    pacing_gain: ControlField,
    cwnd_gain: ControlField,
    full: ControlField,
    slack: ControlField,
    bursts: ControlField,
}

impl Program {
    pub(super) fn resolve(
        scope: &Scope,
        recovery: Recovery,
        config: &Config,
    ) -> Result<Self, NameError> {
        Ok(Self {
            most_bandwidth: recovery.most(config),
            told: scope.fields()?,
            mode: scope.control("mode")?,
            phase: scope.control("phase")?,
            bandwidth: scope.control("bw")?,
            most: scope.control("most")?,
            rtprop: scope.control("rtprop")?,
            pacing_gain: scope.control("pgain")?,
            cwnd_gain: scope.control("cgain")?,
            full: scope.control("full")?,
            slack: scope.control("slack")?,
            bursts: scope.control("bursts")?,
        })
    }

    /// The phase comes last. `mss` is needed to round up to an even number of segments.
    pub(super) fn orders(
        &self,
        orders: &Orders,
        phase: Option<u8>,
        mss: u64,
    ) -> [(ControlField, u64); 10] {
        let round_up = 2 * mss - 1;
        let most = self.most_bandwidth;
        // A policer's bandwidth is used in the place of the model's, whatever comes.
        let most = if orders.policed > 0 { orders.policed.min(most) } else { most };
        let bandwidth = if orders.policed > 0 { orders.policed } else { orders.bandwidth };
        [
            (self.mode, orders.mode as u64),
            (self.bandwidth, bandwidth.min(most)),
            (self.most, most),
            (self.rtprop, orders.rtprop_us.unwrap_or(MOST_US).min(MOST_US)),
            (self.pacing_gain, orders.pacing_gain),
            (self.cwnd_gain, orders.cwnd_gain),
            (self.full, orders.full.into()),
            (self.slack, orders.bursts.saturating_add(orders.aggregation).saturating_add(round_up)),
            (self.bursts, orders.bursts.saturating_add(round_up)),
            (self.phase, phase.unwrap_or(NO_PHASE).into()),
        ]
    }
}

/// As it stands, it is `#told` and `#rtt`.
pub(crate) const PROGRAM: Variants = Variants {
    source: include_str!("bbr.ccp"),
    marks: &["#told", "#inferred", "#rtt", "#every", "#ack"],
};

/// A phase that is none: it never comes to 8, where the cycle starts over.
const NO_PHASE: u8 = 9;

/// A datapath's infinity: a report without an RTT sample.
const NO_SAMPLE: u64 = u32::MAX as u64;

/// The most that counts, so that no product in the program overflows: 2 Tbit/s and 33 s.
const MOST: u64 = 1 << 38;
const MOST_US: u64 = (1 << 25) - 1;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use ccp_runtime::{Compiler, ProgramUid};

    use super::*;

    #[test]
    fn every_name_that_the_agent_uses_is_in_each_program() {
        let (config, start) = (Config::default(), Start::new(1448, 14_480));
        let interval = ReportEvery::Interval(Duration::from_millis(1));
        for recovery in Recovery::ALL {
            for report in [ReportEvery::Rtt, ReportEvery::Ack, interval] {
                let compiled = Compiler::new().compile(recovery.source(report)).unwrap();
                let told = compiled.scope.get("Report.undone").is_some();
                assert_eq!(told, recovery == Recovery::Told);
                let scope = Scope::new(ProgramUid(1), compiled.scope);
                Program::resolve(&scope, recovery, &config).unwrap();
                for (name, _) in first_fields(recovery, report, &config, start) {
                    scope.control(name).unwrap();
                }
            }
        }
    }
}
