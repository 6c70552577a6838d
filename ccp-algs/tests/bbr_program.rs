//! BBR's datapath program: what it takes of a datapath, and what it does by itself between two words of the agent.

use std::time::Duration;

use ccp_algs::{BbrAlg, ReportEvery};
use ccp_lang::{
    Bounds, Call, Compiled, Compiler, Diagnostic, Micros, Primitive, Primitives, Program,
    Registers, Scope, Severity, Staged,
};
use ccp_runtime::CongAlg;
use ccp_sim::AgentSocket;

const MSS: u64 = 1000;

/// The program's names: where the transport says that it repairs losses, and where it does not.
const TOLD: &str = "bbr";
const INFERRED: &str = "bbr-inferred";

/// The variant's text.
fn source(name: &str, report: ReportEvery) -> String {
    let alg = BbrAlg::default().report(report);
    let programs = <BbrAlg as CongAlg<AgentSocket>>::datapath_programs(&alg);
    let inferred = name == INFERRED;
    let (_, source) =
        programs.into_iter().find(|(name, _)| name.contains(INFERRED) == inferred).unwrap();
    source
}

fn compile(source: &str, primitives: u64) -> Compiled {
    Compiler::new().available(primitives).compile(source).unwrap()
}

#[test]
fn each_variant_fits_255_instructions_and_what_libccp_has() {
    let interval = ReportEvery::Interval(Duration::from_millis(10));
    for report in [ReportEvery::Rtt, ReportEvery::Ack, interval] {
        for name in [TOLD, INFERRED] {
            for primitives in [Primitive::BASE_MASK, u64::MAX] {
                let compiled = compile(&source(name, report), primitives);
                // Variables that only the agent sets are noted, and meant.
                let warned = |diagnostic: &Diagnostic| diagnostic.severity > Severity::Note;
                let warnings = &compiled.warnings;
                assert!(!warnings.iter().any(warned), "{name}, {report}: {warnings}");
                assert_eq!(compiled.program.primitives() & !primitives, 0);
                let bounds = Bounds::of(&compiled.program);
                assert!(bounds.instrs <= 255, "{name}, {report}: {bounds:?}");
                assert!(bounds.temps <= 8 && bounds.locals <= 8, "{name}, {report}: {bounds:?}");
            }
        }
    }
}

/// A datapath of one flow that does as it is told.
struct Flow {
    program: Program,
    scope: Scope,
    registers: Registers,
    staged: Staged,
    cwnd: u64,
    rate: u64,
    now: u64,
    switched: bool,
    reports: Vec<Vec<u64>>,
}

/// What the agent says in PROBE_BW on a path of 10 MB/s and 10 ms, which holds 100 segments, with nothing extra in the
/// window.
const CRUISING: &[(&str, u64)] = &[
    ("mode", 2),
    ("bw", 10_000_000),
    ("rtprop", 10_000),
    ("pgain", 256),
    ("cgain", 512),
    ("full", 1),
    ("slack", 2 * MSS - 1),
    ("bursts", 2 * MSS - 1),
];

impl Flow {
    /// Under the variant that is told of recovery, with one report a round.
    fn new(cwnd: u64, fields: &[(&str, u64)]) -> Self {
        Self::with(TOLD, ReportEvery::Rtt, cwnd, fields)
    }

    fn with(name: &str, report: ReportEvery, cwnd: u64, fields: &[(&str, u64)]) -> Self {
        let primitives = if name == TOLD { u64::MAX } else { Primitive::BASE_MASK };
        let Compiled { program, scope, .. } = compile(&source(name, report), primitives);
        let mut flow = Self {
            program,
            scope,
            registers: Registers::new(Micros(0)),
            staged: Staged::default(),
            cwnd: cwnd * MSS,
            rate: 0,
            now: 0,
            switched: true,
            reports: Vec::new(),
        };
        flow.tell(&[("mss", MSS), ("pair", 2 * MSS), ("least", 4 * MSS), ("most", 1 << 38)]);
        flow.tell(fields);
        flow
    }

