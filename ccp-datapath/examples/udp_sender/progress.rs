//! What the user sees: a line each half second on stderr, and the result.

use std::fmt::Display;
use std::time::{Duration, Instant};

use ccp_datapath::{Datapath, Governor};

use crate::control::Control;
use crate::flight::{Flight, News};
use crate::packet::PACKET_LEN;

/// Counts what happens, and shows it now and then.
pub(crate) struct Progress {
    started: Instant,
    next: Instant,
    total: Span,
    shown: Span,
    rtt_max: Duration,
    acks_under_agent: u64,
    acks: u64,
    timeouts: u64,
    notes: u64,
    ended: Option<Result>,
}

/// Sums from which means over a stretch of time are made.
#[derive(Clone, Copy, Default)]
struct Span {
    at: Duration,
    arrived: u64,
    rtt_sum: Duration,
    rtts: u32,
    lost: u64,
}

/// The result of a run.
#[derive(Clone, Debug)]
struct Result {
    seconds: f64,
    bytes: u64,
    throughput_mbit: f64,
    rtt_min_ms: f64,
    rtt_mean_ms: f64,
    rtt_max_ms: f64,
    lost: u64,
    timeouts: u64,
    cwnd: u64,
    governor: &'static str,
    agent_share: f64,
    decisions: u64,
    takeovers: u64,
    updates: u64,
    reports: u64,
    fallbacks: u64,
    refused: u64,
}

impl Progress {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            started: now,
            next: now + EVERY,
            total: Span::default(),
            shown: Span::default(),
            rtt_max: Duration::ZERO,
            acks_under_agent: 0,
            acks: 0,
            timeouts: 0,
            notes: 0,
            ended: None,
        }
    }

    pub(crate) fn count(&mut self, news: &News, governor: Governor) {
        self.acks += 1;
        self.acks_under_agent += u64::from(governor == Governor::Agent);
        self.total.lost += news.lost;
        self.timeouts += u64::from(news.timeout);
        if let Some(rtt) = news.rtt {
            self.total.rtt_sum += rtt;
            self.total.rtts += 1;
            self.rtt_max = self.rtt_max.max(rtt);
        }
    }

    /// Tells of something odd, but not without end.
    pub(crate) fn note(&mut self, what: &dyn Display) {
        self.notes += 1;
        if self.notes <= MOST_NOTES {
            eprintln!("refused a message of the agent: {what}");
        }
    }

    pub(crate) fn show_if_due(
        &mut self,
        now: Instant,
        flight: &Flight,
        control: &Control,
        datapath: &Datapath,
    ) {
        if now < self.next {
            return;
        }
        self.next += EVERY * (1 + ((now - self.next).as_millis() / EVERY.as_millis()) as u32);
        self.total.arrived = flight.arrived();
        self.total.at = now.saturating_duration_since(self.started);
        let (from, to) = (self.shown, self.total);
        let stats = datapath.stats();
        eprintln!(
            "{:5.1} s  {:7.2} Mbit/s  rtt {:6.1} ms  cwnd {:4} packets  lost {:3}  {} governs ({} decisions, {} updates, {} reports)",
            to.at.as_secs_f64(),
            mbit(to.arrived - from.arrived, to.at - from.at),
            ms((to.rtt_sum - from.rtt_sum).checked_div(to.rtts - from.rtts).unwrap_or_default()),
            control.cwnd / PACKET_LEN as u64,
            to.lost - from.lost,
            who(control.governor),
            control.decisions,
            stats.updates + stats.changes,
            stats.reports,
        );
        self.shown = self.total;
    }

    pub(crate) fn finish(
        &mut self,
        now: Instant,
        flight: &Flight,
        control: &Control,
        datapath: &Datapath,
    ) {
        let (total, stats) = (self.total, datapath.stats());
        let lasted = now.saturating_duration_since(self.started);
        let refused = stats.refused;
        self.ended = Some(Result {
            seconds: lasted.as_secs_f64(),
            bytes: flight.arrived() * PACKET_LEN as u64,
            throughput_mbit: mbit(flight.arrived(), lasted),
            rtt_min_ms: ms(flight.rtt.min.unwrap_or_default()),
            rtt_mean_ms: ms(total.rtt_sum.checked_div(total.rtts).unwrap_or_default()),
            rtt_max_ms: ms(self.rtt_max),
            lost: total.lost,
            timeouts: self.timeouts,
            cwnd: control.cwnd,
            governor: who(control.governor),
            agent_share: self.acks_under_agent as f64 / self.acks.max(1) as f64,
            decisions: control.decisions,
            takeovers: control.takeovers,
            updates: stats.updates + stats.changes,
            reports: stats.reports,
            fallbacks: stats.fallbacks,
            refused: refused.malformed
                + refused.misdirected
                + refused.invalid_program
                + refused.missing_primitive
                + refused.table_full
                + refused.report_too_long
                + refused.unknown_flow
                + refused.closed_flow
                + refused.unknown_program
                + refused.not_settable,
        });
    }

    /// Shows the result: in words on stderr, or as JSON on stdout.
    pub(crate) fn show_result(&self, json: bool) {
        let Some(r) = &self.ended else {
            return;
        };
        if json {
            // Numbers and fixed words only: nothing in it needs escaping.
            println!(
                "{{\"schema\":1,\"seconds\":{:.3},\"bytes\":{},\"throughput_mbit\":{:.3},\"rtt_min_ms\":{:.3},\
                 \"rtt_mean_ms\":{:.3},\"rtt_max_ms\":{:.3},\"lost\":{},\"timeouts\":{},\"cwnd\":{},\"governor\":\"{}\",\
                 \"agent_share\":{:.4},\"decisions\":{},\"takeovers\":{},\"updates\":{},\"reports\":{},\"fallbacks\":{},\
                 \"refused\":{}}}",
                r.seconds,
                r.bytes,
                r.throughput_mbit,
                r.rtt_min_ms,
                r.rtt_mean_ms,
                r.rtt_max_ms,
                r.lost,
                r.timeouts,
                r.cwnd,
                r.governor,
                r.agent_share,
                r.decisions,
                r.takeovers,
                r.updates,
                r.reports,
                r.fallbacks,
                r.refused,
            );
        }
        eprintln!(
            "{:.1} s in all: {:.2} Mbit/s, rtt {:.1} ms (least {:.1}), {} lost, {} timeouts; the agent governed {:.0} % of the \
             ACKs with {} decisions",
            r.seconds,
            r.throughput_mbit,
            r.rtt_mean_ms,
            r.rtt_min_ms,
            r.lost,
            r.timeouts,
            r.agent_share * 100.0,
            r.decisions,
        );
    }
}

fn who(governor: Governor) -> &'static str {
    match governor {
        Governor::Agent => "agent",
        Governor::Transport => "transport",
        Governor::Fallback => "fallback",
    }
}

fn mbit(packets: u64, time: Duration) -> f64 {
    (packets * PACKET_LEN as u64 * 8) as f64 / time.as_secs_f64().max(1e-6) / 1e6
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

const EVERY: Duration = Duration::from_millis(500);
const MOST_NOTES: u64 = 5;