    fn tell(&mut self, fields: &[(&str, u64)]) {
        for (name, value) in fields {
            self.staged.set(self.scope.get(name).unwrap().reg, *value).unwrap();
        }
    }

    fn invoke(&mut self, primitives: &Primitives) {
        let call = Call {
            now: Micros(self.now),
            primitives,
            cwnd: self.cwnd,
            rate: self.rate,
            switched: core::mem::take(&mut self.switched),
            staged: &mut self.staged,
        };
        let reports = &mut self.reports;
        let outcome =
            self.program.invoke(&mut self.registers, call, |report| reports.push(report.to_vec()));
        assert_eq!(outcome.trap, None);
        self.cwnd = outcome.cwnd.unwrap_or(self.cwnd);
        self.rate = outcome.rate.unwrap_or(self.rate);
    }

    /// An ACK of one segment, `after` microseconds later, that leaves so many in flight; 10 MB/s, an RTT of 10 ms.
    fn ack(&mut self, after: u64, left: u64, more: impl Fn(Primitives) -> Primitives) {
        self.now += after;
        let primitives = Primitives::new()
            .with(Primitive::AckBytesAcked, MSS)
            .with(Primitive::AckPacketsAcked, 1)
            .with(Primitive::FlowBytesInFlight, left * MSS)
            .with(Primitive::FlowPacketsInFlight, left)
            .with(Primitive::FlowBytesPending, 1 << 24)
            .with(Primitive::FlowRateIncoming, 10_000_000)
            .with(Primitive::FlowRateOutgoing, 10_000_000)
            .with(Primitive::FlowRttSampleUs, 10_000);
        self.invoke(&more(primitives));
    }

    /// A retransmission timeout: all in flight is lost, and the transport's window is down to a segment.
    fn time_out(&mut self, lost: u64) {
        self.cwnd = MSS;
        let primitives = Primitives::new()
            .with(Primitive::FlowWasTimeout, 1)
            .with(Primitive::FlowRecovery, 3)
            .with(Primitive::AckLostPktsSample, lost);
        self.invoke(&primitives);
    }

    fn segments(&self) -> u64 {
        self.cwnd / MSS
    }

    /// What the rate is of 10 MB/s, in hundredths of a percent.
    fn gain(&self) -> u64 {
        self.rate / 1_000
    }

    fn variable(&self, name: &str) -> u64 {
        self.registers.get(self.scope.get(name).unwrap().reg).unwrap()
    }

    /// A field of the last report.
    fn last(&self, name: &str) -> u64 {
        let index = self.scope.reports().position(|variable| variable.name == name).unwrap();
        self.reports.last().unwrap()[index]
    }
}

fn as_is(primitives: Primitives) -> Primitives {
    primitives
}

fn lost(packets: u64) -> impl Fn(Primitives) -> Primitives {
    move |ack| ack.with(Primitive::AckLostPktsSample, packets)
}

fn repairing(ack: Primitives) -> Primitives {
    ack.with(Primitive::FlowRecovery, 2)
}

// The pulse.

/// The gains that it paces with from ACK to ACK, 100 us apart, and how many ACKs each holds for.
fn pulse(flow: &mut Flow, acks: u64, left: impl Fn(u64) -> u64) -> Vec<(u64, u64)> {
    let mut gains: Vec<(u64, u64)> = Vec::new();
    for _ in 0..acks {
        let left = left(flow.gain());
        flow.ack(100, left, as_is);
        match gains.last_mut() {
            Some((gain, count)) if *gain == flow.gain() => *count += 1,
            _ => gains.push((flow.gain(), 1)),
        }
    }
    gains
}

/// 99 % of 5/4, of 3/4 and of the bandwidth itself.
const UP: u64 = 12_375;
const DOWN: u64 = 7_425;
const EVEN: u64 = 9_900;

#[test]
fn the_pulse_takes_eight_phases_of_an_rtprop_each() {
    let mut flow = Flow::new(200, CRUISING);
    flow.tell(&[("phase", 0)]);
    // Enough in flight for 5/4 to end, and too much for 3/4 to end early.
    let gains = pulse(&mut flow, 1_000, |_| 140);
    assert_eq!(&gains[1..4], [(DOWN, 101), (EVEN, 606), (UP, 101)], "{gains:?}");
    assert_eq!(gains[0].0, UP);
}

#[test]
fn five_quarters_last_until_as_much_is_in_flight_or_something_is_lost() {
    let mut flow = Flow::new(200, CRUISING);
    flow.tell(&[("phase", 0)]);
    // 5/4 of a hundred, two for rounding up and two for the phase; the ACK's own segment counts.
    assert_eq!(pulse(&mut flow, 500, |_| 126), [(UP, 500)]);
    flow.ack(100, 127, as_is);
    flow.ack(100, 127, as_is);
    assert_eq!(flow.gain(), DOWN);

    let mut flow = Flow::new(200, CRUISING);
    flow.tell(&[("phase", 0)]);
    assert_eq!(pulse(&mut flow, 500, |_| 110), [(UP, 500)]);
    flow.ack(100, 110, lost(1));
    flow.ack(100, 110, as_is);
    assert_eq!(flow.gain(), DOWN);
}

#[test]
fn three_quarters_end_early_once_in_flight_is_what_the_path_holds() {
    let mut flow = Flow::new(200, CRUISING);
    flow.tell(&[("phase", 1)]);
    assert_eq!(pulse(&mut flow, 50, |_| 102), [(DOWN, 50)]);
    // 100 and the room for rounding up, before this ACK.
    flow.ack(100, 99, as_is);
    flow.ack(100, 99, as_is);
    assert_eq!(flow.gain(), EVEN);
}

#[test]
fn a_new_mode_begins_a_new_phase() {
    let mut flow = Flow::new(200, CRUISING);
    flow.tell(&[("mode", 1)]);
    pulse(&mut flow, 99, |_| 140);
    flow.tell(&[("mode", 2), ("phase", 0)]);
    let gains = pulse(&mut flow, 300, |_| 140);
    assert_eq!(gains[..2], [(UP, 102), (DOWN, 101)], "{gains:?}");
}

#[test]
fn without_a_phase_there_is_no_pulse() {
    let mut flow = Flow::new(200, CRUISING);
    assert_eq!(pulse(&mut flow, 3_000, |_| 140), [(EVEN, 3_000)]);
}

#[test]
fn with_nothing_in_flight_the_next_packets_are_paced_at_gain_one() {
    for phase in 0..8 {
        let mut flow = Flow::new(200, CRUISING);
        flow.tell(&[("phase", phase)]);
        flow.ack(100, 140, as_is);
        flow.ack(100, 0, as_is);
        assert_eq!(flow.gain(), EVEN);
    }
}

// Rates and the model.

#[test]
fn the_first_rate_is_the_high_gain_of_a_window_a_round_trip() {
    let mut flow = Flow::new(10, &[]);
    flow.ack(100, 9, |ack| ack.with(Primitive::FlowRateIncoming, 1));
    // 739/256 · 0.99 · ten segments in 10 ms.
    assert_eq!(flow.rate, 2_857_851);
    // It is not the transport's own rate that counts.
    let mut flow = Flow::new(10, &[]);
    flow.rate = u64::from(u32::MAX);
    flow.ack(100, 9, |ack| ack.with(Primitive::FlowRateIncoming, 1));
    assert_eq!(flow.rate, 2_857_851);
}

#[test]
fn before_the_pipe_is_full_the_rate_only_rises() {
    let mut flow = Flow::new(10, &[]);
    let mut before = 0;
    for rate in [1_000_000, 3_000_000, 2_000_000, 5_000_000, 1_000_000] {
        flow.ack(100, 9, |ack| ack.with(Primitive::FlowRateIncoming, rate));
        flow.tell(&[("bw", rate)]);
        assert!(flow.rate >= before, "{rate}");
        before = flow.rate;
    }
    assert_eq!(flow.rate, 14_289_257);
    flow.tell(&[("bw", 1_000_000), ("full", 1)]);
    flow.ack(100, 9, |ack| ack.with(Primitive::FlowRateIncoming, 1_000_000));
    assert_eq!(flow.rate, 2_857_851);
}

#[test]
fn a_sample_is_the_smaller_of_both_rates_and_raises_the_bandwidth_at_once() {
    let mut flow = Flow::new(200, CRUISING);
    flow.ack(100, 100, |ack| ack.with(Primitive::FlowRateIncoming, 12_000_000));
    assert_eq!(flow.variable("bw"), 10_000_000);
    let both = |ack: Primitives| {
        let ack = ack.with(Primitive::FlowRateOutgoing, 13_000_000);
        ack.with(Primitive::FlowRateIncoming, 12_000_000)
    };
    flow.ack(100, 100, both);
    assert_eq!((flow.variable("bw"), flow.gain()), (12_000_000, 11_880));
    // A policer's bandwidth is told as the most.
    flow.tell(&[("bw", 4_000_000), ("most", 4_000_000)]);
    flow.ack(100, 100, both);
    assert_eq!((flow.variable("bw"), flow.gain()), (4_000_000, 3_960));
}

#[test]
fn samples_that_the_application_held_back_are_told_apart() {
    let rate = |rate| move |ack: Primitives| ack.with(Primitive::FlowRateIncoming, rate);
    let mut flow = Flow::new(200, CRUISING);
    flow.ack(100, 50, rate(7_000_000));
    assert_eq!((flow.last("Report.rate"), flow.last("Report.held")), (7_000_000, 0));
    flow.ack(100, 50, rate(6_000_000));
    flow.ack(100, 50, |ack| rate(9_000_000)(ack).with(Primitive::FlowAppLimited, 1));
    while flow.reports.len() < 2 {
        flow.ack(100, 50, rate(5_000_000));
    }
    assert_eq!(
        ["rate", "peak", "held"].map(|field| flow.last(&format!("Report.{field}"))),
        [6_000_000, 9_000_000, 1]
    );
}

#[test]
fn without_the_mark_all_that_is_pending_in_flight_below_the_window_means_held_back() {
    let held = |pending: u64, left: u64| {
        let mut flow = Flow::with(INFERRED, ReportEvery::Rtt, 100, CRUISING);
        flow.ack(100, left, |ack| ack.with(Primitive::FlowBytesPending, pending * MSS));
        flow.last("Report.held") == 1
    };
    assert!(held(50, 50));
    assert!(!held(51, 50), "more waits to be sent");
    assert!(!held(100, 100), "the window is full");
}

#[test]
fn an_ack_that_delivers_nothing_samples_nothing() {
    let mut flow = Flow::with(TOLD, ReportEvery::Ack, 100, CRUISING);
    flow.ack(100, 50, |ack| ack.with(Primitive::AckPacketsAcked, 0));
    assert_eq!((flow.last("Report.rate"), flow.last("Report.peak")), (0, 0));
}

// Rounds.

#[test]
fn a_round_ends_when_more_is_delivered_or_lost_than_was_in_flight_when_it_began() {
    let mut flow = Flow::new(200, CRUISING);
    flow.ack(100, 50, as_is);
    assert_eq!(flow.reports.len(), 1, "the first ACK begins the first round");
    for _ in 0..50 {
        flow.ack(100, 30, as_is);
    }
    assert_eq!(flow.reports.len(), 1);
    flow.ack(100, 30, as_is);
    assert_eq!((flow.reports.len(), flow.last("Report.round")), (2, 1));
    assert_eq!(flow.last("Report.delivered"), 51 * MSS);
    // Losses count as well, and are reported at once.
    flow.ack(100, 20, lost(10));
    assert_eq!((flow.last("Report.round"), flow.last("Report.lost")), (0, 10 * MSS));
    for _ in 0..19 {
        flow.ack(100, 20, as_is);
    }
    assert_eq!(flow.reports.len(), 3);
    flow.ack(100, 20, as_is);
    assert_eq!((flow.reports.len(), flow.last("Report.round")), (4, 1));
    assert_eq!((flow.last("Report.delivered"), flow.last("Report.lost")), (20 * MSS, 0));
}

#[test]
fn reports_come_once_a_round_with_every_ack_or_at_an_interval() {
    let reports = |report| {
        // The program is told the interval, if there is one.
        let every = match report {
            ReportEvery::Interval(every) => vec![("every", every.as_micros() as u64)],
            _ => vec![],
        };
        let mut flow = Flow::with(TOLD, report, 200, CRUISING);
        flow.tell(&every);
        for _ in 0..1_010 {
            flow.ack(100, 100, as_is);
        }
        flow.reports.len()
    };
    assert_eq!(reports(ReportEvery::Rtt), 10, "each hundred and one ACKs");
    assert_eq!(reports(ReportEvery::Ack), 1_010);
    let millis = |ms| ReportEvery::Interval(Duration::from_millis(ms));
    // Those, and one each eleventh ACK.
    assert!((91..=101).contains(&reports(millis(1))), "{}", reports(millis(1)));
    assert_eq!(reports(millis(1_000)), 10, "the end of a round is always news");
}

// The window.

#[test]
fn a_full_pipes_window_grows_by_what_is_acknowledged_up_to_its_target_and_falls_to_it() {
    let mut flow = Flow::new(150, CRUISING);
    for n in 1..=50 {
        flow.ack(100, 100, as_is);
        assert_eq!(flow.segments(), 150 + n);
    }
    // Twice a hundred, and what rounding up makes of that.
    for _ in 0..10 {
        flow.ack(100, 100, as_is);
    }
    assert_eq!(flow.segments(), 200);
    flow.tell(&[("slack", 12 * MSS)]);
    for _ in 0..30 {
        flow.ack(100, 100, as_is);
    }
    assert_eq!(flow.segments(), 212, "bursts and ACK aggregation");
    flow.tell(&[("phase", 0)]);
    for _ in 0..30 {
        flow.ack(100, 100, as_is);
    }
    assert_eq!(flow.segments(), 214, "and a pair in the phase that probes");
    flow.tell(&[("phase", 9), ("bw", 10_000_000), ("cgain", 256), ("slack", 0)]);
    flow.ack(100, 100, as_is);
    assert_eq!(flow.segments(), 100);
}

#[test]
fn before_the_pipe_is_full_the_window_grows_below_its_target_and_never_falls() {
    let mut flow = Flow::new(10, &[]);
    for _ in 0..100 {
        flow.ack(100, 9, |ack| ack.with(Primitive::FlowRateIncoming, 1));
    }
    assert_eq!(flow.segments(), 20, "the first ten packets in any case");
    for _ in 0..500 {
        flow.ack(100, 9, as_is);
    }
    // 739/256 of a hundred, rounded down without slack, and what the last ACK adds.
    assert_eq!(flow.segments(), 288);
    flow.tell(&[("bw", 1_000_000)]);
    flow.ack(100, 9, |ack| ack.with(Primitive::FlowRateIncoming, 1_000_000));
    assert_eq!(flow.segments(), 288);
}

#[test]
fn the_least_window_is_four_segments() {
    let mut flow = Flow::new(10, CRUISING);
    flow.tell(&[("bw", 1), ("slack", 0)]);
    for _ in 0..20 {
        flow.ack(100, 1, |ack| ack.with(Primitive::FlowRateIncoming, 1));
    }
    assert_eq!(flow.segments(), 4);
    flow.ack(100, 1, |ack| {
        let ack = ack.with(Primitive::FlowRateIncoming, 1);
        ack.with(Primitive::AckLostPktsSample, 9)
    });
    assert_eq!(flow.segments(), 4);
}

#[test]
fn each_loss_takes_its_segments_from_the_window_first() {
    let mut flow = Flow::new(150, CRUISING);
    flow.ack(100, 100, as_is);
    // Repairing since before this program: nothing is conserved.
    flow.ack(100, 100, lost(40));
    assert_eq!(flow.segments(), 151 - 40 + 1);
}

// Recovery.

#[test]
fn the_first_round_of_recovery_conserves_packets_and_the_next_one_grows() {
    let mut flow = Flow::new(200, CRUISING);
    flow.ack(100, 199, as_is);
    flow.ack(100, 150, |ack| repairing(lost(48)(ack)));
    assert_eq!(flow.segments(), 151, "in flight and what was acknowledged");
    // Each ACK lets as much go as it acknowledges, however little is in flight.
    for left in (1..150).rev() {
        flow.ack(100, left, repairing);
        assert_eq!(flow.segments(), 151);
    }
    flow.ack(100, 120, repairing);
    // A round is over, and from now on an ACK lets two go for each one.
    let before = flow.segments();
    for n in 1..=20 {
        flow.ack(100, 120, repairing);
        assert!(flow.segments() >= before + n);
    }
}

#[test]
fn conservation_goes_below_the_least_window() {
    let mut flow = Flow::new(190, CRUISING);
    flow.ack(100, 100, as_is);
    flow.ack(100, 1, |ack| repairing(lost(99)(ack)));
    assert_eq!(flow.segments(), 2);
}

#[test]
fn the_window_comes_back_with_the_end_of_recovery() {
    let mut flow = Flow::new(190, CRUISING);
    flow.ack(100, 189, as_is);
    flow.ack(100, 100, |ack| repairing(lost(88)(ack)));
    assert_eq!(flow.segments(), 101);
    flow.ack(100, 100, repairing);
    flow.ack(100, 100, as_is);
    assert_eq!(flow.segments(), 192, "191 from before, and a segment acknowledged");
}

#[test]
fn ecn_is_no_matter_for_it() {
    let run = |marked: bool| {
        let mut flow = Flow::new(190, CRUISING);
        for _ in 0..200 {
            flow.ack(100, 100, |ack| {
                let marks = u64::from(marked);
                let ack = ack.with(Primitive::AckEcnBytes, marks * MSS);
                ack.with(Primitive::AckEcnPackets, marks).with(Primitive::FlowRecovery, marks)
            });
        }
        (flow.cwnd, flow.rate, flow.reports.len())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn timeouts_in_a_row_leave_a_segment_each_and_the_window_from_before_comes_back_at_the_end() {
    for name in [TOLD, INFERRED] {
        let mut flow = Flow::with(name, ReportEvery::Rtt, 190, CRUISING);
        flow.ack(100, 189, as_is);
        flow.time_out(189);
        assert_eq!((flow.segments(), flow.last("Report.timeout")), (1, 1), "{name}");
        let loss = |ack: Primitives| ack.with(Primitive::FlowRecovery, 3);
        for n in 1..=20 {
            flow.ack(100, n, loss);
            // The first one brings it to the least window.
            assert_eq!(flow.segments(), 3 + n, "{name}");
        }
        // Another timeout forgets nothing of the window before the first.
        flow.time_out(20);
        assert_eq!(flow.segments(), 1, "{name}");
        for n in 1..=10 {
            flow.ack(100, n, loss);
        }
        assert_eq!(flow.segments(), 13, "{name}");
        if name == TOLD {
            flow.ack(100, 10, as_is);
            assert_eq!(flow.segments(), 192);
        }
    }
}

#[test]
fn a_transport_that_says_nothing_is_in_recovery_from_a_loss_for_a_round() {
    let mut flow = Flow::with(INFERRED, ReportEvery::Rtt, 190, CRUISING);
    flow.ack(100, 189, as_is);
    flow.ack(100, 100, lost(88));
    assert_eq!(flow.segments(), 101);
    // What is lost within the round changes nothing.
    for _ in 0..99 {
        flow.ack(100, 100, as_is);
    }
    assert_eq!(flow.segments(), 101);
    flow.ack(100, 100, as_is);
    flow.ack(100, 100, as_is);
    assert!(flow.segments() >= 191, "{}", flow.segments());
    // The next loss is another one.
    flow.ack(100, 100, lost(60));
    assert_eq!(flow.segments(), 101);
}

#[test]
fn an_inferred_recovery_lasts_as_long_as_losses_go_on() {
    let mut flow = Flow::with(INFERRED, ReportEvery::Rtt, 190, CRUISING);
    flow.ack(100, 189, as_is);
    flow.ack(100, 100, lost(88));
    for _ in 0..99 {
        flow.ack(100, 100, as_is);
    }
    // The ACK that ends the round shows a loss: no restoring yet, but growth.
    flow.ack(100, 100, lost(2));
    assert!((99..=103).contains(&flow.segments()), "{}", flow.segments());
    for _ in 0..101 {
        flow.ack(100, 100, as_is);
    }
    assert!(flow.segments() >= 191, "{}", flow.segments());
}

#[test]
fn the_first_repair_after_a_timeout_is_not_over_with_its_first_ack() {
    let mut flow = Flow::with(INFERRED, ReportEvery::Rtt, 190, CRUISING);
    flow.ack(100, 189, as_is);
    flow.time_out(189);
    flow.ack(100, 1, as_is);
    flow.ack(100, 2, as_is);
    assert_eq!(flow.segments(), 5);
}

#[test]
fn an_undone_reduction_is_told_and_leaves_the_window() {
    let mut flow = Flow::new(190, CRUISING);
    flow.ack(100, 189, as_is);
    flow.ack(100, 100, |ack| repairing(lost(88)(ack)));
    flow.ack(100, 100, |ack| ack.with(Primitive::FlowUndone, 1));
    assert_eq!((flow.segments(), flow.last("Report.undone")), (192, 1));
}

// PROBE_RTT and DRAIN.

#[test]
fn probe_rtt_says_when_four_packets_are_in_flight_and_the_window_comes_back_after_it() {
    let mut flow = Flow::new(190, CRUISING);
    flow.ack(100, 189, as_is);
    flow.tell(&[("mode", 3), ("cgain", 256)]);
    let mut reported = flow.reports.len();
    for left in (5..150).rev() {
        flow.ack(100, left, as_is);
        assert_eq!(flow.segments(), 4);
    }
    reported = flow.reports.len().max(reported);
    assert_eq!(flow.last("Report.done"), 0);
    for n in 1..=10 {
        flow.ack(2_500, 4, as_is);
        assert_eq!((flow.reports.len(), flow.last("Report.done")), (reported + n, 1));
        assert_eq!(flow.last("Report.mode"), 3);
    }
    flow.tell(&[("mode", 2), ("cgain", 512)]);
    flow.ack(100, 4, as_is);
    assert_eq!(flow.segments(), 192);
}

#[test]
fn a_repair_within_probe_rtt_keeps_the_window_from_before_both() {
    let mut flow = Flow::new(190, CRUISING);
    flow.ack(100, 189, as_is);
    flow.tell(&[("mode", 3), ("cgain", 256)]);
    flow.ack(100, 150, as_is);
    flow.ack(100, 100, |ack| repairing(lost(20)(ack)));
    assert_eq!(flow.segments(), 4);
    flow.tell(&[("mode", 2), ("cgain", 512)]);
    flow.ack(100, 4, as_is);
    assert_eq!(flow.segments(), 192);
}

#[test]
fn drain_says_when_no_more_is_in_flight_than_the_path_holds() {
    let mut flow = Flow::new(280, CRUISING);
    flow.tell(&[("mode", 1), ("pgain", 88), ("cgain", 739)]);
    let done = |flow: &Flow| flow.last("Report.done");
    for left in (101..280).rev() {
        flow.ack(100, left, as_is);
        assert_eq!(done(&flow), 0, "{left}");
        assert_eq!(flow.gain(), 3_403);
    }
    flow.ack(100, 100, as_is);
    assert_eq!(done(&flow), 1);
}

// Idle, and ACKs in lumps.

#[test]
fn what_follows_an_idle_time_says_so_and_what_follows_a_timeout_does_not() {
    for name in [TOLD, INFERRED] {
        let mut flow = Flow::with(name, ReportEvery::Ack, 190, CRUISING);
        flow.ack(100, 3, as_is);
        for left in [2, 1, 0] {
            flow.ack(100, left, |ack| ack.with(Primitive::FlowBytesPending, left * MSS));
        }
        flow.ack(5_000_000, 9, |ack| ack.with(Primitive::FlowAppLimited, 1));
        assert_eq!(flow.last("Report.idle"), 1, "{name}");
        flow.time_out(9);
        flow.ack(100, 1, |ack| ack.with(Primitive::FlowRecovery, 3));
        assert_eq!(flow.last("Report.idle"), 0, "{name}");
    }
}

#[test]
fn what_comes_in_a_lump_beyond_the_bandwidth_is_the_excess() {
    let mut flow = Flow::new(200, CRUISING);
    // A segment each 100 us is what the bandwidth explains.
    for _ in 0..50 {
        flow.ack(100, 150, as_is);
    }
    assert!(flow.variable("Report.excess") <= MSS, "{}", flow.variable("Report.excess"));
    // A silence of 2 ms and then twenty-one at once: the first one ends the time before, the others are too many.
    flow.ack(2_000, 150, as_is);
    for _ in 0..20 {
        flow.ack(0, 150, as_is);
    }
    assert_eq!(flow.variable("Report.excess"), 21 * MSS);
}

#[test]
fn the_excess_is_counted_over_half_a_minute_at_most() {
    let mut flow = Flow::new(200, CRUISING);
    // Always a little ahead of the bandwidth, for a minute.
    for _ in 0..600 {
        flow.ack(100_000, 100, |ack| {
            let acked = ack.with(Primitive::AckPacketsAcked, 1_001);
            acked.with(Primitive::AckBytesAcked, 1_001 * MSS)
        });
        assert!(flow.variable("aggacked") <= 337_000 * MSS);
    }
}

#[test]
fn a_missing_rtt_sample_is_no_sample() {
    let mut flow = Flow::new(10, &[]);
    flow.ack(100, 9, |ack| ack.with(Primitive::FlowRttSampleUs, 0));
    assert_eq!(flow.last("Report.minrtt"), u64::from(u32::MAX));
    assert_eq!(flow.variable("rtprop"), (1 << 25) - 1);
}

#[test]
fn nothing_a_transport_may_say_makes_it_trap() {
    let extremes = [0, 1, MSS, u64::from(u32::MAX), 1 << 33];
    for name in [TOLD, INFERRED] {
        let mut flow = Flow::with(name, ReportEvery::Rtt, 10, &[("cgain", 2560), ("pgain", 2560)]);
        for round in 0..20_000usize {
            let pick = |n: usize| extremes[(round / 5usize.pow(n as u32 % 5) + n) % 5];
            let primitives = (0..14).fold(Primitives::new(), |primitives, n| {
                primitives.with(Primitive::from_index(n).unwrap(), pick(n as usize))
            });
            let primitives = primitives
                .with(Primitive::FlowWasTimeout, (round % 7 == 0).into())
                .with(Primitive::FlowAppLimited, (round % 3 == 0).into())
                .with(Primitive::FlowRecovery, round as u64 / 11 % 4)
                .with(Primitive::FlowUndone, (round % 13 == 0).into())
                .with(Primitive::FlowIdleUs, pick(3));
            flow.now += pick(2) >> 4;
            flow.cwnd = flow.cwnd.min(u64::from(u32::MAX));
            flow.tell(&[("mode", round as u64 / 17 % 4), ("full", round as u64 / 97 % 2)]);
            flow.invoke(&primitives);
            if round % 100 == 0 {
                flow.registers = Registers::new(Micros(0));
                flow.switched = true;
            }
        }
    }
}
